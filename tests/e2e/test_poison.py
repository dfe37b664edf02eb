"""Messages that their receiver never takes: the others arrive, wherever those stand and however many they are (hub-ocpi(7), DELIVERY)."""

import itertools
import os
import random
import re
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.harness import LONG, SLOW, eventually, later
from tests.sim import Gate, Reply, payloads

PATIENCE = 60 * SLOW


@pytest.fixture(scope="module")
def hub_settings():
    # A timeout of the receiver's is short, so that a test sees several rounds of it.
    return {"retry_initial": "50ms", "retry_max": "250ms", "delivery_timeout": "1s"}


FAULTS = {
    "404": lambda: Reply(http=404, code=2003),
    "500": lambda: Reply(http=500, code=3000),
    "timeout": lambda: Reply(hold=Gate(3 * SLOW)),
    "reset": lambda: Reply(drop="reset"),
    "not OCPI": lambda: Reply(body=b"<html>fine</html>"),
}


class Sessions:
    method, pattern, module = "PUT", "/sessions/", "sessions"

    @staticmethod
    def push(pair, ident):
        assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident)).outcome == (201, 1000)


class Cdrs:
    method, pattern, module = "POST", "/cdrs$", "cdrs"

    @staticmethod
    def push(pair, ident):
        assert pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, ident)).outcome == (201, 1000)


def ident_of(request):
    return request.json["id"]


def arrived(pair, kind, poison):
    """Ids that the eMSP has taken."""
    return {ident_of(r) for r in pair.emsp.received(kind.method, kind.pattern)} - poison


def poisoned(pair, kind, poison, fault):
    pair.emsp.script(kind.method, kind.pattern, lambda r: fault() if ident_of(r) in poison else None, forever=True)


def pile_up(pair, kind, idents):
    """All of them wait in the queue before the first is sent."""
    url = pair.hub.receiver(pair.emsp, kind.module)
    pair.hub.ok("receiver", "unset", pair.emsp.id, kind.module)
    for ident in idents:
        kind.push(pair, ident)
    pair.hub.ok("receiver", "set", pair.emsp.id, kind.module, url)


def drill(pair, kind, fault, idents, poison):
    poisoned(pair, kind, poison, FAULTS[fault])
    pile_up(pair, kind, idents)
    wanted = set(idents) - poison
    eventually(lambda: arrived(pair, kind, poison) >= wanted, f"all but the {len(poison)} arrive", PATIENCE)
    fresh = f"{kind.module}-LATER"
    kind.push(pair, fresh)
    eventually(lambda: fresh in arrived(pair, kind, poison), "and one that comes later, too", PATIENCE)
    folded = {ident.upper() for ident in poison}
    waiting = lambda: {row["object"].upper() for row in pair.hub.deliveries(to=pair.emsp.id, state="pending")}  # noqa: E731
    eventually(lambda: waiting() == folded, "only those that fail wait")


def names(kind, count):
    return [f"{kind.module}-{number:04d}" for number in range(count)]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", [Sessions, Cdrs], ids=["sessions", "cdrs"])
def test_two_at_the_head(pair, kind, fault):
    """Two that fail for ever, the oldest of all: what stands behind them arrives."""
    idents = names(kind, 40)
    drill(pair, kind, fault, idents, set(idents[:2]))


@pytest.mark.parametrize("count", [1, 17])
@pytest.mark.parametrize("position", ["first", "middle", "last", "all but one"])
def test_positions(pair, position, count):
    """One, or more than are sent side by side, in every place."""
    idents = names(Cdrs, 60)
    middle = len(idents) // 2
    poison = {
        "first": set(idents[:count]),
        "middle": set(idents[middle : middle + count]),
        "last": set(idents[-count:]),
        "all but one": set(idents) - {idents[middle]},
    }[position]
    drill(pair, Cdrs, "500", idents, poison)


@pytest.mark.parametrize("fault", ["404", "timeout"] if LONG else ["404"])
def test_more_than_the_window(pair, fault):
    """A run of messages that fail, longer than what the hub looks at at once, does not starve what stands behind it."""
    idents = names(Cdrs, 340)
    drill(pair, Cdrs, fault, idents, set(idents[:300]))


