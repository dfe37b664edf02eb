"""The table of answers: what comes in, which HTTP status and which status_code go out. A case per row."""

import json

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import DEADLINE, SLOW, Wire, accepts, eventually, finds_pointer
from tests.sim import Gate, Reply, payloads
from tests.sim.client import authorization
from tests.sim.wire import timestamp

AUTHORIZE = ("PUT", "/authorize$")


@pytest.fixture(scope="module")
def hub_settings():
    return {"forward_timeout": f"{500 * SLOW:g}ms"}


@pytest.fixture(scope="module")
def site(shared):
    """The shared pair; the CPO has location L, tariff T and session S."""
    cpo, emsp = shared.cpo, shared.emsp
    assert cpo.put("locations", payloads.location(cpo.party, "L", last_updated=timestamp(-60))).status == 201
    assert cpo.put("tariffs", payloads.tariff(cpo.party, "T", last_updated=timestamp(-60))).status == 201
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S", last_updated=timestamp(-60))).status == 201
    return shared


@rule("hub 2-20", "hub 2-21", "OCPI 2-1000", "OCPI 1.3-6")
def test_done_and_created(shared):
    cpo = shared.cpo
    pushes = [
        ("locations", payloads.location(cpo.party, "NEW")), ("tariffs", payloads.tariff(cpo.party, "NEW")),
        ("sessions", payloads.session(cpo.party, shared.emsp.party, "NEW")),
    ]  # fmt: skip
    for module, body in pushes:
        assert cpo.put(module, body).outcome == (201, 1000), module
        assert cpo.put(module, body).outcome == (200, 1000), module
    assert cpo.put("locations", payloads.evse("E9"), ident="NEW/E9").outcome == (201, 1000)
    cdr = payloads.cdr(cpo.party, shared.emsp.party, "NEW")
    assert cpo.call("POST", "cdrs", cdr).outcome == (201, 1000)
    assert cpo.call("POST", "cdrs", cdr).outcome == (200, 1000)
    assert cpo.get("credentials").outcome == (200, 1000)


@rule("OCPI 1.3-2")
def test_no_data_where_none_is_defined(site):
    """And whatever a partner sends there is taken."""
    cpo, emsp = site.cpo, site.emsp
    answers = [
        cpo.put("tariffs", payloads.tariff(cpo.party, "NODATA")), cpo.call("DELETE", cpo.object_path("tariffs", "NODATA")),
        cpo.patch("locations", "L/EVSE001", {"status": "BLOCKED", "last_updated": timestamp()}),
    ]  # fmt: skip
    assert [(answer.code, "data" in answer.json) for answer in answers] == [(1000, False)] * 3
    emsp.script("PUT", "/sessions/.*/ODD-DATA$", Reply(data={"odd": [1, None]}))
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "ODD-DATA"))
    site.hub.wait_rows("delivery", "list", "--state", "delivered", where=lambda row: row["object"] == "ODD-DATA", what="it counts as delivered")
    assert len(emsp.received("PUT", "/sessions/.*/ODD-DATA$")) == 1


@rule("hub 2-22", "OCPI 1.1-3")
@pytest.mark.parametrize("path", ["/ocpi/versions", "/ocpi/2.2.1", "credentials", "locations", "hubclientinfo", "locations/IN/X/L", "nonsense"])
def test_no_or_unknown_token(hub, path):
    stranger = hub.platform("CPO")
    for answer in (stranger.get(path), stranger.get(path, token="nobody-knows-this"), stranger.get(path, headers={"Authorization": "Basic YTpi"})):
        assert answer.outcome == (401, 2002), answer
        assert answer.headers["WWW-Authenticate"] == "Token"


@rule("hub 2-23", "hub 3-9")
def test_expired_and_revoked_token(hub):
    platform = hub.add(hub.platform("CPO"))
    token = hub.ok("token", "issue", platform.id, "--ttl", "1s").out.strip()
    gone = eventually(lambda: (answer := platform.get("/ocpi/versions", token=token)).status != 200 and answer, "the token expires")
    assert gone.outcome == (401, 2002) and gone.headers["WWW-Authenticate"] == "Token"
    token = hub.issue(platform.id)
    assert platform.get("/ocpi/versions", token=token).status == 200
    hub.ok("token", "revoke", platform.id, "--all")
    assert platform.get("/ocpi/versions", token=token).outcome == (401, 2002)


