"""What the end-to-end tests stand on: a hubd process, hubctl calls, waiting with a deadline.

No test lets time pass by itself: it waits for an event (a request that a platform received, a state that hubctl
reports, a line in a log) and fails at a deadline.
"""

import base64
import fcntl
import itertools
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.e2e.documented import Documented
from tests.sim import Journal, Party, Platform

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("HUB_BIN", ROOT / "build" / "bin")).resolve()
LONG = bool(os.environ.get("HUB_LONG"))
SLOW = float(os.environ.get("HUB_SLOW", "1"))  # factor on deadlines, for sanitizer builds
DEADLINE = 10 * SLOW
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|LeakSanitizer")
STDERR_SHOWN = 150
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def eventually(probe, what, seconds=None):
    """Asks `probe` until it returns something true, and returns that; fails at the deadline, telling the last answer."""
    end = time.monotonic() + (seconds or DEADLINE)
    tick = threading.Event()
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within the deadline; last answer {value!r}")
        tick.wait(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(address):
    """Whether somebody listens there: a (host, port) pair or the path of a Unix socket."""
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as probe:
        probe.settimeout(2)
        return probe.connect_ex(address if isinstance(address, tuple) else str(address)) == 0


def hub_time(platform):
    """The hub's clock, as its answers tell it."""
    return platform.get("/ocpi/versions").json["timestamp"]


def later(platform, milliseconds=2):
    """A moment of the hub's clock that lies behind everything that has happened so far, by that much; waits until it is past."""
    moment = datetime.strptime(hub_time(platform), "%Y-%m-%dT%H:%M:%S.%fZ") + timedelta(milliseconds=milliseconds)
    mark = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    eventually(lambda: hub_time(platform) > mark, "the hub's clock moves on")
    return mark


@dataclass
class Result:
    """What one run of hubctl gave."""

    args: list
    rc: int
    out: str
    err: str

    @property
    def json(self):
        """The lines of --json output, parsed."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def rows(self):
        """TSV lines as lists of fields."""
        return [line.split("\t") for line in self.out.splitlines()]

    def __str__(self):
        return f"hubctl {' '.join(map(str, self.args))} -> {self.rc}\nstdout: {self.out}\nstderr: {self.err}"


class Hub:
    """One hubd process on its own state directory. Settings are given as keyword arguments: retry_initial="50ms"."""

    alive = []  # for the report of a failed test
    _documented = None  # the same for all hubs of a build

    def __init__(self, **settings):
        # Not pytest's tmp_path: its folder is closed to other users, and the socket's own rights are under test.
        self.directory = Path(tempfile.mkdtemp(prefix="hub-e2e-"))
        self.directory.chmod(0o755)
        self.socket = self.directory / "admin.sock"
        self.config = self.directory / "hubd.conf"
        self.config.write_text("")
        self.log = self.directory / "stderr"
        self.port = free_port()
        self.settings = {
            "state_dir": self.directory / "state",
            "key_file": self.directory / "hub.key",
            "admin_socket": self.socket,
            "allow_networks": "127.0.0.0/8",
            "threads": "2",
            "log_level": "debug",
            "retry_initial": "50ms",
            "retry_max": "200ms",
            "forward_timeout": f"{2 * SLOW:g}s",
            # tests ask faster than partners may; test_limits.py sets its own
            "limit_authorize": "0",
            "limit_commands": "0",
            "limit_locations": "0",
            **settings,
        }
        self.prefix = []  # a command that starts hubd in its own place
        self.process = None
        self.platforms = []
        self._parties = itertools.count()
        Hub.alive.append(self)

    # ---------------------------------------------------------------- the process

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def arguments(self, **settings):
        """The command line of this hub; a setting given as None is left out."""
        wanted = {"listen": f"127.0.0.1:{self.port}", "base_url": self.url, **self.settings, **settings}
        return [*self.prefix, str(BIN / "hubd"), "-c", str(self.config)] + [f"--{k}={v}" for k, v in wanted.items() if v is not None]

    def start(self):
        """Starts hubd and waits until it accepts on both sockets. Another program may take the port first: then another port."""
        for _ in range(5):
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen(self.arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            up = eventually(self._up_or_dead, "hubd is up", DEADLINE)
            if up == "up":
                return self
            if self.process.returncode != 78 or "in use" not in self.stderr().splitlines()[-1]:
                break
            self.port = free_port()
        raise AssertionError(f"hubd did not start (exit {self.process.returncode}):\n{self.stderr()}")

    def _up_or_dead(self):
        if self.process.poll() is not None:
            return "dead"
        return "up" if accepts(("127.0.0.1", self.port)) and self.socket.exists() and accepts(self.socket) else None

    def stop(self, expected=0):
        """SIGTERM; the exit code must be 0 and a sanitizer must have nothing to say."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            code = self.process.wait(15 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"hubd did not end on SIGTERM:\n{self.tail()}")
        found = SANITIZER.search(self.stderr())
        assert not found, f"sanitizer report of hubd:\n{self.stderr()[found.start():][:6000]}"
        assert code == expected, f"hubd ended with {code}:\n{self.tail()}"

    def kill(self):
        """kill -9, and wait until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self):
        """After a kill or stop: the same state, the same port."""
        return self.start()

    def close(self):
        """The end of a test: platforms go, hubd stops cleanly, the state is removed."""
        try:
            self.stop()
        finally:
            for platform in self.platforms:
                platform.close()
            Hub.alive.remove(self)
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def stderr(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self):
        return "\n".join(self.stderr().splitlines()[-STDERR_SHOWN:])

    def wait_log(self, pattern, what=None, seconds=None):
        """Waits for a line of hubd's log that matches; returns the match."""
        return eventually(lambda: re.search(pattern, self.stderr()), what or f"a log line with {pattern!r}", seconds)

    # ---------------------------------------------------------------- hubctl

    def ctl(self, *args, stdin=None, **options):
        """Runs hubctl against this hub; options go to subprocess.run (stdout=…, user=…)."""
        command = [str(BIN / "hubctl"), "-s", str(self.socket), *map(str, args)]
        options.setdefault("stdout", subprocess.PIPE)
        done = subprocess.run(command, input=stdin or "", stderr=subprocess.PIPE, text=True, timeout=30 * SLOW, **options)
        assert not SANITIZER.search(done.stderr), f"sanitizer report of hubctl:\n{done.stderr}"
        result = Result(list(args), done.returncode, done.stdout or "", done.stderr)
        if "--json" in result.args and result.rc in (0, 6) and result.out:
            self.check_documented(args, result.out)
        return result

    @property
    def documented(self):
        """What hubd documents of its answers."""
        if Hub._documented is None:
            Hub._documented = Documented(json.loads(self.ok("rpc", "rpc.discover").out)["methods"])
        return Hub._documented

    def check_documented(self, args, text):
        """Scripts rely on the fields that the man pages list: each is there, and none besides."""
        breaches = self.documented.breaches(args, text)
        assert not breaches, "\n".join(breaches)

    def ok(self, *args, **options):
        """hubctl that must succeed."""
        result = self.ctl(*args, **options)
        assert result.rc == 0, result
        return result

    def rows(self, *args):
        """The objects that `hubctl --json …` lists."""
        return self.ok("--json", *args).json

    def one(self, *args):
        """The one object that `hubctl --json …` shows."""
        rows = self.rows(*args)
        assert len(rows) == 1, rows
        return rows[0]

    def wait_rows(self, *args, where, what, seconds=None, count=1):
        """Waits until at least `count` listed objects satisfy `where`; returns them."""

        def probe():
            found = [row for row in self.rows(*args) if where(row)]
            return found if len(found) >= count else None

        return eventually(probe, what, seconds)

    def audit(self, **wanted):
        """Audit rows (all of them, oldest first) whose fields equal what is wanted."""
        rows = self.rows("audit", "tail", "-n", "100000")
        return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]

    def wait_audit(self, where, what, seconds=None):
        return self.wait_rows("audit", "tail", "-n", "100000", where=where, what=what, seconds=seconds)[0]

    def status_of(self, party):
        return self.one("party", "show", party)["status"]

    def wait_status(self, party, status, seconds=None):
        eventually(lambda: self.status_of(party) == status, f"{party} is {status}", seconds)

    def deliveries(self, **wanted):
        """Delivery rows whose fields equal what is wanted."""
        return [row for row in self.rows("delivery", "list") if all(row.get(k) == v for k, v in wanted.items())]

    def held(self, party):
        return [row for row in self.rows("delivery", "list", "--state", "held") if row["to"] == party]

    # ---------------------------------------------------------------- partners

    def new_party(self, role):
        """A party id that nobody has on this hub."""
        number = next(self._parties)
        return Party.parse(f"IN-{role[0]}{DIGITS[number // 36 % 36]}{DIGITS[number % 36]}", role)

    def add(self, platform, *options):
        """hubctl party add for each party of a platform."""
        first = platform.parties[0]
        for party in platform.parties:
            host = () if party is first else ("--platform", first.id)
            self.ok("party", "add", party.id, "--role", party.role, "--name", party.name, *host, *options)
        return platform

    def platform(self, *roles, **options):
        """A simulated platform with new parties of these roles (or with the given Party objects), not registered here."""
        parties = [role if isinstance(role, Party) else self.new_party(role) for role in roles]
        platform = Platform(self.url, *parties, **options)
        self.platforms.append(platform)
        return platform

    def issue(self, party):
        """An initial token."""
        return self.ok("token", "issue", party).out.strip()

    def onboard(self, *roles, **options):
        """A platform that has gone through the whole exchange."""
        platform = self.add(self.platform(*roles, **options))
        platform.register(self.issue(platform.id))
        return platform

    def invited(self, *roles, **options):
        """A registered platform (a CPO when no role is given) that waits for the hub, and its invitation."""
        platform = self.add(self.platform(*(roles or ("CPO",)), **options))
        return platform, platform.invite()

    def connect(self, platform, token, *options, url=None, rc=0):
        """hubctl party connect with the token in a file; must end with `rc` (None: anyhow)."""
        file = self.directory / f"{platform.id}.invitation"
        file.write_text(f"{token}\n")
        url = url or f"{platform.url}/ocpi/versions"
        result = self.ctl("party", "connect", platform.id, "--versions-url", url, "--token-file", file, *options)
        assert rc is None or result.rc == rc, result
        return result

    def connected(self, *roles, **options):
        """A platform with which the hub has begun and done the exchange."""
        platform, token = self.invited(*roles, **options)
        self.connect(platform, token)
        return platform

    def pair(self, cpo_options=None, emsp_options=None, rule=True):
        """A CPO and an eMSP, exchanged; with `rule` the rule between them is on."""
        cpo, emsp = self.onboard("CPO", **(cpo_options or {})), self.onboard("EMSP", **(emsp_options or {}))
        if rule:
            self.rule(emsp, cpo)
        return Pair(self, cpo, emsp)

    def rule(self, emsp, cpo, verb="enable", *options):
        return self.ok("rule", verb, emsp.id, cpo.id, *options)

    def receiver(self, platform, module):
        """The receiver URL of a platform's module that the hub uses; None when there is none."""
        rows = self.rows("receiver", "list", platform.id)
        return next((row["url"] for row in rows if row["module"] == module), None)

    def follow(self, *args):
        assert self.documented  # asked for while hubd is there
        return Follow(self, *args)


