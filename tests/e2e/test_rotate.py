"""What the account team asks of a connected partner: token rotate, receiver discover."""

import json

import pytest

from tests.e2e.harness import forms
from tests.sim import Reply, payloads
from tests.sim.client import authorization

CREDENTIALS = r"^/ocpi/2\.2\.1/credentials$"
VERSIONS = "^/ocpi/versions$"


# ---------------------------------------------------------------- token rotate


@pytest.mark.parametrize("begun", ["by the partner", "by the hub"])
@pytest.mark.parametrize("renews", [False, True], ids=["partner keeps its token", "partner renews its token"])
def test_rotate(hub, begun, renews):
    """PUT with a new hub token; the old one lives on for the overlap; a new token of the partner is used at once."""
    platform = hub.onboard("CPO") if begun == "by the partner" else hub.connected()
    emsp = hub.onboard("EMSP")
    hub.rule(emsp, platform)
    old, partner_token, platform.renews = platform.hub_token, platform.token, renews
    (change,) = hub.rows("token", "rotate", platform.id)
    assert change["message"] == f"token of {platform.id} rotated" and "token revoke" in change["hints"][0], change
    put = platform.received("PUT", CREDENTIALS)[-1]
    assert put.headers["authorization"] == authorization(partner_token) and put.json["token"] == platform.hub_token != old
    for token in (old, platform.hub_token):
        assert platform.get("hubclientinfo", token=token).outcome == (200, 1000)
    rows = hub.rows("token", "list", platform.id)
    assert len(rows) == 2 and sorted(row["expires"] is None for row in rows) == [False, True]
    assert (platform.token != partner_token) == renews
    platform.accepted = {platform.token}
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED"
    (row,) = hub.audit(action="token.rotate", party=platform.id)
    assert row["status"] == "ok" and not any(form.decode() in json.dumps(row) for form in forms(platform.hub_token))


def test_rotate_falls_back_to_the_old_partner_token(hub):
    """The token that the answer brings is not active yet: inside the overlap the hub goes on with the old one."""
    platform = hub.onboard("CPO")
    emsp = hub.onboard("EMSP")
    hub.rule(emsp, platform)
    old, platform.renews = platform.token, True
    hub.ok("token", "rotate", platform.id)
    platform.accepted = {old}
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED"


def test_rotate_where_no_endpoint_is_known(hub):
    """A partner whose discovery failed at the exchange: the hub looks first."""
    platform = hub.add(hub.platform("CPO"))
    script = platform.script("GET", VERSIONS, Reply(http=500, code=3000), forever=True)
    platform.register(hub.issue(platform.id))
    assert hub.receiver(platform, "credentials") is None
    platform.unscript(script)
    old = platform.hub_token
    hub.ok("token", "rotate", platform.id)
    assert platform.hub_token != old and hub.receiver(platform, "credentials") == f"{platform.url}/ocpi/2.2.1/credentials"


@pytest.mark.parametrize(
    "reply, words",
    [
        (Reply(http=405, code=2000), "405"),
        (Reply(http=401, code=2002), "refuses the token"),
        (Reply(code=3001, message="cannot reach you"), "3001: cannot reach you"),
        (Reply(http=404, code=2003, message="no such path"), "2003"),
    ],
    ids=["405", "401", "3001", "404"],
)
def test_rotate_refused(hub, reply, words):
    """The partner does not take it: the new token is taken back, the old one is as it was."""
    platform = hub.onboard("CPO")
    before = hub.rows("token", "list", platform.id)
    platform.script("PUT", CREDENTIALS, reply, forever=True)
    result = hub.ctl("token", "rotate", platform.id)
    assert result.rc == 1 and words in result.err and "hint: " in result.err, result
    assert hub.rows("token", "list", platform.id) == before
    assert platform.get("hubclientinfo").outcome == (200, 1000)
    shown = platform.received("PUT", CREDENTIALS)[0].json["token"]
    assert platform.get("hubclientinfo", token=shown).outcome == (401, 2002)
    (row,) = hub.audit(action="token.rotate", party=platform.id)
    assert row["status"] == "failed"


