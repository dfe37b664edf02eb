"""Every endpoint of the hub's modules that takes a body, with a good body, and what would be left behind if a bad one were taken.

The tables of bad input run over these doors: whatever is refused must leave all that a door's `trace` sees as it was.
"""

from dataclasses import dataclass

from tests.e2e.harness import eventually
from tests.sim import http_call, payloads

T1, T2 = "2025-05-05T05:00:01Z", "2025-05-05T05:00:02Z"
JSON = {"Content-Type": "application/json"}


def mentions(platform, ident):
    """What a platform has been sent about `ident`: commands, authorizations, deliveries, results."""
    return [(r.method, r.target, r.body) for r in platform.received() if ident in r.target or ident.encode() in r.body]


def waiting(pair, ident):
    """The deliveries about `ident` that have not ended."""
    return [row["id"] for row in pair.hub.deliveries() if ident.upper() in row["object"].upper()]


def read(platform, path):
    answer = platform.get(path)
    return answer.outcome, answer.exact_data


@dataclass(frozen=True)
class Door:
    """An endpoint for a CPO or an eMSP of a pair.

    caller   "cpo" or "emsp"
    path     with {id}, {cpo} and {emsp} for "IN/ABC"
    body     (pair, ident) -> a good body; of a command without response_url
    before   (pair, ident): what must be there first
    empty    no body at all is a good one too
    """

    name: str
    caller: str
    method: str
    path: str
    body: object
    before: object = None
    empty: bool = False

    def prepare(self, pair, ident):
        if self.before:
            self.before(pair, ident)

    def good(self, pair, ident):
        made = self.body(pair, ident)
        return {**made, "response_url": f"{pair.emsp.url}/ocpi/callbacks/{ident}"} if self.path.startswith("commands/") else made

    def send(self, pair, ident, body, caller=None, **options):
        """The request with that body: a value, or bytes or text as they are."""
        owners = {role: f"{getattr(pair, role).party.country_code}/{getattr(pair, role).party.party_id}" for role in ("cpo", "emsp")}
        return (caller or getattr(pair, self.caller)).call(self.method, self.path.format(id=ident, **owners), body, **options)

    def trace(self, pair, ident):
        """What the CPO reads back under that id, what either was sent about it, and what waits to be sent."""
        stored = [read(pair.cpo, pair.cpo.object_path(module, ident)) for module in ("locations", "tariffs", "sessions", "cdrs")]
        return stored, mentions(pair.cpo, ident), mentions(pair.emsp, ident), waiting(pair, ident)


class Callback(Door):
    """The callback of a command, which takes no token."""

    first = {}  # number of the command by ident: older ones of the pair may end by themselves meanwhile

    def prepare(self, pair, ident):
        body = payloads.start_session(pair.emsp.party, ident, response_url=f"{pair.emsp.url}/ocpi/callbacks/{ident}")
        answer = pair.emsp.command("START_SESSION", body, to=pair.cpo.id)
        assert answer.outcome == (200, 1000), answer
        self.first[ident] = max(row["id"] for row in self.commands(pair))

    def commands(self, pair):
        return [row for row in pair.hub.rows("command", "list") if row["emsp"] == pair.emsp.id]

    def send(self, pair, ident, body, caller=None, **options):
        (request,) = pair.cpo.received("POST", "/commands/", where=lambda r: ident in r.body.decode())
        return http_call("POST", request.json["response_url"], body, JSON)

    def trace(self, pair, ident):
        return mentions(pair.emsp, ident), [row for row in self.commands(pair) if row["id"] >= self.first[ident]]


class Credentials(Door):
    """POST with an initial token, PUT with the hub token, each by a platform made for the case."""

    partners = {}  # by ident

    def prepare(self, pair, ident):
        if self.method == "PUT":
            partner = pair.hub.onboard("CPO")
        else:
            partner = pair.hub.add(pair.hub.platform("CPO"))
            partner.hub_token = pair.hub.issue(partner.id)
        self.partners[ident] = partner

    def good(self, pair, ident):
        partner = self.partners[ident]
        partner.accepted.add(f"new-{partner.token}")
        return partner.credentials(token=f"new-{partner.token}")

    def send(self, pair, ident, body, caller=None, **options):
        return self.partners[ident].call(self.method, "credentials", body)

    def trace(self, pair, ident):
        """What the account team sees of the party, and what its token opens."""
        partner = self.partners[ident]
        shown = pair.hub.one("party", "show", partner.id)
        return {key: shown[key] for key in shown if key not in ("last_seen", "heard", "reached")}, partner.get("/ocpi/versions").outcome


def put_location(pair, ident):
    answer = pair.cpo.put("locations", payloads.location(pair.cpo.party, ident, last_updated=T1))
    assert answer.outcome == (201, 1000), answer


def put_session(pair, ident):
    answer = pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident, last_updated=T1))
    assert answer.outcome == (201, 1000), answer
    pair.emsp.wait("PUT", f"/sessions/.*/{ident}$")
    eventually(lambda: not waiting(pair, ident), "its delivery is done")


def put_reservation(pair, ident):
    answer = pair.emsp.command("RESERVE_NOW", payloads.reserve_now(pair.emsp.party, ident, "NOWHERE"), to=pair.cpo.id)
    assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer


