"""The figures: each function measures one piece of work and returns rows of the table."""

import os
import resource
import socket
import time

from tests.benchmarks import admin, deliveries, flood, health, load, locations, payloads, peers
from tests.benchmarks.common import (
    LIST, PAGE, STORED, Row, check_bytes, compare, cpu_note, get_page, rounds, session_traffic, stored_hub, wrk_side,
)
from tests.benchmarks.hub import call, good
from tests.benchmarks.load import CONNECTIONS, Traffic
from tests.benchmarks.process import Failure

IDLE = 1000


def put_location(setup, hub, number=0):
    """One stored location; its id."""
    identity = f"{payloads.STORED_PREFIX}{number:010}"
    body = payloads.fill(payloads.location(), identity)
    path = f"{LIST}/IN/ABC/{identity}"
    good(call(hub.port, "PUT", path, hub.headers(payloads.CPO), body), "PUT of a location")
    return identity


def authorize(setup):
    """An eMSP's authorize forwarded to a static backend: 1 loop of hubd, 1 thread of haproxy, the bare forwarder."""
    _, backend = setup.backend("cpo")
    hub = setup.hub("authorize", threads=1).start().onboard(backend, backend)
    location = put_location(setup, hub)
    body = setup.file("authorize.json", payloads.authorize(location))
    path = "/ocpi/2.2.1/tokens/IN/XYZ/04A2B3C4D5E680/authorize?type=RFID"
    ids = (
        "X-Request-ID: 6a3f8d8e-7f0b-4f3e-9a51-0c2f3c1d7e90",
        "X-Correlation-ID: 0b9df2b4-7a0c-4c58-8a7e-5d1f0e6b2a11",
    )
    traffic = Traffic("PUT", path, (*hub.headers(payloads.EMSP), *ids), body)
    status, _, answer = call(hub.port, "PUT", path, traffic.headers, payloads.authorize(location))
    if status != 200 or b"ALLOWED" not in answer or b"NOT_ALLOWED" in answer:
        raise Failure(f"authorize: HTTP {status} {answer[:300]!r}")
    haproxy, haproxy_port = peers.start_haproxy(setup, backend)
    forwarder, forwarder_port = peers.start_forwarder(setup, backend)
    results = rounds(
        setup,
        {
            "hubd": wrk_side(hub.child, hub.port, traffic),
            "haproxy": wrk_side(haproxy, haproxy_port, traffic),
            "forwarder": wrk_side(forwarder, forwarder_port, traffic),
        },
    )
    cpu_note(setup, "authorize", results.items())
    setup.notes.append(
        "authorize: hubd --threads=1 (1 loop; its store writer beside), haproxy nbthread 1 with http-reuse always, "
        "forwarder 1 thread, backend 1 thread, wrk 1 thread. The body names a stored location_id, by which hubd finds "
        "the CPO; every answer is checked for 1000."
    )
    for child in (haproxy, forwarder):
        child.stop()
    hub.stop()
    return [
        compare("authorize, forwarded", results["hubd"], results["haproxy"], "haproxy", 0.30),
        compare("authorize, forwarded", results["hubd"], results["forwarder"], "bare forwarder", 0.60),
    ]


