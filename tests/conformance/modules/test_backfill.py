"""emsp_backfill = on: an eMSP may fetch its own sessions and CDRs, to fill a gap on its side."""

import pytest

from tests.conformance.modules.judge import done
from tests.conformance.rules import rule
from tests.sim import exact, payloads

MODULES = [
    pytest.param("sessions", marks=rule("OCPI 5.2-1", "hub 5-sessions-4")),
    pytest.param("cdrs", marks=rule("OCPI 5.3-1", "hub 5-cdrs-5")),
]


@pytest.fixture(scope="module")
def hub_settings():
    return {"emsp_backfill": "on"}


def push(cpo, emsp, module, ident):
    """One object of that module; returns it as it was sent."""
    if module == "sessions":
        body = payloads.session(cpo.party, emsp.party, ident, x_vendor=12.5)
        done(cpo.put("sessions", body))
    else:
        body = payloads.cdr(cpo.party, emsp.party, ident, x_vendor=12.5)
        done(cpo.call("POST", "cdrs", body))
    return body


@pytest.mark.parametrize("module", MODULES)
def test_its_own_page_by_page(hub, pair, module):
    """All of its own, oldest arrival first, as they were sent; nothing of another eMSP."""
    other = hub.onboard("EMSP")
    hub.rule(other, pair.cpo)
    mine = [push(pair.cpo, pair.emsp, module, f"MINE-{number}") for number in range(5)]
    push(pair.cpo, other, module, "THEIRS")
    pages = pair.emsp.pages(module, limit=2)
    assert [page.headers["X-Total-Count"] for page in pages] == ["5", "5", "5"]
    assert [entry for page in pages for entry in page.data] == mine
    assert [entry["id"] for entry in done(other.get(module)).data] == ["THEIRS"]


@pytest.mark.parametrize("module", MODULES)
def test_window(hub, pair, module):
    """date_from and date_to are understood; date_from, which OCPI requires for sessions, may be left out."""
    push(pair.cpo, pair.emsp, module, "ONE")
    for query, count in (
        ({}, 1),
        ({"date_from": "2020-01-01T00:00:00Z"}, 1),
        ({"date_from": "2020-01-01T00:00:00Z", "date_to": "2020-01-02T00:00:00Z"}, 0),
        ({"date_from": "2999-01-01T00:00:00Z"}, 0),
    ):
        assert len(done(pair.emsp.get(module, query=query)).data) == count, query


@pytest.mark.parametrize("module", MODULES)
def test_rules_hold(hub, module):
    """Without a rule the list is empty; the rule opens it."""
    hub, cpo, emsp = hub.pair(rule=False)
    body = push(cpo, emsp, module, "ONE")
    assert done(emsp.get(module)).data == []
    hub.rule(emsp, cpo)
    assert done(emsp.get(module)).data == [body]


@pytest.mark.parametrize("module", MODULES)
def test_bytes(hub, pair, module):
    push(pair.cpo, pair.emsp, module, "ONE")
    (sent,) = [request.body for request in [pair.emsp.wait("*", f"^/ocpi/2.2.1/{module}")]]
    assert done(pair.emsp.get(module)).exact_data == [exact(sent)]
