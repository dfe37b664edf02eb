"""JSON that is no good object: what is missing, of the wrong type, malformed or there twice, at every endpoint that takes a body."""

import json

import pytest

from tests.conformance.modules.bodies import ABSENT, at, get
from tests.conformance.modules.doors import BY_NAME, ESSENTIAL
from tests.conformance.modules.judge import done, findings, refused
from tests.conformance.rules import rule
from tests.sim import exact, payloads

LOCATION_IS_OPTIONAL = ("authorize", "authorize by CPO")
RULES = {
    "PUT location": "hub 5-validation-8",
    "PATCH location": "hub 5-input-13",
    "PUT EVSE": "hub 5-validation-8",
    "PATCH EVSE": "hub 5-input-13",
    "PUT connector": "hub 5-validation-8",
    "PATCH connector": "hub 5-input-13",
    "PUT tariff": "hub 5-validation-9",
    "PUT session": "hub 5-validation-10",
    "PATCH session": "hub 5-input-13",
    "POST cdr": "hub 5-validation-11",
    "authorize": "OCPI 5.5-10",
    "authorize by CPO": "OCPI 5.5-10",
    "START_SESSION": "hub 5-validation-13",
    "STOP_SESSION": "hub 5-validation-14",
    "RESERVE_NOW": "hub 5-validation-13",
    "CANCEL_RESERVATION": "hub 5-commands-1",
    "UNLOCK_CONNECTOR": "hub 5-commands-1",
    "callback": "hub 5-commands-6",
    "POST credentials": "hub 5-validation-12",
    "PUT credentials": "hub 5-validation-12",
}


def rows(table):
    """(door, pointer) of a table by door name; each case also shows the rule of its object."""
    return [pytest.param(name, pointer, marks=rule(RULES[name]), id=f"{name} {pointer}") for name, pointers in table.items() for pointer in pointers]


def check(pair, ident, name, bodies):
    """Of each row that `bodies` makes from the good body - body, place, what was found - the body is refused; nothing is left behind."""
    door = BY_NAME[name]
    door.prepare(pair, ident)
    before = door.trace(pair, ident)
    for body, *finding in bodies(door.good(pair, ident)):
        refused(door.send(pair, ident, body), *finding)
    assert door.trace(pair, ident) == before


# ---------------------------------------------------------------- missing


@pytest.mark.parametrize("name, pointer", rows({name: pointers for name, pointers in ESSENTIAL.items() if name not in LOCATION_IS_OPTIONAL}))
@rule("hub 5-validation-1")
def test_missing(shared, ident, name, pointer):
    """Left out, null and, of a text or a list, empty: 2001 with the place."""

    def bodies(good):
        empty = {str: [""], list: [[]]}.get(type(get(good, pointer)), [])
        return [(at(good, pointer, value), pointer) for value in (ABSENT, None, *empty)]

    check(shared, ident, name, bodies)


# ---------------------------------------------------------------- wrong type

