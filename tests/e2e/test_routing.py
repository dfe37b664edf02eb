"""Message routing: directed requests, broadcast, open routing, modules that the hub only passes on."""

import itertools
import json
import re
import uuid
from urllib.parse import parse_qs, quote

import pytest

from tests.e2e.harness import SLOW, eventually
from tests.sim import Gate, Reply, exact, payloads
from tests.sim.client import http_call

UID = "04A2B7C91D3E80"
CALLBACK = re.compile(r"^(http://[^/]+)/ocpi/2\.2\.1/commands/callback/[A-Za-z0-9_-]{43}$")


@pytest.fixture(scope="module")
def hub_settings():
    return {"forward_timeout": f"{SLOW:g}s", "command_forward_timeout": f"{2 * SLOW:g}s", "command_timeout": "1s"}


def routed(answer):
    """FROM and TO of an answer."""
    sender, receiver = ("-".join(answer.headers.get(f"OCPI-{side}-{part}", "?") for part in ("country-code", "party-id")) for side in ("from", "to"))
    return sender, receiver


def charged(pair, ident="SES-R1", uid=UID):
    """A session of the pair, so that both are known by it."""
    body = payloads.session(pair.cpo.party, pair.emsp.party, ident, cdr_token=payloads.cdr_token(pair.emsp.party, uid))
    assert pair.cpo.put("sessions", body).code == 1000
    return ident


# ---------------------------------------------------------------- directed pushes


@pytest.mark.parametrize("level", ["location", "evse", "connector", "tariff"])
def test_directed_push_is_passed_on_and_not_stored(pair, level):
    """OCPI-to names an eMSP: its receiver gets it as it came, its answer comes back, the hub's store stays as it was."""
    base = pair.cpo.object_path("locations", "LOC-D")
    path, body = {
        "location": (base, payloads.location(pair.cpo.party, "LOC-D")),
        "evse": (base + "/E1", payloads.evse("E1")),
        "connector": (base + "/E1/1", payloads.connector("1")),
        "tariff": (pair.cpo.object_path("tariffs", "T-D"), payloads.tariff(pair.cpo.party, "T-D")),
    }[level]
    pair.emsp.script("PUT", re.escape(path) + "$", Reply(http=201, message="mine now"))
    text = json.dumps(body).replace('"last_updated"', '"x_price": 12.50, "last_updated"', 1)
    ids = {"X-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": str(uuid.uuid4())}
    answer = pair.cpo.call("PUT", path, text, to=pair.emsp.id, headers=ids)
    assert answer.outcome == (201, 1000) and answer.message == "mine now", answer
    assert routed(answer) == (pair.emsp.id, pair.cpo.id)
    request = pair.emsp.wait("PUT", re.escape(path) + "$")
    assert exact(request.body) == exact(text)
    assert request.routing == (pair.cpo.id, pair.emsp.id)
    assert request.headers["x-correlation-id"] == ids["X-Correlation-ID"]
    assert request.headers["x-request-id"] != ids["X-Request-ID"]
    assert pair.cpo.get(path).status == 404


def test_directed_patch_and_delete(pair):
    path = pair.cpo.object_path("tariffs", "T-X")
    pair.emsp.script("DELETE", "/tariffs/", Reply(http=404, code=2003, message="no such tariff"))
    assert pair.cpo.call("DELETE", path, to=pair.emsp.id).outcome == (404, 2003)
    path = pair.cpo.object_path("locations", "LOC-X")
    assert pair.cpo.call("PATCH", path, {"name": "X", "last_updated": "2025-01-01T00:00:00Z"}, to=pair.emsp.id).outcome == (200, 1000)
    assert pair.emsp.wait("PATCH", "/locations/.+/LOC-X").json["name"] == "X"


