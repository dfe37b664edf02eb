"""Every change and every message leaves exactly one row in the audit, written with its effect."""

import json
import os
import uuid

import pytest

from tests.e2e.harness import eventually
from tests.sim import payloads
from tests.sim.wire import timestamp

URL = "https://xyz.example/ocpi/2.2.1/sessions"
BOTH, BEFORE, AFTER, NEITHER = ("before", "after"), ("before",), ("after",), ()

# method, what is typed behind it, whom the row is about, what of before and after its detail has. In this order; {new}, {cpo}, {emsp},
# {waiting}, {dropped} and {file} are filled in. A command of this table that hubd does not have is left out.
CHANGES = [
    ("party.add", "{new} --role CPO --name Before", "{new}", AFTER),
    ("party.add", "{new} --role EMSP", "{new}", BOTH),
    ("party.set", "{new} --name After", "{new}", BOTH),
    ("party.suspend", "{new} --reason test", "{new}", BOTH),
    ("party.resume", "{new}", "{new}", BOTH),
    ("token.issue", "{new}", "{new}", AFTER),
    ("token.revoke", "{new} --all", "{new}", BEFORE),
    ("token.rotate", "{cpo}", "{cpo}", AFTER),
    ("receiver.set", "{new} sessions " + URL, "{new}", AFTER),
    ("receiver.set", "{new} sessions " + URL + "/elsewhere", "{new}", BOTH),
    ("receiver.unset", "{new} sessions", "{new}", BEFORE),
    ("receiver.unset", "{cpo} commands", "{cpo}", BEFORE),
    ("receiver.discover", "{cpo}", "{cpo}", AFTER),  # finds it again
    ("rule.enable", "{emsp} {new}", "{emsp}", BOTH),
    ("rule.disable", "{emsp} {new} --drain", "{emsp}", BOTH),
    ("rule.disable", "{emsp} {new}", "{emsp}", BOTH),
    ("limit.set", "{new} commands 5/min", "{new}", AFTER),
    ("limit.set", "{new} commands 6/min", "{new}", BOTH),
    ("limit.unset", "{new} commands", "{new}", BEFORE),
    ("delivery.retry", "{waiting}", "{emsp}", BOTH),
    ("delivery.drop", "{dropped} --confirm={dropped}", "{emsp}", BOTH),
    ("delivery.replay", "{emsp} --since 1h", "{emsp}", NEITHER),  # its detail counts
    ("log.level", "info", None, BOTH),
    ("backup", "{file}", None, NEITHER),  # file and size
    ("party.remove", "{new} --confirm={new}", "{new}", BEFORE),
]
ELSEWHERE = {"party.connect", "party.check", "apply"}  # audited among the tests of these
AGAIN = ["party add {emsp} --role EMSP", "party resume {cpo}", "rule disable {emsp} {cpo}", "receiver set {emsp} tokens {emsp_url}/tokens"]
READING = ["party list", "party show {cpo}", "token list", "receiver list", "rule list", "rule matrix", "rule explain {emsp} {cpo}", "rule disable {emsp} {cpo} --dry-run", "audit tail", "audit verify", "delivery list",
           "command list", "object list session", "status", "stats", "conf show", "log level", "version", "trace none", "delivery show 1", "party show IN-QQQ"]  # fmt: skip


def admin_rows(hub, cursor):
    """What people did behind a cursor."""
    return [row for row in hub.rows("audit", "tail", "--cursor", cursor) if row["actor"].startswith("uid:")]


def head(hub):
    return hub.rows("audit", "tail", "-n", "1")[0]["cursor"]


def test_every_change_by_the_account_team(new_hub):
    """Each command that changes something: one row with who, what, whom, before and after; the commands of hubd's table are all there."""
    hub = new_hub(retry_initial="1h", retry_max="1h")
    pair = hub.pair()
    pair.emsp.down()
    for ident in ("CDR-1", "CDR-2"):
        pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, ident))
    waiting, dropped = [row["id"] for row in hub.rows("delivery", "list")]
    names = {"new": "IN-NEW", "cpo": pair.cpo.id, "emsp": pair.emsp.id, "waiting": waiting, "dropped": dropped, "file": hub.directory / "copy.db"}
    known = {method["name"]: method["access"] for method in json.loads(hub.ok("rpc", "rpc.discover").out)["methods"]}
    changes = {name for name, access in known.items() if access == "admin"}
    assert changes - ELSEWHERE <= {row[0] for row in CHANGES}, "a command that changes something and is not in this table"
    for method, words, party, facts in CHANGES:
        if method not in known:
            continue
        cursor = head(hub)
        hub.ok(*method.split("."), *words.format(**names).split())
        rows = admin_rows(hub, cursor)
        assert [row["action"] for row in rows] == [method], (method, words, rows)
        (row,) = rows
        assert row["party"] == (party and party.format(**names)) and row["status"] == "ok", row
        assert row["actor"].startswith(f"uid:{os.geteuid()} ") and row["latency_ms"] is None, row
        assert tuple(key for key in BOTH if key in row["detail"]) == facts, row
    assert hub.ctl("audit", "verify").rc == 0


