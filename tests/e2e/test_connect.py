"""party connect: the hub begins the exchange, for a partner that only receives credentials."""

import json
import re
import threading
from dataclasses import replace

import pytest

from tests.e2e.harness import SLOW, forms, free_port
from tests.sim import Gate, Party, Reply, payloads
from tests.sim.client import authorization

CREDENTIALS = r"^/ocpi/2\.2\.1/credentials$"
VERSIONS = "^/ocpi/versions$"
DETAILS = r"^/ocpi/2\.2\.1$"


def refused(hub, platform, token, *words, **options):
    """party connect that must fail: one line with the words, one hint, nothing kept, a row in the audit."""
    result = hub.connect(platform, token, rc=1, **options)
    assert result.out == "", result
    complaint, advice = result.err.splitlines()
    assert complaint.startswith("hubctl: ") and advice.startswith("hint: "), result
    for word in words:
        assert word in complaint, result
    assert hub.status_of(platform.id) == "PLANNED"
    assert hub.rows("token", "list", platform.id) == []
    assert hub.rows("receiver", "list", platform.id) == []
    (row,) = hub.audit(action="party.connect", party=platform.id)
    assert row["status"] == "failed" and words[-1] in json.dumps(row["detail"]), row
    assert not any(form.decode() in result.err + json.dumps(row) for form in forms(token))
    return result


# ---------------------------------------------------------------- party connect


@pytest.mark.parametrize("encoding", ["base64", "raw"])
def test_connect(hub, encoding):
    """Versions, details, POST, and a second look with the new token; then the platform is like any other."""
    cpo, token = hub.invited(encodings={encoding})
    emsp = hub.connected("EMSP", sends="raw")
    assert hub.connect(cpo, token).out == f"party {cpo.id} connected\n"
    post = cpo.received("POST", CREDENTIALS)[-1]
    assert post.headers["authorization"] == authorization(token, encoding)
    assert (post.json["url"], [role["role"] for role in post.json["roles"]]) == (f"{hub.url}/ocpi/versions", ["HUB"])
    assert post.json["token"] == cpo.hub_token and re.fullmatch(r"[A-Za-z0-9_-]{43,}", cpo.hub_token)
    looks = [r.headers["authorization"] for r in cpo.received("GET", DETAILS)]
    assert (looks[0], looks[-1]) == (authorization(token, encoding), authorization(cpo.token, encoding))
    assert hub.status_of(cpo.id) == "CONNECTED"
    assert hub.receiver(cpo, "tokens") == f"{cpo.url}/ocpi/2.2.1/tokens"
    (row,) = hub.rows("token", "list", cpo.id)
    assert (row["kind"], row["expires"]) == ("hub", None) and row["used"]
    hub.rule(emsp, cpo)
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED"
    assert cpo.put("tariffs", payloads.tariff(cpo.party)).outcome == (201, 1000)
    assert cpo.post_credentials(cpo.hub_token).outcome == (405, 2000)
    assert cpo.put_credentials().outcome == (200, 1000)


def test_connect_leaves_one_row(hub):
    """Who, about whom, with which correlation id at the partner; no secrets."""
    platform = hub.connected()
    (row,) = hub.audit(action="party.connect", party=platform.id)
    assert (row["status"], row["method"], row["module"]) == ("ok", "POST", "credentials") and "uid:" in row["actor"]
    asked = platform.received(where=lambda r: r.headers["x-correlation-id"] == row["correlation_id"])
    assert {request.method for request in asked} == {"GET", "POST"}
    assert row["detail"]["after"]["discovery"] == "ok" and row["detail"]["after"]["fingerprint"]


def test_the_partner_may_call_before_it_answers(hub):
    """The hub token in the POST is good at once; OCPI's registration server reads the hub's versions with it."""
    platform, token = hub.invited()
    answers = []

    def reply(request):
        def call_back():
            for path in ("/ocpi/versions", "/ocpi/2.2.1", "hubclientinfo"):
                answers.append(platform.get(path, token=request.json["token"]).outcome)

        platform.unscript()
        taken = platform._exchange(request)
        before = taken.before
        taken.before = lambda: (call_back(), before())[1]
        return taken

    platform.script("POST", CREDENTIALS, reply)
    hub.connect(platform, token)
    assert answers == [(200, 1000)] * 3


@pytest.mark.parametrize("end", ["/ocpi", "/ocpi/2.2.1", "/ocpi/versions/"])
def test_other_forms_of_the_url(hub, end):
    """As discovery takes it: the details, or something beside the versions list."""
    platform, token = hub.invited()
    hub.connect(platform, token, url=platform.url + end)
    assert hub.status_of(platform.id) == "CONNECTED"


