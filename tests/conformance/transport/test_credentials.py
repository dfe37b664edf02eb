"""The credentials exchange: from either side, with one party or several, rotated, undone, and gone wrong."""

import json
import threading

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import DEADLINE, Hub, eventually
from tests.sim import Gate, Party, Reply, payloads
from tests.sim.client import authorization

VERSIONS, DETAILS = ("GET", "/ocpi/versions$"), ("GET", r"/ocpi/2\.2\.1$")


@pytest.fixture
def planned(hub):
    """A registered CPO before its exchange, and its initial token."""
    platform = hub.add(hub.platform("CPO"))
    return platform, hub.issue(platform.id)


# ---------------------------------------------------------------- the partner begins


@rule("OCPI 4-1", "OCPI 4-2", "OCPI 4-4", "OCPI 4-6", "hub 4-5", "hub 4-6")
def test_the_exchange(hub, planned):
    """Versions and details with the initial token, POST; the hub reads ours with the token in the body and answers with its own."""
    platform, token = planned
    assert hub.status_of(platform.id) == "PLANNED"
    assert platform.get("/ocpi/versions", token=token).code == platform.get("/ocpi/2.2.1", token=token).code == 1000
    answer = platform.post_credentials(token)
    assert answer.outcome == (200, 1000), answer
    assert set(answer.data) == {"token", "url", "roles"} and [role["role"] for role in answer.data["roles"]] == ["HUB"]
    for read in (platform.wait(*VERSIONS), platform.wait(*DETAILS)):
        assert read.headers["authorization"] == authorization(platform.token)
        assert read.headers["x-request-id"] and read.headers["x-correlation-id"]
    assert hub.receiver(platform, "tokens") == f"{platform.url}/ocpi/2.2.1/tokens"
    assert platform.put_credentials().outcome == (200, 1000)
    assert hub.status_of(platform.id) == "CONNECTED"


@rule("OCPI 4-6")
@pytest.mark.parametrize("versions", [True, False], ids=["/versions", "/2.2.1"])
def test_url_in_the_form_of_the_partners_own(hub, versions):
    platform = hub.add(hub.platform("CPO", versions=versions))
    assert platform.post_credentials(hub.issue(platform.id)).data["url"] == f"{hub.url}/ocpi/{'versions' if versions else '2.2.1'}"
    assert hub.receiver(platform, "commands"), "found from either form"


@rule("OCPI 4-3", "OCPI 4-11")
def test_post_of_a_registered_platform(shared):
    answer = shared.cpo.call("POST", "credentials", shared.cpo.credentials())
    assert answer.outcome == (405, 2000) and "PUT" in answer.headers["Allow"], answer


@rule("OCPI 4-12", "OCPI 4-14")
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_put_and_delete_before_the_post(planned, method):
    platform, token = planned
    assert platform.call(method, "credentials", platform.credentials() if method == "PUT" else None, token=token).outcome == (405, 2000)
    assert platform.post_credentials(token).outcome == (200, 1000)


@rule("OCPI 4-13")
def test_patch(shared):
    answer = shared.cpo.call("PATCH", "credentials", {"token": "x"})
    assert answer.outcome == (405, 2000)
    assert {"GET", "POST", "PUT", "DELETE"} <= {word.strip() for word in answer.headers["Allow"].split(",")}


@rule("OCPI 4-10")
def test_get(shared):
    answer = shared.emsp.get("credentials")
    assert answer.outcome == (200, 1000) and answer.data["token"] == shared.emsp.hub_token


@rule("OCPI 4-14")
def test_delete(hub, planned):
    """All tokens of the platform end; it is PLANNED and may begin anew."""
    platform, token = planned
    platform.register(token)
    assert platform.call("DELETE", "credentials").outcome == (200, 1000)
    assert platform.get("hubclientinfo").outcome == (401, 2002) and hub.status_of(platform.id) == "PLANNED"
    platform.register(hub.issue(platform.id))
    assert hub.status_of(platform.id) == "CONNECTED"


