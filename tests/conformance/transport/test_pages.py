"""Lists: pages, their headers and filters, and why an incremental sync misses nothing."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import later
from tests.sim import Reply, payloads

COUNT = 60
TO = {"locations": "emsp", "tariffs": "emsp", "hubclientinfo": "cpo"}  # who lists what


@pytest.fixture(scope="module")
def many(hub):
    """A pair with 60 locations and tariffs that arrived in the order of their ids; their last_updated runs the other way."""
    made = hub.pair()
    for number in range(COUNT):
        stamp = f"2025-02-01T10:00:{59 - number:02d}Z"
        assert made.cpo.put("locations", payloads.location(made.cpo.party, f"L{number:02d}", stamp, evses=[])).status == 201
        assert made.cpo.put("tariffs", payloads.tariff(made.cpo.party, f"T{number:02d}", stamp)).status == 201
    return made


def ids(answer):
    assert answer.outcome == (200, 1000), answer
    return [entry["id"] for entry in answer.data]


def crawl(platform, module, **query):
    return [ident for page in platform.pages(module, **query) for ident in ids(page)]


def link(answer):
    found = re.fullmatch(r'<([^>]+)>; *rel="next"', answer.headers.get("Link", ""))
    return found and found[1]


# ---------------------------------------------------------------- pages and headers


@rule("OCPI 1.4-1", "OCPI 1.4-4", "hub 6-1", "hub 6-6")
@pytest.mark.parametrize("module", ["locations", "tariffs"])
def test_default_pages(many, module):
    """50 a page, oldest arrival first, no gap, no double."""
    pages = many.emsp.pages(module)
    assert [len(page.data) for page in pages] == [50, 10]
    assert [ident for page in pages for ident in ids(page)] == [f"{module[0].upper()}{number:02d}" for number in range(COUNT)]


@rule("OCPI 1.4-1")
def test_hubclientinfo_is_paginated_too(many):
    pages = many.cpo.pages("hubclientinfo", limit=1)
    assert len(pages) == int(pages[0].headers["X-Total-Count"]) >= 2 and all(len(page.data) == 1 for page in pages)


@rule("hub 6-1", "hub 6-5")
def test_offset_and_limit(many):
    assert ids(many.emsp.get("locations", query={"offset": 7, "limit": 2})) == ["L07", "L08"]
    assert crawl(many.emsp, "locations", offset=57) == ["L57", "L58", "L59"]
    answers = [many.emsp.get("locations", query={"limit": limit}) for limit in (1000, 5000)]
    assert [len(answer.data) for answer in answers] == [COUNT, COUNT]
    assert many.emsp.get("locations", query={"limit": 5000}).headers["X-Limit"] == "1000"


@rule("OCPI 1.4-3", "hub 6-4")
def test_beyond_the_end(many):
    answer = many.emsp.get("locations", query={"offset": 500})
    assert ids(answer) == [] and answer.headers["X-Total-Count"] == str(COUNT) and "Link" not in answer.headers


@rule("OCPI 1.4-3", "hub 6-3", "hub 6-4", "hub 6-5")
@pytest.mark.parametrize("module", TO)
def test_headers_of_each_page(many, module):
    """Link on all but the last, with the filters as they were; X-Total-Count of what matches, X-Limit on all."""
    lister = getattr(many, TO[module])
    total = 0
    query = {"limit": 1 if module == "hubclientinfo" else 25, "date_from": "2025-01-01T00:00:00Z", "date_to": "2099-01-01T00:00:00.5Z"}
    pages = lister.pages(module, **query)
    for number, page in enumerate(pages):
        total += len(page.data)
        assert 1 <= len(page.data) <= int(page.headers["X-Limit"]) and page.headers["X-Total-Count"] == pages[0].headers["X-Total-Count"]
        target = link(page)
        assert (target is None) == (number == len(pages) - 1)
        if target:
            assert target.startswith(f"{many.hub.url}/ocpi/2.2.1/{module}?")
            wanted = {name: [str(value)] for name, value in query.items()}
            assert parse_qs(urlsplit(target).query).items() >= {**wanted, "offset": [str(total)]}.items()
    assert total == int(pages[0].headers["X-Total-Count"]) and len(pages) > 1


@rule("hub 6-6", "OCPI 1.4-4")
def test_updates_do_not_move_an_object(many):
    many.cpo.put("locations", payloads.location(many.cpo.party, "L03", evses=[], name="Updated"))
    assert ids(many.emsp.get("locations", query={"limit": 5})) == ["L00", "L01", "L02", "L03", "L04"]


@rule("OCPI 1.4-5")
def test_created_while_turning_pages(pair):
    """It appears at the end, and the count grows."""
    for ident in ("A", "B", "C"):
        pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party, ident))
    first = pair.emsp.get("tariffs", query={"limit": 2})
    pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party, "D", last_updated="2020-01-01T00:00:00Z"))
    second = pair.emsp.get(link(first))
    assert (ids(first), ids(second)) == (["A", "B"], ["C", "D"])
    assert (first.headers["X-Total-Count"], second.headers["X-Total-Count"]) == ("3", "4")


@rule("OCPI 1.4-9")
def test_gone_is_gone(pair):
    for ident in ("A", "B", "C"):
        pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party, ident))
    assert pair.cpo.call("DELETE", pair.cpo.object_path("tariffs", "B")).outcome == (200, 1000)
    pages = pair.emsp.pages("tariffs", limit=1)
    assert [ident for page in pages for ident in ids(page)] == ["A", "C"] and pages[0].headers["X-Total-Count"] == "2"


@rule("hub 6-4")
def test_total_counts_what_the_caller_sees(hub, many):
    """Another CPO's objects count for nobody without a rule."""
    other = hub.onboard("CPO")
    other.put("locations", payloads.location(other.party, "OTHER", evses=[]))
    assert many.emsp.get("locations").headers["X-Total-Count"] == str(COUNT)
    query = {"date_from": "2025-02-01T10:00:00Z", "date_to": "2025-02-01T10:00:10Z"}
    assert many.emsp.get("tariffs", query=query).headers["X-Total-Count"] == "10"


