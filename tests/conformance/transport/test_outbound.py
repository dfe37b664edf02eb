"""How the hub calls partners: whom it trusts, where it goes, where it does not."""

import gzip

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import DEADLINE, SLOW, Hub, eventually, forms, free_port
from tests.sim import Reply
from tests.sim.habits import hangs_up
from tests.sim.tls import TlsServer

AUTHORIZE = ("PUT", "/authorize$")


def allowed(emsp, uid="T1"):
    answer = emsp.authorize(uid, {"location_id": "L"})
    assert answer.outcome == (200, 1000), answer
    return answer.data["allowed"]


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    server = TlsServer(tmp_path_factory.mktemp("tls"))
    yield server
    server.close()


@rule("hub 12-1")
@pytest.mark.parametrize("trusted", [False, True])
def test_certificates_are_verified(new_hub, tls, trusted):
    """Nothing is said to a server whose certificate nobody known has signed; with ca_file it is known."""
    hub = new_hub(discovery="require", **({"ca_file": tls.certificate} if trusted else {}))
    platform = hub.add(hub.platform("CPO"))
    before, attempts = len(tls.requests), tls.attempts
    answer = platform.post_credentials(hub.issue(platform.id), url=tls.url)
    assert answer.outcome == (200, 3001) and tls.attempts > attempts, answer
    assert (len(tls.requests) > before) == trusted


# ---------------------------------------------------------------- redirects


@rule("hub 12-2")
@pytest.mark.parametrize("status", [307, 308])
def test_one_redirect_is_followed(pair, status):
    """With method and body; another one behind it is not."""
    target = pair.cpo.url + "/moved"
    pair.cpo.script(*AUTHORIZE, Reply(http=status, headers={"Location": target}), forever=True)
    pair.cpo.script("PUT", "^/moved$", Reply(data={"allowed": "ALLOWED"}), Reply(http=status, headers={"Location": target + "/again"}))
    assert allowed(pair.emsp) == "ALLOWED"
    assert pair.cpo.received("PUT", "^/moved$")[0].json == {"location_id": "L"}
    assert allowed(pair.emsp) == "UNKNOWN"
    assert pair.cpo.received("*", "/again$") == []


@rule("hub 12-2")
@pytest.mark.parametrize("status", [301, 302, 303])
def test_redirects_that_change_the_method_are_not_followed(pair, status):
    pair.cpo.script(*AUTHORIZE, Reply(http=status, headers={"Location": pair.cpo.url + "/moved"}))
    assert allowed(pair.emsp) == "UNKNOWN"
    assert pair.cpo.received("*", "^/moved$") == []


@rule("hub 12-3", "hub 12-10")
def test_no_redirect_elsewhere(hub, pair):
    """Neither to another port, nor another name of the host, nor another scheme: the token goes nowhere else."""
    other = hub.platform("CPO")
    for target in (other.url, other.url.replace("127.0.0.1", "localhost"), pair.cpo.url.replace("http:", "https:"), "//" + other.url[7:]):
        pair.cpo.script(*AUTHORIZE, Reply(http=307, headers={"Location": target + "/moved"}))
        assert allowed(pair.emsp) == "UNKNOWN", target
    assert other.received() == [] == pair.cpo.received("*", "/moved")


# ---------------------------------------------------------------- addresses


@rule("hub 12-4")
@pytest.mark.parametrize("url", ["ftp://127.0.0.1/versions", "file:///etc/passwd", "gopher://127.0.0.1:70/_x", "unix:/run/x"])
def test_only_http(hub, url):
    platform = hub.add(hub.platform("CPO"))
    assert hub.ctl("receiver", "set", platform.id, "tokens", url).rc == 1
    answer = platform.post_credentials(hub.issue(platform.id), url=url)
    assert answer.outcome == (200, 2001) and "/url" in answer.message, answer


