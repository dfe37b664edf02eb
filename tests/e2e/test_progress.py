"""Long work shows itself: what hubd tells of how far it is, and what becomes of that on a terminal, in a pipe, and at Ctrl-C."""

import os
import pty
import re
import signal
import subprocess
import threading

import pytest

from tests.e2e.harness import BIN, DEADLINE, Line, eventually
from tests.e2e.test_forms import HANG_UP, Error, Fake
from tests.sim import payloads
from tests.sim.wire import timestamp

CLEAR = "\r\x1b[K"
CHECKED = {"ok": True, "rows": 9, "pruned": 0, "head": "00"}


# ---------------------------------------------------------------- hubctl's side


@pytest.fixture
def fake(tmp_path):
    made = Fake(tmp_path)
    yield made
    made.close()


def tells(fake, method, *reports, end=None, answer=CHECKED):
    """A hubd that reports, waits for `end` if there is one, and answers."""

    def run(params, send):
        for report in reports:
            send({"jsonrpc": "2.0", "method": method, "params": report})
        if end is not None:
            end.wait(DEADLINE)
        return answer

    fake.answers[method] = run


class Shown:
    """hubctl with stderr on a pseudo terminal and stdout in a pipe."""

    def __init__(self, fake, *args, columns=80, term="xterm"):
        master, terminal = pty.openpty()
        environment = {**os.environ, "COLUMNS": str(columns), "TERM": term}
        if term is None:
            del environment["TERM"]
        command = [str(BIN / "hubctl"), "-s", str(fake.path), *args]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal, env=environment, text=True)
        os.close(terminal)
        self.screen = ""
        self.reader = threading.Thread(target=self._read, args=(master,), daemon=True)
        self.reader.start()

    def _read(self, master):
        try:
            while data := os.read(master, 4096):
                self.screen += data.decode()
        except OSError:
            pass  # the other end is closed
        os.close(master)

    def wait(self):
        """(exit code, stdout, what the terminal got)."""
        out, _ = self.process.communicate(timeout=DEADLINE)
        self.reader.join(DEADLINE)
        return self.process.returncode, out, self.screen.replace("\r\n", "\n")


def test_bar_on_a_terminal(fake):
    """One line, drawn over and gone at the end; stdout has the answer alone."""
    tells(fake, "audit.verify", {"message": "4 rows are in order", "done": 4, "total": 10})
    code, out, screen = Shown(fake, "audit", "verify", "--field", "rows").wait()
    assert (code, out) == (0, "9\n")
    assert screen == f"{CLEAR}[########            ]  40% 4 rows are in order{CLEAR}"


def test_without_a_total(fake):
    """The words alone; what a partner might have put into them does nothing to the terminal."""
    tells(fake, "receiver.discover", {"message": "reading versions at http://a/\x1b[2J"}, answer={"id": "x", "change": "y", "message": "done"})
    code, out, screen = Shown(fake, "receiver", "discover", "IN-ABC").wait()
    assert (code, out) == (0, "done\n")
    assert screen == f"{CLEAR}reading versions at http://a/\\x1b[2J{CLEAR}"


@pytest.mark.parametrize("done, bar", [(0, "[                    ]   0%"), (10, "[####################] 100%"), (99, "[####################] 100%"), (-1, "[                    ]   0%")])
def test_ends_of_the_bar(fake, done, bar):
    tells(fake, "audit.verify", {"message": "m", "done": done, "total": 10})
    assert Shown(fake, "audit", "verify").wait()[2] == f"{CLEAR}{bar} m{CLEAR}"


def test_narrow_terminal(fake):
    """It never wraps, or it could not be drawn over; no letter is cut in two."""
    tells(fake, "audit.verify", {"message": "é" * 100, "done": 1, "total": 2})
    screen = Shown(fake, "audit", "verify", columns=40).wait()[2]
    assert screen == f"{CLEAR}[##########          ]  50% {'é' * 11}{CLEAR}"


@pytest.mark.parametrize("options, term", [(("-q",), "xterm"), ((), "dumb"), ((), None)])
def test_nothing_where_it_cannot_be_or_is_not_wanted(fake, options, term):
    tells(fake, "audit.verify", {"message": "m", "done": 1, "total": 2})
    code, out, screen = Shown(fake, *options, "audit", "verify", "--field", "rows", term=term).wait()
    assert (code, out, screen) == (0, "9\n", "")


