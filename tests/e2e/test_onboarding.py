"""Versions, credentials, tokens: how a partner comes in, rotates and leaves."""

import re
import threading

import pytest

from tests.e2e.harness import Hub, eventually, finds_pointer, forms, later
from tests.sim import Gate, Party, Reply, payloads
from tests.sim.client import authorization, http_call


@pytest.fixture
def planned(hub):
    """A CPO that the account team has registered, with its initial token; the exchange is not done."""
    platform = hub.add(hub.platform("CPO"))
    yield platform, hub.issue(platform.id)
    platform.close()


# ---------------------------------------------------------------- versions


@pytest.mark.parametrize("path", ["/ocpi/versions", "/ocpi/2.2.1", "/ocpi/2.2.1/credentials"])
def test_every_route_needs_a_token(hub, path):
    """Versions included: no token, or an unknown one, is 401 with WWW-Authenticate: Token and status_code 2002."""
    platform = hub.platform("CPO")
    for answer in (platform.get(path), platform.get(path, token="nobody-knows-this")):
        assert answer.outcome == (401, 2002), answer
        assert answer.headers["WWW-Authenticate"] == "Token"


def test_versions_and_details_with_the_initial_token(hub, planned):
    """The initial token opens both GETs; every URL handed out begins with base_url; credentials stands under both roles."""
    platform, token = planned
    versions = platform.get("/ocpi/versions", token=token)
    assert versions.outcome == (200, 1000), versions
    assert versions.data == [{"version": "2.2.1", "url": f"{hub.url}/ocpi/2.2.1"}]
    for path in ("/ocpi/2.2.1", "/ocpi/2.2.1/"):
        details = platform.get(path, token=token)
        assert details.outcome == (200, 1000), details
    assert details.data["version"] == "2.2.1"
    listed = {(entry["identifier"], entry["role"]): entry["url"] for entry in details.data["endpoints"]}
    for module, role in [
        ("credentials", "SENDER"), ("credentials", "RECEIVER"), ("hubclientinfo", "SENDER"), ("locations", "SENDER"),
        ("locations", "RECEIVER"), ("tariffs", "SENDER"), ("tariffs", "RECEIVER"), ("tokens", "RECEIVER"),
        ("commands", "RECEIVER"), ("sessions", "RECEIVER"), ("cdrs", "RECEIVER"),
    ]:  # fmt: skip
        assert listed.get((module, role)) == f"{hub.url}/ocpi/2.2.1/{module}", (module, role)


@pytest.mark.parametrize("module", ["locations", "tariffs", "hubclientinfo", "sessions"])
def test_initial_token_opens_nothing_else(planned, module):
    """An initial token outside versions and credentials is 401."""
    platform, token = planned
    answer = platform.get(module, token=token)
    assert answer.outcome == (401, 2002), answer


# ---------------------------------------------------------------- POST


@pytest.mark.parametrize("versions", [True, False], ids=["own url ends in /versions", "own url ends in /2.2.1"])
def test_post_credentials(hub, versions):
    """The answer is the hub's credentials with the one role HUB; its url has the form of the partner's own."""
    platform = hub.add(hub.platform("CPO", versions=versions))
    assert hub.status_of(platform.id) == "PLANNED"
    answer = platform.post_credentials(hub.issue(platform.id))
    assert answer.outcome == (200, 1000), answer
    assert answer.data["url"] == f"{hub.url}/ocpi/{'versions' if versions else '2.2.1'}"
    (role,) = answer.data["roles"]
    assert (role["role"], role["country_code"], role["party_id"]) == ("HUB", "IN", "CIH")
    assert role["business_details"]["name"] == "ChargeIndia Hub"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43,}", answer.data["token"]), "256 random bits as URL-safe text"
    assert platform.put_credentials().outcome == (200, 1000)
    assert hub.status_of(platform.id) == "CONNECTED"


