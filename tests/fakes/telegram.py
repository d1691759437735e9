"""A Telegram of our own: its Bot API with all its ways to fail, and its updates, fetched or sent to a webhook.

Written from core.telegram.org/bots/api: #making-requests, #responseparameters, #getupdates, #setwebhook, #sendmessage.
What a refusal says in words is not in there; these are the words that Telegram uses.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from litestar import HttpMethod, Request, Response, route
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from tests.fakes.faults import SENDING, WEBHOOK, Fault, Faults, answer_with, caller_gone
from tests.fakes.ledger import Ledger
from tests.fakes.webhooks import Post, WebhookFailed, is_well

BOT = {"id": 7770001, "is_bot": True, "first_name": "Essex Care Line", "username": "EssexCareLineBot"}
TOKEN = "7770001:a-token-of-the-tests"
NOON_AT_TELEGRAM = 1_795_435_200
LOOKS_AGAIN_SECONDS = 0.02
FIRST_MESSAGE_ID, FIRST_UPDATE_ID = 100, 810_000_001
LONGEST_TEXT = 4096
MOST_UPDATES = 100
SECRET_HEADER = "x-telegram-bot-api-secret-token"
SECRET_FORM = re.compile(r"[A-Za-z0-9_-]{1,256}")
# Telegram gives up "after a reasonable amount of attempts" and does not say after how many, nor how long it waits.
MOST_TRIES = 100
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0
# A fault befalls one of these by its name; sendMessage if it does not say.
METHODS = {
    "getMe",
    "getUpdates",
    "setWebhook",
    "deleteWebhook",
    "sendMessage",
    "sendChatAction",
    "answerCallbackQuery",
    "editMessageReplyMarkup",
    "leaveChat",
    "setMyCommands",
}
# Kinds of updates that are sent only to who asks for them.
ONLY_ON_REQUEST = {"chat_member", "message_reaction", "message_reaction_count"}

BLOCKED = Fault("refuse", 403, description="Forbidden: bot was blocked by the user")

Fields = dict[str, Any]
Pause = Callable[[float], object]


@dataclass(frozen=True)
class Asked:
    """One call of a method, with its fields as the Bot API reads them."""

    token: str
    method: str
    fields: Fields


@dataclass(frozen=True)
class Webhook:
    """Where updates are to be sent, and the secret by which we know that they are Telegram's."""

    url: str
    secret: str | None = None


