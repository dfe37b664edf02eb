"""Connections to partners: kept ones that die, how many stay open, and what becomes of calls when descriptors are short."""

import concurrent.futures
import contextlib
import os
import socket

import pytest

from tests.e2e.harness import DEADLINE, SLOW, eventually
from tests.sim import payloads
from tests.sim.habits import hangs_up, leaving
from tests.sim.wire import Gate, Reply

COMMANDS = 150


@pytest.fixture
def pair(new_hub):
    """A pair on a hub that limits nobody."""
    return new_hub(limit_authorize="0", limit_commands="0").pair()


@pytest.mark.parametrize("habit", [leaving(0), leaving(0.0005), leaving(0.001), hangs_up], ids=["at once", "0.5 ms", "1 ms", "when asked again"])
def test_partner_that_hangs_up_after_each_answer(pair, habit):
    """Authorizations one after the other: each is answered by the CPO, though its connections die; deliveries and commands are too."""
    hub, cpo, emsp = pair
    cpo.habits = emsp.habits = (habit,)
    verdicts = [emsp.authorize(f"T{number}", to=cpo.id).data["allowed"] for number in range(200)]
    assert set(verdicts) == {"ALLOWED"}
    for number in range(20):
        assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, f"CDR-{number}")).outcome == (201, 1000)
    emsp.wait("POST", "/cdrs$", count=20)
    eventually(lambda: hub.deliveries(to=emsp.id) == [], "all are delivered")
    assert {row["attempts"] for row in hub.rows("delivery", "list", "--state", "all", "--party", emsp.id)} == {1}
    for _ in range(20):
        answer = emsp.command("START_SESSION", payloads.start_session(emsp.party))
        assert answer.outcome == (200, 1000) and answer.data["result"] == "ACCEPTED", answer
    assert len(cpo.received("POST", "/commands/START_SESSION$")) == 20  # no command arrives twice
    for _ in range(6):
        hub.ok("receiver", "discover", cpo.id)


def test_commands_leave_no_connections(pair):
    """Seen from the CPO: of many commands no connection stays open, and none of what else it was called for."""
    _, cpo, emsp = pair
    for _ in range(COMMANDS):
        answer = emsp.command("START_SESSION", payloads.start_session(emsp.party))
        assert answer.outcome == (200, 1000), answer
    assert len(cpo.received("POST", "/commands/START_SESSION$")) == COMMANDS
    eventually(lambda: cpo.server.open <= 4, "the commands' connections are closed")
    assert cpo.server.connections >= COMMANDS


def test_idle_connections_end(new_hub):
    """A connection that nobody uses is closed by the hub in its time, and used again before."""
    hub, cpo, emsp = new_hub(keepalive_idle="300ms", probe_interval="1h").pair()
    for number in range(10):
        assert emsp.authorize(f"T{number}", to=cpo.id).data["allowed"] == "ALLOWED"
    eventually(lambda: cpo.server.open == 0 and emsp.server.open == 0, "all connections are closed")
    asked = cpo.received("PUT", "/authorize$")
    assert len({request.connection for request in asked}) < len(asked)


def starved(new_hub, limit, **settings):
    """A hub that may open few files."""
    hub = new_hub(start=False, **settings)
    hub.prefix = ["prlimit", f"--nofile={limit}:{limit}"]
    hub.start()
    hub.wait_log(f"only {limit} files may be open")
    return hub


