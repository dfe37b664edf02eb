"""What an exchange teaches, takes back and does not take: endpoints, hosts, tokens, odd documents."""

import base64
import hashlib
import json

import pytest

from tests.e2e.harness import eventually, free_port
from tests.sim import Reply, payloads
from tests.sim.client import authorization
from tests.sim.habits import lists_endpoints, refuses_with, writes_versions

VERSIONS = "^/ocpi/versions$"
DETAILS = r"^/ocpi/2\.2\.1$"
CREDENTIALS = r"/credentials$"


def modules_of(hub, party):
    return {row["module"]: row["url"] for row in hub.rows("receiver", "list", party)}


def card(hub, party):
    return hub.one("party", "show", getattr(party, "id", party))


# ---------------------------------------------------------------- what worked is kept


@pytest.mark.parametrize("begin", ["partner", "hub"])
def test_what_answered_is_kept(hub, begin):
    """The details, where the partner's url is theirs and no list stands beside them; the next discovery begins there too."""
    platform = hub.add(hub.platform("EMSP", versions=False))
    base = f"{platform.url}/ocpi/emsp/2.2.1"
    platform.script("GET", r"^/ocpi/emsp/2\.2\.1$", platform._details, forever=True)
    if begin == "partner":
        assert platform.post_credentials(hub.issue(platform.id), url=base).outcome == (200, 1000)
        assert platform.put_credentials(url=base).outcome == (200, 1000)
    else:
        platform.claims = {"url": base}
        hub.connect(platform, platform.invite())
    assert card(hub, platform)["versions_url"] == base
    assert hub.ok("receiver", "discover", platform.id).out.startswith("receivers of")
    assert hub.status_of(platform.id) == "CONNECTED"


def test_the_list_that_worked_is_asked_again(hub):
    """connect found a list elsewhere than beside the partner's url, which answers nothing: discovery goes on with it."""
    platform, token = hub.invited("EMSP")
    platform.claims = {"url": f"{platform.url}/nothing/here"}
    told = json.loads(hub.connect(platform, token, "--json").out)
    assert "discovery with the new token failed" in told["hints"][0], told
    assert card(hub, platform)["versions_url"] == f"{platform.url}/ocpi/versions"
    assert hub.ok("receiver", "discover", platform.id).out.startswith("receivers of")


def test_another_url_forgets_what_answered(hub):
    """What worked belongs to the system that was left."""
    platform = hub.onboard("CPO")
    assert platform.put_credentials(url=f"http://127.0.0.1:{free_port()}/ocpi/versions").outcome == (200, 1000)
    assert card(hub, platform)["versions_url"] in (None, "")


# ---------------------------------------------------------------- what is not found any more is withdrawn


def wait_held(hub, emsp, count):
    return eventually(lambda: len(hub.held(emsp.id)) == count and hub.held(emsp.id), f"{count} are held")


def test_what_a_new_host_does_not_list_is_withdrawn(hub):
    """PUT credentials with a system that has no cdrs: nothing goes to the old one; it comes when the endpoint is back."""
    _, cpo, emsp = hub.pair()
    old = [r for r in emsp.received("POST", "/cdrs")]
    emsp.hide = {"cdrs"}
    assert emsp.put_credentials().outcome == (200, 1000)
    assert "cdrs" not in modules_of(hub, emsp.id) and "sessions" in modules_of(hub, emsp.id)
    assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "C1")).outcome[1] == 1000
    (row,) = wait_held(hub, emsp, 1)
    assert row["reason"] == "no receiver URL" and emsp.received("POST", "/cdrs") == old
    detail = hub.audit(action="credentials.put", party=emsp.id)[-1]["detail"]
    assert detail["withdrawn"] == [f"{emsp.id} cdrs"], detail
    emsp.hide = set()
    assert emsp.put_credentials().outcome == (200, 1000)
    assert emsp.wait("POST", "/cdrs").json["id"] == "C1"


