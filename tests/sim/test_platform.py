"""The simulated platform itself: what it serves, records and gets wrong on demand. Needs no hub."""

import http.client
import json
import socket
import threading
from urllib.parse import urlsplit

import pytest

from tests.sim import Gate, Party, Platform, Reply, call, exact, habits, payloads
from tests.sim.client import Spelled
from tests.sim.wire import timestamp

CPO = Party("IN", "ABC", "CPO", "ABC Charging")
EMSP = Party("IN", "XYZ", "EMSP", "XYZ Mobility")


@pytest.fixture
def platform():
    made = Platform("http://127.0.0.1:9", CPO, EMSP, token="secret-token")
    yield made
    made.close()


def ask(platform, method, path, body=None, **options):
    return call(method, platform.url + path, body, token=platform.token, **options)


def test_versions_and_details(platform):
    """Both interfaces of a platform with two roles are listed, with absolute URLs, which may end in a slash."""
    versions = ask(platform, "GET", "/ocpi/versions")
    assert versions.outcome == (200, 1000)
    details = call("GET", versions.data[0]["url"], token=platform.token)
    listed = {(entry["identifier"], entry["role"]) for entry in details.data["endpoints"]}
    assert {("tokens", "RECEIVER"), ("commands", "RECEIVER"), ("sessions", "RECEIVER"), ("credentials", "SENDER")} <= listed
    platform.tail = "/"
    details = call("GET", versions.data[0]["url"], token=platform.token)
    assert all(entry["url"].startswith(platform.url) and entry["url"].endswith("/") for entry in details.data["endpoints"])


@pytest.mark.parametrize("encodings, sent, status", [
    ({"raw", "base64"}, "raw", 200), ({"raw", "base64"}, "base64", 200), ({"raw"}, "base64", 401), ({"base64"}, "raw", 401), ({"raw"}, "raw", 200),
])  # fmt: skip
def test_token_forms(platform, encodings, sent, status):
    platform.encodings = encodings
    assert ask(platform, "GET", "/ocpi/versions", encoding=sent).status == status


def test_takes_credentials():
    """An invited hub may POST once and PUT from then on; the platform calls it back with the token it was given."""
    hub, platform = Platform("http://127.0.0.1:9", EMSP, token="token-of-the-hub"), Platform("http://127.0.0.1:9", CPO)
    try:
        invitation = platform.invite()
        url = f"{platform.url}/ocpi/2.2.1/credentials"
        assert call("PUT", url, hub.credentials(), token=invitation).outcome == (405, 2000)
        refused = call("POST", url, hub.credentials(token="not-the-hub's"), token=invitation)
        assert refused.outcome == (200, 3001)
        answer = call("POST", url, hub.credentials(), token=invitation)
        assert answer.outcome == (200, 1000) and answer.data["token"] == platform.token
        assert (platform.hub_token, [role["role"] for role in answer.data["roles"]]) == ("token-of-the-hub", ["CPO"])
        hub.wait("GET", "/ocpi/versions$", count=2)
        assert call("POST", url, hub.credentials(), token=invitation).status == 401
        assert call("POST", url, hub.credentials(), token=platform.token).outcome == (405, 2000)
        platform.renews = True
        renewed = call("PUT", url, hub.credentials(), token=platform.token)
        assert renewed.outcome == (200, 1000) and renewed.data["token"] == platform.token != answer.data["token"]
    finally:
        hub.close()
        platform.close()


def test_records_and_waits(platform):
    """A waiter in one thread is woken by a request from another; headers, body and routing are kept."""
    found = []
    thread = threading.Thread(target=lambda: found.append(platform.wait("PUT", "/sessions/", where=lambda r: r.json["kwh"] == 2)))
    thread.start()
    for kwh in (1, 2):
        body = payloads.session(CPO, EMSP, kwh=kwh)
        answer = ask(platform, "PUT", "/ocpi/2.2.1/sessions/IN/ABC/S1?x=1", body, headers={"OCPI-to-party-id": "XYZ", "OCPI-to-country-code": "IN"})
        assert answer.status == (201 if kwh == 1 else 200)
    thread.join(10)
    assert found[0].routing == (None, "IN-XYZ") and found[0].query == "x=1"
    with pytest.raises(AssertionError, match="waited"):
        platform.wait("DELETE", "/nothing", seconds=0.01)


