"""Findings: what partners' objects break of OCPI's tables is taken, counted exactly and shown; strict refuses it; nobody fills the count."""

import json
import re
import signal
from collections import Counter

import pytest

from tests.e2e.harness import eventually, finds_pointer, on_terminal
from tests.sim import payloads
from tests.sim.wire import timestamp

NAMES_MAX = 64  # names of unknown fields that are kept per party


def counted(hub, party, module=None):
    """What of a party was taken with a finding, by object, field and rule. The exchange's own objects are left out unless asked for."""
    rows = [row for row in hub.rows("quality", party) if row["module"] == module or (module is None and row["module"] != "credentials")]
    assert all(row["party"] == party for row in rows)
    return {(row["object"], row["field"], row["rule"]): row["count"] - row["refused"] for row in rows if row["count"] > row["refused"]}


def settled(hub, party, module=None):
    """The counts after an orderly end and a new start: all there ever will be."""
    hub.stop()
    hub.restart()
    return counted(hub, party, module)


def wait_counted(hub, party, expected, module=None):
    eventually(lambda: counted(hub, party, module) == expected, f"the counts of {party} are {expected}")


def clean(party, ident="LOC001", **changes):
    """A location without any finding."""
    body = payloads.location(party, ident, **changes)
    del body["vendor_discom"]
    return {**body, **changes}


def broken(party, count, **changes):
    """A location with so many connectors of a standard that does not exist."""
    stamp = timestamp()
    evses = [payloads.evse(f"E{n}", last_updated=stamp, connectors=[payloads.connector("1", standard="CCS2")]) for n in range(count)]
    return clean(party, evses=evses, **changes)


STANDARD = ("Connector", "standard", "enum")
SHORT_TOKEN = {("Token", name, "missing"): 1 for name in ("country_code", "party_id", "issuer", "valid", "whitelist", "last_updated")}


@pytest.fixture
def strict(hub, pair):
    hub.ok("party", "set", pair.cpo.id, "--validation", "strict")
    return pair


# ---------------------------------------------------------------- what counts


def test_an_object_without_findings_leaves_no_row(new_hub):
    hub, cpo, emsp = new_hub().pair()
    for body in (clean(cpo.party), clean(cpo.party, "L2", images=None, related_locations=[])):
        assert cpo.put("locations", body).outcome == (201, 1000)
    assert cpo.put("tariffs", payloads.tariff(cpo.party)).outcome == (201, 1000)
    assert settled(hub, cpo.id) == {}
    (row,) = hub.audit(action="location.put", object="L2")
    assert not row.get("detail")


LOCATION_CASES = [
    ({"city": None}, ("Location", "city", "missing")),
    ({"coordinates": {"latitude": "12.934612"}}, ("GeoLocation", "longitude", "missing")),
    ({"coordinates": {"latitude": "12.9346", "longitude": "77.611158"}}, ("GeoLocation", "latitude", "format")),
    ({"country": "INDIA"}, ("Location", "country", "length")),
    ({"facilities": ["HOTEL", "CASINO"]}, ("Location", "facilities", "enum")),
    ({"name": "two\nlines"}, ("Location", "name", "character")),
    ({"postal_code": "५६००९५\u0085"}, ("Location", "postal_code", "character")),
    ({"operator": {"name": "A", "website": "www.example.com"}}, ("BusinessDetails", "website", "url")),
    ({"vendor": {"deep": [{"id": 1}]}}, ("Location", "vendor", "unknown")),
    ({"energy_mix": {"is_green_energy": True, "energy_sources": [{"source": "SUN", "percentage": 1}]}}, ("EnergySource", "source", "enum")),
    ({"energy_mix": {"is_green_energy": True, "energy_sources": [{"source": "SOLAR", "percentage": 120}]}}, ("EnergySource", "percentage", "range")),
    ({"evses": [payloads.evse(connectors=[])]}, ("EVSE", "connectors", "empty")),
    ({"evses": [payloads.evse(last_updated="2025-01-14T10:00:00+05:30")]}, ("EVSE", "last_updated", "datetime")),
    ({"evses": [payloads.evse(connectors=[payloads.connector(max_voltage=230.5)])]}, ("Connector", "max_voltage", "integer")),
    ({"evses": [payloads.evse(connectors=[payloads.connector(standard="CCS2")])]}, STANDARD),
]


