"""The code that somebody reads from one channel and sends on another, to show that both are theirs.

Eight digits: on a number pad they are typed with one thumb, and with a hundred wrong codes an hour allowed in all, one
that is good for ten minutes is not found by trying (NIST SP 800-63B, section 3.1.3.2, asks for six).
"""

import re
import secrets
from datetime import timedelta

GOOD_FOR = timedelta(minutes=10)
_GROUP = 4
_DIGITS = 2 * _GROUP
# "code 4829 1374", "4829-1374.", "48291374"
_CODE = re.compile(r"(?:(?:my|the)?\s*code\s*(?:is)?:?\s*)?(\d{4})[\s-]?(\d{4})[.!]?", re.IGNORECASE)


def new_code() -> str:
    """A code that nobody can guess: eight digits."""
    return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"


def as_shown(code: str) -> str:
    """The code as people read it most easily: "4829 1374"."""
    return f"{code[:_GROUP]} {code[_GROUP:]}"


def code_in(text: str) -> str | None:
    """The eight digits, if a message is a code and nothing else; None otherwise."""
    found = _CODE.fullmatch(text.strip())
    return found[1] + found[2] if found else None
