"""Twilio's own list of the texts that people sent us, in which we find what our webhook missed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from twilio.rest import Client

from channels.sms_twilio.receive import Answerable, to_message
from channels.sms_twilio.send import CALL_FAILURES, our_number, to_send_error, twilio_client
from helpline.domain.messages import InboundMessage
from helpline.keys import Keys
from helpline.settings import Settings

PAGE_SIZE = 1000


class TwilioInbox:
    """Reads Twilio's list of messages. number: ours; None with a Messaging Service, whose id is then service_sid."""

    def __init__(self, client: Client, answerable: Answerable, number: str | None, service_sid: str | None) -> None:
        self._client = client
        self._answerable = answerable
        self._number = number
        self._service_sid = service_sid

    @classmethod
    def from_settings(cls, settings: Settings, keys: Keys) -> "TwilioInbox":
        """The list of the account that the settings name."""
        service = settings.twilio_messaging_service_sid
        number = settings.twilio_number if service else our_number(settings)
        return cls(twilio_client(settings, keys), Answerable.from_settings(settings), number, service)

    def received(self, since: datetime, until: datetime) -> Sequence[InboundMessage]:
        """What Twilio received for us between two moments, oldest first. Raises SendError if it cannot be asked."""
        try:
            # Twilio asks for the day or the moment; it gives a message the moment at which it received it.
            listed = self._client.messages.list(date_sent_after=since, page_size=PAGE_SIZE)
        except CALL_FAILURES as error:
            raise to_send_error(error) from error
        ours = [one for one in listed if self._is_ours(one) and _is_between(one, since, until)]
        # The newest is listed first, also among those of one second.
        oldest_first = sorted(reversed(ours), key=lambda one: one.date_sent or one.date_created)
        messages = [self._read(one) for one in oldest_first]
        return [message for message in messages if message is not None]

    def _is_ours(self, listed: Any) -> bool:
        """An account may have other numbers, which are none of our business."""
        if listed.direction != "inbound":
            return False
        by_service = self._service_sid is not None and listed.messaging_service_sid == self._service_sid
        return by_service or (self._number is not None and str(listed.to).endswith(self._number))

    def _read(self, listed: Any) -> InboundMessage | None:
        count = str(listed.num_media or "0")
        return to_message(
            self._answerable,
            provider_id=str(listed.sid),
            sender=str(listed.from_ or ""),
            text=listed.body or "",
            # The list says how many there were and not of what kind.
            media=("unknown",) * (min(int(count), 10) if count.isdecimal() else 0),
        )


def _is_between(listed: Any, since: datetime, until: datetime) -> bool:
    moment = listed.date_sent or listed.date_created
    return moment is not None and since <= moment <= until
