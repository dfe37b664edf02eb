"""Locations and tariffs pushed to eMSPs that asked for it: `hubctl party set EMSP --push locations,tariffs`."""

import json

import pytest

from tests.e2e.harness import eventually
from tests.sim import Gate, Reply, exact, payloads
from tests.sim.client import authorization
from tests.sim.wire import timestamp

HUB = "IN-CIH"
EVSE = "/locations/.*/LOC001/EVSE001$"
WHOLE = "/locations/.*/LOC001$"
TARIFF = "/tariffs/.*/TAR-DC-DAY$"


def push_to(hub, emsp, modules="locations,tariffs"):
    return hub.ok("party", "set", emsp.id, "--push", modules)


@pytest.fixture
def pushed(pair):
    """A pair whose eMSP has both modules pushed to it; the CPO has one location, which the eMSP knows."""
    push_to(pair.hub, pair.emsp)
    put_location(pair, last_updated=timestamp(-60))
    pair.emsp.wait("PUT", WHOLE)
    settled(pair)
    return pair


def put_location(pair, **changes):
    answer = pair.cpo.put("locations", payloads.location(pair.cpo.party, **changes))
    assert answer.status in (200, 201) and answer.code == 1000, answer


def patch_evse(pair, status, offset=0.0, evse="EVSE001"):
    body = {"status": status, "last_updated": timestamp(offset)}
    assert pair.cpo.patch("locations", f"LOC001/{evse}", body).outcome == (200, 1000)


def put_tariff(pair, **changes):
    answer = pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party, **changes))
    assert answer.status in (200, 201) and answer.code == 1000, answer


def delete_tariff(pair, ident="TAR-DC-DAY"):
    assert pair.cpo.call("DELETE", pair.cpo.object_path("tariffs", ident)).outcome == (200, 1000)


def settled(pair):
    eventually(lambda: not pair.hub.deliveries(to=pair.emsp.id, state="pending"), "nothing is pending any more")


def sent(pair, pattern="/(locations|tariffs)/"):
    """What the eMSP was sent, as (method, last segment of the path)."""
    return [(request.method, request.path.rsplit("/", 1)[1]) for request in pair.emsp.received("*", pattern) if request.method != "GET"]


def nothing_was_sent(pair, before):
    """A push behind it arrives, and nothing else has."""
    put_tariff(pair, ident="MARK", last_updated=timestamp())
    pair.emsp.wait("PUT", "/tariffs/.*/MARK$")
    settled(pair)
    assert sent(pair) == [*before, ("PUT", "MARK")]


# ---------------------------------------------------------------- locations


@pytest.mark.parametrize("to", [None, HUB], ids=["OCPI-to absent", "OCPI-to is the hub"])
def test_location_is_pushed(pair, to):
    """The whole location, byte for byte; FROM is the hub, which broadcasts, the path keeps the owner."""
    push_to(pair.hub, pair.emsp, "locations")
    body = json.dumps(payloads.location(pair.cpo.party))[:-1] + ',"x_rent":12.50,"a":null}'
    assert pair.cpo.put("locations", body, ident="LOC001", to=to, headers={"X-Correlation-ID": "corr-location"}).outcome == (201, 1000)
    request = pair.emsp.wait("PUT", "/locations/")
    assert request.path == f"/ocpi/2.2.1/locations/IN/{pair.cpo.party.party_id}/LOC001"
    assert exact(request.body) == exact(body)
    assert request.routing == (HUB, pair.emsp.id)
    assert request.headers["authorization"] == authorization(pair.emsp.token)
    assert request.headers["x-correlation-id"] == "corr-location" and request.headers["x-request-id"]
    row = pair.hub.wait_audit(lambda row: row["action"] == "delivery.done" and row["module"] == "locations" and row["to"] == pair.emsp.id, "its row")
    assert row["from"] == pair.cpo.id and row["object"] == "LOC001" and row["correlation_id"] == "corr-location"


def test_location_patch_is_pushed_whole(pushed):
    """A PATCH of the location sends all of it, as it is now."""
    stamp = timestamp()
    assert pushed.cpo.patch("locations", "LOC001", {"name": "New Deck", "last_updated": stamp}).outcome == (200, 1000)
    request = pushed.emsp.wait("PUT", WHOLE, count=2)
    assert request.json["name"] == "New Deck" and request.json["last_updated"] == stamp and len(request.json["evses"]) == 2