def test_each_rule_is_counted_once(new_hub):
    """Every rule there is, each in an object of its own: it is taken, served as it came, and counted under its object, field and rule."""
    hub, cpo, emsp = new_hub().pair()
    expected = Counter()
    for number, (changes, row) in enumerate(LOCATION_CASES):
        body = clean(cpo.party, f"L{number}", **changes)
        assert cpo.put("locations", body).outcome == (201, 1000), changes
        assert emsp.get(cpo.object_path("locations", f"L{number}")).data == body
        expected[row] += 1
        if row == ("EVSE", "last_updated", "datetime"):  # the same stamp is in its two connectors
            expected["Connector", "last_updated", "datetime"] += 2
    twice = json.dumps(clean(cpo.party, "L-TWICE")).replace('"city":', '"name": "again", "city":')
    assert cpo.put("locations", twice, ident="L-TWICE").outcome == (201, 1000)
    expected["Location", "name", "duplicate"] += 1
    half = json.dumps(clean(cpo.party, "L-HALF", city="half")).replace('"half"', '"\\ud83d"')
    assert cpo.put("locations", half, ident="L-HALF").outcome == (201, 1000)
    expected["Location", "city", "surrogate"] += 1
    assert settled(hub, cpo.id) == expected
    assert {rule for _, _, rule in expected} == {
        "missing", "empty", "length", "enum", "datetime", "character", "url", "integer", "duplicate", "unknown", "format", "range", "surrogate"
    }  # fmt: skip


def test_a_thousand_broken_connectors_count_a_thousand(new_hub):
    """Far beyond the ten that a message can name; again adds up; the row tells when first, when last and the last object."""
    hub, cpo, emsp = new_hub().pair()
    before = timestamp()
    assert cpo.put("locations", broken(cpo.party, 1000, ident="BIG")).outcome == (201, 1000)
    wait_counted(hub, cpo.id, {STANDARD: 1000})
    (first,) = [row for row in hub.rows("quality") if row["field"] == "standard"]
    assert (first["module"], first["last_example"]) == ("locations", "BIG") and before <= first["first"] == first["last"]
    assert cpo.put("locations", broken(cpo.party, 3, ident="SMALL")).outcome == (201, 1000)
    assert settled(hub, cpo.id) == {STANDARD: 1003}
    (second,) = [row for row in hub.rows("quality") if row["field"] == "standard"]
    assert second["last_example"] == "SMALL" and second["first"] == first["first"] < second["last"]
    (row,) = hub.audit(action="location.put", object="BIG")
    assert row["detail"] == {"findings": 1000, "unknown_fields": 0}


def test_all_modules_count(new_hub):
    """Each body that the hub takes counts for who sent it, under its module, with the id of its object."""
    hub, cpo, emsp = new_hub().pair()
    cpo.auto_result = None
    cpo.put("locations", clean(cpo.party))
    assert cpo.put("tariffs", payloads.tariff(cpo.party, type="CHEAP")).outcome == (201, 1000)
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party, auth_method="APP")).outcome == (201, 1000)
    assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, signed_data={})).outcome == (201, 1000)
    assert emsp.authorize("T1", {"location_id": "LOC001", "evse_uids": ["E" * 40]}).data["allowed"] == "ALLOWED"
    command = {"token": {"uid": "T1", "type": "RFID", "contract_id": "C1"}, "location_id": "LOC001"}
    assert emsp.command("START_SESSION", command).outcome == (200, 1000)
    result = {"result": "ACCEPTED", "message": [{"language": "english", "text": "on its way"}]}
    assert cpo.send_result(cpo.wait("POST", "/commands/START_SESSION"), result).status == 200
    hub.stop()
    hub.restart()
    rows = {(row["party"], row["module"], row["object"], row["field"], row["rule"], row["last_example"]): row["count"] for row in hub.rows("quality")}
    rows = {key: count for key, count in rows.items() if key[1] != "credentials"}
    assert rows == {
        (cpo.id, "tariffs", "Tariff", "type", "enum", "TAR-DC-DAY"): 1,
        (cpo.id, "sessions", "Session", "auth_method", "enum", "SES-1"): 1,
        (cpo.id, "cdrs", "SignedData", "encoding_method", "missing", "CDR-1"): 1,
        (cpo.id, "cdrs", "SignedData", "signed_values", "missing", "CDR-1"): 1,
        (cpo.id, "commands", "DisplayText", "language", "length", "LOC001"): 1,
        (emsp.id, "tokens", "LocationReferences", "evse_uids", "length", "T1"): 1,
        **{(emsp.id, "commands", *key, "LOC001"): 1 for key in SHORT_TOKEN},
    }
    for action, findings in (("token.authorize", 1), ("command.post", 6), ("session.put", 1), ("command.result", 1)):
        (row,) = hub.audit(action=action)
        assert row["detail"]["findings"] == findings, row


