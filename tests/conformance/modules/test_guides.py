"""The examples of the hub's integration guides, as printed there with their placeholders filled.

Two partners who do what the guides say and nothing else: no discovery, receivers told to the account team.
"""

import json

import pytest

from tests.conformance.modules.judge import done
from tests.conformance.rules import rule
from tests.sim import Party, Reply, http_call, payloads
from tests.sim.wire import timestamp

MODULES = ("tokens", "commands", "sessions", "cdrs", "locations", "tariffs", "chargingprofiles", "hubclientinfo")
RECEIVERS = {  # as the onboarding guide lists them
    "CPO": {"tokens": "/ocpi/2.2.1/tokens/{cc}/{pid}/{uid}/authorize", "commands": "/ocpi/2.2.1/commands/{command}"},
    "EMSP": {"sessions": "/ocpi/2.2.1/sessions/{cc}/{pid}/{id}", "cdrs": "/ocpi/2.2.1/cdrs"},
}


def credentials(platform, role, party_id, name):
    return """{
      "token": "%s",
      "url": "%s/ocpi/2.2.1",
      "roles": [
        {
          "role": "%s",
          "party_id": "%s",
          "country_code": "IN",
          "business_details": { "name": "%s" }
        }
      ]
    }""" % (platform.token, platform.url, role, party_id, name)


@pytest.fixture(scope="module")
def partners(hub):
    """IN-ABC, a CPO, and IN-XYZ, an eMSP, through the three steps of onboarding; each step is looked at."""
    made = {}
    for role, party_id, name in (("CPO", "ABC", "Your CPO Ltd"), ("EMSP", "XYZ", "Your eMSP Ltd")):
        platform = hub.add(hub.platform(Party("IN", party_id, role, name), hide=MODULES, sends="raw"))
        body = credentials(platform, role, party_id, name)
        answer = done(platform.call("POST", "credentials", body, token=hub.issue(platform.id)))
        assert answer.status == 200 and answer.data["url"] == f"{hub.url}/ocpi/2.2.1"
        (hub_role,) = answer.data["roles"]
        assert (hub_role["role"], hub_role["party_id"], hub_role["country_code"]) == ("HUB", "CIH", "IN")
        platform.hub_token = answer.data["token"]
        assert platform.call("PUT", "credentials", body).outcome == (200, 1000)
        for module, path in RECEIVERS[role].items():
            hub.ok("receiver", "set", platform.id, module, platform.url + path)
        made[role] = platform
    hub.rule(made["EMSP"], made["CPO"])
    return made["CPO"], made["EMSP"]


@rule("hub 5-validation-15")
def test_onboarding_verification(hub, partners):
    """2.2.1 is listed, its endpoints are told, both parties appear as CONNECTED."""
    for platform in partners:
        (version,) = [entry for entry in done(platform.get("/ocpi/versions")).data if entry["version"] == "2.2.1"]
        assert version["url"] == f"{hub.url}/ocpi/2.2.1"
        endpoints = {entry["identifier"]: entry["url"] for entry in done(platform.get("/ocpi/2.2.1")).data["endpoints"]}
        wanted = ("credentials", "hubclientinfo", "locations", "tariffs", "tokens", "commands", "sessions", "cdrs")
        assert {name: endpoints[name] for name in wanted} == {name: f"{hub.url}/ocpi/2.2.1/{name}" for name in wanted}
        listed = {(entry["party_id"], entry["role"]): entry["status"] for entry in done(platform.get("/ocpi/2.2.1/hubclientinfo")).data}
        assert listed == {("ABC", "CPO"): "CONNECTED", ("XYZ", "EMSP"): "CONNECTED"}


@pytest.fixture(scope="module")
def site(partners):
    """LOC001 with EVSE001 and its price, pushed as the CPO guide says."""
    cpo, emsp = partners
    assert cpo.call("PUT", "/ocpi/2.2.1/locations/IN/ABC/LOC001", payloads.location(cpo.party)).outcome == (201, 1000)
    assert cpo.call("PUT", "/ocpi/2.2.1/tariffs/IN/ABC/TAR-DC-DAY", payloads.tariff(cpo.party)).outcome == (201, 1000)
    return partners


@rule("hub 5-validation-15")
def test_pull_of_locations_and_tariffs(site):
    cpo, emsp = site
    assert [location["id"] for location in done(emsp.get("/ocpi/2.2.1/locations?offset=0&limit=50")).data] == ["LOC001"]
    assert [tariff["id"] for tariff in done(emsp.get("/ocpi/2.2.1/tariffs?offset=0&limit=50")).data] == ["TAR-DC-DAY"]


