"""Remote commands: eMSP -> hub -> CPO, and the result back through the hub's callback to the eMSP's response_url."""

import json
import re
import threading
from urllib.parse import urlsplit

import pytest

from tests.e2e.harness import SLOW, eventually
from tests.sim import Gate, Reply, exact, http_call, payloads
from tests.sim.client import authorization
from tests.sim.wire import timestamp


@pytest.fixture(scope="module")
def hub_settings():
    return {"command_forward_timeout": f"{SLOW:g}s"}


CALLBACKS = ("POST", "^/ocpi/callbacks/")


def forwarded(cpo, command="", count=1):
    """The count-th command that the CPO received."""
    return cpo.wait("POST", f"/commands/{command}", count=count)


def start(pair, **changes):
    """An accepted START_SESSION; returns what the CPO received."""
    before = len(pair.cpo.received("POST", "/commands/START_SESSION"))
    answer = pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party, **changes))
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer
    return forwarded(pair.cpo, "START_SESSION", before + 1)


def results(emsp):
    """CommandResults that the eMSP received, as parsed bodies."""
    return [request.json for request in emsp.received(*CALLBACKS)]


def settled(pair):
    """Runs one whole command more: what was queued for this eMSP before it has been sent by then."""
    request = start(pair, authorization_reference="MARK")
    assert pair.cpo.send_result(request, "ACCEPTED", mark="settled").outcome == (200, 1000)
    pair.emsp.wait(*CALLBACKS, where=lambda r: r.json.get("mark") == "settled")
    pair.hub.wait_rows(
        "command", "list", where=lambda row: row["emsp"] == pair.emsp.id and row["result"] == "ACCEPTED", what="the mark's command is done"
    )
    return [body for body in results(pair.emsp) if body.get("mark") != "settled"]


# ---------------------------------------------------------------- the way there


def test_start_session_as_the_cpo_gets_it(pair):
    """Everything is as the eMSP sent it except response_url, which is the hub's callback with a secret of 128+ bits."""
    body = payloads.start_session(pair.emsp.party, vendor_hint={"soc": 12.50}, response_url=pair.emsp.response_url())
    answer = pair.emsp.command("START_SESSION", body, headers={"X-Correlation-ID": "corr-1", "X-Request-ID": "req-1"})
    assert answer.outcome == (200, 1000), answer
    assert answer.data == {"result": "ACCEPTED", "timeout": 30}
    assert (answer.headers["X-Request-ID"], answer.headers["X-Correlation-ID"]) == ("req-1", "corr-1")
    assert answer.headers["OCPI-from-party-id"] == pair.cpo.party.party_id
    request = forwarded(pair.cpo, "START_SESSION$")
    assert {**request.json, "response_url": body["response_url"]} == body
    callback = re.fullmatch(re.escape(pair.hub.url) + r"/ocpi/2\.2\.1/commands/callback/([A-Za-z0-9_-]{22,})", request.json["response_url"])
    assert callback, request.json["response_url"]
    assert request.headers["authorization"] == authorization(pair.cpo.token)
    assert request.routing == (pair.emsp.id, pair.cpo.id)
    assert request.headers["x-correlation-id"] == "corr-1" and request.headers["x-request-id"] != "req-1"


def test_bytes_of_a_command_are_kept(pair):
    """Number spelling, key order and unknown fields reach the CPO."""
    text = '{"z":1.50,"token":%s,"location_id":"LOC001","response_url":"%s","a":[1E2,null]}'
    sent = text % (json.dumps(payloads.token(pair.emsp.party)), pair.emsp.response_url())
    assert pair.emsp.call("POST", "commands/START_SESSION", sent).outcome == (200, 1000)
    got = exact(forwarded(pair.cpo).body)
    wanted = exact(sent)
    assert [pair for pair in got if pair[0] != "response_url"] == [pair for pair in wanted if pair[0] != "response_url"]
    assert [key for key, _ in got] == [key for key, _ in wanted]


def test_start_session_as_the_guide_prints_it(pair):
    """The eMSP guide's example has a token with three of eight fields: it is accepted."""
    body = """{
      "response_url": "%s/ocpi/callbacks/commands",
      "token": { "uid": "...", "type": "RFID", "contract_id": "..." },
      "location_id": "LOC001",
      "evse_uid": "EVSE001",
      "connector_id": "1"
    }""" % pair.emsp.url
    answer = pair.emsp.call("POST", "commands/START_SESSION", body)
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer
    assert pair.cpo.send_result(forwarded(pair.cpo), "ACCEPTED").outcome == (200, 1000)
    assert pair.emsp.wait("POST", "^/ocpi/callbacks/commands$").json == {"result": "ACCEPTED"}


