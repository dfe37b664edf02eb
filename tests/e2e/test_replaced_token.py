"""PUT credentials with a hub token that has been replaced: what a lost answer needs, and nothing for anybody else."""

import pytest


def modules_of(hub, party):
    return {row["module"]: row["url"] for row in hub.rows("receiver", "list", party)}


def stranger(hub, platform):
    """Somebody else with the same parties: another server, another token."""
    other = hub.platform(*platform.parties)
    return other, other.credentials()


def change_with(platform, token, credentials):
    return platform.call("PUT", "credentials", credentials, token=token)


@pytest.mark.parametrize("begin", ["by the partner", "by token rotate"])
def test_a_replaced_hub_token_changes_nothing(hub, begin):
    """Once a newer one is in use it moves nothing and brings no newer one; for all else it is good to its end."""
    platform = hub.onboard("EMSP")
    old, before = platform.hub_token, modules_of(hub, platform.id)
    if begin == "by the partner":
        assert platform.put_credentials("token-number-two").outcome == (200, 1000)
    else:
        hub.ok("token", "rotate", platform.id)
    newest = platform.hub_token
    assert newest != old and platform.get("hubclientinfo").outcome == (200, 1000)
    tokens = hub.rows("token", "list", platform.id)
    thief, wanted = stranger(hub, platform)
    mine = platform.credentials()
    for credentials in (wanted, {**mine, "token": "another-token-of-mine"}, {**mine, "url": wanted["url"]},
                        {**mine, "roles": [{**role, "business_details": {"name": "Else"}} for role in mine["roles"]]}):
        answer = change_with(thief, old, credentials)
        assert answer.outcome == (401, 2002) and "newer one has been used" in answer.message, answer
    assert thief.received() == [], "nobody is called back for it"
    assert hub.rows("token", "list", platform.id) == tokens and modules_of(hub, platform.id) == before
    refused = hub.wait_audit(lambda row: row["party"] == platform.id and row["status"] == "2002", "the refusal")
    assert refused["module"] == "credentials", refused
    assert platform.get("hubclientinfo", token=old).outcome == (200, 1000)
    assert platform.put_credentials().data["token"] == newest, "the owner's stays the newest"
    assert change_with(platform, newest, {**mine, "token": "token-number-three"}).data["token"] not in (old, newest)


def test_the_same_put_again_with_a_replaced_token(hub):
    """What is stored already may be said again with it: the presented token comes back, and no newer one."""
    platform = hub.onboard("CPO")
    old = platform.hub_token
    newest = platform.put_credentials("token-number-two").data["token"]
    assert platform.get("hubclientinfo").outcome == (200, 1000)
    before = hub.rows("token", "list", platform.id)
    said = platform.credentials()
    said["roles"] = [dict(reversed(role.items())) for role in said["roles"]]
    answer = change_with(platform, old, said)
    assert answer.outcome == (200, 1000) and answer.data["token"] == old, answer
    assert hub.rows("token", "list", platform.id) == before
    assert platform.call("DELETE", "credentials", token=old).outcome == (401, 2002)
    assert platform.call("DELETE", "credentials", token=newest).outcome == (200, 1000)


def test_a_lost_answer_to_a_put(hub):
    """As long as no newer token was used, the old one may PUT again, other content too; of several the last counts."""
    platform = hub.onboard("CPO")
    old, lost = platform.hub_token, []
    for number in range(3):
        platform.accepted.add(f"token-number-{number}")
        answer = change_with(platform, old, platform.credentials(token=f"token-number-{number}"))
        assert answer.outcome == (200, 1000), answer
        lost.append(answer.data["token"])
    assert len({old, *lost}) == 4
    assert platform.get("hubclientinfo", token=lost[1]).outcome == (200, 1000), "an answer that came after all"
    refused = change_with(platform, old, platform.credentials(token="token-number-4"))
    assert refused.outcome == (401, 2002), refused
    platform.accepted.add("token-number-5")
    answer = change_with(platform, lost[1], platform.credentials(token="token-number-5"))
    assert answer.outcome == (200, 1000), "no newer one than that was used"
    assert platform.call("DELETE", "credentials", token=answer.data["token"]).outcome == (200, 1000)
