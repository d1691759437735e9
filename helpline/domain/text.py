"""What a person typed, made safe to store and to hand on."""

import re
import unicodedata

LONGEST_FOR_ASSISTANT = 1_000

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_SLASHES = "/\\\uff0f\u2044\u2215\u29f8\uff3c"


def storable(text: str) -> str:
    """The text without what no database can hold: null characters and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def for_assistant(text: str) -> str:
    """The text as the assistant may see it.

    Rasa takes a text that begins with "/" as a command to itself, so leading slashes and their look-alikes go; and a
    very long text stays in its memory for every later turn, so only the beginning is passed on.
    """
    folded = text.strip()
    while folded and (
        folded[0] in _SLASHES
        or not folded[0].isprintable()
        or folded[0].isspace()
        or unicodedata.normalize("NFKC", folded[0]).startswith("/")
        or unicodedata.category(folded[0]) in {"Cf", "Mn"}
    ):
        folded = folded[1:]
    return folded[:LONGEST_FOR_ASSISTANT]


def is_only_links(text: str) -> bool:
    """Whether nothing is left when the web addresses are taken out."""
    return bool(_LINK.search(text)) and not any(char.isalnum() for char in _LINK.sub(" ", text))


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit to read."""
    return any(char.isalnum() for char in text)