@pytest.mark.parametrize("command", ["START_SESSION", "RESERVE_NOW", "UNLOCK_CONNECTOR"])
def test_owner_of_the_location_gets_it(hub, pair, command):
    """location_id leads to its owner among several CPOs."""
    second = hub.onboard("CPO")
    hub.rule(pair.emsp, second)
    second.put("locations", payloads.location(second.party, "AT-SECOND"))
    body = {
        "START_SESSION": payloads.start_session(pair.emsp.party, location_id="AT-SECOND"),
        "RESERVE_NOW": payloads.reserve_now(pair.emsp.party, location_id="AT-SECOND"),
        "UNLOCK_CONNECTOR": {"location_id": "AT-SECOND", "evse_uid": "EVSE001", "connector_id": "1"},
    }[command]
    answer = pair.emsp.command(command, body)
    assert answer.outcome == (200, 1000), answer
    forwarded(second, command)
    assert pair.cpo.received("POST", "/commands/") == []
    if command == "RESERVE_NOW":
        answer = pair.emsp.command("CANCEL_RESERVATION", {"reservation_id": body["reservation_id"]})
        assert answer.outcome == (200, 1000), answer
        forwarded(second, "CANCEL_RESERVATION")
        assert pair.cpo.received("POST", "/commands/") == []


@pytest.fixture
def session(hub, pair):
    """A running session of the pair, and a second routed CPO, so that only the session tells where to go."""
    second = hub.onboard("CPO")
    hub.rule(pair.emsp, second)
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, "SES-STOP")).outcome == (201, 1000)
    return pair


def test_stop_session_goes_to_the_owner_of_the_session(session):
    """STOP_SESSION needs nothing but the session_id, in any case."""
    answer = session.emsp.command("STOP_SESSION", {"session_id": "ses-stop"})
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer
    request = forwarded(session.cpo, "STOP_SESSION$")
    session.cpo.send_result(request, "ACCEPTED")
    session.emsp.wait(*CALLBACKS)


def test_stop_session_of_somebody_else(hub, session):
    """The session must be that eMSP's, and known: else UNKNOWN_SESSION, and the CPO is not asked."""
    other = hub.onboard("EMSP")
    hub.rule(other, session.cpo)
    for emsp, ident in [(other, "SES-STOP"), (session.emsp, "SES-NOBODY")]:
        answer = emsp.command("STOP_SESSION", {"session_id": ident})
        assert answer.status == 200 and answer.data["result"] == "UNKNOWN_SESSION", answer
    assert session.cpo.received("POST", "/commands/") == []


def test_stop_session_of_somebody_else_by_name_of_the_cpo(hub, session):
    """OCPI-to that names the CPO opens no other eMSP's session: UNKNOWN_SESSION, and the CPO is not asked."""
    other = hub.onboard("EMSP")
    hub.rule(other, session.cpo)
    answer = other.command("STOP_SESSION", {"session_id": "SES-STOP"}, to=session.cpo.id)
    assert answer.status == 200 and (answer.data or {}).get("result") == "UNKNOWN_SESSION", answer
    assert session.cpo.received("POST", "/commands/") == []
    answer = session.emsp.command("STOP_SESSION", {"session_id": "SES-STOP"}, to=session.cpo.id)
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer


def test_routing_headers_name_the_cpo(hub, pair):
    """OCPI-to headers win."""
    second = hub.onboard("CPO")
    hub.rule(pair.emsp, second)
    answer = pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party), to=second.id)
    assert answer.outcome == (200, 1000), answer
    forwarded(second)
    assert pair.cpo.received("POST", "/commands/") == []


def test_owner_of_the_token_sends_it(hub, pair):
    """Without OCPI-from a platform with two eMSPs acts as the one that body.token names: its rule, its FROM, its result."""
    both = hub.onboard("EMSP", "EMSP")
    sender = both.parties[1]
    hub.ok("rule", "enable", sender.id, pair.cpo.id)
    answer = both.command("START_SESSION", payloads.start_session(sender), to=pair.cpo.id)
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer
    request = forwarded(pair.cpo, "START_SESSION$")
    assert request.routing == (sender.id, pair.cpo.id)
    assert pair.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    assert both.wait(*CALLBACKS).routing == (pair.cpo.id, sender.id)
    answer = both.command("START_SESSION", payloads.start_session(both.party), to=pair.cpo.id)
    assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), "the other eMSP has no rule"


