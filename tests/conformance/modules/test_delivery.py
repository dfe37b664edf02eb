"""Sessions and CDRs on their way to the eMSP: at least once, in order, each with a row that says where it stands."""

import json

import pytest

from tests.conformance.modules.judge import done
from tests.conformance.rules import rule
from tests.e2e.harness import SLOW, eventually
from tests.sim import Gate, Party, Reply, payloads
from tests.sim.client import authorization

STAMPS = [f"2025-05-05T05:00:{second:02d}Z" for second in range(20)]


def push_session(pair, ident, **changes):
    return done(pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident, **changes)))


def push_cdr(pair, ident, **changes):
    return done(pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, ident, **changes)))


def wait_session(emsp, ident, **fields):
    return emsp.wait("PUT", f"/sessions/.*/{ident}$", where=lambda r: all(r.json.get(key) == value for key, value in fields.items()))


def wait_cdr(emsp, ident, count=1):
    return emsp.wait("POST", "/cdrs$", where=lambda r: r.json["id"] == ident, count=count)


def row(hub, ident, **wanted):
    """Waits for the delivery row of an object that has these values; returns it."""
    where = lambda r: r["object"].upper() == ident.upper() and all(r[key] == value for key, value in wanted.items())  # noqa: E731
    return hub.wait_rows("delivery", "list", where=where, what=f"a delivery of {ident} with {wanted}")[0]


def settled(pair):
    eventually(lambda: not pair.hub.deliveries(to=pair.emsp.id, state="pending"), "nothing is pending any more")


# ---------------------------------------------------------------- how it arrives


@rule("hub 8-2")
def test_session_as_the_emsp_gets_it(shared, ident):
    headers = {"X-Request-ID": "r", "X-Correlation-ID": ident}
    body = payloads.session(shared.cpo.party, shared.emsp.party, ident)
    done(shared.cpo.put("sessions", body, headers=headers))
    request = wait_session(shared.emsp, ident)
    assert request.path == f"/ocpi/2.2.1/{shared.cpo.object_path('sessions', ident)}" and request.json == body
    assert request.headers["authorization"] == authorization(shared.emsp.token) and request.routing == (shared.cpo.id, shared.emsp.id)
    assert request.headers["x-correlation-id"] == ident and request.headers["x-request-id"] not in ("", "r")
    assert request.headers["content-type"].startswith("application/json")


@rule("hub 8-2")
def test_cdr_as_the_emsp_gets_it(shared, ident):
    body = payloads.cdr(shared.cpo.party, shared.emsp.party, ident)
    done(shared.cpo.call("POST", "cdrs", body, headers={"X-Correlation-ID": ident}))
    request = wait_cdr(shared.emsp, ident)
    assert request.path == "/ocpi/2.2.1/cdrs" and request.json == body and request.routing == (shared.cpo.id, shared.emsp.id)
    assert request.headers["authorization"] == authorization(shared.emsp.token) and request.headers["x-correlation-id"] == ident


@rule("hub 8-1", "hub 8-4")
def test_what_was_answered_survives(new_hub):
    """kill -9 behind the answer: after the restart the rows are there, and everything arrives."""
    hub, cpo, emsp = pair = new_hub().pair()
    emsp.down()
    push_session(pair, "S1")
    push_cdr(pair, "B1")
    hub.kill()
    hub.restart()
    assert row(hub, "S1", state="pending") and row(hub, "B1", state="pending")
    emsp.up()
    wait_session(emsp, "S1")
    wait_cdr(emsp, "B1")
    settled(pair)
    assert done(cpo.get(cpo.object_path("sessions", "S1"))).data["id"] == "S1"


# ---------------------------------------------------------------- held


@rule("hub 8-4", "hub 8-5")
def test_without_a_rule(hub):
    """Taken, kept, held with its reason; enabling the rule sends what comes from then on, not what was held."""
    pair = hub.pair(rule=False)
    push_session(pair, "S-HELD")
    push_cdr(pair, "B-HELD")
    for ident, module in (("S-HELD", "sessions"), ("B-HELD", "cdrs")):
        held = row(hub, ident, state="held", to=pair.emsp.id)
        assert (held["module"], held["from"]) == (module, pair.cpo.id) and "rule" in json.dumps(held)
    hub.rule(pair.emsp, pair.cpo)
    push_session(pair, "S-NEW")
    wait_session(pair.emsp, "S-NEW")
    settled(pair)
    assert len(hub.held(pair.emsp.id)) == 2 and pair.emsp.received("POST", "/cdrs") == []
    for held in hub.held(pair.emsp.id):
        hub.ok("delivery", "retry", held["id"])
    wait_session(pair.emsp, "S-HELD")
    wait_cdr(pair.emsp, "B-HELD")