def test_credentials_count(new_hub):
    """The exchange's own object, for the platform's party: fields OCPI does not know, such as a GSTIN."""
    hub = new_hub()
    platform = hub.add(hub.platform("CPO"))
    token = hub.issue(platform.id)
    roles = [{**platform.party.credentials_role(), "business_details": {"name": "N" * 101, "gstin": "29ABCDE1234F1Z5"}}]
    assert platform.post_credentials(token, roles=roles).outcome == (200, 1000)
    assert settled(hub, platform.id, "credentials") == {
        ("BusinessDetails", "name", "length"): 1,
        ("BusinessDetails", "gstin", "unknown"): 1,
    }


def test_a_patch_counts_what_it_carries(new_hub):
    """Not what was stored before: a status update of an EVSE with old faults has none of its own."""
    hub, cpo, emsp = new_hub().pair()
    cpo.put("locations", broken(cpo.party, 2, ident="L1"))
    wait_counted(hub, cpo.id, {STANDARD: 2})
    assert cpo.patch("locations", "L1/E0", {"status": "CHARGING", "last_updated": timestamp()}).outcome == (200, 1000)
    assert cpo.patch("locations", "L1/E0", {"floor_level": "ground", "last_updated": timestamp()}).outcome == (200, 1000)
    assert cpo.patch("locations", "L1/E1/1", {"format": "PLUG", "x": 1, "last_updated": timestamp()}).outcome == (200, 1000)
    assert settled(hub, cpo.id) == {
        STANDARD: 2,
        ("EVSE", "floor_level", "length"): 1,
        ("Connector", "format", "enum"): 1,
        ("Connector", "x", "unknown"): 1,
    }


def test_what_is_not_taken_is_not_counted(new_hub):
    """Refused, stale, repeated, for an unknown parent: no count of what was taken, and nothing about its findings in the audit."""
    hub, cpo, emsp = new_hub().pair()
    cdr = payloads.cdr(cpo.party, emsp.party, auth_method="APP")
    assert cpo.call("POST", "cdrs", cdr).outcome == (201, 1000)
    assert cpo.call("POST", "cdrs", cdr).outcome == (200, 1000)  # the same again: nothing is stored
    assert cpo.call("POST", "cdrs", {**cdr, "currency": "EUR"}).code == 2001
    body = broken(cpo.party, 5, ident="L1")
    assert cpo.put("locations", {**body, "id": 5}, ident="L1").code == 2001  # another finding refuses it
    assert cpo.put("locations", body, ident="L2").code == 2001  # the URL names another
    assert cpo.put("locations", body["evses"][0], ident="L9/E0").outcome == (404, 2003)
    assert cpo.put("locations", clean(cpo.party, "L1")).outcome == (201, 1000)
    assert cpo.put("locations", {**body, "last_updated": timestamp(-3600)}).message.startswith("last_updated is older")
    assert cpo.patch("locations", "L1/NONE", {"floor_level": "ground", "last_updated": timestamp()}).status == 404
    unrouted = payloads.session(cpo.party, emsp.party, auth_method="APP")
    assert cpo.put("sessions", unrouted, to=cpo.id).code == 2001
    assert emsp.authorize("T1", {"location_id": "L" * 40}, to="IN-ZZZ").code == 4001
    assert settled(hub, cpo.id) == {("CDR", "auth_method", "enum"): 1}
    assert settled(hub, emsp.id) == {}
    rows = [row for row in hub.audit(party=cpo.id, method="PUT") + hub.audit(party=cpo.id, method="PATCH") if row["module"] != "credentials"]
    assert rows and not [row for row in rows if "findings" in (row.get("detail") or {})]


