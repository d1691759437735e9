"""What Twilio tells us: texts that came in, and how far ours have got; signed over the exact public address.

Source of the rules: twilio.com/docs/usage/security#validating-requests and
twilio.com/docs/messaging/guides/webhook-request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

import anyio
import phonenumbers
import structlog
from litestar import MediaType, Request, Response, post
from litestar.types import ControllerRouterHandler
from twilio.request_validator import RequestValidator

from channels.base import ChannelContext
from channels.gateway import Outcome
from channels.sms_twilio.codes import undelivered_error
from channels.sms_twilio.paths import FALLBACK_PATH, INBOUND_PATH, STATUS_PATH, WHATSAPP
from helpline.domain.messages import InboundMessage
from helpline.domain.receipts import FAILURES, DeliveryReport, Progress
from helpline.services.receipts import apply_report
from helpline.settings import Settings
from helpline.storage.engine import StorageUnavailable

PATH = INBOUND_PATH
SIGNATURE_HEADER = "X-Twilio-Signature"
IDEMPOTENCY_HEADER = "I-Twilio-Idempotency-Token"
LONGEST_BODY = 65_536
LONGEST_ID = 64
# An entry id is a 32-bit number on every database.
MOST_DIGITS = 10

# Replies go out by the REST API, so Twilio is told to say nothing itself.
_EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

log = structlog.get_logger("sms")


class SignedParameters(dict[str, list[str]]):
    """A form's fields, each with all its values, as Twilio's validator reads them."""

    def getlist(self, name: str) -> list[str]:
        """All the values of a field."""
        return self[name]

    def first(self, name: str) -> str:
        """The first value of a field, or nothing."""
        return self.get(name, [""])[0]


def parse_form(content_type: str, body: bytes) -> SignedParameters | None:
    """The fields of a form body; None if it is not a form."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    fields = SignedParameters()
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=200)
    except ValueError:
        return None
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def is_signed(auth_token: str, url: str, fields: Mapping[str, list[str]], signature: str) -> bool:
    """Whether Twilio signed this request. Fails closed: without a token nothing is signed."""
    if not auth_token or not signature:
        return False
    return bool(RequestValidator(auth_token).validate(url, fields, signature))


@dataclass(frozen=True)
class Answerable:
    """Whom we answer. countries: their codes, or None for everybody. whatsapp: whether we have a sender there."""

    countries: frozenset[int] | None = frozenset({44})
    whatsapp: bool = False

    @classmethod
    def from_settings(cls, settings: Settings) -> "Answerable":
        """Whom the settings have us answer. Raises ValueError for a country code that is no number."""
        written = [code.strip().lstrip("+") for code in settings.sms_answer_countries.split(",") if code.strip()]
        countries = None if "*" in written else frozenset(int(code) for code in written)
        return cls(countries, settings.twilio_whatsapp_number is not None)


def to_inbound(fields: SignedParameters, answerable: Answerable) -> InboundMessage | None:
    """The message in a webhook's fields; None if it lacks its id or its sender."""
    count = fields.first("NumMedia")
    media = tuple(
        fields.first(f"MediaContentType{index}") or "unknown"
        for index in range(min(int(count), 10) if count.isdecimal() else 0)
    )
    return to_message(
        answerable,
        provider_id=fields.first("MessageSid"),
        sender=fields.first("From"),
        text=fields.first("Body"),
        media=media,
    )


def to_message(
    answerable: Answerable, *, provider_id: str, sender: str, text: str, media: tuple[str, ...]
) -> InboundMessage | None:
    """A message as Twilio calls its parts; None if it lacks its id or its sender.

    A sender that is a name and not a number ("ParcelCo") cannot be answered. One from another country, or on WhatsApp,
    is answered if the settings say so; else its message is kept, read for danger, and shown to staff. Who writes on
    WhatsApp is another person to us than who texts from that number: an answer must go back the way the question came.
    """
    if not provider_id or len(provider_id) > LONGEST_ID or not sender:
        return None
    is_whatsapp = sender.startswith(WHATSAPP)
    number = _number(sender.removeprefix(WHATSAPP))
    message = InboundMessage("sms", provider_id, sender, text, media)
    if number is None:
        return replace(message, answerable=False)
    address = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    message = replace(message, address=WHATSAPP + address if is_whatsapp else address)
    if is_whatsapp and not answerable.whatsapp:
        return replace(message, answerable=False, why_unanswerable="sender-on-whatsapp")
    if answerable.countries is not None and number.country_code not in answerable.countries:
        return replace(message, answerable=False, why_unanswerable="sender-abroad")
    return message


def _number(sender: str) -> phonenumbers.PhoneNumber | None:
    try:
        parsed = phonenumbers.parse(sender, None)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_possible_number(parsed) else None


