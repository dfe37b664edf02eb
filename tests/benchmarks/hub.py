"""hubd on a fresh state with one CPO and one eMSP on board; and a stand-in for testing the driver without it."""

import base64
import concurrent.futures
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time

from tests.benchmarks import payloads
from tests.benchmarks.process import Child, Failure, free_port, run


DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def party_names(count):
    """So many ids of parties."""
    return [f"IN-{DIGITS[n // 1296]}{DIGITS[n // 36 % 36]}{DIGITS[n % 36]}" for n in range(count)]


def call(port, method, path, headers=(), body=None):
    """One request: (status, headers, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        fields = dict(header.split(": ", 1) for header in headers)
        connection.request(method, path, body, fields)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def good(answer, what):
    """The envelope of an answer that must be a success."""
    status, _, body = answer
    try:
        envelope = json.loads(body)
    except ValueError:
        envelope = {}
    if status not in (200, 201) or envelope.get("status_code") != 1000:
        raise Failure(f"{what}: HTTP {status} {body[:300]!r}")
    return envelope


def listens(path):
    """Whether somebody answers at that Unix socket: its file is there a moment sooner."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def environment():
    """Without what the caller's shell sets for a hub of its own."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("HUBD_", "HUBCTL_"))}


class Hub:
    """One hubd. `threads` 0: its default."""

    fake = False

    def __init__(self, setup, name, threads=0, settings=()):
        self.setup = setup
        self.name = name
        self.folder = os.path.join(setup.folder, name)
        self.socket = os.path.join(self.folder, "admin.sock")
        self.port = free_port()
        self.tokens = {}
        self.child = None
        os.makedirs(self.folder, mode=0o700)
        file = os.path.join(self.folder, "hubd.conf")
        with open(file, "w", encoding="ascii"):
            pass  # nothing but the command line and the defaults
        self.command = [f"{setup.programs}/hubd", "-c", file, "--foreground"]
        self.command += [f"--listen=127.0.0.1:{self.port}", f"--state_dir={self.folder}/state"]
        self.command += [f"--admin_socket={self.socket}", "--allow_networks=127.0.0.0/8"]
        self.command += ["--discovery=off", "--log_level=warn", *self.limits_off(), *settings]
        if threads:
            self.command += [f"--threads={threads}"]

    def limits_off(self):
        """Every rate limit that this hubd knows, set to unlimited, and the number of connections from one address: ours."""
        text = run("hubd --print-config", [f"{self.setup.programs}/hubd", "--print-config"], 20, environment())
        names = [line.lstrip("# ").split("=")[0].strip() for line in text.splitlines() if "=" in line]
        return [f"--{name}=0" for name in names if name.startswith("limit_") or name == "connections_per_address"]

    @property
    def pid(self):
        return self.child.pid

    def launch(self):
        os.makedirs(f"{self.folder}/state", mode=0o700, exist_ok=True)
        self.child = Child(f"hubd-{self.name}", self.command, self.folder, environment())

    def start(self):
        self.launch()
        self.child.wait_for_port(self.port)
        deadline = time.monotonic() + 10
        while not listens(self.socket):
            self.child.check_alive()
            if time.monotonic() > deadline:
                raise Failure(f"hubd made no admin socket:\n{self.child.log_tail()}")
            time.sleep(0.02)
        return self

    def start_timed(self):
        """Starts it; seconds until it first answers a partner, the CPO that asks for its versions."""
        headers = self.headers(payloads.CPO)
        started = time.monotonic()
        self.launch()
        while True:
            try:
                good(call(self.port, "GET", "/ocpi/versions", headers), "GET versions")
                return time.monotonic() - started
            except ConnectionError:
                self.child.check_alive()
                if time.monotonic() - started > 60:
                    raise Failure(f"hubd does not serve:\n{self.child.log_tail()}") from None
                time.sleep(0.002)

    def stop(self):
        if not self.child.stop():
            raise Failure(f"hubd did not end cleanly:\n{self.child.log_tail()}")

    def ctl(self, *arguments):
        command = [f"{self.setup.programs}/hubctl", "--socket", self.socket, *arguments]
        return run("hubctl " + " ".join(arguments[:2]), command, 30, environment()).strip()

    def ctl_all(self, method, parameters):
        """The admin request with each of these parameters, on one connection and without waiting in between: the results."""
        lines = [json.dumps({"jsonrpc": "2.0", "id": n, "method": method, "params": given}) + "\n" for n, given in enumerate(parameters)]
        results = []
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.socket)
            answers = client.makefile("rb")
            threading.Thread(target=client.sendall, args=("".join(lines).encode(),), daemon=True).start()
            for given in parameters:
                answer = json.loads(answers.readline())
                if "result" not in answer:
                    raise Failure(f"{method} {given}: {answer}")
                results.append(answer["result"])
        return results

    def headers(self, party):
        """Of a partner's request."""
        token = base64.b64encode(self.tokens[party].encode()).decode()
        return (f"Authorization: Token {token}", "Content-Type: application/json")

    def exchange(self, party, role, partner_port, token):
        """The partner's POST credentials with its initial token."""
        self.tokens[party] = token
        country, party_id = party.split("-")
        body = {
            "token": f"partner-token-of-{party}",
            "url": f"http://127.0.0.1:{partner_port}/ocpi/versions",
            "roles": [
                {
                    "role": role,
                    "country_code": country,
                    "party_id": party_id,
                    "business_details": {"name": f"Benchmark {role}"},
                }
            ],
        }
        answer = call(self.port, "POST", "/ocpi/2.2.1/credentials", self.headers(party), json.dumps(body))
        self.tokens[party] = good(answer, f"credentials exchange of {party}")["data"]["token"]

    def admit(self, party, role, port, modules=()):
        """A party on a platform of its own, exchanged, with the receivers of these modules only."""
        self.ctl("party", "add", party, "--role", role, "--name", f"Benchmark {role}")
        self.exchange(party, role, port, self.ctl("token", "issue", party))
        for module in modules:
            self.ctl("receiver", "set", party, module, f"http://127.0.0.1:{port}/ocpi/2.2.1/{module}")
        if role == "EMSP":
            self.ctl("rule", "enable", party, payloads.CPO)

    def admit_all(self, parties, role, port):
        """The same for many, without receivers and rules: admin requests on one connection, exchanges side by side."""
        self.ctl_all("party.add", [{"id": party, "roles": [role], "name": f"Benchmark {role}"} for party in parties])
        issued = self.ctl_all("token.issue", [{"id": party} for party in parties])
        with concurrent.futures.ThreadPoolExecutor(16) as pool:  # so that exchanges share commits
            list(pool.map(lambda party, answer: self.exchange(party, role, port, answer["token"]), parties, issued))

    def onboard(self, cpo_port, emsp_port, emsp_modules=()):
        """The CPO with its tokens receiver, the eMSP with receivers only as far as wanted, the rule enabled."""
        self.admit(payloads.CPO, "CPO", cpo_port, ("tokens",))
        self.admit(payloads.EMSP, "EMSP", emsp_port, emsp_modules)
        return self

    def status(self, party):
        return self.ctl("party", "show", party, "--field", "status")

    def pending(self, party):
        """Deliveries that wait for it."""
        queues = json.loads(self.ctl("status", "--json"))["queues"]
        return sum(queue["pending"] for queue in queues if queue["receiver"] == party)

    def copy_state(self, name):
        """Of a stopped hub: the path of a copy of its database."""
        target = os.path.join(self.setup.folder, name)
        shutil.copytree(f"{self.folder}/state", target)
        databases = [entry for entry in os.listdir(target) if entry.endswith(".db")]
        if len(databases) != 1:
            raise Failure(f"one database expected in the state folder, found {databases}")
        return os.path.join(target, databases[0])