@rule("OCPI 4-4")
def test_the_post_waits_and_blocks_nobody(hub, planned):
    """While the hub reads the partner's versions it serves that partner and others."""
    platform, token = planned
    gate, answers = Gate(), []
    platform.script(*VERSIONS, Reply(hold=gate, data=[{"version": "2.2.1", "url": f"{platform.url}/ocpi/2.2.1"}]))
    post = threading.Thread(target=lambda: answers.append(platform.post_credentials(token)))
    post.start()
    platform.wait(*VERSIONS)
    assert platform.get("/ocpi/2.2.1", token=token).outcome == (200, 1000) and not answers
    gate.open()
    post.join(DEADLINE)
    assert answers[0].outcome == (200, 1000)


# ---------------------------------------------------------------- discovery: off, try, require


BROKEN = {
    "3001, versions fail": (VERSIONS, lambda platform: Reply(http=500, code=3000), 3001),
    "3001, not OCPI": (VERSIONS, lambda platform: Reply(body=b"<html>"), 3001),
    "3001, details fail": (DETAILS, lambda platform: Reply(http=404, body=b""), 3001),
    "3002, no 2.2.1": (VERSIONS, lambda platform: Reply(data=[{"version": "2.1.1", "url": f"{platform.url}/ocpi/2.1.1"}]), 3002),
    "3003, no endpoints": (DETAILS, lambda platform: Reply(data={"version": "2.2.1", "endpoints": []}), 3003),
}


@pytest.fixture(scope="module")
def demanding():
    with Hub(discovery="require") as running:
        yield running


@pytest.mark.parametrize("case", [
    pytest.param(case, marks=rule(f"OCPI 2-{code}", "OCPI 4-5")) for case, (_, _, code) in BROKEN.items()
])  # fmt: skip
def test_discovery_required(demanding, case):
    """Nothing is stored and the initial token stays alive: once the partner has mended it, the same POST succeeds."""
    route, reply, code = BROKEN[case]
    platform = demanding.add(demanding.platform("EMSP"))
    token = demanding.issue(platform.id)
    script = platform.script(*route, reply(platform), forever=True)
    answer = platform.post_credentials(token)
    assert answer.outcome == (200, code), answer
    assert demanding.status_of(platform.id) == "PLANNED" and demanding.receiver(platform, "sessions") is None
    platform.unscript(script)
    assert platform.post_credentials(token).outcome == (200, 1000)
    assert demanding.receiver(platform, "sessions")


@rule("OCPI 4-22", "OCPI 2-3001")
def test_a_put_that_fails_changes_nothing(demanding):
    platform = demanding.onboard("CPO")
    script = platform.script(*VERSIONS, Reply(http=500, code=3000), forever=True)
    answer = platform.call("PUT", "credentials", platform.credentials(token="new-token-that-never-was"))
    assert answer.outcome == (200, 3001), answer
    platform.unscript(script)
    assert platform.get("credentials").outcome == (200, 1000)
    assert platform.put_credentials().data["token"] == platform.hub_token


@rule("OCPI 4-5")
def test_discovery_tried(hub, planned):
    """The default: a failure is audited, and the exchange succeeds."""
    platform, token = planned
    platform.script(*VERSIONS, Reply(http=500, code=3000), forever=True)
    assert platform.post_credentials(token).outcome == (200, 1000)
    assert hub.receiver(platform, "tokens") is None
    hub.wait_audit(lambda row: row["party"] == platform.id and "discover" in json.dumps(row), "the audit tells of it")


@rule("OCPI 4-5")
def test_discovery_off(new_hub):
    """The partner is not asked for its endpoints."""
    hub = new_hub(discovery="off")
    platform = hub.onboard("CPO")
    assert hub.status_of(platform.id) == "CONNECTED"
    assert platform.received(*DETAILS) == [] and hub.receiver(platform, "tokens") is None


# ---------------------------------------------------------------- rotation


@rule("OCPI 4-21", "OCPI 4-22")
def test_put_with_the_stored_token_confirms(shared):
    before = shared.cpo.hub_token
    assert shared.cpo.put_credentials().data["token"] == before


@rule("OCPI 4-22", "OCPI 4-12")
def test_rotation_overlaps_on_the_hubs_side(pair):
    """A new partner token brings a new hub token; the old one is valid beside it until it is revoked or its time is over."""
    hub, cpo = pair.hub, pair.cpo
    old = cpo.hub_token
    assert cpo.put_credentials(new_token="second-token-of-the-partner").outcome == (200, 1000) and cpo.hub_token != old
    assert [cpo.get("hubclientinfo", token=token).status for token in (old, cpo.hub_token)] == [200, 200]
    first = min(hub.rows("token", "list", cpo.id), key=lambda row: row["created"])
    hub.ok("token", "revoke", cpo.id, first["fingerprint"])
    assert cpo.get("hubclientinfo", token=old).outcome == (401, 2002) and cpo.get("hubclientinfo").status == 200