@rule("hub 5-validation-15")
def test_patch_of_a_status(site):
    cpo, emsp = site
    done(cpo.call("PATCH", "/ocpi/2.2.1/locations/IN/ABC/LOC001/EVSE001", {"status": "CHARGING", "last_updated": timestamp(1)}))
    assert done(emsp.get("/ocpi/2.2.1/locations/IN/ABC/LOC001/EVSE001")).data["status"] == "CHARGING"


@pytest.mark.parametrize("allowed", ["ALLOWED", "BLOCKED", "NOT_ALLOWED", "UNKNOWN"])
@rule("hub 5-validation-15")
def test_token_authorization(site, ident, allowed):
    """At the CPO's receiver, the path that the CPO guide prints."""
    cpo, emsp = site
    cpo.script("PUT", f"^/ocpi/2.2.1/tokens/IN/XYZ/{ident}/authorize$", Reply(data={"allowed": allowed}))
    assert done(emsp.call("PUT", f"/ocpi/2.2.1/tokens/IN/XYZ/{ident}/authorize")).data["allowed"] == allowed
    assert cpo.wait("PUT", f"^/ocpi/2.2.1/tokens/IN/XYZ/{ident}/authorize$").routing == ("IN-XYZ", "IN-ABC")


START = """{
  "response_url": "%s/ocpi/callbacks/commands",
  "token": { "uid": "...", "type": "RFID", "contract_id": "..." },
  "location_id": "LOC001",
  "evse_uid": "EVSE001",
  "connector_id": "1"
}"""


@rule("hub 5-validation-15")
def test_remote_start_and_its_result(site):
    """The CPO accepts at once and posts the result to the hub's callback, without a token; the eMSP gets it at its response_url."""
    cpo, emsp = site
    answer = emsp.call("POST", "/ocpi/2.2.1/commands/START_SESSION", START % emsp.url)
    assert done(answer).data["result"] == "ACCEPTED"
    request = cpo.wait("POST", "^/ocpi/2.2.1/commands/START_SESSION$")
    assert {**request.json, "response_url": ""} == {**json.loads(START % ""), "response_url": ""}
    assert "/ocpi/2.2.1/commands/callback/" in request.json["response_url"]
    done(http_call("POST", request.json["response_url"], {"result": "ACCEPTED"}, {"Content-Type": "application/json"}))
    assert emsp.wait("POST", "^/ocpi/callbacks/commands$").json == {"result": "ACCEPTED"}


@rule("hub 5-validation-15")
def test_session_cdr_and_remote_stop(site, ident):
    """PUT sessions with cdr_token, STOP_SESSION with session_id instead of the location, POST cdrs: each arrives where the guides say."""
    cpo, emsp = site
    session = payloads.session(cpo.party, emsp.party, ident)
    assert cpo.call("PUT", f"/ocpi/2.2.1/sessions/IN/ABC/{ident}", session).outcome == (201, 1000)
    assert emsp.wait("PUT", f"^/ocpi/2.2.1/sessions/IN/ABC/{ident}$").json == session
    stop = {"response_url": f"{emsp.url}/ocpi/callbacks/commands", "session_id": ident}
    assert done(emsp.call("POST", "/ocpi/2.2.1/commands/STOP_SESSION", stop)).data["result"] == "ACCEPTED"
    assert cpo.wait("POST", "^/ocpi/2.2.1/commands/STOP_SESSION$").json["session_id"] == ident
    cdr = payloads.cdr(cpo.party, emsp.party, ident)
    assert cpo.call("POST", "/ocpi/2.2.1/cdrs", cdr).outcome == (201, 1000)
    assert emsp.wait("POST", "^/ocpi/2.2.1/cdrs$", where=lambda r: r.json["id"] == ident).json == cdr


@pytest.mark.parametrize("command", ["RESERVE_NOW", "CANCEL_RESERVATION"])
@rule("hub 5-validation-15")
def test_reservation(site, command):
    cpo, emsp = site
    body = payloads.reserve_now(emsp.party) if command == "RESERVE_NOW" else {"reservation_id": "RES-1"}
    assert done(emsp.command(command, body)).data["result"] == "ACCEPTED"
    assert cpo.wait("POST", f"^/ocpi/2.2.1/commands/{command}$").json["reservation_id"] == "RES-1"
