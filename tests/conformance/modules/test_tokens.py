"""Tokens: authorization in real time in both directions; the hub stores no tokens, it passes them on."""

import json

import pytest

from tests.conformance.modules.judge import done, not_routed, refused
from tests.conformance.rules import rule
from tests.e2e.harness import SLOW
from tests.sim import Gate, Reply, exact, payloads

GUIDE = ("PUT", r"/tokens/.+/authorize$")  # eMSP -> CPO, as the hub's guides have it
STANDARD = ("POST", r"/tokens/[^/]+/authorize$")  # CPO -> eMSP, as OCPI has it


@pytest.fixture(scope="module")
def hub_settings():
    return {"forward_timeout": f"{SLOW:g}s"}


def asked(platform, route, uid):
    """The authorizations of that uid that a platform was asked for."""
    return platform.received(*route, where=lambda r: f"/{uid}/" in r.path)


def verdict(answer):
    return done(answer).data["allowed"]


# ---------------------------------------------------------------- eMSP -> CPO


@rule("hub 5-tokens-1")
def test_authorize_as_the_cpo_gets_it(pair):
    body = '{"evse_uids":["EVSE001"],"location_id":"NOWHERE","x_vendor":1.50}'
    answer = pair.emsp.authorize("04A2", body, query={"type": "APP_USER"}, headers={"X-Request-ID": "r", "X-Correlation-ID": "c"})
    assert verdict(answer) == "ALLOWED"
    (request,) = pair.cpo.received(*GUIDE)
    assert request.target == f"/ocpi/2.2.1/{pair.emsp.object_path('tokens', '04A2')}/authorize?type=APP_USER"
    assert request.body.decode() == body and request.routing == (pair.emsp.id, pair.cpo.id)
    assert request.headers["x-correlation-id"] == "c" and request.headers["x-request-id"] != "r"


@pytest.mark.parametrize("body", [None, "", {"location_id": "LOC-1"}, {"location_id": "LOC-1", "evse_uids": []}])
@rule("hub 5-tokens-2")
def test_authorize_bodies(shared, ident, body):
    assert verdict(shared.emsp.authorize(ident, body)) == "ALLOWED"
    (request,) = asked(shared.cpo, GUIDE, ident)
    assert request.json == (body or None)


@pytest.mark.parametrize("allowed", ["ALLOWED", "BLOCKED", "NOT_ALLOWED", "UNKNOWN", "EXPIRED", "NO_CREDIT"])
@rule("hub 5-tokens-3", "OCPI 5.5-12")
def test_verdicts(shared, ident, allowed):
    """data comes back as the CPO wrote it, authorization_reference included."""
    data = '{"x":1.50,"allowed":"%s","authorization_reference":"AR-7","token":{"uid":"A"},"info":{"text":"T","language":"en"}}' % allowed
    shared.cpo.script("PUT", f"/{ident}/authorize$", Reply(body=b'{"status_code":1000,"data":%s,"timestamp":"2025-01-01T00:00:00Z"}' % data.encode()))
    assert done(shared.emsp.authorize(ident)).exact_data == exact(data)


@pytest.fixture(scope="module")
def two(hub):
    """An eMSP with two routed CPOs. Each has a location OWN-n; both have COMMON, with an EVSE-n each."""
    first, second, emsp = hub.onboard("CPO"), hub.onboard("CPO"), hub.onboard("EMSP")
    for number, cpo in enumerate((first, second)):
        hub.rule(emsp, cpo)
        done(cpo.put("locations", payloads.location(cpo.party, f"OWN-{number}")))
        done(cpo.put("locations", payloads.location(cpo.party, "COMMON", evses=[payloads.evse(f"EVSE-{number}")])))
    return emsp, first, second


@pytest.mark.parametrize("to, location", [(1, None), (1, "OWN-0"), (None, "OWN-1"), (None, "own-1")])
@rule("hub 5-tokens-4")
def test_who_is_asked(two, ident, to, location):
    """The second CPO by its name, also against the location, or by its location in any case."""
    emsp, first, second = two
    body = {"location_id": location} if location else None
    assert verdict(emsp.authorize(ident, body, to=second.id if to else None)) == "ALLOWED"
    assert (len(asked(first, GUIDE, ident)), len(asked(second, GUIDE, ident))) == (0, 1)


@rule("hub 5-tokens-4")
def test_owner_without_a_rule(hub, two, ident):
    """NOT_ROUTED, and nobody else is asked instead."""
    emsp, first, second = two
    third = hub.onboard("CPO")
    done(third.put("locations", payloads.location(third.party, "OWN-3")))
    not_routed(emsp.authorize(ident, {"location_id": "OWN-3"}))
    not_routed(emsp.authorize(ident, to=third.id))
    assert [asked(cpo, GUIDE, ident) for cpo in (first, second, third)] == [[], [], []]