@pytest.mark.parametrize("limit, calls", [(600, 60), (500, 40), (430, 20)])
def test_short_of_descriptors(new_hub, limit, calls):
    """With few descriptors: strangers fill the hub, and calls wait for each other; hubctl, deliveries and the database go on."""
    hub = starved(new_hub, limit, command_forward_timeout=f"{DEADLINE:g}s", delivery_parallel="64")
    _, cpo, emsp = pair = hub.pair()
    with contextlib.ExitStack() as strangers:
        for _ in range(400):
            strangers.enter_context(socket.create_connection(("127.0.0.1", hub.port)))
        for _ in range(20):
            hub.ok("status")
            hub.ok("party", "list")
    eventually(lambda: cpo.get("hubclientinfo").outcome == (200, 1000), "the hub takes connections again")
    gate = Gate()
    cpo.script("POST", "/commands/", lambda request: Reply(hold=gate, data={"result": "ACCEPTED", "timeout": 30}), forever=True)
    emsp.script("POST", "/cdrs$", lambda request: Reply(http=201, hold=gate), forever=True)
    with concurrent.futures.ThreadPoolExecutor(calls) as callers:
        answers = [callers.submit(emsp.command, "START_SESSION", payloads.start_session(emsp.party)) for _ in range(calls)]
        for number in range(calls):
            assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, f"CDR-{number}")).outcome == (201, 1000)
        cpo.wait("POST", "/commands/", count=2)
        emsp.wait("POST", "/cdrs$", count=2)
        hub.ok("status")
        assert cpo.server.open < calls and emsp.server.open < calls  # the rest waits
        gate.open()
        assert [answer.result(DEADLINE).outcome for answer in answers] == [(200, 1000)] * calls
    emsp.wait("POST", "/cdrs$", count=calls)
    eventually(lambda: hub.deliveries(to=emsp.id) == [], "all are delivered")
    assert {row["attempts"] for row in hub.rows("delivery", "list", "--state", "all", "--party", emsp.id)} == {1}
    assert "Too many open files" not in hub.stderr() and "out of file descriptors" not in hub.stderr()
    assert hub.status_of(pair.cpo.id) == hub.status_of(pair.emsp.id) == "CONNECTED"


def test_probes_wait_for_no_delivery(new_hub):
    """All connections for deliveries are held by one eMSP: the others are probed all the same, and none is OFFLINE for it."""
    patience = {"probe_interval": "200ms", "probe_timeout": f"{400 * SLOW:g}ms", "offline_after": f"{1200 * SLOW:g}ms"}
    hub = starved(new_hub, 430, delivery_parallel="64", delivery_timeout="10m", **patience)
    _, cpo, emsp = hub.pair()
    gate = Gate()
    emsp.script("POST", "/cdrs$", lambda request: Reply(http=201, hold=gate), forever=True)
    for number in range(20):
        assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, f"CDR-{number}")).outcome == (201, 1000)
    emsp.wait("POST", "/cdrs$", count=2)
    for platform in (cpo, emsp):
        platform.wait("GET", "/ocpi/versions$", count=len(platform.received("GET", "/ocpi/versions$")) + 20)
    assert len(emsp.received("POST", "/cdrs$")) < 20  # they are still held
    assert hub.status_of(cpo.id) == hub.status_of(emsp.id) == "CONNECTED"
    gate.open()


def test_what_was_not_sent_is_no_try(new_hub):
    """Messages that found no free connection in time: nobody's fault, not counted as tries, sent when there is one."""
    hub = starved(new_hub, 430, delivery_parallel="64", delivery_timeout="1s")
    _, cpo, emsp = hub.pair()
    gate = Gate()
    emsp.script("POST", "/cdrs$", lambda request: Reply(http=201, hold=gate), forever=True)
    for number in range(30):
        assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, f"CDR-{number}")).outcome == (201, 1000)
    hub.wait_log("delivery .*free connection")
    rows = {row["object"]: row["attempts"] for row in hub.deliveries(to=emsp.id)}
    asked = {request.json["id"] for request in emsp.received("POST", "/cdrs$")}
    assert {name for name, attempts in rows.items() if attempts > 0} <= asked
    gate.open()
    eventually(lambda: hub.deliveries(to=emsp.id) == [], "all are delivered")


def test_a_flood_that_is_refused_takes_nobodys_descriptors(new_hub):
    """Strangers from many addresses, many more than may be open: hubctl, pushes and deliveries of others go on."""
    hub = starved(new_hub, 450, head_timeout="2s")
    _, cpo, emsp = hub.pair()

    def push(ident):
        """As partners do: once more where the hub is full."""
        with contextlib.suppress(OSError):
            return cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, ident)).code == 1000

    assert push("CDR-0")
    with contextlib.ExitStack() as strangers:
        for number in range(1500):
            stranger = strangers.enter_context(socket.socket())
            stranger.bind((f"127.0.{1 + number // 200}.{1 + number % 200}", 0))
            stranger.connect(("127.0.0.1", hub.port))
            if number % 100 == 99:
                hub.ok("status")
                hub.ok("party", "list")
        files = len(os.listdir(f"/proc/{hub.process.pid}/fd"))
        assert files < 300, files
        for number in range(1, 10):
            eventually(lambda number=number: push(f"CDR-{number}"), "a push passes")
        emsp.wait("POST", "/cdrs$", count=10)
    assert "Too many open files" not in hub.stderr() and "out of file descriptors" not in hub.stderr()