def test_nothing_in_a_pipe(fake):
    tells(fake, "audit.verify", {"message": "m", "done": 1, "total": 2})
    command = [str(BIN / "hubctl"), "-s", str(fake.path), "audit", "verify", "--field", "rows"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TERM": "xterm"}, timeout=DEADLINE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "9\n", "")


def test_errors_have_a_line_of_their_own(fake):
    tells(fake, "audit.verify", {"message": "m"}, answer=Error(5, "the disk is full"))
    code, out, screen = Shown(fake, "audit", "verify").wait()
    assert (code, out, screen) == (1, "", f"{CLEAR}m{CLEAR}hubctl: the disk is full\n")


def test_the_line_stays_between_pages(fake):
    """A list that is looked up page by page shows one line, not a flash for each page."""

    def answer(params, send):
        send({"jsonrpc": "2.0", "method": "delivery.reconcile", "params": {"message": "looking", "done": 1, "total": 2}})
        return {"rows": []} if "after" in params else {"rows": [], "next": "1"}

    fake.answers["delivery.reconcile"] = answer
    code, out, screen = Shown(fake, "delivery", "reconcile", "--month", "2026-01").wait()
    assert (code, out) == (0, "") and len(fake.requests) == 2
    assert screen.count(CLEAR) == screen.count("looking") + 1 and screen.endswith(CLEAR), screen


def test_ctrl_c(fake):
    """hubctl says what was done by then, and ends by the signal as every tool does."""
    end = threading.Event()
    tells(fake, "backup", {"message": "1.0 MiB of 9.0 MiB copied", "done": 1, "total": 9}, end=end, answer=HANG_UP)
    shown = Shown(fake, "backup", "/x")
    eventually(lambda: "1.0 MiB of 9.0 MiB copied" in shown.screen, "the line is drawn")
    shown.process.send_signal(signal.SIGINT)
    code, out, screen = shown.wait()
    end.set()
    assert (code, out) == (-signal.SIGINT, "")
    assert screen.endswith("\nhubctl: interrupted; until then: 1.0 MiB of 9.0 MiB copied\nhint: the same command again is safe\n"), screen


# ---------------------------------------------------------------- hubd's side


def reports(hub, method, **params):
    """What hubd tells before its answer, and the answer."""
    line = Line(hub)
    line.send((method, params))
    told = []
    while "id" not in (message := line.next()):
        assert message["method"] == method
        told.append(message["params"])
    line.close()
    for report in told:
        assert report["message"] and ("total" not in report or 0 <= report["done"] <= report["total"]), told
    return told, message


@pytest.fixture(scope="module")
def waiting(hub):
    """A pair of which five sessions wait for the eMSP, which is down."""
    made = hub.pair()
    made.emsp.down()
    for number in range(5):
        assert made.cpo.put("sessions", payloads.session(made.cpo.party, made.emsp.party, f"S{number}")).outcome == (201, 1000)
    return made


def test_retry_and_replay_tell(hub, waiting):
    """Retrying tells of how many; replaying, for how far it has walked, sessions first."""
    told, answer = reports(hub, "delivery.retry", all=True)
    assert told[0] == {"message": "5 deliveries to be tried again now", "done": 5, "total": 5}
    assert answer["result"]["count"] == 5
    told, answer = reports(hub, "delivery.replay", emsp=waiting.emsp.id, since=timestamp(-3600))
    assert f"{waiting.emsp.id}: sessions: 0 queued, 0 held, 5 waiting already" in told[0]["message"]
    assert [(report["done"], report["total"]) for report in told] == [(5, 10), (10, 10)]
    told, _ = reports(hub, "delivery.replay", emsp=waiting.emsp.id, since=timestamp(-3600), module="cdrs")
    assert [(report["done"], report["total"]) for report in told] == [(5, 5)]


def test_reconcile_tells(hub, waiting):
    """Each page before it is looked for; the parts of the month one after the other."""
    month, place, seen = timestamp()[:7], {}, []
    while True:
        told, answer = reports(hub, "delivery.reconcile", month=month, **place)
        seen += told
        if "next" not in answer["result"]:
            break
        place = {"after": answer["result"]["next"]}
    assert [report["message"].split(": looking for ")[1] for report in seen] == ["sessions without CDR", "CDRs that were not acknowledged", "CDRs that were refused"]
    assert [report["done"] * 3 // report["total"] for report in seen] == [0, 1, 2]


def test_verify_tells(hub, waiting):
    """As soon as it takes more than a moment."""
    for number in range(4000):
        waiting.cpo.put("sessions", payloads.session(waiting.cpo.party, waiting.emsp.party, "MANY", kwh=float(number)))
        if number % 200 == 199:
            told, answer = reports(hub, "audit.verify")
            assert answer["result"]["ok"] is True
            if told:
                break
    done = [report["done"] for report in told]
    assert done and done == sorted(set(done)) and re.fullmatch(r"\d+ rows of the audit are in order", told[0]["message"])
    assert told[0]["total"] >= 200


def test_discovery_and_exchange_tell(hub):
    """Each call that is made at the partner, where it goes, and what becomes of it without the one who asked."""
    platform = hub.onboard("CPO")
    told, answer = reports(hub, "receiver.discover", id=platform.id)
    assert [report["message"] for report in told] == [
        f"party {platform.id}: reading versions at {platform.url}/ocpi/versions; hubd goes on when you leave",
        f"party {platform.id}: reading version details at {platform.url}/ocpi/2.2.1; hubd goes on when you leave",
    ]
    told, answer = reports(hub, "token.rotate", id=platform.id)
    assert any("credentials go by PUT to" in report["message"] for report in told) and "result" in answer
    invited, token = hub.invited()
    told, answer = reports(hub, "party.connect", id=invited.id, versions_url=f"{invited.url}/ocpi/versions", token=token)
    steps = [report["message"].partition(": ")[2].partition(" http")[0] for report in told]
    assert steps == ["reading versions at", "reading version details at", "credentials go by POST to", "reading versions at", "reading version details at"]
    assert "result" in answer and token not in str(told)
