"""The figures about deliveries: how soon they arrive, beside receivers that are dead or slow, and what waits for one."""

import os
import signal
import time
from dataclasses import dataclass, field

from tests.benchmarks import load, payloads
from tests.benchmarks.common import Row, compare, median, median_of, session_traffic
from tests.benchmarks.load import Rate, Times, Traffic
from tests.benchmarks.process import Failure

PUSH_RATE = 500

OUTBOX_RATE, OUTBOX_SECONDS = 1000, 20
HEALTHY, SLOW, MUTE, DOWN = "healthy", "slow", "mute", "down"
RECEIVERS = (HEALTHY,) * 7 + (SLOW, MUTE, DOWN)
TROUBLES = {HEALTHY: (), SLOW: ("--delay", "3000"), MUTE: ("--mute",), DOWN: ("--down",)}
# A fifth of their defaults, so that a run sees the dead time out, pause and go OFFLINE; the rest is default.
OUTBOX_SETTINGS = ("--offline_after=12s", "--probe_interval=4s", "--delivery_timeout=6s")
RECOVERY = 30  # seconds within which all that waited must have been delivered once the receivers are well again

BACKLOG, EARLY = 100000, 10000  # CDRs; so many first, to see that memory does not follow
CDR_PREFIX = "BENCHCDR"
# A tenth of their defaults, so that the receiver is OFFLINE before all CDRs have come and is soon found again.
BACKLOG_SETTINGS = ("--offline_after=6s", "--probe_interval=2s")
DRAIN_LONGEST = 120  # seconds; what has come by then counts
RSS_MAX = 64  # MiB
RESTART_MAX = 2  # seconds


@dataclass
class Spread:
    """Milliseconds of many deliveries."""

    p50: float
    p95: float
    p99: float
    worst: float

    def __str__(self):
        return f"p50 {self.p50:.2f} ms, p95 {self.p95:.2f} ms, p99 {self.p99:.2f} ms, worst {self.worst:.1f} ms"


def spread(values):
    values = sorted(values)
    return Spread(*(values[min(len(values) - 1, int(len(values) * share))] for share in (0.50, 0.95, 0.99)), values[-1])


def await_receipts(receipts, wanted, seconds):
    """Follows them until all wanted ones are there; how many are missing when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        missing = len(wanted - receipts.read().times.keys())
        if missing == 0 or time.monotonic() > deadline:
            return missing
        time.sleep(0.2)


def push_steadily(setup, hub, traffic, rate, seconds, prefix, expected=lambda identity: True):
    """Pushes at that rate: {id: nanoseconds} of the CPO's 200s and the receipts so far, among which must be, not later than
    10 s after the last push, those that are expected."""
    count = rate * seconds
    record = os.path.join(setup.folder, f"acknowledged-{prefix}")
    result = load.push(setup.tools, hub.port, traffic, count, prefix, rate, record)
    answered = Times(record).read().times
    receipts = Times(setup.receipts, prefix)
    missing = await_receipts(receipts, {identity for identity in answered if expected(identity)}, 10)
    if missing:
        raise Failure(f"{missing} of {count} pushes did not reach the eMSP within 10 s")
    setup.say(f"  worst delay of the client {result['worst_delay_ms']:.1f} ms")
    return answered, receipts


def latencies(answered, receipts):
    """{id: milliseconds} from the CPO's 200 to the receipt; one before the 200 counts as 0."""
    return {
        identity: max(0.0, (receipts.times[identity] - at) / 1e6)
        for identity, at in answered.items()
        if identity in receipts.times
    }


