"""One budget for everything that others can make the hub hold: over it requests are refused, the hub goes on."""

import socket
import threading

import pytest

from tests.e2e.attack import MIB, SANITIZED, dense, request, resident
from tests.e2e.harness import DEADLINE, LONG, SLOW, Wire, eventually
from tests.sim import Gate, Reply, payloads

ROUTE = ("PUT", r"/tokens/.+/authorize$")


@pytest.fixture(scope="module")
def hub_settings():
    return {"forward_timeout": f"{30 * SLOW:g}s", "connections_per_address": "0"}


def references(size):
    """LocationReferences of that size, with as many values as a body may have."""
    return b'{"location_id":"LOC001","x_rubbish":' + dense(size) + b"}"


def authorize(pair, wire, body, ident):
    path = "/ocpi/2.2.1/" + pair.emsp.object_path("tokens", ident) + "/authorize"
    wire.send(request("PUT", path, f"OCPI-to-country-code: {pair.cpo.id[:2]}", f"OCPI-to-party-id: {pair.cpo.id[3:]}", token=pair.emsp.hub_token, body=body))


def test_a_silent_partner_holds_bytes_only(pair):
    """Many bodies of 1.1 MB wait for a CPO that does not answer: the hub holds a few times their bytes, not what was parsed."""
    count = 90 if LONG else 30
    gate = Gate(seconds=DEADLINE * 6)
    pair.cpo.script(*ROUTE, Reply(hold=gate, data={"allowed": "ALLOWED"}), forever=True)
    body = references(1_100_000)
    before = resident(pair.hub)
    wires = [Wire(pair.hub) for _ in range(count)]
    senders = [threading.Thread(target=authorize, args=(pair, wire, body, f"T{number}")) for number, wire in enumerate(wires)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    pair.cpo.wait(*ROUTE, count=min(count, 30), seconds=DEADLINE * 3)
    if not SANITIZED:
        assert resident(pair.hub) - before < 5 * count * len(body) + 64 * MIB
    gate.open()
    for wire in wires:
        assert wire.answer()[0] == 200
        wire.__exit__()


def test_values_in_proportion_to_bytes(pair):
    """A body that is all values is refused with a sentence; an ordinary one with as many bytes is not."""
    thick = b'{"location_id":"LOC001","x":' + dense(780_000, width=2) + b"}"
    with Wire(pair.hub) as wire:
        authorize(pair, wire, thick, "T1")
        status, _, body = wire.answer()
        assert status == 400 and b"values in" in body
        authorize(pair, wire, references(780_000), "T1")
        assert wire.answer()[0] == 200


def test_over_the_budget_is_503(new_hub):
    """memory_max: bodies over it are 503 with Retry-After, and the hub serves all as before when they are gone."""
    hub = new_hub(memory_max="16m", connections_per_address="0")
    pair = hub.pair()
    path = "/ocpi/2.2.1/" + pair.cpo.object_path("locations", "BIG")
    wires = []
    for _ in range(12):
        wire = Wire(hub)
        wire.send(request("PUT", path, "Content-Length: 4000000", token=pair.cpo.hub_token))
        try:
            wire.send(b" " * 3_900_000)
        except (BrokenPipeError, ConnectionResetError):
            pass
        wires.append(wire)
    texts = [b""] * len(wires)

    def refused():
        for number, wire in enumerate(wires):
            wire.socket.setblocking(False)
            try:
                texts[number] += wire.socket.recv(65536)
            except (BlockingIOError, ConnectionResetError):
                pass
        return sum(text.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: " in text for text in texts) >= 6

    eventually(refused, "all but four or so are refused")
    for wire in wires:
        wire.__exit__()
    eventually(lambda: pair.cpo.get("credentials").outcome == (200, 1000), "the hub serves again")
    assert pair.emsp.authorize("UID", to=pair.cpo.id).outcome == (200, 1000)


def unread(hub, requests):
    """A connection whose answers nobody reads: the kernel takes next to nothing of them."""
    wire = Wire(hub)
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.send(requests)
    return wire


def first_status(wire):
    """Status of the first answer, which stays unread; None before it is there."""
    try:
        text = wire.socket.recv(64, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except (BlockingIOError, ConnectionResetError):
        return None
    return int(text.split()[1]) if text.startswith(b"HTTP/1.1 ") else None


def test_one_partner_takes_its_share_only(new_hub):
    """Answers of 4 MB to one partner that reads none of them: it is refused more at a quarter of memory_max, and nobody else is."""
    hub = new_hub(memory_max="64m", connections_per_address="0")
    pair, hog = hub.pair(), hub.onboard("CPO")
    large = payloads.location(hog.party, "LARGE")
    large["x_pad"] = "x" * 3_900_000
    assert hog.put("locations", large).status == 201
    before = resident(hub)
    asks = request("GET", "/ocpi/2.2.1/" + hog.object_path("locations", "LARGE"), token=hog.hub_token) * 16
    wires = []

    def full():
        wires.append(unread(hub, asks))
        eventually(lambda: first_status(wires[-1]), "there is an answer")
        return [first_status(wire) for wire in wires].count(503) >= 20

    eventually(full, "it is refused more")
    statuses = [first_status(wire) for wire in wires]
    assert 3 <= statuses.count(200) <= 12
    for number in range(20):
        assert pair.emsp.authorize(f"T{number}", to=pair.cpo.id).outcome == (200, 1000)
        assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, f"S{number}")).status == 201
        assert pair.cpo.get(pair.cpo.object_path("sessions", f"S{number}")).outcome == (200, 1000)
    refused = hog.get(hog.object_path("locations", "LARGE"))
    assert refused.status == 503 and int(refused.headers["retry-after"]) >= 1 and "share" in refused.message
    assert hog.get("credentials").outcome == (200, 1000)
    if not SANITIZED:
        assert resident(hub) - before < 80 * MIB
    for wire in wires:
        wire.__exit__()
    eventually(lambda: hog.get(hog.object_path("locations", "LARGE")).status == 200, "it has room again")
