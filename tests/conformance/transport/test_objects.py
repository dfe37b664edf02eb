"""What PUT, PATCH and null do to an object, how bodies travel, and whose objects they are."""

import json

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import finds_pointer
from tests.sim import Reply, exact, payloads
from tests.sim.wire import timestamp

STAMPS = [timestamp(-60 + number) for number in range(30)]  # last_updated of one push after the other


@pytest.fixture
def site(pair):
    """A pair whose CPO has pushed location L."""
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party, "L", STAMPS[0])).outcome == (201, 1000)
    return pair


def seen(pair, module, ident):
    """What the eMSP gets of the CPO's object."""
    answer = pair.emsp.get(pair.cpo.object_path(module, ident))
    assert answer.outcome == (200, 1000), answer
    return answer.data


def patch(pair, ident, change, stamp, module="locations"):
    answer = pair.cpo.patch(module, ident, {**change, "last_updated": stamp})
    assert answer.outcome == (200, 1000), answer


# ---------------------------------------------------------------- bodies


@rule("OCPI 1.2-1")
def test_pulling_alone_is_enough(hub):
    """An eMSP that offers no interface at all sees everything it may see."""
    cpo, emsp = hub.onboard("CPO"), hub.onboard("EMSP", hide={"sessions", "cdrs", "locations", "tariffs", "tokens", "commands", "hubclientinfo"})
    hub.rule(emsp, cpo)
    cpo.put("locations", payloads.location(cpo.party, "L"))
    cpo.put("tariffs", payloads.tariff(cpo.party, "T"))
    assert [len(emsp.get(module).data) for module in ("locations", "tariffs")] == [1, 1]
    assert len(emsp.get("hubclientinfo").data) >= 2


