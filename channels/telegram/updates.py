"""What an update of Telegram's means to us.

Source of the rules: core.telegram.org/bots/api#update and what it links to.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from telegram import CallbackQuery, ChatMemberUpdated, Message, MessageEntity, Update
from telegram.constants import ChatMemberStatus, ChatType, MessageAttachmentType, UpdateType
from telegram.helpers import effective_message_type

from channels.telegram.buttons import ButtonData, unpack
from helpline.domain.messages import InboundMessage

CHANNEL = "telegram"
WANTED = (UpdateType.MESSAGE, UpdateType.EDITED_MESSAGE, UpdateType.CALLBACK_QUERY, UpdateType.MY_CHAT_MEMBER)
# Telegram keeps what it could not hand over for a day. From here on an answer says that it comes late.
LATE_AFTER = timedelta(minutes=10)
# The control words that what people do in Telegram itself stands for.
STOP, START = "STOP", "START"
UNKNOWN_KIND = "unknown"
LONGEST_NUMBER = 18
LONGEST_ID = 80


@dataclass(frozen=True)
class Edited:
    """A message that was changed after it was sent. written_at: when it was first sent."""

    message: InboundMessage
    written_at: datetime


@dataclass(frozen=True)
class Pressed:
    """A button that was pressed. data: None if it is none of ours. message_id: Telegram's of what it stands under."""

    query_id: str
    message: InboundMessage
    message_id: int
    data: ButtonData | None


@dataclass(frozen=True)
class FromGroup:
    """Something in a chat of several people, where we do not talk."""

    chat_id: int


Heard = InboundMessage | Edited | Pressed | FromGroup


class NotUnderstood(ValueError):
    """An update that is not as Telegram describes them. It will not read better the next time."""


def read_update(update: Update, now: datetime) -> Heard | None:
    """What an update means to us, or None if it is nothing that anybody said. Raises NotUnderstood."""
    if not isinstance(update.update_id, int) or not 0 <= update.update_id < 10**LONGEST_NUMBER:
        raise NotUnderstood("update_id")
    try:
        heard = _read(update, now)
    except Exception as error:
        # The library takes over what it gets without looking at its types.
        raise NotUnderstood(type(error).__name__) from error
    message = heard.message if isinstance(heard, Edited | Pressed) else heard
    if isinstance(message, InboundMessage):
        if not isinstance(message.text, str) or len(message.provider_id) > LONGEST_ID:
            raise NotUnderstood("text")
    elif isinstance(message, FromGroup) and not isinstance(message.chat_id, int):
        raise NotUnderstood("chat_id")
    return heard


def _read(update: Update, now: datetime) -> Heard | None:
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member, update.update_id)
    if update.callback_query is not None:
        return _press(update.callback_query, update.update_id)
    message = update.message or update.edited_message
    if message is None:
        return None
    if message.chat.type != ChatType.PRIVATE:
        return FromGroup(message.chat.id)
    if update.edited_message is not None:
        edited = to_inbound(message, f"edit:{update.update_id}", message.edit_date or message.date, now)
        return Edited(edited, message.date) if edited and edited.text else None
    # The pictures of one album are messages of their own. Those without words count as one, and are answered once.
    album = f"album:{message.media_group_id}" if message.media_group_id and not message.caption else None
    return to_inbound(message, album or str(update.update_id), message.date, now)


def to_inbound(message: Message, provider_id: str, written_at: datetime, now: datetime) -> InboundMessage | None:
    """A private message as ours; None for what Telegram itself says in a chat (a pinned message, a new picture)."""
    text, media = words_of(message), kinds_of(message)
    if message.from_user is not None and message.from_user.is_bot:
        return None
    if not text and not media:
        if effective_message_type(message) is not None:
            return None
        # Something that is newer than the library: the person is told that we read words only.
        media = (UNKNOWN_KIND,)
    return InboundMessage(CHANNEL, provider_id, str(message.chat.id), text, media, late=now - written_at > LATE_AFTER)


def words_of(message: Message) -> str:
    """The words of a message: its text or what stands under its picture, and a command without its slash.

    /start may carry a parameter of the link that was followed; it is no word of the person's.
    """
    text = message.text or message.caption or ""
    if not text and message.venue is not None:
        return ", ".join(part for part in (message.venue.title, message.venue.address) if part)
    for entity in message.entities:
        if entity.type == MessageEntity.BOT_COMMAND and entity.offset == 0:
            typed = message.parse_entity(entity)
            command = typed.removeprefix("/").partition("@")[0]
            return START if command.casefold() == "start" else command + text[len(typed) :]
    return text


def kinds_of(message: Message) -> tuple[str, ...]:
    """What came besides words, by Telegram's name for its kind."""
    if message.venue is not None:
        return (str(MessageAttachmentType.VENUE),)
    return tuple(str(kind) for kind in MessageAttachmentType if message[kind])[:1]


def _membership(change: ChatMemberUpdated, update_id: int) -> Heard | None:
    status = change.new_chat_member.status
    if change.chat.type != ChatType.PRIVATE:
        is_in = status in (ChatMemberStatus.MEMBER, ChatMemberStatus.ADMINISTRATOR)
        return FromGroup(change.chat.id) if is_in else None
    if status != ChatMemberStatus.BANNED:
        # Unblocked: nothing until they write. Telegram's own button for coming back sends /start.
        return None
    return InboundMessage(CHANNEL, f"block:{update_id}", str(change.chat.id), STOP)


def _press(query: CallbackQuery, update_id: int) -> Heard | None:
    if query.message is None or query.message.chat.type != ChatType.PRIVATE:
        return None
    data = unpack(query.data or "")
    text = _label(query) or (data.words if data else "")
    message = InboundMessage(CHANNEL, str(update_id), str(query.message.chat.id), text)
    return Pressed(query.id, message, query.message.message_id, data)


def _label(query: CallbackQuery) -> str | None:
    if not isinstance(query.message, Message) or query.message.reply_markup is None:
        return None
    buttons = (button for row in query.message.reply_markup.inline_keyboard for button in row)
    return next((button.text for button in buttons if button.callback_data == query.data), None)
