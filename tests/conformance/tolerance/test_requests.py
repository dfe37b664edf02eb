"""Partners that ask the hub as real software does."""

import json
import uuid

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import DEADLINE, Wire, eventually
from tests.sim import Reply, exact, payloads
from tests.sim.client import authorization
from tests.sim.wire import MESSAGE_IDS, chunked, timestamp


@pytest.fixture(scope="module")
def hub_settings():
    return {"request_body_max": "64k", "threads": "1"}


@pytest.fixture
def site(pair):
    """A pair whose CPO has pushed LOC001 and TAR-DC-DAY."""
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party)).outcome == (201, 1000)
    assert pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party)).outcome == (201, 1000)
    return pair


# ---------------------------------------------------------------- 1, 2, 3: who asks whom


@rule("hub 16-1")
@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN"])
@pytest.mark.parametrize("encoding", ["base64", "raw"])
def test_token_in_any_form(hub, encoding, scheme):
    """The initial token and the hub token, on every kind of request."""
    cpo = hub.add(hub.platform("CPO", sends=encoding, scheme=scheme))
    cpo.register(hub.issue(cpo.id))
    assert cpo.put("tariffs", payloads.tariff(cpo.party)).outcome == (201, 1000)
    assert cpo.get("hubclientinfo").outcome == (200, 1000)


@rule("hub 16-1")
def test_raw_token_of_nothing_but_base64_letters(pair):
    """The hub's own tokens are text that may look like Base64; such a one is read raw and in Base64 all the same."""

    def looks_like_base64():
        assert pair.cpo.put_credentials(new_token=uuid.uuid4().hex).outcome == (200, 1000)
        return pair.cpo.hub_token.isalnum()

    eventually(looks_like_base64, "a hub token of letters and digits, every fourth is one")
    for encoding in ("raw", "base64"):
        assert pair.cpo.get("credentials", encoding=encoding).outcome == (200, 1000), encoding


@rule("hub 16-2")
@pytest.mark.parametrize("module", ["locations", "tariffs", "hubclientinfo"])
@pytest.mark.parametrize("asks", ["emsp", "cpo"])
def test_list_get_to_itself_the_hub_or_nobody(site, asks, module):
    """Whatever stands in OCPI-to, in any case, the list is the same and nobody else is asked."""
    platform = getattr(site, asks)
    wanted = platform.get(module)
    assert wanted.outcome == (200, 1000) and wanted.data, wanted
    before = len(site.cpo.received("GET", f"/{module}"))
    for to in (platform.id, platform.id.lower(), "IN-CIH", "in-cih"):
        for sender in (None, platform.id):
            answer = platform.get(module, to=to, sender=sender)
            assert answer.outcome == (200, 1000) and answer.data == wanted.data, (to, sender, answer)
    assert len(site.cpo.received("GET", f"/{module}")) == before


@rule("hub 16-3")
def test_without_message_ids(pair):
    """The hub makes both, answers with them, and shows the receiver the same correlation id and a request id of its own."""
    answer = pair.emsp.authorize("T1", headers=dict.fromkeys(MESSAGE_IDS))
    assert answer.outcome == (200, 1000), answer
    asked, correlated = (str(uuid.UUID(answer.headers[name])) for name in MESSAGE_IDS)
    (request,) = pair.cpo.received("PUT", "/authorize$")
    assert request.headers["x-correlation-id"] == correlated
    assert request.headers["x-request-id"] not in (asked, correlated, "")


@rule("hub 16-3")
@pytest.mark.parametrize("given", MESSAGE_IDS)
def test_with_one_message_id_only(pair, given):
    """What is given is kept, what is missing is made."""
    (missing,) = set(MESSAGE_IDS) - {given}
    answer = pair.cpo.get("credentials", headers={given: "mine", missing: None})
    assert answer.headers[given] == "mine" and uuid.UUID(answer.headers[missing])