def test_evse_change_sends_that_evse(pushed):
    """A status PATCH sends the EVSE and not the location."""
    stamp = timestamp()
    patch_evse(pushed, "CHARGING")
    request = pushed.emsp.wait("PUT", EVSE)
    assert request.json["status"] == "CHARGING" and request.json["uid"] == "EVSE001" and request.json["last_updated"] >= stamp
    assert request.routing == (HUB, pushed.emsp.id)
    assert len(pushed.emsp.received("PUT", WHOLE)) == 1


def test_connector_change_sends_its_evse(pushed):
    """OCPI has no lone connector at the receiver that could be newer than its EVSE: the EVSE goes with it."""
    body = {"max_electric_power": 50000, "last_updated": timestamp()}
    assert pushed.cpo.patch("locations", "LOC001/EVSE001/1", body).outcome == (200, 1000)
    assert pushed.emsp.wait("PUT", EVSE).json["connectors"][0]["max_electric_power"] == 50000
    connector = payloads.connector("3", last_updated=timestamp())
    assert pushed.cpo.call("PUT", pushed.cpo.object_path("locations", "LOC001/EVSE001/3"), connector).outcome == (201, 1000)
    assert len(pushed.emsp.wait("PUT", EVSE, count=2).json["connectors"]) == 3


def test_owners_spelling_of_ids(pushed):
    """Whatever case the CPO's URL has, the eMSP sees the ids as the bodies spell them."""
    assert pushed.cpo.patch("locations", "loc001/evse001", {"status": "BLOCKED", "last_updated": timestamp()}).outcome == (200, 1000)
    assert pushed.emsp.wait("PUT", "(?i)/loc001/evse001$").path.endswith("/LOC001/EVSE001")


def test_new_evse_is_pushed(pushed):
    """An EVSE that is PUT for the first time."""
    assert pushed.cpo.call("PUT", pushed.cpo.object_path("locations", "LOC001/EVSE009"), payloads.evse("EVSE009")).outcome == (201, 1000)
    assert pushed.emsp.wait("PUT", "/LOC001/EVSE009$").json["uid"] == "EVSE009"


def test_identical_push_sends_nothing(pushed):
    """The same location, EVSE or tariff once more is no change."""
    stamp = timestamp(-30)
    put_location(pushed, last_updated=stamp)
    pushed.emsp.wait("PUT", WHOLE, count=2)
    evse = payloads.evse("EVSE001", last_updated=stamp)
    put_tariff(pushed, last_updated=stamp)
    pushed.emsp.wait("PUT", TARIFF)
    before = sent(pushed)
    put_location(pushed, last_updated=stamp)
    assert pushed.cpo.call("PUT", pushed.cpo.object_path("locations", "LOC001/EVSE001"), evse).outcome == (200, 1000)
    put_tariff(pushed, last_updated=stamp)
    nothing_was_sent(pushed, before)


def test_what_is_not_applied_is_not_sent(pushed):
    """Stale: 1000, not stored, not pushed. Refused: neither."""
    before = sent(pushed)
    put_location(pushed, name="Old", last_updated="2024-01-01T00:00:00Z")
    patch_evse(pushed, "CHARGING", offset=-90000)
    assert pushed.cpo.patch("locations", "LOC001/EVSE001", {"status": "BURNING", "last_updated": timestamp()}).outcome == (200, 2001)
    nothing_was_sent(pushed, before)


@pytest.mark.parametrize("reply", [Reply(http=404, code=2003), Reply(code=2003), Reply(http=404, body=b"<html/>")], ids=["404", "200 with 2003", "bare 404"])
def test_unknown_location_is_sent_whole(pushed, reply):
    """An eMSP that does not know the EVSE's location gets all of it, in the same delivery, and nothing pauses."""
    pushed.emsp.script("PUT", EVSE, reply)
    patch_evse(pushed, "CHARGING")
    pushed.emsp.wait("PUT", EVSE)
    request = pushed.emsp.wait("PUT", WHOLE, count=2)
    assert request.json["evses"][0]["status"] == "CHARGING" and len(request.json["evses"]) == 2
    assert exact(request.body) == pushed.cpo.get(pushed.cpo.object_path("locations", "LOC001")).exact_data
    settled(pushed)
    assert len(pushed.emsp.received("PUT", EVSE)) == 1
    (row,) = [row for row in pushed.hub.rows("delivery", "list", "--state", "delivered", "--party", pushed.emsp.id) if row["attempts"]][-1:]
    assert row["attempts"] == 1 and row["last_error"] is None, row


