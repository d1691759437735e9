"""A small, readable language for phrases, and a matcher whose work grows only with the length of the text.

A phrase is words in order. "a|b" is either word, "no_more" is two words in one place, "(really)" may be missing,
"..3" lets up to three other words stand between, "&3" does so with what is on either side in any order, and
"<family>" is any word or words of the set of that name. A gap never crosses the end of a sentence, nor "not" or
"never", which turn the meaning round. In an exception, "<danger>" stands for the words that would be a danger.
There is nothing else, so no phrase can take more than a fixed number of steps at each word of a text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

MOST_GAP = 8
DANGER = "<danger>"

_SET_NAME = re.compile(r"<([a-z][a-z-]*)>")
_GAP = re.compile(r"\.\.(\d+)")
_EITHER_ORDER = re.compile(r"\s&(\d+)\s")
_SENTENCE_END = "."
_TURNS_ROUND = frozenset({"not", "never"})


class PhraseError(ValueError):
    """A phrase that cannot be read; the message says which one and why."""


@dataclass(frozen=True)
class Words:
    """The words of a text in order, and for each the number of sentence ends before it."""

    words: tuple[str, ...]
    sentence: tuple[int, ...]

    @classmethod
    def of(cls, view: str) -> "Words":
        """Split a normalised text (words and "." apart by spaces) into its words."""
        words: list[str] = []
        sentence: list[int] = []
        ends = 0
        for piece in view.split():
            if piece == _SENTENCE_END:
                ends += 1
            else:
                words.append(piece)
                sentence.append(ends)
        return cls(tuple(words), tuple(sentence))

    def without(self, spans: Iterable[tuple[int, int]]) -> "Words":
        """The same words with those in the spans blanked, so that nothing matches them."""
        words = list(self.words)
        for start, end in spans:
            words[start:end] = [""] * (end - start)
        return Words(tuple(words), self.sentence)


@dataclass(frozen=True)
class _Place:
    """One place of a phrase: any of the single words, or any of the runs of several, or a gap of up to `gap`."""

    singles: frozenset[str] = frozenset()
    runs: tuple[tuple[str, ...], ...] = ()
    optional: bool = False
    gap: int = 0

    @property
    def opening_words(self) -> frozenset[str]:
        return self.singles | {run[0] for run in self.runs}

    def ends(self, words: Sequence[str], at: int, step: int) -> set[int]:
        found = {at} if self.optional else set()
        if not 0 <= at < len(words):
            return found
        if words[at] in self.singles:
            found.add(at + step)
        for run in self.runs:
            ordered = run if step > 0 else run[::-1]
            last = at + step * len(ordered)
            if -1 <= last <= len(words) and all(
                words[at + step * number] == word for number, word in enumerate(ordered)
            ):
                found.add(last)
        return found


def _walk(places: Sequence[_Place], text: Words, start: int, step: int) -> set[int]:
    """Where the places can end, read from start forwards (step 1) or backwards (step -1)."""
    reached = {start}
    for place in places:
        if place.gap:
            reached = {spot for at in reached for spot in _spots_in_gap(text, at, place.gap, step)}
        else:
            reached = {end for at in reached for end in place.ends(text.words, at, step)}
        if not reached:
            return reached
    return reached


def _spots_in_gap(text: Words, at: int, most: int, step: int) -> Iterator[int]:
    yield at
    before = at - step
    if not 0 <= before < len(text.words):
        return
    for spot in range(at + step, at + step * (most + 1), step):
        if not 0 <= spot < len(text.words) or text.sentence[spot] != text.sentence[before]:
            return
        if text.words[spot - step] in _TURNS_ROUND:
            return
        yield spot


@dataclass(frozen=True)
class Phrase:
    """A phrase ready to be matched."""

    source: str
    places: tuple[_Place, ...]

    def ends(self, text: Words, start: int) -> set[int]:
        """Every place where the phrase can end when it begins at word `start` (empty when it does not)."""
        return _walk(self.places, text, start, 1)

    def needed(self) -> list[frozenset[str]]:
        """For each place that must be filled, the words one of which must be in the text."""
        return [place.opening_words for place in self.places if not place.optional and not place.gap]

    def vocabulary(self) -> frozenset[str]:
        """Every word that the phrase knows."""
        return frozenset(
            word for place in self.places for word in (*place.singles, *(part for run in place.runs for part in run))
        )


@dataclass(frozen=True)
class Unless:
    """Words before and after a danger that make it none ("never <danger>", "<danger> ..3 years_ago")."""

    source: str
    before: tuple[_Place, ...]
    after: tuple[_Place, ...]

    @cached_property
    def _needed(self) -> tuple[frozenset[str], ...]:
        places = (*self.before, *self.after)
        return tuple(place.opening_words for place in places if not place.optional and not place.gap)

    def may_cover(self, words: frozenset[str]) -> bool:
        """Whether a text of these words can have this exception in it at all. Much cheaper than covers."""
        return not any(words.isdisjoint(needed) for needed in self._needed)

    def covers(self, text: Words, start: int, end: int) -> bool:
        """Whether the words around text[start:end] are this exception."""
        if self.before and not _walk(self.before, text, start - 1, -1):
            return False
        return not self.after or bool(_walk(self.after, text, end, 1))


class PhraseReader:
    """Reads phrases. `fold` turns a written word into the words that texts are normalised to."""

    def __init__(self, sets: Mapping[str, Sequence[str]], fold: Callable[[str], str]) -> None:
        """`sets` maps the name of a set of words to its members ("care_worker" is two words, "<other>" a set)."""
        self._fold = fold
        self._written = sets
        self._sets: dict[str, frozenset[tuple[str, ...]]] = {}
        for name in sets:
            self._members(name, ())

    def phrases(self, source: str) -> tuple[Phrase, ...]:
        """Read one written phrase; with "&6" in it, both of its orders. Raises PhraseError as phrase does."""
        sides = _EITHER_ORDER.split(source)
        if len(sides) == 1:
            return (self.phrase(source),)
        if len(sides) != 3:
            raise PhraseError(f'"{source}": only one & is possible')
        first, gap, second = sides
        return self.phrase(f"{first} ..{gap} {second}"), self.phrase(f"{second} ..{gap} {first}")

    def phrase(self, source: str) -> Phrase:
        """Read one phrase. Raises PhraseError when it cannot be read or would match next to nothing."""
        places = self._places(source)
        if not places or not any(not place.optional and not place.gap for place in places):
            raise PhraseError(f'"{source}": a phrase needs at least one word that must be there')
        if places[0].gap or places[-1].gap:
            raise PhraseError(f'"{source}": a phrase cannot begin or end with a gap')
        return Phrase(source, places)

    def exception(self, source: str) -> Unless:
        """Read one exception. Raises PhraseError unless <danger> is in it once, with words beside it."""
        before, found, after = source.partition(DANGER)
        if not found or DANGER in after:
            raise PhraseError(f'"{source}": an exception must have {DANGER} in it, once')
        if not before.strip() and not after.strip():
            raise PhraseError(f'"{source}": an exception must have words beside {DANGER}')
        return Unless(source, self._places(before)[::-1], self._places(after))

    def _places(self, source: str) -> tuple[_Place, ...]:
        places: list[_Place] = []
        for piece in source.split():
            gap = _GAP.fullmatch(piece)
            if gap:
                if not 1 <= int(gap[1]) <= MOST_GAP:
                    raise PhraseError(f'"{source}": a gap is from ..1 to ..{MOST_GAP}')
                places.append(_Place(gap=int(gap[1])))
            elif piece.startswith("(") != piece.endswith(")"):
                raise PhraseError(f'"{source}": "{piece}" has a bracket that is not closed')
            else:
                places.extend(self._place(source, piece))
        return tuple(places)

    def _place(self, source: str, piece: str) -> Iterable[_Place]:
        optional = piece.startswith("(")
        alternatives = piece.strip("()").split("|")
        runs: set[tuple[str, ...]] = set()
        for alternative in alternatives:
            runs |= self._runs(source, alternative, ())
        if len(runs) == 1 and not optional:
            return [_Place(frozenset([word])) for word in next(iter(runs))]
        singles = frozenset(run[0] for run in runs if len(run) == 1)
        return [_Place(singles, tuple(sorted(run for run in runs if len(run) > 1)), optional)]

    def _runs(self, source: str, written: str, within: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
        name = _SET_NAME.fullmatch(written)
        if name:
            if name[1] not in self._written:
                raise PhraseError(f'"{source}": there is no set of words named <{name[1]}>')
            return self._members(name[1], within)
        folded = tuple(self._fold(written.replace("_", " ")).split())
        if not folded or any(mark in written for mark in "<>()*"):
            raise PhraseError(f'"{source}": "{written}" is not a word')
        return frozenset([folded])

    def _members(self, name: str, within: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
        if name in within:
            raise PhraseError(f"the set of words <{name}> contains itself")
        if name not in self._sets:
            members: set[tuple[str, ...]] = set()
            for written in self._written[name]:
                members |= self._runs(f"<{name}>", written, (*within, name))
            self._sets[name] = frozenset(members)
        return self._sets[name]


class PhraseBook[Label]:
    """Many labelled phrases, found together in one pass over a text."""

    def __init__(self, entries: Iterable[tuple[Phrase, Label]]) -> None:
        """Each phrase is filed under the rarest of the words it needs, so that most texts try very few of them."""
        self._entries = list(entries)
        frequency: dict[str, int] = {}
        for phrase, _ in self._entries:
            for word in phrase.vocabulary():
                frequency[word] = frequency.get(word, 0) + 1
        self._by_word: dict[str, list[int]] = {}
        for number, (phrase, _) in enumerate(self._entries):
            rarest = min(phrase.needed(), key=lambda words: sum(frequency[word] for word in words))
            for word in rarest:
                self._by_word.setdefault(word, []).append(number)

    def find(self, text: Words) -> Iterator[tuple[Label, int, int]]:
        """Every match as (label, first word, word after the last), taking the shortest match at each start."""
        present = set(text.words)
        tried = sorted({number for word in present for number in self._by_word.get(word, ())})
        where: dict[str, list[int]] = {}
        for at, word in enumerate(text.words):
            where.setdefault(word, []).append(at)
        for number in tried:
            phrase, label = self._entries[number]
            if any(present.isdisjoint(words) for words in phrase.needed()):
                continue
            for start in self._starts(phrase, where):
                ends = {end for end in phrase.ends(text, start) if end > start}
                if ends:
                    yield label, start, min(ends)

    @staticmethod
    def _starts(phrase: Phrase, where: Mapping[str, Sequence[int]]) -> list[int]:
        openers: set[str] = set()
        for place in phrase.places:
            if place.gap:
                break
            openers |= place.opening_words
            if not place.optional:
                break
        return sorted({at for word in openers for at in where.get(word, ())})
