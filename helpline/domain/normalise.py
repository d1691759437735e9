"""What was typed, turned into the words that were meant: look-alike letters, shorthand, spacing and spelling.

Every function here takes any str at all (lone surrogates, null bytes, right-to-left text), never raises, and does
work that grows in step with the length of the text.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

from rapidfuzz.distance import OSA

from helpline.domain.shorthand import AFTER_AND, DIGIT_WORDS, LEET, LOOK_ALIKES, SPOKEN, UNACCENTED

_MOST_MARKS = 3
_LONGEST_WORD = 16
_LONGEST_SPELT = 24
_SHORTEST_ONE_OFF = 4
_SHORTEST_RUN = 5
_SHORTEST_SURE = 6
_OUR_WORD_COST, _OTHER_WORD_COST, _ODD_LETTER_COST = 10, 12, 40
_SHORTEST_TWO_OFF = 7
_SENTENCE_END = "."
_APOSTROPHES = dict.fromkeys(map(ord, "\u2019\u2018\u02bc\u00b4`\u2032\uff07\u201b"), "'")
_CHUNK_EDGE = re.compile(r"^[^\w@$]+|[^\w]+$")
_ENDING = re.compile(r"[.!?;\u2026\u3002\u061f\u0964]+[\"')\]]*$")
_BETWEEN_WORDS = re.compile(r"(?:[^\w@$!+*]|_)+")
_SIGNS = re.compile(r"[!*+]+")
_WIDE_GAP = re.compile(r"[ \t\u00a0]{2,}")
_LATIN = re.compile(r"[a-z]")
_LONG_RUN = re.compile(r"(.)\1{2,}")
_VOWELS = re.compile(r"[aeiou]")
# "3rd", "12yo", "80s", "5k", "1am", and the roads "a12" and "m25": the digits are no drawn letters.
_NUMBER = re.compile(r"\d+(?:st|nd|rd|th|s|k|am|pm|yo|yr|yrs|kg|mg|ml|hr|hrs|mins?|x|ft|p)|[abm]\d{1,4}")
_SHORT_FORMS = (
    (re.compile(r"\b(he|she|it|that|there|who|what|where|here)'s\b"), r"\1 is"),
    (re.compile(r"\b(i|you|he|she|it|we|they)'ll\b"), r"\1 will"),
    (re.compile(r"\b(i|you|he|she|we|they)'d\b"), r"\1 would"),
    (re.compile(r"\b(you|we|they)'re\b"), r"\1 are"),
    (re.compile(r"(?<=\w)'s\b"), ""),
)


def plain(text: str) -> str:
    """The text in lower-case words one space apart: no accents, apostrophes, punctuation or look-alike letters.

    Digits stay. "STOP!!" gives "stop", "C\u0430n\u2019t" (Cyrillic a) gives "cant".
    """
    return " ".join(word for word in _words(text) if word != _SENTENCE_END)


def spoken(text: str) -> str:
    """The text as plain words, with shorthand and short forms said in full, and "." at the end of each sentence.

    "Im gonna go 2 bed. cnt sleep" gives "i am going to go to bed . cannot sleep".
    """
    return " ".join(_say(_words(text)))


def views(text: str, speller: "Speller | None" = None) -> tuple[str, ...]:
    """The readings of a text that are worth scanning, without repeats.

    First as written (see spoken); then repaired: letters spaced out are joined, letters drawn as digits or signs
    become letters, stretched words shrink, and, with a speller, words run together are parted and misspellings of
    the speller's words are put right.
    """
    words = _words(text)
    written = " ".join(_say(words))
    repaired = " ".join(_say((speller or _NO_SPELLER).repair(words)))
    return (written,) if repaired == written else (written, repaired)


def _words(text: str) -> list[str]:
    """Words without punctuation, and "." wherever a sentence ends."""
    words: list[str] = []
    for line in _folded(text).splitlines():
        for chunk in _close_up(line).split():
            ending = _ENDING.search(chunk)
            core = _CHUNK_EDGE.sub("", chunk)
            for piece in _BETWEEN_WORDS.split(core):
                if piece:
                    words.append(_one_script(piece))
            if ending and words and words[-1] != _SENTENCE_END:
                words.append(_SENTENCE_END)
        if words and words[-1] != _SENTENCE_END:
            words.append(_SENTENCE_END)
    return words[:-1] if words and words[-1] == _SENTENCE_END else words


def _close_up(line: str) -> str:
    """The line with "h e l p   m e" written as "help me": wider gaps show where the words of spaced letters end."""
    chunks = [chunk.split() for chunk in _WIDE_GAP.split(line)]
    pieces = [piece for chunk in chunks for piece in chunk]
    if len(chunks) < 2 or 2 * sum(len(piece) == 1 for piece in pieces) <= len(pieces):
        return line
    return " ".join("".join(chunk) if max(map(len, chunk), default=0) == 1 else " ".join(chunk) for chunk in chunks)


def _folded(text: str) -> str:
    """Lower case, compatibility forms and invisible characters resolved, apostrophes gone."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _visible(text))
    lowered = text.casefold().replace("\x00", " ").translate(_APOSTROPHES)
    for short, full in _SHORT_FORMS:
        lowered = short.sub(full, lowered)
    return lowered.replace("'", "")


