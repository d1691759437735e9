"""Texts by Twilio: nothing forged gets in, and every refusal of Twilio's has a name."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import structlog
from litestar import Litestar
from litestar.testing import TestClient
from twilio.base.exceptions import TwilioException, TwilioRestException

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway
from channels.missed import find_missed
from channels.sms_twilio.codes import MEANINGS
from channels.sms_twilio.inbox import TwilioInbox
from channels.sms_twilio.paths import FALLBACK_PATH, INBOUND_PATH, STATUS_PATH
from channels.sms_twilio.receive import (
    PATH,
    SIGNATURE_HEADER,
    Answerable,
    SignedParameters,
    parse_form,
    to_inbound,
    to_report,
)
from channels.sms_twilio.send import TwilioSender, to_send_error
from helpline.domain.messages import Again, OutboundMessage, Reply, SendError
from helpline.keys import Keys
from helpline.services.alarms import raise_due_alarms
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.sending import Delivery, deliver
from helpline.services.turns import hold, settle_turn
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.models import DeliveryReceipt, Inbound
from tests.channels.breaking import held_by_another_process, read_only
from tests.channels.conftest import AUTH_TOKEN, PUBLIC, on_loopback
from tests.conftest import ADDRESS_KEY, StartedWork
from tests.fakes import (
    NOON,
    PHONE,
    RecordingAlerts,
    RecordingSender,
    ScriptedAssistant,
    SettableClock,
    text_from,
)
from tests.fakes.faults import Fault
from tests.fakes.twilio import FakeTwilio, signature
from tests.fakes.webhooks import WebhookFailed, cannot_connect, post_by
from tests.services import rows

URL = PUBLIC + PATH
FORM = "application/x-www-form-urlencoded"
Fields = list[tuple[str, str]]


def text(body: str = "how do i stop mum falling", sid: str = "SM0123", sender: str = PHONE, **more: str) -> Fields:
    fields = {"MessageSid": sid, "From": sender, "To": "+447700900100", "Body": body, "NumMedia": "0", **more}
    return list(fields.items())


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


def test_a_signed_text_is_stored_and_answered_with_nothing(
    client: TestClient[Litestar], core: Core, started: StartedWork
) -> None:
    fields = text()
    response = client.post(URL, data=dict(fields), headers={SIGNATURE_HEADER: sign(fields)})
    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, "application/xml")
    assert response.text.endswith("<Response></Response>")
    [stored] = rows.all_of(core, Inbound)
    assert (stored.provider_id, started.turns) == ("SM0123", [stored.entry_id])
    assert post(client, fields, sign(fields)) == 200
    assert len(rows.all_of(core, Inbound)) == 1


FIELDS = text()
FORGED = {
    "a wrong key": (FIELDS, sign(FIELDS, token="another")),
    "no header": (FIELDS, None),
    "an empty header": (FIELDS, ""),
    "rubbish": (FIELDS, "not-base64!"),
    "letters that are no ASCII": (FIELDS, "é"),
    "a changed field": (text(body="something else"), sign(FIELDS)),
    "a field too many": ([*FIELDS, ("Extra", "1")], sign(FIELDS)),
    "a field too few": (FIELDS[:-1], sign(FIELDS)),
    "another text beside it": ([*FIELDS, ("Body", "something else")], sign(FIELDS)),
    "another host": (FIELDS, sign(FIELDS, PUBLIC.replace("care", "evil") + PATH)),
    "http for https": (FIELDS, sign(FIELDS, URL.replace("https", "http"))),
    "another path": (FIELDS, sign(FIELDS, URL + "/x")),
    "a query that is not there": (FIELDS, sign(FIELDS, URL + "?a=b")),
    "a key of no letters": (FIELDS, sign(FIELDS, token="")),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_text_that_twilio_did_not_sign_is_refused_and_leaves_nothing(
    client: TestClient[Litestar], core: Core, forgery: str
) -> None:
    fields, signature = FORGED[forgery]
    if signature is not None and not signature.isascii():
        response = client.post(
            URL, content=urlencode(fields), headers={b"content-type": FORM.encode(), b"x-twilio-signature": b"\xe9"}
        )
        assert response.status_code == 403
    else:
        assert post(client, fields, signature) == 403
    assert rows.all_of(core, Inbound) == []


def test_the_query_is_part_of_what_is_signed(client: TestClient[Litestar], core: Core) -> None:
    url = URL + "?a=1&b=2"
    assert post(client, FIELDS, sign(FIELDS), url=url) == 403
    assert post(client, FIELDS, sign(FIELDS, url), url=url) == 200


def test_without_a_key_of_our_own_nothing_is_taken_for_signed(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> None:
    keyless = Keys(**{**keys.__dict__, "twilio_auth_token": ""})
    app = create_app(ChannelContext(settings, keyless, gateway), assistant, core, lambda: None, lambda: None)
    with TestClient(app, base_url=PUBLIC) as client:
        assert post(client, FIELDS, sign(FIELDS, token="")) == 403
        assert post(client, FIELDS, sign(FIELDS)) == 403
    assert rows.all_of(core, Inbound) == []


NOT_A_TEXT = {
    "JSON": ("application/json", b'{"MessageSid": "SM1", "From": "+447700900001"}', []),
    "no content type": ("", b"MessageSid=SM1", []),
    "a form with parts": ("multipart/form-data; boundary=x", b"--x--", []),
    "bytes that are no text": (FORM, b"\xff\xfe=\x80", []),
    "nothing": (FORM, b"", []),
    "no id": (FORM, None, text(sid="")),
    "an id that is too long": (FORM, None, text(sid="S" * 65)),
    "no sender": (FORM, None, text(sender="")),
}


@pytest.mark.parametrize("what", NOT_A_TEXT)
@pytest.mark.parametrize("signed", [True, False])
def test_what_is_no_text_message_is_refused_even_when_it_is_signed(
    client: TestClient[Litestar], core: Core, what: str, signed: bool
) -> None:
    content_type, body, fields = NOT_A_TEXT[what]
    status = post(client, fields, sign(fields) if signed else "x", content_type=content_type, body=body)
    assert status == (400 if signed else 403)
    assert rows.all_of(core, Inbound) == []


def test_a_body_that_is_too_large_is_refused(client: TestClient[Litestar], core: Core) -> None:
    fields = text(body="x" * 70_000)
    assert post(client, fields, sign(fields)) == 413
    assert rows.all_of(core, Inbound) == []


def test_a_picture_without_words_is_answered_and_never_fetched(client: TestClient[Litestar], core: Core) -> None:
    fields = text(body="", NumMedia="2", MediaContentType0="image/jpeg", MediaUrl0="http://127.0.0.1:1/x")
    assert post(client, fields, sign(fields)) == 200
    [stored] = rows.all_of(core, Inbound)
    assert stored.media == ["image/jpeg", "unknown"]
    assert core.say("media-only", "sms") in rows.texts(core)[-1]


@pytest.mark.parametrize("count", ["", "-1", "many", "99999999999", "\u00b2", "1.5"])
def test_a_strange_count_of_pictures_does_no_harm(client: TestClient[Litestar], core: Core, count: str) -> None:
    fields = text(NumMedia=count)
    assert post(client, fields, sign(fields)) == 200
    assert len(rows.all_of(core, Inbound)) == 1


@pytest.mark.parametrize(
    ("sender", "address", "answerable"),
    [
        ("+447700900001", PHONE, True),
        ("+44 7700 900001", PHONE, True),
        ("ParcelCo", "ParcelCo", False),
        ("60777", "60777", False),
    ],
)
def test_a_sender_is_a_number_in_one_form_or_cannot_be_answered(sender: str, address: str, answerable: bool) -> None:
    fields = parse_form(FORM, urlencode(text(sender=sender)).encode())
    assert fields is not None
    message = to_inbound(fields, Answerable())
    assert message is not None
    assert (message.address, message.answerable) == (address, answerable)


def test_while_the_message_cannot_be_kept_anywhere_twilio_is_told_to_try_again(
    settings: Settings,
    keys: Keys,
    core: Core,
    sender: RecordingSender,
    started: StartedWork,
    alerts: RecordingAlerts,
    assistant: ScriptedAssistant,
    tmp_path: Path,
) -> None:
    (tmp_path / "not-a-folder").write_text("")
    spool = Spool(tmp_path / "not-a-folder", ADDRESS_KEY)
    gateway = Gateway(core, {"sms": sender}, started.as_work(), spool, alerts)
    app = create_app(ChannelContext(settings, keys, gateway), assistant, core, lambda: None, lambda: None)
    with TestClient(app, base_url=PUBLIC) as client:
        with held_by_another_process(core.database.engine):
            assert post(client, FIELDS, sign(FIELDS)) == 503
        assert post(client, FIELDS, sign(FIELDS)) == 200


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


def test_a_text_is_never_so_long_that_twilio_refuses_it(core: Core) -> None:
    receive(core, text_from("a question"))
    [message] = rows.all_of(core, Inbound)
    settle_turn(core, message.entry_id, [Reply("word " * 2_000)])
    [answer] = rows.outbox(core)
    assert answer.segments == 3 and len(answer.text) <= 459


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


# --- Whom we answer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("countries", "whatsapp", "sender", "address", "why"),
    [
        ("44", None, "+33612345678", "+33612345678", "sender-abroad"),
        ("44,33", None, "+33612345678", "+33612345678", None),
        ("+44, +353", None, "+353850000000", "+353850000000", None),
        ("*", None, "+12025550123", "+12025550123", None),
        ("44", None, "whatsapp:+447700900001", "whatsapp:+447700900001", "sender-on-whatsapp"),
        ("44", "+447700900200", "whatsapp:+44 7700 900001", "whatsapp:+447700900001", None),
        ("44", "+447700900200", "whatsapp:+33612345678", "whatsapp:+33612345678", "sender-abroad"),
        ("*", "+447700900200", "whatsapp:nobody", "whatsapp:nobody", "sender-cannot-be-answered"),
    ],
)
def test_whom_the_settings_do_not_have_us_answer_is_not_answerable(
    countries: str, whatsapp: str | None, sender: str, address: str, why: str | None
) -> None:
    answerable = Answerable.from_settings(Settings(sms_answer_countries=countries, twilio_whatsapp_number=whatsapp))
    fields = parse_form(FORM, urlencode(text(sender=sender)).encode())
    assert fields is not None
    message = to_inbound(fields, answerable)
    assert message is not None
    assert (message.address, message.answerable) == (address, why is None)
    assert why is None or message.why_unanswerable == why


@pytest.mark.parametrize(
    ("sender", "why"), [("+33612345678", "sender-abroad"), ("whatsapp:+447700900001", "sender-on-whatsapp")]
)
def test_a_text_that_we_do_not_answer_is_kept_and_shown_to_staff_once_a_day(
    client: TestClient[Litestar], core: Core, started: StartedWork, alerts: RecordingAlerts, sender: str, why: str
) -> None:
    for number in range(2):
        fields = text(sid=f"SM{number}", sender=sender)
        assert post(client, fields, sign(fields)) == 200
    first, _ = rows.all_of(core, Inbound)
    assert (first.state, first.state_reason) == ("suppressed", why)
    assert rows.outbox(core) == [] and started.turns == []
    raise_due_alarms(core, alerts)
    assert alerts.raised == [("message-not-answered", {"message_id": first.entry_id})]


def test_danger_from_a_number_that_we_do_not_answer_is_a_case_all_the_same(
    client: TestClient[Litestar], core: Core
) -> None:
    fields = text(body="i want to kill myself", sender="+33612345678")
    assert post(client, fields, sign(fields)) == 200
    assert [case.kind for case in rows.cases(core)] == ["suicide"]


# --- The address that Twilio signs -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [INBOUND_PATH, FALLBACK_PATH])
def test_the_fallback_address_takes_texts_like_the_first_one_and_neither_takes_the_others_signature(
    client: TestClient[Litestar], core: Core, path: str
) -> None:
    for other in {INBOUND_PATH, FALLBACK_PATH, STATUS_PATH} - {path}:
        assert post(client, FIELDS, sign(FIELDS, PUBLIC + other), url=PUBLIC + path) == 403
    assert post(client, FIELDS, sign(FIELDS, PUBLIC + path), url=PUBLIC + path) == 200
    assert len(rows.all_of(core, Inbound)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http"},
        {"x-forwarded-proto": "http"},
        {"forwarded": "host=evil.example;proto=http"},
    ],
)
def test_only_the_address_in_the_settings_counts_whatever_the_request_says_of_itself(
    client: TestClient[Litestar], core: Core, headers: dict[str, str]
) -> None:
    evil, content = "http://evil.example" + PATH, urlencode(FIELDS).encode()
    for signed_over, status in ((evil, 403), ("https://evil.example" + PATH, 403), (URL, 200)):
        given = {**headers, "content-type": FORM, SIGNATURE_HEADER: sign(FIELDS, signed_over)}
        assert client.post("http://evil.example" + PATH, content=content, headers=given).status_code == status
    assert len(rows.all_of(core, Inbound)) == 1


def test_twilio_tries_again_under_the_same_id_and_one_text_is_one_message(
    client: TestClient[Litestar], core: Core, started: StartedWork, caplog: pytest.LogCaptureFixture
) -> None:
    fields, token = text(), {"I-Twilio-Idempotency-Token": "token-1"}
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            headers = {SIGNATURE_HEADER: sign(fields), **token}
            assert client.post(URL, data=dict(fields), headers=headers).status_code == 200
    assert len(rows.all_of(core, Inbound)) == len(started.turns) == 1
    noted = [line for line in logged if line["event"] == "text received"]
    assert {(line["provider_id"], line["idempotency_token"]) for line in noted} == {("SM0123", "token-1")}
    assert all(PHONE not in str(line) and "mum" not in str(line) for line in logged)


# --- Against a Twilio of our own ---------------------------------------------------------------------------------


@pytest.fixture
def twilio(clock: SettableClock) -> FakeTwilio:
    return FakeTwilio(AUTH_TOKEN, now=clock.now)


@pytest.fixture
def api(twilio: FakeTwilio) -> Iterator[str]:
    """Where that Twilio's API is."""
    with on_loopback(twilio.app()) as address:
        yield address


