"""Reads languages.yml and out_of_scope.yml and checks them: what is said to messages that are not about care."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from content import lint, sms_rules
from content.problems import ContentError, Problem
from content.reading import Reader
from helpline.domain import sms
from helpline.domain.contact_line import ROLES, expand
from helpline.domain.guide import Guide
from helpline.domain.off_topic import (
    COUNCIL_REPLY,
    COUNCIL_UNKNOWN_REPLY,
    GIBBERISH,
    OTHER,
    UNKNOWN_LANGUAGE,
    Councils,
    Door,
    Kind,
    Language,
    OffTopic,
    Tier,
    is_common_english,
    known_as,
    script_of,
)
from helpline.domain.phrases import Phrase, PhraseError, PhraseReader
from helpline.domain.replies import ReplyWords, Wording, placeholders
from helpline.domain.safety import fold_phrase

LANGUAGES_FILE = "languages.yml"
OUT_OF_SCOPE_FILE = "out_of_scope.yml"

_FRONT_DOOR = "front-door"
_EMERGENCY = "999"
_FEWEST_WORDS = 25
_MOST_WORDS = 100
_LONGEST_REVIEW = timedelta(days=366)
_COUNCIL_VALUES = {"matter", "council", "door"}

Text = Annotated[str, Field(min_length=1)]
Address = Annotated[str, Field(pattern=r"^https://www\.[a-z.-]+\.gov\.uk(/[a-z-]+)?$|^https://www\.gov\.uk/[a-z-]+$")]
# YAML reads 2026 as a number and 2026-11-26 as a date; a source's own date is words.
TextOrDate = Annotated[Text, BeforeValidator(str)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LanguageEntry(_Entry):
    """One language of languages.yml. words and shared are words with spaces between them."""

    name: Text
    own_name: Text
    line: Text
    ask_for: tuple[Text, ...] = ()
    words: str = ""
    shared: str = ""
    script: frozenset[Text] = frozenset()
    letters: str = ""
    never: str = ""


class KindEntry(_Entry):
    """One kind of out_of_scope.yml: with a reply, or with a council's matter."""

    reply: Text | None = None
    council: Tier | None = None
    matter: Text | None = None
    words: tuple[Text, ...] = ()


class SourceEntry(_Entry):
    """Where a fact comes from, and what the source says of its own age."""

    name: Text
    url: Text
    date: TextOrDate


class DistrictEntry(_Entry):
    """A district council and its address on the web."""

    name: Text
    door: Address


class AuthorityEntry(DistrictEntry):
    """A county or a council that does everything. districts: the councils below a county."""

    districts: dict[str, DistrictEntry] = {}


class CouncilsEntry(_Entry):
    """Every council's door, where that is from, and by when it must be checked again."""

    as_of: date
    review_by: date
    sources: Annotated[tuple[SourceEntry, ...], Field(min_length=1)]
    unknown: Address
    authorities: Annotated[dict[str, AuthorityEntry], Field(min_length=1)]


class ReplyEntry(_Entry):
    """One reply with words for a text and for chat."""

    sms: Text
    chat: Text
    values: frozenset[Text] = frozenset()


class OutOfScopeFile(_Entry):
    """The whole of out_of_scope.yml."""

    sets: dict[str, tuple[Text, ...]]
    kinds: Annotated[dict[str, KindEntry], Field(min_length=1)]
    readable: frozenset[Text]
    councils: CouncilsEntry
    replies: Annotated[dict[str, ReplyEntry], Field(min_length=1)]


LanguagesFile = RootModel[dict[str, LanguageEntry]]


def load_languages(root: Path, guide: Guide, words: ReplyWords) -> tuple[Language, ...]:
    """Read languages.yml of the content folder, in its order. guide and words: for the numbers in the lines.

    Raises ContentError with every problem that was found.
    """
    reader = Reader(root)
    read = reader.yaml(LANGUAGES_FILE, LanguagesFile)
    for language_id, entry in (read.root if read else {}).items():
        problems = [
            *_line_problems(entry, guide, words),
            *_word_problems(entry),
            *_letter_problems(entry),
        ]
        for where, what, what_to_do in problems:
            reader.add(LANGUAGES_FILE, f"{language_id}, {where}", what, what_to_do)
    if reader.problems or read is None:
        raise ContentError(reader.problems)
    return tuple(_language(language_id, entry) for language_id, entry in read.root.items())


