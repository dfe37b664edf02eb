"""hubctl against a server that says exactly what a test wants: the forms of output, the exit codes, the requests sent.

No hubd here; the fake speaks the protocol of lib/ctl/protocol.h.
"""

import json
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.fake import Listener
from tests.e2e.harness import BIN, DEADLINE, SLOW, eventually

ROWS = [
    {"id": "IN-ABC", "country_code": "IN", "party_id": "ABC", "roles": ["CPO", "EMSP"], "name": "ABC ⚡ Charging", "status": "CONNECTED",
     "platform": "IN-ABC", "last_seen": "2026-01-31T12:00:00.250Z", "future": {"a": [1.50]}},
    {"id": "IN-XYZ", "country_code": "IN", "party_id": "XYZ", "roles": ["EMSP"], "name": "a\tb\nc\\d\x1b[31m", "status": "OFFLINE",
     "platform": "IN-XYZ", "last_seen": None},
]  # fmt: skip


class Fake:
    """A Unix socket server. `answers[method]` is called with (params, send) for each request; send(message) writes a line; returns the result,
    an Error, or HANG_UP."""

    def __init__(self, directory):
        self.path = directory / "fake.sock"
        self.answers, self.requests = {}, []
        self.listener = Listener(self.path, self._serve)

    def _serve(self, client):
        def send(message):
            client.sendall(message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False).encode() + b"\n")

        with client, client.makefile("rb") as lines:
            try:
                for line in lines:
                    request = json.loads(line)
                    self.requests.append((request["method"], request["params"]))
                    answer = self.answers[request["method"]](request["params"], send)
                    if answer is HANG_UP:
                        client.shutdown(socket.SHUT_RDWR)
                        return
                    part = {"error": answer.body} if isinstance(answer, Error) else {"result": answer}
                    send({"jsonrpc": "2.0", "id": request["id"], **part})
            except OSError:
                pass

    def says(self, method, answer):
        self.answers[method] = lambda params, send: answer

    def close(self):
        self.listener.close()


class Error:
    def __init__(self, code, message="party IN-ABC: no such party", hint=None):
        self.body = {"code": code, "message": message, "data": {"code": "x", **({"hint": hint} if hint else {})}}


HANG_UP = object()


@pytest.fixture
def fake(tmp_path):
    server = Fake(tmp_path)
    server.says("party.list", {"rows": ROWS})
    yield server
    server.close()


@pytest.fixture
def run(fake):
    def run(*args, **options):
        options.setdefault("stdout", subprocess.PIPE)
        environment = {**os.environ, "TZ": "Asia/Kolkata", **options.pop("environment", {})}
        command = [str(BIN / "hubctl"), "-s", str(fake.path), *map(str, args)]
        return subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=30 * SLOW, env=environment, **options)

    return run


@pytest.fixture
def terminal(fake):
    """Runs hubctl on a pseudo terminal of so many columns; returns (exit code, what it showed)."""

    def terminal(*args, columns=120, typed="", **environment):
        child, master = pty.fork()
        if child == 0:
            for name in ("NO_COLOR", "COLUMNS", "LINES"):
                os.environ.pop(name, None)
            os.environ.update({"TERM": "xterm", "TZ": "Asia/Kolkata", "PAGER": "cat", "COLUMNS": str(columns), "LC_ALL": "C.UTF-8", **environment})
            os.execv(str(BIN / "hubctl"), [str(BIN / "hubctl"), "-s", str(fake.path), *args])
        os.write(master, typed.encode())
        shown, end = b"", time.monotonic() + DEADLINE
        while select.select([master], [], [], max(0, end - time.monotonic()))[0]:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
        os.close(master)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode().replace("\r\n", "\n")

    return terminal


# ---------------------------------------------------------------- lists


def test_tsv(run):
    """Columns in the table's order, no heading, RFC 3339 UTC, nothing cut, tab, line break, backslash and escapes written out."""
    assert run("party", "list").stdout == (
        "IN-ABC\tCPO,EMSP\tABC ⚡ Charging\tCONNECTED\tIN-ABC\t2026-01-31T12:00:00.250Z\n"
        "IN-XYZ\tEMSP\ta\\tb\\nc\\\\d\\x1b[31m\tOFFLINE\tIN-XYZ\t\n"
    )