# ---------------------------------------------------------------- strict and tolerant


def test_strict_refuses_findings(hub, strict):
    """A strict party's object with a finding: 2001 with the pointer, nothing stored, counted as refused; without: taken."""
    cpo, emsp = strict.cpo, strict.emsp
    answer = cpo.put("locations", broken(cpo.party, 12, ident="L1"))
    assert answer.outcome == (200, 2001)
    for number in range(10):
        assert f'/evses/{number}/connectors/0/standard: not a ConnectorType: "CCS2"' in answer.message
    assert "/evses/10/" not in answer.message
    assert emsp.get(cpo.object_path("locations", "L1")).status == 404
    assert cpo.put("locations", clean(cpo.party, "L1")).outcome == (201, 1000)
    assert counted(hub, cpo.id) == {}


def test_unknown_fields_never_refuse(hub, strict):
    """Strict or not, vendor fields pass, at every level, and are counted."""
    cpo = strict.cpo
    body = clean(cpo.party, "L1", vendor_discom="BESCOM", **{"ä/~": None})
    body["evses"][1]["x"] = body["evses"][1]["connectors"][0]["x"] = {"any": [1]}
    assert cpo.put("locations", body).outcome == (201, 1000)
    assert strict.emsp.get(cpo.object_path("locations", "L1")).data == body
    names = (("Location", "vendor_discom"), ("Location", "ä~1~0"), ("EVSE", "x"), ("Connector", "x"))
    wait_counted(hub, cpo.id, {(*name, "unknown"): 1 for name in names})
    hub.wait_audit(lambda row: row["party"] == cpo.id and (row.get("detail") or {}).get("unknown_fields") == 4, "the audit tells of them")


def test_strict_judges_what_a_patch_carries(hub, pair):
    """What was taken before the party became strict does not stand in the way of its status updates; a new fault does not get in."""
    cpo = pair.cpo
    assert cpo.put("locations", broken(cpo.party, 2, ident="L1")).outcome == (201, 1000)
    hub.ok("party", "set", cpo.id, "--validation", "strict")
    assert cpo.patch("locations", "L1/E0", {"status": "CHARGING", "last_updated": timestamp()}).outcome == (200, 1000)
    assert cpo.patch("locations", "L1", {"name": "New", "last_updated": timestamp()}).outcome == (200, 1000)
    assert cpo.patch("locations", "L1/E0/1", {"max_voltage": 400, "last_updated": timestamp()}).outcome == (200, 1000)
    for ident, change in (("L1/E0/1", {"standard": "CCS1"}), ("L1/E0", {"connectors": []}), ("L1", {"city": None})):
        answer = cpo.patch("locations", ident, {**change, "last_updated": timestamp()})
        assert answer.code == 2001 and finds_pointer(answer, "/" + next(iter(change))), answer
    served = pair.emsp.get(cpo.object_path("locations", "L1")).data
    assert (served["name"], served["evses"][0]["status"], served["evses"][0]["connectors"][0]["standard"]) == ("New", "CHARGING", "CCS2")


def test_strict_commands(hub, strict):
    """Of the eMSP too: a token with three of its nine fields is refused once the eMSP is strict."""
    strict.cpo.put("locations", clean(strict.cpo.party))
    command = {"token": {"uid": "T1", "type": "RFID", "contract_id": "C1"}, "location_id": "LOC001"}
    assert strict.emsp.command("START_SESSION", command).outcome == (200, 1000)
    hub.ok("party", "set", strict.emsp.id, "--validation", "strict")
    answer = strict.emsp.command("START_SESSION", command)
    assert answer.code == 2001 and finds_pointer(answer, "/token/issuer"), answer
    assert len(strict.cpo.received("POST", "/commands/")) == 1


def test_party_over_setting(new_hub):
    """tolerant and strict of a party go before the setting, default follows it; a reload changes the setting at once."""
    hub = new_hub(validation=None)
    cpos = {word: hub.onboard("CPO") for word in ("tolerant", "strict", "default")}
    for word, cpo in cpos.items():
        hub.ok("party", "set", cpo.id, "--validation", word)

    def refused():
        return {word for word, cpo in cpos.items() if cpo.put("locations", broken(cpo.party, 1)).code == 2001}

    assert refused() == {"strict"}
    for setting, expected in (("strict", {"strict", "default"}), ("tolerant", {"strict"})):
        hub.config.write_text(f"validation = {setting}\n")
        hub.process.send_signal(signal.SIGHUP)
        eventually(lambda: refused() == expected, f"each loop judges by the new setting, {setting}")
    hub.stop()
    hub.restart()
    assert refused() == {"strict"}


