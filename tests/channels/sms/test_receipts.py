"""Twilio's receipts: how far a text has got, and that a receipt counts only as Twilio signed it."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.sms_twilio.paths import STATUS_PATH
from channels.sms_twilio.receive import PATH
from helpline.domain.messages import Reply
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.sending import Delivery, deliver
from helpline.services.turns import settle_turn
from helpline.storage.models import DeliveryReceipt
from tests.channels.breaking import read_only
from tests.channels.conftest import PUBLIC
from tests.channels.sms.helpers import Fields, post, sender_at, sign
from tests.fakes import SettableClock, text_from
from tests.fakes.faults import Fault
from tests.fakes.twilio import FakeTwilio
from tests.fakes.webhooks import post_by
from tests.services import rows


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