@pytest.mark.parametrize(
    "reply, rc",
    [(Reply(drop="reset"), 5), (Reply(http=502, body=b"Bad gateway"), 1), (Reply(data={"token": "t"}), 1)],
    ids=["reset", "502", "rubbish"],
)
def test_rotate_with_unknown_outcome(hub, reply, rc):
    """The partner may have taken the new token: neither is taken away, and the same command again cleans up."""
    platform = hub.onboard("CPO")
    platform.script("PUT", CREDENTIALS, reply)
    result = hub.ctl("token", "rotate", platform.id)
    assert result.rc == rc and "both hub tokens stay valid" in result.err, result
    shown = platform.received("PUT", CREDENTIALS)[0].json["token"]
    for token in (shown, platform.hub_token):
        assert platform.get("hubclientinfo", token=token).outcome == (200, 1000)
    hub.ok("token", "rotate", platform.id)
    assert len([row for row in hub.rows("token", "list", platform.id) if row["expires"] is None]) == 1


def test_rotate_hides_a_token_in_a_message(hub):
    """The token that the hub presented is the registry's: a partner that repeats it does not bring it to the screen or into the audit."""
    platform = hub.onboard("CPO")
    for form in (platform.token, authorization(platform.token)):
        platform.script("PUT", CREDENTIALS, Reply(code=2001, message=f"unknown: {form}"), forever=True)
        result = hub.ctl("token", "rotate", platform.id)
        assert result.rc == 1 and "repeats a token" in result.err and form not in result.err, result
    shown = json.dumps(hub.audit()) + hub.stderr()
    assert not any(form.decode() in shown for form in forms(platform.token))


def test_rotate_and_discover_before_the_exchange(hub):
    """There is nobody to ask yet."""
    platform, _ = hub.invited()
    for words in (["token", "rotate"], ["receiver", "discover"]):
        result = hub.ctl(*words, platform.id)
        assert result.rc == 1 and "has not done the credentials exchange" in result.err and "party connect" in result.err, result
    assert platform.received() == []


# ---------------------------------------------------------------- receiver discover


def test_discover(hub):
    """What is new is named and stored, what waited for it is sent; the same again is `unchanged`."""
    cpo = hub.onboard("CPO")
    emsp = hub.onboard("EMSP", hide={"sessions", "cdrs"})
    hub.rule(emsp, cpo)
    hub.ok("receiver", "set", emsp.id, "locations", f"{emsp.url}/own/locations")
    assert hub.ok("receiver", "discover", emsp.id).out.startswith(f"receivers of {emsp.id} unchanged")
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S1"))
    assert [row["object"] for row in hub.held(emsp.id)] == ["S1"]
    emsp.hide = set()
    result = hub.ok("receiver", "discover", emsp.id)
    assert result.out == f"discovered: {emsp.id} sessions, {emsp.id} cdrs\n", result
    emsp.wait("PUT", "/sessions/.*S1$")
    assert hub.receiver(emsp, "cdrs") == f"{emsp.url}/ocpi/2.2.1/cdrs"
    assert hub.receiver(emsp, "locations") == f"{emsp.url}/own/locations"
    rows = hub.audit(action="receiver.discover", party=emsp.id)
    assert [row["status"] for row in rows] == ["ok", "ok"]
    assert {entry["module"] for entry in rows[1]["detail"]["after"]} == {"sessions", "cdrs"}
    assert rows[0]["detail"] == {"after": {"discovery": "ok", "endpoints": 6}}, "one that changes nothing is told too"


def test_discover_begins_at_the_versions_receiver(hub):
    """`receiver set ID versions` says where to look."""
    platform = hub.onboard("CPO")
    hub.ok("receiver", "set", platform.id, "versions", f"{platform.url}/own/versions")
    platform.script("GET", "^/own/versions$", lambda request: platform._versions(request), forever=True)
    hub.ok("receiver", "discover", platform.id)
    assert platform.received("GET", "^/own/versions$")


def test_discover_fails(hub):
    """One line says why, the receivers stay."""
    platform = hub.onboard("CPO")
    before = hub.rows("receiver", "list", platform.id)
    platform.script("GET", VERSIONS, Reply(data=[{"version": "2.1.1", "url": "http://127.0.0.1/2.1.1"}]), forever=True)
    result = hub.ctl("receiver", "discover", platform.id)
    assert result.rc == 1 and "3002" in result.err and "hint: " in result.err, result
    platform.accepted = set()
    platform.unscript()
    result = hub.ctl("receiver", "discover", platform.id)
    assert result.rc == 1 and "refuses the token" in result.err, result
    assert hub.rows("receiver", "list", platform.id) == before