@rule("hub 5-tokens-5")
def test_several_owners(two, ident):
    emsp, first, second = two
    answer = emsp.authorize(ident, {"location_id": "COMMON"})
    refused(answer)
    assert "OCPI-to" in answer.message and asked(first, GUIDE, ident) == asked(second, GUIDE, ident) == []
    assert verdict(emsp.authorize(ident, {"location_id": "COMMON", "evse_uids": ["evse-1"]})) == "ALLOWED"
    assert (len(asked(first, GUIDE, ident)), len(asked(second, GUIDE, ident))) == (0, 1)


@pytest.mark.parametrize("body", [None, {"location_id": "NEVER-SEEN"}])
@rule("hub 5-tokens-6")
def test_no_known_location(two, shared, ident, body):
    assert verdict(shared.emsp.authorize(ident, body)) == "ALLOWED", "the only routed CPO"
    emsp, first, second = two
    answer = emsp.authorize(ident, body)
    refused(answer)
    assert "location_id" in answer.message and asked(first, GUIDE, ident) == asked(second, GUIDE, ident) == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(hold=Gate(20 * SLOW)), Reply(drop="close"), Reply(http=500, code=3000), Reply(http=502, body=b"Bad Gateway"),
        Reply(body=b"<html>"), Reply(data={"allowed": "PERHAPS"}), Reply(data={}), Reply(),
    ],
    ids=["too slow", "closes", "500", "502", "HTML", "no AllowedType", "no allowed", "no data"],
)  # fmt: skip
@rule("hub 5-tokens-7")
def test_a_cpo_that_fails(pair, reply):
    pair.cpo.script(*GUIDE, reply, forever=True)
    answer = pair.emsp.authorize("04A2")
    assert verdict(answer) == "UNKNOWN" and answer.data["info"]["text"], answer
    if isinstance(reply.hold, Gate):
        reply.hold.open()


@rule("hub 5-tokens-7")
def test_a_cpo_that_is_down(pair):
    pair.cpo.down()
    answer = pair.emsp.authorize("04A2")
    assert verdict(answer) == "UNKNOWN" and answer.data["info"]["text"], answer


# ---------------------------------------------------------------- CPO -> eMSP


@rule("OCPI 5.5-2", "hub 5-tokens-8")
def test_standard_authorize_as_the_emsp_gets_it(hub, pair):
    """Directed: method, path, query and body are the CPO's; among several eMSPs only the named one is asked."""
    other = hub.onboard("EMSP")
    hub.rule(other, pair.cpo)
    body = '{"evse_uids":["EVSE001"],"location_id":"LOC001","x_vendor":1.50}'
    ids = {"X-Request-ID": "r", "X-Correlation-ID": "c"}
    answer = pair.cpo.call("POST", "tokens/04A2/authorize", body, to=pair.emsp.id, query={"type": "APP_USER"}, headers=ids)
    assert verdict(answer) == "ALLOWED" and answer.headers["X-Request-ID"] == "r"
    assert answer.headers["OCPI-from-party-id"] == pair.emsp.party.party_id and answer.headers["OCPI-to-party-id"] == pair.cpo.party.party_id
    (request,) = pair.emsp.received(*STANDARD)
    assert request.target == "/ocpi/2.2.1/tokens/04A2/authorize?type=APP_USER"
    assert request.body.decode() == body and request.routing == (pair.cpo.id, pair.emsp.id)
    assert request.headers["x-correlation-id"] == "c" and request.headers["x-request-id"] != "r"
    assert other.received(*STANDARD) == []


INFO = {"allowed": "ALLOWED", "authorization_reference": "AR-9", "location": {"location_id": "LOC001", "evse_uids": ["EVSE001"]}}


@pytest.mark.parametrize("allowed", ["ALLOWED", "BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"])
@rule("OCPI 5.5-8", "OCPI 5.5-11", "OCPI 5.5-12")
def test_standard_verdicts(shared, ident, allowed):
    """The complete Token, the allowed part of the location and the reference reach the CPO as the eMSP wrote them."""
    data = {**INFO, "allowed": allowed, "token": payloads.token(shared.emsp.party, ident), "x_vendor": 12.5}
    shared.emsp.script("POST", f"/{ident}/authorize$", Reply(data=data))
    answer = shared.cpo.call("POST", f"tokens/{ident}/authorize", {"location_id": "LOC001", "evse_uids": ["EVSE001", "EVSE002"]}, to=shared.emsp.id)
    assert answer.outcome == (200, 1000) and answer.data == data, answer


