"""Messages go out: Telegram's Bot API.

What a refusal means: core.telegram.org/bots/api#making-requests and #responseparameters.
"""

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

import anyio
import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from telegram.constants import ChatAction, MessageLimit
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from channels.telegram.bot_api import Bot, make_bot
from channels.telegram.buttons import UNSTORED, keyboard
from helpline.domain.messages import Again, OutboundMessage, SendError, SendResult
from helpline.settings import Settings

TIMEOUT_SECONDS = 10.0
MOST_REMEMBERED = 5_000
# Where a long message may be cut, best first: paragraph, line, sentence, word.
CUTS = ("\n\n", "\n", ". ", " ")

# In these the request never reached Telegram.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class TelegramSender:
    """Hands messages to Telegram, from any thread. bot: None while Telegram is off. now: seconds that only grow."""

    def __init__(self, bot: Bot | None, now: Callable[[], float] = time.monotonic) -> None:
        self._bot = bot
        self._now = now
        self._thread = _LoopThread()
        # Touched in the thread of the loop alone: by entry id, Telegram's ids of the parts that it took, and by chat,
        # until when it wants to be left alone.
        self._taken: OrderedDict[int, list[int]] = OrderedDict()
        self._not_before: dict[str, float] = {}

    @classmethod
    def from_settings(cls, settings: Settings) -> "TelegramSender":
        """The sender that the settings describe."""
        return cls(None if settings.telegram_comes_by == "off" else make_bot(settings))

    def send(self, message: OutboundMessage) -> SendResult:
        """Hand over one message, in parts if it is too long for one. Raises SendError."""
        return self._call(lambda bot: self._send(bot, message))

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """Say whether a message was handed over by this process.

        Telegram has no way to look a message up. What this process does not know may have been taken before a crash. A
        prompt is then not sent again. An answer is, once Telegram can be reached: twice is better than silence.

        Raises SendError if it must not be sent again, or if Telegram cannot be reached.
        """
        parts = self._taken.get(message.entry_id or 0) or []
        if len(parts) == len(split(message.text)):
            return _result(message, parts)
        if message.is_prompt:
            raise SendError(
                "telegram-cannot-tell",
                retryable=False,
                ours=False,
                staff_note="Telegram may have this message already, and there is no way to tell. It is not sent twice.",
            )
        try:
            self._call(lambda bot: bot.send_chat_action(message.address, ChatAction.TYPING))
        except SendError as error:
            error.uncertain = True
            raise
        return None

    def _call[T](self, do: Callable[[Bot], Awaitable[T]]) -> T:
        if self._bot is None:
            raise SendError(
                "telegram-off",
                retryable=True,
                ours=True,
                staff_note="Telegram is off: set HELPLINE_TELEGRAM_BOT_TOKEN and HELPLINE_TELEGRAM_MODE.",
                again=Again.UNTIL_MENDED,
            )
        bot = self._bot

        async def within_time() -> T:
            with anyio.fail_after(TIMEOUT_SECONDS):
                return await do(bot)

        try:
            return self._thread.portal().call(within_time)
        except (TelegramError, TimeoutError) as error:
            raise to_send_error(error) from error

    async def _send(self, bot: Bot, message: OutboundMessage) -> SendResult:
        self._check_patience(message.address)
        parts = split(message.text)
        # A second try goes on where the first was stopped.
        taken = self._remembered(message.entry_id)
        for number, part in enumerate(parts[len(taken) :], start=len(taken) + 1):
            buttons = keyboard(message.entry_id, message.options) if number == len(parts) else None
            try:
                sent = await bot.send_message(message.address, part, reply_markup=buttons)
            except RetryAfter as error:
                self._not_before[message.address] = self._now() + _seconds_of(error)
                raise
            taken.append(sent.message_id)
        return _result(message, taken)

    def _check_patience(self, address: str) -> None:
        self._not_before = {chat: until for chat, until in self._not_before.items() if until > self._now()}
        until = self._not_before.get(address)
        if until is not None:
            raise _asked_to_wait(until - self._now())

    def _remembered(self, entry_id: int | None) -> list[int]:
        if entry_id is None:
            return []
        while len(self._taken) >= MOST_REMEMBERED:
            self._taken.popitem(last=False)
        return self._taken.setdefault(entry_id, [])


