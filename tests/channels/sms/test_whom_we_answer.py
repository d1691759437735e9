"""Whom we answer by text: numbers that the settings allow. All others are kept and shown to staff."""

from urllib.parse import urlencode

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.sms_twilio.receive import Answerable, parse_form, to_inbound
from helpline.services.alarms import raise_due_alarms
from helpline.services.core import Core
from helpline.settings import Settings
from helpline.storage.models import Inbound
from tests.channels.sms.helpers import FORM, post, sign, text
from tests.conftest import StartedWork
from tests.fakes import PHONE, RecordingAlerts
from tests.services import rows


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