@dataclass
class Pair:
    """A CPO and an eMSP on one hub."""

    hub: Hub
    cpo: Platform
    emsp: Platform

    def __iter__(self):
        return iter((self.hub, self.cpo, self.emsp))


class Follow:
    """A running `hubctl --json audit tail -f`: its lines arrive in a journal that can be waited on."""

    def __init__(self, hub, *args):
        self.hub = hub
        command = [str(BIN / "hubctl"), "-s", str(hub.socket), "--json", "audit", "tail", "-f", *map(str, args)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.journal = Journal("audit tail -f")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.journal.add(json.loads(line))

    def wait(self, where, what="an audit row", count=1):
        return self.journal.wait(where, count, DEADLINE, what)

    def close(self):
        """Ends it and returns all rows it printed."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        rows = self.journal.all()
        self.hub.check_documented(["audit", "tail"], "\n".join(map(json.dumps, rows)))
        return rows


class Line:
    """The admin socket, spoken directly."""

    def __init__(self, hub):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(hub.socket))
        self.lines = self.socket.makefile("rb")

    def send(self, *requests):
        text = "".join(json.dumps({"jsonrpc": "2.0", "id": n, "method": m, "params": p}) + "\n" for n, (m, p) in enumerate(requests))
        self.socket.sendall(text.encode())

    def next(self):
        """The next message, of whatever kind."""
        return json.loads(self.lines.readline())

    def answers(self, count):
        """The next answers by their number; reports of progress are passed over."""
        found = {}
        while len(found) < count:
            message = self.next()
            if "id" in message:
                found[message["id"]] = message
        return found

    def close(self):
        """Hangs up."""
        self.lines.close()
        self.socket.close()


class Wire:
    """One raw connection to the hub."""

    def __init__(self, hub):
        self.hub = hub
        self.socket = socket.create_connection(("127.0.0.1", hub.port), timeout=DEADLINE)
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def head(self):
        """Status and headers (names in lower case) of the next answer; None when the connection is closed."""
        first = self.stream.readline()
        if not first:
            return None
        headers = {}
        while (line := self.stream.readline().rstrip(b"\r\n")):
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.strip().decode()
        return int(first.split()[1]), headers

    def answer(self):
        """Status, headers and body of the next answer (Content-Length or chunked); None when the connection is closed."""
        got = self.head()
        if got is None:
            return None
        status, headers = got
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.stream.readline(), 16):
                body += self.stream.read(size + 2)[:-2]
            self.stream.readline()
        else:
            body = self.stream.read(int(headers.get("content-length", 0)))
        return status, headers, body

    def closed(self):
        """Whether the hub closes this connection without another byte."""
        try:
            return self.stream.read() == b""
        except ConnectionResetError:
            return True


def known_wire(hub):
    """A connection that had a request, so that it keeps its place in a full hub; waits for a place."""

    def spoken():
        wire = Wire(hub)
        wire.send("GET /ocpi/versions HTTP/1.1\r\nHost: hub\r\n\r\n")
        if wire.answer()[0] == 401:
            return wire
        wire.__exit__()
        return None

    return eventually(spoken, "the hub serves one more")


def forms(secret):
    """The byte strings that would give a token away: raw and in Base64 (with and without padding)."""
    encoded = base64.b64encode(secret.encode())
    return {secret.encode(), encoded, encoded.rstrip(b"=")}


def finds_pointer(answer, pointer):
    """Whether a 2001 names that place as a JSON pointer."""
    return re.search(rf"(^|\s|;){re.escape(pointer)}\b", answer.message) is not None


def on_terminal(hub, *args, columns=120, typed="", after=None, environment=None):
    """Runs hubctl on a pseudo terminal of that width; returns (exit code, what the terminal showed). `typed` waits until `after` is shown."""
    child, master = pty.fork()
    if child == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        os.environ.update({"TERM": "xterm", "PAGER": "cat", **(environment or {})})
        os.execv(str(BIN / "hubctl"), [str(BIN / "hubctl"), "-s", str(hub.socket), *map(str, args)])
    shown, end = b"", time.monotonic() + DEADLINE
    while True:
        if typed and (after is None or after.encode() in shown):
            os.write(master, typed.encode())
            typed = ""
        ready, _, _ = select.select([master], [], [], max(0, end - time.monotonic()))
        if not ready:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise AssertionError(f"hubctl hangs on a terminal; it showed {shown!r}")
        try:
            data = os.read(master, 65536)
        except OSError:
            data = b""
        if not data:
            break
        shown += data
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode().replace("\r\n", "\n")
