"""hubctl trace: one exchange as a time line, found by any of its ids."""

import re
import sqlite3
import uuid

import pytest

from tests.e2e.harness import eventually
from tests.e2e.test_hubctl import TIME, on_terminal, plain
from tests.sim import Reply, http_call, payloads
from tests.sim.wire import timestamp

CALLBACKS = ("POST", "^/ocpi/callbacks/")


def trace(hub, ident, *actions):
    """The time line, once all these actions are in it."""

    def probe():
        result = hub.ctl("--json", "trace", ident)
        return result.json if result.rc == 0 and set(actions) <= {row["action"] for row in result.json} else None

    rows = eventually(probe, f"the time line of {ident} with {actions}")
    check_order(rows)
    return rows


def check_order(rows):
    """Oldest first; offsets count from the first line."""
    offsets = [row["offset_ms"] for row in rows]
    assert offsets[0] == 0 and offsets == sorted(offsets), rows
    assert all(re.fullmatch(TIME, row["time"]) for row in rows)
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


def legs(rows, *fields):
    return [tuple(row[field] for field in ("from", "to", *fields)) for row in rows]


# ---------------------------------------------------------------- real time


def test_authorization(hub, pair):
    """Two legs: the eMSP's request to the hub, and the hub's to the CPO inside it, each with its result, latency and X-Request-ID."""
    correlation = str(uuid.uuid4())
    pair.emsp.authorize("T1", headers={"X-Correlation-ID": correlation, "X-Request-ID": "mine"})
    rows = trace(hub, correlation, "token.authorize")
    assert legs(rows, "method", "module", "action", "status") == [
        (pair.emsp.id, "IN-CIH", "PUT", "tokens", "token.authorize", "ALLOWED"),
        ("IN-CIH", pair.cpo.id, "PUT", "tokens", "token.authorize", "1000"),
    ]
    request = pair.cpo.wait("PUT", "/authorize$")
    assert [row["request_id"] for row in rows] == ["mine", request.headers["x-request-id"]]
    assert rows[0]["latency_ms"] + 1 >= rows[1]["latency_ms"] >= 0 and rows[1]["note"] == "HTTP 200"
    assert {row["correlation_id"] for row in rows} == {correlation}


@pytest.mark.parametrize("reply, status", [(Reply(http=500, body=b"x"), "HTTP 500"), (Reply(drop="reset"), "failed")], ids=["500", "reset"])
def test_a_leg_that_failed(hub, pair, reply, status):
    """The eMSP was answered; the line of the CPO says what went wrong there."""
    correlation = str(uuid.uuid4())
    pair.cpo.script("PUT", "/authorize$", reply, forever=True)
    pair.emsp.authorize("T1", headers={"X-Correlation-ID": correlation})
    first, second = trace(hub, correlation, "token.authorize")
    assert first["status"] == "UNKNOWN" and first["note"] and second["status"] == status and second["note"], second


# ---------------------------------------------------------------- commands


def test_command_by_each_of_its_ids(hub, pair):
    """From the eMSP's command to its result: the same time line by correlation id, command number, and the CPO's own correlation id."""
    correlation, own = str(uuid.uuid4()), str(uuid.uuid4())
    body = payloads.start_session(pair.emsp.party)
    assert pair.emsp.command("START_SESSION", body, headers={"X-Correlation-ID": correlation}).outcome == (200, 1000)
    request = pair.cpo.wait("POST", "/commands/START_SESSION$")
    headers = {"Content-Type": "application/json", "X-Correlation-ID": own}
    answer = http_call("POST", request.json["response_url"], {"result": "ACCEPTED"}, headers)
    assert answer.outcome == (200, 1000) and answer.headers["X-Correlation-ID"] == own
    pair.emsp.wait(*CALLBACKS)
    rows = trace(hub, correlation, "command.post", "command.result", "delivery.done")
    assert legs(rows, "action", "status") == [
        (pair.emsp.id, "IN-CIH", "command.post", "ACCEPTED"),
        ("IN-CIH", pair.cpo.id, "command.post", "1000"),
        (pair.cpo.id, "IN-CIH", "command.result", "ACCEPTED"),
        ("IN-CIH", pair.emsp.id, "delivery.done", "1000"),
    ]
    (command,) = [row for row in hub.rows("command", "list") if row["emsp"] == pair.emsp.id]
    assert rows[0]["note"] == f"command {command['id']}" and own in rows[2]["note"]
    assert {row["correlation_id"] for row in rows} == {correlation}
    assert trace(hub, command["id"]) == trace(hub, own) == rows