class Refused(Exception):
    """What a call gets instead of its result."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status


class FakeTelegram:
    """One bot. ledger: a file in which all that it was asked, took and said stands."""

    def __init__(self, token: str = TOKEN, *, ledger: Path | None = None) -> None:
        self.token = token
        self._path = ledger
        self._changed = threading.Event()
        self.forget()

    def forget(self) -> None:
        """As if the process had just been started: what is on disk is known again, and nothing else is."""
        self.ledger = Ledger(self._path)
        self.faults = Faults()
        self.asked: list[Asked] = []
        self.sent: list[dict[str, Any]] = []
        self.updates: list[dict[str, Any]] = []
        self.webhook: Webhook | None = None
        self.allowed: set[str] | None = None
        self._late: set[int] = set()
        self._polls = 0
        self._next_update_id = FIRST_UPDATE_ID
        for entry in self.ledger.entries:
            self._recall(**entry)

    def _recall(self, event: str, **noted: Any) -> None:
        match event:
            case "asked":
                self.asked.append(Asked(noted["token"], noted["method"], noted["fields"]))
            case "sent":
                self.sent.append(noted["message"])
            case "update":
                self.updates.append(noted["update"])
                self._next_update_id = max(self._next_update_id, noted["update"]["update_id"] + 1)
            case "done":
                self._drop(lambda update: update["update_id"] in noted["update_ids"])
            case "webhook":
                self.webhook = Webhook(noted["url"], noted["secret"]) if noted["url"] else None
            case "allowed":
                self.allowed = set(noted["kinds"]) or None

    # --- What tests look at and ask for --------------------------------------------------------------------------

    def refuse(self, method: str, status: int, description: str = "", **parameters: Any) -> None:
        """The next call of a method is refused as Telegram refuses. Status 0: an answer that is no JSON."""
        on = _on(method)
        if status:
            self.faults.append(Fault("refuse", status, description=description, parameters=parameters, on=on))
        else:
            self.faults.append(Fault("nonsense", on=on))

    def refuse_after(self, method: str, taken: int, status: int) -> None:
        """So many calls of a method are answered, and then one is refused."""
        self.faults.extend([Fault("answer", on=_on(method))] * taken)
        self.refuse(method, status)

    def calls(self, method: str) -> list[Fields]:
        """The fields of every call of a method, whatever became of it."""
        return [asked.fields for asked in self.asked if asked.method == method]

    @property
    def texts(self) -> list[str]:
        """What we wanted to say, in order, whatever became of it."""
        return [fields["text"] for fields in self.calls("sendMessage")]

    # --- Updates -------------------------------------------------------------------------------------------------

    def happens(self, update: dict[str, Any]) -> dict[str, Any]:
        """Somebody does something. It waits until we have it; without a number it gets the next one."""
        made = {"update_id": self._next_update_id, **update}
        self._next_update_id = max(self._next_update_id, made["update_id"] + 1)
        if self._is_wanted(made):
            self.ledger.note("update", update=made)
            self.updates.append(made)
            self._changed.set()
        return made

    def _is_wanted(self, update: dict[str, Any]) -> bool:
        kinds = set(update) - {"update_id"}
        return not kinds & ONLY_ON_REQUEST if self.allowed is None else bool(kinds & self.allowed)

    def deliver(self, post: Post, most_tries: int = MOST_TRIES, pause: Pause | None = None) -> list[int]:
        """Send what waits to the webhook, each again and again until it gets a 2xx, and none before the one before it.

        Gives the status of every try; 0 for no connection. That is how Telegram does it with max_connections 1.
        """
        statuses: list[int] = []
        while self.webhook and (waiting := [one for one in self.updates if one["update_id"] not in self._late]):
            fault = self.faults.next(WEBHOOK)
            ids = {update["update_id"] for update in waiting}
            if fault is not None and fault.kind == "late":
                self._late |= ids
            bring = [partial(self._bring, update, post, most_tries, pause) for update in waiting]
            statuses += self.faults.bring(fault, bring)
            if fault is not None and fault.kind == "withheld":
                self._done(ids)
        return statuses

    def deliver_for_ever(self, post: Post) -> None:
        """The same whenever something happens."""
        while True:
            self._changed.clear()
            self.deliver(post, pause=time.sleep)
            self._changed.wait()

    def _bring(self, update: dict[str, Any], post: Post, most_tries: int, pause: Pause | None) -> list[int]:
        statuses: list[int] = []
        wait = FIRST_PAUSE_SECONDS
        while self.webhook and len(statuses) < most_tries:
            url, secret = self.webhook.url, self.webhook.secret
            headers = {"content-type": "application/json"} | ({SECRET_HEADER: secret} if secret else {})
            try:
                statuses.append(post(url, json.dumps(update).encode(), headers))
            except WebhookFailed:
                statuses.append(0)
            self.ledger.note("called", url=url, update_id=update["update_id"], got=statuses[-1])
            if is_well(statuses[-1]):
                break
            if pause is not None:
                pause(wait)
            wait = min(2 * wait, LONGEST_PAUSE_SECONDS)
        if self.webhook:
            self._done({update["update_id"]})
        return statuses

    def _done(self, ids: set[int]) -> None:
        known = ids & {update["update_id"] for update in self.updates}
        if known:
            self.ledger.note("done", update_ids=sorted(known))
        self._late -= ids
        self._drop(lambda update: update["update_id"] in known)

    def _drop(self, is_done: Callable[[dict[str, Any]], bool]) -> None:
        self.updates = [update for update in self.updates if not is_done(update)]

    # --- What we call --------------------------------------------------------------------------------------------

    async def answer(
        self, request: Request[Any, Any, Any], token: str, method: str, fields: Fields
    ) -> Response[dict[str, Any]]:
        """The answer to a call, or what the next fault makes of it."""
        self.ledger.note("asked", token=token, method=method, fields=fields)
        self.asked.append(Asked(token, method, fields))
        if token != self.token:
            return _refused(401, "Unauthorized")
        if method not in METHODS:
            return _refused(404, "Not Found")
        fault = self.faults.next(_on(method))
        try:
            if method == "getUpdates" and (fault is None or fault.kind == "answer"):
                await self._wait_for_updates(request, fields)
            return await answer_with(fault, request, lambda: _answered(self._result(method, fields)), _refusal)
        except Refused as refused:
            return _refused(refused.status, str(refused))

    async def _wait_for_updates(self, request: Request[Any, Any, Any], fields: Fields) -> None:
        if self.webhook is not None:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        self._confirm(int(fields.get("offset", 0)))
        if "allowed_updates" in fields:
            self._allow(fields["allowed_updates"])
        self._polls += 1
        ours = self._polls

        async def until_there_is_something() -> None:
            while not self.updates and self._polls == ours:
                await anyio.sleep(LOOKS_AGAIN_SECONDS)

        async def until_nobody_waits(scope: anyio.CancelScope) -> None:
            await caller_gone(request)
            scope.cancel()

        with anyio.move_on_after(float(fields.get("timeout", 0))):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(until_nobody_waits, tasks.cancel_scope)
                await until_there_is_something()
                tasks.cancel_scope.cancel()
        if self._polls != ours:
            raise Refused(409, "Conflict: terminated by other getUpdates request; make sure that only one bot runs")

    def _confirm(self, offset: int) -> None:
        """What has a smaller number is not sent again. A negative one counts from the end of what waits."""
        if offset < 0:
            self._done({update["update_id"] for update in self.updates[:offset]})
        else:
            self._done({update["update_id"] for update in self.updates if update["update_id"] < offset})

    def _allow(self, kinds: Sequence[str]) -> None:
        self.allowed = set(kinds) or None
        self.ledger.note("allowed", kinds=list(kinds))

    def _result(self, method: str, fields: Fields) -> Any:
        match method:
            case "getMe":
                return BOT
            case "getUpdates":
                return self.updates[: min(int(fields.get("limit", MOST_UPDATES)), MOST_UPDATES)]
            case "setWebhook":
                return self._set_webhook(str(fields.get("url", "")), fields)
            case "deleteWebhook":
                return self._set_webhook("", fields)
            case "sendMessage":
                return self._send(fields)
            case "editMessageReplyMarkup":
                chat = {"id": int(fields["chat_id"]), "type": "private"}
                return {"message_id": int(fields["message_id"]), "date": NOON_AT_TELEGRAM, "chat": chat}
        return True

    def _set_webhook(self, url: str, fields: Fields) -> bool:
        secret = fields.get("secret_token")
        if secret is not None and not SECRET_FORM.fullmatch(secret):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        if "allowed_updates" in fields:
            self._allow(fields["allowed_updates"])
        if str(fields.get("drop_pending_updates", "false")).lower() == "true":
            self._done({update["update_id"] for update in self.updates})
        self.webhook = Webhook(url, secret) if url else None
        self.ledger.note("webhook", url=url, secret=secret)
        self._changed.set()
        return True

    def _send(self, fields: Fields) -> dict[str, Any]:
        text = str(fields.get("text", ""))
        if not fields.get("chat_id"):
            raise Refused(400, "Bad Request: chat_id is empty")
        if not text.strip():
            raise Refused(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > LONGEST_TEXT:
            raise Refused(400, "Bad Request: message is too long")
        message = {
            "message_id": FIRST_MESSAGE_ID + len(self.sent),
            "from": BOT,
            "date": NOON_AT_TELEGRAM,
            "chat": {"id": int(fields["chat_id"]), "type": "private"},
            "text": text,
        }
        if "reply_markup" in fields:
            message["reply_markup"] = fields["reply_markup"]
        self.ledger.note("sent", message=message)
        self.sent.append(message)
        return message


def telegram_handlers(telegram: FakeTelegram) -> Sequence[ControllerRouterHandler]:
    """The Bot API's addresses. A call comes by GET or POST, with its fields in the query, in a form or as JSON."""

    @route("/{bot:str}/{method:str}", http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200)
    async def call(request: Request[Any, Any, Any], bot: FromPath[str], method: FromPath[str]) -> Response[Any]:
        fields = {name: read(value) for name, value in request.query_params.items()}
        if request.headers.get("content-type", "").startswith("application/json"):
            fields |= await request.json()
        else:
            fields |= {name: read(value) for name, value in (await request.form()).items()}
        return await telegram.answer(request, bot.removeprefix("bot"), method, fields)

    return [call]


def read(value: Any) -> Any:
    """A field of a form: JSON where it is an object or a list, and else the text."""
    text = str(value)
    return json.loads(text) if text[:1] in ("{", "[") else text


def _on(method: str) -> str:
    return SENDING if method == "sendMessage" else method


def _answered(result: Any) -> Response[dict[str, Any]]:
    return Response({"ok": True, "result": result}, status_code=200)


def _refusal(fault: Fault) -> Response[dict[str, Any]]:
    if fault.kind == "throttle":
        seconds = int(fault.retry_after or 1)
        return _refused(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
    return _refused(fault.status, fault.description, fault.parameters)


def _refused(status: int, description: str, parameters: dict[str, Any] | None = None) -> Response[dict[str, Any]]:
    body = {"ok": False, "error_code": status, "description": description}
    return Response(body | ({"parameters": parameters} if parameters else {}), status_code=status)
