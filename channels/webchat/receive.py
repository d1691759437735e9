"""Chat messages come in: the page, its posts, its stream of events, and leaving it."""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import anyio
from litestar import MediaType, Response, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import TooManyRequestsException
from litestar.response import Redirect, ServerSentEvent, Template
from litestar.types import ControllerRouterHandler

from channels.base import FRAMED_BY, ChannelContext
from channels.event_stream import POLL_SECONDS, SeenUpTo, stream_thread
from channels.gateway import Outcome
from channels.reading import Unreadable, read_form, read_json
from channels.webchat.embed import HARMLESS_PAGE, frame_ancestors, launcher_handlers, read_origins
from channels.webchat.limits import Asked, post_limits, seconds_to_wait, stream_limit, tidying
from channels.webchat.session import SESSION_SECONDS, FrameCookie, Sessions
from helpline.domain.messages import InboundMessage
from helpline.services.core import LOCAL_TIME
from helpline.services.threads import ThreadMessage, thread_after
from helpline.storage.addresses import AddressBook

COOKIE = "chat"
HIDDEN_COOKIE = "chat_hidden"
FRAME_COOKIE = "chat_framed"
FRAME_HIDDEN_COOKIE = "chat_framed_hidden"
HIDE_WORD = "hide"
LONGEST_TEXT = 20_000
LONGEST_BODY = 131_072
LONGEST_NUMBER = 18
FORM_WAITS_SECONDS = 5.0
_CLIENT_ID = re.compile(r"[A-Za-z0-9-]{8,48}")

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
            fields = read_json(body)
        except Unreadable as error:
            raise BadPost(400, str(error)) from None
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
    """The page, the page for frames, and what they call."""
    core = context.gateway.core
    settings = context.settings
    sessions = Sessions(context.keys.address_hash_key, core.clock)
    origins = read_origins(settings.embed_origins)

    def session_of(request: Asked) -> str | None:
        """The name of who asks: by the token that a page in a frame sends, or else by the cookie. See session.py."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return sessions.open(token.strip())
        return sessions.open(request.cookies.get(COOKIE))

    def cookie(name: str, value: str, max_age: int | None) -> Cookie:
        return Cookie(
            name,
            value=value,
            max_age=max_age,
            path="/chat",
            httponly=True,
            # Lax, not strict: whoever comes back by a link on another page keeps their conversation. The origin of a
            # post is checked instead.
            samesite="lax",
            secure=settings.external_url.startswith("https://"),
        )

    def show(messages: list[dict[str, Any]], *cookies: Cookie, **more: Any) -> Template:
        return Template(
            "chat.html",
            context={
                "service_name": settings.service_name,
                "messages": messages,
                "form_message_id": str(uuid.uuid4()),
                "harmless_page": HARMLESS_PAGE,
                "hide_word": HIDE_WORD.upper(),
                "hidden": False,
                "frame_token": None,
                **more,
            },
            cookies=list(cookies),
            headers=_NO_STORE,
        )

    @get("/chat", name="chat")
    async def page(request: Asked) -> Template:
        name = session_of(request)
        # What is hidden is not even in the page, so that no reload shows it for a moment.
        hidden = name is not None and HIDDEN_COOKIE in request.cookies
        messages = [] if name is None or hidden else await anyio.to_thread.run_sync(thread_after, core, "web", name)
        # Sealed anew each time: the days are counted from the last visit.
        renewed = cookie(COOKIE, sessions.seal(name or sessions.new_name()), SESSION_SECONDS)
        return show([to_page(message) for message in messages], renewed, hidden=hidden)

    @get("/chat/embedded", opt={FRAMED_BY: frame_ancestors(origins)})
    async def page_for_frames(request: Asked) -> Template:
        # The thread comes by the stream: only the page knows whether its tab already holds another token.
        name = sessions.open(request.cookies.get(FRAME_COOKIE))
        hidden = name is not None and FRAME_HIDDEN_COOKIE in request.cookies
        token = sessions.seal(name or sessions.new_name())
        return show([], FrameCookie(FRAME_COOKIE, token), frame_token=token, hidden=hidden)

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

    def too_many(request: Asked, error: TooManyRequestsException) -> Response[Any] | Template:
        headers = _NO_STORE | {"Retry-After": str(seconds_to_wait(error))}
        if _is_json(request) or "text/html" not in request.headers.get("accept", ""):
            return _refuse(429, "Too many messages. Send it again later.", headers)
        return Template(
            "too_many.html", context={"service_name": settings.service_name}, status_code=429, headers=headers
        )

    @post(
        "/chat/messages",
        status_code=202,
        middleware=post_limits(session_of, settings.chat_posts_per_minute, settings.chat_posts_per_minute_and_address),
        exception_handlers={TooManyRequestsException: too_many},
        after_response=tidying(),
    )
    async def take(request: Asked) -> Response[Any] | Template:
        is_json = _is_json(request)
        name = session_of(request)
        if name is None or not is_own_origin(request.headers, settings.external_url):
            return _refuse(403, "Open the chat page first.")
        try:
            body = await request.body()
            form = {} if is_json or len(body) > LONGEST_BODY else await read_form(request)
            client_id, text = parse_post(request.headers.get("content-type", ""), body, form)
        except BadPost as error:
            return _refuse(error.status, error.reason)
        except Unreadable as error:
            return _refuse(400, str(error))
        if not is_json and text.strip(" .!\r\n").lower() == HIDE_WORD:
            return Redirect("/chat", status_code=303, cookies=[cookie(HIDDEN_COOKIE, "1", None)], headers=_NO_STORE)
        message = InboundMessage("web", f"{_scope(core.addresses, name)}:{client_id}", name, text)
        handled = await anyio.to_thread.run_sync(context.gateway.handle_inbound, message)
        if handled.unsent_warning is not None:
            return warn(is_json, client_id, text, handled.unsent_warning)
        if handled.outcome is Outcome.REFUSED:
            return _refuse(503, "The message could not be taken. Send it again.")
        if not is_json:
            await _wait_for_reply(lambda: thread_after(core, "web", name))
            return Redirect("/chat#latest", status_code=303)
        return Response({"id": client_id}, status_code=202, headers=_NO_STORE)

    @get(
        "/chat/events",
        middleware=[stream_limit()],
        exception_handlers={TooManyRequestsException: too_many},
    )
    async def events(request: Asked, after: SeenUpTo = 0) -> ServerSentEvent | Response[Any]:
        name = session_of(request)
        if name is None:
            return _refuse(403, "Open the chat page first.")
        seen = request.headers.get("last-event-id", "")
        start = max(after, int(seen) if seen.isdecimal() and len(seen) <= LONGEST_NUMBER else 0)
        return stream_thread(lambda last: thread_after(core, "web", name, last), start, to_page)

    @get("/chat/copy")
    async def copy(request: Asked) -> Response[Any] | Template:
        name = session_of(request)
        if name is None:
            return _refuse(403, "Open the chat page first.")
        messages = await anyio.to_thread.run_sync(_whole_thread, lambda last: thread_after(core, "web", name, last))
        return Template(
            "copy.txt",
            context={
                "service_name": settings.service_name,
                "messages": [(message, f"{message.at.astimezone(LOCAL_TIME):%d/%m/%Y %H:%M}") for message in messages],
            },
            media_type="text/plain",
            headers=_NO_STORE | {"Content-Disposition": 'attachment; filename="chat.txt"'},
        )

    def hidden_or_not(request: Asked, hidden: bool) -> Redirect:
        value, age = ("1", None) if hidden else ("", 0)
        in_frame = "authorization" in request.headers
        mark = FrameCookie(FRAME_HIDDEN_COOKIE, value, age) if in_frame else cookie(HIDDEN_COOKIE, value, age)
        return Redirect("/chat", status_code=303, cookies=[mark], headers=_NO_STORE)

    @post("/chat/hide", status_code=303)
    async def hide(request: Asked) -> Redirect:
        return hidden_or_not(request, True)

    @post("/chat/show", status_code=303)
    async def show_again(request: Asked) -> Redirect:
        return hidden_or_not(request, False)

    # Leaving ends this browser's session and takes nothing from the thread: staff may have to act on it.
    ended = [
        cookie(COOKIE, "", 0),
        cookie(HIDDEN_COOKIE, "", 0),
        FrameCookie(FRAME_COOKIE, "", 0),
        FrameCookie(FRAME_HIDDEN_COOKIE, "", 0),
    ]

    @post("/chat/leave", status_code=204)
    async def leave() -> Response[None]:
        return Response(None, status_code=204, cookies=ended, headers=_NO_STORE)

    # A plain link, for a page without JavaScript: a form could not lead to another site under our content policy.
    @get("/chat/leave", status_code=303)
    async def leave_by_link() -> Redirect:
        return Redirect(
            HARMLESS_PAGE, status_code=303, cookies=ended, headers=_NO_STORE | {"Referrer-Policy": "no-referrer"}
        )

    return [
        page,
        page_for_frames,
        take,
        events,
        copy,
        hide,
        show_again,
        leave,
        leave_by_link,
        *launcher_handlers(settings.service_name, settings.external_url, origins),
    ]


def _is_json(request: Asked) -> bool:
    return request.headers.get("content-type", "").startswith("application/json")


def _whole_thread(read_after: Callable[[int], list[ThreadMessage]]) -> list[ThreadMessage]:
    whole: list[ThreadMessage] = []
    while part := read_after(whole[-1].id if whole else 0):
        whole += part
    return whole


def is_own_origin(headers: Mapping[str, str], external_url: str) -> bool:
    """Whether a post comes from a page of ours: no origin (no browser), our address, or the host it was sent to."""
    origin = headers.get("origin")
    if origin is None or origin == external_url:
        return True
    try:
        return urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False


async def _wait_for_reply(read: Callable[[], list[ThreadMessage]]) -> None:
    # A page without JavaScript shows only what is there when it loads.
    with anyio.move_on_after(FORM_WAITS_SECONDS):
        while any(message.waits for message in await anyio.to_thread.run_sync(read)):
            await anyio.sleep(POLL_SECONDS)


def _scope(addresses: AddressBook, name: str) -> str:
    # A page makes its own message ids, so they are unique within its session only.
    return addresses.find_by("web-session", name)[:24]


def _refuse(status: int, reason: str, headers: Mapping[str, str] = _NO_STORE) -> Response[Any]:
    return Response({"error": reason}, status_code=status, media_type=MediaType.JSON, headers=dict(headers))


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
