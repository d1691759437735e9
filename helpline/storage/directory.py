"""Keeping the directory. Every function works in the caller's transaction."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from helpline.domain.directory import (
    END_OF_DAY,
    CostOption,
    Feed,
    ImportReport,
    Location,
    Organisation,
    Schedule,
    Service,
    ServicePhone,
    Taxonomy,
    identifier,
)
from helpline.storage.directory_models import (
    DirectoryImport,
    OrukAttribute,
    OrukContact,
    OrukCostOption,
    OrukLocation,
    OrukOrganization,
    OrukPhone,
    OrukSchedule,
    OrukService,
    OrukServiceArea,
    OrukServiceAtLocation,
    OrukTaxonomy,
    OrukTaxonomyTerm,
)

_AT_ONCE = 500
_WITHDRAWN = "defunct"


def version(session: Session) -> int:
    """A number that changes whenever the directory does."""
    return session.scalar(select(func.max(DirectoryImport.id))) or 0


def last_import(session: Session, feed: str) -> DirectoryImport | None:
    """The newest import of a feed."""
    return session.scalar(
        select(DirectoryImport).where(DirectoryImport.feed == feed).order_by(DirectoryImport.id.desc()).limit(1)
    )


def keep_taxonomy(session: Session, taxonomy: Taxonomy) -> None:
    """Bring the stored taxonomy to what the content says. Terms that went stay, because services may have them."""
    taxonomy_id = identifier("taxonomy", taxonomy.name)
    row = session.get(OrukTaxonomy, taxonomy_id)
    if row is None:
        row = OrukTaxonomy(id=taxonomy_id, name=taxonomy.name, description=taxonomy.description)
        session.add(row)
    row.description = taxonomy.description
    session.flush()
    known = {term.code: term for term in session.scalars(select(OrukTaxonomyTerm))}
    for term in taxonomy.terms.values():
        kept = known.get(term.code)
        if kept is None:
            kept = OrukTaxonomyTerm(id=identifier("term", term.code), taxonomy_id=taxonomy_id, code=term.code)
            session.add(kept)
        kept.name, kept.description = term.name, term.description
    session.flush()


def listed_in(session: Session, feed: str) -> set[str]:
    """The feed's own ids of its services that it has not withdrawn."""
    return set(
        session.scalars(select(OrukService.source_id).where(OrukService.feed == feed, OrukService.status != _WITHDRAWN))
    )


def keep_feed(session: Session, feed: Feed, now: datetime) -> ImportReport:
    """Store what a feed says. The same feed again changes nothing; what is no longer in it is withdrawn.

    Every service's terms must be in the taxonomy. The import is written down unless nothing was different.
    """
    stored = {row.source_id: row for row in session.scalars(select(OrukService).where(OrukService.feed == feed.name))}
    terms = {term.code: term.id for term in session.scalars(select(OrukTaxonomyTerm))}
    organisations = {row.id: row for row in session.scalars(select(OrukOrganization))}
    locations = {row.id: row for row in session.scalars(select(OrukLocation))}
    added = changed = unchanged = 0
    for service in feed.services:
        content_hash = _hash(service)
        row = stored.pop(service.source_id, None)
        if row is not None and row.content_hash == content_hash:
            unchanged += 1
            continue
        _keep_organisation(session, service.organisation, organisations)
        for location in service.locations:
            _keep_location(session, location, locations)
        if row is None:
            added += 1
            row = OrukService(id=service.id, feed=feed.name, source_id=service.source_id)
            session.add(row)
        else:
            changed += 1
            for children in (row.service_areas, row.contacts, row.schedules, row.cost_options, row.attributes):
                cast("list[Any]", children).clear()
            row.service_at_locations.clear()
            session.flush()
        _fill(row, service, terms, content_hash, now)
        if (added + changed) % _AT_ONCE == 0:
            session.flush()
    gone = [row for row in stored.values() if row.status != _WITHDRAWN]
    for row in gone:
        row.status, row.last_modified, row.content_hash = _WITHDRAWN, now, ""
    report = ImportReport(
        feed.name,
        added,
        changed,
        unchanged,
        len(gone),
        sum(not service.is_shown for service in feed.services),
        feed.refused,
    )
    before = last_import(session, feed.name)
    refused = [asdict(one) for one in feed.refused]
    if added or changed or gone or before is None or before.report.get("refused") != refused:
        session.add(DirectoryImport(feed=feed.name, at=now, report={**asdict(report), "refused": refused}))
    return report


