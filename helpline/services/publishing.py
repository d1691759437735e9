"""The directory as Open Referral UK 3.0 has it: what the API answers, and what an export holds.

https://openreferraluk.org/developers (2026): empty fields are left out. A contact's phones are an addition that the
standard allows: its own schema has no place for a number.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from helpline.domain.directory import END_OF_DAY, identifier
from helpline.services.core import Core
from helpline.storage import directory
from helpline.storage.directory import Filter
from helpline.storage.directory_models import (
    OrukLocation,
    OrukOrganization,
    OrukService,
    OrukServiceAtLocation,
    OrukTaxonomy,
    OrukTaxonomyTerm,
)

__all__ = ["Filter", "Near", "UnknownPlace"]

VERSION = "3.0"
PROFILE = "https://docs.openreferraluk.org/en/latest/"
_EARTH_METRES = 6_371_000.0
MOST_PER_PAGE = 500


class UnknownPlace(Exception):
    """We do not know where a postcode lies."""


@dataclass(frozen=True)
class Near:
    """Within so many metres of a postcode."""

    postcode: str
    metres: float


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _written(value: date | datetime | time | None) -> str | None:
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return value.isoformat().replace("+00:00", "Z") if value is not None else None


def page_of[Row](
    rows: Sequence[Row], total: int, page: int, per_page: int, write: Callable[[Row], Any]
) -> dict[str, Any]:
    """The standard's wrapper of one page."""
    pages = max(1, math.ceil(total / per_page))
    return {
        "total_items": total,
        "total_pages": pages,
        "page_number": page,
        "size": len(rows),
        "first_page": page == 1,
        "last_page": page >= pages,
        "empty": not rows,
        "contents": [write(row) for row in rows],
    }


def services(core: Core, narrow: Filter, page: int, per_page: int) -> dict[str, Any]:
    """One page of services with their organisations."""
    with core.database.read() as session:
        rows, total = directory.page_of_services(session, narrow, page, per_page)
        return page_of(rows, total, page, per_page, _summary)


def service(core: Core, service_id: str) -> dict[str, Any] | None:
    """One whole service; None if there is none that is published."""
    with core.database.read() as session:
        row = directory.published_service(session, service_id)
        return _whole(row) if row is not None else None


def all_services(core: Core) -> Iterator[dict[str, Any]]:
    """Every published service, whole, by name."""
    page = 1
    while True:
        with core.database.read() as session:
            rows, total = directory.page_of_services(session, Filter(), page, MOST_PER_PAGE)
            yield from [_whole(row) for row in rows]
        if page * MOST_PER_PAGE >= total:
            return
        page += 1


def services_at_locations(core: Core, narrow: Filter, near: Near | None, page: int, per_page: int) -> dict[str, Any]:
    """One page of services in buildings. Raises UnknownPlace."""
    with core.database.read() as session:
        rows = directory.places_of_services(session, narrow)
        if near is not None:
            rows = _within(rows, near)
        chosen = rows[(page - 1) * per_page : page * per_page]
        return page_of(chosen, len(rows), page, per_page, _place)


def service_at_location(core: Core, place_id: str) -> dict[str, Any] | None:
    """One service in a building, with the service; None if there is none that is published."""
    with core.database.read() as session:
        for row in directory.places_of_services(session, Filter()):
            if row.id == place_id:
                whole = directory.published_service(session, row.service_id)
                return _place(row) | ({"service": _summary(whole)} if whole is not None else {})
    return None


def taxonomies(core: Core, page: int, per_page: int) -> dict[str, Any]:
    """One page of taxonomies."""
    with core.database.read() as session:
        rows = directory.taxonomies(session)
        return page_of(rows[(page - 1) * per_page : page * per_page], len(rows), page, per_page, _taxonomy)


def taxonomy(core: Core, taxonomy_id: str) -> dict[str, Any] | None:
    """One taxonomy with its terms."""
    with core.database.read() as session:
        row = next((one for one in directory.taxonomies(session) if one.id == taxonomy_id), None)
        if row is None:
            return None
        terms = [_term(term) for term in directory.taxonomy_terms(session, taxonomy_id)]
        return _taxonomy(row) | _filled(taxonomy_terms=terms)


def taxonomy_terms(core: Core, page: int, per_page: int) -> dict[str, Any]:
    """One page of terms."""
    with core.database.read() as session:
        rows = directory.taxonomy_terms(session)
        return page_of(rows[(page - 1) * per_page : page * per_page], len(rows), page, per_page, _term)


def taxonomy_term(core: Core, term_id: str) -> dict[str, Any] | None:
    """One term."""
    with core.database.read() as session:
        row = next((one for one in directory.taxonomy_terms(session) if one.id == term_id), None)
        return _term(row) if row is not None else None


