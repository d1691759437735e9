"""Messages that are no question about care: which language, which kind of stray message, and whose door to point at.

Every function takes any str at all (lone surrogates, null bytes, right-to-left text), never raises, and does work that
grows in step with the length of the text. The words are data: content/languages.yml and content/out_of_scope.yml.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from typing import Literal

from helpline.domain.normalise import Speller, plain, views
from helpline.domain.phrases import Phrase, PhraseBook, Words
from helpline.domain.replies import Wording
from helpline.domain.shorthand import SPOKEN

Tier = Literal["county", "district"]

GIBBERISH = "gibberish"
UNKNOWN_LANGUAGE = "unknown_language"
OTHER = "other"
COUNCIL_REPLY = "off-topic-council"
COUNCIL_UNKNOWN_REPLY = "off-topic-council-unknown"

# A word of a language must not be one of so many of the most frequent English words.
_COMMON_ENGLISH = 10_000
_LEAST_WORDS = 2
_LEAST_WORDS_WITH_ONE_OF_ITS_OWN = 3
_LEAST_LETTERS = 2
_LEAST_LETTERS_OF_SHARED_SCRIPT = 4
_WORTH_OF_SHARED_WORD = 0.2
_LATIN = "LATIN"

_KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHORTEST_MASHED = 4
_SHORTEST_WITHOUT_VOWEL = 5
_SHORTEST_KEY_RUN = 3
_CONSONANTS_IN_A_ROW = re.compile(r"[bcdfghjklmnpqrstvwxz]{5,}")
_VOWELS = re.compile(r"[aeiouy]")


@dataclass(frozen=True)
class Language:
    """A language that people write to us in, and the line that they get.

    words and shared are as known_as writes them. shared: words that English or a name has too. scripts: scripts that
    it alone has, as the first word of a Unicode character's name. letters: letters that it alone has within its
    script; never: letters that it does not have.
    """

    id: str
    name: str
    own_name: str
    line: Wording
    words: frozenset[str]
    shared: frozenset[str] = frozenset()
    scripts: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()


def known_as(text: str) -> list[str]:
    """The words of a text as they are compared: lower case, without accents, apostrophes and digits.

    "C'est où?" gives ["cest", "ou"].
    """
    # Lower case makes two characters of the Turkish capital, which would part the word.
    return [word for word in plain(text.replace("\u0130", "I")).split() if word.isalpha()]


def language_of(languages: Sequence[Language], text: str) -> Language | None:
    """The language that a text is written in, or None for English, for one not listed and for too little to tell by.

    A script that one language alone has tells it, when half the letters are in it. Otherwise there must be two
    different words of the language, at least as many known in it as are English; or one of its own, others that it
    shares, and nothing English at all. Where several fit, the one whose words are rarest among the others is meant,
    then the one that is listed first. Last, letters that no other language of a script has.
    """
    letters = _letters(text)
    scripts = Counter(map(_script, letters))
    possible = [language for language in languages if language.never.isdisjoint(letters)]
    for language in possible:
        if any(_is_most(scripts, script, _LEAST_LETTERS) for script in language.scripts):
            return language
    said = known_as(text)
    fitting = [language for language in possible if _fits(language, said, _words_with(language.letters, text))]
    if fitting:
        return max(fitting, key=lambda language: _weight(language, languages, said))
    for language in possible:
        telling = {_script(letter) for letter in language.letters.intersection(letters)} - {_LATIN}
        if any(_is_most(scripts, script, _LEAST_LETTERS_OF_SHARED_SCRIPT) for script in telling):
            return language
    return None


def is_common_english(word: str) -> bool:
    """Whether a word, as known_as writes it, is frequent in English or is shorthand in texts."""
    return word in SPOKEN or _english_rank().get(word, _COMMON_ENGLISH) < _COMMON_ENGLISH


def script_of(letter: str) -> str:
    """The script of one letter, as the first word of its Unicode name: "LATIN", "CJK"; "" for a nameless character."""
    return _script(letter)


def _letters(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalpha())


def _words_with(letters: frozenset[str], text: str) -> frozenset[str]:
    """The words of a text that are written with one of these letters, as known_as writes them."""
    if not letters or letters.isdisjoint(text.casefold()):
        return frozenset()
    return frozenset(
        known for word in text.split() if not letters.isdisjoint(word.casefold()) for known in known_as(word)
    )


def _is_english(word: str) -> bool:
    return word in SPOKEN or word in _english_rank()


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _is_most(scripts: Counter[str], script: str, least: int) -> bool:
    return scripts[script] >= least and 2 * scripts[script] >= scripts.total()


def _fits(language: Language, said: Sequence[str], accented: frozenset[str]) -> bool:
    """Whether the words speak for a language. Words that are neither its own nor English speak for and against none."""
    own = {word for word in said if word in language.words}
    if not own:
        return False
    own |= {word for word in said if word in accented}
    known = sum(word in own or word in language.shared for word in said)
    english = sum(_is_english(word) for word in said if word not in own and word not in language.shared)
    if len(own) >= _LEAST_WORDS:
        return known >= english
    return not english and known >= _LEAST_WORDS and len(set(said)) >= _LEAST_WORDS_WITH_ONE_OF_ITS_OWN


def _weight(language: Language, languages: Sequence[Language], said: Iterable[str]) -> float:
    weight = 0.0
    for word in said:
        if word in language.words:
            weight += 1 / sum(word in other.words or word in other.shared for other in languages)
        elif word in language.shared:
            weight += _WORTH_OF_SHARED_WORD
    return weight


@lru_cache(maxsize=1)
def _english_rank() -> Mapping[str, int]:
    """English words, the most frequent first, with their place in that order."""
    lines = resources.files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt").read_text("utf-8-sig")
    return {line.split()[0]: rank for rank, line in enumerate(lines.splitlines()) if line}


@dataclass(frozen=True)
class Kind:
    """A kind of message that is no question about care.

    reply: the id of what is said to it. matter, council: what it is about and which council's business that is, where
    it is a council's.
    """

    id: str
    reply: str
    phrases: tuple[Phrase, ...] = ()
    council: Tier | None = None
    matter: str | None = None


@dataclass(frozen=True)
class Door:
    """A web address at which to ask. council: whose it is, or None for the page that finds one's council."""

    url: str
    council: str | None = None