def test_scripts_in_order(platform):
    """Scripted answers are used up one by one, then the default again; a forever one stays until taken back."""
    platform.script("PUT", "/authorize$", Reply(http=503), Reply(data={"allowed": "BLOCKED"}))
    path = "/ocpi/2.2.1/tokens/IN/XYZ/T1/authorize"
    outcomes = [ask(platform, "PUT", path) for _ in range(3)]
    assert [answer.status for answer in outcomes] == [503, 200, 200]
    assert [answer.data["allowed"] for answer in outcomes[1:]] == ["BLOCKED", "ALLOWED"]
    entry = platform.script("PUT", "/authorize$", Reply(code=2001), forever=True)
    assert [ask(platform, "PUT", path).code for _ in range(2)] == [2001, 2001]
    platform.unscript(entry)
    assert ask(platform, "PUT", path).code == 1000
    made = call("POST", platform.url + "/_sim/script", {"path": "authorize", "reply": {"http": 500, "code": 3000}})
    assert made.outcome == (200, 1000) and ask(platform, "PUT", path).outcome == (500, 3000)


def test_gate_holds_an_answer(platform):
    gate = Gate()
    platform.script("GET", "/versions$", Reply(hold=gate))
    answers = []
    thread = threading.Thread(target=lambda: answers.append(ask(platform, "GET", "/ocpi/versions")))
    thread.start()
    platform.wait("GET", "/versions$")
    assert ask(platform, "GET", "/ocpi/versions").status == 200, "others pass"
    assert not answers
    gate.open()
    thread.join(10)
    assert answers[0].status == 200