@rule("hub 16-3")
def test_without_from_it_is_the_party_of_the_needed_role(hub, pair):
    """A platform that is CPO and eMSP: as eMSP it authorizes and commands, as CPO it pushes."""
    both = hub.onboard("CPO", "EMSP")
    as_cpo, as_emsp = both.parties
    hub.ok("rule", "enable", as_emsp.id, pair.cpo.id)
    hub.ok("rule", "enable", pair.emsp.id, as_cpo.id)
    assert both.call("PUT", f"tokens/IN/{as_emsp.party_id}/T1/authorize").data["allowed"] == "ALLOWED"
    assert pair.cpo.wait("PUT", "/authorize$").routing == (as_emsp.id, pair.cpo.id)
    assert both.command("START_SESSION", payloads.start_session(as_emsp, "NEVER-SEEN")).data["result"] == "ACCEPTED"
    assert pair.cpo.wait("POST", "/commands/").routing == (as_emsp.id, pair.cpo.id)
    assert both.call("POST", "cdrs", payloads.cdr(as_cpo, pair.emsp.party)).outcome == (201, 1000)
    assert pair.emsp.wait("POST", "/cdrs$").routing == (as_cpo.id, pair.emsp.id)


# ---------------------------------------------------------------- 4, 8, 10, 11: paths and ids


@rule("hub 16-4")
@pytest.mark.parametrize("joint", ["//", "///"])
def test_several_slashes_count_as_one(site, joint):
    """Between module and ids, between ids, at the beginning and at the end."""
    cpo, emsp, owner = site.cpo, site.emsp, f"IN/{site.cpo.party.party_id}"
    body = payloads.session(cpo.party, emsp.party)
    for path in (f"locations/{owner}/LOC001", f"locations/{owner}/LOC001/EVSE001/1/", f"tariffs/{owner}/TAR-DC-DAY", "hubclientinfo/"):
        plain = emsp.get(path)
        assert plain.outcome == (200, 1000), plain
        for odd in ("/ocpi/2.2.1/" + path.replace("/", joint), f"{joint}ocpi{joint}2.2.1{joint}{path}"):
            answer = emsp.get(odd)
            assert answer.outcome == (200, 1000) and answer.data == plain.data, (odd, answer)
    assert cpo.call("PUT", f"/ocpi/2.2.1/sessions/{owner}/SES-1".replace("/", joint), body).outcome == (201, 1000)
    assert emsp.wait("PUT", "/sessions/").path == f"/ocpi/2.2.1/sessions/{owner}/SES-1"


@rule("hub 16-4")
def test_ids_glued_to_the_module(pair):
    """No slash between them: the module's name is read off the front, and what is passed on has its slash again."""
    cpo, emsp = pair.cpo, pair.emsp
    cpo.joins = emsp.joins = ""
    assert cpo.put("locations", payloads.location(cpo.party)).outcome == (201, 1000)
    assert cpo.patch("locations", "LOC001", {"name": "Glued", "last_updated": timestamp(9)}).outcome == (200, 1000)
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party)).outcome == (201, 1000)
    assert emsp.get(cpo.object_path("locations", "LOC001")).data["name"] == "Glued"
    assert emsp.authorize("UID", to=cpo.id).outcome == (200, 1000)
    assert cpo.wait("PUT", "/authorize$").path == f"/ocpi/2.2.1/{emsp.object_path('tokens', 'UID')}/authorize"
    body = {"token": payloads.cdr_token(emsp.party), "location_id": "LOC001"}
    assert emsp.command("START_SESSION", body, to=cpo.id).data["result"] == "ACCEPTED"
    assert cpo.call("POST", "tokensUID/authorize", {}, to=emsp.id).status == 200


@rule("hub 16-4")
@pytest.mark.parametrize("path", ["credentialsX", "versionsX", "sessions:sender", "locations%2FIN", "Locations1", "locationsIN/ABC/L1/E/1/2"])
def test_what_only_looks_glued(pair, path):
    """What no row of the module would match, and what follows credentials, stays unknown."""
    for method in ("GET", "PUT"):
        assert pair.cpo.call(method, path, {} if method == "PUT" else None).outcome == (404, 2003)