def test_what_changes_nothing_leaves_no_row(hub):
    """What is as it was asked for, what is refused, and what only reads."""
    made = hub.pair(rule=False)
    hub.ok("receiver", "set", made.emsp.id, "tokens", f"{made.emsp.url}/tokens")
    names = {"cpo": made.cpo.id, "emsp": made.emsp.id, "emsp_url": made.emsp.url}
    cursor = head(hub)
    for words in AGAIN:
        assert "unchanged" in hub.ok(*words.format(**names).split()).out, words
    for words in READING:
        hub.ctl(*words.format(**names).split())
    for words in ("party remove IN-QQQ --confirm=IN-QQQ", "rule enable {cpo} {emsp}", "token revoke {cpo} 00000000", "delivery drop 999999 --confirm=999999"):
        assert hub.ctl(*words.format(**names).split()).rc == 1, words
    assert admin_rows(hub, cursor) == []


# ---------------------------------------------------------------- messages


def messages(pair):
    """Pushes in order: action, how it is sent, status of its row, whether that is written with an effect."""
    cpo, emsp = pair.cpo, pair.emsp
    location = payloads.location(cpo.party, "LOC-9", last_updated=timestamp(-60))
    place = location["evses"][0]
    connector = place["connectors"][0]
    session = payloads.session(cpo.party, emsp.party, "SES-9", last_updated=timestamp(-30))
    cdr = payloads.cdr(cpo.party, emsp.party, "CDR-9")
    below = cpo.object_path("locations", "LOC-9")
    yield "location.put", "PUT", below, location, "1000", True
    yield "location.patch", "PATCH", below, {"name": "Other", "last_updated": timestamp(-50)}, "1000", True
    yield "evse.put", "PUT", f"{below}/{place['uid']}", {**place, "last_updated": timestamp(-49)}, "1000", True
    yield "evse.patch", "PATCH", f"{below}/{place['uid']}", {"status": "CHARGING", "last_updated": timestamp(-48)}, "1000", True
    yield "connector.put", "PUT", f"{below}/{place['uid']}/{connector['id']}", {**connector, "last_updated": timestamp(-47)}, "1000", True
    yield "connector.patch", "PATCH", f"{below}/{place['uid']}/{connector['id']}", {"max_amperage": 16, "last_updated": timestamp(-46)}, "1000", True
    yield "location.put", "PUT", below, {**location, "last_updated": timestamp(-3600)}, "stale", False
    yield "location.patch", "PATCH", cpo.object_path("locations", "NONE"), {"name": "X", "last_updated": timestamp()}, "2003", False
    yield "tariff.put", "PUT", cpo.object_path("tariffs", "TAR-9"), payloads.tariff(cpo.party, "TAR-9"), "1000", True
    yield "tariff.delete", "DELETE", cpo.object_path("tariffs", "TAR-9"), None, "1000", True
    yield "session.put", "PUT", cpo.object_path("sessions", "SES-9"), session, "1000", True
    yield "session.patch", "PATCH", cpo.object_path("sessions", "SES-9"), {"kwh": 2.5, "last_updated": timestamp(-20)}, "1000", True
    yield "session.put", "PUT", cpo.object_path("sessions", "SES-9"), {**session, "last_updated": timestamp(-3600)}, "stale", False
    yield "session.put", "PUT", cpo.object_path("sessions", "SES-8"), {**session, "id": "SES-8", "kwh": "much"}, "2001", False
    yield "cdr.post", "POST", "cdrs", cdr, "1000", True
    yield "cdr.post", "POST", "cdrs", cdr, "1000", False
    yield "cdr.post", "POST", "cdrs", {**cdr, "total_energy": 1.5}, "conflict", False


def test_every_push(hub, pair):
    """One row for each push, taken, refused or stale; the row of what was taken is there with the answer, as its effect is."""
    for action, method, path, body, status, at_once in messages(pair):
        correlation = str(uuid.uuid4())
        pair.cpo.call(method, path, body, headers={"X-Correlation-ID": correlation, "X-Request-ID": f"r-{correlation}"})

        def find():
            return [row for row in hub.audit(correlation_id=correlation) if not row["action"].startswith("delivery.")]

        rows = find() if at_once else eventually(find, f"the row of {action} {status}")
        assert [(row["action"], row["status"]) for row in rows] == [(action, status)], (method, path)
        (row,) = rows
        assert (row["from"], row["party"], row["method"], row["request_id"]) == (pair.cpo.id, pair.cpo.id, method, f"r-{correlation}"), row
        assert row["module"] == path.removeprefix("/ocpi/2.2.1/").split("/")[0] and row["latency_ms"] >= 0, row


@pytest.mark.parametrize("action", ["token.authorize", "command.post", "token.put"])
def test_every_real_time_message(hub, pair, action):
    """One row, and one for each receiver of a broadcast."""
    correlation = {"X-Correlation-ID": str(uuid.uuid4())}
    if action == "token.authorize":
        pair.emsp.authorize("T1", headers=correlation)
    elif action == "command.post":
        pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party), headers=correlation)
    else:
        pair.emsp.call("PUT", pair.emsp.object_path("tokens", "T1"), payloads.token(pair.emsp.party, "T1"), headers=correlation)
    expected = [("IN-CIH", f"party {pair.emsp.id}"), (pair.cpo.id, "hub")] if action == "token.put" else [(pair.cpo.id, f"party {pair.emsp.id}")]

    def find():
        rows = hub.audit(correlation_id=correlation["X-Correlation-ID"])
        return rows if len(rows) >= len(expected) else None

    rows = eventually(find, f"the rows of {action}")
    assert sorted((row["to"], row["actor"]) for row in rows) == sorted(expected)
    assert {row["action"] for row in rows} == {action} and {row["from"] for row in rows} == {pair.emsp.id}
