"""Peers that are slow on purpose: what a stranger, and what a partner, can make the hub hold, and for how long."""

import pytest

from tests.e2e.attack import MIB, request, resident
from tests.e2e.harness import LONG, SLOW, Wire, eventually

STRANGERS = 200


@pytest.fixture(scope="module")
def hub_settings():
    return {"connections_per_address": "0", "body_timeout": f"{2 * SLOW:g}s"}


def served(hub):
    """A connection that the hub serves; None when it refuses one more."""
    wire = Wire(hub)
    try:
        wire.send(request("GET", "/ocpi/versions"))
        if (wire.answer() or (0,))[0] == 401:
            return wire
    except (BrokenPipeError, ConnectionResetError):
        pass
    wire.__exit__()
    return None


def close_all(wires):
    for wire in wires:
        wire.__exit__()


@pytest.mark.parametrize("token", [None, "a-token-that-nobody-has", "\x41" * 400])
@pytest.mark.parametrize("framing", ["Content-Length: 4194304", "Transfer-Encoding: chunked"])
def test_a_strangers_body_is_never_kept(hub, token, framing):
    """200 strangers begin bodies of 4 MiB: each is refused by its head, without a `100 Continue`, and none of its bytes stays."""
    before = resident(hub)
    block = b"x" * 65536
    wires = [Wire(hub) for _ in range(STRANGERS)]
    try:
        for wire in wires:
            expect = "Expect: 100-continue" if wire is wires[0] else "X-Request-ID: stranger"
            wire.send(request("PUT", "/ocpi/2.2.1/sessions/IN/ABC/S1", framing, expect, token=token))
        for wire in wires:
            status, headers, _ = wire.answer()
            assert status == 401 and headers["www-authenticate"] == "Token"
            assert wire is wires[0] or headers["x-request-id"] == "stranger"
        for wire in wires[1:]:
            try:
                wire.send(b"100000\r\n" + block)
                wire.send(block)
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert resident(hub) - before < 64 * MIB
        assert all(wire.closed() for wire in wires if wire is wires[0])
    finally:
        close_all(wires)


def test_a_strangers_short_body_costs_no_connection(hub):
    """A partner with a wrong token, whose bodies are short, keeps its connection: the next request on it is answered."""
    with Wire(hub) as wire:
        for _ in range(3):
            wire.send(request("PUT", "/ocpi/2.2.1/sessions/IN/ABC/S1", body=b'{"id":"GET /ocpi/versions HTTP/1.1"}'))
            assert wire.answer()[0] == 401


@pytest.mark.parametrize("framing", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_a_partners_body_has_a_deadline(shared, framing):
    """A body that is not complete in body_timeout is 408, with the request's ids and routing headers, though bytes keep coming."""
    hub, cpo = shared.hub, shared.cpo
    with Wire(hub) as wire:
        path = "/ocpi/2.2.1/" + cpo.object_path("sessions", "SLOW")
        ids = ["X-Request-ID: slow", "X-Correlation-ID: body"]
        wire.send(request("PUT", path, framing, *ids, token=cpo.hub_token))
        wire.socket.settimeout(0.05)
        answered = []

        def drip():
            try:
                wire.send(b"1\r\n \r\n")
                answered.append(wire.socket.recv(65536))
            except TimeoutError:
                pass
            except OSError:
                answered.append(b"")
            return b"408" in b"".join(answered) or answered[-1:] == [b""]

        eventually(drip, "the slow body is refused", seconds=20 * SLOW)
        text = b"".join(answered).decode().lower()
        assert text.startswith("http/1.1 408 ")
        assert "x-request-id: slow" in text and "x-correlation-id: body" in text
        assert f"ocpi-to-party-id: {cpo.party.party_id.lower()}" in text
    assert cpo.get(cpo.object_path("sessions", "SLOW")).status == 404


def test_connections_of_one_address(new_hub):
    """connections_per_address: one more is answered 503 with Retry-After; when one goes there is room again."""
    hub = new_hub(connections_per_address="5", connections_max="1000")
    wires = [eventually(lambda: served(hub), "there are five places") for _ in range(5)]
    for _ in range(3):
        with Wire(hub) as extra:
            extra.send(request("GET", "/ocpi/versions", "X-Request-ID: extra"))
            status, headers, body = extra.answer()
            assert status == 503 and int(headers["retry-after"]) >= 1 and b"address" in body
            assert extra.closed()
    wires.pop().__exit__()
    close_all([*wires, eventually(lambda: served(hub), "there is room again")])


def test_trickling_strangers_leave_room(new_hub):
    """Strangers of one address do not take the places of others, as many as they are."""
    hub = new_hub(connections_per_address="20", connections_max="40")
    wires = [eventually(lambda: served(hub), "there are twenty places") for _ in range(20)]
    assert [served(hub) for _ in range(40 if LONG else 10)] == [None] * (40 if LONG else 10)
    close_all(wires)
