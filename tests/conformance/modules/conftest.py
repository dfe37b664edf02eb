"""Fixtures of the modules' cases."""

import itertools

import pytest

from tests.e2e.harness import Hub

numbers = itertools.count(1)


@pytest.fixture
def ident():
    """An object id that no other case uses."""
    return f"C-{next(numbers)}"


@pytest.fixture(autouse=True)
def alive(request):
    """After each case the hub of its module is still there."""
    yield
    if "hub" in request.fixturenames:
        assert request.getfixturevalue("hub").process.poll() is None, "hubd has died"


@pytest.fixture(scope="module")
def strict():
    """A pair on a hub with validation = strict."""
    with Hub(validation="strict") as hub:
        yield hub.pair()
