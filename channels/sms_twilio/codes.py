"""What Twilio's error codes mean to us, all in one table: what staff read, whether it is tried again, who is told.

Codes: twilio.com/docs/api/errors. A code reaches us as the answer to our call, or later with a delivery receipt; it
means the same either way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from helpline.domain.messages import Again, SendError


@dataclass(frozen=True)
class Meaning:
    """What one code means. The fields are those of SendError."""

    staff_note: str
    again: Again = Again.NEVER
    ours: bool = False
    opted_out: bool = False
    bad_number: bool = False
    pages: bool = False


_CREDENTIALS = Meaning("Twilio does not accept our account's credentials.", Again.UNTIL_MENDED, ours=True, pages=True)
_QUEUE_FULL = Meaning(
    "Twilio's queue is full: we send faster than our number can.", Again.BACK_OFF, ours=True, pages=True
)
_TOO_FAST = Meaning("Twilio asks us to go slower.", Again.BACK_OFF)
_UNEXPLAINED = Meaning("The network did not say why it failed.", Again.A_FEW_TIMES)

MEANINGS: Mapping[int, Meaning] = {
    # The account.
    20003: _CREDENTIALS,
    30002: Meaning("Our Twilio account is suspended.", Again.UNTIL_MENDED, ours=True, pages=True),
    21408: Meaning("Texts to that country are not switched on in the Twilio console.", ours=True),
    21603: Meaning("No number to send from is set.", Again.UNTIL_MENDED, ours=True, pages=True),
    21606: Meaning("Our sending number is not set up for texts in Twilio.", Again.UNTIL_MENDED, ours=True, pages=True),
    21609: Meaning(
        "Twilio cannot use HELPLINE_PUBLIC_URL for delivery receipts.", Again.UNTIL_MENDED, ours=True, pages=True
    ),
    21659: Meaning("Our sending number is none of Twilio's.", Again.UNTIL_MENDED, ours=True, pages=True),
    21660: Meaning("Our sending number is not this account's.", Again.UNTIL_MENDED, ours=True, pages=True),
    # How fast we are.
    14107: _TOO_FAST,
    20429: _TOO_FAST,
    63018: _TOO_FAST,
    21611: _QUEUE_FULL,
    30001: _QUEUE_FULL,
    # The person.
    21610: Meaning("The person has opted out of our texts.", opted_out=True),
    # The number.
    21211: Meaning("The number is not valid.", bad_number=True),
    21217: Meaning("The number is not valid.", bad_number=True),
    21612: Meaning("The number cannot be reached from our number."),
    21614: Meaning("The number cannot receive texts (a landline, perhaps).", bad_number=True),
    30005: Meaning("The number is not known.", bad_number=True),
    30006: Meaning("The number is a landline or cannot be reached.", bad_number=True),
    # The phone and the network.
    30003: Meaning("The phone is off or has no signal.", Again.WITHIN_A_DAY),
    30004: Meaning("The person or network has blocked us.", pages=True),
    30007: Meaning("The networks filtered the text as unwanted.", ours=True, pages=True),
    30008: _UNEXPLAINED,
    30017: Meaning("The network is too busy.", Again.A_FEW_TIMES),
    30410: Meaning("The network did not answer in time.", Again.A_FEW_TIMES),
    # The text.
    21602: Meaning("The text is empty.", ours=True),
    21617: Meaning("The text is too long.", ours=True),
    30036: Meaning("It waited for so long that it was worth nothing any more, so it was dropped."),
    63016: Meaning("On WhatsApp, nothing may be sent a day after the person last wrote."),
}


def error_of(code: int, *, retry_after_seconds: float | None = None) -> SendError | None:
    """The named failure for a code; None for one that is not in the table."""
    meaning = MEANINGS.get(code)
    return None if meaning is None else _to_error(str(code), meaning, retry_after_seconds)


def credentials_error(code: str) -> SendError:
    """What any other refusal of who we are means."""
    return _to_error(code, _CREDENTIALS, None)


def undelivered_error(code: int | None) -> SendError:
    """Why a text was not delivered, as a receipt says it; what the table does not know is unexplained."""
    return (error_of(code) if code else None) or _to_error(str(code or "not-delivered"), _UNEXPLAINED, None)


def _to_error(code: str, meaning: Meaning, retry_after_seconds: float | None) -> SendError:
    return SendError(
        code,
        retryable=meaning.again is not Again.NEVER,
        ours=meaning.ours,
        staff_note=meaning.staff_note,
        opted_out=meaning.opted_out,
        again=meaning.again,
        retry_after_seconds=retry_after_seconds,
        bad_number=meaning.bad_number,
        pages=meaning.pages,
    )