def delivery(setup):
    """How long after the CPO's 200 the eMSP has it, at a steady 500 pushes a second."""
    _, emsp = setup.backend("emsp", "--record", setup.receipts)
    hub = setup.hub("delivery").start().onboard(emsp, emsp, ("sessions", "cdrs"))
    traffic = session_traffic(setup, hub)
    load.push(setup.tools, hub.port, traffic, PUSH_RATE, "DW", PUSH_RATE)  # warm-up
    results = []
    for number in range(setup.rounds):
        answered, receipts = push_steadily(setup, hub, traffic, PUSH_RATE, setup.seconds, f"D{number}R")
        results.append(spread(latencies(answered, receipts).values()))
        setup.say(f"  {results[-1]}")
    total = Spread(*(median([getattr(result, name) for result in results]) for name in ("p50", "p95", "p99", "worst")))
    hub.stop()
    setup.notes.append(
        f"delivery: open loop, {PUSH_RATE} pushes/s of distinct sessions, {setup.seconds} s a run; from the moment the "
        f"client read the 200 to the moment the receiver read the PUT (same clock; receipt before the 200 counts as 0); "
        f"{total}."
    )
    work = f"delivery at {PUSH_RATE} pushes/s"
    return [
        Row(work, f"p95 {total.p95:.2f} ms", "-", "-", "under 20 ms", total.p95 < 20),
        Row(work, f"p99 {total.p99:.2f} ms", "-", "-", "under 100 ms", total.p99 < 100),
    ]


# ---------------------------------------------------------------- dead and slow receivers


def kind_of(identity):
    """How the receiver of a push fares; the pusher takes them in turn."""
    return RECEIVERS[int(identity[-10:]) % len(RECEIVERS)]


def onboard_receivers(setup, hub):
    """An eMSP on a platform of its own per receiver: (the process that is all of them, their party_ids)."""
    partners, ports = setup.backends("receivers", [TROUBLES[kind] for kind in RECEIVERS], "--record", setup.receipts)
    parties = [f"XY{number}" for number in range(len(RECEIVERS))]
    hub.admit(payloads.CPO, "CPO", ports[0])
    for party, port in zip(parties, ports):
        hub.admit(f"IN-{party}", "EMSP", port, ("sessions",))
    return partners, parties


def check_statuses(hub, parties):
    """The dead ones are OFFLINE, no other is."""
    for party, kind in zip(parties, RECEIVERS):
        status = hub.status(f"IN-{party}")
        if status != ("OFFLINE" if kind in (MUTE, DOWN) else "CONNECTED"):
            raise Failure(f"the {kind} receiver IN-{party} is {status}")


def describe_classes(answered, values):
    """What each kind of receiver had of the pushes when they ended."""
    lines = []
    for kind in dict.fromkeys(RECEIVERS):
        of_kind = [value for identity, value in values.items() if kind_of(identity) == kind]
        line = f"{kind}: {len(of_kind)} of {sum(kind_of(identity) == kind for identity in answered)} arrived"
        if kind in (MUTE, DOWN):
            line += ", none answered"
        elif of_kind:
            line += f", {spread(of_kind)}"
        lines.append(line)
    return lines


