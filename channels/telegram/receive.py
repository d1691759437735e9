"""Telegram's updates come in: by webhook with a secret, or fetched by us on a machine without a public address.

Source of the rules: core.telegram.org/bots/api#setwebhook and #getupdates.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import anyio
import structlog
from litestar import MediaType, Request, Response, post
from litestar.types import ControllerRouterHandler
from telegram import BotCommand, Update
from telegram.constants import CallbackQueryLimit, ChatAction
from telegram.error import NetworkError, TelegramError
from telegram.ext import Updater

from channels.base import ChannelContext
from channels.gateway import Outcome
from channels.reading import Unreadable, read_json
from channels.telegram.bot_api import Bot, make_bot
from channels.telegram.buttons import UNSTORED
from channels.telegram.gaps import UpdateGaps
from channels.telegram.updates import (
    CHANNEL,
    WANTED,
    Edited,
    FromGroup,
    Heard,
    NotUnderstood,
    Pressed,
    read_update,
)
from helpline.domain.messages import InboundMessage
from helpline.services.provider_messages import is_waiting, recent_words
from helpline.services.threads import thread_after
from helpline.settings import Settings
from helpline.storage.engine import StorageUnavailable

PATH = "/channels/telegram"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
# One at a time, so that one person's messages come in the order in which they were written.
WEBHOOK_CONNECTIONS = 1
COMMANDS = ("menu", "help", "start", "stop")

TRIES_FOR_ONE_UPDATE = 3
EDIT_COMPARED_WITH = 20
EDIT_COMPARED_WITHIN = timedelta(days=2)
# An answer is there in less, mostly; "is typing" after it would promise another.
TYPING_AFTER_SECONDS = 1.0
# Telegram shows "is typing" for five seconds.
TYPING_EVERY_SECONDS = 4.0
MOST_TYPING = 8
LONGEST_TOAST = int(CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
STOP_WITHIN_SECONDS = 3.0

log = structlog.get_logger("telegram")

Pause = Callable[[float], Awaitable[None]]
Afterwards = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Taken:
    """What became of an update, and what is to be done about it at Telegram once that has heard that we have it."""

    outcome: Outcome
    afterwards: Afterwards | None = None


class Intake:
    """Takes Telegram's updates in, however they reached us."""

    def __init__(self, context: ChannelContext, bot: Bot, pause: Pause = anyio.sleep) -> None:
        self._gateway = context.gateway
        self._core = context.gateway.core
        self._bot = bot
        self._pause = pause
        self._gaps = UpdateGaps(self._core)
        self._failures: Counter[int] = Counter()
        self._told_groups: set[int] = set()
        self._doing: set[asyncio.Task[None]] = set()

    async def take(self, update: Update) -> Outcome:
        """Store what was said, then start the rest. STORED and SPOOLED: Telegram may forget it."""
        taken = await anyio.to_thread.run_sync(self._take_or_give_up, update)
        if taken.afterwards is not None:
            doing = asyncio.create_task(self._afterwards(taken.afterwards))
            self._doing.add(doing)
            doing.add_done_callback(self._doing.discard)
        return taken.outcome

    def _take_or_give_up(self, update: Update) -> Taken:
        try:
            heard = read_update(update, self._core.clock.now())
        except NotUnderstood as error:
            # Refused, it would hold up all the others.
            log.error("update not understood", error=str(error))
            return Taken(Outcome.STORED)
        try:
            taken = self._take(update, heard)
        except Exception as error:
            # One update that breaks us must not keep everybody else's waiting behind it for ever.
            self._failures[update.update_id] += 1
            gives_up = self._failures[update.update_id] >= TRIES_FOR_ONE_UPDATE
            log.error("update failed", update_id=update.update_id, error=type(error).__name__, final=gives_up)
            return Taken(Outcome.STORED if gives_up else Outcome.REFUSED)
        if taken.outcome is not Outcome.REFUSED:
            self._note_number(update.update_id)
        return taken

    def _note_number(self, update_id: int) -> None:
        try:
            self._gaps.note(update_id)
        except StorageUnavailable as error:
            log.warning("gaps not looked for", reason=str(error))

    def _take(self, update: Update, heard: Heard | None) -> Taken:
        match heard:
            case InboundMessage():
                return self._hand_in(heard)
            case Edited():
                return self._hand_in(heard.message) if self._says_something_new(heard) else Taken(Outcome.STORED)
            case Pressed():
                return self._take_press(heard)
            case FromGroup(chat_id):
                return Taken(Outcome.STORED, lambda: self._refuse_group(chat_id))
            case None:
                query = update.callback_query
                return Taken(Outcome.STORED, None if query is None else lambda: self._answer_press(query.id))

    def _hand_in(self, message: InboundMessage) -> Taken:
        outcome = self._gateway.handle_inbound(message).outcome
        if outcome is not Outcome.STORED:
            return Taken(outcome)
        return Taken(outcome, lambda: self._show_typing(message))

    def _says_something_new(self, edited: Edited) -> bool:
        """Whether an edit says other words than the person has said already.

        A bare answer that is changed after we went on is no answer to what we asked since: an old "no" must not
        become one to a question about danger.
        """
        message = edited.message
        try:
            said = recent_words(self._core, CHANNEL, message.address, EDIT_COMPARED_WITHIN, EDIT_COMPARED_WITH)
            if _words(message.text) in map(_words, said):
                return False
            return not (self._is_bare_answer(message.text) and self._went_on_since(edited))
        except StorageUnavailable:
            # It goes to the spool; words said twice are better than words lost.
            return True

    def _is_bare_answer(self, text: str) -> bool:
        answer = self._core.read_yes_no(text)
        return text.strip().isdecimal() or (answer is not None and not answer.says_more)

    def _went_on_since(self, edited: Edited) -> bool:
        thread = thread_after(self._core, CHANNEL, edited.message.address, most=10_000)
        return any(not entry.from_person and entry.at > edited.written_at for entry in thread)

    def _take_press(self, pressed: Pressed) -> Taken:
        message, data = pressed.message, pressed.data
        if data is None or not message.text:
            return Taken(Outcome.STORED, lambda: self._answer_press(pressed.query_id))
        try:
            since = thread_after(self._core, CHANNEL, message.address, data.entry_id - 1)
        except StorageUnavailable:
            since = []
        if since and since[0].id == data.entry_id and not since[0].from_person:
            if any(not entry.from_person for entry in since[1:]):
                # We have said more since. A "no" to an old question must not become one to a question about danger.
                return Taken(Outcome.STORED, lambda: self._refuse_press(pressed))
            # Pressed twice is said once.
            message = replace(message, provider_id=f"button:{data.entry_id}:{data.number}")
        elif data.entry_id != UNSTORED and since:
            return Taken(Outcome.STORED, lambda: self._refuse_press(pressed))
        taken = self._hand_in(message)
        if taken.outcome is Outcome.REFUSED:
            return taken

        async def afterwards() -> None:
            await self._answer_press(pressed.query_id, message.text[:LONGEST_TOAST])
            await self._take_buttons_away(pressed)
            if taken.afterwards is not None:
                await taken.afterwards()

        return Taken(taken.outcome, afterwards)

    async def _afterwards(self, do: Afterwards) -> None:
        try:
            await do()
        except TelegramError as error:
            log.warning("telegram did not do it", error=type(error).__name__)
        except Exception as error:
            log.error("not done after an update", error=type(error).__name__)

    async def _answer_press(self, query_id: str, text: str | None = None) -> None:
        # The buttons go, so what was chosen is shown once.
        await self._bot.answer_callback_query(query_id, text=text)

    async def _refuse_press(self, pressed: Pressed) -> None:
        text = self._core.say("button-too-old", "chat")
        await self._bot.answer_callback_query(pressed.query_id, text=text, show_alert=True)
        await self._take_buttons_away(pressed)

    async def _take_buttons_away(self, pressed: Pressed) -> None:
        await self._bot.edit_message_reply_markup(pressed.message.address, pressed.message_id, reply_markup=None)

    async def _refuse_group(self, chat_id: int) -> None:
        """Say once why, and leave: what people write in a group is not for us to read."""
        if chat_id not in self._told_groups:
            self._told_groups.add(chat_id)
            try:
                await self._bot.send_message(chat_id, self._core.say("group-refused", "chat"))
            except TelegramError as error:
                log.warning("telegram did not do it", error=type(error).__name__)
        await self._bot.leave_chat(chat_id)

    async def _show_typing(self, message: InboundMessage) -> None:
        await self._pause(TYPING_AFTER_SECONDS)
        for _ in range(MOST_TYPING):
            if not await anyio.to_thread.run_sync(is_waiting, self._core, CHANNEL, message.provider_id):
                return
            await self._bot.send_chat_action(message.address, ChatAction.TYPING)
            await self._pause(TYPING_EVERY_SECONDS)


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text.casefold()).split()


