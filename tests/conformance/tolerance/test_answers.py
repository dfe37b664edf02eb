"""Partners that answer the hub as real software does."""

import threading

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import DEADLINE, SLOW, eventually
from tests.sim import Gate, Reply, exact, habits, payloads
from tests.sim.client import authorization
from tests.sim.wire import timestamp


def waiting(seconds):
    """One worker that waits so long for partners, times what slow builds need."""
    wait = f"{seconds * SLOW:g}s"
    return {"threads": "1", "forward_timeout": wait, "command_forward_timeout": wait, "delivery_timeout": wait, "discovery_timeout": wait}


@pytest.fixture(scope="module")
def hub_settings():
    return waiting(1)


AUTHORIZE, COMMAND, RESULT = ("PUT", "/authorize/?$"), ("POST", "/commands/"), ("POST", "/callbacks/")
SESSION, CDR, VERSIONS = ("PUT", "/sessions/"), ("POST", "/cdrs/?$"), ("GET", "/versions/?$")
WHOLE = {"data": {"allowed": "ALLOWED", "result": "ACCEPTED", "timeout": 30}}  # good for every question


def authorize(pair):
    """The verdict that the eMSP gets."""
    answer = pair.emsp.authorize("T1")
    assert answer.outcome == (200, 1000), answer
    return answer.data["allowed"]


def command(pair):
    """A START_SESSION to the pair's CPO: what the eMSP gets."""
    return pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party), to=pair.cpo.id)


def post_cdr(pair, ident="CDR-1"):
    assert pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party, ident)).outcome == (201, 1000)


def put_session(pair, ident="SES-1", **changes):
    assert pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, ident, **changes)).status in (200, 201)


def wait_settled(pair):
    eventually(lambda: not pair.hub.deliveries(to=pair.emsp.id), "everything is delivered")


def result_arrives(pair):
    """The result of the command that the CPO received last reaches the eMSP."""
    assert pair.cpo.send_result(pair.cpo.received(*COMMAND)[-1], "ACCEPTED").outcome == (200, 1000)
    return pair.emsp.wait(*RESULT, seconds=DEADLINE).json


# ---------------------------------------------------------------- 1: the form of their token


def forms(platform):
    """The forms, raw or Base64, in which the hub's requests showed the platform's token, in their order."""
    names = {authorization(platform.token, form): form for form in ("raw", "base64")}
    return [names[request.headers["authorization"]] for request in platform.received()]


@rule("hub 16-1")
def test_form_of_their_token_is_found_at_the_exchange(new_hub):
    """Base64 first, raw after the 401, raw from then on: on every kind of call, and after a restart."""
    hub = new_hub(probe_interval="200ms")
    pair = hub.pair(cpo_options={"encodings": {"raw"}}, emsp_options={"encodings": {"raw"}})
    assert authorize(pair) == "ALLOWED" and command(pair).data["result"] == "ACCEPTED" and result_arrives(pair)
    put_session(pair)
    post_cdr(pair)
    wait_settled(pair)
    hub.kill()
    hub.restart()
    assert authorize(pair) == "ALLOWED"
    for platform in (pair.cpo, pair.emsp):
        platform.wait(*VERSIONS, count=len(platform.received(*VERSIONS)) + 2)
        assert forms(platform)[0] == "base64" and set(forms(platform)[1:]) == {"raw"}


@rule("hub 16-1")
def test_partner_changes_the_form(pair):
    """One 401, the other form, and that one from then on; a command that met the 401 arrives once."""
    for form in ("raw", "base64"):
        pair.cpo.encodings = {form}
        before = len(pair.cpo.received(*COMMAND))
        assert command(pair).data["result"] == "ACCEPTED"
        assert len(pair.cpo.received(*COMMAND)) == before + (1 if form == "base64" and before == 0 else 2)
        asked = len(pair.cpo.received(*AUTHORIZE))
        assert authorize(pair) == "ALLOWED" and len(pair.cpo.received(*AUTHORIZE)) == asked + 1
        assert pair.cpo.received(*AUTHORIZE)[-1].headers["authorization"] == authorization(pair.cpo.token, form)


@rule("hub 16-1")
def test_neither_form(pair):
    """401 to both: an error after two tries, no loop."""
    pair.cpo.accepted = {"another token"}
    assert authorize(pair) == "UNKNOWN" and len(pair.cpo.received(*AUTHORIZE)) == 2
    assert command(pair).code == 4000 and len(pair.cpo.received(*COMMAND)) == 2


