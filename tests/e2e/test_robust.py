"""hubctl where things are not as they should be: its standard streams, its terminal, its locale, a hubd of another age or none at all."""

import json
import os
import re
import resource
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.e2e.fake import FakeHubd, error, result, row
from tests.e2e.harness import BIN, DEADLINE, SLOW, eventually, on_terminal
from tests.e2e.test_tail import keeps_what_is_freed

PAGE = 500
MANY = 100_000
SPARE = 1024 * 1024  # bytes by which the memory of one run may differ from another's; all rows are 13 times that


# ---------------------------------------------------------------- standard streams


@pytest.fixture(scope="module")
def shell(hub):
    """Runs `hubctl …` in a shell, where redirections are easy."""

    def run(line, **options):
        environment = {**os.environ, "HUBCTL_SOCKET": str(hub.socket), "PATH": f"{BIN}:{os.environ['PATH']}"}
        return subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=DEADLINE, **options)

    return run


@pytest.mark.parametrize(
    ("streams", "code", "said"),
    [
        ("<&-", 0, ""), ("2>&-", 0, ""), ("<&- 2>&-", 0, ""), (">&-", 1, "cannot write to stdout: "), ("<&- >&- 2>&-", 1, ""),
        (">/dev/full", 1, "cannot write to stdout: No space left on device"), (">/dev/full 2>/dev/full", 1, ""),
    ],
)  # fmt: skip
def test_streams_that_are_closed_or_full(shell, streams, code, said):
    """Nothing that is written lands anywhere else, and what is lost is told by the exit code."""
    done = shell(f"hubctl --field base_url status {streams}")
    assert done.returncode == code and said in done.stderr, done
    assert (done.stdout != "") == (code == 0)


def test_no_terminal_at_all(hub, shell):
    """Without a controlling terminal and with an empty stdin nothing hangs: what would ask is a usage error."""
    hub.ok("party", "add", "IN-NTY", "--role", "CPO")
    for line, said in (
        ("party remove IN-NTY", "--confirm=IN-NTY"),
        ("party connect IN-NTY --versions-url https://abc.example --token-file -", "token"),
    ):
        done = shell(f"hubctl {line}", stdin=subprocess.DEVNULL, start_new_session=True)
        assert done.returncode == 2 and said in done.stderr and done.stdout == "", done
    assert hub.ctl("party", "show", "IN-NTY").rc == 0


def test_a_reader_that_takes_one_line():
    """100 000 rows | head -1: ends silently, by SIGPIPE as every tool does, long before hubd has told all."""
    with FakeHubd(pages_of(MANY)) as fake:
        line = f"{BIN}/hubctl -s {fake.socket} party list | head -n 1; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=DEADLINE)
        assert done.stdout.splitlines()[1:] == [str(128 + signal.SIGPIPE)] and done.stderr == "", done
        assert len(fake.requests) < MANY / PAGE / 2