def test_post_credentials_as_the_guide_prints_it(hub):
    """The onboarding guide's own example works, placeholders filled, token sent raw as printed there."""
    platform = hub.add(hub.platform("CPO", versions=False, sends="raw"))
    body = """{
      "token": "your-platform-token",
      "url": "%s/ocpi/2.2.1",
      "roles": [
        {
          "role": "CPO",
          "party_id": "%s",
          "country_code": "IN",
          "business_details": { "name": "Your CPO Ltd" }
        }
      ]
    }""" % (platform.url, platform.party.party_id)
    platform.accepted.add("your-platform-token")
    answer = platform.call("POST", "credentials", body, token=hub.issue(platform.id))
    assert answer.outcome == (200, 1000), answer
    platform.hub_token = answer.data["token"]
    confirm = platform.call("PUT", "credentials", body)
    assert confirm.outcome == (200, 1000), confirm
    info = platform.get("hubclientinfo", query={"limit": 1000})
    (own,) = [entry for entry in info.data if entry["party_id"] == platform.party.party_id]
    assert (own["status"], own["role"], own["country_code"]) == ("CONNECTED", "CPO", "IN")
    assert "last_updated" in own


def test_discovery_fills_the_receivers(hub):
    """On POST the hub reads the partner's versions and details with the partner's token and keeps the receiver URLs."""
    platform = hub.add(hub.platform("EMSP"))
    platform.post_credentials(hub.issue(platform.id))
    platform.wait("GET", "^/ocpi/versions$")
    platform.wait("GET", r"^/ocpi/2\.2\.1$")
    for module in ("sessions", "cdrs"):
        assert hub.receiver(platform, module) == f"{platform.url}/ocpi/2.2.1/{module}"


def test_discovery_keeps_the_senders_too(hub):
    """What the hub asks of an owner of data: the SENDER interfaces, as MODULE:sender beside the RECEIVER ones."""
    both = hub.onboard("CPO", "EMSP")
    for party, found, absent in [
        (both.parties[0], {"tokens", "sessions:sender", "locations:sender"}, {"tokens:sender", "sessions"}),
        (both.parties[1], {"tokens:sender", "sessions", "locations"}, {"tokens", "sessions:sender"}),
    ]:
        listed = {row["module"]: row["url"] for row in hub.rows("receiver", "list", party.id)}
        assert found <= set(listed) and not absent & set(listed), listed
        assert all(url == f"{both.url}/ocpi/2.2.1/{module.partition(':')[0]}" for module, url in listed.items())
    cpo = both.parties[0].id
    hub.ok("receiver", "set", cpo, "sessions:sender", f"{both.url}/own/sessions")
    assert hub.receiver(both, "sessions:sender") == f"{both.url}/own/sessions"
    hub.ok("receiver", "unset", cpo, "sessions:sender")
    assert hub.receiver(both, "sessions:sender") is None


def test_discovery_leaves_what_the_account_team_set(hub):
    """Discovery fills only receiver URLs that the account team has not set."""
    platform = hub.add(hub.platform("EMSP"))
    elsewhere = f"{platform.url}/special/sessions"
    hub.ok("receiver", "set", platform.id, "sessions", elsewhere)
    platform.register(hub.issue(platform.id))
    assert hub.receiver(platform, "sessions") == elsewhere
    assert hub.receiver(platform, "cdrs") == f"{platform.url}/ocpi/2.2.1/cdrs"


def test_claimed_role_must_be_registered(hub, planned):
    """A role that the account team did not register is 2001 naming the place; the initial token stays alive."""
    platform, token = planned
    stranger = Party("IN", "ZZZ", "CPO").credentials_role()
    wrong_role = {**platform.party.credentials_role(), "role": "EMSP"}
    for claimed in (stranger, wrong_role):
        answer = platform.post_credentials(token, roles=[platform.party.credentials_role(), claimed])
        assert answer.outcome == (200, 2001), answer
        assert finds_pointer(answer, "/roles/1"), answer.message
    assert platform.post_credentials(token).outcome == (200, 1000)


