"""hubctl delivery replay: what the hub holds for an eMSP of a period goes to it again; and what a rule that is switched off does to what
was queued under it."""

import itertools
import json
import socket
import sqlite3
import threading

import pytest

from tests.e2e.harness import DEADLINE, Line, eventually, later
from tests.sim import Journal, Reply, exact, payloads
from tests.sim.wire import timestamp

DAY = 24 * 3600


def put_session(pair, ident="SES-1", **changes):
    answer = pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident, **changes))
    assert answer.status in (200, 201) and answer.code == 1000, answer


def post_cdr(pair, ident="CDR-1", **changes):
    answer = pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, ident, **changes))
    assert answer.outcome == (201, 1000), answer


def replay(pair, *options, since="1h"):
    """What `delivery replay` of the pair's eMSP says, with the counts by module."""
    told = pair.hub.one("delivery", "replay", pair.emsp.id, "--since", since, *options)
    told["by"] = {row["module"]: (row["queued"], row["held"], row["waiting"]) for row in told["modules"]}
    return told


def rows(pair, *options):
    return [row for row in pair.hub.rows("delivery", "list", *options) if row["to"] == pair.emsp.id]


def settle(pair):
    eventually(lambda: not rows(pair, "--state", "pending"), "nothing is pending any more")


@pytest.fixture
def delivered(pair):
    """A pair of which two sessions and a CDR have been delivered."""
    put_session(pair, "SES-1", kwh=1.0, last_updated=timestamp(-20))
    put_session(pair, "SES-2", kwh=2.0)
    post_cdr(pair)
    pair.emsp.wait("PUT", "/sessions/", count=2)
    pair.emsp.wait("POST", "/cdrs$")
    settle(pair)
    return pair


@pytest.fixture
def silent(new_hub):
    """A pair on a hub whose tries are far apart: what has failed once waits for the end of the test."""
    return new_hub(retry_initial="10m", retry_max="15m").pair()


# ---------------------------------------------------------------- replay


def test_dry_run_counts_and_changes_nothing(delivered):
    """--dry-run: the counts per module, no delivery, no row in the audit."""
    before = rows(delivered, "--state", "all")
    told = replay(delivered, "--dry-run")
    assert told["by"] == {"sessions": (2, 0, 0), "cdrs": (1, 0, 0)}
    assert (told["id"], told["change"], told["queued"], told["held"], told["waiting"]) == (delivered.emsp.id, "counted", 3, 0, 0)
    assert "nothing was changed" in told["message"]
    assert rows(delivered, "--state", "all") == before
    assert delivered.hub.audit(action="delivery.replay", party=delivered.emsp.id) == []


def test_replay_sends_again(delivered):
    """Every session in its present state and every CDR, byte for byte, each once more; a row per batch in the audit says how many."""
    told = replay(delivered)
    assert told["by"] == {"sessions": (2, 0, 0), "cdrs": (1, 0, 0)} and told["change"] == "replayed"
    delivered.emsp.wait("PUT", "/sessions/", count=4)
    delivered.emsp.wait("POST", "/cdrs$", count=2)
    settle(delivered)
    assert len(delivered.emsp.received("PUT", "/sessions/")) == 4
    first, second = delivered.emsp.received("POST", "/cdrs$")
    assert exact(first.body) == exact(second.body) and second.routing == (delivered.cpo.id, delivered.emsp.id)
    audit = {row["module"]: row["detail"] for row in delivered.hub.audit(action="delivery.replay", party=delivered.emsp.id)}
    assert {module: (detail["queued"], detail["held"]) for module, detail in audit.items()} == {"sessions": (2, 0), "cdrs": (1, 0)}
    assert all(detail["since"] < detail["until"] for detail in audit.values())


def test_what_waits_is_not_queued_twice(silent):
    """A session or CDR on its way stays one delivery, however often a replay is run."""
    silent.emsp.down()
    put_session(silent)
    post_cdr(silent)
    before = rows(silent)
    for _ in range(2):
        told = replay(silent)
        assert told["by"] == {"sessions": (0, 0, 1), "cdrs": (0, 0, 1)} and told["change"] == "unchanged"
    assert [row["id"] for row in rows(silent)] == [row["id"] for row in before]
    assert silent.hub.audit(action="delivery.replay") == []


