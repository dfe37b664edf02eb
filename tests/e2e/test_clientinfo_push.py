"""HubClientInfo pushed to partners that have a receiver for it: every change, once, to everybody else, whatever happens in between."""

import pytest

from tests.e2e.harness import SLOW, eventually
from tests.sim import Party, Reply, payloads

CLIENTINFO = "/ocpi/2.2.1/hubclientinfo/"


def told(platform, party=None, path=CLIENTINFO):
    """The ClientInfos that a platform was PUT, oldest first; of one party when given."""
    pattern = path if party is None else f"{path}{party.country_code}/{party.party_id}$"
    return [request.json for request in platform.received("PUT", pattern)]


def seen(platform, path=CLIENTINFO):
    """(party, role, status) of all of it, in order of the parties."""
    return sorted((f"{info['country_code']}-{info['party_id']}", info["role"], info["status"]) for info in told(platform, path=path))


def wait_told(platform, party, status, count=1, path=CLIENTINFO):
    pattern = f"{path}{party.country_code}/{party.party_id}$"
    return platform.wait("PUT", pattern, where=lambda r: r.json["status"] == status, count=count)


def settled(hub):
    eventually(lambda: not hub.deliveries(module="hubclientinfo"), "no ClientInfo waits any more")


def set_receiver(hub, platform, path="/ocpi/2.2.1/hubclientinfo"):
    return hub.ok("receiver", "set", platform.id, "hubclientinfo", platform.url + path)


def suspend(hub, party):
    hub.ok("party", "suspend", party.id, "--reason", "test")


def mark(hub, *platforms):
    """A change that everybody hears of: when it has arrived, all before it has. Returns its party."""
    party = hub.new_party("CPO")
    hub.ok("party", "add", party.id, "--role", "CPO")
    for platform in platforms:
        wait_told(platform, party, "PLANNED")
    settled(hub)
    return party


# ---------------------------------------------------------------- what is told, and to whom


def test_change_is_pushed(new_hub):
    """PUT {url}/{country_code}/{party_id} with the object that GET shows; no routing headers, the partner's token."""
    hub = new_hub()
    listener, other = hub.onboard("CPO", clientinfo=True), hub.onboard("EMSP")
    wait_told(listener, other.party, "CONNECTED")
    suspend(hub, other.party)
    request = wait_told(listener, other.party, "SUSPENDED")
    assert request.json == listener.get(f"hubclientinfo/IN/{other.party.party_id}").data
    assert set(request.json) == {"party_id", "country_code", "role", "status", "last_updated"}
    assert request.routing == (None, None) and not [name for name in request.headers if name.startswith("ocpi-")]
    assert request.headers["content-type"] == "application/json" and request.headers["x-request-id"] and request.headers["x-correlation-id"]
    row = hub.wait_audit(lambda row: row["action"] == "delivery.done" and row["module"] == "hubclientinfo" and row["object"] == f"{other.id}:EMSP", "its row")
    assert (row["from"], row["to"], row["method"]) == ("IN-CIH", listener.id, "PUT") and row["correlation_id"]
    hub.ok("party", "resume", other.id)
    wait_told(listener, other.party, "CONNECTED", count=2)


def test_new_receiver_gets_everybody(new_hub):
    """A receiver that discovery finds gets all parties but its own platform's, each once; later only changes."""
    hub = new_hub()
    cpo, planned = hub.onboard("CPO"), hub.add(hub.platform("EMSP"))
    listener = hub.onboard("EMSP", clientinfo=True)
    everybody = sorted([(cpo.id, "CPO", "CONNECTED"), (planned.id, "EMSP", "PLANNED")])
    eventually(lambda: seen(listener) == everybody, "everybody once")
    marked = mark(hub, listener)
    assert seen(listener) == sorted([*everybody, (marked.id, "CPO", "PLANNED")])


