"""Locations, EVSEs, connectors: pushed by CPOs, read by eMSPs with a rule, kept as they came."""

import json

import pytest

from tests.e2e.harness import LONG, finds_pointer, later
from tests.sim import Party, exact, payloads
from tests.sim.wire import timestamp


@pytest.fixture
def site(pair):
    """A pair whose CPO has pushed LOC001, last updated ten minutes ago."""
    body = payloads.location(pair.cpo.party, last_updated=timestamp(-600))
    answer = pair.cpo.put("locations", body)
    assert answer.outcome == (201, 1000), answer
    return pair


def seen(pair, path="LOC001"):
    """What the eMSP gets for LOC001 (or a part of it)."""
    answer = pair.emsp.get(pair.cpo.object_path("locations", path))
    assert answer.outcome == (200, 1000), answer
    return answer.data


def listed(platform, **query):
    """Ids of all locations that a platform's list shows, page by page."""
    return [entry["id"] for answer in platform.pages("locations", **query) for entry in answer.data]


# ---------------------------------------------------------------- PUT


def test_put_creates_then_updates(pair):
    """201 where the PUT created the object, 200 afterwards; status_code 1000 both times."""
    cpo = pair.cpo
    assert cpo.put("locations", payloads.location(cpo.party, last_updated=timestamp(-60))).outcome == (201, 1000)
    assert cpo.put("locations", payloads.location(cpo.party, name="Renamed")).outcome == (200, 1000)
    assert seen(pair)["name"] == "Renamed"


def test_three_levels_are_readable(site):
    """The eMSP reads the location, an EVSE, a connector; the owner reads its own."""
    for platform in (site.emsp, site.cpo):
        path = site.cpo.object_path("locations", "LOC001")
        location = platform.get(path)
        assert location.outcome == (200, 1000), location
        assert [evse["uid"] for evse in location.data["evses"]] == ["EVSE001", "EVSE002"]
        assert platform.get(path + "/EVSE002").data["uid"] == "EVSE002"
        connector = platform.get(path + "/EVSE002/2/")
        assert (connector.data["id"], connector.data["standard"]) == ("2", "IEC_62196_T2")


SPELLING = """{ "id":"%(id)s", "x_vendor":{"b":[1,2.50,-0.0,1E3],"a":null}, "party_id":"%(party)s",
 "last_updated":"2025-03-01T08:00:00Z","country_code":"IN","publish":true,
 "address":"Hosur Road","city":"Bengaluru","country":"IND","name":"\\u0915\\u0930\\u094d \\/ caf\u00e9",
 "coordinates":{"longitude":"77.61","latitude":"12.93"}, "time_zone":"Asia/Kolkata",
 "evses":[{"uid":"E1","z_last":12.50,"status":"AVAILABLE","a_first":100.00,"last_updated":"2025-03-01T08:00:00Z",
   "connectors":[{"id":"1","max_voltage":400,"max_amperage":32,"tariff":12.50,"standard":"IEC_62196_T2","format":"SOCKET",
   "power_type":"AC_3_PHASE","last_updated":"2025-03-01T08:00:00Z"}]}]}"""


def test_bytes_are_kept(pair):
    """Unknown fields, number spelling (12.50 stays 12.50), key order and the owner's last_updated are served as they came."""
    body = SPELLING % {"id": "SPELL", "party": pair.cpo.party.party_id}
    assert pair.cpo.put("locations", body, ident="SPELL").outcome == (201, 1000)
    path = pair.cpo.object_path("locations", "SPELL")
    assert pair.emsp.get(path).exact_data == exact(body)
    assert pair.emsp.get("locations").exact_data == [exact(body)]
    evse = exact(body).get("evses")[0]
    assert pair.emsp.get(path + "/E1").exact_data == evse
    assert pair.emsp.get(path + "/E1/1").exact_data == evse.get("connectors")[0]