def load_out_of_scope(
    root: Path, guide: Guide, words: ReplyWords, wrong_facts: Sequence[lint.WrongFact] = ()
) -> OffTopic:
    """Read out_of_scope.yml of the content folder. guide: whose places and numbers. words: the replies of replies.yml.

    Raises ContentError with every problem that was found.
    """
    reader = Reader(root)
    read = reader.yaml(OUT_OF_SCOPE_FILE, OutOfScopeFile)
    if read is None:
        raise ContentError(reader.problems)
    phrases = _phrases(reader, read)
    for where, what, what_to_do in (
        *_kind_problems(read, words),
        *_council_problems(read.councils, guide),
        *_reply_problems(read, guide, words, wrong_facts),
    ):
        reader.add(OUT_OF_SCOPE_FILE, where, what, what_to_do)
    if reader.problems:
        raise ContentError(reader.problems)
    return OffTopic(
        [
            Kind(kind_id, entry.reply or COUNCIL_REPLY, tuple(phrases[kind_id]), entry.council, entry.matter)
            for kind_id, entry in read.kinds.items()
        ],
        _councils(read.councils, guide),
        frozenset(word for written in read.readable for word in known_as(written)),
        {reply_id: Wording(entry.sms, entry.chat, entry.values) for reply_id, entry in read.replies.items()},
    )


Found = tuple[str, str, str]


def _language(language_id: str, entry: LanguageEntry) -> Language:
    simple = sms.to_gsm7(entry.line)
    # Latin letters lose their accents in a text and stay readable; another alphabet would become question marks.
    line = Wording(simple if "?" not in simple.replace("?", "", entry.line.count("?")) else entry.line, entry.line)
    return Language(
        language_id,
        entry.name,
        entry.own_name,
        line,
        frozenset(known_as(entry.words)),
        frozenset(known_as(entry.shared)),
        entry.script,
        frozenset(entry.letters),
        frozenset(entry.never),
    )


def _line_problems(entry: LanguageEntry, guide: Guide, words: ReplyWords) -> Iterator[Found]:
    line = entry.line
    if placeholders(line) != (_FRONT_DOOR,):
        yield "line", "It must have the number to ring once.", f"Write {{{_FRONT_DOOR}}} in it, and no other name."
        return
    for spoken in entry.ask_for or (entry.name,):
        if f"'{spoken}, please'" not in line:
            yield "line", "It does not give the words to say.", f"Write '{spoken}, please' in it."
    digits = re.findall(r"\d+", line)
    if digits != [_EMERGENCY]:
        yield "line", f"Its digits are {', '.join(digits) or 'none'}.", f"Only {_EMERGENCY} is written in digits, once."
    if _would_be_turned_round(line):
        yield (
            "line",
            "The parts of the number would be shown in the wrong order.",
            f"Write Tel: before {{{_FRONT_DOOR}}}, so that it runs from left to right.",
        )
    sent = _language("", entry).line.sms
    for authority in (None, *guide.authorities):
        line_in_place = expand(sent, guide, authority, words, "sms")
        for what, what_to_do in sms_rules.too_many_parts(line_in_place, sms_rules.for_people_of(authority)):
            yield "line", what, what_to_do


def _would_be_turned_round(line: str) -> bool:
    """Whether groups of digits after this text are laid out from right to left (Unicode Annex 9, rules W7 and N1)."""
    before = line.partition("{")[0]
    strong = [kind for kind in map(unicodedata.bidirectional, before) if kind in {"L", "R", "AL"}]
    return bool(strong) and strong[-1] != "L"


def _word_problems(entry: LanguageEntry) -> Iterator[Found]:
    count = len(set(known_as(entry.words)))
    if entry.words and not _FEWEST_WORDS <= count <= _MOST_WORDS:
        yield "words", f"There are {count} words.", f"Give from {_FEWEST_WORDS} to {_MOST_WORDS}."
    if not entry.words and not entry.script:
        yield "words", "There is nothing to know the language by.", "Add words, or a script of its own."
    both = set(known_as(entry.words)) & set(known_as(entry.shared))
    for word in sorted(both):
        yield "shared", f"'{word}' is under words too.", "Take it out of one of them."
    for word in sorted(filter(is_common_english, known_as(entry.words))):
        yield "words", f"'{word}' is an English word too.", "Move it to shared."


def _letter_problems(entry: LanguageEntry) -> Iterator[Found]:
    for script in sorted(entry.script):
        if script not in map(script_of, entry.own_name):
            yield "script", f"'{script}' is not how own_name is written.", "Correct the one or the other."
    for letter in sorted(set(entry.letters) & set(entry.never)):
        yield "never", f"'{letter}' is under letters too.", "Take it out of one of them."
    for letter in sorted(set(entry.own_name.casefold()) & set(entry.never)):
        yield "never", f"'{letter}' is in own_name.", "Take it out."


def _phrases(reader: Reader, read: OutOfScopeFile) -> dict[str, list[Phrase]]:
    found: dict[str, list[Phrase]] = {kind_id: [] for kind_id in read.kinds}
    try:
        phrase_reader = PhraseReader(read.sets, fold_phrase)
    except PhraseError as error:
        reader.add(OUT_OF_SCOPE_FILE, "sets", f"{error}.", "Correct it.")
        return found
    for kind_id, entry in read.kinds.items():
        for written in entry.words:
            try:
                found[kind_id].extend(phrase_reader.phrases(written))
            except PhraseError as error:
                reader.add(OUT_OF_SCOPE_FILE, f"{kind_id}, words", f"{error}.", "Correct the phrase.")
    return found