def test_held_without_a_rule_is_released(hub):
    """Enabling the rule sends nothing that was held; replay does, and it is the same delivery that goes on."""
    made = hub.pair(rule=False)
    put_session(made)
    post_cdr(made)
    held = {row["id"] for row in hub.held(made.emsp.id)}
    told = replay(made)
    assert told["by"] == {"sessions": (0, 1, 0), "cdrs": (0, 1, 0)}, "still without a rule"
    assert any("--state held" in line for line in told["hints"])
    assert {row["id"] for row in hub.held(made.emsp.id)} == held
    hub.rule(made.emsp, made.cpo)
    assert {row["id"] for row in hub.held(made.emsp.id)} == held and made.emsp.received("POST", "/cdrs") == []
    assert replay(made)["by"] == {"sessions": (1, 0, 0), "cdrs": (1, 0, 0)}
    made.emsp.wait("PUT", "/sessions/")
    made.emsp.wait("POST", "/cdrs$")
    settle(made)
    assert {row["id"] for row in rows(made, "--state", "delivered")} == held


def test_held_gets_the_reason_of_today(hub):
    """What was held for one reason and may still not go is held for the other."""
    made = hub.pair(rule=False, emsp_options={"hide": {"sessions", "cdrs"}})
    put_session(made)
    assert [row["reason"] for row in hub.held(made.emsp.id)] == ["no rule"]
    hub.rule(made.emsp, made.cpo)
    assert replay(made)["by"]["sessions"] == (0, 1, 0)
    assert [row["reason"] for row in hub.held(made.emsp.id)] == ["no receiver URL"]
    hub.ok("receiver", "set", made.emsp.id, "sessions", made.emsp.url + "/ocpi/2.2.1/sessions")
    made.emsp.wait("PUT", "/sessions/")


def test_dead_letters_are_tried_anew(new_hub):
    """A dead delivery becomes pending again with its tries counted from nothing; it leaves the list of dead ones."""
    made = new_hub(retry_initial="10ms", retry_max="20ms", retry_give_up="1s", retry_give_up_cdrs="1s").pair()
    refuse = made.emsp.script("*", "/(sessions|cdrs)", Reply(http=503, code=3000), forever=True)
    put_session(made)
    post_cdr(made)
    eventually(lambda: len(rows(made, "--state", "dead")) == 2, "both are dead")
    dead = {row["id"] for row in rows(made, "--state", "dead")}
    made.emsp.unscript(refuse)
    assert replay(made)["by"] == {"sessions": (1, 0, 0), "cdrs": (1, 0, 0)}
    made.emsp.wait("POST", "/cdrs$", where=lambda request: request.json["id"] == "CDR-1")
    settle(made)
    assert rows(made, "--state", "dead") == []
    again = rows(made, "--state", "delivered")
    assert {row["id"] for row in again} == dead and {row["attempts"] for row in again} == {1}


def test_period(pair):
    """An object counts when its last_updated or its arrival lies in the period; since is inclusive, until exclusive."""
    put_session(pair, "OLD", last_updated=timestamp(-10 * DAY))
    mark = later(pair.cpo)
    put_session(pair, "NEW")
    pair.emsp.wait("PUT", "/sessions/", count=2)
    settle(pair)
    assert replay(pair, "--dry-run", since=mark)["queued"] == 1
    assert replay(pair, "--dry-run", "--until", mark, since="1h")["queued"] == 1
    assert replay(pair, "--until", timestamp(-9 * DAY), since=timestamp(-11 * DAY))["queued"] == 1
    pair.emsp.wait("PUT", "/OLD$", count=2)
    settle(pair)
    assert len(pair.emsp.received("PUT", "/NEW$")) == 1
    assert replay(pair, "--dry-run", "--until", timestamp(-12 * DAY), since=timestamp(-20 * DAY))["queued"] == 0


