"""Locations: what a CPO pushes, what an eMSP reads."""

import pytest

from tests.conformance.modules.judge import done, not_routed, refused, unknown
from tests.conformance.rules import rule
from tests.sim import payloads
from tests.sim.wire import timestamp

T0, T1, T2, T3 = (f"2025-05-05T05:00:{second:02d}Z" for second in range(4))


@pytest.fixture
def path(shared, ident):
    """The path of a Location that the CPO has put: EVSE001 and EVSE002 with connectors 1 and 2, all last updated at T1."""
    done(shared.cpo.put("locations", payloads.location(shared.cpo.party, ident, last_updated=T1)))
    return shared.cpo.object_path("locations", ident)


def read(pair, path):
    """What the eMSP gets there."""
    return done(pair.emsp.get(path)).data


def evses(location):
    return {evse["uid"]: evse for evse in location["evses"]}


# ---------------------------------------------------------------- reading


@rule("OCPI 5.1-1", "hub 5-locations-4")
def test_list(pair):
    for number in range(3):
        done(pair.cpo.put("locations", payloads.location(pair.cpo.party, f"L{number}")))
    answer = done(pair.emsp.get("locations"))
    assert [location["id"] for location in answer.data] == ["L0", "L1", "L2"]
    assert answer.headers["X-Total-Count"] == "3"
    assert [evse["uid"] for evse in answer.data[0]["evses"]] == ["EVSE001", "EVSE002"]


@pytest.mark.parametrize("filters", ["offset", "limit", "date_from", "date_to", "offset limit date_from date_to"])
@rule("OCPI 5-1")
def test_list_filters(shared, path, filters):
    """Each filter alone, and all of them, are understood by each list."""
    values = {"offset": 0, "limit": 1, "date_from": T1, "date_to": timestamp(60)}
    for module in ("locations", "tariffs"):
        answer = done(shared.emsp.get(module, query={name: values[name] for name in filters.split()}))
        assert isinstance(answer.data, list) and "X-Total-Count" in answer.headers


@rule("OCPI 5.1-2")
def test_single_forms_without_owner(shared, path, ident):
    """The Sender's path names no owner: OCPI-to does."""
    location = read(shared, path)
    evse = location["evses"][1]
    for tail, wanted in ((ident, location), (f"{ident}/EVSE002", evse), (f"{ident}/EVSE002/1", evse["connectors"][0])):
        assert done(shared.emsp.get(f"locations/{tail}", to=shared.cpo.id)).data == wanted


@rule("OCPI 5.1-3", "hub 5-locations-4", "hub 5-locations-5")
def test_single_forms(shared, path):
    for platform in (shared.emsp, shared.cpo):
        assert done(platform.get(path)).data["name"] == "Forum Mall Basement 2"
        assert done(platform.get(f"{path}/EVSE002")).data["physical_reference"] == "Bay 02"
        assert done(platform.get(f"{path}/EVSE002/1")).data["standard"] == "IEC_62196_T2_COMBO"


@rule("hub 5-locations-5")
def test_own_of_a_platform_with_two_cpos(hub):
    """Without OCPI-from the path says whose it is."""
    cpo = hub.onboard("CPO", "CPO")
    for party in cpo.parties:
        path = cpo.object_path("locations", "LOC001", party)
        done(cpo.call("PUT", path, payloads.location(party)))
        assert done(cpo.get(path)).data["party_id"] == party.party_id
        done(cpo.get(f"{path}/EVSE001/1"))


@rule("hub 5-locations-12")
def test_an_id_that_several_cpos_have(hub, ident):
    emsp, cpos = hub.onboard("EMSP"), [hub.onboard("CPO") for _ in range(2)]
    for cpo in cpos:
        hub.rule(emsp, cpo)
        done(cpo.put("locations", payloads.location(cpo.party, ident)))
    answer = emsp.get(f"locations/{ident}")
    assert answer.outcome == (200, 2001) and "OCPI-to" in answer.message, answer
    for cpo in cpos:
        assert done(emsp.get(f"locations/{ident}", to=cpo.id)).data["party_id"] == cpo.party.party_id


@rule("hub 5-locations-4")
def test_no_rule_no_sight(hub):
    """Without a rule: an empty list, NOT_ROUTED for each single form; the push is stored all the same."""
    hub, cpo, emsp = hub.pair(rule=False)
    done(cpo.put("locations", payloads.location(cpo.party)))
    path = cpo.object_path("locations", "LOC001")
    assert done(emsp.get("locations")).data == []
    for tail in ("", "/EVSE001", "/EVSE001/1"):
        not_routed(emsp.get(path + tail))
    hub.rule(emsp, cpo)
    assert [location["id"] for location in done(emsp.get("locations")).data] == ["LOC001"]
    hub.rule(emsp, cpo, "disable")
    not_routed(emsp.get(path))


