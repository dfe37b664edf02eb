"""emsp_backfill: with it an eMSP may pull its own sessions and CDRs, without it nothing of that is there."""

import json
import signal

import pytest

from tests.e2e.harness import eventually, later
from tests.sim import exact, payloads

MODULES = ["sessions", "cdrs"]


@pytest.fixture(scope="module")
def hub_settings():
    return {"emsp_backfill": "on"}


def push(module, cpo, emsp, ident, **changes):
    """One session or CDR of `cpo` for `emsp`; returns its body."""
    if module == "sessions":
        body = payloads.session(cpo.party, emsp.party, ident, **changes)
        answer = cpo.put("sessions", body)
    else:
        body = payloads.cdr(cpo.party, emsp.party, ident, **changes)
        answer = cpo.call("POST", "cdrs", body)
    assert answer.code == 1000, answer
    return body


def ids(answer):
    assert answer.outcome == (200, 1000), answer
    return [entry["id"] for entry in answer.data]


def listed(platform, module, **query):
    """Ids of one page."""
    return ids(platform.get(module, query=query))


def senders(platform):
    """The modules that the hub's version details list as SENDER."""
    endpoints = platform.get("/ocpi/2.2.1").data["endpoints"]
    return {entry["identifier"] for entry in endpoints if entry["role"] == "SENDER"}


def same(answer, other):
    """Two answers that nobody can tell apart (ids and time aside)."""
    fields = [{**a.json, "timestamp": None} for a in (answer, other)]
    return answer.status == other.status and fields[0] == fields[1] and answer.headers.keys() == other.headers.keys()


# ---------------------------------------------------------------- on


@pytest.mark.parametrize("module", MODULES)
def test_an_emsp_pulls_its_own(hub, pair, module):
    """The list and the single form give what the CPO sent, byte for byte in value; others' objects are not in it."""
    stranger = hub.onboard("EMSP")
    hub.rule(stranger, pair.cpo)
    mine = push(module, pair.cpo, pair.emsp, "MINE", x_vendor={"slab": [1.50, 2]})
    push(module, pair.cpo, stranger, "OTHERS")
    page = pair.emsp.get(module)
    assert page.exact_data == exact(json.dumps([mine]))
    assert (page.headers["X-Total-Count"], page.headers["X-Limit"]) == ("1", "1000")
    assert listed(stranger, module) == ["OTHERS"]
    single = pair.emsp.get(pair.cpo.object_path(module, "mine"))
    assert single.outcome == (200, 1000) and single.exact_data == exact(json.dumps(mine))


@pytest.mark.parametrize("module", MODULES)
def test_others_objects_are_as_if_absent(hub, pair, module):
    """The answer for another eMSP's object and for one that nobody has cannot be told apart."""
    stranger = hub.onboard("EMSP")
    hub.rule(stranger, pair.cpo)
    push(module, pair.cpo, stranger, "OTHERS")
    others = pair.emsp.get(pair.cpo.object_path(module, "OTHERS"))
    assert others.outcome == (404, 2003)
    assert same(others, pair.emsp.get(pair.cpo.object_path(module, "NOBODYS")))
    assert pair.emsp.get(f"{module}/IN/QQQ/OTHERS").outcome == (404, 2003)


@pytest.mark.parametrize("module", MODULES)
def test_only_cpos_with_an_active_rule(hub, module):
    """Without the rule the list leaves them out and the single form is NOT_ROUTED; with it again they are there."""
    hub, cpo, emsp = hub.pair()
    second = hub.onboard("CPO")
    push(module, cpo, emsp, "FIRST")
    push(module, second, emsp, "SECOND")
    assert listed(emsp, module) == ["FIRST"]
    answer = emsp.get(second.object_path(module, "SECOND"))
    assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer
    hub.rule(emsp, second)
    assert listed(emsp, module) == ["FIRST", "SECOND"]
    assert emsp.get(second.object_path(module, "SECOND")).outcome == (200, 1000)
    hub.rule(emsp, cpo, "disable")
    assert listed(emsp, module) == ["SECOND"]


