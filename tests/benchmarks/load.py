"""The clients: wrk for throughput, pusher for what must be sent once, at a fixed rate or with the time of day, rows for SQLite
alone, validate for the validation alone."""

import json
import os
from dataclasses import dataclass

from tests.benchmarks.process import Failure, program, run

CONNECTIONS = 64
HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Traffic:
    """One kind of request. In path and body {id} and {time} are filled per request; the pusher knows {party} too."""

    method: str
    path: str
    headers: tuple  # "Name: value"
    body: str = ""  # a file
    parties: tuple = ()  # of {party}, in turn
    check: str = "all"  # every answer's status_code; or "status": only its HTTP status (large pages)


@dataclass
class Rate:
    """What one run came to."""

    per_second: float
    cpu_us: float  # of the server, per request
    requests: int
    bytes: float
    p99_ms: float = 0  # 0: not measured


def last_json(name, output):
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise Failure(f"{name} printed no result:\n{output[-800:]}")
    return json.loads(lines[-1])


def wrk(server, port, traffic, seconds, prefix="W"):
    """Loads `server` (a Child) on its port for some seconds; a run with any failed answer is void."""
    environment = dict(
        os.environ,
        BENCH_METHOD=traffic.method,
        BENCH_PATH=traffic.path,
        BENCH_BODY=traffic.body,
        BENCH_PREFIX=prefix,
        BENCH_CHECK=traffic.check,
        BENCH_HEADERS="".join(f"{line}\r\n" for line in (f"Host: 127.0.0.1:{port}", *traffic.headers)),
    )
    before = server.cpu_seconds()
    output = run(
        "wrk",
        [program("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", f"{HERE}/client.lua",
         f"http://127.0.0.1:{port}/"],
        seconds + 20,
        environment,
    )
    result = last_json("wrk", output)
    server.check_alive()
    if result["failures"] or result["lost"] or not result["requests"]:
        raise Failure(
            f"{server.name}: void, {result['failures']} failed answers, {result['lost']} lost of {result['requests']}: "
            f"{result['first_failure']}"
        )
    return Rate(
        result["requests"] / result["seconds"],
        (server.cpu_seconds() - before) / result["requests"] * 1e6,
        result["requests"],
        result["bytes"],
        result["p99_us"] / 1000,
    )


def push(tools, port, traffic, count, prefix, rate=0, record="", start=0, cycle=0):
    """Sends each of `count` objects once, or that many to `cycle` objects in turn; a Failure when one is not answered with
    1000."""
    command = [f"{tools}/pusher", "--port", str(port), "--method", traffic.method, "--path", traffic.path]
    command += ["--body", traffic.body, "--count", str(count), "--from", str(start), "--prefix", prefix]
    command += ["--connections", str(CONNECTIONS)]
    if rate:
        command += ["--rate", str(rate)]
    if record:
        command += ["--record", record]
    if cycle:
        command += ["--cycle", str(cycle)]
    if traffic.parties:
        command += ["--parties", ",".join(traffic.parties)]
    for header in traffic.headers:
        command += ["--header", header]
    seconds = count / rate if rate else 120
    return last_json("pusher", run("pusher", command, seconds + 30))


def push_rate(tools, server, port, traffic, count, prefix, cycle):
    """A push to `cycle` objects in turn, as a Rate of `server` (a Child)."""
    before = server.cpu_seconds()
    result = push(tools, port, traffic, count, prefix, cycle=cycle)
    server.check_alive()
    return Rate(count / result["seconds"], (server.cpu_seconds() - before) / count * 1e6, count, 0)


def validate(tools, name, body):
    """Parses and validates a body (a file) as the object of that name, over and over."""
    return last_json("validate", run("validate", [f"{tools}/validate", "--object", name, "--body", body], 30))


def rows(tools, template, session, database, seconds, start):
    """Writes the rows of session pushes straight into SQLite."""
    command = [f"{tools}/rows", "--template", template, "--session", session, "--db", database]
    command += ["--seconds", str(seconds), "--commit", "64", "--from", str(start)]
    return last_json("rows", run("rows", command, seconds + 30))


class Times:
    """What a record (a file that grows) says of the ids that begin with `prefix`: `times`, {id: nanoseconds}, of which the
    first counts (delivery is at least once), and how many `repeats` there were."""

    def __init__(self, path, prefix=""):
        self.path, self.prefix = path, prefix
        self.times, self.repeats = {}, 0
        self.offset = 0

    def read(self):
        """What has come since; itself."""
        if not os.path.exists(self.path):
            return self
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            whole, newline, _ = file.read().rpartition(b"\n")
        self.offset += len(whole) + len(newline)
        for line in whole.decode("ascii").splitlines():
            identity, time = line.split()
            if not identity.startswith(self.prefix):
                continue
            self.repeats += identity in self.times
            self.times.setdefault(identity, int(time))
        return self