def test_newer_state_of_a_session(pair):
    """A session whose state backs off alone: a newer state takes its place at once, and the older one never comes behind it."""
    push = lambda kwh, stamp: pair.cpo.put(  # noqa: E731
        "sessions", payloads.session(pair.cpo.party, pair.emsp.party, "S", kwh=kwh, last_updated=f"2025-05-05T05:00:{stamp:02d}Z")
    )
    pair.emsp.script("PUT", "/sessions/", lambda r: Reply(http=500, code=3000) if r.json.get("kwh") == 1 else None, forever=True)
    push(1, 1)
    for number in itertools.count():
        Sessions.push(pair, f"OTHER-{number}")
        rows = pair.hub.deliveries(to=pair.emsp.id, state="pending", object="S")
        if rows and "while others arrived" in (rows[0]["reason"] or ""):
            break
        assert number < 500
    push(2, 2)
    pair.emsp.wait("PUT", "/sessions/.*/S$", where=lambda r: r.json["kwh"] == 2)
    behind = len(pair.emsp.received("PUT", "/sessions/.*/S$", where=lambda r: r.json["kwh"] == 1))
    eventually(lambda: not pair.hub.deliveries(to=pair.emsp.id, state="pending"), "nothing waits")
    Sessions.push(pair, "LAST")
    pair.emsp.wait("PUT", "/sessions/.*/LAST$")
    assert len(pair.emsp.received("PUT", "/sessions/.*/S$", where=lambda r: r.json["kwh"] == 1)) == behind


def test_what_people_see(pair):
    """The message is named, and the receiver is not blamed: in the list, in show, in status and in party check."""
    poisoned(pair, Cdrs, {"BAD"}, FAULTS["500"])
    Cdrs.push(pair, "BAD")
    for number in itertools.count():
        Cdrs.push(pair, f"GOOD-{number}")
        (row,) = pair.hub.deliveries(to=pair.emsp.id, object="BAD")
        if (match := re.fullmatch(r"failed (\d+) times while others arrived", row["reason"] or "")) and int(match[1]) >= 3:
            break
        assert number < 2000
    assert row["state"] == "pending" and "HTTP 500" in row["last_error"] and row["next_attempt"]
    assert pair.hub.one("delivery", "show", row["id"])["reason"].endswith("while others arrived")

    def told():
        """While others arrive: a queue in which nothing else passes is one whose receiver may be at fault."""
        Cdrs.push(pair, f"LATER-{next(later)}")
        what = [entry["what"] for entry in pair.hub.one("status")["attention"] if pair.emsp.id in entry["what"]]
        named = any("1 message for" in text and "while others arrive" in text for text in what)
        return named and not any("fails to take" in text for text in what)

    later = itertools.count()
    eventually(told, "the message is named, the receiver is not")


# ---------------------------------------------------------------- what is offered


@pytest.mark.parametrize("fault", ["404", "500", "reset"])
def test_pushed_locations(hub, pair, fault):
    """Locations that an eMSP never takes do not keep the others from it."""
    hub.ok("party", "set", pair.emsp.id, "--push", "locations")
    pair.emsp.script("PUT", "/locations/.*/L-00", lambda r: FAULTS[fault](), forever=True)
    for number in range(30):
        assert pair.cpo.put("locations", payloads.location(pair.cpo.party, f"L-{number:03d}")).outcome[1] == 1000
    wanted = {f"L-{number:03d}" for number in range(10, 30)}
    eventually(lambda: {r.json["id"] for r in pair.emsp.received("PUT", "/locations/")} >= wanted, "the others arrive", PATIENCE)


@pytest.mark.parametrize("fault", ["404", "500", "not OCPI"])
def test_client_info(hub, fault):
    """HubClientInfo about some parties is never taken: that about the others arrives."""
    told = hub.onboard("EMSP", clientinfo=True)
    bad = [hub.new_party("CPO") for _ in range(3)]
    good = [hub.new_party("CPO") for _ in range(5)]
    for party in bad:
        told.script("PUT", f"/hubclientinfo/{party.country_code}/{party.party_id}$", lambda r: FAULTS[fault](), forever=True)
    for party in bad + good:
        hub.ok("party", "add", party.id, "--role", "CPO")
    for party in good:
        told.wait("PUT", f"/hubclientinfo/{party.country_code}/{party.party_id}$", seconds=PATIENCE)


def usual(new_hub):
    """A pair on a hub whose retry settings nobody has touched."""
    return new_hub(retry_initial=None, retry_max=None).pair()


@pytest.mark.parametrize("fault", ["404", "500"])
def test_usual_settings(new_hub, fault):
    """Two that fail for ever, then 60 others: they do not wait through the pauses of a receiver that is away."""
    idents = names(Cdrs, 62)
    drill(usual(new_hub), Cdrs, fault, idents, set(idents[:2]))