@rule("hub 5-locations-4")
def test_single_forms_that_are_not_there(shared, path):
    for tail in ("X", "/NONE", "/EVSE001/NONE"):
        unknown(shared.emsp.get(path + tail))


# ---------------------------------------------------------------- PUT


@rule("OCPI 5.1-4", "hub 5-locations-1")
def test_put_location(shared, ident):
    """201 for a new one, 200 for one that was there; what the second leaves out is gone."""
    assert shared.cpo.put("locations", payloads.location(shared.cpo.party, ident, last_updated=T0)).outcome == (201, 1000)
    body = payloads.location(shared.cpo.party, ident, last_updated=T1)
    del body["facilities"]
    assert shared.cpo.put("locations", body).outcome == (200, 1000)
    assert read(shared, shared.cpo.object_path("locations", ident)) == body


@rule("OCPI 5.1-4", "hub 5-locations-1", "hub 5-locations-9")
def test_put_evse(shared, path):
    """A new EVSE comes last, a known one keeps its place and loses what the PUT leaves out; its siblings stay."""
    before = read(shared, path)
    new = payloads.evse("EVSE003", last_updated=T2)
    assert shared.cpo.call("PUT", f"{path}/EVSE003", new).outcome == (201, 1000)
    again = payloads.evse("EVSE001", status="CHARGING", last_updated=T3, connectors=[payloads.connector("7", last_updated=T3)])
    assert shared.cpo.call("PUT", f"{path}/EVSE001", again).outcome == (200, 1000)
    assert read(shared, path)["evses"] == [again, before["evses"][1], new]


@rule("OCPI 5.1-4", "hub 5-locations-1", "hub 5-locations-9")
def test_put_connector(shared, path):
    before = evses(read(shared, path))["EVSE002"]
    new, again = payloads.connector("3", last_updated=T2), payloads.connector("1", power=120000, last_updated=T3)
    assert shared.cpo.call("PUT", f"{path}/EVSE002/3", new).outcome == (201, 1000)
    assert shared.cpo.call("PUT", f"{path}/EVSE002/1", again).outcome == (200, 1000)
    assert evses(read(shared, path))["EVSE002"]["connectors"] == [again, before["connectors"][1], new]


@rule("hub 5-locations-9")
def test_put_location_replaces_its_evses(shared, path, ident):
    body = payloads.location(shared.cpo.party, ident, last_updated=T2, evses=[payloads.evse("EVSE009", last_updated=T2)])
    done(shared.cpo.put("locations", body))
    assert list(evses(read(shared, path))) == ["EVSE009"]
    unknown(shared.emsp.get(f"{path}/EVSE001"))
    del body["evses"]
    done(shared.cpo.put("locations", {**body, "last_updated": T3}))
    assert "evses" not in read(shared, path) or read(shared, path)["evses"] == []
    unknown(shared.emsp.get(f"{path}/EVSE009"))


@rule("OCPI 5.1-6")
def test_depth_tells_what_the_body_is(shared, path):
    before = read(shared, path)
    refused(shared.cpo.call("PUT", path, payloads.evse("EVSE001")))
    refused(shared.cpo.call("PUT", f"{path}/EVSE001", payloads.connector("1")))
    refused(shared.cpo.call("PUT", f"{path}/EVSE001/1", payloads.evse("EVSE001")))
    assert read(shared, path) == before


@pytest.mark.parametrize("missing", ["uid", "status", "last_updated", "connectors"])
@rule("OCPI 5.1-11")
def test_incomplete_new_evse(shared, path, missing):
    """Without connectors it is an EVSE with a finding; without what identifies and dates it, it is none."""
    before = read(shared, path)
    body = payloads.evse("EVSE003", last_updated=T2)
    del body[missing]
    answer = shared.cpo.call("PUT", f"{path}/EVSE003", body)
    if missing == "connectors":
        assert done(answer) and evses(read(shared, path))["EVSE003"] == body
    else:
        refused(answer, f"/{missing}")
        assert read(shared, path) == before


@rule("OCPI 5.1-12", "hub 5-locations-3")
def test_put_below_an_unknown_parent(shared, path, ident):
    before = read(shared, path)
    nowhere = shared.cpo.object_path("locations", f"{ident}-NONE")
    unknown(shared.cpo.call("PUT", f"{nowhere}/EVSE001", payloads.evse("EVSE001")))
    unknown(shared.cpo.call("PUT", f"{path}/NONE/1", payloads.connector("1")))
    unknown(shared.emsp.get(nowhere))
    assert read(shared, path) == before


# ---------------------------------------------------------------- PATCH


