"""HTTP/1.1 as the hub speaks it, and the limits it sets."""

import json
import re
import uuid

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import SLOW, Hub, Wire, eventually, known_wire
from tests.sim import payloads
from tests.sim.client import authorization, http_call
from tests.sim.wire import timestamp


@pytest.fixture(scope="module")
def hub_settings():
    return {"request_body_max": "64k"}


@pytest.fixture(scope="module")
def impatient():
    """A hub that closes soon what does not go on."""
    with Hub(head_timeout=f"{300 * SLOW:g}ms", idle_timeout=f"{300 * SLOW:g}ms", body_timeout=f"{300 * SLOW:g}ms") as running:
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


@rule("hub 2-60")
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_unsafe_requests_run_alone(wire, shared, pieces):
    """Written at once: each request finds what the one before it has done."""
    cpo, ident = shared.cpo, f"ORDER{pieces}"
    path = cpo.object_path("sessions", ident)
    put = payloads.session(cpo.party, shared.emsp.party, ident)
    bodies = [
        ("PUT", put),
        ("PATCH", {"kwh": 1.0, "last_updated": timestamp(1)}),
        ("GET", None),
        ("PATCH", {"kwh": 2.0, "status": "COMPLETED", "last_updated": timestamp(2)}),
        ("GET", None),
    ]
    data = b""
    for method, body in bodies:
        text = b"" if body is None else json.dumps(body).encode()
        data += head(cpo, method, path, f"Content-Length: {len(text)}") + text
    size = len(data) // pieces + 1
    for at in range(0, len(data), size):
        wire.send(data[at : at + size])
    answers = [wire.answer() for _ in bodies]
    assert [answer[0] for answer in answers] == [201, 200, 200, 200, 200]
    seen = [json.loads(answers[index][2])["data"] for index in (2, 4)]
    assert [(session["kwh"], session["status"]) for session in seen] == [(1.0, "ACTIVE"), (2.0, "COMPLETED")]


@rule("hub 2-61")
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_byte_order_mark(wire, shared, framing):
    """It is no part of what is stored either."""
    ident = f"BOM-{framing}"
    body = b"\xef\xbb\xbf" + tariff(shared.cpo, ident)
    path = shared.cpo.object_path("tariffs", ident)
    if framing == "length":
        wire.send(head(shared.cpo, "PUT", path, f"Content-Length: {len(body)}") + body)
    else:
        wire.send(head(shared.cpo, "PUT", path, "Transfer-Encoding: chunked"))
        wire.send(b"".join(b"1\r\n%c\r\n" % byte for byte in body[:5]) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body) - 5, body[5:]))
    assert wire.answer()[0] == 201
    assert shared.cpo.get(path).data["id"] == ident


def refusals(shared):
    """Requests that are refused at every step of their way, with the status: method, path, lines, body."""
    cpo, emsp = shared.cpo, shared.emsp
    own = cpo.object_path("tariffs", "X")
    return {
        "role": (emsp, 403, "PUT", own, [], b"{}"),
        "other party": (cpo, 403, "PUT", "tariffs/IN/ZZZ/X", [], b"{}"),
        "method": (cpo, 405, "POST", own, [], b"{}"),
        "unknown path": (cpo, 404, "GET", "tariffs/1/2/3/4/5/6/7", [], b""),
        "unknown object": (cpo, 404, "GET", cpo.object_path("tariffs", "NONE"), [], b""),
        "not JSON": (cpo, 400, "PUT", own, [], b"{"),
        "too large": (cpo, 413, "PUT", own, ["Content-Length: 65537"], b""),
        "too large, chunked": (cpo, 413, "PUT", own, ["Transfer-Encoding: chunked"], b"10001\r\n"),
        "bad chunk": (cpo, 400, "PUT", own, ["Transfer-Encoding: chunked"], b"Z\r\n"),
        "token": (None, 401, "PUT", own, [], b"{}"),
        "callback": (None, 404, "POST", "commands/callback/none", [], b"{}"),
    }


@rule("hub 2-62")
@pytest.mark.parametrize(
    "name",
    ["role", "other party", "method", "unknown path", "unknown object", "not JSON", "too large", "too large, chunked", "bad chunk", "token", "callback"],
)
@pytest.mark.parametrize("sends_ids", [True, False])
def test_refusals_have_ids_and_routing(wire, shared, name, sends_ids):
    caller, status, method, path, lines, body = refusals(shared)[name]
    sender = caller or shared.cpo
    own = ["X-Request-ID: r-1", "X-Correlation-ID: c-1"] if sends_ids else []
    routing = [f"OCPI-from-country-code: {sender.id[:2]}", f"OCPI-from-party-id: {sender.id[3:]}"]
    if not lines:
        lines = [f"Content-Length: {len(body)}"]
    data = head(sender, method, path, *own, *routing, *lines)
    if caller is None:
        data = data.replace(b"Authorization: Token ", b"Authorization: Token x")
    wire.send(data + body)
    got, headers, text = wire.answer()
    assert got == status and json.loads(text)["status_code"] >= 2000
    if sends_ids:
        assert (headers["x-request-id"], headers["x-correlation-id"]) == ("r-1", "c-1")
    else:
        assert uuid.UUID(headers["x-request-id"]) != uuid.UUID(headers["x-correlation-id"])
    assert headers["ocpi-to-country-code"] + "-" + headers["ocpi-to-party-id"] == sender.id
    assert headers["ocpi-from-country-code"] + "-" + headers["ocpi-from-party-id"] == "IN-CIH"