@pytest.mark.parametrize(
    "data, result",
    [({"result": "REJECTED", "timeout": 10}, "REJECTED"), ([{"result": "NOT_SUPPORTED", "timeout": 1}], "NOT_SUPPORTED")],
    ids=["rejected", "wrapped in a list"],
)
def test_answers_that_end_a_command(pair, data, result):
    """A CommandResponse other than ACCEPTED is relayed, ends the command, and no TIMEOUT follows."""
    pair.cpo.script("POST", "/commands/", Reply(data=data))
    answer = pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party))
    assert answer.outcome == (200, 1000) and answer.data["result"] == result, answer
    (row,) = [row for row in pair.hub.rows("command", "list") if row["emsp"] == pair.emsp.id]
    assert (row["command"], row["cpo"], row["result"]) == ("START_SESSION", pair.cpo.id, result)
    assert settled(pair) == []


# ---------------------------------------------------------------- the way back


def test_result_reaches_the_response_url(pair):
    """The callback needs no token; the result is delivered with the eMSP's token, FROM the CPO TO the eMSP, bytes kept."""
    request = start(pair)
    result = '{"message":[{"language":"en","text":"Plug in now"}],"result":"ACCEPTED","x_soc":12.50}'
    answer = pair.cpo.send_result(request, json.loads(result))
    assert answer.outcome == (200, 1000), answer
    delivered = pair.emsp.wait(*CALLBACKS)
    assert delivered.path == "/ocpi/callbacks/commands/1"
    assert delivered.json == json.loads(result)
    assert delivered.headers["authorization"] == authorization(pair.emsp.token)
    assert delivered.routing == (pair.cpo.id, pair.emsp.id)
    assert delivered.headers["x-request-id"] and delivered.headers["x-correlation-id"]


def test_bytes_of_a_result_are_kept(pair):
    """A CommandResult is passed on as it came."""
    text = '{"z":1.50,"result":"EVSE_OCCUPIED","a":[1E2,null]}'
    answer = http_call("POST", start(pair).json["response_url"], text, {"Content-Type": "application/json"})
    assert answer.outcome == (200, 1000), answer
    assert exact(pair.emsp.wait(*CALLBACKS).body) == exact(text)


def test_result_during_the_answer(pair):
    """A CPO that posts its result before its CommandResponse is understood; the eMSP gets both."""
    gate = Gate()
    pair.cpo.script("POST", "/commands/", Reply(hold=gate, data={"result": "ACCEPTED", "timeout": 30}))
    answers = []
    thread = threading.Thread(target=lambda: answers.append(pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party))))
    thread.start()
    assert pair.cpo.send_result(forwarded(pair.cpo), "ACCEPTED").outcome == (200, 1000)
    gate.open()
    thread.join()
    assert answers[0].data["result"] == "ACCEPTED"
    pair.emsp.wait(*CALLBACKS)
    assert settled(pair) == [{"result": "ACCEPTED"}]


def test_cancel_reservation_that_names_the_hub(hub, pair):
    """OCPI-to that names the hub says nothing: the reservation still leads to its CPO, among several."""
    hub.rule(pair.emsp, hub.onboard("CPO"))
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party, "LOC-C")).code == 1000
    assert pair.emsp.command("RESERVE_NOW", payloads.reserve_now(pair.emsp.party, "RES-H", "LOC-C")).code == 1000
    body = {"response_url": pair.emsp.response_url(), "reservation_id": "RES-H"}
    assert pair.emsp.call("POST", "commands/CANCEL_RESERVATION", body, to="IN-CIH").outcome == (200, 1000)
    pair.cpo.wait("POST", "/commands/CANCEL_RESERVATION$")


def test_callback_echoes_its_ids(pair):
    """The CPO's own ids come back to it; the audit's row has the command's, so that trace finds it."""
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party, "LOC-E")).code == 1000
    ids = {"X-Correlation-ID": "of-the-command"}
    body = {**payloads.start_session(pair.emsp.party, "LOC-E"), "response_url": pair.emsp.response_url()}
    assert pair.emsp.call("POST", "commands/START_SESSION", body, headers=ids).code == 1000
    callback = pair.cpo.wait("POST", "/commands/START_SESSION$").json["response_url"]
    answer = http_call("POST", callback, {"result": "ACCEPTED"}, {"X-Request-ID": "r-1", "X-Correlation-ID": "c-1"})
    assert answer.code == 1000 and (answer.headers["X-Request-ID"], answer.headers["X-Correlation-ID"]) == ("r-1", "c-1")
    (row,) = pair.hub.audit(action="command.result", party=pair.cpo.id)
    assert (row["request_id"], row["correlation_id"]) == ("r-1", "of-the-command")


