"""What partners' real software does when it answers: habits that a simulated platform can have, one or several.

A habit gets the request and `answer`, what the platform would do without it, and returns the Reply.
"""

import json
import re
from dataclasses import replace

from tests.sim.wire import Reply

# the optional fields of an answer's envelope and of the objects in it, by a field that tells the object
OPTIONAL = {
    "status_code": ("status_message", "data"),
    "allowed": ("token", "location", "authorization_reference", "info"),
    "result": ("message",),
}


def redirecting(status, absolute):
    """Knows every path with a slash at its end only, and answers others with that status and a relative or an absolute URL."""

    def habit(request, answer):
        if request.path.endswith("/"):
            return answer(request)
        host = f"http://{request.headers['host']}" if absolute else ""
        query = f"?{request.query}" if request.query else ""
        return Reply(http=status, code=None, headers={"Location": f"{host}{request.path}/{query}"})

    return habit


redirects = redirecting(307, absolute=False)


def wraps(request, answer):
    """Puts `data` of an AuthorizationInfo or CommandResponse into a list of one."""
    reply = answer(request)
    return replace(reply, data=[reply.data]) if isinstance(reply.data, dict) and {"allowed", "result"} & reply.data.keys() else reply


def writes_null(request, answer):
    """Writes null for every optional field that it has nothing to say in."""
    reply = answer(request)
    return replace(reply, body=json.dumps(with_nulls(json.loads(reply.payload()))).encode()) if reply.payload() else reply


def with_nulls(value):
    if isinstance(value, list):
        return [with_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    names = [name for tell, optional in OPTIONAL.items() if tell in value for name in optional]
    return {**dict.fromkeys(names), **{key: with_nulls(item) for key, item in value.items()}}


def accepts_only(request, answer):
    """Answers 202 where others answer 200 or 201."""
    reply = answer(request)
    return replace(reply, http=202) if reply.http in (200, 201) else reply


def says_nothing(request, answer):
    """Answers a push, and a result at a response_url, with 204 and no body."""
    reply = answer(request)
    pushed = request.method in ("PUT", "PATCH", "POST", "DELETE") and not isinstance(reply.data, (dict, list))
    return replace(reply, http=204, code=None) if pushed and reply.http in (200, 201) else reply


def speaks_http_1_0(request, answer):
    """Answers as HTTP/1.0 without a length: the body ends with the connection."""
    return replace(answer(request), version="1.0", sized=False)


def chunks(request, answer):
    """Sends every body in small chunks, with trailers."""
    return replace(answer(request), chunk=7, trailers={"X-Checksum": "0a1b2c3d", "Server-Timing": "total;dur=1"})


def drips(request, answer):
    """Sends everything slowly, a few bytes at a time."""
    return replace(answer(request), drip=64, drip_gap=0.001)


def hangs_up(request, answer):
    """Answers one request of a connection and closes it at the second one, as a server whose patience has just ended."""
    return answer(request) if request.nth == 1 else Reply(drop="close")


def leaving(seconds):
    """Closes the connection that many seconds after each answer, which does not say so."""

    def habit(request, answer):
        return replace(answer(request), leaves=seconds)

    return habit


def echoes_nothing(request, answer):
    """Repeats no message ids."""
    return replace(answer(request), echo=False)


# ---------------------------------------------------------------- lists


def is_list(request):
    return request.method == "GET" and re.fullmatch(r"/ocpi/2\.2\.1/(locations|tariffs|sessions|cdrs|tokens)", request.path)


def ignoring(name):
    """Has never heard of that parameter of lists."""

    def habit(request, answer):
        return answer(replace(request, target=re.sub(rf"(?<=[?&]){name}=[^&]*&?", "", request.target)))

    return habit


def without(*names):
    """Leaves these headers out of its lists."""

    def habit(request, answer):
        reply = answer(request)
        headers = {name: value for name, value in reply.headers.items() if name not in names}
        return replace(reply, headers=headers) if is_list(request) else reply

    return habit


def walks_in_circles(request, answer):
    """Its Link leads to the page that it is on."""
    reply = answer(request)
    link = re.sub(r"offset=\d+", "offset=0", reply.headers.get("Link", ""))
    return replace(reply, headers={**reply.headers, "Link": link}) if link else reply


def lists_what(only=None, **changes):
    """Changes fields of the objects in its lists, or of that one only; None takes one away."""

    def change(entry):
        if only not in (None, entry.get("id")):
            return entry
        return {key: value for key, value in {**entry, **changes}.items() if value is not None}

    def habit(request, answer):
        reply = answer(request)
        return replace(reply, data=[change(entry) for entry in reply.data]) if is_list(request) and reply.data else reply

    return habit


# ---------------------------------------------------------------- the whole system


def running_ahead(seconds):
    """Its clock is that many seconds ahead."""
    return lambda request, answer: replace(answer(request), clock=seconds)


def only_at(pattern, habit):
    """Another habit, at paths that match only."""
    return lambda request, answer: habit(request, answer) if re.search(pattern, request.path) else answer(request)


def shows_a_page(request, answer):
    """Answers as a web server that knows nothing of OCPI."""
    return Reply(http=404, body=b"<html><h1>Not found</h1></html>", headers={"Content-Type": "text/html; charset=utf-8"})


def tells_tokens(request, answer):
    """Fails, and repeats what it was sent: a debug page."""
    return Reply(http=500, code=3000, message=f"cannot read {request.headers.get('authorization')}")


# ---------------------------------------------------------------- the exchange


def refuses_with(http, code):
    """Says no to a token with that answer, where others say 401."""

    def habit(request, answer):
        reply = answer(request)
        return replace(reply, http=http, code=code, headers={}) if reply.http == 401 else reply

    return habit


def is_versions(request):
    return request.method == "GET" and re.fullmatch(r"/ocpi/(versions|2\.2\.1)/?", request.path)


def writes_versions(shape):
    """Its versions list and version details are written as `shape` makes the body from their data."""

    def habit(request, answer):
        reply = answer(request)
        return replace(reply, body=json.dumps(shape(reply.data)).encode()) if is_versions(request) and reply.data else reply

    return habit


def lists_endpoints(change):
    """Its version details have the endpoints that `change` makes of the right ones."""

    def habit(request, answer):
        reply = answer(request)
        if not (is_versions(request) and isinstance(reply.data, dict)):
            return reply
        return replace(reply, data={**reply.data, "endpoints": change([dict(entry) for entry in reply.data["endpoints"]])})

    return habit
