"""The shape of the content files, and how they are read. Whether their wording is right is lint.py's business."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from content import lint
from content.directory_schema import load_taxonomy
from content.out_of_scope_schema import load_languages, load_out_of_scope
from content.problems import ContentError, Problem
from content.reading import Reader
from helpline.domain.contact_line import Authority, Phone, Source
from helpline.domain.control_words import Command, ControlWords
from helpline.domain.directory import Taxonomy
from helpline.domain.guide import Answer, Guide, Topic
from helpline.domain.off_topic import Language, OffTopic
from helpline.domain.places import Gazetteer, OutcodeRow, PlaceWords, Rule, SectorRow, TownRow
from helpline.domain.replies import ReplyWords, Wording
from helpline.domain.talk import PersonWords, TalkWords

__all__ = ["Content", "ContentError", "Problem", "load_content"]

_PHONES = "phones.yml"
_AUTHORITIES = "authorities.yml"
_REPLIES = "replies.yml"
_CONTROL_WORDS = "control_words.yml"
_WRONG_FACTS = "wrong_facts.yml"
_TALK = "talk.yml"

Words = Annotated[str, Field(min_length=1)]
# YAML reads 2026 as a number and 2026-04-06 as a date; a source's own date is words.
WordsOrDate = Annotated[Words, BeforeValidator(str)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceEntry(_Entry):
    """Where a fact comes from, and what the source says of its own age."""

    name: Words
    url: Words
    date: WordsOrDate

    def made(self) -> Source:
        """The domain's form."""
        return Source(self.name, self.url, self.date)


class PhoneEntry(_Entry):
    """One entry of phones.yml."""

    name: Words
    number: Annotated[str, Field(pattern=r"^\d[\d ]*\d$")]
    hours: Words | None = None
    hours_short: Words | None = None
    area: Words
    confidence: Literal["high", "medium", "low"]
    sources: Annotated[tuple[SourceEntry, ...], Field(min_length=1)]


class AuthorityEntry(_Entry):
    """One entry of authorities.yml. The last four are ids of phones.yml."""

    name: Words
    short_name: Words
    districts: Annotated[tuple[Words, ...], Field(min_length=1)]
    front_door: Words
    out_of_hours: Words
    adult_safeguarding: Words
    child_safeguarding: Words


class AnswerEntry(_Entry):
    """What the head of a guide file says of one answer."""

    question: Words
    who_pays: Words
    next_step: Words
    contact: Words
    as_of: date
    review_by: date
    sources: Annotated[tuple[SourceEntry, ...], Field(min_length=1)]


class TopicEntry(_Entry):
    """The head of a guide file."""

    title: Words
    general: Words
    menu: bool = False
    goes_with: tuple[Words, ...] = ()
    answers: Annotated[dict[str, AnswerEntry], Field(min_length=1)]


class ReplyEntry(_Entry):
    """One reply with words for a text and for chat."""

    sms: Words
    chat: Words
    values: frozenset[Words] = frozenset()


class CommandEntry(_Entry):
    """One command of control_words.yml."""

    words: Annotated[frozenset[Words], Field(min_length=1)]
    sms_only: frozenset[Words] = frozenset()
    mended: frozenset[Words] = frozenset()


class ControlWordsFile(_Entry):
    """The whole of control_words.yml."""

    polite: frozenset[Words]
    never: frozenset[Words]
    commands: Annotated[dict[str, CommandEntry], Field(min_length=1)]


class PlaceWordsFile(_Entry):
    """The whole of places/words.yml."""

    fillers: frozenset[Words]
    cues: frozenset[Words]
    not_a_home: frozenset[Words]
    not_a_home_after: frozenset[Words]
    ordinary: frozenset[Words]
    codes_that_need_a_cue: frozenset[Words]
    same_as: dict[str, Words]
    cared_for: frozenset[Words]
    taken_back: frozenset[Words]
    lives_in: frozenset[Words]
    helpers: frozenset[Words]


class OutcodeLine(_Entry):
    """A line of places/outcodes.csv."""

    outcode: Words
    rule: Rule
    districts: Words
    counts: Words
    outside: int


class SectorLine(_Entry):
    """A line of places/sectors.csv."""

    sector: Words
    districts: Words
    counts: Words
    outside: int


class TownLine(_Entry):
    """A line of places/towns.csv. district is empty for a place outside the area."""

    name: Words
    district: str
    needs_cue: Literal["", "yes"]


