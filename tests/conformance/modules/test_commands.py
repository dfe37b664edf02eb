"""Commands: eMSP to CPO and the result back; the hub stands between the two with a URL of its own."""

import json
import re

import pytest

from tests.conformance.modules.judge import done, findings, not_routed, refused, unknown
from tests.conformance.rules import rule
from tests.e2e.harness import SLOW, eventually
from tests.e2e.test_order import at_once
from tests.sim import Gate, Reply, exact, http_call, payloads
from tests.sim.client import authorization
from tests.sim.wire import timestamp

COMMANDS = ("START_SESSION", "STOP_SESSION", "RESERVE_NOW", "CANCEL_RESERVATION", "UNLOCK_CONNECTOR")


@pytest.fixture(scope="module")
def hub_settings():
    return {"command_forward_timeout": f"{SLOW:g}s"}


def body_of(command, emsp, ident):
    """A command about what is called `ident`: session, reservation, location."""
    return {
        "START_SESSION": payloads.start_session(emsp.party, ident, authorization_reference=ident),
        "STOP_SESSION": {"session_id": ident},
        "RESERVE_NOW": payloads.reserve_now(emsp.party, ident, ident),
        "CANCEL_RESERVATION": {"reservation_id": ident},
        "UNLOCK_CONNECTOR": {"location_id": ident, "evse_uid": "EVSE001", "connector_id": "1"},
    }[command]


def received(cpo, ident, command=""):
    """The commands about `ident` that a CPO received."""
    return cpo.received("POST", f"/commands/{command}", where=lambda r: ident in r.body.decode())


def sent(pair, ident, command="START_SESSION", **changes):
    """A command that the CPO accepted; returns what it received."""
    answer = pair.emsp.command(command, {**body_of(command, pair.emsp, ident), **changes}, to=pair.cpo.id)
    assert done(answer).data["result"] == "ACCEPTED", answer
    return received(pair.cpo, ident, command)[-1]


class Callbacks:
    """A response_url of a test's own, and what has arrived there."""

    def __init__(self, emsp, ident):
        self.emsp, self.path = emsp, f"/ocpi/callbacks/{ident}"
        self.url = emsp.url + self.path

    def all(self):
        return [request.json for request in self.emsp.received("POST", f"^{self.path}$")]

    def wait(self, count=1):
        return self.emsp.wait("POST", f"^{self.path}$", count=count)


@pytest.fixture
def callbacks(shared, ident):
    return Callbacks(shared.emsp, ident)


def settled(pair, callbacks, ident):
    """Runs one whole command more; what was queued for the eMSP before has been sent by then. Returns what arrived."""
    mark = Callbacks(pair.emsp, f"{ident}-mark")
    done(pair.cpo.send_result(sent(pair, f"{ident}-mark", response_url=mark.url), "ACCEPTED"))
    mark.wait()
    eventually(lambda: not pair.hub.deliveries(to=pair.emsp.id, state="pending"), "nothing is pending any more")
    return callbacks.all()


# ---------------------------------------------------------------- the way there


@pytest.mark.parametrize("command", COMMANDS)
@rule("OCPI 5.6-1")
def test_each_command(shared, ident, callbacks, command):
    """Directed at the CPO: it gets the body as sent, but for response_url; its CommandResponse comes back."""
    if command == "STOP_SESSION":
        done(shared.cpo.put("sessions", payloads.session(shared.cpo.party, shared.emsp.party, ident)))
    if command == "CANCEL_RESERVATION":
        done(shared.emsp.command("RESERVE_NOW", payloads.reserve_now(shared.emsp.party, ident), to=shared.cpo.id))
    response = {"result": "ACCEPTED", "timeout": 17, "message": [{"language": "en", "text": "Please plug in"}]}
    shared.cpo.script("POST", f"/commands/{command}$", Reply(data=response))
    body = {**body_of(command, shared.emsp, ident), "x_vendor": {"b": 1, "a": None}, "response_url": callbacks.url}
    answer = shared.emsp.command(command, body, to=shared.cpo.id, headers={"X-Correlation-ID": ident})
    assert done(answer).data == response
    (request,) = received(shared.cpo, ident, command)
    assert request.path == f"/ocpi/2.2.1/commands/{command}"
    assert {**request.json, "response_url": callbacks.url} == body and list(request.json) == list(body)
    assert request.routing == (shared.emsp.id, shared.cpo.id) and request.headers["x-correlation-id"] == ident