def test_a_tail_ends_with_its_reader(hub):
    """tail -f | head: it ends when its reader does, not when the next row comes."""
    hub.ok("party", "add", "IN-TEN", "--role", "CPO")
    command = [BIN / "hubctl", "-s", hub.socket, "audit", "tail", "-f", "-n", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout.readline()
        tail.stdout.close()
        assert tail.wait(DEADLINE) == -signal.SIGPIPE and tail.stderr.read() == b""
    assert hub.ctl("status").rc == 0


def test_a_tail_whose_hubd_is_gone_ends_with_its_reader(new_hub):
    """The same while it waits for hubd to come back."""
    hub = new_hub()
    hub.ok("party", "add", "IN-TEN", "--role", "CPO")
    command = [BIN / "hubctl", "-s", hub.socket, "audit", "tail", "-f", "-n", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail:
        assert tail.stdout.readline()
        hub.kill()
        assert "waiting for it to come back" in tail.stderr.readline()
        tail.stdout.close()
        assert tail.wait(DEADLINE) == -signal.SIGPIPE


# ---------------------------------------------------------------- terminal and locale


@pytest.fixture(scope="module")
def parties(hub):
    """Forty parties: more than a screen."""
    names = [f"IN-L{number:02d}" for number in range(40)]
    for name in names:
        hub.ok("party", "add", name, "--role", "CPO")
    hub.ok("party", "set", names[0], "--name", "Zürich 日本 Charging")
    return names


def test_dumb_terminal(hub, parties):
    """TERM=dumb, or none: no escape sequence and no pager, which would wait for a key."""
    for term in ("dumb", ""):
        rc, shown = on_terminal(hub, "party", "list", environment={"TERM": term, "PAGER": "sed s/^/PAGED/"})
        assert rc == 0 and "\x1b" not in shown and "PAGED" not in shown and parties[-1] in shown, shown


@pytest.mark.parametrize(
    ("words", "environment", "paged"),
    [
        (["party", "list"], {"PAGER": "sed s/^/PAGED/"}, True),
        (["party", "list"], {"HUBCTL_PAGER": "sed s/^/PAGED/", "PAGER": "false"}, True),
        (["party", "list"], {"HUBCTL_PAGER": "", "PAGER": "sed s/^/PAGED/"}, False),
        (["party", "list"], {"PAGER": "no-such-pager"}, False),
        (["party", "list"], {"PAGER": "sed s/^/PAGED/", "LINES": "200"}, False),
        (["--no-pager", "party", "list"], {"PAGER": "sed s/^/PAGED/"}, False),
        (["audit", "tail", "-n", "40"], {"PAGER": "sed s/^/PAGED/"}, False),
    ],
)  # fmt: skip
def test_pager(hub, parties, words, environment, paged):
    """What is longer than the screen goes through HUBCTL_PAGER, else PAGER; a tail never; one that is not there takes nothing away."""
    rc, shown = on_terminal(hub, *words, environment={"LINES": "24", **environment})
    assert rc == 0 and ("PAGED" in shown) == paged and parties[-1] in shown, shown


def test_a_pager_that_is_left_early(hub, parties):
    """q in the pager is no error."""
    rc, shown = on_terminal(hub, "party", "list", environment={"LINES": "24", "PAGER": "head -n 1"})
    assert rc == 0 and shown.startswith("ID") and shown.count("\n") == 1, shown


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "xx_XX.nonsense"])
def test_locale(hub, parties, locale):
    """Letters are what they are, and as wide as they are, in every locale; pipes get the same bytes."""
    environment = {"LC_ALL": locale}
    shown = on_terminal(hub, "--color", "never", "party", "list", columns=80, environment={**environment, "LINES": "100"})[1].splitlines()
    (row_shown,) = [line for line in shown if line.startswith(parties[0])]
    assert "Zürich 日本 Charging" in row_shown
    assert row_shown.index("PLANNED") + 2 == shown[0].index("STATUS"), "two letters are two columns wide"
    with open(os.devnull) as nothing:
        piped = subprocess.run(
            [BIN / "hubctl", "-s", hub.socket, "--field", "name", "party", "show", parties[0]],
            stdin=nothing, capture_output=True, env={**os.environ, **environment}, timeout=DEADLINE,
        )  # fmt: skip
    assert piped.stdout.decode() == "Zürich 日本 Charging\n"


CONTROLS = "[\x00-\x09\x0b-\x1f\x7f-\x9f]"
# What turns the direction of a line, joins, breaks or takes no room: nobody sees it, and what stands beside it reads as something else.
UNSEEN = "\u00ad\u034f\u061c\u200b\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\u206f\u3164\ufeff\ufffb\U000e0001\U000e007f\U0001d173"


