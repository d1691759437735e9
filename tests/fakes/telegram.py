"""A pretend Telegram: enough of its Bot API for our bot, with a ledger of what it was asked and refusals on order."""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import anyio
from litestar import Request, Response, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

BOT = {"id": 7770001, "is_bot": True, "first_name": "Essex Care Line", "username": "EssexCareLineBot"}
TOKEN = "7770001:a-token-of-the-tests"
NOON_AT_TELEGRAM = 1_795_435_200
LOOKS_AGAIN_SECONDS = 0.02


@dataclass(frozen=True)
class Asked:
    """One call of a method, with its fields as the Bot API reads them."""

    token: str
    method: str
    fields: dict[str, Any]


@dataclass
class PretendTelegram:
    """The other side. refusals: what the next calls of a method get instead of an answer; updates: what waits here."""

    asked: list[Asked] = field(default_factory=list)
    refusals: dict[str, deque[tuple[int, dict[str, Any] | None] | None]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    token: str = TOKEN
    _ids: Any = field(default_factory=lambda: count(100))

    def forget(self) -> None:
        """As if nothing had been asked."""
        self.asked, self.refusals, self.updates, self._ids = [], {}, [], count(100)

    def refuse(self, method: str, status: int, description: str = "", **parameters: Any) -> None:
        """The next call of a method is refused as Telegram refuses. Status 0: an answer that is no JSON."""
        body = {"ok": False, "error_code": status, "description": description}
        if parameters:
            body["parameters"] = parameters
        self.refusals.setdefault(method, deque()).append((status or 200, body if status else None))

    def refuse_after(self, method: str, taken: int, status: int) -> None:
        """So many calls of a method are answered, and then one is refused."""
        self.refusals.setdefault(method, deque()).extend([None] * taken)
        self.refuse(method, status)

    def calls(self, method: str) -> list[dict[str, Any]]:
        return [asked.fields for asked in self.asked if asked.method == method]

    @property
    def texts(self) -> list[str]:
        return [fields["text"] for fields in self.calls("sendMessage")]

    def answer(self, token: str, method: str, fields: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        self.asked.append(Asked(token, method, fields))
        if token != self.token:
            return 401, {"ok": False, "error_code": 401, "description": "Unauthorized"}
        if self.refusals.get(method):
            refusal = self.refusals[method].popleft()
            if refusal is not None:
                return refusal
        return 200, {"ok": True, "result": self._result(method, fields)}

    def _result(self, method: str, fields: dict[str, Any]) -> Any:
        if method == "getMe":
            return BOT
        if method == "getUpdates":
            offset = int(fields.get("offset", 0))
            self.updates = [update for update in self.updates if update["update_id"] >= offset]
            return self.updates
        if method == "sendMessage":
            chat = {"id": int(fields["chat_id"]), "type": "private"}
            return {"message_id": next(self._ids), "date": NOON_AT_TELEGRAM, "chat": chat, "text": fields["text"]}
        if method == "editMessageReplyMarkup":
            chat = {"id": int(fields["chat_id"]), "type": "private"}
            return {"message_id": int(fields["message_id"]), "date": NOON_AT_TELEGRAM, "chat": chat}
        return True


def telegram_handlers(telegram: PretendTelegram) -> Sequence[ControllerRouterHandler]:
    """The Bot API's addresses."""

    @post("/{bot:str}/{method:str}", status_code=200)
    async def call(request: Request[Any, Any, Any], bot: FromPath[str], method: FromPath[str]) -> Response[Any]:
        fields = {name: read(value) for name, value in (await request.form()).items()}
        status, body = telegram.answer(bot.removeprefix("bot"), method, fields)
        if method == "getUpdates" and body is not None and not body.get("result"):
            # A long poll that ends early, so that no test waits for it.
            await anyio.sleep(LOOKS_AGAIN_SECONDS)
        if body is None:
            return Response("<html>", status_code=status, media_type="text/html")
        return Response(body, status_code=status)

    return [call]


def read(value: Any) -> Any:
    """A field of a form: JSON where it is an object or a list, and else the text."""
    text = str(value)
    return json.loads(text) if text[:1] in ("{", "[") else text
