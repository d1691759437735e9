"""Where a person lives, from what they typed: a postcode, the beginning of one, or the name of a town or village.

What matters most is the authority (the council that does social care). It is often known when the district is not:
CM3 is in four districts, all of Essex. The tables are counts of OS Code-Point Open (content/places/ATTRIBUTION.md).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rapidfuzz.distance import OSA

from helpline.domain.postcodes import Postcode, find_postcodes

How = Literal["postcode", "sector", "outcode", "name"]
Rule = Literal["single", "ask-or-use-sector", "mostly-outside"]

# A sector counts as its main district from this share of its postcodes, when the rest has the same social care ...
ENOUGH_FOR_DISTRICT = 0.90
# ... and from this share when the rest has another council's, because then a wrong guess is a wrong phone number.
ENOUGH_FOR_AUTHORITY = 0.98

_WORD = re.compile(r"[A-Za-z]+(?:['\u2019][A-Za-z]+)?|[0-9]+[A-Za-z]*")
# What one clause says of a place does not hold for the next.
_CLAUSES = re.compile(
    r"[,.;:!?\n]+|\b(?:but|and|while|whereas|though|although|instead of)\b|(?=\bnot\b)", re.IGNORECASE
)
_NUMBER_BEFORE = re.compile(r"\d\s*$")
# How many letters a name needs before one slip, and two, are put right; a name of several words needs more.
_ONE_SLIP_FROM = {"one word": 6, "more words": 10}
_TWO_SLIPS_FROM = {"one word": 9, "more words": 12}


@dataclass(frozen=True)
class Place:
    """A place in one district. whole_message: the text says nothing else."""

    district: str
    authority: str
    source: How
    whole_message: bool


@dataclass(frozen=True)
class AmbiguousPlace:
    """A place that may be in any of these districts, likeliest first, or outside the area if maybe_outside."""

    districts: tuple[str, ...]
    authorities: tuple[str, ...]
    maybe_outside: bool
    whole_message: bool

    @property
    def authority(self) -> str | None:
        """The council for social care, when it is the same whichever the district."""
        return self.authorities[0] if len(self.authorities) == 1 and not self.maybe_outside else None


@dataclass(frozen=True)
class OutOfArea:
    """A place that is certainly in none of our districts."""

    whole_message: bool


@dataclass(frozen=True)
class OutcodeRow:
    """One outward code: districts with their numbers of postcodes, most first, and the number outside the area."""

    outcode: str
    rule: Rule
    districts: tuple[str, ...]
    counts: tuple[int, ...]
    outside: int


@dataclass(frozen=True)
class SectorRow:
    """One postcode sector ("CM3 4"), counted in the same way."""

    sector: str
    districts: tuple[str, ...]
    counts: tuple[int, ...]
    outside: int


@dataclass(frozen=True)
class TownRow:
    """One town or village. district None: well known but outside the area. needs_cue: also a word or a surname."""

    name: str
    district: str | None
    needs_cue: bool


@dataclass(frozen=True)
class PlaceWords:
    """The words around place names: see content/places/words.yml for what each list is."""

    fillers: frozenset[str]
    cues: frozenset[str]
    not_a_home: frozenset[str]
    not_a_home_after: frozenset[str]
    ordinary: frozenset[str]
    codes_that_need_a_cue: frozenset[str]
    same_as: Mapping[str, str]
    cared_for: frozenset[str] = frozenset()
    taken_back: frozenset[str] = frozenset()
    lives_in: frozenset[str] = frozenset()
    helpers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class _Name:
    row: TownRow
    start: int
    end: int
    cued: bool


class Gazetteer:
    """Every outward code, sector and town that we know, ready to be looked for in a message."""

    def __init__(
        self,
        outcodes: Iterable[OutcodeRow],
        sectors: Iterable[SectorRow],
        towns: Iterable[TownRow],
        authority_of: Mapping[str, str],
        words: PlaceWords,
    ) -> None:
        """authority_of: authority id by district name; it names every district of the tables."""
        self._outcodes = {row.outcode: row for row in outcodes}
        self._sectors = {row.sector: row for row in sectors}
        self._authority_of = dict(authority_of)
        self._words = words
        rows = [TownRow(district, district, needs_cue=False) for district in authority_of] + list(towns)
        self._towns = {tuple(token.text for token in self._tokens(row.name)): row for row in rows}
        self._longest_name = max(map(len, self._towns))
        self._mendable: dict[str, list[tuple[str, TownRow, int]]] = {}
        for key, row in self._towns.items():
            name = " ".join(key)
            if row.district and not row.needs_cue and (slips := _slips_allowed(name)):
                self._mendable.setdefault(name[0], []).append((name, row, slips))

    def find(self, text: str) -> Place | AmbiguousPlace | OutOfArea | None:
        """The place that a message names, or None.

        A postcode goes before a name, unless it leaves a choice that the name settles. Of several places the one
        counts where the person lives who is cared for ("I am in Southend but mum is in Harlow"), and one that is taken
        back does not count ("not Southend, Harlow"). Two places in different districts are ambiguous otherwise.
        """
        whole = self._find(text)
        if whole is None:
            return OutOfArea(whole_message=False) if self._lives_outside(text) else None
        placed = [(clause, place) for clause in _CLAUSES.split(text) if (place := self._find(clause)) is not None]
        if len(placed) < 2:
            # "Not Braintree" says nothing of where it is; "she is not coping in Braintree" does.
            return None if whole.whole_message and self._says_one_of(text, self._words.taken_back) else whole
        kept = [one for one in placed if not self._says_one_of(one[0], self._words.taken_back)] or placed
        theirs = [one for one in kept if self._says_one_of(one[0], self._words.cared_for)]
        chosen = theirs if len(theirs) == 1 else kept
        return replace(chosen[0][1], whole_message=whole.whole_message) if len(chosen) == 1 else whole

    def _lives_outside(self, text: str) -> bool:
        """Whether it is said in passing that who needs help lives outside the area."""
        clauses = [clause for clause in _CLAUSES.split(text) if clause.strip()]
        outside = [clause for clause in clauses if self._says_lives_outside(clause)]
        others = [clause for clause in clauses if clause not in outside]
        if len(outside) != 1 or self._says_one_of(outside[0], self._words.taken_back | self._words.helpers):
            return False
        return self._says_one_of(outside[0], self._words.cared_for) or not any(
            self._says_one_of(clause, self._words.cared_for) for clause in others
        )

    def _says_lives_outside(self, clause: str) -> bool:
        return any(
            name.row.district is None and self._ends_with_one_of(clause[: name.start], self._words.lives_in)
            for name in self._names(clause, [])
        )

    def _ends_with_one_of(self, text: str, phrases: frozenset[str]) -> bool:
        said = f" {' '.join(token.text for token in self._tokens(text))}"
        return any(said.endswith(f" {phrase}") for phrase in phrases)

    def _says_one_of(self, clause: str, phrases: frozenset[str]) -> bool:
        said = f" {' '.join(token.text for token in self._tokens(clause))} "
        return any(f" {phrase} " in said for phrase in phrases)

    def _find(self, text: str) -> Place | AmbiguousPlace | OutOfArea | None:
        codes = list(find_postcodes(text, self._outcodes))
        names = self._names(text, [(code.start, code.end) for code in codes])
        spans = [(code.start, code.end) for code in codes] + [(name.start, name.end) for name in names]
        bare = bool(spans) and self._says_nothing_else(text, spans)
        codes = [code for code in codes if self._counts(code, text, bare)]
        home = {name.row.district for name in names if name.row.district and (name.cued or bare)}
        from_codes = [self._resolve(code, bare) for code in codes]
        local = [place for place in from_codes if not isinstance(place, OutOfArea)]
        if local:
            return self._narrow(local, home, bare)
        if home:
            return self._of_districts(self._in_table_order(home), "name", bare)
        if from_codes or (bare and names):
            return OutOfArea(bare)
        return None

    def _counts(self, code: Postcode, text: str, bare: bool) -> bool:
        if code.kind == "postcode":
            return True
        if code.outcode not in self._outcodes:
            return bare and code.outcode[1].isalpha()
        if bare:
            return True
        before = text[: code.start]
        cued = self._is_cued(self._tokens(before))
        mended = code.kind == "outcode" and code.as_typed.upper() != code.outcode
        if mended or code.outcode in self._words.codes_that_need_a_cue:
            return cued
        if code.outcode[1].isdigit():
            return code.as_typed[0].isupper()
        return cued or not _NUMBER_BEFORE.search(before)

    def _resolve(self, code: Postcode, bare: bool) -> Place | AmbiguousPlace | OutOfArea:
        whole = self._outcodes.get(code.outcode)
        if whole is None:
            return OutOfArea(bare)
        if whole.rule == "single":
            how: How = "postcode" if code.kind == "postcode" else "outcode"
            return self._of_districts(whole.districts, how, bare)
        sector = self._sectors.get(code.sector or "")
        if sector is not None:
            how = "postcode" if code.kind == "postcode" else "sector"
            return self._of_counts(sector, how, bare)
        if code.sector and whole.outside:
            return OutOfArea(bare)
        return self._of_districts(whole.districts, "outcode", bare, maybe_outside=whole.outside > 0)

    def _of_counts(self, sector: SectorRow, how: How, bare: bool) -> Place | AmbiguousPlace:
        main = sector.districts[0]
        total = sum(sector.counts) + sector.outside
        of_main_authority = sum(
            count
            for district, count in zip(sector.districts, sector.counts, strict=True)
            if self._authority_of[district] == self._authority_of[main]
        )
        split = of_main_authority < total
        if split and of_main_authority / total < ENOUGH_FOR_AUTHORITY:
            return self._of_districts(sector.districts, how, bare, maybe_outside=sector.outside > 0)
        if sector.counts[0] / total >= ENOUGH_FOR_DISTRICT:
            return self._of_districts((main,), how, bare)
        same = tuple(d for d in sector.districts if self._authority_of[d] == self._authority_of[main])
        return self._of_districts(same, how, bare)

    def _of_districts(
        self, districts: Sequence[str], how: How, bare: bool, maybe_outside: bool = False
    ) -> Place | AmbiguousPlace:
        if len(districts) == 1 and not maybe_outside:
            return Place(districts[0], self._authority_of[districts[0]], how, bare)
        authorities = tuple(dict.fromkeys(self._authority_of[district] for district in districts))
        return AmbiguousPlace(tuple(districts), authorities, maybe_outside, bare)

    def _narrow(self, places: Sequence[Place | AmbiguousPlace], named: set[str], bare: bool) -> Place | AmbiguousPlace:
        possible: list[str] = []
        for place in places:
            possible += [place.district] if isinstance(place, Place) else list(place.districts)
        districts = tuple(dict.fromkeys(possible))
        if len(districts) == 1 and isinstance(places[0], Place):
            return places[0]
        settled = [district for district in districts if district in named]
        if settled and not all(isinstance(place, Place) for place in places):
            return self._of_districts(settled, "name", bare)
        maybe_outside = any(isinstance(place, AmbiguousPlace) and place.maybe_outside for place in places)
        return self._of_districts(districts, "outcode", bare, maybe_outside)

    def _in_table_order(self, districts: set[str]) -> list[str]:
        return [district for district in self._authority_of if district in districts]

    def _tokens(self, text: str) -> list[_Token]:
        tokens = []
        for match in _WORD.finditer(text):
            word = match.group().casefold().replace("\u2019", "'").removesuffix("'s").replace("'", "")
            tokens.append(_Token(self._words.same_as.get(word, word), match.start(), match.end()))
        return tokens

    def _is_cued(self, before: Sequence[_Token]) -> bool:
        return bool(before) and before[-1].text in self._words.cues

    def _says_nothing_else(self, text: str, spans: Sequence[tuple[int, int]]) -> bool:
        return all(
            token.text in self._words.fillers
            for token in self._tokens(text)
            if not any(start <= token.start < end for start, end in spans)
        )

    def _names(self, text: str, taken: Sequence[tuple[int, int]]) -> list[_Name]:
        tokens = self._tokens(text)
        free = [not any(s < token.end and token.start < e for s, e in taken) for token in tokens]
        found: list[_Name] = []
        for size in range(min(self._longest_name, len(tokens)), 0, -1):
            for look_up in (self._exactly, self._nearly):
                for first in range(len(tokens) - size + 1):
                    last = first + size
                    if not all(free[first:last]):
                        continue
                    row = look_up([token.text for token in tokens[first:last]])
                    if row is None:
                        continue
                    free[first:last] = [False] * size
                    if self._is_no_home(tokens, first, last):
                        continue
                    followed = last < len(tokens) and tokens[last].text == "essex"
                    cued = not row.needs_cue or followed or self._is_cued(tokens[:first])
                    found.append(_Name(row, tokens[first].start, tokens[last - 1].end, cued))
        return found

    def _is_no_home(self, tokens: Sequence[_Token], first: int, last: int) -> bool:
        before = " ".join(token.text for token in tokens[max(0, first - 2) : first])
        followed_by = tokens[last].text if last < len(tokens) else ""
        return before in self._words.not_a_home_after or followed_by in self._words.not_a_home

    def _exactly(self, words: list[str]) -> TownRow | None:
        return self._towns.get(tuple(words))

    def _nearly(self, words: list[str]) -> TownRow | None:
        typed = " ".join(words)
        if typed in self._words.ordinary:
            return None
        best: tuple[int, TownRow] | None = None
        for name, row, allowed in self._mendable.get(typed[0], ()):
            if abs(len(name) - len(typed)) > allowed:
                continue
            if name.count(" ") != len(words) - 1 and name.replace(" ", "") != "".join(words):
                continue
            distance = OSA.distance(typed, name, score_cutoff=allowed)
            if distance > allowed or (distance > 1 and name[:2] != typed[:2]):
                continue
            if best is None or distance < best[0]:
                best = (distance, row)
        return best[1] if best else None


def _slips_allowed(name: str) -> int:
    kind = "more words" if " " in name else "one word"
    return (len(name) >= _ONE_SLIP_FROM[kind]) + (len(name) >= _TWO_SLIPS_FROM[kind])