@rule("hub 2-24", "hub 4-8")
def test_suspended_party(hub):
    """Its requests are 401, and those to it 4003; its platform's other party goes on; after resume so does it."""
    both, emsp = hub.onboard("CPO", "CPO"), hub.onboard("EMSP")
    gone, other = both.parties
    for cpo in both.parties:
        hub.ok("rule", "enable", emsp.id, cpo.id)
    hub.ok("party", "suspend", gone.id, "--reason", "test")
    assert both.put("tariffs", payloads.tariff(gone, "T"), sender=gone.id).outcome == (401, 2002)
    assert both.call("PUT", both.object_path("tariffs", "T", other), payloads.tariff(other, "T"), sender=other.id).outcome == (201, 1000)
    assert emsp.authorize("T1", to=gone.id).outcome == (200, 4003)
    assert emsp.authorize("T1", to=other.id).outcome == (200, 1000)
    hub.ok("party", "resume", gone.id)
    assert both.put("tariffs", payloads.tariff(gone, "T"), sender=gone.id).outcome == (201, 1000)


@rule("hub 2-25", "OCPI 1.1-4")
def test_initial_token_opens_the_exchange_only(hub):
    platform = hub.add(hub.platform("CPO"))
    token = hub.issue(platform.id)
    for path in ("locations", "tariffs", "sessions", "cdrs", "tokens", "hubclientinfo", "commands/START_SESSION", "nonsense"):
        assert platform.get(path, token=token).outcome == (401, 2002), path
    for path in ("/ocpi/versions", "/ocpi/2.2.1", "credentials"):
        assert platform.get(path, token=token).outcome == (200, 1000), path


@rule("hub 2-26", "OCPI 1.3-3")
@pytest.mark.parametrize("body", ["", "{", '{"id":"T"} x', "id=T", b"\xff\xfe", '{"id":\'T\'}', '{"n":01}'])
def test_a_body_that_is_not_json(site, body):
    cpo, emsp = site.cpo, site.emsp
    answers = [
        cpo.put("locations", body, ident="L"), cpo.patch("locations", "L/EVSE001", body), cpo.put("tariffs", body, ident="T"),
        cpo.put("sessions", body, ident="S"), cpo.call("POST", "cdrs", body), cpo.call("PUT", "credentials", body),
        emsp.call("POST", "commands/STOP_SESSION", body),
    ]  # fmt: skip
    assert {answer.outcome for answer in answers} == {(400, 2001)}, list(map(str, answers))


@rule("hub 2-27", "hub 2-15", "OCPI 1.3-4", "OCPI 2-2001")
@pytest.mark.parametrize(
    "module, ident, change, finding",
    [
        ("locations", "L", {"last_updated": "yesterday"}, "/last_updated"),
        ("locations", "L", {"evses": {}}, "/evses"),
        ("locations", "L", {"evses": [payloads.evse("E1"), payloads.evse("E2", status="ASLEEP")]}, "/evses/1/status"),
        ("tariffs", "T", {"elements": "free"}, "/elements"),
        ("tariffs", "T", {"elements": [{"price_components": [{"type": "ENERGY", "price": "1"}]}]}, "/elements/0/price_components/0/price"),
        ("sessions", "S", {"kwh": "12"}, "/kwh"),
        ("sessions", "S", {"cdr_token": {"uid": "A"}}, "/cdr_token/country_code"),
    ],
)
def test_json_that_breaks_the_definition(site, module, ident, change, finding):
    build = {"locations": payloads.location, "tariffs": payloads.tariff}
    whole = build[module](site.cpo.party, ident) if module in build else payloads.session(site.cpo.party, site.emsp.party, ident)
    path = site.cpo.object_path(module, ident)
    answer = site.cpo.put(module, {**whole, **change}, ident=ident)
    assert answer.outcome == (200, 2001) and finds_pointer(answer, finding), answer
    assert site.cpo.get(path).data["last_updated"] < whole["last_updated"], "nothing was stored"


