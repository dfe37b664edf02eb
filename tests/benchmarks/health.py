"""The figure about watching partners: many platforms cost no more than their probes."""

import time

from tests.benchmarks.common import Row, median_of, rounds
from tests.benchmarks.hub import party_names
from tests.benchmarks.load import Rate, Times
from tests.benchmarks.process import Failure

FEW, MANY = 100, 1000  # platforms
PROBES = 1000  # a second, of both


def watching_hub(setup, count):
    """A hub that watches that many platforms: (it, what probes their one server has seen)."""
    name = f"watch-{count}"
    record = setup.file(f"{name}.probes", "")
    partners, port = setup.backend(f"{name}-partners", "--record", record)
    hub = setup.hub(name, settings=(f"--probe_interval={count * 1000 // PROBES}ms", "--offline_after=60s")).start()
    setup.shared += [partners, hub]
    started = time.monotonic()
    hub.admit_all(party_names(count), "CPO", port)
    setup.say(f"  {count} platforms admitted in {time.monotonic() - started:.1f} s")
    return hub, Times(record, "versions")


def watch_side(hub, seen):
    """A side for rounds(): nothing but probes happens."""

    def side(seconds, _prefix):
        first, before, started = seen.read().repeats, hub.child.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        cpu, elapsed = hub.child.cpu_seconds() - before, time.monotonic() - started
        probes = seen.read().repeats - first
        if probes == 0:
            raise Failure("no probe was seen")
        return Rate(probes / elapsed, cpu / probes * 1e6, probes, 0)

    return side


def watching(setup):
    """What a probe costs a hub with 1000 platforms and one with 100, at the same number of probes a second."""
    if setup.fake:
        return []  # the stand-in watches nobody
    results = rounds(setup, {f"{count} platforms": watch_side(*watching_hub(setup, count)) for count in (MANY, FEW)})
    many, few = results.values()
    cpu, other = median_of(many, "cpu_us"), median_of(few, "cpu_us")
    setup.notes.append(
        f"watching: {MANY} platforms probed every {MANY * 1000 // PROBES} ms, {FEW} every {FEW * 1000 // PROBES} ms, each hub "
        f"beside the other and without other work; {median_of(many, 'per_second'):,.0f} and {median_of(few, 'per_second'):,.0f} "
        f"probes/s were seen by the partners' server."
    )
    ratio = cpu / other
    return [
        Row(f"watching {MANY} platforms, a probe", f"{cpu:.1f} µs CPU", f"{FEW} platforms {other:.1f} µs", f"{ratio:.2f}",
            "at most 1.50", ratio <= 1.5),
    ]
