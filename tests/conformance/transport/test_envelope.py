"""The envelope of every answer, and what HTTP's status says beside it."""

from tests.conformance.rules import rule
from tests.sim import payloads


@rule("OCPI 1.3-3")
def test_a_body_that_is_not_json(shared):
    for body in ("", "{", '{"id":"L"} x', "id=L"):
        assert shared.cpo.put("locations", body, ident="L").outcome == (400, 2001), body


@rule("OCPI 1.3-4")
def test_parseable_json_is_no_http_error(shared):
    assert shared.cpo.put("tariffs", payloads.tariff(shared.cpo.party, "T")).outcome == (201, 1000)
    for body in ({}, [], {**payloads.tariff(shared.cpo.party, "T"), "currency": 5}):
        assert shared.cpo.put("tariffs", body, ident="T").outcome == (200, 2001), body