def test_late_result(new_hub):
    """What came after TIMEOUT is found by the CPO's correlation id, too."""
    hub = new_hub(command_timeout="10ms", command_forward_timeout="1s")
    pair = hub.pair()
    pair.cpo.script("POST", "/commands/", Reply(data={"result": "ACCEPTED", "timeout": 1}))
    pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party))
    request = pair.cpo.wait("POST", "/commands/START_SESSION$")
    hub.wait_rows("command", "list", where=lambda row: row["result"] == "TIMEOUT", what="the TIMEOUT")
    own = str(uuid.uuid4())
    headers = {"Content-Type": "application/json", "X-Correlation-ID": own}
    assert http_call("POST", request.json["response_url"], {"result": "ACCEPTED"}, headers).outcome == (200, 1000)
    rows = trace(hub, own, "command.post", "command.timeout", "command.result", "delivery.done")
    assert [row["status"] for row in rows if row["action"] in ("command.timeout", "command.result")] == ["TIMEOUT", "late"]


# ---------------------------------------------------------------- sessions and CDRs


def test_session_by_its_id(hub, pair):
    """All pushes of a session and their deliveries, whatever the case of its id; each push names its delivery."""
    ident = f"Ses-{pair.cpo.party.party_id}"
    for number in range(3):
        body = payloads.session(pair.cpo.party, pair.emsp.party, ident, kwh=float(number), last_updated=timestamp(-50 + number))
        assert pair.cpo.put("sessions", body, headers={"X-Correlation-ID": f"{ident}-{number}"}).code == 1000
        pair.emsp.wait("PUT", f"/sessions/.*/{ident}$", where=lambda r, kwh=number: r.json["kwh"] == kwh)
    hub.wait_rows("trace", ident, where=lambda row: row["action"] == "delivery.done", count=3, what="three deliveries")
    rows = trace(hub, ident.lower(), "session.put")
    assert len(rows) == 6 and trace(hub, ident.upper()) == rows
    for number in range(3):
        push, delivery = own = [row for row in rows if row["correlation_id"] == f"{ident}-{number}"]
        assert legs(own, "action") == [(pair.cpo.id, "IN-CIH", "session.put"), ("IN-CIH", pair.emsp.id, "delivery.done")]
        assert push["detail"]["delivery"] == delivery["detail"]["delivery"]
        assert legs(trace(hub, f"{ident}-{number}"), "action") == legs(own, "action")


def test_cdr_that_waits_and_was_tried(new_hub):
    """A delivery that is not done has lines for its tries and for what comes next; a retry by hand is in the line, and so is the end."""
    hub = new_hub(retry_initial="1h", retry_max="1h")
    pair = hub.pair()
    pair.emsp.down()
    pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, "CDR-7"))
    (row,) = hub.wait_rows("delivery", "list", where=lambda row: row["attempts"] == 1, what="a failed attempt")
    waiting = trace(hub, "cdr-7", "cdr.post", "delivery.pending")[-1]
    assert legs([waiting], "status") == [("IN-CIH", pair.emsp.id, "pending")] and "tries: 1" in waiting["note"]
    hub.stop()
    with sqlite3.connect(hub.directory / "state" / "hub.db") as database:  # as hubd/outbox/tries.h has them
        tries = "1700000000000 0 0 3 connection refused\n1700000001000 503 3000 12 busy\n"
        assert database.execute("UPDATE delivery SET tries = ? WHERE id = ?", (tries, row["id"])).rowcount == 1
    database.close()
    hub.restart()
    tried = [line for line in trace(hub, "CDR-7") if line["action"] == "delivery.try"]
    assert [(line["time"], line["status"], line["latency_ms"], line["note"]) for line in tried[:2]] == [
        ("2023-11-14T22:13:19.997Z", "failed", 3, "connection refused"),
        ("2023-11-14T22:13:20.988Z", "3000", 12, "busy"),
    ]
    pair.emsp.up()
    hub.ok("delivery", "retry", row["id"])
    pair.emsp.wait("POST", "/cdrs$")
    rows = trace(hub, "CDR-7", "delivery.retry", "delivery.done")
    assert "delivery.pending" not in {line["action"] for line in rows}
    (retry,) = [line for line in rows if line["action"] == "delivery.retry"]
    assert retry["from"].startswith("uid:") and retry["to"] is None