def _hash(service: Service) -> str:
    written = json.dumps(asdict(service), sort_keys=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()


def _keep_organisation(session: Session, organisation: Organisation, known: dict[str, OrukOrganization]) -> None:
    row = known.get(organisation.id)
    if row is None:
        row = known[organisation.id] = OrukOrganization(**asdict(organisation))
        session.add(row)
        session.flush()
    # Another feed may know more of the same organisation.
    row.description, row.url = organisation.description or row.description, organisation.url or row.url


def _keep_location(session: Session, location: Location, known: dict[str, OrukLocation]) -> None:
    row = known.get(location.id)
    if row is None:
        row = known[location.id] = OrukLocation(id=location.id)
        session.add(row)
    for name, value in asdict(location).items():
        setattr(row, name, value)
    session.flush()


def _fill(row: OrukService, service: Service, terms: Mapping[str, str], content_hash: str, now: datetime) -> None:
    row.organization_id = service.organisation.id
    for name in (
        "name", "description", "url", "email", "status", "fees", "minimum_age", "maximum_age", "assured_date",
        "eligibility", "hours", "text_number", "confidence", "source_url", "source_date",
    ):  # fmt: skip
        setattr(row, name, getattr(service, name))
    row.last_modified, row.content_hash = now, content_hash
    row.service_areas = [OrukServiceArea(name=area) for area in service.areas]
    if service.phones:
        phones = [OrukPhone(number=phone.number, description=phone.label) for phone in service.phones]
        row.contacts = [OrukContact(phones=phones)]
    row.schedules = [
        OrukSchedule(byday=",".join(schedule.days), opens_at=schedule.opens, closes_at=schedule.closes)
        for schedule in service.schedules
    ]
    row.cost_options = [
        OrukCostOption(option=cost.option, amount=cost.amount, amount_description=cost.description)
        for cost in service.cost_options
    ]
    row.service_at_locations = [
        OrukServiceAtLocation(id=identifier("place", service.id, location.id), location_id=location.id)
        for location in service.locations
    ]
    row.attributes = [
        OrukAttribute(taxonomy_term_id=terms[code], position=position) for position, code in enumerate(service.terms)
    ]


def as_service(row: OrukService) -> Service:
    """The domain's form of a stored service."""
    return Service(
        id=row.id,
        feed=row.feed,
        source_id=row.source_id,
        organisation=Organisation(
            row.organization.id, row.organization.name, row.organization.description, row.organization.url
        ),
        name=row.name,
        description=row.description,
        status=row.status,  # type: ignore[arg-type]
        confidence=row.confidence,  # type: ignore[arg-type]
        areas=tuple(area.name for area in row.service_areas),
        terms=tuple(attribute.taxonomy_term.code for attribute in row.attributes),
        phones=tuple(
            ServicePhone(phone.number, phone.description) for contact in row.contacts for phone in contact.phones
        ),
        text_number=row.text_number,
        email=row.email,
        url=row.url,
        eligibility=row.eligibility,
        minimum_age=row.minimum_age,
        maximum_age=row.maximum_age,
        hours=row.hours,
        schedules=tuple(Schedule(tuple(one.byday.split(",")), one.opens_at, one.closes_at) for one in row.schedules),
        fees=row.fees,
        cost_options=tuple(CostOption(cost.option, cost.amount, cost.amount_description) for cost in row.cost_options),
        locations=tuple(_as_location(place.location) for place in row.service_at_locations),
        source_url=row.source_url,
        source_date=row.source_date,
        assured_date=row.assured_date,
    )


def _as_location(row: OrukLocation) -> Location:
    return Location(row.id, row.name, row.address_1, row.city, row.postal_code, row.latitude, row.longitude)


def shown_services(session: Session) -> Iterator[Service]:
    """Every service that a resident may be told of."""
    rows = session.scalars(_shown().order_by(OrukService.id).execution_options(yield_per=_AT_ONCE))
    return (service for row in rows if (service := as_service(row)).is_shown)


def services_by_id(session: Session, ids: Sequence[str]) -> list[Service]:
    """The services with these ids that may still be shown, in the order of the ids."""
    rows = {row.id: row for row in session.scalars(_shown().where(OrukService.id.in_(ids)))}
    found = (as_service(rows[one]) for one in ids if one in rows)
    return [service for service in found if service.is_shown]


def _is_shown() -> list[ColumnElement[bool]]:
    """helpline.domain.directory.Service.is_shown, for the database to read."""
    has_a_way = or_(
        OrukService.url.is_not(None),
        OrukService.email.is_not(None),
        OrukService.text_number.is_not(None),
        exists().where(OrukContact.service_id == OrukService.id),
    )
    return [OrukService.status == "active", OrukService.confidence != "low", has_a_way]


def _shown() -> Select[OrukService]:
    return select(OrukService).where(*_is_shown())


@dataclass(frozen=True)
class Filter:
    """What a caller of the published directory may narrow it by. Times are of the clock, day is an RFC 5545 weekday."""

    search: str | None = None
    taxonomy_term_id: str | None = None
    taxonomy_id: str | None = None
    minimum_age: int | None = None
    maximum_age: int | None = None
    day: str | None = None
    start_time: time | None = None
    end_time: time | None = None


def _published(narrow: Filter) -> list[ColumnElement[bool]]:
    """Published is what a resident may be shown, and what has closed only by leaving it out."""
    where = _is_shown()
    if narrow.search:
        for word in narrow.search.split():
            escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            like = f"%{escaped}%"
            where.append(
                or_(OrukService.name.ilike(like, escape="\\"), OrukService.description.ilike(like, escape="\\"))
            )
    if narrow.taxonomy_term_id or narrow.taxonomy_id:
        term: list[ColumnElement[bool]] = [OrukAttribute.service_id == OrukService.id]
        if narrow.taxonomy_term_id:
            term.append(OrukAttribute.taxonomy_term_id == narrow.taxonomy_term_id)
        if narrow.taxonomy_id:
            term += [
                OrukTaxonomyTerm.id == OrukAttribute.taxonomy_term_id,
                OrukTaxonomyTerm.taxonomy_id == narrow.taxonomy_id,
            ]
        where.append(exists().where(and_(*term)))
    if narrow.minimum_age is not None:
        where.append(or_(OrukService.maximum_age.is_(None), OrukService.maximum_age >= narrow.minimum_age))
    if narrow.maximum_age is not None:
        where.append(or_(OrukService.minimum_age.is_(None), OrukService.minimum_age <= narrow.maximum_age))
    if narrow.day or narrow.start_time or narrow.end_time:
        times: list[ColumnElement[bool]] = [OrukSchedule.service_id == OrukService.id]
        if narrow.day:
            times.append(OrukSchedule.byday.contains(narrow.day))
        if narrow.start_time:
            times.append(OrukSchedule.opens_at <= narrow.start_time)
        if narrow.end_time:
            times.append(or_(OrukSchedule.closes_at >= narrow.end_time, OrukSchedule.closes_at == END_OF_DAY))
        where.append(exists().where(and_(*times)))
    return where


def page_of_services(session: Session, narrow: Filter, page: int, per_page: int) -> tuple[list[OrukService], int]:
    """One page (from 1) of the published services by name, and how many there are in all."""
    where = _published(narrow)
    total = session.scalar(select(func.count()).select_from(OrukService).where(*where)) or 0
    rows = session.scalars(
        select(OrukService)
        .where(*where)
        .order_by(OrukService.name, OrukService.id)
        .offset((page - 1) * per_page)
        .limit(per_page)
    )
    return list(rows), total


def published_service(session: Session, service_id: str) -> OrukService | None:
    """A published service."""
    return session.scalar(select(OrukService).where(OrukService.id == service_id, *_published(Filter())))


def places_of_services(session: Session, narrow: Filter) -> list[OrukServiceAtLocation]:
    """Every published service in a building."""
    return list(
        session.scalars(
            select(OrukServiceAtLocation)
            .join(OrukService, OrukService.id == OrukServiceAtLocation.service_id)
            .where(*_published(narrow))
            .order_by(OrukServiceAtLocation.id)
        )
    )


def taxonomies(session: Session) -> list[OrukTaxonomy]:
    """Every taxonomy."""
    return list(session.scalars(select(OrukTaxonomy).order_by(OrukTaxonomy.name)))


def taxonomy_terms(session: Session, taxonomy_id: str | None = None) -> list[OrukTaxonomyTerm]:
    """Every term, or those of one taxonomy, by name."""
    chosen = select(OrukTaxonomyTerm).order_by(OrukTaxonomyTerm.name)
    if taxonomy_id is not None:
        chosen = chosen.where(OrukTaxonomyTerm.taxonomy_id == taxonomy_id)
    return list(session.scalars(chosen))


def feeds(session: Session) -> Iterable[tuple[str, int]]:
    """Every feed with the number of its services."""
    rows = session.execute(select(OrukService.feed, func.count()).group_by(OrukService.feed).order_by(OrukService.feed))
    return [(name, count) for name, count in rows]
