"""Who receives a message: direct, broadcast, open routing, GET of all; and what each leg carries."""

import uuid
from dataclasses import dataclass

import pytest

from tests.conformance.rules import rule
from tests.sim import Platform, Reply, exact, payloads
from tests.sim.client import authorization, encode_body
from tests.sim.wire import timestamp

HUB = "IN-CIH"
TOKEN = r"/ocpi/2\.2\.1/tokens/[^/]+/[^/]+/[^/]+$"


@dataclass
class Net:
    """One eMSP with rules to CPOs first, second and bare (which has no tokens receiver), none to stranger; another eMSP beside it."""

    emsp: Platform
    first: Platform
    second: Platform
    bare: Platform
    stranger: Platform
    other: Platform


@pytest.fixture(scope="module")
def net(hub):
    made = Net(*[hub.onboard(role, hide=hide) for role, hide in
                 [("EMSP", ()), ("CPO", ()), ("CPO", ()), ("CPO", {"tokens", "commands"}), ("CPO", ()), ("EMSP", ())]])  # fmt: skip
    for cpo in (made.first, made.second, made.bare):
        hub.rule(made.emsp, cpo)
    hub.rule(made.other, made.first)
    for cpo in (made.first, made.second, made.bare, made.stranger):
        for method in ("PUT", "PATCH"):
            cpo.script(method, TOKEN, Reply(), forever=True)
    for cpo, ident in ((made.first, "AT-FIRST"), (made.second, "AT-SECOND")):
        assert cpo.put("locations", payloads.location(cpo.party, ident, evses=[])).status == 201
        assert cpo.put("sessions", payloads.session(cpo.party, made.emsp.party, "S-" + ident)).status == 201
    return made


def routing(answer):
    """(FROM, TO) of an answer."""
    sides = [[answer.headers.get(f"OCPI-{side}-{part}") for part in ("country-code", "party-id")] for side in ("from", "to")]
    return tuple("-".join(parts) if all(parts) else None for parts in sides)


def fresh_ids():
    return {"X-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": str(uuid.uuid4())}


def push_token(net, uid, method="PUT", to=None, **options):
    """PUT of a token, or PATCH of its `valid`, by the eMSP."""
    body = payloads.token(net.emsp.party, uid) if method == "PUT" else {"valid": False, "last_updated": timestamp()}
    return body, net.emsp.call(method, net.emsp.object_path("tokens", uid), body, to=to, **options)


# ---------------------------------------------------------------- direct, via the hub


@rule("OCPI 1.8-5", "OCPI 1.8-3", "OCPI 1.8-1", "OCPI 1.7-2", "hub 2-8")
def test_direct_authorization(net):
    """Both legs name the two parties, the answer names them the other way round and bears its requester's ids."""
    ids = fresh_ids()
    answer = net.emsp.authorize("DIRECT", to=net.second.id, sender=net.emsp.id, headers=ids)
    (request,) = net.second.received("PUT", "/DIRECT/authorize$")
    assert request.routing == (net.emsp.id, net.second.id)
    assert answer.outcome == (200, 1000) and routing(answer) == (net.second.id, net.emsp.id)
    assert request.headers["x-correlation-id"] == ids["X-Correlation-ID"] and request.headers["x-request-id"] not in ("", ids["X-Request-ID"])
    assert {name: answer.headers[name] for name in ids} == ids


@rule("OCPI 1.8-5", "OCPI 1.8-20")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_direct_token_push(net, method):
    """To that CPO alone, with its path, query and bytes."""
    body, answer = push_token(net, f"ONE-{method}", method, to=net.second.id, query={"type": "APP_USER"})
    assert answer.outcome == (200, 1000) and routing(answer) == (net.second.id, net.emsp.id), answer
    (request,) = net.second.received(method, f"/ONE-{method}$")
    assert request.path == "/ocpi/2.2.1/" + net.emsp.object_path("tokens", f"ONE-{method}") and request.query == "type=APP_USER"
    assert exact(request.body) == exact(encode_body(body)) and request.routing == (net.emsp.id, net.second.id)
    assert net.first.received("*", f"/ONE-{method}$") == []


