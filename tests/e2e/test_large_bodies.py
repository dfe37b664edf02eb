"""Bodies that are too large to stay parsed while a partner thinks: what the audit shows of a message that was passed on does not hang on
how large it was, nor on how its way ended."""

import itertools
import json

import pytest

from tests.e2e.harness import SLOW, eventually
from tests.sim import Reply, payloads
from tests.sim.wire import timestamp

SIZES = {"small": 10, "large": 3000}
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def hub_settings():
    return {"forward_timeout": f"{SLOW:g}s", "command_forward_timeout": f"{SLOW:g}s"}


ENDS = {
    "success": None,
    "refused": Reply(code=2001, message="not like this"),
    "no answer": Reply(drop="close"),
    "rubbish": Reply(body=b"<html>what?</html>"),
    "no data": Reply(body=b'{"status_code":1000,"data":{},"timestamp":"2025-01-01T00:00:00Z"}'),
    "half": Reply(body=b'{"status_code":1000,"data":{"all'),
    "unprocessable": Reply(http=422, body=b'{"message":"no"}'),
}


def uids(size):
    return [f"EVSE-{number:05}" for number in range(SIZES[size])]


def authorize(pair, ident, size):
    pair.cpo.put("locations", payloads.location(pair.cpo.party, f"L-{ident}"))
    return pair.emsp.authorize(ident, {"location_id": f"L-{ident}", "evse_uids": uids(size)}, to=pair.cpo.id)


def authorize_at_emsp(pair, ident, size):
    return pair.cpo.call("POST", f"tokens/{ident}/authorize", {"location_id": f"L-{ident}", "evse_uids": uids(size)}, to=pair.emsp.id)


def start(pair, ident, size):
    return pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party, ident, x_uids=uids(size)), to=pair.cpo.id)


def reserve(pair, ident, size):
    return pair.emsp.command("RESERVE_NOW", payloads.reserve_now(pair.emsp.party, ident, f"L-{ident}", x_uids=uids(size)), to=pair.cpo.id)


def profile(pair, ident, size):
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident)).code == 1000
    body = {"charging_profile": {"charging_rate_unit": "W"}, "response_url": pair.emsp.response_url(), "x_uids": uids(size)}
    return pair.emsp.call("PUT", f"chargingprofiles/{ident}", body)


def active_profile(pair, ident, size):
    body = {"start_date_time": timestamp(), "charging_profile": {"charging_rate_unit": "W"}, "x_uids": uids(size)}
    return pair.cpo.call("PUT", f"chargingprofiles/{ident}", body, to=pair.emsp.id)


def unknown_module(pair, ident, size):
    return pair.emsp.call("POST", f"pancakes/{ident}", {"id": ident, "location_id": f"L-{ident}", "x_uids": uids(size)}, to=pair.cpo.id)


def directed_token(pair, ident, size):
    return pair.emsp.put("tokens", payloads.token(pair.emsp.party, ident, x_uids=uids(size)), ident, to=pair.cpo.id)


# message: whom it reaches, and where
MESSAGES = {
    authorize: ("cpo", "/tokens/"),
    authorize_at_emsp: ("emsp", "/tokens/"),
    start: ("cpo", "/commands/"),
    reserve: ("cpo", "/commands/"),
    profile: ("cpo", "/chargingprofiles/"),
    active_profile: ("emsp", "/chargingprofiles/"),
    unknown_module: ("cpo", "/pancakes/"),
    directed_token: ("cpo", "/tokens/"),
}


def row_of(hub, answer):
    """The caller's row: not those of deliveries or of the hub itself."""
    ident = answer.headers["X-Request-ID"]
    find = lambda: [row for row in hub.audit(request_id=ident) if row["actor"].startswith("party ")]  # noqa: E731
    return eventually(find, "the row of the message")[0]


def told(row, ident):
    """What a row says, without what differs from message to message."""
    detail = {name: value for name, value in (row["detail"] or {}).items() if name not in ("forward", "command")}
    return json.loads(json.dumps({**{name: row[name] for name in ("action", "status", "object", "from", "to")}, "detail": detail}).replace(ident, "ID"))


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_what_the_row_says(shared, message, end):
    side, path = MESSAGES[message]
    target = getattr(shared, side)
    rows = []
    for size in SIZES:
        ident = f"OBJECT{next(NUMBERS)}"
        if ENDS[end] is not None:
            target.script("*", path, ENDS[end], forever=True)
        answer = message(shared, ident, size)
        target.unscript()
        rows.append(told(row_of(shared.hub, answer), ident))
    assert rows[0] == rows[1]
    assert "ID" in rows[0]["object"] and rows[0]["to"] == target.id, rows[0]
    if message in (authorize, authorize_at_emsp) and rows[0]["status"] in ("ALLOWED", "UNKNOWN"):
        assert rows[0]["detail"]["location"] == "L-ID", rows[0]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_refused_before_it_goes(hub, size):
    """Without a rule, to nobody, to one that is suspended, to one without a URL."""
    pair = hub.pair(rule=False)
    say = lambda: row_of(hub, authorize(pair, "CARD", size))  # noqa: E731
    row = say()
    assert (row["status"], row["object"], row["to"]) == ("2000", "CARD", pair.cpo.id), row
    hub.rule(pair.emsp, pair.cpo)
    hub.ok("party", "suspend", pair.cpo.id, "--reason", "test")
    assert say()["status"] == "4003"
    hub.ok("party", "resume", pair.cpo.id)
    hub.ok("receiver", "unset", pair.cpo.id, "tokens")
    row = say()
    assert (row["status"], row["object"], row["detail"]["location"]) == ("UNKNOWN", "CARD", "L-CARD"), row


def test_large_credentials(hub):
    """A PUT of credentials that is tried anew, with roles that fill more than the hub keeps parsed."""
    platform = hub.onboard("EMSP")
    body = platform.credentials(x_filling=[{"n": number} for number in range(3000)])
    assert len(json.dumps(body)) > 16384
    assert platform.call("PUT", "credentials", body).outcome == (200, 1000)