def test_directed_push_without_rule_or_receiver(hub):
    pair = hub.pair(rule=False)
    push = lambda to: pair.cpo.put("locations", payloads.location(pair.cpo.party, "LOC-N"), to=to)
    answer = push(pair.emsp.id)
    assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer
    assert push("IN-ZZZ").outcome == (200, 4001)
    hub.rule(pair.emsp, pair.cpo)
    hub.ok("receiver", "set", pair.emsp.id, "locations", pair.emsp.url + "/elsewhere")
    hub.ok("party", "suspend", pair.emsp.id, "--reason", "test")
    assert push(pair.emsp.id).outcome == (200, 4003)
    hub.ok("party", "resume", pair.emsp.id)
    hub.ok("receiver", "unset", pair.emsp.id, "locations")
    answer = push(pair.emsp.id)
    assert answer.outcome == (200, 4003) and "locations" in answer.message, answer
    assert not pair.emsp.received("PUT", "/locations/")


@pytest.mark.parametrize("to", ["hub", "itself", None])
def test_push_to_the_hub_is_stored(pair, to):
    """OCPI-to names the hub, the caller or nobody."""
    receiver = {"hub": "IN-CIH", "itself": pair.cpo.id, None: None}[to]
    ident = f"LOC-{to}"
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party, ident), to=receiver).outcome == (201, 1000)
    assert pair.cpo.get(pair.cpo.object_path("locations", ident)).outcome == (200, 1000)
    assert not pair.emsp.received("PUT", "/locations/")


def test_single_location_of_the_cpo_named(hub):
    """The Sender's form names no owner: of two CPOs with the same id OCPI-to says which is meant."""
    emsp, cpos = hub.onboard("EMSP"), [hub.onboard("CPO") for _ in range(2)]
    for cpo in cpos:
        hub.rule(emsp, cpo)
        assert cpo.put("locations", payloads.location(cpo.party, "LOC-SAME")).code == 1000
    for cpo in cpos:
        answer = emsp.get("locations/LOC-SAME", to=cpo.id)
        assert answer.outcome == (200, 1000) and answer.data["party_id"] == cpo.party.party_id
    for to in (None, emsp.id, "IN-CIH"):
        answer = emsp.get("locations/LOC-SAME", to=to)
        assert answer.outcome == (200, 2001) and "OCPI-to" in answer.message, answer


def test_list_of_a_party_that_has_none(hub, pair):
    """A directed list is filtered by TO: another eMSP has no locations."""
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party, "LOC-L")).code == 1000
    other = hub.onboard("EMSP")
    answer = pair.emsp.get("locations", to=other.id)
    assert answer.outcome == (200, 1000) and answer.data == [], answer
    for to in (pair.cpo.id, pair.emsp.id, "IN-CIH"):
        assert len(pair.emsp.get("locations", to=to).data) == 1


# ---------------------------------------------------------------- what goes wrong on the way


def test_receiver_too_slow_down_and_rubbish(hub):
    """4002 when it was sent and no answer came, 4003 when it cannot be reached, 4000 for an answer that is no OCPI."""
    pair = hub.pair()
    path = pair.cpo.object_path("tariffs", "T-S")
    push = lambda: pair.cpo.call("PUT", path, payloads.tariff(pair.cpo.party, "T-S"), to=pair.emsp.id)
    gate = Gate()
    pair.emsp.script("PUT", "/tariffs/", Reply(hold=gate))
    assert push().outcome == (200, 4002)
    gate.open()
    pair.emsp.script("PUT", "/tariffs/", Reply(http=500, body=b"<html>oops</html>"))
    assert push().outcome == (200, 4000)
    pair.emsp.script("PUT", "/tariffs/", Reply(http=204, body=b""))
    assert push().outcome == (200, 1000)
    pair.emsp.script("PUT", "/tariffs/", Reply(http=403, code=2000, message="not you"))
    assert push().outcome == (200, 2000)
    pair.emsp.down()
    assert push().outcome == (200, 4003)


def test_path_that_climbs_is_refused(pair):
    for path in ("custom/%2e%2e/x", "custom/a/../b", "custom/%zz"):
        assert pair.emsp.call("GET", path, to=pair.cpo.id).outcome == (200, 2001), path
    assert not pair.cpo.received("*", "custom")


# ---------------------------------------------------------------- tokens


