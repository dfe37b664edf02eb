"""What the hub pushes besides sessions and CDRs: locations and tariffs to eMSPs that want them, statuses to everybody who listens."""

import pytest

from tests.conformance.modules.judge import done, unknown
from tests.conformance.rules import rule
from tests.e2e.harness import eventually
from tests.sim import exact, payloads

T0, T1, T2, T3 = (f"2025-05-05T05:00:{second:02d}Z" for second in range(4))


def pushes(platform, module, method="*"):
    """The pushes of a module that a platform has received."""
    return platform.received(method, f"^/ocpi/2.2.1/{module}/")


def settled(hub, pair, ident):
    """Pushes a session and waits for it and for everything else that is on its way to this eMSP."""
    done(pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident)))
    pair.emsp.wait("PUT", f"/sessions/.*/{ident}$")
    eventually(lambda: not hub.deliveries(to=pair.emsp.id, state="pending"), "nothing is pending any more")


@rule("hub 5-push-1")
def test_pull_only(hub, shared, ident):
    done(shared.cpo.put("locations", payloads.location(shared.cpo.party, ident, last_updated=T0)))
    done(shared.cpo.patch("locations", f"{ident}/EVSE001", {"status": "CHARGING", "last_updated": T1}))
    done(shared.cpo.put("tariffs", payloads.tariff(shared.cpo.party, ident)))
    done(shared.cpo.call("DELETE", shared.cpo.object_path("tariffs", ident)))
    settled(hub, shared, ident)
    assert pushes(shared.emsp, "locations") == pushes(shared.emsp, "tariffs") == []


@pytest.fixture
def wants(hub, pair):
    """A pair whose eMSP wants locations and tariffs pushed."""
    hub.ok("party", "set", pair.emsp.id, "--push", "locations,tariffs")
    return pair


def stored(pair, path):
    return done(pair.emsp.get(path)).exact_data


@rule("hub 5-push-2")
def test_location(wants):
    """PUT and PATCH of a Location: the whole, its bytes, at the owner's path."""
    path = wants.cpo.object_path("locations", "LOC001")
    done(wants.cpo.put("locations", payloads.location(wants.cpo.party, last_updated=T0)))
    request = wants.emsp.wait("PUT", f"^/ocpi/2.2.1/{path}$")
    assert exact(request.body) == stored(wants, path) and request.routing[1] == wants.emsp.id
    done(wants.cpo.call("PATCH", path, {"name": "Level 3", "last_updated": T1}))
    request = wants.emsp.wait("PUT", f"^/ocpi/2.2.1/{path}$", count=2)
    assert request.json["name"] == "Level 3" and exact(request.body) == stored(wants, path)
    assert pushes(wants.emsp, "locations", "PATCH") == []


@pytest.mark.parametrize(
    "method, tail, body",
    [
        ("PATCH", "EVSE002", {"status": "CHARGING", "last_updated": T1}),
        ("PUT", "EVSE002", payloads.evse("EVSE002", "BLOCKED", T1)),
        ("PUT", "EVSE003", payloads.evse("EVSE003", "PLANNED", T1)),
        ("PATCH", "EVSE002/1", {"max_voltage": 400, "last_updated": T1}),
        ("PUT", "EVSE002/1", payloads.connector("1", power=120000, last_updated=T1)),
    ],
)
@rule("hub 5-push-2")
def test_evse(wants, method, tail, body):
    """What changes in an EVSE comes as that whole EVSE."""
    path = wants.cpo.object_path("locations", "LOC001")
    done(wants.cpo.put("locations", payloads.location(wants.cpo.party, last_updated=T0)))
    wants.emsp.wait("PUT", f"^/ocpi/2.2.1/{path}$")
    done(wants.cpo.call(method, f"{path}/{tail}", body))
    evse = tail.partition("/")[0]
    request = wants.emsp.wait("PUT", f"^/ocpi/2.2.1/{path}/{evse}$")
    assert exact(request.body) == stored(wants, f"{path}/{evse}") and request.json["last_updated"] == T1