def test_connect_leaves_what_the_account_team_set(hub):
    """Discovery fills only receivers that are not set; an initial token that was issued ends."""
    platform, token = hub.invited("EMSP")
    issued = hub.issue(platform.id)
    hub.ok("receiver", "set", platform.id, "sessions", f"{platform.url}/own/sessions")
    hub.connect(platform, token)
    assert hub.receiver(platform, "sessions") == f"{platform.url}/own/sessions"
    assert hub.receiver(platform, "cdrs") == f"{platform.url}/ocpi/2.2.1/cdrs"
    assert platform.get("/ocpi/versions", token=issued).outcome == (401, 2002)


def test_connect_a_platform_of_two_parties(hub):
    """Both claimed roles are registered: both parties are CONNECTED, each with receivers of its role."""
    both = hub.connected("CPO", "EMSP")
    cpo, emsp = both.parties
    assert [hub.status_of(party.id) for party in both.parties] == ["CONNECTED", "CONNECTED"]
    listed = {party.id: {row["module"] for row in hub.rows("receiver", "list", party.id)} for party in both.parties}
    assert "commands" in listed[cpo.id] and "cdrs" in listed[emsp.id] and "commands" not in listed[emsp.id]


def test_connect_sends_what_waited(hub):
    """What was held for want of a receiver goes out."""
    cpo, (emsp, token) = hub.onboard("CPO"), hub.invited("EMSP")
    hub.rule(emsp, cpo)
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S1"))
    assert [row["object"] for row in hub.held(emsp.id)] == ["S1"]
    hub.connect(emsp, token)
    emsp.wait("PUT", "/sessions/.*S1$")


def test_second_look_fails(hub):
    """The first look's endpoints are kept, and the hint says how to look again."""
    platform, token = hub.invited()

    def reply(request):
        fails = request.headers["authorization"] != authorization(token)
        return Reply(http=500, code=3000) if fails else platform._versions(request)

    platform.script("GET", VERSIONS, reply, reply)
    result = hub.connect(platform, token, "--json")
    (hint,) = result.json[0]["hints"]
    assert "receiver discover" in hint, result
    assert hub.receiver(platform, "tokens") == f"{platform.url}/ocpi/2.2.1/tokens"


def test_connect_without_discovery(new_hub):
    """discovery = off: the one look that the POST needs fills the receivers, there is no second one."""
    hub = new_hub(discovery="off")
    platform = hub.connected()
    assert len(platform.received("GET", DETAILS)) == 1
    assert hub.receiver(platform, "tokens") == f"{platform.url}/ocpi/2.2.1/tokens"
    hub.ok("token", "rotate", platform.id)
    assert len(platform.received("GET", DETAILS)) == 1
    hub.ok("receiver", "discover", platform.id)
    assert len(platform.received("GET", DETAILS)) == 2


def test_token_from_stdin(hub):
    """--token-file - reads stdin."""
    platform, token = hub.invited()
    words = ["party", "connect", platform.id, "--versions-url", f"{platform.url}/ocpi/versions", "--token-file", "-"]
    assert hub.ok(*words, stdin=f"{token}\n").out == f"party {platform.id} connected\n"


# ---------------------------------------------------------------- party connect that is refused at once


def test_already_connected(hub, shared):
    """Refused with the commands that help; nothing is asked of the partner."""
    before = len(shared.cpo.received())
    result = hub.connect(shared.cpo, "token-of-somebody", rc=1)
    assert "has done the credentials exchange" in result.err, result
    assert "token rotate" in result.err and "token issue --force" in result.err
    assert shared.cpo.received("POST", CREDENTIALS) == [] and len(shared.cpo.received("GET", DETAILS)) <= before


def test_force_and_again(hub):
    """token issue --force ends a registration, party connect begins a new one."""
    platform = hub.connected()
    hub.ok("token", "issue", platform.id, "--force")
    hub.connect(platform, platform.invite())
    assert hub.status_of(platform.id) == "CONNECTED" and platform.get("hubclientinfo").outcome == (200, 1000)


@pytest.mark.parametrize("url", ["abc.example/ocpi", "ftp://abc.example/versions", "https://user:secret@abc.example/versions", ""])
def test_bad_url(hub, url):
    """A URL that is none: one line with the place; nothing begins."""
    platform, token = hub.invited()
    file = hub.directory / "token"
    file.write_text(token)
    result = hub.ctl("party", "connect", platform.id, "--versions-url", url, "--token-file", file)
    assert result.rc in (1, 2) and "--versions-url" in result.err and "secret" not in result.err, result
    assert hub.rows("token", "list", platform.id) == []


