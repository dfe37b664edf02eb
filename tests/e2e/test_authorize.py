"""Real-time authorization: eMSP -> hub -> CPO -> answer, and everything that a CPO can do wrong."""

import json
import threading
import uuid

import pytest

from tests.e2e.harness import SLOW
from tests.sim import Gate, Reply, exact, payloads
from tests.sim.client import authorization


@pytest.fixture(scope="module")
def hub_settings():
    return {"forward_timeout": f"{SLOW:g}s"}


ROUTE = ("PUT", r"/tokens/.+/authorize$")
UID = "04A2B7C91D3E80"


def forwarded(platform):
    return platform.received(*ROUTE)


def allowed(answer):
    assert answer.outcome == (200, 1000), answer
    return answer.data["allowed"]


# ---------------------------------------------------------------- forwarding


def test_request_as_the_cpo_gets_it(pair):
    """Same method, path below the module, query and body; the CPO's own token; FROM and TO; new X-Request-ID, same X-Correlation-ID."""
    body = '{"location_id":"LOC001","evse_uids":["EVSE001"],"x_unknown":1.50}'
    ids = {"X-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": str(uuid.uuid4())}
    answer = pair.emsp.authorize(UID, body, query={"type": "APP_USER"}, headers=ids)
    assert allowed(answer) == "ALLOWED"
    (request,) = forwarded(pair.cpo)
    assert request.path == "/ocpi/2.2.1/" + pair.emsp.object_path("tokens", UID) + "/authorize"
    assert request.query == "type=APP_USER"
    assert exact(request.body) == exact(body)
    assert request.headers["content-type"].startswith("application/json")
    assert request.headers["authorization"] == authorization(pair.cpo.token)
    assert request.routing == (pair.emsp.id, pair.cpo.id)
    assert request.headers["x-correlation-id"] == ids["X-Correlation-ID"]
    assert request.headers["x-request-id"] not in ("", ids["X-Request-ID"])


def test_answer_as_the_emsp_gets_it(pair):
    """The CPO's data comes back as it is; ids echoed; routing headers swapped; the hub's own envelope around it."""
    data = b'{"allowed":"BLOCKED","x_limit":12.50,"token":{"uid":"A","valid":true},"info":{"language":"hi","text":"\xe0\xa4\xa8\xe0\xa4\xb9\xe0\xa5\x80\xe0\xa4\x82"}}'
    pair.cpo.script(*ROUTE, Reply(body=b'{"data":' + data + b',"status_code":1000,"timestamp":"2025-01-01T00:00:00Z"}'))
    ids = {"X-Request-ID": "my request", "X-Correlation-ID": "my-correlation"}
    answer = pair.emsp.authorize(UID, headers=ids)
    assert answer.outcome == (200, 1000), answer
    assert answer.exact_data == exact(data)
    assert {name: answer.headers[name] for name in ids} == ids
    assert answer.headers["OCPI-from-party-id"] == pair.cpo.party.party_id
    assert answer.headers["OCPI-from-country-code"] == "IN"
    assert answer.headers["OCPI-to-party-id"] == pair.emsp.party.party_id
    assert answer.headers["OCPI-to-country-code"] == "IN"


@pytest.mark.parametrize("verdict", ["ALLOWED", "BLOCKED", "NOT_ALLOWED", "UNKNOWN", "EXPIRED", "NO_CREDIT"])
def test_verdicts(pair, verdict):
    """The four of the guide, and OCPI's EXPIRED and NO_CREDIT."""
    pair.cpo.script(*ROUTE, Reply(data=payloads.authorization_info("IN", "XYZ", UID, allowed=verdict)))
    assert allowed(pair.emsp.authorize(UID, {"location_id": "LOC001"})) == verdict


@pytest.mark.parametrize("body", [None, "", {"location_id": "NEVER-SEEN"}])
def test_without_a_known_location_the_only_routed_cpo_is_asked(pair, body):
    """Body absent or empty, location unknown: the only CPO with a rule."""
    assert allowed(pair.emsp.authorize(UID, body)) == "ALLOWED"
    assert len(forwarded(pair.cpo)) == 1


