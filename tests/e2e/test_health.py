"""Health: probes, OFFLINE, CONNECTED again, and what HubClientInfo tells."""

import itertools

import pytest

from tests.e2e.harness import SLOW, eventually, later, on_terminal
from tests.sim import Gate, Reply, habits, payloads
from tests.sim.client import authorization
from tests.sim.wire import timestamp


@pytest.fixture(scope="module")
def hub_settings():
    # Probes come often, so that a test waits for a handful of them and not for minutes.
    return {"probe_interval": "200ms", "probe_timeout": f"{400 * SLOW:g}ms", "offline_after": f"{1200 * SLOW:g}ms"}


def info(platform, party):
    """The HubClientInfo of a party as this platform sees it."""
    (entry,) = [entry for page in platform.pages("hubclientinfo") for entry in page.data if entry["party_id"] == party.party_id]
    return entry


def test_probes_use_the_versions_url(pair):
    """Every exchanged platform is probed at its versions URL with its token."""
    pair.cpo.wait("GET", "^/ocpi/versions$", count=4)
    probe = pair.cpo.received("GET", "^/ocpi/versions$")[-1]
    assert probe.headers["authorization"] == authorization(pair.cpo.token)


def test_versions_receiver_is_probed(hub, pair):
    """A versions receiver that the account team set is what is probed."""
    hub.ok("receiver", "set", pair.cpo.id, "versions", pair.cpo.url + "/health/versions")
    pair.cpo.script("GET", "^/health/versions$", Reply(data=[{"version": "2.2.1", "url": pair.cpo.url + "/ocpi/2.2.1"}]), forever=True)
    pair.cpo.wait("GET", "^/health/versions$", count=2)
    assert hub.status_of(pair.cpo.id) == "CONNECTED"


def test_offline_and_back(hub, pair):
    """No valid answer for offline_after: OFFLINE, told by hubctl, hubclientinfo and the audit; the first success brings it back."""
    before = info(pair.emsp, pair.cpo.party)
    assert before["status"] == "CONNECTED"
    pair.cpo.down()
    hub.wait_status(pair.cpo.id, "OFFLINE")
    offline = info(pair.emsp, pair.cpo.party)
    assert offline["status"] == "OFFLINE" and offline["last_updated"] > before["last_updated"]
    assert hub.status_of(pair.emsp.id) == "CONNECTED"
    hub.wait_audit(lambda row: row["party"] == pair.cpo.id and "OFFLINE" in str(row), "the change in the audit")
    pair.cpo.up()
    hub.wait_status(pair.cpo.id, "CONNECTED")
    back = info(pair.emsp, pair.cpo.party)
    assert back["status"] == "CONNECTED" and back["last_updated"] > offline["last_updated"]


VERSIONS = ("GET", "/ocpi/versions$")

