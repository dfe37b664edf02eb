"""Whom a message is meant for that names nobody: of the parties that the caller may reach, the one at which the object can still be meant."""

import pytest

from tests.e2e.harness import SLOW
from tests.sim import Reply, payloads
from tests.sim.wire import timestamp


@pytest.fixture(scope="module")
def hub_settings():
    return {"command_forward_timeout": f"{SLOW:g}s", "forward_timeout": f"{SLOW:g}s"}


class Market:
    """An eMSP E with two routed CPOs C and D, and a CPO X that is not routed with it."""

    def __init__(self, hub):
        self.hub = hub
        self.emsp = hub.onboard("EMSP")
        self.c, self.d, self.x = (hub.onboard("CPO") for _ in range(3))
        for cpo in (self.c, self.d):
            hub.rule(self.emsp, cpo)

    def asked(self, pattern, method="*"):
        """Who got such messages, by letter."""
        return "".join(name for name in "cdx" for _ in getattr(self, name).received(method, pattern))


@pytest.fixture
def market(hub):
    return Market(hub)


def asks_back(answer):
    assert answer.outcome == (200, 2001) and "OCPI-to" in answer.message, answer


def not_routed(answer, *unnamed):
    assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer
    for party in unnamed:
        assert party.id not in answer.message and party.party.party_id not in answer.message, answer


def accepted(answer):
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer


def says(answer, result):
    assert answer.outcome == (200, 1000) and answer.data["result"] == result, answer


def place(cpo, ident, **changes):
    assert cpo.put("locations", payloads.location(cpo.party, ident, **changes)).code == 1000


def charge(cpo, emsp, ident, status="ACTIVE", uid="CARD", kind="RFID"):
    body = payloads.session(cpo.party, emsp.party, ident, status=status, cdr_token=payloads.cdr_token(emsp.party, uid, type=kind))
    assert cpo.put("sessions", body).code == 1000


def stop(emsp, ident, **options):
    return emsp.command("STOP_SESSION", {"session_id": ident}, **options)


# ---------------------------------------------------------------- sessions

ENDED = ["COMPLETED", "INVALID"]


@pytest.mark.parametrize("running", ["ACTIVE", "PENDING", "RESERVATION"])
@pytest.mark.parametrize("ended", ENDED)
def test_a_running_session_comes_before_an_ended_one(market, running, ended):
    """Ids come again: the driver stops the one that runs, whichever CPO comes first."""
    for runs, over, ident in ((market.c, market.d, "15"), (market.d, market.c, "16")):
        charge(runs, market.emsp, ident, running)
        charge(over, market.emsp, ident, ended)
        accepted(stop(market.emsp, ident))
    assert market.asked("/commands/STOP_SESSION") == "cd"


@pytest.mark.parametrize("status", ["ACTIVE", "COMPLETED"])
def test_two_sessions_of_the_same_kind_ask_back(market, status):
    for cpo in (market.c, market.d):
        charge(cpo, market.emsp, "15", status)
    asks_back(stop(market.emsp, "15"))
    assert market.asked("/commands/") == ""
    accepted(stop(market.emsp, "15", to=market.d.id))
    assert market.asked("/commands/") == "d"


def test_a_session_at_many_cpos(hub, market):
    """However many CPOs have that id, of whomever."""
    other = hub.onboard("EMSP")
    third = hub.onboard("CPO")
    charge(market.c, other, "1")
    charge(third, other, "1")
    charge(market.d, market.emsp, "1", "COMPLETED")
    accepted(stop(market.emsp, "1"))
    assert market.asked("/commands/") == "d"


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_other_messages_about_sessions_find_the_same(market, method):
    charge(market.c, market.emsp, "15")
    charge(market.d, market.emsp, "15", "COMPLETED")
    if method == "PUT":
        market.c.script("PUT", "charging_preferences$", Reply(data="ACCEPTED"))
        answer = market.emsp.call("PUT", "sessions/15/charging_preferences", {"profile_type": "FAST"})
    else:
        market.c.script("GET", "/chargingprofiles/", Reply(data={"result": "ACCEPTED", "timeout": 30}))
        answer = market.emsp.call("GET", "chargingprofiles/15", query={"duration": 60, "response_url": market.emsp.response_url()})
    assert answer.outcome == (200, 1000), answer
    assert market.asked("charging", method) == "c"


