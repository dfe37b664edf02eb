"""What was refused is told: the audit row says what, why and for whom; quality counts it; status and party check do not rest until it came rightly."""

import json
import uuid

import pytest

from tests.e2e.harness import eventually, on_terminal
from tests.sim import Reply, payloads
from tests.sim.wire import timestamp


def row_of(hub, **wanted):
    return hub.wait_audit(lambda row: all(row[key] == value for key, value in wanted.items()), f"a row with {wanted}")


def pointers(row):
    return [finding["pointer"] for finding in row["detail"]["refused"]]


def without(body, *names):
    return {name: value for name, value in body.items() if name not in names}


def refused_pushes(hub, *parties):
    return [row for row in hub.one("status")["attention"] if row["code"] == "push_refused" and row["party"] in parties]


def quality(hub, party, **wanted):
    """The one row of the party's counts that is so."""
    rows = hub.wait_rows("quality", party, where=lambda row: all(row[key] == value for key, value in wanted.items()), what=f"{wanted} is counted")
    assert len(rows) == 1, rows
    return rows[0]


# ---------------------------------------------------------------- the row of a refused push


def test_a_cdr_without_its_cost(hub, pair):
    """The money that would be lost: its row, its count, the attention, the doctor, and the end of it all when it comes again."""
    body, ident = payloads.cdr(pair.cpo.party, pair.emsp.party, "Cdr-aB-1"), str(uuid.uuid4())
    request = str(uuid.uuid4())
    answer = pair.cpo.call("POST", "cdrs", without(body, "total_cost"), headers={"X-Correlation-ID": ident, "X-Request-ID": request})
    assert answer.outcome == (200, 2001)
    row = row_of(hub, correlation_id=ident)
    assert (row["object"], row["module"], row["status"], row["party"], row["to"]) == ("Cdr-aB-1", "cdrs", "2001", pair.cpo.id, pair.emsp.id)
    assert pointers(row) == ["/total_cost"] and row["detail"]["message"] == answer.message == row["note"]
    counted = quality(hub, pair.cpo.id, field="total_cost", rule="missing")
    assert (counted["module"], counted["object"], counted["count"], counted["refused"], counted["last_example"]) == ("cdrs", "CDR", 1, 1, "Cdr-aB-1")
    for name in (ident, request, "Cdr-aB-1", "cdr-ab-1"):
        assert any(leg["status"] == "2001" and leg["note"] == answer.message for leg in hub.rows("trace", name)), name
    (attention,) = eventually(lambda: refused_pushes(hub, pair.cpo.id), "status tells")
    assert (attention["party"], attention["count"]) == (pair.cpo.id, 1) and "CDR" in attention["what"] and attention["since"]
    assert hub.ok(*attention["hint"].split()[1:]).out
    report = json.loads(hub.ctl("party", "check", pair.cpo.id, "--json").out)
    (check,) = [line for line in report["checks"] if line["check"] == "refused"]
    assert check["result"] == "fail" and "1 cdrs" in check["detail"] and check["remedy"]
    assert pair.cpo.call("POST", "cdrs", body).outcome[1] == 1000
    assert refused_pushes(hub, pair.cpo.id) == []
    report = json.loads(hub.ctl("party", "check", pair.cpo.id, "--json").out)
    assert [line["result"] for line in report["checks"] if line["check"] == "refused"] == ["ok"]
    assert quality(hub, pair.cpo.id, field="total_cost")["refused"] == 1, "what was, stays counted"


