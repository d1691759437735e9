"""How fast one visitor may post, so that a script cannot keep the assistant from everybody else.

Counted by litestar's own middleware, in the memory of each process, in windows that last a minute. A message that was
refused is not lost: the page keeps it and sends it again when the window is over.
"""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, cast

from litestar import Request
from litestar.exceptions import TooManyRequestsException
from litestar.middleware.base import DefineMiddleware
from litestar.middleware.rate_limit import RateLimitConfig, get_remote_address
from litestar.stores.memory import MemoryStore

# A page that has lost its line opens its stream again and again, slower each time; nobody needs more than this.
STREAMS_PER_ADDRESS = 240
_TIDY_EVERY = 200
_NOBODY = "nobody"
LIMIT_STORE = "rate_limit"

Asked = Request[Any, Any, Any]


def post_limits(
    session_of: Callable[[Asked], str | None], per_session: int, per_address: int
) -> tuple[DefineMiddleware, DefineMiddleware]:
    """Limits for taking messages, a minute: of one network address, and of one session.

    Many people share an address (a library, a mobile network), so its limit must be much the higher one.
    """
    return (
        _limit(per_address, lambda request: f"post:{get_remote_address(request)}"),
        # Without a session the post is refused anyway; the address has been counted.
        _limit(per_session, lambda request: f"post-session:{session_of(request) or _NOBODY}"),
    )


def stream_limit() -> DefineMiddleware:
    """A limit for opening streams of events, a minute and address."""
    return _limit(STREAMS_PER_ADDRESS, lambda request: f"stream:{get_remote_address(request)}")


def _limit(a_minute: int, identify: Callable[[Asked], str]) -> DefineMiddleware:
    return RateLimitConfig(
        rate_limit=("minute", a_minute), identifier_for_request=identify, store=LIMIT_STORE
    ).middleware


def seconds_to_wait(refusal: TooManyRequestsException) -> int:
    """After how many seconds the window is over. At least 1."""
    told = (refusal.headers or {}).get("RateLimit-Reset", "")
    return max(1, int(told)) if told.isdecimal() else 60


def tidying(every: int = _TIDY_EVERY) -> Callable[[Asked], Awaitable[None]]:
    """For a handler's `after_response`: the store keeps what has expired until it is told to let go of it."""
    posts = count(1)

    async def tidy(request: Asked) -> None:
        if next(posts) % every == 0:
            await cast("MemoryStore", request.app.stores.get(LIMIT_STORE)).delete_expired()

    return tidy
