"""HubClientInfo: what it tells, to whom, and how the hub finds out."""

import signal
import threading

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import SLOW, Hub, eventually, later
from tests.sim import Reply, payloads
from tests.sim.client import authorization

VERSIONS = ("GET", "/ocpi/versions$")
FIELDS = {"party_id", "country_code", "role", "status", "last_updated"}


@pytest.fixture(scope="module")
def hub_settings():
    # Probes come often, so that a test waits for a handful of them and not for minutes.
    return {"probe_interval": "100ms", "probe_timeout": f"{400 * SLOW:g}ms", "offline_after": f"{1200 * SLOW:g}ms"}


def info(platform, party):
    """The ClientInfo of a party, as the list tells it and the single form repeats it."""
    (entry,) = [entry for page in platform.pages("hubclientinfo") for entry in page.data if entry["party_id"] == party.party_id]
    single = platform.get(f"hubclientinfo/{party.country_code}/{party.party_id}")
    assert single.outcome == (200, 1000) and set(single.data) == FIELDS
    return entry


# ---------------------------------------------------------------- what it tells


@rule("OCPI 6-1", "OCPI 1.9-1")
def test_list(pair):
    """Every party but the hub, five fields each, paginated, with the date filters of every list."""
    pages = pair.cpo.pages("hubclientinfo", limit=1)
    entries = [entry for page in pages for entry in page.data]
    assert len(entries) == int(pages[0].headers["X-Total-Count"]) >= 2
    assert all(set(entry) == FIELDS for entry in entries) and "CIH" not in {entry["party_id"] for entry in entries}
    assert {pair.cpo.party.party_id, pair.emsp.party.party_id} <= {entry["party_id"] for entry in entries}
    mark = later(pair.cpo)
    assert pair.cpo.get("hubclientinfo", query={"date_from": mark}).data == []
    assert len(pair.cpo.get("hubclientinfo", query={"date_to": mark, "limit": 1000}).data) == len(entries)


@rule("OCPI 6-1", "OCPI 6-6", "hub 4-5", "hub 4-6", "hub 4-8", "hub 9-5")
def test_statuses_and_their_changes(hub, pair):
    """Registered, exchanged, suspended, resumed, gone: each change moves last_updated, so that an incremental sync finds it."""
    party = hub.add(hub.platform("CPO"))
    steps = [
        (lambda: party.register(hub.issue(party.id)), "CONNECTED"), (lambda: hub.ok("party", "suspend", party.id, "--reason", "test"), "SUSPENDED"),
        (lambda: hub.ok("party", "resume", party.id), "CONNECTED"), (lambda: party.call("DELETE", "credentials"), "PLANNED"),
    ]  # fmt: skip
    before = info(pair.emsp, party.party)
    assert before["status"] == "PLANNED"
    for step, status in steps:
        mark = later(pair.emsp)
        step()
        after = info(pair.emsp, party.party)
        assert after["status"] == status and after["last_updated"] >= mark > before["last_updated"]
        changed = pair.emsp.get("hubclientinfo", query={"date_from": mark}).data
        assert party.party.party_id in {entry["party_id"] for entry in changed}
        before = after


@rule("OCPI 6-5")
def test_a_retired_party_stays_listed(hub, pair):
    platform = hub.onboard("EMSP")
    platform.call("DELETE", "credentials")
    assert info(pair.cpo, platform.party)["status"] == "PLANNED"
    hub.ok("party", "suspend", platform.id, "--reason", "test")
    assert info(pair.cpo, platform.party)["status"] == "SUSPENDED"


@rule("OCPI 6-9")
@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
def test_the_hub_owns_it(pair, method):
    answer = pair.cpo.call(method, f"hubclientinfo/IN/{pair.cpo.party.party_id}", {"status": "CONNECTED"})
    assert answer.outcome == (405, 2000), answer


