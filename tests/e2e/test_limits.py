"""Rate limits: bursts to the last request, who is limited by what, and how the account team sets it.

The rates are per day, so that nothing comes back while a test runs.
"""

import http.client
import re
import signal
import threading
import time

import pytest

from tests.e2e.harness import eventually
from tests.sim import http_call, payloads
from tests.sim.client import Answer, authorization

UID = "04A2B7C91D3E80"
AUTHORIZE = ("PUT", r"/tokens/.+/authorize$")


@pytest.fixture(scope="module")
def hub_settings():
    return {"limit_authorize": "40/d", "limit_commands": "6/d", "limit_locations": "100/d"}


def refused(answer):
    """Whether an answer is a whole refusal by a rate limit; anything else must be a success."""
    if answer.outcome == (200, 1000):
        return False
    assert answer.outcome == (429, 2004), answer
    assert re.fullmatch(r"[1-9]\d*", answer.headers["Retry-After"]), answer.headers.items()
    return True


def passing(ask, tries):
    """How many of `tries` pass."""
    return sum(not refused(ask()) for _ in range(tries))


def listing(platform, **options):
    return lambda: platform.get("locations", query={"limit": 1}, **options)


def asking(platform):
    return lambda: platform.authorize(UID)


def commanding(platform):
    return lambda: platform.command("START_SESSION", payloads.start_session(platform.party))