@rule("OCPI 5.6-8", "hub 5-commands-2")
def test_the_cpo_sees_a_url_of_the_hub(hub, shared, ident, callbacks):
    """A secret of 128 bits or more; nothing that the account team or the log sees contains it; nothing tells the CPO the eMSP's URL."""
    request = sent(shared, ident, response_url=callbacks.url)
    match = re.fullmatch(re.escape(hub.url) + r"/ocpi/2\.2\.1/commands/callback/([A-Za-z0-9_-]{22,})", request.json["response_url"])
    assert match and callbacks.url not in request.body.decode() + json.dumps(request.headers), request
    listed = hub.rows("command", "list")
    shown = json.dumps([listed, [hub.rows("command", "show", row["id"]) for row in listed[-5:]], hub.audit()]) + hub.stderr()
    assert match[1] not in shown
    assert sent(shared, f"{ident}-2").json["response_url"] != request.json["response_url"], "another one for each command"


@rule("hub 5-commands-2")
def test_bytes_of_a_command(shared, ident, callbacks):
    text = '{ "z":1.50,"response_url":"%s", "token":%s,"location_id":"%s","a":[1E2,null] }'
    sent_text = text % (callbacks.url, json.dumps(payloads.token(shared.emsp.party)), ident)
    done(shared.emsp.call("POST", "commands/START_SESSION", sent_text, to=shared.cpo.id))
    (request,) = received(shared.cpo, ident)
    assert exact(request.body) == exact(sent_text.replace(callbacks.url, request.json["response_url"]))


@pytest.fixture(scope="module")
def two(hub):
    """An eMSP with two routed CPOs; the second has location AT-SECOND and session S-SECOND."""
    first, second, emsp = hub.onboard("CPO"), hub.onboard("CPO"), hub.onboard("EMSP")
    for cpo in (first, second):
        hub.rule(emsp, cpo)
    done(second.put("locations", payloads.location(second.party, "AT-SECOND")))
    done(second.put("sessions", payloads.session(second.party, emsp.party, "S-SECOND")))
    return emsp, first, second


@pytest.mark.parametrize(
    "command, fields",
    [
        ("START_SESSION", {"location_id": "at-second"}),
        ("RESERVE_NOW", {"location_id": "AT-SECOND"}),
        ("UNLOCK_CONNECTOR", {"location_id": "AT-SECOND"}),
        ("STOP_SESSION", {"session_id": "s-second"}),
    ],
)
@rule("hub 5-commands-1")
def test_owner_gets_it(two, ident, command, fields):
    """Without OCPI-to the location's or the session's owner, in any case."""
    emsp, first, second = two
    body = {**body_of(command, emsp, ident), **fields, "x_case": ident}
    assert done(emsp.command(command, body)).data["result"] == "ACCEPTED"
    assert (len(received(first, ident)), len(received(second, ident, command))) == (0, 1)


@rule("hub 5-commands-1")
def test_cancel_goes_where_the_reservation_was_made(two, ident):
    """RESERVE_NOW went to the second CPO by OCPI-to: CANCEL_RESERVATION follows it without."""
    emsp, first, second = two
    done(emsp.command("RESERVE_NOW", payloads.reserve_now(emsp.party, ident, "UNKNOWN-PLACE"), to=second.id))
    assert done(emsp.command("CANCEL_RESERVATION", {"reservation_id": ident})).data["result"] == "ACCEPTED"
    assert (len(received(first, ident)), len(received(second, ident, "CANCEL_RESERVATION"))) == (0, 1)


@rule("hub 5-commands-12")
def test_a_running_session_is_meant(two, ident):
    emsp, first, second = two
    for cpo, status in ((first, "COMPLETED"), (second, "ACTIVE")):
        done(cpo.put("sessions", payloads.session(cpo.party, emsp.party, ident, status=status)))
    assert done(emsp.command("STOP_SESSION", {"session_id": ident})).data["result"] == "ACCEPTED"
    assert (len(received(first, ident)), len(received(second, ident))) == (0, 1)
    done(first.put("sessions", payloads.session(first.party, emsp.party, f"{ident}-2")))
    done(second.put("sessions", payloads.session(second.party, emsp.party, f"{ident}-2")))
    refused(emsp.command("STOP_SESSION", {"session_id": f"{ident}-2"}))


