"""What a partner may try to bring past the hub to another partner: a response_url of its own choice, a path that climbs."""

import json
from urllib.parse import parse_qs, quote

import pytest

from tests.e2e.test_routing import CALLBACK, PROFILE, charged
from tests.sim import Reply, payloads

EVIL = "http://127.0.0.2:9/evil"
ACCEPTED = Reply(data={"result": "ACCEPTED", "timeout": 30})


def twice(body, member):
    """The JSON text of an object with one member more, whatever it has already."""
    return json.dumps(body)[:-1] + f", {member}}}"


def refused(answer, cpo):
    """2001 that names the place, and the CPO saw nothing of it."""
    assert answer.outcome == (200, 2001) and "response_url" in answer.message, answer
    assert not cpo.received("*", "/(chargingprofiles|commands|custom)/")


# ---------------------------------------------------------------- a response_url that the hub would not replace


@pytest.mark.parametrize(
    "second",
    [f'"response_url": "{EVIL}"', f'"response\\u005furl": "{EVIL}"', f'"Response_URL": "{EVIL}"'],
    ids=["the same name", "an escaped name", "another case"],
)
def test_two_response_urls_in_a_body(pair, second):
    """Readers differ in which of two they take: the CPO would bring its token to the other one."""
    ident = charged(pair)
    body = {"charging_profile": PROFILE, "response_url": pair.emsp.response_url()}
    refused(pair.emsp.call("PUT", f"chargingprofiles/{ident}", twice(body, second)), pair.cpo)
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party, "LOC-S")).code == 1000
    command = {**payloads.start_session(pair.emsp.party, "LOC-S"), "response_url": pair.emsp.response_url()}
    refused(pair.emsp.call("POST", "commands/START_SESSION", twice(command, second)), pair.cpo)


@pytest.mark.parametrize("value", [f'["{EVIL}"]', f'{{"url": "{EVIL}"}}', "5"])
def test_response_url_that_is_no_string(pair, value):
    """Nothing that a lenient reader could unwrap goes on as it came."""
    pair.hub.ok("receiver", "set", pair.cpo.id, "custom", f"{pair.cpo.url}/ocpi/2.2.1/custom", "--custom")
    refused(pair.emsp.call("POST", "custom/go", f'{{"response_url": {value}}}', to=pair.cpo.id), pair.cpo)


def test_response_url_of_another_spelling(pair):
    """In a body only OCPI's own spelling is one."""
    pair.hub.ok("receiver", "set", pair.cpo.id, "custom", f"{pair.cpo.url}/ocpi/2.2.1/custom", "--custom")
    refused(pair.emsp.call("POST", "custom/go", {"RESPONSE_URL": EVIL}, to=pair.cpo.id), pair.cpo)


@pytest.mark.parametrize("name", ["response_url", "response%5Furl", "RESPONSE_URL"])
def test_two_response_urls_in_a_query(pair, name):
    ident = charged(pair)
    good = quote(pair.emsp.response_url(), safe="")
    path = f"chargingprofiles/{ident}?response_url={good}&{name}={quote(EVIL, safe='')}"
    refused(pair.emsp.call("GET", path), pair.cpo)


def test_response_urls_in_body_and_query(pair):
    ident = charged(pair)
    body = {"charging_profile": PROFILE, "response_url": pair.emsp.response_url()}
    refused(pair.emsp.call("PUT", f"chargingprofiles/{ident}?response_url={quote(EVIL, safe='')}", body), pair.cpo)


def test_encoded_name_in_a_query_is_replaced(pair):
    """Where nothing but the query has one, its name may be written as it likes."""
    pair.hub.ok("receiver", "set", pair.cpo.id, "custom", f"{pair.cpo.url}/ocpi/2.2.1/custom", "--custom")
    pair.cpo.script("GET", "/custom/", ACCEPTED)
    url = pair.emsp.response_url()
    assert pair.emsp.call("GET", f"custom/x?response%5Furl={quote(url, safe='')}&a=1", to=pair.cpo.id).outcome == (200, 1000)
    query = parse_qs(pair.cpo.wait("GET", "/custom/x$").query)
    assert CALLBACK.match(query["response_url"][0]) and query["a"] == ["1"]
    evil = f"custom/x?response%5Furl={quote('http://elsewhere.example/', safe='')}"
    answer = pair.emsp.call("GET", evil, to=pair.cpo.id)
    assert answer.outcome == (200, 2001) and "elsewhere.example" in answer.message, answer


