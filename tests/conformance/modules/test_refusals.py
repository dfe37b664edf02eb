"""What is refused is told to the account team, and how real-time messages ended."""

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import eventually
from tests.sim import payloads


def row(hub, ident):
    return hub.wait_audit(lambda row: row["correlation_id"] == ident, f"the row of {ident}")


@pytest.mark.parametrize("module, body, place", [("cdrs", payloads.cdr, "total_cost"), ("sessions", payloads.session, "kwh")])
@rule("hub 11-1", "hub 15-1", "hub 15-2")
def test_a_refused_push(hub, pair, ident, module, body, place):
    """Object, place and sentence in the row, a count, and an attention until the object came rightly."""
    right = body(pair.cpo.party, pair.emsp.party, ident)
    wrong = {name: value for name, value in right.items() if name != place}
    method, path = ("POST", "cdrs") if module == "cdrs" else ("PUT", pair.cpo.object_path("sessions", ident))
    answer = pair.cpo.call(method, path, wrong, headers={"X-Correlation-ID": ident})
    assert answer.outcome == (200, 2001)
    told = row(hub, ident)
    assert (told["object"], told["status"], told["detail"]["message"]) == (ident, "2001", answer.message)
    assert [finding["pointer"] for finding in told["detail"]["refused"]] == [f"/{place}"]
    counted = lambda line: (line["module"], line["field"], line["rule"]) == (module, place, "missing") and line["refused"] == 1  # noqa: E731
    hub.wait_rows("quality", pair.cpo.id, where=counted, what="it is counted as refused")

    def attended():
        return [line for line in hub.one("status")["attention"] if (line["code"], line["party"]) == ("push_refused", pair.cpo.id)]

    assert eventually(attended, "status tells")[0]["count"] == 1
    assert pair.cpo.call(method, path, right).code == 1000
    assert attended() == []


@rule("hub 11-2")
def test_the_result_is_the_status(hub, pair, ident):
    """ALLOWED as ALLOWED, towards the party that was asked; what was not passed on towards the one it was meant for, with the sentence."""
    pair.emsp.authorize("T1", to=pair.cpo.id, headers={"X-Correlation-ID": ident})
    assert (row(hub, ident)["status"], row(hub, ident)["to"]) == ("ALLOWED", pair.cpo.id)
    stranger = hub.onboard("CPO")
    answer = pair.emsp.authorize("T1", to=stranger.id, headers={"X-Correlation-ID": f"{ident}-N"})
    told = row(hub, f"{ident}-N")
    assert (told["to"], told["detail"]["message"]) == (stranger.id, answer.message)