def test_own_session_at_a_cpo_without_a_rule(hub, market):
    """NOT_ROUTED that names nobody; at a routed CPO it is found in spite of the other."""
    hub.rule(market.emsp, market.x)
    charge(market.x, market.emsp, "S-X")
    charge(market.x, market.emsp, "S-B")
    hub.rule(market.emsp, market.x, "disable")
    not_routed(stop(market.emsp, "S-X"), market.x)
    charge(market.d, market.emsp, "S-B", "COMPLETED")
    accepted(stop(market.emsp, "S-B"))
    assert market.asked("/commands/") == "d"


def test_a_suspended_cpo_is_not_meant(hub, market):
    for cpo in (market.c, market.d):
        place(cpo, "L-SUS")
    hub.ok("party", "suspend", market.c.id, "--reason", "test")
    accepted(market.emsp.command("START_SESSION", payloads.start_session(market.emsp.party, "L-SUS")))
    assert market.asked("/commands/") == "d"
    place(market.d, "ELSEWHERE")
    accepted(market.emsp.command("START_SESSION", payloads.start_session(market.emsp.party, "NOWHERE")))


# ---------------------------------------------------------------- sessions that the hub never heard of


def test_unknown_sessions_go_where_they_are_wanted(hub, market):
    """party set --forward-unknown-sessions: to the only such CPO, or to the one named if it is such a one."""
    says(stop(market.emsp, "NEVER"), "UNKNOWN_SESSION")
    says(stop(market.emsp, "NEVER", to=market.c.id), "UNKNOWN_SESSION")
    assert market.asked("/commands/") == ""
    assert hub.ok("party", "set", market.c.id, "--forward-unknown-sessions").out == f"party {market.c.id} set\n"
    assert hub.ok("party", "set", market.c.id, "--forward-unknown-sessions").out == f"party {market.c.id} unchanged\n"
    assert hub.one("party", "show", market.c.id)["forward_unknown_sessions"] is True
    accepted(stop(market.emsp, "NEVER"))
    accepted(stop(market.emsp, "NEVER", to=market.c.id))
    says(stop(market.emsp, "NEVER", to=market.d.id), "UNKNOWN_SESSION")
    assert market.asked("/commands/") == "cc"
    hub.ok("party", "set", market.d.id, "--forward-unknown-sessions")
    asks_back(stop(market.emsp, "NEVER"))
    hub.ok("party", "set", market.c.id, "--refuse-unknown-sessions")
    accepted(stop(market.emsp, "NEVER"))
    assert market.asked("/commands/") == "ccd"
    hub.rule(market.emsp, market.d, "disable")
    says(stop(market.emsp, "NEVER"), "UNKNOWN_SESSION")
    refused = hub.ctl("party", "set", market.emsp.id, "--forward-unknown-sessions")
    assert refused.rc == 1 and "no CPO" in refused.err, refused


def test_a_foreign_session_is_no_unknown_one(hub, market):
    """The flag opens nobody else's session, nor tells that there is one."""
    other = hub.onboard("EMSP")
    hub.rule(other, market.c)
    hub.ok("party", "set", market.c.id, "--forward-unknown-sessions")
    charge(market.c, other, "THEIRS")
    answers = [stop(market.emsp, ident, to=to) for ident in ("THEIRS", "theirs") for to in (None, market.c.id)]
    for answer in answers:
        says(answer, "UNKNOWN_SESSION")
    hub.ok("party", "set", market.c.id, "--refuse-unknown-sessions")
    unknown = stop(market.emsp, "NEVER")
    assert {answer.message for answer in answers} == {unknown.message}
    assert market.asked("/commands/") == ""


# ---------------------------------------------------------------- reservations


def reserve(emsp, ident, location=None, **options):
    return emsp.command("RESERVE_NOW", payloads.reserve_now(emsp.party, ident, location or "NOWHERE", **options.pop("changes", {})), **options)


