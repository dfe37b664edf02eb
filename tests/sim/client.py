"""How a simulated platform calls the hub: one HTTP request, one Answer."""

import base64
import http.client
import json
import uuid
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from tests.sim.wire import MESSAGE_IDS


class Spelled(str):
    """A JSON number as it was written: 12.50 is not 12.5."""


class Pairs(tuple):
    """A JSON object as its (key, value) pairs in the order in which they were written."""

    def get(self, key):
        return next((value for name, value in self if name == key), None)


def exact(text):
    """JSON with key order and number spelling kept, so that == compares what the owner wrote (white space aside)."""
    return json.loads(text, parse_float=Spelled, parse_int=Spelled, object_pairs_hook=Pairs)


@dataclass
class Answer:
    """What came back. `headers` is case-insensitive."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["status_code"]

    @property
    def message(self):
        return self.json.get("status_message", "")

    @property
    def data(self):
        return self.json.get("data")

    @property
    def exact_data(self):
        return exact(self.body).get("data")

    @property
    def outcome(self):
        """(HTTP status, OCPI status_code): what the tests compare first."""
        return self.status, self.code

    def __str__(self):
        return f"HTTP {self.status} {self.body.decode(errors='replace')}"


def encode_body(body):
    """Bytes and text go out as they are, anything else as JSON, None as no body."""
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def http_call(method, url, body=None, headers=None, seconds=30):
    """One HTTP request on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=seconds)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, encode_body(body), headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def authorization(token, encoding="base64", scheme="Token"):
    value = base64.b64encode(token.encode()).decode() if encoding == "base64" else token
    return f"{scheme} {value}"


def routing_headers(sender=None, receiver=None):
    """OCPI-from and OCPI-to headers for parties written "IN-ABC"."""
    headers = {}
    for side, party in (("from", sender), ("to", receiver)):
        if party:
            country, _, ident = party.partition("-")
            headers[f"OCPI-{side}-country-code"] = country
            headers[f"OCPI-{side}-party-id"] = ident
    return headers


def call(method, url, body=None, *, token=None, encoding="base64", scheme="Token", query=None, headers=None, seconds=30):
    """An OCPI request: token, fresh message ids, JSON content type. A header given as None is left out."""
    merged = {name: str(uuid.uuid4()) for name in MESSAGE_IDS}
    if token is not None:
        merged["Authorization"] = authorization(token, encoding, scheme)
    if body is not None:
        merged["Content-Type"] = "application/json"
    merged.update(headers or {})
    merged = {name: value for name, value in merged.items() if value is not None}
    return http_call(method, url + (f"?{urlencode(query)}" if query else ""), body, merged, seconds)