def test_newest_state_replaces_waiting_ones(pushed):
    """While one EVSE is on its way its later states replace each other; a whole location takes its EVSEs along."""
    gate = Gate()
    pushed.emsp.script("PUT", EVSE, Reply(hold=gate))
    patch_evse(pushed, "CHARGING", -50)
    pushed.emsp.wait("PUT", EVSE)
    for number, status in enumerate(("BLOCKED", "RESERVED", "OUTOFORDER")):
        patch_evse(pushed, status, -40 + number)
    patch_evse(pushed, "INOPERATIVE", -30, evse="EVSE002")
    gate.open()
    settled(pushed)
    assert [request.json["status"] for request in pushed.emsp.received("PUT", EVSE)] == ["CHARGING", "OUTOFORDER"]
    assert [request.json["status"] for request in pushed.emsp.received("PUT", "/EVSE002$")] == ["INOPERATIVE"]
    before = sent(pushed)
    gate = Gate()
    pushed.emsp.script("PUT", EVSE, Reply(hold=gate))
    patch_evse(pushed, "AVAILABLE", -20)
    pushed.emsp.wait("PUT", EVSE, count=3)
    patch_evse(pushed, "BLOCKED", -15)
    patch_evse(pushed, "BLOCKED", -15, evse="EVSE002")
    put_location(pushed, name="Replaced", last_updated=timestamp(-10))
    gate.open()
    settled(pushed)
    assert sent(pushed) == [*before, ("PUT", "EVSE001"), ("PUT", "LOC001")]
    assert pushed.emsp.received("PUT", WHOLE)[-1].json["name"] == "Replaced"


def test_several_listeners(pushed):
    """Every eMSP that asked for it and may see the CPO gets it, with its own name in TO; nobody else."""
    hub = pushed.hub
    second, unasked, unrouted = hub.onboard("EMSP"), hub.onboard("EMSP"), hub.onboard("EMSP")
    hub.rule(second, pushed.cpo)
    hub.rule(unasked, pushed.cpo)
    push_to(hub, second, "locations")
    push_to(hub, unrouted, "locations")
    patch_evse(pushed, "CHARGING")
    for emsp in (pushed.emsp, second):
        assert emsp.wait("PUT", EVSE).routing == (HUB, emsp.id)
    put_tariff(pushed)
    pushed.emsp.wait("PUT", TARIFF)
    settled(pushed)
    for emsp in (second, unasked, unrouted):
        assert emsp.received("PUT", TARIFF) == [] and hub.deliveries(to=emsp.id) == []
    assert unasked.received("PUT", EVSE) == [] and unrouted.received("PUT", EVSE) == []


# ---------------------------------------------------------------- tariffs


def test_tariff_put_and_delete(pushed):
    """PUT with the bytes, DELETE without a body at the path that the PUT had."""
    body = payloads.tariff(pushed.cpo.party, last_updated=timestamp(-9))
    assert pushed.cpo.put("tariffs", body).outcome == (201, 1000)
    put = pushed.emsp.wait("PUT", TARIFF)
    assert put.json == body and put.routing == (HUB, pushed.emsp.id)
    settled(pushed)
    delete_tariff(pushed, "tar-dc-day")
    deleted = pushed.emsp.wait("DELETE", "/tariffs/")
    assert deleted.path == put.path and deleted.body == b"" and deleted.routing == put.routing
    assert "content-type" not in deleted.headers
    settled(pushed)
    put_tariff(pushed, last_updated=timestamp())
    pushed.emsp.wait("PUT", TARIFF, count=2)


