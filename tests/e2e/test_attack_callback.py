"""The one door without a token: the callback of a command. Whoever knows no command's secret is heard for as short as can be."""

import json

from tests.e2e.attack import request
from tests.e2e.harness import Wire
from tests.sim import payloads
from tests.sim.client import http_call

UNKNOWN = "/ocpi/2.2.1/commands/callback/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
START = {"location_id": "LOC001", "evse_uid": "EVSE001"}


def callback_of(pair):
    """The path of the callback of a command that has just been sent."""
    body = {"token": payloads.cdr_token(pair.emsp.party), **START}
    assert pair.emsp.command("START_SESSION", body, to=pair.cpo.id).outcome == (200, 1000)
    url = pair.cpo.wait("POST", "/commands/START_SESSION$").json["response_url"]
    return url.removeprefix(pair.hub.url)


def test_an_unknown_id_is_looked_up_before_its_body(hub):
    """404 at the end of the head: no `100 Continue`, and of the 4 MiB that are announced not a byte is waited for."""
    for extra in (["Content-Length: 4194304"], ["Content-Length: 4194304", "Expect: 100-continue"], ["Transfer-Encoding: chunked"]):
        with Wire(hub) as wire:
            wire.send(request("POST", UNKNOWN, "X-Request-ID: who", *extra))
            status, headers, body = wire.answer()
            assert (status, json.loads(body)["status_code"]) == (404, 2003)
            assert headers["x-request-id"] == "who"


def test_a_known_id_may_bring_64_kib(pair):
    """More is 413, as announced or in chunks; what fits is judged as ever, and the command still ends by it."""
    path = callback_of(pair)
    large = json.dumps({"result": "ACCEPTED", "message": [{"language": "en", "text": "x" * 70000}]}).encode()
    for framing, body in (("Content-Length: 70100", b""), ("Transfer-Encoding: chunked", b"11000\r\n")):
        with Wire(pair.hub) as wire:
            wire.send(request("POST", path, framing, body=body))
            assert wire.answer()[0] == 413
    with Wire(pair.hub) as wire:
        wire.send(request("POST", path, "Expect: 100-continue", f"Content-Length: {len(large)}"))
        assert wire.answer()[0] == 413
    assert http_call("POST", pair.hub.url + path, {"result": "ACCEPTED"}).outcome == (200, 1000)
    assert pair.emsp.wait("POST", "^/ocpi/callbacks/").json == {"result": "ACCEPTED"}


def test_guessing_is_slowed_down(new_hub):
    """Beyond 60 wrong guesses in a minute an address gets 429 with Retry-After; a callback from there that is known is taken."""
    hub = new_hub(threads="1")
    pair = hub.pair()
    path = callback_of(pair)
    outcomes = []
    while not outcomes or (outcomes[-1].status != 429 and len(outcomes) < 1000):
        outcomes.append(http_call("POST", hub.url + UNKNOWN, {"result": "ACCEPTED"}))
    assert {answer.outcome for answer in outcomes[:60]} == {(404, 2003)}
    last = outcomes[-1]
    assert last.outcome == (429, 2004) and int(last.headers["Retry-After"]) >= 1
    assert http_call("POST", hub.url + path, {"result": "ACCEPTED"}).outcome == (200, 1000)