# ---------------------------------------------------------------- 4, 5: URLs and redirects


@rule("hub 16-4")
@pytest.mark.parametrize("tail", ["", "/", "//"])
def test_endpoints_listed_with_slashes(hub, tail):
    """However a partner's endpoint URLs end, the hub puts one slash before what it adds, and none behind a bare one."""
    hub, cpo, emsp = hub.pair(cpo_options={"tail": tail}, emsp_options={"tail": tail})
    assert emsp.authorize("T1").data["allowed"] == "ALLOWED"
    assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party)).outcome == (201, 1000)
    assert cpo.received(*AUTHORIZE)[0].path == f"/ocpi/2.2.1/tokens/IN/{emsp.party.party_id}/T1/authorize"
    assert emsp.wait("POST", "/cdrs").path == "/ocpi/2.2.1/cdrs"


@rule("hub 16-5")
@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "absolute"])
def test_redirect_to_the_same_host(pair, status, absolute):
    """Followed with method, body, token and ids, for what is asked, commanded and delivered."""
    pair.cpo.habits = pair.emsp.habits = (habits.redirecting(status, absolute),)
    assert pair.emsp.authorize("T1", {"location_id": "NEVER-SEEN"}, query={"type": "RFID"}).data["allowed"] == "ALLOWED"
    first, second = pair.cpo.received(*AUTHORIZE)
    assert (second.method, second.body, second.query, second.headers) == (first.method, first.body, first.query, first.headers)
    assert command(pair).data["result"] == "ACCEPTED" and result_arrives(pair)["result"] == "ACCEPTED"
    put_session(pair)
    post_cdr(pair)
    wait_settled(pair)
    for platform, route in ((pair.cpo, COMMAND), (pair.emsp, SESSION), (pair.emsp, CDR), (pair.emsp, RESULT)):
        first, second = platform.received(*route)
        assert (second.path, second.body) == (first.path + "/", first.body)


@rule("hub 16-5")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_that_is_not_followed(hub, pair, status):
    """To another port, scheme or name, and a second one; 301, 302 and 303 never: an error that says so, and an end of the command."""
    other = hub.platform("CPO")
    port = pair.cpo.server.port
    targets = [other.url + "/x", f"http://localhost:{port}/x", f"https://127.0.0.1:{port}/x", "//192.0.2.1/x", "file:///etc/hosts"]
    if status in (307, 308):
        targets.append("/again")
    for platform, route in ((pair.cpo, AUTHORIZE), (pair.cpo, COMMAND), (pair.emsp, CDR)):
        platform.script("*", "^/again$", Reply(http=status, headers={"Location": "/again"}), forever=True)
        platform.script(*route, *[Reply(http=status, headers={"Location": target}, **WHOLE) for target in targets])
    for _ in targets:
        answer = pair.emsp.authorize("T1")
        assert answer.data["allowed"] == "UNKNOWN" and str(status) in answer.data["info"]["text"], answer
        answer = command(pair)
        assert answer.outcome == (200, 4000) and str(status) in answer.message, answer
    post_cdr(pair)
    wait_settled(pair)
    assert len(pair.emsp.received(*CDR)) == len(targets) + 1, "each one is the receiver's fault and tried again"
    assert authorize(pair) == "ALLOWED" and command(pair).code == 1000
    assert other.received() == []


# ---------------------------------------------------------------- 6, 7: lists of one, null


@rule("hub 16-6")
def test_list_of_one(pair):
    """The eMSP gets the object, bytes kept; the command goes on by the timeout in it."""
    info = '{"allowed":"NO_CREDIT","x_limit":12.50,"info":null}'
    pair.cpo.script(*AUTHORIZE, Reply(body=f'{{"data":[{info}],"status_code":1000,"timestamp":"2025-01-01T00:00:00Z"}}'.encode()))
    assert pair.emsp.authorize("T1").exact_data == exact(info)
    pair.cpo.script(*COMMAND, Reply(data=[{"result": "ACCEPTED", "timeout": 1}]))
    assert command(pair).data == {"result": "ACCEPTED", "timeout": 1}
    assert pair.emsp.wait(*RESULT, seconds=DEADLINE).json["result"] == "TIMEOUT"