@pytest.mark.parametrize("reply, error", [
    (Reply(drop="close"), http.client.RemoteDisconnected), (Reply(drop="reset"), ConnectionResetError),
    (Reply(wire=b"SSH-2.0-x\r\n"), http.client.BadStatusLine),
    (Reply(wire=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", drop="close"), http.client.IncompleteRead),
])  # fmt: skip
def test_broken_answers(platform, reply, error):
    platform.script("GET", "/versions$", reply)
    with pytest.raises(error):
        ask(platform, "GET", "/ocpi/versions")
    assert ask(platform, "GET", "/ocpi/versions").status == 200


def test_slow_bytes_and_own_bytes(platform):
    body = b'{"status_code":1000,"data":12.50,"timestamp":"2025-01-01T00:00:00Z"}'
    platform.script("GET", "/versions$", Reply(body=body, drip=20, drip_gap=0.001))
    answer = ask(platform, "GET", "/ocpi/versions")
    assert answer.body == body and answer.exact_data == Spelled("12.50")


def raw_answers(platform, *paths):
    """All bytes that come back on one connection for these GETs, sent one behind the other."""
    head = f"HTTP/1.1\r\nHost: h\r\nAuthorization: Token {platform.token}\r\n"
    requests = [f"GET {path} {head}\r\n" for path in paths[:-1]] + [f"GET {paths[-1]} {head}Connection: close\r\n\r\n"]
    with socket.create_connection(("127.0.0.1", platform.server.port)) as connection:
        connection.sendall("".join(requests).encode())
        return connection.makefile("rb").read()


def test_forms_of_http(platform):
    """HTTP/1.0 and an answer without a length end the connection; chunks with trailers do not."""
    path = "/ocpi/versions"
    platform.script("GET", "/versions$", Reply(version="1.0"), Reply(sized=False), Reply(chunk=7, trailers={"X-Sum": "1"}), Reply(drop="close"))
    old, endless, both = raw_answers(platform, path, path), raw_answers(platform, path, path), raw_answers(platform, path, path, path)
    assert old.startswith(b"HTTP/1.0 200 OK") and old.count(b"HTTP/1.") == 1 and b"Content-Length" in old
    assert endless.count(b"HTTP/1.") == 1 and b"Content-Length" not in endless and endless.endswith(b"}")
    assert both.count(b"HTTP/1.1 200") == 1 and both.endswith(b"\r\n0\r\nX-Sum: 1\r\n\r\n")
    assert [(request.connection, request.nth) for request in platform.received()] == [(1, 1), (2, 1), (3, 1), (3, 2)]


@pytest.mark.parametrize("cut", [30, -1])
def test_cut_answers(platform, cut):
    """The beginning of an answer, and then the end of the connection."""
    platform.script("GET", "/versions$", Reply(body=b"whole"), Reply(body=b"whole", cut=cut))
    whole, part = raw_answers(platform, "/ocpi/versions"), raw_answers(platform, "/ocpi/versions", "/ocpi/versions")
    assert whole.endswith(b"whole") and part == whole[:cut]


def test_how_it_asks(platform):
    """The scheme's spelling, the joint of URL and ids, the spelling of ids, and no message ids."""
    other = Platform(platform.url, CPO, scheme="token", joins="//", spells=str.lower, ids=False)
    try:
        other.put("locations", payloads.location(CPO, "LOC1"), token=platform.token, sender=CPO.id, to="IN-CIH")
        other.get("locations", token=platform.token)
        first, second = platform.received()
        assert first.target == "/ocpi/2.2.1/locations//in/abc/loc1" and first.json["id"] == "LOC1"
        assert first.headers["authorization"].startswith("token ") and first.routing == ("in-abc", "in-cih")
        assert second.target == "/ocpi/2.2.1/locations" and "x-request-id" not in second.headers
    finally:
        other.close()


AUTHORIZE, SESSION = "/ocpi/2.2.1/tokens/IN/XYZ/T1/authorize", "/ocpi/2.2.1/sessions/IN/ABC/S1"


@pytest.mark.parametrize("habit, path, expect", [
    (habits.redirects, AUTHORIZE + "?type=RFID", lambda a: a.status == 307 and a.headers["Location"] == AUTHORIZE + "/?type=RFID"),
    (habits.redirects, SESSION + "/", lambda a: a.outcome == (201, 1000)),
    (habits.redirecting(308, absolute=True), SESSION, lambda a: a.status == 308 and a.headers["Location"].startswith("http://127.0.0.1:")),
    (habits.wraps, AUTHORIZE, lambda a: a.data[0]["allowed"] == "ALLOWED"),
    (habits.wraps, SESSION, lambda a: "data" not in a.json),
    (habits.writes_null, AUTHORIZE, lambda a: a.data["info"] is None and a.data["allowed"] == "ALLOWED"),
    (habits.writes_null, SESSION, lambda a: a.json["data"] is None and a.code == 1000),
    (habits.accepts_only, SESSION, lambda a: a.outcome == (202, 1000)),
    (habits.says_nothing, SESSION, lambda a: (a.status, a.body) == (204, b"")),
    (habits.says_nothing, AUTHORIZE, lambda a: a.data["allowed"] == "ALLOWED"),
    (habits.speaks_http_1_0, SESSION, lambda a: a.outcome == (201, 1000) and not a.headers["Content-Length"]),
    (habits.chunks, SESSION, lambda a: a.outcome == (201, 1000) and a.headers["Transfer-Encoding"] == "chunked"),
    (habits.drips, SESSION, lambda a: a.outcome == (201, 1000)),
    (habits.hangs_up, SESSION, lambda a: a.outcome == (201, 1000)),
    (habits.echoes_nothing, SESSION, lambda a: a.outcome == (201, 1000) and not a.headers["X-Request-ID"]),
])  # fmt: skip
def test_habits(platform, habit, path, expect):
    """Each does what it says to the answers it is about and leaves the others alone."""
    platform.habits = (habit,)
    answer = ask(platform, "PUT", path, {})
    assert expect(answer), answer


def test_hangs_up_at_the_second_request(platform):
    platform.habits = (habits.hangs_up,)
    assert raw_answers(platform, "/ocpi/versions", "/ocpi/versions").count(b"HTTP/1.1 200") == 1
    assert len(platform.received()) == 2


def test_habits_together(platform):
    """The first one is outermost; a script is above them all."""
    platform.habits = (habits.redirects, habits.wraps, habits.accepts_only)
    assert ask(platform, "PUT", AUTHORIZE).status == 307
    answer = ask(platform, "PUT", AUTHORIZE + "/")
    assert answer.status == 202 and answer.data[0]["allowed"] == "ALLOWED"
    platform.script("PUT", "/authorize", Reply(http=503))
    assert ask(platform, "PUT", AUTHORIZE).status == 503


def test_down_and_up(platform):
    """Down: refused, and open connections are cut; up: the same port."""
    address = ("127.0.0.1", platform.server.port)
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET /ocpi/versions HTTP/1.1\r\nHost: h\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 401")
        platform.down()
        connection.settimeout(5)
        try:
            assert connection.recv(10000).endswith(b"}") and connection.recv(1) == b""
        except ConnectionResetError:
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address).close()
    platform.up()
    assert ("127.0.0.1", platform.server.port) == address and ask(platform, "GET", "/ocpi/versions").status == 200


def test_keep_alive_and_chunked(platform):
    """Two requests on one connection, the first one chunked."""
    with socket.create_connection(("127.0.0.1", platform.server.port)) as connection:
        connection.sendall(b"POST /ocpi/callbacks/1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n0\r\n\r\n")
        connection.sendall(b"GET /ocpi/callbacks/2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        received = b""
        while data := connection.recv(65536):
            received += data
    assert received.count(b"HTTP/1.1 ") == 2
    assert platform.received("POST", "/callbacks/1$")[0].body == b"{}\n"


def test_command_and_result():
    """A CPO and an eMSP talk directly: the command, its answer, and the result at the response_url."""
    emsp = Platform("http://127.0.0.1:9", EMSP)
    cpo = Platform("http://127.0.0.1:9", CPO)
    try:
        cpo.auto_result = "ACCEPTED"
        body = {**payloads.start_session(EMSP), "response_url": emsp.response_url()}
        answer = ask(cpo, "POST", "/ocpi/2.2.1/commands/START_SESSION", body)
        assert answer.data["result"] == "ACCEPTED"
        result = emsp.wait("POST", urlsplit(body["response_url"]).path)
        assert result.json == {"result": "ACCEPTED"}
    finally:
        emsp.close()
        cpo.close()


def test_exact_keeps_order_and_spelling():
    text = '{"b":12.50,"a":[1,1E2,{"z":-0.0}]}'
    assert exact(text) == exact(text.replace(",", ", "))
    assert exact(text) != exact('{"a":[1,1E2,{"z":-0.0}],"b":12.50}')
    assert exact(text) != exact(text.replace("12.50", "12.5"))


def test_a_location_is_about_2600_bytes():
    body = payloads.location(CPO)
    size = len(json.dumps(body, separators=(",", ":")))
    assert 2400 <= size <= 2900 and len(body["evses"]) == 2


def test_lists(platform):
    """What it offers goes out in pages, by date; habits make other lists of it."""
    platform.offers = {"tariffs": [payloads.tariff(CPO, f"T{n}", last_updated=f"2025-01-0{n}T00:00:00Z") for n in range(1, 6)]}

    def ids(query):
        answer = ask(platform, "GET", "/ocpi/2.2.1/tariffs" + query)
        return [entry["id"] for entry in answer.data], answer.headers

    first, headers = ids("?limit=2&date_from=2025-01-02T00:00:00Z")
    assert first == ["T2", "T3"] and headers["X-Total-Count"] == "4" and headers["X-Limit"] == "50"
    following = headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    assert ids("?" + urlsplit(following).query)[0] == ["T4", "T5"]
    platform.habits = (habits.ignoring("limit"), habits.ignoring("date_from"), habits.without("X-Limit"))
    assert ids("?limit=2&date_from=2025-01-02T00:00:00Z")[0] == ["T1", "T2", "T3", "T4", "T5"] and "X-Limit" not in ids("")[1]
    platform.habits = (habits.walks_in_circles, habits.lists_what("T1", currency=None), habits.running_ahead(3600))
    answer = ask(platform, "GET", "/ocpi/2.2.1/tariffs?limit=2")
    assert "offset=0" in answer.headers["Link"] and ["currency" in entry for entry in answer.data] == [False, True]
    assert answer.json["timestamp"] > timestamp(3000)


def test_a_port_is_nobody_elses_afterwards():
    """A hub goes on calling one that is gone: whoever comes next must not hear it; itself it may come back."""
    gone = Platform("http://127.0.0.1:9", CPO, token="secret-token")
    gone.close()
    others = [Platform("http://127.0.0.1:9", CPO) for _ in range(20)]
    assert gone.server.port not in [other.server.port for other in others]
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", gone.server.port), timeout=5):
        pass
    gone.server.up()
    assert ask(gone, "GET", "/ocpi/versions").outcome == (200, 1000)
    for platform in (gone, *others):
        platform.close()