def test_unknown_and_suspended_party(hub):
    """Nothing begins for a party that is not there or must not act."""
    platform, token = hub.invited()
    hub.ok("party", "suspend", platform.id, "--reason", "unpaid")
    suspended = hub.connect(platform, token, rc=1)
    assert "suspended" in suspended.err and "party resume" in suspended.err, suspended
    hub.ok("party", "remove", platform.id, f"--confirm={platform.id}")
    unknown = hub.connect(platform, token, rc=1)
    assert "no such party" in unknown.err, unknown
    assert platform.received() == []


@pytest.mark.parametrize(
    "content, words",
    [("", "no token"), ("\n", "no token"), ("x" * 65, "64 characters"), ("two words", "no token"), ("a\n\n", "no token"), ("tøken", "no token")],
)
def test_bad_token_file(hub, content, words):
    """What is in the file can be no token: a usage error that does not repeat it."""
    platform, _ = hub.invited()
    file = hub.directory / "bad.token"
    file.write_text(content)
    url = f"{platform.url}/ocpi/versions"
    result = hub.ctl("party", "connect", platform.id, "--versions-url", url, "--token-file", file)
    assert result.rc == 2 and "--token-file" in result.err and words in result.err, result
    assert len(content) < 5 or content.strip() not in result.err
    missing = hub.ctl("party", "connect", platform.id, "--versions-url", url, "--token-file", hub.directory / "nowhere")
    assert missing.rc == 2 and "No such file" in missing.err, missing
    assert platform.received() == []


def test_no_token_in_arguments(hub):
    """rpc takes a token from stdin only; there it works."""
    platform, token = hub.invited()
    params = json.dumps({"id": platform.id, "versions_url": f"{platform.url}/ocpi/versions", "token": token})
    wrong = hub.ctl("rpc", "party.connect", params)
    assert wrong.rc == 2 and token not in wrong.err and "stdin" in wrong.err, wrong
    assert platform.received() == []
    hub.ok("rpc", "party.connect", "-", stdin=params)
    assert hub.status_of(platform.id) == "CONNECTED"


# ---------------------------------------------------------------- party connect that the partner lets fail


def test_nobody_there(hub):
    """Nobody listens at the URL."""
    platform, token = hub.invited()
    refused(hub, platform, token, "discovery", url=f"http://127.0.0.1:{free_port()}/ocpi/versions")


def test_forbidden_address(new_hub):
    """Addresses that the URL policy forbids are not called."""
    hub = new_hub(allow_networks=None)
    platform, token = hub.invited()
    result = refused(hub, platform, token, "discovery")
    assert "allow_networks" in result.err and platform.received() == []


def test_token_refused(hub):
    """401 to both forms of the token."""
    platform, _ = hub.invited()
    result = refused(hub, platform, "not-the-invitation", "refuses the token", "401")
    assert "fresh token" in result.err
    tried = {request.headers["authorization"] for request in platform.received("GET", VERSIONS)}
    assert tried == {authorization("not-the-invitation"), authorization("not-the-invitation", "raw")}
    assert platform.received("POST") == []


OTHER_VERSIONS = Reply(data=[{"version": "2.1.1", "url": "http://127.0.0.1/2.1.1"}, {"version": "2.2", "url": "http://127.0.0.1/2.2"}])
NO_CREDENTIALS = Reply(data={"version": "2.2.1", "endpoints": [{"identifier": "tokens", "role": "RECEIVER", "url": "http://127.0.0.1/t"}]})


@pytest.mark.parametrize(
    "path, reply, words",
    [
        (VERSIONS, OTHER_VERSIONS, ["only 2.1.1, 2.2", "3002"]),
        (VERSIONS, Reply(http=500, code=3000), ["HTTP 500"]),
        (VERSIONS, Reply(body=b"<html>"), ["HTTP 200"]),
        (DETAILS, NO_CREDENTIALS, ["credentials", "3003"]),
        (DETAILS, Reply(data={"version": "2.2.1", "endpoints": []}), ["no endpoints", "3003"]),
        (DETAILS, Reply(http=404, code=2003), ["version details", "404"]),
    ],
    ids=["no 2.2.1", "500", "no OCPI", "no credentials endpoint", "no endpoints", "no details"],
)
def test_discovery_fails(hub, path, reply, words):
    """Before the POST: nothing is sent, nothing is kept."""
    platform, token = hub.invited()
    platform.script("GET", path, reply, forever=True)
    refused(hub, platform, token, *words)
    assert platform.received("POST") == []


