"""Simulated partner platforms: CPOs and eMSPs that speak OCPI 2.2.1 over real HTTP on loopback ports.

Used by the end-to-end tests (in process), by the demo and, as a program (`python3 -m tests.sim`), by hand.
"""

from tests.sim.client import Answer, call, exact, http_call
from tests.sim.platform import Party, Platform
from tests.sim.wire import Gate, Journal, Received, Reply

__all__ = ["Answer", "Gate", "Journal", "Party", "Platform", "Received", "Reply", "call", "exact", "http_call"]
