"""Tariffs: PUT and DELETE by the CPO, read by the eMSP; the hub calculates nothing."""

import json

import pytest

from tests.conformance.modules.judge import done, not_routed, refused, unknown
from tests.conformance.rules import rule
from tests.sim import exact, payloads

T0, T1, T2 = (f"2025-05-05T05:00:{second:02d}Z" for second in range(3))


def element(kind, price, step_size=1, **restrictions):
    made = {"price_components": [{"type": kind, "price": price, "step_size": step_size}]}
    return {**made, "restrictions": restrictions} if restrictions else made


@rule("OCPI 5.4-1", "hub 5-tariffs-2")
def test_list(pair):
    for number in range(2):
        done(pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party, f"T{number}")))
    answer = done(pair.emsp.get("tariffs"))
    assert [tariff["id"] for tariff in answer.data] == ["T0", "T1"] and answer.headers["X-Total-Count"] == "2"
    assert pair.emsp.get("tariffs/T0").status == 404
    assert pair.emsp.get("tariffs/T0", to=pair.cpo.id).status == 404


@rule("OCPI 5.4-2", "OCPI 5.4-3", "hub 5-tariffs-1", "hub 5-tariffs-2")
def test_put_and_read(shared, ident):
    """201, then 200; what the second leaves out is gone; eMSP and owner read it."""
    path = shared.cpo.object_path("tariffs", ident)
    unknown(shared.emsp.get(path))
    assert shared.cpo.call("PUT", path, payloads.tariff(shared.cpo.party, ident, last_updated=T0)).outcome == (201, 1000)
    body = payloads.tariff(shared.cpo.party, ident, last_updated=T1, currency="USD")
    del body["tariff_alt_text"]
    assert shared.cpo.call("PUT", path, body).outcome == (200, 1000)
    for platform in (shared.emsp, shared.cpo):
        assert done(platform.get(path)).data == body


@rule("OCPI 5.4-4", "hub 5-tariffs-1")
def test_delete(shared, ident):
    """Also while a Connector names it: the CPO's objects are the CPO's affair."""
    connector = payloads.connector("1", tariff_ids=[ident])
    location = payloads.location(shared.cpo.party, ident, evses=[payloads.evse("E1", connectors=[connector])])
    done(shared.cpo.put("locations", location))
    done(shared.cpo.put("tariffs", payloads.tariff(shared.cpo.party, ident)))
    path = shared.cpo.object_path("tariffs", ident)
    assert shared.cpo.call("DELETE", path).outcome == (200, 1000)
    unknown(shared.emsp.get(path))
    assert ident not in [tariff["id"] for tariff in done(shared.emsp.get("tariffs", query={"limit": 1000})).data]
    unknown(shared.cpo.call("DELETE", path))
    assert done(shared.emsp.get(shared.cpo.object_path("locations", ident))).data == location
    assert shared.cpo.put("tariffs", payloads.tariff(shared.cpo.party, ident)).outcome == (201, 1000), "it may come again"


@rule("OCPI 5.4-5", "hub 5-tariffs-1")
def test_no_patch(shared, ident):
    body = payloads.tariff(shared.cpo.party, ident, last_updated=T0)
    done(shared.cpo.put("tariffs", body))
    for method in ("PATCH", "POST"):
        answer = shared.cpo.call(method, shared.cpo.object_path("tariffs", ident), {"currency": "USD", "last_updated": T1})
        assert answer.outcome == (405, 2000) and set(answer.headers["Allow"].replace(" ", "").split(",")) >= {"GET", "PUT", "DELETE"}, answer
    assert done(shared.emsp.get(shared.cpo.object_path("tariffs", ident))).data == body


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param(
            [element("ENERGY", 0.3, start_time="23:00", end_time="06:00"), element("ENERGY", 0.25, max_kwh=5), element("ENERGY", 0.2)],
            marks=rule("OCPI 5.4-6"),
            id="the first that matches",
        ),
        pytest.param([element("FLAT", 0.00, 0)], marks=rule("OCPI 5.4-7"), id="free of charge, step 0"),
        pytest.param([element("FLAT", 0.00, 1)], marks=rule("OCPI 5.4-7"), id="free of charge, step 1"),
        pytest.param(
            [element("ENERGY", 18.5, 1000), element("TIME", 2, 300), element("PARKING_TIME", 120.0, 60)], marks=rule("OCPI 5.4-8"), id="step sizes"
        ),
    ],
)
def test_prices_are_the_cpos(shared, ident, elements):
    text = json.dumps(payloads.tariff(shared.cpo.party, ident, elements=elements)).replace("0.0,", "0.00,")
    done(shared.cpo.put("tariffs", text, ident=ident))
    assert shared.emsp.get(shared.cpo.object_path("tariffs", ident)).exact_data == exact(text)


@rule("hub 5-tariffs-2")
def test_no_rule_no_sight(hub):
    hub, cpo, emsp = hub.pair(rule=False)
    done(cpo.put("tariffs", payloads.tariff(cpo.party, "T1")))
    assert done(emsp.get("tariffs")).data == []
    not_routed(emsp.get(cpo.object_path("tariffs", "T1")))
    hub.rule(emsp, cpo)
    assert [tariff["id"] for tariff in done(emsp.get("tariffs")).data] == ["T1"]


@rule("hub 5-tariffs-4")
def test_stale(hub, shared, ident):
    body = payloads.tariff(shared.cpo.party, ident, last_updated=T1)
    done(shared.cpo.put("tariffs", body))
    done(shared.cpo.put("tariffs", {**body, "currency": "USD", "last_updated": T0}, headers={"X-Correlation-ID": ident}))
    assert done(shared.emsp.get(shared.cpo.object_path("tariffs", ident))).data == body
    hub.wait_audit(lambda row: row["correlation_id"] == ident and row["status"] == "stale", "an audit row that says stale")


@rule("hub 5-locations-10")
def test_dots_are_no_ids(shared):
    for name in (".", ".."):
        refused(shared.cpo.call("PUT", shared.cpo.object_path("tariffs", name), payloads.tariff(shared.cpo.party, name)))
