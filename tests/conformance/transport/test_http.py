"""HTTP/1.1 as the hub speaks it, and the limits it sets."""

import json
import re
import uuid

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import SLOW, Hub, Wire, eventually
from tests.sim import payloads
from tests.sim.client import authorization, http_call


@pytest.fixture(scope="module")
def hub_settings():
    return {"request_body_max": "64k"}


@pytest.fixture(scope="module")
def impatient():
    """A hub that closes soon what does not go on."""
    with Hub(head_timeout=f"{300 * SLOW:g}ms", idle_timeout=f"{300 * SLOW:g}ms") as running:
        yield running


@pytest.fixture
def wire(hub):
    with Wire(hub) as made:
        yield made


def head(platform, method, path, *lines):
    """A request's head, the blank line included."""
    own = [f"{method} /ocpi/2.2.1/{path} HTTP/1.1", "Host: hub", f"Authorization: {authorization(platform.hub_token)}"]
    return "\r\n".join([*own, *lines, "", ""]).encode()


def tariff(platform, ident):
    return json.dumps(payloads.tariff(platform.party, ident)).encode()


@rule("hub 2-1", "hub 2-2")
def test_keep_alive_and_pipelining(wire, shared):
    wire.send(b"".join(head(shared.cpo, "GET", "credentials", f"X-Request-ID: {number}") for number in range(10)))
    assert [wire.answer()[1]["x-request-id"] for _ in range(10)] == [str(number) for number in range(10)]
    wire.send(head(shared.cpo, "GET", "credentials"))
    assert wire.answer()[0] == 200