# Twilio's words for how far a text has got: twilio.com/docs/messaging/api/message-resource#message-status-values.
_PROGRESS = {
    "accepted": Progress.ACCEPTED,
    "scheduled": Progress.ACCEPTED,
    "queued": Progress.QUEUED,
    "sending": Progress.SENDING,
    "sent": Progress.SENT,
    "failed": Progress.FAILED,
    "canceled": Progress.FAILED,
    "undelivered": Progress.UNDELIVERED,
    "delivered": Progress.DELIVERED,
    "read": Progress.DELIVERED,
}


def to_report(fields: SignedParameters, entry: str) -> DeliveryReport | None:
    """The delivery receipt in a status callback's fields; None if it says nothing that we know.

    entry: the id of ours that we gave Twilio with the text, as it comes back.
    """
    provider_id = fields.first("MessageSid")
    progress = _PROGRESS.get(fields.first("MessageStatus"))
    if not provider_id or len(provider_id) > LONGEST_ID or progress is None:
        return None
    code = fields.first("ErrorCode")
    return DeliveryReport(
        channel="sms",
        provider_message_id=provider_id,
        progress=progress,
        entry_id=int(entry) if entry.isascii() and entry.isdecimal() and len(entry) < MOST_DIGITS else None,
        failure=undelivered_error(int(code) if code.isascii() and code.isdecimal() else None)
        if progress in FAILURES
        else None,
    )


class Refused(Exception):
    """What Twilio, or whoever calls in its name, is told instead of an answer."""

    def __init__(self, status: int, says: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.says = says
        self.reason = reason


async def signed_fields(request: Request, auth_token: str, public_address: str) -> SignedParameters:  # type: ignore[type-arg]
    """The fields of a request that Twilio signed over exactly this address of ours. Raises Refused.

    The address is that of the settings and never that of the request: behind a proxy the request's is another one, and
    whoever calls may write into it what they like.
    """
    body = await request.body()
    if len(body) > LONGEST_BODY:
        raise Refused(413, "too long", "too long")
    fields = parse_form(request.headers.get("content-type", ""), body)
    query = request.url.query
    url = f"{public_address}?{query}" if query else public_address
    if not is_signed(auth_token, url, fields or {}, request.headers.get(SIGNATURE_HEADER, "")):
        raise Refused(403, "not signed by Twilio", "signature")
    if fields is None:
        raise Refused(400, "not a message", "not a message")
    return fields


def twilio_receivers(context: ChannelContext) -> Sequence[ControllerRouterHandler]:
    """The webhook for texts, the same at its fallback address, and that for delivery receipts."""
    auth_token, external_url = context.keys.twilio_auth_token, context.settings.external_url
    answerable = Answerable.from_settings(context.settings)

    async def take_in(request: Request, path: str) -> Response[str]:  # type: ignore[type-arg]
        fields = await signed_fields(request, auth_token, external_url + path)
        message = to_inbound(fields, answerable)
        if message is None:
            raise Refused(400, "not a message", "not a message")
        # Twilio gives each try to deliver the same message the same token. The message's id is what counts.
        log.info(
            "text received",
            provider_id=message.provider_id,
            idempotency_token=request.headers.get(IDEMPOTENCY_HEADER, "")[:LONGEST_ID],
            code=fields.first("ErrorCode")[:LONGEST_ID],
        )
        handled = await anyio.to_thread.run_sync(context.gateway.handle_inbound, message)
        if handled.outcome is Outcome.REFUSED:
            raise Refused(503, "try again", "cannot be kept")
        return Response(_EMPTY_TWIML, media_type=MediaType.XML)

    @post(INBOUND_PATH, status_code=200, media_type=MediaType.XML, name="twilio-inbound", **_CALLED_BY_TWILIO)
    async def twilio_inbound(request: Request) -> Response[str]:  # type: ignore[type-arg]
        return await take_in(request, INBOUND_PATH)

    @post(FALLBACK_PATH, status_code=200, media_type=MediaType.XML, name="twilio-fallback", **_CALLED_BY_TWILIO)
    async def twilio_fallback(request: Request) -> Response[str]:  # type: ignore[type-arg]
        return await take_in(request, FALLBACK_PATH)

    @post(STATUS_PATH, status_code=204, name="twilio-status", **_CALLED_BY_TWILIO)
    async def twilio_status(request: Request) -> None:  # type: ignore[type-arg]
        fields = await signed_fields(request, auth_token, external_url + STATUS_PATH)
        report = to_report(fields, request.query_params.get("entry", ""))
        if report is None:
            # Twilio may call a state by a word that is new to us; to try again would not help.
            log.warning("receipt not understood", status=fields.first("MessageStatus")[:LONGEST_ID])
            return
        try:
            await anyio.to_thread.run_sync(apply_report, context.gateway.core, report)
        except StorageUnavailable as error:
            raise Refused(503, "try again", "storage unavailable") from error

    return [twilio_inbound, twilio_fallback, twilio_status]


def _say_no(_: object, refused: Refused) -> Response[str]:
    log.warning("webhook refused", reason=refused.reason)
    return Response(refused.says, status_code=refused.status, media_type=MediaType.TEXT)


_CALLED_BY_TWILIO: dict[str, Any] = {"exclude_from_csrf": True, "exception_handlers": {Refused: _say_no}}
