"""Streams of requests, cut and spoiled at random: as many answers as there were requests, and each of them whole."""

import random

import pytest

from tests.e2e.attack import request
from tests.e2e.harness import LONG, Wire

ROUNDS = 3000 if LONG else 60
TOKEN = "9f0c2d1e-8a7b-4c6d-9e5f-1a2b3c4d5e6f"


@pytest.fixture(scope="module")
def hub_settings():
    return {"connections_per_address": "0", "head_timeout": "1s", "body_timeout": "2s"}


def chunked(draw, body):
    """The body in chunks of any size, now and then with an extension or a trailer."""
    parts = []
    while body:
        size = draw.randint(1, len(body))
        parts += [f"{size:x}{draw.choice(['', '', ';a=b'])}".encode(), body[:size]]
        body = body[size:]
    return b"\r\n".join([*parts, b"0", draw.choice([b"", b"", b"A: b\r\n"]), b""])


def good(draw, cpo):
    """A request that is answered and leaves its connection as it is."""
    path = "/ocpi/2.2.1/" + cpo.object_path("sessions", f"S{draw.randint(0, 9)}")
    token = draw.choice([None, TOKEN, cpo.hub_token])
    match draw.randint(0, 5):
        case 0:
            return request("GET", draw.choice(["/ocpi/versions", path, "/x", "http://hub/ocpi/versions"]), token=token)
        case 1:
            return request("PUT", path, token=token, body=draw.randbytes(draw.randint(0, 500)))
        case 2:
            return request("PATCH", path, token=token, body=draw.choice([b"{}", b"[1,", b"null", b'{"kwh":1}', b'"' + b"x" * 9000]))
        case 3:
            return request("PUT", path, "Transfer-Encoding: chunked", token=token, body=chunked(draw, draw.randbytes(draw.randint(1, 3000))))
        case 4:
            return request("DELETE", path, token=token)
        case _:
            return request("POST", "/ocpi/2.2.1/credentials", token=token, body=b"{}")


def spoiled(draw, data):
    """The same with something in it that is not as it was."""
    at = draw.randrange(len(data))
    match draw.randint(0, 4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + draw.randbytes(draw.randint(1, 20)) + data[at:]
        case 2:
            return data[:at] + bytes([data[at] ^ 1 << draw.randint(0, 7)]) + data[at + 1 :]
        case 3:
            return data[:at] + data[draw.randrange(len(data)) :]
        case _:
            return draw.randbytes(draw.randint(1, 400)) + data


def send(draw, wire, data):
    """In pieces of any size, as far as the hub will have it."""
    try:
        while data:
            size = draw.choice([1, 7, 60, 500, 5000, 70000])
            wire.send(data[:size])
            data = data[size:]
    except (BrokenPipeError, ConnectionResetError):
        pass


@pytest.mark.parametrize("seed", range(4))
def test_cut_at_random(shared, seed):
    """Requests without a fault, in pieces of any size: an answer for each, and the connection stays."""
    draw = random.Random(seed)
    for _ in range(ROUNDS // 4):
        requests = [good(draw, shared.cpo) for _ in range(draw.randint(1, 30))]
        with Wire(shared.hub) as wire:
            send(draw, wire, b"".join(requests))
            for sent in requests:
                answer = wire.answer()
                assert answer is not None and answer[0] >= 200, sent
                assert answer[1].get("connection") != "close", sent


@pytest.mark.parametrize("seed", range(4))
def test_spoiled_at_random(shared, seed):
    """With a fault somewhere: whole answers, no more than there were requests before it and one for it, then the end."""
    draw = random.Random(seed)
    for _ in range(ROUNDS):
        requests = [good(draw, shared.cpo) for _ in range(draw.randint(1, 5))]
        data = spoiled(draw, b"".join(requests))
        with Wire(shared.hub) as wire:
            send(draw, wire, data)
            try:
                wire.socket.shutdown(1)
                answers = 0
                while (answer := wire.answer()) is not None:
                    answers += 1
                    assert answer[0] in range(200, 600), data
                    assert answer[2].endswith(b"}") or answer[0] in (200, 204), data
            except (ConnectionResetError, OSError):
                continue
            assert answers <= data.count(b"HTTP/1.") + 1, data
    assert shared.cpo.get("credentials").outcome == (200, 1000)
