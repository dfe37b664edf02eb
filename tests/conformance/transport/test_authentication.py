"""Tokens: the forms that are taken and sent, who may speak for whom, and where no token ever stands."""

import re
import uuid
from datetime import datetime

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import finds_pointer, forms
from tests.sim import Party, Reply, payloads
from tests.sim.client import authorization, http_call

HEX = uuid.UUID(int=0xDEADBEEFCAFEF00DDEADBEEFCAFEF00D).hex  # a token whose raw form is valid Base64


def ask(platform, value, name="Authorization"):
    """GET credentials with this header as it is."""
    return http_call("GET", platform.hub + "/ocpi/2.2.1/credentials", headers={name: value})


@rule("OCPI 1.1-2", "hub 3-1")
def test_hub_token_in_base64_and_raw(shared):
    token = shared.cpo.hub_token
    for value in (authorization(token), authorization(token, "raw")):
        answer = ask(shared.cpo, value)
        assert answer.outcome == (200, 1000) and answer.data["token"] == token, "raw inside the object"
    encoded = authorization(token)
    for value in (encoded.replace("Token", "Bearer"), encoded[:-6], encoded + "x", "Token", "Token ", encoded.replace("Token ", "")):
        assert ask(shared.cpo, value).outcome == (401, 2002), value


@rule("OCPI 1.1-5")
def test_header_name_and_scheme_in_any_case(shared):
    value = authorization(shared.cpo.hub_token)
    for name in ("authorization", "AUTHORIZATION"):
        for scheme in ("token", "TOKEN"):
            assert ask(shared.cpo, value.replace("Token", scheme), name).outcome == (200, 1000), (name, scheme)


@rule("OCPI 1.1-8")
def test_line_feed_at_the_end_of_a_decoded_token(shared):
    """As the Base64 printed in OCPI's own text has it. The hub sends none."""
    assert ask(shared.cpo, authorization(shared.cpo.hub_token + "\n")).outcome == (200, 1000)
    shared.emsp.authorize("LF")
    sent = shared.cpo.received("PUT", "/LF/authorize$")[0].headers["authorization"]
    assert sent == authorization(shared.cpo.token) != authorization(shared.cpo.token + "\n")


@rule("OCPI 1.1-6", "OCPI 1.1-7", "hub 3-2")
@pytest.mark.parametrize("form", ["base64", "raw"])
@pytest.mark.parametrize("token", ["partner-token-of-its-own", HEX], ids=["text", "valid Base64"])
def test_form_that_a_partner_wants_is_found(hub, form, token):
    """Base64 is tried first, raw after a 401; later calls are right at once."""
    cpo, emsp = hub.onboard("CPO", encodings={form}, sends=form, token=f"{token}{'0' if form == 'raw' else '1'}"), hub.onboard("EMSP")
    hub.rule(emsp, cpo)
    tried = [request.headers["authorization"] for request in cpo.received("GET", "^/ocpi/versions$")]
    assert tried[0] == authorization(cpo.token) and (form == "base64" or tried[1] == authorization(cpo.token, "raw"))
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED"
    (request,) = cpo.received("PUT", "/authorize$")
    assert request.headers["authorization"] == authorization(cpo.token, form)


@rule("hub 3-3", "OCPI 1.1-6")
def test_form_fixed_by_hand(pair):
    pair.hub.ok("party", "set", pair.cpo.id, "--token-encoding", "raw")
    pair.emsp.authorize("T1")
    assert pair.cpo.received("PUT", "/authorize$")[0].headers["authorization"] == authorization(pair.cpo.token, "raw")


@rule("hub 3-4")
def test_every_route_wants_a_token_but_the_callback(hub, shared):
    stranger = hub.platform("CPO")
    details = shared.cpo.get("/ocpi/2.2.1").data["endpoints"]
    for url in [hub.url + "/ocpi/versions", hub.url + "/ocpi/2.2.1", *{entry["url"] for entry in details}]:
        for method in ("GET", "POST", "PUT"):
            assert stranger.call(method, url, None if method == "GET" else {}).outcome == (401, 2002), (method, url)
    shared.emsp.command("START_SESSION", payloads.start_session(shared.emsp.party))
    request = shared.cpo.wait("POST", "/commands/START_SESSION")
    assert shared.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)


