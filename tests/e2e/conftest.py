"""Fixtures of the end-to-end tests. `hub` lives for a module, parties are new for each test."""

import pytest

from tests.e2e.harness import BIN, Hub


def pytest_sessionstart(session):
    missing = [name for name in ("hubd", "hubctl") if not (BIN / name).is_file()]
    if missing:
        pytest.exit(f"{' and '.join(missing)} not in {BIN}: run tests/build, or set HUB_BIN", 3)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its hubs wrote to stderr."""
    report = (yield).get_result()
    if report.failed:
        for hub in Hub.alive:
            report.sections.append((f"hubd on port {hub.port}", hub.tail()))


@pytest.fixture(scope="module")
def hub_settings():
    """Settings of the module's hub; a module overrides this fixture to change them."""
    return {}


@pytest.fixture(scope="module")
def hub(hub_settings):
    """One hubd for the module."""
    with Hub(**hub_settings) as running:
        yield running


@pytest.fixture
def pair(hub):
    """A fresh CPO and a fresh eMSP, exchanged, with the rule on."""
    made = hub.pair()
    yield made
    for platform in (made.cpo, made.emsp):
        platform.close()


@pytest.fixture(scope="module")
def shared(hub):
    """One CPO and one eMSP for the tests of a module that do not disturb each other."""
    return hub.pair()


@pytest.fixture
def new_hub():
    """A factory for hubs of a test's own, with settings; all are stopped (exit 0) at its end."""
    hubs = []

    def make(start=True, **settings):
        made = Hub(**settings)
        hubs.append(made)
        return made.start() if start else made

    yield make
    for made in hubs:
        made.close()