@rule("hub 2-3")
def test_chunked_body(wire, shared):
    body = tariff(shared.cpo, "CHUNKED")
    chunks = b"".join(b"%x;extension=1\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]))
    wire.send(head(shared.cpo, "PUT", shared.cpo.object_path("tariffs", "CHUNKED"), "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")
    assert wire.answer()[0] == 201


@rule("hub 2-4")
def test_expect_continue(wire, shared):
    body = tariff(shared.cpo, "EXPECT")
    wire.send(head(shared.cpo, "PUT", shared.cpo.object_path("tariffs", "EXPECT"), f"Content-Length: {len(body)}", "Expect: 100-continue"))
    assert wire.head()[0] == 100
    wire.send(body)
    assert wire.answer()[0] == 201


@rule("hub 2-5")
@pytest.mark.parametrize("path", ["credentials", "hubclientinfo", "locations"])
def test_head(wire, shared, path):
    wire.send(head(shared.emsp, "GET", path))
    status, headers, body = wire.answer()
    assert status == 200 and body
    wire.send(head(shared.emsp, "HEAD", path) + head(shared.emsp, "GET", path))
    assert wire.head()[0] == 200
    assert wire.answer()[2][:1] == b"{", "no body stands between the two answers"


@rule("hub 2-9")
def test_head_over_16_kib(wire, shared):
    wire.send(head(shared.cpo, "GET", "credentials", "X-Long: " + "a" * 15000))
    assert wire.answer()[0] == 200
    wire.send(head(shared.cpo, "GET", "credentials", "X-Long: " + "a" * 16384))
    status, _, body = wire.answer()
    assert status == 431 and json.loads(body)["status_code"] >= 2000 and wire.closed()


@rule("hub 2-10")
def test_body_over_the_limit(shared):
    body = payloads.tariff(shared.cpo.party, "LARGE", padding="")
    room = 64 * 1024 - len(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())
    assert shared.cpo.put("tariffs", {**body, "padding": "x" * room}).outcome == (201, 1000)
    assert shared.cpo.put("tariffs", {**body, "padding": "x" * (room + 1)}).status == 413


@rule("hub 2-11")
def test_head_that_does_not_end(impatient):
    with Wire(impatient) as wire:
        wire.send("GET /ocpi/versions HTTP/1.1\r\nHost: hub\r\n")
        status, _, body = wire.answer()
        assert status == 408 and json.loads(body)["status_code"] >= 2000 and wire.closed()


@rule("hub 2-12")
def test_idle_connection(impatient):
    with Wire(impatient) as wire:
        wire.send("GET /ocpi/versions HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert wire.answer()[0] == 401
        assert wire.closed()


@rule("hub 2-13")
def test_nesting(shared):
    """64 is the deepest; the envelope around it counts as the partner's own."""
    body = json.dumps(payloads.tariff(shared.cpo.party, "DEEP"))[:-1]
    for depth, outcome in ((60, (201, 1000)), (64, (200, 2001)), (20000, (200, 2001))):
        answer = shared.cpo.put("tariffs", f'{body},"x":{"[" * depth}{"]" * depth}}}', ident="DEEP")
        assert answer.code == outcome[1], (depth, answer)
        assert answer.status == outcome[0] or (outcome[1] == 2001 and answer.status == 400), (depth, answer)


@rule("hub 2-14", "hub 2-42")
def test_full_hub(new_hub):
    """With one connection more than it may have the hub answers that one at once; afterwards there is room again."""
    hub = new_hub(connections_max="2")
    taken = [Wire(hub) for _ in range(2)]
    with Wire(hub) as extra:
        extra.send("GET /ocpi/versions HTTP/1.1\r\nHost: hub\r\n\r\n")
        status, headers, body = extra.answer()
    assert (status, json.loads(body)["status_code"]) == (503, 3000) and int(headers["retry-after"]) >= 1
    for connection in taken:
        connection.__exit__()
    eventually(lambda: http_call("GET", hub.url + "/ocpi/versions").status == 401, "there is room again")


@rule("OCPI 1.3-1", "hub 2-6")
def test_every_answer_is_the_envelope(shared):
    """Answers of every kind, those too that no module has seen."""
    cpo, emsp = shared.cpo, shared.emsp
    answers = [
        cpo.get("/ocpi/versions"), cpo.get("credentials"), emsp.get("locations"), emsp.get("tariffs"), cpo.get("hubclientinfo"),
        cpo.put("tariffs", payloads.tariff(cpo.party, "ENVELOPE")), cpo.put("tariffs", "{", ident="X"), cpo.put("tariffs", "{}", ident="X"),
        cpo.get("credentials", token="wrong"), cpo.get("/"), cpo.get("/favicon.ico"), cpo.call("POST", "/ocpi/versions", {}),
        emsp.put("locations", "{}", ident="X"), cpo.call("BREW", "credentials"), cpo.put("tariffs", " " * 70000, ident="X"),
    ]  # fmt: skip
    for answer in answers:
        assert answer.headers["Content-Type"].split(";")[0] == "application/json", answer
        assert isinstance(answer.json["status_code"], int) and isinstance(answer.json["status_message"], str), answer
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer.json["timestamp"]), answer
    assert all(isinstance(answer.data, list) for answer in answers[:1] + answers[2:5])


@rule("OCPI 1.7-1", "hub 2-7")
def test_message_ids_come_back(shared):
    ids = {"X-Request-ID": "request 1/?", "X-Correlation-ID": "correlation-1"}
    for answer in (
        shared.cpo.get("credentials", headers=ids),
        shared.emsp.get("locations", headers=ids),
        shared.cpo.get("nonsense", headers=ids),
        shared.cpo.get("credentials", token="wrong", headers=ids),
        shared.cpo.put("tariffs", "{", ident="X", headers=ids),
    ):
        assert {name: answer.headers[name] for name in ids} == ids, answer


@rule("OCPI 1.7-3", "hub 2-7")
def test_missing_message_ids_are_made(shared):
    answer = shared.emsp.get("locations", headers={"X-Request-ID": None, "X-Correlation-ID": None})
    assert answer.outcome == (200, 1000)
    request, correlation = (uuid.UUID(answer.headers[name]) for name in ("X-Request-ID", "X-Correlation-ID"))
    assert request != correlation
