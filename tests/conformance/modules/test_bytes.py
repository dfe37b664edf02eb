"""What a partner wrote is what the other side reads: key order, number spelling, text escapes, unknown fields, last_updated.

exact() compares JSON as it is written, white space aside: 12.50 is not 12.5, and {"a":1,"b":2} is not {"b":2,"a":1}.
"""

import json

import pytest

from tests.conformance.modules.judge import done
from tests.conformance.rules import rule
from tests.sim import exact, payloads

VENDOR = '"x_vendor":{"z":[1.0,2.50,-0.0,1E3,6.02e+23,123456789012345678901234567890.00],"a":null,"":{},"\\u0061":"\\/ \\u00e9 é \\ud83d\\ude97"}'
CONNECTOR = """{ "power_type":"AC_3_PHASE","id":"%s","x_price":12.50, "max_voltage":400, "standard":"IEC_62196_T2","format":"SOCKET",
 "max_amperage":32,"last_updated":"2025-03-01T08:00:00.120",\t"x_after":[ ] }"""
EVSE = """{ "x_first":0.10,"last_updated":"2025-03-01T08:00:00.120","connectors":[ %s , %s ],"status":"AVAILABLE", "uid":"%s","x_last":100.00 }"""
LOCATION = """{ "x_first":1e2, "party_id":"%s","id":"%s","last_updated":"2025-03-01T08:00:00.120","country_code":"IN","publish":true,
 "evses":[ %s , %s ], %s, "address":"Hosur Road","city":"Bengaluru","country":"IND","name":"Caf\\u00e9 \\"K\\"",
 "coordinates":{"longitude":"77.611158","latitude":"12.934612"}, "time_zone":"Asia/Kolkata","energy_mix":{"is_green_energy":true,
 "energy_sources":[{"percentage":62.50,"source":"SOLAR"}]} }"""
LATER = "2025-03-01T09:00:00.50Z"


def location_text(party, ident):
    first, second = (EVSE % (CONNECTOR % "1", CONNECTOR % "2", uid) for uid in ("E1", "E2"))
    return LOCATION % (party.party_id, ident, first, second, VENDOR)


@pytest.fixture
def kept(shared, ident):
    """The path of a Location with odd spelling, and the text that was put."""
    text = location_text(shared.cpo.party, ident)
    done(shared.cpo.put("locations", text, ident=ident))
    return shared.cpo.object_path("locations", ident), text


def changed(pairs, change):
    """`pairs` with the values of `change` put in place; keys that are new come last."""
    known = dict(change)
    out = [(key, known.pop(key, value)) for key, value in pairs]
    return tuple(out + [(key, value) for key, value in change if key in known])


def listed(platform, module, ident):
    """The object of that id as the list spells it."""
    (found,) = [entry for page in platform.pages(module, limit=1000) for entry in page.exact_data if entry.get("id") == ident]
    return found


@rule("hub 5-locations-7")
def test_put_location(shared, kept, ident):
    """In the list, alone, and each part of it; for the eMSP and for the owner."""
    path, text = kept
    evse = exact(text).get("evses")[1]
    for platform in (shared.emsp, shared.cpo):
        assert platform.get(path).exact_data == exact(text)
        assert platform.get(path + "/E2").exact_data == evse
        assert platform.get(path + "/E2/2").exact_data == evse.get("connectors")[1]
    assert listed(shared.emsp, "locations", ident) == exact(text)


@rule("hub 5-locations-7")
def test_text_is_served_with_the_escapes_it_came_with(shared, kept):
    body = shared.emsp.get(kept[0]).body
    for written in (b'"Caf\\u00e9 \\"K\\""', b'"\\u0061"', '"\\/ \\u00e9 é \\ud83d\\ude97"'.encode()):
        assert written in body