@rule("OCPI 1.8-5", "OCPI 1.8-20")
def test_direct_from_cpo_to_emsp(net):
    """The other direction: a real-time authorization as OCPI has it, and a CPO that pulls tokens."""
    answer = net.first.call("POST", "tokens/ROAMER/authorize", {"location_id": "AT-FIRST"}, to=net.emsp.id, query={"type": "RFID"})
    assert answer.outcome == (200, 1000) and answer.data["allowed"] == "ALLOWED" and routing(answer) == (net.emsp.id, net.first.id), answer
    (request,) = net.emsp.received("POST", "/tokens/ROAMER/authorize$")
    assert request.json == {"location_id": "AT-FIRST"} and request.query == "type=RFID" and request.routing == (net.first.id, net.emsp.id)


@rule("OCPI 1.8-20")
def test_direct_get_of_what_the_hub_does_not_store(net):
    net.emsp.script("GET", "/tokens$", Reply(data=[payloads.token(net.emsp.party, "LISTED")]))
    answer = net.first.get("tokens", to=net.emsp.id, query={"offset": 3})
    assert answer.outcome == (200, 1000) and answer.data[0]["uid"] == "LISTED", answer
    (request,) = net.emsp.received("GET", "/tokens$")
    assert request.query == "offset=3" and request.routing == (net.first.id, net.emsp.id) and request.body == b""


@rule("OCPI 1.8-20")
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_direct_charging_profile(net, method):
    """A module that the hub does not store: its method, body and query, except for response_url."""
    back = net.emsp.response_url()
    body = {"charging_profile": {"charging_rate_unit": "W", "x": 1.50}, "response_url": back} if method == "PUT" else None
    query = None if method == "PUT" else {"duration": 900, "response_url": back}
    net.second.script(method, "/chargingprofiles/", Reply(data={"result": "ACCEPTED", "timeout": 30}))
    answer = net.emsp.call(method, "chargingprofiles/S-AT-SECOND", body, to=net.second.id, query=query)
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED" and routing(answer) == (net.second.id, net.emsp.id), answer
    (request,) = net.second.received(method, "/ocpi/2.2.1/chargingprofiles/S-AT-SECOND$")
    if method == "PUT":
        assert exact(request.body).get("charging_profile") == exact(encode_body(body)).get("charging_profile")
    else:
        assert request.query.startswith("duration=900&response_url=")
    assert back not in f"{request.body} {request.query}"


@pytest.fixture(scope="module")
def terminals(hub, net):
    """A CPO that has a module which OCPI 2.2.1 does not know."""
    cpo = hub.add(hub.platform("CPO"))
    endpoint = {"identifier": "payments", "role": "SENDER", "url": f"{cpo.url}/ocpi/2.2.1/payments"}
    cpo.script("GET", r"/2\.2\.1$", Reply(data={"version": "2.2.1", "endpoints": [endpoint]}), forever=True)
    cpo.register(hub.issue(cpo.id))
    hub.rule(net.emsp, cpo)
    return cpo


@rule("OCPI 1.8-20", "OCPI 1.8-22")
def test_direct_to_an_unknown_module(net, terminals):
    """Forwarded to the endpoint that the CPO's details list."""
    terminals.script("GET", "/payments/", Reply(data={"x": 1}))
    answer = net.emsp.get("payments/terminals/7", to=terminals.id, query={"a": "b"})
    assert answer.outcome == (200, 1000) and answer.data == {"x": 1}, answer
    (request,) = terminals.received("GET", "/payments/")
    assert (request.path, request.query, request.routing) == ("/ocpi/2.2.1/payments/terminals/7", "a=b", (net.emsp.id, terminals.id))


@rule("OCPI 1.9-3")
def test_location_of_a_relayed_answer(net, terminals):
    """It is the hub's URL, and a GET there reaches the object."""
    terminals.script("POST", "/payments/", Reply(http=201, headers={"Location": f"{terminals.url}/ocpi/2.2.1/payments/terminals/8"}))
    terminals.script("GET", "/payments/terminals/8$", Reply(data={"id": "8"}))
    answer = net.emsp.call("POST", "payments/terminals", {"id": "8"}, to=terminals.id)
    assert answer.headers.get("Location") == f"{net.emsp.hub}/ocpi/2.2.1/payments/terminals/8", answer
    assert net.emsp.get(answer.headers["Location"], to=terminals.id).data == {"id": "8"}