@rule("hub 16-6")
@pytest.mark.parametrize("data", [[], [{"allowed": "ALLOWED"}, {"allowed": "BLOCKED"}], [[{"allowed": "ALLOWED"}]], ["ALLOWED"]])
def test_other_lists(pair, data):
    """None, two, or something else in it is no verdict: UNKNOWN, and info says why."""
    pair.cpo.script(*AUTHORIZE, Reply(data=data))
    answer = pair.emsp.authorize("T1")
    assert answer.data["allowed"] == "UNKNOWN" and answer.data["info"]["text"]


@rule("hub 16-7")
def test_null_in_answers(pair):
    """Data of null is no data; nulls inside what is passed on stay."""
    info = '{"allowed":"BLOCKED","token":null,"location":null,"authorization_reference":null,"info":null}'
    pair.cpo.script(*AUTHORIZE, Reply(body=f'{{"status_code":1000,"status_message":null,"data":{info},"timestamp":null}}'.encode()), Reply(data=None))
    assert pair.emsp.authorize("T1").exact_data == exact(info)
    assert authorize(pair) == "UNKNOWN", "data is null"
    pair.cpo.script(*COMMAND, Reply(data={"result": "ACCEPTED", "timeout": None, "message": None}))
    assert command(pair).data == {"result": "ACCEPTED", "timeout": None, "message": None}
    pair.emsp.script(*CDR, Reply(body=b'{"status_code":1000,"status_message":null,"data":null,"timestamp":null}'))
    post_cdr(pair)
    wait_settled(pair)
    assert len(pair.emsp.received(*CDR)) == 1


# ---------------------------------------------------------------- 9: statuses

TAKEN = [Reply(http=status) for status in (200, 201, 202)] + [Reply(http=status, code=None) for status in (200, 201, 202, 204)] + [Reply(code=1900)]
HTML = b"<html><body>sorry</body></html>"


def name(reply):
    return f"{reply.http} {'html' if reply.body else 'empty' if reply.code is None else reply.code}"


@rule("hub 16-9")
@pytest.mark.parametrize("reply", TAKEN, ids=name)
def test_what_is_success(pair, reply):
    """A session, a CDR and a command's result are delivered, once each."""
    for route in (SESSION, CDR, RESULT):
        pair.emsp.script(*route, reply, forever=True)
    put_session(pair)
    post_cdr(pair)
    assert command(pair).data["result"] == "ACCEPTED" and result_arrives(pair)
    wait_settled(pair)
    assert [len(pair.emsp.received(*route)) for route in (SESSION, CDR, RESULT)] == [1, 1, 1]


@rule("hub 16-9")
@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_is_an_answer(pair, status):
    """Of a real-time request, as long as it is OCPI."""
    pair.cpo.script(*AUTHORIZE, Reply(http=status, data={"allowed": "BLOCKED"}))
    pair.cpo.script(*COMMAND, Reply(http=status, data={"result": "ACCEPTED", "timeout": 30}))
    assert authorize(pair) == "BLOCKED" and command(pair).data["result"] == "ACCEPTED" and result_arrives(pair)


@rule("hub 16-9")
@pytest.mark.parametrize("status", [200, 202, 204])
def test_command_taken_without_a_word(pair, status):
    """2xx without a body: the eMSP gets 1000, and later the result."""
    pair.cpo.script(*COMMAND, Reply(http=status, code=None))
    assert command(pair).code == 1000 and result_arrives(pair) == {"result": "ACCEPTED"}


@rule("hub 16-9")
@pytest.mark.parametrize("reply", [Reply(http=status, body=HTML) for status in (200, 401, 403, 404, 405, 408, 425, 429, 500, 503)], ids=name)
def test_no_ocpi_is_the_receivers_fault(pair, reply):
    """The queue waits, nothing passes it by, and the same message comes again until it is taken."""
    pair.emsp.script(*CDR, *[reply] * (4 if reply.http == 401 else 2))  # after a 401 each try is made in both forms of the token
    post_cdr(pair)
    pair.emsp.wait(*CDR)
    wait_settled(pair)
    requests = pair.emsp.received(*CDR)
    assert len(requests) == (5 if reply.http == 401 else 3) and len({request.body for request in requests}) == 1