def worst_second(answered, values):
    """The highest p95 of the pushes of one second."""
    seconds = {}
    for identity, value in values.items():
        seconds.setdefault(answered[identity] // 10**9, []).append(value)
    return max(spread(of_one).p95 for of_one in seconds.values())


def outbox(setup):
    """Two dead receivers and a slow one among ten: what the other seven notice of them."""
    hub = setup.hub("outbox", settings=OUTBOX_SETTINGS).start()
    partners, parties = onboard_receivers(setup, hub)
    traffic = session_traffic(setup, hub, parties)
    load.push(setup.tools, hub.port, traffic, OUTBOX_RATE, "OW", OUTBOX_RATE)  # warm-up, all well
    partners.signal(signal.SIGUSR1)
    answered, receipts = push_steadily(
        setup, hub, traffic, OUTBOX_RATE, OUTBOX_SECONDS, "OR", lambda identity: kind_of(identity) == HEALTHY
    )
    values = latencies(answered, receipts)
    if not hub.fake:
        check_statuses(hub, parties)
    partners.signal(signal.SIGUSR2)
    well = time.monotonic()
    missing = await_receipts(receipts, answered.keys(), RECOVERY)
    recovery = time.monotonic() - well
    hub.stop()
    classes = describe_classes(answered, values)
    for text in classes:
        setup.say(f"  {text}")
    healthy = {identity: value for identity, value in values.items() if kind_of(identity) == HEALTHY}
    p95 = spread(healthy.values()).p95
    setup.notes.append(
        f"outbox: open loop, {OUTBOX_RATE} pushes/s of distinct sessions for {OUTBOX_SECONDS} s to {len(RECEIVERS)} eMSPs in "
        f"turn, each on a platform of its own: {RECEIVERS.count(HEALTHY)} healthy, one that takes 3 s per answer (slow), one that "
        f"accepts and never answers (mute), one that refuses connections (down); all were well until the run began. Settings: "
        f"{' '.join(OUTBOX_SETTINGS)}, a fifth of their defaults. Measured as delivery is. The dead ones were OFFLINE at the "
        f"end, the others CONNECTED. At that time: {'; '.join(classes)}. Worst second of the "
        f"healthy: p95 {worst_second(answered, healthy):.2f} ms. Then all are well again; {receipts.repeats} arrived twice."
    )
    work = f"outbox at {OUTBOX_RATE} pushes/s"
    return [
        Row(f"{work}, 7 of 10 healthy", f"p95 {p95:.2f} ms", "-", "-", "under 100 ms", p95 < 100),
        Row(f"{work}, all well again", f"{missing} missing after {recovery:.1f} s", "-", "-", f"none within {RECOVERY} s",
            missing == 0),
    ]


# ---------------------------------------------------------------- a backlog


@dataclass
class Backlog:
    """A hub with BACKLOG CDRs for a receiver that is down."""

    hub: object
    partners: object
    fill_rate: float = 0
    resident: list = field(default_factory=list)  # MiB: before, with EARLY of them, with all


def fill(setup, backlog, count, start):
    """CDRs from number `start` on; seconds."""
    body = setup.file("cdr.json", payloads.cdr())
    traffic = Traffic("POST", "/ocpi/2.2.1/cdrs", backlog.hub.headers(payloads.CPO), body)
    result = load.push(setup.tools, backlog.hub.port, traffic, count, CDR_PREFIX, start=start)
    backlog.resident.append(backlog.hub.child.memory_mib("VmRSS"))
    return result["seconds"]


def check_pending(hub, count):
    pending = count if hub.fake else hub.pending(payloads.EMSP)
    if pending != count:
        raise Failure(f"{pending} CDRs wait instead of {count}")


def await_offline(hub):
    deadline = time.monotonic() + 30
    while not hub.fake and hub.status(payloads.EMSP) != "OFFLINE":
        if time.monotonic() > deadline:
            raise Failure(f"the receiver is {hub.status(payloads.EMSP)}, not OFFLINE")
        time.sleep(0.2)


def make_backlog(setup):
    """Once for the figures that need it."""
    if setup.backlog is None:
        partners, (cpo, emsp) = setup.backends("backlog-partners", [(), TROUBLES[DOWN]], "--record", setup.receipts)
        hub = setup.hub("backlog", settings=BACKLOG_SETTINGS).start().onboard(cpo, emsp, ("cdrs",))
        partners.signal(signal.SIGUSR1)
        partners.wait_for_port(emsp, listening=False)
        backlog = Backlog(hub, partners)
        backlog.resident.append(hub.child.memory_mib("VmRSS"))
        seconds = fill(setup, backlog, EARLY, 0) + fill(setup, backlog, BACKLOG - EARLY, EARLY)
        await_offline(hub)
        check_pending(hub, BACKLOG)
        backlog.fill_rate = BACKLOG / seconds
        setup.say(f"  {BACKLOG} CDRs in {seconds:.1f} s, RSS {backlog.resident[-1]:.1f} MiB")
        setup.backlog = backlog
        setup.shared += [partners, hub]
    return setup.backlog


def restart(setup):
    """From the start of the process to the first answer: with the backlog, and on a database without any."""
    hub = make_backlog(setup).hub
    _, backend = setup.backend("empty-partners")
    empty = setup.hub("empty").start().onboard(backend, backend, ("cdrs",))
    hub.child.kill()
    killed = hub.start_timed()
    full_times, empty_times = [], []
    for _ in range(setup.rounds):
        for one, times in ((hub, full_times), (empty, empty_times)):
            one.stop()
            times.append(one.start_timed())
        setup.say(f"  with the backlog {full_times[-1]:.3f} s, empty {empty_times[-1]:.3f} s")
    empty.stop()
    check_pending(hub, BACKLOG)
    setup.notes.append(
        f"restart: seconds from the start of the process to the first GET versions that is answered; median of {setup.rounds} "
        f"in turn after an orderly end, one after kill -9; the empty database holds two parties and nothing else."
    )

    def row(after, seconds):
        against = median(empty_times)
        return Row(f"restart with {BACKLOG} CDRs waiting{after}", f"{seconds:.3f} s", f"empty database {against:.3f} s",
                   f"{seconds / against:.2f}", f"under {RESTART_MAX} s", seconds < RESTART_MAX)

    return [row("", median(full_times)), row(", after kill -9", killed)]


def drain(setup, backlog):
    """Lets the receiver come back: (its Rate, seconds until the first CDR, its Times)."""
    child = backlog.hub.child
    receipts = Times(setup.receipts, CDR_PREFIX)
    before, back = child.cpu_seconds(), time.monotonic_ns()
    backlog.partners.signal(signal.SIGUSR2)
    deadline = time.monotonic() + DRAIN_LONGEST
    while len(receipts.read().times) < BACKLOG and time.monotonic() < deadline:
        time.sleep(0.2)
    child.check_alive()
    times = sorted(receipts.times.values())
    if len(times) < 2:
        raise Failure(f"{len(times)} of {BACKLOG} CDRs were delivered within {DRAIN_LONGEST} s")
    cpu_us = (child.cpu_seconds() - before) / len(times) * 1e6
    rate = Rate((len(times) - 1) / (times[-1] - times[0]) * 1e9, cpu_us, len(times), 0)
    setup.say(f"  {rate.requests} CDRs delivered, {rate.per_second:,.0f}/s, {rate.cpu_us:.1f} µs CPU each")
    return rate, (times[0] - back) / 1e9, receipts


def await_end(hub):
    """Until the hub has noted that the last one was delivered."""
    deadline = time.monotonic() + 10
    while not hub.fake and hub.pending(payloads.EMSP) > 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    check_pending(hub, 0)


def backlog(setup):
    """How fast 100 000 CDRs leave once their receiver is back, in terms of how fast session pushes come in."""
    waiting = make_backlog(setup)
    _, backend = setup.backend("intake-partners")
    other = setup.hub("intake").start().onboard(backend, backend)
    traffic = session_traffic(setup, other)
    load.wrk(other.child, other.port, traffic, 1, "IW")
    intake = [load.wrk(other.child, other.port, traffic, setup.seconds, "I0")]
    rate, first, receipts = drain(setup, waiting)
    intake.append(load.wrk(other.child, other.port, traffic, setup.seconds, "I1"))
    other.stop()
    if rate.requests == BACKLOG:
        await_end(waiting.hub)
    drained = waiting.hub.child.memory_mib("VmRSS")
    waiting.hub.stop()
    before, early, full = waiting.resident
    setup.notes.append(
        f"backlog: {BACKLOG} distinct CDRs of {len(payloads.cdr())} bytes came in at {waiting.fill_rate:,.0f}/s while the "
        f"receiver refused connections, which made it OFFLINE ({' '.join(BACKLOG_SETTINGS)}, a tenth of their defaults). It had "
        f"the first {first:.1f} s after it was back and {rate.requests} in all ({receipts.repeats} twice); the rate is from the "
        f"first to the last, at {rate.cpu_us:.1f} µs CPU of hubd each. Session intake: measured as the session figure, before "
        f"and after, at {median_of(intake, 'cpu_us'):.1f} µs CPU each."
    )

    def memory_row(when, resident):
        against = f"{before:.1f} MiB before, {early:.1f} with {EARLY}"
        return Row(f"memory, {when}", f"RSS {resident:.1f} MiB", against, f"{resident / early:.2f}", f"under {RSS_MAX} MiB",
                   resident < RSS_MAX)

    return [
        compare("backlog, drained", [rate], intake, "session intake", 0.30),
        memory_row(f"{BACKLOG} CDRs waiting", full),
        memory_row(f"{rate.requests} of them delivered", drained),
    ]
