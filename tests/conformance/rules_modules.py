"""The rules of the modules and of partners' software: OCPI section 5, the hub's contract sections 5, 8, 11 and 16."""

from tests.conformance.reason import Reason  # noqa: F401

RULES = {}
