"""What counts as the same, as late, as whose and as too much: sessions and CDRs as values, not as texts."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.harness import eventually, finds_pointer
from tests.sim import Reply, payloads
from tests.sim.wire import timestamp

SAME = {
    "as it was": lambda text: text,
    "another order": lambda text: json.dumps(dict(reversed(json.loads(text).items()))),
    "white space": lambda text: json.dumps(json.loads(text), indent=3),
    "null for absent": lambda text: text[:-1] + ',"remark":null,"signed_data":null}',
    "empty list for absent": lambda text: text[:-1] + ',"tariffs":[]}',
    "number spelling": lambda text: text.replace('"total_energy":21.35', '"total_energy":2.1350e1'),
    "instants": lambda text: text.replace('"end_date_time":"2026-01-31T12:00:00Z"', '"end_date_time":"2026-01-31T17:30:00.000+05:30"'),
    "letters of ids": lambda text: text.replace('"id":"CDR-1"', '"id":"cdr-1"').replace("04A2B7C91D3E80", "04a2b7c91d3e80"),
    "escapes": lambda text: text.replace("café", "caf\\u00e9").replace('"currency"', '"curr\\u0065ncy"'),
    "later": lambda text: text.replace('"last_updated":"2026-01-31T12:00:00Z"', '"last_updated":"2026-02-01T12:00:00Z"'),
}
OTHER = {
    "another amount": lambda text: text.replace('"total_energy":21.35', '"total_energy":21.350000000000000001'),
    "a text for a number": lambda text: text.replace('"total_energy":21.35', '"x":1,"total_energy":21.35'),
    "empty text for absent": lambda text: text[:-1] + ',"remark":""}',
    "another instant": lambda text: text.replace('"end_date_time":"2026-01-31T12:00:00Z"', '"end_date_time":"2026-01-31T12:00:00.001Z"'),
    "letters of a text": lambda text: text.replace("café", "Café"),
    "a vendor's field": lambda text: text[:-1] + ',"x_vendor":{"a":[]}}',
}


def cdr_text(pair, ident="CDR-1", **changes):
    body = payloads.cdr(pair.cpo.party, pair.emsp.party, ident, **{
        "end_date_time": "2026-01-31T12:00:00Z", "last_updated": "2026-01-31T12:00:00Z", "total_energy": 21.35, "x_name": "café", **changes,
    })  # fmt: skip
    for absent in ("tariffs", "remark", "signed_data"):
        body.pop(absent, None)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def put_session(pair, ident="SES-1", to=None, **changes):
    body = payloads.session(pair.cpo.party, pair.emsp.party, ident, **changes)
    answer = pair.cpo.put("sessions", body, to=to)
    assert answer.status in (200, 201) and answer.code == 1000, answer
    return body


def stored(pair, ident="SES-1"):
    return pair.cpo.get(pair.cpo.object_path("sessions", ident)).data


def settled(pair):
    eventually(lambda: not pair.hub.deliveries(to=pair.emsp.id, state="pending"), "nothing is pending any more")


# ---------------------------------------------------------------- the same


def test_same_cdr(pair):
    """However it is spelled, the same CDR is 1000 and sent once; any other content under its id is refused."""
    text = cdr_text(pair)
    assert pair.cpo.call("POST", "cdrs", text).outcome in ((200, 1000), (201, 1000))
    for name, spell in SAME.items():
        assert name in ("as it was", "white space", "another order") or spell(text) != text, name
        answer = pair.cpo.call("POST", "cdrs", spell(text))
        assert answer.outcome == (200, 1000), (name, answer)
    for name, spell in OTHER.items():
        assert spell(text) != text, name
        answer = pair.cpo.call("POST", "cdrs", spell(text))
        assert answer.outcome == (200, 2001) and finds_pointer(answer, "/id"), (name, answer)
    settled(pair)
    assert len(pair.emsp.received("POST", "/cdrs")) == 1


def test_same_location_again(pair):
    """A location, EVSE or tariff that comes again in another spelling is sent to nobody, and is in no later window."""
    pair.hub.ok("party", "set", pair.emsp.id, "--push", "locations,tariffs")
    stamp = "2026-01-31T12:00:00Z"
    location = payloads.location(pair.cpo.party, last_updated=stamp)
    tariff = payloads.tariff(pair.cpo.party, last_updated=stamp)
    assert pair.cpo.put("locations", location).outcome == (201, 1000)
    assert pair.cpo.put("tariffs", tariff).outcome == (201, 1000)
    evse = {**location["evses"][0], "status": "CHARGING"}
    path = pair.cpo.object_path("locations", "LOC001")
    assert pair.cpo.call("PUT", f"{path}/EVSE001", evse).outcome == (200, 1000)
    pair.emsp.wait("PUT", "/locations/.*/LOC001/EVSE001$")
    pair.emsp.wait("PUT", "/tariffs/")
    settled(pair)
    before = len(pair.emsp.received("PUT"))
    since = {module: pair.emsp.get(module).json["timestamp"] for module in ("locations", "tariffs")}
    eventually(lambda: all(pair.emsp.get(module).json["timestamp"] > since[module] for module in since), "the hub's clock moves on")
    since = {module: pair.emsp.get(module).json["timestamp"] for module in since}

    def respelled(body):
        return json.dumps(dict(reversed(body.items())), indent=1).replace(f'"{stamp}"', '"2026-01-31T12:00:00.000Z"')[:-1] + ',"x":null}'

    whole = pair.emsp.get(path).data  # with the EVSE as it is now
    for again in (respelled(whole), json.dumps(whole)):
        assert pair.cpo.call("PUT", path, again).outcome == (200, 1000)
    assert pair.cpo.call("PUT", f"{path}/EVSE001", respelled(evse)).outcome == (200, 1000)
    patch = {"status": "CHARGING", "floor_level": "-2", "physical_reference": evse["physical_reference"], "last_updated": "2026-01-31T12:00:00.0Z"}
    assert pair.cpo.patch("locations", "LOC001/EVSE001", patch).outcome == (200, 1000)
    assert pair.cpo.patch("locations", "LOC001", {"name": location["name"], "last_updated": stamp}).outcome == (200, 1000)
    assert pair.cpo.put("tariffs", respelled(tariff), ident="TAR-DC-DAY").outcome == (200, 1000)
    settled(pair)
    assert len(pair.emsp.received("PUT")) == before
    for module, moment in since.items():
        assert pair.emsp.get(module, query={"date_from": moment}).data == []
    assert pair.cpo.patch("locations", "LOC001/EVSE001", {**patch, "status": "AVAILABLE"}).outcome == (200, 1000)
    assert len(pair.emsp.get("locations", query={"date_from": since["locations"]}).data) == 1


# ---------------------------------------------------------------- late


def test_late_periods_are_kept(pair):
    """A PATCH that is older than what is stored brings its new periods, and nothing else; in the audit it is stale."""
    first, second, third = (payloads.charging_period(energy, start=timestamp(-600 + 10 * energy)) for energy in (1, 2, 3))
    put_session(pair, kwh=9.0, charging_periods=[first], last_updated=timestamp(-10))
    late = {"kwh": 1.0, "status": "INVALID", "charging_periods": [first, second], "last_updated": timestamp(-300)}
    answer = pair.cpo.patch("sessions", "SES-1", late)
    assert answer.outcome == (200, 1000) and "charging_periods" in answer.message, answer
    found = stored(pair)
    assert (found["kwh"], found["status"], found["charging_periods"]) == (9.0, "ACTIVE", [first, second])
    assert found["last_updated"] != late["last_updated"]
    pair.emsp.wait("PUT", "/sessions/", where=lambda request: len(request.json["charging_periods"]) == 2)
    (row,) = pair.hub.audit(action="session.patch", status="stale")
    assert row["detail"]["delivery"]
    respelled = json.dumps({**late, "charging_periods": [dict(reversed(second.items()))]}).replace('"volume": 2', '"volume": 2.0e0')
    assert pair.cpo.patch("sessions", "SES-1", respelled).outcome == (200, 1000)
    on_time = {"charging_periods": [second, third], "last_updated": timestamp()}
    assert pair.cpo.patch("sessions", "SES-1", on_time).outcome == (200, 1000)
    assert pair.cpo.patch("sessions", "SES-1", on_time).outcome == (200, 1000), "sent once more"
    assert stored(pair)["charging_periods"] == [first, second, third]


def test_late_put_is_not_applied(pair):
    put_session(pair, kwh=9.0, last_updated=timestamp(-10))
    put_session(pair, kwh=1.0, last_updated=timestamp(-300), charging_periods=[])
    assert stored(pair)["kwh"] == 9.0 and len(stored(pair)["charging_periods"]) == 1


@pytest.mark.parametrize("ended", ["COMPLETED", "INVALID"])
@pytest.mark.parametrize("ahead", [-60, 3600], ids=["past", "far future"])
def test_ended_session_gives_way_only_to_a_later_one(pair, ended, ahead):
    """The same or an older last_updated does not wake it, a PATCH's periods are kept; a later one does."""
    stamp = timestamp(ahead)
    put_session(pair, status=ended, last_updated=stamp)
    for other in (stamp, timestamp(ahead - 10)):
        put_session(pair, status="ACTIVE", last_updated=other)
        body = {"status": "ACTIVE", "charging_periods": [payloads.charging_period(7, start=other)], "last_updated": other}
        assert pair.cpo.patch("sessions", "SES-1", body).outcome == (200, 1000)
    assert stored(pair)["status"] == ended and len(stored(pair)["charging_periods"]) == 3
    put_session(pair, status="ACTIVE", last_updated=timestamp(ahead + 1))
    assert stored(pair)["status"] == "ACTIVE"