WRONG = {
    str: [17, 1.5, True, {}, {"text": "x"}, ["x"]],
    float: ["1.5", True, {}, [1.5]],
    int: ["1", True, {}, [1]],
    bool: ["true", 1, {}, [True]],
    list: ["x", 17, True, {"0": "x"}],
    dict: ["x", 17, True, [{}]],
}
OTHER_TYPES = {
    "PUT location": "/name /publish /coordinates /coordinates/latitude /facilities /facilities/0 /operator /operator/name"
    " /opening_times/twentyfourseven /opening_times/regular_hours /opening_times/regular_hours/0/weekday /energy_mix/energy_sources/0/percentage /evses /evses/1"
    " /evses/0/capabilities /evses/0/capabilities/1 /evses/0/connectors /evses/0/connectors/1 /evses/0/connectors/0/max_voltage"
    " /evses/0/connectors/0/standard /evses/0/connectors/1/tariff_ids/0",
    "PATCH location": "/name",
    "PUT EVSE": "/evse_id /capabilities /connectors /connectors/0 /connectors/0/power_type /floor_level",
    "PATCH EVSE": "/status",
    "PUT connector": "/standard /max_voltage /max_electric_power /tariff_ids",
    "PATCH connector": "/max_voltage",
    "PUT tariff": "/type /tariff_alt_text /tariff_alt_text/0/text /elements/0 /elements/0/restrictions /elements/0/restrictions/start_time"
    " /elements/0/price_components /elements/0/price_components/0/vat /elements/0/price_components/0/step_size",
    "PUT session": "/auth_method /location_id /currency /cdr_token/type /charging_periods /charging_periods/0 /charging_periods/0/dimensions"
    " /charging_periods/0/dimensions/0/volume /total_cost /total_cost/excl_vat",
    "PATCH session": "/kwh",
    "POST cdr": "/session_id /cdr_location /cdr_location/coordinates/latitude /cdr_location/evse_uid /tariffs"
    " /tariffs/0/elements/0/price_components/0/price /charging_periods /charging_periods/0/dimensions/0/type /total_cost/excl_vat /total_time /invoice_reference_id",
    "START_SESSION": "/token/type /token/valid /token/contract_id /evse_uid /connector_id /authorization_reference",
    "RESERVE_NOW": "/token/whitelist /evse_uid",
    "UNLOCK_CONNECTOR": "/evse_uid /connector_id",
    "POST credentials": "/roles/0 /roles/0/business_details /roles/0/business_details/name",
    "PUT credentials": "/roles/0 /roles/0/business_details /roles/0/business_details/website",
}
OTHER_TYPES = {name: pointers.split() for name, pointers in OTHER_TYPES.items()}
TYPES = {name: list(dict.fromkeys(pointers + OTHER_TYPES.get(name, []))) for name, pointers in ESSENTIAL.items()}


@pytest.mark.parametrize("name, pointer", rows(TYPES))
@rule("hub 5-validation-7")
def test_wrong_type(shared, ident, name, pointer):
    """Of whatever field OCPI has, essential or not: 2001 with the place and what was found there."""
    shown = lambda value: {dict: "an object", list: "a list"}.get(type(value)) or json.dumps(value)  # noqa: E731
    check(shared, ident, name, lambda good: [(at(good, pointer, value), pointer, shown(value)) for value in WRONG[type(get(good, pointer))]])