@rule("hub 2-62")
def test_refusals_of_configuration_modules_have_no_routing(wire, shared):
    lines = ["X-Request-ID: r-1", "OCPI-from-country-code: IN", "OCPI-from-party-id: ABC"]
    wire.send(head(shared.cpo, "DELETE", "hubclientinfo", *lines) + head(shared.cpo, "PUT", "credentials", *lines, "Content-Length: 65537"))
    for status in (405, 413):
        got, headers, _ = wire.answer()
        assert got == status and headers["x-request-id"] == "r-1"
        assert not [name for name in headers if name.startswith("ocpi-")]


@rule("hub 2-62")
def test_what_is_no_request_gets_ids(hub):
    """Where there is no head to read they are made; the hub's own refusals are envelopes like all others."""
    for data, status in ((b"nonsense\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nX: " + b"x" * 17000, 431)):
        with Wire(hub) as wire:
            wire.send(data)
            got, headers, body = wire.answer()
            assert got == status and json.loads(body)["status_code"] >= 2000
            assert uuid.UUID(headers["x-request-id"]) and uuid.UUID(headers["x-correlation-id"])
            assert headers["content-type"].startswith("application/json")


@rule("hub 2-63")
def test_body_that_does_not_end(shared, impatient):
    platform = impatient.onboard("CPO")
    with Wire(impatient) as wire:
        wire.send(head(platform, "PUT", platform.object_path("tariffs", "SLOW"), "Content-Length: 100", "X-Request-ID: slow") + b"{")
        status, headers, body = wire.answer()
        assert status == 408 and json.loads(body)["status_code"] >= 2000 and headers["x-request-id"] == "slow"
        assert wire.closed()


@rule("hub 2-64")
@pytest.mark.parametrize("framing", ["Content-Length: 60000000", "Transfer-Encoding: chunked"])
def test_strangers_are_refused_by_their_head(wire, shared, framing):
    """The announced body never comes, and would be too large: the answer is about the token."""
    data = head(shared.cpo, "PUT", shared.cpo.object_path("tariffs", "X"), framing, "Expect: 100-continue")
    wire.send(data.replace(b"Authorization: Token ", b"Authorization: Token x"))
    status, headers, _ = wire.answer()
    assert status == 401 and headers["www-authenticate"] == "Token"
    assert wire.closed()


@rule("hub 2-65")
def test_connections_of_one_address(new_hub):
    hub = new_hub(connections_per_address="2")

    def served():
        wire = Wire(hub)
        wire.send(b"GET /ocpi/versions HTTP/1.1\r\nHost: hub\r\n\r\n")
        got = wire.answer()
        if got and got[0] == 401:
            return wire
        wire.__exit__()
        return None

    taken = [eventually(served, "there is room") for _ in range(2)]
    with Wire(hub) as extra:
        extra.send("GET /ocpi/versions HTTP/1.1\r\nHost: hub\r\n\r\n")
        status, headers, body = extra.answer()
    assert (status, json.loads(body)["status_code"]) == (503, 3000) and int(headers["retry-after"]) >= 1
    for wire in taken:
        wire.__exit__()


@rule("hub 2-66")
def test_values_in_proportion(shared):
    good = json.dumps(payloads.tariff(shared.cpo.party, "DENSE"))[:-1]
    for element, outcome in (("1", (400, 2001)), ("123456", (201, 1000))):
        numbers = ",".join([element] * (60000 // (len(element) + 1)))
        answer = shared.cpo.put("tariffs", f'{good},"x":[{numbers}]}}', ident="DENSE")
        assert answer.outcome == outcome, answer


@rule("hub 2-67")
def test_budget_of_memory(new_hub):
    """Bodies of 4 MB that are not complete: when there is no memory left for another it is refused, and then there is room again."""
    hub = new_hub(memory_max="16m")
    cpo = hub.onboard("CPO")
    wires, statuses = [Wire(hub) for _ in range(6)], []
    for wire in wires:
        wire.send(head(cpo, "PUT", cpo.object_path("tariffs", "X"), "Content-Length: 4000000"))
    for wire in wires:
        try:
            wire.send(b" " * 3999999)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def refused():
        for wire in wires:
            wire.socket.setblocking(False)
            try:
                statuses.append(wire.socket.recv(65536))
            except (BlockingIOError, ConnectionResetError):
                pass
        return [text for text in statuses if text]

    first = eventually(refused, "one is refused")[0].lower()
    assert first.startswith(b"http/1.1 503 ") and b"\r\nretry-after: " in first
    for wire in wires:
        wire.__exit__()
    eventually(lambda: cpo.get("credentials").outcome == (200, 1000), "there is room again")


@rule("hub 2-68")
def test_the_hubs_own_request(shared):
    """What the hub sent has its name in Via: whoever lets it come back is told so, with and without a token, among other proxies'."""
    shared.emsp.authorize("UID", to=shared.cpo.id)
    via = shared.cpo.wait("PUT", "/authorize$").headers["via"]
    for value in (via, f"1.1 proxy, {via}", f"1.0 a.example:8080 (x), {via.upper()}, 1.1 b"):
        for token in (None, "no-token"):
            answer = shared.emsp.authorize("UID", to=shared.cpo.id, headers={"Via": value}, token=token)
            assert answer.outcome == (508, 4000), (value, answer)
    assert shared.emsp.authorize("UID", to=shared.cpo.id, headers={"Via": "1.1 proxy"}).outcome == (200, 1000)


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
    taken = [known_wire(hub) for _ in range(2)]
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
