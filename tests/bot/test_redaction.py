"""Nothing that somebody wrote reaches a log."""

from __future__ import annotations

import io
import logging

import pytest
import redaction
import structlog

SECRET = "my husband hits me when he drinks"


@pytest.fixture
def log() -> tuple[logging.Logger, io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    redaction.guard_handlers([handler])
    logger = logging.Logger("test")
    logger.addHandler(handler)
    return logger, written


def test_fields_of_the_failure_event_are_emptied() -> None:
    event = redaction.redact_event(
        None, "error", {"event": "rest.message.received.failure", "text": SECRET, "other": 5}
    )
    assert event == {
        "event": "rest.message.received.failure",
        "text": redaction.MASK,
        "other": redaction.MASK,
    }


def test_an_exception_keeps_its_type_and_place_only() -> None:
    try:
        raise ValueError(f"cannot parse {SECRET}")
    except ValueError as error:
        event = redaction.redact_event(None, "error", {"event": "x", "exc_info": error})
    assert SECRET not in str(event)
    assert "ValueError at test_redaction.py" in event["where"]


def test_structlog_as_rasa_sets_it_up(capsys: pytest.CaptureFixture[str]) -> None:
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.INFO)
    redaction.guard_structured_logging()
    redaction.guard_structured_logging()
    written: list[str] = []
    structlog.configure(
        logger_factory=lambda *_: type(
            "L", (), {"error": lambda _s, m: written.append(str(m)), "isEnabledFor": lambda *_: True}
        )()
    )
    processors = structlog.get_config()["processors"]
    assert processors.count(redaction.redact_event) == 1
    try:
        secret_local = SECRET
        raise RuntimeError(secret_local)
    except RuntimeError:
        structlog.get_logger().exception("rest.message.received.failure", text=SECRET)
    assert written
    assert SECRET not in "".join(written)


def test_ordinary_records_are_masked_and_tracebacks_cut(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    redaction.remember(SECRET)
    try:
        raise KeyError(SECRET)
    except KeyError:
        logger.exception("could not handle '%s' now", SECRET)
    logger.warning('{"text": "my husband hits me when he drinks"}')
    assert SECRET not in written.getvalue()
    assert "KeyError at test_redaction.py" in written.getvalue()
    assert "Traceback" not in written.getvalue()


def test_text_is_masked_in_its_escaped_shapes(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    text = "she can't breathe \u00e9\n help"
    redaction.remember(text)
    logger.error("%r and %s and %s", text, ascii(text), text)
    assert "breathe" not in written.getvalue()


def test_a_record_that_cannot_be_written_does_not_raise(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    logger.error("%d", "not a number")
    assert "could not be written" in written.getvalue()


def test_every_message_is_remembered() -> None:
    from rasa.core.channels.channel import UserMessage

    original = UserMessage.__init__
    try:
        redaction.listen_to_messages()
        UserMessage("something nobody else should read", sender_id="a")
    finally:
        UserMessage.__init__ = original
    assert redaction.mask("got: something nobody else should read") == f"got: {redaction.MASK}"
