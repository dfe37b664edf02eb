"""Floods: eight connections of rubbish, as fast as the hub takes them. Others are served as before, and the hub's memory stays."""

import time
from statistics import median

import pytest

from tests.e2e.attack import MIB, SANITIZED, Flood, cpu_seconds, dense, request, resident
from tests.e2e.harness import LONG, Wire

CALLBACK = "/ocpi/2.2.1/commands/callback/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
SESSION = "/ocpi/2.2.1/sessions/IN/ABC/S1"
TURNS, EACH = (30, 100) if LONG else (4, 30)
SPARE = 0.002  # seconds
BATCH = 64


def rubbish(method, path, size, **options):
    return request(method, path, "Content-Type: application/json", body=dense(size, width=2), **options)


FLOODS = {
    "callback": (rubbish("POST", CALLBACK, 780_000), 1),
    "callback, within what is read": (rubbish("POST", CALLBACK, 60_000), 1),
    "callback, pipelined": (request("POST", CALLBACK) * BATCH, BATCH),
    "no token": (rubbish("PUT", SESSION, 780_000), 1),
    "a wrong token": (rubbish("PUT", SESSION, 780_000, token="9f0c2d1e-8a7b-4c6d-9e5f-1a2b3c4d5e6f"), 1),
    "a wrong token, pipelined": (request("GET", "/ocpi/2.2.1/sessions", token="9f0c2d1e-8a7b-4c6d-9e5f-1a2b3c4d5e6f") * BATCH, BATCH),
    "no such path, pipelined": (request("GET", "/nothing/here") * BATCH, BATCH),
    "no HTTP, pipelined": (b"GET /ocpi/versions\r\nHost hub\r\n\r\n" * BATCH, 1),
    "heads without an end": (b"GET /ocpi/versions HTTP/1.1\r\nX: " + b"x" * 20_000, 1),
    "too many header lines": (b"GET /ocpi/versions HTTP/1.1\r\n" + b"A: b\r\n" * 2000 + b"\r\n", 1),
}  # fmt: skip


def slowest(pair):
    """Of some honest requests, one after the other: the time of the slowest (of a hundred, the second)."""
    times = []
    for _ in range(EACH):
        begun = time.perf_counter()
        assert pair.emsp.authorize("UID", to=pair.cpo.id).outcome == (200, 1000)
        times.append(time.perf_counter() - begun)
    return sorted(times)[EACH * 99 // 100]


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_does_not_slow_others(pair, flood):
    """With the flood and without it in turn: the slowest honest requests may take twice as long, and a little. The median of
    the turns counts, and more turns when the few first say nothing: what the machine does besides hits one or the other."""
    slowest(pair)
    before = resident(pair.hub)
    alone, beside = [], []
    with Flood(pair.hub, *FLOODS[flood]) as attack:
        while len(alone) < TURNS or (len(alone) < 4 * TURNS and median(beside) > 2 * median(alone) + SPARE):
            attack.stop()
            alone.append(slowest(pair))
            attack.go_on()
            beside.append(slowest(pair))
        held = resident(pair.hub) - before
    if not SANITIZED:
        assert held < 64 * MIB
        assert median(beside) <= 2 * median(alone) + SPARE, (alone, beside)


TICKS = 0.06  # seconds: what the kernel counts by, 10 ms, a few times, as it is no finer


def cost(hub, times, work):
    """The hub's CPU for one call of `work`, in seconds."""
    before = cpu_seconds(hub)
    for _ in range(times):
        work()
    return (cpu_seconds(hub) - before) / times


@pytest.mark.parametrize("flood", [flood for flood in FLOODS if flood != "callback, pipelined"])
@pytest.mark.skipif(SANITIZED, reason="what a sanitizer costs is not the hub's")
def test_a_refusal_costs_less_than_a_request(pair, flood):
    """Refusing takes the hub no more CPU than an authorization that it forwards, and a little for each MB that it lets come."""
    data, answers = FLOODS[flood]

    def attack():
        with Wire(pair.hub) as wire:
            try:
                wire.send(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert sum(wire.answer() is not None for _ in range(answers)) == answers

    times = 40 if flood.startswith("callback") else 8 * EACH  # more guesses than 60 are answered late
    honest = cost(pair.hub, times, lambda: pair.emsp.authorize("UID", to=pair.cpo.id))
    refused = cost(pair.hub, times // answers + 1, attack) / answers
    assert refused <= honest + len(data) / answers / 1e9 + TICKS / times, f"{refused * 1e6:.0f} µs, an authorization {honest * 1e6:.0f} µs"