@dataclass(frozen=True)
class Councils:
    """The doors of the councils. by_district: those below a county; a council that has none does everything."""

    unknown: Door
    by_authority: Mapping[str, Door]
    by_district: Mapping[str, Door]
    authority_of: Mapping[str, str]


class OffTopic:
    """Tells the kinds of stray messages apart. kinds stand in the order in which they are preferred."""

    def __init__(
        self,
        kinds: Iterable[Kind],
        councils: Councils,
        readable: frozenset[str],
        replies: Mapping[str, Wording],
    ) -> None:
        """readable: words that look like letters struck at random and are none. replies: the kinds' own, by id."""
        self.kinds = {kind.id: kind for kind in kinds}
        self.councils = councils
        self.replies = replies
        self.readable = readable
        phrases = [(phrase, kind.id) for kind in self.kinds.values() for phrase in kind.phrases]
        self._book = PhraseBook(phrases)
        self._speller = Speller({word for phrase, _ in phrases for word in phrase.vocabulary()})
        # The council's matters are one kind among the others: of two matters the longer phrase is meant.
        matters = [at for at, kind in enumerate(self.kinds.values()) if kind.council]
        self._order = {kind.id: matters[0] if kind.council else at for at, kind in enumerate(self.kinds.values())}

    def kind_of(self, text: str) -> Kind:
        """The kind of a message that was already judged to be no question about care; OTHER where nothing tells."""
        found = [
            (self._order[kind_id], start - end, kind_id)
            for view in views(text, self._speller)
            for kind_id, start, end in self._book.find(Words.of(view))
        ]
        if found:
            return self.kinds[min(found)[2]]
        if is_unknown_script(text):
            return self.kinds[UNKNOWN_LANGUAGE]
        if is_gibberish(text, self.readable):
            return self.kinds[GIBBERISH]
        return self.kinds[OTHER]

    def door_for(self, kind: Kind, district: str | None, authority: str | None) -> Door | None:
        """Where to ask about a council's matter, or None when the kind is no matter of a council.

        district, authority: where the person lives, as far as it is known. A district's matter needs the district,
        save where one council does everything.
        """
        if kind.council is None:
            return None
        authority = self.councils.authority_of.get(district or "") or authority
        two_tiers = authority in {self.councils.authority_of[name] for name in self.councils.by_district}
        if kind.council == "district" and two_tiers:
            return self.councils.by_district.get(district or "", self.councils.unknown)
        return self.councils.by_authority.get(authority or "", self.councils.unknown)

    def reply_for(self, kind: Kind, district: str | None, authority: str | None) -> tuple[str, dict[str, str]]:
        """The id of the reply to a kind of message, and the values that its placeholders take."""
        door = self.door_for(kind, district, authority)
        if door is None or kind.matter is None:
            return kind.reply, {}
        values = {"matter": kind.matter, "door": door.url}
        if door.council is None:
            return COUNCIL_UNKNOWN_REPLY, values
        return COUNCIL_REPLY, values | {"council": door.council}


