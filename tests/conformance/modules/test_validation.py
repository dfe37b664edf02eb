"""Two weights: what identity, routing, time and money rest on refuses an object; everything else is taken, and counted.

Which fields are essential, one by one, is in test_bad_input_objects.py.
"""

import json

import pytest

from tests.conformance.modules.bodies import ABSENT, at, make, push
from tests.conformance.modules.judge import done, findings, refused, unknown
from tests.conformance.rules import rule
from tests.e2e.harness import later
from tests.sim import exact, payloads


def odd_location(party, ident, **changes):
    evse = payloads.evse("E1", connectors=[payloads.connector("1", standard="CCS2")])
    return payloads.location(party, ident, coordinates={"latitude": "12.9346", "longitude": "77.6111"}, evses=[evse], **changes)


# Each is one finding and no essential breach: module, place, what stands there.
FINDINGS = {
    "enum value": ("locations", "/parking_type", "ROOF"),
    "enum value in a list": ("locations", "/facilities/1", "SAUNA"),
    "enum value in depth": ("locations", "/evses/0/connectors/0/standard", "CCS2"),
    "required field": ("locations", "/time_zone", ABSENT),
    "required field in depth": ("locations", "/coordinates/longitude", ABSENT),
    "null for a required field": ("locations", "/address", None),
    "decimals of a coordinate": ("locations", "/coordinates/latitude", "12.9346"),
    "length": ("locations", "/name", "x" * 256),
    "empty list": ("locations", "/evses/0/connectors", []),
    "three letters": ("locations", "/country", "INDIA"),
    "range": ("locations", "/opening_times/regular_hours/0/weekday", 8),
    "time of day": ("locations", "/opening_times/regular_hours/0/period_begin", "6 am"),
    "URL": ("locations", "/operator/website", "not a url"),
    "type of a Tariff": ("tariffs", "/type", "HAPPY_HOUR"),
    "step_size": ("tariffs", "/elements/0/price_components/0/step_size", ABSENT),
    "time of day of a Tariff": ("tariffs", "/elements/0/restrictions/start_time", "6 am"),
    "auth_method": ("sessions", "/auth_method", "SMILE"),
    "location_id": ("sessions", "/location_id", ABSENT),
    "dimension": ("sessions", "/charging_periods/0/dimensions/0/type", "JOY"),
    "contract_id": ("sessions", "/cdr_token/contract_id", ABSENT),
    "cdr_location": ("cdrs", "/cdr_location", ABSENT),
    "total_time": ("cdrs", "/total_time", ABSENT),
    "connector of a CDR": ("cdrs", "/cdr_location/connector_standard", "CCS2"),
    "Tariff in a CDR": ("cdrs", "/tariffs/0/type", "HAPPY_HOUR"),
}


def served(pair, module, ident):
    """The object as it was passed on: read by the eMSP, or delivered to it."""
    if module in ("locations", "tariffs"):
        return done(pair.emsp.get(pair.cpo.object_path(module, ident))).exact_data
    return exact(pair.emsp.wait("*", f"^/ocpi/2.2.1/{module}", where=lambda r: (r.json or {}).get("id") == ident).body)


@pytest.mark.parametrize("what", FINDINGS)
@rule("hub 5-validation-2")
def test_tolerant_takes_findings(shared, ident, what):
    """Taken, kept and passed on as received."""
    module, pointer, value = FINDINGS[what]
    body = at(make(shared, module, ident), pointer, value)
    done(push(shared, module, body))
    assert served(shared, module, ident) == exact(json.dumps(body))


@pytest.mark.parametrize("what", FINDINGS)
@rule("hub 5-validation-4")
def test_strict_refuses_findings(strict, ident, what):
    """2001 with the place and what was found there; nothing is kept; without the breach it is taken."""
    module, pointer, value = FINDINGS[what]
    found = None if value in (ABSENT, []) else json.dumps(value)[:20]
    refused(push(strict, module, at(make(strict, module, ident), pointer, value)), pointer, found)
    if module != "cdrs":
        unknown(strict.cpo.get(strict.cpo.object_path(module, ident)))
    assert strict.hub.deliveries(object=ident) == []
    assert push(strict, module, make(strict, module, ident)).outcome == (201, 1000)


@rule("hub 5-validation-4")
def test_strict_looks_at_patches_too(strict, ident):
    done(push(strict, "locations", make(strict, "locations", ident)))
    path = strict.cpo.object_path("locations", ident)
    before = done(strict.emsp.get(path)).data
    refused(strict.cpo.call("PATCH", path, {"parking_type": "ROOF", "last_updated": "2999-01-01T00:00:00Z"}), "/parking_type", "ROOF")
    refused(strict.cpo.call("PATCH", f"{path}/EVSE001/1", {"format": "ROPE", "last_updated": "2999-01-01T00:00:00Z"}), "/format", "ROPE")
    assert done(strict.emsp.get(path)).data == before


@rule("hub 5-validation-4")
def test_strict_looks_at_commands_too(strict, ident):
    """A Token of three fields, which the tolerant hub forwards."""
    body = {"token": {"uid": "A", "type": "RFID", "contract_id": "C"}, "location_id": ident}
    refused(strict.emsp.command("START_SESSION", body, to=strict.cpo.id), "/token/country_code")
    assert strict.cpo.received("POST", "/commands/") == []