def test_receiver_that_is_set(new_hub):
    """Set by the account team it is told everybody; set again as it is, nothing; with another URL, or set anew, everybody there."""
    hub = new_hub()
    cpo, emsp = hub.onboard("CPO"), hub.onboard("EMSP")
    assert hub.deliveries(module="hubclientinfo") == [] and told(emsp) == []
    set_receiver(hub, emsp)
    wait_told(emsp, cpo.party, "CONNECTED")
    set_receiver(hub, emsp)
    marked = mark(hub, emsp)
    everybody = sorted([(cpo.id, "CPO", "CONNECTED"), (marked.id, "CPO", "PLANNED")])
    assert seen(emsp) == everybody
    emsp.script("PUT", "/elsewhere/", Reply(), forever=True)
    set_receiver(hub, emsp, "/elsewhere/ci")
    eventually(lambda: seen(emsp, "/elsewhere/ci/") == everybody, "everybody at the new URL")
    hub.ok("receiver", "unset", emsp.id, "hubclientinfo")
    set_receiver(hub, emsp)
    eventually(lambda: seen(emsp) == sorted([*everybody, *everybody]), "everybody again")


def test_two_roles_are_two_puts(new_hub):
    """A party with two roles: two objects on one URL, and neither replaces the other."""
    hub = new_hub()
    listener = hub.onboard("CPO", clientinfo=True)
    party = hub.new_party("EMSP")
    listener.down()
    hub.ok("party", "add", party.id, "--role", "CPO", "--role", "EMSP")
    waiting = lambda: {row["id"] for row in hub.deliveries(module="hubclientinfo")}  # noqa: E731
    eventually(lambda: len(waiting()) == 2, "both roles wait as PLANNED")
    planned = waiting()
    suspend(hub, party)  # what it tells follows its answer
    eventually(lambda: len(waiting() - planned) == 2 == len(waiting()), "SUSPENDED waits in their place")
    listener.up()
    eventually(lambda: len(told(listener, party)) >= 2, "both roles")
    settled(hub)
    assert sorted((info["role"], info["status"]) for info in told(listener, party)) == [("CPO", "SUSPENDED"), ("EMSP", "SUSPENDED")]


def test_one_platform_is_told_once(new_hub):
    """Two parties of a platform behind one URL: one PUT for each change elsewhere, none for their own."""
    hub = new_hub()
    both = hub.onboard("CPO", "EMSP", clientinfo=True)
    assert [row["module"] for row in hub.rows("receiver", "list")].count("hubclientinfo") == 2
    marked = mark(hub, both)
    suspend(hub, both.parties[1])
    hub.ok("party", "resume", both.parties[1].id)
    second = mark(hub, both)
    assert seen(both) == sorted([(marked.id, "CPO", "PLANNED"), (second.id, "CPO", "PLANNED")])
    suspend(hub, both.parties[0])  # the first of them is told no more: the other one is
    third = mark(hub, both)
    assert (third.id, "CPO", "PLANNED") in seen(both)


def test_one_id_on_two_platforms(new_hub):
    """IN-ABC the CPO and IN-ABC the eMSP are two receivers, and each is told of the other."""
    hub = new_hub()
    party = hub.new_party("EMSP")
    emsp = hub.onboard(party, clientinfo=True)
    cpo = hub.platform(Party(party.country_code, party.party_id, "CPO"), clientinfo=True)
    hub.ok("party", "add", party.id, "--role", "CPO", "--platform", "new")
    cpo.register(hub.issue(f"{party.id}:CPO"))
    wait_told(emsp, party, "CONNECTED")
    wait_told(cpo, party, "CONNECTED")
    marked = mark(hub, emsp, cpo)
    assert {info["role"] for info in told(emsp, party)} == {"CPO"} and {info["role"] for info in told(cpo, party)} == {"EMSP"}
    assert len(told(emsp, marked)) == len(told(cpo, marked)) == 1
    cpo.down()
    suspend(hub, marked)
    wait_told(emsp, marked, "SUSPENDED")
    (row,) = hub.wait_rows("delivery", "list", where=lambda row: row["module"] == "hubclientinfo" and row["attempts"], what="the other one waits")
    assert row["to"] == f"{party.id}:CPO", row
    cpo.up()
    wait_told(cpo, marked, "SUSPENDED")