def test_repeated_result(pair):
    """The same result again: 1000, and not delivered twice."""
    request = start(pair)
    for _ in range(3):
        assert pair.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    pair.emsp.wait(*CALLBACKS)
    assert settled(pair) == [{"result": "ACCEPTED"}]


def test_repeated_result_in_another_spelling(pair):
    """As OCPI values: members in another order, escapes, nulls and empty lists make no other result, so it is no late one."""
    request = start(pair)
    message = [{"language": "en", "text": "Gr\u00fcn"}]
    assert pair.cpo.send_result(request, "ACCEPTED", message=message, seen="2026-01-01").outcome == (200, 1000)
    pair.emsp.wait(*CALLBACKS)
    for body in ('{"message":[{"text":"Gr\\u00fcn","language":"en"}],"seen":"2026-01-01","result":"ACCEPTED"}',
                 '{"seen":"2026-01-01","result":"ACCEPTED","x":null,"list":[],"message":[{"language":"en","text":"Grün"}]}'):  # fmt: skip
        assert http_call("POST", request.json["response_url"], body.encode()).outcome == (200, 1000)
    assert [row["status"] for row in pair.hub.audit(action="command.result", party=pair.cpo.id)] == ["ACCEPTED", "repeated", "repeated"]
    assert settled(pair) == [{"result": "ACCEPTED", "message": message, "seen": "2026-01-01"}]


def test_reservation_may_have_a_second_result(pair):
    """CANCELED_RESERVATION after the RESERVE_NOW's first result is delivered too."""
    answer = pair.emsp.command("RESERVE_NOW", payloads.reserve_now(pair.emsp.party))
    assert answer.outcome == (200, 1000), answer
    request = forwarded(pair.cpo, "RESERVE_NOW")
    for result in ("ACCEPTED", "CANCELED_RESERVATION"):
        assert pair.cpo.send_result(request, result).outcome == (200, 1000)
        pair.emsp.wait(*CALLBACKS, where=lambda r: r.json["result"] == result)


def test_reservation_is_canceled_once(pair):
    """Of several different CANCELED_RESERVATION bodies for one reservation the eMSP gets the first only; all are answered 1000."""
    assert pair.emsp.command("RESERVE_NOW", payloads.reserve_now(pair.emsp.party)).outcome == (200, 1000)
    request = forwarded(pair.cpo, "RESERVE_NOW")
    assert pair.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    pair.emsp.wait(*CALLBACKS)
    for number in range(4):
        assert pair.cpo.send_result(request, "CANCELED_RESERVATION", number=number).outcome == (200, 1000)
    pair.emsp.wait(*CALLBACKS, count=2)
    delivered = settled(pair)
    eventually(lambda: not pair.hub.deliveries(to=pair.emsp.id, state="pending"), "nothing is pending any more")
    assert delivered == [{"result": "ACCEPTED"}, {"result": "CANCELED_RESERVATION", "number": 0}]


def test_strangers_leave_no_audit_rows(hub, pair):
    """Anybody may POST to the callback: unknown ids, whatever their body, write nothing into the audit."""
    ids = {"X-Request-ID": "stranger", "X-Correlation-ID": "stranger"}
    for number in range(10):
        for body in ('{"result":"ACCEPTED"}', '{"result":', ""):
            url = f"{hub.url}/ocpi/2.2.1/commands/callback/{number:032d}"
            assert http_call("POST", url, body, {"Content-Type": "application/json", **ids}).status in (400, 404)
    start(pair, authorization_reference="AFTER")
    hub.wait_audit(lambda row: row["from"] == pair.emsp.id and row["module"] == "commands", "the row of a real command after that")
    assert hub.audit(correlation_id="stranger") == [] == hub.audit(request_id="stranger")


def test_unknown_callback(hub):
    """404 with 2003, in the envelope, without a token; other methods are 405."""
    url = f"{hub.url}/ocpi/2.2.1/commands/callback/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert http_call("POST", url, {"result": "ACCEPTED"}).outcome == (404, 2003)
    assert http_call("GET", url).status in (401, 405)


