"""The figures about hubctl: how soon a list of a thousand parties is there, and what a list of a hundred thousand rows takes."""

import json
import os
import re
import statistics
import subprocess
import time

from tests.benchmarks import load, payloads
from tests.benchmarks.common import Row
from tests.benchmarks.hub import environment, party_names
from tests.benchmarks.load import Traffic
from tests.benchmarks.process import Failure

PARTIES = 1000
LONGEST_MS = 30
FEW, ROWS = 1000, 100_000
SPARE_MIB = 16  # of hubd: what one stream may hold; all rows are more than twice that
TARIFF = {
    "country_code": "IN", "party_id": "ABC", "id": "{id}", "currency": "INR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 18.5, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}  # fmt: skip


def wall_ms(command):
    """From the start of the process to its end, its output to nowhere."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    started = time.perf_counter()
    child = os.posix_spawn(command[0], command, environment(), file_actions=nowhere)
    status = os.waitpid(child, 0)[1]
    elapsed = time.perf_counter() - started
    if status != 0:
        raise Failure(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return elapsed * 1000


def speed(setup, hub):
    """party list in turn with the least that a tool can do."""
    program = [f"{setup.programs}/hubctl", "--socket", hub.socket]
    sides = {
        "party list": [*program, "party", "list"],
        "party list --json": [*program, "--json", "party", "list"],
        "version": [*program, "version"],
        "caller": [f"{setup.tools}/caller", hub.socket],
    }
    times = {name: [] for name in sides}
    for _ in range(40 * setup.rounds):
        for name, command in sides.items():
            times[name].append(wall_ms(command))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    slowest = statistics.quantiles(times["party list"], n=20)[-1]
    setup.notes.append(
        f"hubctl: median of {40 * setup.rounds} runs in turn, output to /dev/null: "
        + ", ".join(f"{name} {median:.1f} ms" for name, median in medians.items())
        + f"; p95 of party list {slowest:.1f} ms. caller is a C program that connects, asks for the version and prints the answer."
    )
    taken, least = medians["party list"], medians["caller"]
    return Row(
        f"hubctl party list, {PARTIES} parties", f"{taken:.1f} ms", f"process and round trip {least:.1f} ms", f"{taken / least:.1f}",
        f"under {LONGEST_MS} ms", taken < LONGEST_MS,
    )  # fmt: skip


def add_rows(setup, hub):
    """A hundred thousand audit rows: a push each."""
    body = setup.file("tariff.json", json.dumps(TARIFF, separators=(",", ":")))
    traffic = Traffic("PUT", "/ocpi/2.2.1/tariffs/IN/ABC/{id}", hub.headers(payloads.CPO), body)
    result = load.push(setup.tools, hub.port, traffic, ROWS, "BENCHTAR", cycle=100)
    setup.say(f"  {ROWS} audit rows in {result['seconds']:.1f} s")


def peak_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status.read(), re.M)[1]) / 1024


def list_rows(setup, hub, count):
    """Reads that many audit rows from hubctl; its peak, looked at when it has only a pipe's fill left to write."""
    command = [f"{setup.programs}/hubctl", "--socket", hub.socket, "--json", "audit", "tail", "-n", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as child:
        for _ in range(count - 1):
            if not child.stdout.readline():
                raise Failure(f"hubctl listed fewer than {count} rows")
        peak = peak_mib(child.pid)
        if not child.stdout.readline() or child.stdout.readline() or child.wait(10) != 0:
            raise Failure(f"hubctl did not list {count} rows")
    return peak


def memory(setup, hub):
    """What both programs hold at most while a long list goes through them, against a short one."""
    hub.stop()  # what loading took is none of this
    hub.start()
    few = list_rows(setup, hub, FEW)
    before = hub.child.memory_mib("VmHWM")
    started = time.monotonic()
    many = list_rows(setup, hub, ROWS)
    seconds, grown = time.monotonic() - started, hub.child.memory_mib("VmHWM") - before
    setup.notes.append(f"hubctl audit tail -n {ROWS}: {ROWS / seconds:,.0f} rows/s; hubd's peak grew by {grown:.1f} MiB, may by {SPARE_MIB}.")
    return [
        Row(f"hubctl audit tail, {ROWS} rows, memory", f"peak {many:.1f} MiB", f"{FEW} rows {few:.1f} MiB", f"{many / few:.2f}",
            "at most 1.20", many / few <= 1.2 and grown <= SPARE_MIB),
    ]  # fmt: skip


def hubctl(setup):
    """hubctl's speed and memory."""
    if setup.fake:
        return []  # the stand-in has no admin socket
    _, backend = setup.backend("hubctl-partners")
    hub = setup.hub("hubctl").start().onboard(backend, backend)
    started = time.monotonic()
    hub.ctl_all("party.add", [{"id": name, "roles": ["EMSP"], "name": f"Mobility {name}"} for name in party_names(PARTIES - 2)])
    setup.say(f"  {PARTIES} parties registered in {time.monotonic() - started:.1f} s")
    rows = [speed(setup, hub)]
    add_rows(setup, hub)
    rows += memory(setup, hub)
    hub.stop()
    return rows
