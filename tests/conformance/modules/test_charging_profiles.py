"""ChargingProfiles: the hub stores none; it forwards, and stands between the two with a response_url of its own."""

import json
from urllib.parse import parse_qs, quote

import pytest

from tests.conformance.modules.judge import done, findings, not_routed, refused
from tests.conformance.rules import rule
from tests.sim import Reply, exact, payloads

PERIODS = [{"start_period": 0, "limit": 11000.0}, {"start_period": 1800, "limit": 0}]
PROFILE = {"charging_rate_unit": "W", "min_charging_rate": 4000.50, "duration": 3600, "charging_profile_period": PERIODS}
ACTIVE = {"start_date_time": "2025-06-01T10:00:00Z", "charging_profile": PROFILE}
CALLBACK = r"/ocpi/2.2.1/commands/callback/"


@pytest.fixture
def session(shared, ident):
    """A session of the pair; its id is `ident`."""
    done(shared.cpo.put("sessions", payloads.session(shared.cpo.party, shared.emsp.party, ident)))
    return shared


@pytest.fixture
def callback(shared, ident):
    """A response_url of the eMSP with a query of its own."""
    return f"{shared.emsp.url}/ocpi/callbacks/{ident}?a=1&b=%2F"


def ask(pair, method, ident, callback, to=True, **changes):
    """One of the three requests to the CPO; response_url where that method has it."""
    path = f"chargingprofiles/{ident}"
    to = pair.cpo.id if to else None
    if method == "PUT":
        return pair.emsp.call("PUT", path, {"charging_profile": PROFILE, "response_url": callback, **changes}, to=to)
    duration = "duration=900&" if method == "GET" else ""
    return pair.emsp.call(method, f"{path}?{duration}response_url={quote(callback, safe='')}&x_vendor=1", to=to)


def seen_url(request):
    """The response_url that the CPO sees."""
    return request.json["response_url"] if request.method == "PUT" else parse_qs(request.query)["response_url"][0]


def accept(pair, method, ident):
    response = {"result": "ACCEPTED", "timeout": 30}
    pair.cpo.script(method, f"/chargingprofiles/{ident}$", Reply(data=response))
    return response


METHODS = [
    pytest.param("GET", marks=rule("OCPI 5.7-1"), id="GET"),
    pytest.param("PUT", marks=rule("OCPI 5.7-2"), id="PUT"),
    pytest.param("DELETE", marks=rule("OCPI 5.7-3"), id="DELETE"),
]


@pytest.mark.parametrize("to", [True, False], ids=["directed", "by the session"])
@pytest.mark.parametrize("method", METHODS)
@rule("OCPI 5.7-6")
def test_request_as_the_cpo_gets_it(hub, session, ident, callback, method, to):
    """Path, body and query as sent but for response_url, which is the hub's; the CPO's answer comes back."""
    response = accept(session, method, ident)
    assert done(ask(session, method, ident, callback, to)).data == response
    (request,) = session.cpo.received(method, f"^/ocpi/2.2.1/chargingprofiles/{ident}$")
    assert seen_url(request).startswith(hub.url + CALLBACK) and request.routing == (session.emsp.id, session.cpo.id)
    if method == "PUT":
        assert {**request.json, "response_url": callback} == {"charging_profile": PROFILE, "response_url": callback}
    else:
        query = parse_qs(request.query)
        assert query["x_vendor"] == ["1"] and query.get("duration") == (["900"] if method == "GET" else None)
    assert session.emsp.url not in request.target + request.body.decode()


@pytest.mark.parametrize(
    "method, result",
    [("GET", {"result": "ACCEPTED", "profile": ACTIVE}), ("PUT", {"result": "REJECTED"}), ("DELETE", {"result": "UNKNOWN"})],
)
@rule("OCPI 5.7-4")
def test_result_as_the_emsp_gets_it(session, ident, callback, method, result):
    """An ActiveChargingProfileResult, ChargingProfileResult or ClearProfileResult: bytes as sent, once."""
    accept(session, method, ident)
    done(ask(session, method, ident, callback))
    text = json.dumps(result).replace("4000.5", "4000.50")
    url = seen_url(session.cpo.wait(method, f"/chargingprofiles/{ident}$"))
    for _ in range(2):
        done(session.cpo.call("POST", url, text, headers={"Authorization": None}))
    request = session.emsp.wait("POST", f"^/ocpi/callbacks/{ident}$")
    assert request.target.endswith("?a=1&b=%2F") and exact(request.body) == exact(text)
    assert request.routing == (session.cpo.id, session.emsp.id)


@pytest.mark.parametrize("method", METHODS)
@rule("OCPI 5.7-8")
def test_too_often(session, ident, callback, method):
    response = {"result": "TOO_OFTEN", "timeout": 0}
    session.cpo.script(method, f"/chargingprofiles/{ident}$", Reply(data=response))
    assert done(ask(session, method, ident, callback)).data == response


@pytest.mark.parametrize("method", METHODS)
@rule("hub 5-commands-10")
def test_response_url_on_a_foreign_host(session, ident, method):
    """In the query as in the body: 2001, and the CPO is not asked."""
    answer = ask(session, method, ident, "http://192.0.2.1/cb")
    refused(answer)
    assert "response_url" in answer.message and (method != "PUT" or "/response_url" in findings(answer)), answer
    assert session.cpo.received(method, f"/chargingprofiles/{ident}$") == []


@pytest.mark.parametrize("method", METHODS)
@rule("hub 5-commands-3")
def test_somebody_elses_session(hub, session, ident, method):
    """Another eMSP gets at it neither by the session nor by OCPI-to."""
    other = hub.onboard("EMSP")
    hub.rule(other, session.cpo)
    pair = type(session)(hub, session.cpo, other)
    for to in (True, False):
        answer = ask(pair, method, ident, f"{other.url}/ocpi/callbacks/x", to)
        assert answer.code != 1000 or answer.data["result"] == "UNKNOWN_SESSION", answer
    assert session.cpo.received(method, f"/chargingprofiles/{ident}$") == []


@rule("OCPI 5.7-2")
def test_without_a_rule(hub, ident):
    pair = hub.pair(rule=False)
    not_routed(ask(pair, "PUT", ident, f"{pair.emsp.url}/ocpi/callbacks/x"))


@rule("OCPI 5.7-5")
def test_active_profile_from_the_cpo(hub, session, ident):
    """The CPO's PUT reaches the eMSP that OCPI-to names, at its Sender interface, bytes as sent."""
    text = json.dumps(ACTIVE).replace("4000.5", "4000.50")
    session.emsp.script("PUT", f"/chargingprofiles/{ident}$", Reply())
    done(session.cpo.call("PUT", f"chargingprofiles/{ident}", text, to=session.emsp.id))
    (request,) = session.emsp.received("PUT", f"^/ocpi/2.2.1/chargingprofiles/{ident}$")
    assert exact(request.body) == exact(text) and request.routing == (session.cpo.id, session.emsp.id)
