"""Texts by Twilio: nothing forged gets in, and every refusal of Twilio's has a name."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from litestar import Litestar
from litestar.testing import TestClient
from twilio.base.exceptions import TwilioException, TwilioRestException

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway
from channels.sms_twilio.receive import PATH, SIGNATURE_HEADER, parse_form, to_inbound
from channels.sms_twilio.send import TwilioSender, to_send_error
from helpline.domain.messages import OutboundMessage, SendError
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.models import Inbound
from tests.channels.breaking import held_by_another_process
from tests.channels.conftest import AUTH_TOKEN, PUBLIC
from tests.conftest import ADDRESS_KEY, StartedWork
from tests.fakes import NOON, PHONE, RecordingAlerts, RecordingSender, ScriptedAssistant
from tests.services import rows

URL = PUBLIC + PATH
FORM = "application/x-www-form-urlencoded"
Fields = list[tuple[str, str]]


def text(body: str = "how do i stop mum falling", sid: str = "SM0123", sender: str = PHONE, **more: str) -> Fields:
    fields = {"MessageSid": sid, "From": sender, "To": "+447700900100", "Body": body, "NumMedia": "0", **more}
    return list(fields.items())


def sign(fields: Iterable[tuple[str, str]], url: str = URL, token: str = AUTH_TOKEN) -> str:
    """As Twilio's documentation says: the URL, then each name with its value, sorted, under HMAC-SHA1."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


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
    app = create_app(ChannelContext(settings, keyless, gateway), assistant, lambda: True, lambda: None, lambda: None)
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
        ("+33612345678", "+33612345678", True),
        ("ParcelCo", "ParcelCo", False),
        ("60777", "60777", False),
    ],
)
def test_a_sender_is_a_number_in_one_form_or_cannot_be_answered(sender: str, address: str, answerable: bool) -> None:
    fields = parse_form(FORM, urlencode(text(sender=sender)).encode())
    assert fields is not None
    message = to_inbound(fields)
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
    app = create_app(ChannelContext(settings, keys, gateway), assistant, lambda: True, lambda: None, lambda: None)
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
    (21614, 400, "21614", False, False, False, False),
    (21617, 400, "21617", False, False, False, False),
    (30004, 400, "30004", False, False, False, False),
    (30005, 400, "30005", False, False, False, False),
    (30006, 400, "30006", False, False, False, False),
    (30007, 400, "30007", False, False, False, False),
    (20003, 401, "20003", True, True, False, False),
    (21606, 400, "21606", True, True, False, False),
    (30001, 429, "30001", True, True, False, False),
    (21611, 429, "21611", True, True, False, False),
    (20429, 429, "20429", True, False, False, False),
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


def test_a_provider_that_cannot_be_asked_leaves_a_text_uncertain() -> None:
    sender = TwilioSender("AC" + "0" * 32, "token", "+447700900100", "http://127.0.0.1:1")
    with pytest.raises(SendError) as failed:
        sender.find(OutboundMessage(1, PHONE, "a text"), NOON)
    assert failed.value.uncertain and failed.value.retryable
    with pytest.raises(SendError) as not_sent:
        sender.send(OutboundMessage(1, PHONE, "a text"))
    assert not not_sent.value.uncertain