def sender_at(api: str, keys: Keys, timeout: float = 10.0, **settings: Any) -> TwilioSender:
    return TwilioSender.from_settings(Settings(twilio_api_url=api, **settings), keys, timeout)


def test_a_text_goes_out_from_our_number_and_says_where_receipts_are_to_go(
    api: str, twilio: FakeTwilio, keys: Keys
) -> None:
    sender_at(api, keys, twilio_number="+447700900300", public_url=PUBLIC + "/").send(
        OutboundMessage(7, PHONE, "a text")
    )
    assert twilio.sent[0].sent_with == {
        "To": PHONE,
        "Body": "a text",
        "From": "+447700900300",
        "StatusCallback": f"{PUBLIC}{STATUS_PATH}?entry=7#rc=3&rp=all",
    }


def test_a_messaging_service_stands_in_for_the_number(api: str, twilio: FakeTwilio, keys: Keys) -> None:
    service = "MG" + "0" * 32
    sender_at(api, keys, twilio_messaging_service_sid=service, twilio_number="+447700900300").send(
        OutboundMessage(7, PHONE, "a text")
    )
    assert twilio.sent[0].sent_with == {"To": PHONE, "Body": "a text", "MessagingServiceSid": service}


def test_what_nobody_asked_for_is_worth_nothing_after_four_hours(api: str, twilio: FakeTwilio, keys: Keys) -> None:
    sender_at(api, keys).send(OutboundMessage(7, PHONE, "how are you", is_prompt=True))
    assert twilio.sent[0].sent_with["ValidityPeriod"] == "14400"


