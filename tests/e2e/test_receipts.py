"""What the account team can tell of every CDR, and what is open of a month: hubctl delivery receipts, reconcile and show."""

import re
import sqlite3
from datetime import datetime


from tests.e2e.harness import eventually, hub_time, later
from tests.sim import Reply, payloads

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def put_session(pair, ident, **changes):
    answer = pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident, **changes))
    assert answer.status in (200, 201) and answer.code == 1000, answer


def post_cdr(pair, ident="CDR-1", **changes):
    answer = pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, ident, **changes))
    assert answer.outcome == (201, 1000), answer


def receipts(pair, *options, since="1h"):
    return pair.hub.rows("delivery", "receipts", "--since", since, "--party", pair.emsp.id, *options)


def delivered(pair, count=1):
    """Waits until so many CDRs have been delivered; their receipts."""
    done = lambda: [row for row in receipts(pair) if row["state"] == "delivered"]  # noqa: E731
    return eventually(lambda: len(done()) >= count and done(), f"{count} CDRs are delivered")


def milliseconds(text):
    return round(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").timestamp() * 1000)


def this_month(pair):
    return hub_time(pair.emsp)[:7]


def reconcile(pair, *options, month=None, party=None):
    """The rows and the exit code."""
    result = pair.hub.ctl("--json", "delivery", "reconcile", "--month", month or this_month(pair), "--party", party or pair.emsp.id, *options)
    assert result.rc in (0, 6) and result.err == "", result
    return result.json, result.rc


# ---------------------------------------------------------------- receipts


def test_receipt_of_a_delivered_cdr(pair):
    """From whom, to whom, when it came, when it was acknowledged and by whom, after how many tries."""
    before = hub_time(pair.cpo)
    post_cdr(pair, "Cdr-1", session_id="Ses-1")
    (row,) = delivered(pair)
    after = hub_time(pair.cpo)
    assert (row["cdr"], row["from"], row["to"], row["state"]) == ("Cdr-1", pair.cpo.id, pair.emsp.id, "delivered")
    assert (row["acknowledged_by"], row["attempts"], row["session"], row["reason"]) == (pair.emsp.id, 1, "Ses-1", None)
    assert before <= row["received"] <= row["delivered"] <= after
    assert row["latency_ms"] == milliseconds(row["delivered"]) - milliseconds(row["received"])
    shown = pair.hub.one("delivery", "show", row["delivery"])
    assert (shown["object"], shown["module"], shown["done"]) == ("Cdr-1", "cdrs", row["delivered"])


def test_receipt_has_the_receivers_location(pair):
    """The Location that the eMSP answered, in the list and at the delivery."""
    pair.emsp.script("POST", "/cdrs$", Reply(http=201, headers={"Location": "https://emsp.example/cdrs/4711"}))
    post_cdr(pair)
    (row,) = delivered(pair)
    assert row["location"] == "https://emsp.example/cdrs/4711"
    assert pair.hub.one("delivery", "show", row["delivery"])["receipt"] == row["location"]


def test_each_try_is_shown(pair):
    """delivery show: a line for each try with time, HTTP status, OCPI status code, latency and what went wrong."""
    # cut in the answer: a kept connection that dies before its first byte is replaced by libcurl within the same try
    cut = Reply(wire=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", drop="close")
    pair.emsp.script("POST", "/cdrs$", Reply(http=503, code=3000, message="out to lunch"), cut)
    post_cdr(pair)
    (row,) = delivered(pair)
    shown = pair.hub.one("delivery", "show", row["delivery"])
    assert [(entry["http"], entry["status"]) for entry in shown["tries"]] == [(503, 3000), (None, None), (201, 1000)]
    assert "out to lunch" in shown["tries"][0]["error"] and shown["tries"][1]["error"] and shown["tries"][2]["error"] is None
    assert all(entry["latency_ms"] >= 0 and re.fullmatch(TIME, entry["time"]) for entry in shown["tries"])
    tsv = [line for line in pair.hub.ok("delivery", "show", row["delivery"]).rows if line[0] == "tries"]
    assert [line[2:4] for line in tsv] == [["503", "3000"], ["", ""], ["201", "1000"]]


def test_undelivered_ones_say_where_they_stand(hub):
    """held with its reason; nobody has acknowledged anything."""
    made = hub.pair(rule=False)
    post_cdr(made)
    (row,) = receipts(made)
    assert (row["state"], row["reason"], row["attempts"]) == ("held", "no rule", 0)
    assert row["received"] and [row[key] for key in ("delivered", "acknowledged_by", "location", "latency_ms")] == [None] * 4


def test_replayed_cdr_keeps_the_time_it_came(pair):
    """A CDR that was sent twice has two rows; both tell when it came from the CPO."""
    post_cdr(pair)
    delivered(pair)
    pair.hub.ok("delivery", "replay", pair.emsp.id, "--since", "1h")
    first, second = delivered(pair, 2)
    assert first["received"] == second["received"] and first["delivered"] <= second["delivered"]
    assert first["delivery"] < second["delivery"]


def test_period_and_party(hub, pair):
    """since inclusive, until exclusive; --party matches both sides; sessions have no receipt."""
    post_cdr(pair, "CDR-1")
    put_session(pair, "SES-1")
    mark = later(pair.cpo)
    post_cdr(pair, "CDR-2")
    delivered(pair, 2)
    assert [row["cdr"] for row in receipts(pair)] == ["CDR-1", "CDR-2"]
    assert [row["cdr"] for row in receipts(pair, since=mark)] == ["CDR-2"]
    assert [row["cdr"] for row in receipts(pair, "--until", mark)] == ["CDR-1"]
    assert receipts(pair, since=later(pair.cpo)) == []
    by_cpo = hub.rows("delivery", "receipts", "--since", "1h", "--party", pair.cpo.id)
    assert [row["cdr"] for row in by_cpo] == ["CDR-1", "CDR-2"]
    assert hub.rows("delivery", "receipts", "--since", "1h", "--party", "IN-QQQ") == []


def test_tsv(pair):
    """In a pipe: the documented columns in their order, RFC 3339 UTC, nothing cut."""
    post_cdr(pair)
    (row,) = delivered(pair)
    (line,) = pair.hub.ok("delivery", "receipts", "--since", "1h", "--party", pair.emsp.id).rows
    assert line[:4] == ["CDR-1", pair.cpo.id, pair.emsp.id, "delivered"]
    assert line[4:7] == [row["received"], row["delivered"], pair.emsp.id] and line[8:10] == ["1", str(row["latency_ms"])]


def test_usage(hub):
    """--since is required; times and parties are checked."""
    for arguments in ((), ("--since", "soon"), ("--since", "1h", "--party", "nobody")):
        refused = hub.ctl("delivery", "receipts", *arguments)
        assert refused.rc == 2 and "--" in refused.err, refused


def test_many_receipts_come_in_pages(new_hub):
    """Each row once and in order, over many pages, also where one moment has more rows than a page; --limit ends it."""
    hub, count = new_hub(), 2500
    hub.stop()
    (database,) = (hub.directory / "state").glob("*.db")
    with sqlite3.connect(database) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO delivery (id, state, kind, attempts, next_attempt, created, done, receiver, sender, module, method, owner, object,"
            " reason, url, correlation_id, last_error, body) "
            "SELECT i, 1, 3, 1, 0, 1700000000000 + i / 2000, 1700000000500, 'IN-XYZ', 'IN-ABC', 'cdrs', 'POST', 'IN-ABC', 'CDR-' || i,"
            " '', '', 'c', '', x'' FROM n",
            (count,),
        )
    connection.close()
    hub.restart()
    rows = hub.rows("delivery", "receipts", "--since", "2023-01-01T00:00:00Z")
    assert [row["delivery"] for row in rows] == list(range(1, count + 1))
    assert {row["received"] for row in rows} == {"2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20.001Z"}
    limited = hub.rows("delivery", "receipts", "--since", "2023-01-01T00:00:00Z", "--limit", "700")
    assert limited == rows[:700]
    assert hub.rows("delivery", "reconcile", "--month", "2023-11") == []


# ---------------------------------------------------------------- reconcile


def test_a_month_without_open_ends(pair):
    """A session that is completed and has its CDR, which is acknowledged; one that still goes on: no row, exit 0."""
    put_session(pair, "ses-done", status="COMPLETED")
    put_session(pair, "SES-ACTIVE")
    post_cdr(pair, "CDR-1", session_id="SES-Done")
    delivered(pair)
    assert reconcile(pair) == ([], 0)
    assert reconcile(pair, month="2020-02") == ([], 0)


def test_session_without_cdr(pair):
    """A COMPLETED session that no CDR of its owner names: exit 6 until the CDR comes. The month is that of last_updated."""
    put_session(pair, "SES-1", status="COMPLETED", last_updated="2025-12-31T23:59:59.999Z")
    put_session(pair, "SES-2", status="COMPLETED", last_updated="2026-01-01T00:00:00Z")
    rows, rc = reconcile(pair, month="2025-12")
    assert rc == 6 and [(row["problem"], row["session"], row["since"]) for row in rows] == [
        ("session without CDR", "SES-1", "2025-12-31T23:59:59.999Z")
    ]
    assert (rows[0]["from"], rows[0]["to"], rows[0]["cdr"], rows[0]["delivery"]) == (pair.cpo.id, pair.emsp.id, None, None)
    assert [row["session"] for row in reconcile(pair, month="2026-01")[0]] == ["SES-2"]
    post_cdr(pair, "CDR-1", session_id="ses-1")
    delivered(pair)
    assert reconcile(pair, month="2025-12") == ([], 0)


def test_cdr_not_acknowledged(hub):
    """A CDR that is held is open, with the reason and the number of its delivery, until the eMSP has acknowledged it."""
    made = hub.pair(rule=False)
    post_cdr(made, "CDR-1", session_id="SES-9")
    rows, rc = reconcile(made)
    assert rc == 6 and [(row["problem"], row["cdr"], row["session"]) for row in rows] == [("CDR not acknowledged", "CDR-1", "SES-9")]
    assert "held" in rows[0]["detail"] and "no rule" in rows[0]["detail"] and rows[0]["delivery"] == hub.held(made.emsp.id)[0]["id"]
    hub.rule(made.emsp, made.cpo)
    hub.ok("delivery", "replay", made.emsp.id, "--since", "1h")
    delivered(made)
    assert reconcile(made) == ([], 0)


def test_pending_and_dead_cdrs_are_open(new_hub):
    """Whatever keeps it from being acknowledged: waiting for another try, or given up; with the last error."""
    made = new_hub(retry_initial="10ms", retry_max="20ms", retry_give_up="1s", retry_give_up_cdrs="1s").pair()
    made.emsp.script("POST", "/cdrs$", Reply(http=503, code=3000, message="out to lunch"), forever=True)
    post_cdr(made)
    rows, rc = reconcile(made)
    assert rc == 6 and [(row["problem"], row["cdr"]) for row in rows] == [("CDR not acknowledged", "CDR-1")]
    (row,) = eventually(lambda: [row for row in reconcile(made)[0] if row["detail"].startswith("dead")], "the CDR is given up")
    assert "503" in row["detail"] and made.hub.one("delivery", "show", row["delivery"])["state"] == "dead"


def test_refused_cdr(pair):
    """The same id with other content: refused, and open for that month. The same content again is not."""
    post_cdr(pair, "CDR-1")
    delivered(pair)
    same = payloads.cdr(pair.cpo.party, pair.emsp.party, "CDR-1")
    assert pair.cpo.call("POST", "cdrs", same).code == 1000
    assert reconcile(pair) == ([], 0)
    assert pair.cpo.call("POST", "cdrs", {**same, "total_energy": 99.0}).outcome == (200, 2001)
    pair.hub.wait_audit(lambda row: row["status"] == "conflict", "the refusal is in the audit log, written a moment later")
    rows, rc = reconcile(pair)
    assert rc == 6 and [(row["problem"], row["cdr"], row["from"]) for row in rows] == [("CDR refused", "CDR-1", pair.cpo.id)]


def test_all_parts_over_pages(hub):
    """Every part of the list, one row at a time: nothing is lost between them. --party matches either side."""
    made, other = hub.pair(rule=False), hub.pair(rule=False)
    for number in range(3):
        put_session(made, f"SES-{number}", status="COMPLETED")
        post_cdr(made, f"CDR-{number}", session_id="ANOTHER")
    post_cdr(other, "CDR-OTHER")
    rows, rc = reconcile(made)
    assert rc == 6 and [(row["problem"], row["session"], row["cdr"]) for row in rows] == [
        *[("session without CDR", f"SES-{number}", None) for number in range(3)],
        *[("CDR not acknowledged", "ANOTHER", f"CDR-{number}") for number in range(3)],
    ]
    assert reconcile(made, party=made.cpo.id) == (rows, 6)
    assert reconcile(made, "--limit", "4") == (rows[:4], 6)


def test_month_is_checked(hub):
    """2 and how it is written."""
    for month in ("2026-13", "2026-1", "January", "2026-01-01", ""):
        refused = hub.ctl("delivery", "reconcile", "--month", month)
        assert refused.rc == 2 and "2026-01" in refused.err, refused
    assert hub.ctl("delivery", "reconcile").rc == 2