def test_what_was_queued_is_held(hub):
    """Not only what comes later: what was being retried at the old host is held with its reason."""
    _, cpo, emsp = hub.pair()
    emsp.script("POST", "/cdrs$", Reply(http=503, code=3000), forever=True)
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "C1"))
    emsp.wait("POST", "/cdrs$")
    emsp.hide = {"cdrs"}
    emsp.put_credentials()
    (row,) = wait_held(hub, emsp, 1)
    assert row["reason"] == "no receiver URL"


def test_what_the_account_team_set_stays(hub):
    emsp = hub.onboard("EMSP")
    hub.ok("receiver", "set", emsp.id, "cdrs", f"{emsp.url}/own/cdrs")
    hub.ok("receiver", "set", emsp.id, "x_extra", f"{emsp.url}/own/extra", "--custom")
    emsp.hide = {"cdrs", "sessions"}
    result = hub.ok("receiver", "discover", emsp.id)
    assert result.out == f"withdrawn: {emsp.id} sessions\n", result
    assert {"cdrs", "x_extra"} <= set(modules_of(hub, emsp.id)) and "sessions" not in modules_of(hub, emsp.id)
    (row,) = hub.audit(action="receiver.discover", party=emsp.id)
    assert [entry["module"] for entry in row["detail"]["before"]] == ["sessions"] and "after" not in row["detail"]


def test_a_failed_discovery_withdraws_nothing(hub):
    emsp = hub.onboard("EMSP")
    before = modules_of(hub, emsp.id)
    emsp.script("GET", DETAILS, Reply(http=500, code=3000), forever=True)
    assert emsp.put_credentials().outcome == (200, 1000)
    hub.ctl("receiver", "discover", emsp.id)
    assert modules_of(hub, emsp.id) == before


def test_parties_and_roles_of_a_platform(hub):
    """Each party of the platform, and each role of one, has what is its own."""
    both = hub.onboard("CPO", "EMSP")
    cpo, emsp = both.parties[0].id, both.parties[1].id
    both.hide = {"commands", "cdrs"}
    both.put_credentials()
    assert {"tokens"} <= set(modules_of(hub, cpo)) and not {"commands", "cdrs:sender"} & set(modules_of(hub, cpo))
    assert {"sessions"} <= set(modules_of(hub, emsp)) and "cdrs" not in modules_of(hub, emsp)


@pytest.mark.parametrize("end", ["the partner's DELETE", "token issue --force"])
def test_the_end_withdraws_all(hub, end):
    """What was set stays; the next exchange finds the rest."""
    emsp = hub.onboard("EMSP")
    hub.ok("receiver", "set", emsp.id, "cdrs", f"{emsp.url}/own/cdrs")
    if end.startswith("token"):
        token = hub.ok("token", "issue", emsp.id, "--force").out.strip()
    else:
        assert emsp.call("DELETE", "credentials").outcome == (200, 1000)
        token = hub.issue(emsp.id)
    assert set(modules_of(hub, emsp.id)) == {"cdrs"}
    assert card(hub, emsp)["hosts"] == ["127.0.0.1"], "of the receiver that was set"
    emsp.register(token)
    assert {"sessions", "cdrs", "tokens:sender"} <= set(modules_of(hub, emsp.id))


# ---------------------------------------------------------------- one door for URLs

BAD_BASES = {
    "query": "{url}/ocpi/2.2.1/sessions?code=1",
    "empty query": "{url}/ocpi/2.2.1/sessions?",
    "query before a template": "{url}/ocpi/2.2.1/sessions?id={{id}}",
    "fragment": "{url}/ocpi/2.2.1/sessions#x",
    "user": "http://user:secret@127.0.0.1:9/sessions",
    "scheme": "ftp://127.0.0.1/sessions",
    "no scheme": "127.0.0.1/sessions",
    "space": "{url}/ocpi/2.2.1/my sessions",
    "control": "{url}/ocpi/2.2.1/sessions\u0007",
    "long": "{url}/" + "x" * 1100,
    "nothing but a template": "{{url}}/sessions",
    "the hub": "{hub}/ocpi/2.2.1/sessions",
}
GOOD_BASES = {
    "template": "{url}/ocpi/2.2.1/sessions/{{country_code}}/{{party_id}}",
    "encoded template": "{url}/ocpi/2.2.1/sessions/%7Bcountry_code%7D",
    "slashes": "{url}/ocpi/2.2.1/sessions///",
    "spaces around": " {url}/ocpi/2.2.1/sessions ",
}