def test_who_wrote_on_whatsapp_is_answered_there(api: str, twilio: FakeTwilio, keys: Keys) -> None:
    sender_at(api, keys, twilio_whatsapp_number="+447700900200").send(
        OutboundMessage(7, "whatsapp:+447700900001", "a text")
    )
    sent = twilio.sent[0].sent_with
    assert (sent["From"], sent["To"]) == ("whatsapp:+447700900200", "whatsapp:+447700900001")


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


def test_a_receipt_says_how_far_a_text_has_got(
    api: str, twilio: FakeTwilio, keys: Keys, core: Core, client: TestClient[Litestar]
) -> None:
    message = receive(core, text_from("a question")).message_id
    entry_id = settle_turn(core, message, [Reply("an answer")])
    assert entry_id is not None
    deliver(core, {"sms": sender_at(api, keys, public_url=PUBLIC)}, entry_id, is_last_attempt=False)
    [sent] = twilio.sent
    for status in ("sent", "delivered", "delivered", "sent", "queued"):
        assert twilio.report(sent, status, post_by(client)) == [204]
    [receipt] = rows.all_of(core, DeliveryReceipt)
    assert (receipt.entry_id, receipt.provider_message_id, receipt.progress) == (entry_id, sent.sid, "delivered")


def test_a_receipt_of_a_text_whose_answer_got_lost_saves_the_look_up(
    api: str, twilio: FakeTwilio, keys: Keys, core: Core, client: TestClient[Litestar]
) -> None:
    senders = {"sms": sender_at(api, keys, timeout=1.0, public_url=PUBLIC)}
    entry_id = settle_turn(core, receive(core, text_from("a question")).message_id, [Reply("an answer")])
    assert entry_id is not None
    twilio.faults.append(Fault("hang-after"))
    deliver(core, senders, entry_id, is_last_attempt=False)
    assert rows.outbox(core)[0].state == "sending"
    assert twilio.report(twilio.sent[0], "sent", post_by(client)) == [204]
    assert rows.outbox(core)[0].state == "sent"
    deliver(core, senders, entry_id, is_last_attempt=False)
    assert twilio.calls == ["create"]


