"""Texts that Twilio posts to us: each is stored once, and what is no text is refused."""

import pytest
import structlog
from litestar import Litestar
from litestar.testing import TestClient

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway
from channels.sms_twilio.receive import SIGNATURE_HEADER
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.models import Inbound
from tests.channels.breaking import held_by_another_process
from tests.channels.conftest import PUBLIC
from tests.channels.sms.helpers import FIELDS, FORM, URL, post, sign, text
from tests.conftest import StartedWork
from tests.fakes import PHONE, RecordingAlerts, RecordingSender, ScriptedAssistant
from tests.services import rows


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


def test_while_the_message_cannot_be_kept_anywhere_twilio_is_told_to_try_again(
    settings: Settings,
    keys: Keys,
    core: Core,
    sender: RecordingSender,
    started: StartedWork,
    alerts: RecordingAlerts,
    assistant: ScriptedAssistant,
    broken_spool: Spool,
) -> None:
    gateway = Gateway(core, {"sms": sender}, started.as_work(), broken_spool, alerts)
    app = create_app(ChannelContext(settings, keys, gateway), assistant, core, lambda: None, lambda: None)
    with TestClient(app, base_url=PUBLIC) as client:
        with held_by_another_process(core.database.engine):
            assert post(client, FIELDS, sign(FIELDS)) == 503
        assert post(client, FIELDS, sign(FIELDS)) == 200


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