def test_each_way_a_push_is_refused(hub, pair):
    """By tables, by the URL, by the role, as no JSON, as too big a nesting, as unknown: each row has the object and the sentence, each is counted."""
    cpo, emsp = pair.cpo, pair.emsp
    session = payloads.session(cpo.party, emsp.party, "SesX-1")
    ways = [
        ("2001", {"field": "kwh", "rule": "type"}, "SesX-1", lambda: cpo.put("sessions", {**session, "kwh": "1"})),
        ("2001", {"field": "id", "rule": "invalid"}, "SesX-2", lambda: cpo.call("PUT", cpo.object_path("sessions", "SesX-2"), session)),
        ("2001", {"field": None, "rule": "json"}, "SesX-3", lambda: cpo.call("PUT", cpo.object_path("sessions", "SesX-3"), b"{")),
        ("2001", {"field": "last_updated", "rule": "missing"}, "SesX-4", lambda: cpo.call("PATCH", cpo.object_path("sessions", "SesX-4"), {"kwh": 1})),
        ("2003", {"field": None, "rule": "not_found"}, "SesX-5", lambda: cpo.call("PATCH", cpo.object_path("sessions", "SesX-5"), {"kwh": 1, "last_updated": timestamp()})),
        ("2001", {"field": None, "rule": "forbidden"}, "SesX-6", lambda: cpo.call("PUT", "sessions/IN/ZZZ/SesX-6", {**session, "party_id": "ZZZ", "id": "SesX-6"})),
        ("2001", {"field": "currency", "rule": "missing"}, "TarX-1", lambda: cpo.put("tariffs", without(payloads.tariff(cpo.party, "TarX-1"), "currency"))),
        ("2001", {"field": "status", "rule": "enum"}, "LocX-1", lambda: cpo.put("locations", payloads.location(cpo.party, "LocX-1", evses=[payloads.evse(status="BUSY")]))),
    ]  # fmt: skip
    for status, count, ident, send in ways:
        answer = send()
        assert answer.code == int(status), (ident, answer)
        row = row_of(hub, object=ident, status=status)
        assert row["detail"]["message"] == answer.message, row
        counted = quality(hub, cpo.id, last_example=ident, **count)
        assert counted["refused"] == counted["count"] == 1 and counted["module"] == row["module"], counted
    (attention,) = refused_pushes(hub, cpo.id)
    assert (attention["party"], attention["count"]) == (cpo.id, 6), "locations and tariffs come again anyway"
    for ident in [f"SesX-{n}" for n in range(1, 6)]:
        assert cpo.put("sessions", {**session, "id": ident}).outcome[1] == 1000
    (attention,) = refused_pushes(hub, cpo.id)
    assert attention["count"] == 1


def test_pointers_are_bounded_and_secrets_are_not_told(hub, pair):
    """Ten findings at most, each cut; a token or a URL with a secret in a refused body is in no row."""
    cpo, emsp = pair.cpo, pair.emsp
    body = payloads.location(cpo.party, "Many", evses=[payloads.evse(f"E{n}", status="x" * 5000) for n in range(50)])
    assert cpo.put("locations", body).code == 2001
    row = row_of(hub, object="Many", status="2001")
    assert len(row["detail"]["refused"]) == 10 and len(json.dumps(row["detail"])) < 8000
    secret = "s3cr3t" * 3
    for command in ({"response_url": f"x?key={secret}"}, {"response_url": [secret]}):
        assert emsp.call("POST", "commands/START_SESSION", {**payloads.start_session(emsp.party), **command, "location_id": None}).code == 2001
    assert emsp.call("PUT", "credentials", {"token": f"{secret}\u0001" * 9, "url": f"ftp://x?{secret}", "roles": 1}).code == 2001
    hub.wait_audit(lambda row: row["action"] == "credentials.put" and row["status"] == "2001", "the exchange has its row")
    assert secret not in hub.ok("audit", "tail", "--since", "1h", "--json").out


def test_many_refused_objects_stay_countable(hub, pair):
    """More than one flush holds, and one party's flood leaves the counts of another alone."""
    other = hub.pair()
    for n in range(300):
        assert pair.cpo.call("PUT", pair.cpo.object_path("sessions", f"F{n}"), {}).code == 2001
    assert other.cpo.call("POST", "cdrs", {"id": "LOST"}).code == 2001
    eventually(lambda: {row["party"]: row["count"] for row in refused_pushes(hub, pair.cpo.id, other.cpo.id)} == {pair.cpo.id: 300, other.cpo.id: 1}, "all are told")


# ---------------------------------------------------------------- how real-time messages ended