@pytest.mark.parametrize(
    "http, code",
    [
        pytest.param(404, 2004, marks=rule("OCPI 5.5-9"), id="unknown token"),
        pytest.param(200, 2002, marks=rule("OCPI 5.5-10"), id="location needed"),
        pytest.param(200, 2003, marks=rule("OCPI 5.5-10"), id="location unknown"),
    ],
)
def test_standard_refusals(shared, ident, http, code):
    """What the eMSP says no with reaches the CPO."""
    shared.emsp.script("POST", f"/{ident}/authorize$", Reply(http=http, code=code, message="says the eMSP"))
    answer = shared.cpo.call("POST", f"tokens/{ident}/authorize", to=shared.emsp.id)
    assert answer.outcome == (http, code) and answer.data is None and "says the eMSP" in answer.message, answer


@pytest.mark.parametrize("body", ['{"location_id":5}', '{"evse_uids":"EVSE001","location_id":"LOC001"}', "[]"])
@rule("OCPI 5.5-10")
def test_what_is_no_location_references(shared, ident, body):
    """In both directions 2001 at the hub, and nobody is asked."""
    refused(shared.emsp.authorize(ident, body))
    refused(shared.cpo.call("POST", f"tokens/{ident}/authorize", body, to=shared.emsp.id))
    assert asked(shared.cpo, GUIDE, ident) == asked(shared.emsp, STANDARD, ident) == []


@pytest.fixture(scope="module")
def emsps(hub):
    """A CPO with two routed eMSPs."""
    cpo, first, second = hub.onboard("CPO"), hub.onboard("EMSP"), hub.onboard("EMSP")
    for emsp in (first, second):
        hub.rule(emsp, cpo)
    return cpo, first, second


@pytest.mark.parametrize("seen", ["START_SESSION", "RESERVE_NOW", "session"])
@rule("hub 5-tokens-9")
def test_the_emsp_seen_with_this_uid(emsps, ident, seen):
    """Without OCPI-to; the uid in any case; two users are a conflict."""
    cpo, first, second = emsps
    for number, emsp in enumerate((first, second)):
        if seen == "session":
            body = payloads.session(cpo.party, emsp.party, f"{ident}-{number}", cdr_token=payloads.cdr_token(emsp.party, ident))
            done(cpo.put("sessions", body))
        else:
            body = payloads.start_session(emsp.party) if seen == "START_SESSION" else payloads.reserve_now(emsp.party, f"{ident}-{number}")
            done(emsp.command(seen, {**body, "token": payloads.token(emsp.party, ident)}, to=cpo.id))
        answer = cpo.call("POST", f"tokens/{ident.lower()}/authorize")
        if emsp is first:
            assert verdict(answer) == "ALLOWED"
        else:
            refused(answer)
            assert "OCPI-to" in answer.message, answer
    assert (len(asked(first, STANDARD, ident.lower())), asked(second, STANDARD, ident.lower())) == (1, [])


@rule("hub 5-tokens-9")
def test_the_type_of_the_token(emsps, ident):
    cpo, first, second = emsps
    for emsp, kind in ((first, "RFID"), (second, "APP_USER")):
        token = payloads.cdr_token(emsp.party, ident, type=kind)
        done(cpo.put("sessions", payloads.session(cpo.party, emsp.party, f"{ident}-{kind}", cdr_token=token)))
    assert verdict(cpo.call("POST", f"tokens/{ident}/authorize", query={"type": "APP_USER"})) == "ALLOWED"
    assert (asked(first, STANDARD, ident), len(asked(second, STANDARD, ident))) == ([], 1)


@rule("hub 5-tokens-13")
def test_a_body_of_null(shared, ident):
    assert verdict(shared.emsp.authorize(ident, b"null")) == "ALLOWED"
    assert verdict(shared.cpo.call("POST", f"tokens/{ident}/authorize", b"null", to=shared.emsp.id)) == "ALLOWED"
    assert [r.body for r in asked(shared.cpo, GUIDE, ident) + asked(shared.emsp, STANDARD, ident)] == [b"", b""]


@pytest.mark.parametrize("data", ['{"allowed":"BLOCKED","allowed":"ALLOWED"}', '{"allowed":"BLOCKED","Allowed":"ALLOWED"}'])
@rule("hub 5-tokens-14")
def test_an_answer_with_two_readings(shared, ident, data):
    body = f'{{"status_code":1000,"data":{data},"timestamp":"2025-01-01T00:00:00Z"}}'.encode()
    shared.cpo.script("PUT", "/authorize$", Reply(body=body))
    assert verdict(shared.emsp.authorize(ident)) == "UNKNOWN"
    shared.emsp.script("POST", "/authorize$", Reply(body=body))
    assert shared.cpo.call("POST", f"tokens/{ident}/authorize", to=shared.emsp.id).outcome == (200, 4000)