def test_json(run):
    """The objects as hubd wrote them, one per line; unknown fields of a newer hubd pass, number spelling stays."""
    lines = run("party", "list", "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == ROWS
    assert '{"a": [1.5]}' in lines[0]


def test_json_fields(run):
    """Only the fields asked for, in that order; absent ones are null."""
    assert run("--json=status,last_seen", "party", "list").stdout == (
        '{"status":"CONNECTED","last_seen":"2026-01-31T12:00:00.250Z"}\n{"status":"OFFLINE","last_seen":null}\n'
    )


@pytest.mark.parametrize("option", ["--json=", "--json=id,", "--json=colour", "--field=colour"])
def test_unknown_fields_are_listed(run, fake, option):
    """A usage error that lists the fields; hubd is not asked."""
    wrong = run(option, "party", "list")
    assert wrong.returncode == 2 and "id,roles,name,status" in wrong.stderr and not fake.requests


def test_field_and_quiet(run, fake):
    """Bare values, one per line; -q: ids, wherever they stand in the answer."""
    assert run("party", "list", "--field", "name").stdout == "ABC ⚡ Charging\na\tb\nc\\d\x1b[31m\n"
    assert run("party", "list", "--field", "roles").stdout == "CPO,EMSP\nEMSP\n"
    assert run("party", "list", "--field", "last_seen").stdout == "2026-01-31T12:00:00.250Z\n\n"
    assert run("party", "list", "-q").stdout == "IN-ABC\nIN-XYZ\n"
    fake.says("object.list", {"rows": [{"module": "cdr", "party": "IN-ABC", "id": "CDR1"}]})
    assert run("object", "list", "cdr", "-q").stdout == "CDR1\n"
    fake.says("token.list", {"rows": [{"party": "IN-ABC", "kind": "hub", "fingerprint": "1f2e3d4c"}]})
    assert run("token", "list", "-q").stdout == "1f2e3d4c\n"


def test_table(terminal):
    """Aligned under a heading, local times with offset, - for nothing, colour by status, control bytes harmless."""
    rc, shown = terminal("party", "list")
    lines = shown.splitlines()
    assert rc == 0 and lines[0].split() == ["ID", "ROLES", "NAME", "STATUS", "PLATFORM", "LAST", "SEEN"]
    assert "2026-01-31 17:30:00+05:30" in lines[1] and "\x1b[32mCONNECTED" in lines[1]
    assert "\x1b[31mOFFLINE" in lines[2] and lines[2].rstrip().endswith("-") and "^[[31m" in lines[2]
    assert lines[1].index("ABC ⚡") == lines[0].index("NAME") == lines[2].index("a\\tb")
    assert "2026-01-31 12:00:00Z" in terminal("--utc", "party", "list")[1]


OFFSETS = {0: "+0 ms", 12: "+12 ms", 999: "+999 ms", 3456: "+3.4 s", 65000: "+1 min 5 s", 7500000: "+2 h 5 min", 200000000: "+2 d 7 h", -5: "-5 ms"}


def test_offsets(run, terminal, fake):
    """In the units that people read on a terminal, as numbers elsewhere."""
    fake.says("trace", {"rows": [{"time": "2026-01-31T12:00:00.000Z", "offset_ms": number, "action": f"a.{number}"} for number in OFFSETS]})
    lines = terminal("trace", "x", NO_COLOR="1")[1].splitlines()
    assert lines[0].split() == ["TIME", "AFTER", "ACTION"]
    assert [re.search(r":30 +(\S.*\S) +a\.", line)[1] for line in lines[1:]] == list(OFFSETS.values())
    assert [row.split("\t")[1] for row in run("trace", "x").stdout.splitlines()] == [str(number) for number in OFFSETS]


def test_empty_columns_are_left_out_of_a_table(terminal, fake):
    fake.says("party.list", {"rows": [{**ROWS[0], "last_seen": None, "name": None}]})
    assert terminal("party", "list")[1].splitlines()[0].split() == ["ID", "ROLES", "STATUS", "PLATFORM"]


def test_narrow_terminal(terminal, fake):
    """40 columns: texts are cut, ids and status are not, no line is longer."""
    fake.says("party.list", {"rows": [{**ROWS[0], "name": "x" * 200, "last_seen": None}]})
    lines = terminal("party", "list", columns=40, NO_COLOR="1")[1].splitlines()
    assert max(map(len, lines)) <= 40 and "CONNECTED" in lines[1] and lines[1].startswith("IN-ABC"), lines


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour(terminal, environment):
    assert "\x1b[" not in terminal("party", "list", **environment)[1]


def test_empty_list(run, terminal, fake):
    """Nothing at all in a pipe; a line for a person, who must not wonder whether it worked."""
    fake.says("party.list", {"rows": []})
    for args in (["party", "list"], ["--json", "party", "list"], ["--field", "id", "party", "list"]):
        assert (run(*args).stdout, run(*args).stderr, run(*args).returncode) == ("", "", 0)
    assert terminal("party", "list") == (0, "hubctl: nothing to show\n")


def test_pages(run, fake):
    """`next` of a page is `after` of the following one; rows go out page by page; --limit ends it."""
    total = 2500

    def page(params, send):
        first, limit = int(params.get("after", 0)), min(int(params.get("limit", 500)), 500)
        rows = [{"id": n, "state": "dead"} for n in range(first + 1, min(first + limit, total) + 1)]
        return {"rows": rows, **({"next": str(rows[-1]["id"])} if len(rows) == limit else {})}

    fake.answers["delivery.list"] = page
    assert run("delivery", "list", "-q").stdout.split() == [str(n) for n in range(1, total + 1)]
    fake.requests.clear()
    assert run("delivery", "list", "-q", "--limit", "700").stdout.split() == [str(n) for n in range(1, 701)]
    assert fake.requests == [("delivery.list", {"limit": 700}), ("delivery.list", {"after": "500", "limit": 200})]


@pytest.mark.parametrize("form", [[], ["--json"], ["-q"], ["--field", "problem"]])
def test_list_that_checks(run, fake, form):
    """A list of what is wrong: any row on any page is exit 6, none is 0."""
    page = {"rows": [], "next": "1.0.0"}
    fake.answers["delivery.reconcile"] = lambda params, send: page if "after" not in params else {"rows": rows}
    for rows, rc in (([{"problem": "CDR refused", "cdr": "C1"}], 6), ([], 0)):
        done = run(*form, "delivery", "reconcile", "--month", "2026-01")
        assert (done.returncode, done.stdout.count("CDR refused"), done.stderr) == (rc, len(rows), ""), done


def test_list_says_what_it_means_to_be_empty(run, terminal, fake):
    """For a person hubd's line about the whole list; a pipe gets nothing."""
    fake.says("delivery.reconcile", {"rows": [], "message": "2026-01: nothing is open"})
    assert terminal("delivery", "reconcile", "--month", "2026-01") == (0, "hubctl: 2026-01: nothing is open\n")
    done = run("delivery", "reconcile", "--month", "2026-01")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ---------------------------------------------------------------- cards, changes, bodies, the matrix

CARD = {
    **ROWS[0], "website": None, "token_encoding": "auto", "allowed_hosts": [], "created": "2026-01-01T00:00:00.000Z",
    "tokens": [{"party": "IN-ABC", "kind": "hub", "fingerprint": "0a1b2c3d", "created": "2026-01-01T00:00:00.000Z", "expires": None, "used": None}],
    "receivers": [], "rules": [{"emsp": "IN-XYZ", "cpo": "IN-ABC", "enabled": True, "since": "2026-01-02T00:00:00.000Z", "state": "on"}],
}  # fmt: skip


def test_card_in_a_pipe(run, fake):
    """One line per field, name TAB value; a section's rows behind its name."""
    fake.says("party.show", CARD)
    lines = run("party", "show", "IN-ABC").stdout.splitlines()
    assert "status\tCONNECTED" in lines and "website\t" in lines and "roles\tCPO,EMSP" in lines
    assert "tokens\tIN-ABC\thub\t0a1b2c3d\t2026-01-01T00:00:00.000Z\t\t" in lines
    assert "rules\tIN-XYZ\tIN-ABC\ttrue\t2026-01-02T00:00:00.000Z\ton" in lines
    assert fake.requests == [("party.show", {"id": "IN-ABC"})]
    assert run("party", "show", "IN-ABC", "--json").stdout.strip() == json.dumps(CARD, ensure_ascii=False)


def test_card_on_a_terminal(terminal, fake):
    """Labels and values, what is empty left out, sections as tables of their own."""
    fake.says("party.show", CARD)
    shown = terminal("party", "show", "IN-ABC", NO_COLOR="1")[1]
    assert re.search(r"^ROLES  +CPO, EMSP$", shown, re.M) and "WEBSITE" not in shown and "RECEIVERS" not in shown
    assert "\nTOKENS\n  KIND FINGERPRINT" in shown and "0a1b2c3d" in shown


def test_change(run, terminal, fake):
    """One line; -q the id; hints only for a person at a terminal."""
    change = {"id": "IN-ABC", "change": "added", "message": "party IN-ABC added", "hints": ["hubctl token issue IN-ABC"]}
    fake.says("party.add", change)
    done = run("party", "add", "IN-ABC", "--role", "cpo", "--role=EMSP", "--name", "x y")
    assert (done.stdout, done.stderr, done.returncode) == ("party IN-ABC added\n", "", 0)
    assert fake.requests == [("party.add", {"id": "IN-ABC", "roles": ["CPO", "EMSP"], "name": "x y"})]
    assert run("-q", "party", "add", "IN-ABC", "--role", "CPO").stdout == "IN-ABC\n"
    assert run("--json", "party", "add", "IN-ABC", "--role", "CPO").stdout.strip() == json.dumps(change)
    assert terminal("party", "add", "IN-ABC", "--role", "CPO") == (0, "party IN-ABC added\nhint: hubctl token issue IN-ABC\n")


def test_body(run, fake):
    """A stored object goes out byte for byte; its members can be chosen."""
    body = '{\n  "id": "LOC1",\n  "kwh": 12.50,\t"name": "Zoë"\n}'
    fake.says("object.show", {"module": "location", "party": "IN-ABC", "id": "LOC1", "body": body})
    words = ["object", "show", "location", "IN-ABC", "LOC1"]
    assert run(*words).stdout == body + "\n"
    assert run(*words, "--json").stdout == body + "\n"
    assert run(*words, "--json=kwh,gone").stdout == '{"kwh":12.50,"gone":null}\n'
    assert run(*words, "--field", "name").stdout == "Zoë\n"


def test_matrix(run, terminal, fake):
    """Pairs in a pipe, a grid on a terminal that stays readable at 40 by 40."""
    emsps, cpos = [[f"IN-{letter}{n:02}" for n in range(40)] for letter in "EC"]
    rows = [{"emsp": e, "rules": {c: "on" if i == j else "drain" if i == 0 else "off" for j, c in enumerate(cpos)}} for i, e in enumerate(emsps)]
    fake.says("rule.matrix", {"cpos": cpos, "rows": rows})
    pairs = run("rule", "matrix").stdout.splitlines()
    assert len(pairs) == 1600 and "IN-E07\tIN-C07\ton" in pairs and "IN-E00\tIN-C05\tdrain" in pairs and "IN-E09\tIN-C05\toff" in pairs
    assert json.loads(run("--json", "rule", "matrix").stdout.splitlines()[3]) == rows[3]
    lines = terminal("rule", "matrix", NO_COLOR="1")[1].splitlines()
    assert max(map(len, lines)) <= 120
    line = next(line for line in lines if line.startswith("IN-E07"))
    assert line[6:].split() == ["x" if j == 7 else "." for j in range(40)]
    assert next(line for line in lines if line.startswith("IN-E00"))[6:].split() == ["x"] + ["d"] * 39
    fake.says("rule.matrix", {"cpos": ["IN-C01"], "rows": [{"emsp": "IN-E01", "rules": {"IN-C01": "on"}}]})
    assert terminal("rule", "matrix", NO_COLOR="1")[1].splitlines()[0].split() == ["IN-C01"]


def test_pager(terminal, fake):
    """A list longer than the terminal goes through PAGER; --no-pager and a pager that is not there do not lose it."""
    fake.says("party.list", {"rows": [{**ROWS[0], "id": f"IN-{n:03}"} for n in range(200)]})
    assert "<IN-199" in terminal("party", "list", PAGER="sed 's/^/</'")[1]
    assert "\nIN-199" in terminal("--no-pager", "party", "list", PAGER="sed 's/^/</'")[1]
    assert "\nIN-199" in terminal("party", "list", PAGER="no-such-pager-here")[1]
    assert "<" not in terminal("party", "list", "--limit", "1", PAGER="sed 's/^/</'")[1]


# ---------------------------------------------------------------- tokens


def test_token(run, terminal, fake, tmp_path):
    """The token alone on stdout; --out makes the file before the token is issued, and leaves none behind when hubd refuses."""
    issued = {"party": "IN-ABC", "token": "s3cret", "fingerprint": "00112233", "expires": "2026-02-01T00:00:00.000Z", "versions_url": "http://h/ocpi/versions"}
    fake.says("token.issue", issued)
    done = run("token", "issue", "IN-ABC", "--ttl", "2d")
    assert done.stdout == "s3cret\n" and "http://h/ocpi/versions" in done.stderr and "s3cret" not in done.stderr
    assert fake.requests == [("token.issue", {"id": "IN-ABC", "ttl": "2d"})]
    assert "2026-02-01T00:00:00.000Z" in done.stderr, "UTC where a program may read it"
    assert "valid until 2026-02-01 05:30:00+05:30," in terminal("token", "issue", "IN-ABC")[1]
    assert "valid until 2026-02-01 00:00:00Z," in terminal("token", "issue", "IN-ABC", "--utc")[1]
    assert run("token", "issue", "IN-ABC", "-q").stderr == ""
    out = tmp_path / "token"
    done = run("token", "issue", "IN-ABC", "--out", out)
    assert done.stdout == "" and out.read_text() == "s3cret\n" and stat.S_IMODE(out.stat().st_mode) == 0o600
    fake.requests.clear()
    assert run("token", "issue", "IN-ABC", "--out", out).returncode == 1 and not fake.requests
    fake.says("token.issue", Error(3, "no"))
    other = tmp_path / "other"
    assert run("token", "issue", "IN-ABC", "--out", other).returncode == 1 and not other.exists()


def test_interrupted_change_says_what_is_done(fake):
    """Ctrl-C ends hubctl by its signal, after what hubd told last; control bytes in it do nothing."""
    told, over = threading.Event(), threading.Event()

    def answer(params, send):
        for text in ("IN-XYZ: cdrs: 200 queued", "IN-XYZ: cdrs: 400\x1b[2J queued"):
            send({"jsonrpc": "2.0", "method": "delivery.replay", "params": {"message": text}})
        told.set()
        over.wait(DEADLINE)
        return HANG_UP

    fake.answers["delivery.replay"] = answer
    command = [str(BIN / "hubctl"), "-s", str(fake.path), "delivery", "replay", "IN-XYZ", "--since", "1h"]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert told.wait(DEADLINE)
    state = Path(f"/proc/{child.pid}/stat")
    eventually(lambda: state.read_text().rpartition(")")[2].split()[0] == "S", "hubctl has read all that was said and waits for more")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=DEADLINE)
    over.set()
    assert child.returncode == -signal.SIGINT and out == ""
    assert err.splitlines()[-2:] == ["hubctl: interrupted; until then: IN-XYZ: cdrs: 400\\x1b[2J queued", "hint: the same command again is safe"], err


