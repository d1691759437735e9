"""The directory's own files: the taxonomy, and the services that we looked up ourselves."""

import json
import re
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any

import phonenumbers
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from content import sms_rules
from content.problems import ContentError, Problem
from content.reading import Reader
from helpline.domain.directory import (
    END_OF_DAY,
    NATIONAL,
    WEEKDAYS,
    Confidence,
    Feed,
    Organisation,
    Refused,
    Schedule,
    Service,
    ServicePhone,
    Status,
    Taxonomy,
    Term,
    identifier,
)

Words = Annotated[str, Field(min_length=1)]
_TAXONOMY = "services/taxonomy.yml"
# Numbers that can be dialled and are no ordinary ones: emergency, health, police, Samaritans, Childline, power cuts.
_SHORT_NUMBERS = frozenset({"999", "111", "101", "105", "119", "116123", "0800 1111", "08001111"})
_DAYS = frozenset(WEEKDAYS)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TermEntry(_Entry):
    """One term of taxonomy.yml."""

    name: Words
    description: Words
    words: Annotated[tuple[Words, ...], Field(min_length=1)]


class TaxonomyFile(_Entry):
    """The whole of taxonomy.yml. topics: for each guide topic the terms whose services help with it, best first."""

    name: Words
    description: Words
    terms: Annotated[dict[str, TermEntry], Field(min_length=1)]
    topics: dict[str, tuple[Words, ...]]
    near: tuple[Words, ...] = ()
    seeking: tuple[Words, ...] = ()
    open_now: tuple[Words, ...] = ()
    others: tuple[Words, ...] = ()


class PhoneRecord(_Entry):
    """A number in a file of services."""

    number: Words
    label: Words | None = None


def _clock(text: Any) -> time:
    if text == "24:00":
        return END_OF_DAY
    if not isinstance(text, str) or not re.fullmatch(r"\d\d:\d\d", text):
        raise ValueError(f"'{text}' is no time such as 08:45")
    return time.fromisoformat(text)


Clock = Annotated[time, BeforeValidator(_clock)]


class OpeningRecord(_Entry):
    """Hours that a program can read: days such as "MO,TU", times such as "08:45"; "24:00" ends a day."""

    days: Words
    opens: Clock
    closes: Clock

    def made(self) -> Schedule:
        """The domain's form. Raises ValueError for a day that is none, or an end before the beginning."""
        days = tuple(self.days.split(","))
        if not set(days) <= _DAYS:
            raise ValueError(f"'{self.days}' has a day that is none of {', '.join(WEEKDAYS)}")
        if self.closes <= self.opens:
            raise ValueError(f"it closes ({self.closes:%H:%M}) before it opens ({self.opens:%H:%M})")
        return Schedule(days, self.opens, self.closes)


class SourceRecord(_Entry):
    """Where it was seen, and what the source says of its age."""

    url: Words | None = None
    date: Words