def listing(url):
    """The sessions endpoint with that URL."""
    return lists_endpoints(lambda entries: [{**e, "url": url} if e["identifier"] == "sessions" else e for e in entries])


@pytest.mark.parametrize("name", BAD_BASES)
def test_one_door_refuses(hub, name):
    """`receiver set`, a document and discovery refuse the same URLs, and say why without a secret."""
    emsp = hub.add(hub.platform("EMSP"))
    url = BAD_BASES[name].format(url=emsp.url, hub=hub.url)
    result = hub.ctl("receiver", "set", emsp.id, "sessions", url)
    assert result.rc in (1, 2) and "secret" not in result.err, result
    document = json.dumps({"receivers": [{"party": emsp.id, "module": "sessions", "url": url}]})
    result = hub.ctl("apply", "-f", "-", stdin=document)
    assert result.rc == 1 and "secret" not in result.err, result
    emsp.habits = (listing(url),)
    emsp.register(hub.issue(emsp.id))
    assert "sessions" not in modules_of(hub, emsp.id) and "cdrs" in modules_of(hub, emsp.id)
    detail = hub.audit(action="credentials.post", party=emsp.id)[-1]["detail"]
    assert detail["refused"].startswith("sessions: ") and "secret" not in json.dumps(detail), detail
    assert "not taken: sessions" in hub.one("receiver", "discover", emsp.id)["hints"][0]


@pytest.mark.parametrize("name", GOOD_BASES)
def test_one_door_cuts(hub, name):
    emsp = hub.add(hub.platform("EMSP"))
    url = GOOD_BASES[name].format(url=emsp.url)
    emsp.habits = (listing(url),)
    emsp.register(hub.issue(emsp.id))
    assert hub.receiver(emsp, "sessions") == f"{emsp.url}/ocpi/2.2.1/sessions"
    hub.ok("receiver", "set", emsp.id, "sessions", url)
    assert hub.receiver(emsp, "sessions") == f"{emsp.url}/ocpi/2.2.1/sessions"


# ---------------------------------------------------------------- a partner is not the hub


def own_origins(hub):
    port = hub.port
    return [f"http://{host}:{port}" for host in (
        "127.0.0.1", "localhost", "LOCALHOST.", "127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1.", "0.0.0.0",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "x.localhost")]  # fmt: skip


def test_the_hubs_own_origin_is_refused(hub):
    """In every form, at every door; a partner on the same machine with another port stays welcome."""
    _, cpo, emsp = hub.pair()
    location = payloads.location(cpo.party, "L1")
    cpo.put("locations", location)
    for origin in own_origins(hub):
        answer = emsp.put_credentials(url=f"{origin}/ocpi/versions")
        assert answer.outcome == (200, 2001) and "/url" in answer.body.decode(), (origin, answer)
        result = hub.ctl("receiver", "set", emsp.id, "sessions", f"{origin}/ocpi/2.2.1/sessions")
        assert result.rc == 1 and "hub's own" in result.err, (origin, result)
        answer = emsp.command("START_SESSION", payloads.start_session(emsp.party, "L1", response_url=f"{origin}/ocpi/2.2.1/commands/callback/x"))
        assert answer.outcome == (200, 2001) and "/response_url" in answer.body.decode(), (origin, answer)
        planned, token = hub.invited()
        result = hub.connect(planned, token, url=f"{origin}/ocpi/versions", rc=1)
        assert "hub's own" in result.err, (origin, result)
        emsp.habits = (listing(f"{origin}/ocpi/2.2.1/sessions"),)
        assert emsp.put_credentials().outcome == (200, 1000)
        assert "sessions" not in modules_of(hub, emsp.id), origin
        emsp.habits = ()
    assert emsp.put_credentials().outcome == (200, 1000) and "sessions" in modules_of(hub, emsp.id)