# ---------------------------------------------------------------- whose


def nameless(pair, **changes):
    token = payloads.cdr_token(pair.emsp.party)
    return {key: value for key, value in token.items() if key not in ("country_code", "party_id")} | changes


def send(pair, kind, ident, to=None, **changes):
    build = payloads.session if kind == "sessions" else payloads.cdr
    body = build(pair.cpo.party, pair.emsp.party, ident, **changes)
    return pair.cpo.put(kind, body, to=to) if kind == "sessions" else pair.cpo.call("POST", kind, body, to=to)


@pytest.mark.parametrize("kind", ["sessions", "cdrs"])
def test_emsp_by_routing_headers(pair, kind):
    """cdr_token as OCPI 2.2 has it: OCPI-to says whose it is; it is kept and sent as it came, and counted as a finding."""
    other = pair.hub.onboard("EMSP")
    for number, blank in enumerate(({}, {"country_code": None, "party_id": ""}, {"country_code": pair.emsp.party.country_code})):
        token = nameless(pair, **blank)
        answer = send(pair, kind, f"A{number}", to=pair.emsp.id, cdr_token=token)
        assert answer.code == 1000, answer
        sent = pair.emsp.wait("*", f"/{kind}", where=lambda request, n=number: request.json["id"] == f"A{n}")
        assert sent.json["cdr_token"] == token and sent.routing == (pair.cpo.id, pair.emsp.id)
    eventually(lambda: [r for r in pair.hub.rows("quality") if (r["object"], r["field"], r["rule"]) == ("CdrToken", "party_id", "missing")], "it is counted")
    for to, token in ((None, nameless(pair)), ("IN-CIH", nameless(pair)), (other.id, payloads.cdr_token(pair.emsp.party)), (pair.emsp.id, nameless(pair, party_id="QQQ"))):
        answer = send(pair, kind, "B", to=to, cdr_token=token)
        assert answer.outcome == (200, 2001), (to, token, answer)
    assert pair.cpo.get(pair.cpo.object_path(kind, "B")).outcome == (404, 2003)


