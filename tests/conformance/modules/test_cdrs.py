"""CDRs: posted once by the CPO, delivered once to the eMSP, never changed."""

import json

import pytest

from tests.conformance.modules.judge import done, refused
from tests.conformance.rules import rule
from tests.sim import payloads
from tests.sim.wire import timestamp


def bill(pair, ident, **changes):
    return payloads.cdr(pair.cpo.party, pair.emsp.party, ident, **changes)


def deliveries(emsp, ident):
    return emsp.received("POST", "/cdrs$", where=lambda r: r.json["id"].upper() == ident.upper())


def wait_delivered(emsp, ident):
    return emsp.wait("POST", "/cdrs$", where=lambda r: r.json["id"] == ident)


@pytest.fixture
def cdr(shared, ident):
    """A CDR that the hub has taken and the eMSP has got; returns (body, where the owner reads it)."""
    body = bill(shared, ident)
    answer = shared.cpo.call("POST", "cdrs", body)
    assert answer.outcome == (201, 1000), answer
    wait_delivered(shared.emsp, ident)
    return body, answer.headers["Location"]


def settled(pair, ident):
    """Posts one CDR more and waits for it: what was queued before it has been sent by then."""
    done(pair.cpo.call("POST", "cdrs", bill(pair, f"{ident}-LAST")))
    wait_delivered(pair.emsp, f"{ident}-LAST")
    return [request.json for request in deliveries(pair.emsp, ident)]


@rule("OCPI 5.3-2", "OCPI 5.3-3", "OCPI 5.3-6", "hub 5-cdrs-1")
def test_post_and_read(hub, shared, cdr, ident):
    """Location is the hub's; the owner reads there what it sent; another CPO does not."""
    body, location = cdr
    assert location.startswith(f"{hub.url}/ocpi/2.2.1/cdrs/")
    assert done(shared.cpo.get(location)).data == body
    assert wait_delivered(shared.emsp, ident).json == body
    stranger = hub.onboard("CPO")
    assert stranger.get(location).code != 1000


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@rule("OCPI 5.3-4")
def test_immutable(shared, cdr, method):
    body, location = cdr
    answer = shared.cpo.call(method, location, None if method == "DELETE" else {**body, "total_energy": 1.5})
    assert answer.outcome == (405, 2000) and answer.headers["Allow"], answer
    assert done(shared.cpo.get(location)).data == body


@rule("OCPI 5.3-5")
def test_credit(shared, ident):
    """A CDR, its credit with the suffix -C and 39 characters, and the corrected one: three CDRs."""
    old = f"{ident}-".ljust(37, "0")
    new = old[:-1] + "1"
    cost = {"excl_vat": -394.98, "incl_vat": -466.07}
    for body in (
        bill(shared, old),
        bill(shared, f"{old}-C", credit=True, credit_reference_id=old, total_cost=cost),
        bill(shared, new, total_cost={"excl_vat": 350.0}),
    ):
        answer = shared.cpo.call("POST", "cdrs", body)
        assert answer.outcome == (201, 1000), answer
        assert wait_delivered(shared.emsp, body["id"]).json == body == done(shared.cpo.get(answer.headers["Location"])).data