def test_a_name_that_leads_to_the_hub_is_not_called(new_hub):
    """Base_url is another one: what is left is the address that the connection goes to."""
    hub = new_hub(base_url="https://hub.example.org")
    emsp = hub.add(hub.platform("EMSP"))
    for url in ("https://hub.example.org/ocpi/versions", "https://HUB.example.org:443/x", "http://hub.example.org./x"):
        answer = emsp.post_credentials(hub.issue(emsp.id), url=url)
        assert answer.outcome == (200, 2001), (url, answer)


@pytest.mark.parametrize("form", [str, lambda token: base64.b64encode(token.encode()).decode()], ids=["raw", "Base64"])
def test_the_hubs_own_tokens_are_refused(hub, form):
    """As a partner token: its own hub token, a replaced one, an initial one, another platform's."""
    platform, other = hub.onboard("CPO"), hub.onboard("EMSP")
    replaced = platform.hub_token
    assert platform.put_credentials("a-new-token-of-the-partner").outcome == (200, 1000)
    planned = hub.add(hub.platform("CPO"))
    initial = hub.issue(planned.id)
    for token in (replaced, platform.hub_token, other.hub_token, initial):
        if len(form(token)) > 64:
            continue
        answer = platform.call("PUT", "credentials", platform.credentials(token=form(token)))
        assert answer.outcome == (200, 2001) and "/token" in answer.body.decode() and token not in answer.body.decode(), answer
        assert planned.post_credentials(initial, token=form(token)).outcome == (200, 2001)
        result = hub.connect(planned, form(token), rc=1)
        assert "has issued" in result.err and token not in result.err, result
    assert planned.post_credentials(initial).outcome == (200, 1000)


# ---------------------------------------------------------------- tokens that were replaced, content that differs


def reordered(platform):
    """The same as OCPI values: other order and white space, null for absent, ids in another case."""
    (role,) = platform.credentials()["roles"]
    details = {**dict(reversed(role["business_details"].items())), "logo": None}
    role = {"business_details": details, "party_id": role["party_id"].lower(), "country_code": role["country_code"].lower(), "role": role["role"]}
    return json.dumps({"roles": [role], "url": platform.credentials()["url"], "token": platform.token}, indent=3)


def test_the_same_post_again(hub):
    """Its answer was lost: a fresh hub token in place of the unused one."""
    platform = hub.add(hub.platform("CPO"))
    initial = hub.issue(platform.id)
    first = platform.post_credentials(initial)
    again = platform.call("POST", "credentials", reordered(platform), token=initial)
    assert again.outcome == first.outcome == (200, 1000) and again.data["token"] != first.data["token"]
    assert platform.get("hubclientinfo", token=first.data["token"]).outcome == (401, 2002)