def cancel(emsp, ident, **options):
    return emsp.command("CANCEL_RESERVATION", {"reservation_id": ident}, **options)


@pytest.mark.parametrize("refusal", ["REJECTED", "NOT_SUPPORTED"])
def test_a_reservation_is_where_it_was_accepted(market, refusal):
    """C accepted, D refused later."""
    accepted(reserve(market.emsp, "R", to=market.c.id))
    market.d.script("POST", "/commands/RESERVE_NOW", Reply(data={"result": refusal, "timeout": 0}))
    says(reserve(market.emsp, "R", to=market.d.id), refusal)
    accepted(cancel(market.emsp, "r"))
    assert market.asked("/commands/CANCEL") == "c"


def test_a_reservation_whose_result_was_a_no(market):
    """The CommandResponse was ACCEPTED, the CommandResult decides."""
    accepted(reserve(market.emsp, "R", to=market.c.id))
    accepted(reserve(market.emsp, "R", to=market.d.id))
    request = market.d.wait("POST", "/commands/RESERVE_NOW")
    assert market.d.send_result(request, "EVSE_OCCUPIED").code == 1000
    accepted(cancel(market.emsp, "R"))
    assert market.asked("/commands/CANCEL") == "c"


def test_a_reservation_at_two_cpos_asks_back(market):
    for cpo in (market.c, market.d):
        accepted(reserve(market.emsp, "R", to=cpo.id))
    asks_back(cancel(market.emsp, "R"))
    accepted(cancel(market.emsp, "R", to=market.d.id))
    assert market.asked("/commands/CANCEL") == "d"


@pytest.mark.parametrize("how", ["cancelled", "cancelled by the CPO", "expired"])
def test_a_reservation_that_is_over_is_not_meant(market, how):
    """D's was earlier, and is over; while it is the only one, it is still the one."""
    changes = {"expiry_date": timestamp(-5)} if how == "expired" else {}
    accepted(reserve(market.emsp, "R", to=market.d.id, changes=changes))
    request = market.d.wait("POST", "/commands/RESERVE_NOW")
    assert market.d.send_result(request, "ACCEPTED").code == 1000
    if how == "cancelled":
        accepted(cancel(market.emsp, "R"))
        assert market.d.send_result(market.d.wait("POST", "/commands/CANCEL"), "ACCEPTED").code == 1000
    elif how == "cancelled by the CPO":
        assert market.d.send_result(request, "CANCELED_RESERVATION").code == 1000
    accepted(cancel(market.emsp, "R"))
    before = market.asked("/commands/CANCEL")
    accepted(reserve(market.emsp, "R", to=market.c.id))
    accepted(cancel(market.emsp, "R"))
    assert set(before) == {"d"} and market.asked("/commands/CANCEL") == "c" + before


def test_a_reservation_that_nobody_answered(market):
    """It may be held: it can be cancelled, but a firm one comes before it."""
    market.d.script("POST", "/commands/RESERVE_NOW", Reply(drop="close"))
    assert reserve(market.emsp, "R", to=market.d.id).code == 4002
    accepted(cancel(market.emsp, "R"))
    accepted(reserve(market.emsp, "R", to=market.c.id))
    accepted(cancel(market.emsp, "R"))
    assert market.asked("/commands/CANCEL") == "cd"


def test_an_unknown_reservation(market):
    for to in (None, market.c.id):
        says(cancel(market.emsp, "NEVER", to=to), "UNKNOWN_RESERVATION")
    market.c.script("POST", "/commands/RESERVE_NOW", Reply(data={"result": "REJECTED", "timeout": 0}))
    says(reserve(market.emsp, "NO", to=market.c.id), "REJECTED")
    says(cancel(market.emsp, "NO"), "UNKNOWN_RESERVATION")
    assert market.asked("/commands/CANCEL") == ""


def test_the_own_reservation_may_be_changed(market):
    for _ in range(2):
        accepted(reserve(market.emsp, "R", to=market.c.id))
    assert market.asked("/commands/RESERVE") == "cc"


