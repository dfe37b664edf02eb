"""What can be given once is given once, however many ask for it at the same moment, over all of the hub's loops."""

import pytest

from tests.e2e.harness import Hub
from tests.e2e.test_order import at_once
from tests.sim import Gate, Reply, payloads

LOOPS = 4
EACH = 8


@pytest.fixture(scope="module")
def town():
    """Two eMSPs and two CPOs, all routed."""
    with Hub(threads=LOOPS) as hub:
        emsps, cpos = [hub.onboard("EMSP") for _ in range(2)], [hub.onboard("CPO") for _ in range(2)]
        for emsp in emsps:
            for cpo in cpos:
                hub.rule(emsp, cpo)
        hub.emsps, hub.cpos = emsps, cpos
        yield hub


def reserve(emsp, cpo, ident):
    return lambda: emsp.command("RESERVE_NOW", payloads.reserve_now(emsp.party, ident, "NOWHERE"), to=cpo.id)


@pytest.mark.parametrize("number", range(5))
def test_one_reservation_id_of_two_emsps(town, number):
    """At one CPO it is one eMSP's; of the other all are REJECTED without being forwarded."""
    cpo, ident = town.cpos[0], f"R-{number}"
    spellings = (ident, ident.lower())
    answers = at_once([reserve(town.emsps[n % 2], cpo, spellings[n // 2 % 2]) for n in range(2 * EACH)])
    assert all(answer.outcome == (200, 1000) for answer in answers), answers
    results = [{answer.data["result"] for answer in answers[n::2]} for n in range(2)]
    assert sorted(map(sorted, results)) == [["ACCEPTED"], ["REJECTED"]], results
    winner = town.emsps[results.index({"ACCEPTED"})]
    asked = cpo.received("POST", "/commands/RESERVE_NOW", where=lambda r: r.json["reservation_id"].upper() == ident)
    assert len(asked) == EACH and {request.routing[0] for request in asked} == {winner.id}


def test_one_id_at_two_cpos(town):
    """Another CPO's ids are its own: nobody is in another's way."""
    calls = [reserve(town.emsps[n % 2], town.cpos[n % 2], "R-TWO") for n in range(2 * EACH)]
    assert {answer.data["result"] for answer in at_once(calls)} == {"ACCEPTED"}


def test_nobody_waits_for_the_partner(town):
    """The CPO has not answered the first; the second knows already."""
    first, second = town.emsps
    cpo = town.cpos[1]
    gate = Gate()
    cpo.script("POST", "/commands/RESERVE_NOW", Reply(data={"result": "ACCEPTED", "timeout": 30}, hold=gate))

    def late():
        cpo.wait("POST", "/commands/RESERVE_NOW", where=lambda r: r.json["reservation_id"] == "R-SLOW")
        try:
            return reserve(second, cpo, "R-SLOW")()
        finally:
            gate.open()

    answers = at_once([reserve(first, cpo, "R-SLOW"), late])
    assert [answer.data["result"] for answer in answers] == ["ACCEPTED", "REJECTED"]


def test_one_refused_by_the_cpo_is_free(town):
    cpo = town.cpos[0]
    cpo.script("POST", "/commands/RESERVE_NOW", Reply(data={"result": "REJECTED", "timeout": 0}))
    assert reserve(town.emsps[0], cpo, "R-NO")().data["result"] == "REJECTED"
    assert reserve(town.emsps[1], cpo, "R-NO")().data["result"] == "ACCEPTED"


def test_one_cdr_id_with_different_content(town):
    """One of them is the CDR; the others are refused and change nothing."""
    cpo, emsp = town.cpos[0], town.emsps[0]
    bodies = [payloads.cdr(cpo.party, emsp.party, "CDR-ONE", remark=f"number {n}") for n in range(16)]
    answers = at_once([lambda body=body: cpo.call("POST", "cdrs", body) for body in bodies])
    codes = [answer.code for answer in answers]
    assert sorted(codes) == [1000] + [2001] * 15, codes
    winner = bodies[codes.index(1000)]
    assert cpo.get(cpo.object_path("cdrs", "CDR-ONE")).data["remark"] == winner["remark"]
    assert emsp.wait("POST", "/cdrs", where=lambda r: r.json["id"] == "CDR-ONE").json["remark"] == winner["remark"]
    assert [cpo.call("POST", "cdrs", body).code for body in bodies] == codes
    assert len(emsp.received("POST", "/cdrs", where=lambda r: r.json["id"] == "CDR-ONE")) == 1


def test_one_session_stopped_at_once(town):
    """Only its own eMSP's are forwarded."""
    cpo = town.cpos[0]
    assert cpo.put("sessions", payloads.session(cpo.party, town.emsps[0].party, "S-ONE")).code == 1000
    stop = lambda emsp: lambda: emsp.command("STOP_SESSION", {"session_id": "S-ONE"})  # noqa: E731
    answers = at_once([stop(town.emsps[n % 2]) for n in range(2 * EACH)])
    results = [{answer.data["result"] for answer in answers[n::2]} for n in range(2)]
    assert results == [{"ACCEPTED"}, {"UNKNOWN_SESSION"}]
    asked = cpo.received("POST", "/commands/STOP_SESSION", where=lambda r: r.json["session_id"] == "S-ONE")
    assert {request.routing[0] for request in asked} == {town.emsps[0].id} and len(asked) == EACH


def test_one_initial_token_at_once(town):
    """Sixteen POSTs with one initial token: one registration, whose last hub token works; the others say why not."""
    platform = town.add(town.platform("EMSP"))
    initial = town.issue(platform.id)
    body = platform.credentials()
    answers = at_once([lambda: platform.call("POST", "credentials", body, token=initial) for _ in range(16)])
    given = [answer.data["token"] for answer in answers if answer.code == 1000]
    assert given and {answer.status for answer in answers} <= {200, 401, 405, 503}, [str(answer) for answer in answers]
    alive = [token for token in given if platform.call("GET", "credentials", token=token).outcome == (200, 1000)]
    assert len(alive) == 1, f"{len(alive)} of {len(given)}"
