"""What several files here need: a text as Twilio posts it, its signature, and our sender to a Twilio of our own."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from litestar import Litestar
from litestar.testing import TestClient

from channels.sms_twilio.receive import PATH, SIGNATURE_HEADER
from channels.sms_twilio.send import TwilioSender
from helpline.keys import Keys
from helpline.settings import Settings
from tests.channels.conftest import AUTH_TOKEN, PUBLIC
from tests.fakes import PHONE
from tests.fakes.twilio import signature

URL = PUBLIC + PATH
FORM = "application/x-www-form-urlencoded"
Fields = list[tuple[str, str]]


def text(body: str = "how do i stop mum falling", sid: str = "SM0123", sender: str = PHONE, **more: str) -> Fields:
    fields = {"MessageSid": sid, "From": sender, "To": "+447700900100", "Body": body, "NumMedia": "0", **more}
    return list(fields.items())


FIELDS = text()


def sign(fields: Iterable[tuple[str, str]], url: str = URL, token: str = AUTH_TOKEN) -> str:
    return signature(token, url, fields)


def post(
    client: TestClient[Litestar],
    fields: Fields,
    signature: str | None,
    *,
    url: str = URL,
    content_type: str = FORM,
    body: bytes | None = None,
) -> int:
    headers = {"content-type": content_type}
    if signature is not None:
        headers[SIGNATURE_HEADER] = signature
    content = urlencode(fields).encode() if body is None else body
    return int(client.post(url, content=content, headers=headers).status_code)


def sender_at(api: str, keys: Keys, timeout: float = 10.0, **settings: Any) -> TwilioSender:
    return TwilioSender.from_settings(Settings(twilio_api_url=api, **settings), keys, timeout)