@rule("hub 16-8")
def test_ids_in_another_case(site):
    """Path, header and body are compared folded; what is served and delivered is spelled as its owner spelled it."""
    hub, cpo, emsp = site
    owner = cpo.party.party_id
    stored = cpo.put("locations", {**payloads.location(cpo.party, last_updated=timestamp(1)), "party_id": owner.lower(), "country_code": "in"}, ident="loc001")
    assert stored.outcome == (200, 1000), "an update of what is there"
    for path in (f"locations/in/{owner.lower()}/loc001", f"locations/In/{owner}/Loc001/evse001", f"tariffs/IN/{owner.lower()}/tar-dc-day"):
        assert emsp.get(path).outcome == (200, 1000), path
    assert emsp.get("locations").data[0]["id"] == "LOC001"
    assert cpo.patch("locations", "loc001/evse001/1", {"max_amperage": 63, "last_updated": timestamp(2)}).outcome == (200, 1000)
    served = emsp.get(cpo.object_path("locations", "LOC001")).data
    assert [evse["uid"] for evse in served["evses"]] == ["EVSE001", "EVSE002"]
    assert served["evses"][0]["connectors"][0]["max_amperage"] == 63

    assert emsp.authorize("t1", {"location_id": "loc001"}, to=cpo.id.lower(), sender=emsp.id.lower()).data["allowed"] == "ALLOWED"
    assert cpo.wait("PUT", "/authorize$").routing == (emsp.id, cpo.id)
    session = payloads.session(cpo.party, emsp.party, "Ses-1")
    session["cdr_token"].update(country_code="in", party_id=emsp.party.party_id.lower())
    assert cpo.call("PUT", f"sessions/in/{owner.lower()}/sES-1", session).outcome == (201, 1000)
    assert emsp.wait("PUT", "/sessions/").path == f"/ocpi/2.2.1/sessions/IN/{owner}/Ses-1"
    assert emsp.command("STOP_SESSION", {"session_id": "SES-1"}).data["result"] == "ACCEPTED"
    assert cpo.patch("sessions", "SES-1", {"kwh": 3, "last_updated": timestamp(1)}).outcome == (200, 1000)
    assert emsp.wait("PUT", "/sessions/", where=lambda r: r.json["kwh"] == 3).json["id"] == "Ses-1"


@rule("hub 16-10")
@pytest.mark.parametrize("tail", ["CDR-1", "cdr-1/", "IN/{}/CDR-1", "in/{}/cdr-1/"])
def test_cdr_posted_below_its_id(pair, tail):
    """Accepted, delivered once, and read back where Location says."""
    cdr = payloads.cdr(pair.cpo.party, pair.emsp.party)
    for status in (201, 200):
        answer = pair.cpo.call("POST", "cdrs/" + tail.format(pair.cpo.party.party_id), cdr)
        assert answer.outcome == (status, 1000), answer
    assert pair.cpo.get(answer.headers["Location"] if status == 201 else pair.cpo.object_path("cdrs", "CDR-1")).data == cdr
    assert pair.emsp.wait("POST", "/cdrs$").json == cdr
    eventually(lambda: not pair.hub.deliveries(to=pair.emsp.id), "it is delivered")
    assert len(pair.emsp.received("POST", "/cdrs$")) == 1


@rule("hub 16-10")
def test_cdr_posted_below_another_id(hub, pair):
    """Path and body disagree: 2001 that names the id. Another party's path: 403. Nothing is stored."""
    cdr, owner = payloads.cdr(pair.cpo.party, pair.emsp.party), pair.cpo.party.party_id
    for tail in ("CDR-2", f"IN/{owner}/CDR-2"):
        answer = pair.cpo.call("POST", f"cdrs/{tail}", cdr)
        assert answer.outcome == (200, 2001) and answer.message.startswith("/id"), answer
    other = hub.new_party("CPO")
    answer = pair.cpo.call("POST", f"cdrs/IN/{other.party_id}/CDR-1", cdr)
    assert answer.outcome == (403, 2001) and "party mismatch" in answer.message, answer
    assert pair.cpo.get(pair.cpo.object_path("cdrs", "CDR-1")).outcome == (404, 2003)


