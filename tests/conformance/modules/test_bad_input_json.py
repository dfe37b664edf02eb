"""Bodies that are not JSON, and JSON at its edges, at every endpoint that takes a body."""

import http.client
import json
import re

import pytest

from tests.conformance.modules.bodies import at, get
from tests.conformance.modules.doors import BY_NAME, DOORS, ESSENTIAL
from tests.conformance.modules.judge import done, findings, refused
from tests.conformance.rules import rule
from tests.sim import exact, payloads
from tests.sim.client import authorization, encode_body

every_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
every_judge = pytest.mark.parametrize("door", [door for door in DOORS if ESSENTIAL[door.name]], ids=lambda door: door.name)
AS_IS = pytest.mark.parametrize("name", ["PUT location", "PUT tariff", "PUT session", "POST cdr"])


def with_vendor(body, value):
    """A good body with one field more, whose value is these bytes."""
    return encode_body(body)[:-1] + b',"x_vendor":' + value + b"}"


@every_door
@rule("hub 5-input-1")
def test_good_bodies_are_taken(shared, ident, door):
    """What the other cases of this file rest on: the same body without the fault is taken, and leaves its trace."""
    door.prepare(shared, ident)
    before = door.trace(shared, ident)
    answer = done(door.send(shared, ident, door.good(shared, ident)))
    assert not door.path.startswith("commands/") or answer.data["result"] == "ACCEPTED", answer
    assert door.trace(shared, ident) != before


WHOLE = {
    "empty": b"",
    "blank": b" \r\n\t ",
    "cut short": lambda good: good[:-1],
    "cut in a key": lambda good: good[:5],
    "trailing text": lambda good: good + b" x",
    "two values": lambda good: good + good,
    "trailing bracket": lambda good: good + b"}",
    "trailing NUL": lambda good: good + b"\0",
    "two byte order marks": lambda good: b"\xef\xbb\xbf\xef\xbb\xbf" + good,
    "byte order mark behind": lambda good: good + b"\xef\xbb\xbf",
    "UTF-16": lambda good: good.decode().encode("utf-16"),
    "single quotes": lambda good: good.replace(b'"', b"'"),
    "form data": b"id=LOC001&name=x",
    "XML": b"<location><id>LOC001</id></location>",
    "bare word": b"undefined",
}
INSIDE = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "1e999": b"1e999",
    "-1e999": b"-1e999",
    "leading zero": b"012",
    "leading plus": b"+1",
    "no digit before the point": b".5",
    "no digit behind the point": b"1.",
    "no digit in the exponent": b"1e",
    "hexadecimal": b"0x1F",
    "trailing comma in a list": b"[1,]",
    "trailing comma in an object": b'{"a":1,}',
    "no comma": b"[1 2]",
    "no colon": b'{"a" 1}',
    "no value": b'{"a":}',
    "key without quotes": b"{a:1}",
    "comment": b"1 /* one */",
    "capital literal": b"True",
    "surrogate as bytes": b'"\xed\xa0\xbd"',
    "invalid UTF-8": b'"caf\xe9"',
    "UTF-8 cut short": b'"\xe2\x82"',
    "overlong UTF-8": b'"\xc0\xaf"',
    "beyond Unicode": b'"\xf5\x80\x80\x80"',
    "NUL byte": b'"a\0b"',
    "line break in a text": b'"a\nb"',
    "tab in a text": b'"a\tb"',
    "unknown escape": b'"\\x41"',
    "short escape": b'"\\u12"',
    "text without end": b'"abc',
    "65 levels": b"[" * 64 + b"]" * 64,
    "30 000 levels": b"[" * 30_000 + b"]" * 30_000,
    "10 000 levels of objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "levels without end": b"[" * 60_000,
}


@every_door
@rule("hub 5-input-1")
def test_not_json(shared, ident, door):
    """Each is 400 with 2001 in the envelope, and leaves nothing behind; the good body is taken afterwards."""
    door.prepare(shared, ident)
    good = encode_body(door.good(shared, ident))
    bodies = {name: text(good) if callable(text) else text for name, text in WHOLE.items()}
    bodies.update((name, with_vendor(good, text)) for name, text in INSIDE.items())
    before = door.trace(shared, ident)
    for name, body in bodies.items():
        if name != "empty" or not door.empty:
            answer = door.send(shared, ident, body)
            assert answer.outcome == (400, 2001) and answer.message and answer.data is None, (name, answer)
    assert door.trace(shared, ident) == before
    done(door.send(shared, ident, good))


@every_door
@rule("hub 5-input-2")
def test_json_that_is_no_object(shared, ident, door):
    """200 with 2001, naming the whole body, what was expected there and what was found."""
    door.prepare(shared, ident)
    before = door.trace(shared, ident)
    good = door.good(shared, ident)
    for body, found in (([good], "a list"), ([], "a list"), ("null", "null"), ("true", "true"), ("17", "17"), ('"text"', "text")):
        if (door.empty and body == "null") or (door.name == "callback" and body == [good]):
            continue  # an empty body; a wrapping that partners use
        answer = door.send(shared, ident, body)
        refused(answer, "")
        assert "object" in findings(answer)[""] and found in findings(answer)[""], answer
    assert door.trace(shared, ident) == before


