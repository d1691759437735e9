"""What somebody looks for in the directory, read out of their own words."""

import re
from collections.abc import Iterable, Sequence

from helpline.domain.directory import Taxonomy
from helpline.domain.normalise import plain

# Years alone are mostly how long somebody has cared or waited, and "is 10" may go on "miles away".
_AGE = re.compile(
    r"\b(?:aged?|is|im|i am|hes|shes|turned|nearly)\s+(\d{1,3})\b"
    r"(?! (?:am|pm|months?|weeks?|days?|hours?|minutes?|mins?|miles?|pounds?|quid|percent|people|years?|yrs?)\b)"
)
_YEARS = re.compile(r"\b(\d{1,3})\s*(?:(?:years?|yrs?)\s*(?:old|of age)|yo|y o)\b")
_OLDEST = 115


def terms_in(taxonomy: Taxonomy, text: str) -> tuple[str, ...]:
    """Codes of the terms whose words stand in a text; the term with the longest words comes first."""
    said = f" {plain(text)} "
    found = [
        (len(word), code)
        for code, term in taxonomy.terms.items()
        for word in term.words
        if f" {plain(word)} " in said or f" {plain(word)}s " in said
    ]
    return tuple(dict.fromkeys(code for _, code in sorted(found, key=lambda one: (-one[0], one[1]))))


def terms_of_topics(taxonomy: Taxonomy, topics: Iterable[str]) -> tuple[str, ...]:
    """Codes of the terms that help with the first of these guide topics that has any."""
    return next((codes for topic in topics if (codes := taxonomy.terms_of_topic.get(topic, ()))), ())


def age_in(text: str) -> int | None:
    """The age in years that a text gives somebody, or None."""
    said = plain(text)
    for pattern in (_YEARS, _AGE):
        for match in pattern.finditer(said):
            if int(match.group(1)) <= _OLDEST:
                return int(match.group(1))
    return None


def says_any(text: str, phrases: Sequence[str]) -> bool:
    """Whether one of these phrases stands in a text as whole words."""
    said = f" {plain(text)} "
    return any(f" {phrase} " in said for phrase in phrases)
