"""The outbox: marked before the provider is called, recorded after, looked up and never guessed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from helpline.domain.messages import Reply, SendError, SendResult
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.sending import claim, record_failed, record_sent
from helpline.services.turns import hold, settle_turn
from tests.fakes import PHONE, SettableClock, text_from
from tests.services import rows


def refusal(code: str = "500", **more: bool) -> SendError:
    return SendError(code, **{"retryable": True, "ours": False, "staff_note": f"note {code}", **more})  # type: ignore[arg-type]


@pytest.fixture
def entry_id(core: Core) -> int:
    message_id = receive(core, text_from("a question")).message_id
    made = settle_turn(core, message_id, [Reply("an answer")])
    assert made is not None
    return made


def test_a_claim_gives_the_address_in_the_clear_and_marks_the_row(core: Core, entry_id: int) -> None:
    claimed = claim(core, entry_id)
    assert claimed is not None
    assert (claimed.channel, claimed.message.address, claimed.message.entry_id) == ("sms", PHONE, entry_id)
    assert claimed.message.text.endswith("an answer")
    assert claimed.uncertain_since is None
    assert rows.outbox(core)[0].state == "sending"


def test_what_was_sent_is_recorded_and_never_claimed_again(core: Core, entry_id: int) -> None:
    claim(core, entry_id)
    record_sent(core, entry_id, SendResult("P1"))
    assert (rows.outbox(core)[0].state, rows.outbox(core)[0].provider_message_id) == ("sent", "P1")
    assert claim(core, entry_id) is None


def test_nothing_is_claimed_that_is_not_there(core: Core) -> None:
    assert claim(core, 4_711) is None


def test_a_row_found_being_sent_is_uncertain_since_its_first_claim(
    core: Core, entry_id: int, clock: SettableClock
) -> None:
    first = clock.now()
    claim(core, entry_id)
    for _ in range(2):
        clock.advance(timedelta(minutes=5))
        again = claim(core, entry_id)
        assert again is not None and again.uncertain_since == first


def test_only_one_of_many_claims_at_once_may_send_without_looking_it_up(core: Core, entry_id: int) -> None:
    with ThreadPoolExecutor(6) as pool:
        claims = list(pool.map(lambda _: claim(core, entry_id), range(6)))
    assert sum(one is not None and one.uncertain_since is None for one in claims) == 1


def test_a_refusal_that_may_pass_puts_the_row_back_in_the_queue(core: Core, entry_id: int) -> None:
    claim(core, entry_id)
    record_failed(core, entry_id, refusal("20429"), is_final=False)
    [row] = rows.outbox(core)
    assert (row.state, row.error_code, row.staff_note) == ("queued", "20429", "note 20429")
    again = claim(core, entry_id)
    assert again is not None and again.uncertain_since is None
    record_sent(core, entry_id, SendResult("P1"))
    assert (rows.outbox(core)[0].error_code, rows.outbox(core)[0].staff_note) == (None, None)


def test_an_uncertain_failure_stays_marked_so_that_it_is_looked_up_first(core: Core, entry_id: int) -> None:
    claim(core, entry_id)
    record_failed(core, entry_id, refusal(uncertain=True), is_final=False)
    assert rows.outbox(core)[0].state == "sending"
    again = claim(core, entry_id)
    assert again is not None and again.uncertain_since is not None


def test_a_final_failure_is_left_for_staff_with_its_note(core: Core, entry_id: int) -> None:
    claim(core, entry_id)
    record_failed(core, entry_id, refusal("21211", retryable=False), is_final=True)
    [row] = rows.outbox(core)
    assert (row.state, row.staff_note) == ("failed", "note 21211")
    assert claim(core, entry_id) is None


def test_a_provider_that_says_the_person_opted_out_is_believed(core: Core, entry_id: int, clock: SettableClock) -> None:
    claim(core, entry_id)
    record_failed(core, entry_id, refusal("21610", retryable=False, opted_out=True), is_final=True)
    assert rows.contact(core).opted_out_at == clock.now()
    first = clock.now()
    clock.advance(timedelta(days=1))
    record_failed(core, entry_id, refusal("21610", retryable=False, opted_out=True), is_final=True)
    assert rows.contact(core).opted_out_at == first


def test_a_reply_that_waits_when_stop_arrives_is_not_sent(core: Core, entry_id: int) -> None:
    stop = receive(core, text_from("STOP", "SM2"))
    assert claim(core, entry_id) is None
    assert rows.outbox(core)[0].state == "suppressed"
    assert stop.outbox_id is not None
    assert claim(core, stop.outbox_id) is not None


def test_a_holding_message_is_not_sent_after_stop_either(core: Core) -> None:
    held = hold(core, receive(core, text_from("a question")).message_id)
    receive(core, text_from("STOP", "SM2"))
    assert held is not None
    assert claim(core, held) is None


def test_a_safety_reply_is_sent_even_after_stop(core: Core) -> None:
    receive(core, text_from("STOP"))
    danger = receive(core, text_from("i want to kill myself", "SM2"))
    assert danger.outbox_id is not None
    claimed = claim(core, danger.outbox_id)
    assert claimed is not None and "999" in claimed.message.text