@rule("hub 12-5")
@pytest.mark.parametrize(
    "settings, called",
    [({}, False), ({"allow_private_networks": "yes"}, True), ({"allow_networks": "127.0.0.1/32"}, True), ({"allow_networks": "10.0.0.0/8"}, False)],
    ids=["nothing allowed", "private networks", "this network", "another network"],
)
def test_private_addresses(new_hub, settings, called):
    """Loopback stands for all that is private. What is refused is not even connected to."""
    hub = new_hub(**{"discovery": "require", "allow_networks": None, **settings})
    platform = hub.add(hub.platform("CPO"))
    answer = platform.post_credentials(hub.issue(platform.id))
    assert answer.outcome == (200, 1000 if called else 3001), answer
    assert (platform.server.connections > 0) == called


@rule("hub 12-5")
def test_a_name_is_judged_by_its_address(new_hub):
    hub = new_hub(discovery="require", allow_networks=None)
    platform = hub.add(hub.platform("CPO"))
    answer = platform.post_credentials(hub.issue(platform.id), url=platform.url.replace("127.0.0.1", "localhost") + "/ocpi/versions")
    assert answer.outcome == (200, 3001) and platform.server.connections == 0, answer


@rule("hub 12-6")
@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::]"])
def test_link_local_never(open_to_all, host):
    """Whatever is allowed: refused at once, as an address that may not be called and not as one that does not answer."""
    hub = open_to_all
    platform = hub.add(hub.platform("CPO"))
    answer = platform.post_credentials(hub.issue(platform.id), url=f"http://{host}/ocpi/versions")
    assert answer.outcome == (200, 3001) and "link-local" in answer.message, answer


@rule("hub 12-6")
@pytest.mark.parametrize("host", ["[fd00:ec2::254]", "100.100.100.200", "192.0.0.192", "[64:ff9b::6464:64c8]"])
def test_metadata_never(open_to_all, host):
    """The services that hand out a machine's own keys stand at more addresses than the link-local one."""
    platform = open_to_all.add(open_to_all.platform("CPO"))
    answer = platform.post_credentials(open_to_all.issue(platform.id), url=f"http://{host}/ocpi/versions")
    assert answer.outcome == (200, 3001) and "metadata" in answer.message, answer


@pytest.fixture(scope="module")
def open_to_all():
    with Hub(discovery="require", discovery_timeout=f"{5 * SLOW:g}s", allow_private_networks="yes", allow_networks="169.254.0.0/16,fd00::/8") as running:
        yield running