@pytest.mark.parametrize(
    "reply, words",
    [
        (Reply(http=405, code=2000), ["405"]),
        (Reply(code=3001, message="cannot reach you"), ["3001: cannot reach you"]),
        (Reply(http=400, code=2001, message="no such role"), ["2001: no such role"]),
        (Reply(http=400, body=b'{"detail": "business_details is required"}'), ["HTTP 400", "business_details is required"]),
        (Reply(http=401, code=2002), ["refuses the token"]),
        (Reply(http=502, body=b"Bad gateway"), ["no Credentials", "502"]),
        (Reply(body=b"OK"), ["no Credentials"]),
        (Reply(), ["no Credentials"]),
        (Reply(data=[]), ["no Credentials"]),
        (Reply(data={"token": "t", "url": "http://127.0.0.1/x"}), ["/roles"]),
        (Reply(data={"token": 17, "url": "http://127.0.0.1/x", "roles": []}), ["/token"]),
        (Reply(http=308, headers={"Location": "http://127.0.0.2/ocpi"}), ["POST credentials"]),
        (Reply(drop="reset"), ["POST credentials"]),
        (Reply(wire=b"rubbish\r\n\r\n"), ["POST credentials"]),
    ],
    ids=["405", "3001", "2001", "400", "401", "502", "no OCPI", "no data", "list", "no roles", "types", "redirect", "reset", "no HTTP"],
)
def test_post_fails(hub, reply, words):
    """The partner does not take the POST, or answers rubbish: one line says what, the hub token is taken back."""
    platform, token = hub.invited()
    platform.script("POST", CREDENTIALS, reply, forever=True)
    refused(hub, platform, token, *words)
    shown = platform.received("POST", CREDENTIALS)[0].json["token"]
    assert platform.get("/ocpi/versions", token=shown).outcome == (401, 2002)
    platform.unscript()
    hub.connect(platform, token)
    assert hub.status_of(platform.id) == "CONNECTED"


@pytest.mark.parametrize(
    "claims, words",
    [
        ({"token": "with a space"}, "/token"),
        ({"token": ""}, "/token"),
        ({"url": "nowhere"}, "/url"),
        ({"roles": [Party("IN", "ZZZ", "CPO").credentials_role()]}, "/roles/0: CPO IN-ZZZ is not registered"),
        ({"roles": []}, "/roles"),
    ],
)
def test_credentials_that_do_not_fit(hub, claims, words):
    """The partner's Credentials are checked as those of its own POST would be."""
    platform, token = hub.invited()
    platform.claims = claims
    refused(hub, platform, token, words)
    assert platform.get("/ocpi/versions").outcome == (401, 2002), "the hub token is gone"


def test_a_party_of_another_platform(hub, shared):
    """A role that another platform holds cannot be claimed here."""
    platform, token = hub.invited()
    platform.claims = {"roles": [platform.party.credentials_role(), shared.cpo.party.credentials_role()]}
    refused(hub, platform, token, "/roles/1", shared.cpo.id)
    assert hub.status_of(shared.cpo.id) == "CONNECTED"


def test_slow_partner(new_hub):
    """No answer to the POST in time: an error of hubd, before hubctl loses patience."""
    hub = new_hub(discovery_timeout=f"{int(200 * SLOW)}ms")
    platform, token = hub.invited()
    gate = Gate()
    platform.script("POST", CREDENTIALS, Reply(hold=gate), forever=True)
    refused(hub, platform, token, "POST credentials")
    gate.open()


def test_impatient_hubctl(hub):
    """hubctl's own timeout is exit 5; hubd goes on, and the exchange is done."""
    platform, token = hub.invited()
    gate = Gate()
    platform.script("GET", VERSIONS, lambda request: Reply(hold=gate, data=platform._versions(request).data))
    result = hub.connect(platform, token, "--timeout", "100ms", rc=5)
    assert "outcome is unknown" in result.err and "audit tail" in result.err, result
    gate.open()
    hub.wait_status(platform.id, "CONNECTED")


@pytest.mark.parametrize("before", ["I do not know ", "x" * 265 + " "], ids=["whole", "cut"])
def test_tokens_in_messages_are_hidden(hub, before):
    """A partner that repeats a token in its error does not bring it to the screen or into the audit."""
    platform, token = hub.invited()
    platform.script("POST", CREDENTIALS, lambda request: Reply(code=2001, message=before + request.json["token"]), forever=True)
    refused(hub, platform, token, "answers 2001: " + before[:3])
    shown = platform.received("POST", CREDENTIALS)[0].json["token"]
    assert shown[:16] not in hub.stderr() + json.dumps(hub.audit())