# ---------------------------------------------------------------- errors and exit codes


@pytest.mark.parametrize("code, rc", [(1, 1), (2, 1), (3, 1), (4, 4), (5, 1), (6, 5), (-32602, 2), (-32603, 1), (99, 1)])
def test_exit_codes(run, fake, code, rc):
    """hubd's error on one line of stderr, its hint on the next."""
    fake.says("party.show", Error(code, hint="hubctl party list"))
    done = run("party", "show", "IN-ABC")
    assert (done.returncode, done.stdout) == (rc, "")
    assert done.stderr == "hubctl: party IN-ABC: no such party\nhint: hubctl party list\n"


def test_control_bytes_in_errors_are_harmless(run, fake):
    fake.says("party.show", Error(1, "a\nb\x1b]0;c"))
    assert run("party", "show", "IN-ABC").stderr == "hubctl: a\\x0ab\\x1b]0;c\n"


def test_hang_up(run, fake):
    """After a question nothing is lost: 3. After a change nobody knows: 5."""
    fake.says("party.list", HANG_UP)
    fake.says("party.resume", HANG_UP)
    assert run("party", "list").returncode == 3
    done = run("party", "resume", "IN-ABC")
    assert done.returncode == 5 and "unknown" in done.stderr


def test_timeout(run, fake):
    end = threading.Event()
    fake.answers["party.list"] = lambda params, send: end.wait(60) and {}
    assert run("--timeout", "200ms", "party", "list").returncode == 5
    end.set()