@pytest.mark.parametrize("result", ["ALLOWED", "BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED", "UNKNOWN"])
def test_an_authorization_is_its_result(hub, pair, result):
    """Both ways: the status is what the driver got, with where and why."""
    info = {**payloads.authorization_info("IN", pair.emsp.id[3:], "T1", allowed=result), "info": {"language": "en", "text": f"said {result}"}}
    reply = Reply(body=json.dumps({"data": info, "status_code": 1000, "timestamp": timestamp()}).encode())
    pair.cpo.script("PUT", r"/tokens/.+/authorize$", reply)
    pair.emsp.script("POST", r"/tokens/.+/authorize$", reply)
    ways = [
        (pair.emsp, pair.cpo, lambda headers: pair.emsp.authorize("T1", {"location_id": "Loc-1"}, to=pair.cpo.id, headers=headers)),
        (pair.cpo, pair.emsp, lambda headers: pair.cpo.call("POST", "tokens/T1/authorize", {"location_id": "Loc-1"}, to=pair.emsp.id, headers=headers)),
    ]  # fmt: skip
    for sender, receiver, ask in ways:
        ident = str(uuid.uuid4())
        assert ask({"X-Correlation-ID": ident}).data["allowed"] == result
        row = row_of(hub, correlation_id=ident)
        assert (row["status"], row["from"], row["to"], row["object"]) == (result, sender.id, receiver.id, "T1")
        assert row["detail"]["location"] == "Loc-1" and row["detail"]["reason"] == row["note"] == f"said {result}"
        assert any(leg["status"] == result for leg in hub.rows("trace", ident))


def test_unknown_says_why(new_hub):
    """A CPO that cannot be asked: the row has the cause and whom it was meant for, whatever the answer says."""
    hub = new_hub(forward_timeout="1s")
    pair = hub.pair()
    pair.cpo.down()
    ident = str(uuid.uuid4())
    assert pair.emsp.authorize("T1", to=pair.cpo.id, headers={"X-Correlation-ID": ident}).data["allowed"] == "UNKNOWN"
    row = row_of(hub, correlation_id=ident)
    assert (row["status"], row["to"]) == ("UNKNOWN", pair.cpo.id)
    assert "cannot be reached" in row["detail"]["reason"] and "refused" in row["note"].lower(), row
    hub.ok("receiver", "unset", pair.cpo.id, "tokens")
    ident = str(uuid.uuid4())
    pair.emsp.authorize("T1", to=pair.cpo.id, headers={"X-Correlation-ID": ident})
    assert "no tokens receiver" in row_of(hub, correlation_id=ident)["note"]


@pytest.mark.parametrize("result", ["ACCEPTED", "REJECTED", "NOT_SUPPORTED", "UNKNOWN_SESSION"])
def test_a_command_is_its_response(hub, pair, result):
    data = {"result": result, "timeout": 30, "message": [{"language": "en", "text": "because"}]}
    pair.cpo.script("POST", r"/commands/START_SESSION$", Reply(body=json.dumps({"data": data, "status_code": 1000, "timestamp": timestamp()}).encode()))
    ident = str(uuid.uuid4())
    body = {**payloads.start_session(pair.emsp.party), "response_url": f"{pair.emsp.url}/callback/1"}
    answer = pair.emsp.call("POST", "commands/START_SESSION", body, to=pair.cpo.id, headers={"X-Correlation-ID": ident})
    assert answer.data["result"] == result, answer
    row = row_of(hub, correlation_id=ident, action="command.post")
    assert (row["status"], row["to"], row["detail"]["reason"]) == (result, pair.cpo.id, "because")


def test_whom_it_was_meant_for(hub, pair):
    """Not routed, suspended, unknown here: the row is found under the party that was to get it, with the sentence that was answered."""
    stranger = hub.onboard("CPO")
    for target, prepare, sentence in [
        (stranger.id, lambda: None, "NOT_ROUTED"),
        ("IN-Q9Q", lambda: None, "no CPO IN-Q9Q"),
        (pair.cpo.id, lambda: hub.ok("party", "suspend", pair.cpo.id, "--reason", "test"), "is suspended"),
    ]:
        prepare()
        ident = str(uuid.uuid4())
        answer = pair.emsp.authorize("T1", to=target, headers={"X-Correlation-ID": ident})
        assert sentence in answer.message, answer
        row = row_of(hub, correlation_id=ident)
        assert row["to"] == target and sentence in row["detail"]["message"] and sentence in row["note"], row
        assert any(found["correlation_id"] == ident for found in hub.rows("audit", "tail", "--party", target, "--since", "1h"))


def test_on_a_terminal(new_hub):
    hub = new_hub()
    pair = hub.pair()
    pair.cpo.call("POST", "cdrs", {"id": "C1"})
    eventually(lambda: refused_pushes(hub, pair.cpo.id), "status tells")
    code, shown = on_terminal(hub, "status", columns=120)
    assert code == 0 and "1 CDR of" in shown and f"hubctl quality {pair.cpo.id}" in shown