def _summary(row: OrukService) -> dict[str, Any]:
    return _filled(
        id=row.id,
        name=row.name,
        description=row.description,
        url=row.url,
        email=row.email,
        status=row.status,
        fees=row.fees,
        minimum_age=row.minimum_age,
        maximum_age=row.maximum_age,
        assured_date=_written(row.assured_date),
        last_modified=_written(row.last_modified),
        organization_id=row.organization_id,
        organization=_organization(row.organization),
    )


def _whole(row: OrukService) -> dict[str, Any]:
    return _summary(row) | _filled(
        # The standard's schema has no field for who may come, and none for what to text.
        description=" ".join(filter(None, (row.description, row.eligibility, row.text_number))),
        service_areas=[
            {"id": identifier("area", row.id, area.name), "service_id": row.id, "name": area.name}
            for area in row.service_areas
        ],
        contacts=[
            {
                "id": identifier("contact", row.id),
                "service_id": row.id,
                "name": row.name,
                "phones": [
                    _filled(
                        id=identifier("phone", row.id, phone.number), number=phone.number, description=phone.description
                    )
                    for phone in contact.phones
                ],
            }
            for contact in row.contacts
        ],
        schedules=_schedules(row),
        cost_options=[
            _filled(
                id=identifier("cost", row.id, cost.option, str(cost.amount)),
                service_id=row.id,
                option=cost.option,
                amount=cost.amount,
                amount_description=cost.amount_description,
            )
            for cost in row.cost_options
        ],
        service_at_locations=[_place(place) for place in row.service_at_locations],
        attributes=[
            {
                "id": identifier("attribute", row.id, attribute.taxonomy_term_id),
                "link_id": row.id,
                "link_type": "service",
                "taxonomy_term_id": attribute.taxonomy_term_id,
                "taxonomy_term": _term(attribute.taxonomy_term),
            }
            for attribute in row.attributes
        ],
    )


def _schedules(row: OrukService) -> list[dict[str, Any]]:
    written = [
        {
            "id": identifier("schedule", row.id, one.byday, _written(one.opens_at) or ""),
            "service_id": row.id,
            "freq": "WEEKLY",
            "byday": one.byday,
            "opens_at": _written(one.opens_at),
            "closes_at": "23:59" if one.closes_at == END_OF_DAY else _written(one.closes_at),
        }
        for one in row.schedules
    ]
    if row.hours:
        in_words = {"id": identifier("schedule", row.id, "words"), "service_id": row.id, "description": row.hours}
        return [*written, in_words] if not written else [written[0] | {"description": row.hours}, *written[1:]]
    return written


def _organization(row: OrukOrganization) -> dict[str, Any]:
    return _filled(id=row.id, name=row.name, description=row.description or row.name, website=row.url)


def _place(row: OrukServiceAtLocation) -> dict[str, Any]:
    return _filled(id=row.id, service_id=row.service_id, location_id=row.location_id, location=_location(row.location))


def _location(row: OrukLocation) -> dict[str, Any]:
    address = _filled(
        id=identifier("address", row.id),
        location_id=row.id,
        address_1=row.address_1,
        city=row.city,
        state_province="Essex",
        postal_code=row.postal_code,
        country="GB",
        address_type="physical",
    )
    return _filled(
        id=row.id,
        location_type="physical",
        name=row.name,
        latitude=row.latitude,
        longitude=row.longitude,
        addresses=[address] if row.address_1 and row.city and row.postal_code else [],
    )


def _taxonomy(row: OrukTaxonomy) -> dict[str, Any]:
    return _filled(id=row.id, name=row.name, description=row.description, version="1")


def _term(row: OrukTaxonomyTerm) -> dict[str, Any]:
    return _filled(id=row.id, name=row.name, description=row.description, taxonomy_id=row.taxonomy_id, term_uri=None)


def _within(rows: Sequence[OrukServiceAtLocation], near: Near) -> list[OrukServiceAtLocation]:
    """The places so near. Where a postcode lies is told from the places that we know with it, or with its beginning."""
    wanted = near.postcode.replace(" ", "").upper()
    for beginning in (wanted, wanted[:-2], wanted[:-3]):
        points = [
            point
            for row in rows
            if len(beginning) > 1
            and row.location.postal_code.replace(" ", "").upper().startswith(beginning)
            and (point := _point(row.location)) is not None
        ]
        if points:
            break
    else:
        raise UnknownPlace(near.postcode)
    middle = (sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points))
    return [row for row in rows if (point := _point(row.location)) and _metres(middle, point) <= near.metres]


def _point(location: OrukLocation) -> tuple[float, float] | None:
    if location.latitude is None or location.longitude is None:
        return None
    return location.latitude, location.longitude


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance over the ground (haversine)."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*one, *other))
    a = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_METRES * math.asin(math.sqrt(a))


def about(openapi_url: str) -> Mapping[str, str]:
    """What the root of the API answers."""
    return {"version": VERSION, "profile": PROFILE, "openapi_url": openapi_url}