def _visible(text: str) -> str:
    """Drop format and surrogate characters, and combining marks beyond three in a row (they are never words)."""
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        if category[0] == "M":
            marks += 1
            if marks > _MOST_MARKS:
                continue
        else:
            marks = 0
        if category in {"Cf", "Cs"}:
            continue
        kept.append(character)
    return "".join(kept)


def _one_script(word: str) -> str:
    """Accents off a Latin word, and letters that only look Latin made so; words in other scripts stay as they are."""
    if word.isascii():
        return word
    latin = _LATIN.search(unicodedata.normalize("NFD", word))
    if not latin:
        return word
    bare = "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))
    return bare.translate(LOOK_ALIKES).translate(UNACCENTED)


def _say(words: Iterable[str]) -> list[str]:
    """Shorthand said in full."""
    said: list[str] = []
    listed = list(words)
    last = len(listed) - 1
    for at, word in enumerate(listed):
        if word in DIGIT_WORDS and 0 < at < last and listed[at - 1].isalpha() and listed[at + 1].isalpha():
            said.append(DIGIT_WORDS[word])
        elif word == "an" and at < last and SPOKEN.get(listed[at + 1], listed[at + 1]) in AFTER_AND:
            said.append("and")
        elif word == "not" and said and said[-1] == "can":
            said[-1] = "cannot"
        elif word == "self" and said and said[-1] in {"my", "him", "her", "your"}:
            said[-1] += word
        else:
            said.extend(SPOKEN.get(word, word).split())
    return said