@rule("OCPI 5.1-5", "hub 5-locations-1")
def test_patch_each_of_the_three(shared, path):
    """What is named changes, last_updated with it; all else stays."""
    wanted = read(shared, path)
    wanted.update(name="Level 3", last_updated=T2)
    done(shared.cpo.call("PATCH", path, {"name": "Level 3", "last_updated": T2}))
    assert read(shared, path) == wanted
    wanted["evses"][0].update(status="BLOCKED", last_updated=T2)
    done(shared.cpo.call("PATCH", f"{path}/EVSE001", {"status": "BLOCKED", "last_updated": T2}))
    assert read(shared, path) == wanted
    wanted["last_updated"] = wanted["evses"][1]["last_updated"] = T3
    wanted["evses"][1]["connectors"][0].update(tariff_ids=["T9"], last_updated=T3)
    done(shared.cpo.call("PATCH", f"{path}/EVSE002/1", {"tariff_ids": ["T9"], "last_updated": T3}))
    assert read(shared, path) == wanted


@pytest.mark.parametrize("tail", ["", "/EVSE001", "/EVSE001/1"])
@rule("OCPI 5.1-5", "hub 5-input-13")
def test_patch_without_last_updated(shared, path, tail):
    before = read(shared, path)
    refused(shared.cpo.call("PATCH", path + tail, {"x_vendor": 1}), "/last_updated")
    assert read(shared, path) == before


@rule("hub 5-locations-3")
def test_patch_of_what_is_not_there(shared, path, ident):
    before = read(shared, path)
    for target in (f"{path}-NONE", f"{path}/NONE", f"{path}/EVSE001/NONE", f"{path}-NONE/EVSE001"):
        unknown(shared.cpo.call("PATCH", target, {"x_vendor": 1, "last_updated": T2}))
    assert read(shared, path) == before
    unknown(shared.emsp.get(f"{path}-NONE"))


@rule("OCPI 5.1-7")
def test_no_post_no_delete(shared, path):
    before = read(shared, path)
    for tail in ("", "/EVSE001", "/EVSE001/1"):
        for method, body in (("POST", {}), ("DELETE", None)):
            answer = shared.cpo.call(method, path + tail, body)
            assert answer.outcome == (405, 2000) and {"GET", "PUT", "PATCH"} <= set(answer.headers["Allow"].replace(" ", "").split(",")), answer
    assert read(shared, path) == before


@rule("OCPI 5.1-8")
def test_evse_is_removed_by_its_status(shared, path):
    done(shared.cpo.call("PATCH", f"{path}/EVSE001", {"status": "REMOVED", "last_updated": T2}))
    assert {uid: evse["status"] for uid, evse in evses(read(shared, path)).items()} == {"EVSE001": "REMOVED", "EVSE002": "AVAILABLE"}
    assert read(shared, f"{path}/EVSE001")["status"] == "REMOVED"


@rule("OCPI 5.1-13", "OCPI 5.1-14")
def test_unknown_tariffs_and_unpublished_locations(shared, ident):
    connector = payloads.connector("1", tariff_ids=["NO-SUCH-TARIFF"])
    allowed = [{"uid": "12345678905880", "type": "RFID"}, {"visual_number": "1234-5678", "issuer": "ABC Tower"}]
    changes = dict(publish=False, publish_allowed_to=allowed, evses=[payloads.evse("E1", connectors=[connector])])
    body = payloads.location(shared.cpo.party, ident, **changes)
    done(shared.cpo.put("locations", body))
    assert read(shared, shared.cpo.object_path("locations", ident)) == body


@rule("OCPI 5.1-15")
def test_ids_never_change(shared, path):
    before = read(shared, path)
    for tail, field in (("", "id"), ("/EVSE001", "uid"), ("/EVSE001/1", "id")):
        refused(shared.cpo.call("PATCH", path + tail, {field: "OTHER", "last_updated": T2}), f"/{field}", "OTHER")
    assert read(shared, path) == before


@rule("OCPI 5.1-16")
def test_where_ids_are_unique(shared, ident):
    """The same connector id in two EVSEs is fine, the same uid twice is not."""
    body = payloads.location(shared.cpo.party, ident)
    assert [connector["id"] for evse in body["evses"] for connector in evse["connectors"]] == ["1", "2", "1", "2"]
    done(shared.cpo.put("locations", body))
    body["evses"].append(payloads.evse("EVSE002"))
    refused(shared.cpo.put("locations", {**body, "last_updated": timestamp()}), "/evses/2/uid", "EVSE002")
    assert len(read(shared, shared.cpo.object_path("locations", ident))["evses"]) == 2


@rule("OCPI 5.1-17")
def test_status_of_a_location_is_none(shared, path):
    """It is a field that OCPI does not know: kept, and without meaning."""
    before = read(shared, path)
    done(shared.cpo.call("PATCH", path, {"status": "OUTOFORDER", "last_updated": T2}))
    assert read(shared, path) == {**before, "status": "OUTOFORDER", "last_updated": T2}


