"""Reading a directory that somebody else publishes as Open Referral UK 3.0.

https://openreferraluk.org/developers (2026). The whole feed is read before anything is changed: a feed that breaks off
in the middle withdraws nothing.
"""

import html
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from content.directory_schema import CannotReadServices, as_dialled
from helpline.domain.directory import (
    END_OF_DAY,
    NATIONAL,
    WEEKDAYS,
    Confidence,
    CostOption,
    Feed,
    Location,
    Organisation,
    Refused,
    Schedule,
    Service,
    ServicePhone,
    Status,
    Taxonomy,
    identifier,
)

PER_PAGE = 100
MOST_PAGES = 2000
MOST_BYTES = 20_000_000
LONGEST_ID = 120
# How old an assurance may be and still count as checked, and how old a record may be and still be shown (in days).
CHECKED_WITHIN = 365
SHOWN_WITHIN = 3 * 365

_STATUSES: tuple[Status, ...] = ("active", "inactive", "defunct", "temporarily closed")
# A number as people write it into a description: digits in groups, starting like a number in the United Kingdom.
_NUMBER = re.compile(r"(?<!\d)0\d[\d ]{8,12}\d(?!\d)")
# Where somebody who hides from a violent person may be found is nobody's business.
_NO_ADDRESS_FOR = frozenset({"domestic-abuse"})

# The district of a postcode, or None if it is not ours.
DistrictOf = Callable[[str], str | None]


def feed_client() -> httpx.Client:
    """What a feed is asked with. Close it afterwards."""
    return httpx.Client(timeout=30, follow_redirects=True, max_redirects=3)