def test_party_set_validation(hub):
    """Shown, audited before and after, `unchanged` when it is so already, a wrong word is refused with the right ones."""
    party = hub.new_party("CPO").id
    hub.ok("party", "add", party, "--role", "CPO")
    assert hub.one("party", "show", party)["validation"] == "default"
    assert hub.ok("party", "set", party, "--validation", "default").out == f"party {party} unchanged\n"
    assert hub.ok("party", "set", party, "--validation", "strict").out == f"party {party} set\n"
    assert hub.ok("party", "show", party, "--field", "validation").out == "strict\n"
    (row,) = hub.audit(action="party.set", party=party)
    assert (row["detail"]["before"]["validation"], row["detail"]["after"]["validation"]) == ("default", "strict")
    hub.ok("party", "set", party, "--name", "N")  # leaves it alone
    assert hub.one("party", "show", party)["validation"] == "strict"
    wrong = hub.ctl("party", "set", party, "--validation", "lenient")
    assert wrong.rc == 2 and all(word in wrong.err for word in ("tolerant", "strict", "default"))


# ---------------------------------------------------------------- messages


ODD = [
    ({"id": 'quote " and \\ slash'}, "/id", 'must be "L1" as in the URL, found "quote " and \\ slash"'),
    ({"evses": {"uid": "E1"}}, "/evses", "not a list: an object"),
    ({"evses": [None]}, "/evses/0", "not an EVSE: null"),
    ({"evses": [{}]}, "/evses/0/uid", "required, but missing"),
    ({"publish": "yes"}, "/publish", 'not a boolean: "yes"'),
    ({"publish": "\u202e\U0001f50c" * 40}, "/publish", 'not a boolean: "' + "\u202e\U0001f50c" * 20 + '…"'),
    ({"last_updated": "2025-02-30T00:00:00Z"}, "/last_updated", 'not a DateTime: "2025-02-30T00:00:00Z"'),
    ({"last_updated": ""}, "/last_updated", 'not a DateTime: ""'),
    ({"last_updated": 1e300}, "/last_updated", "not a string: 1e+300"),
    ({"party_id": ""}, "/party_id", "required, but empty"),
    ({"coordinates": [1, 2]}, "/coordinates", "not a GeoLocation: a list"),
    ({"evses": [payloads.evse("e1"), payloads.evse("E1")]}, "/evses/1/uid", 'given to an earlier element too: "E1"'),
    ({"evses": [payloads.evse(status="ON")]}, "/evses/0/status", 'not a Status: "ON"'),
]


@pytest.mark.parametrize("changes, pointer, complaint", ODD, ids=[f"{pointer} {complaint[:12]}" for _, pointer, complaint in ODD])
def test_messages_name_place_expected_found(pair, changes, pointer, complaint):
    """What refuses is named with its JSON pointer, what was expected and what was found, cut where it is long."""
    answer = pair.cpo.put("locations", {**clean(pair.cpo.party), **changes}, ident="L1")
    assert answer.outcome == (200, 2001)
    assert f"{pointer}: {complaint}" in answer.message
    assert pair.emsp.get("locations").data == []


def test_a_message_names_ten(pair):
    """Essential ones first; however many there are, ten are told."""
    body = broken(pair.cpo.party, 30, ident="L1")
    for evse in body["evses"][5:25]:
        evse["status"] = "ON"
    answer = pair.cpo.put("locations", body)
    told = re.findall(r"(?:^|; )(/[^:]+):", answer.message)
    assert told == [f"/evses/{number}/status" for number in range(5, 15)]


# ---------------------------------------------------------------- ends and bounds


def test_sigterm_loses_nothing(new_hub):
    """Pushed, and SIGTERM before the next flush: all of it is there after the start."""
    hub, cpo, emsp = new_hub().pair()
    for number in range(5):
        cpo.put("locations", broken(cpo.party, number + 1, ident=f"L{number}"))
        assert settled(hub, cpo.id) == {STANDARD: sum(range(number + 2))}