def test_claimed_party_of_another_platform(hub, planned, shared):
    """A role that another platform holds is 2001, in POST and in PUT; nothing changes on either side."""
    platform, token = planned
    claims = [platform.party.credentials_role(), shared.cpo.party.credentials_role()]
    for send in (lambda: platform.post_credentials(token, roles=claims), lambda: platform.put_credentials(roles=claims)):
        answer = send()
        assert answer.outcome == (200, 2001) and finds_pointer(answer, "/roles/1") and shared.cpo.party.party_id in answer.message, answer
        if platform.hub_token is None:
            assert hub.status_of(platform.id) == "PLANNED"
            platform.register(token)
    assert platform.get("credentials").outcome == (200, 1000)
    assert hub.one("party", "show", shared.cpo.id)["credentials_url"] == f"{shared.cpo.url}/ocpi/versions"
    assert shared.cpo.get("credentials").outcome == (200, 1000)


def test_one_id_on_two_platforms(hub):
    """IN-ABC may be the CPO of one platform and the eMSP of another; each claims its own role, and only that."""
    party = hub.new_party("CPO")
    twin = Party(party.country_code, party.party_id, "EMSP", party.name)
    platforms = {}
    for own in (party, twin):
        hub.ok("party", "add", party.id, "--role", own.role, "--name", party.name, *(["--platform", "new"] if own is twin else []))
        platforms[own] = hub.platform(own)
    for own, other in ((party, twin), (twin, party)):
        token = hub.issue(f"{party.id}:{own.role}")
        answer = platforms[own].post_credentials(token, roles=[own.credentials_role(), other.credentials_role()])
        assert answer.outcome == (200, 2001) and finds_pointer(answer, "/roles/1"), answer
        platforms[own].register(token)
        assert hub.status_of(f"{party.id}:{own.role}") == "CONNECTED"


def test_ids_are_claimed_in_any_case(planned):
    """Ids compare case-insensitively."""
    platform, token = planned
    role = {**platform.party.credentials_role(), "party_id": platform.party.party_id.lower(), "country_code": "in"}
    assert platform.post_credentials(token, roles=[role]).outcome == (200, 1000)


@pytest.mark.parametrize("field, value", [("token", None), ("url", None), ("roles", None), ("roles", []), ("token", 17)])
def test_incomplete_credentials(planned, field, value):
    """token, url and roles are essential: 2001 with the JSON pointer, and the initial token stays alive."""
    platform, token = planned
    body = platform.credentials(**{field: value})
    if value is None:
        del body[field]
    answer = platform.call("POST", "credentials", body, token=token)
    assert answer.outcome == (200, 2001), answer
    assert finds_pointer(answer, f"/{field}"), answer.message
    assert platform.post_credentials(token).outcome == (200, 1000)


def test_credentials_that_are_not_json(planned):
    """A body that is not JSON is 400 with 2001."""
    platform, token = planned
    answer = platform.call("POST", "credentials", "{token:", token=token)
    assert answer.outcome == (400, 2001), answer


def test_already_registered(hub, pair):
    """POST with the hub token of a registered platform is 405."""
    answer = pair.cpo.call("POST", "credentials", pair.cpo.credentials())
    assert answer.outcome == (405, 2000), answer
    assert set(re.split(r",\s*", answer.headers["Allow"])) == {"GET", "HEAD", "PUT", "DELETE"}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_not_yet_registered(planned, method):
    """PUT and DELETE before the POST are 405."""
    platform, token = planned
    answer = platform.call(method, "credentials", platform.credentials() if method == "PUT" else None, token=token)
    assert answer.outcome == (405, 2000), answer
    assert set(re.split(r",\s*", answer.headers["Allow"])) == {"GET", "HEAD", "POST"}


def test_credentials_has_no_patch(pair):
    """A method that is not offered is 405 with Allow."""
    answer = pair.cpo.call("PATCH", "credentials", {"token": "x"})
    assert answer.outcome == (405, 2000), answer
    assert {"GET", "POST", "PUT", "DELETE"} <= set(re.split(r",\s*", answer.headers["Allow"]))


def test_post_repeated_after_a_lost_answer(hub, planned):
    """Until the new hub token is used the same POST answers a fresh hub token in place of the unused one."""
    platform, token = planned
    first = platform.post_credentials(token)
    second = platform.post_credentials(token)
    assert first.outcome == second.outcome == (200, 1000), second
    assert first.data["token"] != second.data["token"]
    assert platform.get("hubclientinfo", token=first.data["token"]).outcome == (401, 2002)
    assert platform.get("hubclientinfo", token=second.data["token"]).outcome == (200, 1000)


