"""What the account team sees of the hub as a whole: status on one screen, stats with every module."""

import re

import pytest

from tests.e2e.harness import ROOT, SLOW, eventually, on_terminal
from tests.e2e.test_forms import fake, run, terminal  # noqa: F401 - fixtures
from tests.e2e.test_hubctl import plain
from tests.sim import Gate, Party, Reply, payloads
from tests.sim.wire import timestamp

QUARTER = 15
MODULES = {"locations", "tariffs", "sessions", "cdrs", "tokens", "commands", "chargingprofiles", "hubclientinfo", "credentials", "versions", "others"}
OUTGOING = {"sessions", "cdrs", "commands", "locations", "tariffs", "hubclientinfo", "others"}


@pytest.fixture(scope="module")
def hub_settings():
    # Partners are soon OFFLINE, and sessions that are not taken soon dead.
    return {"probe_interval": "200ms", "probe_timeout": f"{400 * SLOW:g}ms", "offline_after": f"{1200 * SLOW:g}ms",
            "retry_initial": "10ms", "retry_max": "20ms", "retry_give_up": "1s"}  # fmt: skip


def stats(hub):
    return {(row["direction"], row["module"]): row for row in hub.rows("stats")}


def counted(hub, before, direction, module):
    """Requests and failures since then."""
    row, old = stats(hub)[direction, module], before[direction, module]
    return row["requests"] - old["requests"], row["failed"] - old["failed"]


def attention(hub):
    return {row["what"]: row["hint"] for row in hub.one("status")["attention"]}


# ---------------------------------------------------------------- traffic


def test_nothing_yet(new_hub):
    """A hub that was just started: no traffic, nothing to attend to, and a row for each module all the same."""
    hub = new_hub()
    assert "no party is registered yet" in on_terminal(hub, "party", "list")[1]
    status = hub.one("status")
    assert [row for row in status["attention"] if "disk" not in row["what"]] == [], "the disk is this machine's"
    assert (status["traffic"], status["queues"]) == ([], [])
    rows = hub.rows("stats")
    assert [row["module"] for row in rows if row["direction"] == "in"][0] == "locations"
    assert {row["module"] for row in rows if row["direction"] == "in"} == MODULES
    assert {row["module"] for row in rows if row["direction"] == "out"} == OUTGOING
    assert len(rows) == len(MODULES) + len(OUTGOING)
    for row in rows:
        assert (row["requests"], row["failed"], row["failed_15"], row["per_minute_1"]) == (0, 0, 0, 0)
        assert (row["p50_ms"], row["p95_ms"], row["minutes"]) == (None, None, [0] * QUARTER)


def test_requests_are_counted(hub, pair):
    """Each request once, in its module; lists too, which leave no audit row; HTTP 4xx and status codes from 2000 on as failed."""
    before = stats(hub)
    for number in range(3):
        pair.cpo.put("locations", payloads.location(pair.cpo.party, f"LOC{number}"))
    assert len(pair.emsp.get("locations").data) == 3
    assert pair.cpo.put("locations", {"id": "X"}, ident="X").code == 2001
    assert pair.emsp.get("locations", token="nobody's").status == 401
    assert pair.emsp.get("nowhere").status == 404
    pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party))
    assert counted(hub, before, "in", "locations") == (6, 2)
    assert counted(hub, before, "in", "tariffs") == (1, 0)
    assert counted(hub, before, "in", "others") == (1, 1)
    assert counted(hub, before, "in", "cdrs") == (0, 0)
    row = stats(hub)["in", "locations"]
    assert sum(row["minutes"]) == row["requests"] and row["failed_15"] == row["failed"]
    assert 0 < row["p50_ms"] <= row["p95_ms"] and row["per_minute_1"] >= 6
    (line,) = [line for line in hub.one("status")["traffic"] if line["module"] == "locations"]
    assert (line["requests"], line["failed"], line["minutes"]) == (row["requests"], row["failed"], row["minutes"])


def test_what_is_refused_below_ocpi_is_counted(hub, pair):
    """A head too large, rubbish: refused by the HTTP server, among the others."""
    before = stats(hub)
    assert pair.emsp.get("versions", headers={"X-Large": "x" * 20000}).status == 431
    assert counted(hub, before, "in", "others") == (1, 1)