@pytest.mark.parametrize("evil", ["a\x1b]0;owned\x07b\x7f\x9bc", *(f"owned{sign}b" for sign in UNSEEN)], ids=ascii)
def test_a_partner_cannot_steer_the_terminal(evil):
    """Control bytes of what partners said reach no terminal, in no form, nor what nobody sees; JSON there means the same."""
    never = f"{CONTROLS}|[{UNSEEN}]"
    thing = {"id": evil, "name": evil, "status": evil}
    answer = {**thing, "rows": [thing], "body": json.dumps(thing, ensure_ascii=False)}
    words = [
        ["party", "list"], ["party", "show", "IN-ABC"], ["party", "list", "--field", "name"], ["party", "list", "-q"],
        ["--json", "party", "list"], ["rpc", "party.list"], ["object", "show", "location", "IN-ABC", "L1"],
    ]  # fmt: skip

    def raw(request):
        return json.dumps(result(request, answer), ensure_ascii=False).encode() + b"\n"

    with FakeHubd(raw) as fake:
        for command in words:
            shown = on_terminal(fake, "--color", "never", *command)[1]
            assert "owned" in shown and not re.search(never, shown), (command, shown)
        assert json.loads(on_terminal(fake, "--json", "party", "list")[1]) == thing
        assert fake.ok("--field", "name", "party", "list").out == evil + "\n", "a pipe gets it as it is"
    with FakeHubd(lambda request: error(request, 1, evil)) as fake:
        assert not re.search(never, fake.ctl("party", "list").err)
    with FakeHubd(lambda request: result(request, {"rows": [{"id": f"IN-ABC{evil}", "name": f"owned{evil}"}, {"id": "IN-ABD", "name": evil}]})) as fake:
        environment = {**os.environ, "HUBCTL_SOCKET": str(fake.socket)}
        command = [BIN / "hubctl", "__complete", "party", "show", ""]
        offered = eventually(lambda: subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE).stdout, "parties are offered")
        assert "IN-ABD" in offered and not re.search(f"[\x00-\x08\x0b-\x1f\x7f-\x9f]|[{UNSEEN}]", offered), offered


# ---------------------------------------------------------------- a hubd that does not answer, or something else


def test_stopped_hubd(new_hub):
    """SIGSTOP: exit 5 after --timeout, for what reads too; it goes on as if nothing had been."""
    hub = new_hub()
    hub.process.send_signal(signal.SIGSTOP)
    try:
        for words in (["party", "list"], ["status"], ["rpc", "status"], ["audit", "tail", "-f"], ["token", "issue", "IN-ABC"]):
            late = hub.ctl("--timeout", "100ms", *words)
            assert late.rc == 5 and "no answer from hubd" in late.err and "hint: " in late.err and late.out == "", late
    finally:
        hub.process.send_signal(signal.SIGCONT)
    assert hub.ok("party", "list").out == ""


@pytest.mark.parametrize(("number", "words"), [(signal.SIGINT, ["party", "list"]), (signal.SIGTERM, ["audit", "tail", "-f"]), (signal.SIGHUP, ["rpc", "status"])])
def test_signals(number, words):
    """Ctrl-C, kill and a closed terminal end it at once, by the signal and without a word."""
    with FakeHubd(lambda _: []) as fake:
        with subprocess.Popen([BIN / "hubctl", "-s", fake.socket, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as hubctl:
            fake.wait_request(DEADLINE)
            hubctl.send_signal(number)
            assert hubctl.wait(DEADLINE) == -number and hubctl.stdout.read() + hubctl.stderr.read() == b""


def endless(_):
    while True:
        yield b"x" * (1024 * 1024)


def dripping(_):
    """A byte now and then, for ever."""
    tick = threading.Event()
    while True:
        yield b" "
        tick.wait(0.01)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 3, "no hubd"),
        (b"\n", 3, "no hubd"),
        (b"[1]\n", 3, "no hubd"),
        (b'{"jsonrpc":"2.0","id":1}\n', 3, "no hubd"),
        (b'{"jsonrpc":"2.0","id":1,"error":"sorry"}\n', 3, "no hubd"),
        (b'{"jsonrpc":"2.0","id":1,"result":{"rows":[\xff]}}\n', 3, "no hubd"),
        (endless, 3, "no hubd, or a message was too long"),
        (dripping, 5, "no answer from hubd"),
        (lambda _: [], 5, "no answer from hubd"),
        (lambda _: [b'{"jsonrpc":"2.0","id":1,"result":{"ro'], 5, "no answer from hubd"),
        (None, 3, "hung up before it answered"),
    ],
)  # fmt: skip
def test_what_answers_is_no_hubd(answer, code, said):
    """Garbage, half a line, a line without end, drops of bytes, nothing: a sentence and an exit code, in time and in bounded memory."""
    with FakeHubd(answer if callable(answer) else lambda _: answer) as fake:
        done = fake.ctl("--timeout", f"{2 * SLOW:g}s" if code == 3 else "300ms", "party", "list")
        assert done.rc == code and said in done.err and str(fake.socket) in done.err and done.out == "", done