@rule("hub 12-7")
def test_proxy_variables_are_ignored(new_hub, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    made = new_hub().pair()
    assert allowed(made.emsp) == "ALLOWED"


# ---------------------------------------------------------------- answers, connections


@rule("hub 12-8")
def test_answers_over_4_mib(pair):
    for size, verdict in ((3 << 20, "ALLOWED"), (4 << 20, "UNKNOWN")):
        pair.cpo.script(*AUTHORIZE, Reply(data={"allowed": "ALLOWED", "x": "x" * size}))
        assert allowed(pair.emsp) == verdict
    assert allowed(pair.emsp) == "ALLOWED", "it goes on"


@rule("hub 12-11")
def test_connections_are_used_again(pair):
    """Not one for each request: at most one per loop of the hub."""
    assert allowed(pair.emsp) == "ALLOWED"
    before = pair.cpo.server.connections
    for _ in range(20):
        assert allowed(pair.emsp) == "ALLOWED"
    assert pair.cpo.server.connections - before <= 2


# ---------------------------------------------------------------- hosts


def unlock(emsp, url):
    return emsp.command("UNLOCK_CONNECTOR", {"location_id": "L", "evse_uid": "E", "connector_id": "1", "response_url": url})


@rule("hub 12-9")
def test_response_url_on_a_registered_host(pair):
    """The platform's own hosts, and those that the account team allowed; anywhere else the command is refused and not sent."""
    for url in ("http://elsewhere.example/cb", "https://127.0.0.1.example/cb", "http://127.0.0.1@elsewhere.example/cb", "ftp://127.0.0.1/cb", "/cb"):
        answer = unlock(pair.emsp, url)
        assert answer.outcome == (200, 2001) and "/response_url" in answer.message, answer
    assert pair.cpo.received("POST", "/commands/") == []
    assert unlock(pair.emsp, pair.emsp.url + "/cb").outcome == (200, 1000)
    pair.hub.ok("party", "set", pair.emsp.id, "--allow-host", "elsewhere.example")
    assert unlock(pair.emsp, "http://elsewhere.example/cb").outcome == (200, 1000)
    pair.hub.ok("party", "set", pair.emsp.id, "--forbid-host", "elsewhere.example")
    assert unlock(pair.emsp, "http://elsewhere.example/cb").outcome == (200, 2001)


@rule("hub 12-9", "hub 12-10")
def test_response_url_on_any_host(new_hub):
    """Where the setting allows it the result goes there, without the partner's token."""
    made = new_hub(response_url_any_host="yes").pair()
    other = made.hub.platform("EMSP")
    url = other.url.replace("127.0.0.1", "localhost") + "/ocpi/callbacks/1"
    assert unlock(made.emsp, url).outcome == (200, 1000)
    made.cpo.send_result(made.cpo.wait("POST", "/UNLOCK_CONNECTOR$"), "ACCEPTED")
    result = other.wait("POST", "^/ocpi/callbacks/1$")
    assert result.json == {"result": "ACCEPTED"} and "authorization" not in result.headers


@rule("hub 12-10")
def test_the_token_goes_to_registered_hosts_only(hub):
    """A versions list that points elsewhere is not followed with the token."""
    platform, other = hub.add(hub.platform("CPO")), hub.platform("CPO")
    elsewhere = other.url.replace("127.0.0.1", "localhost") + "/ocpi/2.2.1"
    other.script("GET", "/", Reply(data={"version": "2.2.1", "endpoints": []}), forever=True)
    platform.script("GET", "/ocpi/versions$", Reply(data=[{"version": "2.2.1", "url": elsewhere}]), forever=True)
    assert platform.post_credentials(hub.issue(platform.id)).outcome == (200, 1000)
    eventually(lambda: platform.received("GET", "/ocpi/versions$"), "the list was read")
    sent = [request.headers.get("authorization", "") for request in other.received()]
    assert not any(form.decode() in value for form in forms(platform.token) for value in sent)


@rule("hub 12-14")
def test_kept_connections_that_die(pair):
    pair.cpo.habits = (hangs_up,)
    assert {allowed(pair.emsp, f"T{number}") for number in range(30)} == {"ALLOWED"}


@rule("hub 12-15")
@pytest.mark.parametrize(
    ("coding", "change", "verdict"),
    [("gzip", gzip.compress, "ALLOWED"), ("identity", lambda body: b"\xef\xbb\xbf" + body, "ALLOWED"),
     ("gzip", lambda body: gzip.compress(body)[:-9], "UNKNOWN"), ("br", bytes, "UNKNOWN")],
    ids=["gzip", "byte order mark", "cut off", "not asked for"],
)  # fmt: skip
def test_coded_answers(pair, coding, change, verdict):
    body = Reply(data={"allowed": "ALLOWED"}).payload()
    pair.cpo.script(*AUTHORIZE, Reply(body=change(body), headers={"Content-Encoding": coding}))
    assert allowed(pair.emsp) == verdict
    assert pair.cpo.received(*AUTHORIZE)[-1].headers["accept-encoding"] == "gzip"


@rule("hub 12-16")
def test_calls_carry_via(pair):
    allowed(pair.emsp)
    names = {request.headers.get("via") for request in pair.cpo.received() + pair.emsp.received()}
    assert len(names) == 1 and names.pop().startswith("1.1 hub-"), names