@rule("OCPI 1.1-9")
def test_sender_must_be_a_party_of_the_platform(hub, pair):
    """OCPI-from of another platform's party is refused on every functional module, and nothing reaches anybody."""
    other_emsp, other_cpo = hub.onboard("EMSP"), hub.onboard("CPO")
    hub.rule(other_emsp, pair.cpo)
    for answer in (
        pair.emsp.authorize("T1", sender=other_emsp.id),
        pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party), sender=other_emsp.id),
        pair.emsp.get("locations", sender=other_emsp.id),
        pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party), sender=other_cpo.id),
        pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party), sender="IN-QQQ"),
        pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party), sender=other_cpo.id),
    ):
        assert answer.code == 2001, answer
    assert pair.cpo.received("*", "/(tokens|commands)/") == [] and pair.hub.deliveries(to=pair.emsp.id) == []


@rule("hub 3-8")
def test_hub_tokens_are_256_random_bits(shared):
    tokens = {shared.cpo.hub_token, shared.emsp.hub_token, shared.hub.issue(shared.hub.add(shared.hub.platform("CPO")).id)}
    assert len(tokens) == 3 and all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


@rule("hub 3-9")
def test_initial_token_lasts_seven_days(hub):
    platform = hub.add(hub.platform("CPO"))
    issued = hub.one("token", "issue", platform.id)
    (row,) = hub.rows("token", "list", platform.id)
    created, expires = (datetime.strptime(row[field], "%Y-%m-%dT%H:%M:%S.%fZ") for field in ("created", "expires"))
    assert issued["expires"] == row["expires"] and (expires - created).total_seconds() == pytest.approx(7 * 86400, abs=60)


@rule("hub 3-10", "hub 3-12", "OCPI 4-6")
def test_used_initial_token(hub):
    """Until the hub token is used the same POST answers another one in its place; the first use ends the initial token."""
    platform = hub.add(hub.platform("CPO"))
    token = hub.issue(platform.id)
    first, second = platform.post_credentials(token), platform.post_credentials(token)
    assert first.outcome == second.outcome == (200, 1000) and first.data["token"] != second.data["token"]
    assert platform.get("hubclientinfo", token=first.data["token"]).outcome == (401, 2002)
    assert platform.get("/ocpi/versions", token=token).status == 200
    assert platform.get("hubclientinfo").outcome == (200, 1000)
    for method, path, body in (("GET", "/ocpi/versions", None), ("POST", "credentials", platform.credentials())):
        assert platform.call(method, path, body, token=token).outcome == (401, 2002)


@rule("hub 3-5")
def test_tokens_stand_nowhere(new_hub):
    """Neither in the state directory nor in the log, the audit or what hubctl lists; lists have a fingerprint."""
    hub = new_hub(log_level="debug")
    cpo, emsp = hub.onboard("CPO", encodings={"raw"}, sends="raw"), hub.onboard("EMSP")
    hub.rule(emsp, cpo)
    secrets = [cpo.token, emsp.token, cpo.hub_token, emsp.hub_token, hub.issue(hub.add(hub.platform("CPO")).id), "unknown-token-0123456789"]
    cpo.get("locations", token=secrets[-1])
    cpo.script("PUT", "/authorize$", Reply(http=401, code=2002), Reply(http=401, code=2002), Reply(drop="reset"))
    answers = [emsp.authorize("T1") for _ in range(3)]
    cpo.put_credentials(new_token="rotated-partner-token-0123456789")
    secrets += [cpo.token, cpo.hub_token]
    tokens = hub.rows("token", "list")
    assert all(re.fullmatch(r"[0-9a-f]{8}", row["fingerprint"]) for row in tokens)
    shown = [str(hub.ctl("--json", *words)) for words in (["token", "list"], ["party", "show", cpo.id], ["audit", "tail", "-n", "1000"])]
    hub.stop()
    files = [path.read_bytes() for path in (hub.directory / "state").rglob("*") if path.is_file()]
    assert files
    for content in [*files, hub.stderr().encode(), *(text.encode() for text in shown), *(answer.body for answer in answers)]:
        assert not any(form in content for secret in secrets for form in forms(secret))


@rule("OCPI 4-25")
def test_a_party_of_another_platform_cannot_be_claimed(hub, shared):
    platform = hub.add(hub.platform("CPO"))
    roles = [platform.party.credentials_role(), shared.cpo.party.credentials_role()]
    token = hub.issue(platform.id)
    answer = platform.post_credentials(token, roles=roles)
    assert answer.outcome == (200, 2001) and finds_pointer(answer, "/roles/1"), answer
    assert platform.post_credentials(token).outcome == (200, 1000)
    answer = platform.put_credentials(roles=roles)
    assert answer.outcome == (200, 2001) and finds_pointer(answer, "/roles/1"), answer
    twin = Party(shared.cpo.party.country_code.lower(), shared.cpo.party.party_id.lower(), "CPO")
    assert platform.put_credentials(roles=[twin.credentials_role()]).outcome == (200, 2001)