@rule("OCPI 6-3")
def test_changes_are_pushed(hub, pair):
    """The whole ClientInfo, PUT below the party's ids, without routing headers, to every connected party with a receiver."""
    deaf = hub.onboard("CPO")
    for platform in (pair.cpo, pair.emsp):
        hub.ok("receiver", "set", platform.id, "hubclientinfo", platform.url + "/ocpi/2.2.1/hubclientinfo")
    party = hub.add(hub.platform("EMSP"))
    path = f"/ocpi/2.2.1/hubclientinfo/{party.party.country_code}/{party.party.party_id}"
    party.register(hub.issue(party.id))
    hub.ok("party", "suspend", party.id, "--reason", "test")
    for status in ("CONNECTED", "SUSPENDED"):
        for platform in (pair.cpo, pair.emsp):
            request = platform.wait("PUT", f"^{path}$", where=lambda request, status=status: request.json["status"] == status)
            assert request.json.keys() == FIELDS and request.json["role"] == "EMSP" and request.routing == (None, None)
            assert request.headers["authorization"] == authorization(platform.token)
    assert info(pair.cpo, party.party) == pair.cpo.received("PUT", f"^{path}$")[-1].json
    assert deaf.received("PUT", "/hubclientinfo/") == []


# ---------------------------------------------------------------- how the hub finds out


@rule("hub 4-7", "OCPI 6-8", "OCPI 6-6", "hub 9-4", "hub 9-5", "hub 2-40", "OCPI 2-4003")
def test_offline_and_back(hub, pair):
    """All parties of a silent platform are OFFLINE, and 4003 as receivers; the first success brings them back. Both are audited."""
    both = hub.onboard("CPO", "EMSP")
    hub.rule(pair.emsp, both)
    before = info(pair.emsp, both.party)
    both.down()
    for party in both.parties:
        hub.wait_status(party.id, "OFFLINE")
    offline = info(pair.emsp, both.party)
    assert offline["status"] == info(pair.emsp, both.parties[1])["status"] == "OFFLINE" and offline["last_updated"] > before["last_updated"]
    assert pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party), to=both.id).outcome == (200, 4003)
    both.up()
    for party in both.parties:
        hub.wait_status(party.id, "CONNECTED")
    assert info(pair.emsp, both.party)["last_updated"] > offline["last_updated"]
    for status in ("OFFLINE", "CONNECTED"):
        hub.wait_audit(lambda row, status=status: row["party"] == both.id and status in str(row), f"{status} in the audit")


@rule("hub 9-1", "hub 9-3")
def test_probe(hub):
    """The versions list that discovery found is asked again and again, with the partner's token."""
    platform = hub.onboard("CPO")
    seen = len(platform.received(*VERSIONS))
    probe = platform.wait(*VERSIONS, count=seen + 3)
    assert probe.headers["authorization"] == authorization(platform.token)
    assert len(platform.received("GET", r"/2\.2\.1$")) == 2, "details only at POST and PUT"


@rule("hub 9-3")
def test_probe_of_a_versions_receiver(hub, pair):
    """Set by the account team it is asked instead."""
    hub.ok("receiver", "set", pair.cpo.id, "versions", pair.cpo.url + "/health/versions")
    pair.cpo.script("GET", "^/health/versions$", Reply(data=[{"version": "2.2.1", "url": pair.cpo.url + "/ocpi/2.2.1"}]), forever=True)
    pair.cpo.wait("GET", "^/health/versions$", count=3)


@rule("hub 9-3")
def test_probe_of_the_credentials_url(hub_settings):
    """Without discovery: the credentials url itself, when it is a document."""
    with Hub(discovery="off", **hub_settings) as hub:
        platform = hub.add(hub.platform("CPO"))
        platform.script("GET", "^/hosted/here/2.2.1$", Reply(data={"version": "2.2.1", "endpoints": []}), forever=True)
        assert platform.post_credentials(hub.issue(platform.id), url=f"{platform.url}/hosted/here/2.2.1").outcome == (200, 1000)
        platform.wait("GET", "^/hosted/here/2.2.1$", count=4)
        assert platform.received("GET", "^/hosted/here/versions$") == [] and hub.status_of(platform.id) == "CONNECTED"


@rule("hub 9-3")
def test_probe_beside_the_credentials_url(hub_settings):
    """Without discovery: the credentials url with its last segment made `versions`."""
    with Hub(discovery="off", **hub_settings) as hub:
        platform = hub.add(hub.platform("CPO"))
        platform.script("GET", "^/hosted/here/versions$", Reply(data=[{"version": "2.2.1", "url": platform.url + "/x"}]), forever=True)
        assert platform.post_credentials(hub.issue(platform.id), url=f"{platform.url}/hosted/here/2.2.1").outcome == (200, 1000)
        assert platform.get("hubclientinfo").outcome == (200, 1000)
        platform.wait("GET", "^/hosted/here/versions$", count=2)


