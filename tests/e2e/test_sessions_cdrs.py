"""Sessions and CDRs: taken durably from the CPO, delivered to the eMSP that cdr_token names."""

import itertools
import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from tests.e2e.harness import DEADLINE, LONG, SLOW, eventually, finds_pointer, later
from tests.sim import Gate, Journal, Party, Reply, exact, payloads
from tests.sim.client import authorization
from tests.sim.wire import timestamp

RACES = 400 if LONG else 60


def put_session(pair, ident="SES-1", **changes):
    """A session push that must be taken."""
    answer = pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident, **changes))
    assert answer.status in (200, 201) and answer.code == 1000, answer
    return answer


def post_cdr(pair, ident="CDR-1", **changes):
    answer = pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, ident, **changes))
    assert answer.status in (200, 201) and answer.code == 1000, answer
    return answer


def delivered(emsp, ident="SES-1", **fields):
    """Waits for a session with these fields at the eMSP."""
    return emsp.wait("PUT", f"/sessions/.*/{ident}$", where=lambda r: all(r.json.get(key) == value for key, value in fields.items()))


def wait_settled(pair):
    """Waits until nothing is pending for this eMSP."""
    eventually(lambda: not pair.hub.deliveries(to=pair.emsp.id, state="pending"), "nothing is pending any more")


# ---------------------------------------------------------------- sessions


def test_session_is_delivered(pair):
    """PUT to the receiver of the eMSP in cdr_token, path with the owner, the eMSP's token, FROM and TO, the same correlation id, bytes kept."""
    body = json.dumps(payloads.session(pair.cpo.party, pair.emsp.party, "SES-1"))[:-1] + ',"x_soc":12.50,"a":null}'
    answer = pair.cpo.put("sessions", body, ident="SES-1", headers={"X-Correlation-ID": "corr-session"})
    assert answer.outcome == (201, 1000), answer
    request = pair.emsp.wait("PUT", "/sessions/")
    assert request.path == f"/ocpi/2.2.1/sessions/IN/{pair.cpo.party.party_id}/SES-1"
    assert exact(request.body) == exact(body)
    assert request.headers["authorization"] == authorization(pair.emsp.token)
    assert request.routing == (pair.cpo.id, pair.emsp.id)
    assert request.headers["x-correlation-id"] == "corr-session" and request.headers["x-request-id"]
    assert request.headers["content-type"].startswith("application/json")


def test_active_then_completed(pair):
    """201 then 200; both states arrive in order; the owner reads its session."""
    assert put_session(pair, last_updated=timestamp(-20)).status == 201
    delivered(pair.emsp, status="ACTIVE")
    body = payloads.session(pair.cpo.party, pair.emsp.party, status="COMPLETED", kwh=21.35, end_date_time=timestamp())
    assert pair.cpo.put("sessions", body).outcome == (200, 1000)
    delivered(pair.emsp, status="COMPLETED", kwh=21.35)
    assert [request.json["status"] for request in pair.emsp.received("PUT", "/sessions/")] == ["ACTIVE", "COMPLETED"]
    assert pair.cpo.get(pair.cpo.object_path("sessions", "ses-1")).data == body


def test_patch_appends_periods(pair):
    """PATCH changes what it names, appends charging_periods, and the eMSP gets the whole session."""
    put_session(pair, last_updated=timestamp(-20))
    delivered(pair.emsp)
    period = payloads.charging_period(7.5)
    stamp = timestamp(-10)
    answer = pair.cpo.patch("sessions", "SES-1", {"kwh": 11.7, "charging_periods": [period], "last_updated": stamp})
    assert answer.outcome == (200, 1000), answer
    request = delivered(pair.emsp, kwh=11.7)
    assert len(request.json["charging_periods"]) == 2 and request.json["charging_periods"][1] == period
    assert request.json["last_updated"] == stamp and request.json["cdr_token"]["party_id"] == pair.emsp.party.party_id
    owner = pair.cpo.get(pair.cpo.object_path("sessions", "SES-1"))
    assert exact(request.body) == owner.exact_data