@rule("hub 8-6")
def test_without_a_receiver(hub):
    """Setting each receiver releases what waited for it."""
    pair = hub.pair(emsp_options={"hide": {"sessions", "cdrs"}})
    push_session(pair, "S-WAIT")
    push_cdr(pair, "B-WAIT")
    assert all("receiver" in json.dumps(row(hub, ident, state="held", to=pair.emsp.id)) for ident in ("S-WAIT", "B-WAIT"))
    hub.ok("receiver", "set", pair.emsp.id, "sessions", f"{pair.emsp.url}/ocpi/2.2.1/sessions/{{country_code}}/{{party_id}}/{{id}}")
    wait_session(pair.emsp, "S-WAIT")
    assert [held["module"] for held in hub.held(pair.emsp.id)] == ["cdrs"]
    hub.ok("receiver", "set", pair.emsp.id, "cdrs", f"{pair.emsp.url}/ocpi/2.2.1/cdrs")
    wait_cdr(pair.emsp, "B-WAIT")


@rule("hub 8-7")
def test_unknown_and_suspended(hub, pair, ident):
    nobody = Party("IN", "NOB", "EMSP")
    done(pair.cpo.put("sessions", payloads.session(pair.cpo.party, nobody, f"{ident}-N")))
    assert "unknown" in json.dumps(row(hub, f"{ident}-N", state="held"))
    hub.ok("party", "suspend", pair.emsp.id, "--reason", "unpaid")
    push_session(pair, f"{ident}-S")
    assert "suspended" in json.dumps(row(hub, f"{ident}-S", state="held"))
    hub.ok("party", "resume", pair.emsp.id)
    wait_session(pair.emsp, f"{ident}-S")


# ---------------------------------------------------------------- order


@rule("hub 8-9")
def test_order_and_coalescing(pair):
    """The first state is on its way; of those behind it the newest goes; other sessions are not touched."""
    gate = Gate(20 * SLOW)
    pair.emsp.script("PUT", "/S1$", Reply(hold=gate))
    push_session(pair, "S1", kwh=1.5, last_updated=STAMPS[1])
    wait_session(pair.emsp, "S1", kwh=1.5)
    for number in range(2, 6):
        push_session(pair, "S1", kwh=number + 0.5, last_updated=STAMPS[number])
        push_session(pair, f"S1-{number}")
    gate.open()
    wait_session(pair.emsp, "S1", kwh=5.5)
    settled(pair)
    assert [r.json["kwh"] for r in pair.emsp.received("PUT", "/S1$")] == [1.5, 5.5]
    assert sorted(r.path[-1] for r in pair.emsp.received("PUT", "/S1-.$")) == ["2", "3", "4", "5"]


@rule("hub 8-9")
def test_no_state_goes_back_under_failures(pair):
    pair.emsp.script("PUT", "/sessions/", *[Reply(http=503, code=3000), Reply(drop="reset")] * 2)
    for number in range(15):
        push_session(pair, "S1", kwh=number + 0.5, last_updated=STAMPS[number])
    wait_session(pair.emsp, "S1", kwh=14.5)
    settled(pair)
    seen = [r.json["kwh"] for r in pair.emsp.received("PUT", "/S1$")]
    assert seen == sorted(seen) and seen[-1] == 14.5


@rule("hub 8-10")
def test_cdrs_are_never_merged(pair):
    pair.emsp.down()
    for number in range(10):
        push_cdr(pair, f"B{number}")
    pair.emsp.up()
    settled(pair)
    assert {r.json["id"] for r in pair.emsp.received("POST", "/cdrs$")} == {f"B{number}" for number in range(10)}


@rule("hub 8-11")
def test_a_slow_emsp_delays_no_other(hub, pair):
    gate = Gate(20 * SLOW)
    pair.emsp.script("PUT", "/sessions/", Reply(hold=gate), forever=True)
    for number in range(20):
        push_session(pair, f"SLOW-{number}")
    pair.emsp.wait("PUT", "/SLOW-")
    other = hub.onboard("EMSP")
    hub.rule(other, pair.cpo)
    done(pair.cpo.put("sessions", payloads.session(pair.cpo.party, other.party, "QUICK")))
    wait_session(other, "QUICK")
    assert hub.deliveries(to=pair.emsp.id, state="pending")
    gate.open()


