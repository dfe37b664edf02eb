"""A wall clock that is wrong at the start or jumps later: nothing is deleted for it, nobody is shut out, nothing waits for it."""

import uuid

import pytest

from tests.e2e.harness import eventually
from tests.e2e.meddle import DAY, HOUR, SECOND, Clocks
from tests.sim import Reply, payloads
from tests.sim.wire import timestamp

DOUBT = "not to be trusted"


@pytest.fixture
def clocks(monkeypatch, tmp_path):
    made = Clocks(tmp_path / "clocks")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


def started(hub, clocks, ahead):
    """Another start of it, with the wall clock so far ahead."""
    hub.stop()
    clocks.wall(ahead)
    hub.restart()


def in_doubt(hub):
    return [row["what"] for row in hub.one("status")["attention"] if "the wall clock is" in row["what"]]


def counts(hub):
    return len(hub.audit(action="token.authorize")), len(hub.audit(action="session.put")), len(hub.rows("delivery", "list", "--state", "delivered"))


def traffic(pair):
    """One of each kind of row that retention takes."""
    hub, cpo, emsp = pair
    emsp.authorize("T1")
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party)).code == 1000
    hub.wait_rows("delivery", "list", "--state", "delivered", where=lambda row: True, what="it is delivered")
    hub.wait_audit(lambda row: row["action"] == "token.authorize", "the authorization is rowed")


RETAINED = dict(audit_retention="10d", audit_retention_realtime="2d", retention_deliveries="3d", retention_sessions="3d", retention_cdrs="3d")


@pytest.mark.parametrize("ahead", [401 * DAY, 30 * DAY, 5 * DAY])
def test_a_start_far_ahead_deletes_nothing(clocks, new_hub, ahead):
    """Seconds with a wrong clock at a start must not age what is kept; when the clock is right again nothing has gone, and it says so."""
    hub = new_hub(**RETAINED)
    pair = hub.pair()
    traffic(pair)
    before = counts(hub)
    started(hub, clocks, ahead)
    hub.wait_log(DOUBT)
    assert in_doubt(hub)
    for _ in range(3):
        assert hub.ctl("status").rc == 0
    assert counts(hub) == before
    clocks.wall(0)
    hub.wait_log("the wall clock is right again")
    eventually(lambda: not in_doubt(hub), "no doubt is left")
    assert counts(hub) == before
    started(hub, clocks, 0)
    assert not in_doubt(hub) and counts(hub) == before
    assert hub.ctl("audit", "verify").rc == 0


def attention_of_clock(hub):
    return [row["what"] for row in hub.one("status")["attention"] if "wall clock" in row["what"]]


def test_a_jump_is_told_once(clocks, new_hub):
    """One that is followed is a line, and shown for an hour; one that leaves a doubt is that doubt alone."""
    hub = new_hub()
    clocks.wall(20 * SECOND)
    hub.wait_log(r"the wall clock jumped ahead by \d+")
    (told,) = attention_of_clock(hub)
    assert "jumped ahead by" in told
    assert "not to be trusted" not in hub.stderr()
    clocks.wall(5 * HOUR)
    hub.wait_log(DOUBT)
    assert hub.stderr().count("the wall clock jumped") == 1
    assert len(attention_of_clock(hub)) == 1 and "ahead of the hub's time" in attention_of_clock(hub)[0]


def test_a_clock_far_ahead_stays_in_doubt_over_restarts(clocks, new_hub):
    """Restarts do not make a wrong clock right: rows written by it are no proof of it."""
    hub = new_hub(**RETAINED)
    pair = hub.pair()
    traffic(pair)
    before = counts(hub)
    for _ in range(3):
        started(hub, clocks, 401 * DAY)
        assert in_doubt(hub)
        hub.ok("party", "add", hub.new_party("CPO").id, "--role", "CPO")
    assert counts(hub) == before


def test_a_clock_that_runs_evenly_is_believed(clocks, new_hub):
    """A hub that was away for a month prunes again after a day."""
    hub = new_hub(**RETAINED)
    pair = hub.pair()
    traffic(pair)
    started(hub, clocks, 30 * DAY)
    assert in_doubt(hub) and hub.audit(action="session.put")
    clocks.steady(25 * HOUR)
    clocks.wall(30 * DAY + 25 * HOUR)
    hub.wait_log("has run evenly for a day")
    eventually(lambda: not hub.audit(action="session.put"), "old rows are gone")
    assert not in_doubt(hub) and hub.ctl("audit", "verify").rc == 0


@pytest.mark.parametrize("ahead", [25 * HOUR, -25 * HOUR, 401 * DAY, -401 * DAY])
@pytest.mark.parametrize("restart", [False, True])
def test_tokens_in_overlap_live_on(clocks, new_hub, ahead, restart):
    """The old hub token works as long as it was promised to, by time that passes, and no longer."""
    hub = new_hub(token_overlap="2h")
    cpo = hub.onboard("CPO")
    old = cpo.hub_token
    assert cpo.put_credentials(new_token=str(uuid.uuid4())).code == 1000 and cpo.hub_token != old
    if restart:
        started(hub, clocks, ahead)
    else:
        clocks.wall(ahead)
    hub.wait_log(DOUBT)
    for token in (old, cpo.hub_token):
        assert cpo.call("GET", "/ocpi/versions", token=token).status == 200
    clocks.steady(HOUR)
    clocks.wall(ahead + HOUR)
    assert cpo.call("GET", "/ocpi/versions", token=old).status == 200
    clocks.steady(2 * HOUR + 60 * SECOND)
    clocks.wall(ahead + 2 * HOUR + 60 * SECOND)
    assert cpo.call("GET", "/ocpi/versions", token=old).status == 401
    assert cpo.call("GET", "/ocpi/versions", token=cpo.hub_token).status == 200


