"""The figures about locations: pages, first and last; the status of an EVSE; validation."""

import os
import re
from datetime import datetime, timezone
from functools import partial

from tests.benchmarks import load, payloads, peers
from tests.benchmarks.common import (
    LIST, PAGE, STORED, Row, check_bytes, compare, compare_costs, cpu_note, get_page, median, rounds, stored_hub, wrk_side,
)
from tests.benchmarks.hub import call, good
from tests.benchmarks.load import Traffic
from tests.benchmarks.process import Failure

DEEP = 100000  # locations of the list whose last page is measured
FEW, MANY = 2, 1000  # EVSEs of a location
PATCHED = 128  # locations of either kind: twice the connections, so that hardly any is patched by two at once
PATCH_RATE = 8000  # PATCHes sent per second that a run shall last, as fast as they are answered


def locations_list(setup):
    """A page of 50 locations out of 10 000 against nginx sending the same bytes from a file."""
    hub = stored_hub(setup)
    path = f"{LIST}?offset=0&limit={PAGE}"
    _, page = get_page(setup, path, PAGE)
    workers = min(os.cpu_count(), 4)  # as many as hubd's default loops
    nginx, nginx_port = peers.start_nginx(setup, page, workers)
    headers = hub.headers(payloads.EMSP)
    results = rounds(
        setup,
        {
            "hubd": wrk_side(hub.child, hub.port, Traffic("GET", path, headers, check="status")),
            "nginx": wrk_side(nginx, nginx_port, Traffic("GET", "/page.json", headers, check="status")),
        },
    )
    for rates in results.values():
        check_bytes(rates, page)
    deep = f"{LIST}?offset={STORED // 2}&limit={PAGE}"
    get_page(setup, deep, PAGE)
    deep_rate = load.wrk(hub.child, hub.port, Traffic("GET", deep, headers, check="status"), 2)
    get_page(setup, path, PAGE)
    nginx.stop()
    cpu_note(setup, "locations list", results.items())
    setup.notes.append(
        f"locations list: hubd default threads, nginx {workers} workers (sendfile, open_file_cache), wrk 1 thread; "
        f"page of {len(page):,} bytes; at offset {STORED // 2} hubd does {deep_rate.per_second:,.0f}/s."
    )
    return [compare(f"locations list, {PAGE} of {setup.stored}", results["hubd"], results["nginx"], "nginx, a file", 0.15)]


def next_link(headers):
    """Path and query of the next page; None on the last."""
    found = re.search(r'<https?://[^/>]+([^>]*)>; *rel="next"', headers.get("Link", ""))
    return found and found.group(1)


def follow_links(setup, path):
    """From a page to the last one, as a partner crawls: (pages, path of the last). Every location must come once."""
    hub = setup.stored_hub
    headers = hub.headers(payloads.EMSP)
    seen, pages = set(), 0
    while True:
        status, fields, body = call(hub.port, "GET", path, headers)
        ids = re.findall(rb'"id":"(%s\d{10})"' % payloads.STORED_PREFIX.encode(), body)
        pages += 1
        if status != 200 or not ids or not seen.isdisjoint(ids):
            raise Failure(f"GET {path}: HTTP {status}, {len(ids)} locations, of which some came before: {body[:200]!r}")
        seen.update(ids)
        following = next_link(fields)
        if following is None:
            break
        path = following
    if not hub.fake and len(seen) != setup.stored:
        raise Failure(f"{pages} pages held {len(seen)} of {setup.stored} locations")
    return pages, path


def pages(setup):
    """The last page of 100 000 locations, where the Links lead, against the first."""
    hub = stored_hub(setup, DEEP)
    first = f"{LIST}?limit={PAGE}"
    count, last = follow_links(setup, first)
    setup.say(f"  {count} pages followed to {last}")
    sides, whole = {"last page": last, "first page": first}, {}
    for name, path in sides.items():
        _, whole[name] = get_page(setup, path, PAGE)
        sides[name] = wrk_side(hub.child, hub.port, Traffic("GET", path, hub.headers(payloads.EMSP), check="status"))
    results = rounds(setup, sides)
    for name, rates in results.items():
        check_bytes(rates, whole[name])
    jump = Traffic("GET", f"{first}&offset={DEEP - PAGE}", hub.headers(payloads.EMSP), check="status")
    jump_rate = load.wrk(hub.child, hub.port, jump, 2)
    setup.notes.append(
        f"last page: {count} pages of {PAGE} were followed by their Link from the first, every location came exactly once; then "
        f"the last Link and the first page's URL are asked for in turn; hubd default threads, wrk 1 thread. A client that jumps "
        f"there by offset={DEEP - PAGE}, without the Link, gets {jump_rate.per_second:,.0f}/s."
    )
    return compare_costs(f"last page of {DEEP} locations", results["last page"], results["first page"], "first page", 2.0)


