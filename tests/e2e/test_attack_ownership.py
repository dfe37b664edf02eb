"""Each object that a message names belongs to somebody: sessions, reservations, tokens, locations, callbacks. A stranger who names another's
gets the answer that one gets for what never was, and nobody is asked. Every row from each role's place."""

import pytest

from tests.e2e.harness import SLOW
from tests.sim import Reply, http_call, payloads
from tests.sim.wire import timestamp


@pytest.fixture(scope="module")
def hub_settings():
    return {"command_forward_timeout": f"{SLOW:g}s", "forward_timeout": f"{SLOW:g}s"}


class Street:
    """E and F are routed with C and D. E has a session and a reservation at C."""

    def __init__(self, hub):
        self.hub = hub
        self.e, self.f = hub.onboard("EMSP"), hub.onboard("EMSP")
        self.c, self.d = hub.onboard("CPO"), hub.onboard("CPO")
        for emsp in (self.e, self.f):
            for cpo in (self.c, self.d):
                hub.rule(emsp, cpo)
        self.n = 0

    def asked(self, pattern, method="*"):
        """Without probes, which come whenever they are due."""
        received = [request for cpo in (self.c, self.d) for request in cpo.received(method, pattern)]
        return [request for request in received if not request.target.endswith("/versions")]


@pytest.fixture(scope="module")
def street(hub):
    street = Street(hub)
    assert street.c.put("sessions", payloads.session(street.c.party, street.e.party, "S-E")).code == 1000
    return street


@pytest.fixture(autouse=True)
def quiet(street):
    """What the CPOs were asked before this test."""
    street.before = len(street.asked(""))


def nobody_asked(street):
    assert len(street.asked("")) == street.before, street.asked("")[street.before :]


# ---------------------------------------------------------------- sessions

SPELLINGS = ["S-E", "s-e", "S-e"]


@pytest.mark.parametrize("ident", SPELLINGS)
@pytest.mark.parametrize("named", [False, True])
def test_stop_of_anothers_session(street, ident, named):
    answer = street.f.command("STOP_SESSION", {"session_id": ident}, to=street.c.id if named else None)
    assert answer.outcome == (200, 1000) and answer.data == {"result": "UNKNOWN_SESSION", "timeout": 0}, answer
    nobody_asked(street)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("named", [False, True])
def test_profile_of_anothers_session(street, method, named):
    url = street.f.response_url()
    body = {"charging_profile": {"charging_rate_unit": "W"}, "response_url": url} if method == "PUT" else None
    query = None if body else {"duration": 1, "response_url": url}
    answer = street.f.call(method, "chargingprofiles/S-E", body, query=query, to=street.c.id if named else None)
    assert answer.outcome == (200, 1000) and answer.data["result"] == "UNKNOWN_SESSION", answer
    nobody_asked(street)


@pytest.mark.parametrize("named", [False, True])
def test_preferences_of_anothers_session(street, named):
    answer = street.f.call("PUT", "sessions/S-E/charging_preferences", {"profile_type": "FAST"}, to=street.c.id if named else None)
    assert answer.outcome == (404, 2003), answer
    nobody_asked(street)


def test_a_cpo_tells_of_anothers_session(street):
    """Its id leads D to nobody; C's own goes to E only, whomever it names. (With OCPI-to D speaks of a session of its own.)"""
    body = {"start_date_time": "2025-01-01T00:00:00Z", "charging_profile": {"charging_rate_unit": "W"}}
    assert street.d.call("PUT", "chargingprofiles/S-E", body).outcome == (404, 2003)
    assert street.c.call("PUT", "chargingprofiles/S-E", body, to=street.f.id).outcome == (404, 2003)
    assert street.e.received("*", "/chargingprofiles/") == street.f.received("*", "/chargingprofiles/") == []


# ---------------------------------------------------------------- reservations


def reserve(emsp, ident, to, **changes):
    return emsp.command("RESERVE_NOW", payloads.reserve_now(emsp.party, ident, "NOWHERE", **changes), to=to and to.id)


