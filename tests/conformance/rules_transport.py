"""The rules that all modules share: OCPI sections 1 to 4, 6 and 7, the hub's contract sections 1 to 4, 6, 7, 9, 10 and 12."""

from tests.conformance.reason import Reason

RULES = {
    # OCPI 1.2, methods and bodies
    "OCPI 1.2-1": Reason(
        "Pulling is mandatory, pushing optional; who pulls does so at intervals of hours, with some randomness.",
        "it binds the partners: the hub serves whoever asks",
    ),
    # OCPI 1.3, envelope and HTTP status
    "OCPI 1.3-3": "A body that cannot be parsed as JSON is answered HTTP 400.",
    "OCPI 1.3-4": "Parseable JSON for an object that exists is no HTTP error: what is wrong with it stands in status_code, with HTTP 200.",
}