class Connection:
    """Requests of one platform on a connection that stays open."""

    def __init__(self, hub, platform):
        self.connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)
        self.headers = {"Authorization": authorization(platform.hub_token)}

    def ask(self, method, path):
        self.connection.request(method, f"/ocpi/2.2.1/{path}", headers=self.headers)
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def from_many_connections(hub, platform, method, path, connections=8, each=25):
    """How many pass when `connections` ask at the same time, each so often. hubd spreads them over its loops."""
    passed = []
    together = threading.Barrier(connections)

    def run():
        own = Connection(hub, platform)
        own.connection.connect()
        together.wait(30)
        passed.append(passing(lambda: own.ask(method, path), each))
        own.connection.close()

    threads = [threading.Thread(target=run) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == connections, "a connection failed"
    return sum(passed)


# ---------------------------------------------------------------- exactly so many


def test_a_burst_of_lists_is_exact_over_loops_and_connections(hub, pair):
    """200 requests at once from 8 connections on 2 loops: 100 pass, as the setting says."""
    assert from_many_connections(hub, pair.emsp, "GET", "locations?limit=1") == 100
    assert passing(listing(pair.emsp), 3) == 0


def test_a_burst_of_authorizations_is_exact(hub, pair):
    """What is refused never reaches the CPO."""
    path = pair.emsp.object_path("tokens", UID) + "/authorize"
    assert from_many_connections(hub, pair.emsp, "PUT", path, each=10) == 40
    assert len(pair.cpo.received(*AUTHORIZE)) == 40


def test_authorizations_from_cpo_to_emsp_are_limited_too(pair):
    """The standard's direction has the same limit, the CPO's own."""
    ask = lambda: pair.cpo.call("POST", f"tokens/{UID}/authorize", to=pair.emsp.id)  # noqa: E731
    assert passing(ask, 45) == 40
    assert len(pair.emsp.received("POST", r"/tokens/[^/]+/authorize$")) == 40
    assert passing(asking(pair.emsp), 3) == 3


def test_commands_are_limited_and_their_results_are_not(pair):
    """Each of the six that pass brings its result, whatever is refused meanwhile."""
    assert passing(commanding(pair.emsp), 10) == 6
    sent = pair.cpo.received("POST", "/commands/START_SESSION$")
    assert len(sent) == 6
    for request in sent:
        assert pair.cpo.send_result(request, "ACCEPTED").outcome == (200, 1000)
    pair.emsp.wait("POST", "^/ocpi/callbacks/", count=6)


def test_a_head_request_counts_too(pair):
    """HEAD is the same work as GET."""
    path = f"{pair.hub.url}/ocpi/2.2.1/locations"
    for _ in range(60):
        assert http_call("HEAD", path, headers={"Authorization": authorization(pair.emsp.hub_token)}).status == 200
    assert passing(listing(pair.emsp), 50) == 40


def test_the_answer(pair):
    """429 and 2004 in the envelope, Retry-After, a message that names the limit, ids and routing headers as ever."""
    passing(asking(pair.emsp), 40)
    answer = pair.emsp.authorize(UID, headers={"X-Request-ID": "req-9", "X-Correlation-ID": "corr-9"})
    assert refused(answer)
    wait = int(answer.headers["Retry-After"])
    assert 86400 // 40 - 600 < wait <= 86400 // 40
    assert answer.message == f"rate limit: 40 authorize requests per day; try again in {wait} s"
    assert (answer.headers["X-Request-ID"], answer.headers["X-Correlation-ID"]) == ("req-9", "corr-9")
    assert answer.headers["OCPI-to-party-id"] == pair.emsp.party.party_id
    assert answer.headers["OCPI-from-party-id"] == "CIH"


def test_retry_after_is_true(hub, pair):
    """The request that is sent when Retry-After is over passes; that many seconds have to pass indeed."""
    hub.ok("limit", "set", pair.emsp.id, "locations", "20/min")
    begun = time.monotonic()
    answer = eventually(lambda: (a := listing(pair.emsp)()).status == 429 and a, "the burst is used up")
    told = time.monotonic()
    wait = int(answer.headers["Retry-After"])
    assert wait <= 3
    assert not refused(eventually(lambda: time.monotonic() >= told + wait and listing(pair.emsp)(), "Retry-After is over"))
    assert time.monotonic() - begun >= wait - 1


# ---------------------------------------------------------------- who and what


def test_other_kinds_and_other_parties_go_on(hub, pair):
    """A used up limit is that party's and that kind's only; single objects and other lists have none."""
    pair.cpo.put("locations", payloads.location(pair.cpo.party))
    assert passing(listing(pair.emsp), 101) == 100
    assert passing(asking(pair.emsp), 3) == 3
    assert passing(commanding(pair.emsp), 2) == 2
    assert passing(lambda: pair.emsp.get(pair.cpo.object_path("locations", "LOC001")), 3) == 3
    assert passing(lambda: pair.emsp.get("tariffs"), 3) == 3
    assert passing(lambda: pair.emsp.get("hubclientinfo"), 3) == 3
    assert passing(listing(pair.cpo), 101) == 100, "a CPO has a limit of its own"
    assert passing(lambda: pair.cpo.put("locations", payloads.location(pair.cpo.party)), 3) == 3


def test_parties_of_one_platform_have_limits_of_their_own(hub):
    """Per party, not per token."""
    platform = hub.onboard("EMSP", "EMSP")
    first, second = (listing(platform, sender=party.id) for party in platform.parties)
    assert passing(first, 101) == 100
    assert passing(second, 101) == 100


def test_nobody_pays_for_what_was_not_asked(pair):
    """Requests that are refused before the party is known take nothing; a body is not read before its sender may ask, so that
    rubbish counts."""
    for _ in range(45):
        assert pair.emsp.call("PUT", "tokens/IN/NOT/X/authorize").outcome == (403, 2001)
    for _ in range(20):
        assert pair.emsp.authorize(UID, "{").outcome == (400, 2001)
    assert passing(asking(pair.emsp), 41) == 20


# ---------------------------------------------------------------- own, default, setting


def test_own_is_stronger_than_default_and_default_than_setting(new_hub):
    """Every change holds with the next request; `limit list` says what holds and why."""
    hub = new_hub(limit_locations="5/d", limit_commands="0")
    one, other = hub.onboard("EMSP"), hub.onboard("EMSP")

    def holds(platform):
        (row,) = [row for row in hub.rows("limit", "list", platform.id) if row["module"] == "locations"]
        assert row["party"] == platform.id
        return row["rate"], row["source"]

    assert holds(one) == ("5/d", "setting")
    assert passing(listing(one), 8) == 5
    assert hub.ok("limit", "set", "default", "locations", "0").out == "limit default locations set to 0\n"
    assert holds(one) == holds(other) == ("0", "default")
    assert passing(listing(one), 8) == passing(listing(other), 8) == 8
    assert hub.ok("limit", "set", one.id, "locations", "7/d").out == f"limit {one.id} locations set to 7/d\n"
    assert (holds(one), holds(other)) == (("7/d", "own"), ("0", "default"))
    assert passing(listing(one), 8) == 0, "its bucket was empty already"
    assert passing(listing(other), 8) == 8
    assert hub.ok("limit", "unset", one.id, "locations").out == f"limit {one.id} locations unset\n"
    assert passing(listing(one), 8) == 8
    assert hub.ok("limit", "unset", "default", "locations").out == "limit default locations unset\n"
    assert holds(one) == holds(other) == ("5/d", "setting")
    assert (passing(listing(one), 8), passing(listing(other), 8)) == (0, 5)


def test_an_own_zero_is_no_limit(hub, pair):
    """0 is unlimited, not nothing."""
    hub.ok("limit", "set", pair.emsp.id, "authorize", "0")
    assert passing(asking(pair.emsp), 60) == 60


def test_limits_survive_a_restart(new_hub):
    """They are in the store; what was taken is not."""
    hub = new_hub()
    emsp = hub.onboard("EMSP")
    hub.ok("limit", "set", emsp.id, "locations", "3/d")
    hub.ok("limit", "set", "default", "commands", "9/h")
    before = hub.rows("limit", "list")
    assert passing(listing(emsp), 5) == 3
    hub.stop()
    hub.restart()
    assert hub.rows("limit", "list") == before
    assert passing(listing(emsp), 5) == 3


def test_a_reload_changes_the_setting(new_hub):
    """SIGHUP; an invalid file keeps the old rate."""
    hub = new_hub(start=False, limit_locations=None)

    def reload(text, log):
        hub.config.write_text(text)
        hub.process.send_signal(signal.SIGHUP)
        hub.wait_log(log)

    hub.config.write_text("limit_locations = 4/d\n")
    hub.start()
    emsp = hub.onboard("EMSP")
    assert passing(listing(emsp), 6) == 4
    reload("limit_locations = often\n", r'hubd\.conf:1: limit_locations: "often": no rate')
    assert passing(listing(emsp), 6) == 0
    reload("limit_locations = 0\n", "reload: done")
    assert passing(listing(emsp), 6) == 6
    assert hub.one("conf", "show", "limit_locations")["value"] == "0"


# ---------------------------------------------------------------- audit


def test_a_hammering_partner_does_not_fill_the_audit(new_hub):
    """What passes has its row each; what is refused is counted: a row now and then with the number."""
    hub = new_hub(limit_authorize="5/d")
    hub, _, emsp = hub.pair()
    assert passing(asking(emsp), 35) == 5
    row = hub.wait_audit(lambda row: row["action"] == "limit.exceeded", "the first refusals are told")
    assert (row["party"], row["from"], row["to"]) == (emsp.id, emsp.id, "IN-CIH")
    assert (row["actor"], row["module"], row["status"]) == (f"party {emsp.id}", "tokens", "2004")
    assert passing(asking(emsp), 20) == 0
    hub.stop()
    assert re.search(rf"party {emsp.id}: \d+ authorize requests refused by its rate limit", hub.stderr())
    hub.restart()
    rows = hub.audit(action="limit.exceeded")
    assert len(rows) <= 3, "one a minute, and the rest at the end"
    assert sum(row["detail"]["refused"] for row in rows) == 50
    assert {(row["detail"]["limit"], row["detail"]["rate"]) for row in rows} == {("authorize", "5/d")}
    assert len(hub.audit(action="token.authorize", party=emsp.id)) == 5
    assert hub.one("audit", "verify")["ok"] is True


def test_changes_are_audited(hub, pair):
    """Who, what, before and after."""
    hub.ok("limit", "set", pair.emsp.id, "commands", "10/min")
    hub.ok("limit", "set", pair.emsp.id, "commands", "20/min")
    hub.ok("limit", "unset", pair.emsp.id, "commands")
    first, second = hub.audit(action="limit.set", party=pair.emsp.id)
    (third,) = hub.audit(action="limit.unset", party=pair.emsp.id)
    row = {"party": pair.emsp.id, "module": "commands", "source": "own"}
    assert first["detail"] == {"after": {**row, "rate": "10/min"}}
    assert second["detail"] == {"before": {**row, "rate": "10/min"}, "after": {**row, "rate": "20/min"}}
    assert third["detail"] == {"before": {**row, "rate": "20/min"}}
    assert first["actor"].startswith("uid:")


# ---------------------------------------------------------------- hubctl


def test_list_and_show(new_hub):
    """The defaults first, then what parties have of their own; with an id, and on the party's card, what holds for it."""
    hub = new_hub(limit_authorize=None, limit_commands=None, limit_locations=None)
    cpo, emsp = hub.onboard("CPO"), hub.onboard("EMSP")
    defaults = [["default", "authorize", "100/min", "setting"], ["default", "commands", "50/min", "setting"]]
    locations = ["default", "locations", "200/min", "setting"]
    assert hub.ok("limit", "list").rows == [*defaults, locations]
    hub.ok("limit", "set", "DEFAULT", "locations", "3/s")
    hub.ok("limit", "set", emsp.id.replace("-", "*").lower(), "AUTHORIZE", "1000/h")
    locations[2:] = ["3/s", "default"]
    assert hub.ok("limit", "list").rows == [*defaults, locations, [emsp.id, "authorize", "1000/h", "own"]]
    of_emsp = hub.rows("limit", "list", emsp.id)
    assert [(row["module"], row["rate"], row["source"]) for row in of_emsp] == [
        ("authorize", "1000/h", "own"),
        ("commands", "50/min", "setting"),
        ("locations", "3/s", "default"),
    ]
    assert hub.one("party", "show", emsp.id)["limits"] == of_emsp
    assert hub.rows("limit", "list", cpo.id)[0] == {"party": cpo.id, "module": "authorize", "rate": "100/min", "source": "setting"}


def test_repeats_and_refusals(hub, pair):
    """The same again is unchanged; what is wrong is named with the remedy."""
    party = pair.emsp.id
    hub.ok("limit", "set", party, "commands", "5/s")
    assert hub.ok("limit", "set", party, "commands", "5/s").out == f"limit {party} commands unchanged\n"
    assert len(hub.audit(action="limit.set", party=party)) == 1
    hub.ok("limit", "unset", party, "commands")
    for args, code, words in [
        (("unset", party, "commands"), 1, f"limit {party} commands: none is set"),
        (("set", "IN-QQQ", "commands", "5/s"), 1, "party IN-QQQ: no such party"),
        (("set", "nobody", "commands", "5/s"), 2, "ID: no party id; write it as IN-ABC, or default for all others"),
        (("set", party, "tariffs", "5/s"), 2, '"tariffs" is none of authorize, commands, locations'),
        (("set", party, "commands", "often"), 2, "RATE: no rate; write 1 to 1000000 per s, min, h or d, e.g. 100/min, or 0 for no limit"),
        (("set", party, "commands", "5"), 2, "RATE: no rate"),
        (("set", party, "commands", "-1/s"), 2, ""),
        (("set", party, "commands"), 2, "RATE is missing"),
        (("list", "default"), 2, "ID: no party id"),
    ]:
        result = hub.ctl("limit", *args)
        assert result.rc == code and words in result.err, result
    assert hub.ctl("rpc", "limit.set", '{"id":"default","module":"commands","rate":"1/week"}').rc != 0
    assert [row for row in hub.rows("limit", "list") if row["source"] == "default"] == []


def test_a_removed_party_takes_its_limits_along(hub):
    """And comes back without them."""
    emsp = hub.onboard("EMSP")
    hub.ok("limit", "set", emsp.id, "locations", "2/d")
    hub.ok("party", "remove", emsp.id, f"--confirm={emsp.id}")
    assert [row for row in hub.rows("limit", "list") if row["party"] == emsp.id] == []
    hub.add(emsp)
    assert {row["source"] for row in hub.rows("limit", "list", emsp.id)} == {"setting"}
