"""Texts come in: Twilio's webhook, signed over the exact public address.

Source of the rules: twilio.com/docs/usage/security#validating-requests and
twilio.com/docs/messaging/guides/webhook-request.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import anyio
import phonenumbers
import structlog
from litestar import MediaType, Request, Response, post
from litestar.types import ControllerRouterHandler
from twilio.request_validator import RequestValidator

from channels.base import ChannelContext
from channels.gateway import Outcome
from helpline.domain.messages import InboundMessage

PATH = "/channels/sms/twilio"
SIGNATURE_HEADER = "X-Twilio-Signature"
LONGEST_BODY = 65_536
LONGEST_ID = 64

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


def to_inbound(fields: SignedParameters) -> InboundMessage | None:
    """The message in a webhook's fields; None if it lacks its id or its sender.

    A sender that is a name and not a number ("ParcelCo") cannot be answered.
    """
    provider_id, sender = fields.first("MessageSid"), fields.first("From")
    if not provider_id or len(provider_id) > LONGEST_ID or not sender:
        return None
    number = _number(sender)
    count = fields.first("NumMedia")
    media = tuple(
        fields.first(f"MediaContentType{index}") or "unknown"
        for index in range(min(int(count), 10) if count.isdecimal() else 0)
    )
    return InboundMessage(
        channel="sms",
        provider_id=provider_id,
        address=number or sender,
        text=fields.first("Body"),
        media=media,
        answerable=number is not None,
    )


def _number(sender: str) -> str | None:
    try:
        parsed = phonenumbers.parse(sender, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def twilio_receivers(context: ChannelContext) -> Sequence[ControllerRouterHandler]:
    """The webhook handler."""
    auth_token = context.keys.twilio_auth_token
    public_address = context.settings.external_url + PATH

    @post(PATH, status_code=200, media_type=MediaType.XML, name="twilio-inbound", exclude_from_csrf=True)
    async def twilio_inbound(request: Request) -> Response[str]:  # type: ignore[type-arg]
        body = await request.body()
        if len(body) > LONGEST_BODY:
            return Response("too long", status_code=413, media_type=MediaType.TEXT)
        fields = parse_form(request.headers.get("content-type", ""), body)
        query = request.url.query
        url = f"{public_address}?{query}" if query else public_address
        if not is_signed(auth_token, url, fields or {}, request.headers.get(SIGNATURE_HEADER, "")):
            log.warning("webhook refused", reason="signature")
            return Response("not signed by Twilio", status_code=403, media_type=MediaType.TEXT)
        message = to_inbound(fields) if fields is not None else None
        if message is None:
            log.warning("webhook refused", reason="not a message")
            return Response("not a message", status_code=400, media_type=MediaType.TEXT)
        handled = await anyio.to_thread.run_sync(context.gateway.handle_inbound, message)
        if handled.outcome is Outcome.REFUSED:
            return Response("try again", status_code=503, media_type=MediaType.TEXT)
        return Response(_EMPTY_TWIML, media_type=MediaType.XML)

    return [twilio_inbound]
