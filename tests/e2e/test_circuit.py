"""The circuit of a receiver at fault (hub-ocpi(7), DELIVERY): it opens, survives a restart, and lets one message through before all others."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from tests.e2e.harness import SLOW, eventually, later
from tests.sim import Gate, payloads
from tests.sim.wire import Reply

AWAY = Reply(http=503, code=3000, headers={"Retry-After": "3600"})


def post_cdr(pair, cdr):
    assert pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, cdr)).outcome == (201, 1000)


def queue_of(hub, party):
    return next(row for row in hub.one("status")["queues"] if row["receiver"] == party)


def wait_circuit(hub, party, circuit):
    return eventually(lambda: (row := queue_of(hub, party))["circuit"] == circuit and row, f"the circuit of {party} is {circuit}")


def opened(pair, reply=AWAY):
    """A CDR that the eMSP answers with 503: its circuit is open."""
    pair.emsp.script("POST", "/cdrs$", reply)
    post_cdr(pair, "CDR-1")
    pair.emsp.wait("POST", "/cdrs$")
    return wait_circuit(pair.hub, pair.emsp.id, "open")


def delivered_elsewhere(hub, number):
    """Another eMSP gets a message: hubd has looked at its queues since."""
    other = hub.pair()
    post_cdr(other, f"OTHER-{number}")
    other.emsp.wait("POST", "/cdrs$")


def test_survives_a_restart(new_hub):
    """kill -9 while a receiver asked for an hour of peace: hubd does not ask it again because it was started."""
    made = new_hub().pair()
    before = opened(made)
    made.hub.kill()
    made.hub.restart()
    delivered_elsewhere(made.hub, 1)
    after = wait_circuit(made.hub, made.emsp.id, "open")
    assert abs(datetime.fromisoformat(after["retry_at"][:-1]) - datetime.fromisoformat(before["retry_at"][:-1])) < timedelta(minutes=1)
    assert len(made.emsp.received("POST", "/cdrs$")) == 1


def test_retry_after_as_a_date(new_hub):
    """RFC 9110 10.2.3: a date is as good as seconds."""
    made = new_hub().pair()
    moment = datetime.now(timezone.utc) + timedelta(hours=1)
    row = opened(made, Reply(http=503, code=3000, headers={"Retry-After": format_datetime(moment, usegmt=True)}))
    retry_at = datetime.fromisoformat(row["retry_at"][:-1]).replace(tzinfo=timezone.utc)
    assert abs(retry_at - moment) < timedelta(minutes=1)


def test_retry_ends_the_pause(new_hub):
    """The account team knows that the partner is back: `delivery retry --party`, though nothing is dead or held."""
    made = new_hub().pair()
    opened(made)
    done = made.hub.ctl("--json", "delivery", "retry", "--party", made.emsp.id)
    assert done.rc == 0, done
    made.emsp.wait("POST", "/cdrs$", count=2)
    eventually(lambda: not made.hub.deliveries(to=made.emsp.id, state="pending"), "it is delivered")


def test_one_message_before_all_others(new_hub):
    """Behind an open circuit many wait; when it ends one goes alone, and the others only when that was answered well."""
    made = new_hub().pair()
    opened(made)
    waiting = 40
    for number in range(1, waiting):
        post_cdr(made, f"MORE-{number}")
    gate = Gate()
    made.emsp.script("POST", "/cdrs$", Reply(hold=gate))
    made.hub.ok("delivery", "retry", "--party", made.emsp.id)
    made.emsp.wait("POST", "/cdrs$", count=2)
    delivered_elsewhere(made.hub, 2)
    assert len(made.emsp.received("POST", "/cdrs$")) == 2
    assert queue_of(made.hub, made.emsp.id)["circuit"] == "half-open"
    gate.open()
    made.emsp.wait("POST", "/cdrs$", count=1 + waiting)
    eventually(lambda: not made.hub.deliveries(to=made.emsp.id, state="pending"), "all is delivered")


def test_a_stopped_clock_keeps_them_alive(new_hub):
    """Time in which the receiver was OFFLINE does not make a message too old: it is paused, not failing."""
    made = new_hub(
        retry_initial="10ms", retry_max="20ms", retry_give_up="1s", retry_give_up_cdrs="1s",
        probe_interval="200ms", probe_timeout=f"{400 * SLOW:g}ms", offline_after=f"{1200 * SLOW:g}ms",
    ).pair()  # fmt: skip
    made.emsp.down()
    made.hub.wait_status(made.emsp.id, "OFFLINE")
    post_cdr(made, "CDR-1")
    later(made.cpo, 2500)
    assert [row["state"] for row in made.hub.deliveries(to=made.emsp.id)] == ["pending"]
    made.emsp.up()
    made.emsp.wait("POST", "/cdrs$")
