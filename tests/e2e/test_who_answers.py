"""From whom an answer comes, and that it repeats the message ids: on errors as on successes (OCPI 2.2.1, Transport: Message Routing)."""

import json

import pytest

from tests.e2e.harness import Wire
from tests.sim import payloads
from tests.sim.client import authorization
from tests.sim.wire import timestamp


@pytest.fixture(scope="module")
def street(hub):
    return hub.pair()


def head(platform, line, to, *more):
    country, party = platform.party.country_code, platform.party.party_id
    lines = [
        line, "Host: hub", f"Authorization: {authorization(platform.hub_token)}", "X-Request-ID: r1", "X-Correlation-ID: c1",
        f"OCPI-from-country-code: {country}", f"OCPI-from-party-id: {party}", *more,
    ]  # fmt: skip
    if to is not None:
        lines += [f"OCPI-to-country-code: {to[:2]}", f"OCPI-to-party-id: {to[3:]}"]
    return "\r\n".join(lines) + "\r\n\r\n"


def routing(headers, way):
    return f"{headers[f'ocpi-{way}-country-code']}-{headers[f'ocpi-{way}-party-id']}".upper()


REFUSALS = {
    "201": (201, "POST /ocpi/2.2.1/cdrs HTTP/1.1", None, []),
    "413": (413, "POST /ocpi/2.2.1/cdrs HTTP/1.1", "", ["Content-Length: 900000000"]),
    "400": (400, "POST /ocpi/2.2.1/cdrs HTTP/1.1", "{x", []),
    "405": (405, "DELETE /ocpi/2.2.1/cdrs/x HTTP/1.1", "", []),
    "2001": (200, "POST /ocpi/2.2.1/cdrs HTTP/1.1", "{}", []),
    "403": (403, "PUT /ocpi/2.2.1/sessions/IN/ZZZ/S HTTP/1.1", "{}", []),
    "404": (404, "GET /ocpi/2.2.1/sessions/nothing/of/this/kind HTTP/1.1", "", []),
    "401": (401, "GET /ocpi/2.2.1/cdrs HTTP/1.1", "", ["Authorization: Token none"]),
    "417": (417, "POST /ocpi/2.2.1/cdrs HTTP/1.1", "{}", ["Expect: magic"]),
}


