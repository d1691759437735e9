"""Logs carry ids and names of failures, never words or addresses."""

import logging
import sys
from typing import Any

import structlog

# What a log line may say besides its event. Anything else is dropped, so that a careless call cannot leak.
ALLOWED_FIELDS = frozenset(
    {
        "event",
        "level",
        "logger",
        "timestamp",
        "alert",
        "attempt",
        "case_id",
        "channel",
        "code",
        "count",
        "danger",
        "entry_id",
        "error",
        "final",
        "idempotency_token",
        "message_id",
        "provider_id",
        "reason",
        "status",
        "tier",
        "update_id",
        "urgent",
    }
)


def _only_allowed(_: Any, __: str, event: Any) -> Any:
    return {name: value for name, value in event.items() if name in ALLOWED_FIELDS}


class _WordlessFormatter(logging.Formatter):
    """A library's message and its exception's text may hold a person's words: only their names are written."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        return f"{record.levelname} {record.name} {error}".rstrip()


def set_up_logs() -> None:
    """Configure this process's logs: one JSON object a line on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log requests and their parameters at INFO and below; what is left are their names for failures.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_WordlessFormatter())
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
    for noisy in ("httpx", "twilio.http_client", "urllib3", "dbos", "uvicorn", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