@rule("hub 5-commands-13")
def test_a_cpo_that_wants_unknown_sessions(hub, two, ident):
    emsp, first, second = two
    hub.ok("party", "set", first.id, "--forward-unknown-sessions")
    assert done(emsp.command("STOP_SESSION", {"session_id": ident})).data["result"] == "ACCEPTED"
    assert (len(received(first, ident)), len(received(second, ident))) == (1, 0)
    hub.ok("party", "set", first.id, "--refuse-unknown-sessions")
    assert done(emsp.command("STOP_SESSION", {"session_id": ident})).data["result"] == "UNKNOWN_SESSION"


@rule("hub 5-commands-14", "hub 5-commands-15")
def test_whose_reservation_it_is(hub, two, ident):
    emsp, first, second = two
    other = hub.onboard("EMSP")
    hub.rule(other, first)
    second.script("POST", "/commands/RESERVE_NOW", Reply(data={"result": "REJECTED", "timeout": 0}))
    for cpo in (first, second):
        done(emsp.command("RESERVE_NOW", payloads.reserve_now(emsp.party, ident, "L"), to=cpo.id))
    answer = other.command("RESERVE_NOW", payloads.reserve_now(other.party, ident, "L"), to=first.id)
    assert done(answer).data["result"] == "REJECTED"
    for sender, reservation in ((other, ident), (emsp, f"{ident}-never")):
        answer = sender.command("CANCEL_RESERVATION", {"reservation_id": reservation})
        assert done(answer).data["result"] == "UNKNOWN_RESERVATION"
    assert len(received(first, ident)) == 1
    assert done(emsp.command("CANCEL_RESERVATION", {"reservation_id": ident})).data["result"] == "ACCEPTED"
    assert (len(received(first, ident, "CANCEL")), len(received(second, ident, "CANCEL"))) == (1, 0)
    done(emsp.command("RESERVE_NOW", payloads.reserve_now(emsp.party, ident, "L"), to=second.id))
    refused(emsp.command("CANCEL_RESERVATION", {"reservation_id": ident}))


@rule("hub 5-commands-19", "hub 5-commands-15")
def test_one_reservation_at_the_same_moment(hub, two, ident):
    emsp, first, _ = two
    other = hub.onboard("EMSP")
    hub.rule(other, first)
    reserve = lambda sender: lambda: sender.command("RESERVE_NOW", payloads.reserve_now(sender.party, ident, "L"), to=first.id)  # noqa: E731
    answers = at_once([reserve(sender) for sender in (emsp, other) * 8])
    results = [{done(answer).data["result"] for answer in answers[start::2]} for start in (0, 1)]
    assert sorted(map(sorted, results)) == [["ACCEPTED"], ["REJECTED"]]
    assert len(received(first, ident)) == 8


@pytest.mark.parametrize("where", ["nested", "in a list", "twice", "query too"])
@rule("hub 5-commands-20")
def test_a_response_url_that_is_not_replaced(two, ident, where):
    """Whoever answers there would take its token with it."""
    emsp, first, _ = two
    url = emsp.response_url()
    body, query = {
        "nested": ({"id": ident, "options": {"response_url": url}}, None),
        "in a list": ({"id": ident, "steps": [{"Response_URL": url}]}, None),
        "twice": ({"id": ident, "response_url": url, "more": [[{"response_url": url}]]}, None),
        "query too": ({"id": ident, "response_url": url}, {"response_url": url}),
    }[where]
    refused(emsp.call("POST", f"x_bookings/{ident}", body, query=query, to=first.id))
    assert not first.received("*", ident)


@rule("hub 5-commands-16")
def test_a_token_of_another_party(two, ident):
    emsp, first, second = two
    for member, value in (("party_id", "QQQ"), ("country_code", "DE")):
        token = {**payloads.token(emsp.party), member: value}
        refused(emsp.command("START_SESSION", {"token": token, "location_id": ident}, to=first.id))
    assert received(first, ident) == []


@pytest.mark.parametrize("body", ['"session_id":"S-SECOND","Session_ID":"X"', '"session_id":"S-SECOND "', '"session_id":"S-SECOND","\\u0073ession_id":"X"'])
@rule("hub 5-commands-17")
def test_a_member_with_two_readings(two, ident, callbacks, body):
    emsp, first, second = two
    refused(emsp.call("POST", "commands/STOP_SESSION", '{"response_url":"%s",%s}' % (emsp.response_url(), body)))