class PersonEntry(_Entry):
    """One person of talk.yml."""

    name: Words
    words: Annotated[tuple[Words, ...], Field(min_length=1)]


class TalkFile(_Entry):
    """The whole of talk.yml."""

    carer_signs: Annotated[tuple[Words, ...], Field(min_length=1)]
    people: Annotated[dict[str, PersonEntry], Field(min_length=1)]
    automatic: Annotated[tuple[Words, ...], Field(min_length=1)]
    care_words: Annotated[tuple[Words, ...], Field(min_length=1)]
    number_words: Annotated[tuple[Words, ...], Field(min_length=1)]
    price_words: Annotated[tuple[Words, ...], Field(min_length=1)]
    age_words: Annotated[tuple[Words, ...], Field(min_length=1)]
    age_counts: tuple[Words, ...]


PhonesFile = RootModel[dict[str, PhoneEntry]]
AuthoritiesFile = RootModel[dict[str, AuthorityEntry]]
RepliesFile = RootModel[dict[str, ReplyEntry | Words]]
WrongFactsFile = RootModel[tuple[lint.WrongFact, ...]]


@dataclass(frozen=True)
class Content:
    """Everything that was read, ready for use. warnings: wording that should be better but does no harm."""

    guide: Guide
    words: ReplyWords
    control_words: ControlWords
    gazetteer: Gazetteer
    taxonomy: Taxonomy
    talk: TalkWords
    languages: tuple[Language, ...]
    off_topic: OffTopic
    warnings: tuple[Problem, ...]


def load_content(root: Path) -> Content:
    """Read and check the content folder.

    Raises ContentError with every problem that was found.
    """
    reader = Reader(root)
    phones = _phones(reader)
    authorities = _authorities(reader, phones)
    words = _replies(reader)
    control_words = _control_words(reader)
    wrong_facts = reader.yaml(_WRONG_FACTS, WrongFactsFile)
    authority_of = {district: a.id for a in authorities.values() for district in a.districts}
    gazetteer = _gazetteer(reader, authority_of)
    topics = {topic.id: topic for path in reader.files("guide", "*.md") if (topic := _topic(reader, path))}
    _check_companions(reader, topics)
    if words is None or control_words is None or wrong_facts is None or gazetteer is None or not authorities:
        raise ContentError(reader.problems)
    guide = Guide(phones, authorities, topics)
    findings = lint.check(
        guide,
        words,
        control_words,
        wrong_facts.root,
        lint.Files.of(reader.name_of),
        already_wrong=reader.problems,
    )
    if findings.errors:
        raise ContentError(findings.errors)
    talk = reader.yaml(_TALK, TalkFile)
    if talk is None:
        raise ContentError(reader.problems)
    taxonomy = load_taxonomy(root, topics)
    people = {person: PersonWords(entry.name, entry.words) for person, entry in talk.people.items()}
    languages = load_languages(root, guide, words)
    off_topic = load_out_of_scope(root, guide, words, wrong_facts.root)
    return Content(
        guide,
        ReplyWords({**words.wordings, **off_topic.replies}),
        control_words,
        gazetteer,
        taxonomy,
        TalkWords(
            talk.carer_signs,
            people,
            talk.automatic,
            talk.care_words,
            talk.number_words,
            talk.price_words,
            frozenset(talk.age_words),
            frozenset(talk.age_counts),
        ),
        languages,
        off_topic,
        findings.warnings,
    )


def _phones(reader: Reader) -> dict[str, Phone]:
    entries = reader.yaml(_PHONES, PhonesFile)
    return {
        phone_id: Phone(
            phone_id,
            entry.name,
            entry.number,
            entry.hours,
            entry.hours_short,
            entry.area,
            tuple(source.made() for source in entry.sources),
            entry.confidence,
        )
        for phone_id, entry in (entries.root if entries else {}).items()
    }


