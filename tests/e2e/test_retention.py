"""Retention: what is old goes by itself, the rest of the audit can still be proven, and who follows it notices nothing."""

import signal
import sqlite3
import uuid

from tests.e2e.harness import eventually
from tests.sim import payloads
from tests.sim.wire import timestamp

SHORT = "1500ms"


def authorize(pair, count=1):
    """Real-time messages; the correlation id of the last one."""
    for _ in range(count):
        correlation = str(uuid.uuid4())
        pair.emsp.authorize("T1", headers={"X-Correlation-ID": correlation})
    return correlation


def push(pair, ident):
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident)).code == 1000


def wait_gone(hub, action):
    eventually(lambda: not hub.audit(action=action), f"the rows {action} are gone")


def verified(hub):
    """audit verify must hold; its answer."""
    result = hub.ctl("--json", "audit", "verify")
    assert result.rc == 0, result
    return result.json[-1]


def test_realtime_rows_go_first(new_hub):
    """Real-time rows are gone after their time, pushes and changes stay, one row tells what went, and the chain holds, also after kill -9."""
    hub = new_hub(audit_retention_realtime=SHORT)
    pair = hub.pair()
    for number in range(6):
        push(pair, f"S{number}")
        authorize(pair)
    hub.wait_audit(lambda row: row["action"] == "token.authorize", "the authorizations")
    wait_gone(hub, "token.authorize")
    assert len(hub.audit(action="session.put")) == 6 and hub.audit(action="rule.enable")
    told = sum(row["detail"]["rows"] for row in hub.audit(action="audit.pruned"))
    assert all(row["actor"] == "hub" and row["detail"]["realtime_before"] for row in hub.audit(action="audit.pruned"))
    answer = verified(hub)
    assert answer["pruned"] == told >= 6 and answer["rows"] == len(hub.audit())
    status = hub.one("status")
    assert status["audit_rows"] == answer["rows"] and status["audit_head"] == answer["rows"] + answer["pruned"]
    hub.kill()
    hub.restart()
    assert verified(hub)["pruned"] >= answer["pruned"]


def test_everything_else_goes_too(new_hub):
    """audit_retention takes the rest; the newest row stays."""
    hub = new_hub(audit_retention=SHORT, audit_retention_realtime=SHORT)
    pair = hub.pair()
    push(pair, "S1")
    authorize(pair)
    wait_gone(hub, "session.put")
    wait_gone(hub, "party.add")
    assert hub.audit() and verified(hub)["pruned"] > 10


def test_zero_keeps_for_ever(new_hub):
    """0: kept, while the other kind goes."""
    hub = new_hub(audit_retention=SHORT, audit_retention_realtime="0")
    pair = hub.pair()
    authorize(pair, 3)
    wait_gone(hub, "party.add")
    assert len(hub.audit(action="token.authorize")) == 3 and verified(hub)["pruned"]


def test_a_reload_shortens_it(new_hub):
    """SIGHUP applies the setting at once."""
    hub = new_hub()
    pair = hub.pair()
    authorize(pair, 3)
    hub.wait_audit(lambda row: row["action"] == "token.authorize", "the authorizations")
    hub.config.write_text(f"audit_retention_realtime = {SHORT}\n")
    hub.process.send_signal(signal.SIGHUP)
    wait_gone(hub, "token.authorize")
    assert verified(hub)["pruned"] >= 3


def test_cursors_survive_pruning(new_hub):
    """A cursor inside what was pruned goes on behind it; a follower sees every kept row once and goes on."""
    hub = new_hub(audit_retention_realtime=SHORT)
    pair = hub.pair()
    follow = hub.follow("-n", "0")
    push(pair, "S1")
    correlation = authorize(pair, 5)
    inside = follow.wait(lambda row: row["correlation_id"] == correlation, "the last authorization")["cursor"]
    push(pair, "S2")
    wait_gone(hub, "token.authorize")
    rows = hub.rows("audit", "tail", "--cursor", inside)
    assert rows and "S2" in [row["object"] for row in rows] and "S1" not in [row["object"] for row in rows]
    push(pair, "S3")
    follow.wait(lambda row: row["object"] == "S3", "the push behind the pruned rows")
    shown = [row["cursor"] for row in follow.close()]
    assert len(shown) == len(set(shown))
    kept = [row["cursor"] for row in hub.audit()]
    assert [cursor for cursor in shown if cursor in kept] == [cursor for cursor in kept if cursor in shown]