@rule("OCPI 4-22")
def test_the_overlap_ends(new_hub):
    hub = new_hub(token_overlap="500ms")
    platform = hub.onboard("CPO")
    old = platform.hub_token
    platform.put_credentials(new_token="second-token-of-the-partner")
    eventually(lambda: platform.get("hubclientinfo", token=old).outcome == (401, 2002), "the old hub token ends")
    assert platform.get("hubclientinfo").status == 200


@rule("OCPI 4-22")
def test_rotation_overlaps_on_the_partners_side(pair):
    """The hub calls with the new partner token, and with the old one where that is still wanted."""
    cpo, emsp = pair.cpo, pair.emsp
    old = cpo.token
    cpo.put_credentials(new_token="second-token-of-the-partner")
    emsp.authorize("NEW")
    assert cpo.received("PUT", "/NEW/")[0].headers["authorization"] == authorization("second-token-of-the-partner")
    cpo.accepted = {old}
    assert emsp.authorize("OLD").data["allowed"] == "ALLOWED"
    assert cpo.received("PUT", "/OLD/")[-1].headers["authorization"] == authorization(old)


# ---------------------------------------------------------------- parties


@rule("OCPI 4-23", "hub 4-1")
def test_a_platform_with_several_parties(hub):
    """One exchange makes all of them CONNECTED; each acts as itself."""
    both = hub.onboard("CPO", "EMSP")
    cpo, emsp = both.parties
    assert [hub.status_of(party.id) for party in both.parties] == ["CONNECTED", "CONNECTED"]
    hub.ok("rule", "enable", emsp.id, cpo.id)
    assert both.call("PUT", f"tokens/{emsp.country_code}/{emsp.party_id}/T1/authorize").data["allowed"] == "ALLOWED"
    assert both.received("PUT", "/authorize$")[0].routing == (emsp.id, cpo.id)


@rule("OCPI 4-23")
def test_one_party_id_in_two_countries(hub):
    first = hub.new_party("CPO")
    second = Party("DE", first.party_id, "CPO")
    platforms = [hub.add(hub.platform(party)) for party in (first, second)]
    for platform in platforms:
        platform.register(hub.issue(platform.id))
        assert platform.put("tariffs", payloads.tariff(platform.party, "T", currency=platform.party.country_code)).outcome == (201, 1000)
    assert [platform.get(platform.object_path("tariffs", "T")).data["currency"] for platform in platforms] == ["IN", "DE"]


@rule("OCPI 4-23", "OCPI 6-4")
def test_one_id_with_two_roles(hub):
    """On one platform: both roles are claimed, both are listed."""
    party = hub.new_party("CPO")
    twin = Party(party.country_code, party.party_id, "EMSP")
    hub.ok("party", "add", party.id, "--role", "CPO", "--role", "EMSP")
    platform = hub.platform(party, twin)
    platform.register(hub.issue(party.id))
    listed = [entry for page in platform.pages("hubclientinfo") for entry in page.data if entry["party_id"] == party.party_id]
    assert sorted((entry["role"], entry["status"]) for entry in listed) == [("CPO", "CONNECTED"), ("EMSP", "CONNECTED")]


@rule("hub 4-3")
def test_one_id_with_two_roles_on_two_platforms(hub):
    """Each has its exchange; hubctl and the hub tell them apart by the role."""
    party = hub.new_party("CPO")
    twin = Party(party.country_code, party.party_id, "EMSP")
    hub.ok("party", "add", party.id, "--role", "CPO")
    hub.ok("party", "add", party.id, "--role", "EMSP", "--platform", "new")
    cpo, emsp = hub.platform(party), hub.platform(twin)
    cpo.register(hub.issue(f"{party.id}:CPO"))
    emsp.register(hub.issue(f"{party.id}:EMSP"))
    assert cpo.put("tariffs", payloads.tariff(party, "T")).outcome == (201, 1000)
    assert emsp.put("tariffs", payloads.tariff(party, "T")).outcome == (403, 2001)
    hub.ok("rule", "enable", party.id, party.id)
    assert emsp.get("tariffs").data[0]["id"] == "T"