# ---------------------------------------------------------------- what the eMSP answers


@pytest.mark.parametrize(
    "reply",
    [Reply(), Reply(code=1900), Reply(http=201), Reply(http=202, code=None), Reply(http=204, code=None), Reply(code=None)],
    ids=["200 1000", "200 1900", "201", "202 empty", "204", "200 empty"],
)
@rule("hub 8-12")
def test_taken(pair, reply):
    pair.emsp.script("POST", "/cdrs$", reply)
    push_cdr(pair, "B1")
    wait_cdr(pair.emsp, "B1")
    settled(pair)
    push_cdr(pair, "B2")
    wait_cdr(pair.emsp, "B2")
    assert [r.json["id"] for r in pair.emsp.received("POST", "/cdrs$")] == ["B1", "B2"]


@pytest.mark.parametrize(
    "reply",
    [Reply(http=status, code=2000) for status in (401, 403, 404, 405, 408, 425, 429)]
    + [Reply(http=500, code=3000), Reply(http=503, body=b"busy"), Reply(body=b"<html/>"), Reply(body=b"[]")]
    + [Reply(drop="reset"), Reply(drop="close")],
    ids=["401", "403", "404", "405", "408", "425", "429", "500", "503 text", "HTML", "no envelope", "resets", "closes"],
)
@rule("hub 8-13")
def test_receivers_fault(pair, reply):
    """The same bytes come again, until they are taken; none is lost."""
    pair.emsp.script("POST", "/cdrs$", reply, reply)
    push_cdr(pair, "B1")
    wait_cdr(pair.emsp, "B1", count=3)
    settled(pair)
    assert len({r.body for r in pair.emsp.received("POST", "/cdrs$")}) == 1


@rule("hub 8-13", "hub 8-4")
def test_receiver_that_is_down(pair):
    """Its row says what failed and when the next try is."""
    pair.emsp.down()
    push_cdr(pair, "B1")
    failed = pair.hub.wait_rows("delivery", "list", where=lambda r: r["to"] == pair.emsp.id and r["attempts"] >= 2, what="two attempts")[0]
    assert failed["state"] == "pending" and failed["last_error"] and failed["next_attempt"]
    pair.emsp.up()
    wait_cdr(pair.emsp, "B1")
    settled(pair)


@rule("hub 8-14")
def test_retry_after(pair):
    pair.emsp.script("POST", "/cdrs$", Reply(http=503, code=3000, headers={"Retry-After": "1"}))
    push_cdr(pair, "B1")
    assert wait_cdr(pair.emsp, "B1", count=2).time - wait_cdr(pair.emsp, "B1").time >= 0.95


@pytest.mark.parametrize("http, code", [(400, 2001), (409, 2000), (413, 2000), (422, 2001), (200, 2001), (200, 2900)])
@rule("hub 8-15")
def test_messages_fault(pair, http, code):
    """It waits with its error; what comes behind passes it by."""
    refusal = Reply(http=http, code=code, message="no such tariff")
    pair.emsp.script("POST", "/cdrs$", lambda request: refusal if request.json["id"] == "BAD" else None, forever=True)
    push_cdr(pair, "BAD")
    wait_cdr(pair.emsp, "BAD")
    push_cdr(pair, "GOOD")
    wait_cdr(pair.emsp, "GOOD")
    failed = pair.hub.wait_rows("delivery", "list", where=lambda r: r["to"] == pair.emsp.id and r["attempts"], what="the refused row")[0]
    assert (failed["state"], failed["object"].upper()) == ("pending", "BAD") and failed["last_error"], failed


@pytest.mark.parametrize("reply", [Reply(http=404, code=2003), Reply(http=500, code=3000), Reply(drop="reset"), Reply(body=b"<html/>")], ids=["404", "500", "resets", "HTML"])
@rule("hub 8-18")
def test_a_message_that_fails_alone(pair, reply):
    """It is the oldest of all, and fails for ever: what comes behind it arrives, it waits with its own time."""
    pair.emsp.script("POST", "/cdrs$", lambda request: reply if request.json["id"] == "BAD" else None, forever=True)
    push_cdr(pair, "BAD")
    wait_cdr(pair.emsp, "BAD")
    for number in range(20):
        push_cdr(pair, f"GOOD-{number}")
        wait_cdr(pair.emsp, f"GOOD-{number}")
    failed = row(pair.hub, "BAD", state="pending")
    assert failed["last_error"]