@pytest.mark.parametrize("to", ["IN-CIH", None], ids=["to the hub", "open routing"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_tokens_reach_every_routed_cpo(hub, method, to):
    """An eMSP's token goes to all routed, connected CPOs; the eMSP is answered by the hub; nothing is repeated."""
    emsp = hub.onboard("EMSP")
    cpos = [hub.onboard("CPO") for _ in range(3)]
    for cpo in cpos[:2]:
        hub.rule(emsp, cpo)
    cpos[1].script("*", "/tokens/", Reply(http=500), forever=True)
    body = payloads.token(emsp.party, UID) if method == "PUT" else {"valid": False, "last_updated": "2025-02-01T00:00:00Z"}
    correlation = str(uuid.uuid4())
    answer = emsp.call(method, emsp.object_path("tokens", UID), body, to=to, query={"type": "RFID"}, headers={"X-Correlation-ID": correlation})
    assert answer.outcome == (200, 1000), answer
    sender = "IN-CIH" if to else emsp.id
    requests = [cpo.wait(method, f"/tokens/IN/{emsp.party.party_id}/{UID}$") for cpo in cpos[:2]]
    for cpo, request in zip(cpos, requests):
        assert request.routing == (sender, cpo.id)
        assert request.json == body and request.query == "type=RFID"
        assert request.headers["x-correlation-id"] == correlation
    assert len({request.headers["x-request-id"] for request in requests}) == 2
    rows = eventually(lambda: found if len(found := hub.audit(correlation_id=correlation)) == 3 else None, "a row for each leg")
    assert sorted(row["to"] for row in rows) == sorted(["IN-CIH", cpos[0].id, cpos[1].id])
    assert len(cpos[1].received(method, "/tokens/")) == 1 and not cpos[2].received("*", "/tokens/")


def test_token_whose_sender_names_itself(pair):
    """OCPI-to that names the caller is as good as none: open routing, FROM the caller."""
    assert pair.emsp.call("PUT", pair.emsp.object_path("tokens", UID), payloads.token(pair.emsp.party, UID), to=pair.emsp.id).outcome == (200, 1000)
    assert pair.cpo.wait("PUT", "/tokens/").routing == (pair.emsp.id, pair.cpo.id)


def test_broadcast_faster_than_its_receivers(new_hub):
    """The eMSP is answered before its CPOs have: what waits for them is bounded, then it is told to come again later."""
    hub = new_hub(threads="1", forward_timeout="10m")
    pair, gate = hub.pair(), Gate()
    pair.cpo.script("PUT", "/tokens/", Reply(hold=gate), forever=True)
    body = payloads.token(pair.emsp.party, UID, x_bulk="x" * 4_000_000)
    push = lambda: pair.emsp.call("PUT", pair.emsp.object_path("tokens", UID), body)
    answers = list(itertools.takewhile(lambda answer: answer.code == 1000, (push() for _ in range(40))))
    assert 10 < len(answers) < 40, len(answers)
    answer = push()
    assert answer.outcome == (503, 3000) and answer.headers["Retry-After"], answer
    gate.open()
    eventually(lambda: push().code == 1000, "there is room again")


def test_broadcast_tries_an_offline_receiver(new_hub):
    """As any real-time call does: one at a time, every few seconds; its answer is a sign of life."""
    hub = new_hub(probe_interval="1h", probe_timeout="1s", offline_after="1s")
    pair = hub.pair()
    hub.wait_status(pair.cpo.id, "OFFLINE")
    push = lambda uid: pair.emsp.call("PUT", pair.emsp.object_path("tokens", uid), payloads.token(pair.emsp.party, uid)).outcome  # noqa: E731
    pair.cpo.script("PUT", "/tokens/", Reply(http=500, body=b"no"), forever=True)
    assert [push(f"T{number}") for number in range(10)] == [(200, 1000)] * 10
    pair.cpo.wait("PUT", "/tokens/")
    assert len(pair.cpo.received("PUT", "/tokens/")) == 1
    pair.cpo.unscript()
    eventually(lambda: push("T-LATER") == (200, 1000) and hub.status_of(pair.cpo.id) == "CONNECTED", "the next trial brings it back")


def test_token_directed_to_one_cpo(pair, hub):
    other = hub.onboard("CPO")
    hub.rule(pair.emsp, other)
    pair.cpo.script("PUT", "/tokens/", Reply(http=201, message="kept"))
    answer = pair.emsp.call("PUT", pair.emsp.object_path("tokens", UID), payloads.token(pair.emsp.party, UID), to=pair.cpo.id)
    assert answer.outcome == (201, 1000) and answer.message == "kept"
    assert not other.received("*", "/tokens/")


def test_token_that_is_none(pair):
    """What OCPI's table refuses, or the URL, is refused here already."""
    path = pair.emsp.object_path("tokens", UID)
    for body in (payloads.token(pair.emsp.party, "OTHER"), {"uid": 5, "last_updated": "2025-01-01T00:00:00Z"}):
        answer = pair.emsp.call("PUT", path, body)
        assert answer.outcome == (200, 2001) and "/uid" in answer.message, answer
    answer = pair.emsp.call("PATCH", path, {"valid": True})
    assert answer.outcome == (200, 2001) and "/last_updated" in answer.message
    assert not pair.cpo.received("*", "/tokens/")
    assert pair.cpo.call("PUT", path, payloads.token(pair.emsp.party, UID)).status == 403


def test_list_of_an_emsps_tokens(hub, pair):
    """The eMSP in OCPI-to, else the only routed one, else 2001; Link, X-Total-Count and X-Limit come back, Link at the hub; a list of one
    stays a list."""
    for to in (None, "IN-CIH"):
        assert pair.cpo.get("tokens", to=to).outcome == (200, 1000)
    hub.rule(hub.onboard("EMSP"), pair.cpo)
    for to in (None, "IN-CIH"):
        answer = pair.cpo.get("tokens", to=to)
        assert answer.outcome == (200, 2001) and "OCPI-to" in answer.message, answer
    tokens = [payloads.token(pair.emsp.party, UID)]
    link = f'<{pair.emsp.url}/ocpi/2.2.1/tokens?offset=1&limit=1&date_from=2025-01-01T00%3A00%3A00Z>; rel="next"'
    pair.emsp.script("GET", "/tokens$", Reply(data=tokens, headers={"Link": link, "X-Total-Count": "2", "X-Limit": "1"}))
    answer = pair.cpo.get("tokens", to=pair.emsp.id, query={"limit": 1})
    assert answer.outcome == (200, 1000) and answer.data == tokens, answer
    assert answer.headers["Link"] == f'<{pair.hub.url}/ocpi/2.2.1/tokens?offset=1&limit=1&date_from=2025-01-01T00%3A00%3A00Z>; rel="next"'
    assert (answer.headers["X-Total-Count"], answer.headers["X-Limit"]) == ("2", "1")
    assert pair.emsp.received("GET", "/tokens$")[-1].query == "limit=1"
    pair.emsp.script("GET", "/tokens$", Reply(data=[], headers={"Link": '<http://elsewhere.example/p?page=2>; rel="next"'}))
    answer = pair.cpo.get("tokens", to=pair.emsp.id)
    assert answer.headers["Link"] == f'<{pair.hub.url}/ocpi/2.2.1/tokens?page=2>; rel="next"'


def test_an_emsp_looks_at_its_token_at_a_cpo(pair):
    pair.cpo.script("GET", "/tokens/", Reply(data=payloads.token(pair.emsp.party, UID)))
    answer = pair.emsp.get(pair.emsp.object_path("tokens", UID), to=pair.cpo.id)
    assert answer.outcome == (200, 1000) and answer.data["uid"] == UID


# ---------------------------------------------------------------- POST authorize, CPO to eMSP

ASK = ("POST", r"/tokens/[^/]+/authorize$")


def test_authorize_at_the_emsp_named(pair):
    answer = pair.cpo.call("POST", f"tokens/{UID}/authorize", {"location_id": "LOC001"}, to=pair.emsp.id, query={"type": "RFID"})
    assert answer.outcome == (200, 1000) and answer.data["allowed"] == "ALLOWED", answer
    assert routed(answer) == (pair.emsp.id, pair.cpo.id)
    request = pair.emsp.wait(*ASK)
    assert request.routing == (pair.cpo.id, pair.emsp.id) and request.query == "type=RFID"
    assert request.json == {"location_id": "LOC001"}


def test_authorize_finds_the_emsp(hub):
    """Without OCPI-to: the routed eMSP seen with the uid in sessions or accepted commands, else the only routed one, else 2001."""
    pair = hub.pair()
    cpo, first = pair.cpo, pair.emsp
    ask = lambda uid: cpo.call("POST", f"tokens/{uid}/authorize")
    assert ask("NEVER").outcome == (200, 1000) and len(first.received(*ASK)) == 1
    second = hub.onboard("EMSP")
    hub.rule(second, cpo)
    answer = ask("NEVER")
    assert answer.outcome == (200, 2001) and "OCPI-to" in answer.message, answer
    charged(hub_pair(hub, cpo, second), "SES-A1", uid="seen-Uid")
    assert ask("SEEN-UID").outcome == (200, 1000)
    assert len(second.received(*ASK)) == 1
    assert cpo.put("locations", payloads.location(cpo.party, "LOC-A")).code == 1000
    body = payloads.start_session(first.party, "LOC-A")
    body["token"]["uid"] = "SEEN-UID"
    assert first.command("START_SESSION", body).code == 1000
    answer = ask("seen-uid")
    assert answer.outcome == (200, 2001) and "OCPI-to" in answer.message, "two eMSPs use it"
    hub.rule(first, cpo, "disable")
    assert ask("SEEN-UID").outcome == (200, 1000)
    assert len(second.received(*ASK)) == 2, "only routed ones count"
    hub.rule(second, cpo, "disable")
    answer = ask("SEEN-UID")
    assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer
    assert first.id not in answer.message and second.id not in answer.message


def hub_pair(hub, cpo, emsp):
    from tests.e2e.harness import Pair

    return Pair(hub, cpo, emsp)


def test_authorize_at_an_emsp_that_fails(hub):
    """No UNKNOWN of the hub's making in this direction: the CPO falls back by itself on 4002 and 4003."""
    pair = hub.pair()
    ask = lambda: pair.cpo.call("POST", f"tokens/{UID}/authorize", to=pair.emsp.id)
    pair.emsp.script(*ASK, Reply(http=404, code=2004, message="no such token"))
    assert ask().outcome == (404, 2004)
    pair.emsp.script(*ASK, Reply(data=[payloads.authorization_info("IN", "X", UID)]))
    assert ask().data["allowed"] == "ALLOWED", "wrapped in a list"
    gate = Gate()
    pair.emsp.script(*ASK, Reply(hold=gate))
    assert ask().outcome == (200, 4002)
    gate.open()
    pair.emsp.down()
    assert ask().outcome == (200, 4003)


# ---------------------------------------------------------------- ChargingProfiles

PROFILE = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 16.0}]}


