"""A disk with no space left, which the limit on file sizes stands for: partners are told when to come again, and lose nothing."""

import resource

import pytest

from tests.e2e.harness import eventually
from tests.sim import payloads

PUSHES = 3000
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.fixture
def small_files(new_hub):
    """A hub whose next writes behind the first 64 KiB of a file fail, until `lift` is called."""
    hub = new_hub(log_level="info")
    hub.pairing = hub.pair()

    def limit():
        size = hub.log.stat().st_size + 65536
        resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    hub.limit = limit
    hub.lift = lambda: resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, UNLIMITED)
    yield hub
    hub.lift()


def test_pushes_are_503_until_there_is_space(small_files):
    """503 with 3000 and Retry-After, as often as it is tried; a line in the log for the state, not for each request; what was
    answered 2xx is there, what was not is taken when it comes again."""
    hub, cpo, emsp = small_files, small_files.pairing.cpo, small_files.pairing.emsp

    def put(number):
        return cpo.put("sessions", payloads.session(cpo.party, emsp.party, f"S{number}"))

    hub.limit()
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
    hub.lift()
    eventually(lambda: put(PUSHES).outcome in ((201, 1000), (200, 1000)), "pushes are taken again")
    for number in (*taken[:3], *taken[-3:], PUSHES):
        assert cpo.get(cpo.object_path("sessions", f"S{number}")).outcome == (200, 1000)
