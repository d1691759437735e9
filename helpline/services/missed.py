"""What is known of a provider's own list of messages: up to when it was read, and which of them we have."""

from collections.abc import Sequence
from datetime import datetime

from helpline.domain.messages import InboundMessage
from helpline.services.alarms import FOUND_LATE, MISSING, hour_of, note_alarm
from helpline.services.core import Core
from helpline.storage import deliveries, repositories

# Databases take only so many values in one question.
_AT_ONCE = 500


def list_read_until(core: Core, channel: str) -> datetime | None:
    """Up to when a provider's list was read; None if it never was.

    Raises:
        StorageUnavailable: try again later.
    """
    with core.database.read() as session:
        return deliveries.read_until(session, channel)


def unknown_to_us(core: Core, channel: str, messages: Sequence[InboundMessage]) -> list[InboundMessage]:
    """Those messages that we have not stored, in the same order.

    Raises:
        StorageUnavailable: try again later.
    """
    known: set[str] = set()
    with core.database.read() as session:
        for start in range(0, len(messages), _AT_ONCE):
            ids = [message.provider_id for message in messages[start : start + _AT_ONCE]]
            known |= repositories.known_provider_ids(session, channel, ids)
    return [message for message in messages if message.provider_id not in known]


def note_list_read(core: Core, channel: str, until: datetime, *, found: int) -> None:
    """A provider's list was read up to a moment. Staff are told, once an hour, if it had messages that we had not.

    Raises:
        StorageUnavailable: it will be read again from the last moment.
    """
    with core.database.write() as session:
        state = deliveries.lock_channel_state(session, channel)
        state.read_until = max(until, state.read_until or until)
        if found:
            note_alarm(session, core, FOUND_LATE, f"{channel} {hour_of(until)}", channel=channel, count=found)


def note_missing(core: Core, channel: str, first: int, count: int) -> None:
    """Have staff told, once an hour, that a provider numbered messages that we never got.

    Raises:
        StorageUnavailable: nobody is told.
    """
    with core.database.write() as session:
        period = f"{channel} {hour_of(core.clock.now())}"
        note_alarm(session, core, MISSING, period, channel=channel, update_id=first, count=count)
