"""A rule that has no case."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Stands in a list of rules instead of the rule's sentence: the sentence, and why no case shows it."""

    text: str
    why: str
