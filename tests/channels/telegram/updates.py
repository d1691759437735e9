"""Telegram's updates as the tests make them and hand them in."""

import asyncio
import copy
import json
from collections.abc import Coroutine
from typing import Any

from telegram import Update

from channels.gateway import Outcome
from channels.telegram.buttons import ButtonData, keyboard, pack
from channels.telegram.receive import Intake
from helpline.domain.messages import Reply
from helpline.services.core import Core
from helpline.services.turns import settle_turn
from helpline.settings import REPOSITORY

FIXTURES = REPOSITORY / "channels" / "telegram" / "fixtures"
CHAT = "5550001"


def payload(name: str, **changes: Any) -> dict[str, Any]:
    """A payload of Telegram's, written from its documentation."""
    read: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return read | changes


def text(words: str, update_id: int = 810000001, **more: Any) -> dict[str, Any]:
    made = payload("text", update_id=update_id)
    made["message"] |= {"text": words, **more}
    return made


def edit(words: str, update_id: int = 810000015) -> dict[str, Any]:
    made = payload("edited", update_id=update_id)
    made["edited_message"]["text"] = words
    return made


def press(entry_id: int, number: int, words: str, update_id: int = 810000017) -> dict[str, Any]:
    made = payload("button", update_id=update_id)
    query = made["callback_query"]
    query["data"] = pack(ButtonData(entry_id, number, words))
    query["message"]["reply_markup"] = keyboard(entry_id, ["Yes", "No"]).to_dict()  # type: ignore[union-attr]
    return made


def read(update: dict[str, Any]) -> Update:
    return Update.de_json(copy.deepcopy(update), None)


class Loop:
    """The one event loop that the library's client lives in, here as in service. Closed, it begins anew."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def run[Result](self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    def close(self) -> None:
        self._runner.close()
        self._runner = asyncio.Runner()


LOOP = Loop()


def take(intake: Intake, *updates: dict[str, Any]) -> list[Outcome]:
    """Hand updates in, one after the other, and let what follows at Telegram be done."""

    async def take_all() -> list[Outcome]:
        outcomes = [await intake.take(read(update)) for update in updates]
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others)
        return outcomes

    return LOOP.run(take_all())


def reply_to(core: Core, message_id: int, *options: str) -> int:
    made = settle_turn(core, message_id, [Reply("Did that answer your question?", options)])
    assert made is not None
    return made
