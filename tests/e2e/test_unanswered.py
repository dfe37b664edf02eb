"""Messages that a receiver takes and never answers: they hold few connections and nobody else's place (hub-ocpi(7), DELIVERY)."""

import contextlib
import os
import random
import threading
from pathlib import Path

import pytest

from tests.e2e.harness import SLOW, eventually
from tests.e2e.test_poison import PATIENCE, Cdrs, Sessions, ident_of, names, pile_up, processor, started
from tests.sim import Gate, Reply, payloads

GOOD = 200


def connections_held(pair):
    """How many connections hubd itself has to the eMSP."""
    port = f":{int(pair.emsp.url.rpartition(':')[2]):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    to_it = {f"socket:[{line[9]}]" for line in lines if line[2].endswith(port)}
    files = Path(f"/proc/{pair.hub.process.pid}/fd")
    own = set()
    for file in files.iterdir():
        with contextlib.suppress(OSError):
            own.add(os.readlink(file))
    return len(to_it & own)


def hangs(pair, kind, poison):
    """Those of `poison` are taken and never answered, all others at once; ends with the gate."""
    gate = Gate(600)
    pair.emsp.script(kind.method, kind.pattern, lambda r: Reply(hold=gate) if ident_of(r) in poison else None, forever=True)
    return gate


@pytest.fixture
def patient(new_hub):
    """A pair on a hub that waits for an answer longer than any test lasts: what arrives did not wait for that."""
    pair = new_hub(delivery_timeout="10m", retry_initial="1s", retry_max="1h").pair()
    Cdrs.push(pair, "FIRST")
    pair.emsp.wait(Cdrs.method, Cdrs.pattern)
    return pair


def places(position, hanging, idents):
    """Which of them hang."""
    if position == "shuffled":
        return set(random.Random(hanging).sample(idents, hanging))
    return set(idents[:hanging] if position == "first" else idents[-hanging:])


@pytest.mark.parametrize("position", ["first", "last", "shuffled"])
@pytest.mark.parametrize("hanging", [17, 40, 200])
def test_good_ones_arrive_meanwhile(patient, hanging, position):
    """All good ones arrive while those that hang are still waited for, or were given up for them; few connections are held."""
    idents = names(Cdrs, hanging + GOOD)
    poison = places(position, hanging, idents)
    gate = hangs(patient, Cdrs, poison)
    before = processor(patient.hub)
    pile_up(patient, Cdrs, idents)
    wanted, most = set(idents) - poison, 0

    def arrived():
        nonlocal most
        most = max(most, connections_held(patient))
        return {ident_of(r) for r in patient.emsp.received(Cdrs.method, Cdrs.pattern)} >= wanted

    eventually(arrived, "all good ones arrive", PATIENCE)
    assert most <= 64
    assert processor(patient.hub) - before < 10 * SLOW
    times = [ident_of(r) for r in patient.emsp.received(Cdrs.method, Cdrs.pattern)]
    assert all(times.count(ident) == 1 for ident in wanted)
    gate.open()


@pytest.mark.parametrize("kind", [Cdrs, Sessions], ids=["cdrs", "sessions"])
def test_one_at_a_time_behind_many(patient, kind):
    """Good ones that come one after the other while 40 hang: each is there before the next is sent."""
    poison = set(names(kind, 40))
    gate = hangs(patient, kind, poison)
    for ident in sorted(poison):
        kind.push(patient, ident)
    for number in range(10):
        kind.push(patient, f"GOOD-{number}")
        patient.emsp.wait(kind.method, kind.pattern, where=lambda r, number=number: ident_of(r) == f"GOOD-{number}", seconds=PATIENCE)
    gate.open()


def test_slow_receiver(new_hub):
    """One whose every answer takes its time: no message goes out twice, and hardly more at once than the setting says."""
    pair = new_hub(delivery_parallel="8").pair()
    lock, now, most = threading.Lock(), 0, 0

    def change(by):
        nonlocal now, most
        with lock:
            now += by
            most = max(most, now)

    def slow(request):
        change(1)
        return Reply(hold=3, after=lambda: change(-1))

    pair.emsp.script(Cdrs.method, Cdrs.pattern, slow, forever=True)
    idents = names(Cdrs, 40)
    pile_up(pair, Cdrs, idents)
    eventually(lambda: not pair.hub.deliveries(to=pair.emsp.id, state="pending"), "all are delivered", PATIENCE)
    assert sorted(ident_of(r) for r in pair.emsp.received(Cdrs.method, Cdrs.pattern)) == idents
    assert most <= 8 + 2


# ---------------------------------------------------------------- what is not the receiver's fault, and order


def test_a_message_that_cannot_be_sent(hub, pair):
    """Its URL is longer than the hub sends any: refused, and neither the queue nor the partner is blamed."""
    ident = "S" * 2100
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident)).code == 1000
    row = eventually(
        lambda: next((row for row in hub.deliveries(to=pair.emsp.id, state="pending") if row["attempts"] > 0), None), "it was tried"
    )
    assert row["reason"] == "refused once"
    Sessions.push(pair, "SHORT")
    pair.emsp.wait(Sessions.method, "/sessions/", where=lambda r: ident_of(r) == "SHORT")
    assert next(row for row in hub.one("status")["queues"] if row["receiver"] == pair.emsp.id)["circuit"] == "closed"
    assert "URL is longer" not in hub.ok("--json", "party", "show", pair.emsp.id).out


def test_results_of_one_command_in_order(new_hub):
    """The second result of a reservation waits while the first backs off, whatever else passes."""
    pair = new_hub(retry_initial="200ms", retry_max="1s").pair()
    url = f"{pair.emsp.url}/ocpi/callbacks/ordered"
    body = payloads.reserve_now(pair.emsp.party, "R-1", response_url=url)
    assert pair.emsp.command("RESERVE_NOW", body, to=pair.cpo.id).outcome == (200, 1000)
    got = pair.cpo.wait("POST", "/commands/RESERVE_NOW$")
    failing = [True]
    pair.emsp.script("POST", "/callbacks/ordered", lambda r: Reply(http=500, code=3000) if failing[0] else None, forever=True)
    pair.cpo.send_result(got, "ACCEPTED")
    pair.emsp.wait("POST", "/callbacks/ordered")
    pair.cpo.send_result(got, "CANCELED_RESERVATION")
    for number in range(3):
        pair.cpo.send_result(started(pair, f"{pair.emsp.url}/ocpi/callbacks/commands/other-{number}"), "ACCEPTED")
        pair.emsp.wait("POST", f"/callbacks/commands/other-{number}$")
    pair.emsp.wait("POST", "/callbacks/ordered", count=3)
    assert {r.json["result"] for r in pair.emsp.received("POST", "/callbacks/ordered")} == {"ACCEPTED"}
    failing[0] = False
    pair.emsp.wait("POST", "/callbacks/ordered", where=lambda r: r.json["result"] == "CANCELED_RESERVATION")
    results = [r.json["result"] for r in pair.emsp.received("POST", "/callbacks/ordered")]
    assert results == ["ACCEPTED"] * (len(results) - 1) + ["CANCELED_RESERVATION"]