@pytest.mark.parametrize("line", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b'{"jsonrpc":"2.0"}\n', b"[]\n"])
def test_something_that_is_no_hubd(run, fake, line):
    def answer(params, send):
        send(line)
        return HANG_UP

    fake.answers["party.list"] = answer
    assert run("party", "list").returncode == 3


def test_failed_check_is_exit_6(run, fake):
    """Progress before the answer keeps it waiting; ok false is exit 6, the answer is printed all the same."""

    def answer(params, send):
        for position in (1, 2):
            send({"jsonrpc": "2.0", "method": "audit.verify", "params": {"position": position}})
        return {"ok": False, "rows": 2, "head": "00", "bad_row": 2, "problem": "row 2 was changed"}

    fake.answers["audit.verify"] = answer
    done = run("audit", "verify", "--field", "problem")
    assert (done.returncode, done.stdout) == (6, "row 2 was changed\n")


# ---------------------------------------------------------------- confirmation


def test_confirmation(run, terminal, fake):
    """--confirm repeats the id in any spelling and is not sent; a person types it; anything else changes nothing."""
    fake.says("party.remove", {"id": "IN-ABC", "change": "removed", "message": "party IN-ABC removed"})
    assert run("party", "remove", "IN-ABC", "--confirm=in*abc").returncode == 0
    assert fake.requests == [("party.remove", {"id": "IN-ABC"})]
    fake.requests.clear()
    assert run("party", "remove", "IN-ABC").returncode == 2
    assert run("party", "remove", "IN-ABC", "--confirm=IN-ABD").returncode == 2
    assert run("party", "remove", "IN-ABC", "--confirm=").returncode == 2
    rc, shown = terminal("party", "remove", "IN-ABC", typed="yes\n")
    assert rc == 1 and "nothing was changed" in shown
    assert not fake.requests
    rc, shown = terminal("party", "remove", "IN-ABC", typed="in-abc\n")
    assert rc == 0 and "receivers" in shown and fake.requests == [("party.remove", {"id": "IN-ABC"})]
    for given, typed in (("IN*ABC", "IN-ABC"), ("IN-ABC", " in/abc "), ("inabc", "IN*ABC")):
        assert terminal("party", "remove", given, typed=f"{typed}\n")[0] == 0, (given, typed)
    fake.requests.clear()
    for typed in ("\n", "\x04"):
        assert terminal("party", "remove", "IN-ABC", typed=typed)[0] == 1 and not fake.requests