def test_patched_bytes_are_kept(pair):
    """A PATCH changes what it names; everything else keeps spelling, order and unknown fields."""
    body = SPELLING % {"id": "SPELL", "party": pair.cpo.party.party_id}
    pair.cpo.put("locations", body, ident="SPELL")
    change = '{"status":"CHARGING","last_updated":"2025-03-01T09:00:00Z","price_hint":7.10}'
    assert pair.cpo.patch("locations", "SPELL/E1", change).outcome == (200, 1000)
    served = pair.emsp.get(pair.cpo.object_path("locations", "SPELL"))
    evse = served.exact_data.get("evses")[0]
    assert [evse.get(key) for key in ("z_last", "a_first", "price_hint", "status")] == ["12.50", "100.00", "7.10", "CHARGING"]
    assert served.exact_data.get("x_vendor") == exact(body).get("x_vendor")


def test_explicit_null_is_absent(pair):
    """An explicit null for an optional field is accepted."""
    body = payloads.location(pair.cpo.party, related_locations=None, images=None, suboperator=None)
    assert pair.cpo.put("locations", body).outcome == (201, 1000)
    assert seen(pair)["id"] == "LOC001"


def test_ids_compare_in_any_case_and_slashes_collapse(site):
    """Ids compare case-insensitively, `//` counts as `/`; the spelling of the owner is kept."""
    party = site.cpo.party.party_id.lower()
    for path in (f"locations/in/{party}/loc001", f"locations//IN//{party}/LOC001/", f"locations/IN/{party}/Loc001/evse001"):
        answer = site.emsp.get(path)
        assert answer.outcome == (200, 1000), (path, answer)
    body = payloads.location(site.cpo.party, name="Second")
    assert site.cpo.call("PUT", f"locations/in/{party}/loc001", body).outcome == (200, 1000)
    assert listed(site.emsp) == ["LOC001"]


# ---------------------------------------------------------------- children and propagation


def test_evse_put_and_patch_move_the_location(site):
    """A child's last_updated moves its location's forward to that same value, never to the hub's clock."""
    stamp = timestamp(-300)
    assert site.cpo.put("locations", payloads.evse("EVSE003", last_updated=stamp), ident="LOC001/EVSE003").outcome == (201, 1000)
    assert seen(site)["last_updated"] == stamp
    assert [evse["uid"] for evse in seen(site)["evses"]] == ["EVSE001", "EVSE002", "EVSE003"]
    later = timestamp(-200)
    assert site.cpo.patch("locations", "LOC001/EVSE001", {"status": "CHARGING", "last_updated": later}).outcome == (200, 1000)
    location = seen(site)
    assert location["last_updated"] == later
    assert [evse["status"] for evse in location["evses"]] == ["CHARGING", "AVAILABLE", "AVAILABLE"]
    assert location["evses"][1]["last_updated"] != later


def test_connector_put_and_patch_move_both_parents(site):
    """A connector moves its EVSE and its location."""
    for number, (method, body) in enumerate(
        [("PUT", payloads.connector("1", power=120000)), ("PATCH", {"max_electric_power": 90000}), ("PUT", payloads.connector("9"))]
    ):
        stamp = timestamp(-300 + number)
        ident = "LOC001/EVSE002/" + body.get("id", "1")
        answer = site.cpo.call(method, site.cpo.object_path("locations", ident), {**body, "last_updated": stamp})
        assert answer.code == 1000 and answer.status == (201 if number == 2 else 200), answer
        location = seen(site)
        assert location["last_updated"] == stamp
        assert location["evses"][1]["last_updated"] == stamp
        assert location["evses"][0]["last_updated"] < stamp
    powers = [connector["max_electric_power"] for connector in seen(site)["evses"][1]["connectors"]]
    assert powers == [90000, 22000, 60000]


