"""A whole day of a CPO and an eMSP that both have one of the oddities: the exchange, and everything after it."""

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import DEADLINE, eventually
from tests.sim import habits, payloads
from tests.sim.wire import timestamp

HEX_TOKEN = "deadbeefcafef00d" * 2  # its raw form is itself valid Base64

ODDITIES = {
    "raw token": ("hub 16-1", {"encodings": {"raw"}, "sends": "raw"}),
    "Base64 token": ("hub 16-1", {"encodings": {"base64"}, "sends": "base64"}),
    "lower-case token": ("hub 16-1", {"scheme": "token"}),
    "raw token that is valid Base64": ("hub 16-1", {"encodings": {"raw"}, "token": HEX_TOKEN}),
    "Base64 of a token that is valid Base64": ("hub 16-1", {"encodings": {"base64"}, "token": HEX_TOKEN}),
    "no message ids": ("hub 16-3", {"ids": False, "habits": (habits.echoes_nothing,)}),
    "two slashes": ("hub 16-4", {"joins": "//"}),
    "307": ("hub 16-5", {"habits": (habits.redirects,)}),
    "one-element lists": ("hub 16-6", {"habits": (habits.wraps,)}),
    "null": ("hub 16-7", {"habits": (habits.writes_null,)}),
    "lower case": ("hub 16-8", {"spells": str.lower}),
    "202": ("hub 16-9", {"habits": (habits.accepts_only,)}),
    "204": ("hub 16-9", {"habits": (habits.says_nothing,)}),
    "slow bytes": ("hub 16-13", {"habits": (habits.drips,)}),
    "hangs up": ("hub 16-13", {"habits": (habits.hangs_up,)}),
    "HTTP/1.0": ("hub 16-13", {"habits": (habits.speaks_http_1_0,)}),
    "chunked with trailers": ("hub 16-13", {"habits": (habits.chunks,)}),
    "several at once": ("hub 16-13", {"encodings": {"raw"}, "joins": "//", "spells": str.lower, "ids": False,
                                      "habits": (habits.redirects, habits.chunks, habits.wraps, habits.writes_null)}),
}  # fmt: skip


def taken(platform, method, pattern):
    """The requests that the platform took: answered, and not with a redirect."""
    redirects, hangs_up = habits.redirects in platform.habits, habits.hangs_up in platform.habits
    return platform.received(method, pattern, where=lambda r: (r.path.endswith("/") or not redirects) and (r.nth == 1 or not hangs_up))


@pytest.mark.parametrize("options", [pytest.param(options, marks=rule(ident), id=name) for name, (ident, options) in ODDITIES.items()])
def test_a_whole_day(hub, options):
    """Discovery, locations and tariffs, authorization, a command with its result, a session, a CDR: all arrive, none twice."""
    hub, cpo, emsp = hub.pair(cpo_options=options, emsp_options=options)
    assert hub.receiver(cpo, "commands") == f"{cpo.url}/ocpi/2.2.1/commands", "discovery read versions and details"
    cpo.auto_result = "ACCEPTED"

    location = payloads.location(cpo.party)
    assert cpo.put("locations", location).outcome == (201, 1000)
    assert cpo.patch("locations", "LOC001/EVSE001", {"status": "CHARGING", "last_updated": timestamp(1)}).outcome == (200, 1000)
    assert cpo.put("tariffs", payloads.tariff(cpo.party)).outcome == (201, 1000)
    for module in ("locations", "tariffs"):
        assert [entry["party_id"] for page in emsp.pages(module) for entry in page.data] == [cpo.party.party_id]
    assert emsp.get(cpo.object_path("locations", "LOC001/EVSE001")).data["status"] == "CHARGING"

    answer = emsp.authorize("T1", {"location_id": "LOC001"})
    assert answer.outcome == (200, 1000) and answer.data["allowed"] == "ALLOWED", answer
    answer = emsp.command("START_SESSION", payloads.start_session(emsp.party))
    assert answer.code == 1000 and answer.data["result"] == "ACCEPTED", answer
    assert emsp.wait("POST", "/callbacks/", seconds=DEADLINE).json["result"] == "ACCEPTED"

    session = payloads.session(cpo.party, emsp.party, kwh=1.5)
    assert cpo.put("sessions", session).outcome == (201, 1000)
    emsp.wait("PUT", "/sessions/", seconds=DEADLINE)
    done = {"status": "COMPLETED", "kwh": 21.35, "last_updated": timestamp(1)}
    assert cpo.patch("sessions", "SES-1", done).outcome == (200, 1000)
    assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party)).outcome == (201, 1000)
    eventually(lambda: not hub.deliveries(to=emsp.id), "everything is delivered")

    assert [request.json["kwh"] for request in taken(emsp, "PUT", "/sessions/")] == [1.5, 21.35]
    for platform, method, pattern in ((emsp, "POST", "/cdrs/?$"), (emsp, "POST", "/callbacks/"), (cpo, "POST", "/commands/")):
        assert len(taken(platform, method, pattern)) == 1, pattern
    assert hub.status_of(cpo.id) == hub.status_of(emsp.id) == "CONNECTED"