@pytest.mark.parametrize("module", MODULES)
def test_routing_headers(hub, pair, module):
    """TO names one CPO, the hub or the caller itself; answers have TO and FROM swapped."""
    second = hub.onboard("CPO")
    hub.rule(pair.emsp, second)
    push(module, pair.cpo, pair.emsp, "FIRST")
    push(module, second, pair.emsp, "SECOND")
    for to, expected in [(second.id, ["SECOND"]), ("IN-CIH", ["FIRST", "SECOND"]), (pair.emsp.id, ["FIRST", "SECOND"])]:
        answer = pair.emsp.get(module, to=to, sender=pair.emsp.id)
        assert ids(answer) == expected, to
        assert answer.headers["OCPI-to-party-id"] == pair.emsp.party.party_id
        assert answer.headers["OCPI-from-party-id"] == to[3:]
    assert pair.emsp.get(module, to="IN-QQQ").code == 4001


@pytest.mark.parametrize("module", MODULES)
def test_pages(hub, pair, module):
    """limit, Link with the filters, X-Total-Count of the eMSP's own only, others' objects in between."""
    stranger = hub.onboard("EMSP")
    for number in range(7):
        push(module, pair.cpo, pair.emsp, f"M{number}", last_updated="2025-02-01T10:00:00Z")
        push(module, pair.cpo, stranger, f"O{number}", last_updated="2025-02-01T10:00:00Z")
    pages = pair.emsp.pages(module, limit=3, date_from="2025-02-01T00:00:00Z", date_to="2025-02-02T00:00:00Z")
    assert [ids(page) for page in pages] == [["M0", "M1", "M2"], ["M3", "M4", "M5"], ["M6"]]
    assert {page.headers["X-Total-Count"] for page in pages} == {"7"}
    link = pages[0].headers["Link"]
    assert link.startswith(f"<{hub.url}/ocpi/2.2.1/{module}?") and 'rel="next"' in link
    for part in ("limit=3", "offset=3", "date_from=2025-02-01", "date_to=2025-02-02"):
        assert part in link
    assert "Link" not in pages[-1].headers
    assert listed(pair.emsp, module, offset=5) == ["M5", "M6"]
    assert listed(pair.emsp, module, limit=2, offset=1) == ["M1", "M2"]
    for query in ({"limit": "x"}, {"date_from": "yesterday"}):
        assert pair.emsp.get(module, query=query).outcome == (200, 2001)


@pytest.mark.parametrize("module", MODULES)
def test_date_window(hub, module):
    """date_from may be absent; last_updated, the arrival of changed content or the enabling of the rule lies in the window."""
    hub, cpo, emsp = hub.pair(rule=False)
    push(module, cpo, emsp, "OLD", last_updated="2025-02-02T10:00:00.500Z")
    mark = later(cpo)
    hub.rule(emsp, cpo)
    window = {"date_to": "2025-02-02T11:00:00Z"}
    assert listed(emsp, module) == ["OLD"]
    assert listed(emsp, module, date_from="2025-02-02T10:00:00.500Z", **window) == ["OLD"]
    assert listed(emsp, module, date_from="2025-02-02T10:00:00.501Z", **window) == []
    assert listed(emsp, module, date_to="2025-02-02T10:00:00.500Z") == []
    assert listed(emsp, module, date_from=mark) == ["OLD"], "the rule was enabled since then"
    mark = later(cpo)
    assert listed(emsp, module, date_from=mark) == []
    push(module, cpo, emsp, "LATE", last_updated="2025-02-02T10:00:00Z")
    assert listed(emsp, module, date_from=mark) == ["LATE"], "it arrived since then"


def test_a_patched_session_is_listed_as_it_is_now(pair):
    """The merged session, in its old place."""
    push("sessions", pair.cpo, pair.emsp, "S1", kwh=1.0, last_updated="2025-02-01T10:00:00Z")
    push("sessions", pair.cpo, pair.emsp, "S2")
    assert pair.cpo.patch("sessions", "S1", {"kwh": 2.5, "last_updated": "2025-02-01T10:05:00Z"}).outcome == (200, 1000)
    page = pair.emsp.get("sessions")
    assert [(entry["id"], entry["kwh"]) for entry in page.data] == [("S1", 2.5), ("S2", 0.0)]


