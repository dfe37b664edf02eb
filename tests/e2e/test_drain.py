"""SIGTERM: nothing is begun any more, what is under way is finished (hubd(8), SIGNALS)."""

import contextlib
import signal
import socket
import threading

from tests.e2e.harness import DEADLINE, SLOW, eventually
from tests.sim import Gate, Reply, payloads

SESSIONS = ("PUT", "/sessions/")
HELD = 16  # as many as are sent side by side


def push(pair, count):
    for number in range(count):
        assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, f"S-{number}")).outcome == (201, 1000)


def duplicates(pair):
    paths = [request.path for request in pair.emsp.received(*SESSIONS)]
    return len(paths) - len(set(paths))


def interrupted(hub, count, end):
    """Sessions are on the wire when hubd ends; all arrive behind its restart. How many of them came twice."""
    pair = hub.pair()
    gate = Gate()
    pair.emsp.script(*SESSIONS, Reply(hold=gate), forever=True)
    push(pair, count)
    pair.emsp.wait(*SESSIONS, count=HELD)
    end(hub, gate)
    pair.emsp.unscript()
    hub.restart()
    eventually(lambda: len({r.path for r in pair.emsp.received(*SESSIONS)}) == count, "all arrive", 30 * SLOW)
    eventually(lambda: not hub.deliveries(to=pair.emsp.id, state="pending"), "nothing waits")
    return duplicates(pair)


def terminated(hub, gate):
    hub.process.terminate()
    hub.wait_log("ending: SIGTERM")
    gate.open()
    assert hub.process.wait(15 * SLOW) == 0


def killed(hub, gate):
    hub.kill()
    gate.open()


def test_sigterm_is_gentler_than_kill(new_hub):
    """What is on the wire at SIGTERM is answered, stored, and not sent again; kill -9 sends it again. Nothing else is begun."""
    hub = new_hub(delivery_timeout="30s")
    assert interrupted(hub, 60, terminated) == 0
    assert interrupted(hub, 60, killed) >= HELD


def test_sigterm_begins_nothing(new_hub):
    """Behind the signal no delivery starts, though many wait."""
    hub = new_hub()
    pair = hub.pair()
    gate = Gate()
    pair.emsp.script(*SESSIONS, Reply(hold=gate), forever=True)
    push(pair, 60)
    pair.emsp.wait(*SESSIONS, count=HELD)
    terminated(hub, gate)
    assert len(pair.emsp.received(*SESSIONS)) == HELD


def test_a_command_in_flight_is_answered(new_hub):
    """The CPO takes longer for its CommandResponse than the drain of everything else: the eMSP gets it all the same."""
    hub = new_hub(command_forward_timeout="25s")
    pair = hub.pair()
    gate = Gate()
    pair.cpo.script("POST", "/commands/", Reply(hold=gate, data={"result": "ACCEPTED", "timeout": 30}))
    answers = []
    caller = threading.Thread(target=lambda: answers.append(pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party))))
    caller.start()
    pair.cpo.wait("POST", "/commands/")
    hub.process.terminate()
    hub.wait_log("ending: SIGTERM")
    threading.Timer(11, gate.open).start()  # behind the ten seconds that others have
    caller.join(40)
    assert [answer.outcome for answer in answers] == [(200, 1000)]
    assert hub.process.wait(15 * SLOW) == 0


def ends(hub, seconds=15):
    return hub.process.wait(seconds * SLOW)


def cut_off(pair):
    """A command whose answer may never come."""
    with contextlib.suppress(Exception):
        pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party))


def test_the_signal_again(new_hub):
    """A CPO that never answers a command, an eMSP that never answers deliveries, a slow upload, a stream of hubctl's: the second SIGTERM gives
    them up, in order, and a SIGHUP between the two ends nothing. All arrives after the next start."""
    hub = new_hub(command_forward_timeout="25s", delivery_timeout="10m", body_timeout="10m")
    pair, gate = hub.pair(), Gate(600)
    pair.emsp.script(*SESSIONS, Reply(hold=gate), forever=True)
    pair.cpo.script("POST", "/commands/", Reply(hold=gate, data={"result": "ACCEPTED", "timeout": 30}), forever=True)
    push(pair, 20)
    pair.emsp.wait(*SESSIONS, count=HELD)
    caller = threading.Thread(target=cut_off, args=(pair,), daemon=True)
    caller.start()
    pair.cpo.wait("POST", "/commands/")
    follow = hub.follow("audit", "tail", "-f")
    with socket.create_connection(("127.0.0.1", hub.port)) as upload:
        upload.sendall(b"PUT /ocpi/2.2.1/sessions/IN/AAA/S HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        hub.process.terminate()
        hub.wait_log("ending: SIGTERM")
        hub.process.send_signal(signal.SIGHUP)
        hub.process.terminate()
        hub.wait_log("ending: told again")
        assert ends(hub) == 0
    follow.close()
    gate.open()
    pair.emsp.unscript()
    hub.restart()
    eventually(lambda: not hub.deliveries(to=pair.emsp.id, state="pending"), "nothing waits", 30 * SLOW)
    assert len({request.path for request in pair.emsp.received(*SESSIONS)}) == 20


def test_a_silent_cpo_does_not_hold_the_end(new_hub):
    """Its command has the time of every command, not more: then the process ends, and the eMSP was answered."""
    hub = new_hub(command_forward_timeout="3s")
    pair, gate, answers = hub.pair(), Gate(600), []
    pair.cpo.script("POST", "/commands/", Reply(hold=gate), forever=True)
    caller = threading.Thread(target=lambda: answers.append(pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party))))
    caller.start()
    pair.cpo.wait("POST", "/commands/")
    hub.process.terminate()
    assert ends(hub) == 0
    caller.join(DEADLINE)
    assert [answer.outcome for answer in answers] == [(200, 4002)]
