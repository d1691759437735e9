"""How long a break somebody asks for: PAUSE, PAUSE 2 WEEKS, PAUSE FOR A MONTH."""

import re
from datetime import timedelta

USUAL = timedelta(weeks=2)
LONGEST = timedelta(days=92)

_NUMBERS = {
    word: number
    for number, words in enumerate(
        ("a an one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
    for word in words.split()
}
_DAYS = {"day": 1, "week": 7, "wk": 7, "fortnight": 14, "month": 30}
_PAUSE = re.compile(
    rf"pause(?:\s+(?:texts?|messages?|it|me))?(?:\s+for)?\s+(\d{{1,3}}|{'|'.join(_NUMBERS)})?\s*({'|'.join(_DAYS)})s?"
    r"(?:\s+(?:please|pls|plz|thanks|thank you))?",
)


def pause_in(text: str) -> timedelta | None:
    """How long a pause a message asks for, if it is that and nothing else. Never longer than three months."""
    found = _PAUSE.fullmatch(" ".join(re.findall(r"[a-z]+|\d+", text.casefold())))
    if found is None:
        return None
    number = found[1] or "a"
    days = (_NUMBERS.get(number) or int(number)) * _DAYS[found[2]]
    return min(timedelta(days=days), LONGEST) if days else None