def test_deliveries_are_counted(hub, pair):
    """Every try that a receiver did not take is a failed one."""
    before = stats(hub)
    pair.emsp.script("PUT", "/sessions/", Reply(http=503, code=3000), Reply(http=503, code=3000))
    pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party))
    pair.emsp.wait("PUT", "/sessions/", count=3)
    eventually(lambda: counted(hub, before, "out", "sessions") == (3, 2), "three tries are counted")
    (line,) = [line for line in hub.one("status")["traffic"] if line["module"] == "deliveries"]
    assert line["requests"] >= 3 and line["failed"] >= 2


def test_stats_in_a_pipe(hub):
    """A line per row, the bars as numbers."""
    lines = hub.ok("stats").rows
    assert {len(line) for line in lines} == {11} and lines[0][:2] == ["in", "locations"]
    assert len(lines[0][10].split(",")) == QUARTER


# ---------------------------------------------------------------- what needs attention


def test_queues_need_attention(hub):
    """Held ones with the reason and the command that helps; dead ones; a receiver that fails."""
    unrouted, closed, dead, away = hub.pair(rule=False), hub.pair(), hub.pair(), hub.pair()
    hub.ok("receiver", "unset", closed.emsp.id, "sessions")
    dead.emsp.script("PUT", "/sessions/", Reply(http=500, code=3000), forever=True)
    away.emsp.script("POST", "/cdrs$", Reply(http=503, code=3000, headers={"Retry-After": "3600"}))
    for made in (unrouted, closed, dead):
        made.cpo.put("sessions", payloads.session(made.cpo.party, made.emsp.party))
    away.cpo.call("POST", "cdrs", payloads.cdr(away.cpo.party, away.emsp.party))
    names = {
        f"1 held delivery for {unrouted.emsp.id}: no rule": f"hubctl rule explain {unrouted.emsp.id} {unrouted.cpo.id}",
        f"1 held delivery for {closed.emsp.id}: no receiver URL": f"hubctl receiver list {closed.emsp.id}",
        f"{away.emsp.id} fails to take deliveries: 1 waits": f"hubctl delivery list --party {away.emsp.id}",
    }
    found = eventually(lambda: (now := attention(hub)) and names.items() <= now.items() and now, "all are attended to")
    for hint in found.values():
        if hint.startswith("hubctl "):
            shown = hub.ctl(*hint.split()[1:])
            assert shown.rc == 0 or (shown.rc == 6 and "party check" in hint), shown  # 6: of another test's that is gone
    hub.wait_rows("delivery", "list", "--state", "dead", where=lambda row: row["to"] == dead.emsp.id, what="a dead delivery")
    assert attention(hub)[f"1 dead delivery for {dead.emsp.id}"] == f"hubctl delivery list --state dead --party {dead.emsp.id}"
    queues = [row["receiver"] for row in hub.one("status")["queues"]]
    worst, rest = ([queues.index(made.emsp.id) for made in some] for some in ((away, dead), (unrouted, closed)))
    assert max(worst) < min(rest), "the worst first"
    for platform in (unrouted, closed, dead, away):
        platform.cpo.close(), platform.emsp.close()


def test_a_failing_receiver_is_told_without_a_break(hub):
    """While the next try is under way, too: until a message passes, or none waits."""
    pair = hub.pair()
    gate = Gate(60 * SLOW)
    replies = iter([Reply(http=503, code=3000), Reply(hold=gate)])
    pair.emsp.script("PUT", "/sessions/", lambda request: next(replies, Reply()), forever=True)
    pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party))
    pair.emsp.wait("PUT", "/sessions/", count=2)
    what = f"{pair.emsp.id} fails to take deliveries: 1 waits"
    assert what in attention(hub), "the second try hangs"
    gate.open()
    eventually(lambda: what not in attention(hub), "it was taken")
    pair.cpo.close(), pair.emsp.close()


