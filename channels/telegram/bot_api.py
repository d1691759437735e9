"""The library's client of Telegram's Bot API, set up as we use it."""

import os

import httpx
from telegram import LinkPreviewOptions
from telegram.ext import AIORateLimiter, Defaults, ExtBot
from telegram.request import HTTPXRequest

from helpline.settings import Settings

# The library's own switch to its coming way of giving lengths of time; without it every 429 warns.
os.environ["PTB_TIMEDELTA"] = "true"

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 6.0
# Not a token of anybody's: the library wants one, and nothing is called while Telegram is off.
_NO_TOKEN = "0:off"

Bot = ExtBot[int]


def make_bot(settings: Settings) -> Bot:
    """A client for one event loop. Nothing is called yet, so it can be made while Telegram is away.

    The rate limiter keeps us below Telegram's limits over all chats. It does not wait for us when Telegram asks for
    patience: that wait is one chat's, and the others must not stand behind it.
    """
    token = settings.telegram_bot_token
    return ExtBot(
        token.get_secret_value() if token else _NO_TOKEN,
        base_url=f"{settings.telegram_api_url.rstrip('/')}/bot",
        request=_request(),
        get_updates_request=_request(),
        defaults=Defaults(link_preview_options=LinkPreviewOptions(is_disabled=True)),
        rate_limiter=AIORateLimiter(max_retries=0),
    )


def _request() -> HTTPXRequest:
    # No connection is kept: one that Telegram has closed meanwhile breaks in the middle of a call, and then nobody can
    # tell whether the message was taken. A new one costs a handshake.
    limits = httpx.Limits(max_keepalive_connections=0)
    return HTTPXRequest(
        connect_timeout=CONNECT_SECONDS,
        pool_timeout=CONNECT_SECONDS,
        write_timeout=ANSWER_SECONDS,
        read_timeout=ANSWER_SECONDS,
        httpx_kwargs={"limits": limits},
    )
