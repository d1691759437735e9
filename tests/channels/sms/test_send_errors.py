"""Texts that do not go out: every refusal of Twilio's has a name, and no text is sent twice for a lost answer."""

from datetime import timedelta

import pytest
import requests
from twilio.base.exceptions import TwilioException, TwilioRestException

from channels.sms_twilio.codes import MEANINGS
from channels.sms_twilio.receive import SignedParameters, to_report
from channels.sms_twilio.send import TwilioSender, to_send_error
from helpline.domain.messages import Again, OutboundMessage, Reply, SendError
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.sending import deliver
from helpline.services.turns import settle_turn
from helpline.settings import Settings
from tests.channels.sms.helpers import sender_at
from tests.fakes import NOON, PHONE, SettableClock, text_from
from tests.fakes.faults import Fault
from tests.fakes.twilio import FakeTwilio
from tests.services import rows


def refused(status: int, code: int | None) -> TwilioRestException:
    return TwilioRestException(status, "/Messages.json", "words of the person", code=code)


ERRORS = [
    # code, status -> code, retryable, ours, opted out, uncertain
    (21610, 400, "21610", False, False, True, False),
    (21211, 400, "21211", False, False, False, False),
    (20003, 401, "20003", True, True, False, False),
    (None, 429, "429", True, False, False, False),
    (None, 500, "500", True, False, False, True),
    (20500, 500, "20500", True, False, False, True),
    (None, 503, "503", True, False, False, True),
    (None, 401, "401", True, True, False, False),
    (None, 403, "403", True, True, False, False),
    (99999, 400, "99999", False, True, False, False),
]


@pytest.mark.parametrize(("code", "status", "named", "retryable", "ours", "opted_out", "uncertain"), ERRORS)
def test_every_refusal_of_twilios_is_named_and_known_to_be_final_or_not(
    code: int | None, status: int, named: str, retryable: bool, ours: bool, opted_out: bool, uncertain: bool
) -> None:
    error = to_send_error(refused(status, code))
    assert (error.code, error.retryable, error.ours, error.opted_out, error.uncertain) == (
        named,
        retryable,
        ours,
        opted_out,
        uncertain,
    )
    assert error.staff_note and "words" not in error.staff_note


# What is done about each code: again, and whether it is ours, an opt-out, a bad number, a call to staff.
OURS, OPTED_OUT, BAD_NUMBER, PAGES = "ours", "opted out", "bad number", "pages"
WHAT_IS_DONE: dict[int, tuple[Again, set[str]]] = {
    14107: (Again.BACK_OFF, set()),
    20003: (Again.UNTIL_MENDED, {OURS, PAGES}),
    20429: (Again.BACK_OFF, set()),
    21211: (Again.NEVER, {BAD_NUMBER}),
    21217: (Again.NEVER, {BAD_NUMBER}),
    21408: (Again.NEVER, {OURS}),
    21602: (Again.NEVER, {OURS}),
    21603: (Again.UNTIL_MENDED, {OURS, PAGES}),
    21606: (Again.UNTIL_MENDED, {OURS, PAGES}),
    21609: (Again.UNTIL_MENDED, {OURS, PAGES}),
    21610: (Again.NEVER, {OPTED_OUT}),
    21611: (Again.BACK_OFF, {OURS, PAGES}),
    21612: (Again.NEVER, set()),
    21614: (Again.NEVER, {BAD_NUMBER}),
    21617: (Again.NEVER, {OURS}),
    21659: (Again.UNTIL_MENDED, {OURS, PAGES}),
    21660: (Again.UNTIL_MENDED, {OURS, PAGES}),
    30001: (Again.BACK_OFF, {OURS, PAGES}),
    30002: (Again.UNTIL_MENDED, {OURS, PAGES}),
    30003: (Again.WITHIN_A_DAY, set()),
    30004: (Again.NEVER, {PAGES}),
    30005: (Again.NEVER, {BAD_NUMBER}),
    30006: (Again.NEVER, {BAD_NUMBER}),
    30007: (Again.NEVER, {OURS, PAGES}),
    30008: (Again.A_FEW_TIMES, set()),
    30017: (Again.A_FEW_TIMES, set()),
    30036: (Again.NEVER, set()),
    30410: (Again.A_FEW_TIMES, set()),
    63016: (Again.NEVER, set()),
    63018: (Again.BACK_OFF, set()),
}


def test_no_code_is_handled_that_is_not_tested() -> None:
    assert set(MEANINGS) == set(WHAT_IS_DONE)