def test_set_charging_profile(pair):
    """To the CPO of the session, with the hub's callback; the result comes back to the eMSP once."""
    ident = charged(pair, "SES-CP1")
    response_url = pair.emsp.response_url()
    pair.cpo.script("PUT", "/chargingprofiles/", Reply(data={"result": "ACCEPTED", "timeout": 30}))
    answer = pair.emsp.call("PUT", f"chargingprofiles/{ident}", {"charging_profile": PROFILE, "response_url": response_url, "x": 1.50})
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer
    request = pair.cpo.wait("PUT", f"/chargingprofiles/{ident}$")
    assert CALLBACK.match(request.json["response_url"]) and request.json["charging_profile"] == PROFILE
    assert b'"x":1.5' in request.body and request.routing == (pair.emsp.id, pair.cpo.id)
    for _ in range(2):
        assert http_call("POST", request.json["response_url"], {"result": "ACCEPTED"}).code == 1000
    result = pair.emsp.wait("POST", response_url.split("/", 3)[3])
    assert result.json == {"result": "ACCEPTED"} and result.routing == (pair.cpo.id, pair.emsp.id)
    rows = [row for row in pair.hub.rows("command", "list") if row["emsp"] == pair.emsp.id]
    assert [(row["command"], row["state"], row["result"]) for row in rows] == [("PUT chargingprofiles", "ended", "ACCEPTED")]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_active_and_clear_charging_profile(pair, method):
    """GET and DELETE have their response_url in the query."""
    ident = charged(pair, f"SES-{method}")
    response_url = pair.emsp.response_url() + "?case=a%26b"
    pair.cpo.script(method, "/chargingprofiles/", Reply(data={"result": "ACCEPTED", "timeout": 30}))
    path = f"chargingprofiles/{ident}?duration=900&response_url={quote(response_url, safe='')}&x"
    answer = pair.emsp.call(method, path)
    assert answer.outcome == (200, 1000), answer
    request = pair.cpo.wait(method, f"/chargingprofiles/{ident}$")
    query = parse_qs(request.query, keep_blank_values=True)
    assert list(query) == ["duration", "response_url", "x"] and query["duration"] == ["900"]
    assert CALLBACK.match(query["response_url"][0]) and request.query.endswith("&x")
    profile = {"result": "ACCEPTED", "profile": {"start_date_time": "2025-01-01T00:00:00Z", "charging_profile": PROFILE}}
    assert http_call("POST", query["response_url"][0], profile).code == 1000
    got = pair.emsp.wait("POST", "/callbacks/commands/", where=lambda r: r.query == "case=a%26b")
    assert got.json == profile