def patched_id(evses, number):
    return f"BENCHOF{evses}X{number:010}"


def put_both(hub):
    """PATCHED locations of MANY and of FEW EVSEs, in turn: so their rows are spread over the database alike, and a row of
    either kind has a page to itself. Only the number of EVSEs differs."""
    bodies = {evses: payloads.location_of(evses) for evses in (MANY, FEW)}
    for number in range(PATCHED):
        for evses, body in bodies.items():
            identity = patched_id(evses, number)
            path, text = f"{LIST}/IN/ABC/{identity}", payloads.fill(body, identity)
            good(call(hub.port, "PUT", path, hub.headers(payloads.CPO), text), f"PUT of a location of {evses} EVSEs")


def patch(setup, hub, evses, seconds, _prefix):
    """EVSE status PATCHes, each with a new last_updated, round the locations of so many EVSEs."""
    body = setup.file("status.json", payloads.evse_status("CHARGING"))
    traffic = Traffic("PATCH", LIST + "/IN/ABC/{id}/EVSE-" + str(evses), hub.headers(payloads.CPO), body)
    prefix = patched_id(evses, 0)[:-10]
    begun = datetime.now(timezone.utc).isoformat(timespec="milliseconds")[:23]
    rate = load.push_rate(setup.tools, hub.child, hub.port, traffic, PATCH_RATE * seconds, prefix, PATCHED)
    for number in (0, PATCHED - 1):
        check_patched(hub, f"{LIST}/IN/ABC/{patched_id(evses, number)}", evses, begun)
    return rate


def check_patched(hub, path, evses, begun):
    """The last EVSE has the status that was sent and a time of this run, which has moved the location's; no other EVSE was
    touched."""
    if hub.fake:
        return
    location = good(call(hub.port, "GET", path, hub.headers(payloads.CPO)), f"GET {path}")["data"]
    states = [evse["status"] for evse in location["evses"]]
    updated = location["evses"][-1]["last_updated"]
    if states != ["AVAILABLE"] * (evses - 1) + ["CHARGING"] or not begun <= updated == location["last_updated"]:
        raise Failure(f"GET {path}: not what the PATCHes make of it: {states[-3:]}, {location['last_updated']}, {updated}")


def evse(setup):
    """A status PATCH of an EVSE among 1 000 against one of an EVSE among 2."""
    _, backend = setup.backend("evse-partners")
    hub = setup.hub("evse").start().onboard(backend, backend)
    put_both(hub)
    results = rounds(setup, {f"{evses} EVSEs": partial(patch, setup, hub, evses) for evses in (MANY, FEW)})
    hub.stop()
    many, few = results.values()
    setup.notes.append(
        f"EVSE status PATCH: the last EVSE of {PATCHED} locations of {MANY} EVSEs in turn, against the last of {PATCHED} of {FEW} "
        f"that lie between them in the same database; each PATCH with a new last_updated, durable and audited before its answer; "
        f"hubd default threads, {load.CONNECTIONS} connections; every answer is checked for 1000, locations are looked at after "
        f"each run."
    )
    return compare_costs(f"EVSE status PATCH, {MANY} EVSEs", many, few, f"{FEW} EVSEs", 1.5)


def validation(setup):
    """Validating the location of the other figures against parsing it."""
    text = payloads.fill(payloads.location(), f"{payloads.STORED_PREFIX}{0:010}")
    body = setup.file("validate.json", text)
    results = [load.validate(setup.tools, "Location", body) for _ in range(setup.rounds)]
    parse, check = (median([result[name] for result in results]) / 1000 for name in ("parse_ns", "validate_ns"))
    setup.say(f"  json_parse {parse:.2f} µs, ocpi_validate {check:.2f} µs")
    setup.notes.append(
        f"validation: one thread, each of {results[0]['rounds']:,} rounds parses the {results[0]['bytes']:,} bytes anew and "
        f"validates what came of it, each timed by itself, the median counts; the location has no findings."
    )
    against = f"json_parse {parse:.2f} µs"
    return [Row("validation of a location", f"{check:.2f} µs", against, f"{check / parse:.2f}", "under 5 µs", check < 5)]
