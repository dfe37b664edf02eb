"""What the figures share: what a run knows, a row of the table, sides measured in turn."""

import os
import statistics
from dataclasses import dataclass, field
from functools import partial

from tests.benchmarks import load, payloads
from tests.benchmarks.hub import FakeHub, Hub, call, good
from tests.benchmarks.load import Traffic
from tests.benchmarks.process import Child, Failure, free_ports

STORED = 10000
PAGE = 50
LIST = "/ocpi/2.2.1/locations"
SESSIONS = "/ocpi/2.2.1/sessions/IN/ABC/{id}"


@dataclass
class Row:
    """One line of the table."""

    work: str
    hubd: str
    against: str
    ratio: str
    bound: str
    ok: bool


@dataclass
class Setup:
    """What a run needs to know."""

    folder: str  # everything that is written goes here
    programs: str  # hubd, hubctl
    tools: str  # backend, forwarder, pusher, rows, validate
    schema: str
    seconds: int
    rounds: int
    fake: bool
    say: object  # progress, for people
    notes: list = field(default_factory=list)
    template_session: str = "BENCHTEMPLATE0000000000"
    stored_hub: object = None
    stored: int = 0  # locations in it
    backlog: object = None  # of CDRs that wait
    shared: list = field(default_factory=list)  # Hubs and Children that later figures use too

    @property
    def receipts(self):
        return os.path.join(self.folder, "receipts")

    def hub(self, name, threads=0, settings=()):
        return (FakeHub if self.fake else Hub)(self, name, threads, settings)

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def backends(self, name, troubles, *arguments):
        """One process that is a partner per trouble, the options of how it goes wrong: (it, their ports)."""
        ports = free_ports(len(troubles))
        command = [f"{self.tools}/backend", *arguments]
        for port, trouble in zip(ports, troubles):
            command += ["--port", str(port), *trouble]
        child = Child(name, command, self.folder)
        child.wait_for_port(ports[-1])
        return child, ports

    def backend(self, name, *arguments):
        child, ports = self.backends(name, [()], *arguments)
        return child, ports[0]


def median(values):
    return statistics.median(values)


def median_of(rates, member):
    return median([getattr(rate, member) for rate in rates])


def per_second(rates):
    return f"{median_of(rates, 'per_second'):,.0f}/s".replace(",", " ")


def compare(work, hubd, against, name, at_least):
    """A row of two throughputs: medians of the rounds."""
    ratio = median_of(hubd, "per_second") / median_of(against, "per_second")
    other = f"{name} {per_second(against)}"
    return Row(work, per_second(hubd), other, f"{ratio:.2f}", f"at least {at_least:.2f}", ratio >= at_least)


def compare_costs(work, hubd, against, name, at_most):
    """Two rows, the same hubd on both sides: what one request of the first work costs in multiples of one of the second,
    by throughput and by hubd's CPU. Medians of the rounds."""

    def row(kind, first, second, ratio):
        return Row(f"{work}, {kind}", first, f"{name} {second}", f"{ratio:.2f}", f"at most {at_most:.2f}", ratio <= at_most)

    cpu, other_cpu = median_of(hubd, "cpu_us"), median_of(against, "cpu_us")
    return [
        row("time", per_second(hubd), per_second(against),
            median_of(against, "per_second") / median_of(hubd, "per_second")),
        row("CPU", f"{cpu:.1f} µs", f"{other_cpu:.1f} µs", cpu / other_cpu),
    ]


def cpu_note(setup, work, sides):
    """CPU of each server per request: what the ratio would be if clients cost nothing."""
    parts = [f"{name} {median_of(rates, 'cpu_us'):.1f}" for name, rates in sides]
    setup.notes.append(f"{work}: CPU µs per request: {', '.join(parts)}")


def wrk_side(server, port, traffic):
    """A side for rounds()."""
    return partial(load.wrk, server, port, traffic)


def rounds(setup, sides, prefix="R"):
    """Runs every side, a function (seconds, prefix) → Rate, once per round, in turn, so that all see the same machine; a
    short warm-up first. {name of the side: its rates}"""
    results = {name: [] for name in sides}
    for run in sides.values():
        run(1, f"{prefix}W")
    for number in range(setup.rounds):
        for name, run in sides.items():
            rate = run(setup.seconds, f"{prefix}{number}")
            results[name].append(rate)
            slowest = f", p99 {rate.p99_ms:.1f} ms" if rate.p99_ms else ""
            setup.say(f"  {name}: {rate.per_second:,.0f}/s, {rate.cpu_us:.1f} µs CPU each{slowest}")
    return results


def stored_hub(setup, count=STORED):
    """A hub with that many locations, loaded once for all figures that need it; one that needs more fills it up."""
    if setup.stored_hub is None:
        partners, backend = setup.backend("stored-partners")
        setup.stored_hub = setup.hub("stored").start().onboard(backend, backend)
        setup.shared += [partners, setup.stored_hub]
    hub = setup.stored_hub
    if setup.stored < count:
        body = setup.file("location.json", payloads.location())
        traffic = Traffic("PUT", LIST + "/IN/ABC/{id}", hub.headers(payloads.CPO), body)
        result = load.push(setup.tools, hub.port, traffic, count - setup.stored, payloads.STORED_PREFIX, start=setup.stored)
        setup.say(f"  {count - setup.stored} locations stored in {result['seconds']:.1f} s")
        setup.stored = count
    return hub


def session_traffic(setup, hub, parties=()):
    """PUTs of distinct sessions, of these eMSPs (party_ids) in turn or all of the one."""
    body = payloads.session("{party}") if parties else payloads.session()
    path = setup.file(f"session-{hub.name}.json", body)
    return Traffic("PUT", SESSIONS, hub.headers(payloads.CPO), path, tuple(parties))


def get_page(setup, path, count):
    """A page that must be whole: (its headers, its bytes)."""
    hub = setup.stored_hub
    answer = call(hub.port, "GET", path, hub.headers(payloads.EMSP))
    data = good(answer, f"GET {path}").get("data")
    if not isinstance(data, list) or len(data) != count:
        raise Failure(f"GET {path}: {len(data or [])} locations instead of {count}")
    if not hub.fake and answer[1].get("X-Total-Count") != str(setup.stored):
        raise Failure(f"GET {path}: X-Total-Count {answer[1].get('X-Total-Count')}")
    return answer[1], answer[2]


def check_bytes(rates, page):
    """Large pages are not looked into one by one; what arrived in all must be that many whole pages."""
    for rate in rates:
        if rate.bytes < rate.requests * len(page):
            raise Failure(f"{rate.requests} answers were {rate.bytes:.0f} bytes, less than so many pages of {len(page)}")
