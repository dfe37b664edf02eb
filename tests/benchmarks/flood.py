"""The figure about floods: how long others wait while eight connections send rubbish as fast as the hub takes it."""

import http.client
import statistics
import time

from tests.benchmarks import payloads
from tests.benchmarks.common import Row
from tests.benchmarks.hub import call, good
from tests.e2e.attack import FLOODS, Flood

TURNS, EACH = 10, 100
AT_MOST = 2
SPARE_MS = 2


def slowest_ms(connection, path, headers, body):
    """Of honest requests, one after the other, the slowest but one of a hundred: their p99."""
    times = []
    for _ in range(EACH):
        begun = time.perf_counter()
        connection.request("PUT", path, body, headers)
        answer = connection.getresponse()
        good((answer.status, answer.headers, answer.read()), "authorize beside a flood")
        times.append((time.perf_counter() - begun) * 1000)
    return sorted(times)[EACH * 99 // 100 - 1]


def flood(setup):
    """Authorizations beside each flood and without it, in turn, on the same connection: medians of the turns' p99."""
    _, backend = setup.backend("partners")
    hub = setup.hub("flood").start().onboard(backend, backend)
    path = "/ocpi/2.2.1/tokens/IN/XYZ/04A2B3C4D5E680/authorize?type=RFID"
    headers = dict(header.split(": ", 1) for header in hub.headers(payloads.EMSP))
    identity = f"{payloads.STORED_PREFIX}{0:010}"
    location = payloads.fill(payloads.location(), identity)
    good(call(hub.port, "PUT", f"/ocpi/2.2.1/locations/IN/ABC/{identity}", hub.headers(payloads.CPO), location), "PUT of a location")
    honest = (http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30), path, headers, payloads.authorize(identity))
    rows = []
    for name, (data, answers) in FLOODS.items():
        alone, beside = [], []
        with Flood(hub.port, data, answers) as attack:
            for _ in range(TURNS * setup.rounds):
                attack.stop()
                alone.append(slowest_ms(*honest))
                attack.go_on()
                beside.append(slowest_ms(*honest))
        quiet, loud = statistics.median(alone), statistics.median(beside)
        rows.append(Row(f"authorize beside a flood: {name}", f"p99 {loud:.1f} ms", f"without it {quiet:.1f} ms", f"{loud / quiet:.2f}",
                        f"at most {AT_MOST:.2f} and {SPARE_MS} ms", loud <= AT_MOST * quiet + SPARE_MS))  # fmt: skip
    setup.notes.append("flood: 8 connections in 2 processes of a lower priority than the rest, on the same cores; hubd default threads.")
    hub.stop()
    return rows
