"""A pretend Twilio: enough of its Messages API for our sender, in this process or in one of its own."""

import json
import secrets
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler

from channels.reading import Unreadable, read_form

MOST_KEPT = 5_000


@dataclass(frozen=True)
class Accepted:
    """A text that the pretend provider took."""

    sid: str
    to: str
    sender: str
    body: str
    at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000"))


class PretendTwilio:
    """The provider's own record of what it took, in memory, and on disk where a path is given."""

    def __init__(self, ledger: Path | None = None) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._accepted: deque[Accepted] = deque(maxlen=MOST_KEPT)
        if ledger is not None and ledger.exists():
            for line in ledger.read_text().splitlines():
                self._accepted.append(Accepted(**json.loads(line)))

    def accept(self, to: str, sender: str, body: str) -> Accepted:
        """Take a text."""
        accepted = Accepted("SM" + secrets.token_hex(16), to, sender, body)
        with self._lock:
            self._accepted.append(accepted)
            if self._ledger is not None:
                with self._ledger.open("a") as file:
                    file.write(json.dumps(asdict(accepted)) + "\n")
        return accepted

    def accepted_for(self, to: str | None) -> list[Accepted]:
        """What was taken for a number, newest first."""
        with self._lock:
            return [accepted for accepted in reversed(self._accepted) if to in (None, accepted.to)]


def _as_twilio_says(accepted: Accepted, account_sid: str) -> dict[str, Any]:
    return {
        "sid": accepted.sid,
        "account_sid": account_sid,
        "to": accepted.to,
        "from": accepted.sender,
        "body": accepted.body,
        "status": "sent",
        "direction": "outbound-api",
        "date_created": accepted.at,
        "date_sent": accepted.at,
        "date_updated": accepted.at,
        "num_segments": "1",
        "num_media": "0",
        "error_code": None,
        "error_message": None,
        "price": None,
        "price_unit": "GBP",
        "api_version": "2010-04-01",
        "messaging_service_sid": None,
        "uri": f"/2010-04-01/Accounts/{account_sid}/Messages/{accepted.sid}.json",
        "subresource_uris": {},
    }


def provider_handlers(provider: PretendTwilio, prefix: str = "") -> list[ControllerRouterHandler]:
    """The Messages API at a prefix."""
    path = prefix + "/2010-04-01/Accounts/{account_sid:str}/Messages.json"

    @post(path, status_code=201, exclude_from_csrf=True)
    async def create_message(request: Request, account_sid: FromPath[str]) -> Response[dict[str, Any]]:  # type: ignore[type-arg]
        try:
            form = await read_form(request)
        except Unreadable as error:
            return Response({"code": 20001, "message": str(error), "status": 400}, status_code=400)
        to, body = str(form.get("To", "")), str(form.get("Body", ""))
        if not to or not body:
            return Response({"code": 21604, "message": "To and Body are required", "status": 400}, status_code=400)
        accepted = provider.accept(to, str(form.get("From") or form.get("MessagingServiceSid") or ""), body)
        return Response(_as_twilio_says(accepted, account_sid), status_code=201)

    @get(path)
    async def list_messages(
        account_sid: FromPath[str], to: Annotated[str | None, QueryParameter(name="To")] = None
    ) -> dict[str, Any]:
        messages = [_as_twilio_says(accepted, account_sid) for accepted in provider.accepted_for(to)]
        return {"messages": messages, "page": 0, "page_size": 50, "next_page_uri": None, "uri": path}

    return [create_message, list_messages]