def test_a_phone_that_is_off_is_known_by_its_receipt(
    api: str, twilio: FakeTwilio, keys: Keys, core: Core, client: TestClient[Litestar], clock: SettableClock
) -> None:
    senders = {"sms": sender_at(api, keys, public_url=PUBLIC)}
    entry_id = settle_turn(core, receive(core, text_from("a question")).message_id, [Reply("an answer")])
    assert entry_id is not None
    deliver(core, senders, entry_id, is_last_attempt=False)
    twilio.report(twilio.sent[0], "undelivered", post_by(client), 30003)
    assert deliver(core, senders, entry_id, is_last_attempt=False) is Delivery.WAITS
    clock.advance(timedelta(minutes=16))
    assert deliver(core, senders, entry_id, is_last_attempt=False) is Delivery.SENT
    assert [one.sent_with["StatusCallback"] for one in twilio.sent] == [twilio.sent[0].callback] * 2


STATUS_URL = f"{PUBLIC}{STATUS_PATH}?entry=1"
STATUS: Fields = [("MessageSid", "SM9"), ("MessageStatus", "delivered")]


@pytest.mark.parametrize(
    ("fields", "signature_of", "status"),
    [
        (STATUS, STATUS_URL, 204),
        (STATUS, PUBLIC + STATUS_PATH, 403),
        (STATUS, STATUS_URL.replace("entry=1", "entry=2"), 403),
        (STATUS, STATUS_URL.replace("https", "http"), 403),
        (STATUS, PUBLIC + PATH, 403),
        ([("MessageSid", "SM9"), ("MessageStatus", "teleported")], STATUS_URL, 204),
        ([("MessageStatus", "sent")], STATUS_URL, 204),
    ],
)
def test_a_receipt_is_taken_only_as_twilio_signed_it(
    client: TestClient[Litestar], core: Core, fields: Fields, signature_of: str, status: int
) -> None:
    assert post(client, fields, sign(fields, signature_of), url=STATUS_URL) == status
    is_taken = status == 204 and fields is STATUS
    assert len(rows.all_of(core, DeliveryReceipt)) == is_taken