@rule("hub 6-10", "OCPI 1.4-4")
def test_a_page_holds_at_most_4_mib(pair):
    for number in range(4):
        body = payloads.location(pair.cpo.party, f"FAT{number}", evses=[], vendor_padding="x" * 1_500_000)
        assert pair.cpo.put("locations", body).outcome == (201, 1000)
    pages = pair.emsp.pages("locations")
    assert len(pages) == 2 and max(len(page.body) for page in pages) <= 4 * 1024 * 1024 + 1024
    assert [ident for page in pages for ident in ids(page)] == ["FAT0", "FAT1", "FAT2", "FAT3"]


@rule("OCPI 1.4-6")
def test_link_of_a_relayed_answer(pair):
    """The hub stores no tokens: a CPO's list of an eMSP's is relayed. Its Link leads through the hub to the eMSP's next page."""
    cpo, emsp = pair.cpo, pair.emsp

    def page(request):
        number = int(parse_qs(request.query).get("offset", ["0"])[0])
        following = {"Link": f'<{emsp.url}/ocpi/2.2.1/tokens?offset={number + 1}&limit=1&x=y>; rel="next"'} if number < 2 else {}
        data = [payloads.token(emsp.party, f"T{number}")]
        return Reply(data=data, headers={**following, "X-Total-Count": "3", "X-Limit": "1"})

    emsp.script("GET", "/tokens$", page, forever=True)
    first = cpo.get("tokens", to=emsp.id, query={"limit": 1})
    assert first.outcome == (200, 1000) and [entry["uid"] for entry in first.data] == ["T0"], first
    assert (first.headers["X-Total-Count"], first.headers["X-Limit"]) == ("3", "1")
    uids, answer = [], first
    while answer:
        uids += [entry["uid"] for entry in answer.data]
        target = link(answer)
        assert target is None or target.startswith(f"{pair.hub.url}/ocpi/2.2.1/tokens?"), target
        answer = cpo.get(target, to=emsp.id) if target else None
    assert uids == ["T0", "T1", "T2"]
    assert parse_qs(emsp.received("GET", "/tokens$")[-1].query) == {"offset": ["2"], "limit": ["1"], "x": ["y"]}


# ---------------------------------------------------------------- windows


