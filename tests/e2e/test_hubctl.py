"""hubctl as the account team and their scripts use it."""

import json
import os
import pty
import re
import select
import signal
import sqlite3
import stat
import subprocess
import time
import uuid

import pytest

from tests.e2e.harness import BIN, DEADLINE, SLOW, eventually, on_terminal
from tests.sim import payloads

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
NOBODY = 65534


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


# ---------------------------------------------------------------- party, token, receiver, rule


def test_party_add_list_show_remove(hub):
    """A change prints one line, the same again is `unchanged`, -q prints only the id."""
    party = hub.new_party("CPO").id
    assert hub.ok("party", "add", party, "--role", "CPO", "--name", "Asha Charging").out == f"party {party} added\n"
    assert hub.ok("party", "add", party, "--role", "CPO", "--name", "Asha Charging").out == f"party {party} unchanged\n"
    row = hub.one("party", "show", party)
    wanted = {"id": party, "country_code": "IN", "party_id": party[3:], "roles": ["CPO"], "name": "Asha Charging", "status": "PLANNED"}
    assert {key: row[key] for key in wanted} == wanted
    assert {"platform", "last_seen"} <= set(row)
    assert party in [entry["id"] for entry in hub.rows("party", "list", "--role", "CPO", "--status", "PLANNED")]
    assert party not in [entry["id"] for entry in hub.rows("party", "list", "--role", "EMSP")]
    assert hub.ok("party", "set", party, "--name", "Asha EV").rc == 0
    assert hub.ok("party", "show", party, "--field", "name").out == "Asha EV\n"
    refused = hub.ctl("party", "remove", party)
    assert refused.rc in (1, 2) and "--confirm" in refused.err, refused
    assert hub.ok("party", "remove", party, f"--confirm={party}", "-q").out == f"{party}\n"
    assert hub.ctl("party", "show", party).rc == 1


@pytest.mark.parametrize("spelling", ["IN-%s", "IN*%s", "IN/%s", "IN%s", "in-%s"])
def test_spellings_of_a_party_id(hub, shared, spelling):
    """IN-ABC, IN*ABC, IN/ABC, INABC, in any case."""
    ident = shared.cpo.party.party_id
    ident = ident.lower() if spelling.startswith("in") else ident
    assert hub.one("party", "show", spelling % ident)["id"] == shared.cpo.id