def test_emsp_of_a_patch(pair):
    """A PATCH of a session whose token names nobody goes to whose session it is."""
    other = pair.hub.onboard("EMSP")
    put_session(pair, cdr_token=nameless(pair), to=pair.emsp.id, last_updated=timestamp(-20))
    assert pair.cpo.patch("sessions", "SES-1", {"kwh": 3.5, "last_updated": timestamp(-10)}).outcome == (200, 1000)
    pair.emsp.wait("PUT", "/sessions/", where=lambda request: request.json["kwh"] == 3.5)
    token = nameless(pair, uid="OTHER")
    assert pair.cpo.patch("sessions", "SES-1", {"cdr_token": token, "last_updated": timestamp()}, to=pair.emsp.id).outcome == (200, 1000)
    assert pair.cpo.patch("sessions", "SES-1", {"cdr_token": token, "kwh": 5, "last_updated": timestamp()}).outcome == (200, 1000), "the same"
    answer = pair.cpo.patch("sessions", "SES-1", {"cdr_token": {**token, "uid": "THIRD"}, "last_updated": timestamp()})
    assert answer.outcome == (200, 2001) and finds_pointer(answer, "/cdr_token/country_code"), "another token, of nobody"
    assert pair.cpo.patch("sessions", "SES-1", {"kwh": 4, "last_updated": timestamp()}, to=other.id).outcome == (200, 2001)