@rule("hub 9-2", "hub 4-7")
@pytest.mark.parametrize(
    "reply", [Reply(http=500, code=3000), Reply(body=b"<html/>"), Reply(http=404, body=b"<html/>"), Reply(http=401, code=2002)],
    ids=["500", "no OCPI", "404 without OCPI", "401"],
)  # fmt: skip
def test_what_is_no_success(hub, reply):
    platform = hub.onboard("CPO")
    script = platform.script(*VERSIONS, reply, forever=True)
    hub.wait_status(platform.id, "OFFLINE")
    platform.unscript(script)
    hub.wait_status(platform.id, "CONNECTED")


WITHOUT = Reply(data=[{"version": "2.1.1", "url": "http://x/"}])


def probed(platform, count):
    platform.wait(*VERSIONS, count=len(platform.received(*VERSIONS)) + count, seconds=60)


@rule("hub 9-2")
@pytest.mark.parametrize("reply", [Reply(code=2000), Reply(http=404, code=2003), Reply(http=403, code=2000), WITHOUT], ids=["2000", "404", "403", "no 2.2.1"])
def test_any_ocpi_answer_is_life(hub, reply):
    """Over several times offline_after nothing but these answers: CONNECTED all along."""
    platform = hub.onboard("CPO")
    platform.script(*VERSIONS, reply, forever=True)
    probed(platform, 20)
    assert hub.status_of(platform.id) == "CONNECTED"
    assert not [row for row in hub.audit(party=platform.id) if row["action"] == "party.offline"]


@rule("hub 9-6")
def test_a_list_without_the_version(hub):
    platform = hub.onboard("CPO")
    script = platform.script(*VERSIONS, WITHOUT, forever=True)
    warned = lambda: [entry for entry in hub.one("status")["attention"] if platform.id in str(entry) and "2.2.1" in str(entry)]  # noqa: E731
    eventually(warned, "status warns")
    platform.unscript(script)
    eventually(lambda: not warned(), "and no longer")


@rule("hub 9-7")
def test_a_pause_of_the_hub(hub_settings):
    """The hub's process is stopped for longer than offline_after; afterwards nobody is OFFLINE, and nobody was."""
    with Hub(**hub_settings) as hub:
        platform = hub.onboard("CPO", "EMSP")
        probed(platform, 2)
        hub.process.send_signal(signal.SIGSTOP)
        beat = threading.Event()
        beat.wait(3 * SLOW)  # the pause itself is what is tested
        hub.process.send_signal(signal.SIGCONT)
        probed(platform, 6)
        assert hub.status_of(platform.id) == "CONNECTED"
        assert not [row for row in hub.audit() if row["action"] == "party.offline"]


@rule("hub 6-13")
def test_windows(hub, shared):
    """Polled with the last timestamp as date_from: each status, and no party twice or never over the pages."""
    party, emsp = hub.onboard("CPO").party, shared.emsp
    stamp = emsp.get("hubclientinfo").json["timestamp"]
    for verb, status in ((("suspend", "--reason", "test"), "SUSPENDED"), (("resume",), "CONNECTED")) * 4:
        hub.ok("party", verb[0], party.id, *verb[1:])
        seen = []

        def told():
            nonlocal stamp
            page = emsp.get("hubclientinfo", query={"date_from": stamp})
            stamp = page.json["timestamp"]
            seen.extend(entry["status"] for entry in page.data if entry["party_id"] == party.party_id)
            return status in seen

        eventually(told, f"a window tells of {status}")
    leaves = hub.new_party("CPO").id
    hub.ok("party", "add", leaves, "--role", "CPO", "--name", "leaves")
    stays = hub.onboard("CPO").party
    whole = [entry["party_id"] for entry in emsp.get("hubclientinfo", query={"limit": 1000}).data]
    page = emsp.get("hubclientinfo", query={"limit": whole.index(stays.party_id)})
    hub.ok("party", "remove", leaves, f"--confirm={leaves}")
    rest = emsp.get(page.headers["Link"][1:].partition(">")[0]).data
    assert [entry["party_id"] for entry in page.data + rest] == whole