@pytest.mark.parametrize("wrapping", ["%s", "[%s]", '{"status_code":1000,"data":%s}', '{"status_code":1000,"data":[%s]}'])
@rule("hub 5-commands-18")
def test_a_wrapped_result(shared, ident, callbacks, wrapping):
    request = sent(shared, ident, response_url=callbacks.url)
    done(http_call("POST", request.json["response_url"], wrapping % '{"result":"ACCEPTED"}'))
    assert callbacks.wait().json == {"result": "ACCEPTED"}


@rule("hub 5-commands-1")
def test_nobody_knows_where(two, ident):
    """Several CPOs and no hint: 2001 says what is missing, nobody is asked."""
    emsp, first, second = two
    for command in ("START_SESSION", "RESERVE_NOW", "UNLOCK_CONNECTOR"):
        refused(emsp.command(command, body_of(command, emsp, ident)))
    assert received(first, ident) == received(second, ident) == []


@rule("hub 5-commands-1")
def test_without_a_rule(hub, two, ident):
    emsp, first, second = two
    third = hub.onboard("CPO")
    done(third.put("locations", payloads.location(third.party, ident)))
    not_routed(emsp.command("START_SESSION", body_of("START_SESSION", emsp, ident)))
    not_routed(emsp.command("START_SESSION", body_of("START_SESSION", emsp, ident), to=third.id))
    assert emsp.command("START_SESSION", body_of("START_SESSION", emsp, ident), to="IN-QQQ").outcome == (200, 4001)
    assert [received(cpo, ident) for cpo in (first, second, third)] == [[], [], []]


@rule("OCPI 5.6-6", "hub 5-commands-3")
def test_stop_session_of_an_unknown_or_foreign_session(hub, two, ident):
    """UNKNOWN_SESSION, and the CPO is not asked; OCPI-to opens no foreign session."""
    emsp, first, second = two
    other = hub.onboard("EMSP")
    hub.rule(other, second)
    for sender, session, to in ((emsp, ident, None), (other, "S-SECOND", None), (other, "s-second", second.id)):
        answer = sender.command("STOP_SESSION", {"session_id": session, "x_case": ident}, to=to)
        assert answer.status == 200 and answer.data["result"] == "UNKNOWN_SESSION", answer
    assert received(first, ident) == received(second, ident) == []


@rule("OCPI 5.6-9", "OCPI 5.6-10")
def test_the_cpo_decides(shared, ident):
    """The hub asks nobody about the token, and forwards a command with evse_uid and connector_id, and without."""
    for number, fields in enumerate(({}, {"evse_uid": "EVSE001"}, {"evse_uid": "EVSE001", "connector_id": "1"}, {"connector_id": "1"})):
        body = {"token": payloads.token(shared.emsp.party), "location_id": f"{ident}-{number}", **fields}
        done(shared.emsp.command("START_SESSION", body, to=shared.cpo.id))
        (request,) = received(shared.cpo, f"{ident}-{number}")
        assert {key: request.json[key] for key in request.json if key != "response_url"} == body
    assert shared.cpo.received("*", "/authorize$") == shared.emsp.received("*", "/authorize$") == []


@pytest.mark.parametrize("result", ["REJECTED", "NOT_SUPPORTED", "UNKNOWN_SESSION"])
@rule("hub 5-commands-4", "hub 5-commands-9")
def test_a_no_ends_the_command(hub, shared, ident, callbacks, result):
    shared.cpo.script("POST", "/commands/", Reply(data={"result": result, "timeout": 1}))
    answer = shared.emsp.command("START_SESSION", {**body_of("START_SESSION", shared.emsp, ident), "response_url": callbacks.url}, to=shared.cpo.id)
    assert done(answer).data["result"] == result
    hub.wait_rows("command", "list", where=lambda row: row["emsp"] == shared.emsp.id and row["result"] == result, what="the command has ended")
    assert settled(shared, callbacks, ident) == []


@rule("OCPI 5.6-5")
def test_unknown_location_as_the_cpo_answers_it(shared, ident):
    shared.cpo.script("POST", "/commands/", Reply(code=2003, data={"result": "REJECTED", "timeout": 0}, message="no such location"))
    answer = shared.emsp.command("START_SESSION", body_of("START_SESSION", shared.emsp, ident), to=shared.cpo.id)
    assert answer.outcome == (200, 2003) and answer.data["result"] == "REJECTED" and "no such location" in answer.message, answer