@pytest.mark.parametrize("entry", ["", "x", "-1", "99999999999999999999", "\u00b2", "1;drop"])
def test_a_receipt_with_a_strange_entry_is_a_receipt_of_nothing_we_know(
    client: TestClient[Litestar], core: Core, entry: str
) -> None:
    url = f"{PUBLIC}{STATUS_PATH}?{urlencode({'entry': entry})}"
    assert post(client, STATUS, sign(STATUS, url), url=url) == 204
    assert [receipt.entry_id for receipt in rows.all_of(core, DeliveryReceipt)] == [None]


def test_a_receipt_that_cannot_be_kept_is_asked_for_again(client: TestClient[Litestar], core: Core) -> None:
    with read_only(core.database.engine):
        assert post(client, STATUS, sign(STATUS, STATUS_URL), url=STATUS_URL) == 503
    assert post(client, STATUS, sign(STATUS, STATUS_URL), url=STATUS_URL) == 204


# --- What our webhook missed -------------------------------------------------------------------------------------


@pytest.fixture
def inbox(api: str, keys: Keys) -> TwilioInbox:
    return TwilioInbox.from_settings(Settings(twilio_api_url=api), keys)


def minutes_later(clock: SettableClock, minutes: int = 3) -> None:
    clock.advance(timedelta(minutes=minutes))