def test_initial_token_dies_at_the_first_use_of_the_hub_token(planned):
    """Afterwards it is an unknown token everywhere."""
    platform, token = planned
    platform.post_credentials(token)
    assert platform.get("/ocpi/versions", token=token).status == 200, "still alive: the hub token is unused"
    assert platform.get("hubclientinfo").outcome == (200, 1000)
    assert platform.get("/ocpi/versions", token=token).outcome == (401, 2002)
    assert platform.call("POST", "credentials", platform.credentials(), token=token).outcome == (401, 2002)


def test_initial_token_expires(hub, planned):
    """token issue --ttl: an expired initial token is 401."""
    platform, _ = planned
    token = hub.ok("token", "issue", platform.id, "--ttl", "2s").out.strip()
    assert platform.get("/ocpi/versions", token=token).status == 200
    expired = eventually(
        lambda: (answer := platform.get("/ocpi/versions", token=token)).status != 200 and answer, "the token expires"
    )
    assert expired.outcome == (401, 2002)


def test_revoked_initial_token(hub, planned):
    """token revoke: a revoked token is 401 at once."""
    platform, token = planned
    (row,) = hub.rows("token", "list", platform.id)
    hub.ok("token", "revoke", platform.id, row["fingerprint"])
    assert platform.get("/ocpi/versions", token=token).outcome == (401, 2002)


def test_a_slow_partner_blocks_nobody(hub, planned):
    """The POST stays open while the hub reads the partner's versions; others are served meanwhile."""
    platform, token = planned
    gate = Gate()
    platform.script("GET", "/ocpi/versions$", Reply(hold=gate, data=[{"version": "2.2.1", "url": f"{platform.url}/ocpi/2.2.1"}]))
    answers = []
    thread = threading.Thread(target=lambda: answers.append(platform.post_credentials(token)))
    thread.start()
    platform.wait("GET", "/ocpi/versions$")
    other = hub.onboard("EMSP")
    assert other.get("hubclientinfo").status == 200
    assert not answers, "the POST waits for discovery"
    gate.open()
    thread.join()
    assert answers[0].outcome == (200, 1000)


# ---------------------------------------------------------------- discovery settings

FAILURES = {
    3001: ("GET", "/ocpi/versions$", Reply(http=500, code=3000)),
    3002: ("GET", "/ocpi/versions$", Reply(data=[{"version": "2.1.1", "url": "http://127.0.0.1/ocpi/2.1.1"}])),
    3003: ("GET", r"/ocpi/2\.2\.1$", Reply(data={"version": "2.2.1", "endpoints": []})),
}


@pytest.fixture(scope="module")
def strict_hub():
    with Hub(discovery="require") as running:
        yield running


@pytest.mark.parametrize("code", FAILURES)
def test_discovery_required(strict_hub, code):
    """discovery = require: unreachable versions 3001, no 2.2.1 3002, no endpoints 3003; the initial token stays alive."""
    platform = strict_hub.add(strict_hub.platform("CPO"))
    token = strict_hub.issue(platform.id)
    platform.script(*FAILURES[code], forever=True)
    assert platform.post_credentials(token).outcome == (200, code)
    assert strict_hub.status_of(platform.id) == "PLANNED"
    platform.unscript()
    assert platform.post_credentials(token).outcome == (200, 1000)


@pytest.mark.parametrize("code", FAILURES)
def test_discovery_tried(hub, planned, code):
    """discovery = try, the default: a failure is audited and the exchange succeeds."""
    platform, token = planned
    platform.script(*FAILURES[code], forever=True)
    assert platform.post_credentials(token).outcome == (200, 1000)
    hub.wait_audit(lambda row: "discover" in str(row) and row["party"] == platform.id, "the failed discovery in the audit")
    assert hub.receiver(platform, "tokens") is None


