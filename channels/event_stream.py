"""Server-Sent Events of one person's thread: numbered by the thread, so that a page that comes back misses nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import anyio
from litestar.params import QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from helpline.services.threads import ThreadMessage
from helpline.storage.engine import StorageUnavailable

POLL_SECONDS = 0.25
KEEP_ALIVE_SECONDS = 15.0
# No database counts further than this.
LARGEST_ID = 10**18

SeenUpTo = Annotated[int, QueryParameter(ge=0, le=LARGEST_ID)]


def stream_thread(
    read_after: Callable[[int], list[ThreadMessage]],
    after: int,
    to_event: Callable[[ThreadMessage], dict[str, Any]],
    *,
    shows_state: bool = False,
) -> ServerSentEvent:
    """A stream of `message` events for everything after an entry id, and of `typing` while an answer is being made.

    shows_state: a message whose state has changed since is sent again under the same id.
    """
    return ServerSentEvent(
        _events(read_after, after, to_event, shows_state),
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(
    read_after: Callable[[int], list[ThreadMessage]],
    after: int,
    to_event: Callable[[ThreadMessage], dict[str, Any]],
    shows_state: bool,
) -> AsyncIterator[ServerSentEventMessage]:
    settled_up_to, typing, quiet = after, False, 0.0
    shown: dict[int, str] = {}
    yield ServerSentEventMessage(data=None, comment="open", retry=2_000)
    while True:
        try:
            messages = await anyio.to_thread.run_sync(read_after, settled_up_to)
        except StorageUnavailable:
            messages = []
        for message in messages:
            state = message.state if shows_state else ""
            if shown.get(message.id) != state:
                shown[message.id] = state
                quiet = 0.0
                yield _event("message", to_event(message), message.id)
        waits = any(message.waits for message in messages)
        if waits != typing:
            typing, quiet = waits, 0.0
            yield _event("typing", {"on": typing}, None)
        for message in messages:
            if message.is_unsettled:
                break
            settled_up_to = message.id
            shown.pop(message.id, None)
        await asyncio.sleep(POLL_SECONDS)
        quiet += POLL_SECONDS
        if quiet >= KEEP_ALIVE_SECONDS:
            quiet = 0.0
            yield ServerSentEventMessage(data=None, comment="keep-alive")


def _event(kind: str, data: dict[str, Any], number: int | None) -> ServerSentEventMessage:
    return ServerSentEventMessage(event=kind, data=json.dumps(data), id=number)