@pytest.mark.parametrize("module", ["locations", "tariffs", "sessions", "cdrs"])
@rule("hub 5-validation-5")
def test_unknown_fields(shared, strict, ident, module):
    """At the top and in depth, under both."""
    vendor = {"x_vendor": {"discom": "BESCOM", "list": [1, None]}, "Id": "other case", "": 0}

    def deepened(value):
        if isinstance(value, dict):
            return {**{key: deepened(item) for key, item in value.items()}, **vendor}
        return [deepened(item) for item in value] if isinstance(value, list) else value

    for pair in (shared, strict):
        body = deepened(make(pair, module, ident))
        done(push(pair, module, body))
        assert served(pair, module, ident) == exact(json.dumps(body))


def counted(hub, party, **wanted):
    """Waits for the rows of `hubctl quality` with these values - there must be one for each - and returns them."""
    where = lambda row: all(row[key] == value for key, value in wanted.items())  # noqa: E731
    return hub.wait_rows("quality", party, where=where, what=f"findings with {wanted}")


@rule("hub 5-validation-3")
def test_findings_are_counted(hub, pair):
    """Per party, module, field and rule; all elements of a list are one field; the last example is an id."""
    for number in range(3):
        done(pair.cpo.put("locations", odd_location(pair.cpo.party, f"L{number}")))
        later(pair.cpo)  # two in the same millisecond, on two loops, have no last one
    done(push(pair, "tariffs", at(make(pair, "tariffs", "T1"), "/type", "HAPPY_HOUR")))
    (tariff,) = counted(hub, pair.cpo.id, module="tariffs", field="type")
    assert (tariff["party"], tariff["count"], tariff["last_example"]) == (pair.cpo.id, 1, "T1") and tariff["rule"]
    for field in ("standard", "latitude", "longitude"):
        (row,) = counted(hub, pair.cpo.id, module="locations", field=field, count=3)
        assert (row["party"], row["last_example"]) == (pair.cpo.id, "L2") and row["rule"], row
    other = hub.onboard("CPO")
    assert not [row for row in hub.rows("quality", other.id) if row["module"] in ("locations", "tariffs")]
    assert counted(hub, pair.cpo.id) == [row for row in hub.rows("quality") if row["party"] == pair.cpo.id]


@rule("hub 5-validation-3")
def test_what_is_clean_or_refused_counts_nothing(hub, pair):
    """Nothing is counted of good objects; of what was refused only the refusal."""
    for module in ("locations", "tariffs", "sessions", "cdrs"):
        done(push(pair, module, {key: value for key, value in make(pair, module, "CLEAN").items() if key != "vendor_discom"}))
    refused(push(pair, "locations", {**odd_location(pair.cpo.party, "REFUSED"), "last_updated": "today"}))
    done(pair.cpo.put("locations", odd_location(pair.cpo.party, "ODD")))
    rows = counted(hub, pair.cpo.id, module="locations", field="standard")
    rows += [row for row in hub.rows("quality", pair.cpo.id) if row["module"] != "credentials"]
    rows = [row for row in rows if row["refused"] == 0]
    assert {row["last_example"] for row in rows} == {"ODD"} and {row["count"] for row in rows} == {1}, rows


@rule("hub 5-validation-6")
def test_a_partys_own_validation(hub, strict, pair):
    """strict on a tolerant hub, tolerant on a strict one, and back to the hub's."""
    for made, own, outcome, usual in ((pair, "strict", (200, 2001), (201, 1000)), (strict.hub.pair(), "tolerant", (201, 1000), (200, 2001))):
        party, other = made.cpo.id, made.hub.onboard("CPO")
        made.hub.ok("party", "set", party, "--validation", own)
        assert made.cpo.put("locations", odd_location(made.cpo.party, "ODD-1")).outcome == outcome
        assert other.put("locations", odd_location(other.party, "ODD-1")).outcome == usual, "it is that party's alone"
        made.hub.ok("party", "set", party, "--validation", "default")
        assert made.cpo.put("locations", odd_location(made.cpo.party, "ODD-2")).outcome == usual


@rule("hub 5-validation-18")
def test_a_finding_says_it_all(strict, ident):
    """Place, what was expected, what was found."""
    answer = strict.cpo.put("locations", odd_location(strict.cpo.party, ident))
    refused(answer)
    assert '/evses/0/connectors/0/standard: not a ConnectorType: "CCS2"' in answer.message
    assert set(findings(answer)) == {"/coordinates/latitude", "/coordinates/longitude", "/evses/0/connectors/0/standard"}


@rule("hub 5-validation-18")
def test_up_to_ten_findings(shared, ident):
    """Of twelve breaches ten are named, in the order of the body."""
    evses = [{"uid": f"E{number}", "status": number, "last_updated": "2025-01-01T00:00:00Z", "connectors": []} for number in range(12)]
    answer = shared.cpo.put("locations", payloads.location(shared.cpo.party, ident, evses=evses))
    refused(answer)
    assert [place for place in findings(answer) if place.endswith("/status")] == [f"/evses/{number}/status" for number in range(10)]


@rule("hub 5-validation-18")
def test_what_was_found_is_shown_shortly(shared, ident):
    """A long value is cut, a text cannot break the message's form, and the envelope stays JSON."""
    for value in ("x" * 100_000, 'a";/id: b\n\\', "\u202e\u0007", ["deep"] * 1000):
        answer = shared.cpo.put("locations", {**payloads.location(shared.cpo.party, ident), "last_updated": value})
        refused(answer, "/last_updated")
        assert len(answer.message) < 1000 and "\n" not in answer.message and list(findings(answer))[0] == "/last_updated"
