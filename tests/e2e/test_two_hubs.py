"""What goes from hub to hub: the Via chain is kept with what waits, and whatever circles is ended by it."""

import pytest

from tests.e2e.harness import eventually
from tests.sim import Party, Reply, payloads
from tests.sim.habits import lists_endpoints


def hub_name(platform):
    """The hub's own name in Via."""
    return next(request.headers["via"] for request in platform.received() if "via" in request.headers).split(", ")[-1]


# ---------------------------------------------------------------- one hub keeps the chain


def test_all_via_headers_go_on(hub):
    """All header lines as one list, with every kind of message; the hub's own name is the last."""
    pair = hub.pair()
    hub.ok("party", "set", pair.emsp.id, "--push", "locations,tariffs")
    own = hub_name(pair.cpo)
    via = {"Via": "1.1 proxy-a", "via": "1.0 proxy-b, 1.1 proxy-c"}
    chain = f"1.1 proxy-a, 1.0 proxy-b, 1.1 proxy-c, {own}"
    cpo, emsp = pair.cpo, pair.emsp
    assert emsp.authorize("CARD", to=cpo.id, headers=via).outcome == (200, 1000)
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S1"), headers=via)
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "C1"), headers=via)
    cpo.put("locations", payloads.location(cpo.party, "L1"), headers=via)
    cpo.put("tariffs", payloads.tariff(cpo.party, "T1"), headers=via)
    for method, pattern in (("PUT", "/sessions/.*S1$"), ("POST", "/cdrs$"), ("PUT", "/locations/.*L1$"), ("PUT", "/tariffs/.*T1$")):
        assert emsp.wait(method, pattern).headers["via"] == chain, pattern
    assert cpo.wait("PUT", "/authorize$").headers["via"] == chain
    assert emsp.command("STOP_SESSION", {"session_id": "S1"}, headers=via).data["result"] == "ACCEPTED"
    command = cpo.wait("POST", "/commands/STOP_SESSION")
    assert command.headers["via"] == chain
    url = command.json["response_url"]
    assert cpo.call("POST", url, {"result": "ACCEPTED"}, headers=via).outcome == (200, 1000)
    assert emsp.wait("POST", "/callbacks/").headers["via"] == chain


def test_a_push_without_via_has_the_hubs_alone(hub):
    pair = hub.pair()
    pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, "S1"))
    assert pair.emsp.wait("PUT", "/sessions/.*S1$").headers["via"] == hub_name(pair.cpo)


@pytest.mark.parametrize("again", ["retry", "replay", "restart"])
def test_the_chain_outlives_waiting(new_hub, again):
    """A delivery that is sent again has it still."""
    hub = new_hub(retry_initial="10ms", retry_max="20ms", retry_give_up="1s" if again == "retry" else "72h")
    pair = hub.pair()
    name = {"retry": Reply(http=503), "replay": Reply(), "restart": Reply(http=503)}[again]
    entry = pair.emsp.script("PUT", "/sessions/", name, forever=True)
    pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, "S1"), headers={"Via": "1.1 proxy"})
    pair.emsp.wait("PUT", "/sessions/.*S1$")
    if again == "restart":
        hub.stop()
        hub.restart()
    elif again == "retry":
        eventually(lambda: hub.rows("delivery", "list", "--state", "dead"), "the dead letter")
    else:
        eventually(lambda: hub.rows("delivery", "list", "--state", "delivered"), "the delivery")
    before = len(pair.emsp.received("PUT", "/sessions/"))
    pair.emsp.unscript(entry)
    if again == "retry":
        hub.ok("delivery", "retry", "--party", pair.emsp.id)
    elif again == "replay":
        hub.ok("delivery", "replay", pair.emsp.id, "--since", "1h", "--module", "sessions")
    pair.emsp.wait("PUT", "/sessions/", count=before + 1)
    sent = pair.emsp.received("PUT", "/sessions/")
    assert {request.headers["via"] for request in sent} == {f"1.1 proxy, {hub_name(pair.cpo)}"}


def test_a_chain_without_end_is_refused(hub):
    """Systems that pass a message round for ever, without the hub's own name in what they add."""
    pair = hub.pair()
    body = payloads.session(pair.cpo.party, pair.emsp.party, "S1")
    for headers in ({"Via": ", ".join(f"1.1 proxy-{number}" for number in range(300))}, {"Via": "1.1 " + "a" * 2000, "via": "1.1 " + "b" * 100}):
        answer = pair.cpo.put("sessions", body, headers=headers)
        assert answer.outcome == (508, 4000) and "Via" in answer.message, answer
    assert pair.cpo.put("sessions", body, headers={"Via": ", ".join(f"1.1 proxy-{number}" for number in range(100))}).code == 1000