def test_texts_that_a_dead_webhook_missed_are_found_and_each_answered_once_with_a_word_about_the_wait(
    twilio: FakeTwilio,
    inbox: TwilioInbox,
    gateway: Gateway,
    core: Core,
    clock: SettableClock,
    started: StartedWork,
    client: TestClient[Litestar],
    alerts: RecordingAlerts,
) -> None:
    came = twilio.receive(PHONE, "this one came through")
    assert twilio.webhook(came, URL, post_by(client)) == [200]
    missed = [twilio.receive(f"+44770090010{number}", f"question {number}") for number in range(3)]
    danger = twilio.receive("+447700900109", "i want to kill myself")
    for one in (*missed, danger):
        assert set(twilio.webhook(one, URL + "#rc=5&rp=all", cannot_connect)) == {0}
    minutes_later(clock)
    assert find_missed(gateway, {"sms": inbox}) == 4
    assert find_missed(gateway, {"sms": inbox}) == 0
    # Twilio gets through at last, too.
    assert twilio.webhook(missed[0], URL, post_by(client)) == [200]

    late = [row for row in rows.all_of(core, Inbound) if row.late]
    assert [row.provider_id for row in late] == [one.sid for one in (*missed, danger)]
    assert [case.kind for case in rows.cases(core)] == ["suicide"]
    [safety] = rows.outbox(core)
    assert "999" in safety.text
    lead = core.say("late-answer-lead", "sms")
    for message_id in started.turns:
        settle_turn(core, message_id, [Reply("an answer")])
    answers = rows.texts(core)[1:]
    assert [lead in answer for answer in answers] == [False, True, True, True]
    raise_due_alarms(core, alerts)
    assert ("messages-found-late", {"channel": "sms", "count": 4}) in alerts.raised


def test_a_late_answer_says_that_it_is_late_once_also_where_the_person_was_told_to_wait(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, core: Core, clock: SettableClock, started: StartedWork
) -> None:
    twilio.receive(PHONE, "a question")
    minutes_later(clock)
    find_missed(gateway, {"sms": inbox})
    hold(core, started.turns[0])
    settle_turn(core, started.turns[0], [Reply("an answer")])
    assert rows.texts(core)[-1].count(core.say("late-answer-lead", "sms")) == 1


def test_a_text_that_may_still_come_by_itself_is_left_alone(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock
) -> None:
    twilio.receive(PHONE, "a question")
    clock.advance(timedelta(seconds=30))
    assert find_missed(gateway, {"sms": inbox}) == 0
    minutes_later(clock)
    assert find_missed(gateway, {"sms": inbox}) == 1


