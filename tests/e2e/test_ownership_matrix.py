"""Who may do what with whose object: a table. Each object that a message names belongs to C and E; everybody else gets the answer that
stands here, nothing of it is changed, and nobody is asked who has nothing to do with it.

    C  the CPO that owns it             D  another CPO             E  the eMSP that it is for      F  another eMSP, routed with C too
    G  an eMSP without a rule           S  an eMSP that is suspended    X  nobody: a token that is none
    H  a platform with a CPO and an eMSP of its own, routed with C: once as each of them, and once with OCPI-from that names E or C
"""

from urllib.parse import quote

import pytest

from tests.e2e.harness import SLOW
from tests.sim import payloads
from tests.sim.wire import timestamp

NO = (403, 2001)  # the role or the path is another's
OUT = (401, 2002)
UNKNOWN = (404, 2003)
SAYS = (200, 2001)
UNROUTED = (200, 2000)
OK = (200, 1000)
METHOD = (405, 2000)
NONE = "UNKNOWN_SESSION"


@pytest.fixture(scope="module")
def hub_settings():
    return {"command_forward_timeout": f"{SLOW:g}s", "forward_timeout": f"{SLOW:g}s"}


class Who:
    """A platform, and as whom it calls."""

    def __init__(self, platform, sender=None, token=None):
        self.platform, self.sender, self.token = platform, sender, token

    def call(self, method, path, body=None, **options):
        return self.platform.call(method, path, body, sender=self.sender, token=self.token, **options)


@pytest.fixture(scope="module")
def town(hub):
    c, d = hub.onboard("CPO"), hub.onboard("CPO")
    e, f, g, s = (hub.onboard("EMSP") for _ in range(4))
    h = hub.onboard("CPO", "EMSP")
    hc, he = h.parties
    for emsp in (e.id, f.id, s.id, he.id):
        hub.ok("rule", "enable", emsp, c.id)
    hub.ok("rule", "enable", e.id, d.id)
    hub.ok("rule", "enable", e.id, hc.id)
    assert c.put("locations", payloads.location(c.party, "L", evses=[payloads.evse("EV")])).code == 1000
    assert c.put("tariffs", payloads.tariff(c.party, "T")).code == 1000
    assert c.put("sessions", payloads.session(c.party, e.party, "SES")).code == 1000
    assert c.call("POST", "cdrs", payloads.cdr(c.party, e.party, "CDR")).code == 1000
    assert e.command("RESERVE_NOW", payloads.reserve_now(e.party, "RES", "L")).data["result"] == "ACCEPTED"
    hub.ok("party", "suspend", s.id, "--reason", "test")
    callers = {
        "C": Who(c),
        "D": Who(d),
        "E": Who(e),
        "F": Who(f),
        "G": Who(g),
        "S": Who(s),
        "X": Who(f, token="nobody-has-this-token-anywhere-0000000000000"),
        "Hc": Who(h, hc.id),
        "He": Who(h, he.id),
        "H as E": Who(h, e.id),
        "H as C": Who(h, c.id),
    }
    return {"hub": hub, "c": c, "e": e, "d": d, "f": f, "h": h, "callers": callers}


def stamp():
    return timestamp(1)