def test_delete_follows_its_put(pushed):
    """A DELETE does not overtake the PUT before it, nor the next PUT the DELETE."""
    gate, second = Gate(), Gate()
    pushed.emsp.script("PUT", TARIFF, Reply(hold=gate))
    pushed.emsp.script("DELETE", TARIFF, Reply(hold=second))
    put_tariff(pushed, last_updated=timestamp(-9))
    pushed.emsp.wait("PUT", TARIFF)
    delete_tariff(pushed)
    put_tariff(pushed, ident="OTHER")
    pushed.emsp.wait("PUT", "/tariffs/.*/OTHER$")
    assert pushed.emsp.received("DELETE", "/tariffs/") == []
    gate.open()
    pushed.emsp.wait("DELETE", TARIFF)
    put_tariff(pushed, last_updated=timestamp(-5))
    put_tariff(pushed, ident="THIRD")
    pushed.emsp.wait("PUT", "/tariffs/.*/THIRD$")
    assert len(pushed.emsp.received("PUT", TARIFF)) == 1
    second.open()
    pushed.emsp.wait("PUT", TARIFF, count=2)


def test_delete_replaces_a_waiting_put(pushed):
    """What takes the tariff back replaces what would have brought it, and the other way round."""
    pushed.emsp.down()
    put_tariff(pushed, last_updated=timestamp(-9))
    delete_tariff(pushed)
    put_tariff(pushed, ident="BACK", last_updated=timestamp(-9))
    delete_tariff(pushed, "BACK")
    put_tariff(pushed, ident="BACK", last_updated=timestamp(-5))
    pushed.emsp.up()
    settled(pushed)
    assert sorted(sent(pushed, "/tariffs/")) == [("DELETE", "TAR-DC-DAY"), ("PUT", "BACK")]


@pytest.mark.parametrize("reply", [Reply(http=404, code=2003), Reply(http=404, body=b"gone"), Reply(code=2003)], ids=["404", "bare 404", "2003"])
def test_delete_of_what_is_not_there_is_done(pushed, reply):
    """The eMSP has no such tariff: that is what was wanted."""
    pushed.emsp.script("DELETE", "/tariffs/", reply, forever=True)
    put_tariff(pushed)
    delete_tariff(pushed)
    pushed.emsp.wait("DELETE", TARIFF)
    settled(pushed)
    assert len(pushed.emsp.received("DELETE", TARIFF)) == 1


# ---------------------------------------------------------------- when it may not go, or cannot


def test_no_receiver_url_holds(hub):
    """Held with the reason, and sent when the receiver is set: the state of then."""
    made = hub.pair(emsp_options={"hide": {"locations", "tariffs"}})
    push_to(hub, made.emsp)
    put_location(made, last_updated=timestamp(-60))
    (row,) = hub.wait_rows("delivery", "list", where=lambda row: row["to"] == made.emsp.id, what="the held row")
    assert (row["state"], row["reason"], row["module"], row["from"]) == ("held", "no receiver URL", "locations", made.cpo.id)
    put_location(made, name="Later", last_updated=timestamp(-50))
    assert len(hub.held(made.emsp.id)) == 1
    hub.ok("receiver", "set", made.emsp.id, "locations", made.emsp.url + "/ocpi/2.2.1/locations/")
    assert made.emsp.wait("PUT", WHOLE).json["name"] == "Later"
    settled(made)
    assert hub.held(made.emsp.id) == [] and len(made.emsp.received("PUT", WHOLE)) == 1


def test_rule_disabled_meanwhile_holds(pushed):
    """What waits for a receiver that is away is held when the rule is off at the moment of sending; nothing new is handed over."""
    pushed.emsp.script("PUT", EVSE, Reply(http=503, code=3000), forever=True)
    patch_evse(pushed, "CHARGING", -9)
    pushed.emsp.wait("PUT", EVSE)
    pushed.hub.rule(pushed.emsp, pushed.cpo, "disable")
    pushed.emsp.unscript()
    (row,) = pushed.hub.wait_rows("delivery", "list", "--state", "held", where=lambda row: row["to"] == pushed.emsp.id, what="the held row")
    assert row["reason"] == "no rule"
    patch_evse(pushed, "BLOCKED")
    assert len(pushed.hub.deliveries(to=pushed.emsp.id)) == 1
    pushed.hub.rule(pushed.emsp, pushed.cpo)  # it goes on with the rule
    pushed.emsp.wait("PUT", EVSE, where=lambda r: r.json["status"] == "BLOCKED")