@pytest.mark.parametrize("fault", ["404", "500", "not OCPI"] if LONG else ["404"])
def test_one_in_three_hundred(new_hub, fault):
    """All but one fail for ever: that one is found, and until then each was asked for hardly more than once."""
    made = usual(new_hub)
    idents = names(Cdrs, 301)
    good = idents[150]
    poisoned(made, Cdrs, set(idents) - {good}, FAULTS[fault])
    pile_up(made, Cdrs, idents)
    made.emsp.wait(Cdrs.method, Cdrs.pattern, where=lambda r: ident_of(r) == good, seconds=PATIENCE)
    tries = [ident_of(r) for r in made.emsp.received(Cdrs.method, Cdrs.pattern)]
    assert len(tries) - len(set(tries)) < 30, len(tries)


@pytest.mark.parametrize("fault", ["404", "500"] if LONG else ["404"])
def test_shuffled(new_hub, fault):
    """300 that fail for ever among 240 others, in any order."""
    made = usual(new_hub)
    idents = names(Cdrs, 540 if LONG else 180)
    shuffled = random.Random(4).sample(idents, len(idents))
    drill(made, Cdrs, fault, idents, set(shuffled[: len(idents) * 5 // 9]))


# ---------------------------------------------------------------- results of commands


def started(pair, response_url):
    """A command of the eMSP's that the CPO accepted; the request as the CPO got it."""
    before = len(pair.cpo.received("POST", "/commands/START_SESSION$"))
    body = payloads.start_session(pair.emsp.party, response_url=response_url)
    assert pair.emsp.command("START_SESSION", body).outcome == (200, 1000)
    return pair.cpo.wait("POST", "/commands/START_SESSION$", count=before + 1)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("count", [2, 20])
def test_forgotten_response_urls(pair, fault, count):
    """A result is for its own response_url: those that nobody knows any more delay no other's, whatever they answer."""
    pair.emsp.script("POST", "/forgotten/", lambda r: FAULTS[fault](), forever=True)
    for number in range(count):
        pair.cpo.send_result(started(pair, f"{pair.emsp.url}/ocpi/callbacks/forgotten/{number}"), "ACCEPTED")
    for number in range(30):
        pair.cpo.send_result(started(pair, f"{pair.emsp.url}/ocpi/callbacks/commands/good-{number}"), "ACCEPTED")
    eventually(
        lambda: len({r.path for r in pair.emsp.received("POST", "/callbacks/commands/good-")}) == 30, "the others' results arrive", PATIENCE
    )
    assert next(row for row in pair.hub.one("status")["queues"] if row["receiver"] == pair.emsp.id)["circuit"] == "closed"


def connections_to(platform):
    """How many the hub has to it (the platform itself sees none end while it hangs)."""
    port = f":{int(platform.url.rpartition(':')[2]):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for line in lines if line[2].endswith(port) and line[3] == "01")


def test_fresh_result_behind_many_that_hang(new_hub):
    """200 response_urls that accept and never answer, and a delivery_timeout that outlasts the test: the result behind them arrives, the
    connections that they hold are bounded, and the CDRs of the same eMSP pass."""
    pair = new_hub(delivery_timeout="10m").pair()
    gate = Gate(600)
    pair.emsp.script("POST", "/hang/", lambda r: Reply(hold=gate), forever=True)
    for number in range(200):
        pair.cpo.send_result(started(pair, f"{pair.emsp.url}/ocpi/callbacks/hang/{number}"), "ACCEPTED")
    pair.emsp.wait("POST", "/hang/", count=48)
    for number in range(3):
        pair.cpo.send_result(started(pair, f"{pair.emsp.url}/ocpi/callbacks/commands/good-{number}"), "ACCEPTED")
        pair.emsp.wait("POST", f"/callbacks/commands/good-{number}$")
        Cdrs.push(pair, f"C-{number}")
        pair.emsp.wait(*(Cdrs.method, Cdrs.pattern), where=lambda r, number=number: ident_of(r) == f"C-{number}")
        assert connections_to(pair.emsp) <= 64
    gate.open()


def test_unconnectable_response_url(hub, pair):
    """A response_url at a port where nobody listens is its own trouble."""
    hub.ok("party", "set", pair.emsp.id, "--allow-host", "127.0.0.2")
    for number in range(5):
        pair.cpo.send_result(started(pair, f"http://127.0.0.2:1/{number}"), "ACCEPTED")
    pair.cpo.send_result(started(pair, f"{pair.emsp.url}/ocpi/callbacks/commands/good"), "ACCEPTED")
    pair.emsp.wait("POST", "/callbacks/commands/good$")


# ---------------------------------------------------------------- the other way round: the receiver is away


def test_a_receiver_that_is_down_is_asked_once_a_pause(new_hub):
    """Everything fails and messages keep coming: tries are counted by pauses, not by messages."""
    made = new_hub(retry_initial="1s", retry_max="10s").pair()
    made.emsp.script("POST", "/cdrs$", Reply(http=503, code=3000), forever=True)
    for number in range(200):
        Cdrs.push(made, f"C-{number}")
    parallel = 16

    def longest_gap():
        tries = made.emsp.received("POST", "/cdrs$")
        assert len(tries) <= parallel + 8, len(tries)
        return max((b.time - a.time for a, b in zip(tries, tries[1:])), default=0) > 0.5

    eventually(longest_gap, "a pause between two tries", seconds=PATIENCE)


def processor(hub):
    """Seconds of processor time that hubd has used."""
    fields = Path(f"/proc/{hub.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def put_rows(hub, pair, count):
    """So many results of commands that failed alone before and wait for their next try, written where hubd finds them."""
    with sqlite3.connect(hub.settings["state_dir"] / "hub.db") as database:
        first = database.execute("SELECT coalesce(max(id), 0) + 1 FROM delivery").fetchone()[0]
        later = int(time.time() * 1000) + 3_000_000
        database.executemany(
            "INSERT INTO delivery (id, state, kind, attempts, next_attempt, created, done, receiver, sender, module, method, owner, object,"
            " reason, url, correlation_id, last_error, body, failed, alone) VALUES (?, 0, -1, 3, ?, ?, 0, ?, ?, ?, 'POST', ?, ?, '', '', 'c', 'HTTP 500', x'7b7d', 5, 3)",
            [(first + n, later, later - 4_000_000, pair.emsp.id, pair.cpo.id, module, pair.emsp.id, f"O{n}")
             for n, module in zip(range(count), itertools.cycle(["sessions", "cdrs", "commands"]))],
        )  # fmt: skip


def test_many_failing_cost_nothing_while_they_wait(new_hub):
    """Messages that back off alone are read when they are due, not over and over: a hub with many needs no more than one with none,
    and what comes behind them arrives."""
    hub = new_hub()
    pair = hub.pair()

    def spent(number):
        before, wall = processor(hub), time.monotonic()
        for name in names(Cdrs, 5):
            Cdrs.push(pair, f"{name}-{number}")
            pair.emsp.wait("POST", "/cdrs$", where=lambda r, name=name: r.json["id"] == f"{name}-{number}")
        later(pair.cpo, 3000)
        return (processor(hub) - before) / (time.monotonic() - wall)

    idle = spent(1)
    hub.stop()
    put_rows(hub, pair, 30000 if not LONG else 100000)
    hub.restart()
    pair.emsp.wait("GET", "/ocpi/versions$")
    spent(2)  # looks at all of them once
    assert spent(3) < idle * 3 + 0.1, idle
    (line,) = [entry for entry in hub.one("status")["attention"] if "while others arrive" in entry["what"]]
    assert pair.emsp.id in line["what"]


# ---------------------------------------------------------------- OFFLINE, and the account team's word


def test_party_check_tells_why_pushes_wait(new_hub):
    """An OFFLINE eMSP: its queue says that messages wait, why, and when the next one goes."""
    pair = new_hub(probe_interval="200ms", probe_timeout=f"{400 * SLOW:g}ms", offline_after=f"{1200 * SLOW:g}ms").pair()
    pair.emsp.down()
    pair.hub.wait_status(pair.emsp.id, "OFFLINE")
    Cdrs.push(pair, "C")
    tried = pair.hub.wait_rows("delivery", "list", where=lambda row: row["to"] == pair.emsp.id and row["attempts"] > 1, what="it is tried all the same")
    assert "Connection refused" in tried[0]["last_error"]
    (queue,) = [row for row in pair.hub.ctl("--json", "party", "check", pair.emsp.id).json[0]["checks"] if row["check"] == "queue"]
    assert queue["result"] == "fail" and "1 pending" in queue["detail"] and "OFFLINE" in queue["detail"], queue


def test_retry_of_all_under_traffic(new_hub):
    """What is delivered while `delivery retry --all` goes on is no error of it."""
    hub = new_hub(retry_initial="10ms", retry_max="20ms")
    pair = hub.pair()
    stop = threading.Event()

    def traffic():
        for number in itertools.count():
            if stop.is_set():
                return
            Cdrs.push(pair, f"T-{number}")

    pushing = [threading.Thread(target=traffic)]
    poisoned(pair, Cdrs, set(names(Cdrs, 20)), FAULTS["500"])
    for name in names(Cdrs, 20):
        Cdrs.push(pair, name)
    [thread.start() for thread in pushing]
    try:
        for _ in range(40):
            hub.ok("delivery", "retry", "--all")
            hub.ok("delivery", "retry", "--party", pair.emsp.id)
    finally:
        stop.set()
        [thread.join() for thread in pushing]
