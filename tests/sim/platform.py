"""One simulated partner platform: its parties, its OCPI interfaces, and what it can ask of the hub."""

import base64
import functools
import itertools
import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.sim import payloads
from tests.sim.client import call, http_call, routing_headers
from tests.sim.wire import MESSAGE_IDS, Reply, Script, Server

# module: roles of ours that offer it, and as what
INTERFACES = {
    "CPO": [("tokens", "RECEIVER"), ("commands", "RECEIVER"), ("chargingprofiles", "RECEIVER"), ("locations", "SENDER"),
            ("tariffs", "SENDER"), ("sessions", "SENDER"), ("cdrs", "SENDER")],
    "EMSP": [("sessions", "RECEIVER"), ("cdrs", "RECEIVER"), ("locations", "RECEIVER"), ("tariffs", "RECEIVER"),
             ("tokens", "SENDER"), ("commands", "SENDER"), ("chargingprofiles", "SENDER")],
}

PAGE = 50  # objects of a list at once
STRANGER = "HUBCHECK"  # how uids begin that nobody has issued


@dataclass(frozen=True)
class Party:
    """A party that a platform hosts."""

    country_code: str
    party_id: str
    role: str
    name: str = ""

    @property
    def id(self):
        return f"{self.country_code}-{self.party_id}"

    @classmethod
    def parse(cls, text, role, name=""):
        country, _, ident = text.partition("-")
        return cls(country, ident, role, name or f"{ident} {'Charging' if role == 'CPO' else 'Mobility'}")

    def credentials_role(self):
        return {
            "role": self.role,
            "party_id": self.party_id,
            "country_code": self.country_code,
            "business_details": {"name": self.name, "website": "https://example.com", "gstin": "29ABCDE1234F1Z5"},
        }