def test_a_draining_rule_pushes_nothing(pushed):
    """Draining is for sessions that have begun."""
    pushed.hub.rule(pushed.emsp, pushed.cpo, "disable", "--drain")
    patch_evse(pushed, "CHARGING")
    assert pushed.hub.deliveries(to=pushed.emsp.id) == []


def test_push_that_ends_drops_what_waits(pushed):
    """--push none: what waits or is held is not sent any more, and nothing new is."""
    pushed.hub.ok("receiver", "unset", pushed.emsp.id, "tariffs")
    put_tariff(pushed)
    pushed.emsp.script("PUT", EVSE, Reply(http=503, code=3000), forever=True)
    patch_evse(pushed, "CHARGING", -9)
    pushed.emsp.wait("PUT", EVSE)
    pushed.hub.wait_rows("delivery", "list", where=lambda row: row["to"] == pushed.emsp.id, what="a held and a pending row", count=2)
    push_to(pushed.hub, pushed.emsp, "none")
    pushed.emsp.unscript()
    eventually(lambda: pushed.hub.deliveries(to=pushed.emsp.id) == [], "both are dropped")
    pushed.hub.wait_audit(lambda row: row["action"] == "delivery.dropped" and row["to"] == pushed.emsp.id and row["module"] == "tariffs", "the row that says so")
    (row,) = [row for row in pushed.hub.rows("delivery", "list", "--state", "superseded", "--party", pushed.emsp.id) if row["module"] == "tariffs"]
    assert row["reason"] == "dropped: push is off"
    refused = pushed.hub.ctl("delivery", "retry", row["id"])
    assert refused.rc == 1 and "it was dropped" in refused.err, refused
    patch_evse(pushed, "BLOCKED")
    assert pushed.hub.deliveries(to=pushed.emsp.id) == []
    push_to(pushed.hub, pushed.emsp, "locations")
    patch_evse(pushed, "RESERVED", 1)
    pushed.emsp.wait("PUT", EVSE, where=lambda r: r.json["status"] == "RESERVED")


def test_who_is_not_there_gets_nothing(hub, pair):
    """Suspended eMSPs, and such as have not done the exchange, have nothing handed to the outbox: they GET what they missed."""
    planned = hub.add(hub.platform("EMSP"))
    hub.rule(planned, pair.cpo)
    for emsp in (planned, pair.emsp):
        push_to(hub, emsp, "locations")
    hub.ok("party", "suspend", pair.emsp.id, "--reason", "test")
    put_location(pair, last_updated=timestamp(-60))
    assert hub.deliveries(to=planned.id) == [] and hub.deliveries(to=pair.emsp.id) == []
    hub.ok("party", "resume", pair.emsp.id)
    patch_evse(pair, "CHARGING")
    pair.emsp.wait("PUT", EVSE)


def test_bulk_and_refusals_delay_no_session(pushed):
    """An eMSP whose location receiver is broken or slow, with many waiting, still gets sessions and CDRs at once."""
    gate = Gate()
    pushed.emsp.script("PUT", "/locations/.*/SLOW-", Reply(hold=gate), forever=True)
    pushed.emsp.script("PUT", "/tariffs/", Reply(http=405, code=2000), forever=True)
    put_tariff(pushed)
    for number in range(40):
        put_location(pushed, ident=f"SLOW-{number}")
    pushed.emsp.wait("PUT", "/locations/.*/SLOW-")
    pushed.emsp.wait("PUT", TARIFF, count=3)
    assert pushed.cpo.put("sessions", payloads.session(pushed.cpo.party, pushed.emsp.party)).outcome == (201, 1000)
    pushed.emsp.wait("PUT", "/sessions/.*/SES-1$")
    assert pushed.cpo.call("POST", "cdrs", payloads.cdr(pushed.cpo.party, pushed.emsp.party)).outcome == (201, 1000)
    pushed.emsp.wait("POST", "/cdrs$")
    waiting = {row["module"] for row in pushed.hub.deliveries(to=pushed.emsp.id, state="pending")}
    assert {"locations", "tariffs"} <= waiting, waiting
    gate.open()
    pushed.emsp.unscript()
    settled(pushed)