class Speller:
    """Puts misspelt words right, but only towards its own vocabulary and never away from an English word."""

    def __init__(self, vocabulary: Iterable[str], parts: Iterable[str] = ()) -> None:
        """`vocabulary`: the words worth finding. `parts`: further words that may be run together with them."""
        self._vocabulary = frozenset(vocabulary)
        self._parts = self._vocabulary | frozenset(parts)
        self._one_off: dict[str, list[str]] = {}
        self._two_off: dict[str, list[str]] = {}
        self._squeezed: dict[str, str] = {}
        self._consonants: dict[str, str] = {}
        self._swapped: dict[str, str] = {}
        # Shorter words first, then the alphabet: a tie between two corrections always falls the same way.
        for word in sorted((word for word in self._vocabulary if word.isascii()), key=lambda word: (len(word), word)):
            self._squeezed.setdefault(_squeeze(word), word)
            bones = _VOWELS.sub("", word)
            for clipped in (bones, word[0] + _VOWELS.sub("", word[1:-1]) + word[-1:]):
                if len(clipped) >= 3 and clipped != word:
                    self._consonants.setdefault(clipped, word)
            if len(word) == 3:
                self._swapped |= {word[1] + word[0] + word[2]: word, word[0] + word[2] + word[1]: word}
            if len(word) >= _SHORTEST_ONE_OFF:
                for key in set(_without_one(word)):
                    self._one_off.setdefault(key, []).append(word)
            if len(word) >= _SHORTEST_TWO_OFF:
                for key in set(_without_two(word)):
                    self._two_off.setdefault(key, []).append(word)

    def repair(self, words: list[str]) -> list[str]:
        """The words with spaced letters joined, drawn letters read, runs parted and spelling put right."""
        repaired: list[str] = []
        for word, spaced_out in _joined_letters(words):
            repaired.extend(self._part_anything(word) if spaced_out else self._mend(word))
        return self._joined_halves(self._moved_spaces(repaired))

    def _mend(self, word: str) -> list[str]:
        if word == _SENTENCE_END or word.isdigit() or word in self._parts:
            return [word]
        signed = [piece for piece in _SIGNS.split(word) if piece]
        if len(signed) > 1 and all(map(self._is_known, signed)):
            return signed
        word = self._read_drawn(word)
        if _LONG_RUN.search(word):
            word = self._squeezed.get(_squeeze(word)) or _LONG_RUN.sub(r"\1", word)
        if word in self._parts or word in SPOKEN or word in _ordinary_words():
            return [word]
        spelt = self._spelt(word)
        if len(spelt) >= _SHORTEST_SURE and abs(len(spelt) - len(word)) <= 1 and spelt != word:
            return [spelt]
        return self._parted(word, any_english=False) or [spelt]

    def _part_anything(self, letters: str) -> list[str]:
        """Letters that were typed one by one, as words: those of the vocabulary first, then any English word."""
        drawn = self._read_drawn(letters)
        if drawn in self._parts or drawn in SPOKEN:
            return [drawn]
        return self._parted(drawn, any_english=True) or [drawn]

    def _read_drawn(self, word: str) -> str:
        drawn = not word.isalnum() or any(character.isdigit() for character in word)
        if not drawn or not any(character.isalpha() for character in word) or word in SPOKEN:
            return word
        if _NUMBER.fullmatch(word):
            return word
        bare = word.strip("!*+")
        if bare.isalpha():
            return bare
        as_i = bare.translate(LEET)
        as_l = bare.replace("1", "l").replace("!", "l").translate(LEET)
        return (as_l if as_l in self._parts and as_i not in self._parts else as_i).replace("*", "")

    def _parted(self, letters: str, any_english: bool) -> list[str]:
        """The cheapest way to read the letters as known words run together, or nothing when there is none.

        any_english: whether other English words, and letters that belong to no word, may be read too, at a price.
        """
        if len(letters) < _SHORTEST_RUN or not self._vocabulary:
            return []
        impossible = (_ODD_LETTER_COST * (len(letters) + 1), 0)
        cheapest = [(0, 0)] + [impossible] * len(letters)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - _LONGEST_WORD), end):
                so_far = cheapest[start][0]
                if so_far + _OUR_WORD_COST >= cheapest[end][0]:
                    continue
                cost = self._cost(letters[start:end], any_english)
                if cost and so_far + cost < cheapest[end][0]:
                    cheapest[end] = (so_far + cost, start)
        if cheapest[-1] == impossible:
            return []
        parts: list[str] = []
        at = len(letters)
        while at > 0:
            start = cheapest[at][1]
            parts.append(letters[start:at])
            at = start
        return parts[::-1]

    def _cost(self, piece: str, any_english: bool) -> int:
        """What it costs to take a piece for a word (0: it cannot be one). Fewer words are better, ours the best."""
        if len(piece) == 1:
            return _OUR_WORD_COST if piece in {"i", "a"} else _ODD_LETTER_COST * any_english
        if piece in self._parts:
            return _OUR_WORD_COST
        return _OTHER_WORD_COST if any_english and piece in _ordinary_words() else 0

    def _spelt(self, word: str) -> str:
        if not 3 <= len(word) <= _LONGEST_SPELT or not word.isascii():
            return word
        if word + "g" in self._vocabulary and word.endswith("in"):
            return word + "g"
        if word in self._consonants:
            return self._consonants[word]
        if len(word) == 3:
            return self._swapped.get(word, word)
        if _squeeze(word) in self._squeezed:
            return self._squeezed[_squeeze(word)]
        if len(word) >= _SHORTEST_ONE_OFF:
            near = _nearest(word, _without_one(word), self._one_off, 1)
            if near is None and len(word) >= _SHORTEST_TWO_OFF:
                near = _nearest(word, _without_two(word), self._two_off, 2)
            return near or word
        return word

    def _moved_spaces(self, words: list[str]) -> list[str]:
        """Words with a space one letter too soon or too late ("t okill") put right, when that makes both words."""
        moved = list(words)
        for at in range(len(moved) - 1):
            left, right = moved[at], moved[at + 1]
            if _SENTENCE_END in (left, right) or all(one in SPOKEN or self._stands_alone(one) for one in (left, right)):
                continue
            for new_left, new_right in ((left + right[0], right[1:]), (left[:-1], left[-1] + right)):
                ours = new_left in self._vocabulary or new_right in self._vocabulary
                if ours and self._stands_alone(new_left) and self._stands_alone(new_right):
                    moved[at], moved[at + 1] = new_left, new_right
                    break
        return moved

    def _stands_alone(self, word: str) -> bool:
        return word in {"i", "a"} or (len(word) > 1 and (word in self._parts or word in _ordinary_words()))

    def _joined_halves(self, words: list[str]) -> list[str]:
        """A word broken by one space ("ki ll") made whole, when neither half means anything alone."""
        joined: list[str] = []
        for word in words:
            before = joined[-1] if joined else _SENTENCE_END
            whole = before + word
            if len(whole) >= 4 and whole in self._vocabulary and not (self._is_known(before) and self._is_known(word)):
                joined[-1] = whole
            else:
                joined.append(word)
        return joined

    def _is_known(self, word: str) -> bool:
        return word == _SENTENCE_END or (
            (len(word) > 2 or word in self._parts) and (word in self._parts or word in _ordinary_words())
        )


