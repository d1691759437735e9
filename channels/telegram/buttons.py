"""The options of a reply as buttons under it, and what a button says when it is pressed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import InlineKeyboardButtonLimit

UNSTORED = 0
LARGEST_ENTRY_ID = 2**31 - 1
_PACKED = re.compile(r"([0-9]{1,10}):([0-9]{1,3}):(.*)", re.DOTALL)


@dataclass(frozen=True)
class ButtonData:
    """What a button carries. entry_id: our message that it stands under; number: which of its options it is.

    words: as much of the option as fits, for a message that is too old for Telegram to show us its buttons.
    """

    entry_id: int
    number: int
    words: str


def keyboard(entry_id: int | None, options: Sequence[str]) -> InlineKeyboardMarkup | None:
    """The buttons under a message, one a line, or None for a message without options."""
    if not options:
        return None
    return InlineKeyboardMarkup.from_column(
        [
            InlineKeyboardButton(option, callback_data=pack(ButtonData(entry_id or UNSTORED, number, option)))
            for number, option in enumerate(options)
        ]
    )


def pack(data: ButtonData) -> str:
    """As a string of at most 64 bytes, which is all that Telegram carries."""
    whole = f"{data.entry_id}:{data.number}:{data.words}".encode()
    return whole[: InlineKeyboardButtonLimit.MAX_CALLBACK_DATA].decode(errors="ignore")


def unpack(packed: str) -> ButtonData | None:
    """What a pressed button carries; None if it is none of ours."""
    found = _PACKED.fullmatch(packed)
    if found is None or int(found[1]) > LARGEST_ENTRY_ID:
        return None
    return ButtonData(int(found[1]), int(found[2]), found[3])