def test_patch_refusals(pair):
    """PATCH of an unknown session is 404; without last_updated 2001."""
    assert pair.cpo.patch("sessions", "NONE", {"kwh": 1, "last_updated": timestamp()}).outcome == (404, 2003)
    put_session(pair)
    assert pair.cpo.patch("sessions", "SES-1", {"kwh": 1}).outcome == (200, 2001)


def test_stale_session_is_not_delivered(pair):
    """Older than what is stored: 1000, not applied, nothing sent."""
    put_session(pair, kwh=5.0)
    delivered(pair.emsp, kwh=5.0)
    put_session(pair, kwh=1.0, last_updated=timestamp(-3600))
    put_session(pair, "SES-2")
    delivered(pair.emsp, "SES-2")
    wait_settled(pair)
    assert [request.json["kwh"] for request in pair.emsp.received("PUT", "/SES-1$")] == [5.0]
    assert pair.cpo.get(pair.cpo.object_path("sessions", "SES-1")).data["kwh"] == 5.0


@pytest.mark.parametrize(
    "token, pointer",
    [
        (None, "/cdr_token"),
        ({"uid": "A", "type": "RFID", "contract_id": "C", "party_id": "XYZ"}, "/cdr_token/country_code"),
        ({"uid": "A", "type": "RFID", "contract_id": "C", "country_code": "IN"}, "/cdr_token/party_id"),
        ({"type": "RFID", "contract_id": "C", "country_code": "IN", "party_id": "XYZ"}, "/cdr_token/uid"),
        ("XYZ", "/cdr_token"),
    ],
)
def test_cdr_token_is_required(pair, token, pointer):
    """A session or CDR without the eMSP's country_code and party_id (and uid) is 2001 with the place; nothing is kept."""
    for module, body in [
        ("sessions", payloads.session(pair.cpo.party, pair.emsp.party, cdr_token=token)),
        ("cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, cdr_token=token)),
    ]:
        if token is None:
            del body["cdr_token"]
        answer = pair.cpo.put("sessions", body) if module == "sessions" else pair.cpo.call("POST", "cdrs", body)
        assert answer.outcome == (200, 2001), answer
        assert finds_pointer(answer, pointer), answer.message
    assert pair.cpo.get(pair.cpo.object_path("sessions", "SES-1")).outcome == (404, 2003)
    assert pair.hub.deliveries(to=pair.emsp.id) == []


@pytest.mark.parametrize("field", ["start_date_time", "kwh", "status", "last_updated", "id"])
def test_session_essentials(pair, field):
    """Identity, time and money of a session must be there."""
    body = payloads.session(pair.cpo.party, pair.emsp.party)
    del body[field]
    answer = pair.cpo.put("sessions", body, ident="SES-1")
    assert answer.outcome == (200, 2001) and finds_pointer(answer, f"/{field}"), answer


def test_who_may_push_and_read(hub, pair):
    """Another CPO: 403 `party mismatch`; an eMSP: 403; eMSPs cannot read sessions or CDRs."""
    stranger = hub.onboard("CPO")
    body = payloads.session(pair.cpo.party, pair.emsp.party)
    path = pair.cpo.object_path("sessions", "SES-1")
    answer = stranger.call("PUT", path, body)
    assert answer.outcome == (403, 2001) and "party mismatch" in answer.message, answer
    assert pair.emsp.call("PUT", path, body).outcome == (403, 2001)
    assert pair.emsp.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party)).outcome == (403, 2001)
    forged = stranger.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, "FORGED"))
    assert forged.code != 1000, "nobody bills in another's name"
    put_session(pair)
    post_cdr(pair)
    for platform in (pair.emsp, stranger):
        for target in (path, "sessions", "cdrs", "cdrs/CDR-1"):
            answer = platform.get(target)
            assert answer.code != 1000 or answer.data == [], (platform.id, target, answer)


def test_to_must_agree_with_cdr_token(hub, pair):
    """OCPI-to of a push names another eMSP than cdr_token: 2001."""
    other = hub.onboard("EMSP")
    answer = pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party), to=other.id)
    assert answer.outcome == (200, 2001), answer
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party), to=pair.emsp.id).outcome == (201, 1000)


