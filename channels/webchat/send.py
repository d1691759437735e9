"""Chat messages go out by being there: the page's stream of events reads the thread."""

from datetime import datetime

from helpline.domain.messages import OutboundMessage, SendResult


class WebchatSender:
    """Nothing to call: a message in the outbox is on the page within a moment."""

    def send(self, message: OutboundMessage) -> SendResult:
        """Always taken."""
        return SendResult(f"web-{message.entry_id}")

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """Always there."""
        return SendResult(f"web-{message.entry_id}")