class ServiceRecord(_Entry):
    """One service in a file of ours."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=120)]
    name: Words
    organisation: Words
    offer: Words
    eligibility: Words | None = None
    area: Annotated[tuple[Words, ...], Field(min_length=1)]
    tags: Annotated[tuple[Words, ...], Field(min_length=1)]
    phones: tuple[PhoneRecord, ...] = ()
    text: Words | None = None
    email: Words | None = None
    url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    hours: Words | None = None
    opening: tuple[OpeningRecord, ...] = ()
    cost: Words | None = None
    minimum_age: Annotated[int, Field(ge=0, le=120)] | None = None
    maximum_age: Annotated[int, Field(ge=0, le=120)] | None = None
    status: Status
    confidence: Confidence
    source: SourceRecord
    assured_date: date | None = None


class ServicesFile(_Entry):
    """A file of services. Its records are checked one by one, so that one mistake does not lose the rest."""

    feed: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=80)]
    services: list[dict[str, Any]]


def is_dialable(number: str) -> bool:
    """Whether a number is one that can be rung from a phone in the United Kingdom."""
    bare = number.replace(" ", "")
    if bare in _SHORT_NUMBERS or number in _SHORT_NUMBERS:
        return True
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, "GB"))
    except phonenumbers.NumberParseException:
        return False


def as_dialled(words: str) -> str | None:
    """The number in what stands in a field for one, such as "Tel: 01245 356123 (mornings)"; None if there is none."""
    if re.fullmatch(r"[+\d][\d ]*", words) and is_dialable(words):
        return words
    found = next(iter(phonenumbers.PhoneNumberMatcher(words, "GB")), None)
    if found is None:
        return None
    return str(phonenumbers.format_number(found.number, phonenumbers.PhoneNumberFormat.NATIONAL))


def load_taxonomy(root: Path, topics: Mapping[str, object]) -> Taxonomy:
    """Read services/taxonomy.yml of the content folder. topics: the guide's, by id.

    Raises ContentError with every problem that was found.
    """
    reader = Reader(root)
    read = reader.yaml(_TAXONOMY, TaxonomyFile)
    if read is not None:
        _check_taxonomy(reader, read, topics)
    if read is None or reader.problems:
        raise ContentError(reader.problems)
    terms = {code: Term(code, one.name, one.description, one.words) for code, one in read.terms.items()}
    asked_by = read.near, read.seeking, read.open_now, read.others
    return Taxonomy(read.name, read.description, terms, read.topics, *asked_by)


def _check_taxonomy(reader: Reader, read: TaxonomyFile, topics: Mapping[str, object]) -> None:
    for topic in sorted(set(topics) - set(read.topics)):
        reader.add(
            _TAXONOMY,
            topic,
            "This topic of the guide is not under 'topics'.",
            "Add it, with the terms of the services that help with it, or [] if none do.",
        )
    for topic in sorted(set(read.topics) - set(topics)):
        reader.add(_TAXONOMY, topic, "The guide has no such topic.", "Correct its name, or take it out.")
    for topic, codes in read.topics.items():
        for code in codes:
            if code not in read.terms:
                reader.add(_TAXONOMY, topic, f"There is no term '{code}'.", "Use a term of this file.")
    owner: dict[str, str] = {}
    for code, term in read.terms.items():
        for word in term.words:
            if owner.setdefault(word, code) != code:
                reader.add(
                    _TAXONOMY, code, f"'{word}' already belongs to '{owner[word]}'.", "Leave it with one of them."
                )


class CannotReadServices(Exception):
    """A file or feed of services could not be read at all, so nothing was changed. The message says what to do."""


def read_services_file(path: Path, taxonomy: Taxonomy, areas: frozenset[str]) -> Feed:
    """Read a file of services. areas: the names of districts and county areas that there are, besides the nation's.

    A record that is not right is refused with its reason; the others are taken. Raises CannotReadServices.
    """
    try:
        read = ServicesFile.model_validate(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise CannotReadServices(f"{path} cannot be opened: {error.strerror}.") from error
    except ValueError as error:
        raise CannotReadServices(
            f'{path} is no file of services. It must be JSON: {{"feed": "a-name", "services": [...]}}.'
        ) from error
    services: dict[str, Service] = {}
    refused: list[Refused] = []
    for number, record in enumerate(read.services, start=1):
        name = str(record.get("id") or record.get("name") or f"record {number}")
        try:
            service = _made(read.feed, ServiceRecord.model_validate(record), taxonomy, areas)
            if service.source_id in services:
                raise ValueError("another record has the same id")
        except ValidationError as error:
            refused.append(Refused(name, "; ".join(_in_words(one) for one in error.errors())))
        except ValueError as error:
            refused.append(Refused(name, str(error)))
        else:
            services[service.source_id] = service
    return Feed(read.feed, tuple(services.values()), tuple(refused))


# A telephone number written out in a text.
_NUMBER = re.compile(r"(?<![\d.,\u00a3])\+?\d(?:[ -]?\d){4,}(?![\d.,]*\d)")


def wording_problems(file: str, feed: Feed) -> list[Problem]:
    """What is wrong with services of ours: refused records, words that do not suit a text, stray numbers."""
    problems = [Problem(file, one.record, f"It is refused: {one.reason}.", "Correct it.") for one in feed.refused]
    for service in (one for one in feed.services if one.is_shown):
        own = {re.sub(r"\D", "", phone.number) for phone in service.phones}
        texts = {
            "name": service.name,
            "offer": service.description,
            "eligibility": service.eligibility or "",
            "hours": service.hours or "",
            "cost": service.fees or "",
        }
        for field, text in texts.items():
            for what, what_to_do in (*sms_rules.odd_letters(text), *sms_rules.short_forms(text)):
                problems.append(Problem(file, f"{service.source_id}, {field}", what, what_to_do))
            for number in _NUMBER.findall(text):
                if re.sub(r"\D", "", number) not in own:
                    problems.append(
                        Problem(
                            file,
                            f"{service.source_id}, {field}",
                            f"The number {number} is not among its phones.",
                            "Move it there, so that it is checked.",
                        )
                    )
    return problems


def _in_words(error: Any) -> str:
    place = ".".join(map(str, error["loc"]))
    return f"{place}: {error['msg']}" if place else str(error["msg"])


def _made(feed: str, record: ServiceRecord, taxonomy: Taxonomy, areas: frozenset[str]) -> Service:
    unknown = [area for area in record.area if area not in areas and area not in NATIONAL]
    if unknown:
        raise ValueError(f"we do not know the area '{unknown[0]}'")
    strange = [tag for tag in record.tags if tag not in taxonomy.terms]
    if strange:
        raise ValueError(f"the tag '{strange[0]}' is not in taxonomy.yml")
    if (record.minimum_age or 0) > (record.maximum_age or 120):
        raise ValueError(f"nobody is from {record.minimum_age} to {record.maximum_age} years old")
    wrong = [phone.number for phone in record.phones if not is_dialable(phone.number)]
    if wrong:
        raise ValueError(f"'{wrong[0]}' is no number that can be rung")
    return Service(
        id=identifier("service", feed, record.id),
        feed=feed,
        source_id=record.id,
        organisation=Organisation(identifier("organisation", record.organisation.casefold()), record.organisation),
        name=record.name,
        description=record.offer,
        status=record.status,
        confidence=record.confidence,
        areas=tuple(dict.fromkeys(record.area)),
        terms=tuple(dict.fromkeys(record.tags)),
        phones=tuple(ServicePhone(phone.number, phone.label) for phone in record.phones),
        text_number=record.text,
        email=record.email,
        url=record.url,
        eligibility=record.eligibility,
        minimum_age=record.minimum_age,
        maximum_age=record.maximum_age,
        hours=record.hours,
        schedules=tuple(opening.made() for opening in record.opening),
        fees=record.cost,
        source_url=record.source.url,
        source_date=record.source.date,
        assured_date=record.assured_date,
    )
