"""Chat messages go out by being there: the page's stream of events reads the thread."""

from datetime import datetime

from helpline.domain.messages import OutboundMessage, SendError, SendResult


class WebchatSender:
    """Nothing to call: a message in the outbox is on the page within a moment."""

    def send(self, message: OutboundMessage) -> SendResult:
        """Taken if it is in the thread. Raises SendError for one that could not be stored: no page could fetch it."""
        if message.entry_id is None:
            raise SendError(
                "not-in-the-thread", retryable=False, ours=True, staff_note="The database could not be written."
            )
        return SendResult(f"web-{message.entry_id}")

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """Always there."""
        return SendResult(f"web-{message.entry_id}")
