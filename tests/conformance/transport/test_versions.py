"""Who the hub is, where it is found, and what its versions and details say."""

import re
from urllib.parse import urlsplit

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import Hub
from tests.sim import Reply, payloads

BASE = "https://hub.example.org"
FUNCTIONAL = {
    "locations": {"SENDER", "RECEIVER"}, "tariffs": {"SENDER", "RECEIVER"}, "sessions": {"RECEIVER"}, "cdrs": {"RECEIVER"},
    "tokens": {"RECEIVER"}, "commands": {"RECEIVER"},
}  # fmt: skip


@pytest.fixture(scope="module")
def public():
    """A pair at a hub behind another address, which is somebody else than by default."""
    with Hub(base_url=BASE, country_code="NL", party_id="HBX", name="Other Hub") as hub:
        yield hub.pair()


def endpoints(answer):
    """URLs of a details document by (identifier, role)."""
    assert answer.outcome == (200, 1000), answer
    return {(entry["identifier"], entry["role"]): entry["url"] for entry in answer.data["endpoints"]}


@rule("hub 1-1", "OCPI 4-24", "OCPI 1.9-1")
def test_the_hubs_party(shared):
    """Its one role; no party behind it is listed as its own."""
    (role,) = shared.cpo.get("credentials").data["roles"]
    assert (role["role"], role["country_code"], role["party_id"]) == ("HUB", "IN", "CIH")
    assert role["business_details"]["name"] == "ChargeIndia Hub"


@rule("hub 1-2")
def test_another_party_by_configuration(public):
    """In its credentials, and in the headers where TO = hub."""
    (role,) = public.cpo.get("credentials").data["roles"]
    assert (role["country_code"], role["party_id"], role["business_details"]["name"]) == ("NL", "HBX", "Other Hub")
    assert public.emsp.get("locations", to="NL-HBX").outcome == (200, 1000)
    assert public.emsp.get("locations", to="IN-CIH").outcome == (200, 4001)


@rule("hub 1-3", "hub 1-5", "OCPI 3-1")
def test_versions_and_details(hub, shared):
    versions = shared.cpo.get("/ocpi/versions")
    assert versions.outcome == (200, 1000) and versions.data == [{"version": "2.2.1", "url": f"{hub.url}/ocpi/2.2.1"}]
    details = shared.cpo.get(versions.data[0]["url"])
    assert details.data["version"] == "2.2.1"
    assert all(set(entry) == {"identifier", "role", "url"} and entry["role"] in ("SENDER", "RECEIVER") for entry in details.data["endpoints"])


@rule("OCPI 3-1")
def test_the_initial_token_opens_both(hub):
    platform = hub.add(hub.platform("EMSP"))
    token = hub.issue(platform.id)
    assert platform.get("/ocpi/versions", token=token).outcome == platform.get("/ocpi/2.2.1", token=token).outcome == (200, 1000)


@rule("OCPI 3-2", "OCPI 3-3", "OCPI 1.9-4", "hub 1-6")
def test_endpoints(hub, shared):
    """One document for all roles: both interfaces of each module, each module at one URL, credentials under both roles."""
    listed = endpoints(shared.cpo.get("/ocpi/2.2.1"))
    assert endpoints(shared.emsp.get("/ocpi/2.2.1")) == listed
    wanted = {"credentials": {"SENDER", "RECEIVER"}, "hubclientinfo": {"SENDER"}, **FUNCTIONAL}
    for module, roles in wanted.items():
        for role in roles:
            assert listed.get((module, role)) == f"{hub.url}/ocpi/2.2.1/{module}", (module, role)


@rule("OCPI 1.9-4")
@pytest.mark.parametrize("module, role", [("tokens", "SENDER"), ("chargingprofiles", "RECEIVER")])
def test_interfaces_that_are_only_forwarded(shared, module, role):
    """The CPO pulls tokens and asks for authorizations through the hub; charging profiles pass through it."""
    assert (module, role) in endpoints(shared.cpo.get("/ocpi/2.2.1"))


@rule("hub 1-7")
@pytest.mark.parametrize("path", ["/ocpi/versions", "/ocpi/2.2.1", "credentials", "hubclientinfo", "locations", "tariffs"])
def test_slash_at_the_end(shared, path):
    assert shared.emsp.get(path + "/").outcome == shared.emsp.get(path).outcome == (200, 1000)


