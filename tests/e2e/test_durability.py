"""What was acknowledged survives kill -9, and is delivered. Under load and at random moments: tests/crash."""

from tests.e2e.harness import eventually
from tests.sim import payloads
from tests.sim.wire import timestamp


def audit_is_whole(hub):
    result = hub.ctl("audit", "verify")
    assert result.rc == 0, result


def test_acknowledged_pushes_survive_kill(new_hub):
    """Sessions and CDRs taken while the eMSP is down, kill -9 right after the last answer: after the start all of it is delivered."""
    hub, cpo, emsp = new_hub().pair()
    emsp.down()
    for number in range(30):
        assert cpo.put("sessions", payloads.session(cpo.party, emsp.party, f"S{number}", kwh=float(number))).outcome == (201, 1000)
        assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, f"C{number}")).outcome == (201, 1000)
    hub.kill()
    emsp.up()
    hub.restart()
    for number in range(30):
        request = emsp.wait("PUT", f"/sessions/.*/S{number}$")
        assert request.json["kwh"] == number
        emsp.wait("POST", "/cdrs$", where=lambda r, ident=f"C{number}": r.json["id"] == ident)
    eventually(lambda: not hub.deliveries(state="pending"), "nothing is pending any more")
    audit_is_whole(hub)


def test_everything_that_was_set_up_survives_kill(new_hub):
    """Parties, tokens, receivers, rules, locations, tariffs: as they were, kill -9 right after the answers."""
    hub, cpo, emsp = new_hub().pair()
    hub.ok("receiver", "set", emsp.id, "sessions", emsp.url + "/elsewhere")
    body = payloads.location(cpo.party, last_updated=timestamp(-60))
    cpo.put("locations", body)
    cpo.put("tariffs", payloads.tariff(cpo.party))
    cpo.patch("locations", "LOC001/EVSE001", {"status": "CHARGING", "last_updated": timestamp()})
    before = [hub.ok(*words).out for words in (("--json", "receiver", "list"), ("--json", "rule", "list"))]
    hub.kill()
    hub.restart()
    assert [hub.ok(*words).out for words in (("--json", "receiver", "list"), ("--json", "rule", "list"))] == before
    location = emsp.get(cpo.object_path("locations", "LOC001")).data
    assert location["name"] == body["name"] and location["evses"][0]["status"] == "CHARGING"
    assert emsp.get("tariffs").data[0]["id"] == "TAR-DC-DAY"
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED"
    audit_is_whole(hub)


def test_clean_stop_keeps_the_queue(new_hub):
    """The same with SIGTERM: what waited is delivered after the next start."""
    hub, cpo, emsp = new_hub().pair()
    emsp.down()
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party))
    hub.stop()
    emsp.up()
    hub.restart()
    assert emsp.wait("POST", "/cdrs$").json["id"] == "CDR-1"