class _LoopThread:
    """The library's client lives in an event loop; ours is in a thread of its own, started by the first message."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = ExitStack()
        self._portal: BlockingPortal | None = None
        # Also at the end of the process, so that the loop is closed and not cut off.
        weakref.finalize(self, self._running.close)

    def portal(self) -> BlockingPortal:
        """The way into the loop."""
        with self._lock:
            if self._portal is None:
                self._portal = self._running.enter_context(start_blocking_portal(name="telegram"))
            return self._portal


def _result(message: OutboundMessage, taken: Sequence[int]) -> SendResult:
    # Telegram numbers the messages of each chat by themselves; with our own number the id is unique in the channel.
    return SendResult(f"{message.entry_id or UNSTORED}:{taken[-1]}")


def split(text: str, most: int = MessageLimit.MAX_TEXT_LENGTH) -> list[str]:
    """A text in parts that Telegram takes, cut at the end of a paragraph where that is possible.

    Counted in UTF-16, as Telegram counts: an emoji is two.
    """
    parts = []
    while _length(text) > most:
        head = text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", errors="ignore")
        ends = (head.rfind(cut) + len(cut) for cut in CUTS if head.rfind(cut) > 0)
        end = next(ends, len(head))
        parts.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*parts, text] if text or not parts else parts


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def to_send_error(error: TelegramError | TimeoutError) -> SendError:
    """Name a failure: whether to try again, whose fault it is, and what staff should read."""
    match error:
        case RetryAfter():
            return _asked_to_wait(_seconds_of(error))
        case Forbidden():
            return SendError(
                "telegram-403",
                retryable=False,
                ours=False,
                staff_note="The person has blocked us on Telegram, or has closed their account.",
                opted_out=True,
            )
        case InvalidToken():
            return SendError(
                "telegram-401",
                retryable=True,
                ours=True,
                staff_note="Telegram does not accept our token: HELPLINE_TELEGRAM_BOT_TOKEN.",
                again=Again.UNTIL_MENDED,
                pages=True,
            )
        case ChatMigrated():
            return _no_such_chat()
        case BadRequest():
            if "chat not found" in error.message.casefold():
                return _no_such_chat()
            return SendError(
                "telegram-400",
                retryable=False,
                ours=True,
                staff_note="Telegram refused the message as it was written. This is a mistake of the program.",
            )
        case TelegramError() if isinstance(error.__cause__, _NEVER_SENT):
            return SendError(
                "telegram-unreachable", retryable=True, ours=False, staff_note="Telegram could not be reached."
            )
        case NetworkError() if error.__cause__ is None:
            return _uncertain("telegram-fault", "Telegram has a fault; it may or may not have taken the message.")
        case NetworkError() | TimeoutError():
            return _uncertain(
                "telegram-timeout", "Telegram did not answer in time; it may or may not have taken the message."
            )
        case _:
            return _uncertain("telegram-answer", "Telegram's answer made no sense.")


def _seconds_of(error: RetryAfter) -> float:
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def _asked_to_wait(seconds: float) -> SendError:
    return SendError(
        "telegram-429",
        retryable=True,
        ours=False,
        staff_note="Telegram asks us to wait before we write to this person again.",
        retry_after_seconds=seconds,
    )


def _no_such_chat() -> SendError:
    return SendError(
        "telegram-no-chat",
        retryable=False,
        ours=False,
        staff_note="There is no such chat: the account is closed, or it never wrote to us.",
        bad_number=True,
    )


def _uncertain(code: str, staff_note: str) -> SendError:
    # A few times only: each may have reached the person, and Telegram cannot be asked.
    return SendError(code, retryable=True, ours=False, staff_note=staff_note, uncertain=True, again=Again.A_FEW_TIMES)
