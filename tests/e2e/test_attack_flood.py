"""Floods: eight connections of rubbish, as fast as the hub takes them. Others are served as before, and the hub's memory stays."""

import pytest

from tests.e2e.attack import FLOODS, MIB, SANITIZED, Flood, cpu_seconds, request, resident
from tests.e2e.harness import LONG, Wire

HONEST = 100 if LONG else 30


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_takes_no_memory_and_no_turns(pair, flood):
    """Honest requests are answered beside it, each of them, and what the hub holds does not grow. How fast is measured by
    tests/bench (flood); how many of a flood's requests come before another's is asserted in unit/http_server_share."""
    before = resident(pair.hub)
    with Flood(pair.hub.port, *FLOODS[flood]) as attack:
        answers = [pair.emsp.authorize("UID", to=pair.cpo.id).outcome for _ in range(HONEST)]
        held = resident(pair.hub) - before
    assert set(answers) == {(200, 1000)}
    assert attack.answered > 0
    if not SANITIZED:
        assert held < 64 * MIB


def cost(hub, times, work):
    """The hub's CPU for one call of `work`, in seconds."""
    before = cpu_seconds(hub)
    for _ in range(times):
        work()
    return (cpu_seconds(hub) - before) / times


@pytest.fixture
def fresh_pair(new_hub):
    """On a hub of its own: where many guesses were made before, more are answered late, and the hub is long at it."""
    return new_hub().pair()


@pytest.mark.parametrize("flood", [flood for flood in FLOODS if flood != "callback, pipelined"])
@pytest.mark.skipif(SANITIZED, reason="what a sanitizer costs is not the hub's")
def test_a_refusal_costs_less_than_a_request(fresh_pair, flood):
    """Refusing takes the hub no more CPU than a connection, an authorization that it forwards, and a little for each MB that it
    lets come."""
    data, answers = FLOODS[flood]

    def attack():
        with Wire(fresh_pair.hub) as wire:
            try:
                wire.send(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert sum(wire.answer() is not None for _ in range(answers)) == answers

    def connect_only():
        with Wire(fresh_pair.hub) as wire:
            wire.send(request("GET", "/ocpi/versions"))
            wire.answer()

    times = 40 if flood.startswith("callback") else 8 * HONEST  # more guesses than 60 are answered late
    honest = cost(fresh_pair.hub, times, lambda: fresh_pair.emsp.authorize("UID", to=fresh_pair.cpo.id))
    connection = cost(fresh_pair.hub, times, connect_only) / answers
    refused = cost(fresh_pair.hub, times // answers + 1, attack) / answers
    allowed = honest + connection + len(data) / answers / 1e9
    print(f"{flood}: {refused * 1e6:.0f} of {allowed * 1e6:.0f} µs")
    assert refused <= allowed