@rule("hub 5-tokens-15")
def test_the_list_of_tokens(hub, emsps):
    cpo, first, second = emsps
    refused(cpo.get("tokens"))
    done(cpo.get("tokens", to=second.id))
    done(hub.pair().cpo.get("tokens"))


@rule("hub 5-tokens-10")
def test_a_uid_that_nobody_has_used(emsps, shared, ident):
    cpo, first, second = emsps
    refused(cpo.call("POST", f"tokens/{ident}/authorize"))
    assert asked(first, STANDARD, ident) == asked(second, STANDARD, ident) == []
    assert verdict(shared.cpo.call("POST", f"tokens/{ident}/authorize")) == "ALLOWED", "the only routed eMSP"
    assert len(asked(shared.emsp, STANDARD, ident)) == 1


@rule("hub 5-tokens-11")
def test_an_emsp_that_fails(pair):
    """Other than in the guides' direction nobody makes up an answer: the CPO's own offline rules hold."""
    gate = Gate(20 * SLOW)
    pair.emsp.script(*STANDARD, Reply(hold=gate))
    assert pair.cpo.call("POST", "tokens/04A2/authorize", to=pair.emsp.id).outcome == (200, 4002)
    gate.open()
    pair.emsp.down()
    assert pair.cpo.call("POST", "tokens/04A2/authorize", to=pair.emsp.id).outcome == (200, 4003)
    assert pair.cpo.call("POST", "tokens/04A2/authorize", to="IN-QQQ").outcome == (200, 4001)


@rule("hub 5-tokens-8")
def test_standard_authorize_without_a_rule(hub):
    hub, cpo, emsp = hub.pair(rule=False)
    not_routed(cpo.call("POST", "tokens/04A2/authorize", to=emsp.id))
    assert emsp.received(*STANDARD) == []


# ---------------------------------------------------------------- tokens themselves


@rule("OCPI 5.5-1")
def test_list_of_an_emsp(shared, ident):
    """The CPO pulls the eMSP's tokens: the query goes along, data comes back as it is."""
    tokens = [payloads.token(shared.emsp.party, f"{ident}-{number}") for number in range(2)]
    shared.emsp.script("GET", "/tokens$", Reply(data=tokens, headers={"X-Total-Count": "2", "X-Limit": "100"}))
    answer = done(shared.cpo.get("tokens", to=shared.emsp.id, query={"date_from": "2025-01-01T00:00:00Z", "limit": 10}))
    assert answer.data == tokens and answer.headers["X-Total-Count"] == "2"
    request = shared.emsp.wait("GET", "^/ocpi/2.2.1/tokens$")
    assert "date_from=2025-01-01T00" in request.query and "limit=10" in request.query and request.routing == (shared.cpo.id, shared.emsp.id)


@rule("OCPI 5.5-3", "hub 5-others-2")
def test_get(shared, ident):
    token = payloads.token(shared.emsp.party, ident)
    shared.cpo.script("GET", f"/tokens/.*/{ident}$", Reply(data=token))
    assert done(shared.emsp.get(shared.emsp.object_path("tokens", ident), to=shared.cpo.id)).data == token
    assert shared.cpo.wait("GET", f"/tokens/.*/{ident}$").path == f"/ocpi/2.2.1/{shared.emsp.object_path('tokens', ident)}"


@pytest.mark.parametrize("method", [pytest.param("PUT", marks=rule("OCPI 5.5-4")), pytest.param("PATCH", marks=rule("OCPI 5.5-5"))])
@rule("OCPI 5.5-6", "hub 5-others-2")
def test_put_and_patch(shared, ident, method):
    """Bytes, path and query as sent; without a query none is added."""
    body = json.dumps(payloads.token(shared.emsp.party, ident) if method == "PUT" else {"valid": False, "last_updated": "2025-06-01T00:00:00Z"})
    path = shared.emsp.object_path("tokens", ident)
    shared.cpo.script(method, f"/tokens/.*/{ident}$", Reply(), forever=True)
    for query in ("", "?type=APP_USER"):
        done(shared.emsp.call(method, path + query, body, to=shared.cpo.id))
        request = shared.cpo.wait(method, f"/tokens/.*/{ident}$", count=2 if query else 1)
        assert (request.target, request.body.decode()) == (f"/ocpi/2.2.1/{path}{query}", body)


@rule("OCPI 5.5-7")
def test_tokens_are_not_deleted(shared, ident):
    answer = shared.emsp.call("DELETE", shared.emsp.object_path("tokens", ident), to=shared.cpo.id)
    assert answer.outcome == (405, 2000) and answer.headers["Allow"], answer
    assert shared.cpo.received("DELETE") == []