SHAPES = {
    "bare": lambda data: data,
    "no status_code": lambda data: {"data": data, "timestamp": timestamp()},
    "status_code as text": lambda data: {"data": data, "status_code": "1000"},
    "a list of one envelope": lambda data: [{"data": data, "status_code": 1000}],
    "under its name": lambda data: {"versions": data} if isinstance(data, list) else [data],
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_an_exchange_reads_is_a_sign_of_life(hub, shape):
    """A partner whose versions are read at the exchange stays CONNECTED by them, and comes back by them."""
    cpo = hub.add(hub.platform("CPO", habits=(habits.writes_versions(SHAPES[shape]),)))
    cpo.register(hub.issue(cpo.id))
    reached = hub.one("party", "show", cpo.id)["reached"]
    eventually(lambda: hub.one("party", "show", cpo.id)["reached"] > reached, "a probe is a valid answer")
    cpo.down()
    hub.wait_status(cpo.id, "OFFLINE")
    cpo.up()
    hub.wait_status(cpo.id, "CONNECTED")
    told = [row["what"] for row in hub.one("status")["attention"] if cpo.id in row["what"]]
    assert not [what for what in told if "OFFLINE" in what or "2.2.1" in what or "versions" in what]


def test_versions_that_are_none(hub, pair):
    """Something in an envelope, but no versions: the partner lives, and its versions are told to be missing."""
    script = pair.cpo.script(*VERSIONS, Reply(http=404, code=2003), forever=True)
    told = f"{pair.cpo.id} does not answer its versions any more: HTTP 404"
    eventually(lambda: told in [row["what"] for row in hub.one("status")["attention"]], "status warns")
    assert hub.status_of(pair.cpo.id) == "CONNECTED"
    pair.cpo.unscript(script)
    eventually(lambda: told not in [row["what"] for row in hub.one("status")["attention"]], "it is over")


def test_offline_is_told_with_its_cause(hub, pair):
    """On status, in the card and in the audit's NOTE: since when, and what went wrong."""
    pair.cpo.script(*VERSIONS, Reply(http=503, body=b"<html/>"), forever=True)
    hub.wait_status(pair.cpo.id, "OFFLINE")
    (row,) = [row for row in hub.one("status")["attention"] if row["party"] == pair.cpo.id]
    assert row["what"].startswith(f"party {pair.cpo.id} is OFFLINE since 20") and "HTTP 503, no OCPI envelope" in row["what"]
    note = hub.wait_audit(lambda row: row["action"] == "party.offline" and row["party"] == pair.cpo.id, "its row")["note"]
    assert "HTTP 503" in note
    card = on_terminal(hub, "party", "show", pair.cpo.id)[1]
    assert "HEARD" in card and "REACHED" in card and "LAST ERROR" in card and "LAST SEEN" not in card


@pytest.mark.parametrize(
    "reply",
    [
        Reply(http=500, code=3000), Reply(body=b"<html/>"), Reply(http=401, code=2002), Reply(hold=Gate(5 * SLOW)), Reply(drop="reset"),
    ],
    ids=["500", "html", "401", "slow", "reset"],
)  # fmt: skip
def test_what_is_no_valid_answer(hub, pair, reply):
    """An answer must be OCPI, and in time. What was wrong is shown, and stands in the audit."""
    script = pair.cpo.script(*VERSIONS, reply, forever=True)
    hub.wait_status(pair.cpo.id, "OFFLINE")
    shown = hub.one("party", "show", pair.cpo.id)
    assert "/ocpi/versions: " in shown["last_error"] and shown["reached"] and shown["heard"]
    if reply.http != 200:
        assert f"HTTP {reply.http}" in shown["last_error"]
    hub.wait_audit(lambda row: row["action"] == "party.offline" and row["party"] == pair.cpo.id and row["detail"], "its cause in the audit")
    pair.cpo.unscript(script)
    hub.wait_status(pair.cpo.id, "CONNECTED")


def test_heard_and_reached(hub, pair):
    """Two times: of the partner's last request, and of its last valid answer."""
    pair.cpo.down()
    before = hub.one("party", "show", pair.cpo.id)
    later(pair.emsp)
    assert pair.cpo.get("/ocpi/versions").outcome == (200, 1000)
    after = hub.one("party", "show", pair.cpo.id)
    assert after["heard"] > before["heard"] and after["reached"] == before["reached"] == after["last_seen"]


def test_a_cause_outlives_a_restart(new_hub, hub_settings):
    """Why a platform is OFFLINE is still known behind kill -9."""
    made = new_hub(**hub_settings).pair()
    made.cpo.script(*VERSIONS, Reply(http=502, body=b"<html/>"), forever=True)
    made.hub.wait_status(made.cpo.id, "OFFLINE")
    made.hub.kill()
    made.cpo.down()
    made.hub.restart()
    assert made.hub.one("party", "show", made.cpo.id)["last_error"]


def test_flapping_makes_no_storm(hub, pair):
    """Every other probe fails, over several times offline_after: CONNECTED all along, and nothing about it in the audit."""
    replies = itertools.cycle([Reply(http=500, code=3000), None])
    pair.cpo.script(*VERSIONS, lambda _request: next(replies), forever=True)
    changes = ("party.offline", "party.connected")
    before = [row for row in hub.audit(party=pair.cpo.id) if row["action"] in changes]
    pair.cpo.wait(*VERSIONS, count=len(pair.cpo.received(*VERSIONS)) + int(4 * 6 * SLOW), seconds=60 * SLOW)
    assert hub.status_of(pair.cpo.id) == "CONNECTED"
    assert [row for row in hub.audit(party=pair.cpo.id) if row["action"] in changes] == before


def test_other_calls_count_too(hub, pair):
    """A valid answer to any outbound call keeps a platform CONNECTED although its versions URL fails."""
    pair.cpo.script(*VERSIONS, Reply(http=500, code=3000), forever=True)
    probes = len(pair.cpo.received(*VERSIONS))

    def alive():
        assert pair.emsp.authorize("T1").data["allowed"] == "ALLOWED"
        assert hub.status_of(pair.cpo.id) == "CONNECTED"
        return len(pair.cpo.received(*VERSIONS)) >= probes + 2 * 6 * SLOW

    eventually(alive, "two times offline_after has passed, counted in probes", 30 * SLOW)
    hub.wait_status(pair.cpo.id, "OFFLINE")


def test_offline_receivers_queue_waits_and_drains(hub, pair):
    """What is for an OFFLINE eMSP waits, and goes out when it is back; authorize at an OFFLINE CPO is UNKNOWN."""
    pair.emsp.down()
    hub.wait_status(pair.emsp.id, "OFFLINE")
    pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party))
    pair.emsp.up()
    hub.wait_status(pair.emsp.id, "CONNECTED")
    pair.emsp.wait("PUT", "/sessions/")
    pair.cpo.down()
    hub.wait_status(pair.cpo.id, "OFFLINE")
    assert pair.emsp.authorize("T1").data["allowed"] == "UNKNOWN"
    assert pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party)).outcome == (200, 4003)


def test_suspended_and_planned(hub, pair):
    """HubClientInfo tells SUSPENDED and PLANNED too; a suspended party is not brought back by a probe."""
    party = hub.new_party("EMSP")
    hub.ok("party", "add", party.id, "--role", "EMSP")
    assert info(pair.cpo, party)["status"] == "PLANNED"
    hub.ok("party", "suspend", pair.emsp.id, "--reason", "test")
    assert info(pair.cpo, pair.emsp.party)["status"] == "SUSPENDED"
    probes = len(pair.cpo.received(*VERSIONS))
    pair.cpo.wait(*VERSIONS, count=probes + 3)
    assert info(pair.cpo, pair.emsp.party)["status"] == "SUSPENDED"


def test_status_survives_a_restart(new_hub, hub_settings):
    """OFFLINE and CONNECTED are as they were after a restart, until a probe says otherwise."""
    made = new_hub(**hub_settings).pair()
    made.cpo.down()
    made.hub.wait_status(made.cpo.id, "OFFLINE")
    made.hub.kill()
    made.hub.restart()
    assert made.hub.status_of(made.cpo.id) == "OFFLINE"
    assert made.hub.status_of(made.emsp.id) == "CONNECTED"
    made.cpo.up()
    made.hub.wait_status(made.cpo.id, "CONNECTED")
