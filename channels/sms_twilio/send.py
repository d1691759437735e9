"""Texts go out: Twilio's Messages API.

What each error code means and what to do about it: twilio.com/docs/api/errors.
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from helpline.domain.messages import OutboundMessage, SendError, SendResult
from helpline.keys import Keys
from helpline.settings import Settings

TIMEOUT_SECONDS = 10.0
MOST_LOOKED_AT = 50
# How far our clock and Twilio's may differ, so that an identical earlier text is not taken for the missing one.
CLOCK_SKEW = timedelta(seconds=10)
TWILIO_HOST = "api.twilio.com"

# Codes that mean: this number cannot be reached, now or later.
_PERMANENT = {
    21211: "The number is not valid.",
    21408: "Texts to that country are not switched on in the Twilio console.",
    21612: "The number cannot be reached from our number.",
    21614: "The number cannot receive texts (a landline, perhaps).",
    21617: "The text is too long.",
    30004: "The person or network has blocked us.",
    30005: "The number is not known.",
    30006: "The number is a landline or cannot be reached.",
    30007: "The networks filtered the text as unwanted.",
}
_OUR_FAULT = {
    20003: "Twilio does not accept our account's credentials.",
    21606: "Our sending number is not set up for texts in Twilio.",
    30001: "Twilio's queue is full: we send faster than our number can.",
    21611: "Twilio's queue is full: we send faster than our number can.",
}
OPTED_OUT = 21610


class _RedirectedHttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's own client, pointed at another address that speaks the same API."""

    def __init__(self, api_url: str, timeout: float) -> None:
        super().__init__(timeout=timeout, max_retries=0)
        self._api = urlsplit(api_url)

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> Response:
        parts = urlsplit(url)
        if parts.netloc == TWILIO_HOST:
            url = urlunsplit(
                (self._api.scheme, self._api.netloc, self._api.path.rstrip("/") + parts.path, parts.query, "")
            )
        return super().request(method, url, *args, **kwargs)


class TwilioSender:
    """Hands texts to Twilio. sender is our number, or a Messaging Service's id (MG...)."""

    def __init__(self, account_sid: str, auth_token: str, sender: str, api_url: str | None = None) -> None:
        http = (
            _RedirectedHttpClient(api_url, TIMEOUT_SECONDS)
            if api_url
            else TwilioHttpClient(timeout=TIMEOUT_SECONDS, max_retries=0)
        )
        self._client = Client(account_sid, auth_token, http_client=http)
        self._sender = sender

    @classmethod
    def from_settings(cls, settings: Settings, keys: Keys) -> "TwilioSender":
        """The sender that the settings describe; on the embedded default it speaks to the phone simulator."""
        api_url = settings.twilio_api_url
        if api_url is None and settings.uses_simulator:
            api_url = f"{settings.own_url}/simulator/twilio"
        return cls(
            keys.twilio_account_sid,
            keys.twilio_auth_token,
            settings.twilio_messaging_service_sid or our_number(settings),
            api_url,
        )

    def send(self, message: OutboundMessage) -> SendResult:
        """Hand over one text. Raises SendError."""
        by = {"messaging_service_sid": self._sender} if self._sender.startswith("MG") else {"from_": self._sender}
        try:
            sent = self._client.messages.create(to=message.address, body=message.text, **by)
        except (requests.RequestException, TwilioException) as error:
            raise to_send_error(error) from error
        return SendResult(str(sent.sid))

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """Look for a text that may have been handed over since a moment: same number, same words.

        Raises SendError if Twilio cannot be asked.
        """
        try:
            # Newest first. Not by the date of sending: a text that was taken a moment ago has none yet.
            found = self._client.messages.list(to=message.address, limit=MOST_LOOKED_AT)
        except (requests.RequestException, TwilioException) as error:
            failure = to_send_error(error)
            failure.uncertain = True
            raise failure from error
        for sent in found:
            is_since = sent.date_created is None or sent.date_created >= since - CLOCK_SKEW
            if is_since and sent.body == message.text and sent.status not in ("failed", "canceled"):
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
    if isinstance(error, TwilioRestException):
        return _from_code(error)
    return SendError(
        "provider-answer",
        retryable=True,
        ours=False,
        staff_note="Twilio's answer made no sense.",
        uncertain=True,
    )


def _from_code(error: TwilioRestException) -> SendError:
    code = int(error.code or 0)
    if code == OPTED_OUT:
        return SendError(
            str(code),
            retryable=False,
            ours=False,
            staff_note="The person has opted out of our texts.",
            opted_out=True,
        )
    if code in _PERMANENT:
        return SendError(str(code), retryable=False, ours=False, staff_note=_PERMANENT[code])
    if code in _OUR_FAULT:
        return SendError(str(code), retryable=True, ours=True, staff_note=_OUR_FAULT[code])
    status = int(error.status or 0)
    if status == 429 or status >= 500:
        return SendError(
            str(code or status),
            retryable=True,
            ours=False,
            staff_note="Twilio is busy or has a fault.",
            uncertain=status >= 500,
        )
    if status in (401, 403):
        return SendError(str(code or status), retryable=True, ours=True, staff_note=_OUR_FAULT[20003])
    return SendError(
        str(code or status), retryable=False, ours=True, staff_note="Twilio refused the text; see the code."
    )