@rule("hub 16-9")
@pytest.mark.parametrize("reply", [Reply(http=status, body=HTML) for status in (400, 409, 413, 422)], ids=name)
def test_no_ocpi_is_the_messages_fault(pair, reply):
    """It waits with the answer's beginning as its error, the others pass it by."""
    pair.emsp.script(*CDR, lambda request: reply if request.json["id"] == "BAD" else None, forever=True)
    post_cdr(pair, "BAD")
    pair.emsp.wait(*CDR)
    post_cdr(pair, "GOOD")
    pair.emsp.wait(*CDR, where=lambda request: request.json["id"] == "GOOD")
    (row,) = eventually(lambda: [row for row in pair.hub.deliveries(to=pair.emsp.id) if row["attempts"] and row["object"] == "BAD"], "the refused row")
    assert row["state"] == "pending" and str(reply.http) in row["last_error"], row


@rule("hub 16-9")
@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 429])
def test_no_ocpi_from_a_cpo(pair, status):
    """UNKNOWN and 4000: the CPO answered, but nothing that can be passed on. With an OCPI body its refusal is passed on."""
    for route in (AUTHORIZE, COMMAND):
        pair.cpo.script(*route, Reply(http=status, body=HTML), Reply(http=status, code=2003, message="no such token"))
    answer = pair.emsp.authorize("T1")
    assert answer.data["allowed"] == "UNKNOWN" and str(status) in answer.data["info"]["text"], answer
    answer = command(pair)
    assert answer.outcome == (200, 4000) and str(status) in answer.message, answer
    for answer in (pair.emsp.authorize("T1"), command(pair)):
        assert answer.code == 2003 and answer.message == "no such token", answer


@rule("hub 16-9")
@pytest.mark.parametrize("status", [301, 400, 404])
def test_only_2xx_is_success(pair, status):
    """An envelope of 1000 in another HTTP status is no success."""
    for route in (AUTHORIZE, COMMAND):
        pair.cpo.script(*route, Reply(http=status, **WHOLE))
    assert authorize(pair) == "UNKNOWN" and command(pair).code == 4000


# ---------------------------------------------------------------- 13: bytes

HUGE = b'{"status_code":1000,"data":{"allowed":"ALLOWED","result":"ACCEPTED","x":"' + b"x" * (5 << 20) + b'"}}'
BROKEN = {
    "slow bytes": Reply(drip=1, drip_gap=0.3 * SLOW, **WHOLE),
    "silent": Reply(hold=Gate(30 * SLOW), **WHOLE),
    "huge": Reply(body=HUGE),
    "huge, in chunks": Reply(body=HUGE, chunk=65536),
    "huge, until it closes": Reply(body=HUGE, sized=False),
    "huge head": Reply(headers={f"X-{number}": "x" * 4000 for number in range(20)}, **WHOLE),
    "huge trailers": Reply(chunk=9, trailers={f"X-{number}": "x" * 4000 for number in range(20)}, **WHOLE),
    "closes before it answers": Reply(drop="close"),
    "resets": Reply(drop="reset"),
    "closes in the head": Reply(cut=30, **WHOLE),
    "closes in the body": Reply(cut=-5, **WHOLE),
    "resets in the body": Reply(cut=-5, drop="reset", **WHOLE),
    "closes in a chunk": Reply(chunk=50, cut=-20, **WHOLE),
    "closes before the last chunk": Reply(chunk=50, cut=-5, **WHOLE),
    "closes in an unsized body": Reply(sized=False, cut=-5, **WHOLE),
    "closes in HTTP/1.0": Reply(version="1.0", cut=-5, **WHOLE),
    "no HTTP": Reply(wire=b"SSH-2.0-OpenSSH_9.2\r\n"),
}


@pytest.fixture(params=BROKEN)
def broken(request):
    return BROKEN[request.param]


@rule("hub 16-13")
def test_broken_answer_to_an_authorization(pair, broken):
    """UNKNOWN with the reason, in bounded time; the next one passes."""
    script = pair.cpo.script(*AUTHORIZE, broken, forever=True)
    answer = pair.emsp.authorize("T1")
    assert answer.outcome == (200, 1000) and answer.data["allowed"] == "UNKNOWN" and answer.data["info"]["text"], answer
    pair.cpo.unscript(script)
    assert authorize(pair) == "ALLOWED"


@rule("hub 16-13")
@pytest.mark.parametrize("case", sorted(BROKEN.keys() - {"closes in an unsized body"}))  # that is whole for HTTP, and only no OCPI
def test_broken_answer_to_a_command(pair, case):
    """4002: it may have been taken, so its result is still delivered; it is never sent twice."""
    pair.cpo.script(*COMMAND, BROKEN[case])
    answer = command(pair)
    assert answer.outcome == (200, 4002) and answer.message, answer
    assert len(pair.cpo.received(*COMMAND)) == 1
    assert result_arrives(pair) == {"result": "ACCEPTED"}


