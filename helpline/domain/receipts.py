"""How far a message has got at its provider: what a delivery receipt says, and which of two says more.

Receipts come late, twice and in any order, so each is only ever taken further. The order is total: whichever way they
arrive, the same one stands at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from helpline.domain.messages import SendError


class Progress(StrEnum):
    """How far a message has got. DELIVERED outranks a failure: a phone that says it has it knows best."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"


_RANK: Mapping[Progress, int] = {progress: rank for rank, progress in enumerate(Progress)}
FAILURES = frozenset({Progress.FAILED, Progress.UNDELIVERED})


@dataclass(frozen=True)
class DeliveryReport:
    """One delivery receipt.

    entry_id: our own id of the message, if the provider gave it back. failure: what is wrong, where progress is a
    failure.
    """

    channel: str
    provider_message_id: str
    progress: Progress
    entry_id: int | None = None
    failure: SendError | None = None


def is_further(new: Progress, old: Progress) -> bool:
    """Whether one progress says more than another."""
    return _RANK[new] > _RANK[old]