def test_one_element_list_is_unwrapped(pair):
    """A CPO that wraps data in a list of one is understood."""
    pair.cpo.script(*ROUTE, Reply(data=[{"allowed": "NO_CREDIT"}]))
    assert allowed(pair.emsp.authorize(UID)) == "NO_CREDIT"


@pytest.mark.parametrize("status", [201, 202])
def test_any_2xx_is_an_answer(pair, status):
    """Other 2xx than 200 are fine."""
    pair.cpo.script(*ROUTE, Reply(http=status, data={"allowed": "ALLOWED"}))
    assert allowed(pair.emsp.authorize(UID)) == "ALLOWED"


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.0 200 OK\r\n\r\n%s",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n%x\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n",
    ],
    ids=["HTTP/1.0 until close", "chunked with trailers"],
)
def test_other_forms_of_http(pair, wire):
    """HTTP/1.0 and chunked answers with trailers are read."""
    body = b'{"data":{"allowed":"ALLOWED"},"status_code":1000,"timestamp":"2025-01-01T00:00:00Z"}'
    pair.cpo.script(*ROUTE, Reply(wire=wire % ((len(body), body) if b"%x" in wire else body)))
    assert allowed(pair.emsp.authorize(UID)) == "ALLOWED"


def test_redirect_on_the_same_host_is_followed_once(pair):
    """A 307 to the same scheme, host and port is followed with method and body kept; a second one is not."""
    target = pair.cpo.url + "/moved/tokens"
    pair.cpo.script(*ROUTE, Reply(http=307, headers={"Location": target}))
    pair.cpo.script("PUT", "^/moved/tokens$", Reply(data={"allowed": "ALLOWED"}))
    assert allowed(pair.emsp.authorize(UID, {"location_id": "LOC001"})) == "ALLOWED"
    assert pair.cpo.wait("PUT", "^/moved/").json == {"location_id": "LOC001"}
    pair.cpo.script("PUT", "/", Reply(http=307, headers={"Location": target}), forever=True)
    assert allowed(pair.emsp.authorize(UID)) == "UNKNOWN"


def test_redirect_elsewhere_is_refused(hub, pair):
    """The token is never carried to another port or host."""
    other = hub.platform("CPO")
    for location in (other.url + "/ocpi/2.2.1/tokens", other.url.replace("127.0.0.1", "localhost")):
        pair.cpo.script(*ROUTE, Reply(http=307, headers={"Location": location}))
        answer = pair.emsp.authorize(UID)
        assert allowed(answer) == "UNKNOWN" and "redirect" in answer.data["info"]["text"], answer
    assert other.received() == []


# ---------------------------------------------------------------- a CPO that fails


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>busy</html>"),
        Reply(body=b'{"status_code":1000,"data":{"allowed":"MAYBE"},"timestamp":"2025-01-01T00:00:00Z"}'),
        Reply(body=b'{"status_code":1000,"timestamp":"2025-01-01T00:00:00Z"}'),
        Reply(body=b'{"status_code":1000,"data":[{"allowed":"ALLOWED"},{"allowed":"BLOCKED"}],"timestamp":"2025-01-01T00:00:00Z"}'),
        Reply(body=b'{"allowed":"ALLOWED"}'),
        Reply(body=b'{"status_code":1000,"data":{"allowed":"ALLOWED"'),
        Reply(http=401, code=2002),
        Reply(http=500, code=3000),
        Reply(http=502, body=b"Bad Gateway"),
        Reply(http=204, code=None),
        Reply(http=404, data={"allowed": "ALLOWED"}),
        Reply(http=301, data={"allowed": "ALLOWED"}, headers={"Location": "/elsewhere"}),
        Reply(drop="close"),
        Reply(drop="reset"),
        Reply(wire=b"SSH-2.0-OpenSSH_9.2\r\n"),
        Reply(wire=b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{", drop="close"),
        Reply(body=b'{"status_code":1000,"data":{"allowed":"ALLOWED","x":"' + b"x" * (5 << 20) + b'"}}'),
        Reply(hold=Gate(20 * SLOW), data={"allowed": "ALLOWED"}),
        Reply(data={"allowed": "ALLOWED"}, drip=1, drip_gap=0.3 * SLOW),
    ],
    ids=["html", "no AllowedType", "no data", "two answers", "no envelope", "cut JSON", "401", "500", "502 text", "204 empty",
         "404 with a verdict", "301 with a verdict", "closes", "resets", "not HTTP", "cut body", "huge", "silent", "slow bytes"],
)  # fmt: skip
def test_a_failing_cpo_gives_unknown(pair, reply):
    """Unreachable, too slow or rubbish: 1000 with allowed UNKNOWN and an info saying why; the next call works again."""
    # a PUT may be repeated on a new connection when a kept one dies under it (RFC 9110 9.2.2), and after a 401 with the
    # token in its other form: it fails again there
    script = pair.cpo.script(*ROUTE, reply, forever=bool(reply.drop) or reply.http == 401)
    answer = pair.emsp.authorize(UID)
    assert allowed(answer) == "UNKNOWN"
    assert answer.data["info"]["text"], answer
    pair.cpo.unscript(script)
    if isinstance(reply.hold, Gate):
        reply.hold.open()
    assert allowed(pair.emsp.authorize(UID)) == "ALLOWED"