OTHERS = {
    "token": lambda p: {"token": "another-token-of-somebody"},
    "url": lambda p: {"url": f"{p.url}/ocpi/2.2.1"},
    "details": lambda p: {"roles": [{**p.party.credentials_role(), "business_details": {"name": "Somebody else"}}]},
    "fewer": lambda p: {"roles": [p.parties[0].credentials_role()]},
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_post_with_the_initial_token(hub, name):
    """Not the same content: refused, and the first one holds."""
    platform = hub.add(hub.platform("CPO", "EMSP"))
    initial = hub.issue(platform.id)
    first = platform.post_credentials(initial)
    platform.accepted.add("another-token-of-somebody")
    answer = platform.call("POST", "credentials", platform.credentials(**OTHERS[name](platform)), token=initial)
    assert answer.outcome == (405, 2000) and "PUT" in answer.headers["Allow"] and "other credentials" in answer.body.decode(), answer
    assert platform.put_credentials().outcome == (200, 1000), "the hub token of the first answer is good"
    assert first.data["token"] == platform.hub_token
    again = hub.ctl("token", "issue", platform.id)
    assert again.rc == 1 and "has done the credentials exchange" in again.err


def test_no_content_is_kept_in_the_clear(new_hub):
    """What tells a repetition is a keyed digest: neither the token nor its plain hash is in the database."""
    hub = new_hub()
    platform = hub.add(hub.platform("CPO"))
    platform.post_credentials(hub.issue(platform.id))
    hub.stop()
    found = b"".join(path.read_bytes() for path in hub.directory.glob("state/*"))
    digest = hashlib.sha256(platform.token.encode()).digest()
    assert platform.token.encode() not in found and digest not in found


def test_a_replaced_hub_token(hub):
    """Good for the overlap, used or not - for everything but DELETE credentials."""
    platform = hub.onboard("CPO")
    old = platform.hub_token
    unused = platform.put_credentials("token-number-two").data["token"]
    platform.hub_token = old
    newest = platform.put_credentials("token-number-three").data["token"]
    assert len({old, unused, newest}) == 3
    for token in (old, unused):
        assert platform.get("hubclientinfo", token=token).outcome == (200, 1000)
        answer = platform.call("DELETE", "credentials", token=token)
        assert answer.outcome == (401, 2002) and "replaced" in answer.body.decode(), answer
    assert hub.status_of(platform.id) == "CONNECTED"
    answer = platform.call("PUT", "credentials", platform.credentials(), token=unused)
    assert answer.outcome == (200, 1000), "the answer to a PUT may have been lost"
    assert platform.call("DELETE", "credentials", token=answer.data["token"]).outcome == (200, 1000)
    assert hub.status_of(platform.id) == "PLANNED"


def test_unused_tokens_do_not_pile_up(hub):
    """A partner that PUTs for ever with its old token has the newest ones, not thousands."""
    platform = hub.onboard("CPO")
    old = platform.hub_token
    for number in range(80):
        platform.hub_token = old
        assert platform.put_credentials(f"token-number-{number}").outcome == (200, 1000)
        platform.hub_token, platform.accepted = old, {platform.token}
    assert len(hub.rows("token", "list", platform.id)) <= 40


# ---------------------------------------------------------------- tokens that a partner does not understand

REFUSALS = [(401, 2002), (403, 2001), (403, None), (200, 2001), (200, 2002), (202, 2000)]


@pytest.mark.parametrize("encoding", ["raw", "base64"])
@pytest.mark.parametrize("http, code", REFUSALS)
def test_the_form_that_is_understood(hub, http, code, encoding):
    """However the partner says no to the other form, at the exchange both are tried, and what worked is kept."""
    platform = hub.onboard("EMSP", encodings={encoding}, habits=(refuses_with(http, code),))
    assert {"sessions", "cdrs"} <= set(modules_of(hub, platform.id))
    asked = platform.received("GET", DETAILS)[-1]
    assert asked.headers["authorization"] == authorization(platform.token, encoding)
    begun, token = hub.invited("EMSP", encodings={encoding}, habits=(refuses_with(http, code),))
    hub.connect(begun, token)
    assert "sessions" in modules_of(hub, begun.id)


def test_both_forms_are_refused(hub):
    """The complaint names the URL that was asked, the hint the setting that fixes the form."""
    for http, code in REFUSALS:
        platform, _ = hub.invited("EMSP", habits=(refuses_with(http, code),))
        result = hub.connect(platform, "not-the-token", rc=1)
        assert "--token-encoding raw" in result.err and f"{platform.url}/ocpi/versions" in result.err, (http, code, result)


# ---------------------------------------------------------------- odd documents

SHAPES = {
    "in a list of one": lambda data: {"status_code": 1000, "data": [data], "timestamp": "2026-01-01T00:00:00Z"},
    "in two lists": lambda data: {"status_code": 1000, "data": [[data]]},
    "without status_code": lambda data: {"data": data, "timestamp": "2026-01-01T00:00:00Z"},
    "status_code as text": lambda data: {"status_code": "1000", "data": data},
    "bare": lambda data: data,
    "bare in a list": lambda data: [data],
    "data in data": lambda data: {"status_code": 1000, "data": {"data": data}},
}


def both_begin(hub, role, *habits):
    """Two platforms with these habits, of which one begins the exchange, and with the other one the hub."""
    platform = hub.onboard(role, habits=habits)
    begun, token = hub.invited(role, habits=habits)
    hub.connect(begun, token)
    return [platform, begun]


@pytest.mark.parametrize("name", SHAPES)
def test_documents_in_odd_shapes(hub, name):
    for platform in both_begin(hub, "EMSP", writes_versions(SHAPES[name])):
        assert {"sessions", "cdrs", "tokens:sender"} <= set(modules_of(hub, platform.id))
        assert card(hub, platform)["versions_url"] == f"{platform.url}/ocpi/versions"


@pytest.mark.parametrize("list_of", [
    lambda url: [{"version": "2.1.1", "url": f"{url}/ocpi/2.1.1"}, {"version": "2.2.1", "url": f"{url}/ocpi/2.2.1"}],
    lambda url: [None, 7, "2.2.1", {"version": "2.2.1"}, {"version": "2.2.1", "url": "nonsense"}, {"version": "2.2.1", "url": f"{url}/ocpi/2.2.1"}],
    lambda url: [{"version": "v2.2.1", "url": f"{url}/ocpi/2.2.1"}],
    lambda url: [{"version": " 2.2.1-d2 ", "url": f"{url}/ocpi/2.2.1/"}],
    lambda url: {"versions": [{"version": "2.2.1", "url": f"{url}/ocpi/2.2.1"}]},
])  # fmt: skip
def test_odd_versions_lists(hub, list_of):
    platform = hub.add(hub.platform("EMSP"))
    platform.script("GET", VERSIONS, Reply(data=list_of(platform.url)), forever=True)
    platform.register(hub.issue(platform.id))
    assert "sessions" in modules_of(hub, platform.id)


def test_details_of_another_version(hub):
    """The partner's url is that of its 2.1.1: the list beside it leads to 2.2.1; without one it is 3002."""
    platform = hub.add(hub.platform("EMSP"))
    platform.script("GET", r"^/ocpi/2\.1\.1$", Reply(data={"version": "2.1.1", "endpoints": []}), forever=True)
    assert platform.post_credentials(hub.issue(platform.id), url=f"{platform.url}/ocpi/2.1.1").outcome == (200, 1000)
    assert hub.receiver(platform, "sessions") == f"{platform.url}/ocpi/2.2.1/sessions"
    platform.script("GET", VERSIONS, Reply(http=404, code=2003), forever=True)
    result = hub.ctl("receiver", "discover", platform.id)
    assert result.rc == 1 and "/ocpi/2.1.1: the version details are of 2.1.1" in result.err and "(3002)" in result.err, result


ENDPOINTS = {
    "upper case": lambda e: [{**x, "identifier": x["identifier"].upper(), "role": x["role"].lower()} for x in e],
    "title case": lambda e: [{**x, "identifier": x["identifier"].title(), "role": f" {x['role'].title()} "} for x in e],
    "no role": lambda e: [{k: v for k, v in x.items() if k != "role"} for x in e],
    "null role": lambda e: [{**x, "role": None} for x in e],
    "the first one counts": lambda e: [*e, *({**x, "url": x["url"] + "/second"} for x in e)],
    "the first one that can be used counts": lambda e: [{**x, "url": "nonsense"} for x in e] + e,
    "among rubbish": lambda e: [None, 3, {}, {"identifier": "sessions"}, {"identifier": 5, "url": []}, *e],
    "one hundred others": lambda e: [{**e[0], "identifier": f"x{n}"} for n in range(100)] + e,
}


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("role", ["EMSP", "CPO"])
def test_odd_endpoints(hub, name, role):
    platform = hub.onboard(role, habits=(lists_endpoints(ENDPOINTS[name]),))
    found = modules_of(hub, platform.id)
    for key in {"EMSP": ("sessions", "cdrs", "tokens:sender"), "CPO": ("tokens", "commands", "sessions:sender")}[role]:
        assert found.get(key) == f"{platform.url}/ocpi/2.2.1/{key.partition(':')[0]}", (key, found)


def test_too_many_endpoints_withdraw_nothing(hub):
    """More than are read: what is not seen may be there."""
    emsp = hub.onboard("EMSP")
    before = set(modules_of(hub, emsp.id))
    emsp.habits = (lists_endpoints(lambda e: [{**e[0], "identifier": f"x{n}"} for n in range(200)] + e),)
    hub.ok("receiver", "discover", emsp.id)
    assert before <= set(modules_of(hub, emsp.id))


def test_a_module_is_no_key(hub):
    """An identifier cannot name where the hub keeps another interface."""
    emsp = hub.onboard("EMSP", habits=(lists_endpoints(lambda e: e + [{**e[0], "identifier": "x:sender"}, {**e[0], "identifier": "versions"}]),))
    assert not {"x:sender", "versions"} & set(modules_of(hub, emsp.id))


@pytest.mark.parametrize("pattern, reply", [
    (VERSIONS, Reply(http=404, code=2003)), (VERSIONS, Reply(http=200, code=None, body=b"<html>")), (DETAILS, Reply(http=500, code=3000)),
    (DETAILS, Reply(data={"version": "2.2.1"})), (DETAILS, Reply(data={"version": "2.1.1", "endpoints": []})), (DETAILS, Reply(data=[])),
    (DETAILS, Reply(drop="close")), (VERSIONS, Reply(data=[])),
])  # fmt: skip
def test_errors_name_the_url(hub, pattern, reply):
    """The one that was asked and did not do, whoever is told."""
    asked = "/ocpi/versions" if pattern == VERSIONS else "/ocpi/2.2.1"
    platform, token = hub.invited("EMSP")
    platform.script("GET", pattern, reply, forever=True)
    result = hub.connect(platform, token, rc=1)
    assert f"{platform.url}{asked}" in result.err.splitlines()[0], result
    other = hub.add(hub.platform("EMSP"))
    other.script("GET", pattern, reply, forever=True)
    assert other.post_credentials(hub.issue(other.id)).outcome == (200, 1000)
    detail = hub.audit(action="credentials.post", party=other.id)[-1]["detail"]
    assert detail["discovery"] == "failed" and f"{other.url}{asked}" in detail["reason"], detail


# ---------------------------------------------------------------- require, business details


@pytest.mark.parametrize("role, needed", [("EMSP", "cdrs"), ("EMSP", "sessions"), ("CPO", "commands"), ("CPO", "tokens")])
def test_require_wants_what_the_role_needs(strict_hub, role, needed):
    """3003 names it; the initial token lives; what the account team set counts."""
    hub = strict_hub
    platform = hub.add(hub.platform(role, hide={needed}))
    initial = hub.issue(platform.id)
    answer = platform.post_credentials(initial)
    assert answer.outcome == (200, 3003) and f"{platform.id}: {needed}" in answer.body.decode(), answer
    assert hub.status_of(platform.id) == "PLANNED" and hub.rows("receiver", "list", platform.id) == []
    begun, token = hub.invited(role, hide={needed})
    assert "3003" in hub.connect(begun, token, rc=1).err and begun.received("POST", CREDENTIALS) == []
    hub.ok("receiver", "set", platform.id, needed, f"{platform.url}/own/{needed}")
    assert platform.post_credentials(initial).outcome == (200, 1000)


@pytest.fixture(scope="module")
def strict_hub():
    from tests.e2e.harness import Hub

    with Hub(discovery="require") as hub:
        yield hub


def test_business_details_are_shown(hub):
    """As the partner gave them, unknown fields too: in JSON and for people."""
    platform = hub.onboard("CPO", "EMSP")
    for party in platform.parties:
        details = party.credentials_role()["business_details"]
        assert card(hub, party)["business_details"] == details
        assert details["gstin"] in hub.ok("party", "show", party.id).out
    planned = hub.add(hub.platform("CPO"))
    assert card(hub, planned)["business_details"] is None


def test_custom_modules_go_round(new_hub):
    """A module of the partners' own is exported as such, and applied again."""
    hub = new_hub()
    emsp = hub.add(hub.platform("EMSP"))
    hub.ok("receiver", "set", emsp.id, "payments", "https://xyz.example/payments", "--custom")
    document = hub.ok("export").out
    assert json.loads(document)["receivers"] == [{"party": emsp.id, "module": "payments", "url": "https://xyz.example/payments", "custom": True}]
    hub.ok("receiver", "unset", emsp.id, "payments")
    bare = json.dumps({"receivers": [{"party": emsp.id, "module": "payments", "url": "https://xyz.example/payments"}]})
    assert "no module of OCPI" in hub.ctl("apply", "-f", "-", stdin=bare).err
    hub.ok("apply", "-f", "-", stdin=json.dumps({"receivers": json.loads(document)["receivers"]}))
    assert json.loads(hub.ok("export").out)["receivers"] == json.loads(document)["receivers"]


def test_an_older_initial_token_ends_with_the_post_of_a_newer_one(hub):
    """Of two that were issued one after the other only the one that was presented last may repeat its POST."""
    platform = hub.add(hub.platform("CPO"))
    older = hub.issue(platform.id)
    assert platform.post_credentials(older).outcome == (200, 1000)
    newer = hub.issue(platform.id)
    first = platform.credentials()
    platform.accepted.add("a-token-made-later")
    assert platform.post_credentials(newer, token="a-token-made-later").outcome == (200, 1000)
    assert platform.call("POST", "credentials", first, token=older).outcome == (401, 2002)
    assert platform.call("PUT", "credentials", platform.credentials(token="a-token-made-later")).outcome == (200, 1000)


def test_the_partner_answers_with_the_hubs_token(hub):
    """What the hub has just issued is its own, too."""
    platform, token = hub.invited()

    def reply(request):
        return Reply(data=platform.credentials(token=request.json["token"]))

    platform.script("POST", CREDENTIALS, reply, forever=True)
    result = hub.connect(platform, token, rc=1)
    assert "is one that the hub has issued" in result.err, result
    assert hub.status_of(platform.id) == "PLANNED"


def test_what_is_queued_at_the_end_is_held(hub):
    """DELETE credentials while a CDR is retried: held with its reason, and sent after the next exchange."""
    _, cpo, emsp = hub.pair()
    emsp.script("POST", "/cdrs$", Reply(http=503, code=3000), forever=True)
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "C1"))
    emsp.wait("POST", "/cdrs$")
    assert emsp.call("DELETE", "credentials").outcome == (200, 1000)
    (row,) = wait_held(hub, emsp, 1)
    assert row["reason"] == "no receiver URL"
    emsp.unscript()
    count = len(emsp.received("POST", "/cdrs$"))
    emsp.register(hub.issue(emsp.id))
    assert emsp.wait("POST", "/cdrs$", count=count + 1).json["id"] == "C1"


