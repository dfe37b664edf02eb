"""Fixtures (those of tests/e2e: hub, shared, pair, new_hub, hub_settings) and the table of rules at the end of a run."""

from tests.conformance.reason import Reason
from tests.conformance.rules import RULES, text_of
from tests.e2e.conftest import hub, hub_settings, new_hub, pair, pytest_runtest_makereport, pytest_sessionstart, shared  # noqa: F401

ran = {}  # rule id: {name of a case: whether it passed so far}


def pytest_configure(config):
    config.addinivalue_line("markers", "rule(*ids): the rules of tests/conformance/rules.py that a case shows")


def pytest_collection_modifyitems(items):
    for item in items:
        ids = [ident for mark in item.iter_markers("rule") for ident in mark.args]
        item.user_properties.append(("rules", ids))


def pytest_runtest_logreport(report):
    for ident in dict(report.user_properties).get("rules", ()):
        cases = ran.setdefault(ident, {})
        cases[report.nodeid] = cases.get(report.nodeid, True) and report.passed


def pytest_terminal_summary(terminalreporter):
    """Rule, result, sentence. Of a part of the suite only the rules that it ran are shown."""
    if not ran:
        return
    whole = all(ident in ran or isinstance(entry, Reason) for ident, entry in RULES.items())
    count = dict.fromkeys(("passed", "FAILED", "no case", "not run"), 0)
    terminalreporter.section("rules")
    width = max(map(len, RULES))
    for ident in RULES:
        failed = [name for name, passed in ran.get(ident, {}).items() if not passed]
        result = "FAILED" if failed else "passed" if ident in ran else "no case" if isinstance(RULES[ident], Reason) else "not run"
        count[result] += 1
        if ident in ran or whole:
            terminalreporter.write_line(f"{ident:<{width}}  {result:<7}  {text_of(ident)}", red=bool(failed))
            below = failed or ([f"reason: {RULES[ident].why}"] if result == "no case" else [])
            for line in below:
                terminalreporter.write_line(f"{'':<{width}}           {line}", red=bool(failed))
    terminalreporter.write_line(f"{len(RULES)} rules: " + ", ".join(f"{number} {result}" for result, number in count.items()))