def test_parents_never_move_back(site):
    """A child that is newer than its stored self but older than its parents leaves the parents' last_updated alone."""
    site.cpo.patch("locations", "LOC001", {"name": "Fresh name", "last_updated": "2025-05-05T05:05:05Z"})
    newest = timestamp(-10)
    site.cpo.patch("locations", "LOC001", {"name": "Fresh name", "last_updated": newest})
    between = timestamp(-100)
    assert site.cpo.patch("locations", "LOC001/EVSE001", {"status": "BLOCKED", "last_updated": between}).outcome == (200, 1000)
    location = seen(site)
    assert location["last_updated"] == newest
    assert (location["evses"][0]["status"], location["evses"][0]["last_updated"]) == ("BLOCKED", between)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_connector_below_a_newer_evse(pair, method):
    """A connector older than its EVSE, which is newer than the location: neither parent's last_updated goes back."""
    body = payloads.location(pair.cpo.party, last_updated="2026-01-01T00:00:10Z")
    body["evses"][0]["last_updated"] = "2026-01-01T00:00:20Z"
    for connector in body["evses"][0]["connectors"]:
        connector["last_updated"] = "2026-01-01T00:00:05Z"
    assert pair.cpo.put("locations", body).outcome == (201, 1000)
    change = {"max_electric_power": 90000, "last_updated": "2026-01-01T00:00:06Z"}
    whole = payloads.connector("1", power=90000, last_updated=change["last_updated"])
    path = pair.cpo.object_path("locations", "LOC001/EVSE001/1")
    assert pair.cpo.call(method, path, whole if method == "PUT" else change).outcome == (200, 1000)
    location = seen(pair)
    evse = location["evses"][0]
    assert evse["connectors"][0]["max_electric_power"] == 90000
    assert evse["last_updated"] == "2026-01-01T00:00:20Z"
    assert location["last_updated"] >= body["last_updated"]


def test_patch_of_the_location_keeps_its_evses(site):
    """A PATCH carries only what changes."""
    before = seen(site)
    stamp = timestamp(-50)
    assert site.cpo.patch("locations", "LOC001", {"name": "New name", "last_updated": stamp}).outcome == (200, 1000)
    assert seen(site) == {**before, "name": "New name", "last_updated": stamp}


@pytest.mark.parametrize(
    "method, ident, body",
    [
        ("PUT", "NOWHERE/EVSE001", payloads.evse()),
        ("PUT", "LOC001/NONE/1", payloads.connector()),
        ("PATCH", "NOWHERE", {"name": "x", "last_updated": "2030-01-01T00:00:00Z"}),
        ("PATCH", "LOC001/NONE", {"status": "BLOCKED", "last_updated": "2030-01-01T00:00:00Z"}),
        ("PATCH", "LOC001/EVSE001/77", {"max_voltage": 1, "last_updated": "2030-01-01T00:00:00Z"}),
    ],
)
def test_unknown_parent_or_object(site, method, ident, body):
    """A child of an unknown parent and a PATCH of an unknown object are 404 with 2003, and nothing is created."""
    before = seen(site)
    answer = site.cpo.call(method, site.cpo.object_path("locations", ident), body)
    assert answer.outcome == (404, 2003), answer
    assert seen(site) == before


# ---------------------------------------------------------------- stale


@pytest.mark.parametrize("ident", ["LOC001", "LOC001/EVSE001", "LOC001/EVSE001/1"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_stale_is_not_applied(hub, site, method, ident):
    """last_updated older than what is stored: answered 1000, audited as stale, not applied."""
    old = "2024-01-01T00:00:00Z"
    whole = {0: payloads.location(site.cpo.party, last_updated=old), 1: payloads.evse(last_updated=old), 2: payloads.connector(last_updated=old)}
    body = {**whole[ident.count("/")], "vendor_mark": "stale"} if method == "PUT" else {"vendor_mark": "stale", "last_updated": old}
    before = seen(site)
    answer = site.cpo.call(method, site.cpo.object_path("locations", ident), body)
    assert answer.outcome == (200, 1000), answer
    assert seen(site) == before
    hub.wait_audit(lambda row: row["party"] == site.cpo.id and row["status"] == "stale", "an audit row saying stale")


def test_a_time_far_in_the_future_does_not_lock_the_object(pair):
    """What is stored more than 5 minutes in the future does not make later pushes stale."""
    pair.cpo.put("locations", payloads.location(pair.cpo.party, last_updated=timestamp(3600)))
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party, name="Corrected clock")).outcome == (200, 1000)
    assert seen(pair)["name"] == "Corrected clock"


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "change, pointer",
    [
        ({"last_updated": None}, "/last_updated"),
        ({"last_updated": "yesterday"}, "/last_updated"),
        ({"last_updated": 17}, "/last_updated"),
        ({"id": "OTHER"}, "/id"),
        ({"country_code": "DE"}, "/country_code"),
        ({"party_id": "QQQ"}, "/party_id"),
        ({"evses": "none"}, "/evses"),
        ({"evses": [payloads.evse("E1"), payloads.evse("E1")]}, "/evses/1/uid"),
        ({"evses": [payloads.evse("E1", status="SLEEPING")]}, "/evses/0/status"),
        ({"evses": [{**payloads.evse("E1"), "connectors": [{"standard": "CHADEMO"}]}]}, "/evses/0/connectors/0/id"),
    ],
)
def test_essential_breaches(pair, change, pointer):
    """What identity, routing or time rest on is refused with 200 and 2001, naming the JSON pointer."""
    body = {key: value for key, value in {**payloads.location(pair.cpo.party), **change}.items() if value is not None}
    answer = pair.cpo.put("locations", body, ident="LOC001")
    assert answer.outcome == (200, 2001), answer
    assert finds_pointer(answer, pointer), answer.message
    assert pair.emsp.get(pair.cpo.object_path("locations", "LOC001")).outcome == (404, 2003)


