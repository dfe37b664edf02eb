"""Requests of the wrong one: another party, another role; and bodies that say something else than their URL."""

import pytest

from tests.conformance.modules.doors import BY_NAME, DOORS
from tests.conformance.modules.judge import done, refused
from tests.conformance.rules import rule

OWNED = [door for door in DOORS if "{" in door.path.replace("{id}", "")]
ROLED = [door for door in DOORS if type(door).__name__ == "Door"]


def by_name(doors):
    return pytest.mark.parametrize("door", doors, ids=lambda door: door.name)


@by_name(OWNED)
@rule("hub 5-input-10")
def test_wrong_party(hub, shared, ident, door):
    """Somebody of the right role and with all the rules sends it to the path of another."""
    stranger = hub.onboard("CPO" if door.caller == "cpo" else "EMSP")
    hub.ok("rule", "enable", *((shared.emsp.id, stranger.id) if door.caller == "cpo" else (stranger.id, shared.cpo.id)))
    door.prepare(shared, ident)
    before = door.trace(shared, ident)
    answer = door.send(shared, ident, door.good(shared, ident), caller=stranger)
    assert answer.outcome == (403, 2001) and "party mismatch" in answer.message, answer
    assert door.trace(shared, ident) == before
    hub.ok("rule", "disable", *((shared.emsp.id, stranger.id) if door.caller == "cpo" else (stranger.id, shared.cpo.id)))


@by_name(ROLED)
@rule("hub 5-input-11")
def test_wrong_role(shared, ident, door):
    """The eMSP on a CPO's endpoint and the other way round."""
    door.prepare(shared, ident)
    before = door.trace(shared, ident)
    answer = door.send(shared, ident, door.good(shared, ident), caller=shared.emsp if door.caller == "cpo" else shared.cpo)
    assert answer.outcome == (403, 2001) and answer.message, answer
    assert door.trace(shared, ident) == before


@rule("hub 5-input-11")
def test_wrong_role_deletes_no_tariff(shared, ident):
    BY_NAME["PUT tariff"].send(shared, ident, BY_NAME["PUT tariff"].good(shared, ident))
    path = shared.cpo.object_path("tariffs", ident)
    assert shared.emsp.call("DELETE", path).outcome == (403, 2001)
    done(shared.emsp.get(path))


@rule("hub 5-input-10")
def test_wrong_party_deletes_no_tariff(hub, shared, ident):
    BY_NAME["PUT tariff"].send(shared, ident, BY_NAME["PUT tariff"].good(shared, ident))
    path = shared.cpo.object_path("tariffs", ident)
    answer = hub.onboard("CPO").call("DELETE", path)
    assert answer.outcome == (403, 2001) and "party mismatch" in answer.message, answer
    done(shared.emsp.get(path))


@rule("hub 5-input-10")
def test_cdr_in_anothers_name(hub, shared, ident):
    """Its path names nobody, its body does: refused all the same, delivered to nobody."""
    door = BY_NAME["POST cdr"]
    before = door.trace(shared, ident)
    answer = door.send(shared, ident, door.good(shared, ident), caller=hub.onboard("CPO"))
    assert answer.outcome == (403, 2001) and "party mismatch" in answer.message, answer
    assert door.trace(shared, ident) == before


@pytest.mark.parametrize("name", ["POST credentials", "PUT credentials"])
@rule("hub 5-input-10", "hub 5-input-11")
def test_credentials_of_another_party_or_role(shared, ident, name):
    """Claimed instead of one's own or besides: 2001 names the place; the exchange can be done rightly afterwards."""
    door = BY_NAME[name]
    door.prepare(shared, ident)
    before = door.trace(shared, ident)
    good = door.good(shared, ident)
    (own,) = good["roles"]
    for foreign in ({**own, "party_id": shared.cpo.party.party_id}, {**own, "role": "EMSP"}, {**own, "country_code": "DE"}):
        for place, roles in ((0, [foreign]), (1, [own, foreign])):
            answer = door.send(shared, ident, {**good, "roles": roles})
            refused(answer)
            assert f"/roles/{place}" in answer.message, answer
    assert door.trace(shared, ident) == before
    done(door.send(shared, ident, good))


@pytest.mark.parametrize(
    "name, field, value",
    [
        (name, field, value)
        for name in ("PUT location", "PATCH location", "PUT tariff", "PUT session", "PATCH session")
        for field, value in (("id", "OTHER"), ("country_code", "DE"), ("party_id", "QQQ"))
    ]
    + [(name, "uid", "EVSE002") for name in ("PUT EVSE", "PATCH EVSE")]
    + [(name, "id", "2") for name in ("PUT connector", "PATCH connector")],
)
@rule("hub 5-input-12")
def test_url_and_body_disagree(shared, ident, name, field, value):
    door = BY_NAME[name]
    door.prepare(shared, ident)
    before = door.trace(shared, ident)
    refused(door.send(shared, ident, {**door.good(shared, ident), field: value}), f"/{field}", value)
    assert door.trace(shared, ident) == before


@pytest.mark.parametrize("tail", ["OTHER", "IN/{party}/OTHER"])
@rule("hub 5-input-12")
def test_url_and_body_of_a_cdr_disagree(shared, ident, tail):
    door = BY_NAME["POST cdr"]
    before = door.trace(shared, ident)
    path = f"cdrs/{tail.format(party=shared.cpo.party.party_id)}"
    refused(shared.cpo.call("POST", path, door.good(shared, ident)), "/id", ident)
    assert door.trace(shared, ident) == before
