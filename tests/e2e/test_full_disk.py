"""A disk that is full: few lines in the log, however many ask."""

import itertools
import resource

import pytest

from tests.e2e.harness import eventually
from tests.sim import payloads

PUSHES = 3000


@pytest.fixture
def full(new_hub):
    """A pair on a hub whose files may not grow any more."""
    hub = new_hub(log_level="info")
    pair = hub.pair()
    size = max(path.stat().st_size for path in (hub.directory / "state").glob("hub.db*"))
    assert hub.log.stat().st_size < size
    resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    yield pair
    resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_refused_requests_do_not_fill_the_log(full):
    """What is refused for the disk is said a few times, not once each; when there is room again all goes on."""
    hub, cpo, emsp = full
    asked = 0

    def refused():
        nonlocal asked
        asked += 1
        answer = cpo.put("sessions", payloads.session(cpo.party, emsp.party, f"S{asked}"))
        return answer.status >= 500

    eventually(refused, "a push is refused")
    before = len(hub.stderr().splitlines())
    assert sum(refused() for _ in range(300)) > 250
    assert len(hub.stderr().splitlines()) - before < 40, hub.tail()
    resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    eventually(lambda: not refused(), "pushes are taken again")


def test_pushes_are_503_until_there_is_space(full):
    """503 with 3000 and Retry-After, as often as it is tried; a line in the log for the state, not for each request; what was
    answered 2xx is there, what was not is taken when it comes again."""
    hub, cpo, emsp = full

    def put(number):
        return cpo.put("sessions", payloads.session(cpo.party, emsp.party, f"S{number}"))

    taken, answer = [], None
    for number in range(PUSHES):
        answer = put(number)
        if answer.status == 503:
            break
        assert answer.outcome == (201, 1000)
        taken.append(number)
    assert answer.outcome == (503, 3000) and "disk" in answer.message
    before = len(hub.stderr().splitlines())
    for number in range(PUSHES, PUSHES + 50):
        answer = put(number)
        assert answer.outcome == (503, 3000) and int(answer.headers["Retry-After"]) >= 1
    assert len(hub.stderr().splitlines()) - before <= 5
    resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    eventually(lambda: put(PUSHES).outcome in ((201, 1000), (200, 1000)), "pushes are taken again")
    for number in (*taken[:3], *taken[-3:], PUSHES):
        assert cpo.get(cpo.object_path("sessions", f"S{number}")).outcome == (200, 1000)


def test_it_is_called_a_full_disk(full):
    """Real-time calls and the account team's changes: what is short is named, and nothing was changed."""
    hub, cpo, emsp = full
    numbers = itertools.count()
    eventually(lambda: cpo.put("sessions", payloads.session(cpo.party, emsp.party, f"S{next(numbers)}")).status == 503, "the disk is full")
    for answer in (emsp.authorize("U1"), emsp.command("START_SESSION", payloads.start_session(emsp.party))):
        assert answer.status == 503 and "disk" in answer.message, answer
    result = hub.ctl("party", "set", cpo.id, "--name", "Renamed")
    assert result.rc != 0 and "disk of the state directory is full" in result.err and "step" not in result.err, result
    assert hub.one("party", "show", cpo.id)["name"] != "Renamed"