# ---------------------------------------------------------------- last_updated


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@rule("OCPI 5.1-9", "hub 5-locations-2")
def test_children_date_their_parents(shared, path, method):
    """EVSE to Location, Connector to both; siblings keep their own; the value is the child's to the letter."""
    stamps = "2025-05-05T05:00:02.5Z", "2025-05-05T05:00:03.125"
    body = payloads.evse("EVSE001", last_updated=stamps[0]) if method == "PUT" else {"status": "RESERVED", "last_updated": stamps[0]}
    done(shared.cpo.call(method, f"{path}/EVSE001", body))
    location = read(shared, path)
    assert (location["last_updated"], *(evse["last_updated"] for evse in location["evses"])) == (stamps[0], stamps[0], T1)
    body = payloads.connector("2", last_updated=stamps[1]) if method == "PUT" else {"max_voltage": 400, "last_updated": stamps[1]}
    done(shared.cpo.call(method, f"{path}/EVSE002/2", body))
    location = read(shared, path)
    connectors = evses(location)["EVSE002"]["connectors"]
    assert (location["last_updated"], evses(location)["EVSE002"]["last_updated"], connectors[1]["last_updated"]) == (stamps[1],) * 3
    assert (evses(location)["EVSE001"]["last_updated"], connectors[0]["last_updated"]) == (stamps[0], T1)
    assert read(shared, f"{path}/EVSE002")["last_updated"] == stamps[1], "the single forms say the same"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@rule("OCPI 5.1-10", "hub 5-locations-2")
def test_parents_never_move_back(shared, path, method):
    done(shared.cpo.call("PATCH", path, {"name": "Newest", "last_updated": T3}))
    done(shared.cpo.call("PATCH", f"{path}/EVSE001", {"floor_level": "-1", "last_updated": T3}))
    body = payloads.connector("1", last_updated=T2) if method == "PUT" else {"max_voltage": 400, "last_updated": T2}
    done(shared.cpo.call(method, f"{path}/EVSE001/1", body))
    location = read(shared, path)
    assert (location["last_updated"], location["evses"][0]["last_updated"], location["evses"][0]["connectors"][0]["last_updated"]) == (T3, T3, T2)


@pytest.mark.parametrize("tail", ["", "/EVSE001", "/EVSE001/1"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@rule("hub 5-locations-11")
def test_stale(hub, shared, path, ident, method, tail):
    """Older than what is stored: 1000, nothing is changed, the audit says stale."""
    before = read(shared, path)
    whole = {
        "": payloads.location(shared.cpo.party, ident, last_updated=T0),
        "/EVSE001": payloads.evse("EVSE001", last_updated=T0),
        "/EVSE001/1": payloads.connector("1", last_updated=T0),
    }[tail]
    body = {**whole, "x_vendor": "old"} if method == "PUT" else {"x_vendor": "old", "last_updated": T0}
    done(shared.cpo.call(method, path + tail, body, headers={"X-Correlation-ID": f"{ident}{tail}{method}"}))
    assert read(shared, path) == before
    hub.wait_audit(lambda row: row["correlation_id"] == f"{ident}{tail}{method}" and row["status"] == "stale", "an audit row that says stale")


@rule("hub 5-locations-11")
def test_the_same_moment_is_not_stale(shared, path):
    done(shared.cpo.call("PATCH", path, {"name": "Same second", "last_updated": "2025-05-05T05:00:01.000"}))
    assert read(shared, path)["name"] == "Same second"


@rule("hub 5-locations-11")
def test_a_time_in_the_far_future_locks_nothing(shared, path):
    """Stored more than 5 minutes in the future it does not make what comes stale."""
    done(shared.cpo.call("PATCH", path, {"name": "Clock wrong", "last_updated": timestamp(3600)}))
    done(shared.cpo.call("PATCH", path, {"name": "Clock right", "last_updated": timestamp()}))
    assert read(shared, path)["name"] == "Clock right"


@pytest.mark.parametrize("name", [".", "..", "%2e", "%2E%2e"])
@rule("hub 5-locations-10")
def test_dots_are_no_ids(shared, path, name):
    body = payloads.location(shared.cpo.party, name.replace("%2e", ".").replace("%2E", "."))
    refused(shared.cpo.call("PUT", shared.cpo.object_path("locations", name), body))
    refused(shared.cpo.call("PUT", f"{path}/{name}", payloads.evse(body["id"])))
    refused(shared.cpo.call("PUT", f"{path}/EVSE001/{name}", payloads.connector(body["id"])))
    assert list(evses(read(shared, path))) == ["EVSE001", "EVSE002"]