# ---------------------------------------------------------------- streams


def row(number):
    return {"cursor": f"c{number}", "time": "2026-01-31T12:00:00.000Z", "actor": "hub", "action": "x.y", "status": "ok", "latency_ms": number}


def tail_of(fake, last, ends):
    """audit.tail with rows 1 … last behind the cursor asked for; `ends(params)` decides what comes then."""

    def answer(params, send):
        begin = int(params.get("cursor", "c0")[1:])
        for number in range(begin + 1, last + 1):
            send({"jsonrpc": "2.0", "method": "audit.tail", "params": row(number)})
        return ends(params)

    fake.answers["audit.tail"] = answer


def test_stream(run, terminal, fake):
    """Rows in every form as they come."""
    tail_of(fake, 3, lambda params: {"count": 3})
    assert run("audit", "tail", "-n5", "--since", "2026-01-31", "--field", "latency_ms").stdout == "1\n2\n3\n"
    assert fake.requests == [("audit.tail", {"last": 5, "since": "2026-01-30T18:30:00.000Z"})]
    assert run("audit", "tail").stdout.splitlines()[0].split("\t") == [
        "2026-01-31T12:00:00.000Z", "hub", "x.y", "", "", "", "", "", "", "ok", "1", "", "", "c1", "",
    ]  # fmt: skip
    lines = terminal("audit", "tail", NO_COLOR="1")[1].splitlines()
    assert lines[0].split()[:3] == ["TIME", "ACTOR", "ACTION"] and len(lines) == 4
    assert lines[0].index("STATUS") == lines[1].index("ok")