@pytest.mark.parametrize("status, line, body, more", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("named", [True, False], ids=["TO an eMSP", "TO nobody"])
def test_who_answers(hub, street, named, status, line, body, more):
    cpo, emsp = street.cpo, street.emsp
    to = emsp.id if named else None
    if body is None:
        body = json.dumps(payloads.cdr(cpo.party, emsp.party, f"WHO-{named}"))
    if any(entry.startswith("Content-Length") for entry in more):
        text = head(cpo, line, to, *more)
    elif any(entry.startswith("Authorization") for entry in more):
        text = head(cpo, line, to).replace(authorization(cpo.hub_token), "Token none")
    else:
        text = head(cpo, line, to, f"Content-Length: {len(body)}", *more) + body
    with Wire(hub) as wire:
        wire.send(text)
        got, headers, _ = wire.answer()
    if status != 417:
        assert got == status, headers
    assert (headers["x-request-id"], headers["x-correlation-id"]) == ("r1", "c1")
    assert (routing(headers, "from"), routing(headers, "to")) == (emsp.id if named else "IN-CIH", cpo.id), headers


BAD = {
    "no Host": "GET /ocpi/2.2.1/cdrs HTTP/1.1\r\nX-Request-ID: r1\r\nX-Correlation-ID: c1\r\n\r\n",
    "two Hosts": "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nX-Request-ID: r1\r\nX-Correlation-ID: c1\r\n\r\n",
    "a folded line": "GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: r1\r\nX: y\r\n z\r\nX-Correlation-ID: c1\r\n\r\n",
    "two lengths": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\nX-Request-ID: r1\r\nX-Correlation-ID: c1\r\n\r\n",
    "another version": "GET / HTTP/3.1\r\nHost: a\r\nX-Request-ID: r1\r\nX-Correlation-ID: c1\r\n\r\n",
    "a bad target": "GET /\x80 HTTP/1.1\r\nHost: a\r\nX-Request-ID: r1\r\nX-Correlation-ID: c1\r\n\r\n",
    "bare line feeds": "GET / HTTP/1.1\nHost: a\nX-Request-ID: r1\nX-Correlation-ID: c1\n\n",
    "too large": "GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: r1\r\nX-Correlation-ID: c1\r\nX: " + "a" * 40000,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_bad_head_with_ids(hub, text):
    """What could be read of a head that is refused is repeated."""
    with Wire(hub) as wire:
        wire.send(text.encode("latin-1"))
        status, headers, _ = wire.answer()
    assert status in (400, 431, 505) and (headers["x-request-id"], headers["x-correlation-id"]) == ("r1", "c1"), (status, headers)


def test_ids_that_cannot_be_read(hub):
    """An id with a control byte in it is not repeated: the hub makes one."""
    with Wire(hub) as wire:
        wire.send(b"GET / HTTP/1.1\r\nX-Request-ID: r\x01\r\n\r\n")
        status, headers, _ = wire.answer()
    assert status == 400 and len(headers["x-request-id"]) == 36, headers


def test_patch_of_a_session_in_the_form_of_ocpi_2_2(hub, street):
    """A cdr_token without a party is the stored session's eMSP's where it is the same driver's; of another driver the hub asks whose it is."""
    cpo, emsp = street.cpo, street.emsp
    session = payloads.session(cpo.party, emsp.party, "P22", last_updated=timestamp(-50))
    assert cpo.put("sessions", session).code == 1000
    uid = session["cdr_token"]["uid"]
    for number, token in enumerate((
        {"uid": uid, "type": "RFID", "contract_id": "NEW"},
        {"uid": uid.lower(), "type": "APP_USER", "contract_id": "X", "country_code": None, "party_id": None},
    )):  # fmt: skip
        answer = cpo.patch("sessions", "P22", {"kwh": 20 + number, "cdr_token": token, "last_updated": timestamp(-40 + number)})
        assert answer.outcome == (200, 1000), answer
        assert emsp.wait("PUT", "/sessions/.*P22$", where=lambda r: r.json["kwh"] == 20 + number).json["cdr_token"]["uid"] == token["uid"]
    other = {"uid": "ANOTHER", "type": "RFID", "contract_id": "X"}
    answer = cpo.patch("sessions", "P22", {"kwh": 30, "cdr_token": other, "last_updated": timestamp(-30)})
    assert answer.outcome == (200, 2001) and "cdr_token" in answer.message and "OCPI-to" in answer.message, answer
    answer = cpo.patch("sessions", "P22", {"kwh": 31, "cdr_token": other, "last_updated": timestamp(-30)}, to=emsp.id)
    assert answer.outcome == (200, 1000), answer


@pytest.mark.parametrize("url, said", [
    ("http://169.254.169.254/ocpi", "169.254.169.254"), ("http://[fd00:ec2::254]/ocpi", "metadata"), ("http://0xa9fea9fe/ocpi", "never calls"),
    ("http://[::ffff:169.254.169.254]/x", "never calls"), ("https://xyz.example/ocpi/%zz/sessions", "percent-encoding"),
])  # fmt: skip
def test_receiver_that_can_never_be_called(hub, street, url, said):
    result = hub.ctl("receiver", "set", street.emsp.id, "cdrs", url)
    assert result.rc == 1 and said in result.err, result


def test_receiver_that_the_settings_do_not_let_be_called(new_hub):
    """It is set, for the setting may follow; and what helps is said at once."""
    hub = new_hub(allow_private_networks=None)
    name = hub.new_party("EMSP").id
    hub.ok("party", "add", name, "--role", "EMSP")
    result = hub.ok("receiver", "set", name, "cdrs", "http://10.1.2.3/ocpi/cdrs")
    assert "not called: 10.1.2.3 is" in result.out and "allow_networks" in result.out, result


def test_doubled_words(street):
    answer = street.cpo.call("POST", "cdrs", "{x")
    assert answer.status == 400 and answer.message.count("not JSON") == 1, answer
