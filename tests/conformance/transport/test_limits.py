"""Rate limits: how much, for whom, and what a refused caller is told."""

import time

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import eventually
from tests.sim import payloads

PER_MINUTE = {"authorize": 100, "commands": 50, "locations": 200}


def ask(platform, what, receiver):
    if what == "authorize":
        return platform.authorize("T1", to=receiver.id)
    if what == "commands":
        return platform.command("UNLOCK_CONNECTOR", {"location_id": "L", "evse_uid": "E", "connector_id": "1"}, to=receiver.id)
    return platform.get("locations", query={"limit": 1})


def passed(pair, what, most=1000):
    """How many requests pass before one is refused; that one's answer."""
    for number in range(most):
        answer = ask(pair.emsp, what, pair.cpo)
        if answer.status == 429:
            return number, answer
        assert answer.outcome == (200, 1000), answer
    raise AssertionError(f"none of {most} was refused")


@rule("hub 10-1", "hub 10-2", "hub 2-36")
@pytest.mark.parametrize("what", PER_MINUTE)
def test_limits_as_they_come(new_hub, what):
    """A minute's requests at once, the next is 429 with 2004 and the seconds until there is room for one."""
    pair = new_hub(limit_authorize=None, limit_commands=None, limit_locations=None).pair()
    begin = time.monotonic()
    count, refused = passed(pair, what)
    limit = PER_MINUTE[what]
    assert limit <= count <= limit + 1 + (time.monotonic() - begin) * limit / 60
    assert refused.outcome == (429, 2004) and refused.json["status_message"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 2


@rule("hub 10-2")
def test_retry_after_is_true(pair):
    """One room comes back after an hour's fourth, and after a second's whole."""
    pair.hub.ok("limit", "set", pair.emsp.id, "authorize", "4/h")
    count, refused = passed(pair, "authorize")
    assert count == 4 and 800 < int(refused.headers["Retry-After"]) <= 900
    pair.hub.ok("limit", "set", pair.emsp.id, "commands", "1/s")
    _, refused = passed(pair, "commands")
    assert int(refused.headers["Retry-After"]) == 1
    eventually(lambda: ask(pair.emsp, "commands", pair.cpo).status == 200, "it passes again")


@rule("hub 10-3")
def test_limits_hold_per_party(hub):
    """Two eMSPs, on one platform or on two, do not use up each other's; the modules neither."""
    cpo, both, other = hub.onboard("CPO"), hub.onboard("EMSP", "EMSP"), hub.onboard("EMSP")
    parties = [*both.parties, other.party]
    for party in parties:
        hub.ok("rule", "enable", party.id, cpo.id)
        hub.ok("limit", "set", party.id, "authorize", "2/h")
    for platform, party in zip((both, both, other), parties):
        path = platform.object_path("tokens", "T1", party) + "/authorize"
        assert [platform.call("PUT", path, sender=party.id).status for _ in range(3)] == [200, 200, 429], party.id
    assert other.command("STOP_SESSION", {"session_id": "S"}).status == 200 and other.get("locations").status == 200


@rule("hub 10-1")
def test_only_the_list_of_locations_is_limited(pair):
    pair.cpo.put("locations", payloads.location(pair.cpo.party, "L"))
    pair.hub.ok("limit", "set", pair.emsp.id, "locations", "1/h")
    assert [pair.emsp.get("locations").status for _ in range(2)] == [200, 429]
    assert pair.emsp.get(pair.cpo.object_path("locations", "L")).outcome == (200, 1000)
    assert pair.emsp.get("tariffs").outcome == (200, 1000)


@rule("hub 10-4")
def test_set_and_unset(new_hub):
    """A party's own limit is stronger than the default one, that is stronger than the setting; 0 is no limit."""
    pair = new_hub(limit_authorize="3/h").pair()
    hub, emsp = pair.hub, pair.emsp

    def count():
        answers = [ask(emsp, "authorize", pair.cpo).status for _ in range(8)]
        return answers.count(200)

    assert count() == 3
    hub.ok("limit", "set", "default", "authorize", "5/h")
    assert count() <= 5 and ask(emsp, "authorize", pair.cpo).status == 429
    hub.ok("limit", "set", emsp.id, "authorize", "0")
    assert count() == 8
    hub.ok("limit", "unset", emsp.id, "authorize")
    count()
    assert ask(emsp, "authorize", pair.cpo).status == 429
    hub.ok("limit", "set", "default", "authorize", "0")
    assert count() == 8
    hub.ok("limit", "unset", "default", "authorize")
    assert [row["source"] for row in hub.rows("limit", "list", emsp.id) if row["module"] == "authorize"] == ["setting"]
