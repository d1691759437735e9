"""A Twilio of our own: its Messages API with all its ways to fail, its signed webhooks, and its rules for trying again.

Written from Twilio's documentation at twilio.com/docs: messaging/api/message-resource, usage/security,
api/errors/20429, usage/webhooks/webhooks-connection-overrides,
messaging/guides/outbound-message-status-in-status-callbacks.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from litestar import Litestar, Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from tests.fakes.faults import RECEIPTS, WEBHOOK, Fault, Faults, News, answer_with
from tests.fakes.ledger import Ledger
from tests.fakes.webhooks import Background, Post, WebhookFailed, WebhookTimedOut, is_well

API = "/2010-04-01/Accounts"
WAYS_TO_TRY_AGAIN = {"4xx", "5xx", "ct", "rt", "all"}
# What a fault befalls, beside the call that hands a text over and what we are told.
LIST = "list"
TOO_MANY_REQUESTS = 20429


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """As Twilio's documentation says: the URL, then each name with its value, sorted, under HMAC-SHA1."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


@dataclass
class Text:
    """A message as Twilio keeps it. callback is where it says how far the text has got."""

    sid: str
    to: str
    sender: str
    body: str
    direction: str
    at: str
    status: str = "queued"
    callback: str = ""
    service: str | None = None
    media: int = 0
    sent_with: dict[str, str] = field(default_factory=dict)