def test_a_push_to_several(new_hub):
    """A location goes to each eMSP that asked for it: who has it and who does not yet."""
    hub = new_hub(retry_initial="1h", retry_max="1h")
    pair, away = hub.pair(), hub.onboard("EMSP")
    hub.rule(away, pair.cpo)
    for emsp in (pair.emsp, away):
        hub.ok("party", "set", emsp.id, "--push", "locations")
    away.down()
    pair.cpo.put("locations", payloads.location(pair.cpo.party, "LOC-7"))
    rows = trace(hub, "loc-7", "location.put", "delivery.done", "delivery.pending")
    assert legs([row for row in rows if row["action"] != "delivery.try"], "action") == [
        (pair.cpo.id, "IN-CIH", "location.put"),
        ("IN-CIH", pair.emsp.id, "delivery.done"),
        ("IN-CIH", away.id, "delivery.pending"),
    ]


def test_held(hub):
    """What is held says why."""
    made = hub.pair(rule=False)
    made.cpo.call("POST", "cdrs", payloads.cdr(made.cpo.party, made.emsp.party, "CDR-HELD"))
    row = trace(hub, "CDR-HELD", "delivery.held")[-1]
    assert (row["status"], row["note"]) == ("held", "no rule")


def test_conflict(hub, pair):
    """A CDR posted again with other content leaves a row `conflict`, and only that one does."""
    body = payloads.cdr(pair.cpo.party, pair.emsp.party, "CDR-TWICE")
    assert pair.cpo.call("POST", "cdrs", body).outcome == (201, 1000)
    assert pair.cpo.call("POST", "cdrs", body).outcome == (200, 1000)
    refused = pair.cpo.call("POST", "cdrs", {**body, "total_energy": 99.5}, headers={"X-Correlation-ID": "again"})
    assert refused.outcome == (200, 2001), refused
    hub.wait_audit(lambda row: row["status"] == "conflict", "the conflict")
    statuses = [row["status"] for row in hub.audit(action="cdr.post", object="CDR-TWICE", party=pair.cpo.id)]
    assert statuses == ["1000", "1000", "conflict"]
    (row,) = hub.audit(status="conflict")
    assert (row["from"], row["module"], row["method"], row["correlation_id"]) == (pair.cpo.id, "cdrs", "POST", "again")


# ---------------------------------------------------------------- forms


def test_nothing_found(hub):
    """Exit 1, a sentence with the id, a hint."""
    refused = hub.ctl("trace", "no-such-id")
    assert refused.rc == 1 and refused.out == "", refused
    assert refused.err.startswith("hubctl: trace no-such-id: no message has this") and "\nhint: " in refused.err
    assert hub.ctl("trace").rc == 2
    assert hub.ctl("trace", "").rc in (1, 2)


def test_forms(hub, pair):
    """A table with offsets on a terminal, TSV in a pipe, fields on request."""
    correlation = str(uuid.uuid4())
    pair.emsp.authorize("T1", headers={"X-Correlation-ID": correlation})
    rows = trace(hub, correlation, "token.authorize")
    rc, shown = on_terminal(hub, "trace", correlation, columns=160)
    lines = plain(shown).strip().splitlines()
    assert rc == 0 and re.match(r"TIME +AFTER +FROM +TO +METHOD +MODULE +ACTION +STATUS +MS", lines[0]), shown
    assert re.search(r"\+0 ms +" + pair.emsp.id, lines[1]) and re.search(r"\+\d+ ms +IN-CIH +" + pair.cpo.id, lines[2]), shown
    fields = hub.ok("trace", correlation).rows
    assert len(fields) == 2 and {len(row) for row in fields} == {13}
    assert fields[0][:4] == [rows[0]["time"], "0", pair.emsp.id, "IN-CIH"] and fields[1][1] == str(rows[1]["offset_ms"])
    assert hub.ok("--json=from,to", "trace", correlation).json == [{"from": row["from"], "to": row["to"]} for row in rows]