def twice(good, key):
    """The text of an object in which its key stands again: as it is, with another value, written with an escape."""
    text, value = json.dumps(good), json.dumps(good[key])
    for again, other in ((key, value), (key, '"other"'), (f"\\u{ord(key[0]):04x}{key[1:]}", value)):
        yield f'{text[:-1]},"{again}":{other}}}'


@every_judge
@rule("hub 5-input-3")
def test_essential_keys_twice(shared, ident, door):
    """What is essential, and the lists that hold it."""
    door.prepare(shared, ident)
    before = door.trace(shared, ident)
    good = door.good(shared, ident)
    lists = [pointer[: found.start()] for pointer in ESSENTIAL[door.name] for found in re.finditer(r"/\d", pointer)]
    for pointer in dict.fromkeys(ESSENTIAL[door.name] + lists):
        place, _, key = pointer.rpartition("/")
        for text in twice(get(good, place), key):
            body = json.dumps(at(good, place, "HERE")).replace('"HERE"', text) if place else text
            refused(door.send(shared, ident, body), pointer)
    assert door.trace(shared, ident) == before


@every_judge
@rule("hub 5-input-3", "hub 5-validation-4")
def test_any_key_twice_where_validation_is_strict(strict, ident, door):
    door.prepare(strict, ident)
    before = door.trace(strict, ident)
    good = door.good(strict, ident)
    for key in set(good) - {"vendor_discom"}:
        for text in twice(good, key):
            refused(door.send(strict, ident, text), f"/{key}")
    assert door.trace(strict, ident) == before


def passed_on(pair, door, ident):
    """The one stored or delivered object, exactly as spelled."""
    if door.name in ("PUT location", "PUT tariff"):
        return pair.emsp.get(door.path.format(id=ident, cpo=f"IN/{pair.cpo.party.party_id}")).exact_data
    return exact(pair.emsp.wait("*", "/(sessions|cdrs)", where=lambda r: (r.json or {}).get("id") == ident).body)


NUMBERS = [
    b"123456789012345678901234567890.000", b"-0.0", b"1E300", b"0.1000000000000000055511151231257827", b"9007199254740993", b"1e-400", b"1." + b"7" * 500,
]  # fmt: skip


@AS_IS
@rule("hub 5-input-5")
def test_numbers_are_kept_as_spelled(shared, ident, name):
    door = BY_NAME[name]
    body = with_vendor(door.good(shared, ident), b"[" + b",".join(NUMBERS) + b"]")
    done(door.send(shared, ident, body))
    assert passed_on(shared, door, ident) == exact(body)


@AS_IS
@rule("hub 5-input-6")
def test_escaped_nul(shared, ident, name):
    """In a vendor's text it is kept and passed on; in an id it is no character."""
    door = BY_NAME[name]
    good = door.good(shared, ident)
    body = with_vendor(good, b'"a\\u0000b"')
    done(door.send(shared, ident, body))
    assert passed_on(shared, door, ident) == exact(body)
    for field in ("id", "country_code", "party_id"):
        answer = door.send(shared, f"{ident}-N", {**good, "id": f"{ident}-N", field: f"{ident}-N\0"})
        assert answer.code == 2001 and f"/{field}" in answer.message, answer


@AS_IS
@rule("hub 5-input-4")
def test_nesting(shared, ident, name):
    """64 levels, the object itself being the first."""
    door = BY_NAME[name]
    body = with_vendor(door.good(shared, ident), b"[" * 63 + b"]" * 63)
    done(door.send(shared, ident, body))
    assert passed_on(shared, door, ident) == exact(body)


@rule("hub 5-input-9")
def test_body_of_get(hub, shared, ident):
    """Read and ignored, whatever it is: the answer is the same, and the connection goes on at the next request."""
    done(shared.cpo.put("locations", payloads.location(shared.cpo.party, ident)))
    path = f"/ocpi/2.2.1/{shared.cpo.object_path('locations', ident)}"
    headers = {"Authorization": authorization(shared.emsp.hub_token), "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)
    for target in (path, f"{path}/EVSE001", *(f"/ocpi/2.2.1/{name}" for name in ("locations?limit=1", "tariffs", "hubclientinfo", "credentials"))):
        seen = []
        for body in (None, b"{}", b"not JSON", b"GET / HTTP/1.1\r\n\r\n", b"x" * 100_000):
            connection.request("GET", target, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            seen.append((response.status, answer["status_code"], answer.get("data")))
        assert seen[0][:2] == (200, 1000) and seen.count(seen[0]) == len(seen), target
    connection.close()