@rule("hub 5-commands-5")
def test_a_cpo_that_answers_too_late(shared, ident, callbacks):
    gate = Gate(20 * SLOW)
    shared.cpo.script("POST", "/commands/", Reply(hold=gate))
    body = {**body_of("START_SESSION", shared.emsp, ident), "response_url": callbacks.url}
    assert shared.emsp.command("START_SESSION", body, to=shared.cpo.id).outcome == (200, 4002)
    gate.open()
    (request,) = received(shared.cpo, ident)
    done(shared.cpo.send_result(request, "ACCEPTED"))
    assert callbacks.wait().json == {"result": "ACCEPTED"}


@rule("hub 5-commands-9")
def test_a_cpo_that_is_down(pair):
    """4003 ends the command: nothing follows."""
    callbacks = Callbacks(pair.emsp, "DOWN")
    pair.cpo.down()
    body = {**body_of("START_SESSION", pair.emsp, "DOWN"), "response_url": callbacks.url}
    assert pair.emsp.command("START_SESSION", body, to=pair.cpo.id).outcome == (200, 4003)
    pair.cpo.up()
    assert settled(pair, callbacks, "DOWN") == []


# ---------------------------------------------------------------- the way back


@rule("OCPI 5.6-2", "OCPI 5.6-4", "OCPI 5.6-8")
def test_result_as_the_emsp_gets_it(shared, ident, callbacks):
    """At the response_url of this command, its bytes bare, with the eMSP's token, FROM the CPO, TO the eMSP."""
    request = sent(shared, ident, response_url=callbacks.url + "?session=7&x=%20")
    text = '{"message":[{"language":"en","text":"Done"}],"x_soc":12.50, "result":"ACCEPTED"}'
    done(http_call("POST", request.json["response_url"], text, {"Content-Type": "application/json"}))
    result = callbacks.wait()
    assert result.target == callbacks.path + "?session=7&x=%20" and exact(result.body) == exact(text)
    assert result.headers["authorization"] == authorization(shared.emsp.token) and result.routing == (shared.cpo.id, shared.emsp.id)
    assert result.headers["x-request-id"] and result.headers["x-correlation-id"]


@pytest.mark.parametrize(
    "result",
    ["ACCEPTED", "CANCELED_RESERVATION", "EVSE_OCCUPIED", "EVSE_INOPERATIVE", "FAILED", "NOT_SUPPORTED", "REJECTED", "TIMEOUT",
     "UNKNOWN_RESERVATION"],
)  # fmt: skip
@rule("OCPI 5.6-2")
def test_each_result(shared, ident, callbacks, result):
    done(shared.cpo.send_result(sent(shared, ident, response_url=callbacks.url), result))
    assert callbacks.wait().json == {"result": result}


@rule("hub 5-commands-6")
def test_callback_of_nobody(hub, shared):
    """Unknown ids are 404 whatever the token; other methods are not offered."""
    url = f"{hub.url}/ocpi/2.2.1/commands/callback/{'A' * 43}"
    unknown(http_call("POST", url, {"result": "ACCEPTED"}, {"Content-Type": "application/json"}))
    unknown(shared.cpo.call("POST", url, {"result": "ACCEPTED"}))
    answer = shared.cpo.call("PUT", url, {"result": "ACCEPTED"})
    assert answer.outcome == (405, 2000) and answer.headers["Allow"], answer


@rule("hub 5-commands-6")
def test_what_is_no_result_uses_nothing_up(shared, ident, callbacks):
    request = sent(shared, ident, response_url=callbacks.url)
    for body, outcome in (("{", (400, 2001)), ("", (400, 2001)), ("[]", (200, 2001)), ("{}", (200, 2001)), ('{"result":5}', (200, 2001))):
        assert http_call("POST", request.json["response_url"], body, {"Content-Type": "application/json"}).outcome == outcome, body
    done(shared.cpo.send_result(request, "FAILED"))
    callbacks.wait()
    assert settled(shared, callbacks, ident) == [{"result": "FAILED"}]


@rule("hub 5-commands-7", "hub 5-commands-9")
def test_repeated_results(shared, ident, callbacks):
    """The same again, and another one: 1000 each, the eMSP gets the first."""
    request = sent(shared, ident, response_url=callbacks.url)
    for result in ("ACCEPTED", "ACCEPTED", "FAILED", "ACCEPTED"):
        done(shared.cpo.send_result(request, result))
    callbacks.wait()
    assert settled(shared, callbacks, ident) == [{"result": "ACCEPTED"}]