def turned(value):
    """The same JSON value, every object's keys the other way round."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


SAME = {
    "to the letter": lambda body: json.dumps(body),
    "key order": lambda body: json.dumps(turned(body)),
    "white space": lambda body: json.dumps(body, indent=4),
    "21.350": lambda body: json.dumps(body).replace(" 21.35,", " 21.350,"),
    "2.135E+1": lambda body: json.dumps(body).replace(" 21.35,", " 2.135E+1,"),
    "escapes": lambda body: json.dumps(body).replace("Bengaluru", "B\\u0065ngaluru").replace("INV/2025", "INV\\/2025"),
    "last_updated": lambda body: json.dumps({**body, "last_updated": timestamp()}),
    "older last_updated": lambda body: json.dumps({**body, "last_updated": "2020-01-01T00:00:00Z"}),
}


@pytest.mark.parametrize("how", SAME)
@rule("OCPI 5.3-7", "hub 5-cdrs-2")
def test_same_value_again(shared, cdr, ident, how):
    """1000 without a second delivery, and what is stored stays the first."""
    body, location = cdr
    text = SAME[how](body)
    assert how == "to the letter" or text != json.dumps(body)
    answer = shared.cpo.call("POST", "cdrs", text)
    assert answer.outcome == (200, 1000) and answer.headers["Location"] == location, answer
    assert settled(shared, ident) == [body]
    assert done(shared.cpo.get(location)).data == body


OTHER = {
    "another price": {"total_cost": {"excl_vat": 394.99, "incl_vat": 466.07}},
    "another number": {"total_energy": 21.3500001},
    "a field more": {"x_vendor": 1},
    "a text instead of a number": {"total_time": "0.75"},
    "another eMSP": {"cdr_token": {"country_code": "IN", "party_id": "QQQ", "uid": "A", "type": "RFID", "contract_id": "C"}},
    "a shorter list": {"charging_periods": []},
    "the id in another case": {"id": str.lower, "total_energy": 1.5},
}  # fmt: skip


@pytest.mark.parametrize("what", OTHER)
@rule("OCPI 5.3-7", "hub 5-cdrs-3")
def test_same_id_other_content(shared, cdr, ident, what):
    body, location = cdr
    change = {key: value(body[key]) if callable(value) else value for key, value in OTHER[what].items()}
    refused(shared.cpo.call("POST", "cdrs", {**body, **change}))
    assert settled(shared, ident) == [body]
    assert done(shared.cpo.get(location)).data == body


@rule("hub 5-cdrs-3")
def test_numbers_are_compared_exactly(shared, ident):
    """Two numbers that are one and the same double are still two numbers."""
    text = json.dumps(bill(shared, ident, x_meter=0)).replace('"x_meter": 0', '"x_meter": 9007199254740992.0')
    done(shared.cpo.call("POST", "cdrs", text))
    assert shared.cpo.call("POST", "cdrs", text.replace("992.0", "992.00")).outcome == (200, 1000)
    refused(shared.cpo.call("POST", "cdrs", text.replace("992.0", "993.0")))


@rule("OCPI 5.3-8")
def test_nobody_else_gets_it(hub, shared, ident):
    other = hub.onboard("EMSP")
    hub.rule(other, shared.cpo)
    done(shared.cpo.call("POST", "cdrs", bill(shared, ident)))
    wait_delivered(shared.emsp, ident)
    done(shared.cpo.call("POST", "cdrs", payloads.cdr(shared.cpo.party, other.party, f"{ident}-OTHER")))
    wait_delivered(other, f"{ident}-OTHER")
    assert [r.json["id"] for r in other.received("POST", "/cdrs$")] == [f"{ident}-OTHER"]
    assert deliveries(shared.emsp, f"{ident}-OTHER") == []


@rule("OCPI 5.3-9")
def test_unknown_location(shared, ident):
    body = bill(shared, ident)
    body["cdr_location"]["id"] = f"{ident}-HOME"
    done(shared.cpo.call("POST", "cdrs", body))
    assert wait_delivered(shared.emsp, ident).json == body


@rule("OCPI 5.3-10")
def test_later_changes_leave_it_alone(shared, ident):
    body = bill(shared, ident)
    body["cdr_location"]["id"] = ident
    done(shared.cpo.put("locations", payloads.location(shared.cpo.party, ident, last_updated=timestamp(-10))))
    location = done(shared.cpo.call("POST", "cdrs", body)).headers["Location"]
    done(shared.cpo.put("locations", payloads.location(shared.cpo.party, ident, name="Renamed")))
    done(shared.cpo.put("tariffs", payloads.tariff(shared.cpo.party, body["tariffs"][0]["id"], currency="USD")))
    assert done(shared.cpo.get(location)).data == body


@rule("hub 5-cdrs-4")
def test_emsps_have_no_get(shared, cdr):
    for path in ("cdrs", cdr[1]):
        for to in (None, shared.cpo.id):
            answer = shared.emsp.get(path, to=to)
            assert answer.status in (403, 404, 405) and answer.code >= 2000 and answer.data is None, answer


@rule("hub 5-cdrs-6")
def test_to_of_a_push(hub, shared, ident):
    """The eMSP in cdr_token, the hub, or nobody; another eMSP is refused, and nothing is kept."""
    other = hub.onboard("EMSP")
    hub.rule(other, shared.cpo)
    for number, to in enumerate((None, "IN-CIH", shared.emsp.id)):
        done(shared.cpo.call("POST", "cdrs", bill(shared, f"{ident}-{number}"), to=to))
        wait_delivered(shared.emsp, f"{ident}-{number}")
    for to in (other.id, "IN-QQQ"):
        refused(shared.cpo.call("POST", "cdrs", bill(shared, ident), to=to))
    assert settled(shared, ident) == [] == other.received("POST", "/cdrs$")
    assert shared.cpo.call("POST", "cdrs", bill(shared, ident)).outcome == (201, 1000), "the refused ones were not kept"


@rule("OCPI 5.2-19")
def test_session_dimensions_in_a_cdr(shared, ident):
    period = {"start_date_time": "2025-01-14T04:30:00Z", "dimensions": [{"type": "CURRENT", "volume": 16.0}, {"type": "ENERGY", "volume": 21.35}]}
    body = bill(shared, ident, charging_periods=[period])
    done(shared.cpo.call("POST", "cdrs", body))
    assert wait_delivered(shared.emsp, ident).json == body


@pytest.mark.parametrize("name", [".", "..", "a\0b", ""])
@rule("hub 5-cdrs-8")
def test_ids_that_no_url_can_name(shared, name):
    """The owner could not read it back at the Location that the answer names."""
    refused(shared.cpo.call("POST", "cdrs", bill(shared, name)), "/id")
