"""What a partner says of an error goes on to the caller, whose engineers can mend it; and in whose name the hub calls a partner."""

import base64
import json
from urllib.parse import quote

import pytest

from tests.e2e.harness import SLOW
from tests.sim import Reply, payloads


@pytest.fixture(scope="module")
def hub_settings():
    return {"command_forward_timeout": f"{SLOW:g}s", "forward_timeout": f"{SLOW:g}s"}


@pytest.fixture(scope="module")
def street(hub):
    pair = hub.pair()
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, "S1")).code == 1000
    return pair


SENTENCE = "EVSE 7 is out of order"
BODIES = {
    "OCPI without a status_code": {"status_message": SENTENCE},
    "problem details": {"title": "Unprocessable", "detail": SENTENCE},
    "FastAPI": {"detail": [{"loc": ["body", "evse_uid"], "msg": SENTENCE, "type": "value_error"}]},
    "Spring": {"timestamp": "x", "status": 422, "error": "Unprocessable Entity", "message": SENTENCE},
    "OAuth": {"error": "invalid_request", "error_description": SENTENCE},
    "Google": {"error": {"code": 422, "message": SENTENCE}},
    "JSON:API": {"errors": [{"detail": SENTENCE}]},
}


def stop(pair):
    return pair.emsp.command("STOP_SESSION", {"session_id": "S1"})


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 429])
@pytest.mark.parametrize("form", BODIES)
def test_errors_that_are_no_ocpi(street, status, form):
    street.cpo.script("POST", "/commands/", Reply(http=status, body=json.dumps(BODIES[form]).encode()))
    answer = stop(street)
    assert answer.outcome == (200, 4000) and SENTENCE in answer.message and str(status) in answer.message, answer


def test_each_real_time_call(street):
    """Authorize in both directions, commands, what is relayed."""
    body = json.dumps(BODIES["problem details"]).encode()
    street.cpo.script("*", "", Reply(http=422, body=body), forever=True)
    street.emsp.script("POST", "/authorize$", Reply(http=422, body=body))
    answer = street.emsp.authorize("CARD")
    assert answer.data["allowed"] == "UNKNOWN" and SENTENCE in answer.data["info"]["text"], answer
    assert SENTENCE in street.cpo.call("POST", "tokens/CARD/authorize").message
    assert SENTENCE in stop(street).message
    assert SENTENCE in street.emsp.call("PUT", "sessions/S1/charging_preferences", {"profile_type": "FAST"}).message
    assert SENTENCE in street.emsp.get(street.emsp.object_path("tokens", "CARD"), to=street.cpo.id).message
    street.cpo.unscript()


@pytest.mark.parametrize("status, code", [(200, 2001), (422, 2001), (400, 2000), (404, 2003), (500, 3000), (200, 3001)])
def test_errors_in_the_envelope(street, status, code):
    street.cpo.script("POST", "/commands/", Reply(http=status, code=code, message=SENTENCE))
    answer = stop(street)
    assert answer.code == code and answer.message == SENTENCE, answer


@pytest.mark.parametrize(
    "reply",
    [Reply(http=200, code=3000, message=SENTENCE), Reply(http=500, code=3000, message=SENTENCE), Reply(http=503, body=json.dumps({"detail": SENTENCE}).encode()),
     Reply(http=401, code=2002, message=SENTENCE)],
    ids=["3000", "500 and 3000", "503, no envelope", "401 and 2002"],
)  # fmt: skip
def test_why_a_driver_is_unknown(street, reply):
    """What the CPO said of its failure is told, in a sentence that does not contradict itself."""
    street.cpo.script("PUT", "/authorize", reply, forever=True)
    answer = street.emsp.authorize("CARD")
    street.cpo.unscript()
    text = answer.data["info"]["text"]
    assert answer.data["allowed"] == "UNKNOWN" and SENTENCE in text, text
    if reply.body is None:
        assert "without a usable OCPI envelope" not in text, text
    assert len(text.encode()) < 400


@pytest.mark.parametrize("coding", ["deflate", "br", "gzip, gzip"])
def test_coding_that_was_not_asked_for(street, coding):
    street.cpo.script("POST", "/commands/", Reply(data={"result": "ACCEPTED", "timeout": 1}, headers={"Content-Encoding": coding}))
    answer = stop(street)
    assert "answered in a coding that was not asked for" in answer.message and "not HTTP" not in answer.message, answer