# The act, with what names the object spelt `{}`-wise by C's and E's ids: method, path, body, and who gets what. "*": all others.
def acts(c, e):
    own = f"{c.party.country_code}/{c.party.party_id}"
    card = f"tokens/{e.party.country_code}/{e.party.party_id}/CARD"
    profile = {"charging_profile": {"charging_rate_unit": "W"}, "response_url": "{url}"}
    active = {"start_date_time": stamp(), "charging_profile": {"charging_rate_unit": "W"}}
    cpos = {"D": NO, "Hc": NO, "S": OUT, "X": OUT, "H as E": SAYS, "H as C": SAYS}
    push = {**cpos, "*": NO}  # whoever is no CPO may not, and the path is C's
    read = {"C": OK, "E": OK, "F": OK, "He": OK, "G": UNROUTED, **cpos}
    commands = {"E": OK, "F": NONE, "G": NONE, "He": NONE, "C": NO, **cpos}
    return {
        "put location": ("PUT", f"locations/{own}/L", payloads.location(c.party, "L", name="STOLEN"), push),
        "patch location": ("PATCH", f"locations/{own}/L", {"name": "STOLEN", "last_updated": stamp()}, push),
        "delete location": ("DELETE", f"locations/{own}/L", None, {"S": OUT, "X": OUT, "*": METHOD}),
        "put evse": ("PUT", f"locations/{own}/L/EV", payloads.evse("EV", "BLOCKED"), push),
        "patch evse": ("PATCH", f"locations/{own}/L/EV", {"status": "BLOCKED", "last_updated": stamp()}, push),
        "put connector": ("PUT", f"locations/{own}/L/EV/1", payloads.connector("1", power=1), push),
        "get location": ("GET", f"locations/{own}/L", None, read),
        "get evse": ("GET", f"locations/{own}/L/EV", None, read),
        "get connector": ("GET", f"locations/{own}/L/EV/1", None, read),
        "put tariff": ("PUT", f"tariffs/{own}/T", payloads.tariff(c.party, "T", currency="EUR"), push),
        "delete tariff": ("DELETE", f"tariffs/{own}/T", None, push),
        "get tariff": ("GET", f"tariffs/{own}/T", None, read),
        "put session": ("PUT", f"sessions/{own}/SES", payloads.session(c.party, e.party, "SES", kwh=999.0), push),
        "patch session": ("PATCH", f"sessions/{own}/SES", {"kwh": 999, "last_updated": stamp()}, push),
        "get session": ("GET", f"sessions/{own}/SES", None, {"C": OK, **push}),
        "get cdr": ("GET", f"cdrs/{own}/CDR", None, {"C": OK, **push}),
        "list sessions": ("GET", "sessions", None, {"S": OUT, "X": OUT, "*": METHOD}),
        "list cdrs": ("GET", "cdrs", None, {"S": OUT, "X": OUT, "*": METHOD}),
        "post cdr": ("POST", "cdrs", payloads.cdr(c.party, e.party, "CDR-NEW"), {"D": NO, "Hc": NO, "S": OUT, "X": OUT, "H as E": SAYS, "H as C": SAYS, "*": NO}),
        "put token": ("PUT", card, payloads.token(e.party, "CARD"), {"S": OUT, "X": OUT, "H as E": SAYS, "H as C": SAYS, "*": NO}),
        "patch token": ("PATCH", card, {"valid": False, "last_updated": stamp()}, {"S": OUT, "X": OUT, "H as E": SAYS, "H as C": SAYS, "*": NO}),
        "get token": ("GET", card, None, {"S": OUT, "X": OUT, "H as E": SAYS, "H as C": SAYS, "*": NO}),
        "authorize": ("PUT", card + "/authorize", None, {"S": OUT, "X": OUT, "H as E": SAYS, "H as C": SAYS, "*": NO}),
        "stop": ("POST", "commands/STOP_SESSION", {"session_id": "SES", "response_url": "{url}"}, commands),
        "cancel": ("POST", "commands/CANCEL_RESERVATION", {"reservation_id": "RES", "response_url": "{url}"}, {**commands, "F": "UNKNOWN_RESERVATION", "G": "UNKNOWN_RESERVATION", "He": "UNKNOWN_RESERVATION"}),
        "reserve": ("POST", "commands/RESERVE_NOW", {"token": {"uid": "U", "type": "RFID"}, "reservation_id": "RES", "location_id": "L", "expiry_date": timestamp(60), "response_url": "{url}"},
                    {**commands, "F": "REJECTED", "G": UNROUTED, "He": "REJECTED"}),  # fmt: skip
        "start with its token": ("POST", "commands/START_SESSION", {"token": payloads.token(e.party), "location_id": "L", "response_url": "{url}"}, {**commands, "F": SAYS, "G": SAYS, "He": SAYS}),
        "set profile": ("PUT", "chargingprofiles/SES", profile, {**commands, "C": OK, "D": UNKNOWN, "Hc": UNKNOWN}),
        "get profile": ("GET", "chargingprofiles/SES?duration=1&response_url={url}", None, commands),
        "clear profile": ("DELETE", "chargingprofiles/SES?response_url={url}", None, commands),
        "tell profile": ("PUT", "chargingprofiles/SES", active, {"E": SAYS, "F": SAYS, "G": SAYS, "He": SAYS, **cpos, "D": UNKNOWN, "Hc": UNKNOWN}),
        "preferences": ("PUT", "sessions/SES/charging_preferences", {"profile_type": "FAST"}, {**commands, "F": UNKNOWN, "G": UNKNOWN, "He": UNKNOWN}),
        "clientinfo": ("GET", f"hubclientinfo/{own}", None, {"S": OUT, "X": OUT, "*": OK}),
        "put clientinfo": ("PUT", f"hubclientinfo/{own}", {"status": "SUSPENDED"}, {"S": OUT, "X": OUT, "*": METHOD}),
    }


NAMES = ["put location", "patch location", "delete location", "put evse", "patch evse", "put connector", "get location", "get evse", "get connector", "put tariff", "delete tariff", "get tariff", "put session",
         "patch session", "get session", "get cdr", "list sessions", "list cdrs", "post cdr", "put token", "patch token", "get token", "authorize", "stop", "cancel", "reserve", "start with its token",
         "set profile", "get profile", "clear profile", "tell profile", "preferences", "clientinfo", "put clientinfo"]  # fmt: skip