def test_a_missing_record_of_pruned_rows_is_found(new_hub):
    """What stands in the place of pruned rows cannot be taken away or made up: exit 6."""
    hub = new_hub(audit_retention_realtime=SHORT)
    pair = hub.pair()
    authorize(pair)
    push(pair, "S1")
    hub.wait_audit(lambda row: row["action"] == "token.authorize", "the authorization")
    wait_gone(hub, "token.authorize")
    hub.stop()
    with sqlite3.connect(hub.directory / "state" / "hub.db") as database:
        assert database.execute("DELETE FROM audit_gap WHERE first = (SELECT max(first) FROM audit_gap)").rowcount == 1
    database.close()
    hub.restart()
    broken = hub.ctl("--json", "audit", "verify")
    assert broken.rc == 6 and "missing" in broken.json[-1]["problem"], broken


def test_finished_deliveries_go(new_hub):
    """retention_deliveries takes what was delivered; what waits stays. The default keeps all."""
    hub = new_hub(retention_deliveries=SHORT)
    pair = hub.pair()
    for number in range(3):
        pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, f"CDR-{number}"))
        pair.emsp.wait("POST", "/cdrs$", count=number + 1)
    other = hub.onboard("EMSP")
    pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, other.party, "CDR-HELD"))
    push(pair, "S-LAST")  # the newest row stays
    eventually(lambda: not [row for row in hub.rows("delivery", "list", "--state", "delivered") if row["module"] == "cdrs"], "delivered CDRs are gone")
    assert [row["object"] for row in hub.rows("delivery", "list", "--state", "held")] == ["CDR-HELD"]
    row = hub.wait_audit(lambda row: row["action"] == "retention.deliveries", "the row about it")
    assert row["actor"] == "hub" and row["detail"]["count"] >= 1


def test_sessions_and_cdrs_go_when_nobody_waits(new_hub):
    """retention_sessions and retention_cdrs: a CDR never goes while its delivery has not ended."""
    hub = new_hub(retention_sessions=SHORT, retention_cdrs=SHORT)
    pair = hub.pair()
    push(pair, "S-ACTIVE")
    body = payloads.session(pair.cpo.party, pair.emsp.party, "S-DONE", status="COMPLETED", last_updated=timestamp(-3600))
    assert pair.cpo.put("sessions", body).code == 1000
    pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, "CDR-SENT"))
    hub.wait_rows("delivery", "list", "--state", "delivered", where=lambda row: row["module"] == "cdrs", what="its end is stored")
    pair.emsp.down()
    pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, "CDR-WAITS"))
    pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, hub.onboard("EMSP").party, "CDR-HELD"))
    pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party))  # the newest object stays

    def listed(kind):
        return [row["id"] for row in hub.rows("object", "list", kind)]

    eventually(lambda: listed("cdr") == ["CDR-WAITS", "CDR-HELD"] and listed("session") == ["S-ACTIVE"], "what nobody waits for is gone")
    pair.emsp.up()
    assert pair.emsp.wait("POST", "/cdrs$", where=lambda r: r.json["id"] == "CDR-WAITS")
    eventually(lambda: listed("cdr") == ["CDR-HELD"], "the CDR that was sent is gone")


def test_nothing_else_goes_by_default(hub):
    """Deliveries, sessions and CDRs are kept for ever unless a setting says otherwise."""
    for setting in ("retention_deliveries", "retention_sessions", "retention_cdrs"):
        assert hub.ok("conf", "show", setting, "--field", "value").out.strip() in ("0", "0s", "0ms"), setting