@pytest.mark.parametrize("kind", ["sessions", "cdrs"])
def test_emsp_by_its_start_session(pair, kind):
    """Without headers the accepted START_SESSION with that authorization_reference says whose it is; a refused one, another CPO's or two eMSPs' say nothing."""
    hub, cpo, emsp = pair
    rival, elsewhere = hub.onboard("EMSP"), hub.onboard("CPO")
    for platform, target in ((rival, cpo), (rival, elsewhere), (emsp, elsewhere)):
        hub.rule(platform, target)

    def start(platform, reference, target, result="ACCEPTED"):
        target.script("POST", "/commands/START_SESSION", Reply(data={"result": result, "timeout": 30}))
        body = payloads.start_session(platform.party, authorization_reference=reference)
        answer = platform.command("START_SESSION", body, to=target.id)
        assert answer.data["result"] == result, answer

    start(emsp, "ref-1", cpo)
    answer = send(pair, kind, "S1", cdr_token=nameless(pair), authorization_reference="REF-1")
    assert answer.code == 1000, answer
    emsp.wait("*", f"/{kind}", where=lambda request: request.json["id"] == "S1")
    start(rival, "ref-2", cpo, "REJECTED")
    start(emsp, "ref-3", elsewhere)
    start(emsp, "ref-4", cpo)
    start(rival, "ref-4", cpo)
    for reference in ("ref-2", "ref-3", "ref-4", "ref-5", "", None):
        answer = send(pair, kind, "S2", cdr_token=nameless(pair), authorization_reference=reference)
        assert answer.outcome == (200, 2001) and finds_pointer(answer, "/cdr_token/country_code"), (reference, answer)
    assert send(pair, kind, "S3", cdr_token=nameless(pair), authorization_reference="ref-4", to=emsp.id).code == 1000


# ---------------------------------------------------------------- half a character

HALVES = ["\\ud83d", "\\ude97", "\\ude97\\ud83d", "a\\ud83dx", "\\ud83d\\u0041", "\\uD83D\\uD83D\\uDE97"]