class OrukReader:
    """Reads one feed. today decides what is too old."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        areas: frozenset[str],
        district_of: DistrictOf,
        today: date,
        client: httpx.Client,
    ) -> None:
        self._taxonomy = taxonomy
        self._areas = {_area_key(area): area for area in (*areas, *NATIONAL)}
        self._own_names = {term.name.casefold(): code for code, term in taxonomy.terms.items()}
        self._district_of = district_of
        self._today = today
        self._client = client

    def read(self, url: str) -> Feed:
        """Everything that the feed at this address lists.

        Raises CannotReadServices: it does not answer, or not in the standard's form.
        """
        base = url.rstrip("/").removesuffix("/services")
        try:
            parts = urlsplit(base)
        except ValueError:
            parts = urlsplit("")
        if parts.hostname is None or parts.scheme not in ("http", "https"):
            raise CannotReadServices(f"'{url}' is no address of a feed. It must begin with https://.")
        name = re.sub(r"[^a-z0-9]+", "-", f"{parts.hostname}{parts.path}".lower()).strip("-")[:80]
        services: dict[str, Service] = {}
        refused: list[Refused] = []
        for summary in self._pages(f"{base}/services"):
            service_id = str(summary.get("id") or "")
            try:
                if not service_id:
                    raise ValueError("it has no id")
                if len(service_id) > LONGEST_ID:
                    raise ValueError(f"its id has more than {LONGEST_ID} characters")
                full = self._get(f"{base}/services/{quote(service_id, safe='')}", {})
                service = self._service(name, service_id, {**summary, **full})
            except ValueError as error:
                refused.append(Refused(service_id[:LONGEST_ID] or str(summary.get("name") or "a record"), str(error)))
            else:
                services[service_id] = service
        return Feed(name, tuple(services.values()), tuple(refused))

    def _pages(self, address: str) -> Iterator[Mapping[str, Any]]:
        for page in range(1, MOST_PAGES + 1):
            body = self._get(address, {"page": page, "per_page": PER_PAGE})
            contents = body.get("contents", body.get("content"))
            if not isinstance(contents, list):
                raise CannotReadServices(f"{address} does not list services in the form of Open Referral UK 3.0.")
            yield from (record for record in contents if isinstance(record, dict))
            total = body.get("total_pages")
            if not contents or body.get("last_page") is True or (isinstance(total, int) and page >= total):
                return
        raise CannotReadServices(f"{address} has no end: {MOST_PAGES} pages were read.")

    def _get(self, address: str, query: Mapping[str, Any]) -> dict[str, Any]:
        try:
            response = self._client.get(address, params=dict(query), headers={"Accept": "application/json"})
            response.raise_for_status()
            if len(response.content) > MOST_BYTES:
                raise CannotReadServices(f"{address} sent more than {MOST_BYTES} bytes.")
            body = response.json()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CannotReadServices(f"{address} cannot be read: {type(error).__name__}.") from error
        except (ValueError, RecursionError) as error:
            raise CannotReadServices(f"{address} did not answer in JSON.") from error
        if not isinstance(body, dict):
            raise CannotReadServices(f"{address} does not answer in the form of Open Referral UK 3.0.")
        return body

    def _service(self, feed: str, service_id: str, record: Mapping[str, Any]) -> Service:
        name = _text(record.get("name"))
        if name is None:
            raise ValueError("it has no name")
        status = record.get("status", "active")
        if status not in _STATUSES:
            raise ValueError(f"its status '{status}' is none of the standard's")
        body = _first(record.get("organization"))
        run_by = _text(body.get("name"))
        if run_by is None:
            raise ValueError("it does not say which organisation runs it")
        description = _text(record.get("description")) or _text(body.get("description")) or name
        theirs = self._their_terms(record)
        terms = self._terms(theirs, name, description)
        hides = bool(_NO_ADDRESS_FOR & {*terms, *self._codes_in(" | ".join((*theirs, name, description, run_by)))})
        locations = tuple({place.id: place for place in self._locations(feed, record)}.values())
        areas = self._service_areas(record, locations)
        return Service(
            id=identifier("service", feed, service_id),
            feed=feed,
            source_id=service_id,
            organisation=Organisation(
                identifier("organisation", run_by.casefold()),
                run_by,
                _text(body.get("description")) or "",
                _web(body.get("website") or body.get("url")),
            ),
            name=name,
            description=description,
            status=status,
            confidence=self._confidence(record),
            areas=areas,
            terms=terms,
            phones=tuple(_phones(record, description)),
            email=_text(record.get("email")),
            url=_web(record.get("url")),
            eligibility=_text(record.get("eligibility_description")),
            minimum_age=_age(record.get("minimum_age")),
            maximum_age=_age(record.get("maximum_age")),
            hours=_hours_in_words(record),
            schedules=tuple(_schedules(record)),
            fees=_text(record.get("fees")),
            cost_options=tuple(_costs(record)),
            locations=() if hides else locations,
            source_url=_web(record.get("url")),
            source_date=_text(record.get("last_modified")) or _text(record.get("assured_date")),
            assured_date=_day(record.get("assured_date")),
        )

    def _confidence(self, record: Mapping[str, Any]) -> Confidence:
        assured = _day(record.get("assured_date"))
        newest = max(filter(None, (assured, _day(record.get("last_modified")))), default=None)
        if assured is not None and (self._today - assured).days <= CHECKED_WITHIN:
            return "high"
        if newest is not None and (self._today - newest).days > SHOWN_WITHIN:
            return "low"
        return "medium"

    @staticmethod
    def _their_terms(record: Mapping[str, Any]) -> list[str]:
        return [
            str(_first(attribute.get("taxonomy_term")).get("name") or "")
            for attribute in _list(record.get("attributes"))
        ]

    def _terms(self, theirs: Sequence[str], name: str, description: str) -> tuple[str, ...]:
        """Our terms for a service: those that its own terms name, else those whose words stand in its text."""
        for texts in (theirs, (name,), (description,)):
            found = tuple(dict.fromkeys(code for text in texts for code in self._codes_in(text)))
            if found:
                return found
        return ()

    def _codes_in(self, text: str) -> tuple[str, ...]:
        own = self._own_names.get(text.casefold())
        if own is not None:
            return (own,)
        return tuple(
            code
            for code, term in self._taxonomy.terms.items()
            if any(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in term.words)
        )

    def _service_areas(self, record: Mapping[str, Any], locations: tuple[Location, ...]) -> tuple[str, ...]:
        named = [str(area.get("name") or "") for area in _list(record.get("service_areas"))]
        known = {self._areas[key] for area in named if (key := _area_key(area)) in self._areas}
        if not known:
            known = {
                district
                for location in locations
                if location.postal_code and (district := self._district_of(location.postal_code))
            }
        if not known:
            where = f"it is for {', '.join(filter(None, named))}" if any(named) else "it does not say where it is for"
            raise ValueError(f"{where}, and no place of ours is among it")
        return tuple(sorted(known))

    @staticmethod
    def _locations(feed: str, record: Mapping[str, Any]) -> Iterator[Location]:
        for place in _list(record.get("service_at_locations")):
            location = _first(place.get("location"))
            address = _first(location.get("addresses"))
            location_id = _text(location.get("id"))
            if location_id is None:
                continue
            yield Location(
                identifier("location", feed, location_id),
                _text(location.get("name")) or "",
                _text(address.get("address_1")) or "",
                _text(address.get("city")) or "",
                (_text(address.get("postal_code")) or "")[:16],
                _number(location.get("latitude")),
                _number(location.get("longitude")),
            )


def _area_key(name: str) -> str:
    key = name.casefold().strip()
    for words in ("county council", "city council", "borough council", "district council", "council", "county of",
                  "county", "city of", "borough of", "-on-sea", "district"):  # fmt: skip
        key = key.replace(words, "")
    return {"united kingdom": "uk", "great britain": "uk", "national": "uk"}.get(key.strip(), key.strip())


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _first(value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    return next(iter(_list(value)), {})


def _text(value: Any) -> str | None:
    """Words without mark-up; None for none."""
    if not isinstance(value, str):
        return None
    words = " ".join(re.sub(r"<[^<>]{0,200}>", " ", html.unescape(value)).split())
    return words or None


def _web(value: Any) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"https?://\S+", value) else None


def _day(value: Any) -> date | None:
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError:
        return None


def _age(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 0 <= number <= 120 else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _phones(record: Mapping[str, Any], description: str) -> Iterator[ServicePhone]:
    """The numbers, wherever the feed keeps them: the standard's own schema has no place for them in a service."""
    organisation = _first(record.get("organization"))
    held = [
        *(phone for contact in _list(record.get("contacts")) for phone in _list(contact.get("phones"))),
        *_list(record.get("phones")),
        *_list(organisation.get("phones")),
        *(phone for contact in _list(organisation.get("contacts")) for phone in _list(contact.get("phones"))),
    ]
    seen: set[str] = set()
    for phone in held:
        number = as_dialled(_text(phone.get("number")) or "")
        if number and number.replace(" ", "") not in seen:
            seen.add(number.replace(" ", ""))
            yield ServicePhone(number, _text(phone.get("description")))
    if not seen:
        for match in _NUMBER.finditer(description):
            number = as_dialled(match.group())
            if number and number.replace(" ", "") not in seen:
                seen.add(number.replace(" ", ""))
                yield ServicePhone(number)