@rule("hub 2-15")
def test_a_finding_says_place_expected_and_found(site):
    answer = site.cpo.put("locations", payloads.location(site.cpo.party, "L", evses=[payloads.evse("E1", status="ASLEEP")]))
    assert answer.outcome == (200, 2001) and '/evses/0/status: not a Status: "ASLEEP"' in answer.message, answer


@rule("hub 2-16")
def test_up_to_ten_findings(site):
    """Eleven wrong EVSEs: ten of them are named."""
    evses = [payloads.evse(f"E{number}", status=7) for number in range(11)]
    answer = site.cpo.put("locations", payloads.location(site.cpo.party, "L", evses=evses))
    assert answer.outcome == (200, 2001), answer
    assert [finds_pointer(answer, f"/evses/{n}/status") for n in range(11)] == [True] * 10 + [False], answer.message


@rule("hub 2-28", "OCPI 1.6-2", "OCPI 1.6-3")
def test_url_and_body_disagree(site):
    cpo, emsp = site.cpo, site.emsp
    for change in ({"country_code": "DE"}, {"party_id": "QQQ"}, {"id": "OTHER"}):
        for module, body in [
            ("locations", payloads.location(cpo.party, "X", **change)), ("tariffs", payloads.tariff(cpo.party, "X", **change)),
            ("sessions", payloads.session(cpo.party, emsp.party, "X", **change)),
        ]:  # fmt: skip
            answer = cpo.put(module, body, ident="X")
            assert answer.outcome == (200, 2001) and finds_pointer(answer, f"/{next(iter(change))}"), answer
            assert cpo.get(cpo.object_path(module, "X")).outcome == (404, 2003)
    assert cpo.put("locations", payloads.evse("E1"), ident="L/E2").outcome == (200, 2001)
    assert cpo.put("locations", payloads.connector("1"), ident="L/EVSE001/2").outcome == (200, 2001)


@rule("hub 2-29", "OCPI 1.5-3", "OCPI 2-2001")
@pytest.mark.parametrize("module, ident", [("locations", "L"), ("locations", "L/EVSE001"), ("locations", "L/EVSE001/1"), ("sessions", "S")])
def test_patch_without_last_updated(site, module, ident):
    answer = site.cpo.patch(module, ident, {"vendor_mark": 1})
    assert answer.outcome == (200, 2001) and finds_pointer(answer, "/last_updated"), answer


@rule("hub 2-30")
@pytest.mark.parametrize("query", ["limit=abc", "limit=-1", "limit=", "offset=-1", "offset=1.5", "date_from=yesterday", "date_to=2025-13-01T00:00:00Z"])
def test_bad_query_value(site, query):
    for platform, path in ((site.emsp, "locations"), (site.emsp, "tariffs"), (site.cpo, "hubclientinfo")):
        assert platform.get(f"{path}?{query}").outcome == (200, 2001), path


@rule("hub 2-31")
def test_stale_is_not_applied(pair):
    """It is answered like a success and audited as stale; a clock that ran ahead by more than 5 minutes does not lock the object."""
    cpo = pair.cpo
    cpo.put("tariffs", payloads.tariff(cpo.party, "OLD", last_updated=timestamp(-60)))
    answer = cpo.put("tariffs", payloads.tariff(cpo.party, "OLD", last_updated=timestamp(-120), currency="EUR"))
    assert answer.outcome == (200, 1000), answer
    assert cpo.get(cpo.object_path("tariffs", "OLD")).data["currency"] == "INR"
    pair.hub.wait_audit(lambda row: row["party"] == cpo.id and row["status"] == "stale", "the audit says stale")
    cpo.put("tariffs", payloads.tariff(cpo.party, "AHEAD", last_updated=timestamp(3600)))
    assert cpo.put("tariffs", payloads.tariff(cpo.party, "AHEAD", currency="EUR")).outcome == (200, 1000)
    assert cpo.get(cpo.object_path("tariffs", "AHEAD")).data["currency"] == "EUR"


