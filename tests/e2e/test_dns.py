"""Names of partners' hosts: a DNS server that is slow or dead, addresses that are not allowed, names that nobody knows."""

import errno
import os
import threading

import pytest

from tests.e2e.harness import BIN, DEADLINE, SLOW, eventually
from tests.sim import payloads

DEAD = 24  # many more than a pool of threads of the usual size


class Name:
    """A name whose DNS server says nothing before answer()."""

    def __init__(self, folder, name):
        self.path = folder / name
        self.asked = None
        os.mkfifo(self.path)

    def wait_asked(self):
        """Waits until hubd asks for it."""
        self.asked = eventually(self._open, f"{self.path.name} is looked up")

    def _open(self):
        try:
            return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            assert error.errno == errno.ENXIO  # nobody reads
            return None

    def answer(self, *addresses):
        """To the question that waits, and to all later ones."""
        self.path.unlink()
        self.path.write_text("".join(f"{address}\n" for address in addresses))
        os.write(self.asked, self.path.read_bytes())
        os.close(self.asked)


@pytest.fixture
def names(monkeypatch, tmp_path):
    """The folder of the names that hubd knows, for a hub that is started in the test."""
    library = BIN.parent / "tests" / "names.so"
    assert library.is_file(), f"{library} is missing: run tests/build"
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("HUB_TEST_NAMES", str(tmp_path))
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
    return tmp_path


@pytest.fixture
def pair(names, new_hub):
    """A pair on a hub with one worker."""
    return new_hub(threads="1", forward_timeout=f"{2 * SLOW:g}s", delivery_timeout=f"{SLOW:g}s").pair()


def moved(hub, platform, name, *modules):
    """From now on these receivers of a platform are called by that name."""
    for module in modules:
        hub.ok("receiver", "set", platform.id, module, f"http://{name}:{platform.server.port}/ocpi/2.2.1/{module}")


def verdict(emsp, cpo):
    answer = emsp.authorize("T1", to=cpo.id)
    assert answer.outcome == (200, 1000), answer
    return answer.data["allowed"]


def test_dead_dns_stops_nobody_else(names, pair):
    """Real-time calls and deliveries to names that DNS never answers end in time; all others pass meanwhile, also at the one worker."""
    hub, cpo, emsp = pair
    dead = [(hub.onboard("CPO"), Name(names, f"dead-{number}.test")) for number in range(DEAD)]
    lost = hub.onboard("EMSP")
    hub.rule(lost, cpo)
    moved(hub, lost, dead[0][1].path.name, "cdrs")
    verdicts = []
    asking = []
    for other, name in dead:
        moved(hub, other, name.path.name, "tokens")
        hub.rule(emsp, other)
        asking.append(threading.Thread(target=lambda other=other: verdicts.append(verdict(emsp, other)), daemon=True))
        asking[-1].start()
    dead[0][1].wait_asked()
    assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, lost.party)).outcome == (201, 1000)
    for number in range(5):
        assert verdict(emsp, cpo) == "ALLOWED"
        assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, f"CDR-2-{number}")).outcome == (201, 1000)
    emsp.wait("POST", "/cdrs$", count=5)
    assert hub.status_of(cpo.id) == "CONNECTED"
    for thread in asking:
        thread.join(DEADLINE)
    assert verdicts == ["UNKNOWN"] * DEAD
    (row,) = eventually(lambda: [row for row in hub.deliveries(to=lost.id) if row["attempts"]], "an attempt")
    assert "DNS" in row["last_error"] and lost.received("POST", "/cdrs$") == []