def test_a_party_that_never_was(hub):
    """Where something is done a slip of the pen is told; a party that is gone is not one. Lists have nothing to show."""
    result = hub.ctl("delivery", "retry", "--party", "IN-NOO")
    assert result.rc == 1 and "party IN-NOO: no such party" in result.err, result
    for words in (["delivery", "list", "--party"], ["audit", "tail", "--party"], ["quality"], ["delivery", "receipts", "--since", "2020-01-01", "--party"]):
        assert hub.rows(*words, "IN-NOO") == []
    gone = hub.add(hub.platform("EMSP"))
    hub.ok("party", "remove", gone.id, f"--confirm={gone.id}")
    assert hub.rows("audit", "tail", "--party", gone.id) and hub.ctl("delivery", "retry", "--party", gone.id).rc == 0


def test_parties_need_attention(hub):
    """OFFLINE; an initial token that runs out; connected, but without a rule."""
    made = hub.pair(rule=False)
    ids = f"{made.cpo.id}, {made.emsp.id}"
    assert any("no rule" in what and (ids in what or "…" in what) for what in attention(hub)), attention(hub)
    party = hub.new_party("CPO").id
    hub.ok("party", "add", party, "--role", "CPO")
    hub.ok("token", "issue", party, "--ttl", "3d")
    assert not any(party in what for what in attention(hub))
    hub.ok("token", "issue", party, "--ttl", "5h")
    assert attention(hub)[f"the initial token of {party} expires within a day, unused"] == f"hubctl token list {party}"
    hub.ok("token", "issue", party, "--ttl", "1ms")
    what = f"the initial token of {party} expired unused"
    assert eventually(lambda: attention(hub).get(what), "the token has expired") == f"hubctl token issue {party}"
    made.cpo.down()
    offline = f"party {made.cpo.id} is OFFLINE since "
    hint = eventually(lambda: next((hint for what, hint in attention(hub).items() if what.startswith(offline)), None), "it is OFFLINE")
    assert hint == f"hubctl party check {made.cpo.id}"
    made.cpo.close(), made.emsp.close()


# ---------------------------------------------------------------- on the terminal

STATUS = {
    "attention": [{"what": f"{n} held deliveries for IN-E{n:02}: no rule", "hint": f"hubctl rule explain IN-E{n:02} IN-C01"} for n in range(9)],
    "version": "0.1.0", "started": "2020-01-31T12:00:00.000Z", "uptime_s": 5, "degraded": False, "base_url": "https://hub.example.org",
    "parties": [{"name": "CONNECTED", "count": 9}, {"name": "OFFLINE", "count": 0}, {"name": "PLANNED", "count": 3}],
    "objects": [{"name": "locations", "count": 412}, {"name": "tariffs", "count": 0}],
    "traffic": [{"module": "locations", "minutes": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], "requests": 105, "failed": 2, "p95_ms": 3.5},
                {"module": "deliveries", "minutes": [0] * 14 + [1], "requests": 1, "failed": 0, "p95_ms": None}],
    "queues": [{"receiver": f"IN-E{n:02}", "pending": 1, "held": n, "dead": 0, "oldest_pending": "2026-01-01T00:00:00.000Z", "circuit": "closed",
                "retry_at": None} for n in range(12)],
    "audit_rows": 1, "audit_head": 1, "database_bytes": 12345678, "wal_bytes": 1,
}  # fmt: skip
QUIET = {**STATUS, "attention": [], "traffic": STATUS["traffic"] * 3, "queues": STATUS["queues"][:3]}


def screen(terminal, columns, **environment):  # noqa: F811
    code, shown = terminal("status", columns=columns, NO_COLOR="1", LINES="24", **environment)
    assert code == 0
    return shown.splitlines()


def test_one_screen(fake, terminal):  # noqa: F811
    """80 by 24 with the prompt; nothing wider than the terminal."""
    fake.says("status", QUIET)
    lines = screen(terminal, 80)
    assert len(lines) < 24 and max(map(len, lines)) <= 80
    assert lines[0].split() == ["ATTENTION", "nothing"]
    assert re.fullmatch(r"PARTIES +12: 9 CONNECTED, 3 PLANNED", lines[1]) and re.fullmatch(r"OBJECTS +412: 412 locations", lines[2])
    assert any(re.fullmatch(r"DATABASE +11\.8 MiB", line) for line in lines)
    assert any(re.fullmatch(r"UP FOR +\d+ d", line) for line in lines)
    assert any(re.fullmatch(r"IN-E02 +1 +2 +0 +\d+ d closed", line) for line in lines), lines