@rule("hub 5-locations-7")
def test_put_evse_and_connector(shared, kept):
    path, text = kept
    evse = (EVSE % (CONNECTOR % "7", CONNECTOR % "8", "E1")).replace("08:00:00.120", "08:30:00.5Z")
    done(shared.cpo.call("PUT", path + "/E1", evse))
    connector = (CONNECTOR % "2").replace("08:00:00.120", "08:40:00.50")
    done(shared.cpo.call("PUT", path + "/E2/2", connector))
    stamp = [("last_updated", "2025-03-01T08:40:00.50")]
    sibling = exact(text).get("evses")[1]
    second = changed(sibling, [("connectors", [sibling.get("connectors")[0], exact(connector)]), *stamp])
    assert shared.emsp.get(path).exact_data == changed(exact(text), [("evses", [exact(evse), second]), *stamp])


@pytest.mark.parametrize("tail", ["", "/E1", "/E1/2"])
@rule("hub 5-locations-8")
def test_patch(shared, kept, ident, tail):
    """What is named is spelled as in the PATCH; all around it stays, and last_updated of the parents is the child's to the letter."""
    path, text = kept
    change = '{"x_vendor":{"b":7.10,"a":[1E2]},"last_updated":"%s"}' % LATER
    done(shared.cpo.call("PATCH", path + tail, change))
    stamp = [("last_updated", LATER)]
    location = exact(text)
    evse, other = location.get("evses")
    if tail == "":
        wanted = changed(location, exact(change))
    elif tail == "/E1":
        wanted = changed(location, [("evses", [changed(evse, exact(change)), other]), *stamp])
    else:
        connectors = [evse.get("connectors")[0], changed(evse.get("connectors")[1], exact(change))]
        wanted = changed(location, [("evses", [changed(evse, [("connectors", connectors), *stamp]), other]), *stamp])
    assert shared.emsp.get(path).exact_data == wanted
    assert listed(shared.emsp, "locations", ident) == wanted


@rule("hub 5-locations-8")
def test_many_patches_add_no_drift(shared, kept):
    """After fifty status changes everything but status and last_updated is as it was put."""
    path, text = kept
    for number in range(50):
        status = ("CHARGING", "AVAILABLE")[number % 2]
        done(shared.cpo.call("PATCH", path + "/E1", {"status": status, "last_updated": f"2025-03-01T10:00:{number:02d}Z"}))
    stamp = [("last_updated", "2025-03-01T10:00:49Z")]
    evse, other = exact(text).get("evses")
    wanted = changed(exact(text), [("evses", [changed(evse, [("status", "AVAILABLE"), *stamp]), other]), *stamp])
    assert shared.emsp.get(path).exact_data == wanted


@rule("hub 5-locations-6")
def test_one_of_a_thousand_evses(shared, ident):
    evses = ",".join(EVSE % (CONNECTOR % "1", CONNECTOR % "2", f"E{number:03d}") for number in range(1000))
    text = LOCATION % (shared.cpo.party.party_id, ident, evses, EVSE % (CONNECTOR % "1", CONNECTOR % "2", "LAST"), VENDOR)
    done(shared.cpo.put("locations", text, ident=ident))
    path = shared.cpo.object_path("locations", ident)
    done(shared.cpo.call("PATCH", path + "/E500", {"status": "CHARGING", "last_updated": LATER}))
    before = exact(text).get("evses")
    wanted = before[:500] + [changed(before[500], [("status", "CHARGING"), ("last_updated", LATER)])] + before[501:]
    assert shared.emsp.get(path).exact_data == changed(exact(text), [("evses", wanted), ("last_updated", LATER)])


