"""Postcodes as people type them: found in a sentence, with the letter O for a nought and no space."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Literal

# The 121 postcode areas of Great Britain and Northern Ireland, plus JE, GY and IM (Royal Mail, PAF Programmers' Guide).
_AREAS = """
    AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY
    G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR
    NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA
    WC WD WF WN WR WS WV YO ZE
"""
AREAS = frozenset(_AREAS.split())

Kind = Literal["postcode", "sector", "outcode"]

_WORD_BEFORE = r"(?<![A-Za-z0-9])"
_WORD_AFTER = r"(?![A-Za-z0-9])"
# Outward part: one or two letters, a digit, perhaps one more digit or letter. Inward part: a digit and two letters.
# O, I and L stand where a digit belongs, and 0 where the letter O belongs, because phones correct them so.
_FULL = re.compile(
    rf"{_WORD_BEFORE}([A-Z][A-Z0]? ?[0-9OIL][0-9OILA-Z]?)[ ,.-]{{0,2}}([0-9OIL])([ABD-HJLNP-UW-Z]{{2}}){_WORD_AFTER}",
    re.IGNORECASE,
)
# A sector ("SS9 2", "ss9 2a") only at the end of the text: in "ss9 2 years ago" the 2 counts years.
_OUTWARD = re.compile(
    rf"{_WORD_BEFORE}([A-Z]{{1,2}}[0-9][0-9A-Z]?)(?: ?([0-9])[A-Z]?(?=[\s.,!?]*$))?{_WORD_AFTER}",
    re.IGNORECASE,
)
_SLIPPED_OUTWARD = re.compile(rf"{_WORD_BEFORE}(C0[0-9]{{1,2}}|[A-Z]{{2}}[0-9]?O){_WORD_AFTER}", re.IGNORECASE)
_DIGIT = re.compile(r"[0-9]")
_OUTCODE = re.compile(r"([A-Z]{1,2})([0-9])([0-9A-Z]?)")
# Only in the middle of London does an outward code end in a letter (W1A, EC1A).
_LETTER_ENDED_AREAS = frozenset({"E", "EC", "N", "NW", "SE", "SW", "W", "WC"})
_TO_DIGITS = str.maketrans("OIL", "011")


@dataclass(frozen=True)
class Postcode:
    """A postcode or the beginning of one, as found in a text from start to end. sector: "CM3 4", or None."""

    outcode: str
    sector: str | None
    kind: Kind
    start: int
    end: int
    as_typed: str


def find_postcodes(text: str, local_outcodes: Container[str]) -> Iterator[Postcode]:
    """Every postcode, sector or outward code in a text.

    Slips (SSO 1AA, C01 1AA, SS 1 2AA) are put right only when that makes an outward code of local_outcodes, so that
    ordinary words with a number in them stay words.
    """
    taken: list[tuple[int, int]] = []
    for match in _FULL.finditer(text):
        outcode = _outcode(match.group(1), local_outcodes)
        if outcode is None or not _DIGIT.search(match.group()):
            continue
        taken.append(match.span())
        sector = f"{outcode} {match.group(2).upper().translate(_TO_DIGITS)}"
        yield Postcode(outcode, sector, "postcode", *match.span(), match.group())
    for pattern in (_SLIPPED_OUTWARD, _OUTWARD):
        for match in pattern.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            outcode = _outcode(match.group(1), local_outcodes)
            if outcode is None:
                continue
            taken.append(match.span())
            digit = match.group(2) if pattern is _OUTWARD else None
            part = f"{outcode} {digit}" if digit else None
            yield Postcode(outcode, part, "sector" if digit else "outcode", *match.span(), match.group())


def _outcode(typed: str, local_outcodes: Container[str]) -> str | None:
    upper = typed.upper().replace(" ", "")
    match = _OUTCODE.fullmatch(upper) if upper == typed.upper() else None
    if match and match.group(1) in AREAS:
        letter_ended = match.group(3).isalpha()
        if not letter_ended or match.group(1) in _LETTER_ENDED_AREAS:
            return upper
    mended = upper[:2].replace("0", "O") + upper[2:].translate(_TO_DIGITS)
    return mended if mended in local_outcodes else None
