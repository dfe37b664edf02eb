"""What the hub judges must be what everyone reads: members that come twice or in another spelling, padded ids, nested response_urls; and
what partners wrap is read one way."""

import json

import pytest

from tests.e2e.harness import SLOW
from tests.sim import Reply, http_call, payloads


@pytest.fixture(scope="module")
def hub_settings():
    return {"command_forward_timeout": f"{SLOW:g}s", "forward_timeout": f"{SLOW:g}s"}


ENVELOPE = '{"status_code":1000,"data":%s,"timestamp":"2025-01-01T00:00:00Z"}'


@pytest.fixture(scope="module")
def street(hub):
    pair = hub.pair()
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, "S1")).code == 1000
    hub.ok("receiver", "set", pair.cpo.id, "custom", f"{pair.cpo.url}/ocpi/2.2.1/custom", "--custom")
    return pair


def refused(answer, place=""):
    assert answer.outcome == (200, 2001) and place in answer.message, answer


# ---------------------------------------------------------------- members of a command

def spellings(name):
    """As JSON text, each of which some reader takes for `name`."""
    camel = name.split("_")[0] + "".join(part.title() for part in name.split("_")[1:])
    return [name, name.title(), name.upper(), camel, f"\\u{ord(name[0]):04x}{name[1:]}", name.replace("_", "-") + " ", name + "\\u0000", name.replace("i", "\\u0131").replace("s", "\\u017f")]


def bodies(pair):
    url = pair.emsp.response_url()
    token = json.dumps(payloads.token(pair.emsp.party))
    start = f'"response_url":"{url}","token":{token},"location_id":"L","evse_uid":"E","connector_id":"1","authorization_reference":"A"'
    return {
        "START_SESSION": start,
        "STOP_SESSION": f'"response_url":"{url}","session_id":"S1"',
        "RESERVE_NOW": start + ',"reservation_id":"R","expiry_date":"2035-01-01T00:00:00Z"',
        "CANCEL_RESERVATION": f'"response_url":"{url}","reservation_id":"R"',
        "UNLOCK_CONNECTOR": f'"response_url":"{url}","location_id":"L","evse_uid":"E","connector_id":"1"',
    }


DECIDED = {
    "START_SESSION": ["response_url", "location_id", "evse_uid", "connector_id", "token", "authorization_reference"],
    "STOP_SESSION": ["response_url", "session_id"],
    "RESERVE_NOW": ["response_url", "location_id", "evse_uid", "reservation_id", "token", "expiry_date"],
    "CANCEL_RESERVATION": ["response_url", "reservation_id"],
    "UNLOCK_CONNECTOR": ["response_url", "location_id", "evse_uid", "connector_id"],
}


@pytest.mark.parametrize("command, member", [(command, member) for command, members in DECIDED.items() for member in members])
def test_a_decided_member_a_second_time(street, command, member):
    """In any spelling, before or behind the first."""
    body = bodies(street)[command]
    value = '{"uid":"X"}' if member == "token" else '"X"'
    for name in spellings(member):
        for text in ('{%s,"%s":%s}' % (body, name, value), '{"%s":%s,%s}' % (name, value, body)):
            answer = street.emsp.call("POST", f"commands/{command}", text.encode())
            refused(answer)
    assert street.cpo.received("POST", "/commands/") == []


@pytest.mark.parametrize("member", ["uid", "country_code", "party_id", "type"])
@pytest.mark.parametrize("command", ["START_SESSION", "RESERVE_NOW"])
def test_a_members_of_a_token_a_second_time(street, command, member):
    token = json.dumps(payloads.token(street.emsp.party))
    for name in spellings(member):
        twice = token[:-1] + ',"%s":"X"}' % name
        refused(street.emsp.call("POST", f"commands/{command}", "{%s}" % bodies(street)[command].replace(token, twice)))
    assert street.cpo.received("POST", "/commands/") == []


@pytest.mark.parametrize("member", ["country_code", "party_id"])
def test_only_in_another_spelling(street, member):
    """What the hub takes for absent some CPO would bill by."""
    token = payloads.token(street.emsp.party)
    token[member.title()] = token.pop(member)
    refused(street.emsp.command("START_SESSION", {"token": token, "location_id": "L"}), f"/token/{member.title()}")
    refused(street.emsp.command("STOP_SESSION", {"Session_ID": "S1"}), "/Session_ID")
    assert street.cpo.received("POST", "/commands/") == []