@rule("OCPI 1.2-2")
@pytest.mark.parametrize("value", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_content_type(site, value):
    answer = site.cpo.put("tariffs", payloads.tariff(site.cpo.party, "T"), headers={"Content-Type": value})
    assert answer.outcome == (201, 1000), answer


@rule("OCPI 1.2-2", "OCPI 1.2-3", "OCPI 1.7-1")
def test_the_hubs_own_requests(site):
    """Bare objects as application/json, each with message ids of its own."""
    cpo, emsp = site.cpo, site.emsp
    session, cdr = payloads.session(cpo.party, emsp.party, "S"), payloads.cdr(cpo.party, emsp.party, "C")
    cpo.put("sessions", session)
    cpo.call("POST", "cdrs", cdr)
    emsp.authorize("T1", {"location_id": "L"})
    emsp.command("STOP_SESSION", {"session_id": "S"})
    sent = [emsp.wait("PUT", "/sessions/"), emsp.wait("POST", "/cdrs"), cpo.wait("PUT", "/authorize$"), cpo.wait("POST", "/STOP_SESSION$")]
    assert [request.json for request in sent[:3]] == [session, cdr, {"location_id": "L"}] and sent[3].json["session_id"] == "S"
    assert {request.headers["content-type"].split(";")[0] for request in sent} == {"application/json"}
    assert len({request.headers["x-request-id"] for request in sent}) == 4 and all(request.headers["x-correlation-id"] for request in sent)


@rule("OCPI 1.2-5", "OCPI 1.8-51")
def test_unknown_fields_pass(site):
    """Stored, delivered, forwarded and answered."""
    cpo, emsp = site.cpo, site.emsp
    extra = {"x_vendor": {"b": [1, {"a": None}], "a": "z"}}
    cpo.put("tariffs", payloads.tariff(cpo.party, "T", **extra))
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S", **extra))
    cpo.script("PUT", "/authorize$", Reply(data={"allowed": "ALLOWED", **extra}))
    answer = emsp.authorize("T1", {"location_id": "L", **extra})
    assert seen(site, "tariffs", "T")["x_vendor"] == emsp.wait("PUT", "/sessions/").json["x_vendor"] == extra["x_vendor"]
    assert cpo.received("PUT", "/authorize$")[0].json["x_vendor"] == answer.data["x_vendor"] == extra["x_vendor"]


# ---------------------------------------------------------------- PUT, PATCH


@rule("OCPI 1.5-1")
def test_put_replaces(site):
    """What the second PUT leaves out is gone: a field, an EVSE; sessions lose charging_periods."""
    body = payloads.location(site.cpo.party, "L", STAMPS[1])
    del body["name"], body["opening_times"], body["evses"][0]
    assert site.cpo.put("locations", body).outcome == (200, 1000)
    assert seen(site, "locations", "L") == body
    session = payloads.session(site.cpo.party, site.emsp.party, "S", last_updated=STAMPS[0])
    site.cpo.put("sessions", session)
    session = {key: value for key, value in session.items() if key != "charging_periods"} | {"last_updated": STAMPS[1]}
    assert site.cpo.put("sessions", session).outcome == (200, 1000)
    assert site.cpo.get(site.cpo.object_path("sessions", "S")).data == session


@rule("OCPI 1.5-2")
@pytest.mark.parametrize("ident, change", [("L", {"name": "New"}), ("L/EVSE002", {"status": "BLOCKED"}), ("L/EVSE002/1", {"max_amperage": 99})])
def test_patch_leaves_everything_else(site, ident, change):
    """At each level; parents get the new last_updated."""
    whole = seen(site, "locations", "L")
    patch(site, ident, change, STAMPS[5])
    levels = [whole]
    if "/" in ident:
        levels.append(whole["evses"][1])
    if ident.count("/") == 2:
        levels.append(levels[1]["connectors"][0])
    levels[-1].update(change)
    for level in levels:
        level["last_updated"] = STAMPS[5]
    assert seen(site, "locations", "L") == whole


@rule("OCPI 1.5-4", "OCPI 1.3-5")
@pytest.mark.parametrize(
    "module, ident", [("locations", "NEW"), ("locations", "L/NEW"), ("locations", "L/EVSE001/NEW"), ("locations", "NEW/EVSE001"), ("sessions", "NEW")]
)
def test_patch_of_an_unknown_object(site, module, ident):
    """404, nothing created; the GET that follows says so too, and the PUT creates it."""
    path = site.cpo.object_path(module, ident)
    answer = site.cpo.patch(module, ident, {"x": 1, "last_updated": STAMPS[5]})
    assert answer.status == 404 and 2000 <= answer.code < 3000, answer
    assert site.cpo.get(path).outcome == (404, 2003)
    bodies = {"L/NEW": payloads.evse("NEW"), "L/EVSE001/NEW": payloads.connector("NEW"), "NEW": payloads.location(site.cpo.party, "NEW")}
    body = payloads.session(site.cpo.party, site.emsp.party, "NEW") if module == "sessions" else bodies.get(ident)
    if body:
        assert site.cpo.put(module, body, ident=ident).outcome == (201, 1000)
    else:
        assert site.cpo.put(module, payloads.evse("EVSE001"), ident=ident).outcome == (404, 2003), "nor is a child of an unknown parent"


@rule("OCPI 1.5-5")
def test_null_and_the_empty_list_are_absent(new_hub):
    """For optional fields, also where everything is refused that may be; a required list must have an element."""
    cpo = new_hub(validation="strict").onboard("CPO")
    nulls = dict.fromkeys(("name", "images", "related_locations", "suboperator", "energy_mix"))
    assert cpo.put("locations", payloads.location(cpo.party, "NULL", **nulls)).outcome == (201, 1000)
    assert cpo.put("locations", payloads.location(cpo.party, "EMPTY", evses=[], images=[], related_locations=[])).outcome == (201, 1000)
    for module, body, pointer in [
        ("tariffs", payloads.tariff(cpo.party, "T", elements=[]), "/elements"),
        ("locations", payloads.location(cpo.party, "X", evses=[payloads.evse(connectors=[])]), "/evses/0/connectors"),
        ("locations", payloads.location(cpo.party, "X", address=None), "/address"),
    ]:
        answer = cpo.put(module, body)
        assert answer.outcome == (200, 2001) and finds_pointer(answer, pointer), answer


@rule("OCPI 1.5-6")
def test_lists_in_a_patch(site):
    """Plain values and objects are replaced; evses and connectors are merged by their ids."""
    patch(site, "L", {"facilities": ["AIRPORT"], "coordinates": {"latitude": "1.000000", "longitude": "2.000000"}}, STAMPS[1])
    whole = seen(site, "locations", "L")
    assert whole["facilities"] == ["AIRPORT"] and whole["coordinates"] == {"latitude": "1.000000", "longitude": "2.000000"}
    evses = [{"uid": "evse002", "status": "CHARGING", "last_updated": STAMPS[2]}, payloads.evse("EVSE003", last_updated=STAMPS[2])]
    patch(site, "L", {"evses": evses}, STAMPS[2])
    after = seen(site, "locations", "L")["evses"]
    assert [(evse["uid"].upper(), evse["status"]) for evse in after] == [("EVSE001", "AVAILABLE"), ("EVSE002", "CHARGING"), ("EVSE003", "AVAILABLE")]
    assert len(after[1]["connectors"]) == 2 and after[0] == whole["evses"][0]
    patch(site, "L/EVSE001", {"connectors": [{"id": "2", "max_amperage": 7, "last_updated": STAMPS[3]}]}, STAMPS[3])
    connectors = seen(site, "locations", "L")["evses"][0]["connectors"]
    assert [(connector["id"], connector["max_amperage"]) for connector in connectors] == [("1", 125), ("2", 7)]


@rule("OCPI 1.5-7")
@pytest.mark.parametrize("ident, field", [("L", "name"), ("L/EVSE001", "floor_level"), ("L/EVSE001/1", "tariff_ids")])
def test_null_in_a_patch_clears(site, ident, field):
    assert field in seen(site, "locations", ident)
    patch(site, ident, {field: None}, STAMPS[5])
    assert seen(site, "locations", ident).get(field) is None


# ---------------------------------------------------------------- owners


@rule("OCPI 1.6-1")
def test_objects_are_put_below_their_owner(site):
    own = f"{site.cpo.party.country_code}/{site.cpo.party.party_id}"
    for module, body in (("locations", payloads.location(site.cpo.party, "P")), ("tariffs", payloads.tariff(site.cpo.party, "P"))):
        assert site.cpo.call("PUT", f"{module}/{own}/P", body).outcome == (201, 1000)
        assert site.cpo.call("POST", f"{module}/{own}/P", body).outcome == (405, 2000)
        assert site.cpo.call("PUT", f"{module}/P", body).status in (404, 405), "no owner"


@rule("OCPI 1.6-4", "OCPI 1.9-2")
def test_owners_of_what_the_hub_delivers(site):
    """URL and body name the CPO, which HubClientInfo lists; last_updated is the CPO's."""
    cpo, emsp = site.cpo, site.emsp
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S", last_updated=STAMPS[3]))
    request = emsp.wait("PUT", "/sessions/")
    own = (cpo.party.country_code, cpo.party.party_id)
    assert request.path == f"/ocpi/2.2.1/sessions/{own[0]}/{own[1]}/S"
    assert (request.json["country_code"], request.json["party_id"], request.json["last_updated"]) == (*own, STAMPS[3])
    listed = emsp.get("locations").data[0]
    assert (listed["country_code"], listed["party_id"], listed["last_updated"]) == (*own, STAMPS[0])
    assert emsp.get(f"hubclientinfo/{own[0]}/{own[1]}").data["role"] == "CPO"


@rule("OCPI 1.8-51", "OCPI 1.9-2")
def test_stored_objects_keep_their_bytes(site):
    """Key order, spelling of numbers, last_updated: as the owner wrote them."""
    text = '{"x":[12.50,1E3],' + json.dumps(payloads.location(site.cpo.party, "BYTES", "2025-05-05T05:05:05"))[1:]
    assert site.cpo.put("locations", text, ident="BYTES").outcome == (201, 1000)
    assert site.emsp.get(site.cpo.object_path("locations", "BYTES")).exact_data == exact(text)
    assert site.emsp.get("locations", to="IN-CIH").exact_data[-1] == exact(text)


@rule("OCPI 1.10-2")
def test_not_available_in_a_required_string(new_hub):
    cpo = new_hub(validation="strict").onboard("CPO")
    assert cpo.put("locations", payloads.location(cpo.party, "NA", address="#NA", city="#NA")).outcome == (201, 1000)
    assert cpo.get(cpo.object_path("locations", "NA")).data["address"] == "#NA"