def test_half_a_line_and_then_the_end():
    """A change whose answer breaks off may have been done: exit 5; reading is exit 3."""

    def answer(request):
        yield b'{"jsonrpc":"2.0","id":1,"resu'
        raise OSError  # hangs up

    with FakeHubd(answer) as fake:
        change = fake.ctl("party", "add", "IN-ABC", "--role", "CPO")
        assert change.rc == 5 and "outcome is unknown" in change.err and "audit tail" in change.err, change
        assert fake.ctl("party", "list").rc == 3


def test_an_answer_in_single_bytes():
    """How an answer is cut in pieces does not matter."""
    answer = b'{"jsonrpc":"2.0","id":1,"result":{"rows":[{"id":"IN-ABC"}]}}\r\n'
    with FakeHubd(lambda _: [answer[at : at + 1] for at in range(len(answer))]) as fake:
        assert fake.ok("party", "list", "-q").out == "IN-ABC\n"


@pytest.mark.parametrize("value", [[], 5, "text", {"rows": 5}, {"rows": None}, {"rows": [1, None, []]}, {}])
def test_an_answer_of_another_shape(value):
    """Nothing of it breaks hubctl."""
    with FakeHubd(lambda request: result(request, value)) as fake:
        for words in (["party", "list"], ["party", "show", "IN-ABC"], ["rule", "matrix"], ["party", "add", "IN-ABC", "--role", "CPO"], ["version"]):
            for form in ([], ["--json"], ["--field", "id"] if words[-1] == "list" else ["-q"]):
                assert fake.ctl(*form, *words).rc in (0, 1, 3), (words, form)
            assert on_terminal(fake, *words)[0] in (0, 1, 3), words


def test_pages_that_do_not_go_on():
    """A list that hands out the same page again and again is told of, not read for ever."""
    with FakeHubd(lambda request: result(request, {"rows": [{"id": "IN-ABC"}], "next": "7"})) as fake:
        again = fake.ctl("party", "list")
        assert again.rc == 1 and "not whole" in again.err and len(fake.requests) == 2, again


# ---------------------------------------------------------------- of another age


def old(request):
    if request["method"] == "version":
        return result(request, {"hubd": "0.0.9", "protocol": 1, "ocpi": "2.2.1"})
    return error(request, -32601, "Method not found")


@pytest.mark.parametrize("words", [["party", "list"], ["audit", "tail", "-f"], ["token", "issue", "IN-ABC"], ["rule", "enable", "IN-XYZ", "IN-ABC"]], ids=" ".join)
def test_older_hubd(words):
    """A command that hubd does not know yet: which hubd, which command, what to do; exit 1."""
    with FakeHubd(old) as fake:
        unknown = fake.ctl(*words)
        told, hint = unknown.err.splitlines()
        assert unknown.rc == 1 and unknown.out == "", unknown
        assert told == f'hubctl: hubd 0.0.9 does not know "{" ".join(words[:2])}"' and hint.startswith("hint: ") and "hubctl version" in hint