def test_what_decides_nothing_may_be_anything(street):
    """Vendors' fields, and those of ours that no decision reads."""
    for extra in ('"x_session":"S1"', '"session":"S1"', '"session_ids":["S1"]', '"Issuer":1,"issuer":"x"'):
        text = "{%s,%s}" % (bodies(street)["STOP_SESSION"], extra)
        assert street.emsp.call("POST", "commands/STOP_SESSION", text).data["result"] == "ACCEPTED", extra


PADDED = ["S1 ", " S1", "S1\t", "S1\n", "S1/", "/S1", "S1\\", "S1\0", "\0S1", "S1\u00a0", "\u3000S1", "S1\u200b", "S\u200d1", "S1\ufeff", "S1\x7f", "S1\x85"]


@pytest.mark.parametrize("ident", PADDED, ids=[ascii(ident) for ident in PADDED])
def test_padded_ids(street, ident):
    before = len(street.cpo.received())
    token = payloads.token(street.emsp.party)
    refused(street.emsp.command("STOP_SESSION", {"session_id": ident}), "/session_id")
    refused(street.emsp.command("CANCEL_RESERVATION", {"reservation_id": ident}), "/reservation_id")
    refused(street.emsp.command("START_SESSION", {"token": token, "location_id": ident}), "/location_id")
    refused(street.emsp.command("START_SESSION", {"token": token, "location_id": "L", "evse_uid": ident}), "/evse_uid")
    refused(street.emsp.command("START_SESSION", {"token": {**token, "uid": ident}, "location_id": "L"}), "/token/uid")
    refused(street.emsp.authorize("CARD", {"location_id": ident}), "/location_id")
    refused(street.emsp.authorize("CARD", {"location_id": "L", "evse_uids": ["E", ident]}), "/evse_uids/1")
    assert len(street.cpo.received()) == before


@pytest.mark.parametrize("ident", ["S1%20", "%20S1", "S1%09", "S1%2F", "S1%5C", "S1%0A", "S1%C2%A0", "S1%E2%80%8B", "S1%7F", "%2e", "S1%00"])
def test_padded_ids_in_paths(street, ident):
    before = len(street.cpo.received())
    url = street.emsp.response_url()
    for method, path, body in (
        ("PUT", f"chargingprofiles/{ident}", {"charging_profile": {"charging_rate_unit": "W"}, "response_url": url}),
        ("PUT", f"sessions/{ident}/charging_preferences", {"profile_type": "FAST"}),
        ("PUT", street.emsp.object_path("tokens", ident) + "/authorize", None),
    ):
        refused(street.emsp.call(method, path, body), "path")
    refused(street.emsp.call("POST", f"custom/{ident}", {}, to=street.cpo.id), "path")
    refused(street.cpo.call("POST", f"tokens/{ident}/authorize"), "path")
    assert len(street.cpo.received()) == before


def test_what_a_cpo_calls_its_own(street):
    """Its sessions and CDRs are taken with whatever id they have: they are money."""
    ident = "PAD%20"
    session = payloads.session(street.cpo.party, street.emsp.party, "PAD ")
    assert street.cpo.call("PUT", street.cpo.object_path("sessions", ident), session).code == 1000
    assert street.cpo.get(street.cpo.object_path("sessions", ident)).data == session
    assert street.cpo.call("POST", "cdrs", payloads.cdr(street.cpo.party, street.emsp.party, "PAD ")).code == 1000
    refused(street.emsp.command("STOP_SESSION", {"session_id": "PAD "}), "/session_id")


# ---------------------------------------------------------------- what partners answer

ALLOWED_TWICE = [
    '{"allowed":"BLOCKED","allowed":"ALLOWED"}',
    '{"allowed":"ALLOWED","allowed":"ALLOWED"}',
    '{"allowed":"BLOCKED","Allowed":"ALLOWED"}',
    '{"ALLOWED":"ALLOWED","allowed":"BLOCKED"}',
    '{"allowed":"BLOCKED","\\u0061llowed":"ALLOWED"}',
    '{"allowed":"BLOCKED","al\\u006cowed":"ALLOWED"}',
    '{"Allowed":"ALLOWED"}',
    '[{"allowed":"BLOCKED","allowed":"ALLOWED"}]',
]
ENVELOPES = [
    '{"status_code":1000,"data":{"allowed":"BLOCKED"},"data":{"allowed":"ALLOWED"},"timestamp":"2025-01-01T00:00:00Z"}',
    '{"status_code":1000,"data":{"allowed":"BLOCKED"},"Data":{"allowed":"ALLOWED"},"timestamp":"2025-01-01T00:00:00Z"}',
    '{"status_code":1000,"data":{"allowed":"BLOCKED"},"d\\u0061ta":{"allowed":"ALLOWED"},"timestamp":"2025-01-01T00:00:00Z"}',
    '{"status_code":1000,"status_code":2000,"data":{"allowed":"ALLOWED"},"timestamp":"2025-01-01T00:00:00Z"}',
    '{"status_code":1000,"statusCode":2000,"data":{"allowed":"ALLOWED"},"timestamp":"2025-01-01T00:00:00Z"}',
]
ANSWERS = [ENVELOPE % data for data in ALLOWED_TWICE] + ENVELOPES