def test_removed_party_is_suspended(new_hub):
    """OCPI knows no DELETE of a ClientInfo: who was told of it is told SUSPENDED."""
    hub = new_hub()
    listener, other = hub.onboard("CPO", clientinfo=True), hub.onboard("EMSP")
    connected = wait_told(listener, other.party, "CONNECTED")
    hub.ok("party", "remove", other.id, f"--confirm={other.id}")
    request = wait_told(listener, other.party, "SUSPENDED")
    assert request.json["last_updated"] > connected.json["last_updated"] and request.json["role"] == "EMSP"
    assert listener.get(f"hubclientinfo/IN/{other.party.party_id}").outcome == (404, 2003)
    hub.ok("party", "add", other.id, "--role", "EMSP")
    listener.wait("PUT", CLIENTINFO, where=lambda r: r.json["status"] == "PLANNED" and r.json["last_updated"] > request.json["last_updated"])


@pytest.mark.parametrize("command", ["party remove {0} --confirm={0}", "receiver unset {0} hubclientinfo"])
def test_removed_receiver_leaves_nothing_behind(new_hub, command):
    """What waits for a party or a receiver that is removed is dropped, at the latest when it is tried again."""
    hub = new_hub()
    listener = hub.onboard("CPO", clientinfo=True)
    listener.down()
    party = hub.new_party("EMSP")
    hub.ok("party", "add", party.id, "--role", "EMSP")
    hub.wait_rows("delivery", "list", where=lambda row: row["module"] == "hubclientinfo" and row["attempts"], what="the row waits")
    hub.ok(*command.format(listener.id).split())
    settled(hub)
    hub.wait_audit(lambda row: row["action"] == "delivery.dropped" and row["to"] == listener.id, "the row that says so")


# ---------------------------------------------------------------- when it cannot go at once


def test_only_the_latest_waits(new_hub):
    """A party that comes and goes while the receiver is away: the state of the end, and at most the one before it,
    if that was under way when the receiver came back."""
    hub = new_hub()
    listener, other = hub.onboard("CPO", clientinfo=True), hub.onboard("EMSP")
    mark(hub, listener)
    before = len(told(listener, other.party))
    listener.down()
    for _ in range(5):
        suspend(hub, other.party)
        hub.ok("party", "resume", other.id)
    suspend(hub, other.party)
    listener.up()
    wait_told(listener, other.party, "SUSPENDED")
    settled(hub)
    news = [each["status"] for each in told(listener, other.party)[before:]]
    assert 1 <= len(news) <= 2 and news[-1] == "SUSPENDED"


def test_offline_and_back(new_hub):
    """OFFLINE and CONNECTED of others are told; a receiver that is OFFLINE itself hears it when it is back."""
    hub = new_hub(probe_interval="200ms", probe_timeout=f"{400 * SLOW:g}ms", offline_after=f"{1200 * SLOW:g}ms")
    listener, other = hub.onboard("CPO", clientinfo=True), hub.onboard("EMSP")
    wait_told(listener, other.party, "CONNECTED")
    other.down()
    wait_told(listener, other.party, "OFFLINE")
    listener.down()
    hub.wait_status(listener.id, "OFFLINE")
    other.up()
    hub.wait_status(other.id, "CONNECTED")
    hub.wait_rows("delivery", "list", where=lambda row: row["module"] == "hubclientinfo" and row["to"] == listener.id, what="it waits")
    listener.up()
    wait_told(listener, other.party, "CONNECTED", count=2)