class FakeTwilio:
    """One account. now is its clock; ledger a file in which all that it took and said stands.

    calls_us: how it reports by itself how far a text has got; without it a test has it report.
    """

    def __init__(
        self,
        auth_token: str = "",
        *,
        ledger: Path | None = None,
        now: Callable[[], datetime] | None = None,
        calls_us: Post | None = None,
    ) -> None:
        self.auth_token = auth_token
        self.calls: list[str] = []
        self.faults = Faults()
        self.largest_page = 1000
        self.ledger = Ledger(ledger)
        self._now = now or (lambda: datetime.now(UTC))
        self._calls_us = calls_us
        self._background = Background() if calls_us else None
        taken: dict[str, Text] = {}
        for entry in self.ledger.entries:
            match entry["event"]:
                case "asked":
                    self.calls.append(entry["call"])
                case "taken":
                    taken[entry["text"]["sid"]] = Text(**entry["text"])
                case "status":
                    taken[entry["sid"]].status = entry["status"]
        self.texts = list(taken.values())

    def keep(self, text: Text) -> Text:
        """Take a text, going either way."""
        self.ledger.note("taken", text=asdict(text))
        self.texts.append(text)
        return text

    def stamp(self) -> str:
        """The present as Twilio writes it."""
        return self._now().strftime("%a, %d %b %Y %H:%M:%S +0000")

    @property
    def sent(self) -> list[Text]:
        """What we had it send, in order."""
        return [text for text in self.texts if text.direction != "inbound"]

    def accept(self, form: Mapping[str, str]) -> Text:
        """Take a text that we hand over."""
        text = self.keep(
            Text(
                sid="SM" + secrets.token_hex(16),
                to=form.get("To", ""),
                sender=form.get("From", ""),
                body=form.get("Body", ""),
                direction="outbound-api",
                at=self.stamp(),
                status="accepted" if form.get("MessagingServiceSid") else "queued",
                callback=form.get("StatusCallback", ""),
                service=form.get("MessagingServiceSid"),
                sent_with=dict(form),
            )
        )
        if self._background is not None and self._calls_us is not None and text.callback:
            calls_us = self._calls_us
            self._background.do(lambda: self.go_through(text, calls_us))
        return text

    # --- What Twilio calls ---------------------------------------------------------------------------------------

    def receive(self, sender: str, body: str, to: str = "+447700900100", media: int = 0) -> Text:
        """Somebody texts our number. It stands in the list from now on, whether or not a webhook gets through."""
        return self.keep(
            Text("SM" + secrets.token_hex(16), to, sender, body, "inbound", self.stamp(), "received", media=media)
        )

    def webhook(self, text: Text, address: str, post: Post, fallback: str | None = None) -> list[int]:
        """Tell us of a text as Twilio does, trying again by its rules and at last at the fallback address.

        address may end in connection overrides: #rc=5&rp=all. Gives the status of every try; 0 for no connection.
        """
        fields = {
            "MessageSid": text.sid,
            "From": text.sender,
            "To": text.to,
            "Body": text.body,
            "NumMedia": str(text.media),
        }

        def bring() -> list[int]:
            statuses = self._call(address, fields, post)
            if fallback is not None and not is_well(statuses[-1]):
                more = {"ErrorCode": "11200", "ErrorUrl": address.partition("#")[0]}
                statuses += self._call(fallback, fields | more, post)
            return statuses

        return self.faults.bring(self.faults.next(WEBHOOK), [bring])

    def report(self, text: Text, status: str, post: Post, code: int | None = None) -> list[int]:
        """Say at its callback address how far a text has got."""
        self._note_status(text, status)
        return self._call(text.callback, self._receipt(text, status, code), post)

    def go_through(self, text: Text, post: Post) -> list[int]:
        """Have a text reach its phone, and report each step at its callback address."""
        fault = self.faults.next(RECEIPTS)
        code = fault.code if fault is not None and fault.kind == "undelivered" else None
        last = "undelivered" if code is not None else "delivered"
        self._note_status(text, last)
        receipts: list[News] = [
            partial(self._call, text.callback, self._receipt(text, status, code if status == last else None), post)
            for status in ("sent", last)
        ]
        return self.faults.bring(fault, receipts)

    def _note_status(self, text: Text, status: str) -> None:
        text.status = status
        self.ledger.note("status", sid=text.sid, status=status)

    def _receipt(self, text: Text, status: str, code: int | None) -> dict[str, str]:
        fields = {
            "MessageSid": text.sid,
            "MessageStatus": status,
            "To": text.to,
            "From": text.sender or "+447700900100",
        }
        return fields | ({"ErrorCode": str(code)} if code is not None else {})

    def _call(self, address: str, fields: Mapping[str, str], post: Post) -> list[int]:
        url, _, overrides = address.partition("#")
        chosen = dict(parse_qsl(overrides))
        tries, ways = 1 + int(chosen.get("rc", "1")), set(chosen.get("rp", "ct").split(","))
        assert ways <= WAYS_TO_TRY_AGAIN
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": signature(self.auth_token, url, fields.items()),
            "i-twilio-idempotency-token": secrets.token_hex(16),
        }
        statuses: list[int] = []
        for _ in range(tries):
            try:
                status = post(url, urlencode(fields).encode(), headers)
                way = f"{status // 100}xx"
            except WebhookFailed as failed:
                status, way = 0, "rt" if isinstance(failed, WebhookTimedOut) else "ct"
            statuses.append(status)
            self.ledger.note("called", url=url, sid=fields["MessageSid"], says=fields.get("MessageStatus"), got=status)
            if is_well(status) or not ways & {"all", way}:
                break
        return statuses

    # --- What we call --------------------------------------------------------------------------------------------

    def handlers(self) -> list[ControllerRouterHandler]:
        """The Messages API."""
        create = f"{API}/{{account_sid:str}}/Messages.json"

        @get(create)
        async def list_messages(request: Request[Any, Any, Any], account_sid: FromPath[str]) -> Response[Any]:
            query, path = dict(request.query_params), request.url.path
            self._note_call("list", query)
            return await answer_with(
                self.faults.next(LIST), request, lambda: Response(self._page(account_sid, query, path)), _refusal
            )

        @post(create, status_code=201, exclude_from_csrf=True)
        async def create_message(request: Request[Any, Any, Any], account_sid: FromPath[str]) -> Response[Any]:
            form = {str(name): str(value) for name, value in (await request.form()).items()}
            self._note_call("create", form)
            return await answer_with(self.faults.next(), request, lambda: self._taken(form, account_sid), _refusal)

        return [list_messages, create_message]

    def app(self) -> Litestar:
        """The same as an application."""
        return Litestar(self.handlers(), openapi_config=None, logging_config=None)

    def _note_call(self, name: str, fields: Mapping[str, str]) -> None:
        self.calls.append(name)
        self.ledger.note("asked", call=name, fields=dict(fields))

    def _taken(self, form: Mapping[str, str], account_sid: str) -> Response[Any]:
        if not form.get("To") or not form.get("Body"):
            return _error(400, 21604 if not form.get("To") else 21602)
        return Response(self._as_json(self.accept(form), account_sid), status_code=201)

    def _page(self, account_sid: str, query: Mapping[str, str], path: str) -> dict[str, Any]:
        wanted = [text for text in reversed(self.texts) if _is_wanted(text, query)]
        size = min(int(query.get("PageSize", "50")), self.largest_page)
        number = int(query.get("Page", "0"))
        after = dict(query) | {"Page": str(number + 1)}
        is_last = (number + 1) * size >= len(wanted)
        return {
            "messages": [self._as_json(text, account_sid) for text in wanted[number * size : (number + 1) * size]],
            "page": number,
            "page_size": size,
            "next_page_uri": None if is_last else f"{path}?{urlencode(after)}",
            "uri": path,
        }

    def _as_json(self, text: Text, account_sid: str) -> dict[str, Any]:
        return {
            "sid": text.sid,
            "account_sid": account_sid,
            "to": text.to,
            "from": text.sender or None,
            "body": text.body,
            "status": text.status,
            "direction": text.direction,
            "date_created": text.at,
            "date_sent": text.at,
            "date_updated": text.at,
            "num_segments": "1",
            "num_media": str(text.media),
            "error_code": None,
            "error_message": None,
            "price": None,
            "price_unit": "GBP",
            "api_version": "2010-04-01",
            "messaging_service_sid": text.service,
            "uri": f"{API}/{account_sid}/Messages/{text.sid}.json",
            "subresource_uris": {},
        }


def _is_wanted(text: Text, query: Mapping[str, str]) -> bool:
    at = datetime.strptime(text.at, "%a, %d %b %Y %H:%M:%S %z")
    since = query.get("DateSent>")
    return (
        query.get("To") in (None, text.to)
        and query.get("From") in (None, text.sender)
        and (since is None or at >= datetime.strptime(since, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC))
    )


def _refusal(fault: Fault) -> Response[Any]:
    if fault.kind == "throttle":
        return _error(429, TOO_MANY_REQUESTS, fault.retry_after)
    return _error(fault.status, fault.code, fault.retry_after)


def _error(status: int, code: int | None, retry_after: str | None = None) -> Response[Any]:
    body = {"message": "refused", "status": status} | ({"code": code} if code is not None else {})
    headers = {"Retry-After": retry_after} if retry_after is not None else {}
    return Response(body, status_code=status, headers=headers)