def test_only_one_cpo_or_module(hub, delivered):
    """--cpo and --module narrow it; another eMSP gets nothing."""
    other, bystander = hub.onboard("CPO"), hub.onboard("EMSP")
    hub.rule(delivered.emsp, other)
    hub.rule(bystander, other)
    for receiver in (delivered.emsp, bystander):
        answer = other.put("sessions", payloads.session(other.party, receiver.party, f"OF-{receiver.id}"))
        assert answer.outcome == (201, 1000), answer
        receiver.wait("PUT", f"/OF-{receiver.id}$")
    settle(delivered)
    assert replay(delivered, "--dry-run")["by"] == {"sessions": (3, 0, 0), "cdrs": (1, 0, 0)}
    assert replay(delivered, "--dry-run", "--cpo", other.id)["by"] == {"sessions": (1, 0, 0), "cdrs": (0, 0, 0)}
    assert replay(delivered, "--dry-run", "--module", "CDRs")["by"] == {"cdrs": (1, 0, 0)}
    assert replay(delivered, "--cpo", other.id, "--module", "sessions")["by"] == {"sessions": (1, 0, 0)}
    delivered.emsp.wait("PUT", f"/OF-{delivered.emsp.id}$", count=2)
    settle(delivered)
    assert len(delivered.emsp.received("PUT", "/SES-")) == 2 and len(bystander.received("PUT", "/sessions/")) == 1


def test_module_in_any_case(delivered):
    """A module that comes by rpc in another case of letters is that module too, as for other commands."""
    params = {"emsp": delivered.emsp.id, "since": timestamp(-3600), "module": "SESSIONS", "dry_run": True}
    counted = json.loads(delivered.hub.ok("rpc", "delivery.replay", json.dumps(params)).out.splitlines()[-1])  # before it: progress
    assert [(row["module"], row["queued"]) for row in counted["modules"]] == [("sessions", 2)]


def test_draining_rule(pair):
    """As a fresh push: a session that had begun before the rule drains goes again, a later one is held."""
    put_session(pair, "BEGUN", start_date_time=timestamp(-600))
    put_session(pair, "AHEAD", start_date_time=timestamp(600))
    pair.emsp.wait("PUT", "/sessions/", count=2)
    settle(pair)
    pair.hub.rule(pair.emsp, pair.cpo, "disable", "--drain")
    assert replay(pair)["by"]["sessions"] == (1, 1, 0)
    pair.emsp.wait("PUT", "/BEGUN$", count=2)
    settle(pair)
    assert len(pair.emsp.received("PUT", "/AHEAD$")) == 1
    assert [(row["object"], row["reason"]) for row in pair.hub.held(pair.emsp.id)] == [("AHEAD", "no rule")]


def test_refusals(hub, pair):
    """Unknown eMSP, no eMSP, an empty period: 1. No --since, no time, an unknown module: 2. Each with the remedy."""
    for rc, *arguments in (
        (1, "IN-QQQ", "--since", "1h"),
        (1, pair.cpo.id, "--since", "1h"),
        (1, pair.emsp.id, "--since", "1h", "--until", "2h"),
        (2, pair.emsp.id),
        (2, pair.emsp.id, "--since", "soon"),
        (2, pair.emsp.id, "--since", "1h", "--module", "tokens"),
    ):
        refused = hub.ctl("delivery", "replay", *arguments)
        assert refused.rc == rc and refused.err.startswith("hubctl: ") and refused.out == "", refused


def test_large_period_in_batches(silent):
    """In batches of a bounded size, each with its row in the audit; whoever hangs up in between ends it, and the next run completes it."""
    count = 450
    silent.emsp.down()
    for number in range(count):
        post_cdr(silent, f"CDR-{number}")
    silent.hub.rule(silent.emsp, silent.cpo, "disable")
    assert len(silent.hub.held(silent.emsp.id)) == count
    silent.hub.rule(silent.emsp, silent.cpo)
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(DEADLINE)
        wire.connect(str(silent.hub.socket))
        params = {"emsp": silent.emsp.id, "since": timestamp(-3600)}
        wire.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "delivery.replay", "params": params}).encode() + b"\n")
        told = json.loads(wire.makefile("rb").readline())
        assert silent.emsp.id in told["params"]["message"]
    told = eventually(lambda: (again := replay(silent))["waiting"] == count and again, "all are on their way")
    assert told["by"]["cdrs"] == (0, 0, count)
    details = [row["detail"] for row in silent.hub.audit(action="delivery.replay")]
    assert sum(detail["queued"] for detail in details) == count and len(details) > 1
    assert all(detail["queued"] <= 200 for detail in details)