@rule("hub 16-11")
@pytest.mark.parametrize("role", ["SENDER", "RECEIVER"])
def test_credentials_looked_up_by_role(hub, role):
    """A partner that searches the version details for credentials of one role finds the endpoint and registers there."""
    cpo = hub.add(hub.platform("CPO"))
    token = hub.issue(cpo.id)
    details = cpo.get("/ocpi/2.2.1", token=token)
    (url,) = [entry["url"] for entry in details.data["endpoints"] if (entry["identifier"], entry["role"]) == ("credentials", role)]
    answer = cpo.call("POST", url, cpo.credentials(), token=token)
    assert answer.outcome == (200, 1000) and answer.data["token"], answer


# ---------------------------------------------------------------- 7: null


def nulls(value, *names):
    """The object with null for these fields, the way a serializer writes them: behind what is there."""
    return {**value, **{name: value.get(name) for name in names}}


LOCATION_NULLS = ("publish_allowed_to", "related_locations", "suboperator", "owner", "images", "directions", "x_vendor")
SESSION_NULLS = ("end_date_time", "authorization_reference", "meter_id")
CDR_NULLS = ("authorization_reference", "meter_id", "signed_data", "total_fixed_cost", "total_energy_cost", "remark", "credit", "home_charging_compensation")


@rule("hub 16-7")
def test_null_in_objects(pair):
    """Every optional field may be null: accepted, served and delivered as it came."""
    cpo, emsp = pair.cpo, pair.emsp
    objects = [
        ("locations", nulls(payloads.location(cpo.party), *LOCATION_NULLS)),
        ("tariffs", nulls(payloads.tariff(cpo.party), "tariff_alt_url", "min_price", "max_price", "energy_mix", "end_date_time")),
        ("sessions", nulls(payloads.session(cpo.party, emsp.party), *SESSION_NULLS)),
    ]
    for module, body in objects:
        assert cpo.put(module, json.dumps(body), ident=body["id"]).outcome == (201, 1000), module
        owner = cpo if module == "sessions" else emsp
        assert owner.get(cpo.object_path(module, body["id"])).exact_data == exact(json.dumps(body)), module
    assert exact(emsp.wait("PUT", "/sessions/").body) == exact(json.dumps(objects[2][1]))
    cdr = json.dumps(nulls(payloads.cdr(cpo.party, emsp.party), *CDR_NULLS))
    assert cpo.call("POST", "cdrs", cdr).outcome == (201, 1000)
    assert exact(emsp.wait("POST", "/cdrs$").body) == exact(cdr)


@rule("hub 16-7")
def test_null_where_a_list_may_be(pair):
    """`evses` and `connectors` of null are no EVSEs and no connectors; what is pushed below them is added."""
    cpo = pair.cpo
    assert cpo.put("locations", payloads.location(cpo.party, evses=None)).outcome == (201, 1000)
    assert cpo.put("locations", payloads.evse("E1", connectors=None), ident="LOC001/E1").outcome == (201, 1000)
    assert cpo.put("locations", payloads.connector("1"), ident="LOC001/E1/1").outcome == (201, 1000)
    served = pair.emsp.get(cpo.object_path("locations", "LOC001")).data
    assert [[connector["id"] for connector in evse["connectors"]] for evse in served["evses"]] == [["1"]]


@rule("hub 16-7")
def test_null_in_a_patch(site):
    """A PATCH with null for an optional field is taken."""
    assert site.cpo.patch("locations", "LOC001", {"name": None, "last_updated": timestamp(1)}).outcome == (200, 1000)
    assert site.emsp.get(site.cpo.object_path("locations", "LOC001")).data.get("name") is None