def is_from_telegram(secret: str, header: str) -> bool:
    """Whether a request carries our secret. Fails closed: without a secret nothing does."""
    return bool(secret) and secrets.compare_digest(secret.encode(), header.encode())


def telegram_receivers(context: ChannelContext) -> Sequence[ControllerRouterHandler]:
    """The webhook handler. While Telegram is off, or its updates are fetched, it refuses everything."""
    secret = webhook_secret(context.settings)
    bot = make_bot(context.settings)
    intake = Intake(context, bot)

    @post(PATH, status_code=200, media_type=MediaType.TEXT, name="telegram-inbound", exclude_from_csrf=True)
    async def telegram_inbound(request: Request[Any, Any, Any]) -> Response[str]:
        if not is_from_telegram(secret, request.headers.get(SECRET_HEADER, "")):
            log.warning("webhook refused", reason="secret")
            return Response("not from Telegram", status_code=403)
        try:
            fields = read_json(await request.body())
        except Unreadable:
            log.warning("webhook refused", reason="not JSON")
            return Response("not JSON", status_code=400)
        try:
            update = Update.de_json(fields, bot)
        except Exception as error:
            # It comes from Telegram and will not read better the next time; refused, it would hold up all the others.
            log.error("update not understood", error=type(error).__name__)
            return Response("not understood")
        if await intake.take(update) is Outcome.REFUSED:
            return Response("try again", status_code=503)
        return Response("")

    return [telegram_inbound]