def test_numbers_that_people_see_are_no_callbacks(hub, pair):
    """Listings show another number than the secret; the secret is shown nowhere."""
    request = start(pair)
    secret = request.json["response_url"].rsplit("/", 1)[1]
    (row,) = [row for row in hub.rows("command", "list") if row["emsp"] == pair.emsp.id]
    shown = hub.ok("--json", "command", "show", row["id"]).out + hub.ok("command", "list").out + json.dumps(hub.audit()) + hub.stderr()
    assert secret not in shown
    assert http_call("POST", f"{hub.url}/ocpi/2.2.1/commands/callback/{row['id']}", {"result": "ACCEPTED"}).status == 404


def test_bad_results_are_refused_and_use_nothing_up(pair):
    """Not JSON is 400, no CommandResult is 2001; the right one is delivered afterwards."""
    request = start(pair)
    url = request.json["response_url"]
    assert http_call("POST", url, "{").outcome == (400, 2001)
    for body in ({}, {"result": 5}, []):
        assert http_call("POST", url, body).outcome == (200, 2001), body
    assert pair.cpo.send_result(request, "FAILED").outcome == (200, 1000)
    pair.emsp.wait(*CALLBACKS)
    assert results(pair.emsp) == [{"result": "FAILED"}]


def test_no_result_in_time(pair):
    """No result within the CPO's timeout: the eMSP gets TIMEOUT; a later result is 1000, audited, and not delivered."""
    pair.cpo.script("POST", "/commands/", Reply(data={"result": "ACCEPTED", "timeout": 1}))
    request = start(pair)
    assert pair.emsp.wait(*CALLBACKS).json["result"] == "TIMEOUT"
    assert pair.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    assert [body["result"] for body in settled(pair)] == ["TIMEOUT"]
    pair.hub.wait_audit(
        lambda row: row["from"] == pair.cpo.id and "late" in json.dumps(row).lower(), "an audit row about the late result"
    )


def test_default_timeout(new_hub):
    """command_timeout holds where the CPO names no timeout of its own."""
    made = new_hub(command_timeout="500ms").pair()
    made.cpo.script("POST", "/commands/", Reply(data={"result": "ACCEPTED"}))
    start(made)
    assert made.emsp.wait(*CALLBACKS).json["result"] == "TIMEOUT"


def test_cpo_too_slow_with_its_answer(pair):
    """The wait for the CommandResponse is bounded: 4002; the callback stays valid."""
    gate = Gate()
    pair.cpo.script("POST", "/commands/", Reply(hold=gate))
    answer = pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party))
    assert answer.outcome == (200, 4002), answer
    request = forwarded(pair.cpo)
    gate.open()
    assert pair.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    assert pair.emsp.wait(*CALLBACKS).json == {"result": "ACCEPTED"}


def test_cpo_resets_after_the_command_arrived(pair):
    """It has the command, only its answer is lost: 4002; the command has not ended, and its result is delivered."""
    pair.cpo.script("POST", "/commands/", Reply(drop="reset"))
    answer = pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party))
    assert answer.outcome == (200, 4002), answer
    (request,) = pair.cpo.received("POST", "/commands/")
    assert pair.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    assert pair.emsp.wait(*CALLBACKS).json == {"result": "ACCEPTED"}


def test_cpo_down(pair):
    """Not reachable: 4003, and the command is over: no TIMEOUT result follows."""
    pair.cpo.down()
    answer = pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party))
    assert answer.outcome == (200, 4003), answer
    pair.cpo.up()
    assert settled(pair) == []


def test_result_while_the_emsp_is_down(pair):
    """The result is stored before the callback is answered, and delivered once the eMSP is back."""
    request = start(pair)
    pair.emsp.down()
    assert pair.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    pair.hub.wait_rows(
        "delivery", "list", where=lambda row: row["to"] == pair.emsp.id and row["attempts"] >= 1, what="a failed attempt"
    )
    pair.emsp.up()
    assert pair.emsp.wait(*CALLBACKS).json == {"result": "ACCEPTED"}


def test_restart_between_command_and_result(new_hub):
    """kill -9 after the accepted answer: the result is still delivered."""
    made = new_hub().pair()
    request = start(made)
    made.hub.kill()
    made.hub.restart()
    assert made.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    assert made.emsp.wait(*CALLBACKS).json == {"result": "ACCEPTED"}