def test_charging_profile_without_result_ends(pair):
    """The eMSP hears UNKNOWN when the CPO's time is over: ChargingProfileResultType has no TIMEOUT."""
    ident = charged(pair, "SES-CPT")
    pair.cpo.script("PUT", "/chargingprofiles/", Reply(data={"result": "ACCEPTED", "timeout": 1}))
    response_url = pair.emsp.response_url()
    assert pair.emsp.call("PUT", f"chargingprofiles/{ident}", {"charging_profile": PROFILE, "response_url": response_url}).code == 1000
    assert pair.emsp.wait("POST", response_url.split("/", 3)[3]).json == {"result": "UNKNOWN"}


def test_charging_profile_bad_input(pair, hub):
    ident = charged(pair, "SES-CPB")
    answer = pair.emsp.call("PUT", f"chargingprofiles/{ident}", {"charging_profile": PROFILE})
    assert answer.outcome == (200, 2001) and "/response_url" in answer.message
    answer = pair.emsp.call("GET", f"chargingprofiles/{ident}")
    assert answer.outcome == (200, 2001) and "response_url" in answer.message
    bad = {"charging_profile": PROFILE, "response_url": "http://elsewhere.example/cb"}
    answer = pair.emsp.call("PUT", f"chargingprofiles/{ident}", bad)
    assert answer.outcome == (200, 2001) and "elsewhere.example" in answer.message
    other = hub.onboard("EMSP")
    hub.rule(other, pair.cpo)
    answer = other.call("PUT", f"chargingprofiles/{ident}", {"charging_profile": PROFILE, "response_url": other.response_url()})
    assert answer.outcome == (200, 1000) and answer.data == {"result": "UNKNOWN_SESSION", "timeout": 0}
    assert pair.cpo.call("GET", f"chargingprofiles/{ident}").status == 403
    assert not pair.cpo.received("*", "/chargingprofiles/")


