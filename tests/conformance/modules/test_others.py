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


SENTENCE = "EVSE is reserved for maintenance"


@pytest.mark.parametrize("status", [400, 403, 409, 422])
@pytest.mark.parametrize("made", [b'{"message":"%s"}', b'{"error":{"message":"%s"}}', b'{"detail":"%s"}'])
@rule("hub 5-others-3")
def test_what_a_partner_says_of_a_request(shared, ident, status, made):
    """Its sentence, not its hosts, and no more of it than a sentence."""
    for text, told in ((SENTENCE, SENTENCE), ("\u0905" * 2000, "\u0905" * 20), (f"{SENTENCE}: see http://10.1.2.3:8443/internal?token=s3cret", SENTENCE)):
        shared.cpo.script("PUT", "/authorize$", Reply(http=status, body=made % text.encode(), headers={"Content-Type": "application/json"}))
        info = shared.emsp.authorize(ident, to=shared.cpo.id).data["info"]["text"]
        assert told in info and len(info.encode()) < 400, info
        assert "10.1.2.3" not in info and "s3cret" not in info, info
    shared.cpo.unscript()


@rule("hub 5-others-4")
def test_in_the_hubs_name(hub, ident):
    pair, other = hub.pair(), hub.onboard("CPO")
    hub.rule(pair.emsp, other)
    hub.ok("party", "set", pair.cpo.id, "--from", "hub")
    for cpo, sender in ((pair.cpo, "IN-CIH"), (other, pair.emsp.id)):
        assert pair.emsp.authorize(ident, to=cpo.id).outcome == (200, 1000)
        assert cpo.wait("PUT", f"/{ident}/authorize$").routing == (sender, cpo.id)
    hub.ok("party", "set", pair.cpo.id, "--from", "party")
    assert pair.emsp.authorize(f"{ident}-2", to=pair.cpo.id).outcome == (200, 1000)
    assert pair.cpo.wait("PUT", f"/{ident}-2/authorize$").routing == (pair.emsp.id, pair.cpo.id)