@rule("OCPI 1.9-3", "OCPI 4-1")
def test_each_leg_has_its_own_token(net):
    """Nothing of the eMSP's Authorization reaches the CPO, and its response_url does not."""
    net.emsp.authorize("LEG", to=net.first.id)
    answer = net.emsp.command("UNLOCK_CONNECTOR", {"location_id": "AT-FIRST", "evse_uid": "E", "connector_id": "1"})
    assert answer.outcome == (200, 1000), answer
    for request in (net.first.wait("PUT", "/LEG/authorize$"), net.first.wait("POST", "/UNLOCK_CONNECTOR$")):
        assert request.headers["authorization"] == authorization(net.first.token)
        assert not any(net.emsp.hub_token in value for value in request.headers.values())
        assert net.emsp.url.encode() not in request.body


@rule("OCPI 1.8-21", "OCPI 1.9-1")
@pytest.mark.parametrize("http, code", [(200, 2001), (404, 2004), (200, 2002), (200, 3000), (500, 3000), (201, 1000)])
def test_answers_are_relayed(net, http, code):
    """status_code and message as the receiver gave them, errors of the client and the server too."""
    net.first.script("PUT", TOKEN, Reply(http=http, code=code, message="as the receiver said"))
    _, answer = push_token(net, "RELAY", to=net.first.id)
    assert (answer.code, answer.message) == (code, "as the receiver said"), answer
    assert answer.status == http or http == 500, "HTTP too, but for an error that is not the hub's"


@rule("OCPI 1.8-21")
def test_a_refused_command_is_relayed(net):
    net.second.script("POST", "/commands/", Reply(code=2003, data={"result": "REJECTED", "timeout": 0}))
    answer = net.emsp.command("START_SESSION", payloads.start_session(net.emsp.party, location_id="AT-SECOND"))
    assert answer.outcome == (200, 2003) and answer.data["result"] == "REJECTED", answer


@rule("OCPI 1.8-23")
@pytest.mark.parametrize("module, build", [("locations", payloads.location), ("tariffs", payloads.tariff)])
def test_a_directed_push_is_between_the_two(net, module, build):
    """It reaches that eMSP, whose answer comes back; nobody else sees it, and the hub does not keep it."""
    body = build(net.first.party, "PRIVATE")
    answer = net.first.put(module, body, to=net.other.id)
    assert answer.outcome == (201, 1000) and routing(answer) == (net.other.id, net.first.id), answer
    (request,) = net.other.received("PUT", f"/{module}/.*/PRIVATE$")
    assert request.json == body and request.routing == (net.first.id, net.other.id)
    assert net.first.get(net.first.object_path(module, "PRIVATE")).outcome == (404, 2003)
    assert "PRIVATE" not in [entry["id"] for emsp in (net.emsp, net.other) for page in emsp.pages(module) for entry in page.data]
    assert net.emsp.received("*", "/PRIVATE$") == []


@rule("OCPI 1.8-23", "OCPI 1.8-11")
@pytest.mark.parametrize("to", [None, HUB])
@pytest.mark.parametrize("module, build", [("locations", payloads.location), ("tariffs", payloads.tariff)])
def test_a_push_to_the_hub_or_nobody_is_stored(net, module, build, to):
    ident = f"FOR-ALL-{to}"
    assert net.first.put(module, build(net.first.party, ident), to=to).outcome == (201, 1000)
    for emsp in (net.emsp, net.other):
        assert emsp.get(net.first.object_path(module, ident)).outcome == (200, 1000)


@rule("OCPI 1.8-23", "hub 7-3")
def test_directed_without_a_rule(net):
    """In either direction."""
    for answer in (
        push_token(net, "NORULE", to=net.stranger.id)[1],
        net.stranger.put("locations", payloads.location(net.stranger.party, "NORULE"), to=net.emsp.id),
        net.stranger.call("POST", "tokens/T1/authorize", to=net.emsp.id),
    ):
        assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer
    assert net.stranger.received("*", "/tokens/") == []


@rule("OCPI 2-4001")
def test_directed_at_nobody(net):
    query = {"duration": 60, "response_url": net.emsp.response_url()}
    for answer in (
        push_token(net, "NOBODY", to="IN-QQQ")[1], net.first.get("tokens", to="DE-QQQ"), net.emsp.get("chargingprofiles/X", to="IN-QQQ", query=query),
        net.emsp.get("payments/terminals", to="IN-QQQ"),
    ):  # fmt: skip
        assert answer.outcome == (200, 4001), answer


@rule("OCPI 1.10-1")
def test_a_directed_push_is_not_queued(hub, net):
    """Its receiver is down: 4003 at once, and nothing comes later."""
    receiver, cpo = hub.onboard("EMSP"), net.first
    hub.rule(receiver, cpo)
    receiver.down()
    assert cpo.put("locations", payloads.location(cpo.party, "LOST"), to=receiver.id).outcome == (200, 4003)
    receiver.up()
    assert cpo.put("locations", payloads.location(cpo.party, "FOUND"), to=receiver.id).outcome == (201, 1000)
    assert receiver.received("*", "/LOST$") == [] and hub.deliveries(to=receiver.id) == []


