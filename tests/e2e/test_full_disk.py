"""A disk that is full: few lines in the log, however many ask."""

import resource

import pytest

from tests.e2e.harness import eventually
from tests.sim import payloads


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
