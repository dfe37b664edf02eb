"""The routing matrix: which eMSP may use which CPO, and what follows from it."""

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import eventually
from tests.sim import payloads
from tests.sim.wire import timestamp


def reachable(emsp, cpo):
    """Whether everything that needs the rule passes; all of it must agree."""
    answers = [
        emsp.get(cpo.object_path("locations", "L")), emsp.get(cpo.object_path("tariffs", "T")), emsp.get("locations", to=cpo.id),
        emsp.authorize("T1", to=cpo.id), emsp.command("START_SESSION", payloads.start_session(emsp.party), to=cpo.id),
    ]  # fmt: skip
    outcomes = {answer.outcome for answer in answers}
    assert outcomes in ({(200, 1000)}, {(200, 2000)}), list(map(str, answers))
    assert (len(emsp.get("locations").data) == 1) == (outcomes == {(200, 1000)})
    return outcomes == {(200, 1000)}


@pytest.fixture
def apart(hub):
    """A pair without a rule, whose CPO has pushed a location and a tariff."""
    made = hub.pair(rule=False)
    assert made.cpo.put("locations", payloads.location(made.cpo.party, "L")).outcome == (201, 1000)
    assert made.cpo.put("tariffs", payloads.tariff(made.cpo.party, "T")).outcome == (201, 1000)
    return made


@rule("hub 7-1", "hub 7-2", "hub 7-3", "hub 7-4")
def test_off_on_off(apart):
    """Pushes are stored from the beginning; all that an eMSP can do follows the rule as soon as hubctl has answered."""
    hub, cpo, emsp = apart
    assert not reachable(emsp, cpo)
    for _ in range(3):
        hub.rule(emsp, cpo)
        assert reachable(emsp, cpo)
        hub.rule(emsp, cpo, "disable")
        assert not reachable(emsp, cpo)
    assert cpo.get(cpo.object_path("locations", "L")).outcome == (200, 1000), "the owner needs no rule"


@rule("hub 7-1")
def test_a_rule_is_for_one_pair(apart):
    """Neither another eMSP nor another CPO has part in it."""
    hub, cpo, emsp = apart
    other_emsp, other_cpo = hub.onboard("EMSP"), hub.onboard("CPO")
    hub.rule(emsp, cpo)
    assert other_emsp.authorize("T1", to=cpo.id).message.startswith("NOT_ROUTED")
    assert emsp.authorize("T1", to=other_cpo.id).message.startswith("NOT_ROUTED")
    assert other_emsp.get("locations").data == []


@rule("hub 7-3", "hub 7-4")
def test_delivery_needs_the_rule(apart):
    """A session is stored and held; the next state after the rule is on is delivered."""
    hub, cpo, emsp = apart
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S", last_updated=timestamp(-9))).outcome == (201, 1000)
    assert cpo.get(cpo.object_path("sessions", "S")).outcome == (200, 1000)
    eventually(lambda: hub.held(emsp.id), "the delivery is held")
    hub.rule(emsp, cpo)
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S", kwh=2.5))
    assert emsp.wait("PUT", "/sessions/").json["kwh"] == 2.5
    assert len(emsp.received("PUT", "/sessions/")) == 1


@rule("hub 7-5")
def test_drain(pair):
    """A session that had begun (start_date_time) comes to its end: STOP_SESSION, its updates, its CDR. Nothing new begins."""
    hub, cpo, emsp = pair
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "BEGUN", last_updated=timestamp(-9)))
    emsp.wait("PUT", "/sessions/.*/BEGUN$")
    hub.rule(emsp, cpo, "disable", "--drain")
    assert emsp.command("STOP_SESSION", {"session_id": "BEGUN"}).data["result"] == "ACCEPTED"
    cpo.patch("sessions", "BEGUN", {"status": "COMPLETED", "kwh": 7.5, "last_updated": timestamp()})
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "C-BEGUN", session_id="BEGUN"))
    emsp.wait("PUT", "/sessions/.*/BEGUN$", where=lambda request: request.json["status"] == "COMPLETED")
    emsp.wait("POST", "/cdrs$")
    for answer in (
        emsp.command("START_SESSION", payloads.start_session(emsp.party), to=cpo.id),
        emsp.authorize("T1", to=cpo.id),
        emsp.get("locations", to=cpo.id),
    ):
        assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "NEW", start_date_time=timestamp(10)))
    times = {"start_date_time": timestamp(10), "end_date_time": timestamp(20)}
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "C-NEW", session_id="NEW", **times))
    hub.wait_rows("delivery", "list", "--state", "held", where=lambda row: row["to"] == emsp.id, what="what is new is held", count=2)