@rule("hub 2-32")
def test_role_may_not_use_the_endpoint(site):
    cpo, emsp = site.cpo, site.emsp
    answers = [
        emsp.put("locations", payloads.location(emsp.party, "L")), emsp.put("tariffs", payloads.tariff(emsp.party, "T")),
        emsp.put("sessions", payloads.session(emsp.party, emsp.party, "S")), emsp.call("POST", "cdrs", payloads.cdr(emsp.party, emsp.party)),
        cpo.authorize("T1"), cpo.command("START_SESSION", payloads.start_session(cpo.party)),
    ]  # fmt: skip
    assert [answer.outcome for answer in answers] == [(403, 2001)] * len(answers)


@rule("hub 2-33", "OCPI 1.6-3")
def test_path_names_another_party(hub, site):
    other_cpo, other_emsp = hub.onboard("CPO"), hub.onboard("EMSP")
    body = payloads.location(site.cpo.party, "L", name="Hijacked")
    token = site.emsp.object_path("tokens", "T1")
    for answer in (
        other_cpo.call("PUT", site.cpo.object_path("locations", "L"), body),
        other_cpo.call("PATCH", site.cpo.object_path("locations", "L/EVSE001"), {"status": "REMOVED", "last_updated": timestamp()}),
        other_cpo.call("DELETE", site.cpo.object_path("tariffs", "T")),
        other_cpo.call("PUT", site.cpo.object_path("sessions", "S"), payloads.session(site.cpo.party, site.emsp.party, "S")),
        other_emsp.call("PUT", f"{token}/authorize"),
        other_emsp.call("PUT", token, payloads.token(site.emsp.party, "T1")),
    ):
        assert answer.outcome == (403, 2001) and "party mismatch" in answer.message, answer


@rule("hub 2-34", "OCPI 1.3-5", "OCPI 2-2003")
def test_unknown_path_or_object(site):
    cpo, emsp = site.cpo, site.emsp
    for platform, path in [
        (cpo, "/"), (cpo, "/ocpi"), (cpo, "/ocpi/2.1.1"), (cpo, "locations/IN"), (cpo, "nonsense/at/all/of/it"),
        *[(platform, cpo.object_path("locations", ident)) for platform in (cpo, emsp) for ident in ("NONE", "L/NONE", "L/EVSE001/NONE")],
        *[(platform, cpo.object_path("tariffs", "NONE")) for platform in (cpo, emsp)],
        (cpo, cpo.object_path("sessions", "NONE")), (cpo, cpo.object_path("cdrs", "NONE")), (cpo, "hubclientinfo/IN/QQQ"),
    ]:  # fmt: skip
        assert platform.get(path).outcome == (404, 2003), (platform.id, path)
    assert cpo.call("DELETE", cpo.object_path("tariffs", "NONE")).outcome == (404, 2003)


@rule("hub 2-35", "OCPI 1.3-7", "OCPI 2-2000", "OCPI 1.6-1")
@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", "locations"), ("POST", "locations/{own}/L"), ("DELETE", "locations/{own}/L"), ("PATCH", "tariffs/{own}/T"), ("POST", "tariffs"),
        ("DELETE", "sessions/{own}/S"), ("PUT", "cdrs"), ("PATCH", "credentials"), ("PUT", "hubclientinfo/{own}"),
        ("POST", "hubclientinfo"), ("POST", "/ocpi/versions"), ("DELETE", "/ocpi/2.2.1"), ("BREW", "locations"),
    ],
)  # fmt: skip
def test_method_not_offered(site, method, path):
    own = f"{site.cpo.party.country_code}/{site.cpo.party.party_id}"
    answer = site.cpo.call(method, path.format(own=own), {})
    assert answer.outcome == (405, 2000), answer
    allow = {word.strip() for word in answer.headers["Allow"].split(",")}
    assert allow and method not in allow
    if "/L" in path:
        assert {"GET", "PUT", "PATCH"} <= allow


@rule("hub 2-37", "hub 7-1")
def test_no_active_rule(hub):
    hub, cpo, emsp = hub.pair(rule=False)
    cpo.put("locations", payloads.location(cpo.party, "LN"))
    for answer in (
        emsp.authorize("T1", to=cpo.id),
        emsp.command("START_SESSION", payloads.start_session(emsp.party), to=cpo.id),
        emsp.get(cpo.object_path("locations", "LN")),
        emsp.get("locations", to=cpo.id),
    ):
        assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer
    assert cpo.received("*", "/(tokens|commands)/") == []