def test_findings_are_tolerated_or_refused(new_hub, pair):
    """Tolerant, the default: other breaches are accepted and served as received. Strict refuses them, unknown fields never."""
    odd = dict(
        coordinates={"latitude": "12.9346", "longitude": "77.6111"},
        evses=[{**payloads.evse(), "connectors": [payloads.connector(standard="CCS2")]}],
        vendor_field={"any": "thing"},
    )
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party, **odd)).outcome == (201, 1000)
    assert seen(pair)["evses"][0]["connectors"][0]["standard"] == "CCS2"
    strict = new_hub(validation="strict").pair()
    answer = strict.cpo.put("locations", payloads.location(strict.cpo.party, **odd))
    assert answer.outcome == (200, 2001), answer
    assert '/evses/0/connectors/0/standard: not a ConnectorType: "CCS2"' in answer.message
    assert strict.cpo.put("locations", payloads.location(strict.cpo.party, vendor_field=1)).outcome == (201, 1000)


@pytest.mark.parametrize("ident", ["LOC001", "LOC001/EVSE001", "LOC001/EVSE001/1"])
def test_patch_without_last_updated(site, ident):
    """A PATCH must carry last_updated, else 2001."""
    answer = site.cpo.patch("locations", ident, {"vendor_mark": 1})
    assert answer.outcome == (200, 2001), answer
    assert finds_pointer(answer, "/last_updated"), answer.message


def test_patch_cannot_change_the_id(site):
    """URL and body disagree: 2001."""
    answer = site.cpo.patch("locations", "LOC001", {"id": "LOC9", "last_updated": timestamp()})
    assert answer.outcome == (200, 2001), answer


def test_not_json(pair):
    """A body that is not JSON is 400 with 2001; an empty one too."""
    for body in ("{", "", "\xff", '{"id":"LOC001"} trailing'):
        answer = pair.cpo.put("locations", body.encode("latin-1"), ident="LOC001")
        assert answer.outcome == (400, 2001), (body, answer)


def test_nesting_is_bounded(pair):
    """JSON nested deeper than 64 is refused, and hubd lives on."""
    deep = json.dumps(payloads.location(pair.cpo.party))[:-1] + ',"x":' + "[" * 20000 + "]" * 20000 + "}"
    answer = pair.cpo.put("locations", deep, ident="LOC001")
    assert answer.status in (200, 400) and answer.code == 2001, answer
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party)).outcome == (201, 1000)