def webhook_secret(settings: Settings) -> str:
    """What Telegram must send; empty while it has no business here."""
    if settings.telegram_comes_by != "webhook" or settings.telegram_webhook_secret is None:
        return ""
    return settings.telegram_webhook_secret.get_secret_value()


class StoringQueue(asyncio.Queue[object]):
    """Stores each update instead of keeping it.

    The library tells Telegram to forget an update once it is in this queue, so being in it must mean being stored.
    """

    def __init__(self, intake: Intake) -> None:
        super().__init__()
        self._intake = intake

    async def put(self, item: object) -> None:
        """Store an update. Raises telegram.error.NetworkError, at which the library waits and fetches it again."""
        if isinstance(item, Update) and await self._intake.take(item) is Outcome.REFUSED:
            raise NetworkError("not stored")


@asynccontextmanager
async def telegram_running(context: ChannelContext) -> AsyncIterator[None]:
    """While this is entered, Telegram's updates reach us: fetched, or sent to the webhook that it is told of."""
    work = {"webhook": announce_webhook, "polling": poll}.get(context.settings.telegram_comes_by)
    if work is None:
        yield
        return

    async def run() -> None:
        try:
            await work(context)
        except Exception as error:
            # The other channels go on without this one.
            log.error("telegram stopped", error=type(error).__name__)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        yield
        tasks.cancel_scope.cancel()


async def announce_webhook(context: ChannelContext) -> None:
    """Tell Telegram where our webhook is, as often as it takes. What waits there is kept."""
    bot = make_bot(context.settings)
    await until_done(
        lambda: bot.set_webhook(
            context.settings.external_url + PATH,
            secret_token=webhook_secret(context.settings),
            allowed_updates=WANTED,
            max_connections=WEBHOOK_CONNECTIONS,
            drop_pending_updates=False,
        )
    )
    await until_done(lambda: announce_commands(context, bot))


async def poll(context: ChannelContext) -> None:
    """Fetch updates until cancelled. Only one process may: Telegram refuses a second one."""
    bot = make_bot(context.settings)
    updater = Updater(bot, StoringQueue(Intake(context, bot)))
    try:
        await until_done(updater.initialize)
        await updater.start_polling(
            allowed_updates=WANTED,
            bootstrap_retries=-1,
            drop_pending_updates=False,
            error_callback=lambda error: log.error("updates not fetched", error=type(error).__name__),
        )
        await until_done(lambda: announce_commands(context, bot))
        await anyio.sleep_forever()
    finally:
        with anyio.move_on_after(STOP_WITHIN_SECONDS, shield=True):
            if updater.running:
                await updater.stop()
            await updater.shutdown()


async def announce_commands(context: ChannelContext, bot: Bot) -> None:
    """The commands that Telegram offers beside the field to type in."""
    core = context.gateway.core
    await bot.set_my_commands([BotCommand(command, core.say(f"command-{command}", "chat")) for command in COMMANDS])


async def until_done(call: Callable[[], Awaitable[object]], pause: Pause = anyio.sleep) -> None:
    """Call Telegram until it does it, however long it is away: the rest of the helpline must start without it."""
    wait = FIRST_PAUSE_SECONDS
    while True:
        try:
            await call()
            return
        except TelegramError as error:
            log.error("telegram did not do it", error=type(error).__name__)
        await pause(wait)
        wait = min(2 * wait, LONGEST_PAUSE_SECONDS)
