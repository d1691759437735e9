"""Text messages as the network carries them: GSM-7 letters, parts of 160 or 153, and where a long text may be cut."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import smsutil
from smsutil.codecs import GSM_CHARSET

# Escape and form feed are in the GSM tables but only as control codes, never as letters.
_GSM_LETTERS = frozenset(GSM_CHARSET) - {"\x1b", "\f", "\r"}

_NEAREST = {
    "\t": " ",
    "\r": "\n",
    "\v": "\n",
    "\f": "\n",
    "\u0085": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
    "\u201b": "'",
    "\u2032": "'",
    "`": "'",
    "\u00b4": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u2033": '"',
    "\u00ab": '"',
    "\u00bb": '"',
    "\u2010": "-",
    "\u2011": "-",
    "\u2012": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2015": "-",
    "\u2212": "-",
    "\u2022": "-",
    "\u00b7": "-",
    "\u2026": "...",
    "\u2044": "/",
    "\u00d7": "x",
    "\u00f7": "/",
    "\u00b0": "",
    "\u2192": ">",
    "\u0131": "i",
    "\u0142": "l",
    "\u0141": "L",
    "\u0111": "d",
    "\u0110": "D",
    "\u00f0": "d",
    "\u00fe": "th",
    "\u0153": "oe",
    "\u0152": "OE",
}

# A reply is never longer than this; what is left over waits for MORE.
MOST_SEGMENTS = 3

Encoding = Literal["GSM-7", "UCS-2"]

_UNITS = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
# A sentence ends at . ! or ? (with any closing bracket or quotation mark) before a space, or at a line end.
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?=\s)|\n")
# Digits in groups, as phone numbers are written: "0345 603 7630", "116 123". One space between groups.
_ATOM = re.compile(r"\+?\d+(?: \d+)+\S*|\S+")


@dataclass(frozen=True)
class Segments:
    """How a text travels: its encoding, the number of parts paid for, and the units used (brackets and € count two)."""

    encoding: Encoding
    count: int
    characters: int


def to_gsm7(text: str) -> str:
    """Return the text in GSM-7 letters only: the nearest letter where there is one, "?" where there is not.

    Invisible characters (zero-width, direction marks, variation selectors, skin tones) disappear. Idempotent.
    """
    return "".join(_nearest(character) for character in unicodedata.normalize("NFC", text.replace("\r\n", "\n")))


def _nearest(character: str) -> str:
    if character in _GSM_LETTERS:
        return character
    if character in _NEAREST:
        return _NEAREST[character]
    category = unicodedata.category(character)
    if category in {"Cf", "Mn", "Me", "Sk", "Cc"}:
        return ""
    if category == "Zs":
        return " "
    plain = "".join(
        _NEAREST.get(part, part)
        for part in unicodedata.normalize("NFKD", character)
        if unicodedata.category(part) != "Mn"
    )
    return plain if plain and all(part in _GSM_LETTERS for part in plain) else "?"


def segments(text: str) -> Segments:
    """Count the parts in which a text would be sent (3GPP TS 23.038 and 23.040: 160/153 GSM-7, 70/67 UCS-2)."""
    if not text:
        return Segments("GSM-7", 0, 0)
    split = smsutil.split(text)
    if split.encoding == "gsm0338":
        return Segments("GSM-7", len(split.parts), split.total_bytes)
    return Segments("UCS-2", len(split.parts), split.total_bytes // 2)


def pages(text: str, most_segments: int = MOST_SEGMENTS, footer: str = "") -> tuple[str, ...]:
    """Cut a text into messages of at most most_segments parts each, at the ends of sentences.

    A sentence too long for one message is cut between words; a word or a phone number is never cut, unless it is
    itself longer than a whole message. The footer ("Text MORE for the rest.") closes every page but the last.
    The pages are in GSM-7. Raises ValueError when the footer leaves no room for a word.
    """
    whole = to_gsm7(text).strip()
    footer = to_gsm7(footer).strip()
    if not whole:
        return ()
    if segments(whole).count <= most_segments:
        return (whole,)
    return tuple(_cut(whole, most_segments, footer))


def _cut(rest: str, most_segments: int, footer: str) -> Iterator[str]:
    room_for = f" {footer}" if footer else ""

    def fits(page: str) -> bool:
        return segments(page + room_for).count <= most_segments

    if not fits("x"):
        raise ValueError("the footer leaves no room for a word")
    while segments(rest).count > most_segments:
        end = _last_fitting([match.end() for match in _SENTENCE_END.finditer(rest)], rest, fits)
        if end is None:
            end = _last_fitting([match.end() for match in _ATOM.finditer(rest)], rest, fits)
        if end is None:
            end = max(size for size in range(1, len(rest)) if fits(rest[:size]))
        yield rest[:end].rstrip() + room_for
        rest = rest[end:].lstrip()
    yield rest


def _last_fitting(ends: list[int], text: str, fits: Callable[[str], bool]) -> int | None:
    last = None
    for end in ends:
        page = text[:end].rstrip()
        if not fits(page):
            break
        if page:
            last = end
    return last