def test_only_cpos_push_and_only_their_own(hub, site):
    """The path names another party: 403 `party mismatch`. A caller whose role may not use the endpoint: 403."""
    stranger = hub.onboard("CPO")
    body = payloads.location(site.cpo.party, name="Hijacked")
    for method, ident, sent in [("PUT", "LOC001", body), ("PATCH", "LOC001/EVSE001", {"status": "REMOVED", "last_updated": timestamp()})]:
        answer = stranger.call(method, site.cpo.object_path("locations", ident), sent)
        assert answer.outcome == (403, 2001), answer
        assert "party mismatch" in answer.message
        answer = site.emsp.call(method, site.cpo.object_path("locations", ident), sent)
        assert answer.outcome == (403, 2001), answer
    assert seen(site)["name"] != "Hijacked"
    assert stranger.get(site.cpo.object_path("locations", "LOC001")).status in (403, 404), "no look at a competitor's"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_methods_not_offered(site, method):
    """405 with Allow."""
    answer = site.cpo.call(method, site.cpo.object_path("locations", "LOC001"), {} if method == "POST" else None)
    assert answer.outcome == (405, 2000), answer
    assert {"GET", "PUT", "PATCH"} <= {word.strip() for word in answer.headers["Allow"].split(",")}


# ---------------------------------------------------------------- who sees what


def test_without_a_rule_nothing_is_visible(hub):
    """Pushes are stored all the same; visibility needs the rule, and ends with it at once."""
    hub, cpo, emsp = hub.pair(rule=False)
    assert cpo.put("locations", payloads.location(cpo.party)).outcome == (201, 1000)
    path = cpo.object_path("locations", "LOC001")

    def visible():
        page, single, evse = emsp.get("locations"), emsp.get(path), emsp.get(path + "/EVSE001")
        counts = (len(page.data), page.headers["X-Total-Count"], single.code, evse.code)
        assert counts in [(0, "0", 2000, 2000), (1, "1", 1000, 1000)], counts
        return counts[0] == 1

    assert not visible()
    hub.rule(emsp, cpo)
    assert visible(), "effective at once"
    hub.rule(emsp, cpo, "disable")
    assert not visible(), "effective at once"
    assert cpo.get(path).outcome == (200, 1000), "the owner sees its own"


def test_only_routed_cpos_are_listed(hub, site):
    """The list is filtered by the rules of the asking eMSP."""
    other = hub.onboard("CPO")
    other.put("locations", payloads.location(other.party, "OTHER"))
    assert listed(site.emsp) == ["LOC001"]
    hub.rule(site.emsp, other)
    assert listed(site.emsp) == ["LOC001", "OTHER"], "oldest arrival first"


def test_a_list_directed_at_one_cpo(hub, site):
    """OCPI-to of a list GET: a CPO narrows it to that CPO's; the hub, the caller or nobody there: everything that is visible."""
    second, unrouted = hub.onboard("CPO"), hub.onboard("CPO")
    hub.rule(site.emsp, second)
    for cpo, ident in ((second, "SECOND"), (unrouted, "HIDDEN")):
        assert cpo.put("locations", payloads.location(cpo.party, ident)).outcome == (201, 1000)
    for to, wanted in [
        (second.id, ["SECOND"]), (site.cpo.id.lower(), ["LOC001"]),
        ("IN-CIH", ["LOC001", "SECOND"]), (site.emsp.id, ["LOC001", "SECOND"]), (None, ["LOC001", "SECOND"]),
    ]:  # fmt: skip
        answer = site.emsp.get("locations", to=to)
        assert answer.outcome == (200, 1000), (to, answer)
        assert [entry["id"] for entry in answer.data] == wanted, to
        assert answer.headers["X-Total-Count"] == str(len(wanted)), to
    assert site.emsp.get("locations", to="IN-QQQ").outcome == (200, 4001)
    answer = site.emsp.get("locations", to=unrouted.id)
    assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer


@pytest.mark.parametrize("one_id", [False, True], ids=["two parties", "one party with two roles"])
def test_a_platform_that_is_cpo_and_emsp(hub, pair, one_id):
    """It sees its own objects, single and in lists, without a rule with itself; with others' rules theirs besides."""
    cpo = hub.new_party("CPO")
    twin = Party(cpo.country_code, cpo.party_id, "EMSP", cpo.name) if one_id else hub.new_party("EMSP")
    both = hub.add(hub.platform(cpo, twin))
    both.register(hub.issue(both.id))
    body = payloads.location(cpo, "OWN")
    assert both.put("locations", body).outcome == (201, 1000)
    assert pair.cpo.put("locations", payloads.location(pair.cpo.party, "THEIRS")).outcome == (201, 1000)
    own = both.get(both.object_path("locations", "OWN"))
    assert own.outcome == (200, 1000) and own.data == body, own
    assert both.get(both.object_path("locations", "OWN/EVSE001/1")).outcome == (200, 1000)
    assert listed(both) == ["OWN"]
    hub.ok("rule", "enable", twin.id, pair.cpo.id)
    assert sorted(listed(both)) == ["OWN", "THEIRS"]


# ---------------------------------------------------------------- pages


@pytest.fixture(scope="module")
def many(hub):
    """A pair with 120 small locations, pushed in order of their ids; last_updated runs the other way."""
    made = hub.pair()
    for number in range(120):
        body = payloads.location(made.cpo.party, f"L{number:03d}", last_updated=f"2025-02-01T10:{59 - number // 60:02d}:{59 - number % 60:02d}Z", evses=[])
        assert made.cpo.put("locations", body).status == 201
    return made


def test_default_page_and_links_to_the_end(many):
    """Default limit 50; Link leads page by page to the end without gap or double; oldest arrival first."""
    pages = many.emsp.pages("locations")
    assert [len(page.data) for page in pages] == [50, 50, 20]
    assert [entry["id"] for page in pages for entry in page.data] == [f"L{n:03d}" for n in range(120)]
    for page in pages:
        assert page.headers["X-Total-Count"] == "120"
        assert int(page.headers["X-Limit"]) >= len(page.data)
    assert "Link" not in pages[-1].headers


def test_offset_and_limit(many):
    """offset and limit; a limit above 1000 is cut to it; an offset behind the end is an empty page."""
    assert listed(many.emsp, offset=117) == ["L117", "L118", "L119"]
    assert [entry["id"] for entry in many.emsp.get("locations", query={"offset": 7, "limit": 2}).data] == ["L007", "L008"]
    assert len(many.emsp.get("locations", query={"limit": 5000}).data) == 120
    beyond = many.emsp.get("locations", query={"offset": 500})
    assert (beyond.outcome, beyond.data, beyond.headers["X-Total-Count"]) == ((200, 1000), [], "120")
    assert "Link" not in beyond.headers


def test_link_repeats_the_filters(many):
    """Link rel=next repeats limit, date_from and date_to and begins with base_url."""
    query = {"limit": 7, "date_from": "2025-02-01T10:59:00Z", "date_to": "2025-02-01T11:00:00Z"}
    first = many.emsp.get("locations", query=query)
    link = first.headers["Link"]
    assert link.startswith(f"<{many.hub.url}/ocpi/2.2.1/locations?") and 'rel="next"' in link
    for name in ("date_from=2025-02-01T10", "date_to=2025-02-01T11", "limit=7", "offset=7"):
        assert name in link.replace("%3A", ":"), link
    ids = [entry["id"] for page in many.emsp.pages("locations", **query) for entry in page.data]
    assert ids == [f"L{n:03d}" for n in range(60)]


def test_order_is_stable_under_updates(many):
    """An update does not move an object in the list."""
    many.cpo.put("locations", payloads.location(many.cpo.party, "L003", evses=[], name="Updated"))
    assert listed(many.emsp, limit=10)[:6] == ["L000", "L001", "L002", "L003", "L004", "L005"]


@pytest.mark.parametrize(
    "query", ["limit=abc", "limit=-1", "offset=-1", "offset=x", "date_from=yesterday", "date_to=2025-13-01T00:00:00Z", "limit="]
)
def test_bad_query_values(many, query):
    """A bad query value is 200 with 2001."""
    answer = many.emsp.get(f"locations?{query}")
    assert answer.outcome == (200, 2001), answer


# ---------------------------------------------------------------- date_from, date_to