def test_empty_stream(run, terminal, fake):
    """A person is told that there is nothing; a pipe gets nothing."""
    tail_of(fake, 0, lambda params: {"count": 0})
    done = run("audit", "tail")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert terminal("audit", "tail") == (0, "hubctl: nothing to show\n")


def test_stream_on_a_narrow_terminal(terminal, fake):
    """Where a line per row does not fit, each row is a record as in a list; no line is wrapped."""
    tail_of(fake, 2, lambda params: {"count": 2})
    shown = terminal("audit", "tail", "--utc", columns=40, NO_COLOR="1", LC_ALL="C")[1]
    records = shown.rstrip("\n").split("\n\n")
    assert len(records) == 2 and all(len(line) <= 40 for line in shown.splitlines()), shown
    assert re.sub("  +", " ", records[1]) == "TIME 2026-01-31 12:00:00Z\nACTOR hub\nACTION x.y\nSTATUS ok\nMS 2"


def test_cursor_file(run, fake, tmp_path):
    """Written behind what was printed; the next run goes on there and asks for nothing else."""
    cursor = tmp_path / "cursor"
    tail_of(fake, 3, lambda params: {"count": 3})
    assert run("audit", "tail", "--cursor-file", cursor, "-n", "9", "--field", "cursor").stdout == "c1\nc2\nc3\n"
    assert cursor.read_text() == "c3\n"
    tail_of(fake, 5, lambda params: {"count": 2})
    assert run("audit", "tail", "--cursor-file", cursor, "-n", "9", "--field", "cursor").stdout == "c4\nc5\n"
    assert fake.requests[-1] == ("audit.tail", {"cursor": "c3"})
    with open("/dev/full", "w") as full:
        tail_of(fake, 9, lambda params: {"count": 4})
        assert run("audit", "tail", "--cursor-file", cursor, stdout=full).returncode == 1
    assert cursor.read_text() == "c5\n", "what was not printed is not behind us"