OWNERS = {"C", "E"}


def state(town):
    """What C and E have, as the hub shows it, and whom the hub has asked."""
    c = town["c"]
    paths = [c.object_path("locations", "L"), c.object_path("tariffs", "T"), c.object_path("sessions", "SES"), c.object_path("cdrs", "CDR")]
    asked = sum(len(town[name].received("*", "/ocpi/2.2.1/(commands|tokens|chargingprofiles)|charging_preferences")) for name in ("c", "d", "e", "f", "h"))
    return [c.get(path).data for path in paths], asked


def outcome(answer, expected):
    if isinstance(expected, str):
        return answer.data["result"] if answer.outcome == OK and isinstance(answer.data, dict) else answer.outcome
    return answer.outcome


def test_the_table_has_all(town):
    assert list(acts(town["c"], town["e"])) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_act(town, name):
    method, path, body, expected = acts(town["c"], town["e"])[name]
    before, wrong = state(town), {}
    for letter, who in town["callers"].items():
        wanted = expected.get(letter, expected.get("*"))
        if wanted is None or (letter in OWNERS and wanted == OK):
            continue  # the owner's own
        if letter in OWNERS and letter not in expected and name not in ("delete location", "clientinfo", "put clientinfo", "list sessions", "list cdrs"):
            continue
        url = who.platform.response_url()
        sent = {key: url if value == "{url}" else value for key, value in body.items()} if body else body
        answer = who.call(method, path.replace("{url}", quote(url, safe="")), sent)
        if outcome(answer, wanted) != wanted:
            wrong[letter] = (str(answer)[:300], wanted)
    assert not wrong, wrong
    assert state(town) == before


# ---------------------------------------------------------------- spellings of ids


@pytest.mark.parametrize("ident, like", [("KELVIN", "\u212aELVIN"), ("SHARP", "\u017fHARP"), ("IDOT", "\u0130DOT"), ("IDOT", "\u0131dot"), ("STRASSE", "STRA\u00dfE"), ("FI", "\ufb01"), ("WIDE", "\uff37IDE")])
def test_only_ascii_folds(town, ident, like):
    """Two ids are one when they differ in ASCII's case alone: what Unicode folds to the same is another object, at no receiver E's."""
    c, e, f = town["c"], town["e"], town["f"]
    assert c.put("sessions", payloads.session(c.party, e.party, ident)).code == 1000
    before = state(town)[1]
    for caller in (f, e):
        answer = caller.command("STOP_SESSION", {"session_id": like})
        assert answer.outcome == (200, 2001) and "/session_id" in answer.message, answer
    assert state(town)[1] == before
    assert e.command("STOP_SESSION", {"session_id": ident.lower()}).data["result"] == "ACCEPTED"


# ---------------------------------------------------------------- credentials


def test_roles_of_anothers_platform(town):
    """A PUT that claims C's or E's party, alone or beside the own: refused, and nothing has moved."""
    h, c, e = town["h"], town["c"], town["e"]
    own = [party.credentials_role() for party in h.parties]
    for other in (c.party, e.party):
        for roles in ([other.credentials_role()], own + [other.credentials_role()]):
            assert h.call("PUT", "credentials", h.credentials(roles=roles)).outcome == SAYS
    lower = dict(c.party.credentials_role(), party_id=c.party.party_id.lower())
    assert h.call("PUT", "credentials", h.credentials(roles=[lower])).outcome == SAYS
    assert c.get(c.object_path("locations", "L")).outcome == OK and e.get(c.object_path("locations", "L")).outcome == OK


# ---------------------------------------------------------------- bodies that name another


@pytest.mark.parametrize("sender", ["hc", None])
def test_a_body_that_names_another(town, sender):
    """The path is the own party's, the body says C, in any case."""
    h, c, e = town["h"], town["c"], town["e"]
    hc = h.parties[0]
    before = state(town)
    for party_id in (c.party.party_id, c.party.party_id.lower()):
        for module, make in (("locations", payloads.location), ("tariffs", payloads.tariff)):
            body = dict(make(hc, "MINE"), party_id=party_id)
            assert h.call("PUT", h.object_path(module, "MINE", hc), body, sender=sender and hc.id).outcome == SAYS
        body = dict(payloads.session(hc, e.party, "MINE"), party_id=party_id)
        assert h.call("PUT", h.object_path("sessions", "MINE", hc), body, sender=sender and hc.id).outcome == SAYS
        assert h.call("POST", "cdrs", dict(payloads.cdr(hc, e.party, "MINE"), party_id=party_id), sender=sender and hc.id).outcome == NO
    assert state(town) == before