@pytest.mark.parametrize("body", ANSWERS)
def test_an_authorization_with_two_readings(street, body):
    street.cpo.script("PUT", "/authorize$", Reply(body=body.encode()))
    answer = street.emsp.authorize("CARD")
    assert answer.outcome == (200, 1000) and answer.data["allowed"] == "UNKNOWN" and answer.data["info"]["text"], answer
    street.emsp.script("POST", "/authorize$", Reply(body=body.encode()))
    answer = street.cpo.call("POST", "tokens/CARD/authorize")
    assert answer.outcome == (200, 4000) and not answer.data, answer


@pytest.mark.parametrize("data", ['{"result":"REJECTED","result":"ACCEPTED","timeout":3}', '{"result":"REJECTED","Result":"ACCEPTED"}', '{"Result":"ACCEPTED"}',
                                  '{"result":"ACCEPTED","timeout":30,"timeout":1}', '{"result":"ACCEPTED","\\u0074imeout":1,"timeout":30}', '{"timeout":1}', '"ACCEPTED"', "[]"])
def test_a_command_response_with_two_readings(street, data):
    street.cpo.script("POST", "/commands/STOP", Reply(body=(ENVELOPE % data).encode()))
    answer = street.emsp.command("STOP_SESSION", {"session_id": "S1"})
    assert answer.outcome == (200, 4000) and not answer.data, answer
    street.cpo.script("DELETE", "/chargingprofiles/", Reply(body=(ENVELOPE % data).encode()))
    answer = street.emsp.call("DELETE", "chargingprofiles/S1", query={"response_url": street.emsp.response_url()})
    assert answer.outcome == (200, 4000), answer


# ---------------------------------------------------------------- results

WRAPPED = ["%s", "[%s]", '{"status_code":1000,"data":%s,"timestamp":"2025-01-01T00:00:00Z"}', '{"data":[%s],"status_code":1000}', '[{"data":%s,"status_code":1000}]', "\ufeff%s", "\r\n %s \n"]


def started(street):
    """The callback of a command under way, and what the eMSP had got before it."""
    before = len(street.cpo.received("POST", "/commands/STOP"))
    assert street.emsp.command("STOP_SESSION", {"session_id": "S1"}).data["result"] == "ACCEPTED"
    return street.cpo.wait("POST", "/commands/STOP", count=before + 1).json["response_url"]


@pytest.mark.parametrize("wrapping", WRAPPED, ids=[ascii(wrapping) for wrapping in WRAPPED])
def test_a_result_wrapped_or_bare(street, wrapping):
    """The eMSP gets the CommandResult itself, byte for byte, once, however often and however wrapped it comes."""
    result = '{"message":[],"result":"ACCEPTED","x":%d.50}' % (1000 + WRAPPED.index(wrapping))
    url = started(street)
    for again in (wrapping, "%s", WRAPPED[2]):
        assert http_call("POST", url, (again % result).encode(), {"Content-Type": "application/json"}).outcome == (200, 1000), again
    street.emsp.wait("POST", "/callbacks/", where=lambda r: r.body == result.encode())
    assert len(street.emsp.received("POST", "/callbacks/", where=lambda r: r.body == result.encode())) == 1


@pytest.mark.parametrize(
    "body",
    [
        '{"result":"REJECTED","result":"ACCEPTED"}',
        '{"result":"REJECTED","RESULT":"ACCEPTED"}',
        '{"result":"REJECTED","status_code":1000,"data":{"result":"ACCEPTED"},"Result":"x"}',
        '{"status_code":1000,"data":{"result":"REJECTED","result":"ACCEPTED"}}',
        '{"status_code":1000,"data":{"result":"REJECTED"},"data":{"result":"ACCEPTED"}}',
        '{"status_code":1000,"data":{"result":"REJECTED"},"Data":{"result":"ACCEPTED"}}',
        '{"status_code":2000}',
        '[{"result":"ACCEPTED"},{"result":"REJECTED"}]',
        "[]",
        "null",
        '"ACCEPTED"',
    ],
)
def test_a_result_that_is_none(street, body):
    """Refused, and the callback stays good."""
    url = started(street)
    answer = http_call("POST", url, body.encode(), {"Content-Type": "application/json"})
    assert answer.outcome == (200, 2001), answer
    assert http_call("POST", url, {"result": "ACCEPTED"}).outcome == (200, 1000)