@pytest.mark.parametrize("half", HALVES)
def test_half_a_surrogate_is_kept(pair, half):
    """In a text it is a finding: the object is taken, stored and passed on byte for byte."""
    text = cdr_text(pair, "HALF", x_note="@", remark="@").replace("@", half)
    text = text[:-1] + f',"remark":"{half}","x_{half}":1}}'
    assert pair.cpo.call("POST", "cdrs", text).outcome in ((200, 1000), (201, 1000))
    assert pair.emsp.wait("POST", "/cdrs").body == text.encode()
    assert pair.cpo.call("POST", "cdrs", text).outcome == (200, 1000)
    other = text.replace(half, "\\udead", 1)
    assert pair.cpo.call("POST", "cdrs", other).outcome == (200, 2001)
    location = json.dumps(payloads.location(pair.cpo.party, name="@")).replace("@", half)
    assert pair.cpo.put("locations", location, ident="LOC001").outcome == (201, 1000)
    path = pair.cpo.object_path("locations", "LOC001")
    assert half.encode() in pair.emsp.get(path).body
    assert pair.cpo.patch("locations", "LOC001", f'{{"address":"{half}","last_updated":"{timestamp()}"}}').outcome == (200, 1000)
    assert pair.emsp.get(path).body.count(half.encode()) == 2
    eventually(lambda: [row for row in pair.hub.rows("quality") if row["rule"] == "surrogate"], "it is counted")


@pytest.mark.parametrize("field", ["id", "uid"])
def test_half_a_surrogate_in_an_id_is_refused(pair, field):
    text = cdr_text(pair, "@" if field == "id" else "C")
    text = text.replace("@" if field == "id" else "04A2B7C91D3E80", "x\\ud83d")
    answer = pair.cpo.call("POST", "cdrs", text)
    assert answer.outcome == (200, 2001) and "surrogate" in answer.message, answer


# ---------------------------------------------------------------- too much


def test_session_that_outgrows_the_limit(new_hub):
    """A PATCH that would make it larger than a PUT may be is refused with what helps; it can still end, and others go on."""
    pair = new_hub(request_body_max="64k").pair()
    filler = [payloads.charging_period(number, start=timestamp(-9000 + number)) for number in range(380)]
    put_session(pair, last_updated=timestamp(-60), charging_periods=filler[:300])
    answer = pair.cpo.patch("sessions", "SES-1", {"charging_periods": filler[300:] + filler[:1], "kwh": 5, "last_updated": timestamp(-50)})
    while answer.code == 1000:
        filler.append(payloads.charging_period(len(filler), start=timestamp(-9000 + len(filler))))
        answer = pair.cpo.patch("sessions", "SES-1", {"charging_periods": filler[-1:], "last_updated": timestamp(-50)})
    assert answer.outcome == (413, 2001) and "new id" in answer.message, answer
    before = stored(pair)
    small = pair.cpo.patch("sessions", "SES-1", {"kwh": 7, "last_updated": timestamp(-40)})
    assert small.code in (1000, 2001) and small.status in (200, 413)
    ending = {"status": "COMPLETED", "end_date_time": timestamp(), "total_cost": {"excl_vat": 1.0}, "last_updated": timestamp()}
    assert pair.cpo.patch("sessions", "SES-1", ending).outcome == (200, 1000)
    after = stored(pair)
    assert after["status"] == "COMPLETED" and after["charging_periods"] == before["charging_periods"]
    put_session(pair, "SES-2")


def test_many_dense_parts(pair):
    """Each PATCH is as dense as a small body may be, and all of them together are denser than one body may be: it goes on."""
    put_session(pair, charging_periods=[], last_updated=timestamp(-60))
    for number in range(40):
        body = f'{{"x_{number}":[{"0," * 999}0],"last_updated":"{timestamp(-50)}"}}'
        assert pair.cpo.patch("sessions", "SES-1", body).outcome == (200, 1000), number
    assert pair.cpo.patch("sessions", "SES-1", {"status": "COMPLETED", "last_updated": timestamp()}).outcome == (200, 1000)
    assert stored(pair)["status"] == "COMPLETED" and len(stored(pair)["x_39"]) == 1000