@rule("hub 2-38", "OCPI 2-4001", "OCPI 1.3-9")
def test_unknown_receiver(site):
    for answer in (
        site.emsp.authorize("T1", to="IN-QQQ"),
        site.emsp.command("START_SESSION", payloads.start_session(site.emsp.party), to="DE-QQQ"),
        site.emsp.get("locations", to="IN-QQQ"),
    ):
        assert answer.outcome == (200, 4001), answer


@rule("hub 2-39", "OCPI 2-4002", "OCPI 1.3-9")
def test_answer_too_late(new_hub):
    made = new_hub(command_forward_timeout=f"{300 * SLOW:g}ms").pair()
    gate = Gate()
    made.cpo.script("POST", "/commands/", Reply(hold=gate, data={"result": "ACCEPTED", "timeout": 30}))
    answer = made.emsp.command("START_SESSION", payloads.start_session(made.emsp.party))
    gate.open()
    assert answer.outcome == (200, 4002), answer


@rule("hub 2-40", "OCPI 2-4003", "OCPI 1.3-9")
def test_receiver_not_reachable_or_planned(hub):
    hub, cpo, emsp = hub.pair()
    planned = hub.add(hub.platform("CPO"))
    hub.rule(emsp, planned)
    assert emsp.command("START_SESSION", payloads.start_session(emsp.party), to=planned.id).outcome == (200, 4003)
    cpo.down()
    assert emsp.command("START_SESSION", payloads.start_session(emsp.party), to=cpo.id).outcome == (200, 4003)


@rule("hub 2-43")
def test_shutting_down(new_hub):
    """Idle connections are closed, nobody new is let in; what is in flight is answered, last on its connection; then hubd ends."""
    made = new_hub(forward_timeout="60s", threads="1").pair()
    gate = Gate()
    made.cpo.script(*AUTHORIZE, Reply(hold=gate, data={"allowed": "ALLOWED"}))
    head = f"HTTP/1.1\r\nHost: hub\r\nAuthorization: {authorization(made.emsp.hub_token)}\r\n\r\n"
    with Wire(made.hub) as wire, Wire(made.hub) as idle:
        idle.send(f"GET /ocpi/versions {head}")
        assert idle.answer()[0] == 200
        wire.send(f"PUT /ocpi/2.2.1/{made.emsp.object_path('tokens', 'T1')}/authorize {head}")
        made.cpo.wait(*AUTHORIZE)
        made.hub.process.terminate()
        assert idle.closed() and not accepts(("127.0.0.1", made.hub.port))
        wire.send(f"GET /ocpi/versions {head}")
        gate.open()
        first, second = wire.answer(), wire.answer()
    assert made.hub.process.wait(DEADLINE) == 0
    assert json.loads(first[2])["data"]["allowed"] == "ALLOWED" and first[1]["connection"] == "close"
    assert second is None or (second[0], json.loads(second[2])["status_code"]) == (503, 3000)


@rule("OCPI 1.3-8")
def test_errors_carry_no_object(site):
    cpo, emsp = site.cpo, site.emsp
    for answer in (
        cpo.get("credentials", token="wrong"), cpo.get(cpo.object_path("locations", "NONE")), cpo.put("tariffs", "{", ident="T"),
        emsp.authorize("T1", to="IN-QQQ"), emsp.get("locations?limit=x"), emsp.put("tariffs", {}, ident="T"),
    ):  # fmt: skip
        assert answer.code >= 2000 and answer.data is None, answer


@rule("OCPI 2-1")
def test_no_custom_codes(hub, site):
    """Over everything that this file does, status codes are those that OCPI defines."""
    known = {1000, 2000, 2001, 2002, 2003, 2004, 3000, 3001, 3002, 3003, 4000, 4001, 4002, 4003}
    seen = {
        site.cpo.call(method, path, body).code
        for method in ("GET", "PUT", "POST", "PATCH", "DELETE")
        for path in ("locations", "tariffs", "cdrs", "sessions", "tokens", "commands/START_SESSION", "hubclientinfo", "chargingprofiles/X", "zzz")
        for body in (None, {}, "[")
    }
    assert seen <= known, seen - known
