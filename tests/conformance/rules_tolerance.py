"""What partners' real software does, and what the hub makes of it: hub-ocpi(7), TOLERANCE, a rule for each row."""

from tests.conformance.reason import Reason

RULES = {
    "hub 16-1": "Tokens pass raw and in Base64, with the scheme in any case, also one whose raw form is valid Base64; the form in which "
    "a partner takes its own token is found out at the exchange and kept.",
    "hub 16-2": "A list GET that names the caller, the hub or nobody in OCPI-to is answered from the store.",
    "hub 16-3": "Requests without message ids get some; without OCPI-from they are from the platform's party of the needed role.",
    "hub 16-4": "Several slashes count as one, in partners' paths and where the hub joins partners' URLs; an id glued to a "
    "module's name is read as if a slash were there.",
    "hub 16-5": "A 307 or 308 to the same scheme, host and port is followed once, with method and body, on every kind of call.",
    "hub 16-6": "An AuthorizationInfo, CommandResponse, ChargingProfileResponse or CommandResult is read in a list of one and in "
    "the envelope, a CommandResult bare too, whatever the case of its outcome, and passed on as OCPI spells it.",
    "hub 16-7": "An explicit null of an optional field counts as absent and passes as it is; what the hub writes itself has none.",
    "hub 16-8": "Ids are the same in upper and lower case, in path, header and body; everybody sees the spelling of their owner.",
    "hub 16-9": "Any 2xx with a 1xxx code, or without a body, is success; a 4xx that is no OCPI is judged by its HTTP status.",
    "hub 16-10": "A CDR may be posted to /cdrs/{id} and to /cdrs/{country_code}/{party_id}/{id}.",
    "hub 16-11": "The credentials endpoint is listed as SENDER and as RECEIVER.",
    "hub 16-12": Reason(
        "A list whose limit is ignored, that has no Link or whose Link does not advance ends the pull, with a row in the audit.",
        "the hub pulls no lists: locations and tariffs are pushed to it, and it follows no Link",
    ),
    "hub 16-13": "Slow bytes, huge messages, early ends, HTTP/1.0, chunks and trailers cost a bounded time and memory, end in an "
    "answer or an error, and keep nobody else waiting.",
}