def test_long_parts_are_cut(fake, terminal):  # noqa: F811
    """The worst ones, and where the rest is; --json has all of it."""
    fake.says("status", STATUS)
    lines = screen(terminal, 80)
    assert lines[0].split() == ["NEEDS", "ATTENTION", "TRY"] and "and 3 more: hubctl --json status" in lines
    assert "and 7 more: hubctl delivery list" in lines
    assert sum("held deliveries" in line for line in lines) == 6


def test_narrow(fake, terminal):  # noqa: F811
    """40 columns: commands stand below what they help with and are not cut, bars tell the last minutes."""
    fake.says("status", STATUS)
    lines = screen(terminal, 40)
    assert max(map(len, lines)) <= 40
    at = lines.index("3 held deliveries for IN-E03: no rule")
    assert lines[at + 1] == "  hubctl rule explain IN-E03 IN-C01"
    assert any(re.fullmatch(r"locations +▄▅▅▆▆▇▇█ +105 +2", line) for line in lines), lines


@pytest.mark.parametrize("locale, bars", [("C.UTF-8", ".▁▂▂▃▃▄▄▅▅▆▆▇▇█"), ("C", ".:--==++**%%##@")])
def test_bars(fake, terminal, locale, bars):  # noqa: F811
    """A bar a minute against the highest; none is a dot. Without UTF-8 in the locale with ASCII."""
    fake.says("status", STATUS)
    shown = "\n".join(screen(terminal, 80, LC_ALL=locale))
    assert re.search(rf"^locations +{re.escape(bars)} +105 +2 +3\.5$", shown, re.M), shown
    assert re.search(rf"^deliveries \.{{14}}{bars[-1]} +1 +0 +-$", shown, re.M), shown


def test_status_in_a_pipe(fake, run):  # noqa: F811
    """Everything, a line per fact."""
    fake.says("status", STATUS)
    lines = run("status").stdout.splitlines()
    assert "parties\tOFFLINE\t0" in lines and "database_bytes\t12345678" in lines and "started\t2020-01-31T12:00:00.000Z" in lines
    assert "traffic\tdeliveries\t" + "0," * 14 + "1\t1\t0\t" in lines
    assert sum(line.startswith("queues\t") for line in lines) == 12 and sum(line.startswith("attention\t") for line in lines) == 9
    assert "queues\tIN-E01\t1\t1\t0\t2026-01-01T00:00:00.000Z\tclosed\t" in lines


DELIVERY = {"id": 1, "state": "pending", "reason": None, "module": "sessions", "object": "0F454B47-9CDA-450F-A8FD-3636944BF593", "from": "IN-ABC",
            "to": "IN-XYZ", "attempts": 3, "next_attempt": None, "last_error": "x" * 200}  # fmt: skip


@pytest.mark.parametrize(
    "columns, headings",
    [(52, "ID STATE MODULE OBJECT TO LAST ERROR"), (79, "ID STATE MODULE OBJECT FROM TO TRIES LAST ERROR"), (140, "ID STATE MODULE OBJECT FROM TO TRIES CREATED LAST ERROR")],
)
def test_a_table_leaves_out_what_does_not_fit(fake, terminal, columns, headings):  # noqa: F811
    """What matters less first; never wider than the terminal. In the table of `hubctl -h` and in pipes it is all there."""
    fake.says("delivery.list", {"rows": [{**DELIVERY, "created": "2026-01-31T12:00:00.000Z"}]})
    lines = terminal("delivery", "list", columns=columns, NO_COLOR="1")[1].splitlines()
    assert " ".join(lines[0].split()) == headings and max(map(len, lines)) <= columns, lines


def test_times_of_today_without_their_date(fake, terminal):  # noqa: F811
    """In the lists whose times are mostly of today; other days in full."""
    now = timestamp()
    rows = [{**DELIVERY, "last_error": None, "created": created} for created in ("2026-01-31T12:00:00.000Z", now)]
    fake.says("delivery.list", {"rows": rows})
    shown = terminal("delivery", "list", columns=160, NO_COLOR="1", TZ="UTC")[1].splitlines()
    assert shown[1].endswith(" 2026-01-31 12:00:00+00:00") and shown[2].endswith(f" {now[11:19]}+00:00"), shown


