"""Twilio and Telegram in one application, with addresses by which a test has them fail and sees what they took.

POST /fake/faults takes a list of faults, each with its provider: {"provider": "twilio", "kind": "hang-after"}; what
else a fault has is in faults.py. DELETE /fake/faults takes back those that nothing has met. GET /fake/ledger gives what
each provider remembers. POST /fake/let-go brings us the news that was kept back. POST /fake/twilio/texts has somebody
text our number, POST /fake/telegram/updates has something happen in Telegram.
"""

import threading
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, delete, get, post

from tests.fakes.faults import Fault
from tests.fakes.ledger import Entry
from tests.fakes.telegram import TOKEN, FakeTelegram, telegram_handlers
from tests.fakes.twilio import FakeTwilio
from tests.fakes.webhooks import Background, post_over_http

TWILIO_LEDGER, TELEGRAM_LEDGER = "twilio.jsonl", "telegram.jsonl"

AnyRequest = Request[Any, Any, Any]


def providers_app(twilio: FakeTwilio, telegram: FakeTelegram) -> Litestar:
    """Both, and the addresses for tests."""
    by_name: dict[str, FakeTwilio | FakeTelegram] = {"twilio": twilio, "telegram": telegram}
    background = Background()

    @post("/fake/faults", status_code=204)
    async def order_faults(request: AnyRequest) -> None:
        for wanted in await request.json():
            by_name[wanted.pop("provider")].faults.append(Fault(**wanted))

    @delete("/fake/faults", status_code=204)
    async def take_faults_back() -> None:
        for provider in by_name.values():
            provider.faults.clear()

    @get("/fake/ledger")
    async def show_ledger() -> dict[str, list[Entry]]:
        return {name: provider.ledger.entries for name, provider in by_name.items()}

    @post("/fake/let-go", status_code=204)
    async def let_go() -> None:
        for provider in by_name.values():
            background.do(provider.faults.let_go)

    @post("/fake/twilio/texts", status_code=201)
    async def text_us(request: AnyRequest) -> dict[str, str]:
        wanted = await request.json()
        webhook, fallback = wanted.pop("webhook"), wanted.pop("fallback", None)
        text = twilio.receive(**wanted)
        background.do(lambda: twilio.webhook(text, webhook, post_over_http, fallback))
        return {"sid": text.sid}

    @post("/fake/telegram/updates", status_code=201)
    async def happen(request: AnyRequest) -> dict[str, Any]:
        return telegram.happens(await request.json())

    handlers = [order_faults, take_faults_back, show_ledger, let_go, text_us, happen]
    return Litestar(
        [*handlers, *twilio.handlers(), *telegram_handlers(telegram)], openapi_config=None, logging_config=None
    )


def start_providers(folder: Path, twilio_auth_token: str, telegram_token: str = TOKEN) -> Litestar:
    """Both as they are in a process of their own: what they took stands in a folder, and they call us by themselves."""
    folder.mkdir(parents=True, exist_ok=True)
    twilio = FakeTwilio(twilio_auth_token, ledger=folder / TWILIO_LEDGER, calls_us=post_over_http)
    telegram = FakeTelegram(telegram_token, ledger=folder / TELEGRAM_LEDGER)
    threading.Thread(target=telegram.deliver_for_ever, args=[post_over_http], daemon=True).start()
    return providers_app(twilio, telegram)