def test_session_of_too_many_values(pair):
    """Not its bytes, but its values come to their limit: each PATCH is taken or refused with what helps, and the session can end."""
    put_session(pair, charging_periods=[], last_updated=timestamp(-60))
    for number in range(5):
        body = f'{{"x_{number}":[{"0.0000," * 99_999}0],"last_updated":"{timestamp(-50 + number)}"}}'
        answer = pair.cpo.patch("sessions", "SES-1", body)
        if answer.code != 1000:
            break
    assert answer.outcome == (413, 2001) and number == 3, (number, answer)
    assert pair.cpo.patch("sessions", "SES-1", {"kwh": 3, "last_updated": timestamp(-10)}).outcome == (200, 1000)
    assert pair.cpo.patch("sessions", "SES-1", {"status": "COMPLETED", "last_updated": timestamp()}).outcome == (200, 1000)
    assert stored(pair)["status"] == "COMPLETED"


def test_location_that_outgrows_the_limit(new_hub):
    """EVSEs that would make their location larger than a PUT may be are refused; the status of those that are there changes as ever."""
    pair = new_hub(request_body_max="64k").pair()
    path = pair.cpo.object_path("locations", "LOC001")
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party)).outcome == (201, 1000)
    for number in range(1, 200):
        answer = pair.cpo.call("PUT", f"{path}/N{number}", payloads.evse(f"N{number}"))
        if answer.code != 1000:
            break
    assert answer.outcome == (413, 2001) and number > 10, answer
    assert pair.cpo.patch("locations", f"LOC001/N{number - 1}", {"status": "OUTOFORDER", "last_updated": timestamp(1)}).outcome == (200, 1000)
    assert len(pair.emsp.get(path).data["evses"]) == number + 1


def test_nested_in_its_location(pair):
    """What is nested as deep as a body may be, but not inside its location, is refused at once, and its location goes on."""
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party)).outcome == (201, 1000)
    path = pair.cpo.object_path("locations", "LOC001")
    deep = json.loads("[" * 61 + "]" * 61)
    answer = pair.cpo.call("PUT", f"{path}/EVSE001", payloads.evse(x_deep=deep + [deep]))
    assert answer.outcome in ((200, 2001), (200, 1000)), answer
    assert pair.cpo.call("PUT", f"{path}/EVSE001", payloads.evse(x_deep=[deep])).outcome == (200, 2001)
    assert pair.cpo.call("PUT", f"{path}/EVSE001/1", payloads.connector(x_deep=deep)).outcome == (200, 2001)
    assert pair.cpo.call("PUT", f"{path}/EVSE001", payloads.evse(x_deep=deep)).outcome == (200, 1000)
    whole = {"evses": [{"uid": "EVSE001", "status": "CHARGING", "last_updated": timestamp(1)}], "last_updated": timestamp(1)}
    assert pair.cpo.patch("locations", "LOC001", whole).outcome in ((200, 1000), (200, 2001))


# ---------------------------------------------------------------- polling


def test_nothing_falls_between_two_polls(pair):
    """An eMSP that polls as fast as it can, each time from the last answer's timestamp, is shown every change."""
    count = 150
    wanted, found, since = {f"L{number % 30}": number for number in range(count)}, {}, None

    def push(worker):
        for number in range(worker, count, 3):
            body = payloads.location(pair.cpo.party, f"L{number % 30}", last_updated="2026-01-31T12:00:00Z", x_number=number)
            assert pair.cpo.put("locations", body).code == 1000

    with ThreadPoolExecutor(3) as pool:
        # one worker has all pushes of an id, so that the last one is what is stored
        pushing = [pool.submit(push, worker) for worker in range(3)]
        while True:
            ended = all(future.done() for future in pushing)
            query = {"limit": 7} | ({"date_from": since} if since else {})
            for page in pair.emsp.pages("locations", **query):
                found.update((body["id"], body["x_number"]) for body in page.data)
                since = page.json["timestamp"]
            if ended:
                break
        for future in pushing:
            future.result()
    assert found == wanted