@rule("hub 5-push-3")
def test_tariff(wants):
    path = wants.cpo.object_path("tariffs", "T1")
    done(wants.cpo.put("tariffs", payloads.tariff(wants.cpo.party, "T1")))
    request = wants.emsp.wait("PUT", f"^/ocpi/2.2.1/{path}$")
    assert exact(request.body) == stored(wants, path)
    done(wants.cpo.call("DELETE", path))
    assert wants.emsp.wait("DELETE", f"^/ocpi/2.2.1/{path}$").body == b""


@rule("hub 5-push-4")
def test_rules_filter(hub, wants):
    """Of a CPO without a rule nothing comes; what is stale or the same again is not pushed either."""
    stranger = hub.onboard("CPO")
    done(stranger.put("locations", payloads.location(stranger.party, "HIDDEN")))
    done(stranger.put("tariffs", payloads.tariff(stranger.party, "HIDDEN")))
    body = payloads.location(wants.cpo.party, "SEEN", last_updated=T2)
    for again in (body, body, {**body, "name": "Stale", "last_updated": T1}):
        done(wants.cpo.put("locations", again))
    wants.emsp.wait("PUT", "/SEEN$")
    settled(hub, wants, "S1")
    assert [r.path.rsplit("/", 1)[1] for r in pushes(wants.emsp, "locations") + pushes(wants.emsp, "tariffs")] == ["SEEN"]
    hub.rule(wants.emsp, wants.cpo, "disable")
    done(wants.cpo.put("tariffs", payloads.tariff(wants.cpo.party, "LATE")))
    hub.rule(wants.emsp, wants.cpo)
    settled(hub, wants, "S2")
    assert pushes(wants.emsp, "tariffs") == []


@rule("hub 5-push-5")
def test_one_module_of_the_two(hub, pair):
    hub.ok("party", "set", pair.emsp.id, "--push", "tariffs")
    done(pair.cpo.put("locations", payloads.location(pair.cpo.party)))
    done(pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party)))
    pair.emsp.wait("PUT", "^/ocpi/2.2.1/tariffs/")
    settled(hub, pair, "S1")
    assert pushes(pair.emsp, "locations") == []


@rule("hub 5-push-6")
def test_directed_pushes_are_forwarded(hub, shared, ident):
    """A Location or Tariff for one eMSP alone: it gets it, in every method; the hub keeps nothing of it."""
    location, tariff = payloads.location(shared.cpo.party, ident), payloads.tariff(shared.cpo.party, ident)
    for method, module, tail, body in (
        ("PUT", "locations", "", location),
        ("PATCH", "locations", "/EVSE001", {"status": "CHARGING", "last_updated": T1}),
        ("PUT", "tariffs", "", tariff),
        ("DELETE", "tariffs", "", None),
    ):
        path = shared.cpo.object_path(module, ident) + tail
        done(shared.cpo.call(method, path, body, to=shared.emsp.id))
        request = shared.emsp.wait(method, f"^/ocpi/2.2.1/{path}$")
        assert request.json == body and request.routing == (shared.cpo.id, shared.emsp.id)
        if method == "PUT":
            unknown(shared.cpo.get(path))
            assert ident not in [entry["id"] for entry in done(shared.emsp.get(module, query={"limit": 1000})).data]


@rule("hub 5-push-7")
def test_statuses(hub, pair):
    """Suspended and back: each time a PUT to both, as HubClientInfo itself says it, without routing headers."""
    third = hub.onboard("EMSP")
    for platform in pair.cpo, pair.emsp:
        hub.ok("receiver", "set", platform.id, "hubclientinfo", platform.url + "/ocpi/2.2.1/hubclientinfo")
    path = f"/ocpi/2.2.1/hubclientinfo/{third.party.country_code}/{third.party.party_id}$"
    for verb, status in ((("suspend", third.id, "--reason", "unpaid"), "SUSPENDED"), (("resume", third.id), "CONNECTED")):
        hub.ok("party", *verb)
        for platform in pair.cpo, pair.emsp:
            request = platform.wait("PUT", path, where=lambda r: r.json["status"] == status)
            assert (request.json["role"], request.json["party_id"]) == ("EMSP", third.party.party_id) and request.json["last_updated"]
            assert not any(name.startswith("ocpi-") for name in request.headers), request.headers
        assert done(pair.cpo.get(f"hubclientinfo/IN/{third.party.party_id}")).data["status"] == status
