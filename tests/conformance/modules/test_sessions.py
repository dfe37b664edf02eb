"""Sessions: pushed by the CPO, delivered to the eMSP in cdr_token, read back by the CPO."""

import pytest

from tests.conformance.modules.judge import done, refused, unknown
from tests.conformance.rules import rule
from tests.sim import Reply, payloads

T0, T1, T2, T3 = (f"2025-05-05T05:00:{second:02d}Z" for second in range(4))


def delivered(emsp, ident, **fields):
    """Waits for a state of that session with these fields; returns its body."""
    return emsp.wait("PUT", f"/sessions/.*/{ident}$", where=lambda r: all(r.json.get(key) == value for key, value in fields.items())).json


@pytest.fixture
def session(shared, ident):
    """A session at T1 that the hub has and that the eMSP has got; returns it as it was put."""
    body = payloads.session(shared.cpo.party, shared.emsp.party, ident, last_updated=T1)
    done(shared.cpo.put("sessions", body))
    delivered(shared.emsp, ident)
    return body


def stored(pair, ident):
    return done(pair.cpo.get(pair.cpo.object_path("sessions", ident))).data


def patched(pair, ident, stamp, **fields):
    """PATCHes the session; returns what is stored then, which is what the eMSP gets."""
    done(pair.cpo.patch("sessions", ident, {**fields, "last_updated": stamp}))
    assert delivered(pair.emsp, ident, last_updated=stamp) == stored(pair, ident)
    return stored(pair, ident)


# ---------------------------------------------------------------- PUT, GET


@rule("OCPI 5.2-3", "OCPI 5.2-4", "hub 5-sessions-1")
def test_put_and_read(shared, ident):
    """201, then 200; the owner reads it; the eMSP has both states."""
    assert shared.cpo.put("sessions", payloads.session(shared.cpo.party, shared.emsp.party, ident, last_updated=T0)).outcome == (201, 1000)
    delivered(shared.emsp, ident, status="ACTIVE")
    body = payloads.session(shared.cpo.party, shared.emsp.party, ident, "COMPLETED", 21.35, last_updated=T1, end_date_time=T1)
    assert shared.cpo.put("sessions", body).outcome == (200, 1000)
    assert delivered(shared.emsp, ident, status="COMPLETED") == body == stored(shared, ident)


@pytest.mark.parametrize("periods", [None, []], ids=["missing", "empty"])
@rule("OCPI 5.2-6")
def test_put_wipes_charging_periods(shared, session, ident, periods):
    body = {**session, "charging_periods": periods, "last_updated": T2}
    if periods is None:
        del body["charging_periods"]
    done(shared.cpo.put("sessions", body))
    assert delivered(shared.emsp, ident, last_updated=T2) == body == stored(shared, ident)


@rule("OCPI 5.2-11")
def test_sessions_are_not_deleted(shared, session, ident):
    for method, body in (("DELETE", None), ("POST", session)):
        answer = shared.cpo.call(method, shared.cpo.object_path("sessions", ident), body)
        assert answer.outcome == (405, 2000) and {"GET", "PUT", "PATCH"} <= set(answer.headers["Allow"].replace(" ", "").split(",")), answer
    assert stored(shared, ident) == session


@rule("OCPI 5.2-9")
def test_parts_have_no_url(shared, session, ident):
    for tail in ("charging_periods", "charging_periods/0", "cdr_token"):
        path = f"{shared.cpo.object_path('sessions', ident)}/{tail}"
        for method, body in (("GET", None), ("PATCH", {"last_updated": T2})):
            assert shared.cpo.call(method, path, body).status in (404, 405), path
    assert stored(shared, ident) == session


# ---------------------------------------------------------------- PATCH


@rule("OCPI 5.2-5", "OCPI 5.2-8", "OCPI 5.2-10", "hub 5-sessions-1")
def test_patch_replaces_what_it_names(shared, session, ident):
    """Numbers, objects, status; the eMSP gets the merged whole by PUT, never a PATCH."""
    fields = {"kwh": 11.7, "total_cost": {"excl_vat": 99.5}, "status": "COMPLETED", "end_date_time": T2}
    assert patched(shared, ident, T2, **fields) == {**session, **fields, "last_updated": T2}
    assert shared.emsp.received("PATCH", f"/sessions/.*/{ident}$") == []