def _authorities(reader: Reader, phones: Mapping[str, Phone]) -> dict[str, Authority]:
    entries = reader.yaml(_AUTHORITIES, AuthoritiesFile)
    authorities: dict[str, Authority] = {}
    for authority_id, entry in (entries.root if entries else {}).items():
        authority = Authority(
            authority_id,
            entry.name,
            entry.short_name,
            entry.districts,
            {
                "front-door": entry.front_door,
                "out-of-hours": entry.out_of_hours,
                "adult-safeguarding": entry.adult_safeguarding,
                "child-safeguarding": entry.child_safeguarding,
            },
        )
        missing = [phone_id for phone_id in authority.phone_ids.values() if phone_id not in phones]
        for phone_id in missing:
            reader.add(
                _AUTHORITIES,
                authority_id,
                f"There is no phone '{phone_id}'.",
                "Use an id of phones.yml, or add the phone there.",
            )
        if not missing:
            authorities[authority_id] = authority
    return authorities


def _replies(reader: Reader) -> ReplyWords | None:
    entries = reader.yaml(_REPLIES, RepliesFile)
    if entries is None:
        return None
    return ReplyWords(
        {
            reply_id: Wording(entry, entry) if isinstance(entry, str) else Wording(entry.sms, entry.chat, entry.values)
            for reply_id, entry in entries.root.items()
        }
    )


def _control_words(reader: Reader) -> ControlWords | None:
    entries = reader.yaml(_CONTROL_WORDS, ControlWordsFile)
    if entries is None:
        return None
    commands = {
        command_id: Command(entry.words, entry.sms_only, entry.mended) for command_id, entry in entries.commands.items()
    }
    return ControlWords(commands, entries.polite, entries.never)


def _gazetteer(reader: Reader, authority_of: Mapping[str, str]) -> Gazetteer | None:
    words = reader.yaml("places/words.yml", PlaceWordsFile)
    outcodes = reader.csv("places/outcodes.csv", OutcodeLine)
    sectors = reader.csv("places/sectors.csv", SectorLine)
    towns = reader.csv("places/towns.csv", TownLine)
    listed = [line.districts for line in outcodes] + [line.districts for line in sectors]
    named = {district for districts in listed for district in districts.split("|")}
    named |= {line.district for line in towns if line.district}
    for district in sorted(named - set(authority_of)):
        reader.add(
            "places",
            district,
            "This district belongs to no authority.",
            f"Check its spelling, or add it to the districts of an authority in {_AUTHORITIES}.",
        )
    if words is None or named - set(authority_of):
        return None
    return Gazetteer(
        [OutcodeRow(ln.outcode, ln.rule, *_counted(ln.districts, ln.counts), ln.outside) for ln in outcodes],
        [SectorRow(line.sector, *_counted(line.districts, line.counts), line.outside) for line in sectors],
        [TownRow(line.name, line.district or None, bool(line.needs_cue)) for line in towns],
        authority_of,
        PlaceWords(
            words.fillers,
            words.cues,
            words.not_a_home,
            words.not_a_home_after,
            words.ordinary,
            words.codes_that_need_a_cue,
            words.same_as,
            words.cared_for,
            words.taken_back,
            words.lives_in,
            words.helpers,
        ),
    )


def _check_companions(reader: Reader, topics: Mapping[str, Topic]) -> None:
    known = {path.stem for path in reader.files("guide", "*.md")}
    for topic in topics.values():
        for other in topic.goes_with:
            if other not in known - {topic.id}:
                reader.add(
                    f"guide/{topic.id}.md",
                    "goes_with",
                    f"'{other}' is no other topic of the guide.",
                    "Write the name of another file of content/guide, without .md, or leave it out.",
                )


def _counted(districts: str, counts: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    return tuple(districts.split("|")), tuple(int(count) for count in counts.split("|"))


def _topic(reader: Reader, path: Path) -> Topic | None:
    file = f"guide/{path.name}"
    read = reader.front_matter(file, TopicEntry)
    if read is None:
        return None
    entry, body = read
    before = len(reader.problems)
    sections = reader.sections(file, body, entry.answers)
    if entry.general not in entry.answers:
        reader.add(
            file,
            "general",
            f"There is no answer '{entry.general}'.",
            "Name one of the answers of this file: it is given when no other fits.",
        )
    if len(reader.problems) > before:
        return None
    answers = {
        answer_id: Answer(
            answer_id,
            answer.question,
            *sections[answer_id],
            answer.who_pays,
            answer.next_step,
            answer.contact,
            answer.as_of,
            answer.review_by,
            tuple(source.made() for source in answer.sources),
        )
        for answer_id, answer in entry.answers.items()
    }
    return Topic(path.stem, entry.title, entry.general, answers, entry.menu, entry.goes_with)