def cancel(emsp, ident, to=None):
    return emsp.command("CANCEL_RESERVATION", {"reservation_id": ident}, to=to and to.id)


@pytest.fixture
def held(street):
    """The id of a reservation that C accepted from E."""
    street.n += 1
    ident = f"R-{street.n}"
    assert reserve(street.e, ident, street.c).data["result"] == "ACCEPTED"
    street.before = len(street.asked(""))
    return ident


def test_cancel_of_anothers_reservation(street, held):
    for ident in (held, held.lower()):
        for to in (None, street.c, street.d):
            answer = cancel(street.f, ident, to)
            assert answer.outcome == (200, 1000) and answer.data == {"result": "UNKNOWN_RESERVATION", "timeout": 0}, answer
    assert cancel(street.f, "NEVER").message == answer.message, "nothing tells that there is one"
    nobody_asked(street)


def test_an_id_of_anothers_reservation(street, held):
    """At that CPO: REJECTED, not forwarded. At another it is F's own, and C's stays E's."""
    for ident in (held, held.lower()):
        answer = reserve(street.f, ident, street.c)
        assert answer.outcome == (200, 1000) and answer.data == {"result": "REJECTED", "timeout": 0}, answer
    nobody_asked(street)
    assert reserve(street.f, held, street.d).data["result"] == "ACCEPTED"
    assert cancel(street.f, held).data["result"] == "ACCEPTED"
    assert [r.path.rsplit("/", 1)[1] for r in street.asked("")[street.before :]] == ["RESERVE_NOW", "CANCEL_RESERVATION"]
    assert cancel(street.f, held, street.c).data["result"] == "UNKNOWN_RESERVATION"
    assert cancel(street.e, held).data["result"] == "ACCEPTED"


def test_an_id_that_is_free_again(street, held):
    """E has cancelled, and C has done it."""
    assert cancel(street.e, held).data["result"] == "ACCEPTED"
    request = street.c.wait("POST", "/commands/CANCEL", where=lambda r: r.json["reservation_id"] == held)
    assert reserve(street.f, held, street.c).data["result"] == "REJECTED", "not done yet"
    assert street.c.send_result(request, "ACCEPTED").code == 1000
    assert reserve(street.f, held, street.c).data["result"] == "ACCEPTED"


def test_an_id_whose_time_is_over(street):
    assert reserve(street.e, "R-OLD", street.c, expiry_date=timestamp(-10)).data["result"] == "ACCEPTED"
    assert reserve(street.f, "R-OLD", street.c).data["result"] == "ACCEPTED"


def test_an_id_that_the_cpo_has_not_answered_yet(street):
    street.c.script("POST", "/commands/RESERVE_NOW", Reply(drop="close"))
    assert reserve(street.e, "R-OPEN", street.c).code == 4002
    assert reserve(street.f, "R-OPEN", street.c).data["result"] == "REJECTED"


# ---------------------------------------------------------------- tokens


@pytest.mark.parametrize("command", ["START_SESSION", "RESERVE_NOW"])
@pytest.mark.parametrize("changed", [("country_code", "party_id"), ("country_code",), ("party_id",)])
def test_a_command_with_anothers_token(hub, street, command, changed):
    """The CPO would bill E."""
    token = payloads.token(street.f.party)
    other = {"country_code": "DE", "party_id": street.e.party.party_id}
    token.update({name: other[name] for name in changed})
    body = {"token": token, "location_id": "L", "reservation_id": "R-T", "expiry_date": timestamp(60)}
    answer = street.f.command(command, body, to=street.c.id)
    assert answer.outcome == (200, 2001) and "/token/" in answer.message, answer
    assert street.e.id not in answer.message.replace(token["party_id"], "")
    nobody_asked(street)


@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_a_command_with_the_own_token(street, spelling):
    for number, drop in enumerate(((), ("country_code",), ("party_id",), ("country_code", "party_id"))):
        token = {name: value for name, value in payloads.token(street.f.party).items() if name not in drop}
        for name in {"country_code", "party_id"} - set(drop):
            token[name] = spelling(token[name])
        answer = street.f.command("START_SESSION", {"token": token, "location_id": f"L{number}"}, to=street.c.id)
        assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer


def test_a_platform_with_two_emsps(hub, street):
    """As the one that OCPI-from names, with the other one's token: the two are two parties."""
    both = hub.onboard("EMSP", "EMSP")
    one, two = both.parties
    for party in (one, two):
        hub.ok("rule", "enable", party.id, street.c.id)
    body = payloads.start_session(two)
    answer = both.command("START_SESSION", body, to=street.c.id, sender=one.id)
    assert answer.outcome == (200, 2001) and "/token/party_id" in answer.message, answer
    nobody_asked(street)
    assert both.command("START_SESSION", body, to=street.c.id).data["result"] == "ACCEPTED"


@pytest.mark.parametrize("method, end", [("PUT", ""), ("PATCH", ""), ("PUT", "/authorize"), ("GET", "")])
def test_anothers_token_in_the_path(street, method, end):
    path = street.e.object_path("tokens", "CARD") + end
    body = payloads.token(street.e.party, "CARD") if method != "GET" and not end else None
    for caller, status in ((street.f, 403), (street.c, 403)):
        assert caller.call(method, path, body).status == status
    nobody_asked(street)


# ---------------------------------------------------------------- locations and pushes


@pytest.mark.parametrize("module, make", [("locations", lambda s: payloads.location(s.c.party, "L")), ("sessions", lambda s: payloads.session(s.c.party, s.e.party, "S-E")),
                                          ("tariffs", lambda s: payloads.tariff(s.c.party))], ids=["locations", "sessions", "tariffs"])
def test_pushes_to_anothers_place(street, module, make):
    body = make(street)
    path = street.c.object_path(module, body["id"])
    for caller in (street.d, street.e, street.f):
        answer = caller.call("PUT", path, body)
        assert answer.status == 403, answer
    own = street.d.object_path(module, body["id"])
    answer = street.d.call("PUT", own, body)
    assert answer.outcome == (200, 2001) and "/party_id" in answer.message, answer


def test_what_each_role_may_not_ask(street):
    """A CPO sends no commands and no charging profiles that set; an eMSP asks no eMSP for authorization."""
    assert street.c.command("STOP_SESSION", {"session_id": "S-E"}).status == 403
    assert street.c.call("GET", "chargingprofiles/S-E").status == 403
    assert street.c.call("PUT", "sessions/S-E/charging_preferences", {"profile_type": "FAST"}).status == 403
    assert street.e.call("POST", "tokens/CARD/authorize").status == 403
    assert street.e.get("tokens").status == 403
    nobody_asked(street)


# ---------------------------------------------------------------- callbacks


def test_a_callback_is_the_one_secret(hub, street):
    """Neither the number that listings show nor a piece of the secret is one; whoever has it ends that command only."""
    street.c.script("POST", "/commands/", Reply(data={"result": "ACCEPTED", "timeout": 60}))
    answer = street.e.command("START_SESSION", payloads.start_session(street.e.party, authorization_reference="CB"), to=street.c.id)
    assert answer.data["result"] == "ACCEPTED", answer
    request = street.c.wait("POST", "/commands/START", where=lambda r: r.json.get("authorization_reference") == "CB")
    url = request.json["response_url"]
    base, secret = url.rsplit("/", 1)
    row = next(row for row in hub.rows("command", "list") if row["emsp"] == street.e.id and row["state"] == "accepted")
    shown = hub.ok("--json", "command", "show", str(row["id"])).out
    assert secret not in shown
    for guess in (str(row["id"]), secret[:-1], secret + "A", secret.swapcase(), "%2e"):
        assert http_call("POST", f"{base}/{guess}", {"result": "REJECTED"}).code in (2003, 2001), guess
    assert hub.one("command", "show", str(row["id"]))["state"] == "accepted"
    assert http_call("POST", url, {"result": "ACCEPTED"}).outcome == (200, 1000)