# ---------------------------------------------------------------- broadcast push


@rule("OCPI 1.8-6", "OCPI 1.8-7", "OCPI 1.8-30", "OCPI 1.8-31", "OCPI 1.8-34", "OCPI 1.7-3", "OCPI 1.8-3")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_broadcast_of_a_token(net, method):
    """The hub answers for itself; every routed CPO with a tokens receiver gets the same path and bytes FROM the hub."""
    uid, ids = f"ALL-{method}", fresh_ids()
    body, answer = push_token(net, uid, method, to=HUB, headers=ids)
    assert answer.outcome == (200, 1000) and routing(answer) == (HUB, net.emsp.id), answer
    requests = [cpo.wait(method, f"/{uid}$") for cpo in (net.first, net.second)]
    for request, cpo in zip(requests, (net.first, net.second)):
        assert request.routing == (HUB, cpo.id)
        assert request.path == "/ocpi/2.2.1/" + net.emsp.object_path("tokens", uid)
        assert exact(request.body) == exact(encode_body(body))
        assert request.headers["x-correlation-id"] == ids["X-Correlation-ID"]
    assert len({ids["X-Request-ID"], *(request.headers["x-request-id"] for request in requests)}) == 3
    push_token(net, f"{uid}-AGAIN", method, to=HUB)
    for cpo in (net.first, net.second):
        cpo.wait(method, f"/{uid}-AGAIN$")
    for platform in (net.stranger, net.bare, net.other, net.emsp):
        assert platform.received("*", f"/{uid}$") == []


@rule("OCPI 1.8-32", "OCPI 1.10-1")
def test_errors_of_a_broadcast(net):
    """A receiver that fails is neither told of nor tried again."""
    net.first.script("PUT", "/FAILS$", Reply(http=500, code=3000), Reply(drop="close"))
    for uid in ("FAILS", "WORKS"):
        assert push_token(net, uid, to=HUB)[1].outcome == (200, 1000)
        net.second.wait("PUT", f"/{uid}$")
        net.first.wait("PUT", f"/{uid}$")
    assert len(net.first.received("PUT", "/FAILS$")) == 1


@rule("OCPI 1.8-9", "OCPI 1.8-31", "OCPI 1.8-40")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_token_without_to_goes_to_all(net, method):
    """As a broadcast, but FROM stays the eMSP."""
    uid = f"OPEN-{method}"
    body, answer = push_token(net, uid, method)
    assert answer.outcome == (200, 1000), answer
    for cpo in (net.first, net.second):
        request = cpo.wait(method, f"/{uid}$")
        assert request.routing == (net.emsp.id, cpo.id) and exact(request.body) == exact(encode_body(body))
    assert net.stranger.received("*", f"/{uid}$") == []


@rule("OCPI 1.8-30", "OCPI 1.9-2")
def test_get_is_never_broadcast(net):
    """The hub stores no tokens, and asks nobody: 2001; a single one is not searched for either."""
    asked = [len(platform.received("GET", "/(tokens|locations)")) for platform in (net.emsp, net.first, net.second)]
    answer = net.first.get("tokens", to=HUB)
    assert answer.outcome == (200, 2001), answer
    assert net.emsp.get(net.emsp.object_path("tokens", "T1"), to=HUB).code >= 2000
    assert net.emsp.get("locations", to=HUB).outcome == (200, 1000)
    assert [len(platform.received("GET", "/(tokens|locations)")) for platform in (net.emsp, net.first, net.second)] == asked


@rule("OCPI 1.8-33")
def test_sessions_and_cdrs_are_for_one(net):
    """TO may be the eMSP of cdr_token, the hub or nobody; anybody else is 2001."""
    cpo = net.first
    for number, to in enumerate((None, HUB, net.emsp.id, net.emsp.id.lower())):
        session, cdr = payloads.session(cpo.party, net.emsp.party, f"ONE-{number}"), payloads.cdr(cpo.party, net.emsp.party, f"ONE-{number}")
        assert cpo.put("sessions", session, to=to).outcome == cpo.call("POST", "cdrs", cdr, to=to).outcome == (201, 1000)
        net.emsp.wait("PUT", f"/sessions/.*/ONE-{number}$")
        net.emsp.wait("POST", "/cdrs$", where=lambda request, ident=f"ONE-{number}": request.json["id"] == ident)
    for to in (net.other.id, net.second.id):
        assert cpo.put("sessions", payloads.session(cpo.party, net.emsp.party, "ONE-X"), to=to).outcome == (200, 2001)
        assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, net.emsp.party, "ONE-X"), to=to).outcome == (200, 2001)
    assert net.other.received("*", "/(sessions|cdrs)") == []


