"""Modules that the hub does not know."""

import pytest

from tests.conformance.modules.judge import not_routed
from tests.conformance.rules import rule
from tests.sim import Reply, exact


@pytest.fixture(scope="module")
def bookings(hub):
    """A routed pair whose CPO offers a module of its own, x_bookings, in its version details."""
    cpo, emsp = hub.add(hub.platform("CPO")), hub.onboard("EMSP")
    endpoints = [
        {"identifier": name, "role": "RECEIVER", "url": f"{cpo.url}/elsewhere/{name}"} for name in ("credentials", "commands", "x_bookings")
    ]
    cpo.script("GET", "/ocpi/2.2.1$", Reply(data={"version": "2.2.1", "endpoints": endpoints}), forever=True)
    cpo.register(hub.issue(cpo.id))
    hub.rule(emsp, cpo)
    return cpo, emsp


@pytest.mark.parametrize(
    "method, tail, body",
    [
        ("GET", "/B1?from=2025-01-01&x=%2F", None),
        ("PUT", "/B1", '{"b":1.50,"a":null}'),
        ("PATCH", "/B1/parts", '{"a":[1E2]}'),
        ("POST", "", '{"id":"B2"}'),
        ("DELETE", "/B1", None),
    ],
)
@rule("hub 5-others-1")
def test_forwarded(bookings, ident, method, tail, body):
    """Method, path below the module, query and body as sent; the answer comes back."""
    cpo, emsp = bookings
    data = b'{"x":1.50,"id":"B1"}'
    cpo.script(method, "^/elsewhere/x_bookings", Reply(body=b'{"status_code":1000,"data":%s,"timestamp":"2025-01-01T00:00:00Z"}' % data))
    answer = emsp.call(method, f"x_bookings{tail}", body, to=cpo.id, headers={"X-Correlation-ID": ident})
    assert answer.outcome == (200, 1000) and answer.exact_data == exact(data), answer
    (request,) = [r for r in cpo.received(method, "^/elsewhere/x_bookings") if r.headers["x-correlation-id"] == ident]
    assert request.target == f"/elsewhere/x_bookings{tail}" and request.body.decode() == (body or "")
    assert request.routing == (emsp.id, cpo.id)


@rule("hub 5-others-1")
def test_refusals(hub, bookings):
    """Undirected: no such path. Directed: the rule holds, and the party must be known."""
    cpo, emsp = bookings
    before = len(cpo.received("*", "/x_bookings"))
    assert emsp.get("x_bookings/B1").outcome == (404, 2003)
    assert emsp.get("x_bookings/B1", to="IN-CIH").outcome == (404, 2003)
    assert emsp.get("x_bookings/B1", to="IN-QQQ").outcome == (200, 4001)
    hub.rule(emsp, cpo, "disable")
    not_routed(emsp.get("x_bookings/B1", to=cpo.id))
    hub.rule(emsp, cpo)
    assert len(cpo.received("*", "/x_bookings")) == before