def test_acknowledged_push_survives_kill(new_hub):
    """kill -9 right after the answers: location, EVSE, tariff and its DELETE are sent after the start."""
    hub, cpo, emsp = made = new_hub().pair()
    push_to(hub, emsp)
    put_tariff(made, ident="GONE", last_updated=timestamp(-60))
    put_location(made, last_updated=timestamp(-60))
    emsp.wait("PUT", WHOLE)
    settled(made)
    emsp.down()
    patch_evse(made, "CHARGING", -9)
    put_location(made, ident="LOC002")
    put_tariff(made)
    delete_tariff(made, "GONE")
    hub.kill()
    emsp.up()
    hub.restart()
    assert emsp.wait("PUT", EVSE).json["status"] == "CHARGING"
    emsp.wait("PUT", "/locations/.*/LOC002$")
    emsp.wait("PUT", TARIFF)
    emsp.wait("DELETE", "/tariffs/.*/GONE$")
    settled(made)
    assert hub.ctl("audit", "verify").rc == 0


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize(
    "written, kept",
    [("locations,tariffs", ["locations", "tariffs"]), ("tariffs, Locations", ["locations", "tariffs"]), ("tariffs", ["tariffs"]), ("none", []), ("", [])],
)
def test_party_set_push(hub, pair, written, kept):
    """Shown by party show, audited with before and after, unchanged the second time."""
    hub.ok("party", "set", pair.emsp.id, "--push", "locations" if kept != ["locations"] else "tariffs")
    assert hub.ok("party", "set", pair.emsp.id, "--push", written).out == f"party {pair.emsp.id} set\n"
    assert hub.one("party", "show", pair.emsp.id)["push"] == kept
    detail = json.dumps(hub.audit(action="party.set", party=pair.emsp.id)[-1]["detail"])
    assert "locations" in detail and '"push"' in detail.replace("\\", ""), detail
    assert hub.ok("party", "set", pair.emsp.id, "--push", written).out == f"party {pair.emsp.id} unchanged\n"


def test_party_set_push_refusals(hub, pair):
    """What cannot be pushed, and to whom it cannot; nothing is changed."""
    wrong = hub.ctl("party", "set", pair.emsp.id, "--push", "locations,cdrs")
    assert wrong.rc == 1 and "cdrs" in wrong.err and "hint:" in wrong.err, wrong
    cpo = hub.ctl("party", "set", pair.cpo.id, "--push", "locations")
    assert cpo.rc == 1 and "no EMSP" in cpo.err, cpo
    assert hub.one("party", "show", pair.emsp.id)["push"] == [] and hub.one("party", "show", pair.cpo.id)["push"] == []
    hub.ok("party", "set", pair.cpo.id, "--push", "none")


def test_what_the_end_of_a_rule_held_goes_on_with_it(new_hub):
    """Pushes that wait when their rule ends are held; with the rule they go on, in their newest state, and nothing is left."""
    hub = new_hub()
    pair = hub.pair()
    push_to(hub, pair.emsp)
    put_location(pair, last_updated=timestamp(-60))
    pair.emsp.wait("PUT", WHOLE)
    settled(pair)
    down = pair.emsp.script("*", ".*/(locations|tariffs)/.*", Reply(http=503), forever=True)
    patch_evse(pair, "CHARGING")
    put_tariff(pair)
    states = lambda: sorted((row["module"], row["state"], row["reason"]) for row in hub.deliveries(to=pair.emsp.id))  # noqa: E731
    pair.emsp.wait("*", EVSE)
    pair.emsp.wait("PUT", TARIFF)
    hub.ok("rule", "disable", pair.emsp.id, pair.cpo.id)
    eventually(lambda: states() == [("locations", "held", "no rule"), ("tariffs", "held", "no rule")], "both are held")
    pair.emsp.unscript(down)
    hub.ok("rule", "enable", pair.emsp.id, pair.cpo.id)
    eventually(lambda: states() == [], "nothing waits")
    assert pair.emsp.received("*", EVSE)[-1].json["status"] == "CHARGING"
    assert pair.emsp.received("PUT", TARIFF)