def _schedules(record: Mapping[str, Any]) -> Iterator[Schedule]:
    for one in _list(record.get("schedules")):
        days = tuple(day for day in str(one.get("byday") or "").split(",") if day in WEEKDAYS)
        opens, closes = _time(one.get("opens_at")), _time(one.get("closes_at"))
        if closes == time(0, 0):
            closes = END_OF_DAY
        # Every second Tuesday is not every Tuesday; such hours stay words.
        regular = one.get("freq", "WEEKLY") == "WEEKLY" and int(_number(one.get("interval")) or 1) == 1
        if days and opens is not None and closes is not None and opens < closes and regular:
            yield Schedule(days, opens, closes)


def _time(value: Any) -> time | None:
    try:
        return time.fromisoformat(str(value).removesuffix("Z")).replace(tzinfo=None)
    except ValueError:
        return None


def _hours_in_words(record: Mapping[str, Any]) -> str | None:
    words = [_text(one.get("description")) or _text(one.get("notes")) for one in _list(record.get("schedules"))]
    return "; ".join(word for word in words if word) or None


def _costs(record: Mapping[str, Any]) -> Iterator[CostOption]:
    for one in _list(record.get("cost_options")):
        yield CostOption(
            _text(one.get("option")) or "", _number(one.get("amount")), _text(one.get("amount_description")) or ""
        )