def test_token_of_the_answer_is_hidden(hub):
    """What is wrong with the partner's own new token is told without it."""
    platform, token = hub.invited()
    platform.claims = {"token": ["a-token-of-the-partner-in-a-list"]}
    result = refused(hub, platform, token, "token")
    assert "a-token-of-the" not in result.err + hub.stderr() + json.dumps(hub.audit())


def test_credentials_endpoint_on_another_host(hub):
    """The partner's token goes to no host that nobody named; party set --allow-host names one."""
    platform, token = hub.invited()
    elsewhere = f"http://localhost:{platform.server.port}/ocpi/2.2.1/credentials"
    details = {"version": "2.2.1", "endpoints": [{"identifier": "credentials", "role": "SENDER", "url": elsewhere}]}
    platform.script("GET", DETAILS, Reply(data=details), Reply(data=details))
    result = refused(hub, platform, token, "another host")
    assert platform.received("POST") == [] and "--allow-host" in result.err
    hub.ok("party", "set", platform.id, "--allow-host", "localhost")
    hub.connect(platform, token)


# ---------------------------------------------------------------- beside others


def test_blocks_nobody(hub, shared):
    """While a partner lets the hub wait, changes, lists, other exchanges and partners' requests go on."""
    slow, token = hub.invited()
    gate = Gate()
    slow.script("POST", CREDENTIALS, lambda request: Reply(before=lambda: replace(slow._exchange(request).before(), hold=gate)))
    results = []
    thread = threading.Thread(target=lambda: results.append(hub.connect(slow, token, rc=None)))
    thread.start()
    slow.wait("POST", CREDENTIALS)
    assert hub.connected("EMSP")
    assert hub.onboard("CPO").get("hubclientinfo").status == 200
    again = hub.connect(slow, token, rc=1)
    assert "under way" in again.err, again
    assert not results
    gate.open()
    thread.join()
    assert results[0].rc == 0 and hub.status_of(slow.id) == "CONNECTED", results[0]


def test_changed_meanwhile(hub):
    """Somebody else's change to the platform is kept; an exchange that the partner did itself meanwhile wins."""
    for change, rc in ((lambda p: hub.ok("party", "set", p.id, "--name", "New name"), 0), (lambda p: p.register(hub.issue(p.id)), 1)):
        platform, token = hub.invited()
        own = platform.token

        def reply(request, platform=platform, change=change, own=own):
            def before():
                platform.accepted.add(own)
                platform.token = own
                change(platform)
                return Reply(data=platform.credentials(token="another-token-of-the-partner"))

            return Reply(before=before)

        platform.script("POST", CREDENTIALS, reply)
        result = hub.connect(platform, token, rc=rc)
        assert rc == 0 or "meanwhile" in result.err, result
        assert hub.status_of(platform.id) == "CONNECTED"
        assert platform.get("hubclientinfo", token=platform.hub_token or platform.received("POST", CREDENTIALS)[0].json["token"]).status == 200


def test_restart_in_the_middle(new_hub):
    """hubd dies while the partner thinks: nothing is half done, and the same command again succeeds."""
    hub = new_hub()
    platform, token = hub.invited()
    gate = Gate()
    platform.script("POST", CREDENTIALS, Reply(hold=gate, drop="reset"))
    results = []
    thread = threading.Thread(target=lambda: results.append(hub.connect(platform, token, rc=None)))
    thread.start()
    left = platform.wait("POST", CREDENTIALS).json["token"]
    assert platform.get("/ocpi/versions", token=left).outcome == (200, 1000)
    hub.kill()
    thread.join()
    assert results[0].rc == 5, results[0]
    hub.restart()
    gate.open()
    assert hub.status_of(platform.id) == "PLANNED"
    (row,) = hub.rows("token", "list", platform.id)
    assert row["kind"] == "hub" and row["expires"], "it ends by itself"
    hub.connect(platform, token)
    assert hub.status_of(platform.id) == "CONNECTED"
    assert platform.get("hubclientinfo").outcome == (200, 1000)
    assert platform.get("hubclientinfo", token=left).outcome == (401, 2002)


def test_end_in_the_middle(new_hub):
    """SIGTERM while the partner thinks: hubd does not wait for it, and takes the token back."""
    hub = new_hub()
    platform, token = hub.invited()
    gate = Gate()
    platform.script("POST", CREDENTIALS, Reply(hold=gate, drop="reset"))
    thread = threading.Thread(target=lambda: hub.connect(platform, token, rc=None))
    thread.start()
    platform.wait("POST", CREDENTIALS)
    hub.stop()
    thread.join()
    gate.open()
    hub.restart()
    assert hub.rows("token", "list", platform.id) == [] and hub.status_of(platform.id) == "PLANNED"
