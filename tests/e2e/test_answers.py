"""What partners answer, in every wrapping and spelling: what the hub judges is what it passes on, and what says nothing is not taken for a success."""

import json
from urllib.parse import parse_qs

import pytest

from tests.e2e.harness import SLOW
from tests.sim import Reply, http_call, payloads


@pytest.fixture(scope="module")
def hub_settings():
    return {"command_forward_timeout": f"{SLOW:g}s", "forward_timeout": f"{SLOW:g}s"}


@pytest.fixture(scope="module")
def street(hub):
    pair = hub.pair()
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, "S1")).code == 1000
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party, "L1")).code == 1000
    return pair


def envelope(data, **more):
    return {"status_code": 1000, "status_message": "Success", "timestamp": "2026-01-01T00:00:00Z", "data": data, **more}


SHAPES = {
    "envelope": envelope,
    "list in it": lambda it: envelope([it]),
    "envelope in a list": lambda it: [envelope(it)],
    "status as text": lambda it: envelope(it, status_code="1000"),
    "no status": lambda it: {"data": it},
    "no status, a list": lambda it: {"data": [it]},
    "bare": lambda it: it,
    "bare in a list": lambda it: [it],
    "all in one": lambda it: {"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z", **it},
}
BARE = ("bare", "bare in a list")  # of a result or credentials only: an answer without an envelope may be anybody's
SPELLINGS = ["ACCEPTED", "accepted", "Accepted"]
shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
wrapped = pytest.mark.parametrize("shape", [SHAPES[name] for name in SHAPES if name not in BARE], ids=[name for name in SHAPES if name not in BARE])


def raw(value, http=200):
    return Reply(http=http, body=b"" if value is None else json.dumps(value).encode())


def start(street, reply, **changes):
    street.cpo.script("POST", "/commands/", reply)
    before = len(street.cpo.received("POST", "/commands/"))
    answer = street.emsp.command("START_SESSION", payloads.start_session(street.emsp.party, "L1", **changes))
    return answer, street.cpo.wait("POST", "/commands/", count=before + 1)


def told(street, request, result, mark, code=1000):
    """The CPO's result is taken, and reaches the eMSP."""
    assert street.cpo.send_result(request, result, mark=mark).outcome == (200, code)
    return street.emsp.wait("POST", "/callbacks/", where=lambda r: r.json.get("mark") == mark).json["result"]


@wrapped
def test_authorization_info(street, shape):
    street.cpo.script("PUT", "/authorize", raw(shape({"allowed": "Allowed", "vendor": 1})))
    answer = street.emsp.authorize("CARD")
    assert answer.code == 1000 and (answer.data["allowed"], answer.data["vendor"]) == ("ALLOWED", 1), answer
    street.emsp.script("POST", "/authorize", raw(shape({"allowed": "no_credit"})))
    answer = street.cpo.call("POST", "tokens/CARD/authorize")
    assert answer.code == 1000 and answer.data["allowed"] == "NO_CREDIT", answer


@wrapped
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_command_response(street, shape, spelling):
    answer, request = start(street, raw(shape({"result": spelling, "timeout": 30})))
    assert answer.code == 1000 and (answer.data["result"], answer.data["timeout"]) == ("ACCEPTED", 30), answer
    assert told(street, request, "ACCEPTED", f"{id(shape)}-{spelling}") == "ACCEPTED"


@wrapped
def test_charging_profile_response(street, shape):
    street.cpo.script("GET", "/chargingprofiles", raw(shape({"result": "too_often", "timeout": 5})))
    answer = street.emsp.call("GET", "chargingprofiles/S1", query={"duration": 10, "response_url": street.emsp.response_url()})
    assert answer.code == 1000 and answer.data["result"] == "TOO_OFTEN", answer


@shapes
@pytest.mark.parametrize("spelling", ["FAILED", "failed", "Evse_Occupied"])
def test_command_result(street, shape, spelling):
    mark = f"r{id(shape)}-{spelling}"
    _, request = start(street, raw(envelope({"result": "ACCEPTED", "timeout": 30})))
    url = request.json["response_url"]
    for _ in range(2):
        assert http_call("POST", url, shape({"result": spelling, "mark": mark})).outcome == (200, 1000)
    seen = street.emsp.wait("POST", "/callbacks/", where=lambda r: r.json.get("mark") == mark).json
    assert seen["result"] == spelling.upper()
    wanted = {"result": "no such value"}
    assert http_call("POST", start(street, raw(envelope({"result": "ACCEPTED", "timeout": 30})))[1].json["response_url"], wanted).outcome == (200, 2001)


