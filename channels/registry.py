"""The channels that are switched on. A new one is a folder and a line here."""

from channels.base import Channel
from channels.sms_twilio import SmsTwilio
from channels.telegram import Telegram
from channels.webchat import Webchat

CHANNELS: tuple[Channel, ...] = (SmsTwilio(), Telegram(), Webchat())