@pytest.mark.parametrize("code", WHAT_IS_DONE)
def test_a_code_means_the_same_as_an_answer_and_in_a_receipt(code: int) -> None:
    again, marks = WHAT_IS_DONE[code]
    receipt = to_report(SignedParameters(MessageSid=["SM1"], MessageStatus=["failed"], ErrorCode=[str(code)]), "7")
    assert receipt is not None and receipt.failure is not None
    for error in (to_send_error(refused(429 if again is Again.BACK_OFF else 400, code)), receipt.failure):
        flags = {OURS: error.ours, OPTED_OUT: error.opted_out, BAD_NUMBER: error.bad_number, PAGES: error.pages}
        assert (error.code, error.again, {name for name, is_so in flags.items() if is_so}) == (str(code), again, marks)
        assert error.retryable == (again is not Again.NEVER)
        assert error.staff_note and not error.uncertain


@pytest.mark.parametrize(
    ("failure", "code", "uncertain"),
    [
        (requests.ConnectTimeout(), "provider-unreachable", False),
        (requests.ConnectionError("Connection refused"), "provider-unreachable", False),
        (requests.ConnectionError("Connection aborted", "reset by peer"), "provider-unreachable", True),
        (requests.ReadTimeout(), "provider-timeout", True),
        (requests.exceptions.ChunkedEncodingError(), "provider-timeout", True),
        (TwilioException("no sense"), "provider-answer", True),
    ],
)
def test_a_broken_connection_is_uncertain_unless_it_was_never_made(
    failure: Exception, code: str, uncertain: bool
) -> None:
    error = to_send_error(failure)
    assert (error.code, error.retryable, error.uncertain) == (code, True, uncertain)


def test_a_provider_that_cannot_be_asked_leaves_a_text_uncertain(keys: Keys) -> None:
    sender = TwilioSender.from_settings(Settings(twilio_api_url="http://127.0.0.1:1"), keys)
    with pytest.raises(SendError) as failed:
        sender.find(OutboundMessage(1, PHONE, "a text"), NOON)
    assert failed.value.uncertain and failed.value.retryable
    with pytest.raises(SendError) as not_sent:
        sender.send(OutboundMessage(1, PHONE, "a text"))
    assert not not_sent.value.uncertain


@pytest.mark.parametrize(("header", "seconds"), [("17", 17.0), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])
def test_how_long_twilio_asks_us_to_wait_is_passed_on(
    api: str, twilio: FakeTwilio, keys: Keys, header: str | None, seconds: float | None
) -> None:
    twilio.faults.append(Fault("refuse", 429, 20429, retry_after=header))
    with pytest.raises(SendError) as failed:
        sender_at(api, keys).send(OutboundMessage(7, PHONE, "a text"))
    assert (failed.value.code, failed.value.retry_after_seconds) == ("20429", seconds)
    assert twilio.calls == ["create"], "the library does not try again by itself"


@pytest.mark.parametrize(
    ("fault", "code", "was_taken"),
    [
        (Fault("refuse", 400, 21610), "21610", False),
        (Fault("refuse", 401, 20003), "20003", False),
        (Fault("refuse", 500), "500", False),
        (Fault("refuse", 503, takes_it=True), "503", True),
        (Fault("hang-before"), "provider-timeout", False),
        (Fault("hang-after"), "provider-timeout", True),
        (Fault("break-off"), "provider-timeout", True),
        (Fault("nonsense"), "provider-answer", True),
    ],
    ids=lambda value: value.kind + str(value.code or "") if isinstance(value, Fault) else None,
)
def test_whether_twilio_has_a_text_after_a_failure_is_looked_up_and_never_guessed(
    api: str,
    twilio: FakeTwilio,
    keys: Keys,
    core: Core,
    clock: SettableClock,
    fault: Fault,
    code: str,
    was_taken: bool,
) -> None:
    senders = {"sms": sender_at(api, keys, timeout=1.0)}
    message = receive(core, text_from("a question")).message_id
    entry_id = settle_turn(core, message, [Reply("an answer")])
    assert entry_id is not None
    twilio.faults.append(fault)
    deliver(core, senders, entry_id, is_last_attempt=False)
    [row] = rows.outbox(core)
    assert row.error_code == code
    clock.advance(timedelta(minutes=1))
    deliver(core, senders, entry_id, is_last_attempt=False)
    assert [one.body for one in twilio.sent] == ([] if code == "21610" else [row.text])
    assert len(twilio.sent) == 1 or code == "21610"
    if code != "21610":
        assert rows.outbox(core)[0].provider_message_id == twilio.sent[0].sid
    assert twilio.calls.count("create") == (1 if was_taken or code == "21610" else 2)