@rule("OCPI 5.2-7")
def test_patch_appends_charging_periods(shared, session, ident):
    first, second, third = (payloads.charging_period(energy, start=T1) for energy in (1.5, 2.5, 3.5))
    periods = session["charging_periods"]
    assert patched(shared, ident, T2, charging_periods=[first])["charging_periods"] == periods + [first]
    assert patched(shared, ident, T3, charging_periods=[second, third])["charging_periods"] == periods + [first, second, third]


@pytest.mark.parametrize("fields", [{}, {"charging_periods": []}], ids=["absent", "empty"])
@rule("OCPI 5.2-7")
def test_patch_without_charging_periods(shared, session, ident, fields):
    assert patched(shared, ident, T2, kwh=5.5, **fields)["charging_periods"] == session["charging_periods"]


@rule("OCPI 5.2-5", "hub 5-input-13")
def test_patch_without_last_updated(shared, session, ident):
    refused(shared.cpo.patch("sessions", ident, {"kwh": 11.7}), "/last_updated")
    assert stored(shared, ident) == session


@rule("OCPI 5.2-5")
def test_patch_of_an_unknown_session(shared, ident):
    unknown(shared.cpo.patch("sessions", ident, {"kwh": 1.5, "last_updated": T1}))
    unknown(shared.cpo.get(shared.cpo.object_path("sessions", ident)))


# ---------------------------------------------------------------- what sessions say


@rule("OCPI 5.2-13")
def test_pending_becomes_active(shared, ident):
    body = payloads.session(shared.cpo.party, shared.emsp.party, ident, "PENDING", last_updated=T0, start_date_time=T0)
    done(shared.cpo.put("sessions", body))
    assert delivered(shared.emsp, ident, status="PENDING")["start_date_time"] == T0
    assert patched(shared, ident, T2, status="ACTIVE", start_date_time=T1) == {**body, "status": "ACTIVE", "start_date_time": T1, "last_updated": T2}


@pytest.mark.parametrize("status", ["RESERVATION", "RESERVED"])
@pytest.mark.parametrize("end", ["ACTIVE", "COMPLETED"])
@rule("OCPI 5.2-14")
def test_reservation(shared, ident, status, end):
    body = payloads.session(shared.cpo.party, shared.emsp.party, ident, status, last_updated=T0, charging_periods=[])
    done(shared.cpo.put("sessions", body))
    assert delivered(shared.emsp, ident, status=status) == body
    assert patched(shared, ident, T1, status=end) == {**body, "status": end, "last_updated": T1}


@rule("OCPI 5.2-15")
def test_no_cost_is_no_price(shared, ident):
    body = payloads.session(shared.cpo.party, shared.emsp.party, ident)
    del body["total_cost"]
    done(shared.cpo.put("sessions", body))
    assert delivered(shared.emsp, ident) == body == stored(shared, ident)


@rule("OCPI 5.2-16", "OCPI 5.5-12")
def test_authorization_reference(shared, ident):
    body = payloads.session(shared.cpo.party, shared.emsp.party, ident, last_updated=T0, authorization_reference="AR-1")
    done(shared.cpo.put("sessions", body))
    assert delivered(shared.emsp, ident)["authorization_reference"] == "AR-1"
    assert patched(shared, ident, T1, authorization_reference="AR-2")["authorization_reference"] == "AR-2"


@pytest.mark.parametrize("missing", ["cdr_token", "country_code", "party_id", "uid"])
@rule("hub 5-sessions-2")
def test_whose_session_it_is(hub, shared, ident, missing):
    body = payloads.session(shared.cpo.party, shared.emsp.party, ident)
    del (body if missing == "cdr_token" else body["cdr_token"])[missing]
    refused(shared.cpo.put("sessions", body), "/cdr_token" if missing == "cdr_token" else f"/cdr_token/{missing}")
    unknown(shared.cpo.get(shared.cpo.object_path("sessions", ident)))
    assert hub.deliveries(object=ident) == []