def test_token_issue(hub):
    """The token alone on stdout, what comes next on stderr; lists show a fingerprint of 8 hex digits; --out makes a file of mode 0600 once."""
    party = hub.new_party("EMSP").id
    hub.ok("party", "add", party, "--role", "EMSP")
    issued = hub.ok("token", "issue", party)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43,}\n", issued.out) and issued.err.strip(), issued
    assert issued.out.strip() not in issued.err
    row = hub.one("token", "issue", party)
    assert {"party", "token", "fingerprint", "expires"} <= set(row) and row["party"] == party
    assert re.fullmatch(r"[0-9a-f]{8}", row["fingerprint"]) and re.fullmatch(TIME, row["expires"])
    (listed,) = [entry for entry in hub.rows("token", "list", party) if entry["fingerprint"] == row["fingerprint"]]
    assert row["token"] not in json.dumps(listed)
    out = hub.directory / f"{party}.token"
    hub.ok("token", "issue", party, "--out", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600 and len(out.read_text().strip()) >= 43
    again = hub.ctl("token", "issue", party, "--out", out)
    assert again.rc == 1 and str(out) in again.err, again


def test_token_issue_on_a_terminal(hub):
    """Until when it holds is local time, as in every table; in a pipe UTC. What went to a file was not shown."""
    party = hub.new_party("EMSP").id
    hub.ok("party", "add", party, "--role", "EMSP")
    issued = hub.ok("token", "issue", party)
    assert re.search(rf"valid until {TIME}, shown this once\n", issued.err), issued.err
    out = hub.directory / f"{party}.token"
    heading, row = plain(on_terminal(hub, "audit", "tail", "-n", "1", "--party", party, columns=80)[1]).splitlines()
    assert "PARTY" in heading.split() and party in row.split(), "on a narrow terminal too the row says whom it is about"
    rc, shown = on_terminal(hub, "token", "issue", party, "--out", out, environment={"TZ": "Asia/Kolkata"})
    assert rc == 0 and re.search(rf"valid until \S+ \S+\+05:30, written to {out}\n", shown.replace("\r", "")), shown


def test_token_revoke_all(hub, shared):
    """token revoke --all locks a platform out at once."""
    made = hub.pair()
    hub.ok("token", "revoke", made.cpo.id, "--all")
    assert made.cpo.get("credentials").outcome == (401, 2002)
    assert made.emsp.get("credentials").outcome == (200, 1000)
    assert shared.cpo.get("credentials").outcome == (200, 1000)


def test_receiver_set_list_unset(hub):
    """The module's base: everything from a first `{` is cut; source says who set it."""
    party = hub.new_party("EMSP").id
    hub.ok("party", "add", party, "--role", "EMSP")
    hub.ok("receiver", "set", party, "sessions", "https://xyz.example/ocpi/2.2.1/sessions/{country_code}/{party_id}/{session_id}")
    (row,) = hub.rows("receiver", "list", party)
    assert (row["party"], row["module"], row["url"].rstrip("/")) == (party, "sessions", "https://xyz.example/ocpi/2.2.1/sessions")
    assert row["source"] == "set"
    for url in ("ftp://xyz.example/x", "xyz.example", "https://user:secret@xyz.example/", ""):
        refused = hub.ctl("receiver", "set", party, "cdrs", url)
        assert refused.rc in (1, 2), refused
        assert "secret" not in refused.err
    misspelt = hub.ctl("receiver", "set", party, "sesions", "https://xyz.example/x")
    assert misspelt.rc == 2 and "sessions" in misspelt.err
    assert hub.ctl("receiver", "set", party, "no module", "https://xyz.example/x").rc == 2
    strange = hub.ctl("receiver", "set", party, "x_bookings", "https://xyz.example/x")
    assert strange.rc == 1 and "no module of OCPI" in strange.err and "--custom" in strange.err
    other = hub.one("receiver", "set", party, "x_bookings", "https://xyz.example/x", "--custom")
    assert "does not know" in other["hints"][0], "a module that the hub only passes on"
    hub.ok("receiver", "unset", party, "x_bookings")
    meant = hub.one("receiver", "set", party, "sesions", "https://xyz.example/own", "--custom")
    assert "looks like sessions" in meant["hints"][0], "what people say twice is done, and hinted at"
    assert [row["module"] for row in hub.rows("receiver", "list", party)] == ["sesions", "sessions"]
    document = hub.ok("export").out
    hub.ok("receiver", "unset", party, "sesions")
    hub.ok("apply", "-f", "-", stdin=document)
    assert [row["module"] for row in hub.rows("receiver", "list", party)] == ["sesions", "sessions"]
    hub.ok("receiver", "unset", party, "sesions")
    assert hub.ctl("receiver", "unset", party, "sesions").rc == 1
    hub.ok("receiver", "unset", party, "sessions")
    assert hub.rows("receiver", "list", party) == []
    assert hub.ctl("receiver", "unset", party, "sessions").rc == 1


def test_rules(hub):
    """enable, disable, list, matrix; the roles must fit."""
    hub, cpo, emsp = hub.pair(rule=False)
    hub.rule(emsp, cpo)
    assert "unchanged" in hub.rule(emsp, cpo).out
    (row,) = [row for row in hub.rows("rule", "list") if row["emsp"] == emsp.id]
    assert (row["cpo"], row["enabled"]) == (cpo.id, True) and re.fullmatch(TIME, row["since"])
    assert [emsp.id, cpo.id, "on"] in hub.ok("rule", "matrix").rows
    hub.rule(emsp, cpo, "disable")
    assert [emsp.id, cpo.id, "off"] in hub.ok("rule", "matrix").rows
    assert not [row for row in hub.rows("rule", "list") if row["emsp"] == emsp.id and row["enabled"]]
    swapped = hub.ctl("rule", "enable", cpo.id, emsp.id)
    assert swapped.rc == 1 and (cpo.id in swapped.err or emsp.id in swapped.err), swapped
    assert hub.ctl("rule", "enable", emsp.id, "IN-QQQ").rc == 1
    _, grid = on_terminal(hub, "rule", "matrix")
    assert emsp.id in grid and cpo.id in grid


# ---------------------------------------------------------------- forms of output


def test_table_on_a_terminal(hub, shared):
    """Aligned, with a header."""
    rc, shown = on_terminal(hub, "party", "list")
    lines = plain(shown).strip().splitlines()
    assert rc == 0 and lines[0].startswith("ID") and "STATUS" in lines[0], shown
    column = lines[0].index("STATUS")
    row = next(line for line in lines if line.startswith(shared.cpo.id))
    assert row[column:].startswith("CONNECTED"), shown


def test_colour(hub, shared):
    """Colour only on a terminal and not with NO_COLOR or --color=never; --color=always also in a pipe."""
    assert "\x1b[" not in on_terminal(hub, "party", "list", environment={"NO_COLOR": "1"})[1]
    assert "\x1b[" not in on_terminal(hub, "--color", "never", "party", "list")[1]
    assert "\x1b[" not in hub.ok("party", "list").out
    assert "\x1b[" in hub.ok("--color", "always", "party", "list").out


def test_tsv_in_a_pipe(hub, shared):
    """No header, tab separated, RFC 3339 UTC times, nothing cut."""
    name = "A very long name of a charging company that no table would show whole " * 3
    hub.ok("party", "set", shared.cpo.id, "--name", name.strip())
    rows = hub.ok("party", "list").rows
    assert len({len(row) for row in rows}) == 1 and rows[0][0] != "ID"
    (row,) = [row for row in rows if row[0] == shared.cpo.id]
    assert name.strip() in row and "CONNECTED" in row
    assert [field for field in row if re.fullmatch(TIME, field)], row


def test_json_and_field(hub, shared):
    """--json: one object per line; --json=a,b selects; an unknown field is a usage error that lists the fields; --field prints one bare value."""
    rows = hub.rows("party", "list")
    assert {shared.cpo.id, shared.emsp.id} <= {row["id"] for row in rows}
    assert hub.ok("--json=id,status", "party", "list").json == [{"id": row["id"], "status": row["status"]} for row in rows]
    wrong = hub.ctl("--json=id,colour", "party", "list")
    assert wrong.rc == 2 and "colour" in wrong.err and "status" in wrong.err, wrong
    assert hub.ok("--field", "id", "party", "list").out.split() == [row["id"] for row in rows]
    assert hub.ok("party", "show", shared.cpo.id, "--json").json[0]["id"] == shared.cpo.id, "options may also come last"


def test_status(hub, shared):
    """status tells version, base URL, parties and whether something needs attention."""
    row = hub.one("status")
    assert row["base_url"] == hub.url and row["degraded"] is False
    assert {entry["name"]: entry["count"] for entry in row["parties"]}["CONNECTED"] >= 2
    assert hub.ok("status", "--field", "base_url").out == f"{hub.url}\n"
    assert "CONNECTED" in on_terminal(hub, "status")[1]


def test_version_help_and_discover(hub):
    """-V, version, -h at every level, rpc.discover listing the methods with parameters and help."""
    assert re.match(r"hubctl \d+\.\d+\.\d+", hub.ok("-V").out)
    assert {"hubctl", "hubd"} <= set(hub.one("version"))
    nouns = re.findall(r"(?m)^  ([a-z]+)  ", hub.ok("-h").out.partition("\nNouns:\n")[2].partition("\n\n")[0])
    assert {"party", "conf", "help"} <= set(nouns)
    for words in ([], ["party", "add"], *([noun] for noun in nouns)):
        shown = hub.ok(*words, "-h").out
        assert shown.startswith(" ".join(["hubctl", *words]) + ": ") and "\nUsage: hubctl " in shown, shown
        assert re.search(r"\nExamples:\n(  .*hubctl .*\n){2}\n", shown), shown
    methods = json.loads(hub.ok("rpc", "rpc.discover").out)
    text = json.dumps(methods)
    for method in ("party.add", "token.issue", "receiver.set", "rule.enable", "audit.tail", "delivery.list", "status"):
        assert f'"{method}"' in text, method


# ---------------------------------------------------------------- exit codes


def test_exit_1_refused(hub):
    """hubd refuses: exit 1, one sentence with the object, and a hint."""
    for words in (["party", "show", "IN-QQQ"], ["token", "issue", "IN-QQQ"], ["delivery", "show", "999999"]):
        refused = hub.ctl(*words)
        assert refused.rc == 1 and refused.out == "", refused
        assert refused.err.startswith("hubctl: ") and refused.err.count("\n") <= 2, refused
    assert hub.ctl("party", "show", "IN-QQQ").err.startswith("hubctl: party IN-QQQ: no such party\nhint: ")


@pytest.mark.parametrize(
    "words",
    [
        [], ["party"], ["prty", "list"], ["party", "lsit"], ["party", "add"], ["party", "add", "IN-ABC"], ["party", "show", "IN-ABC", "extra"],
        ["party", "add", "IN-ABC", "--role", "KING"], ["party", "list", "--frobnicate"], ["party", "show", "NOT A PARTY"],
        ["token", "issue", "IN-ABC", "--ttl", "soon"], ["token", "revoke", "IN-ABC"], ["delivery", "show", "x"],
    ],
    ids=lambda words: " ".join(words) or "nothing",
)  # fmt: skip
def test_exit_2_usage(hub, words):
    """Wrong usage is exit 2, told on stderr, nothing on stdout."""
    wrong = hub.ctl(*words)
    assert wrong.rc == 2 and wrong.err.strip() and wrong.out == "", wrong


@pytest.mark.parametrize(
    "words, meant, next_command",
    [
        (["prty", "list"], '"party"', "hubctl -h"),
        (["party", "lsit"], '"party list"', "hubctl party -h"),
        (["party", "list", "--rol", "CPO"], "--role", "hubctl party list -h"),
        (["--colour", "never", "party", "list"], "--color", "hubctl -h"),
        (["party", "list", "--role", "EMPS"], "EMSP", "hubctl party list -h"),
        (["party", "list", "--field", "nam"], "name", "hubctl party list -h"),
        (["party", "list", "--json=id,staus"], "status", "hubctl party list -h"),
        (["help", "scriptng"], '"scripting"', "hubctl -h"),
        (["help", "prty"], '"party"', "hubctl -h"),
        (["help", "party", "lst"], '"party list"', "hubctl party -h"),
        (["object", "list", "locations"], "location", "hubctl object list -h"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else None,
)  # fmt: skip
def test_misspelt_words_are_corrected(hub, words, meant, next_command):
    """The nearest word is named, and the command that tells more."""
    wrong = hub.ctl(*words)
    assert wrong.rc == 2 and wrong.out == "", wrong
    assert re.search(rf"(?i)did you mean {re.escape(meant)}\?\n", wrong.err) and f"\nhint: {next_command}" in wrong.err, wrong


def test_misspelt_method_is_corrected(hub):
    """What hubd does not know, with the nearest of what it does; local commands are no methods."""
    wrong = hub.ctl("rpc", "party.lst")
    assert wrong.rc == 1 and 'does not know the method "party.lst"; did you mean party.list?\nhint: hubctl rpc rpc.discover\n' in wrong.err, wrong
    assert "did you mean" not in hub.ctl("rpc", "bath").err + hub.ctl("rpc", "x" * 5000).err


def test_exit_3_not_reachable(hub, new_hub):
    """No socket, a stale socket file, something else in its place: exit 3 with the path, at once."""
    stale = new_hub()
    stale.kill()
    assert stale.socket.exists()
    for path in (hub.directory / "nothing.sock", stale.socket, hub.config):
        gone = hub.ctl("-s", path, "status")
        assert gone.rc == 3 and str(path) in gone.err and gone.out == "", gone


def test_socket_from_the_environment(hub):
    """HUBCTL_SOCKET names the socket where -s does not."""
    done = subprocess.run(
        [BIN / "hubctl", "--field", "base_url", "status"],
        env={**os.environ, "HUBCTL_SOCKET": str(hub.socket)}, capture_output=True, text=True, timeout=DEADLINE,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{hub.url}\n"), done


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


def reachable_by_others():
    return all(os.stat(parent).st_mode & stat.S_IXOTH for parent in [BIN, *BIN.parents])


@as_root
@pytest.mark.skipif(not reachable_by_others(), reason="the programs lie in a folder that others cannot enter")
def test_exit_4_not_permitted(hub, new_hub):
    """A stranger is refused; viewer_group may read and not change; whom the audit names is the peer's uid."""
    stranger = dict(user=NOBODY, group=NOBODY, extra_groups=[])
    refused = hub.ctl("status", **stranger)
    assert refused.rc == 4 and refused.out == "" and refused.err.startswith("hubctl: "), refused
    open_hub = new_hub(viewer_group="nogroup")
    assert open_hub.ctl("status", **stranger).rc == 0
    refused = open_hub.ctl("party", "add", "IN-BAD", "--role", "CPO", **stranger)
    assert refused.rc == 4, refused
    assert open_hub.ctl("party", "show", "IN-BAD").rc == 1
    allowed = new_hub(admin_group="nogroup")
    added = allowed.ctl("party", "add", "IN-GRP", "--role", "CPO", **stranger)
    assert added.rc == 0, added
    (row,) = allowed.audit(action="party.add", party="IN-GRP")
    assert str(NOBODY) in row["actor"]


def test_socket_mode(hub, new_hub):
    """The socket is closed to others: 0660; 0666 with viewer_group, where peer credentials decide."""
    assert stat.S_IMODE(hub.socket.stat().st_mode) == 0o660
    assert stat.S_IMODE(new_hub(viewer_group="nogroup").socket.stat().st_mode) == 0o666


def test_exit_5_timed_out(new_hub):
    """A hubd that does not answer (SIGSTOP) is exit 5 after --timeout, saying that the outcome is unknown."""
    hub = new_hub()
    hub.process.send_signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        late = hub.ctl("--timeout", "500ms", "party", "add", "IN-LAT", "--role", "CPO")
        assert late.rc == 5 and "unknown" in late.err, late
        assert time.monotonic() - started < 5 * SLOW
    finally:
        hub.process.send_signal(signal.SIGCONT)


def test_exit_6_verify_finds_a_changed_row(new_hub):
    """A row of the audit that was changed behind hubd's back is found: exit 6."""
    hub = new_hub()
    for number in range(5):
        hub.ok("party", "add", f"IN-V0{number}", "--role", "CPO")
    whole = hub.ctl("--json", "audit", "verify")
    assert whole.rc == 0 and whole.json[-1]["ok"] is True, whole
    hub.stop()
    (database,) = (hub.directory / "state").glob("*.db")
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%audit%'")]
        changed = 0
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            if "action" in columns and "party" in columns:
                changed += connection.execute(f"UPDATE {table} SET party = 'IN-BAD' WHERE party = 'IN-V02'").rowcount
        assert changed == 1, tables
    connection.close()
    hub.restart()
    broken = hub.ctl("--json", "audit", "verify")
    assert broken.rc == 6 and broken.json[-1]["ok"] is False and broken.json[-1]["bad_row"], broken


def test_dangerous_verbs_never_hang(hub):
    """Without a terminal and without --confirm: a usage error at once. On a terminal: asks, and no means no."""
    party = hub.new_party("CPO").id
    hub.ok("party", "add", party, "--role", "CPO")
    wrong = hub.ctl("party", "remove", party, "--confirm=IN-OTHER")
    assert wrong.rc in (1, 2), wrong
    rc, shown = on_terminal(hub, "party", "remove", party, typed="n\n")
    assert rc != 0 and party in shown
    assert hub.ctl("party", "show", party).rc == 0


PROMPT = "Token (not shown): "


def test_token_is_typed_unseen(hub):
    """--token-file - on a terminal asks, and shows nothing of what is typed."""
    platform, token = hub.invited()
    words = ["party", "connect", platform.id, "--versions-url", f"{platform.url}/ocpi/versions", "--token-file", "-"]
    rc, shown = on_terminal(hub, *words, typed=f"{token}\n", after=PROMPT)
    assert rc == 0 and token not in shown and f"party {platform.id} connected" in shown, shown
    assert on_terminal(hub, *words, typed="\n", after=PROMPT)[0] == 2
    assert on_terminal(hub, *words, typed="\x04", after=PROMPT)[0] == 2


def test_interrupted_prompt_leaves_a_sane_terminal(hub):
    """Ctrl-C while a token is asked for: hubctl ends by the signal, and the terminal shows again what is typed."""
    child, master = pty.fork()
    if child == 0:
        command = '"$0" -s "$1" party connect IN-ABC --versions-url https://abc.example --token-file - ; echo ended; stty -a'
        os.execv("/bin/sh", ["sh", "-c", f"trap : INT; {command}", str(BIN / "hubctl"), str(hub.socket)])
    shown = ""

    def show(wanted):
        nonlocal shown
        end = time.monotonic() + DEADLINE
        while not re.search(wanted, shown):
            ready, _, _ = select.select([master], [], [], max(0, end - time.monotonic()))
            assert ready, shown
            shown += os.read(master, 65536).decode()

    show(re.escape(PROMPT))
    os.write(master, b"\x03")
    show(r"ended[\s\S]*\becho\b")
    os.waitpid(child, 0)
    os.close(master)
    assert re.search(r"(?<!-)\becho\b", shown.partition("ended")[2]), shown


# ---------------------------------------------------------------- streams and pipes


@pytest.mark.parametrize("words", [["party", "list"], ["--json", "party", "list"], ["status"], ["-h"], ["audit", "tail"]], ids=" ".join)
def test_full_disk(hub, shared, words):
    """stdout on a full disk is exit 1 with a word about it."""
    with open("/dev/full", "w") as full:
        done = hub.ctl(*words, stdout=full)
    assert done.rc == 1 and done.err.strip(), done


def test_closed_pipe(hub, shared):
    """A reader that goes away ends hubctl silently."""
    for number in range(20):
        shared.emsp.authorize(f"T{number}")
    read, write = os.pipe()
    os.close(read)
    done = hub.ctl("--json", "audit", "tail", "-n", "100000", stdout=write)
    os.close(write)
    assert done.err == "" and done.rc in (0, -signal.SIGPIPE, 128 + signal.SIGPIPE), done


def test_closed_stdin(hub, shared):
    """Nothing needs a stdin."""
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -s "$1" --field base_url status <&-', BIN / "hubctl", hub.socket], capture_output=True, text=True, timeout=DEADLINE
    )
    assert (done.returncode, done.stdout) == (0, f"{hub.url}\n"), done


# ---------------------------------------------------------------- audit


def test_audit_tail_shows_admin_actions(hub):
    """One row for each admin action: who by uid, what, about whom; without secrets; the filters choose."""
    party = hub.new_party("CPO").id
    hub.ok("party", "add", party, "--role", "CPO", "--name", "Before")
    hub.ok("party", "set", party, "--name", "After")
    token = hub.issue(party)
    rows = hub.rows("audit", "tail", "--party", party)
    assert [row["action"] for row in rows] == ["party.add", "party.set", "token.issue"]
    for row in rows:
        assert re.fullmatch(TIME, row["time"]) and str(os.geteuid()) in row["actor"] and row["party"] == party and row["cursor"]
    assert "Before" in json.dumps(rows[1]) and "After" in json.dumps(rows[1]), "before and after"
    assert token not in json.dumps(rows)
    assert [row["action"] for row in hub.rows("audit", "tail", "--party", party, "--action", "party.*")] == ["party.add", "party.set"]
    assert hub.rows("audit", "tail", "--party", party, "-n", "1") == rows[-1:]
    assert hub.rows("audit", "tail", "--party", party, "--until", rows[0]["time"]) == []
    assert hub.rows("audit", "tail", "--party", party, "--cursor", rows[0]["cursor"]) == rows[1:]


def test_audit_tail_follows(hub):
    """-f shows everything as it happens: admin actions, pushes, real-time messages."""
    marker = hub.new_party("CPO").id
    hub.ok("party", "add", marker, "--role", "CPO")
    follow = hub.follow("-n", "1")
    try:
        follow.wait(lambda row: row["party"] == marker, "the last row before: the tail is connected")
        made = hub.pair()
        follow.wait(lambda row: row["action"] == "rule.enable" and made.emsp.id in json.dumps(row), "rule.enable")
        made.cpo.put("sessions", payloads.session(made.cpo.party, made.emsp.party))
        follow.wait(lambda row: row["module"] == "sessions" and row["from"] == made.cpo.id, "the push")
        correlation = str(uuid.uuid4())
        made.emsp.authorize("T1", headers={"X-Correlation-ID": correlation})
        row = follow.wait(lambda row: row["correlation_id"] == correlation, "the authorization")
        assert (row["from"], row["to"], row["module"]) == (made.emsp.id, made.cpo.id, "tokens")
    finally:
        shown = follow.close()
    assert len({row["cursor"] for row in shown}) == len(shown)


def test_audit_tail_follows_across_a_restart(new_hub):
    """A tail by cursor file goes on where it stopped: nothing missing, nothing twice, also over kill -9 of hubd."""
    hub = new_hub()
    cursor = hub.directory / "cursor"
    seen = []
    for turn in range(3):
        follow = hub.follow("--cursor-file", cursor)
        for number in range(4):
            hub.ok("party", "add", f"IN-{turn}{number}X", "--role", "CPO")
        follow.wait(lambda row, last=f"IN-{turn}3X": row["party"] == last, "the last party of this turn")
        hub.kill()
        seen += follow.close()
        hub.restart()
        hub.ok("party", "add", f"IN-{turn}9X", "--role", "CPO")  # while nobody looks
    follow = hub.follow("--cursor-file", cursor)
    follow.wait(lambda row: row["party"] == "IN-29X", "the last party")
    seen += follow.close()
    assert [row["cursor"] for row in seen] == [row["cursor"] for row in hub.audit()]


def test_audit_follow_survives_a_restart_of_hubd(new_hub):
    """One -f keeps going over a restart of hubd, without a gap."""
    hub = new_hub()
    hub.ok("party", "add", "IN-AAA", "--role", "CPO")
    follow = hub.follow("-n", "1")
    follow.wait(lambda row: row["party"] == "IN-AAA")
    hub.stop()
    hub.restart()
    hub.ok("party", "add", "IN-BBB", "--role", "CPO")
    follow.wait(lambda row: row["party"] == "IN-BBB")
    shown = [row["cursor"] for row in follow.close()]
    assert shown == [row["cursor"] for row in hub.audit()][-len(shown) :]


# ---------------------------------------------------------------- delivery


def test_delivery_list_show_retry_drop(new_hub):
    """What waits is listed with its reason, shown with its body, tried again at once, or dropped with --confirm."""
    hub = new_hub(retry_initial="1h", retry_max="1h")
    hub, cpo, emsp = hub.pair()
    emsp.down()
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "CDR-A"))
    (row,) = hub.wait_rows("delivery", "list", "--state", "pending", where=lambda row: row["attempts"] == 1, what="a failed attempt")
    assert (row["module"], row["object"].upper(), row["from"], row["to"]) == ("cdrs", "CDR-A", cpo.id, emsp.id)
    assert row["last_error"] and re.fullmatch(TIME, row["created"]) and re.fullmatch(TIME, row["next_attempt"])
    assert "CDR-A" in hub.ok("delivery", "show", row["id"], "--field", "body").out
    emsp.up()
    hub.ok("delivery", "retry", row["id"])
    emsp.wait("POST", "/cdrs$")
    eventually(lambda: hub.rows("delivery", "list") == [], "the list is empty")
    assert [entry["state"] for entry in hub.rows("delivery", "list", "--state", "delivered")] == ["delivered"]
    emsp.down()
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "CDR-B"))
    (row,) = hub.wait_rows("delivery", "list", where=lambda row: row["attempts"] == 1, what="a failed attempt")
    refused = hub.ctl("delivery", "drop", row["id"])
    assert refused.rc in (1, 2) and "--confirm" in refused.err, refused
    hub.ok("delivery", "drop", row["id"], f"--confirm={row['id']}")
    assert hub.rows("delivery", "list", "--state", "pending") == []


def test_delivery_list_by_party(hub):
    """--party filters by sender or receiver."""
    made = hub.pair(rule=False)
    made.cpo.put("sessions", payloads.session(made.cpo.party, made.emsp.party, "HELD"))
    assert [row["object"].upper() for row in hub.rows("delivery", "list", "--party", made.emsp.id)] == ["HELD"]
    assert hub.rows("delivery", "list", "--party", hub.onboard("EMSP").id) == []
