"""Whose host it is: where tokens and results may go, and where they may not yet."""

import socket

from tests.e2e.harness import eventually
from tests.sim import Reply, payloads
from tests.sim.client import authorization
from tests.sim.habits import lists_endpoints

VERSIONS = "^/ocpi/versions$"


def card(hub, party):
    return hub.one("party", "show", getattr(party, "id", party))


class Listener:
    """Somebody's machine: notes what comes, answers nothing good."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.socket.close()


def start_at(emsp, cpo, url):
    return emsp.command("START_SESSION", payloads.start_session(emsp.party, "L1", response_url=url))


def test_a_named_host_is_nobodys_before_it_answers(hub):
    """A url that leads nowhere makes no host the partner's: no response_url there, no token, until an exchange has succeeded."""
    _, cpo, emsp = hub.pair()
    cpo.put("locations", payloads.location(cpo.party, "L1"))
    dead = Listener().port
    assert emsp.put_credentials(url=f"http://localhost:{dead}/ocpi/versions").outcome == (200, 1000)
    assert card(hub, emsp)["hosts"] == ["127.0.0.1"]
    answer = start_at(emsp, cpo, f"http://localhost:{emsp.server.port}/ocpi/callbacks/1")
    assert answer.outcome == (200, 2001) and '\\"localhost\\"' in answer.body.decode(), answer
    assert start_at(emsp, cpo, emsp.response_url()).outcome == (200, 1000), "what it had stays"
    emsp.script("GET", VERSIONS, Reply(data=[{"version": "2.2.1", "url": f"http://localhost:{emsp.server.port}/ocpi/2.2.1"}]), forever=True)
    assert emsp.put_credentials(url=f"http://localhost:{emsp.server.port}/ocpi/versions").outcome == (200, 1000)
    assert "localhost" in card(hub, emsp)["hosts"]
    assert start_at(emsp, cpo, f"http://localhost:{emsp.server.port}/ocpi/callbacks/2").outcome == (200, 1000)


def test_no_token_goes_to_a_host_that_was_only_named(new_hub):
    """Probes of a url that never answered an exchange have no token; the account team's discovery has, and it counts then."""
    hub = new_hub(probe_interval="100ms", probe_timeout="1s")
    emsp = hub.onboard("EMSP")
    emsp.script("GET", "^/later/versions$", Reply(http=500, code=3000), forever=True)
    assert emsp.put_credentials(url=f"http://localhost:{emsp.server.port}/later/versions").outcome == (200, 1000)
    asked = len(emsp.received("GET", "^/later/versions$"))
    assert all("authorization" in r.headers for r in emsp.received("GET", "^/later/versions$")), "the exchange itself presents it"
    probe = emsp.wait("GET", "^/later/", count=asked + 2)
    assert "authorization" not in probe.headers
    emsp.unscript()
    emsp.script("GET", "^/later/versions$", Reply(data=[{"version": "2.2.1", "url": f"http://localhost:{emsp.server.port}/ocpi/2.2.1"}]), forever=True)
    hub.ok("receiver", "discover", emsp.id)
    assert "localhost" in card(hub, emsp)["hosts"]
    asked = len(emsp.received("GET", "^/later/versions$"))
    probe = emsp.wait("GET", "^/later/", count=asked + 2)
    assert probe.headers["authorization"] == authorization(emsp.token)


def test_a_listed_host_counts_when_it_has_answered(hub):
    """Endpoints on another host than the document: they are used, with the token; a response_url there once one answered well."""
    cpo = hub.onboard("CPO")
    emsp = hub.platform("EMSP", habits=(lists_endpoints(
        lambda entries: [{**e, "url": e["url"].replace("127.0.0.1", "localhost")} if e["identifier"] == "sessions" else e for e in entries]),))  # fmt: skip
    hub.add(emsp).register(hub.issue(emsp.id))
    hub.rule(emsp, cpo)
    cpo.put("locations", payloads.location(cpo.party, "L1"))
    there = f"http://localhost:{emsp.server.port}/ocpi/callbacks/1"
    assert start_at(emsp, cpo, there).outcome == (200, 2001)
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S1"))
    assert emsp.wait("PUT", "/sessions/").headers["authorization"] == authorization(emsp.token)
    eventually(lambda: "localhost" in card(hub, emsp)["hosts"], "the host counts")
    assert start_at(emsp, cpo, there).outcome == (200, 1000)
    assert hub.audit(action="party.host")[-1]["detail"] == {"host": "localhost"}


def test_the_account_teams_hosts_count_at_once(hub):
    _, cpo, emsp = hub.pair()
    cpo.put("locations", payloads.location(cpo.party, "L1"))
    there = f"http://localhost:{emsp.server.port}/ocpi/callbacks/1"
    assert start_at(emsp, cpo, there).outcome == (200, 2001)
    hub.ok("receiver", "set", emsp.id, "hubclientinfo", f"http://localhost:{emsp.server.port}/ocpi/2.2.1/hubclientinfo")
    assert start_at(emsp, cpo, there).outcome == (200, 1000)