def test_discovery_never_calls_a_refused_address(new_hub):
    """Loopback is refused unless allow_networks lists it: nothing is asked there, and the exchange succeeds all the same."""
    hub = new_hub(allow_networks=None)
    platform = hub.add(hub.platform("CPO"))
    answer = platform.post_credentials(hub.issue(platform.id))
    assert answer.outcome == (200, 1000), answer
    assert platform.received() == []


def test_discovery_carries_the_token_to_no_other_host(hub, planned):
    """A versions list may point at another host: the partner's token is not shown there, and the exchange succeeds all the same."""
    platform, token = planned
    other = hub.platform("CPO")
    elsewhere = f"http://localhost:{other.server.port}/ocpi/2.2.1"
    details = Reply(data={"version": "2.2.1", "endpoints": [{"identifier": "tokens", "role": "RECEIVER", "url": elsewhere + "/tokens"}]})
    other.script("GET", "/", details, forever=True)
    platform.script("GET", "/ocpi/versions$", Reply(data=[{"version": "2.2.1", "url": elsewhere}]), forever=True)
    platform.register(token)
    platform.wait("GET", "/ocpi/versions$")
    shown = [r for r in other.received() if any(form.decode() in r.headers.get("authorization", "") for form in forms(platform.token))]
    assert not shown, shown[0]


# ---------------------------------------------------------------- PUT, GET, DELETE


def test_put_with_the_stored_token_confirms(pair):
    """The answer repeats the presented hub token."""
    before = pair.cpo.hub_token
    answer = pair.cpo.put_credentials()
    assert answer.outcome == (200, 1000), answer
    assert answer.data["token"] == before
    assert [role["role"] for role in answer.data["roles"]] == ["HUB"]


def test_get_credentials(pair):
    """GET answers the hub's credentials with the presented token."""
    answer = pair.emsp.get("credentials")
    assert answer.outcome == (200, 1000), answer
    assert answer.data["token"] == pair.emsp.hub_token
    assert answer.data["roles"][0]["party_id"] == "CIH"


def test_rotation_with_overlap(hub, pair):
    """PUT with a new partner token issues a new hub token; the old one stays valid until it is revoked."""
    cpo, emsp = pair.cpo, pair.emsp
    old_hub_token = cpo.hub_token
    answer = cpo.put_credentials(new_token="second-token-of-the-partner")
    assert answer.outcome == (200, 1000), answer
    assert cpo.hub_token != old_hub_token
    for token in (old_hub_token, cpo.hub_token):
        assert cpo.get("hubclientinfo", token=token).status == 200
    cpo.accepted = {"second-token-of-the-partner"}
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED", "the hub calls with the new partner token"
    old = sorted(hub.rows("token", "list", cpo.id), key=lambda row: row.get("created", ""))[0]
    hub.ok("token", "revoke", cpo.id, old["fingerprint"])
    assert cpo.get("hubclientinfo", token=old_hub_token).outcome == (401, 2002)
    assert cpo.get("hubclientinfo").status == 200


def test_rotation_falls_back_to_the_old_partner_token(pair):
    """A partner that still wants its old token (401 to the new one) is called with the old one inside the overlap."""
    cpo, emsp = pair.cpo, pair.emsp
    old = cpo.token
    assert cpo.put_credentials(new_token="not-active-yet-at-the-partner").outcome == (200, 1000)
    cpo.accepted = {old}
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED"


def test_overlap_ends(new_hub):
    """token_overlap: afterwards the old hub token is 401."""
    hub = new_hub(token_overlap="1s")
    platform = hub.onboard("CPO")
    old = platform.hub_token
    platform.put_credentials(new_token="second-token-of-the-partner")
    eventually(lambda: platform.get("hubclientinfo", token=old).outcome == (401, 2002), "the old hub token dies")
    assert platform.get("hubclientinfo").status == 200


def test_delete_credentials(hub, pair):
    """DELETE unregisters: tokens revoked, status PLANNED; a new initial token starts over."""
    cpo = pair.cpo
    assert cpo.call("DELETE", "credentials").outcome == (200, 1000)
    assert cpo.get("hubclientinfo").outcome == (401, 2002)
    assert hub.status_of(cpo.id) == "PLANNED"
    cpo.register(hub.issue(cpo.id))
    assert hub.status_of(cpo.id) == "CONNECTED"