def _kind_problems(read: OutOfScopeFile, words: ReplyWords) -> Iterator[Found]:
    for kind_id in (GIBBERISH, UNKNOWN_LANGUAGE, OTHER):
        if kind_id not in read.kinds:
            yield "kinds", f"There is no kind '{kind_id}'.", "Add it: the program knows it by this name."
    for reply_id in (COUNCIL_REPLY, COUNCIL_UNKNOWN_REPLY):
        if reply_id not in read.replies:
            yield "replies", f"There is no reply '{reply_id}'.", "Add it: the program says it."
    for kind_id, entry in read.kinds.items():
        if (entry.council is None) == (entry.reply is None) or (entry.council is None) != (entry.matter is None):
            yield kind_id, "It is not clear what is said to it.", "Give it a reply, or else a council and a matter."
        if entry.reply and entry.reply not in read.replies and not words.has(entry.reply):
            yield f"{kind_id}, reply", f"There is no reply '{entry.reply}'.", "Write one under replies."
        if entry.words and kind_id in (GIBBERISH, UNKNOWN_LANGUAGE, OTHER):
            yield f"{kind_id}, words", "This kind is not found by words.", "Take them out."
        if not entry.words and kind_id not in (GIBBERISH, UNKNOWN_LANGUAGE, OTHER):
            yield f"{kind_id}, words", "There are no words to know it by.", "Add some."
    for reply_id in sorted(read.replies.keys() & words.wordings.keys()):
        yield f"replies, {reply_id}", "replies.yml has a reply of this name.", "Give it another."


def _council_problems(councils: CouncilsEntry, guide: Guide) -> Iterator[Found]:
    if not councils.as_of < councils.review_by <= councils.as_of + _LONGEST_REVIEW:
        yield "councils, review_by", "This is not within a year after as_of.", "Put the day by which to check again."
    for authority_id in sorted(guide.authorities.keys() ^ councils.authorities.keys()):
        yield (
            "councils, authorities",
            f"'{authority_id}' is only in one of this file and authorities.yml.",
            "Make the two agree.",
        )
    for authority_id, entry in councils.authorities.items():
        known = set(guide.authorities[authority_id].districts) if authority_id in guide.authorities else set()
        if entry.districts and set(entry.districts) != known:
            odd = ", ".join(sorted(set(entry.districts) ^ known))
            yield (
                f"councils, {authority_id}, districts",
                f"These are only in one of this file and authorities.yml: {odd}.",
                "Make the two agree.",
            )
        if not entry.districts and len(known) > 1:
            yield f"councils, {authority_id}", "Its districts have no doors.", "Add the districts."


def _councils(entry: CouncilsEntry, guide: Guide) -> Councils:
    return Councils(
        Door(entry.unknown),
        {authority_id: Door(one.door, one.name) for authority_id, one in entry.authorities.items()},
        {
            district: Door(one.door, one.name)
            for authority in entry.authorities.values()
            for district, one in authority.districts.items()
        },
        guide.authority_of_district(),
    )


def _reply_problems(
    read: OutOfScopeFile, guide: Guide, words: ReplyWords, wrong_facts: Sequence[lint.WrongFact]
) -> Iterator[Found]:
    phones = {*guide.phones, *ROLES}
    known = phones | {f"{contact}-line" for contact in phones}
    longest = _longest_values(read)
    for reply_id, entry in read.replies.items():
        for value in sorted(entry.values - _COUNCIL_VALUES):
            yield f"{reply_id}, values", f"The program has no value '{value}'.", "Take it out."
        broken = bool(entry.values - _COUNCIL_VALUES)
        for form, text in (("sms", entry.sms), ("chat", entry.chat)):
            for what, what_to_do in lint.text_problems(text, known | entry.values, wrong_facts):
                broken = True
                yield f"{reply_id}, {form}", what, what_to_do
        for what, what_to_do in sms_rules.reserved_words(entry.sms):
            yield f"{reply_id}, sms", what, what_to_do
        if broken:
            continue
        for authority in (None, *guide.authorities):
            sent = expand(entry.sms, guide, authority, words, "sms", longest)
            for what, what_to_do in sms_rules.too_many_parts(sent, sms_rules.for_people_of(authority)):
                yield f"{reply_id}, sms", what, what_to_do
    for what, what_to_do in (
        problem
        for entry in read.kinds.values()
        if entry.matter
        for problem in lint.text_problems(entry.matter, (), wrong_facts)
    ):
        yield "kinds, matter", what, what_to_do


def _longest_values(read: OutOfScopeFile) -> Mapping[str, str]:
    doors: list[DistrictEntry] = []
    for authority in read.councils.authorities.values():
        doors += [authority, *authority.districts.values()]
    return {
        "matter": max((entry.matter or "" for entry in read.kinds.values()), key=len),
        "council": max((door.name for door in doors), key=len),
        "door": max((door.door for door in doors), key=len, default=read.councils.unknown),
    }


__all__ = ["ContentError", "Problem", "load_languages", "load_out_of_scope"]
