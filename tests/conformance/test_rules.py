"""The list of rules and the cases belong together. Needs no hub."""

import importlib
from pathlib import Path

import pytest

from tests.conformance.reason import Reason
from tests.conformance.rules import CASED, RULES, SECTIONS, TWICE, rule, text_of

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def cased():
    """The rules that have a case anywhere in the suite, whatever part of it runs now."""
    for path in HERE.glob("*/test_*.py"):
        importlib.import_module(f"{__package__}.{path.parent.name}.{path.stem}")
    return CASED


def test_every_rule_has_a_case_or_a_reason(cased):
    assert [ident for ident, entry in RULES.items() if not isinstance(entry, Reason) and ident not in cased] == []


def test_no_rule_has_both(cased):
    """Who writes the case takes the reason away."""
    assert [ident for ident, entry in RULES.items() if isinstance(entry, Reason) and ident in cased] == []


def test_every_rule_is_listed_once_with_a_sentence():
    assert TWICE == []
    assert [ident for ident in RULES if not text_of(ident).endswith(".")] == []


def test_the_hubs_sections_are_those_of_its_page():
    page = (HERE.parents[1] / "man" / "hub-ocpi.7").read_text()
    headings = {line[4:] for line in page.splitlines() if line.startswith(".Sh ")}
    assert {int(ident[4:].partition("-")[0]) for ident in RULES if ident.startswith("hub ")} == set(SECTIONS)
    assert {name for names in SECTIONS.values() for name in names} <= headings


def test_a_case_of_an_unknown_rule_is_an_error():
    with pytest.raises(LookupError, match="OCPI 99-1"):
        rule("OCPI 99-1")
    with pytest.raises(LookupError):
        rule()