PREFERENCES = {"profile_type": "CHEAP", "departure_time": "2030-01-01T06:00:00Z", "energy_need": 12.5, "discharge_allowed": True}
LOCATION, SESSION = "locations/{cpo}/{id}", "sessions/{cpo}/{id}"
DOORS = [
    Door("PUT location", "cpo", "PUT", LOCATION, lambda pair, ident: payloads.location(pair.cpo.party, ident)),
    Door("PATCH location", "cpo", "PATCH", LOCATION, lambda pair, ident: {"name": "New", "last_updated": T2}, put_location),
    Door("PUT EVSE", "cpo", "PUT", LOCATION + "/EVSE001", lambda pair, ident: payloads.evse("EVSE001", "BLOCKED", T2), put_location),
    Door("PATCH EVSE", "cpo", "PATCH", LOCATION + "/EVSE001", lambda pair, ident: {"status": "BLOCKED", "last_updated": T2}, put_location),
    Door("PUT connector", "cpo", "PUT", LOCATION + "/EVSE001/1", lambda pair, ident: payloads.connector("1", power=7, last_updated=T2), put_location),
    Door("PATCH connector", "cpo", "PATCH", LOCATION + "/EVSE001/1", lambda pair, ident: {"max_voltage": 7, "last_updated": T2}, put_location),
    Door("PUT tariff", "cpo", "PUT", "tariffs/{cpo}/{id}", lambda pair, ident: payloads.tariff(pair.cpo.party, ident)),
    Door("PUT session", "cpo", "PUT", SESSION, lambda pair, ident: payloads.session(pair.cpo.party, pair.emsp.party, ident)),
    Door("PATCH session", "cpo", "PATCH", SESSION, lambda pair, ident: {"kwh": 7.5, "last_updated": T2}, put_session),
    Door("POST cdr", "cpo", "POST", "cdrs", lambda pair, ident: payloads.cdr(pair.cpo.party, pair.emsp.party, ident)),
    Door("authorize", "emsp", "PUT", "tokens/{emsp}/{id}/authorize", lambda pair, ident: {"location_id": "LOC001"}, empty=True),
    Door("authorize by CPO", "cpo", "POST", "tokens/{id}/authorize", lambda pair, ident: {"location_id": "LOC001"}, empty=True),
    Door("preferences", "emsp", "PUT", "sessions/{id}/charging_preferences", lambda pair, ident: dict(PREFERENCES), put_session),
    Door("START_SESSION", "emsp", "POST", "commands/START_SESSION", lambda pair, ident: payloads.start_session(pair.emsp.party, ident)),
    Door("STOP_SESSION", "emsp", "POST", "commands/STOP_SESSION", lambda pair, ident: {"session_id": ident}, put_session),
    Door("RESERVE_NOW", "emsp", "POST", "commands/RESERVE_NOW", lambda pair, ident: payloads.reserve_now(pair.emsp.party, ident)),
    Door("CANCEL_RESERVATION", "emsp", "POST", "commands/CANCEL_RESERVATION", lambda pair, ident: {"reservation_id": ident}, put_reservation),
    Door(
        "UNLOCK_CONNECTOR", "emsp", "POST", "commands/UNLOCK_CONNECTOR",
        lambda pair, ident: {"location_id": ident, "evse_uid": "EVSE001", "connector_id": "1"},
    ),
    Callback("callback", "cpo", "POST", "callback", lambda pair, ident: {"result": "ACCEPTED"}),
    Credentials("POST credentials", "cpo", "POST", "credentials", None),
    Credentials("PUT credentials", "cpo", "PUT", "credentials", None),
]  # fmt: skip
BY_NAME = {door.name: door for door in DOORS}

# What may not be missing, by door, as JSON pointers into its good body (hub 5, Validation).
ESSENTIAL = {
    "PUT location": "/country_code /party_id /id /last_updated /evses/0/uid /evses/1/status /evses/1/last_updated"
    " /evses/0/connectors/1/id /evses/1/connectors/0/last_updated",
    "PATCH location": "/last_updated",
    "PUT EVSE": "/uid /status /last_updated /connectors/0/id /connectors/1/last_updated",
    "PATCH EVSE": "/last_updated",
    "PUT connector": "/id /last_updated",
    "PATCH connector": "/last_updated",
    "PUT tariff": "/country_code /party_id /id /currency /elements /last_updated"
    " /elements/0/price_components/0/type /elements/1/price_components/0/price",
    "PUT session": "/country_code /party_id /id /start_date_time /kwh /cdr_token /cdr_token/country_code /cdr_token/party_id /cdr_token/uid"
    " /status /last_updated",
    "PATCH session": "/last_updated",
    "POST cdr": "/country_code /party_id /id /start_date_time /end_date_time /cdr_token /cdr_token/country_code /cdr_token/party_id"
    " /cdr_token/uid /currency /total_cost /total_energy /last_updated",
    "authorize": "/location_id",
    "authorize by CPO": "/location_id",
    "preferences": "",  # passed on to the CPO, which judges them
    "START_SESSION": "/response_url /token /token/uid /location_id",
    "STOP_SESSION": "/response_url /session_id",
    "RESERVE_NOW": "/response_url /token /token/uid /location_id /reservation_id /expiry_date",
    "CANCEL_RESERVATION": "/response_url /reservation_id",
    "UNLOCK_CONNECTOR": "/response_url /location_id",
    "callback": "/result",
    "POST credentials": "/token /url /roles /roles/0/role /roles/0/party_id /roles/0/country_code",
    "PUT credentials": "/token /url /roles /roles/0/role /roles/0/party_id /roles/0/country_code",
}
ESSENTIAL = {name: pointers.split() for name, pointers in ESSENTIAL.items()}
