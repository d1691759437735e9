"""Text messages by Twilio."""

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

from channels.base import ChannelContext
from channels.sms_twilio.inbox import TwilioInbox
from channels.sms_twilio.receive import twilio_receivers
from channels.sms_twilio.send import TwilioSender, our_number
from helpline.domain.replies import Channel as Form
from helpline.keys import Keys
from helpline.settings import Settings


class SmsTwilio:
    """Texts in by signed webhook, out by the Messages API."""

    name = "sms"
    form: Form = "sms"

    def receivers(self, context: ChannelContext) -> Sequence[ControllerRouterHandler]:
        """The webhooks that Twilio calls."""
        return twilio_receivers(context)

    def sender(self, settings: Settings, keys: Keys) -> TwilioSender:
        """Hands texts to Twilio, or to the phone simulator on the embedded default."""
        return TwilioSender.from_settings(settings, keys)

    def door(self, settings: Settings) -> str | None:
        """The number to text."""
        return our_number(settings) if settings.twilio_number or settings.uses_simulator else None

    def inbox(self, settings: Settings, keys: Keys) -> TwilioInbox:
        """Twilio's list of what people sent."""
        return TwilioInbox.from_settings(settings, keys)