@pytest.mark.parametrize("result, spelling", [("ACCEPTED", "accepted"), ("REJECTED", "Rejected")])
def test_charging_profile_result(street, result, spelling):
    street.cpo.script("DELETE", "/chargingprofiles", raw(envelope({"result": "ACCEPTED", "timeout": 30})))
    before = len(street.cpo.received("DELETE", "/chargingprofiles"))
    street.emsp.call("DELETE", "chargingprofiles/S1", query={"response_url": street.emsp.response_url()})
    request = street.cpo.wait("DELETE", "/chargingprofiles", count=before + 1)
    url = parse_qs(request.query)["response_url"][0]
    assert http_call("POST", url, {"result": "OK"}).outcome == (200, 2001)
    assert http_call("POST", url, {"data": {"result": spelling, "mark": spelling}}).outcome == (200, 1000)
    assert street.emsp.wait("POST", "/callbacks/", where=lambda r: r.json.get("mark") == spelling).json["result"] == result


def test_reservation_of_a_cpo_that_writes_otherwise(street):
    """The later CANCEL_RESERVATION finds it."""
    street.cpo.script("POST", "/RESERVE_NOW", raw(envelope({"result": "accepted", "timeout": 30})))
    body = payloads.reserve_now(street.emsp.party, "R-LOW", "L1")
    assert street.emsp.command("RESERVE_NOW", body).data["result"] == "ACCEPTED"
    assert told(street, street.cpo.wait("POST", "/RESERVE_NOW"), "accepted", "r-low") == "ACCEPTED"
    street.cpo.unscript()
    assert street.emsp.command("CANCEL_RESERVATION", {"reservation_id": "R-LOW"}).data["result"] == "ACCEPTED"
    street.cpo.wait("POST", "/CANCEL_RESERVATION")


RUBBISH = {
    "no data": raw({"status_code": 1000}),
    "null": raw(envelope(None)),
    "empty list": raw(envelope([])),
    "unknown value": raw(envelope({"result": "OK", "timeout": 1})),
    "not a text": raw(envelope({"result": True})),
    "empty": raw(envelope({"result": ""})),
    "two readings": raw(envelope({"result": "ACCEPTED", "Result": "REJECTED"})),
    "text": Reply(body=b"done"),
    "bare": raw({"result": "ACCEPTED"}),
    "502": Reply(http=502, body=b"<html>"),
}


@pytest.mark.parametrize("reply", RUBBISH.values(), ids=RUBBISH)
def test_response_that_says_nothing(street, reply):
    """4000, and as nobody knows whether the CPO acts its result is still taken."""
    mark = f"rubbish {id(reply)}"
    answer, request = start(street, reply)
    assert answer.outcome == (200, 4000) and not answer.data, answer
    assert told(street, request, "ACCEPTED", mark) == "ACCEPTED"


@pytest.mark.parametrize("reply", [raw(None, 204), raw({"status_code": 1000}), raw(envelope({"allowed": "YES"})), raw(envelope({"allowed": 1}))])
def test_authorization_that_says_nothing(street, reply):
    street.cpo.script("PUT", "/authorize", reply)
    answer = street.emsp.authorize("CARD")
    assert answer.code == 1000 and answer.data["allowed"] == "UNKNOWN" and answer.data["info"]["text"], answer
    street.emsp.script("POST", "/authorize", reply)
    assert street.cpo.call("POST", "tokens/CARD/authorize").outcome == (200, 4000)


@pytest.mark.parametrize("status", [200, 202, 204])
def test_response_without_a_body(street, status):
    """A success that says no more; the result is still taken."""
    answer, request = start(street, raw(None, status))
    assert answer.outcome == (200, 1000) and not answer.data, answer
    assert told(street, request, "ACCEPTED", f"nothing {status}") == "ACCEPTED"


def test_who_refused_gets_no_result(street):
    """Of what was refused with a 4xx there is no outcome to wait for."""
    answer, request = start(street, Reply(http=404, body=b"<html>"))
    assert answer.outcome == (200, 4000), answer
    seen = len(street.emsp.received("POST", "/callbacks/"))
    assert street.cpo.send_result(request, "ACCEPTED", mark="late").outcome == (200, 1000)
    told(street, start(street, raw(envelope({"result": "ACCEPTED", "timeout": 30})))[1], "ACCEPTED", "after")
    assert [r.json["mark"] for r in street.emsp.received("POST", "/callbacks/")[seen:]] == ["after"]


@wrapped
def test_exchange(hub, shape):
    """Versions, details and Credentials of a partner that wraps what it answers."""

    def habit(request, answer):
        reply = answer(request)
        told = isinstance(reply.data, (dict, list)) and ("versions" in request.path or "credentials" in request.path or request.path.endswith("2.2.1"))
        if not told or (isinstance(reply.data, list) and shape is SHAPES["all in one"]):
            return reply
        return raw(shape(reply.data), reply.http)

    cpo = hub.connected("CPO", habits=(habit,))
    assert hub.status_of(cpo.id) == "CONNECTED"
    assert cpo.put("locations", payloads.location(cpo.party, "L-X")).code == 1000
    assert hub.ok("receiver", "discover", cpo.id).rc == 0