# ---------------------------------------------------------------- order, coalescing


def test_newer_state_replaces_undelivered_ones(pair):
    """While one state is on its way, newer ones of the same session replace each other; other sessions and CDRs are not touched."""
    gate = Gate()
    pair.emsp.script("PUT", "/sessions/.*/SES-1$", Reply(hold=gate))
    put_session(pair, kwh=1.0, last_updated=timestamp(-50))
    delivered(pair.emsp, kwh=1.0)
    for number in range(2, 6):
        put_session(pair, kwh=float(number), last_updated=timestamp(-50 + number))
    put_session(pair, "SES-2", kwh=9.0)
    gate.open()
    delivered(pair.emsp, kwh=5.0)
    delivered(pair.emsp, "SES-2", kwh=9.0)
    wait_settled(pair)
    assert [request.json["kwh"] for request in pair.emsp.received("PUT", "/SES-1$")] == [1.0, 5.0]


def test_order_per_session_under_failures(pair):
    """Whatever fails in between, a session never goes back at the eMSP."""
    pair.emsp.script("PUT", "/sessions/", *[Reply(http=503, code=3000), Reply(drop="reset"), Reply(http=500, body=b"x")] * 2)
    for number in range(1, 15):
        put_session(pair, kwh=float(number), last_updated=timestamp(-50 + number))
    delivered(pair.emsp, kwh=14.0)
    wait_settled(pair)
    seen = [request.json["kwh"] for request in pair.emsp.received("PUT", "/SES-1$")]
    assert seen == sorted(seen) and seen[-1] == 14.0, seen


def test_cdrs_are_never_merged(pair):
    """Every CDR arrives, also those that pile up while the eMSP is down."""
    pair.emsp.down()
    for number in range(12):
        post_cdr(pair, f"CDR-{number}")
    pair.emsp.up()
    pair.emsp.wait("POST", "/cdrs$", count=12)
    wait_settled(pair)
    ids = [request.json["id"] for request in pair.emsp.received("POST", "/cdrs$")]
    assert sorted(set(ids)) == sorted(f"CDR-{number}" for number in range(12))


def test_one_slow_emsp_delays_no_other(hub, pair):
    """Deliveries to another eMSP pass while one keeps the hub waiting on many."""
    gate = Gate()
    pair.emsp.script("PUT", "/sessions/", Reply(hold=gate), forever=True)
    for number in range(20):
        put_session(pair, f"SLOW-{number}")
    pair.emsp.wait("PUT", "/sessions/")
    other = hub.onboard("EMSP")
    hub.rule(other, pair.cpo)
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, other.party, "QUICK")).outcome == (201, 1000)
    delivered(other, "QUICK")
    assert pair.hub.deliveries(to=pair.emsp.id, state="pending")
    gate.open()
    wait_settled(pair)


# ---------------------------------------------------------------- held


def test_no_rule_holds(hub):
    """Without a rule the push is taken and held; enabling the rule does not release it."""
    made = hub.pair(rule=False)
    put_session(made)
    post_cdr(made)
    rows = hub.wait_rows("delivery", "list", where=lambda row: row["to"] == made.emsp.id, what="two held rows", count=2)
    assert {(row["state"], row["from"], row["module"]) for row in rows} == {("held", made.cpo.id, "sessions"), ("held", made.cpo.id, "cdrs")}
    assert all("rule" in json.dumps(row) for row in rows), rows
    hub.rule(made.emsp, made.cpo)
    put_session(made, "SES-NEW")
    delivered(made.emsp, "SES-NEW")
    assert {row["object"].upper() for row in hub.held(made.emsp.id)} == {"SES-1", "CDR-1"}
    assert made.emsp.received("POST", "/cdrs") == []


def test_retry_releases_what_no_rule_held(hub):
    """Once the rule is on, the account team sends what was held: hubctl delivery retry."""
    made = hub.pair(rule=False)
    put_session(made)
    post_cdr(made)
    hub.rule(made.emsp, made.cpo)
    for row in hub.held(made.emsp.id):
        hub.ok("delivery", "retry", row["id"])
    delivered(made.emsp)
    made.emsp.wait("POST", "/cdrs$")


