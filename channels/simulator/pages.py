"""The phone on the screen: posts correctly signed webhooks to the real endpoint, shows what the outbox sends."""

import secrets
import time
from typing import Any
from urllib.parse import urlencode

import anyio
import httpx
from litestar import Request, Response, get, post
from litestar.params import FromQuery
from litestar.response import ServerSentEvent, Template
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, Field, ValidationError
from twilio.request_validator import RequestValidator

from channels.base import ChannelContext
from channels.event_stream import SeenUpTo, stream_thread
from channels.simulator.provider import PretendTwilio, provider_handlers
from channels.sms_twilio.receive import PATH, SIGNATURE_HEADER
from channels.sms_twilio.send import our_number
from helpline.services.core import LOCAL_TIME
from helpline.services.threads import ThreadMessage, thread_after

PRETEND_PHONE = "+447700900001"
MOST_TIMES = 5


class Typed(BaseModel):
    """What the page posts. forge: with a signature that is not Twilio's."""

    phone: str | None = None
    text: str | None = None
    media: str | None = None
    times: int = Field(default=1, ge=1)
    forge: bool = False


def signed_webhook(auth_token: str, external_url: str, own_url: str, fields: dict[str, str]) -> httpx.Request:
    """A webhook as Twilio would send it: signed over the public address, posted to this machine."""
    signature = RequestValidator(auth_token).compute_signature(external_url + PATH, fields)
    return httpx.Request(
        "POST",
        own_url + PATH,
        content=urlencode(fields),
        headers={"content-type": "application/x-www-form-urlencoded", SIGNATURE_HEADER: signature},
    )


def simulator_handlers(context: ChannelContext) -> list[ControllerRouterHandler]:
    """The page, what it calls, and the pretend provider that our sender speaks to."""
    settings, keys, core = context.settings, context.keys, context.gateway.core

    @get("/simulator")
    async def page() -> Template:
        return Template(
            "simulator.html",
            context={
                "service_name": settings.service_name,
                "number": our_number(settings),
                "phone": PRETEND_PHONE,
            },
        )

    @post("/simulator/texts", status_code=200)
    async def send_text(request: Request[Any, Any, Any]) -> Response[Any]:
        try:
            wanted = Typed.model_validate_json(await request.body())
        except ValidationError as error:
            return Response({"error": error.errors(include_input=False, include_url=False)[0]["msg"]}, status_code=400)
        fields = {
            "MessageSid": "SM" + secrets.token_hex(16),
            "AccountSid": keys.twilio_account_sid,
            "From": wanted.phone or PRETEND_PHONE,
            "To": our_number(settings),
            "Body": wanted.text or "",
            "NumMedia": "0",
        }
        if wanted.media:
            fields |= {"NumMedia": "1", "MediaContentType0": wanted.media}
        token = secrets.token_hex(16) if wanted.forge else keys.twilio_auth_token
        results: list[tuple[int, float]] = []

        async def post_once(client: httpx.AsyncClient) -> None:
            started = time.perf_counter()
            try:
                response = await client.send(signed_webhook(token, settings.external_url, settings.own_url, fields))
            except httpx.TransportError:
                # The page says that nobody was reached when no status comes back.
                return
            results.append((response.status_code, round((time.perf_counter() - started) * 1000, 1)))

        async with httpx.AsyncClient(timeout=15.0) as client, anyio.create_task_group() as group:
            for _ in range(min(wanted.times, MOST_TIMES)):
                group.start_soon(post_once, client)
        return Response(
            {
                "statuses": [status for status, _ in results],
                "ms": [milliseconds for _, milliseconds in results],
                "sid": fields["MessageSid"],
            }
        )

    @get("/simulator/events")
    async def events(phone: FromQuery[str], after: SeenUpTo = 0) -> ServerSentEvent:
        # From `after` again when the page comes back: a message that it has may have changed its state since.
        return stream_thread(lambda last: thread_after(core, "sms", phone, last), after, to_phone, shows_state=True)

    return [page, send_text, events, *provider_handlers(PretendTwilio(), "/simulator/twilio")]


def to_phone(message: ThreadMessage) -> dict[str, Any]:
    """A message as the phone shows it."""
    return {
        "id": message.id,
        "sender": "you" if message.from_person else "helpline",
        "text": message.text,
        "segments": message.segments,
        "encoding": message.encoding,
        "state": message.state,
        "at": message.at.astimezone(LOCAL_TIME).isoformat(),
    }
