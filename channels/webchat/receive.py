"""Chat messages come in: the page, its posts, its stream of events, and leaving it."""

import json
import re
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import anyio
from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery
from litestar.response import Redirect, ServerSentEvent, Template
from litestar.types import ControllerRouterHandler

from channels.base import ChannelContext
from channels.event_stream import POLL_SECONDS, stream_thread
from channels.gateway import Outcome
from helpline.domain.messages import InboundMessage
from helpline.services.core import LOCAL_TIME
from helpline.services.threads import ThreadMessage, thread_after
from helpline.storage.addresses import AddressBook

COOKIE = "chat"
SESSION_DAYS = 7
LONGEST_TEXT = 20_000
LONGEST_BODY = 131_072
LONGEST_NUMBER = 18
FORM_WAITS_SECONDS = 5.0
_CLIENT_ID = re.compile(r"[A-Za-z0-9-]{8,48}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{32}")

_NO_STORE = {"Cache-Control": "no-store"}


class BadPost(Exception):
    """A post that is not a message, with the status and the sentence that say so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def parse_post(content_type: str, body: bytes, form: dict[str, str]) -> tuple[str, str]:
    """The client's id and the text of a post, JSON or form. Raises BadPost."""
    if len(body) > LONGEST_BODY:
        raise BadPost(413, "The message is too long.")
    fields: Any = form
    if content_type.partition(";")[0].strip().lower() == "application/json":
        try:
            fields = json.loads(body)
        except (ValueError, RecursionError):
            raise BadPost(400, "The body is not JSON.") from None
        if not isinstance(fields, dict):
            raise BadPost(400, "The JSON must be an object with an id and a text.")
    client_id, text = fields.get("id"), fields.get("text")
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise BadPost(400, "The id must be 8 to 48 letters, digits or hyphens.")
    if not isinstance(text, str):
        raise BadPost(400, "The text is missing.")
    if len(text) > LONGEST_TEXT:
        raise BadPost(413, "The message is too long.")
    return client_id, text


def webchat_receivers(context: ChannelContext) -> Sequence[ControllerRouterHandler]:
    """The page and what it calls."""
    core = context.gateway.core
    settings = context.settings

    def session_of(request: Request[Any, Any, Any]) -> str | None:
        token = request.cookies.get(COOKIE, "")
        return token if _SESSION.fullmatch(token) else None

    def cookie(token: str, max_age: int) -> Cookie:
        return Cookie(
            COOKIE,
            value=token,
            max_age=max_age,
            path="/chat",
            httponly=True,
            # Lax, not strict: whoever comes back by a link on another page keeps their conversation. The origin of a
            # post is checked instead.
            samesite="lax",
            secure=settings.external_url.startswith("https://"),
        )

    def show(messages: list[dict[str, Any]], *cookies: Cookie) -> Template:
        return Template(
            "chat.html",
            context={
                "service_name": settings.service_name,
                "messages": messages,
                "form_message_id": str(uuid.uuid4()),
            },
            cookies=list(cookies),
            headers=_NO_STORE,
        )

    @get("/chat", name="chat")
    async def page(request: Request[Any, Any, Any]) -> Template:
        token = session_of(request)
        messages = [] if token is None else await anyio.to_thread.run_sync(thread_after, core, "web", token)
        token = token or secrets.token_urlsafe(24)
        return show([to_page(message) for message in messages], cookie(token, SESSION_DAYS * 86_400))

    def warn(is_json: bool, client_id: str, text: str, warning: str) -> Response[Any] | Template:
        # Nothing could be stored, so the answer to the post is the only way to show it.
        if is_json:
            return Response({"id": client_id, "reply": warning}, status_code=202, headers=_NO_STORE)
        at = core.clock.now().astimezone(LOCAL_TIME).isoformat()
        shown = [
            {"id": -2, "sender": "you", "text": text, "options": [], "at": at},
            {"id": -1, "sender": "helpline", "text": warning, "options": [], "at": at},
        ]
        return show(shown)

    @post("/chat/messages", status_code=202)
    async def take(request: Request[Any, Any, Any]) -> Response[Any] | Template:
        is_json = request.headers.get("content-type", "").startswith("application/json")
        token = session_of(request)
        if token is None or not is_own_origin(request.headers, settings.external_url):
            return _refuse(403, "Open the chat page first.")
        try:
            body = await request.body()
            form = {} if is_json or len(body) > LONGEST_BODY else dict(await request.form())
            client_id, text = parse_post(request.headers.get("content-type", ""), body, form)
        except BadPost as error:
            return _refuse(error.status, error.reason)
        message = InboundMessage("web", f"{_scope(core.addresses, token)}:{client_id}", token, text)
        handled = await anyio.to_thread.run_sync(context.gateway.handle_inbound, message)
        if handled.unsent_warning is not None:
            return warn(is_json, client_id, text, handled.unsent_warning)
        if handled.outcome is Outcome.REFUSED:
            return _refuse(503, "The message could not be taken. Send it again.")
        if not is_json:
            await _wait_for_reply(lambda: thread_after(core, "web", token))
            return Redirect("/chat#latest", status_code=303)
        return Response({"id": client_id}, status_code=202, headers=_NO_STORE)

    @get("/chat/events")
    async def events(request: Request[Any, Any, Any], after: FromQuery[int] = 0) -> ServerSentEvent | Response[Any]:
        token = session_of(request)
        if token is None:
            return _refuse(403, "Open the chat page first.")
        seen = request.headers.get("last-event-id", "")
        start = max(after, int(seen) if seen.isdecimal() and len(seen) <= LONGEST_NUMBER else 0)
        return stream_thread(lambda last: thread_after(core, "web", token, last), start, to_page)

    @post("/chat/leave", status_code=204)
    async def leave() -> Response[None]:
        return Response(None, status_code=204, cookies=[cookie("", 0)], headers=_NO_STORE)

    return [page, take, events, leave]


def is_own_origin(headers: Mapping[str, str], external_url: str) -> bool:
    """Whether a post comes from a page of ours: no origin (no browser), our address, or the host it was sent to."""
    origin = headers.get("origin")
    return origin is None or origin == external_url or urlsplit(origin).netloc == headers.get("host")


async def _wait_for_reply(read: Callable[[], list[ThreadMessage]]) -> None:
    # A page without JavaScript shows only what is there when it loads.
    with anyio.move_on_after(FORM_WAITS_SECONDS):
        while any(message.waits for message in await anyio.to_thread.run_sync(read)):
            await anyio.sleep(POLL_SECONDS)


def _scope(addresses: AddressBook, token: str) -> str:
    # A page makes its own message ids, so they are unique within its session only.
    return addresses.find_by("web-session", token)[:24]


def _refuse(status: int, reason: str) -> Response[Any]:
    return Response({"error": reason}, status_code=status, media_type=MediaType.JSON, headers=_NO_STORE)


def to_page(message: ThreadMessage) -> dict[str, Any]:
    """A message as the page shows it."""
    shown: dict[str, Any] = {
        "id": message.id,
        "sender": "you" if message.from_person else "helpline",
        "text": message.text,
        "options": list(message.options),
        "at": message.at.astimezone(LOCAL_TIME).isoformat(),
    }
    if message.provider_id is not None:
        shown["client_id"] = message.provider_id.partition(":")[2]
    return shown