PATCHED = {
    "PATCH location": [("/evses", "x"), ("/coordinates", 5), ("/country_code", 5), ("/publish", "no"), ("/operator/name", 5)],
    "PATCH EVSE": [("/uid", 5), ("/connectors", {}), ("/status", None), ("/status", "SLEEPING"), ("/status", ""), ("/last_updated", None)],
    "PATCH connector": [("/id", 5), ("/tariff_ids", "T1"), ("/max_electric_power", "7")],
    "PATCH session": [
        ("/cdr_token", {"uid": "A"}), ("/cdr_token", None), ("/cdr_token", "A"), ("/kwh", None), ("/status", 5), ("/status", "SLEEPING"),
        ("/start_date_time", "today"), ("/charging_periods", {}), ("/charging_periods", [5]), ("/total_cost", 5), ("/currency", 5),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name, pointer, value", [(name, *row) for name, table in PATCHED.items() for row in table])
@rule("hub 5-validation-1", "hub 5-validation-7")
def test_patches_that_break_the_object(shared, ident, name, pointer, value):
    """A part is measured like the whole: 2001, and the object stays as it was."""
    door = BY_NAME[name]
    door.prepare(shared, ident)
    before = door.trace(shared, ident)
    good = door.good(shared, ident)
    parent = pointer.rpartition("/")[0]
    body = at(at(good, parent, {}) if parent else good, pointer, value)
    answer = door.send(shared, ident, body)
    refused(answer)
    assert any(place.startswith(pointer) for place in findings(answer)), answer.message
    assert door.trace(shared, ident) == before


# ---------------------------------------------------------------- malformed, twice

MOMENTS = [
    "yesterday", "2025-01-14", "2025-13-14T04:30:00Z", "2025-02-30T04:30:00Z", "2025-01-14T24:30:00Z", "2025-01-14T04:60:00Z", "2025-01-14T04:30Z",
    "14.01.2025 04:30:00", "20250114T043000Z", "2025-01-14T04:30:00ZZ", "2025-01-14T04:30:00.Z", " 2025-01-14T04:30:00Z",
]  # fmt: skip
MOMENT_FIELDS = {
    "PUT location": ["/last_updated", "/evses/1/last_updated", "/evses/0/connectors/1/last_updated"],
    "PATCH location": ["/last_updated"],
    "PATCH EVSE": ["/last_updated"],
    "PATCH connector": ["/last_updated"],
    "PUT tariff": ["/last_updated", "/start_date_time"],
    "PUT session": ["/last_updated", "/start_date_time", "/end_date_time", "/charging_periods/0/start_date_time"],
    "PATCH session": ["/last_updated"],
    "POST cdr": ["/last_updated", "/start_date_time", "/end_date_time", "/charging_periods/0/start_date_time"],
    "RESERVE_NOW": ["/expiry_date"],
}


@pytest.mark.parametrize("name, pointer", rows(MOMENT_FIELDS))
@rule("hub 5-validation-7")
def test_malformed_datetime(shared, ident, name, pointer):
    check(shared, ident, name, lambda good: [(at(good, pointer, text), pointer, text) for text in MOMENTS])


@pytest.mark.parametrize(
    "name, pointer, value",
    [
        ("PUT location", "/evses/1/uid", "EVSE001"),
        ("PUT location", "/evses/1/uid", "evse001"),
        ("PUT location", "/evses/1/connectors/1/id", "1"),
        ("PUT EVSE", "/connectors/1/id", "1"),
    ],
)
@rule("hub 5-input-7", "hub 5-validation-7")
def test_ids_twice(shared, ident, name, pointer, value):
    check(shared, ident, name, lambda good: [(at(good, pointer, value), pointer, value)])


@rule("hub 5-input-7")
def test_connector_ids_twice_in_another_case(shared, ident):
    both = [payloads.connector("left"), payloads.connector("Left")]
    check(shared, ident, "PUT location", lambda good: [(at(good, "/evses/0/connectors", both), "/evses/0/connectors/1/id", "Left")])
    check(shared, f"{ident}-E", "PUT EVSE", lambda good: [(at(good, "/connectors", both), "/connectors/1/id", "Left")])


@pytest.mark.parametrize("name, pointer", [("PUT location", "/evses/1/status"), ("PUT EVSE", "/status"), ("PATCH EVSE", "/status")])
@rule("hub 5-validation-8")
def test_status_of_an_evse_is_a_known_one(shared, ident, name, pointer):
    check(shared, ident, name, lambda good: [(at(good, pointer, value), pointer, value) for value in ("SLEEPING", "available", "AVAILABLE ")])


@rule("hub 5-input-8")
def test_ten_thousand_evses(shared, ident):
    """Taken whole, read whole and in parts, patched; the list carries it too."""
    one = (
        '{"uid":"E%05d","status":"AVAILABLE","last_updated":"2025-01-01T00:00:00Z","connectors":[{"id":"1","standard":"IEC_62196_T2",'
        '"format":"SOCKET","power_type":"AC_3_PHASE","max_voltage":400,"max_amperage":32,"last_updated":"2025-01-01T00:00:00Z"}]}'
    )
    frame = json.dumps(payloads.location(shared.cpo.party, ident, last_updated="2025-01-01T00:00:00Z", evses=["HERE"]))
    text = frame.replace('"HERE"', ",".join(one % number for number in range(10_000)))
    path = shared.cpo.object_path("locations", ident)
    assert shared.cpo.call("PUT", path, text, seconds=120).outcome == (201, 1000)
    assert shared.emsp.get(path, seconds=120).exact_data == exact(text)
    assert done(shared.emsp.get(f"{path}/E09999/1")).data["standard"] == "IEC_62196_T2"
    done(shared.cpo.call("PATCH", f"{path}/E05000", {"status": "CHARGING", "last_updated": "2025-01-01T00:00:01Z"}))
    (served,) = [location for page in shared.emsp.pages("locations") for location in page.data if location["id"] == ident]
    assert [evse["uid"] for evse in served["evses"] if evse["status"] == "CHARGING"] == ["E05000"] and len(served["evses"]) == 10_000


@rule("hub 5-input-7", "hub 5-input-8")
def test_ten_thousand_evses_of_which_two_are_one(shared, ident):
    one = {"status": "AVAILABLE", "last_updated": "2025-01-01T00:00:00Z", "connectors": []}
    evses = [{**one, "uid": f"E{number % 9_999}"} for number in range(10_000)]
    check(shared, ident, "PUT location", lambda good: [(at(good, "/evses", evses), "/evses/9999/uid", "E0")])