@rule("hub 4-2")
@pytest.mark.parametrize("role", ["NSP", "NAP", "SCSP", "OTHER"])
def test_other_roles(hub, role):
    party = Party.parse(hub.new_party("CPO").id, role)
    hub.ok("party", "add", party.id, "--role", role)
    platform = hub.platform(party)
    assert platform.post_credentials(hub.issue(party.id)).outcome == (200, 1000)
    listed = [entry["role"] for page in platform.pages("hubclientinfo") for entry in page.data if entry["party_id"] == party.party_id]
    assert listed == [role]


@rule("OCPI 4-2")
def test_a_role_that_was_not_registered_cannot_be_claimed(planned):
    """2001 with the place; the initial token stays alive."""
    platform, token = planned
    for claimed in ({**platform.party.credentials_role(), "role": "EMSP"}, Party("IN", "ZZZ", "CPO").credentials_role()):
        answer = platform.post_credentials(token, roles=[platform.party.credentials_role(), claimed])
        assert answer.outcome == (200, 2001) and "/roles/1" in answer.message, answer
    assert platform.post_credentials(token).outcome == (200, 1000)


# ---------------------------------------------------------------- the hub begins


@pytest.fixture
def receiver_of_credentials(hub, tmp_path):
    """A registered CPO that waits for the hub's POST; the initial token it gave lies in a file."""
    platform = hub.add(hub.platform("CPO"))
    platform.accepted = {"initial-token-of-the-partner"}
    file = tmp_path / "token"
    file.write_text("initial-token-of-the-partner\n")

    def credentials(request):
        platform.hub_token = request.json["token"]
        platform.accepted.add(platform.token)
        return Reply(data=platform.credentials())

    platform.script("POST", "/ocpi/2.2.1/credentials$", credentials)
    return platform, ["party", "connect", platform.id, "--versions-url", f"{platform.url}/ocpi/versions", "--token-file", file]


@rule("OCPI 4-7")
def test_the_hub_begins(hub, receiver_of_credentials):
    """Versions and details with the initial token, POST of the hub's credentials; from then on the token of the answer."""
    platform, connect = receiver_of_credentials
    hub.ok(*connect)
    (post,) = platform.received("POST", "/credentials$")
    assert [role["role"] for role in post.json["roles"]] == ["HUB"] and post.json["url"].startswith(hub.url)
    for request in (*platform.received("GET", "/ocpi/versions$")[:1], *platform.received(*DETAILS)[:1], post):
        assert request.headers["authorization"] == authorization("initial-token-of-the-partner")
    assert platform.get("hubclientinfo").outcome == (200, 1000)
    assert hub.status_of(platform.id) == "CONNECTED" and hub.receiver(platform, "tokens")
    emsp = hub.onboard("EMSP")
    hub.rule(emsp, platform)
    platform.accepted = {platform.token}
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED"


@rule("OCPI 4-8")
def test_the_hubs_token_works_before_its_post_returns(hub, receiver_of_credentials):
    """The partner reads the hub's versions with it before it answers."""
    platform, connect = receiver_of_credentials
    seen = []

    def credentials(request):
        seen.extend(platform.get(path, token=request.json["token"]).outcome for path in ("/ocpi/versions", "/ocpi/2.2.1"))
        return Reply(data=platform.credentials())

    platform.accepted.add(platform.token)
    platform.script("POST", "/credentials$", credentials)
    hub.ok(*connect)
    assert seen == [(200, 1000), (200, 1000)]


@rule("OCPI 4-8")
@pytest.mark.parametrize("listed", [[], [{"identifier": "tokens", "role": "RECEIVER", "url": "http://127.0.0.1:9/tokens"}]])
def test_no_post_where_the_endpoint_is_missing(hub, receiver_of_credentials, listed):
    platform, connect = receiver_of_credentials
    platform.script(*DETAILS, Reply(data={"version": "2.2.1", "endpoints": listed}), forever=True)
    refused = hub.ctl(*connect)
    assert refused.rc == 1 and "endpoint" in refused.err, refused
    assert platform.received("POST", "/credentials$") == [] and hub.status_of(platform.id) == "PLANNED"