@rule("hub 16-7")
def test_null_in_what_is_forwarded(pair):
    """LocationReferences, commands and results: the receiver gets the nulls as they were written."""
    cpo, emsp = pair.cpo, pair.emsp
    text = '{"location_id":null,"evse_uids":null}'
    assert emsp.authorize("T1", text).data["allowed"] == "ALLOWED"
    assert exact(cpo.wait("PUT", "/authorize$").body) == exact(text)
    body = payloads.start_session(emsp.party, "NEVER-SEEN", evse_uid=None, connector_id=None, authorization_reference=None, response_url=emsp.response_url())
    body["token"].update(visual_number=None, group_id=None, language=None, energy_contract=None)
    assert emsp.command("START_SESSION", body).data["result"] == "ACCEPTED"
    request = cpo.wait("POST", "/commands/")
    assert {**request.json, "response_url": body["response_url"]} == body
    assert cpo.send_result(request, {"result": "ACCEPTED", "message": None}).outcome == (200, 1000)
    assert emsp.wait("POST", "/callbacks/").json == {"result": "ACCEPTED", "message": None}


@rule("hub 16-7")
def test_null_in_credentials(hub):
    """Optional parts of the roles' business details may be null."""
    cpo = hub.add(hub.platform("CPO"))
    role = cpo.party.credentials_role()
    role["business_details"].update(website=None, logo=None)
    assert cpo.post_credentials(hub.issue(cpo.id), roles=[role]).outcome == (200, 1000)


@rule("hub 16-7")
def test_null_for_what_is_required(pair):
    """It is missing: 2001 that names the place."""
    for field in ("last_updated", "id"):
        answer = pair.cpo.put("locations", {**payloads.location(pair.cpo.party), field: None}, ident="LOC001")
        assert answer.outcome == (200, 2001) and f"/{field}: required, but null" in answer.message, answer


@rule("hub 16-7")
def test_what_the_hub_writes_has_no_null(hub, site):
    """Envelopes of success and error, versions, credentials, hubclientinfo, a verdict of its own, a TIMEOUT result."""
    cpo, emsp = site.cpo, site.emsp
    cpo.script("POST", "/commands/", Reply(data={"result": "ACCEPTED", "timeout": 1}))
    assert emsp.command("START_SESSION", payloads.start_session(emsp.party)).data["result"] == "ACCEPTED"
    hub.ok("party", "add", hub.new_party("EMSP").id, "--role", "EMSP")  # never seen, no name
    answers = [cpo.get(path) for path in ("/ocpi/versions", "/ocpi/2.2.1", "credentials", "hubclientinfo", "nonsense", "locations?limit=x")]
    answers += [cpo.put_credentials(), cpo.call("PATCH", "credentials", {}), cpo.put("locations", "{", ident="X"), cpo.get("credentials", token="no")]
    answers += [cpo.put("tariffs", payloads.tariff(cpo.party, "T2")), emsp.get("tariffs", to="IN-QQQ")]
    cpo.down()
    answers += [emsp.authorize("T1"), emsp.command("START_SESSION", payloads.start_session(emsp.party))]
    cpo.up()
    for answer in answers:
        assert has_no_null(answer.json), answer
    assert answers[-2].data["allowed"] == "UNKNOWN" and answers[-1].code == 4003
    result = emsp.wait("POST", "/callbacks/", seconds=DEADLINE).json
    assert result["result"] == "TIMEOUT" and has_no_null(result)


def has_no_null(value):
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is not None and all(has_no_null(item) for item in inside)


# ---------------------------------------------------------------- 13: bytes


def push(cpo, ident, framing, version="1.1"):
    """A tariff PUT as bytes: its head with these header lines, and its body."""
    head = f"PUT /ocpi/2.2.1/{cpo.object_path('tariffs', ident)} HTTP/{version}\r\nHost: hub\r\nAuthorization: {authorization(cpo.hub_token)}\r\n"
    body = json.dumps(payloads.tariff(cpo.party, ident)).encode()
    return f"{head}{framing.format(len(body))}\r\n".encode(), body


SIZED = "Content-Length: {}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n"


