"""Changes of one object that come at once: done one after the other, none lost, none refused."""

import itertools
import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.harness import LONG, Hub, Wire, eventually
from tests.sim import payloads
from tests.sim.client import authorization
from tests.sim.wire import timestamp

MANY = 200 if LONG else 64
LOOPS = 4


@pytest.fixture
def many():
    """A pair on a hub with several loops."""
    with Hub(threads=LOOPS) as hub:
        yield hub.pair()


def at_once(calls):
    """Makes all calls at the same moment, each on a connection of its own; their answers in order."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def taken(answers):
    refused = [str(answer) for answer in answers if answer.code != 1000 or answer.status not in (200, 201)]
    assert not refused, (len(refused), refused[0])


def put_session(pair, ident="SES-1", **changes):
    body = payloads.session(pair.cpo.party, pair.emsp.party, ident, **{"charging_periods": [], **changes})
    taken([pair.cpo.put("sessions", body)])


def period_patch(pair, number, ident="SES-1", stamp=None):
    body = {"kwh": number, "charging_periods": [payloads.charging_period(number)], "last_updated": stamp or timestamp()}
    return lambda: pair.cpo.patch("sessions", ident, body)


def volumes(pair, ident="SES-1"):
    session = pair.cpo.get(pair.cpo.object_path("sessions", ident)).data
    return sorted(period["dimensions"][0]["volume"] for period in session["charging_periods"])


# ---------------------------------------------------------------- sessions


def test_patches_of_one_session(many):
    """Every one is applied, whatever loop it came to: all charging periods are there, and none was asked to come again."""
    put_session(many, last_updated=timestamp(-60))
    stamp = timestamp()
    taken(at_once([period_patch(many, number, stamp=stamp) for number in range(MANY)]))
    assert volumes(many) == list(range(MANY))


def test_patches_of_several_sessions(many):
    """Lines of different objects do not mix."""
    idents = [f"SES-{number}" for number in range(8)]
    for ident in idents:
        put_session(many, ident, last_updated=timestamp(-60))
    taken(at_once([period_patch(many, number, ident) for number in range(8) for ident in idents]))
    assert all(volumes(many, ident) == list(range(8)) for ident in idents)


def test_puts_and_patches_of_one_session(many):
    """A PUT replaces what is there, a PATCH changes what it finds; between them none is refused and none half done."""
    put_session(many, last_updated=timestamp(-60))
    stamp = timestamp()
    whole = payloads.session(many.cpo.party, many.emsp.party, charging_periods=[], x_whole=True, last_updated=stamp)
    calls = [period_patch(many, number, stamp=stamp) for number in range(MANY // 2)]
    calls += [lambda: many.cpo.put("sessions", whole)] * (MANY // 4)
    taken(at_once(calls))
    found = many.cpo.get(many.cpo.object_path("sessions", "SES-1")).data
    assert found["x_whole"] is True
    kept = volumes(many)
    assert len(set(kept)) == len(kept), "no period twice"
    taken(at_once([period_patch(many, 1000 + number, stamp=stamp) for number in range(8)]))
    assert volumes(many) == sorted(kept + [1000 + number for number in range(8)])


def test_who_hangs_up_in_the_line(many):
    """A client that is gone before its turn holds nobody up, and what it sent is done."""
    put_session(many, last_updated=timestamp(-60))
    stamp = timestamp()
    path, token = many.cpo.object_path("sessions", "SES-1"), authorization(many.cpo.hub_token)

    def hang_up(number):
        body = json.dumps({"charging_periods": [payloads.charging_period(number)], "last_updated": stamp})
        with Wire(many.hub) as wire:
            head = f"PATCH /ocpi/2.2.1/{path} HTTP/1.1\r\nHost: hub\r\nAuthorization: {token}\r\nContent-Length: {len(body)}\r\n\r\n"
            wire.send(head + body)

    calls = [period_patch(many, number, stamp=stamp) for number in range(24)]
    calls += [lambda number=number: hang_up(number) for number in range(100, 124)]
    taken([answer for answer in at_once(calls) if answer is not None])
    eventually(lambda: volumes(many) == [*range(24), *range(100, 124)], "what was sent is done")


# ---------------------------------------------------------------- locations and tariffs


def test_parts_of_one_location(many):
    """The location, its EVSEs and their connectors are patched at once: each change is there in the end."""
    evses = [payloads.evse(f"E{number}", last_updated=timestamp(-60)) for number in range(4)]
    taken([many.cpo.put("locations", payloads.location(many.cpo.party, evses=evses, last_updated=timestamp(-60)))])
    stamp = timestamp()
    calls = []
    for number in range(12):
        calls.append(lambda n=number: many.cpo.patch("locations", "LOC001", {f"x_{n}": n, "last_updated": stamp}))
        calls.append(lambda n=number: many.cpo.patch("locations", f"LOC001/E{n % 4}", {f"x_{n}": n, "last_updated": stamp}))
        path = f"LOC001/E{number % 4}/1"
        calls.append(lambda n=number, path=path: many.cpo.patch("locations", path, {f"x_{n}": n, "last_updated": stamp}))
        whole = payloads.connector(f"N{number}", last_updated=stamp)
        path = f"{many.cpo.object_path('locations', 'LOC001')}/E{number % 4}/N{number}"
        calls.append(lambda whole=whole, path=path: many.cpo.call("PUT", path, whole))
    taken(at_once(calls))
    found = many.cpo.get(many.cpo.object_path("locations", "LOC001")).data
    assert [found.get(f"x_{number}") for number in range(12)] == list(range(12))
    for number in range(12):
        evse = found["evses"][number % 4]
        connectors = {connector["id"]: connector for connector in evse["connectors"]}
        assert evse[f"x_{number}"] == number and connectors["1"][f"x_{number}"] == number and f"N{number}" in connectors


def test_location_is_replaced_while_its_evses_change(many):
    """A PUT of the whole among PATCHes of its EVSEs: every answer is 1000, and what is there is one of the orders."""
    stamp = timestamp()
    whole = payloads.location(many.cpo.party, last_updated=stamp)
    taken([many.cpo.put("locations", whole)])
    calls = [lambda: many.cpo.put("locations", whole)] * 8
    for evse, status in itertools.product(("EVSE001", "EVSE002"), ("CHARGING", "AVAILABLE") * 8):
        calls.append(lambda e=evse, s=status: many.cpo.patch("locations", f"LOC001/{e}", {"status": s, "last_updated": stamp}))
    taken(at_once(calls))
    found = many.cpo.get(many.cpo.object_path("locations", "LOC001")).data
    assert [evse["uid"] for evse in found["evses"]] == ["EVSE001", "EVSE002"]


def test_tariff_comes_and_goes(many):
    """PUTs and DELETEs of one tariff: a DELETE finds it or not, nothing else."""
    body = payloads.tariff(many.cpo.party)
    path = many.cpo.object_path("tariffs", "TAR-DC-DAY")
    answers = at_once([lambda: many.cpo.put("tariffs", body)] * 12 + [lambda: many.cpo.call("DELETE", path)] * 12)
    taken(answers[:12])
    assert {answer.outcome for answer in answers[12:]} <= {(200, 1000), (404, 2003)}


def test_cdr_comes_many_times(many):
    """The same CDR from many connections: every one is told 1000, one is delivered."""
    body = payloads.cdr(many.cpo.party, many.emsp.party, "CDR-1")
    taken(at_once([lambda: many.cpo.call("POST", "cdrs", body)] * 32))
    many.emsp.wait("POST", "/cdrs")
    eventually(lambda: not many.hub.deliveries(to=many.emsp.id, state="pending"), "nothing is pending any more")
    assert len(many.emsp.received("POST", "/cdrs")) == 1


# ---------------------------------------------------------------- the end


def test_shutdown_while_they_wait(many):
    """SIGTERM while a line is long: each is applied and told so, or told nothing and 503; never 1000 without effect."""
    hub = many.hub
    put_session(many, last_updated=timestamp(-60))
    stamp = timestamp()
    begun = threading.Event()

    def call(number):
        def run():
            try:
                answer = period_patch(many, number, stamp=stamp)()
            except OSError:
                return None
            begun.set()
            return answer.outcome

        return run

    ender = threading.Thread(target=lambda: (begun.wait(), hub.process.send_signal(signal.SIGTERM)))
    ender.start()
    outcomes = at_once([call(number) for number in range(MANY)])
    ender.join()
    hub.process.wait(60)
    assert set(outcomes) <= {(200, 1000), (503, 3000), None}, outcomes
    hub.restart()
    there = set(volumes(many))
    assert {number for number, outcome in enumerate(outcomes) if outcome == (200, 1000)} <= there


def test_credentials_come_many_times(many):
    """One platform confirms its credentials from many connections: each is told 1000."""
    body = many.cpo.credentials()
    taken(at_once([lambda: many.cpo.call("PUT", "credentials", body)] * 32))


def test_a_flood_on_one_session_delays_no_other(many):
    """While one session is patched without a pause from many connections, pushes of another one go on."""
    put_session(many, last_updated=timestamp(-60))
    stamp, ended = timestamp(), threading.Event()

    def flood(number):
        count = 0
        while not ended.is_set():
            taken([period_patch(many, number * 1000 + count, stamp=stamp)()])
            count += 1
        return count

    def other():
        try:
            for number in range(20):
                put_session(many, "OTHER", kwh=number)
        finally:
            ended.set()

    counts = at_once([lambda number=number: flood(number) for number in range(16)] + [other])
    assert len(volumes(many)) == sum(counts[:16]) and stored_kwh(many, "OTHER") == 19


def stored_kwh(pair, ident):
    return pair.cpo.get(pair.cpo.object_path("sessions", ident)).data["kwh"]
