"""Changes of sessions, CDRs and locations: at once, late, the same again, nameless, too large, and between two polls."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conformance.modules.judge import done, refused
from tests.conformance.rules import rule
from tests.e2e.harness import eventually, later
from tests.sim import Reply, payloads
from tests.sim.wire import timestamp

BUILD = {"sessions": payloads.session, "cdrs": payloads.cdr}


def send(pair, module, ident, to=None, **changes):
    """A session or CDR of this pair, pushed."""
    body = BUILD[module](pair.cpo.party, pair.emsp.party, ident, **changes)
    return pair.cpo.put(module, body, to=to) if module == "sessions" else pair.cpo.call("POST", module, body, to=to)


def stored(pair, ident, module="sessions"):
    return pair.cpo.get(pair.cpo.object_path(module, ident)).data


def nameless(pair):
    """A CdrToken as OCPI 2.2 has it."""
    return {key: value for key, value in payloads.cdr_token(pair.emsp.party).items() if key not in ("country_code", "party_id")}


@rule("hub 2-70")
def test_patches_at_once(shared, ident):
    done(send(shared, "sessions", ident, charging_periods=[], last_updated=timestamp(-60)))
    stamp = timestamp()

    def patch(number):
        body = {"charging_periods": [payloads.charging_period(number)], "last_updated": stamp}
        return shared.cpo.patch("sessions", ident, body)

    with ThreadPoolExecutor(32) as pool:
        for answer in pool.map(patch, range(32)):
            done(answer)
    assert sorted(period["dimensions"][0]["volume"] for period in stored(shared, ident)["charging_periods"]) == list(range(32))


@rule("hub 2-71")
def test_too_large_a_merge(new_hub):
    pair = new_hub(request_body_max="16k").pair()
    done(send(pair, "sessions", "S", last_updated=timestamp(-60)))
    for number in range(20):
        body = {"charging_periods": [payloads.charging_period(10 * number + each) for each in range(10)], "last_updated": timestamp(-50)}
        answer = pair.cpo.patch("sessions", "S", body)
        if answer.code != 1000:
            break
    assert answer.outcome == (413, 2001) and "PUT" in answer.message, answer
    done(pair.cpo.patch("sessions", "S", {"status": "COMPLETED", "last_updated": timestamp()}))
    assert stored(pair, "S")["status"] == "COMPLETED"


@rule("hub 5-sessions-8")
def test_periods_of_a_patch(shared, ident):
    """On time or late, each period is there once."""
    first, second, third = (payloads.charging_period(energy) for energy in (1, 2, 3))
    done(send(shared, "sessions", ident, kwh=5, charging_periods=[first], last_updated=timestamp(-60)))
    done(shared.cpo.patch("sessions", ident, {"charging_periods": [first, second], "last_updated": timestamp(-50)}))
    late = {"kwh": 1, "charging_periods": [second, third], "last_updated": timestamp(-600)}
    done(shared.cpo.patch("sessions", ident, late))
    found = stored(shared, ident)
    assert found["charging_periods"] == [first, second, third] and found["kwh"] == 5


@rule("hub 5-sessions-9")
@pytest.mark.parametrize("ended", ["COMPLETED", "INVALID"])
def test_an_end_is_an_end(shared, ident, ended):
    stamp = timestamp(-60)
    done(send(shared, "sessions", ident, status=ended, last_updated=stamp))
    done(send(shared, "sessions", ident, status="ACTIVE", last_updated=stamp))
    assert stored(shared, ident)["status"] == ended
    done(send(shared, "sessions", ident, status="ACTIVE", last_updated=timestamp()))
    assert stored(shared, ident)["status"] == "ACTIVE"


@pytest.mark.parametrize("module", [pytest.param("sessions", marks=rule("hub 5-sessions-10")), pytest.param("cdrs", marks=rule("hub 5-cdrs-9"))])
def test_whose_it_is(pair, module):
    token = nameless(pair)
    refused(send(pair, module, "A", cdr_token=token, authorization_reference="REF"), "/cdr_token/country_code")
    pair.cpo.script("POST", "/commands/START_SESSION", Reply(data={"result": "ACCEPTED", "timeout": 30}))
    done(pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party, authorization_reference="REF"), to=pair.cpo.id))
    done(send(pair, module, "A", cdr_token=token, authorization_reference="REF"))
    done(send(pair, module, "B", cdr_token=token, to=pair.emsp.id))
    for ident in "AB":
        sent = pair.emsp.wait("*", f"/{module}", where=lambda request, ident=ident: request.json["id"] == ident)
        assert sent.json["cdr_token"] == token
    eventually(lambda: [r for r in pair.hub.rows("quality") if (r["object"], r["field"]) == ("CdrToken", "party_id")], "it is counted")


@rule("hub 5-cdrs-2")
def test_the_same_values(shared, ident):
    body = payloads.cdr(shared.cpo.party, shared.emsp.party, ident, total_energy=1.5, end_date_time="2026-01-31T12:00:00Z")
    for absent in ("remark", "signed_data"):
        body.pop(absent, None)
    done(shared.cpo.call("POST", "cdrs", body))
    again = {**body, "id": ident.lower(), "end_date_time": "2026-01-31T12:00:00.000Z", "remark": None, "last_updated": timestamp(5)}
    text = json.dumps(dict(reversed(again.items())), indent=2).replace('"total_energy": 1.5', '"total_energy": 15e-1')
    done(shared.cpo.call("POST", "cdrs", text))
    refused(shared.cpo.call("POST", "cdrs", {**again, "remark": ""}), "/id")


@rule("hub 5-validation-19")
def test_half_a_surrogate(shared, ident):
    body = payloads.cdr(shared.cpo.party, shared.emsp.party, ident, x_name="@", remark="@")
    text = json.dumps(body).replace("@", "\\ud83d")
    done(shared.cpo.call("POST", "cdrs", text))
    assert shared.emsp.wait("POST", "/cdrs", where=lambda request: ident.encode() in request.body).body == text.encode()
    refused(shared.cpo.call("POST", "cdrs", json.dumps(body).replace(f'"{ident}"', f'"{ident}\\ud83d"')), "/id")


@rule("hub 6-12")
def test_no_gap_between_two_polls(pair):
    """From each answer's timestamp to the next, while pushes go on: everything is seen."""
    found, since = {}, later(pair.cpo)

    def push():
        for number in range(60):
            body = payloads.location(pair.cpo.party, f"L{number % 7}", evses=[], x_number=number, last_updated="2025-02-01T10:00:00Z")
            done(pair.cpo.put("locations", body))

    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(push)
        while True:
            ended = pushing.done()
            for page in pair.emsp.pages("locations", date_from=since, limit=2):
                found.update((body["id"], body["x_number"]) for body in page.data)
                since = page.json["timestamp"]
            if ended:
                break
        pushing.result()
    assert found == {f"L{number % 7}": number for number in range(60)}