# ---------------------------------------------------------------- forms of tokens


def test_hub_token_is_accepted_raw_and_in_base64(pair):
    """Also with the scheme in lower case, and with the line end that OCPI's own Base64 examples contain."""
    cpo = pair.cpo
    encoded = authorization(cpo.hub_token)
    newline = authorization(cpo.hub_token + "\n")
    raw = authorization(cpo.hub_token, "raw")
    for value in (encoded, raw, encoded.replace("Token", "token"), raw.replace("Token", "TOKEN"), newline):
        answer = http_call("GET", f"{cpo.hub}/ocpi/2.2.1/credentials", headers={"Authorization": value})
        assert answer.outcome == (200, 1000), (value, answer)
    for value in (encoded.replace("Token", "Bearer"), encoded[:-6], "Token", "Token "):
        answer = http_call("GET", f"{cpo.hub}/ocpi/2.2.1/credentials", headers={"Authorization": value})
        assert answer.outcome == (401, 2002), (value, answer)


HEX_TOKEN = "deadbeefcafef00d" * 2  # its raw form is itself valid Base64


@pytest.mark.parametrize("encodings", [{"base64"}, {"raw"}])
@pytest.mark.parametrize("token", [None, HEX_TOKEN], ids=["text", "hex that is valid Base64"])
def test_partner_token_in_the_form_that_works(hub, encodings, token):
    """Outbound Base64 first, raw after a 401; what worked is remembered, so that later calls hit at once."""
    cpo = hub.onboard("CPO", encodings=encodings, sends=next(iter(encodings)), token=token)
    emsp = hub.onboard("EMSP")
    hub.rule(emsp, cpo)
    assert hub.receiver(cpo, "tokens"), "discovery got through"
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED"
    (request,) = cpo.received("PUT", "/tokens/")
    assert request.headers["authorization"] == authorization(cpo.token, next(iter(encodings)))


def test_encoding_can_be_fixed(hub, pair):
    """party set --token-encoding: the hub sends that form first."""
    hub.ok("party", "set", pair.cpo.id, "--token-encoding", "raw")
    pair.emsp.authorize("T1")
    assert pair.cpo.received("PUT", "/tokens/")[0].headers["authorization"] == authorization(pair.cpo.token, "raw")


# ---------------------------------------------------------------- several parties


def test_one_platform_with_two_parties(hub):
    """A CPO and an eMSP of one platform share its credentials; both are CONNECTED and may act."""
    both = hub.onboard("CPO", "EMSP")
    cpo_party, emsp_party = both.parties
    assert [hub.status_of(party.id) for party in both.parties] == ["CONNECTED", "CONNECTED"]
    hub.ok("rule", "enable", emsp_party.id, cpo_party.id)
    path = f"tokens/{emsp_party.country_code}/{emsp_party.party_id}/T1/authorize"
    answer = both.call("PUT", path)
    assert answer.data["allowed"] == "ALLOWED", answer
    assert both.received("PUT", "/tokens/")[0].routing == (emsp_party.id, cpo_party.id)


def test_one_party_with_two_roles(hub):
    """party add with --role twice: both roles may be claimed and both are listed in hubclientinfo."""
    party = hub.new_party("CPO")
    hub.ok("party", "add", party.id, "--role", "CPO", "--role", "EMSP", "--name", "Both Ltd")
    twin = Party(party.country_code, party.party_id, "EMSP", "Both Ltd")
    platform = hub.platform(party, twin)
    platform.register(hub.issue(party.id))
    info = platform.get("hubclientinfo", query={"limit": 1000}).data
    roles = [entry["role"] for entry in info if entry["party_id"] == party.party_id]
    assert sorted(roles) == ["CPO", "EMSP"]


def test_sender_must_be_the_owner(hub):
    """OCPI-from that names another party of the platform than the path does: 403 `party mismatch`; the path's owner may."""
    both = hub.onboard("CPO", "CPO")
    first, second = both.parties
    path, body = both.object_path("tariffs", "T1", second), payloads.tariff(second, "T1")
    answer = both.call("PUT", path, body, sender=first.id)
    assert answer.outcome == (403, 2001) and "party mismatch" in answer.message, answer
    assert both.get(path, sender=second.id).outcome == (404, 2003)
    assert both.call("PUT", path, body, sender=second.id.lower()).outcome == (201, 1000)


