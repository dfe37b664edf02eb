"""All rules, and the mark that ties a case to the rules it shows."""

import pytest

from tests.conformance.reason import Reason
from tests.conformance.rules_modules import RULES as MODULES
from tests.conformance.rules_tolerance import RULES as TOLERANCE
from tests.conformance.rules_transport import RULES as TRANSPORT

LISTS = (TRANSPORT, MODULES, TOLERANCE)
RULES = {ident: entry for listed in LISTS for ident, entry in listed.items()}
TWICE = sorted(ident for ident in RULES if sum(ident in listed for listed in LISTS) > 1)
# The sections of hub-ocpi(7) that the number in a rule's "hub NUMBER-" stands for.
SECTIONS = {
    1: ("IDENTITY",),
    2: ("HTTP AND ANSWERS", "LIMITS"),
    3: ("AUTHENTICATION",),
    4: ("PARTIES AND STATUSES",),
    5: ("CREDENTIALS", "HUBCLIENTINFO", "LOCATIONS", "TARIFFS", "TOKENS", "COMMANDS", "SESSIONS", "CDRS", "CHARGINGPROFILES", "OTHER MODULES", "VALIDATION"),
    6: ("PAGINATION",),
    7: ("ROUTING",),
    8: ("DELIVERY",),
    9: ("HEALTH",),
    10: ("LIMITS",),
    11: ("AUDIT",),
    12: ("CALLS OF THE HUB",),
    15: (),  # what the account team sees of it: hubctl(1)
    16: ("TOLERANCE",),
}
CASED = set()  # ids of the rules that a loaded case names


def rule(*ids):
    """The mark of a case, as decorator or as `marks=` of a pytest.param: it shows these rules. An unknown id stops the collection."""
    unknown = [ident for ident in ids if ident not in RULES]
    if unknown or not ids:
        raise LookupError(f"no such rule: {', '.join(unknown) or 'none named'}; the rules_*.py beside this list them")
    CASED.update(ids)
    return pytest.mark.rule(*ids)


def text_of(ident):
    """A rule's sentence, whether it has a case or not."""
    entry = RULES[ident]
    return entry.text if isinstance(entry, Reason) else entry