# ---------------------------------------------------------------- open routing


@rule("OCPI 1.8-8", "OCPI 1.8-9", "OCPI 1.8-40", "OCPI 1.8-41", "OCPI 1.6-5")
def test_open_routing_of_a_command(net):
    """Without TO the location's owner gets it; the answer tells who that is."""
    answer = net.emsp.command("START_SESSION", payloads.start_session(net.emsp.party, location_id="AT-SECOND", vendor_mark="OPEN"))
    assert answer.outcome == (200, 1000) and routing(answer) == (net.second.id, net.emsp.id), answer
    request = net.second.wait("POST", "/START_SESSION$", where=lambda request: request.json.get("vendor_mark") == "OPEN")
    assert request.routing == (net.emsp.id, net.second.id)


@rule("OCPI 1.8-11")
@pytest.mark.parametrize("command, body", [
    ("START_SESSION", {"location_id": "AT-SECOND"}), ("STOP_SESSION", {"session_id": "S-AT-SECOND"}),
])  # fmt: skip
def test_a_command_to_the_hub_is_open_routing(net, command, body):
    body = payloads.start_session(net.emsp.party, **body) if command == "START_SESSION" else body
    answer = net.emsp.command(command, {**body, "vendor_mark": "TO-HUB"}, to=HUB)
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer
    request = net.second.wait("POST", f"/{command}$", where=lambda request: request.json.get("vendor_mark") == "TO-HUB")
    assert request.routing == (net.emsp.id, net.second.id)


@rule("OCPI 1.8-11", "OCPI 1.8-41")
@pytest.mark.parametrize("to", [None, HUB])
def test_open_routing_of_a_charging_profile(net, to):
    """By its session."""
    net.second.script("GET", "/chargingprofiles/", Reply(data={"result": "ACCEPTED", "timeout": 30}))
    query = {"duration": 60, "response_url": net.emsp.response_url()}
    answer = net.emsp.get("chargingprofiles/S-AT-SECOND", to=to, query=query)
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer
    assert net.first.received("GET", "/chargingprofiles/") == []


@rule("OCPI 1.8-11", "OCPI 1.8-41", "OCPI 1.6-5")
@pytest.mark.parametrize("to", [None, HUB])
def test_open_routing_of_an_authorization(net, to):
    uid = f"BY-LOCATION-{to}"
    answer = net.emsp.authorize(uid, {"location_id": "AT-SECOND"}, to=to)
    assert answer.data["allowed"] == "ALLOWED" and len(net.second.received("PUT", f"/{uid}/")) == 1
    assert net.first.received("PUT", f"/{uid}/") == []


@rule("OCPI 1.8-41")
def test_open_routing_by_session_and_cdr_token(net):
    """STOP_SESSION by its session, a session by its cdr_token."""
    net.emsp.command("STOP_SESSION", {"session_id": "S-AT-SECOND", "vendor_mark": "BY-SESSION"})
    net.second.wait("POST", "/STOP_SESSION$", where=lambda request: request.json.get("vendor_mark") == "BY-SESSION")
    net.first.put("sessions", payloads.session(net.first.party, net.other.party, "BY-TOKEN"))
    net.other.wait("PUT", "/sessions/.*/BY-TOKEN$")
    assert net.emsp.received("PUT", "/BY-TOKEN$") == []


@rule("OCPI 1.8-41")
def test_open_routing_without_a_hint(net):
    """Two CPOs could be meant: 2001 says what is missing, nobody is asked."""
    for answer in (net.emsp.authorize("NOHINT"), net.emsp.authorize("NOHINT", {"location_id": "NEVER-SEEN"})):
        assert answer.outcome == (200, 2001) and "OCPI-to" in answer.message, answer
    assert net.first.received("PUT", "/NOHINT/") == net.second.received("PUT", "/NOHINT/") == []


