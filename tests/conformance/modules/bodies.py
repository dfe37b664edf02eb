"""Objects with one thing changed at a JSON pointer, so that a case is a row: module, place, what stands there."""

import copy

from tests.sim import payloads

ABSENT = object()  # the field is left out


def get(body, pointer):
    """What stands at that JSON pointer."""
    for step in pointer.split("/")[1:]:
        body = body[int(step) if isinstance(body, list) else step]
    return body


def at(body, pointer, value):
    """A copy of `body` with `value` at that JSON pointer, which must be there or be a new key of something that is."""
    made = copy.deepcopy(body)
    parent, _, last = pointer.rpartition("/")
    inner = get(made, parent)
    if isinstance(inner, list):
        last = int(last)
    if value is ABSENT:
        del inner[last]
    else:
        inner[last] = value
    return made


def make(pair, module, ident):
    """A good object of a module that CPOs push."""
    if module in ("sessions", "cdrs"):
        return {"sessions": payloads.session, "cdrs": payloads.cdr}[module](pair.cpo.party, pair.emsp.party, ident)
    return {"locations": payloads.location, "tariffs": payloads.tariff}[module](pair.cpo.party, ident)


def push(pair, module, body, ident=None, **options):
    """The CPO's push of it: POST of a CDR, PUT of all else."""
    if module == "cdrs":
        return pair.cpo.call("POST", "cdrs", body, **options)
    return pair.cpo.put(module, body, ident=ident, **options)
