"""The directory: services that people can turn to, shaped after Open Referral UK 3.0.

A service covers areas: a district ("Maldon"), a county council's area ("Essex"), or "England" or "UK". What is closed,
or could not be confirmed, is kept, so that nobody adds it again, and is never shown to a resident.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import IntEnum
from typing import Literal

Status = Literal["active", "inactive", "defunct", "temporarily closed"]
Confidence = Literal["high", "medium", "low"]

# RFC 5545 names of the weekdays, Monday first, as Open Referral UK has them in byday.
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# A day that ends at midnight is written like this, because 24:00 is no time.
END_OF_DAY = time(23, 59)
NATIONAL = ("England", "UK")
# From so many districts on a service is the whole area's, not a local one.
MOST_DISTRICTS_OF_A_LOCAL_SERVICE = 6

# Names of ours become the identifiers that Open Referral UK asks for, the same ones every time (RFC 9562, version 5).
_NAMESPACE = uuid.UUID("5f6a3f0e-9c3a-5b0e-8b3f-6f3c0d9c2a11")


def identifier(*names: str) -> str:
    """The identifier that belongs to these names: a UUID, always the same."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(names)))


class Reach(IntEnum):
    """How wide a service casts its net. Residents are shown the nearest first."""

    LOCAL = 0
    AREA = 1
    NATIONAL = 2


@dataclass(frozen=True)
class Organisation:
    """Who runs a service."""

    id: str
    name: str
    description: str = ""
    url: str | None = None


@dataclass(frozen=True)
class ServicePhone:
    """A number of a service. label: which of several it is ("out of hours")."""

    number: str
    label: str | None = None


@dataclass(frozen=True)
class Schedule:
    """Open on these weekdays between these times of the clock in Essex."""

    days: tuple[str, ...]
    opens: time
    closes: time


@dataclass(frozen=True)
class Location:
    """A building where a service is given."""

    id: str
    name: str
    address_1: str = ""
    city: str = ""
    postal_code: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class CostOption:
    """A price. amount in pounds."""

    option: str
    amount: float | None = None
    description: str = ""


@dataclass(frozen=True)
class Service:
    """One service. feed and source_id say where it came from; terms are codes of the directory's taxonomy.

    hours: when it is open, in words. schedules: the same where it could be read. source_date: what the source says of
    its own age. assured_date: the day on which a person last checked it with the service itself.
    """

    id: str
    feed: str
    source_id: str
    organisation: Organisation
    name: str
    description: str
    status: Status
    confidence: Confidence
    areas: tuple[str, ...]
    terms: tuple[str, ...]
    phones: tuple[ServicePhone, ...] = ()
    text_number: str | None = None
    email: str | None = None
    url: str | None = None
    eligibility: str | None = None
    minimum_age: int | None = None
    maximum_age: int | None = None
    hours: str | None = None
    schedules: tuple[Schedule, ...] = ()
    fees: str | None = None
    cost_options: tuple[CostOption, ...] = ()
    locations: tuple[Location, ...] = ()
    source_url: str | None = None
    source_date: str | None = None
    assured_date: date | None = None

    @property
    def is_shown(self) -> bool:
        """Whether a resident may be told of it: it is open, was confirmed, and there is a way to reach it."""
        return (
            self.status == "active"
            and self.confidence != "low"
            and bool(self.phones or self.url or self.email or self.text_number)
        )

    @property
    def reach(self) -> Reach:
        """How wide its net is."""
        if any(area in NATIONAL for area in self.areas):
            return Reach.NATIONAL
        if len(self.areas) > MOST_DISTRICTS_OF_A_LOCAL_SERVICE or "Essex" in self.areas:
            return Reach.AREA
        return Reach.LOCAL

    def is_open(self, now: datetime) -> bool | None:
        """Whether it is open at a moment in Essex time; None if its hours are not known."""
        if not self.schedules:
            return None
        today, clock = WEEKDAYS[now.weekday()], now.time()
        return any(
            today in schedule.days
            and schedule.opens <= clock
            and (clock < schedule.closes or schedule.closes == END_OF_DAY)
            for schedule in self.schedules
        )


@dataclass(frozen=True)
class Term:
    """A word of the directory's taxonomy. name goes into "Help with ..."; words are what people call it."""

    code: str
    name: str
    description: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taxonomy:
    """The terms by code, and which of them answer a guide topic, best first.

    near, seeking, open_now, others: phrases by which people ask for what is near, for a group or a person to turn to,
    for what is open at this moment, and for whom else there is.
    """

    name: str
    description: str
    terms: Mapping[str, Term]
    terms_of_topic: Mapping[str, tuple[str, ...]]
    near: tuple[str, ...] = ()
    seeking: tuple[str, ...] = ()
    open_now: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A record that was not taken in, and why, in words for whoever looks after the feed."""

    record: str
    reason: str


@dataclass(frozen=True)
class Feed:
    """What was read from a feed. name: which feed; a record that is no longer in it is withdrawn."""

    name: str
    services: tuple[Service, ...]
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """What an import did. held_back: stored, but not shown to residents."""

    feed: str
    added: int
    changed: int
    unchanged: int
    withdrawn: int
    held_back: int
    refused: tuple[Refused, ...]


@dataclass(frozen=True)
class Wanted:
    """What is looked for.

    terms: codes of the taxonomy, any of which will do. words: free text, for want of terms. district: where the
    person lives who needs the help, or None; authority_area: the name under which services of the whole area of its
    council are listed. elsewhere: they live outside the area, where only what is for everybody helps. age in years.
    open_at: only what is open then, in Essex time.
    """

    terms: tuple[str, ...] = ()
    words: str = ""
    district: str | None = None
    authority_area: str | None = None
    elsewhere: bool = False
    age: int | None = None
    open_at: datetime | None = None


def one_for_each_organisation(services: Iterable[Service]) -> list[Service]:
    """The first service of every organisation, in order: three offers of one body are no choice."""
    first: dict[str, Service] = {}
    for service in services:
        first.setdefault(service.organisation.name.casefold(), service)
    return list(first.values())


def nearest_first(services: Sequence[Service], wanted: Wanted) -> list[Service]:
    """Services in the order in which they are shown.

    Near before national, then made for this, then with a number to ring or text, then confirmed. A service's first term
    is what it is made for. What was equal stays in the order in which it came, which is how well it fits.
    """

    def order(service: Service) -> tuple[Reach, int, bool, bool]:
        has_number = bool(service.phones or service.text_number)
        return service.reach, _is_made_for(service, wanted), not has_number, service.confidence != "high"

    return sorted(services, key=order)


def _is_made_for(service: Service, wanted: Wanted) -> int:
    """0: for what is wanted first; 1: for something that is wanted; 2: it helps with that, too."""
    made_for = service.terms[0] if service.terms else None
    if made_for is None or made_for not in wanted.terms:
        return 2
    return 0 if made_for == wanted.terms[0] else 1