def test_replay_while_sessions_change(pair):
    """Pushes of the same sessions go on meanwhile: the replay comes to its end, no session goes back at the eMSP, the last state arrives."""
    names = [f"SES-{number}" for number in range(30)]
    over, pushed = threading.Event(), Journal("pushes")

    def push():
        for number in itertools.count():
            for name in names:
                if over.is_set():
                    return
                put_session(pair, name, kwh=float(number))
                pushed.add((name, float(number)))

    thread = threading.Thread(target=push)
    thread.start()
    try:
        for rounds in range(1, 5):
            pushed.wait(count=rounds * len(names), seconds=DEADLINE)
            told = replay(pair, "--module", "sessions")
            # one that changes between the begin of the replay and its reading is of a later period
            assert len(names) / 2 < sum(told["by"]["sessions"]) <= len(names), told
    finally:
        over.set()
        thread.join(DEADLINE)
    settle(pair)
    last = dict(pushed.all())
    for name in names:
        seen = [request.json["kwh"] for request in pair.emsp.received("PUT", f"/{name}$")]
        assert seen == sorted(seen) and seen[-1] == last[name], (name, seen, last[name])


# ---------------------------------------------------------------- a rule that is switched off


def test_rule_off_holds_what_is_queued(silent):
    """Disabling the rule holds what waits, at once and visibly, although nothing can be tried at the moment; it is not sent when the
    eMSP is back; enabling the rule does not release it, replay does."""
    silent.emsp.down()
    put_session(silent, "SES-1")
    put_session(silent, "SES-2")
    post_cdr(silent)
    eventually(lambda: any(row["attempts"] for row in rows(silent)), "the first try has failed")
    silent.hub.rule(silent.emsp, silent.cpo, "disable")
    eventually(lambda: not rows(silent, "--state", "pending"), "nothing is pending")
    assert {(row["object"], row["reason"]) for row in silent.hub.held(silent.emsp.id)} == {(name, "no rule") for name in ("SES-1", "SES-2", "CDR-1")}
    (audit,) = silent.hub.audit(action="delivery.hold")
    assert (audit["from"], audit["to"], audit["detail"]) == (silent.cpo.id, silent.emsp.id, {"count": 3, "reason": "no rule"})
    silent.emsp.up()
    silent.hub.rule(silent.emsp, silent.cpo)
    put_session(silent, "SES-3")
    silent.hub.ok("delivery", "retry", "--party", silent.emsp.id)
    silent.emsp.wait("PUT", "/SES-3$")
    eventually(lambda: not rows(silent, "--state", "pending"), "that it arrived is stored")
    assert len(silent.hub.held(silent.emsp.id)) == 3 and len(silent.emsp.received("*", "/(sessions|cdrs)")) == 1
    assert replay(silent)["by"] == {"sessions": (3, 0, 0), "cdrs": (1, 0, 0)}
    silent.emsp.wait("POST", "/cdrs$")
    silent.emsp.wait("PUT", "/SES-2$")


def test_rule_off_holds_only_its_own(hub):
    """What another CPO has queued for the eMSP, and results of commands, are not touched."""
    first, second, emsp = hub.onboard("CPO"), hub.onboard("CPO"), hub.onboard("EMSP")
    for cpo in (first, second):
        hub.rule(emsp, cpo)
    assert first.put("locations", payloads.location(first.party)).outcome == (201, 1000)
    answer = emsp.command("START_SESSION", payloads.start_session(emsp.party), to=first.id)
    assert answer.data["result"] == "ACCEPTED", answer
    request = first.wait("POST", "/commands/START_SESSION$")
    emsp.down()
    for cpo in (first, second):
        assert cpo.put("sessions", payloads.session(cpo.party, emsp.party, f"OF-{cpo.id}")).outcome == (201, 1000)
    assert first.send_result(request, "ACCEPTED").outcome == (200, 1000)
    hub.rule(emsp, first, "disable")
    eventually(lambda: {row["object"] for row in hub.held(emsp.id)} == {f"OF-{first.id}"}, "the first CPO's session is held")
    emsp.up()
    emsp.wait("PUT", f"/OF-{second.id}$")
    emsp.wait("POST", "/callbacks/commands/")