# ---------------------------------------------------------------- locations


def started(market, location, **changes):
    return market.emsp.command("START_SESSION", payloads.start_session(market.emsp.party, location, **changes))


def authorized(market, location, *evses):
    body = {"location_id": location, **({"evse_uids": list(evses)} if evses else {})}
    return market.emsp.authorize("CARD", body)


def test_a_location_known_only_where_there_is_no_rule(hub, market):
    place(market.x, "L-X")
    for answer in (started(market, "L-X"), authorized(market, "L-X"), market.emsp.get("locations/L-X")):
        not_routed(answer, market.x)
    place(market.d, "L-X")
    accepted(started(market, "L-X"))
    assert authorized(market, "L-X").data["allowed"] == "ALLOWED"
    assert market.emsp.get("locations/L-X").data["party_id"] == market.d.party.party_id
    assert market.asked("commands|authorize") == "dd"
    assert market.c.get("locations/L-X").outcome == (404, 2003), "another CPO learns nothing"
    assert market.emsp.get("locations/NEVER").outcome == (404, 2003)


def test_removed_evses_are_not_meant(market):
    """C's EVSE E1 is REMOVED, D's is there; then a location all of whose EVSEs are."""
    removed, there = payloads.evse("E1", "REMOVED"), payloads.evse("E1")
    place(market.c, "L-R", evses=[removed, payloads.evse("E2")])
    place(market.d, "L-R", evses=[there])
    assert authorized(market, "L-R", "e1").data["allowed"] == "ALLOWED"
    accepted(started(market, "L-R", evse_uid="E1"))
    assert market.emsp.get("locations/L-R/E1").data["status"] == "AVAILABLE"
    assert market.asked("commands|authorize") == "dd"
    asks_back(authorized(market, "L-R"))
    asks_back(market.emsp.get("locations/L-R"))
    answer = market.c.patch("locations", "L-R/E2", {"status": "REMOVED", "last_updated": timestamp(1)})
    assert answer.code == 1000, answer
    assert authorized(market, "L-R").data["allowed"] == "ALLOWED"
    assert market.emsp.get("locations/L-R").data["party_id"] == market.d.party.party_id
    assert market.asked("commands|authorize") == "ddd"


@pytest.mark.parametrize("command", ["START_SESSION", "RESERVE_NOW", "UNLOCK_CONNECTOR"])
def test_commands_are_narrowed_by_their_evse(market, command):
    place(market.c, "L-N", evses=[payloads.evse("E1")])
    place(market.d, "L-N", evses=[payloads.evse("E2")])
    body = {
        "START_SESSION": payloads.start_session(market.emsp.party, "L-N"),
        "RESERVE_NOW": payloads.reserve_now(market.emsp.party, "R", "L-N"),
        "UNLOCK_CONNECTOR": {"location_id": "L-N", "connector_id": "1"},
    }[command]
    accepted(market.emsp.command(command, {**body, "evse_uid": "e2"}))
    assert market.asked("/commands/") == "d"
    asks_back(market.emsp.command(command, {**body, "evse_uid": "E3"}))


def test_the_same_location_at_two_cpos(market):
    for cpo in (market.c, market.d):
        place(cpo, "L-2", evses=[payloads.evse("E1")])
    for path in ("locations/L-2", "locations/l-2/E1", "locations/L-2/E1/1"):
        asks_back(market.emsp.get(path))
        answer = market.emsp.get(path, to=market.d.id)
        assert answer.outcome == (200, 1000) and answer.headers["OCPI-from-party-id"] == market.d.party.party_id, answer
    assert market.c.get("locations/L-2").data["party_id"] == market.c.party.party_id, "its own"
    not_routed(market.emsp.get("locations/L-2", to=market.x.id))


# ---------------------------------------------------------------- tokens