# ---------------------------------------------------------------- response_url of modules that the hub does not know

NESTED = [
    '{"a":{"response_url":"%s"}}',
    '{"a":[{"response_url":"%s"}]}',
    '[{"response_url":"%s"}]',
    '[[[{"x":{"response_url":"%s"}}]]]',
    '{"a":{"b":{"c":{"Response_URL":"%s"}}}}',
    '{"a":{"\\u0072esponse_url":"%s"}}',
    '{"a":{"responseUrl":"%s"}}',
    '{"a":{"response-url":"%s"}}',
    '{"responseUrl":"%s"}',
    '{"RESPONSE_URL":"%s"}',
    '{"response_url\\u0000":"%s"}',
    '{"response_url":["%s"]}',
    '{"response_url":{"url":"%s"}}',
    '{"response_url":null,"a":{"response_url":"%s"}}',
    '{"a":' * 50 + '{"response_url":"%s"}' + "}" * 50,
]


@pytest.mark.parametrize("text", NESTED)
def test_a_response_url_that_the_hub_does_not_replace(street, text):
    for url in (street.emsp.response_url(), "http://elsewhere.example/cb"):
        refused(street.emsp.call("POST", "custom/x", (text % url).encode(), to=street.cpo.id), "response_url")
    assert street.cpo.received("POST", "/custom/") == []


def test_beside_the_one_that_it_replaces(street):
    url = street.emsp.response_url()
    for text in ('{"response_url":"%s","a":[{"response_url":"%s"}]}', '{"a":{"response_url":"%s"},"response_url":"%s"}'):
        refused(street.emsp.call("POST", "custom/x", text % (url, url), to=street.cpo.id), "response_url")
    refused(street.emsp.call("POST", "custom/x", {"response_url": url}, query={"responseUrl": url}, to=street.cpo.id), "response_url")
    refused(street.emsp.call("POST", "custom/x", {"a": {"response_url": url}}, query={"response_url": url}, to=street.cpo.id), "response_url")
    assert street.cpo.received("POST", "/custom/") == []


def test_the_one_that_it_replaces(street):
    street.cpo.script("POST", "/custom/", Reply(), forever=True)
    before = len(street.cpo.received("POST", "/custom/"))
    assert street.emsp.call("POST", "custom/x", {"response_url": street.emsp.response_url(), "urls": ["http://x.example"]}, to=street.cpo.id).code == 1000
    request = street.cpo.wait("POST", "/custom/", count=before + 1)
    assert request.json["response_url"].startswith(street.hub.url) and request.json["urls"] == ["http://x.example"]


# ---------------------------------------------------------------- bodies that are none


@pytest.mark.parametrize("body", [b"null", b" null\n", b"", b" ", b"\xef\xbb\xbf", b"\xef\xbb\xbfnull", b"\xef\xbb\xbf{}", b"{}"])
def test_an_empty_body(street, body):
    """Authorize in both directions; the receiver gets no `null` either."""
    answer = street.emsp.authorize("EMPTY", body)
    assert answer.outcome == (200, 1000) and answer.data["allowed"] == "ALLOWED", answer
    assert street.cpo.received("PUT", "/EMPTY/authorize$")[-1].body.strip() in (b"", b"{}")
    answer = street.cpo.call("POST", "tokens/EMPTY/authorize", body)
    assert answer.outcome == (200, 1000) and answer.data["allowed"] == "ALLOWED", answer
    assert street.emsp.received("POST", "/EMPTY/authorize$")[-1].body.strip() in (b"", b"{}")


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"false"])
def test_a_body_that_is_another(street, body):
    refused(street.emsp.authorize("CARD", body))


def test_null_where_an_object_must_be(street):
    refused(street.emsp.call("POST", "commands/STOP_SESSION", b"null"))


def test_a_byte_order_mark(street):
    body = b"\xef\xbb\xbf" + json.dumps({"response_url": street.emsp.response_url(), "session_id": "S1"}).encode()
    assert street.emsp.call("POST", "commands/STOP_SESSION", body).data["result"] == "ACCEPTED"
    session = payloads.session(street.cpo.party, street.emsp.party, "S-BOM")
    assert street.cpo.put("sessions", b"\xef\xbb\xbf" + json.dumps(session).encode(), "S-BOM").code == 1000
    assert street.cpo.get(street.cpo.object_path("sessions", "S-BOM")).data == session