_NO_SPELLER = Speller(())


def _joined_letters(words: Iterable[str]) -> list[tuple[str, bool]]:
    """Each word, and whether it was typed as three or more letters standing alone ("k i l l", "k.i.l.l")."""
    joined: list[tuple[str, bool]] = []
    letters: list[str] = []
    stops = 0

    def close() -> None:
        nonlocal stops
        if len(letters) >= 3 and sum(letter.isalpha() for letter in letters) >= 2:
            joined.append(("".join(letters), True))
        else:
            joined.extend((letter, False) for letter in letters)
        if stops:
            joined.append((_SENTENCE_END, False))
        letters.clear()
        stops = 0

    for word in words:
        if len(word) == 1 and (word.isalnum() or word in "@$!+*"):
            letters.append(word)
            stops = 0
        elif word == _SENTENCE_END and letters:
            stops += 1
        else:
            close()
            joined.append((word, False))
    close()
    return joined


def _nearest(word: str, keys: Iterable[str], index: dict[str, list[str]], most: int) -> str | None:
    """The nearest word filed under any of the keys within so many edits, or None. Swapped neighbours are one edit."""
    near = {candidate for key in keys for candidate in index.get(key, ())}
    ranked = sorted((OSA.distance(word, candidate), candidate[0] != word[0], candidate) for candidate in near)
    if not ranked or ranked[0][0] > most:
        return None
    # In a short word a wrong first letter is more often another word than a slip of the thumb.
    return None if ranked[0][1] and len(word) < _SHORTEST_TWO_OFF else ranked[0][2]


def _squeeze(word: str) -> str:
    """The word with every run of a letter made one letter."""
    return re.sub(r"(.)\1+", r"\1", word)


def _without_one(word: str) -> Iterable[str]:
    """The word, and the word with each letter left out: two words that share one are at most two edits apart."""
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def _without_two(word: str) -> Iterable[str]:
    """As _without_one, with two letters left out."""
    for shorter in _without_one(word):
        yield from _without_one(shorter)


@lru_cache(maxsize=1)
def _ordinary_words() -> frozenset[str]:
    """English words that must not be taken for a misspelling of something else."""
    lines = resources.files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt").read_text("utf-8-sig")
    return frozenset(line.split()[0] for line in lines.splitlines() if line)