def test_cpo_down(pair):
    """Connection refused: UNKNOWN; back again: ALLOWED."""
    pair.cpo.down()
    answer = pair.emsp.authorize(UID)
    assert allowed(answer) == "UNKNOWN" and answer.data["info"]["text"]
    pair.cpo.up()
    assert allowed(pair.emsp.authorize(UID)) == "ALLOWED"


def test_one_slow_cpo_delays_no_other(hub, pair):
    """While one CPO keeps the hub waiting, requests to another pass."""
    fast = hub.onboard("CPO")
    other = hub.onboard("EMSP")
    hub.rule(other, fast)
    gate = Gate()
    pair.cpo.script(*ROUTE, *[Reply(hold=gate, data={"allowed": "BLOCKED"})] * 8)
    answers = []
    waiting = [threading.Thread(target=lambda: answers.append(pair.emsp.authorize(UID))) for _ in range(8)]
    for thread in waiting:
        thread.start()
    pair.cpo.wait(*ROUTE, count=8)
    assert allowed(other.authorize(UID)) == "ALLOWED"
    assert not answers
    gate.open()
    for thread in waiting:
        thread.join()
    assert {allowed(answer) for answer in answers} == {"BLOCKED"}


# ---------------------------------------------------------------- who is asked


def test_without_a_rule(hub):
    """No routed CPO: HTTP 200, 2000, a message that begins with NOT_ROUTED; the CPO hears nothing."""
    hub, cpo, emsp = hub.pair(rule=False)
    answer = emsp.authorize(UID, to=cpo.id)
    assert answer.outcome == (200, 2000), answer
    assert answer.message.startswith("NOT_ROUTED")
    hub.rule(emsp, cpo)
    assert allowed(emsp.authorize(UID, to=cpo.id)) == "ALLOWED"
    hub.rule(emsp, cpo, "disable")
    assert emsp.authorize(UID, to=cpo.id).message.startswith("NOT_ROUTED")
    assert len(forwarded(cpo)) == 1


@pytest.fixture
def two_cpos(hub, pair):
    """The pair, and a second CPO with a rule; both have a location of their own and one id in common."""
    second = hub.onboard("CPO")
    hub.rule(pair.emsp, second)
    for number, cpo in enumerate((pair.cpo, second)):
        cpo.put("locations", payloads.location(cpo.party, f"OWN-{number}"))
        cpo.put("locations", payloads.location(cpo.party, "COMMON", evses=[payloads.evse(f"EVSE-{number}")]))
    return pair.emsp, pair.cpo, second


def test_owner_of_the_location_is_asked(two_cpos):
    """location_id, in any case, leads to its owner."""
    emsp, first, second = two_cpos
    assert allowed(emsp.authorize(UID, {"location_id": "own-1"})) == "ALLOWED"
    assert (len(forwarded(first)), len(forwarded(second))) == (0, 1)


def test_routing_headers_name_the_cpo(two_cpos):
    """OCPI-to headers win over the location, in any case."""
    emsp, first, second = two_cpos
    assert allowed(emsp.authorize(UID, {"location_id": "OWN-1"}, to=first.id.lower())) == "ALLOWED"
    assert (len(forwarded(first)), len(forwarded(second))) == (1, 0)