@pytest.mark.parametrize(
    "date_from, date_to, match",
    [
        ("2025-02-02T10:00:00.500Z", "2025-02-02T11:00:00Z", True),  # inclusive
        ("2025-02-02T10:00:00.501Z", "2025-02-02T11:00:00Z", False),
        ("2025-02-02T09:00:00Z", "2025-02-02T10:00:00.500Z", False),  # exclusive
        ("2025-02-02T09:00:00Z", "2025-02-02T10:00:00.501Z", True),
        ("2025-02-02T10:00:00.500", "2025-02-02T11:00:00", True),  # without Z
        (None, "2025-02-02T10:00:00.500Z", False),
        ("2025-02-02T10:00:00.501Z", None, True),  # arrived later than that
    ],
)
def test_date_window_edges(hub, date_from, date_to, match):
    """date_from is inclusive, date_to exclusive, by last_updated (or arrival, or the enabling of the rule)."""
    hub, cpo, emsp = hub.pair()
    cpo.put("locations", payloads.location(cpo.party, "EDGE", last_updated="2025-02-02T10:00:00.500Z"))
    query = {key: value for key, value in (("date_from", date_from), ("date_to", date_to)) if value}
    answer = emsp.get("locations", query=query)
    assert answer.outcome == (200, 1000), answer
    assert [entry["id"] for entry in answer.data] == (["EDGE"] if match else [])
    assert answer.headers["X-Total-Count"] == str(int(match))


def test_incremental_sync_has_no_gap(hub):
    """A late push, a status change and a newly enabled rule are inside the next window; an identical re-push is not."""
    hub, cpo, emsp = hub.pair(rule=False)
    body = payloads.location(cpo.party, last_updated="2025-02-03T10:00:00Z")
    cpo.put("locations", body)
    mark = later(cpo)
    hub.rule(emsp, cpo)
    assert listed(emsp, date_from=mark) == ["LOC001"], "the enabling of the rule"
    mark = later(cpo)
    assert listed(emsp, date_from=mark) == []
    assert cpo.put("locations", body).outcome == (200, 1000)
    assert listed(emsp, date_from=mark) == [], "an identical re-push resends nothing"
    cpo.put("locations", {**body, "name": "Changed", "last_updated": "2025-02-03T10:00:01Z"})
    assert listed(emsp, date_from=mark) == ["LOC001"], "arrival of changed content"
    mark = later(cpo)
    cpo.patch("locations", "LOC001/EVSE001", {"status": "CHARGING", "last_updated": "2025-02-03T10:00:02Z"})
    assert listed(emsp, date_from=mark) == ["LOC001"], "arrival of an EVSE's status"


# ---------------------------------------------------------------- large


def test_a_large_location(pair):
    """A location with many EVSEs is stored, patched and served whole."""
    count = 1000 if LONG else 300
    body = payloads.location(pair.cpo.party, "BIG", last_updated=timestamp(-60), evses=[payloads.evse(f"E{n:04d}") for n in range(count)])
    assert pair.cpo.put("locations", body).outcome == (201, 1000)
    assert pair.cpo.patch("locations", f"BIG/E{count // 2:04d}", {"status": "CHARGING", "last_updated": timestamp(1)}).outcome == (200, 1000)
    evses = seen(pair, "BIG")["evses"]
    assert [evse["uid"] for evse in evses] == [f"E{n:04d}" for n in range(count)]
    assert [evse["uid"] for evse in evses if evse["status"] == "CHARGING"] == [f"E{count // 2:04d}"]


def test_a_page_holds_at_most_4_mib(pair):
    """A page is cut before 4 MiB; Link counts what was sent, so that the rest follows."""
    padding = "x" * 1_500_000
    for number in range(4):
        body = payloads.location(pair.cpo.party, f"FAT{number}", evses=[], vendor_padding=padding)
        assert pair.cpo.put("locations", body).outcome == (201, 1000)
    pages = pair.emsp.pages("locations")
    assert max(len(page.body) for page in pages) <= 4 * 1024 * 1024 + 1024
    assert [entry["id"] for page in pages for entry in page.data] == ["FAT0", "FAT1", "FAT2", "FAT3"]
    assert {page.headers["X-Total-Count"] for page in pages} == {"4"}