@rule("hub 5-tariffs-3")
def test_tariff(shared, ident):
    text = """{"id":"%s", "elements":[{"price_components":[{"price":12.50,"type":"ENERGY","vat":18.0,"step_size":1},
     {"price":0.0,"type":"FLAT","step_size":0}],"restrictions":{"min_kwh":1.000}}],"x_slab":[1.0,2.00], "currency":"INR",
     "party_id":"%s","country_code":"IN","min_price":{"excl_vat":5.00}, %s,"last_updated":"2025-03-01T08:00:00.120"}""" % (
        ident, shared.cpo.party.party_id, VENDOR,
    )  # fmt: skip
    done(shared.cpo.put("tariffs", text, ident=ident))
    for platform in (shared.emsp, shared.cpo):
        assert platform.get(shared.cpo.object_path("tariffs", ident)).exact_data == exact(text)
    assert listed(shared.emsp, "tariffs", ident) == exact(text)


def spelled(body):
    """An object as a partner might spell it: other key order, trailing zeros, vendor fields."""
    lines = [f'"{key}": {json.dumps(body[key])}' for key in reversed(body) if key not in ("kwh", "total_energy")]
    return "{ " + ",\n".join(lines + ['"kwh":11.50,"total_energy":21.350', VENDOR]) + " }"


@rule("hub 5-sessions-6")
def test_session(shared, ident):
    text = spelled(payloads.session(shared.cpo.party, shared.emsp.party, ident, last_updated="2025-03-01T08:00:00.120"))
    done(shared.cpo.put("sessions", text, ident=ident))
    assert exact(shared.emsp.wait("PUT", f"/sessions/.*/{ident}$").body) == exact(text)
    path = shared.cpo.object_path("sessions", ident)
    assert shared.cpo.get(path).exact_data == exact(text)
    period = '{"x":1.50,"start_date_time":"2025-03-01T08:30:00Z","dimensions":[{"volume":7.500,"type":"ENERGY"}]}'
    done(shared.cpo.call("PATCH", path, '{"kwh":19.00,"charging_periods":[%s],"last_updated":"%s"}' % (period, LATER)))
    periods = exact(text).get("charging_periods") + [exact(period)]
    wanted = changed(exact(text), [("kwh", "19.00"), ("charging_periods", periods), ("last_updated", LATER)])
    assert shared.cpo.get(path).exact_data == wanted
    assert exact(shared.emsp.wait("PUT", f"/sessions/.*/{ident}$", count=2).body) == wanted


@rule("hub 5-cdrs-7")
def test_cdr(shared, ident):
    text = spelled(payloads.cdr(shared.cpo.party, shared.emsp.party, ident))
    answer = done(shared.cpo.call("POST", "cdrs", text))
    assert exact(shared.emsp.wait("POST", "/cdrs$", where=lambda r: r.json["id"] == ident).body) == exact(text)
    assert shared.cpo.get(answer.headers["Location"]).exact_data == exact(text)


@rule("hub 5-validation-17")
def test_null(shared, ident):
    """null for what is optional is taken, kept, and passed on."""
    odd = {"images": None, "related_locations": None, "suboperator": None, "directions": None}
    location = payloads.location(shared.cpo.party, ident, **odd)
    done(shared.cpo.put("locations", location))
    assert shared.emsp.get(shared.cpo.object_path("locations", ident)).exact_data == exact(json.dumps(location))
    tariff = payloads.tariff(shared.cpo.party, ident, min_price=None, energy_mix=None)
    done(shared.cpo.put("tariffs", tariff))
    assert shared.emsp.get(shared.cpo.object_path("tariffs", ident)).exact_data == exact(json.dumps(tariff))
    session = payloads.session(shared.cpo.party, shared.emsp.party, ident, end_date_time=None, total_cost=None, charging_periods=None)
    done(shared.cpo.put("sessions", session))
    assert exact(shared.emsp.wait("PUT", f"/sessions/.*/{ident}$").body) == exact(json.dumps(session))
    cdr = payloads.cdr(shared.cpo.party, shared.emsp.party, ident, remark=None, credit=None, signed_data=None)
    done(shared.cpo.call("POST", "cdrs", cdr))
    assert exact(shared.emsp.wait("POST", "/cdrs$", where=lambda r: r.json["id"] == ident).body) == exact(json.dumps(cdr))