def test_tokens_made_by_a_clock_that_is_behind_live(clocks, new_hub):
    """A machine that comes up 25 hours behind: what is rotated, issued and begun there lives as long as it is promised to."""
    hub = new_hub(token_overlap="2h", initial_token_ttl="1d")
    cpo = hub.onboard("CPO")
    started(hub, clocks, -25 * HOUR)
    hub.wait_log(DOUBT)
    old = cpo.hub_token
    assert cpo.put_credentials(new_token=str(uuid.uuid4())).code == 1000 and cpo.hub_token != old
    party = hub.new_party("EMSP")
    hub.ok("party", "add", party.id, "--role", "EMSP")
    initial = hub.issue(party.id)
    for token in (old, cpo.hub_token, initial):
        assert cpo.call("GET", "/ocpi/versions", token=token).status == 200
    begun, invitation = hub.invited("EMSP")
    hub.connect(begun, invitation)
    assert begun.call("GET", "/ocpi/versions").status == 200


def test_tokens_made_by_a_wrong_clock_end_in_time(clocks, new_hub):
    """A token rotated, and one issued, while the clock was far ahead do not live until then."""
    hub = new_hub(token_overlap="2h", initial_token_ttl="7d")
    cpo = hub.onboard("CPO")
    old = cpo.hub_token
    clocks.wall(401 * DAY)
    hub.wait_log(DOUBT)
    assert cpo.put_credentials(new_token=str(uuid.uuid4())).code == 1000 and cpo.hub_token != old
    party = hub.new_party("EMSP")
    hub.ok("party", "add", party.id, "--role", "EMSP")
    initial = hub.issue(party.id)
    clocks.wall(0)
    hub.wait_log("the wall clock is right again")
    eventually(lambda: hub.rows("token", "list", cpo.id), "tokens are listed")
    for token in (old, initial):
        assert cpo.call("GET", "/ocpi/versions", token=token).status == 200
    clocks.pass_time(3 * HOUR)
    assert cpo.call("GET", "/ocpi/versions", token=old).status == 401
    assert cpo.call("GET", "/ocpi/versions", token=initial).status == 200
    clocks.pass_time(7 * DAY + HOUR)
    assert cpo.call("GET", "/ocpi/versions", token=initial).status == 401


@pytest.mark.parametrize("ahead", [DAY, 25 * HOUR, 401 * DAY])
@pytest.mark.parametrize("first", [False, True])
def test_a_receiver_is_not_paused_until_a_wrong_time(clocks, new_hub, ahead, first):
    """Paused while the clock was wrong, corrected, started again: it is tried as soon as ever, also where the hub's first start was wrong."""
    clocks.wall(ahead if first else 0)
    hub = new_hub()
    pair = hub.pair()
    if not first:
        started(hub, clocks, ahead)
    pair.emsp.script("PUT", "/sessions/", Reply(503), forever=True)
    session = payloads.session(pair.cpo.party, pair.emsp.party)
    assert pair.cpo.put("sessions", session).code == 1000
    pair.emsp.wait("PUT", "/sessions/", count=2)
    pair.emsp.unscript()
    started(hub, clocks, 0)
    hub.wait_rows("delivery", "list", "--state", "delivered", where=lambda row: row["object"] == session["id"], what="it is delivered")


@pytest.mark.parametrize("ahead", [DAY, 401 * DAY, -401 * DAY])
def test_an_open_command_ends(clocks, new_hub, ahead):
    """Accepted under a wrong clock, corrected, started again: its result, or TIMEOUT within its own time."""
    hub = new_hub(command_timeout="10m", offline_after="1d")
    pair = hub.pair()
    started(hub, clocks, ahead)
    answer = pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party))
    assert answer.outcome == (200, 1000), answer
    started(hub, clocks, 0)
    clocks.pass_time(11 * 60 * SECOND)
    pair.emsp.wait("POST", "^/ocpi/callbacks/", where=lambda request: "TIMEOUT" in str(request.json))


def test_a_start_far_behind(clocks, new_hub):
    """401 days behind: partners go on, nothing is refused or deleted, and what was written then stays when the clock is right."""
    hub = new_hub(**RETAINED)
    pair = hub.pair()
    traffic(pair)
    before = counts(hub)
    started(hub, clocks, -401 * DAY)
    assert in_doubt(hub)
    # what is stored is no nonsense of the future, only because the clock is behind: an older state does not replace it
    old = payloads.session(pair.cpo.party, pair.emsp.party, last_updated=timestamp(-3600), kwh=1.0)
    pair.cpo.put("sessions", old)
    before = (before[0], before[1] + 1, before[2])
    eventually(lambda: counts(hub) == before, "the refused state is rowed")
    assert pair.cpo.get(pair.cpo.object_path("sessions", old["id"])).data["kwh"] != 1.0
    hub.ok("party", "add", hub.new_party("CPO").id, "--role", "CPO")
    rows = len(hub.audit(action="party.add"))
    clocks.wall(0)
    hub.wait_log("right again")
    assert counts(hub) == before
    started(hub, clocks, 0)
    for _ in range(3):
        hub.ok("status")
    assert counts(hub) == before and len(hub.audit(action="party.add")) == rows
