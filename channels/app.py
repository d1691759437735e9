"""The web application: every channel's addresses, the pages' files, and whether all is well."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import structlog
from litestar import Litestar, Request, Response, get
from litestar.config.compression import CompressionConfig
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig
from litestar.types import Message, Scope

from channels.base import FRAMED_BY, ChannelContext, RunsBeside
from channels.directory_api import directory_handlers, open_to_all
from channels.registry import CHANNELS
from channels.simulator.pages import simulator_handlers
from helpline.ports import Assistant
from helpline.services.core import Core

FOLDER = Path(__file__).parent
LONGEST_FILE_NAME = 200

log = structlog.get_logger("app")

CONTENT_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; frame-ancestors "
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: a plain form would then post without saying where it comes from.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


async def _add_security_headers(message: Message, scope: Scope) -> None:
    """On every answer, also one that no handler gave."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        handler = scope.get("route_handler")
        # No page of ours may stand in a frame, but for one that says who may show it.
        framed_by = handler.opt.get(FRAMED_BY, "'none'") if handler else "'none'"
        headers.setdefault("Content-Security-Policy", CONTENT_POLICY + framed_by)
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)


def _broken(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """The answer when something of ours breaks. The address itself is not logged: there may be words in it."""
    log.error("request failed", route=request.scope.get("path_template"), error=type(error).__name__)
    return Response({"status_code": 500, "detail": "Internal Server Error"}, status_code=500)


def _refuse_strange_name(request: Request[Any, Any, Any]) -> None:
    """No file of ours has such a name, and some of them break the look for it."""
    path = request.scope["path"]
    if len(path) > LONGEST_FILE_NAME or not (path.isascii() and path.isprintable()):
        raise NotFoundException


def create_app(
    context: ChannelContext,
    assistant: Assistant,
    core: Core,
    start: Callable[[], None],
    stop: Callable[[], None],
    openapi: OpenAPIConfig | None = None,
) -> Litestar:
    """The application. start and stop are called once with it, off the event loop.

    openapi: how its addresses are described to who asks. Served, they are not described: only those of the directory
    are for other programs, and these have a description of their own.
    """

    @get("/", include_in_schema=False)
    async def home() -> Redirect:
        return Redirect("/chat")

    @get("/health")
    async def health() -> Response[dict[str, bool]]:
        parts = {
            "storage": await anyio.to_thread.run_sync(core.database.is_well),
            "assistant": await anyio.to_thread.run_sync(assistant.is_ready),
        }
        # Without the assistant we still take messages in and answer danger, so only storage decides.
        return Response(parts, status_code=200 if parts["storage"] else 503)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(start)
        try:
            async with AsyncExitStack() as beside:
                for channel in CHANNELS:
                    if isinstance(channel, RunsBeside):
                        await beside.enter_async_context(channel.running(context))
                yield
        finally:
            await anyio.to_thread.run_sync(stop)

    handlers = [handler for channel in CHANNELS for handler in channel.receivers(context)]
    pages = ["webchat"]
    if context.settings.uses_simulator:
        handlers += simulator_handlers(context)
        pages.append("simulator")
    return Litestar(
        route_handlers=[
            home,
            health,
            *handlers,
            *directory_handlers(core),
            *(
                create_static_files_router(
                    path=f"/static/{folder}",
                    directories=[FOLDER / folder / "static"],
                    name=folder,
                    before_request=_refuse_strange_name,
                )
                for folder in pages
            ),
        ],
        template_config=TemplateConfig(
            directory=[FOLDER / folder / "templates" for folder in pages], engine=JinjaTemplateEngine
        ),
        compression_config=CompressionConfig(backend="gzip", gzip_compress_level=6, exclude=["/events"]),
        before_send=[_add_security_headers, open_to_all],
        lifespan=[lifespan],
        exception_handlers={500: _broken},
        openapi_config=openapi,
        logging_config=None,
        request_max_body_size=262_144,
        request_class=Request,
    )