def test_no_receiver_url_holds_until_it_is_set(hub):
    """Without a receiver URL the push is held; setting the receiver releases what waited for it, in order."""
    made = hub.pair(emsp_options={"hide": {"sessions", "cdrs"}})
    put_session(made)
    post_cdr(made)
    hub.wait_rows("delivery", "list", "--state", "held", where=lambda row: row["to"] == made.emsp.id, what="held rows", count=2)
    hub.ok("receiver", "set", made.emsp.id, "sessions", made.emsp.url + "/ocpi/2.2.1/sessions/{country_code}/{party_id}/{id}")
    delivered(made.emsp)
    assert [row["module"] for row in hub.held(made.emsp.id)] == ["cdrs"]
    hub.ok("receiver", "set", made.emsp.id, "cdrs", made.emsp.url + "/ocpi/2.2.1/cdrs")
    made.emsp.wait("POST", "^/ocpi/2.2.1/cdrs$")
    wait_settled(made)
    assert hub.held(made.emsp.id) == []


def test_unknown_emsp_and_suspended_emsp_hold(hub, pair):
    """The reason is told: unknown eMSP, suspended."""
    nobody = Party("IN", "NOB", "EMSP")
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, nobody, "SES-NOB")).outcome == (201, 1000)
    hub.ok("party", "suspend", pair.emsp.id, "--reason", "unpaid")
    put_session(pair, "SES-SUS")
    for ident, word in (("SES-NOB", "unknown"), ("SES-SUS", "suspended")):
        (row,) = hub.wait_rows("delivery", "list", where=lambda row: row["object"].upper() == ident, what=ident)
        assert row["state"] == "held" and word in json.dumps(row).lower(), row
    assert pair.emsp.received("PUT", "/sessions/") == []