def test_active_profile_from_the_cpo(pair):
    """The CPO's PUT goes to the eMSP of the session, to its SENDER interface."""
    ident = charged(pair, "SES-CPA")
    pair.hub.ok("receiver", "set", pair.emsp.id, "chargingprofiles:sender", pair.emsp.url + "/ocpi/2.2.1/chargingprofiles")
    pair.emsp.script("PUT", "/chargingprofiles/", Reply())
    profile = {"start_date_time": "2025-01-01T00:00:00Z", "charging_profile": PROFILE}
    assert pair.cpo.call("PUT", f"chargingprofiles/{ident}", profile).outcome == (200, 1000)
    request = pair.emsp.wait("PUT", f"/chargingprofiles/{ident}$")
    assert request.json == profile and request.routing == (pair.cpo.id, pair.emsp.id)
    assert pair.cpo.call("PUT", "chargingprofiles/NEVER", profile).outcome == (404, 2003)


# ---------------------------------------------------------------- charging preferences


def test_charging_preferences(pair, hub):
    ident = charged(pair, "SES-PR")
    pair.cpo.script("PUT", "/charging_preferences$", Reply(data="ACCEPTED"))
    body = {"profile_type": "GREEN", "departure_time": "2025-01-01T08:00:00Z"}
    answer = pair.emsp.call("PUT", f"sessions/{ident}/charging_preferences", body)
    assert answer.outcome == (200, 1000) and answer.data == "ACCEPTED", answer
    assert pair.cpo.wait("PUT", f"/sessions/{ident}/charging_preferences$").json == body
    assert hub.onboard("EMSP").call("PUT", f"sessions/{ident}/charging_preferences", body).outcome == (404, 2003)
    assert pair.cpo.call("PUT", f"sessions/{ident}/charging_preferences", body).status == 403