def test_a_session_that_changes_its_emsp_moves_along(hub, pair):
    """cdr_token decides, as it is now."""
    second = hub.onboard("EMSP")
    hub.rule(second, pair.cpo)
    totals = lambda: [p.get("sessions").headers["X-Total-Count"] for p in (pair.emsp, second)]  # noqa: E731
    push("sessions", pair.cpo, pair.emsp, "S1", last_updated="2025-02-01T10:00:00Z")
    assert totals() == ["1", "0"]
    push("sessions", pair.cpo, second, "S1", last_updated="2025-02-01T10:05:00Z")
    assert (listed(pair.emsp, "sessions"), listed(second, "sessions")) == ([], ["S1"])
    assert totals() == ["0", "1"]
    assert pair.emsp.get(pair.cpo.object_path("sessions", "S1")).outcome == (404, 2003)


@pytest.mark.parametrize("module", MODULES)
def test_what_it_changes_for_cpos(hub, pair, module):
    """The owner reads its own as ever; lists are for eMSPs, others' objects for nobody."""
    other = hub.onboard("CPO")
    body = push(module, pair.cpo, pair.emsp, "MINE")
    path = pair.cpo.object_path(module, "MINE")
    assert pair.cpo.get(path).exact_data == exact(json.dumps(body))
    answer = other.get(path)
    assert answer.outcome == (403, 2001) and "party mismatch" in answer.message
    assert pair.cpo.get(module).outcome == (403, 2001)


@pytest.mark.parametrize("module", MODULES)
def test_platforms_with_several_parties(hub, module):
    """Two CPOs on one platform read their own without saying who asks; a CPO hosted beside an eMSP its own too."""
    both, emsp = hub.onboard("CPO", "CPO"), hub.onboard("EMSP")
    mixed = hub.onboard("CPO", "EMSP")
    for platform, party in [(both, both.parties[1]), (mixed, mixed.party)]:
        body = {"sessions": payloads.session, "cdrs": payloads.cdr}[module](party, emsp.party, "MINE")
        path = platform.object_path(module, "MINE", party)
        answer = platform.call("PUT", path, body) if module == "sessions" else platform.call("POST", "cdrs", body, sender=party.id)
        assert answer.code == 1000, answer
        assert platform.get(path).outcome == (200, 1000)
    assert listed(mixed, module) == [], "as an eMSP it has none"


def test_the_versions_document_lists_it(pair):
    """SENDER beside RECEIVER, one URL."""
    assert {"sessions", "cdrs"} <= senders(pair.emsp)
    endpoints = pair.emsp.get("/ocpi/2.2.1").data["endpoints"]
    for module in MODULES:
        found = {(entry["role"], entry["url"]) for entry in endpoints if entry["identifier"] == module}
        assert found == {(role, f"{pair.hub.url}/ocpi/2.2.1/{module}") for role in ("SENDER", "RECEIVER")}


def test_the_other_methods_are_named(pair):
    """405 with Allow tells of GET too."""
    answer = pair.emsp.call("DELETE", "cdrs")
    assert answer.outcome == (405, 2000)
    assert {word.strip() for word in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "POST"}


# ---------------------------------------------------------------- off


def test_off_nothing_of_it_is_there(new_hub):
    """The default: no such method, not for this role; nothing listed. The sentence says what the hub does instead."""
    hub, cpo, emsp = new_hub().pair()
    for module in MODULES:
        push(module, cpo, emsp, "MINE")
        assert emsp.get(cpo.object_path(module, "MINE")).outcome == (403, 2001)
        assert cpo.get(cpo.object_path(module, "MINE")).outcome == (200, 1000)
    for module, allowed in [("sessions", ""), ("cdrs", "POST")]:
        answer = emsp.get(module)
        assert (answer.outcome, answer.headers["Allow"]) == ((405, 2000), allowed)
        assert "pushes them" in answer.json["status_message"]
    assert "cdrs" not in senders(emsp)  # that of sessions is there for charging_preferences


def test_a_reload_turns_it_on_and_off(new_hub):
    """SIGHUP, without a restart."""
    hub, cpo, emsp = new_hub().pair()
    push("cdrs", cpo, emsp, "C1")
    for setting, outcome in [("on", (200, 1000)), ("off", (405, 2000))]:
        hub.config.write_text(f"emsp_backfill = {setting}\n")
        hub.process.send_signal(signal.SIGHUP)
        eventually(lambda: emsp.get("cdrs").outcome == outcome, f"backfill is {setting}")
        assert ("cdrs" in senders(emsp)) == (setting == "on")