def test_older_hubd_without_a_version():
    """Even `version` may be news to it."""
    with FakeHubd(lambda request: error(request, -32601, "Method not found")) as fake:
        assert fake.ctl("version").err.startswith('hubctl: hubd does not know "version"\nhint: ')


def test_newer_hubd():
    """What a newer hubd adds passes through --json and stands in nobody's way elsewhere; unknown states are shown as they are."""
    party = {"id": "IN-ABC", "roles": ["CPO", "NAP"], "name": "A", "status": "HIBERNATING", "platform": "IN-ABC", "mood": {"is": ["good"]}}
    with FakeHubd(lambda request: result(request, {**party, "rows": [party], "total": 1, "warnings": []})) as fake:
        assert fake.rows("party", "list") == [party]
        assert fake.one("party", "show", "IN-ABC")["mood"] == {"is": ["good"]}
        assert fake.ok("party", "list").rows == [["IN-ABC", "CPO,NAP", "A", "HIBERNATING", "IN-ABC", ""]]
        shown = on_terminal(fake, "party", "list")[1]
        assert "HIBERNATING" in shown and "good" not in shown and "\x1b" not in shown
    matrix = {"cpos": ["IN-ABC"], "rows": [{"emsp": "IN-XYZ", "rules": {"IN-ABC": "maybe"}}]}
    with FakeHubd(lambda request: result(request, matrix)) as fake:
        assert re.search(r"^IN-XYZ +\?$", on_terminal(fake, "rule", "matrix")[1], re.M)
        assert fake.ok("rule", "matrix").rows == [["IN-XYZ", "IN-ABC", "maybe"]]


def test_newer_stream():
    """Notifications and errors that hubctl does not know."""

    def answer(request):
        yield row(request, {"cursor": "1", "time": "2026-01-31T12:00:00Z", "action": "x.new", "planet": "Mars"})
        yield error(request, 77, "too modern", code="too_modern", why="because")

    with FakeHubd(answer) as fake:
        done = fake.ctl("--json", "audit", "tail")
        assert done.rc == 1 and done.json[0]["planet"] == "Mars" and done.err == "hubctl: too modern\n", done


def test_another_protocol():
    """`version` warns that the two may not understand each other, and still answers."""
    with FakeHubd(lambda request: result(request, {"hubd": "9.0.0", "protocol": 2, "ocpi": "2.2.1"})) as fake:
        told = fake.ok("version")
        assert "hubd 9.0.0 speaks protocol 2" in told.err and "hint: " in told.err and ["hubd", "9.0.0"] in told.rows, told


# ---------------------------------------------------------------- memory


def pages_of(count, note=None):
    """Answers party.list with so many rows, page by page; `note` is called before the last page."""

    def answer(request):
        first = int(request["params"].get("after", "0"))
        rows = [
            {"id": f"IN-{number:06d}", "roles": ["CPO"], "name": "Asha Charging", "status": "CONNECTED", "platform": f"IN-{number:06d}"}
            for number in range(first, min(first + PAGE, count))
        ]
        last = first + PAGE >= count
        if last and note is not None:
            note()
        return result(request, {"rows": rows} if last else {"rows": rows, "next": str(first + PAGE)})

    return answer


@pytest.mark.skipif(keeps_what_is_freed(), reason="a sanitizer holds freed memory back")
@pytest.mark.parametrize("form", [[], ["--json"], ["--json=id,status"], ["-q"]], ids=str)
def test_a_long_list_takes_no_more_memory(form):
    """100 000 rows, written to a pipe in each form, need what 1 000 need."""
    peaks = []
    for count in (2 * PAGE, MANY):
        with FakeHubd(pages_of(count, note=lambda: peaks.append(fake.peak_memory()))) as fake:
            assert fake.ok(*form, "party", "list").out.count("\n") == count
    assert peaks[1] - peaks[0] < SPARE, peaks


