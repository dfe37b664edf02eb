"""The rules of the modules: OCPI section 5, the hub's contract sections 5, 8 and 11."""

from tests.conformance.reason import Reason  # noqa: F401

RULES = {}