class FakeHub(Hub):
    """The backend in hubd's place: enough of a hub for the driver to test itself. Its figures mean nothing."""

    fake = True

    def limits_off(self):
        return []

    def launch(self):
        one = payloads.location()
        page = ",".join(payloads.fill(one, f"{payloads.STORED_PREFIX}{number:010}") for number in range(50))
        path = os.path.join(self.folder, "page.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"data":[' + page + '],"status_code":1000,"timestamp":"2026-01-01T00:00:00.000Z"}')
        self.command = [f"{self.setup.tools}/backend", "--port", str(self.port), "--page", path]
        self.command += ["--record", self.setup.receipts]
        self.child = Child(f"fake-{self.name}", self.command, self.folder)

    def start(self):
        self.launch()
        self.child.wait_for_port(self.port)
        return self

    def ctl(self, *arguments):
        return "initial-token"

    def copy_state(self, name):
        """A database of the first migration with one row each in the tables of a session push."""
        import sqlite3

        path = os.path.join(self.setup.folder, f"{name}.db")
        database = sqlite3.connect(path)
        with open(self.setup.schema, encoding="utf-8") as schema:
            database.executescript(schema.read())
        body = payloads.session().replace("{id}", self.setup.template_session).encode()
        for table in ("object", "delivery", "audit"):
            values = {}
            for _, column, kind, *_ in database.execute(f"PRAGMA table_info({table})"):
                value = {"INTEGER": 1, "TEXT": "IN-ABC", "BLOB": b"0123456789abcdef"}[kind]
                if column in ("created", "time", "arrival", "last_updated"):
                    value = time.time_ns() // 1000000
                elif column.endswith("correlation_id"):
                    value = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
                elif column == "object" or (column == "id" and kind == "TEXT"):
                    value = self.setup.template_session
                elif column == "body" and table == "object":
                    value = body
                values[column] = value
            marks = ",".join("?" * len(values))
            database.execute(f"INSERT INTO {table} ({','.join(values)}) VALUES ({marks})", list(values.values()))
        database.commit()
        database.close()
        return path


def version(command):
    """The first line a program says about its version."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return "?"
    return (result.stdout + result.stderr).strip().splitlines()[0]