@rule("hub 1-7")
def test_slash_behind_an_object(shared):
    path = shared.cpo.object_path("tariffs", "SLASH")
    assert shared.cpo.call("PUT", path + "/", payloads.tariff(shared.cpo.party, "SLASH")).outcome == (201, 1000)
    assert shared.emsp.get(path).outcome == shared.emsp.get(path + "/").outcome == (200, 1000)


@rule("hub 1-4", "OCPI 3-4")
def test_every_url_handed_out_begins_with_base_url(public):
    """Versions, endpoints, credentials, Link, Location and callback."""
    hub, cpo, emsp = public
    urls = [entry["url"] for entry in cpo.get("/ocpi/versions").data]
    urls += [entry["url"] for entry in cpo.get("/ocpi/2.2.1").data["endpoints"]]
    urls.append(cpo.get("credentials").data["url"])
    for number in range(2):
        cpo.put("locations", payloads.location(cpo.party, f"L{number}", evses=[]))
    urls.append(re.match(r'<([^>]+)>; *rel="next"', emsp.get("locations", query={"limit": 1}).headers["Link"])[1])
    urls.append(cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party)).headers["Location"])
    emsp.command("START_SESSION", payloads.start_session(emsp.party))
    urls.append(cpo.wait("POST", "/commands/").json["response_url"])
    assert len(urls) > 15 and all(url.startswith(BASE + "/ocpi/") for url in urls), urls
    assert emsp.get(urlsplit(urls[-3]).path + "?" + urlsplit(urls[-3]).query).outcome == (200, 1000)


@rule("OCPI 3-4", "OCPI 1.8-22")
@pytest.mark.parametrize("end", ["", "/"])
def test_partners_urls_are_used_as_they_stand(hub, end):
    """Opaque and absolute, whatever their path; joined with one slash."""
    cpo, emsp = hub.add(hub.platform("CPO")), hub.onboard("EMSP")
    url = f"{cpo.url}/api/v7/tok{end}"
    details = {"version": "2.2.1", "endpoints": [{"identifier": "tokens", "role": "RECEIVER", "url": url}]}
    cpo.script("GET", r"/2\.2\.1$", Reply(data=details), forever=True)
    cpo.script("PUT", "^/api/v7/tok/", Reply(data={"allowed": "ALLOWED"}))
    cpo.register(hub.issue(cpo.id))
    hub.rule(emsp, cpo)
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED"
    assert cpo.received("PUT", "/api/")[0].path == f"/api/v7/tok/IN/{emsp.party.party_id}/T1/authorize"


@rule("OCPI 3-6", "OCPI 1.2-4")
def test_unknown_versions_and_broken_entries_do_no_harm(hub):
    """Of a partner's lists the good entries are taken."""
    cpo = hub.add(hub.platform("CPO"))
    version = {"version": "2.2.1", "url": f"{cpo.url}/ocpi/2.2.1"}
    tokens = {"identifier": "tokens", "role": "RECEIVER", "url": f"{cpo.url}/ocpi/2.2.1/tokens"}
    cpo.script("GET", "/versions$", Reply(data=[{"version": "3.0", "url": "http://x/"}, {"version": "2.1.1"}, None, version]), forever=True)
    cpo.script("GET", r"/2\.2\.1$", Reply(data={"version": "2.2.1", "endpoints": [{"identifier": "zzz"}, {"role": 5}, 7, tokens]}), forever=True)
    cpo.register(hub.issue(cpo.id))
    assert hub.receiver(cpo, "tokens") == tokens["url"]


@rule("OCPI 3-6", "OCPI 4-12", "OCPI 4-21")
def test_a_changed_endpoint_list_is_told_by_put(hub):
    emsp = hub.onboard("EMSP", hide={"cdrs"})
    assert hub.receiver(emsp, "cdrs") is None
    emsp.hide = set()
    before = len(emsp.received("GET", "/ocpi/"))
    assert emsp.put_credentials().outcome == (200, 1000)
    assert hub.receiver(emsp, "cdrs") == f"{emsp.url}/ocpi/2.2.1/cdrs"
    assert len(emsp.received("GET", "/ocpi/")) >= before + 2, "versions and details were read again"