@rule("OCPI 1.4-2", "OCPI 1.4-7", "hub 6-2")
@pytest.mark.parametrize(
    "date_from, date_to, first, count",
    [
        ("2025-02-01T10:00:10Z", "2025-02-01T10:00:20Z", 40, 10),
        ("2025-02-01T10:00:10.000Z", "2025-02-01T10:00:20.001Z", 39, 11),
        ("2025-02-01T10:00:10.001Z", "2025-02-01T10:00:20Z", 40, 9),
        ("2025-02-01T10:00:10", "2025-02-01T10:00:20", 40, 10),
        (None, "2025-02-01T10:00:20Z", 40, 20),
    ],
)
def test_window(many, date_from, date_to, first, count):
    """Begin inclusive, end exclusive, with and without Z; last_updated counts where the arrival lies outside."""
    query = {name: value for name, value in (("date_from", date_from), ("date_to", date_to)) if value}
    assert crawl(many.emsp, "tariffs", **query) == [f"T{number:02d}" for number in range(first, first + count)]


@rule("OCPI 1.4-2")
def test_windows_join_without_gap_or_overlap(many):
    edges = ["2025-02-01T10:00:00Z", "2025-02-01T10:00:17Z", "2025-02-01T10:00:18Z", "2025-02-01T10:01:00Z"]
    found = [crawl(many.emsp, "tariffs", date_from=begin, date_to=end) for begin, end in zip(edges, edges[1:])]
    assert [len(part) for part in found] == [17, 1, 42] and len({ident for part in found for ident in part}) == COUNT


@rule("OCPI 1.4-8")
def test_a_location_matches_by_itself_and_comes_whole(pair):
    old, new = "2025-03-01T00:00:00Z", "2025-03-02T00:00:00Z"
    pair.cpo.put("locations", payloads.location(pair.cpo.party, "L", last_updated=old))
    pair.cpo.patch("locations", "L/EVSE002", {"status": "CHARGING", "last_updated": new})
    answer = pair.emsp.get("locations", query={"date_from": new, "date_to": "2025-03-02T00:00:01Z"})
    assert [(evse["uid"], evse["last_updated"]) for evse in answer.data[0]["evses"]] == [("EVSE001", old), ("EVSE002", new)]
    assert pair.emsp.get("locations", query={"date_from": old, "date_to": "2025-03-01T00:00:01Z"}).data == [], "it is no longer of that day"


@rule("hub 6-7")
@pytest.mark.parametrize("module, build", [("locations", payloads.location), ("tariffs", payloads.tariff)])
def test_a_late_push_is_not_missed(pair, module, build):
    """A client that asks for what came since its last sync finds what is older than that and arrived only now."""
    mark = later(pair.cpo)
    pair.cpo.put(module, build(pair.cpo.party, "LATE", last_updated="2024-12-24T00:00:00Z"))
    assert crawl(pair.emsp, module, date_from=mark) == ["LATE"]
    mark = later(pair.cpo)
    assert crawl(pair.emsp, module, date_from=mark) == []
    pair.cpo.put(module, build(pair.cpo.party, "LATE", last_updated="2024-12-24T00:00:01Z"))
    assert crawl(pair.emsp, module, date_from=mark) == ["LATE"]


@rule("hub 6-9")
@pytest.mark.parametrize("module, build", [("locations", payloads.location), ("tariffs", payloads.tariff)])
def test_an_identical_push_resends_nothing(pair, module, build):
    body = build(pair.cpo.party, "SAME", last_updated="2024-12-24T00:00:00Z")
    pair.cpo.put(module, body)
    mark = later(pair.cpo)
    assert pair.cpo.put(module, body).outcome == (200, 1000)
    assert crawl(pair.emsp, module, date_from=mark) == []


@rule("hub 6-8")
@pytest.mark.parametrize("module, build", [("locations", payloads.location), ("tariffs", payloads.tariff)])
def test_a_newly_enabled_rule(hub, module, build):
    """Everything behind it lies in the window of its enabling; enabling it once more does not count."""
    made = hub.pair(rule=False)
    made.cpo.put(module, build(made.cpo.party, "OLD", last_updated="2024-12-24T00:00:00Z"))
    mark = later(made.cpo)
    hub.rule(made.emsp, made.cpo)
    assert crawl(made.emsp, module, date_from=mark) == ["OLD"]
    mark = later(made.cpo)
    hub.rule(made.emsp, made.cpo)
    assert crawl(made.emsp, module, date_from=mark) == []