# ---------------------------------------------------------------- two hubs


def elsewhere(url):
    """Lists the other hub's modules as the platform's own."""
    return lists_endpoints(lambda entries: [{**entry, "url": f"{url()}/ocpi/2.2.1/{entry['identifier']}"} for entry in entries if entry["identifier"] != "credentials"])


@pytest.fixture
def crossed(new_hub):
    """Two hubs, each with a CPO and an eMSP whose platform is the other hub."""
    hubs = new_hub(retry_initial="10ms", retry_max="20ms"), new_hub(retry_initial="10ms", retry_max="20ms")
    cpo, emsp = Party.parse("IN-CX1", "CPO"), Party.parse("IN-EY1", "EMSP")
    ends = []
    for hub, other in (hubs, hubs[::-1]):
        end = hub.add(hub.platform(cpo, emsp, habits=(elsewhere(lambda other=other: other.url),)))
        end.register(hub.issue(end.id))
        hub.ok("rule", "enable", emsp.id, cpo.id)
        hub.ok("party", "set", emsp.id, "--push", "locations,tariffs")
        ends.append(end)
    (first, second), (token, other) = ends, [end.hub_token for end in ends]
    second.accepted.add(token)
    first.accepted.add(other)
    first.hub_token = first.call("PUT", "credentials", first.credentials(token=other)).data["token"]
    second.accepted.add(first.hub_token)
    second.hub_token = second.call("PUT", "credentials", second.credentials(token=first.hub_token)).data["token"]
    return hubs, ends


def settled(hubs):
    """All deliveries of both hubs, once none is on its way in either but what was refused (asked twice: one may have been between the two)."""

    def look():
        return [hub.rows("delivery", "list", "--state", "all") for hub in hubs]

    def probe():
        rows = look()
        quiet = all(rows) and not any(row["state"] == "pending" and row["reason"] is None for each in rows for row in each)
        return rows if quiet and look() == rows else None

    return eventually(probe, "nothing is on its way")


def pushes(cpo, emsp):
    now = payloads.session(cpo, emsp)["last_updated"]
    return {
        "session": lambda end, kwh: end.call("PUT", "sessions/IN/CX1/S1", payloads.session(cpo, emsp, "S1", kwh=kwh, last_updated=now), sender=cpo.id),
        "location": lambda end, kwh: end.call("PUT", "locations/IN/CX1/L1", payloads.location(cpo, "L1", last_updated=now, name=f"Site {kwh}"), sender=cpo.id),
        "tariff": lambda end, kwh: end.call("PUT", "tariffs/IN/CX1/T1", payloads.tariff(cpo, "T1", last_updated=now, tariff_alt_url=f"https://t.example/{kwh}"), sender=cpo.id),
        "cdr": lambda end, kwh: end.call("POST", "cdrs", payloads.cdr(cpo, emsp, f"C{kwh}", last_updated=now), sender=cpo.id),
    }


@pytest.mark.parametrize("kind", ["session", "location", "tariff", "cdr"])
def test_what_circles_ends_at_once(crossed, kind):
    """The same object with the same last_updated and other content pushed at each of two hubs: each passes both on once."""
    hubs, (first, second) = crossed
    push = pushes(*first.parties)[kind]
    for end, kwh in ((first, 1), (second, 2)):
        assert push(end, kwh).code == 1000
    deliveries = settled(hubs)
    for hub, rows in zip(hubs, deliveries, strict=True):
        assert 1 <= len(rows) <= 2, rows
        sent = [row for row in hub.rows("audit", "tail", "-n", "10000") if row["action"].startswith(f"{kind}.")]
        assert len(sent) <= 3, sent


@pytest.mark.parametrize("headers", [{}, {"Via": "1.1 proxy"}, {"Via": "1.1 a", "via": "1.1 b"}])
def test_a_real_time_message_that_circles(crossed, headers):
    hubs, (first, _) = crossed
    first.call("PUT", "tokens/IN/EY1/CARD/authorize", sender="IN-EY1", to="IN-CX1", headers=headers)
    hubs[0].wait_audit(lambda row: row["action"] == "token.authorize", "the first hub's row")
    rows = [row for hub in hubs for row in hub.rows("audit", "tail", "-n", "10000") if row["action"] == "token.authorize"]
    assert len(rows) <= 3, rows
