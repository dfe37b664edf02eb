"""What was acknowledged survives kill -9, and is delivered."""

import http.client
import random
import threading

from tests.e2e.harness import LONG, eventually
from tests.sim import Journal, payloads
from tests.sim.wire import timestamp

ROUNDS = 25 if LONG else 3
WRITERS = 4


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


class Writer(threading.Thread):
    """Pushes sessions and CDRs until it is told to stop, and notes what was acknowledged. A lost answer is no failure: it proves nothing."""

    def __init__(self, name, cpo, emsp, acknowledged, stop):
        super().__init__(daemon=True)
        self.name, self.cpo, self.emsp, self.acknowledged, self.stop = name, cpo, emsp, acknowledged, stop
        self.refused = []

    def run(self):
        number = 0
        while not self.stop.is_set():
            number += 1
            ident = f"{self.name}-{number}"
            try:
                session = self.cpo.put("sessions", payloads.session(self.cpo.party, self.emsp.party, f"S{ident}"), seconds=5)
                self.note("S" + ident, session)
                cdr = self.cpo.call("POST", "cdrs", payloads.cdr(self.cpo.party, self.emsp.party, f"C{ident}"), seconds=5)
                self.note("C" + ident, cdr)
            except (OSError, http.client.HTTPException):
                pass  # hubd was killed meanwhile: the outcome is unknown

    def note(self, ident, answer):
        if answer.status in (200, 201) and answer.code == 1000:
            self.acknowledged.add(ident)
        elif answer.status != 503:
            self.refused.append(f"{ident}: {answer}")


def test_kill_under_load(new_hub):
    """Rounds of load and kill -9 at a random number of answers: every acknowledged push reaches the eMSP, the audit chain holds."""
    hub, cpo, emsp = new_hub().pair()
    chance = random.Random(2211)
    acknowledged = Journal("acknowledged")
    for turn in range(ROUNDS):
        stop = threading.Event()
        writers = [Writer(f"{turn}-{n}", cpo, emsp, acknowledged, stop) for n in range(WRITERS)]
        goal = len(acknowledged.all()) + chance.randint(20, 120)
        for writer in writers:
            writer.start()
        acknowledged.wait(count=goal, what="acknowledged pushes")
        hub.kill()
        stop.set()
        for writer in writers:
            writer.join()
            assert not writer.refused, writer.refused[:3]
        hub.restart()
        audit_is_whole(hub)
    idents = set(acknowledged.all())

    def arrived():
        sessions = {request.path.rsplit("/", 1)[1] for request in emsp.received("PUT", "/sessions/")}
        cdrs = {request.json["id"] for request in emsp.received("POST", "/cdrs$")}
        return sessions | cdrs

    eventually(lambda: idents <= arrived(), "every acknowledged push arrived", 60)
    eventually(lambda: not hub.deliveries(state="pending"), "nothing is pending any more")
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
