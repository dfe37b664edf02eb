"""What an exchange takes and does not take: tokens, URLs, hosts, documents; and what it takes back."""

import base64

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import Hub, eventually, free_port
from tests.sim import Reply, payloads
from tests.sim.client import authorization
from tests.sim.habits import lists_endpoints, refuses_with, writes_versions


def modules_of(hub, party):
    return {row["module"]: row["url"] for row in hub.rows("receiver", "list", party)}


# ---------------------------------------------------------------- tokens


@rule("hub 3-2")
@pytest.mark.parametrize("refusal", [(401, 2002), (403, 2001), (200, 2001)], ids=str)
def test_a_form_that_is_refused(hub, refusal):
    """However the partner refuses Base64 at the exchange, raw is tried and kept."""
    platform = hub.onboard("EMSP", encodings={"raw"}, habits=(refuses_with(*refusal),))
    cpo = hub.onboard("CPO")
    hub.rule(platform, cpo)
    cpo.put("sessions", payloads.session(cpo.party, platform.party, "S1"))
    assert platform.wait("PUT", "/sessions/").headers["authorization"] == authorization(platform.token, "raw")


@rule("hub 3-13")
def test_another_post(hub):
    platform = hub.add(hub.platform("CPO"))
    initial = hub.issue(platform.id)
    assert platform.post_credentials(initial).outcome == (200, 1000)
    platform.accepted.add("the-token-of-another")
    answer = platform.call("POST", "credentials", platform.credentials(token="the-token-of-another"), token=initial)
    assert answer.outcome == (405, 2000) and "PUT" in answer.headers["Allow"]
    assert platform.put_credentials().outcome == (200, 1000)


@rule("hub 3-14")
def test_replaced_hub_tokens(hub):
    platform = hub.onboard("CPO")
    used = platform.hub_token
    unused = platform.put_credentials("the-second-token").data["token"]
    platform.hub_token = used
    platform.put_credentials("the-third-token")
    for token in (used, unused):
        assert platform.get("hubclientinfo", token=token).outcome == (200, 1000)
        assert platform.call("DELETE", "credentials", token=token).outcome == (401, 2002)
    assert platform.call("DELETE", "credentials").outcome == (200, 1000)


@rule("hub 5-credentials-1")
@pytest.mark.parametrize("form", [str, lambda token: base64.b64encode(token.encode()).decode()], ids=["raw", "Base64"])
def test_the_hubs_own_tokens(hub, form):
    platform, other = hub.onboard("CPO"), hub.onboard("EMSP")
    for token in (platform.hub_token, other.hub_token):
        answer = platform.call("PUT", "credentials", platform.credentials(token=form(token)))
        assert answer.outcome == (200, 2001) and "/token" in answer.body.decode(), answer


# ---------------------------------------------------------------- URLs and hosts


@rule("hub 5-credentials-2")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_the_hubs_own_origin(hub, pair, host):
    own = f"http://{host}:{hub.port}/ocpi"
    assert pair.emsp.put_credentials(url=f"{own}/versions").outcome == (200, 2001)
    assert hub.ctl("receiver", "set", pair.emsp.id, "sessions", f"{own}/2.2.1/sessions").rc == 1
    pair.cpo.put("locations", payloads.location(pair.cpo.party, "L1"))
    body = payloads.start_session(pair.emsp.party, "L1", response_url=f"{own}/2.2.1/commands/callback/x")
    assert pair.emsp.command("START_SESSION", body).outcome == (200, 2001)
    pair.emsp.habits = (lists_endpoints(lambda entries: [{**e, "url": f"{own}/2.2.1/{e['identifier']}"} for e in entries if e["identifier"] == "cdrs"] + entries),)
    assert pair.emsp.put_credentials().outcome == (200, 1000)
    assert hub.receiver(pair.emsp, "cdrs") == f"{pair.emsp.url}/ocpi/2.2.1/cdrs", "the next one that can be used"


@rule("hub 5-credentials-4")
def test_discovered_urls(hub):
    """A template is cut; a query is refused, as by hand."""
    urls = {"sessions": "/ocpi/2.2.1/sessions/{country_code}", "cdrs": "/ocpi/2.2.1/cdrs?code=1"}
    platform = hub.platform("EMSP", habits=(lists_endpoints(
        lambda entries: [{**e, "url": platform.url + urls.get(e["identifier"], "/x")} for e in entries]),))  # fmt: skip
    hub.add(platform).register(hub.issue(platform.id))
    assert hub.receiver(platform, "sessions") == f"{platform.url}/ocpi/2.2.1/sessions" and hub.receiver(platform, "cdrs") is None
    assert hub.ctl("receiver", "set", platform.id, "cdrs", platform.url + urls["cdrs"]).rc == 1


@rule("hub 12-14")
def test_a_host_that_was_only_named(hub, pair):
    pair.cpo.put("locations", payloads.location(pair.cpo.party, "L1"))
    assert pair.emsp.put_credentials(url=f"http://localhost:{free_port()}/ocpi/versions").outcome == (200, 1000)
    there = f"http://localhost:{pair.emsp.server.port}/ocpi/callbacks/1"
    body = payloads.start_session(pair.emsp.party, "L1", response_url=there)
    assert pair.emsp.command("START_SESSION", body).outcome == (200, 2001)
    details = [{"version": "2.2.1", "url": f"http://localhost:{pair.emsp.server.port}/ocpi/2.2.1"}]
    pair.emsp.script("GET", "/ocpi/versions$", Reply(data=details), forever=True)
    assert pair.emsp.put_credentials(url=f"http://localhost:{pair.emsp.server.port}/ocpi/versions").outcome == (200, 1000)
    assert pair.emsp.command("START_SESSION", body).outcome == (200, 1000)