@pytest.mark.parametrize("reason", ["suspended", "unregistered"])
def test_who_was_away_hears_what_it_missed(new_hub, reason):
    """A receiver that is suspended, or has unregistered, is told nothing, and when that is over what changed meanwhile, once; a new registration all."""
    hub = new_hub()
    listener, other, steady = hub.onboard("CPO", clientinfo=True), hub.onboard("EMSP"), hub.onboard("EMSP")
    for platform in (other, steady):
        wait_told(listener, platform.party, "CONNECTED")
    mark(hub, listener)
    before = len(told(listener, other.party)), len(told(listener, steady.party))
    if reason == "suspended":
        suspend(hub, listener.party)
    else:
        assert listener.call("DELETE", "credentials").outcome == (200, 1000)
    suspend(hub, other.party)
    party = hub.new_party("CPO")
    hub.ok("party", "add", party.id, "--role", "CPO")
    assert hub.deliveries(module="hubclientinfo") == []
    if reason == "suspended":
        hub.ok("party", "resume", listener.id)
    else:
        listener.register(hub.issue(listener.id))
    wait_told(listener, other.party, "SUSPENDED")
    wait_told(listener, party, "PLANNED")
    mark(hub, listener)
    again = reason == "unregistered"  # its receiver went with the registration: a new one is told all
    assert (len(told(listener, other.party)), len(told(listener, steady.party))) == (before[0] + 1, before[1] + again)


def test_a_receiver_that_refuses_delays_nothing_else(new_hub):
    """A platform that lists the receiver and answers 404 there still gets its sessions."""
    hub, cpo, emsp = new_hub().pair(emsp_options={"clientinfo": True})
    emsp.script("PUT", "/hubclientinfo/", Reply(http=404, code=2003), forever=True)
    suspend(hub, cpo.party)
    emsp.wait("PUT", "/hubclientinfo/", count=2)
    hub.ok("party", "resume", cpo.id)
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party)).outcome == (201, 1000)
    emsp.wait("PUT", "/sessions/")
    assert hub.deliveries(module="hubclientinfo", to=emsp.id)
    emsp.unscript()
    wait_told(emsp, cpo.party, "CONNECTED")
    settled(hub)


# ---------------------------------------------------------------- crashes


@pytest.mark.parametrize("away", [True, False], ids=["receiver away", "receiver there"])
def test_no_change_is_lost_by_kill(new_hub, away):
    """kill -9 right after a change was answered: the receiver hears of it after the start."""
    hub = new_hub()
    listener, other = hub.onboard("CPO", clientinfo=True), hub.onboard("EMSP")
    gone = hub.onboard("EMSP")
    mark(hub, listener)
    if away:
        listener.down()
    suspend(hub, other.party)
    hub.ok("party", "remove", gone.id, f"--confirm={gone.id}")
    hub.kill()
    if away:
        listener.up()
    hub.restart()
    wait_told(listener, other.party, "SUSPENDED")
    wait_told(listener, gone.party, "SUSPENDED")
    assert hub.ctl("audit", "verify").rc == 0


def test_a_restart_tells_nothing_twice(new_hub):
    """What was delivered before a restart is not told again."""
    hub = new_hub()
    listener, other = hub.onboard("CPO", clientinfo=True), hub.onboard("EMSP")
    wait_told(listener, other.party, "CONNECTED")
    mark(hub, listener)
    before = len(told(listener))
    hub.stop()
    hub.restart()
    mark(hub, listener)
    assert len(told(listener)) == before + 1


def test_many_at_once(new_hub):
    """Changes that come thick and fast, from several sides: in the end everybody knows how it is."""
    hub = new_hub()
    listeners = [hub.onboard(role, clientinfo=True) for role in ("CPO", "EMSP", "CPO")]
    others = [hub.add(hub.platform("EMSP")) for _ in range(6)]
    for turn, other in enumerate(others):
        token = hub.issue(other.id)
        suspend(hub, others[turn - 1].party)
        other.register(token)
        hub.ok("party", "resume", others[turn - 1].id)
    for listener in listeners:
        for other in others:
            latest = listener.get(f"hubclientinfo/IN/{other.party.party_id}").data
            eventually(lambda: told(listener, other.party)[-1:] == [latest], f"{listener.id} knows {other.id}")
            stamps = [info["last_updated"] for info in told(listener, other.party)]
            assert stamps == sorted(stamps), "never back"