@pytest.mark.skipif(keeps_what_is_freed(), reason="a sanitizer holds freed memory back")
def test_a_long_stream_takes_no_more_memory():
    """The same for the audit, which comes as a stream."""
    line = b'{"jsonrpc":"2.0","method":"audit.tail","params":{"cursor":"MTox","time":"2026-01-31T12:00:00.000Z","actor":"hub","action":"x.y"}}\n'

    def stream_of(count):
        def answer(request):
            for _ in range(count // PAGE):
                yield line * PAGE
            peaks.append(fake.peak_memory())
            yield result(request, {})

        return answer

    peaks = []
    for count in (2 * PAGE, MANY):
        with FakeHubd(stream_of(count)) as fake:
            assert fake.ok("audit", "tail", "-n", str(count)).out.count("\n") == count
    assert peaks[1] - peaks[0] < SPARE, peaks


# ---------------------------------------------------------------- secrets

SECRET = "a-token-that-must-not-leak-0001"


def leaves_core_file(process):
    """Aborts it, with leave to write one."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.prlimit(process.pid, resource.RLIMIT_CORE, (most, most))
    process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return os.WCOREDUMP(status)


@pytest.mark.skipif(keeps_what_is_freed(), reason="a sanitizer's memory is too large for a core file")
def test_tokens_are_in_no_core_file(new_hub, tmp_path):
    """hubctl and hubd leave none when they die, where another program does; nor is the token in a listing of processes."""
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    with FakeHubd(lambda _: []) as fake:
        words = ["party", "connect", "IN-ABC", "--versions-url", "https://abc.example", "--token-file", "-"]
        with subprocess.Popen([BIN / "hubctl", "-s", fake.socket, *words], **streams) as hubctl:
            hubctl.stdin.write(SECRET.encode())
            hubctl.stdin.close()
            assert fake.wait_request(DEADLINE)["params"]["token"] == SECRET
            for name in ("cmdline", "environ"):
                assert SECRET.encode() not in Path(f"/proc/{hubctl.pid}/{name}").read_bytes()
            assert not leaves_core_file(hubctl)
    hub = new_hub()
    hub.ok("party", "add", "IN-ABC", "--role", "CPO")
    assert hub.issue("IN-ABC")
    assert not leaves_core_file(hub.process)
    with subprocess.Popen(["cat"], **streams) as other:
        if not leaves_core_file(other):
            pytest.skip("no program leaves a core file on this machine: nothing is proven")


def test_a_token_for_everybody_to_read(hub, tmp_path):
    """stdout is a file that others may read: a warning that names --out. A link in the place of --out is not followed."""
    hub.ok("party", "add", "IN-TOK", "--role", "CPO")
    for mode, warned in ((0o644, True), (0o600, False)):
        target = tmp_path / f"{mode:o}"
        target.touch(mode)
        target.chmod(mode)
        with open(target, "w") as file:
            told = hub.ok("token", "issue", "IN-TOK", stdout=file).err
        assert ("everybody may read" in told and "--out FILE" in told) == warned, told
    link, aim = tmp_path / "link", tmp_path / "aim"
    link.symlink_to(aim)
    refused = hub.ctl("token", "issue", "IN-TOK", "--out", link)
    assert refused.rc == 1 and str(link) in refused.err and not aim.exists(), refused


def test_a_token_that_cannot_be_written_down(hub, tmp_path):
    """A file that cannot be made: no token is issued, what was valid stays valid."""
    hub.ok("party", "add", "IN-OUT", "--role", "CPO")
    before = hub.one("token", "issue", "IN-OUT")["fingerprint"]
    refused = hub.ctl("token", "issue", "IN-OUT", "--out", tmp_path / "no" / "folder")
    assert refused.rc == 1 and "No such file or directory" in refused.err, refused
    assert [row["fingerprint"] for row in hub.rows("token", "list", "IN-OUT")] == [before]