# ---------------------------------------------------------------- modules the hub does not know


def test_unknown_module_goes_to_the_party_named(pair):
    """Any method, path, query and JSON; Location at the hub; without OCPI-to there is no such path."""
    pair.hub.ok("rpc", "receiver.set", json.dumps({"id": pair.cpo.id, "module": "chargingprofiles", "url": pair.cpo.url + "/ocpi/2.2.1/chargingprofiles"}))
    assert pair.emsp.call("POST", "paymentterminals/1", {}).outcome == (404, 2003)
    assert pair.emsp.call("POST", "paymentterminals/1", {}, to="IN-CIH").outcome == (404, 2003)
    answer = pair.emsp.call("POST", "paymentterminals/1", {}, to=pair.cpo.id)
    assert answer.outcome == (200, 4003) and "paymentterminals" in answer.message, answer


def test_unknown_paths_of_known_modules_stay_unknown(pair):
    for path in ("locations/a/b/c/d/e/f", "tokens/a/b"):
        assert pair.emsp.call("GET", path, to=pair.cpo.id).outcome == (404, 2003)
    assert pair.emsp.call("DELETE", "tokens", to=pair.cpo.id).outcome == (405, 2000)

def test_result_of_a_module_the_hub_does_not_know(pair):
    """Its answer need not be a CommandResponse: after any success the callback stays open, and its result is delivered."""
    pair.hub.ok("receiver", "set", pair.cpo.id, "custom", f"{pair.cpo.url}/ocpi/2.2.1/custom", "--custom")
    pair.cpo.script("POST", "/custom/", Reply(data={"queued": 1}))
    url = pair.emsp.response_url()
    assert pair.emsp.call("POST", "custom/go", {"response_url": url}, to=pair.cpo.id).outcome == (200, 1000)
    callback = pair.cpo.wait("POST", "/custom/go$").json["response_url"]
    assert http_call("POST", callback, {"done": True}).code == 1000
    assert pair.emsp.wait("POST", url.split("/", 3)[3]).json == {"done": True}


@pytest.mark.parametrize("method", ["OPTIONS", "FOO"])
def test_methods_that_ocpi_has_not(pair, method):
    """Nobody is asked: 405 with what may be."""
    pair.hub.ok("receiver", "set", pair.cpo.id, "custom", f"{pair.cpo.url}/ocpi/2.2.1/custom", "--custom")
    answer = pair.emsp.call(method, "custom/x", to=pair.cpo.id)
    assert answer.outcome == (405, 2000) and answer.headers["Allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE", answer
    assert not pair.cpo.received("*", "/custom/")
