"""The fixtures of the end-to-end tests serve here too."""

from tests.e2e.conftest import hub, hub_settings, new_hub, pair, pytest_runtest_makereport, pytest_sessionstart, shared  # noqa: F401