# ---------------------------------------------------------------- documents


@rule("hub 5-credentials-3")
def test_what_is_not_found_any_more(hub, pair):
    pair.emsp.hide = {"cdrs"}
    assert pair.emsp.put_credentials().outcome == (200, 1000)
    pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, "C1"))
    (row,) = eventually(lambda: hub.held(pair.emsp.id), "it is held")
    assert row["reason"] == "no receiver URL" and pair.emsp.received("POST", "/cdrs$") == []
    pair.emsp.hide = set()
    assert pair.emsp.put_credentials().outcome == (200, 1000)
    assert pair.emsp.wait("POST", "/cdrs$").json["id"] == "C1"


@rule("hub 5-credentials-5")
@pytest.mark.parametrize("shape", [
    pytest.param(lambda data: {"status_code": 1000, "data": [data]}, id="in a list of one"),
    pytest.param(lambda data: {"data": data}, id="without status_code"),
    pytest.param(lambda data: data, id="without the envelope"),
])  # fmt: skip
def test_documents_in_odd_shapes(hub, shape):
    platform = hub.onboard("CPO", habits=(writes_versions(shape),))
    assert {"tokens", "commands"} <= set(modules_of(hub, platform.id))


@rule("hub 5-credentials-6")
@pytest.mark.parametrize("role, needed", [("EMSP", "cdrs"), ("EMSP", "sessions"), ("CPO", "commands"), ("CPO", "tokens")])
def test_endpoints_that_are_required(strict, role, needed):
    platform = strict.add(strict.platform(role, hide={needed}))
    initial = strict.issue(platform.id)
    answer = platform.post_credentials(initial)
    assert answer.outcome == (200, 3003) and needed in answer.body.decode()
    platform.hide = set()
    assert platform.post_credentials(initial).outcome == (200, 1000)


@pytest.fixture(scope="module")
def strict():
    with Hub(discovery="require") as hub:
        yield hub


# ---------------------------------------------------------------- what the hub lists itself

# For each interface that OCPI or the hub has: who asks it, with what (the path is below the module).
REQUESTS = {
    ("credentials", "SENDER"): [("cpo", "GET", "")],
    ("credentials", "RECEIVER"): [("cpo", "GET", "")],
    ("hubclientinfo", "SENDER"): [("cpo", "GET", "")],
    ("hubclientinfo", "RECEIVER"): [("cpo", "PUT", "/IN/ABC")],
    ("locations", "SENDER"): [("emsp", "GET", "")],
    ("locations", "RECEIVER"): [("cpo", "PUT", "/{cpo}/L1"), ("cpo", "PATCH", "/{cpo}/L1")],
    ("tariffs", "SENDER"): [("emsp", "GET", "")],
    ("tariffs", "RECEIVER"): [("cpo", "PUT", "/{cpo}/T1")],
    ("tokens", "SENDER"): [("cpo", "POST", "/T1/authorize")],
    ("tokens", "RECEIVER"): [("emsp", "PUT", "/{emsp}/T1/authorize")],
    ("commands", "SENDER"): [("cpo", "POST", "/callback")],
    ("commands", "RECEIVER"): [("emsp", "POST", "/STOP_SESSION")],
    ("sessions", "SENDER"): [("emsp", "GET", ""), ("emsp", "PUT", "/S1/charging_preferences")],
    ("sessions", "RECEIVER"): [("cpo", "PUT", "/{cpo}/S1")],
    ("cdrs", "SENDER"): [("emsp", "GET", "")],
    ("cdrs", "RECEIVER"): [("cpo", "POST", "")],
    ("chargingprofiles", "SENDER"): [("cpo", "PUT", "/S1")],
    ("chargingprofiles", "RECEIVER"): [("emsp", "GET", "/S1")],
}
# Modules whose requests differ between the interfaces, so that an unlisted one is seen by its answers.
UNLISTED = {("hubclientinfo", "RECEIVER"), ("cdrs", "SENDER")}


@rule("hub 5-versions-1")
@pytest.mark.parametrize("backfill", ["off", "on"])
def test_what_is_listed_is_answered(backfill):
    """At least one request of each listed interface is neither 404 nor 405; all of an unlisted one are."""
    with Hub(emsp_backfill=backfill) as hub:
        _, cpo, emsp = hub.pair()
        cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S1"))
        askers = {"cpo": cpo, "emsp": emsp}
        for asker in askers.values():  # what is passed on is answered
            asker.script("*", "/2.2.1/(chargingprofiles|sessions)/", Reply(), forever=True)
        paths = {name: f"{asker.party.country_code}/{asker.party.party_id}" for name, asker in askers.items()}
        listed = {(entry["identifier"], entry["role"]) for entry in emsp.get("/ocpi/2.2.1").data["endpoints"]}
        assert listed <= REQUESTS.keys() and (("cdrs", "SENDER") in listed) == (backfill == "on")
        for (module, role), requests in REQUESTS.items():
            answers = []
            for who, method, path in requests:
                body = None if method == "GET" else {}
                answers.append(askers[who].call(method, f"/ocpi/2.2.1/{module}{path.format(**paths)}", body))
            if (module, role) in listed:
                # an unknown object is 404 too, but not an unknown path
                assert any(a.status != 405 and "no such path" not in a.body.decode() for a in answers), (module, role, answers)
            elif (module, role) in UNLISTED:
                assert all(a.status in (404, 405) for a in answers), (module, role, answers)
        if backfill == "off":
            answer = emsp.get("sessions")
            assert answer.status == 405 and answer.headers["Allow"] == "" and "emsp_backfill" in answer.body.decode()