def test_restart_between_result_and_delivery(new_hub):
    """kill -9 after the callback was answered: the result is still delivered."""
    made = new_hub().pair()
    request = start(made)
    made.emsp.down()
    assert made.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    made.hub.kill()
    made.emsp.up()
    made.hub.restart()
    assert made.emsp.wait(*CALLBACKS).json == {"result": "ACCEPTED"}


def test_timeout_survives_a_restart(new_hub):
    """A command whose time ran out while hubd was away ends as TIMEOUT after the start."""
    made = new_hub().pair()
    made.cpo.script("POST", "/commands/", Reply(data={"result": "ACCEPTED", "timeout": 1}))
    start(made)
    made.hub.kill()
    made.hub.restart()
    assert made.emsp.wait(*CALLBACKS).json["result"] == "TIMEOUT"


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("url", ["http://192.0.2.1/cb", "http://localhost:%d/cb", "ftp://127.0.0.1/cb", "nonsense", ""])
def test_response_url_must_be_on_a_registered_host(pair, url):
    """Only on hosts that the platform registered: else 2001, and nothing is forwarded."""
    if "%d" in url:
        url = url % pair.emsp.server.port
    answer = pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party, response_url=url))
    assert answer.outcome == (200, 2001) and "response_url" in answer.message, answer
    assert pair.cpo.received("POST", "/commands/") == []


def test_response_url_on_an_allowed_host(hub, pair):
    """party set --allow-host adds one."""
    hub.ok("party", "set", pair.emsp.id, "--allow-host", "localhost")
    url = f"http://localhost:{pair.emsp.server.port}/ocpi/callbacks/x"
    request = start(pair, response_url=url)
    pair.cpo.send_result(request, "ACCEPTED")
    pair.emsp.wait("POST", "/ocpi/callbacks/x$")


@pytest.mark.parametrize(
    "command, body",
    [
        ("START_SESSION", {"location_id": "LOC001"}),
        ("START_SESSION", {"token": {"type": "RFID"}, "location_id": "LOC001"}),
        ("START_SESSION", {"token": {"uid": "A"}}),
        ("STOP_SESSION", {}),
        ("STOP_SESSION", {"session_id": 5}),
        ("RESERVE_NOW", {"token": {"uid": "A"}, "location_id": "LOC001", "expiry_date": "2030-01-01T00:00:00Z"}),
        ("RESERVE_NOW", {"token": {"uid": "A"}, "location_id": "LOC001", "reservation_id": "R"}),
    ],
)
def test_essential_fields(pair, command, body):
    """What routing and identity rest on is missing: 2001; nothing is forwarded."""
    answer = pair.emsp.command(command, body)
    assert answer.outcome == (200, 2001), answer
    assert pair.cpo.received("POST", "/commands/") == []


def test_missing_response_url(pair):
    """response_url is essential for every command."""
    answer = pair.emsp.call("POST", "commands/START_SESSION", payloads.start_session(pair.emsp.party))
    assert answer.outcome == (200, 2001), answer


def test_other_refusals(hub):
    """No rule: NOT_ROUTED. A CPO may not send commands: 403. No such command: 404. Not JSON: 400."""
    hub, cpo, emsp = hub.pair(rule=False)
    answer = emsp.command("START_SESSION", payloads.start_session(emsp.party), to=cpo.id)
    assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer
    hub.rule(emsp, cpo)
    assert cpo.command("START_SESSION", payloads.start_session(cpo.party)).outcome == (403, 2001)
    assert emsp.command("DANCE", payloads.start_session(emsp.party)).outcome == (404, 2003)
    assert emsp.call("POST", "commands/START_SESSION", "{").outcome == (400, 2001)
    assert cpo.received("POST", "/commands/") == []


def test_callback_of_a_long_gone_rule(hub, pair):
    """A result of a command that was sent is delivered although the rule is off meanwhile: each command ends."""
    request = start(pair)
    hub.rule(pair.emsp, pair.cpo, "disable")
    assert pair.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    pair.emsp.wait(*CALLBACKS)
    command = eventually(
        lambda: [row for row in hub.rows("command", "list") if row["emsp"] == pair.emsp.id and row["result"] == "ACCEPTED"], "the command ended"
    )
    assert len(command) == 1 and urlsplit(request.json["response_url"]).path not in json.dumps(command)
    assert command[0]["created"] <= timestamp()