def test_dns_that_comes_back(names, pair):
    """What waited for the name is delivered once there is an address; a slow answer is in time for a real-time call."""
    hub, cpo, emsp = pair
    back, slow = Name(names, "back.test"), Name(names, "slow.test")
    moved(hub, emsp, "back.test", "cdrs")
    assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party)).outcome == (201, 1000)
    back.wait_asked()
    eventually(lambda: [row for row in hub.deliveries(to=emsp.id) if row["attempts"]], "an attempt")
    back.answer("127.0.0.1")
    emsp.wait("POST", "/cdrs$")
    moved(hub, cpo, "slow.test", "tokens")
    verdicts = []
    asking = threading.Thread(target=lambda: verdicts.append(verdict(emsp, cpo)), daemon=True)
    asking.start()
    slow.wait_asked()
    assert not verdicts
    slow.answer("127.0.0.1")
    asking.join(DEADLINE)
    assert verdicts == ["ALLOWED"]
    assert cpo.received("PUT", "/authorize$")[0].headers["host"] == f"slow.test:{cpo.server.port}"


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
def test_name_of_an_address_that_is_refused(names, pair, address):
    """A name is judged by its addresses; of several only the allowed ones are called."""
    hub, cpo, emsp = pair
    (names / "inside.test").write_text(f"{address}\n")
    (names / "both.test").write_text(f"{address}\n127.0.0.1\n")
    moved(hub, cpo, "inside.test", "tokens", "commands")
    assert verdict(emsp, cpo) == "UNKNOWN" and cpo.received("PUT", "/authorize$") == []
    answer = emsp.command("START_SESSION", payloads.start_session(emsp.party))
    assert answer.outcome == (200, 4003), answer
    moved(hub, cpo, "both.test", "tokens")
    assert verdict(emsp, cpo) == "ALLOWED"


def test_unknown_name(pair):
    """Nobody knows the name: not reachable."""
    moved(pair.hub, pair.cpo, "nobody.test", "tokens", "commands")
    assert verdict(pair.emsp, pair.cpo) == "UNKNOWN"
    assert pair.emsp.command("START_SESSION", payloads.start_session(pair.emsp.party)).outcome == (200, 4003)


def silent(names, name):
    """From now on DNS says nothing when it is asked for that name."""
    (names / name).unlink()
    return Name(names, name)


@pytest.fixture
def known(names, new_hub):
    """A pair whose hosts are names that are asked for again after 20 ms, and were found."""
    made = new_hub(dns_ttl="20ms", forward_timeout=f"{2 * SLOW:g}s").pair()
    for name in ("cpo.test", "emsp.test"):
        (names / name).write_text("127.0.0.1\n")
    moved(made.hub, made.cpo, "cpo.test", "tokens", "commands")
    moved(made.hub, made.emsp, "emsp.test", "cdrs", "sessions")
    assert verdict(made.emsp, made.cpo) == "ALLOWED"
    assert made.cpo.call("POST", "cdrs", payloads.cdr(made.cpo.party, made.emsp.party, "CDR-0")).outcome == (201, 1000)
    made.emsp.wait("POST", "/cdrs$")
    return made


@pytest.mark.parametrize("trouble", ["fails", "unknown", "silent"])
def test_known_addresses_serve_while_dns_does_not(names, known, trouble):
    """DNS fails, says nothing or has lost the name: nobody notices, in real time or when something is delivered; then it answers again."""
    hub, cpo, emsp = known
    for name in ("cpo.test", "emsp.test"):
        if trouble == "fails":
            (names / name).write_text("fails\n")
        elif trouble == "unknown":
            (names / name).unlink()
        else:
            silent(names, name)
    if trouble != "silent":
        noticed = lambda: verdict(emsp, cpo) == "ALLOWED" and "addresses found before serve on" in hub.stderr()
        eventually(noticed, "DNS is asked again")
    for number in range(1, 30):
        assert verdict(emsp, cpo) == "ALLOWED"
        assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, f"CDR-{number}")).outcome == (201, 1000)
        emsp.wait("POST", "/cdrs$", count=number + 1)
    eventually(lambda: hub.deliveries(to=emsp.id) == [], "all are delivered")
    assert {row["attempts"] for row in hub.rows("delivery", "list", "--state", "all", "--party", emsp.id)} == {1}
    if trouble != "silent":
        for name in ("cpo.test", "emsp.test"):
            (names / name).write_text("127.0.0.2\n127.0.0.1\n")
        assert verdict(emsp, cpo) == "ALLOWED"


def test_unknown_name_beside_hanging_ones(names, known):
    """While many names hang, one that was never asked for is found at once."""
    hub, cpo, emsp = known
    asking = []
    for number in range(DEAD):
        other, name = hub.onboard("CPO"), Name(names, f"hanging-{number}.test")
        moved(hub, other, name.path.name, "tokens")
        hub.rule(emsp, other)
        asking.append(threading.Thread(target=verdict, args=(emsp, other), daemon=True))
        asking[-1].start()
        name.wait_asked()
    (names / "new.test").write_text("127.0.0.1\n")
    moved(hub, cpo, "new.test", "tokens")
    assert verdict(emsp, cpo) == "ALLOWED"
    for thread in asking:
        thread.join(DEADLINE)
