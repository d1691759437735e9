"""Texts that go out: how long they may be, from which number, and what Twilio is told with them."""

from channels.sms_twilio.paths import STATUS_PATH
from helpline.domain.messages import OutboundMessage, Reply
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.turns import settle_turn
from helpline.storage.models import Inbound
from tests.channels.conftest import PUBLIC
from tests.channels.sms.helpers import sender_at
from tests.fakes import PHONE, text_from
from tests.fakes.twilio import FakeTwilio
from tests.services import rows


def test_a_text_is_never_so_long_that_twilio_refuses_it(core: Core) -> None:
    receive(core, text_from("a question"))
    [message] = rows.all_of(core, Inbound)
    settle_turn(core, message.entry_id, [Reply("word " * 2_000)])
    [answer] = rows.outbox(core)
    assert answer.segments == 3 and len(answer.text) <= 459


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