@rule("hub 16-13")
def test_slow_bytes(hub, pair):
    """A hundred requests that stop in the head or in the body: others are answered at once, and they are when they go on."""
    slow = [Wire(hub) for _ in range(100)]
    rest = []
    for number, wire in enumerate(slow):
        head, body = push(pair.cpo, f"SLOW-{number:03d}", SIZED)
        stop = len(head) + len(body) // 2 if number % 2 else len(head) // 2
        wire.send((head + body)[:stop])
        rest.append((head + body)[stop:])
    assert pair.emsp.get("tariffs").data == []
    assert pair.emsp.authorize("T1").data["allowed"] == "ALLOWED"
    for wire, missing in zip(slow, rest):
        for start in range(0, len(missing), 100):
            wire.send(missing[start : start + 100])
    for wire in slow:
        with wire:
            status, _, body = wire.answer()
            assert status == 201 and json.loads(body)["status_code"] == 1000


@rule("hub 16-13")
@pytest.mark.parametrize("framing", [SIZED, CHUNKED], ids=["announced", "chunked"])
def test_huge_request(hub, pair, framing):
    """Refused with 413 as soon as it is known to be too large; the connection ends, the hub goes on, nothing is stored."""
    head, _ = push(pair.cpo, "HUGE", framing.replace("{}", "100000000"))
    with Wire(hub) as wire:
        wire.send(head)
        if framing is CHUNKED:
            wire.send(chunked(b" " * 66000, 1000, {}))
        status, _, body = wire.answer()
        assert status == 413 and json.loads(body)["status_code"] == 2000 and wire.closed()
    assert pair.cpo.get(pair.cpo.object_path("tariffs", "HUGE")).outcome == (404, 2003)


@rule("hub 16-13")
@pytest.mark.parametrize("framing", [SIZED, CHUNKED], ids=["sized", "chunked"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
def test_request_that_ends_early(hub, pair, framing, part):
    """It closes in the middle of its head or body: nothing is stored, and the hub goes on."""
    head, body = push(pair.cpo, "CUT", framing)
    whole = head + (body if framing is SIZED else chunked(body, 50, {"X-Checksum": "1"}))
    for _ in range(20):
        with Wire(hub) as wire:
            wire.send(whole[: int(len(whole) * part)])
    assert pair.cpo.get(pair.cpo.object_path("tariffs", "CUT")).outcome == (404, 2003)


@rule("hub 16-13")
@pytest.mark.parametrize("keeps", [False, True], ids=["closes", "keep-alive"])
def test_http_1_0_request(hub, pair, keeps):
    """A push and a list as HTTP/1.0: answered without chunks; the connection ends, unless the partner asked to keep it."""
    head, body = push(pair.cpo, "OLD", SIZED + ("Connection: keep-alive\r\n" if keeps else ""), version="1.0")
    with Wire(hub) as wire:
        wire.send(head + body)
        status, headers, answer = wire.answer()
        assert status == 201 and json.loads(answer)["status_code"] == 1000 and "transfer-encoding" not in headers
        if not keeps:
            assert wire.closed()
            return
        wire.send(head + body)
        assert wire.answer()[0] == 200
    with Wire(hub) as wire:
        wire.send(f"GET /ocpi/2.2.1/tariffs HTTP/1.0\r\nAuthorization: {authorization(pair.emsp.hub_token)}\r\n\r\n")
        status, headers = wire.head()
        assert status == 200 and "transfer-encoding" not in headers
        assert [entry["id"] for entry in json.loads(wire.stream.read())["data"]] == ["OLD"]


@rule("hub 16-13")
def test_chunked_request_with_trailers(hub, pair):
    """Read as one body; trailers are no headers: they change neither who asks nor for whom, and the connection goes on."""
    head, body = push(pair.cpo, "CHUNKED", CHUNKED)
    trailers = {"X-Checksum": "1", "Authorization": "Token wrong", "OCPI-from-party-id": "QQQ", "OCPI-from-country-code": "IN", "X-Request-ID": "late"}
    with Wire(hub) as wire:
        for status in (201, 200):
            wire.send(head + chunked(body, 7, trailers))
            answered, headers, answer = wire.answer()
            assert answered == status and json.loads(answer)["status_code"] == 1000 and headers["x-request-id"] != "late"
    assert pair.emsp.get("tariffs").data[0]["id"] == "CHUNKED"