def session(setup):
    """A session PUT, durable with its delivery and audit rows, against the same rows straight into SQLite."""
    _, backend = setup.backend("partners")
    hub = setup.hub("session").start().onboard(backend, backend)
    traffic = session_traffic(setup, hub)
    # One push, then a look at what hubd wrote for it: that is what `rows` copies.
    one = payloads.fill(payloads.session(), setup.template_session)
    answer = call(hub.port, "PUT", traffic.path.replace("{id}", setup.template_session), traffic.headers, one)
    good(answer, "PUT of a session")
    hub.stop()
    template = hub.copy_state("template")
    hub.start()

    database = os.path.join(setup.folder, "rows.db")
    written, hubd, direct = 1, [], []
    load.wrk(hub.child, hub.port, traffic, 1, "SW")
    for number in range(setup.rounds):
        rate = load.wrk(hub.child, hub.port, traffic, setup.seconds, f"S{number}")
        hubd.append(rate)
        result = load.rows(setup.tools, template, setup.template_session, database, setup.seconds, written)
        written += result["pushes"]
        direct.append(load.Rate(result["rate"], 0, result["pushes"], 0, 0))
        setup.say(f"  hubd: {rate.per_second:,.0f}/s, p99 {rate.p99_ms:.1f} ms; rows: {result['rate']:,.0f}/s")
    cpu_note(setup, "session PUT", [("hubd", hubd)])
    tables = result["tables"].split()
    others = f" hubd wrote {result['others']} more row(s) per push than the loop does." if result["others"] else ""
    setup.notes.append(
        f"session PUT: hubd default threads ({hub.child.threads()} in all) with wrk 1 thread on the same cores; the loop "
        f"1 thread, alone. The eMSP is up, but its sessions receiver is unset, so that the delivery row is written (held) "
        f"and nothing is sent: intake alone is compared. Rows copied from hubd's own: {', '.join(tables)}; "
        f"{result['bytes']} bytes a push.{others}"
    )
    if len(tables) != 3:
        setup.notes.append(f"session PUT: three tables were expected, hubd used {len(tables)}: look at it")
    hub.stop()
    os.remove(database)
    return [compare("session PUT, durable", hubd, direct, "SQLite loop, 64 a commit", 0.30)]


def open_idle(hub, count):
    """Connections that have sent one request each, so that all their buffers exist, and then rest."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 200), hard))
    lines = "\r\n".join((f"Host: 127.0.0.1:{hub.port}", *hub.headers(payloads.EMSP)))
    request = f"GET /ocpi/versions HTTP/1.1\r\n{lines}\r\n\r\n".encode()
    idle = []
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", hub.port), timeout=10)
        sock.sendall(request)
        if b" 200 " not in sock.recv(65536).split(b"\r\n", 1)[0]:
            raise Failure("an idle connection's request failed")
        idle.append(sock)
    return idle


def memory(setup):
    """What hubd holds with everything stored and many partners connected, and its peak under large pages."""
    hub = stored_hub(setup)
    idle = open_idle(hub, IDLE)
    time.sleep(1)
    resting = hub.child.memory_mib("VmRSS")
    for sock in idle:
        sock.close()
    limit = PAGE if hub.fake else 1000
    path = f"{LIST}?offset=0&limit={limit}"
    _, page = get_page(setup, path, limit)
    traffic = Traffic("GET", path, hub.headers(payloads.EMSP), check="status")
    rate = load.wrk(hub.child, hub.port, traffic, setup.seconds)
    check_bytes([rate], page)
    peak = hub.child.memory_mib("VmHWM")
    setup.notes.append(
        f"memory: hubd default threads; the peak is VmHWM of its whole life with loading; pages of limit=1000 are "
        f"{len(page):,} bytes, {rate.per_second:,.0f}/s."
    )
    rest_work = f"memory, {STORED} stored, {IDLE} idle connections"
    peak_work = f"memory, peak at c={CONNECTIONS}, limit=1000"
    return [
        Row(rest_work, f"RSS {resting:.1f} MiB", "-", "-", "under 64 MiB", resting < 64),
        Row(peak_work, f"peak {peak:.1f} MiB", "-", "-", "under 128 MiB", peak < 128),
    ]


# In the order of the table; memory before list, so that its resting figure is taken on a hub that has only been loaded, and
# pages after both, which fills that hub up; restart before backlog, which empties what they share.
FIGURES = {
    "authorize": authorize,
    "session": session,
    "delivery": deliveries.delivery,
    "outbox": deliveries.outbox,
    "restart": deliveries.restart,
    "backlog": deliveries.backlog,
    "watching": health.watching,
    "memory": memory,
    "list": locations.locations_list,
    "pages": locations.pages,
    "evse": locations.evse,
    "validation": locations.validation,
    "hubctl": admin.hubctl,
    "flood": flood.flood,
}
