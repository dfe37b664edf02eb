"""kill -9 at random moments under load, again and again: what hubd promised holds every time.

Each acknowledged push is stored and arrives at least once; of what was not acknowledged nothing is half there (object,
delivery and audit row come together or not at all); the states of a session arrive in order; the audit's chain verifies.
"""

import http.client
import random
import threading
from collections import defaultdict

from tests.e2e.harness import LONG, Hub, eventually
from tests.sim import Journal, payloads

ROUNDS = 1000 if LONG else 50
ROUNDS_PER_STATE = 50  # then a fresh hub, so that checking a round stays cheap
WRITERS = 4
DELIVERIES = ("delivery", "list", "--state", "all", "--limit", "1000000")


class Writer(threading.Thread):
    """A CPO's loop: one session whose kwh counts up, and CDRs, until hubd is gone. Notes what was tried and what acknowledged."""

    def __init__(self, name, pair, acknowledged):
        super().__init__(daemon=True)
        self.name, self.pair, self.acknowledged = name, pair, acknowledged
        self.tried, self.kept = set(), {}  # ids of CDRs; session: kwh acknowledged last
        self.refused = []

    def run(self):
        cpo, emsp = self.pair.cpo.party, self.pair.emsp.party
        session = f"S-{self.name}"
        try:
            for number in range(1, 100000):
                answer = self.pair.cpo.put("sessions", payloads.session(cpo, emsp, session, kwh=number), seconds=10)
                self.note(answer, session, number)
                ident = f"C-{self.name}-{number}"
                self.tried.add(ident)
                self.note(self.pair.cpo.call("POST", "cdrs", payloads.cdr(cpo, emsp, ident), seconds=10), ident, 0)
        except (OSError, http.client.HTTPException):
            pass  # killed meanwhile: nobody knows the outcome

    def note(self, answer, ident, value):
        if answer.status in (200, 201) and answer.code == 1000:
            self.kept[ident] = value
            self.acknowledged.add(ident)
        elif answer.status != 503:
            self.refused.append(f"{ident}: {answer}")


def check_whole(hub, writers):
    """Objects, deliveries and audit rows of this round's CDRs: all three or none."""
    objects = {row["id"] for row in hub.rows("object", "list", "cdr", "--limit", "1000000")}
    deliveries = {row["object"] for row in hub.rows(*DELIVERIES) if row["module"] == "cdrs"}
    audited = {row["object"] for row in hub.audit(action="cdr.post", status="1000")}
    for writer in writers:
        assert not writer.refused, writer.refused[:3]
        for ident in writer.tried:
            there = (ident in objects, ident in deliveries, ident in audited)
            assert len(set(there)) == 1, f"{ident} is half there: object, delivery, audit row {there}"
        assert writer.tried & set(writer.kept) <= objects, "an acknowledged CDR is gone"
        for ident, kwh in writer.kept.items():
            if ident.startswith("S-"):
                stored = hub.one("object", "show", "session", writer.pair.cpo.id, ident)
                assert stored["kwh"] >= kwh, f"{ident}: {kwh} was acknowledged, {stored['kwh']} is stored"
    assert hub.ctl("audit", "verify").rc == 0


def check_arrived(emsp, kept):
    """Everything acknowledged arrived, the states of each session in order."""

    def missing():
        cdrs = {request.json["id"] for request in emsp.received("POST", "/cdrs$")}
        states = defaultdict(list)
        for request in emsp.received("PUT", "/sessions/"):
            states[request.json["id"]].append(request.json["kwh"])
        for ident, kwhs in states.items():
            assert kwhs == sorted(kwhs), f"{ident} arrived out of order: {kwhs}"
        return {ident for ident, kwh in kept.items() if ident not in cdrs and max(states[ident], default=-1) < kwh}

    eventually(lambda: not missing(), "everything acknowledged arrived", 60)


def rounds_of_one_state(chance, count):
    with Hub() as hub:
        pair = hub.pair()
        kept = {}
        for turn in range(count):
            acknowledged = Journal("acknowledged")
            writers = [Writer(f"{turn}-{n}", pair, acknowledged) for n in range(WRITERS)]
            for writer in writers:
                writer.start()
            acknowledged.wait(count=chance.randint(1, 60), what="acknowledged pushes")
            hub.kill()
            for writer in writers:
                writer.join()
                kept.update(writer.kept)
            hub.restart()
            check_whole(hub, writers)
        check_arrived(pair.emsp, kept)
        eventually(lambda: not hub.deliveries(state="pending"), "nothing is pending any more")


def test_kill_at_random_moments():
    chance = random.Random(2211)
    for begin in range(0, ROUNDS, ROUNDS_PER_STATE):
        rounds_of_one_state(chance, min(ROUNDS_PER_STATE, ROUNDS - begin))