@rule("OCPI 5.6-3", "hub 5-commands-8", "hub 5-commands-9")
def test_timeout(hub, shared, ident, callbacks):
    """No result within the CPO's timeout: TIMEOUT; what comes after it is 1000, audited, and not delivered."""
    shared.cpo.script("POST", "/commands/", Reply(data={"result": "ACCEPTED", "timeout": 1}))
    request = sent(shared, ident, response_url=callbacks.url)
    assert callbacks.wait().json["result"] == "TIMEOUT"
    before = len(hub.audit(**{"from": shared.cpo.id}))
    done(shared.cpo.send_result(request, "ACCEPTED"))
    assert [body["result"] for body in settled(shared, callbacks, ident)] == ["TIMEOUT"]
    assert len(hub.audit(**{"from": shared.cpo.id})) > before


@rule("OCPI 5.6-7", "hub 5-commands-11")
def test_canceled_reservation(shared, ident, callbacks):
    """After ACCEPTED of RESERVE_NOW the CPO cancels: delivered, and once; of other commands there is no second result."""
    request = sent(shared, ident, "RESERVE_NOW", response_url=callbacks.url)
    for result in ("ACCEPTED", "CANCELED_RESERVATION", "CANCELED_RESERVATION"):
        done(shared.cpo.send_result(request, result))
        callbacks.wait(1 if result == "ACCEPTED" else 2)
    assert settled(shared, callbacks, ident) == [{"result": "ACCEPTED"}, {"result": "CANCELED_RESERVATION"}]
    other = Callbacks(shared.emsp, f"{ident}-start")
    request = sent(shared, f"{ident}-start", response_url=other.url)
    for result in ("ACCEPTED", "CANCELED_RESERVATION"):
        done(shared.cpo.send_result(request, result))
    other.wait()
    assert settled(shared, other, ident) == [{"result": "ACCEPTED"}]


@rule("OCPI 5.6-12")
def test_two_emsps_use_the_same_reservation_id(hub, two, ident):
    """Each cancels its own: at the CPO where it was made, with its own callback."""
    emsp, first, second = two
    other = hub.onboard("EMSP")
    for cpo in (first, second):
        hub.rule(other, cpo)
    done(emsp.command("RESERVE_NOW", payloads.reserve_now(emsp.party, ident, "L"), to=first.id))
    done(other.command("RESERVE_NOW", payloads.reserve_now(other.party, ident, "L"), to=second.id))
    for sender, cpo, foreign in ((emsp, first, second), (other, second, first)):
        done(sender.command("CANCEL_RESERVATION", {"reservation_id": ident}))
        assert [r.routing for r in received(cpo, ident, "CANCEL_RESERVATION")] == [(sender.id, cpo.id)]
        callbacks = Callbacks(sender, f"{ident}-{sender.id}")
        done(sender.command("CANCEL_RESERVATION", {"reservation_id": ident, "response_url": callbacks.url}))
        done(cpo.send_result(received(cpo, ident, "CANCEL_RESERVATION")[-1], "ACCEPTED"))
        callbacks.wait()


@rule("OCPI 5.6-13")
def test_the_same_reservation_id_again(shared, ident):
    first, second = (Callbacks(shared.emsp, f"{ident}-{number}") for number in (1, 2))
    requests = [sent(shared, ident, "RESERVE_NOW", response_url=made.url, expiry_date=timestamp(900)) for made in (first, second)]
    for request, made in zip(requests, (first, second)):
        done(shared.cpo.send_result(request, "ACCEPTED"))
        assert made.wait().json == {"result": "ACCEPTED"}


# ---------------------------------------------------------------- response_url


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/cb", "http://localhost:%d/cb", "http://127.0.0.1@192.0.2.1/cb", "ftp://127.0.0.1/cb", "//127.0.0.1/cb", "cb", ""]
)
@rule("hub 5-commands-10")
def test_response_url_on_a_foreign_host(shared, ident, command, url):
    url = url.replace("%d", str(shared.emsp.server.port))
    answer = shared.emsp.command(command, {**body_of(command, shared.emsp, ident), "response_url": url}, to=shared.cpo.id)
    refused(answer)
    assert "/response_url" in findings(answer) and received(shared.cpo, ident) == []


@rule("hub 5-commands-10")
def test_response_url_on_an_allowed_host(hub, pair):
    hub.ok("party", "set", pair.emsp.id, "--allow-host", "localhost")
    request = sent(pair, "HOST", response_url=f"http://localhost:{pair.emsp.server.port}/ocpi/callbacks/host")
    done(pair.cpo.send_result(request, "ACCEPTED"))
    pair.emsp.wait("POST", "^/ocpi/callbacks/host$")
