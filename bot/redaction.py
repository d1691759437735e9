"""Keeps what people write out of every log of the assistant.

Rasa logs message text when a turn fails, local variables with every traceback, and the whole conversation
when the action server fails. Somebody's confidences must not lie in a log file, so three things are done:
known fields are emptied, an exception is cut down to its type and its place in the code, and the text of
every message that has come in is looked for and masked wherever it turns up.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections import deque
from collections.abc import Iterable, MutableMapping
from typing import Any

MASK = "[not logged]"

# Fields of Rasa's structured logs that may go out as they are. Whatever is not named here is emptied.
HARMLESS = frozenset(
    {
        "event",
        "event_info",
        "event_key",
        "level",
        "timestamp",
        "logger",
        "action_name",
        "policy_name",
        "confidence",
        "port",
        "host",
        "status",
        "where",
    }
)

# Shorter texts ("no", "ok") are part of ordinary words, so they are masked only in fields.
SHORTEST = 6
# Texts of the last turns; a log line about a turn is written during it.
REMEMBERED = 64

_heard: deque[str] = deque(maxlen=REMEMBERED)


def remember(text: object) -> None:
    """Remember a text that somebody sent, so that it can be masked."""
    if isinstance(text, str):
        _heard.extend(part for part in {text, text.strip()} if len(part) >= SHORTEST)


def mask(line: str) -> str:
    """Return the line without any text that was heard, as it is and as it looks inside JSON or repr."""
    for text in _heard:
        for shape in (text, ascii(text)[1:-1], repr(text)[1:-1]):
            if shape in line:
                line = line.replace(shape, MASK)
    return line


def place_of(error: BaseException) -> str:
    """Return an exception as its types and where it was raised, without its message, which may quote the text."""
    chain: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(chain) < 5:
        frames = traceback.extract_tb(seen.__traceback__)[-3:]
        where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
        chain.append(f"{type(seen).__name__} at {where or 'unknown'}")
        seen = seen.__cause__ or seen.__context__
    return "; from ".join(chain)


def redact_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Empty the fields of a structured log event that may hold what somebody wrote. A structlog processor."""
    error = event.pop("exc_info", None)
    if error:
        found = error if isinstance(error, BaseException) else _current(error)
        event["where"] = place_of(found) if found else "unknown"
    event.pop("stack_info", None)
    for key, value in event.items():
        if key not in HARMLESS:
            event[key] = MASK
        elif isinstance(value, str):
            event[key] = mask(value)
    return event


def _current(error: object) -> BaseException | None:
    """Return the exception that a log call means: the one given, or the one that is being handled."""
    found = error[1] if isinstance(error, tuple) and len(error) > 1 else sys.exc_info()[1]
    return found if isinstance(found, BaseException) else None


class RedactingFilter(logging.Filter):
    """Does the same for ordinary log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; it is always let through."""
        try:
            line = record.getMessage()
        except Exception:
            line = "a log line that could not be written"
        record.msg, record.args = mask(line), ()
        found = _current(record.exc_info) if record.exc_info else None
        if record.exc_info:
            record.msg += f" ({place_of(found) if found else 'unknown error'})"
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def guard_handlers(handlers: Iterable[logging.Handler]) -> None:
    """Put the filter on these handlers, once each."""
    for handler in handlers:
        if not any(isinstance(one, RedactingFilter) for one in handler.filters):
            handler.addFilter(RedactingFilter())


def guard_standard_logging() -> None:
    """Put the filter on every handler there is, and on every one that is made from now on."""
    original = logging.Handler.__init__

    def guarded(self: logging.Handler, level: int | str = logging.NOTSET) -> None:
        original(self, level)
        guard_handlers([self])

    logging.Handler.__init__ = guarded  # type: ignore[method-assign]
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    for logger in loggers:
        guard_handlers(logger.handlers)
    if logging.lastResort:
        guard_handlers([logging.lastResort])


def guard_structured_logging() -> None:
    """Put the redaction first in structlog's line of processors. Call it after Rasa has set structlog up."""
    import structlog

    processors = [one for one in structlog.get_config()["processors"] if one is not redact_event]
    structlog.configure(processors=[redact_event, *processors])


def listen_to_messages() -> None:
    """Remember the text of every message from now on. Call it after Rasa can be imported."""
    from rasa.core.channels.channel import UserMessage

    original = UserMessage.__init__

    def remembering(self: Any, text: str | None = None, *args: Any, **kwargs: Any) -> None:
        remember(text)
        original(self, text, *args, **kwargs)

    UserMessage.__init__ = remembering