def test_after_an_outage_of_hours_everything_since_the_last_look_is_found(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock, core: Core
) -> None:
    twilio.largest_page = 20
    assert find_missed(gateway, {"sms": inbox}) == 0
    for number in range(90):
        twilio.receive(f"+4477009{number:05d}", "a question")
        minutes_later(clock)
    assert find_missed(gateway, {"sms": inbox}) == 90
    assert len({row.provider_id for row in rows.all_of(core, Inbound)}) == 90


def test_the_first_look_of_all_does_not_answer_what_is_days_old(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock
) -> None:
    twilio.receive(PHONE, "long ago")
    clock.advance(timedelta(days=2))
    assert find_missed(gateway, {"sms": inbox}) == 0


def test_a_twilio_that_cannot_be_asked_is_asked_again_from_where_the_last_answer_ended(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock, keys: Keys
) -> None:
    find_missed(gateway, {"sms": inbox})
    twilio.receive(PHONE, "a question")
    clock.advance(timedelta(hours=3))
    away = TwilioInbox.from_settings(Settings(twilio_api_url="http://127.0.0.1:1"), keys)
    assert find_missed(gateway, {"sms": away}) == 0
    assert find_missed(gateway, {"sms": inbox}) == 1


def test_while_nothing_can_be_kept_the_list_counts_as_unread(
    twilio: FakeTwilio, inbox: TwilioInbox, core: Core, clock: SettableClock, started: StartedWork, tmp_path: Path
) -> None:
    (tmp_path / "not-a-folder").write_text("")
    spool = Spool(tmp_path / "not-a-folder", ADDRESS_KEY)
    gateway = Gateway(core, {"sms": RecordingSender()}, started.as_work(), spool, RecordingAlerts())
    find_missed(gateway, {"sms": inbox})
    twilio.receive(PHONE, "a question")
    clock.advance(timedelta(hours=1))
    with read_only(core.database.engine):
        assert find_missed(gateway, {"sms": inbox}) == 0
    assert find_missed(gateway, {"sms": inbox}) == 1


def test_what_is_not_for_our_number_or_came_from_us_is_none_of_our_business(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock, api: str, keys: Keys
) -> None:
    twilio.receive(PHONE, "for another number", to="+447700900999")
    sender_at(api, keys).send(OutboundMessage(7, PHONE, "a text"))
    minutes_later(clock)
    assert find_missed(gateway, {"sms": inbox}) == 0


def test_with_a_messaging_service_its_own_texts_are_found(
    twilio: FakeTwilio, api: str, keys: Keys, gateway: Gateway, clock: SettableClock, core: Core
) -> None:
    service = "MG" + "0" * 32
    twilio.receive(PHONE, "for the service", to="+447700900300").service = service
    twilio.receive(PHONE, "for another", to="+447700900301").service = "MG" + "1" * 32
    minutes_later(clock)
    inbox = TwilioInbox.from_settings(Settings(twilio_api_url=api, twilio_messaging_service_sid=service), keys)
    assert find_missed(gateway, {"sms": inbox}) == 1


def test_a_missed_picture_is_known_to_be_one(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock, core: Core
) -> None:
    twilio.receive(PHONE, "", media=2)
    minutes_later(clock)
    assert find_missed(gateway, {"sms": inbox}) == 1
    [stored] = rows.all_of(core, Inbound)
    assert (stored.media, stored.state_reason) == (["unknown", "unknown"], "media-only")


def test_twilio_turns_to_the_fallback_address_when_the_first_one_cannot_be_reached(
    twilio: FakeTwilio, client: TestClient[Litestar], core: Core
) -> None:
    def only_the_fallback(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        if not url.endswith(FALLBACK_PATH):
            raise WebhookFailed
        return post_by(client)(url, body, headers)

    one = twilio.receive(PHONE, "a question")
    assert twilio.webhook(one, URL, only_the_fallback, fallback=PUBLIC + FALLBACK_PATH) == [0, 0, 200]
    [stored] = rows.all_of(core, Inbound)
    assert (stored.provider_id, stored.late) == (one.sid, False)