def test_follow_reconnects_at_its_cursor(run, fake):
    """-f goes on behind the last row when hubd comes back, also when hubd only told where it stands."""
    turns = iter([HANG_UP, HANG_UP, HANG_UP, Error(1, "enough")])

    def answer(params, send):
        number = len(fake.requests)
        if number == 1:
            send({"jsonrpc": "2.0", "method": "audit.tail", "params": {"position": "c7"}})
        else:
            send({"jsonrpc": "2.0", "method": "audit.tail", "params": row(6 + number)})
        return next(turns)

    fake.answers["audit.tail"] = answer
    done = run("audit", "tail", "-f", "-n", "0", "--party", "IN-ABC", "--field", "cursor")
    assert done.stdout == "c8\nc9\nc10\n" and done.returncode == 1
    assert [params for _, params in fake.requests] == [
        {"follow": True, "last": 0, "party": "IN-ABC"},
        *({"follow": True, "party": "IN-ABC", "cursor": f"c{number}"} for number in (7, 8, 9)),
    ]


def test_a_reader_that_goes_away_ends_it(fake):
    """100 000 rows to head -1: at once and silently."""
    tail_of(fake, 100_000, lambda params: {"count": 100_000})
    command = f"'{BIN / 'hubctl'}' -s '{fake.path}' audit tail --json | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=30 * SLOW)
    assert json.loads(done.stdout)["cursor"] == "c1" and done.stderr == "" and done.returncode in (0, 141)


def test_closed_stdout(fake):
    """A stdout that is closed is an error like a full disk, and nothing lands in the socket."""
    command = f"'{BIN / 'hubctl'}' -s '{fake.path}' party list >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30 * SLOW)
    assert done.returncode == 1 and "cannot write to stdout" in done.stderr
    assert fake.requests == [("party.list", {})]