class Issuers:
    """A CPO with two routed eMSPs E and F, and an eMSP G that is not routed with it."""

    def __init__(self, hub):
        self.hub = hub
        self.cpo, self.elsewhere = hub.onboard("CPO"), hub.onboard("CPO")
        self.e, self.f, self.g = (hub.onboard("EMSP") for _ in range(3))
        for emsp in (self.e, self.f):
            hub.rule(emsp, self.cpo)
        for emsp in (self.e, self.f, self.g):
            hub.rule(emsp, self.elsewhere)

    def ask(self, uid, **options):
        return self.cpo.call("POST", f"tokens/{uid}/authorize", **options)

    def asked(self):
        return "".join(name for name in "efg" for _ in getattr(self, name).received("POST", "/tokens/[^/]+/authorize$"))


@pytest.fixture
def issuers(hub):
    return Issuers(hub)


def test_only_routed_users_count(issuers):
    """The card was last used at G, which this CPO may not ask: E had it before."""
    charge(issuers.elsewhere, issuers.e, "S1", uid="V")
    charge(issuers.elsewhere, issuers.g, "S2", uid="V")
    assert issuers.ask("v").outcome == (200, 1000)
    assert issuers.asked() == "e"
    charge(issuers.elsewhere, issuers.g, "S3", uid="ONLY-G")
    answer = issuers.ask("ONLY-G")
    asks_back(answer)
    assert issuers.g.party.party_id not in answer.message
    issuers.hub.rule(issuers.f, issuers.cpo, "disable")
    assert issuers.ask("ONLY-G").outcome == (200, 1000), "the only routed one"
    assert issuers.asked() == "ee"


@pytest.mark.parametrize("reply", [Reply(data={"result": "REJECTED", "timeout": 0}), Reply(code=2001), Reply(http=500), Reply(drop="close")])
def test_a_command_that_no_cpo_accepted_claims_no_token(issuers, reply):
    """F sends a START with E's uid, which the CPO does not take."""
    charge(issuers.elsewhere, issuers.e, "S1", uid="V")
    issuers.elsewhere.script("POST", "/commands/", reply)
    body = payloads.start_session(issuers.f.party)
    body["token"]["uid"] = "V"
    issuers.f.command("START_SESSION", body, to=issuers.elsewhere.id)
    assert issuers.ask("V").outcome == (200, 1000)
    assert issuers.asked() == "e"


def test_users_in_conflict_ask_back(issuers):
    charge(issuers.elsewhere, issuers.e, "S1", uid="V")
    body = payloads.start_session(issuers.f.party)
    body["token"]["uid"] = "V"
    accepted(issuers.f.command("START_SESSION", body, to=issuers.elsewhere.id))
    asks_back(issuers.ask("V"))
    assert issuers.asked() == ""
    assert issuers.ask("V", to=issuers.e.id).outcome == (200, 1000)
    assert issuers.asked() == "e"


def test_the_type_tells_tokens_apart(issuers):
    """One uid, E's card and F's app."""
    charge(issuers.elsewhere, issuers.e, "S1", uid="V", kind="RFID")
    charge(issuers.elsewhere, issuers.f, "S2", uid="V", kind="APP_USER")
    asks_back(issuers.ask("V"))
    for kind, name in (("RFID", "e"), ("APP_USER", "f"), ("app_user", "f")):
        assert issuers.ask("V", query={"type": kind}).outcome == (200, 1000), kind
    assert issuers.asked() == "eff"
    answer = issuers.ask("V", query=[("type", "RFID"), ("TYPE", "APP_USER")])
    assert answer.outcome == (200, 2001) and "type" in answer.message, answer


def test_the_list_of_tokens(hub):
    """GET tokens picks the only routed eMSP, as POST authorize does."""
    pair = hub.pair()
    stranger = hub.onboard("EMSP")
    assert pair.cpo.get("tokens").outcome == (200, 1000)
    assert len(pair.emsp.received("GET", "/tokens$")) == 1
    hub.rule(stranger, pair.cpo)
    asks_back(pair.cpo.get("tokens"))
    hub.rule(stranger, pair.cpo, "disable")
    hub.rule(pair.emsp, pair.cpo, "disable")
    not_routed(pair.cpo.get("tokens"), pair.emsp, stranger)
    assert stranger.received("GET", "/tokens$") == []
