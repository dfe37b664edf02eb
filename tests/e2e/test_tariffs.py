"""Tariffs: PUT and DELETE by the CPO, GET by eMSPs with a rule."""

import pytest

from tests.e2e.harness import finds_pointer
from tests.sim import exact, payloads
from tests.sim.wire import timestamp

SPELLING = """{"id":"SPELL","elements":[{"price_components":[{"price":12.50,"type":"ENERGY","vat":18.0,"step_size":1}]}],
"x_slab":[1.0,2.00],"currency":"INR","party_id":"%s","country_code":"IN","last_updated":"2025-03-01T08:00:00.120Z"}"""


def test_put_list_single(pair):
    """201 then 200; the eMSP reads the list and one."""
    cpo, emsp = pair.cpo, pair.emsp
    assert cpo.put("tariffs", payloads.tariff(cpo.party, last_updated=timestamp(-60))).outcome == (201, 1000)
    assert cpo.put("tariffs", payloads.tariff(cpo.party, currency="INR", type="AD_HOC_PAYMENT")).outcome == (200, 1000)
    page = emsp.get("tariffs")
    assert (page.outcome, page.headers["X-Total-Count"]) == ((200, 1000), "1")
    single = emsp.get(cpo.object_path("tariffs", "TAR-DC-DAY"))
    assert single.outcome == (200, 1000), single
    assert page.data == [single.data] and single.data["type"] == "AD_HOC_PAYMENT"


def test_bytes_are_kept(pair):
    """12.50 stays 12.50, order and unknown fields too."""
    body = SPELLING % pair.cpo.party.party_id
    assert pair.cpo.put("tariffs", body, ident="SPELL").outcome == (201, 1000)
    assert pair.emsp.get(pair.cpo.object_path("tariffs", "spell")).exact_data == exact(body)
    assert pair.emsp.get("tariffs").exact_data == [exact(body)]


def test_delete(pair):
    """DELETE removes it for everybody; a second one is 404."""
    cpo, emsp = pair.cpo, pair.emsp
    path = cpo.object_path("tariffs", "TAR-DC-DAY")
    cpo.put("tariffs", payloads.tariff(cpo.party))
    assert cpo.call("DELETE", path).outcome == (200, 1000)
    assert emsp.get(path).outcome == (404, 2003)
    assert emsp.get("tariffs").data == []
    assert cpo.call("DELETE", path).outcome == (404, 2003)
    assert cpo.put("tariffs", payloads.tariff(cpo.party)).outcome == (201, 1000), "it may come again"


def test_there_is_no_patch(pair):
    """405 with Allow."""
    answer = pair.cpo.patch("tariffs", "TAR-DC-DAY", {"currency": "USD", "last_updated": timestamp()})
    assert answer.outcome == (405, 2000), answer
    allow = {word.strip() for word in answer.headers["Allow"].split(",")}
    assert {"GET", "PUT", "DELETE"} <= allow and "PATCH" not in allow


def test_stale(pair):
    """Older than what is stored: 1000, not applied."""
    cpo, emsp = pair.cpo, pair.emsp
    cpo.put("tariffs", payloads.tariff(cpo.party))
    assert cpo.put("tariffs", payloads.tariff(cpo.party, currency="USD", last_updated="2024-01-01T00:00:00Z")).outcome == (200, 1000)
    assert emsp.get(cpo.object_path("tariffs", "TAR-DC-DAY")).data["currency"] == "INR"


@pytest.mark.parametrize(
    "change, pointer",
    [
        ({"currency": None}, "/currency"),
        ({"elements": None}, "/elements"),
        ({"last_updated": None}, "/last_updated"),
        ({"id": "OTHER"}, "/id"),
        ({"elements": [{"price_components": [{"type": "ENERGY", "step_size": 1}]}]}, "/elements/0/price_components/0/price"),
        ({"elements": [{"price_components": [{"type": "ENERGY", "price": "18.5"}]}]}, "/elements/0/price_components/0/price"),
    ],
)
def test_essential_breaches(pair, change, pointer):
    """What money, identity or time rest on is refused with 2001 and the JSON pointer."""
    body = {key: value for key, value in {**payloads.tariff(pair.cpo.party), **change}.items() if value is not None}
    answer = pair.cpo.put("tariffs", body, ident="TAR-DC-DAY")
    assert answer.outcome == (200, 2001), answer
    assert finds_pointer(answer, pointer), answer.message
    assert pair.emsp.get("tariffs").data == []


def test_rules_and_roles(hub):
    """Without the rule nothing is visible; others' tariffs are 403 to change; an eMSP may not push."""
    hub, cpo, emsp = hub.pair(rule=False)
    stranger = hub.onboard("CPO")
    path = cpo.object_path("tariffs", "TAR-DC-DAY")
    body = payloads.tariff(cpo.party)
    cpo.put("tariffs", body)
    unrouted = emsp.get(path)
    assert unrouted.outcome == (200, 2000) and unrouted.message.startswith("NOT_ROUTED"), unrouted
    assert (emsp.get("tariffs").data, emsp.get("tariffs").headers["X-Total-Count"]) == ([], "0")
    for platform, method, sent in [(stranger, "PUT", body), (stranger, "DELETE", None), (emsp, "PUT", body), (emsp, "DELETE", None)]:
        answer = platform.call(method, path, sent)
        assert answer.outcome == (403, 2001), (platform.id, method, answer)
        assert platform is emsp or "party mismatch" in answer.message
    hub.rule(emsp, cpo)
    assert emsp.get(path).outcome == (200, 1000)


def test_pages(pair):
    """Limit, Link, X-Total-Count as for locations."""
    for number in range(5):
        pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party, f"T{number}"))
    pages = pair.emsp.pages("tariffs", limit=2)
    assert [[entry["id"] for entry in page.data] for page in pages] == [["T0", "T1"], ["T2", "T3"], ["T4"]]
    assert {page.headers["X-Total-Count"] for page in pages} == {"5"}