def command_with_result(pair, response_url):
    """A command that the CPO accepted and whose result it sends."""
    before = len(pair.cpo.received("POST", "/commands/START_SESSION$"))
    done(pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party, response_url=response_url)))
    pair.cpo.send_result(pair.cpo.wait("POST", "/commands/START_SESSION$", count=before + 1), "ACCEPTED")


@pytest.mark.parametrize("reply", [Reply(http=404, code=2003), Reply(http=500, code=3000), Reply(drop="reset")], ids=["404", "500", "resets"])
@rule("hub 8-19")
def test_results_are_each_for_their_own_url(pair, reply):
    pair.emsp.script("POST", "/callbacks/commands/dead-", reply, forever=True)
    for number in range(3):
        command_with_result(pair, f"{pair.emsp.url}/ocpi/callbacks/commands/dead-{number}")
    command_with_result(pair, f"{pair.emsp.url}/ocpi/callbacks/commands/alive")
    pair.emsp.wait("POST", "/callbacks/commands/alive$")


@rule("hub 8-20")
def test_a_forgotten_response_url(pair):
    pair.emsp.script("POST", "/callbacks/commands/dead$", Reply(http=404, code=2003), forever=True)
    command_with_result(pair, f"{pair.emsp.url}/ocpi/callbacks/commands/dead")
    where = lambda r: r["to"] == pair.emsp.id and r["module"] == "commands" and r["reason"] == "refused once"  # noqa: E731
    (failed,) = pair.hub.wait_rows("delivery", "list", where=where, what="the refused result")
    assert "404" in failed["last_error"]


@rule("hub 8-21")
def test_offline_receiver_is_tried(new_hub):
    """Its versions fail, its receivers work: the delivery finds that out, and brings it back."""
    pair = new_hub(probe_interval="200ms", probe_timeout=f"{400 * SLOW:g}ms", offline_after=f"{1200 * SLOW:g}ms").pair()
    pair.emsp.script("GET", "/ocpi/", Reply(http=500, code=3000), forever=True)
    down = pair.emsp.script("POST", "/cdrs$", Reply(http=500, code=3000, headers={"Retry-After": "3600"}), None)
    pair.hub.wait_status(pair.emsp.id, "OFFLINE")
    push_cdr(pair, "B1")
    wait_cdr(pair.emsp, "B1")
    assert pair.hub.status_of(pair.emsp.id) == "OFFLINE"
    pair.emsp.unscript(down)
    pair.hub.ok("delivery", "retry", "--party", pair.emsp.id)
    wait_cdr(pair.emsp, "B1", count=2)
    pair.hub.wait_audit(lambda r: r["action"] == "party.connected" and r["party"] == pair.emsp.id, "CONNECTED by the delivery")
    settled(pair)


@rule("hub 8-22")
def test_one_try_a_pause(new_hub):
    pair = new_hub(retry_initial="1s", retry_max="1m").pair()
    pair.emsp.script("POST", "/cdrs$", Reply(http=500, code=3000), forever=True)
    push_cdr(pair, "B0")
    wait_cdr(pair.emsp, "B0")
    for number in range(1, 100):
        push_cdr(pair, f"B{number}")
    pair.emsp.wait("POST", "/cdrs$", count=3)
    tries = pair.emsp.received("POST", "/cdrs$")
    assert len(tries) <= 4 and all(b.time - a.time > 0.5 for a, b in zip(tries, tries[1:]))


@rule("hub 8-16")
def test_drop(pair):
    pair.emsp.down()
    push_cdr(pair, "GONE")
    ident = row(pair.hub, "GONE", to=pair.emsp.id)["id"]
    pair.hub.ok("delivery", "drop", ident, "--confirm", ident)
    pair.emsp.up()
    push_cdr(pair, "NEXT")
    wait_cdr(pair.emsp, "NEXT")
    settled(pair)
    assert {r.json["id"] for r in pair.emsp.received("POST", "/cdrs$")} == {"NEXT"}