class Platform:
    """A partner system with one or more parties.

    hub        the hub's base URL, such as http://127.0.0.1:8080
    token      what the hub must present to us (made up when not given)
    encodings  the forms of it that we accept: {"raw", "base64"} or one of them
    sends      the form in which we send the hub's token: "base64" or "raw"
    hide       modules that the version details leave out
    versions   whether the url in our credentials ends in /versions (else /2.2.1)
    clientinfo whether the version details offer a receiver of HubClientInfo; most partners' software has none
    tail       what the endpoints' URLs in the version details end in
    habits     how it answers, of those in tests.sim.habits; the first one is outermost
    scheme     the word before the token in our requests
    joins      what it puts between an endpoint's URL and the ids behind it
    spells     how it writes the ids in URLs and routing headers, such as str.lower
    ids        False: its requests have no X-Request-ID and no X-Correlation-ID

    offers     module: the objects that its lists hold, to be changed at any time

    A platform can also wait for the hub to begin the exchange: invite() gives the token to hand out, then POST and PUT
    of credentials are taken as OCPI says, calling the hub back before the answer. Attributes for that:

    claims     fields of our credentials that are replaced in the answer
    renews     whether the answer to a PUT brings a new token of ours
    """

    def __init__(self, hub, *parties, token=None, encodings=("raw", "base64"), sends="base64", hide=(), versions=True, tail="", clientinfo=False, port=0,
                 habits=(), scheme="Token", joins="/", spells=str, ids=True):  # fmt: skip
        self.hub = hub.rstrip("/")
        self.parties = parties
        self.party = parties[0]
        self.token = token or secrets.token_urlsafe(24)
        self.accepted = {self.token}
        self.encodings = set(encodings)
        self.sends = sends
        self.hide = set(hide)
        self.clientinfo = clientinfo
        self.tail = tail
        self.credentials_end = "versions" if versions else "2.2.1"
        self.habits = tuple(habits)
        self.scheme, self.joins, self.spells, self.ids = scheme, joins, spells, ids
        self.hub_token = None
        self.invitations = set()
        self.claims = {}
        self.renews = False
        self.auto_result = None
        self.objects = {}
        self.offers = {}
        self._scripts = []
        self._numbers = itertools.count(1)
        self.server = Server(self._answer, name="+".join(party.id for party in parties), port=port)
        self.journal = self.server.journal

    @property
    def id(self):
        return self.party.id

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.port}"

    def close(self):
        self.server.down()

    # ---------------------------------------------------------------- what it does when it is called

    def script(self, method, pattern, *replies, forever=False):
        """From now on requests whose path matches get these answers: each once, in order (`forever`: the last stays).

        A reply is a Reply or a function from Received to Reply. The newest script wins. Returns it, for unscript().
        """
        entry = Script(method, pattern, replies, forever)
        self._scripts.insert(0, entry)
        return entry

    def unscript(self, entry=None):
        """Takes one script back, or all of them."""
        self._scripts = [] if entry is None else [other for other in self._scripts if other is not entry]

    def down(self):
        self.server.down()

    def up(self):
        self.server.up()

    def _answer(self, request):
        if request.path.startswith("/_sim/"):
            return self._control(request)
        for entry in self._scripts:
            reply = entry.take(request)
            if reply is not None:
                return reply
        answer = self._serve
        for habit in reversed(self.habits):
            answer = functools.partial(habit, answer=answer)
        return answer(request)

    def _serve(self, request):
        if not request.path.startswith("/ocpi/callbacks/") and not self._authorized(request):
            return Reply(http=401, code=2002, message="unknown token", headers={"WWW-Authenticate": "Token"})
        for method, pattern, handler in self.ROUTES:
            match = re.fullmatch(pattern, request.path.rstrip("/"))
            if match and method == request.method:
                return handler(self, request, *match.groups())
        return Reply(http=404, code=2003, message="no such path")

    def _presented(self, request):
        """The one of our tokens that the caller has; None."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        for token in self.accepted | self.invitations if scheme.lower() == "token" else ():
            forms = {"raw": token, "base64": base64.b64encode(token.encode()).decode()}
            if value in {forms[encoding] for encoding in self.encodings}:
                return token
        return None

    def _authorized(self, request):
        return self._presented(request) is not None

    def _control(self, request):
        """POST /_sim/script {"method", "path", "reply": {…}, "forever"} and DELETE, for scripting from outside the process."""
        if request.method == "DELETE":
            self.unscript()
            return Reply(message="scripts removed")
        wanted = request.json or {}
        fields = dict(wanted.get("reply") or {})
        if isinstance(fields.get("body"), str):
            fields["body"] = fields["body"].encode()
        try:
            self.script(wanted.get("method", "*"), wanted["path"], Reply(**fields), forever=wanted.get("forever", False))
        except (KeyError, TypeError, re.error) as error:
            return Reply(http=400, code=2001, message=str(error))
        return Reply(message="scripted")

    def _versions(self, request):
        return Reply(data=[{"version": "2.2.1", "url": f"{self.url}/ocpi/2.2.1"}])

    def _details(self, request):
        endpoints = [{"identifier": "credentials", "role": "SENDER", "url": f"{self.url}/ocpi/2.2.1/credentials{self.tail}"}]
        listed = dict.fromkeys(pair for party in self.parties for pair in INTERFACES[party.role])
        if self.clientinfo:
            listed["hubclientinfo", "RECEIVER"] = None
        endpoints += [
            {"identifier": module, "role": role, "url": f"{self.url}/ocpi/2.2.1/{module}{self.tail}"}
            for module, role in listed
            if module not in self.hide
        ]
        return Reply(data={"version": "2.2.1", "endpoints": endpoints})

    def invite(self):
        """A token for a hub that begins the exchange (OCPI's CREDENTIALS_TOKEN_A); until it is used no other is accepted."""
        token = secrets.token_urlsafe(24)
        self.accepted, self.invitations = set(), {token}
        return token

    def _exchange(self, request):
        """The hub's POST or PUT of its credentials: 405 where the other one is due."""
        token = self._presented(request)
        if (request.method == "POST") != (token in self.invitations):
            return Reply(http=405, code=2000, message="not now")
        return Reply(before=lambda: self._take_credentials(request, token))

    def _take_credentials(self, request, token):
        given = request.json
        versions = call("GET", given["url"], token=given["token"], encoding=self.sends)
        if versions.outcome != (200, 1000):
            return Reply(code=3001, message=f"the hub's versions: {versions.status}")
        self.hub_token = given["token"]
        if token in self.invitations or self.renews:
            self.token = secrets.token_urlsafe(24)
            self.accepted = {self.token} if token in self.invitations else self.accepted | {self.token}
        self.invitations.discard(token)
        return Reply(data=self.credentials(**self.claims))

    def _authorize(self, request, country, party, uid):
        if uid.startswith(STRANGER):
            return Reply(data={"allowed": "NOT_ALLOWED"})
        return Reply(data=payloads.authorization_info(country, party, uid, location=request.json))

    def _authorize_standard(self, request, uid):
        if uid.startswith(STRANGER):
            return Reply(http=404, code=2004, message="no such token")
        return Reply(data=payloads.authorization_info(self.party.country_code, self.party.party_id, uid, location=request.json))

    def _command(self, request, command):
        reply = Reply(data={"result": "ACCEPTED", "timeout": 30})
        if self.auto_result:
            reply.after = lambda: self.send_result(request, self.auto_result)
        return reply

    def _store(self, request, *path):
        created = request.path not in self.objects
        self.objects[request.path] = request.body
        return Reply(http=201 if created else 200)

    def _load(self, request, *path):
        if request.path not in self.objects:
            return Reply(http=404, code=2003)
        return Reply(body=b'{"status_code":1000,"data":' + self.objects[request.path] + b',"timestamp":"2025-01-01T00:00:00Z"}')

    def _list(self, request, module):
        """A page of what we offer, filtered and cut as the query says."""
        query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        first, last = query.get("date_from", ""), query.get("date_to", "9999")
        found = [entry for entry in self.offers.get(module, []) if first <= entry["last_updated"] < last]
        offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", PAGE)), PAGE)
        headers = {"X-Total-Count": str(len(found)), "X-Limit": str(PAGE)}
        if offset + limit < len(found):
            behind = urlencode({**query, "offset": offset + limit, "limit": limit})
            headers["Link"] = f'<{self.url}{request.path}?{behind}>; rel="next"'
        return Reply(data=found[offset : offset + limit], headers=headers)

    def _cdr(self, request):
        name = f"/ocpi/2.2.1/cdrs/{(request.json or {}).get('id', 'unknown')}"
        self.objects[name] = request.body
        return Reply(http=201, headers={"Location": self.url + name})

    def _fine(self, request, *path):
        return Reply()

    OBJECT = r"/ocpi/2\.2\.1/(?:sessions|locations|tariffs|hubclientinfo)/.+"
    ROUTES = [
        ("GET", r"/ocpi/versions", _versions),
        ("GET", r"/ocpi/2\.2\.1", _details),
        ("GET", r"/ocpi/2\.2\.1/(locations|tariffs|sessions|cdrs|tokens)", _list),
        ("POST", r"/ocpi/2\.2\.1/credentials", _exchange),
        ("PUT", r"/ocpi/2\.2\.1/credentials", _exchange),
        ("PUT", r"/ocpi/2\.2\.1/tokens/([^/]+)/([^/]+)/([^/]+)/authorize", _authorize),
        ("POST", r"/ocpi/2\.2\.1/tokens/([^/]+)/authorize", _authorize_standard),
        ("POST", r"/ocpi/2\.2\.1/commands/([A-Z_]+)", _command),
        ("POST", r"/ocpi/callbacks/.+", _fine),
        ("PUT", OBJECT, _store),
        ("PATCH", OBJECT, _fine),
        ("DELETE", OBJECT, _fine),
        ("GET", OBJECT, _load),
        ("POST", r"/ocpi/2\.2\.1/cdrs", _cdr),
        ("GET", r"/ocpi/2\.2\.1/cdrs/.+", _load),
    ]

    # ---------------------------------------------------------------- what it received

    def _matcher(self, method, pattern, where):
        expression = re.compile(pattern)
        return lambda r: method in ("*", r.method) and expression.search(r.path) and (where is None or where(r))

    def wait(self, method, pattern, where=None, count=1, seconds=15):
        """Waits for the count-th request with that method, path (regular expression) and condition; returns it."""
        return self.journal.wait(self._matcher(method, pattern, where), count, seconds, f"{method} {pattern}")

    def received(self, method="*", pattern="", where=None):
        return self.journal.all(self._matcher(method, pattern, where))

    # ---------------------------------------------------------------- what it asks of the hub

    def call(self, method, path, body=None, *, token=None, to=None, sender=None, headers=None, query=None, encoding=None, seconds=30):
        """A request to the hub. `path` is below /ocpi/2.2.1/, or the whole path when it begins with a slash, or a URL."""
        if "://" not in path:
            module, slash, rest = path.partition("/")
            below = f"/ocpi/2.2.1/{module}{slash and self.joins}{rest}"
            path = self.hub + (path if path.startswith("/") else below)
        own = {} if self.ids else dict.fromkeys(MESSAGE_IDS)
        return call(
            method,
            path,
            body,
            token=token or self.hub_token,
            encoding=encoding or self.sends,
            scheme=self.scheme,
            query=query,
            headers={**own, **routing_headers(sender and self.spells(sender), to and self.spells(to)), **(headers or {})},
            seconds=seconds,
        )

    def credentials(self, **changes):
        """Our credentials object, with fields replaced."""
        roles = [party.credentials_role() for party in self.parties]
        return {"token": self.token, "url": f"{self.url}/ocpi/{self.credentials_end}", "roles": roles, **changes}

    def post_credentials(self, initial_token, **changes):
        """POST with the initial token; keeps the hub token that comes back."""
        answer = self.call("POST", "credentials", self.credentials(**changes), token=initial_token)
        if answer.status == 200 and answer.code == 1000:
            self.hub_token = answer.data["token"]
        return answer

    def put_credentials(self, new_token=None, **changes):
        """PUT with the hub token; with `new_token` a rotation. Keeps the hub token that comes back."""
        if new_token:
            self.accepted.add(new_token)
            self.token = new_token
        answer = self.call("PUT", "credentials", self.credentials(**changes))
        if answer.status == 200 and answer.code == 1000:
            self.hub_token = answer.data["token"]
        return answer

    def register(self, initial_token):
        """The whole exchange as a partner does it: versions, details, POST, PUT. AssertionError where a step fails."""
        versions = self.call("GET", "/ocpi/versions", token=initial_token)
        assert versions.outcome == (200, 1000), versions
        details = next(entry["url"] for entry in versions.data if entry["version"] == "2.2.1")
        answer = self.call("GET", urlsplit(details).path, token=initial_token)
        assert answer.outcome == (200, 1000), answer
        for step in (lambda: self.post_credentials(initial_token), self.put_credentials):
            answer = step()
            assert answer.outcome == (200, 1000), answer
        return answer

    def object_path(self, module, ident, party=None):
        party = party or self.party
        return f"{module}/" + self.spells(f"{party.country_code}/{party.party_id}/{ident}")

    def put(self, module, body, ident=None, **options):
        """PUT of a client-owned object (dict, or text with `ident`) below the owner's path."""
        return self.call("PUT", self.object_path(module, ident or body["id"]), body, **options)

    def patch(self, module, ident, body, **options):
        return self.call("PATCH", self.object_path(module, ident), body, **options)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def pages(self, module, **query):
        """Answers of a paginated list, following Link rel="next" to the end."""
        answer = self.get(module, query=query)
        answers = [answer]
        while link := re.search(r'<([^>]+)>\s*;\s*rel="?next"?', answer.headers.get("Link", "")):
            assert len(answers) < 1000, "the Link never ends"
            answer = self.get(link[1])
            answers.append(answer)
        return answers

    def authorize(self, uid, location=None, query=None, **options):
        path = self.object_path("tokens", uid) + "/authorize"
        return self.call("PUT", path, location, query=query, **options)

    def response_url(self):
        """A fresh response_url on this platform."""
        return f"{self.url}/ocpi/callbacks/commands/{next(self._numbers)}"

    def command(self, command, body, **options):
        """Sends a command; without a response_url in the body a fresh one is added."""
        body = dict(body)
        body.setdefault("response_url", self.response_url())
        return self.call("POST", f"commands/{command}", body, **options)

    def send_result(self, request, result, **extra):
        """As a CPO: posts a CommandResult (a result name, or a whole body) to the response_url of a received command.

        Without authentication, as the hub's callback allows.
        """
        body = {"result": result, **extra} if isinstance(result, str) else result
        return http_call("POST", request.json["response_url"], body, {"Content-Type": "application/json"})
