"""Telegram, by its Bot API."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from litestar.types import ControllerRouterHandler

from channels.base import ChannelContext
from channels.telegram.receive import telegram_receivers, telegram_running
from channels.telegram.send import TelegramSender
from helpline.domain.replies import Channel as Form
from helpline.keys import Keys
from helpline.settings import Settings


class Telegram:
    """Updates in by webhook or by polling, messages out by the Bot API."""

    name = "telegram"
    form: Form = "chat"

    def receivers(self, context: ChannelContext) -> Sequence[ControllerRouterHandler]:
        """The webhook that Telegram calls."""
        return telegram_receivers(context)

    def sender(self, settings: Settings, keys: Keys) -> TelegramSender:
        """Hands messages to Telegram."""
        return TelegramSender.from_settings(settings)

    def door(self, settings: Settings) -> str | None:
        """The bot's name, with its @."""
        if settings.telegram_comes_by == "off" or not settings.telegram_bot_name:
            return None
        return f"@{settings.telegram_bot_name.removeprefix('@')}"

    def running(self, context: ChannelContext) -> AbstractAsyncContextManager[None]:
        """What runs beside the web application: polling, or telling Telegram where our webhook is."""
        return telegram_running(context)
