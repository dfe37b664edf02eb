"""Reads of large objects that nobody takes: they cost their caller, not the others who wait for the same store."""

import os
from pathlib import Path

import pytest

from tests.e2e.attack import request
from tests.e2e.harness import Wire, eventually
from tests.sim import payloads

HOGS = 8


@pytest.fixture(scope="module")
def hub_settings():
    return {"connections_per_address": "0", "threads": "1"}


@pytest.fixture(scope="module")
def large(hub):
    """A CPO that has a location of nearly 4 MB."""
    hog = hub.onboard("CPO")
    location = payloads.location(hog.party, "LARGE")
    location["x_pad"] = "x" * 3_900_000
    assert hog.put("locations", location).status == 201
    return hog


def asks(hog, count):
    return request("GET", "/ocpi/2.2.1/" + hog.object_path("locations", "LARGE"), token=hog.hub_token) * count


def used(hub):
    """Seconds of processor time of hubd so far."""
    fields = Path(f"/proc/{hub.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_abandoned_reads_are_not_made(hub, shared, large):
    """Of sixteen large objects asked for on a connection that is given up, one or two are read, whatever waits."""
    before = used(hub)
    for _ in range(32):
        assert large.get(large.object_path("locations", "LARGE")).status == 200
    taken = used(hub) - before
    before = used(hub)
    for _ in range(8):
        with Wire(hub) as wire:
            wire.send(asks(large, 16))
            assert wire.head()[0] == 200
    assert shared.cpo.get("credentials").status == 200
    eventually(lambda: large.get(large.object_path("locations", "LARGE")).status == 200, "the hub has got to the end")
    assert used(hub) - before < taken + 0.05


def test_others_have_their_turn(hub, shared, large):
    """Eight connections ask for large objects all the time: look-ups for a driver who waits, and what others read, come between."""
    shared.cpo.put("locations", payloads.location(shared.cpo.party, "L1"))
    wires = []

    def ask():
        for wire in wires:
            wire.__exit__()
        wires[:] = [Wire(hub) for _ in range(HOGS)]
        for wire in wires:
            wire.send(asks(large, 16))

    for number in range(10):
        ask()
        assert shared.emsp.authorize(f"T{number}", {"location_id": "L1"}).data["allowed"] == "ALLOWED"
        assert shared.emsp.get(shared.cpo.object_path("locations", "L1")).outcome == (200, 1000)
        assert shared.cpo.put("sessions", payloads.session(shared.cpo.party, shared.emsp.party, f"S{number}")).status == 201
    for wire in wires:
        wire.__exit__()
