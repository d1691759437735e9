"""Texts go out: Twilio's Messages API. What each error code means: codes.py."""

import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from channels.sms_twilio.codes import credentials_error, error_of
from channels.sms_twilio.paths import STATUS_PATH, WHATSAPP
from helpline.domain.messages import OutboundMessage, SendError, SendResult
from helpline.domain.sending_limits import PROMPT_VALID_FOR
from helpline.keys import Keys
from helpline.settings import Settings

TIMEOUT_SECONDS = 10.0
MOST_LOOKED_AT = 50
# How far our clock and Twilio's may differ, so that an identical earlier text is not taken for the missing one.
CLOCK_SKEW = timedelta(seconds=10)
TWILIO_HOST = "api.twilio.com"
# Asks Twilio to try again to tell us how far a text has got. It is no part of what Twilio signs.
TRY_AGAIN = "#rc=3&rp=all"
# How a call fails. The last ones: Twilio's library trips over an answer that is not what it should be.
CALL_FAILURES = (requests.RequestException, TwilioException, ValueError, KeyError, TypeError)
# A text of ours in one of these states did not arrive, so it is not the one that we look for.
_NOT_THERE = ("failed", "canceled", "undelivered")


class _AskedToWait(TwilioRestException):  # type: ignore[misc]
    """A 429 with how long Twilio asks us to wait, which its library does not pass on."""

    def __init__(self, code: int | None, retry_after_seconds: float | None) -> None:
        super().__init__(429, "", code=code)
        self.retry_after_seconds = retry_after_seconds


class _OurHttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's own client, which can be pointed at another address that speaks the same API."""

    def __init__(self, api_url: str | None, timeout: float) -> None:
        super().__init__(timeout=timeout, max_retries=0)
        self._api = urlsplit(api_url) if api_url else None

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> Response:
        parts = urlsplit(url)
        if self._api is not None and parts.netloc == TWILIO_HOST:
            url = urlunsplit(
                (self._api.scheme, self._api.netloc, self._api.path.rstrip("/") + parts.path, parts.query, "")
            )
        response = super().request(method, url, *args, **kwargs)
        if response.status_code == 429:
            raise _AskedToWait(_code_in(response.text), _seconds((response.headers or {}).get("Retry-After")))
        return response


def _code_in(body: str) -> int | None:
    try:
        return int(json.loads(body)["code"])
    except (ValueError, KeyError, TypeError):
        return None


def _seconds(header: str | None) -> float | None:
    # It may be a date as well, which Twilio does not use.
    return float(header) if header is not None and header.isdecimal() else None


def twilio_client(settings: Settings, keys: Keys, timeout: float = TIMEOUT_SECONDS) -> Client:
    """Twilio's REST API, or on the embedded default that of the phone simulator."""
    api_url = settings.twilio_api_url
    if api_url is None and settings.uses_simulator:
        api_url = f"{settings.own_url}/simulator/twilio"
    return Client(keys.twilio_account_sid, keys.twilio_auth_token, http_client=_OurHttpClient(api_url, timeout))


class TwilioSender:
    """Hands texts to Twilio.

    sender is our number, or a Messaging Service's id (MG...); whatsapp_sender our number on WhatsApp. status_url is
    where Twilio is to say how far a text has got; None where it cannot reach us.
    """

    def __init__(
        self, client: Client, sender: str, *, status_url: str | None = None, whatsapp_sender: str | None = None
    ) -> None:
        self._client = client
        self._sender = sender
        self._status_url = status_url
        self._whatsapp_sender = whatsapp_sender

    @classmethod
    def from_settings(cls, settings: Settings, keys: Keys, timeout: float = TIMEOUT_SECONDS) -> "TwilioSender":
        """The sender that the settings describe; on the embedded default it speaks to the phone simulator."""
        return cls(
            twilio_client(settings, keys, timeout),
            settings.twilio_messaging_service_sid or our_number(settings),
            status_url=settings.external_url + STATUS_PATH if settings.public_url else None,
            whatsapp_sender=settings.twilio_whatsapp_number,
        )

    def send(self, message: OutboundMessage) -> SendResult:
        """Hand over one text. Raises SendError."""
        wanted: dict[str, object] = self._from(message.address)
        if self._status_url is not None:
            entry = f"?entry={message.entry_id}" if message.entry_id is not None else ""
            wanted["status_callback"] = f"{self._status_url}{entry}{TRY_AGAIN}"
        if message.is_prompt:
            wanted["validity_period"] = int(PROMPT_VALID_FOR.total_seconds())
        try:
            sent = self._client.messages.create(to=message.address, body=message.text, **wanted)
        except CALL_FAILURES as error:
            raise to_send_error(error) from error
        return SendResult(str(sent.sid))

    def _from(self, address: str) -> dict[str, object]:
        if address.startswith(WHATSAPP):
            return {"from_": f"{WHATSAPP}{self._whatsapp_sender}"}
        return {"messaging_service_sid": self._sender} if self._sender.startswith("MG") else {"from_": self._sender}

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """Look for a text that may have been handed over since a moment: same number, same words.

        Raises SendError if Twilio cannot be asked.
        """
        try:
            # Newest first. Not by the date of sending: a text that was taken a moment ago has none yet.
            found = self._client.messages.list(to=message.address, limit=MOST_LOOKED_AT)
        except CALL_FAILURES as error:
            failure = to_send_error(error)
            failure.uncertain = True
            raise failure from error
        for sent in found:
            is_since = sent.date_created is None or sent.date_created >= since - CLOCK_SKEW
            if is_since and sent.body == message.text and sent.status not in _NOT_THERE:
                return SendResult(str(sent.sid))
        return None


def our_number(settings: Settings) -> str:
    """The number that people text."""
    return settings.twilio_number or SIMULATED_NUMBER


# Ofcom keeps 07700 900000 to 900999 for drama; nobody has them.
SIMULATED_NUMBER = "+447700900100"


def to_send_error(error: Exception) -> SendError:
    """Name a failure: whether to try again, whose fault it is, and what staff should read."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ConnectionError) and not isinstance(
        error, requests.ReadTimeout
    ):
        refused = "refused" in str(error).lower() or isinstance(error, requests.ConnectTimeout)
        return SendError(
            "provider-unreachable",
            retryable=True,
            ours=False,
            staff_note="Twilio could not be reached.",
            uncertain=not refused,
        )
    if isinstance(error, requests.RequestException):
        return SendError(
            "provider-timeout",
            retryable=True,
            ours=False,
            staff_note="Twilio did not answer in time; it may or may not have taken the text.",
            uncertain=True,
        )
    if isinstance(error, TwilioRestException | TwilioServiceException):
        return _from_code(error)
    return SendError(
        "provider-answer",
        retryable=True,
        ours=False,
        staff_note="Twilio's answer made no sense.",
        uncertain=True,
    )


def _from_code(error: TwilioRestException | TwilioServiceException) -> SendError:
    code, status = int(error.code or 0), int(error.status or 0)
    asked_to_wait = error.retry_after_seconds if isinstance(error, _AskedToWait) else None
    known = error_of(code, retry_after_seconds=asked_to_wait)
    if known is not None:
        return known
    if status == 429 or status >= 500:
        return SendError(
            str(code or status),
            retryable=True,
            ours=False,
            staff_note="Twilio is busy or has a fault.",
            uncertain=status >= 500,
            retry_after_seconds=asked_to_wait,
        )
    if status in (401, 403):
        return credentials_error(str(code or status))
    return SendError(
        str(code or status), retryable=False, ours=True, staff_note="Twilio refused the text; see the code."
    )