def test_null_is_no_response_url(pair):
    pair.hub.ok("receiver", "set", pair.cpo.id, "custom", f"{pair.cpo.url}/ocpi/2.2.1/custom", "--custom")
    pair.cpo.script("POST", "/custom/", Reply())
    assert pair.emsp.call("POST", "custom/go", {"response_url": None}, to=pair.cpo.id).outcome == (200, 1000)


# ---------------------------------------------------------------- paths that climb


@pytest.mark.parametrize("segment", ["..%2fcredentials", "a%2F..%2F..%2Fcredentials", "%2e%2e%2fcredentials", "..%5ccredentials", "x%2f%2e"])
def test_path_that_climbs_behind_an_encoded_slash(pair, segment):
    """A server that decodes before it takes dots away would find its own credentials module there, called with the hub's token."""
    pair.hub.ok("receiver", "set", pair.cpo.id, "custom", f"{pair.cpo.url}/ocpi/2.2.1/custom", "--custom")
    assert pair.emsp.call("DELETE", f"custom/{segment}", to=pair.cpo.id).outcome == (200, 2001)
    base = pair.emsp.object_path("tokens", "X").rsplit("/", 1)[0]
    assert pair.emsp.call("PUT", f"{base}/{segment}/authorize", to=pair.cpo.id).outcome == (200, 2001)
    session = payloads.session(pair.cpo.party, pair.emsp.party, "S")
    assert pair.cpo.call("PUT", pair.cpo.object_path("sessions", "S").rsplit("/", 1)[0] + "/" + segment, session).outcome == (200, 2001)
    assert not pair.cpo.received("*", "/(custom|tokens)/") and not pair.emsp.received("*", "/sessions/")


def test_slash_and_dots_in_an_id_are_fine_as_long_as_they_do_not_climb(pair):
    """Ids may hold any printable character."""
    base = pair.emsp.object_path("tokens", "X").rsplit("/", 1)[0]
    assert pair.emsp.call("PUT", f"{base}/A%2FB..C/authorize", to=pair.cpo.id).outcome == (200, 1000)


# ---------------------------------------------------------------- known modules in disguise


@pytest.mark.parametrize("spelling", ["%63redentials", "credential%73", "Credentials", "CREDENTIALS"])
@pytest.mark.parametrize("method", ["DELETE", "PUT", "GET"])
def test_credentials_are_not_passed_on(pair, method, spelling):
    """A partner that could reach another's credentials module with the hub's token could unregister the hub there, or take its place."""
    before = len(pair.cpo.received("*", "/credentials"))
    body = {"token": "mine", "url": EVIL, "roles": []} if method == "PUT" else None
    assert pair.emsp.call(method, spelling, body, to=pair.cpo.id).outcome == (404, 2003)
    assert len(pair.cpo.received("*", "/credentials")) == before


@pytest.mark.parametrize("spelling", ["%74okens", "Tokens"])
def test_checks_of_a_module_are_not_evaded(pair, spelling):
    """Under another spelling a module has no checks: this would be another eMSP's token."""
    answer = pair.emsp.call("PUT", f"{spelling}/IN/OTH/T1", payloads.token(pair.emsp.party, "T1"), to=pair.cpo.id)
    assert answer.outcome == (404, 2003)
    assert not pair.cpo.received("*", "/tokens/")


@pytest.mark.parametrize("module", ["sessions", "cdrs", "locations"])
@pytest.mark.parametrize("colon", [":", "%3a"])
def test_keys_of_receivers_are_no_modules(pair, module, colon):
    """The hub's token opens the CPO's SENDER interfaces: what they list concerns other eMSPs too."""
    assert pair.emsp.get(f"{module}{colon}sender", to=pair.cpo.id).outcome == (404, 2003)
    assert not pair.cpo.received("GET", f"/{module}$")