@rule("OCPI 1.8-8", "OCPI 1.8-40", "hub 2-8")
def test_open_routing_of_a_get(net):
    """One object: its owner, who is in the URL, is the FROM of the answer."""
    answer = net.emsp.get(net.second.object_path("locations", "AT-SECOND"))
    assert answer.outcome == (200, 1000) and routing(answer) == (net.second.id, net.emsp.id), answer


# ---------------------------------------------------------------- GET of all, and what has no routing


@rule("OCPI 1.8-10", "OCPI 1.8-50", "OCPI 1.8-3", "hub 2-8")
@pytest.mark.parametrize("module", ["locations", "tariffs"])
def test_get_of_all(net, module):
    """Objects of all routed CPOs in one list, each naming its owner; FROM is the hub."""
    build = {"locations": payloads.location, "tariffs": payloads.tariff}[module]
    for cpo in (net.first, net.second, net.stranger):
        cpo.put(module, build(cpo.party, "ALL"))
    pages = [net.emsp.get(module, to=HUB, query={"limit": 1000})]
    assert pages[0].outcome == (200, 1000) and routing(pages[0]) == (HUB, net.emsp.id)
    owners = {f"{entry['country_code']}-{entry['party_id']}" for entry in pages[0].data if entry["id"] == "ALL"}
    assert owners == {net.first.id, net.second.id}


@rule("OCPI 1.8-11")
def test_get_directed_at_one_cpo(net):
    """The same list with TO = a CPO has only what is that CPO's."""
    answer = net.emsp.get("locations", to=net.second.id)
    assert {entry["party_id"] for entry in answer.data} == {net.second.party.party_id}
    assert routing(answer) == (net.second.id, net.emsp.id)


@rule("OCPI 1.8-2", "OCPI 1.9-2", "hub 2-8")
def test_configuration_modules_are_not_routed(net):
    """Whatever TO says they answer, without routing headers; the hub's own requests to them have none."""
    for path in ("/ocpi/versions", "/ocpi/2.2.1", "credentials", "hubclientinfo"):
        for to in (HUB, net.first.id, "IN-QQQ"):
            answer = net.emsp.get(path, to=to, sender=net.emsp.id)
            assert answer.outcome == (200, 1000) and not [name for name in answer.headers if name.lower().startswith("ocpi-")], (path, to)
    assert {request.routing for request in net.emsp.received("GET", "/ocpi/(versions|2.2.1)$")} == {(None, None)}


@rule("OCPI 1.8-3")
def test_headers_name_parties_not_platforms(hub, net):
    """Of a platform with two eMSPs the one that OCPI-from names acts, and is the TO of the answer."""
    both = hub.onboard("EMSP", "EMSP")
    for party in both.parties:
        hub.ok("rule", "enable", party.id, net.first.id)
    for party in both.parties:
        answer = both.call("PUT", both.object_path("tokens", "TWO", party) + "/authorize", to=net.first.id, sender=party.id)
        assert routing(answer) == (net.first.id, party.id)
        assert [request.routing for request in net.first.received("PUT", f"/{party.party_id}/TWO/")] == [(party.id, net.first.id)]


# ---------------------------------------------------------------- the hub's own errors


@rule("OCPI 2-2", "OCPI 1.9-1")
def test_the_hubs_errors_are_from_the_hub(net):
    for answer in (net.emsp.authorize("T1", to="IN-QQQ"), net.emsp.authorize("NOHINT"), net.emsp.authorize("T1", to=net.stranger.id)):
        assert answer.code in (2000, 2001, 4001) and routing(answer) == (HUB, net.emsp.id), answer


@rule("OCPI 2-4000")
@pytest.mark.parametrize("reply", [Reply(body=b"<html>"), Reply(http=502, body=b"Bad Gateway"), Reply(body=b'{"result":"ACCEPTED"}')])
def test_a_receiver_that_speaks_no_ocpi(net, reply):
    net.second.script("POST", "/commands/", reply)
    answer = net.emsp.command("START_SESSION", payloads.start_session(net.emsp.party, location_id="AT-SECOND"))
    assert answer.outcome == (200, 4000), answer


@rule("OCPI 2-4003", "hub 2-40")
def test_a_receiver_without_the_endpoint(net):
    """It cannot be reached for this module; the message names it."""
    for module, answer in (
        ("commands", net.emsp.command("START_SESSION", payloads.start_session(net.emsp.party), to=net.bare.id)),
        ("tokens", push_token(net, "BARE", to=net.bare.id)[1]),
    ):
        assert answer.outcome == (200, 4003) and module in answer.message, answer