def test_plain_text(street):
    street.cpo.script("POST", "/commands/", Reply(http=422, body=SENTENCE.encode(), headers={"Content-Type": "text/plain; charset=utf-8"}))
    assert SENTENCE in stop(street).message
    street.cpo.script("POST", "/commands/", Reply(http=422, body=b"<html><h1>Sorry</h1></html>", headers={"Content-Type": "text/html"}))
    answer = stop(street)
    assert answer.code == 4000 and "Sorry" not in answer.message, answer


@pytest.mark.parametrize("wrap", [lambda text: Reply(http=422, body=json.dumps({"detail": text}).encode()), lambda text: Reply(http=200, code=2001, message=text)],
                         ids=["bare", "envelope"])
def test_what_is_not_told(street, wrap):
    """Addresses, and what the hub presents there; nor a second line, nor more than a sentence."""
    token = street.cpo.token
    secret = [token, base64.b64encode(token.encode()).decode(), "https://10.1.2.3:8443/internal?k=1", "db7.internal.example/ocpi", "10.1.2.3:5432", "(http://admin@x/)"]
    text = "begin " + " ".join(secret) + " \u001b[31mred\u202e\r\nX: y end"
    street.cpo.script("POST", "/commands/", wrap(text))
    message = stop(street).message
    assert "begin" in message and "end" in message
    for word in secret:
        assert word not in message, message
    assert not any(ord(character) < 32 for character in message), message
    street.cpo.script("POST", "/commands/", wrap("\u0905" * 5000))
    message = stop(street).message
    assert 200 <= message.encode().count(b"\xe0") * 3 <= 256, message


def encodings(token):
    coded = base64.b64encode(token.encode()).decode()
    return {
        "raw": token,
        "Base64": coded,
        "Base64 without padding": coded.rstrip("="),
        "URL-safe Base64": base64.urlsafe_b64encode(token.encode()).decode(),
        "percent": quote(coded, safe=""),
        "percent, all": "".join(f"%{byte:02x}" for byte in coded.encode()),
        "hex": token.encode().hex(),
        "small letters": coded.lower(),
        "Base64 of the header": base64.b64encode(f"Token {coded}".encode()).decode(),
        "Base64 twice": base64.b64encode(coded.encode()).decode(),
        "cut": token[:16],
        "the end": token[-20:],
        "JSON": coded.replace("/", "\\/"),
        "quoted": repr(f"Token {token}"),
    }


@pytest.mark.parametrize("form", encodings("t" * 32))
def test_a_token_in_any_form(new_hub, form):
    """What the hub presents reaches neither a partner nor log, audit, dead letters and hubctl, however it is written."""
    hub = new_hub(retry_initial="10ms", retry_max="20ms", log_level="debug")
    pair = hub.pair()
    said = encodings(pair.cpo.token)[form]
    pair.cpo.script("POST", "/commands/", Reply(http=422, code=2001, message=f"cannot read {said} here"))
    pair.cpo.script("PUT", "/authorize$", Reply(http=500, code=3000, message=f"cannot read {said} here"))
    command = pair.emsp.command("UNLOCK_CONNECTOR", {"location_id": "L", "evse_uid": "E", "connector_id": "1"}, to=pair.cpo.id)
    told = pair.emsp.authorize("T1", to=pair.cpo.id).body.decode() + command.body.decode()
    assert "cannot read" in told and "here" in told and said not in told, told
    theirs = encodings(pair.emsp.token)[form]
    pair.emsp.script("PUT", "/sessions/", Reply(http=400, body=json.dumps({"status_code": 2001, "status_message": f"no {theirs} here"}).encode()), forever=True)
    pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, "S1"))
    (dead,) = hub.wait_rows("delivery", "list", "--state", "all", where=lambda row: row["last_error"], what="the refused delivery")
    pair.emsp.script("GET", "^/ocpi/versions$", Reply(http=500, code=3000, message=f"no {theirs} here"), forever=True)
    pair.emsp.script("PUT", "/credentials$", Reply(code=3001, message=f"no {theirs} here"), forever=True)
    seen = [hub.ok("delivery", "show", dead["id"]).out, hub.ok("--json", "delivery", "show", dead["id"]).out]
    for words in (("party", "check"), ("receiver", "discover"), ("token", "rotate")):
        result = hub.ctl(*words, pair.emsp.id)
        seen += [result.out, result.err]
    seen += [hub.ok("--json", "audit", "tail", "-n", "100000").out, hub.stderr()]
    assert "here" in seen[0] and not any(word in text for word in (said, theirs) for text in seen)