class Flood:
    """Threads that push new sessions as fast as they can, pipelined on raw connections, until the `with` ends; counts the answers."""

    BATCH, THREADS = 16, 8
    numbers = itertools.count()

    def __init__(self, pair):
        self.pair = pair
        self.answered = Journal("answered pushes")
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(self.THREADS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(DEADLINE)

    def request(self):
        cpo, ident = self.pair.cpo, f"FLOOD-{next(self.numbers)}"
        body = json.dumps(payloads.session(cpo.party, self.pair.emsp.party, ident)).encode()
        head = (
            f"PUT /ocpi/2.2.1/{cpo.object_path('sessions', ident)} HTTP/1.1\r\nHost: hub\r\nAuthorization: {authorization(cpo.hub_token)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def run(self):
        with socket.create_connection(("127.0.0.1", self.pair.hub.port), timeout=DEADLINE) as wire:
            while not self.over.is_set():
                wire.sendall(b"".join(self.request() for _ in range(self.BATCH)))
                got = b""
                while got.count(b'"timestamp"') < self.BATCH:
                    got += wire.recv(65536) or pytest.fail("hubd closed the connection")
                self.answered.add(got.count(b'"status_code":1000'))

    def goes_on(self, batches=THREADS):
        """Waits until so many batches more are answered."""
        self.answered.wait(count=len(self.answered.all()) + batches, seconds=DEADLINE)


@pytest.mark.parametrize("cause", ["no receiver URL", "suspended"])
def test_nothing_stays_held_behind_a_change(new_hub, cause):
    """Pushes race with what releases them: a push that was judged before the change is not left held after it."""
    hub, _, _ = made = new_hub().pair(emsp_options={"hide": {"sessions"}})
    url = made.emsp.url + "/ocpi/2.2.1/sessions"
    hold, release = {
        "no receiver URL": (("receiver", "unset", made.emsp.id, "sessions"), ("receiver", "set", made.emsp.id, "sessions", url)),
        "suspended": (("party", "suspend", made.emsp.id, "--reason", "unpaid"), ("party", "resume", made.emsp.id)),
    }[cause]
    hub.ok("receiver", "set", made.emsp.id, "sessions", url)
    made.emsp.down()
    for turn in range(RACES):
        hub.ok(*hold)
        with Flood(made) as flood:
            flood.goes_on()
            hub.ok(*release)
            flood.goes_on()
        assert set(flood.answered.all()) == {Flood.BATCH}, "every push is taken"
        eventually(lambda: not hub.held(made.emsp.id), f"turn {turn}: nothing is held any more", 3 * SLOW)


# ---------------------------------------------------------------- retry


def test_delivered_once_the_emsp_is_back(pair):
    """While the eMSP is down the push waits with its last error; nothing is lost, the newest state and the CDR arrive."""
    pair.emsp.down()
    put_session(pair, kwh=1.0, last_updated=timestamp(-9))
    put_session(pair, kwh=2.0, last_updated=timestamp(-8))
    post_cdr(pair)
    (row, *_) = pair.hub.wait_rows(
        "delivery", "list", where=lambda row: row["to"] == pair.emsp.id and row["attempts"] >= 2, what="two attempts"
    )
    assert row["state"] == "pending" and row["last_error"] and row["next_attempt"], row
    pair.emsp.up()
    delivered(pair.emsp, kwh=2.0)
    pair.emsp.wait("POST", "/cdrs$")
    wait_settled(pair)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(http=500, code=3000), Reply(http=503, body=b"busy"), Reply(http=401, code=2002), Reply(http=404, code=2003),
        Reply(http=429, code=2004), Reply(body=b"<html/>"), Reply(drop="reset"), Reply(drop="close"),
        Reply(wire=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", drop="close"),
    ],
    ids=["500", "503", "401", "404", "429", "not OCPI", "reset", "closed", "cut"],
)  # fmt: skip
def test_receivers_fault_is_retried(pair, reply):
    """No connection, 401, 404, 429, 5xx, not OCPI: the receiver's fault; the same message comes again until it is taken."""
    pair.emsp.script("POST", "/cdrs$", reply, reply)
    post_cdr(pair)
    pair.emsp.wait("POST", "/cdrs$", count=3)
    wait_settled(pair)
    requests = pair.emsp.received("POST", "/cdrs$")
    assert {request.json["id"] for request in requests} == {"CDR-1"} and len({request.body for request in requests}) == 1


def test_retry_after_is_respected(pair):
    """The next attempt is not before Retry-After has passed."""
    pair.emsp.script("POST", "/cdrs$", Reply(http=503, code=3000, headers={"Retry-After": "1"}))
    post_cdr(pair)
    first, second = pair.emsp.wait("POST", "/cdrs$"), pair.emsp.wait("POST", "/cdrs$", count=2)
    assert second.time - first.time >= 0.95


@pytest.mark.parametrize(
    "reply",
    [Reply(http=201, code=1000), Reply(http=202, code=None), Reply(http=204, code=None), Reply(code=1900)],
    ids=["201", "202 empty", "204", "19xx"],
)
def test_what_counts_as_taken(pair, reply):
    """2xx with a 1xxx code, or 2xx without a body: delivered, once."""
    pair.emsp.script("POST", "/cdrs$", reply)
    post_cdr(pair)
    pair.emsp.wait("POST", "/cdrs$")
    wait_settled(pair)
    assert len(pair.emsp.received("POST", "/cdrs$")) == 1


@pytest.mark.parametrize("reply", [Reply(code=2001, message="no such tariff"), Reply(http=400, code=2001, message="no such tariff")], ids=["2001", "400"])
def test_messages_fault_does_not_stop_the_queue(pair, reply):
    """A message that the receiver refuses waits for its next try with the error; others pass it by."""
    pair.emsp.script("POST", "/cdrs$", lambda request: reply if request.json["id"] == "BAD" else None, forever=True)
    post_cdr(pair, "BAD")
    pair.emsp.wait("POST", "/cdrs$", where=lambda r: r.json["id"] == "BAD")
    post_cdr(pair, "GOOD")
    pair.emsp.wait("POST", "/cdrs$", where=lambda r: r.json["id"] == "GOOD")
    (row,) = pair.hub.wait_rows("delivery", "list", where=lambda row: row["object"].upper() == "BAD" and row["to"] == pair.emsp.id and row["attempts"], what="the refused row")
    assert row["state"] == "pending" and row["last_error"], row
    detail = pair.hub.ok("delivery", "show", row["id"]).out
    assert "no such tariff" in detail or "2001" in detail, detail


def test_a_refused_message_is_retried_under_traffic(new_hub):
    """Its next try comes when it is due, although its receiver is never without other messages."""
    made = new_hub(retry_initial="10ms", retry_max="20ms").pair()  # the first delay of a refused message is 600 times that
    gates = []

    def busy(request):
        gates.append(Gate())
        return Reply(hold=gates[-1])

    made.emsp.script("PUT", "/REFUSED$", Reply(http=400, code=2001))
    made.emsp.script("PUT", "/BUSY-", busy, forever=True)
    put_session(made, "REFUSED")
    first = made.emsp.wait("PUT", "/REFUSED$")
    number = 0
    while len(made.emsp.received("PUT", "/REFUSED$")) < 2:
        assert time.monotonic() - first.time < 6 + DEADLINE, f"not tried again during {number} others"
        put_session(made, f"BUSY-{number}")
        made.emsp.wait("PUT", f"/BUSY-{number}$")
        if number:
            gates[number - 1].open()  # only now: there is always one under way
        number += 1
    gates[-1].open()
    wait_settled(made)


def test_held_time_does_not_count_as_tried(new_hub):
    """A delivery that was held for longer than retry_give_up is new to its receiver: a first failure does not kill it."""
    hub, cpo, emsp = made = new_hub(retry_give_up="1s").pair(emsp_options={"hide": {"sessions"}})
    put_session(made)
    hub.wait_rows("delivery", "list", "--state", "held", where=lambda row: row["to"] == emsp.id, what="the held row")
    later(cpo, 1500)
    emsp.script("PUT", "/sessions/", Reply(http=503, code=3000))
    hub.ok("receiver", "set", emsp.id, "sessions", emsp.url + "/ocpi/2.2.1/sessions")
    emsp.wait("PUT", "/sessions/.*/SES-1$")
    eventually(lambda: not hub.deliveries(to=emsp.id, state="pending"), "the row has ended")
    assert hub.rows("delivery", "list", "--state", "dead") == []
    assert len(emsp.received("PUT", "/sessions/.*/SES-1$")) == 2


def test_a_session_that_moves_to_another_emsp(hub, pair):
    """cdr_token names another eMSP while the first one's delivery waits: the first never sees the other's token, the second gets it."""
    second = hub.onboard("EMSP")
    hub.rule(second, pair.cpo)
    pair.emsp.down()
    put_session(pair, "MOVED", last_updated=timestamp(-9))
    hub.wait_rows("delivery", "list", where=lambda row: row["to"] == pair.emsp.id and row["attempts"], what="a failed attempt")
    body = payloads.session(pair.cpo.party, second.party, "MOVED", cdr_token=payloads.cdr_token(second.party, "SECRET-OF-SECOND"))
    assert pair.cpo.put("sessions", body).outcome == (200, 1000)
    assert delivered(second, "MOVED").json["cdr_token"]["uid"] == "SECRET-OF-SECOND"
    pair.emsp.up()
    put_session(pair, "AFTER")
    delivered(pair.emsp, "AFTER")
    wait_settled(pair)
    assert [request for request in pair.emsp.received("PUT", "/sessions/") if b"SECRET-OF-SECOND" in request.body] == []


# ---------------------------------------------------------------- CDRs


def test_cdr_is_delivered_and_readable(pair):
    """POST answers with a Location below base_url where the owner reads the CDR as it was sent; the eMSP gets the same bytes."""
    body = json.dumps(payloads.cdr(pair.cpo.party, pair.emsp.party))[:-1] + ',"x_rate":12.50,"a":null}'
    answer = pair.cpo.call("POST", "cdrs", body)
    assert answer.outcome == (201, 1000), answer
    location = answer.headers["Location"]
    assert location.startswith(pair.hub.url + "/ocpi/2.2.1/cdrs/"), location
    assert exact(pair.emsp.wait("POST", "^/ocpi/2.2.1/cdrs$").body) == exact(body)
    served = pair.cpo.get(urlsplit(location).path)
    assert served.outcome == (200, 1000) and served.exact_data == exact(body), served


def reordered(value):
    """The same JSON value with keys turned round."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


def test_same_cdr_again(pair):
    """The same id and JSON value - order, white space, number spelling and last_updated aside - is 1000 and not delivered again."""
    body = payloads.cdr(pair.cpo.party, pair.emsp.party, total_energy=21.5)
    assert pair.cpo.call("POST", "cdrs", body).outcome == (201, 1000)
    turned = reordered({**body, "last_updated": timestamp()})
    spelled = json.dumps(body).replace('"total_energy": 21.5', '"total_energy": 2.150E1')
    assert spelled != json.dumps(body)
    for again in (body, turned, json.dumps(body, indent=3), spelled):
        answer = pair.cpo.call("POST", "cdrs", again)
        assert answer.outcome == (200, 1000), answer
        assert answer.headers["Location"]
    post_cdr(pair, "CDR-2")
    pair.emsp.wait("POST", "/cdrs$", where=lambda r: r.json["id"] == "CDR-2")
    wait_settled(pair)
    assert [request.json["id"] for request in pair.emsp.received("POST", "/cdrs$")] == ["CDR-1", "CDR-2"]


@pytest.mark.parametrize("change", [{"total_energy": 99.9}, {"remark": "corrected"}, {"charging_periods": []}, {"id": "cdr-1", "currency": "USD"}])
def test_same_id_other_content(pair, change):
    """CDRs are immutable: the same id with other content is 2001, and nothing changes."""
    post_cdr(pair)
    answer = pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, **change))
    assert answer.outcome == (200, 2001), answer
    pair.emsp.wait("POST", "/cdrs$")
    wait_settled(pair)
    assert len(pair.emsp.received("POST", "/cdrs$")) == 1
    assert pair.emsp.received("POST", "/cdrs$")[0].json["total_energy"] == 21.35


@pytest.mark.parametrize("field", ["start_date_time", "end_date_time", "currency", "total_cost", "total_energy", "last_updated", "id", "country_code"])
def test_cdr_essentials(pair, field):
    """What money, identity and time rest on must be there."""
    body = payloads.cdr(pair.cpo.party, pair.emsp.party)
    del body[field]
    answer = pair.cpo.call("POST", "cdrs", body)
    assert answer.outcome == (200, 2001) and finds_pointer(answer, f"/{field}"), answer
    assert pair.hub.deliveries(to=pair.emsp.id) == []


@pytest.mark.parametrize("tail", ["CDR-1", "IN/%s/CDR-1"])
def test_cdr_posted_below_its_id(pair, tail):
    """Some CPOs post to /cdrs/{id} or /cdrs/{cc}/{pid}/{id}: accepted."""
    path = "cdrs/" + (tail % pair.cpo.party.party_id if "%" in tail else tail)
    answer = pair.cpo.call("POST", path, payloads.cdr(pair.cpo.party, pair.emsp.party))
    assert answer.outcome == (201, 1000), answer
    pair.emsp.wait("POST", "/cdrs$")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_cdrs_cannot_be_changed(pair, method):
    """405 with Allow."""
    location = urlsplit(post_cdr(pair).headers["Location"]).path
    answer = pair.cpo.call(method, location, None if method == "DELETE" else payloads.cdr(pair.cpo.party, pair.emsp.party))
    assert answer.outcome == (405, 2000) and answer.headers["Allow"], answer


def test_pushes_and_deliveries_are_audited(hub, pair):
    """Each push has a row with FROM, TO, module and ids."""
    put_session(pair)
    delivered(pair.emsp)
    row = hub.wait_audit(lambda row: row["module"] == "sessions" and row["from"] == pair.cpo.id and row["method"] == "PUT", "the push's row")
    assert row["to"] == pair.emsp.id and row["request_id"] and row["correlation_id"], row