def test_kill_loses_only_what_was_not_yet_shown(new_hub):
    """What hubctl has shown survives kill -9; of a push right before it the count may be lost, never twice there, and the object is kept."""
    hub, cpo, emsp = new_hub().pair()
    cpo.put("locations", broken(cpo.party, 7, ident="L1"))
    wait_counted(hub, cpo.id, {STANDARD: 7})
    assert cpo.put("locations", broken(cpo.party, 2, ident="L2")).outcome == (201, 1000)
    hub.kill()
    hub.restart()
    assert counted(hub, cpo.id)[STANDARD] in (7, 9)
    assert emsp.get(cpo.object_path("locations", "L2")).outcome == (200, 1000)


def test_invented_names_are_bounded(new_hub):
    """100 000 names in one body and as many in many: each counts, few have a row, and what counts by name stays so."""
    hub, cpo, emsp = new_hub().pair()
    assert cpo.put("locations", broken(cpo.party, 3, ident="L0", vendor="first")).outcome == (201, 1000)
    huge = {**clean(cpo.party, "L1"), **{f"x{n}": n for n in range(100_000)}}
    assert cpo.put("locations", huge).outcome == (201, 1000)
    for turn in range(200):
        body = {**clean(cpo.party, f"M{turn}", vendor="again"), **{f"y{turn}-{n}": n for n in range(500)}}
        assert cpo.put("locations", body).outcome == (201, 1000)
    counts = settled(hub, cpo.id)
    names = {field: count for (_, field, rule), count in counts.items() if rule == "unknown"}
    assert sum(names.values()) == 1 + 100_000 + 200 * 501
    assert names["vendor"] == 201 and names["*"] > 190_000
    assert len(names) <= NAMES_MAX + 1
    assert counts[STANDARD] == 3
    other = hub.onboard("CPO")  # another party's names have room of their own
    assert other.put("locations", clean(other.party, vendor="mine")).outcome == (201, 1000)
    wait_counted(hub, other.id, {("Location", "vendor", "unknown"): 1})


# ---------------------------------------------------------------- hubctl quality


def test_the_list(new_hub):
    """Ordered by party, module, object and field; of one party in any spelling; in pages; TSV with fixed columns."""
    hub = new_hub()
    first, second = hub.onboard("CPO"), hub.onboard("CPO")
    for cpo in (first, second):
        body = broken(cpo.party, 1, **{f"x{n}": n for n in range(5)})
        assert cpo.put("locations", body).outcome == (201, 1000)
    hub.stop()
    hub.restart()
    rows = [row for row in hub.rows("quality") if row["module"] == "locations"]
    keys = [(row["party"], row["module"], row["object"], row["field"]) for row in rows]
    assert len(rows) == 12 and keys == sorted(keys)
    assert list(rows[0]) == ["party", "module", "object", "field", "rule", "count", "first", "last", "last_example", "refused"]
    for spelling in (first.id, first.id.replace("-", "*").lower(), f"{first.id}:CPO"):
        assert [row for row in hub.rows("quality", spelling) if row["module"] == "locations"] == rows[:6]
    assert len(hub.rows("quality", "--limit", "4")) == 4
    page = hub.rows("rpc", "quality", json.dumps({"id": first.id, "limit": 2}))[0]
    following = hub.rows("rpc", "quality", json.dumps({"id": first.id, "limit": 2, "after": page["next"]}))[0]
    assert [*page["rows"], *following["rows"]] == hub.rows("quality", first.id)[:4]
    line = next(row for row in hub.ok("quality", first.id).rows if row[3] == "standard")
    assert line[:6] == [first.id, "locations", "Connector", "standard", "enum", "1"] and line[8] == "LOC001"
    code, shown = on_terminal(hub, "quality", first.id, columns=160)
    assert code == 0 and "LAST EXAMPLE" in shown and "standard" in shown
    assert hub.ctl("quality", "nonsense").rc in (1, 2)


def test_nothing_to_show(hub):
    """Nothing in a pipe; a line on a terminal, so that nobody wonders."""
    party = hub.new_party("CPO").id
    assert hub.ok("quality", party).out == ""
    assert hub.rows("quality", party) == []
    code, shown = on_terminal(hub, "quality", party)
    assert code == 0 and "nothing to show" in shown
