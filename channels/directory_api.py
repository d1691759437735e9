"""The directory for other programs: the nine addresses of Open Referral UK 3.0, open to everybody, read only.

https://openreferraluk.org/developers (2026).
"""

from collections.abc import Callable
from datetime import time
from typing import Annotated, Any

import anyio
from litestar import Litestar, Request, Response, Router, get
from litestar.datastructures import MutableScopeHeaders
from litestar.di import NamedDependency, Provide
from litestar.openapi import OpenAPIConfig
from litestar.params import PathParameter, QueryParameter
from litestar.types import ControllerRouterHandler, Message, Scope

from helpline.domain.directory import WEEKDAYS
from helpline.services import publishing
from helpline.services.core import Core
from helpline.services.publishing import Filter, Near, UnknownPlace
from helpline.storage.engine import StorageUnavailable

PATH = "/api/oruk/3.0"
_MOST_PAGES = 1_000_000
# No database takes a zero byte.
_WRITABLE = r"^[^\x00]*$"

Page = Annotated[int, QueryParameter(ge=1, le=_MOST_PAGES)]
PerPage = Annotated[int, QueryParameter(ge=1, le=publishing.MOST_PER_PAGE)]
Words = Annotated[str | None, QueryParameter(max_length=200, pattern=_WRITABLE)]
Id = Annotated[str | None, QueryParameter(max_length=80, pattern=_WRITABLE)]
Age = Annotated[int | None, QueryParameter(ge=0, le=150)]
Day = Annotated[str | None, QueryParameter(pattern=f"^({'|'.join(WEEKDAYS)})$")]
Clock = Annotated[str | None, QueryParameter(pattern=r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$")]
Postcode = Annotated[str | None, QueryParameter(min_length=2, max_length=10)]
Metres = Annotated[float | None, QueryParameter(gt=0, le=1_000_000)]
OneId = Annotated[str, PathParameter(max_length=80, pattern=_WRITABLE)]


async def open_to_all(message: Message, scope: Scope) -> None:
    """Let the pages of other sites read every answer of the directory, errors too: the standard asks for it."""
    if message["type"] == "http.response.start" and scope["path"].startswith(PATH):
        MutableScopeHeaders.from_message(message)["Access-Control-Allow-Origin"] = "*"


def _answer(body: Any, status: int = 200) -> Response[Any]:
    return Response(body, status_code=status)


def _found(body: Any | None) -> Response[Any]:
    return _answer({"detail": "There is no such record."}, 404) if body is None else _answer(body)


async def _read[Result](work: Callable[[], Result], answer: Callable[[Result], Response[Any]]) -> Response[Any]:
    try:
        return answer(await anyio.to_thread.run_sync(work))
    except StorageUnavailable:
        return _answer({"detail": "The directory cannot be read at the moment. Please try again."}, 503)
    except UnknownPlace:
        return _answer({"detail": "We do not know where this postcode lies."}, 400)


def _narrowed(
    search: Words = None,
    taxonomy_term_id: Id = None,
    taxonomy_id: Id = None,
    minimum_age: Age = None,
    maximum_age: Age = None,
    day: Day = None,
    start_time: Clock = None,
    end_time: Clock = None,
) -> Filter:
    """What the query asks to see only of."""
    return Filter(
        search, taxonomy_term_id, taxonomy_id, minimum_age, maximum_age, day, _time(start_time), _time(end_time)
    )


def directory_handlers(core: Core) -> list[ControllerRouterHandler]:
    """The addresses of the published directory."""

    @get("/")
    async def root(request: Request[Any, Any, Any]) -> Response[Any]:
        return _answer(dict(publishing.about(f"{str(request.base_url).rstrip('/')}{PATH}/openapi.json")))

    @get("/services")
    async def services(
        narrow: NamedDependency[Filter],
        page: Page = 1,
        per_page: PerPage = 50,
    ) -> Response[Any]:
        return await _read(lambda: publishing.services(core, narrow, page, per_page), _answer)

    @get("/services/{service_id:str}")
    async def service(service_id: OneId) -> Response[Any]:
        return await _read(lambda: publishing.service(core, service_id), _found)

    @get("/service_at_locations")
    async def services_at_locations(
        narrow: NamedDependency[Filter],
        postcode: Postcode = None,
        proximity: Metres = None,
        page: Page = 1,
        per_page: PerPage = 50,
    ) -> Response[Any]:
        near = Near(postcode, proximity or 5000.0) if postcode else None
        return await _read(lambda: publishing.services_at_locations(core, narrow, near, page, per_page), _answer)

    @get("/service_at_locations/{place_id:str}")
    async def service_at_location(place_id: OneId) -> Response[Any]:
        return await _read(lambda: publishing.service_at_location(core, place_id), _found)

    @get("/taxonomies")
    async def taxonomies(page: Page = 1, per_page: PerPage = 50) -> Response[Any]:
        return await _read(lambda: publishing.taxonomies(core, page, per_page), _answer)

    @get("/taxonomies/{taxonomy_id:str}")
    async def taxonomy(taxonomy_id: OneId) -> Response[Any]:
        return await _read(lambda: publishing.taxonomy(core, taxonomy_id), _found)

    @get("/taxonomy_terms")
    async def taxonomy_terms(page: Page = 1, per_page: PerPage = 50) -> Response[Any]:
        return await _read(lambda: publishing.taxonomy_terms(core, page, per_page), _answer)

    @get("/taxonomy_terms/{term_id:str}")
    async def taxonomy_term(term_id: OneId) -> Response[Any]:
        return await _read(lambda: publishing.taxonomy_term(core, term_id), _found)

    narrowing = {"narrow": Provide(_narrowed, sync_to_thread=False)}
    handlers = [
        root,
        services,
        service,
        services_at_locations,
        service_at_location,
        taxonomies,
        taxonomy,
        taxonomy_terms,
        taxonomy_term,
    ]
    described = Litestar(
        [Router(PATH, route_handlers=handlers, dependencies=narrowing)],
        openapi_config=OpenAPIConfig("Directory", publishing.VERSION),
    ).openapi_schema.to_schema()

    @get("/openapi.json")
    async def openapi() -> Response[Any]:
        return _answer(described)

    return [Router(PATH, route_handlers=[*handlers, openapi], dependencies=narrowing)]


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None
