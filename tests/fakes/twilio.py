"""A Twilio of our own: its Messages API with all its ways to fail, its signed webhooks, and its rules for trying again.

Written from Twilio's documentation at twilio.com/docs: messaging/api/message-resource, usage/security,
usage/webhooks/webhooks-connection-overrides, messaging/guides/outbound-message-status-in-status-callbacks.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import anyio
from litestar import Litestar, Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

API = "/2010-04-01/Accounts"
WAYS_TO_TRY_AGAIN = {"4xx", "5xx", "ct", "rt", "all"}


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """As Twilio's documentation says: the URL, then each name with its value, sorted, under HMAC-SHA1."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


@dataclass(frozen=True)
class Fault:
    """How the next call to send a text fails.

    refuse: an answer with status and code; with takes_it the text is kept all the same, as with a 500 that comes too
    late. hang: no answer until the test lets go, before or after the text was taken. break_off: the connection ends in
    the middle of the answer. nonsense: a 200 that is no JSON.
    """

    kind: str
    status: int = 500
    code: int | None = None
    retry_after: str | None = None
    takes_it: bool = False


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


class WebhookFailed(Exception):
    """The receiver could not be connected to."""


# Posts a form and gives the status. Raises WebhookFailed.
Post = Callable[[str, bytes, Mapping[str, str]], int]


class FakeTwilio:
    """One account. now is its clock; ledger a file in which every text that it took stands, one JSON object a line."""

    def __init__(
        self, auth_token: str = "", *, ledger: Path | None = None, now: Callable[[], datetime] | None = None
    ) -> None:
        self.auth_token = auth_token
        self.texts: list[Text] = []
        self.calls: list[str] = []
        self.faults: deque[Fault] = deque()
        self.let_go = threading.Event()
        self.largest_page = 1000
        self._now = now or (lambda: datetime.now(UTC))
        self._ledger = ledger
        self._lock = threading.Lock()
        if ledger is not None and ledger.exists():
            self.texts = [Text(**json.loads(line)) for line in ledger.read_text().splitlines()]

    def keep(self, text: Text) -> Text:
        """Take a text, going either way."""
        with self._lock:
            self.texts.append(text)
            if self._ledger is not None:
                with self._ledger.open("a") as file:
                    file.write(json.dumps(asdict(text)) + "\n")
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
        return self.keep(
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
        statuses = self._call(address, fields, post)
        if fallback is not None and not _is_well(statuses[-1]):
            more = {"ErrorCode": "11200", "ErrorUrl": address.partition("#")[0]}
            statuses += self._call(fallback, fields | more, post)
        return statuses

    def report(self, text: Text, status: str, post: Post, code: int | None = None) -> list[int]:
        """Say at its callback address how far a text has got."""
        text.status = status
        fields = {
            "MessageSid": text.sid,
            "MessageStatus": status,
            "To": text.to,
            "From": text.sender or "+447700900100",
        }
        if code is not None:
            fields["ErrorCode"] = str(code)
        return self._call(text.callback, fields, post)

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
                statuses.append(post(url, urlencode(fields).encode(), headers))
            except WebhookFailed:
                statuses.append(0)
            if _is_well(statuses[-1]) or not ways & {"all", _way_of(statuses[-1])}:
                break
        return statuses

    # --- What we call --------------------------------------------------------------------------------------------

    def handlers(self) -> list[ControllerRouterHandler]:
        """The Messages API, and a way to have a fake in another process fail."""
        create = f"{API}/{{account_sid:str}}/Messages.json"

        @post("/control/faults", status_code=204, exclude_from_csrf=True)
        async def add_faults(request: Request[Any, Any, Any]) -> None:
            self.faults.extend(Fault(**fault) for fault in await request.json())

        @get(create)
        async def list_messages(request: Request[Any, Any, Any], account_sid: FromPath[str]) -> dict[str, Any]:
            self.calls.append("list")
            return self._page(account_sid, dict(request.query_params), request.url.path)

        @post(create, status_code=201, exclude_from_csrf=True)
        async def create_message(request: Request[Any, Any, Any], account_sid: FromPath[str]) -> Response[Any]:
            self.calls.append("create")
            form = {str(name): str(value) for name, value in (await request.form()).items()}
            fault = self.faults.popleft() if self.faults else None
            if fault is None:
                return self._taken(form, account_sid)
            return await self._fail(fault, form, account_sid)

        return [add_faults, list_messages, create_message]

    def app(self) -> Litestar:
        """The same as an application."""
        return Litestar(self.handlers(), openapi_config=None, logging_config=None)

    def _taken(self, form: Mapping[str, str], account_sid: str) -> Response[Any]:
        if not form.get("To") or not form.get("Body"):
            return _error(400, 21604 if not form.get("To") else 21602)
        return Response(self._as_json(self.accept(form), account_sid), status_code=201)

    async def _fail(self, fault: Fault, form: Mapping[str, str], account_sid: str) -> Response[Any]:
        if fault.takes_it or fault.kind in ("hang-after", "break-off", "nonsense"):
            self.accept(form)
        if fault.kind.startswith("hang"):
            await anyio.to_thread.run_sync(self.let_go.wait, 30)
            return Response("", status_code=504)
        if fault.kind == "break-off":
            return Response(b"{", status_code=201, headers={"content-length": "5000"})
        if fault.kind == "nonsense":
            return Response("<html>", status_code=200)
        return _error(fault.status, fault.code, fault.retry_after)

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


def _error(status: int, code: int | None, retry_after: str | None = None) -> Response[Any]:
    body = {"message": "refused", "status": status} | ({"code": code} if code is not None else {})
    headers = {"Retry-After": retry_after} if retry_after is not None else {}
    return Response(body, status_code=status, headers=headers)


def _is_well(status: int) -> bool:
    return 200 <= status < 300


def _way_of(status: int) -> str:
    return "ct" if status == 0 else f"{status // 100}xx"


def post_by(client: Any) -> Post:
    """Twilio's posts by a test client of ours, whose address is the public one."""

    def post_form(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        return int(client.post(url, content=body, headers=dict(headers)).status_code)

    return post_form


def cannot_connect(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Nobody answers at our address."""
    raise WebhookFailed(urlsplit(url).netloc)