@rule("hub 5-sessions-3")
def test_emsps_have_no_get(shared, session, ident):
    """Neither the list nor its own session."""
    for path in ("sessions", shared.cpo.object_path("sessions", ident)):
        for to in (None, shared.cpo.id):
            answer = shared.emsp.get(path, to=to)
            assert answer.status in (403, 404, 405) and answer.code >= 2000 and answer.data is None, answer


@rule("hub 5-sessions-5")
def test_to_of_a_push(hub, shared, ident):
    """The eMSP in cdr_token, the hub, or nobody; another eMSP is refused, and nothing is kept."""
    other = hub.onboard("EMSP")
    hub.rule(other, shared.cpo)
    for number, to in enumerate((None, "IN-CIH", shared.emsp.id, shared.emsp.id.lower())):
        done(shared.cpo.put("sessions", payloads.session(shared.cpo.party, shared.emsp.party, f"{ident}-{number}"), to=to))
        delivered(shared.emsp, f"{ident}-{number}")
    for to in (other.id, "IN-QQQ"):
        refused(shared.cpo.put("sessions", payloads.session(shared.cpo.party, shared.emsp.party, ident), to=to))
    unknown(shared.cpo.get(shared.cpo.object_path("sessions", ident)))
    assert other.received("PUT", "/sessions/") == []


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@rule("hub 5-sessions-7")
def test_stale(hub, shared, session, ident, method):
    """1000, nothing is stored, nothing is delivered, the audit says stale."""
    old = {**session, "kwh": 99.5, "last_updated": T0} if method == "PUT" else {"kwh": 99.5, "last_updated": T0}
    path = shared.cpo.object_path("sessions", ident)
    done(shared.cpo.call(method, path, old, headers={"X-Correlation-ID": ident}))
    assert stored(shared, ident) == session
    hub.wait_audit(lambda row: row["correlation_id"] == ident and row["status"] == "stale", "an audit row that says stale")
    patched(shared, ident, T2, kwh=5.5)
    assert [r.json["kwh"] for r in shared.emsp.received("PUT", f"/{ident}$")] == [session["kwh"], 5.5]


# ---------------------------------------------------------------- charging preferences


@rule("OCPI 5.2-2")
def test_charging_preferences(hub, shared, session, ident):
    """No owner in the path: the session tells the CPO; the answer is a bare string."""
    second = hub.onboard("CPO")
    hub.rule(shared.emsp, second)
    shared.cpo.script("PUT", f"/{ident}/charging_preferences$", Reply(data="ACCEPTED"))
    body = '{"profile_type":"CHEAP","departure_time":"2030-01-01T06:00:00Z","energy_need":12.50,"x_vendor":1}'
    answer = done(shared.emsp.call("PUT", f"sessions/{ident}/charging_preferences", body))
    assert answer.data == "ACCEPTED"
    request = shared.cpo.wait("PUT", f"^/ocpi/2.2.1/sessions/{ident}/charging_preferences$")
    assert request.body.decode() == body and request.routing == (shared.emsp.id, shared.cpo.id)
    assert second.received("PUT", "/charging_preferences$") == []


@rule("OCPI 5.2-17")
def test_charging_preferences_where_they_are_not_taken(shared, session, ident):
    shared.cpo.script("PUT", f"/{ident}/charging_preferences$", Reply(http=404, code=2001, message="not capable"))
    answer = shared.emsp.call("PUT", f"sessions/{ident}/charging_preferences", {"profile_type": "FAST"}, to=shared.cpo.id)
    assert answer.outcome == (404, 2001) and "not capable" in answer.message, answer


@rule("OCPI 5.2-2")
def test_charging_preferences_of_somebody_elses_session(hub, shared, session, ident):
    other = hub.onboard("EMSP")
    hub.rule(other, shared.cpo)
    for to in (None, shared.cpo.id):
        assert other.call("PUT", f"sessions/{ident}/charging_preferences", {"profile_type": "FAST"}, to=to).code != 1000
    assert shared.cpo.received("PUT", f"/{ident}/charging_preferences$") == []