def test_colour_is_never_alone(hub, terminal, fake):  # noqa: F811
    """With and without colour the same words."""
    fake.says("status", STATUS)
    assert plain(terminal("status", columns=80)[1]) == terminal("status", columns=80, NO_COLOR="1")[1]


# ---------------------------------------------------------------- what helps


def test_every_hint_runs(new_hub):
    """In a bad state each line of attention names a command that there is, whatever it answers; so does party check."""
    hub = new_hub(retry_initial="10ms", retry_max="20ms", retry_give_up="1s", probe_interval="200ms", offline_after="1s")
    _, cpo, emsp = hub.pair()
    gone = hub.onboard("EMSP", hide=("sessions",))
    hub.rule(gone, cpo)
    other = hub.onboard("EMSP")
    emsp.script("PUT", "/sessions/.*BAD", Reply(http=400), forever=True)
    for ident in ("BAD", "GOOD"):
        assert cpo.put("sessions", payloads.session(cpo.party, emsp.party, ident)).code == 1000
    assert cpo.put("sessions", payloads.session(cpo.party, gone.party, "NO-URL")).code == 1000
    assert cpo.put("sessions", payloads.session(cpo.party, other.party, "NO-RULE")).code == 1000
    assert cpo.put("sessions", payloads.session(cpo.party, Party.parse("IN-ZZZ", "EMSP"), "NOBODY")).code == 1000
    assert cpo.call("POST", "cdrs", {"id": "CDR-REFUSED"}).code == 2001
    other.down()
    hub.wait_status(other.id, "OFFLINE")

    def attention():
        rows = hub.one("status")["attention"]
        whole = " ".join(row["what"] for row in rows)
        return rows if all(word in whole for word in ("OFFLINE", "held", "refused")) else None

    rows = eventually(attention, "all of it needs attention")
    hints = [row["hint"] for row in rows]
    for party in (cpo, emsp, gone, other):
        hints += re.findall(r'"remedy":"([^"]+)"', hub.ctl("--json", "party", "check", party.id).out)
    assert len(rows) >= 4
    runnable(hub, hints, {"EMSP": emsp.id, "CPO": cpo.id, "ID": cpo.id})


# A command within a sentence ends where prose begins: with a small word that is no option's value.
COMMAND = re.compile(r"hubctl [a-z]+(?: [a-z]+)?((?: (?:--[a-z-]+(?: [a-z-]+(?=[ ,;]|$))?|[A-Z]{2}-\w+(?::\w+)?|[A-Z]+|\{\w+\}))*)")


def runnable(hub, sentences, words):
    """Every command in these sentences is one that hubctl knows, with its options."""
    found = {match.group(0) for sentence in sentences for match in COMMAND.finditer(sentence)}
    words = {"MODULE": "sessions", "URL": "https://x.example/y", "HOST": "x.example", "REASON": "x", **words}
    tables = "".join(file.read_text() for file in (ROOT / "lib/ctl").glob("table_*.c"))
    nouns = set(re.findall(r'^    \{"([a-z]+)", (?:"[a-z]+"|NULL),', tables, re.MULTILINE)) | {"help", "completion", "rpc", "version"}
    for command in sorted(found):
        parts = [words.get(part.strip("{}").upper(), part) for part in command.split()[1:]]
        if parts[0] in ("as", "by", "in", "that"):  # prose
            continue
        assert parts[0] in nouns, command
        answer = hub.ctl(*[part for part in parts if not part.startswith("--")], "-h")
        assert answer.rc == 0, (command, answer.err)
        known = set(re.findall(r"--[a-z-]+", answer.out + hub.ok("-h").out))
        assert {part for part in parts if part.startswith("--")} <= known, command


def test_every_remedy_runs(hub):
    """Also what a healthy hub never says: the commands in all its sentences."""
    for file in sorted([*(ROOT / "hubd").rglob("*.c"), *(ROOT / "hubctl").rglob("*.c")]):
        sentences = re.findall(r'"((?:[^"\\]|\\.)*)"', re.sub(r'"\s*\n\s*"', "", file.read_text()))
        runnable(hub, sentences, {"ID": "IN-AAA"})