@pytest.mark.parametrize("body", [None, {"location_id": "NEVER-SEEN"}])
def test_several_cpos_and_no_hint(two_cpos, body):
    """2001 saying what is missing; nobody is asked."""
    emsp, first, second = two_cpos
    answer = emsp.authorize(UID, body)
    assert answer.outcome == (200, 2001), answer
    assert "location_id" in answer.message or "OCPI-to" in answer.message
    assert forwarded(first) == forwarded(second) == []


def test_several_owners_are_narrowed_by_evse(two_cpos):
    """The same location id at two CPOs: evse_uids decide, else 2001 asking for OCPI-to headers."""
    emsp, first, second = two_cpos
    answer = emsp.authorize(UID, {"location_id": "COMMON"})
    assert answer.outcome == (200, 2001), answer
    assert "OCPI-to" in answer.message
    assert allowed(emsp.authorize(UID, {"location_id": "COMMON", "evse_uids": ["EVSE-1"]})) == "ALLOWED"
    assert (len(forwarded(first)), len(forwarded(second))) == (0, 1)


def test_owner_without_a_rule(hub, two_cpos):
    """The location's owner is not routed: NOT_ROUTED, and not somebody else instead."""
    emsp, first, second = two_cpos
    hub.rule(emsp, second, "disable")
    answer = emsp.authorize(UID, {"location_id": "OWN-1"})
    assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer
    assert forwarded(first) == forwarded(second) == []


def test_unknown_receiver(pair):
    """OCPI-to names a party that is not known: 4001."""
    assert pair.emsp.authorize(UID, to="IN-QQQ").outcome == (200, 4001)


def test_suspended_cpo(hub, pair):
    """A suspended party is, as receiver, 4003."""
    hub.ok("party", "suspend", pair.cpo.id, "--reason", "test")
    assert pair.emsp.authorize(UID, to=pair.cpo.id).outcome == (200, 4003)
    assert forwarded(pair.cpo) == []


# ---------------------------------------------------------------- refusals


def test_roles_and_parties(hub, pair):
    """Only the eMSP of the path may ask: another one is 403 `party mismatch`, a CPO 403."""
    other = hub.onboard("EMSP")
    hub.rule(other, pair.cpo)
    path = pair.emsp.object_path("tokens", UID) + "/authorize"
    answer = other.call("PUT", path)
    assert answer.outcome == (403, 2001) and "party mismatch" in answer.message, answer
    answer = pair.cpo.call("PUT", pair.cpo.object_path("tokens", UID) + "/authorize")
    assert answer.outcome == (403, 2001), answer
    assert forwarded(pair.cpo) == []


def test_sender_must_be_a_party_of_the_platform(hub, pair):
    """OCPI-from of somebody else is refused."""
    other = hub.onboard("EMSP")
    hub.rule(other, pair.cpo)
    answer = pair.emsp.authorize(UID, sender=other.id)
    assert answer.code == 2001, answer
    assert forwarded(pair.cpo) == []


def test_bad_bodies(pair):
    """Not JSON is 400; JSON that is no LocationReferences is 200 with 2001; neither is forwarded."""
    assert pair.emsp.authorize(UID, "{").outcome == (400, 2001)
    for body in ("[]", '{"location_id":5}', '{"evse_uids":"EVSE001","location_id":"LOC001"}'):
        assert pair.emsp.authorize(UID, body).outcome == (200, 2001), body
    assert forwarded(pair.cpo) == []


def test_every_exchange_is_audited(hub, pair):
    """A real-time row says who asked whom, what for, with which ids, the result and how long it took."""
    correlation = str(uuid.uuid4())
    pair.emsp.authorize(UID, headers={"X-Correlation-ID": correlation})
    row = hub.wait_audit(lambda row: row["correlation_id"] == correlation, "the audit row of the exchange")
    assert (row["from"], row["to"], row["module"], row["method"]) == (pair.emsp.id, pair.cpo.id, "tokens", "PUT")
    assert row["request_id"] and isinstance(row["latency_ms"], (int, float)), json.dumps(row)
