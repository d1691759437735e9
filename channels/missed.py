"""Taking in what reached a provider and not us: its own list of what people sent is compared with ours.

A provider tries our webhook for a few seconds only. What came while we were away stands in its list, and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import structlog

from channels.gateway import Gateway, Outcome
from helpline.domain.messages import SendError
from helpline.ports import Inbox
from helpline.services.missed import list_read_until, note_list_read, unknown_to_us

# A message as young as this may still come by itself.
STILL_COMING = timedelta(minutes=1)
# How far back is looked again, because a provider's list may be behind.
OVERLAP = timedelta(minutes=15)
# How far back the first look of all goes: before that nobody expected us to answer.
FIRST_LOOK = timedelta(minutes=15)

log = structlog.get_logger("missed")


def find_missed(gateway: Gateway, inboxes: Mapping[str, Inbox]) -> int:
    """Take in every message that we missed, each once, as it would have come; how many that was.

    A provider that cannot be asked is asked again next time, from where the last answer ended.

    Raises:
        StorageUnavailable: what was taken in is taken in; the rest is found next time.
    """
    return sum(_find_missed_of(gateway, channel, inbox) for channel, inbox in inboxes.items())


def _find_missed_of(gateway: Gateway, channel: str, inbox: Inbox) -> int:
    core = gateway.core
    until = core.clock.now() - STILL_COMING
    read_until = list_read_until(core, channel)
    since = read_until - OVERLAP if read_until is not None else until - FIRST_LOOK
    try:
        messages = inbox.received(since, until)
    except SendError as error:
        log.warning("provider's list cannot be read", channel=channel, code=error.code)
        return 0
    missed = unknown_to_us(core, channel, messages)
    for message in missed:
        if gateway.handle_inbound(replace(message, late=True)).outcome is Outcome.REFUSED:
            return 0
    note_list_read(core, channel, until, found=len(missed))
    if missed:
        log.error("messages found that had not reached us", channel=channel, count=len(missed))
    return len(missed)
