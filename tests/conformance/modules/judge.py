"""What the cases ask of an answer, in one place."""

import re

# RFC 6901: the place of a finding, "" for the whole body; behind it what was expected and what was found
FINDING = re.compile(r"(?P<pointer>(?:/[^\s:;]*)*): (?P<rest>[^;]+)")


def findings(answer):
    """The findings of a 2001: JSON pointer -> what is said about it."""
    return {match["pointer"]: match["rest"] for match in FINDING.finditer(answer.message)}


def refused(answer, pointer=None, found=None):
    """It is 200 with 2001 and names that place, with what was found there."""
    assert answer.outcome == (200, 2001), answer
    if pointer is not None:
        named = findings(answer)
        assert pointer in named, f"{pointer!r} is not named: {answer.message}"
        assert found is None or found in named[pointer], f"{found} is not shown: {answer.message}"


def unknown(answer):
    """It is 404 with 2003."""
    assert answer.outcome == (404, 2003), answer


def not_routed(answer):
    """There is no active rule between the two."""
    assert answer.outcome == (200, 2000) and answer.message.startswith("NOT_ROUTED"), answer


def done(answer):
    """It is 1000; returns the answer."""
    assert answer.outcome in ((200, 1000), (201, 1000)), answer
    return answer