def test_draining_rule_lets_the_queue_pass(hub, pair):
    """--drain: what is queued goes, and what a session that had begun still brings; STOP_SESSION passes; what is new is held."""
    pair.emsp.down()
    put_session(pair, "BEGUN", last_updated=timestamp(-20))
    hub.rule(pair.emsp, pair.cpo, "disable", "--drain")
    put_session(pair, "BEGUN", status="COMPLETED", kwh=9.0)
    post_cdr(pair, "CDR-BEGUN", session_id="BEGUN")
    put_session(pair, "AHEAD", start_date_time=timestamp(600))
    pair.emsp.up()
    pair.emsp.wait("PUT", "/BEGUN$", where=lambda request: request.json["status"] == "COMPLETED")
    pair.emsp.wait("POST", "/cdrs$")
    assert pair.emsp.command("STOP_SESSION", {"session_id": "BEGUN"}).data["result"] == "ACCEPTED"
    settle(pair)
    assert [(row["object"], row["reason"]) for row in hub.held(pair.emsp.id)] == [("AHEAD", "no rule")]
    assert pair.emsp.received("PUT", "/AHEAD$") == []


# ---------------------------------------------------------------- many dead letters


def test_ten_thousand_dead_letters_are_tried_again(new_hub):
    """delivery retry --party in batches of a bounded size, each counted once; whoever hangs up ends it after the batch at hand."""
    count = 10000
    made = new_hub(retry_initial="10m", retry_max="15m").pair()
    hub, cpo, emsp = made
    emsp.down()
    hub.stop()
    (database,) = (hub.directory / "state").glob("*.db")
    with sqlite3.connect(database) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO delivery (id, state, kind, attempts, next_attempt, created, done, receiver, sender, module, method, owner, object,"
            " reason, url, correlation_id, last_error, body) "
            "SELECT i, 3, -1, 7, 0, 1, 2, ?, ?, 'commands', 'POST', ?, 'R-' || i, 'refused', ?, 'c', 'HTTP 400', CAST('{}' AS BLOB) FROM n",
            (count, emsp.id, cpo.id, cpo.id, f"{emsp.url}/ocpi/callbacks/1"),
        )
    connection.close()
    hub.restart()
    line = Line(hub)
    line.send(("delivery.retry", {"party": emsp.id}))
    assert line.next()["params"] == {"message": "200 deliveries to be tried again now", "done": 200, "total": count}
    line.close()
    assert hub.one("delivery", "retry", "--party", emsp.id)["count"] == count
    put_session(made)
    details = [row["detail"]["count"] for row in hub.audit(action="delivery.retry")]
    assert count < sum(details) < 2 * count and max(details) <= 200, "the first one went on to its end"
    assert hub.rows("delivery", "list", "--state", "dead") == []


def test_retry_does_not_chase_what_arrives_meanwhile(new_hub):
    """delivery retry --all with pushes arriving for an eMSP that is down: no more slices than what was there needs."""
    hub = new_hub(retry_initial="10m", retry_max="15m")
    pair = hub.pair()
    pair.emsp.down()
    stop = threading.Event()

    def push(writer):
        number = 0
        while not stop.is_set():
            number += 1
            pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, f"S-{writer}-{number}"))

    writers = [threading.Thread(target=push, args=(writer,), daemon=True) for writer in range(6)]
    for writer in writers:
        writer.start()
    eventually(lambda: len(hub.deliveries(to=pair.emsp.id)) > 100, "pushes arrive")
    hub.ok("delivery", "retry", "--all")
    stop.set()
    for writer in writers:
        writer.join()
    slices = [row["detail"]["count"] for row in hub.audit(action="delivery.retry")]
    assert len(slices) <= sum(slices) / 200 + 1, slices