def test_suspended_party_as_sender(hub):
    """OCPI-from that names a suspended party is 401 on every module, hubclientinfo too; its platform's other party goes on."""
    both = hub.onboard("CPO", "CPO")
    suspended, other = both.parties
    hub.ok("party", "suspend", suspended.id, "--reason", "unpaid")

    def outcomes(party):
        path = both.object_path("tariffs", "T1", party)
        push = both.call("PUT", path, payloads.tariff(party, "T1"), sender=party.id)
        return push.outcome, both.get(path, sender=party.id).outcome, both.get("hubclientinfo", sender=party.id).outcome

    assert outcomes(suspended) == ((401, 2002),) * 3
    assert outcomes(other) == ((201, 1000), (200, 1000), (200, 1000))


def test_suspended_party(hub, pair):
    """Every request of a suspended party is 401; after resume it works again."""
    hub.ok("party", "suspend", pair.emsp.id, "--reason", "unpaid")
    assert pair.emsp.get("locations").outcome == (401, 2002)
    assert hub.status_of(pair.emsp.id) == "SUSPENDED"
    hub.ok("party", "resume", pair.emsp.id)
    assert pair.emsp.get("locations").outcome == (200, 1000)


def test_hubclientinfo_single_and_pages(pair):
    """GET list is paginated; the single form answers one party in any case; the hub itself is not listed."""
    first = pair.cpo.get("hubclientinfo", query={"limit": 1})
    assert len(first.data) == 1 and int(first.headers["X-Total-Count"]) >= 2
    entries = [(entry["party_id"], entry["role"]) for answer in pair.cpo.pages("hubclientinfo", limit=1) for entry in answer.data]
    listed = {party_id for party_id, _ in entries}
    assert {pair.cpo.party.party_id, pair.emsp.party.party_id} <= listed and "CIH" not in listed
    assert len(entries) == len(set(entries)) == int(first.headers["X-Total-Count"])
    single = pair.cpo.get(f"hubclientinfo/in/{pair.emsp.party.party_id.lower()}")
    assert single.outcome == (200, 1000), single
    assert (single.data["party_id"], single.data["role"], single.data["status"]) == (pair.emsp.party.party_id, "EMSP", "CONNECTED")
    assert pair.cpo.get("hubclientinfo/IN/QQQ").outcome == (404, 2003)


@pytest.mark.parametrize("end", ["DELETE", "token issue --force"])
def test_hubclientinfo_tells_of_the_end(hub, pair, end):
    """The end of a registration is a change like any other: PLANNED, last_updated moves, an incremental sync finds it."""
    platform = hub.onboard("CPO")
    mark = later(pair.emsp)
    if end == "DELETE":
        assert platform.call("DELETE", "credentials").outcome == (200, 1000)
    else:
        hub.ok("token", "issue", platform.id, "--force")
    listed = [entry for answer in pair.emsp.pages("hubclientinfo", date_from=mark) for entry in answer.data]
    (entry,) = [entry for entry in listed if entry["party_id"] == platform.party.party_id]
    assert entry["status"] == "PLANNED" and entry["last_updated"] >= mark, entry


def test_hubclientinfo_tells_of_the_exchange(hub, pair, planned):
    """PLANNED to CONNECTED is a change like any other: last_updated moves, an incremental sync finds it."""
    platform, token = planned

    def entry(**query):
        listed = [entry for answer in pair.emsp.pages("hubclientinfo", **query) for entry in answer.data]
        return next((entry for entry in listed if entry["party_id"] == platform.party.party_id), None)

    before, mark = entry(), later(pair.emsp)
    assert before["status"] == "PLANNED" and entry(date_from=mark) is None
    platform.register(token)
    after = entry(date_from=mark)
    assert after and after["status"] == "CONNECTED" and after["last_updated"] >= mark > before["last_updated"], (before, after)