def test_require_looks_at_the_roles_that_are_claimed(strict_hub):
    """A platform that begins with one of its parties needs what that one's role does."""
    platform = strict_hub.add(strict_hub.platform("CPO", "EMSP", hide={"cdrs"}))
    initial = strict_hub.issue(platform.id)
    assert platform.post_credentials(initial).outcome == (200, 3003)
    answer = platform.post_credentials(initial, roles=[platform.parties[0].credentials_role()])
    assert answer.outcome == (200, 1000), answer


@pytest.mark.parametrize("begin", ["partner", "hub"])
def test_probes_ask_what_answered(new_hub, begin):
    """A url of details beside which nothing stands: the platform does not fall OFFLINE for a guessed one."""
    hub = new_hub(probe_interval="100ms", probe_timeout="1s", offline_after="1s")
    platform = hub.add(hub.platform("EMSP"))
    base = f"{platform.url}/ocpi/emsp/2.2.1"
    platform.script("GET", r"^/ocpi/emsp/2\.2\.1$", platform._details, forever=True)
    if begin == "partner":
        assert platform.post_credentials(hub.issue(platform.id), url=base).outcome == (200, 1000)
    else:
        platform.claims = {"url": base}
        hub.connect(platform, platform.invite())
    asked = len(platform.received("GET", "^/ocpi/emsp/"))
    platform.wait("GET", r"^/ocpi/emsp/2\.2\.1$", count=asked + 20)
    assert platform.received("GET", "^/ocpi/emsp/versions") == [] and hub.status_of(platform.id) == "CONNECTED"