@rule("hub 16-13")
def test_broken_answer_to_a_delivery(pair, broken):
    """The receiver's fault: the row tells it, the message comes again and is taken."""
    entry = pair.emsp.script(*CDR, broken, forever=True)
    post_cdr(pair)
    (row,) = eventually(lambda: [row for row in pair.hub.deliveries(to=pair.emsp.id) if row["attempts"]], "an attempt", 4 * DEADLINE)
    assert row["state"] == "pending" and row["last_error"], row
    pair.emsp.unscript(entry)
    wait_settled(pair)


@rule("hub 16-13")
def test_broken_answer_at_the_exchange(hub, broken):
    """Discovery fails, the exchange does not, and the next one finds the endpoints."""
    cpo = hub.add(hub.platform("CPO"))
    entry = cpo.script("GET", "/", broken, forever=True)
    assert cpo.post_credentials(hub.issue(cpo.id)).outcome == (200, 1000)
    assert hub.receiver(cpo, "tokens") is None
    cpo.unscript(entry)
    assert cpo.put_credentials().outcome == (200, 1000)
    assert hub.receiver(cpo, "tokens")


@rule("hub 16-13")
@pytest.mark.parametrize("reply", [BROKEN["slow bytes"], BROKEN["huge, in chunks"], BROKEN["silent"]], ids=["slow bytes", "huge", "silent"])
def test_nobody_else_waits(new_hub, reply):
    """Fifty such answers at once on the hub's one worker: others are served meanwhile, and all fifty end."""
    hub = new_hub(**waiting(5))
    pair, other = hub.pair(), hub.pair()
    pair.cpo.script(*AUTHORIZE, reply, forever=True)
    pair.emsp.script(*CDR, reply, forever=True)
    verdicts = []
    asking = [threading.Thread(target=lambda: verdicts.append(authorize(pair)), daemon=True) for _ in range(50)]
    for thread in asking:
        thread.start()
    for number in range(10):
        post_cdr(pair, f"CDR-{number}")
    pair.cpo.wait(*AUTHORIZE)
    pair.emsp.wait(*CDR)
    for number in range(5):
        assert authorize(other) == "ALLOWED"
        post_cdr(other, f"CDR-{number}")
    wait_settled(other)
    for thread in asking:
        thread.join(4 * DEADLINE)
    assert verdicts == ["UNKNOWN"] * 50
    pair.cpo.unscript()
    assert authorize(pair) == "ALLOWED"


@rule("hub 16-13")
def test_hangs_up_on_kept_connections(pair):
    """A server that closes a connection at its second request: the hub asks again on a new one, however often that happens."""
    pair.cpo.habits = (habits.hangs_up,)
    assert [authorize(pair) for _ in range(20)] == ["ALLOWED"] * 20
    for number in range(20):
        assert command(pair).data["result"] == "ACCEPTED", number
    assert len(pair.cpo.received(*COMMAND)) == 20


@rule("hub 16-13")
@pytest.mark.parametrize("reply, kept", [(Reply(version="1.0", **WHOLE), False), (Reply(version="1.0", sized=False, **WHOLE), False),
                                         (Reply(chunk=7, trailers={"X-Checksum": "1", "Content-Length": "3"}, **WHOLE), True)],
                         ids=["HTTP/1.0", "HTTP/1.0 without a length", "chunked with trailers"])  # fmt: skip
def test_other_forms_of_http(pair, reply, kept):
    """Read like any other; behind trailers the connection goes on."""
    pair.cpo.script(*AUTHORIZE, reply, forever=True)
    assert [authorize(pair) for _ in range(3)] == ["ALLOWED"] * 3
    asked = pair.cpo.received(*AUTHORIZE)
    assert len(asked) == 3 and (asked[2].connection == asked[1].connection) == kept


@rule("hub 16-13")
def test_the_hub_is_well_after_all_this(hub, pair):
    """No error of the hub's own in its log, and a push is stored and delivered as ever."""
    put_session(pair, last_updated=timestamp())
    pair.emsp.wait(*SESSION)
    assert " error " not in hub.stderr(), [line for line in hub.stderr().splitlines() if " error " in line]
