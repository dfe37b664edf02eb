"""Strangers that open connections and say nothing, or half of something, keep no partner out: their places are given to new ones."""

import base64
import contextlib
import socket

import pytest

from tests.e2e.harness import Wire
from tests.sim import payloads

PLACES = 24


@pytest.mark.parametrize("said", [b"", b"GET /ocpi/versions HTTP/1.1\r\nHost: x\r\n"], ids=["silent", "half a head"])
def test_a_new_connection_is_answered_at_once(new_hub, said):
    """With all places taken by strangers that keep coming, a partner's only connection is answered at its first try; one that it
    had before goes on."""
    hub = new_hub(connections_max=str(PLACES), head_timeout="10m")
    _, cpo, emsp = hub.pair()
    with contextlib.ExitStack() as open_ones:
        kept = open_ones.enter_context(Wire(hub))
        kept.send(versions(cpo))
        assert kept.answer()[0] == 200
        for number in range(10 * PLACES):
            stranger = open_ones.enter_context(socket.socket())
            stranger.bind((f"127.0.{1 + number // 200}.{1 + number % 200}", 0))
            stranger.connect(("127.0.0.1", hub.port))
            with contextlib.suppress(OSError):
                stranger.sendall(said)
            if number % 8 == 7:
                with Wire(hub) as wire:
                    wire.send(versions(cpo))
                    assert wire.answer()[0] == 200, number
        kept.send(versions(cpo))
        assert kept.answer()[0] == 200
        assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "CDR-1")).outcome == (201, 1000)
        emsp.wait("POST", "/cdrs$")


def versions(platform):
    return (f"GET /ocpi/versions HTTP/1.1\r\nHost: x\r\nAuthorization: Token {base64.b64encode(platform.hub_token.encode()).decode()}\r\n\r\n").encode()
