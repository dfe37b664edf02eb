"""Whoever polls with date_from = the timestamp of the last answer is told of every change, however polls and changes fall together: each
list that the hub pages (hub-ocpi(7), PAGINATION)."""

import itertools
import threading

import pytest

from tests.e2e.harness import LONG, Hub, eventually
from tests.sim import payloads

ROUNDS = 200 if LONG else 40


@pytest.fixture(scope="module")
def busy():
    with Hub(threads=4, emsp_backfill="on") as hub:
        yield hub.pair()


class Poller:
    """Polls one list window by window until it is told to stop, and once more."""

    def __init__(self, platform, module, limit=None):
        self.platform, self.module = platform, module
        self.query = {} if limit is None else {"limit": limit}
        self.rounds = []  # the objects of each window
        self.stamps = []
        self.stop = threading.Event()
        self.window("1970-01-01T00:00:00Z")
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def window(self, begin):
        pages = self.platform.pages(self.module, date_from=begin, **self.query)
        assert all(page.outcome == (200, 1000) for page in pages), pages
        self.rounds.append([entry for page in pages for entry in page.data])
        self.stamps.append(pages[-1].json["timestamp"])

    def run(self):
        while not self.stop.is_set():
            self.window(self.stamps[-1])

    def end(self):
        self.stop.set()
        self.thread.join()
        self.window(self.stamps[-1])
        return [entry for window in self.rounds for entry in window]


@pytest.mark.parametrize("limit", [None, 1, 2])
def test_statuses(busy, limit):
    """Suspended and resumed: each new status is in a window after it."""
    hub = busy.hub
    others = [hub.onboard("CPO").party for _ in range(2)]
    poller = Poller(busy.emsp, "hubclientinfo", limit)
    for number in range(ROUNDS // 4):
        party = others[number % 2]
        for verb, status in (("suspend --reason test", "SUSPENDED"), ("resume", "CONNECTED")):
            before = len(poller.rounds)
            name, *options = verb.split()
            hub.ok("party", name, party.id, *options)
            told = lambda: [e["status"] for window in poller.rounds[before - 1 :] for e in window if e["party_id"] == party.party_id]  # noqa: E731
            eventually(lambda: status in told(), f"a window tells of {status}, change {number}")
    poller.end()


def test_the_window_does_not_run_ahead(busy):
    """What is suspended while lists are answered has last_updated of the window that shows it, not of one before."""
    hub = busy.hub
    party = hub.onboard("CPO").party
    poller = Poller(busy.emsp, "hubclientinfo")
    script = "\n".join(f"party suspend {party.id} --reason test\nparty resume {party.id}" for _ in range(ROUNDS)) + "\n"
    hub.ok("batch", "-f", "-", stdin=script)
    told = [entry["last_updated"] for entry in poller.end() if entry["party_id"] == party.party_id]
    last = busy.emsp.get(f"hubclientinfo/{party.country_code}/{party.party_id}").data
    assert told[-1] == last["last_updated"]
    assert told == sorted(told)
    for stamp, window in itertools.islice(zip(poller.stamps, poller.rounds[1:]), len(poller.stamps)):
        assert all(entry["last_updated"] >= stamp for entry in window)


def test_pages_while_parties_go(busy):
    """A party that is removed between two pages takes nobody's place in the list."""
    hub = busy.hub
    ids = [hub.new_party("CPO").id for _ in range(6)]
    for ident in ids:
        hub.ok("party", "add", ident, "--role", "CPO", "--name", "x")
    kept = {ident for ident in ids[1:]}
    whole = {f"{e['country_code']}-{e['party_id']}" for e in busy.emsp.get("hubclientinfo", query={"limit": 1000}).data}
    assert kept <= whole
    answer = busy.emsp.get("hubclientinfo", query={"limit": len(whole) - 4})
    seen = [f"{e['country_code']}-{e['party_id']}" for e in answer.data]
    assert ids[0] in seen
    hub.ok("party", "remove", ids[0], f"--confirm={ids[0]}")
    link = answer.headers["Link"][1:].split(">")[0]
    seen += [f"{e['country_code']}-{e['party_id']}" for e in busy.emsp.get(link).data]
    assert sorted(seen) == sorted(whole)


@pytest.mark.parametrize("module", ["sessions", "cdrs", "locations", "tariffs"])
@pytest.mark.parametrize("limit", [None, 3])
def test_pushes(busy, module, limit):
    """Everything that was pushed meanwhile is in some window."""
    cpo, emsp = busy.cpo, busy.emsp
    make = {
        "sessions": lambda ident: cpo.put("sessions", payloads.session(cpo.party, emsp.party, ident)),
        "cdrs": lambda ident: cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, ident)),
        "locations": lambda ident: cpo.put("locations", payloads.location(cpo.party, ident)),
        "tariffs": lambda ident: cpo.put("tariffs", payloads.tariff(cpo.party, ident)),
    }[module]
    poller = Poller(emsp, module, limit)
    idents = [f"W-{limit}-{number}" for number in range(ROUNDS)]
    for ident in idents:
        assert make(ident).code == 1000
    found = {entry["id"] for entry in poller.end()}
    assert set(idents) <= found, set(idents) - found