def is_unknown_script(text: str) -> bool:
    """Whether most letters of a text are not Latin, so that it can hardly be English."""
    scripts = Counter(map(_script, _letters(text)))
    foreign = scripts.total() - scripts[_LATIN]
    return foreign >= _LEAST_LETTERS and 2 * foreign > scripts.total()


def is_gibberish(text: str, readable: frozenset[str]) -> bool:
    """Whether a text is letters struck at random: a word of it is, and none of the others says anything.

    readable: words that are never taken for it.
    """
    words = [word for word in known_as(text) if len(word) > 1]
    return any(_is_mashed(word, readable) for word in words) and not any(
        _says_something(word, readable) for word in words
    )


def _says_something(word: str, readable: frozenset[str]) -> bool:
    if _is_mashed(word, readable):
        return False
    return len(word) >= _SHORTEST_MASHED or _is_known(word, readable)


def _is_known(word: str, readable: frozenset[str]) -> bool:
    return word in readable or word in SPOKEN or word in _english_rank()


def _is_mashed(word: str, readable: frozenset[str]) -> bool:
    if len(word) < _SHORTEST_MASHED or not word.isascii() or _is_known(word, readable):
        return False
    if len(set(word)) == 1 or _is_run_of_keys(word):
        return True
    if not _VOWELS.search(word):
        # Text-speak leaves out vowels ("hsptl"); what is left is then the bones of an English word.
        return len(word) >= _SHORTEST_WITHOUT_VOWEL and word not in _bones_of_english()
    return bool(_CONSONANTS_IN_A_ROW.search(word)) and 2 * _strange_triples(word) >= len(word) - 2


def _is_run_of_keys(word: str) -> bool:
    """Whether a word is typed along the rows of the keyboard, in pieces of which one at least is long."""
    pieces = [1]
    for before, letter in pairwise(word):
        if _beside(before, letter):
            pieces[-1] += 1
        else:
            pieces.append(1)
    return max(pieces) >= _SHORTEST_KEY_RUN and min(pieces) > 1


@lru_cache(maxsize=1024)
def _beside(one: str, other: str) -> bool:
    return any(one + other in row or other + one in row for row in _KEY_ROWS)


@lru_cache(maxsize=1)
def _bones_of_english() -> frozenset[str]:
    return frozenset(_VOWELS.sub("", word) for word in (*_english_rank(), *SPOKEN))


@lru_cache(maxsize=1)
def _english_triples() -> frozenset[str]:
    return frozenset(word[at : at + 3] for word in _english_rank() for at in range(len(word) - 2))


def _strange_triples(word: str) -> int:
    return sum(word[at : at + 3] not in _english_triples() for at in range(len(word) - 2))