def test_a_key_in_the_credentials_url(hub):
    platform = hub.onboard("CPO")
    url = platform.credentials()["url"]
    assert platform.put_credentials(url=f"{url}?code=a-key-of-theirs").outcome == (200, 1000)
    assert hub.one("party", "show", platform.id)["credentials_url"] == url
    assert "a-key-of-theirs" not in hub.ok("party", "show", platform.id).out


# ---------------------------------------------------------------- in whose name


def test_calls_in_the_hubs_name(hub):
    """party set --from hub: each forward, relay, broadcast and delivery to that platform; TO stays whom it is for."""
    pair = hub.pair()
    other = hub.onboard("EMSP")
    hub.rule(other, pair.cpo)
    assert hub.one("party", "show", pair.cpo.id)["from"] == "party"
    for platform in (pair.cpo, pair.emsp):
        assert hub.ok("party", "set", platform.id, "--from", "hub").out == f"party {platform.id} set\n"
        assert hub.ok("party", "set", platform.id, "--from", "hub").out == f"party {platform.id} unchanged\n"
        assert hub.one("party", "show", platform.id)["from"] == "hub"
    pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, "S"))
    pair.cpo.put("sessions", payloads.session(pair.cpo.party, other.party, "S-O"))
    pair.emsp.authorize("CARD")
    pair.emsp.command("STOP_SESSION", {"session_id": "S"})
    pair.emsp.call("PUT", pair.emsp.object_path("tokens", "CARD"), payloads.token(pair.emsp.party, "CARD"))
    pair.emsp.get(pair.emsp.object_path("tokens", "CARD"), to=pair.cpo.id)
    pair.cpo.call("POST", "tokens/CARD/authorize", to=pair.emsp.id)
    answer = pair.cpo.call("POST", "tokens/CARD/authorize", to=other.id)
    assert answer.headers["OCPI-from-party-id"] == other.party.party_id, "callers see whom they talk to"
    for platform, pattern in ((pair.cpo, "/authorize$"), (pair.cpo, "/commands/"), (pair.cpo, "/tokens/.*/CARD$"), (pair.emsp, "/sessions/"), (pair.emsp, "/authorize$")):
        assert platform.wait("*", pattern).routing == ("IN-CIH", platform.id), pattern
    assert len(pair.cpo.received("*", "/tokens/.*/CARD$")) == 2
    assert other.wait("PUT", "/sessions/").routing == (pair.cpo.id, other.id), "the others as before"
    assert other.wait("POST", "/authorize$").routing == (pair.cpo.id, other.id)
    assert pair.cpo.send_result(pair.cpo.wait("POST", "/commands/"), "ACCEPTED").code == 1000
    assert pair.emsp.wait("POST", "/callbacks/").routing == ("IN-CIH", pair.emsp.id)
    hub.ok("party", "set", pair.cpo.id, "--from", "party")
    pair.emsp.authorize("AGAIN")
    assert pair.cpo.wait("PUT", "/AGAIN/authorize$").routing == (pair.emsp.id, pair.cpo.id)


def parties(hub):
    return json.loads(hub.ok("export").out)["parties"]


def test_settings_are_exported_and_kept(hub):
    """`from` stands with the platform, once; both come back with apply, and stay over a restart."""
    pair = hub.pair()
    hub.ok("party", "set", pair.cpo.id, "--from", "hub", "--forward-unknown-sessions")
    whole = hub.ok("export").out
    entry = next(party for party in json.loads(whole)["parties"] if party["id"] == pair.cpo.id)
    assert (entry["from"], entry["forward_unknown_sessions"]) == ("hub", True)
    hub.ok("party", "set", pair.cpo.id, "--from", "party", "--refuse-unknown-sessions")
    assert hub.ctl("diff", "-f", "-", stdin=whole).rc == 6
    hub.ok("apply", "-f", "-", stdin=whole)
    card = hub.one("party", "show", pair.cpo.id)
    assert (card["from"], card["forward_unknown_sessions"]) == ("hub", True)
    assert parties(hub) == json.loads(whole)["parties"]
    hub.stop()
    hub.restart()
    assert parties(hub) == json.loads(whole)["parties"]
    both = hub.ctl("party", "set", pair.cpo.id, "--forward-unknown-sessions", "--refuse-unknown-sessions")
    assert both.rc in (1, 2), both
