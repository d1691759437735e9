"""Delivery receipts are applied once and only ever take a message further, in whatever order they come."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpline.domain.messages import Again, Purpose, Reply, SendError, SendResult
from helpline.domain.receipts import FAILURES, DeliveryReport, Progress, is_further
from helpline.domain.sending_limits import SendingLimits, next_try
from helpline.ports import AlertNotRaised
from helpline.services import alarms
from helpline.services.alarms import raise_due_alarms
from helpline.services.core import Core
from helpline.services.outgoing import put_in_outbox
from helpline.services.receipts import apply_report, forget_unknown_receipts
from helpline.services.receiving import receive
from helpline.services.sending import (
    Attempt,
    Delivery,
    NotYet,
    attempt,
    claim,
    deliver,
    note_spending,
    record_failed,
    record_sent,
    waiting_behind,
)
from helpline.services.turns import settle_turn
from helpline.storage import deliveries, repositories
from helpline.storage.models import DeliveryReceipt, Outbox, UnreachableContact
from tests.fakes import NOON, PHONE, RecordingAlerts, RecordingSender, SettableClock, text_from
from tests.services import rows

LONDON = ZoneInfo("Europe/London")


def failure(code: str = "30008", **more: Any) -> SendError:
    again = more.pop("again", Again.NEVER)
    return SendError(
        code, retryable=again is not Again.NEVER, ours=False, staff_note=f"note {code}", again=again, **more
    )


PHONE_OFF = failure("30003", again=Again.WITHIN_A_DAY)
UNKNOWN_NUMBER = failure("30005", bad_number=True)


def report(
    progress: str, entry_id: int | None = None, sid: str = "SID1", why: SendError | None = None
) -> DeliveryReport:
    reached = Progress(progress)
    return DeliveryReport("sms", sid, reached, entry_id, (why or failure()) if reached in FAILURES else None)


def reply_to(core: Core, text: str = "a question", provider_id: str = "SM1", answer: str = "an answer") -> int:
    made = settle_turn(core, receive(core, text_from(text, provider_id)).message_id, [Reply(answer)])
    assert made is not None
    return made


def prompt(core: Core, text: str = "how are you today") -> int:
    """Something that nobody asked for, to the person of PHONE."""
    with core.database.write() as session:
        contact = repositories.find_contact(session, core.addresses, "sms", PHONE)
        assert contact is not None
        now = core.clock.now()
        return put_in_outbox(session, core, contact, Reply(text), in_reply_to=None, purpose=Purpose.FOLLOW_UP, now=now)


def send(core: Core, entry_id: int, sid: str = "SID1") -> None:
    assert claim(core, entry_id) is not None
    record_sent(core, entry_id, SendResult(sid))


def receipts(core: Core) -> list[DeliveryReceipt]:
    return rows.all_of(core, DeliveryReceipt)


def outbox_row(core: Core, entry_id: int) -> Outbox:
    with core.database.read() as session:
        return session.get_one(Outbox, entry_id)


@pytest.fixture
def sent(core: Core) -> int:
    """A reply that the provider has taken as SID1."""
    entry_id = reply_to(core)
    send(core, entry_id)
    return entry_id


# --- One receipt after the other ---------------------------------------------------------------------------------


def test_what_the_provider_took_is_recorded_with_what_it_cost(core: Core) -> None:
    dear = replace(core, sending_limits={"sms": SendingLimits(pence_per_segment=4.5)})
    entry_id = reply_to(dear, answer="word " * 60)
    send(dear, entry_id)
    [receipt] = receipts(core)
    assert (receipt.entry_id, receipt.provider_message_id, receipt.progress) == (entry_id, "SID1", "accepted")
    assert receipt.segments == outbox_row(core, entry_id).segments > 1
    assert receipt.pence == pytest.approx(4.5 * receipt.segments)


def test_receipts_in_order_take_the_message_from_taken_to_delivered(core: Core, sent: int) -> None:
    for progress in ("queued", "sending", "sent", "delivered"):
        assert apply_report(core, report(progress, sent))
        assert receipts(core)[0].progress == progress
    assert receipts(core)[0].reports == 4
    assert outbox_row(core, sent).state == "sent"


def test_in_every_order_and_with_repeats_the_same_stands_at_the_end(core: Core) -> None:
    for number, order in enumerate(permutations(("queued", "sent", "delivered"))):
        entry_id = reply_to(core, f"question {number}", provider_id=f"SM{number}")
        send(core, entry_id, f"SID{number}")
        for progress in (*order, *order):
            apply_report(core, report(progress, entry_id, f"SID{number}"))
        assert outbox_row(core, entry_id).state == "sent"
    assert {receipt.progress for receipt in receipts(core)} == {"delivered"}
    assert {receipt.reports for receipt in receipts(core)} == {6}


@given(st.lists(st.sampled_from(list(Progress)), min_size=1))
def test_which_of_two_says_more_does_not_depend_on_their_order(reports: list[Progress]) -> None:
    def last(order: Sequence[Progress]) -> Progress:
        reached = Progress.ACCEPTED
        for one in order:
            reached = one if is_further(one, reached) else reached
        return reached

    assert last(reports) == last(list(reversed(reports))) == last(sorted(reports)) == last(reports * 2)


def test_the_same_receipt_many_times_at_once_is_applied_once(core: Core, sent: int) -> None:
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda _: apply_report(core, report("undelivered", sent, why=UNKNOWN_NUMBER)), range(6)))
    assert sorted(said) == [False] * 5 + [True]
    assert receipts(core)[0].reports == 6


def test_a_failure_after_delivered_changes_nothing(core: Core, sent: int) -> None:
    apply_report(core, report("delivered", sent))
    assert not apply_report(core, report("undelivered", sent, why=UNKNOWN_NUMBER))
    assert (outbox_row(core, sent).state, outbox_row(core, sent).error_code) == ("sent", None)
    assert rows.all_of(core, UnreachableContact) == []


def test_delivered_after_a_failure_takes_back_what_was_planned(core: Core, sent: int) -> None:
    apply_report(core, report("undelivered", sent, why=PHONE_OFF))
    assert outbox_row(core, sent).state == "queued"
    assert apply_report(core, report("delivered", sent))
    row = outbox_row(core, sent)
    assert (row.state, row.not_before, row.error_code, row.staff_note) == ("sent", None, None, None)


# --- Whose receipt it is -----------------------------------------------------------------------------------------


def test_a_receipt_that_names_a_message_without_its_number_is_found_by_the_providers_id(core: Core, sent: int) -> None:
    assert apply_report(core, report("delivered"))
    assert receipts(core)[0].entry_id == sent


def test_a_receipt_of_nothing_we_know_is_kept_for_an_hour_and_then_dropped(
    core: Core, sent: int, clock: SettableClock
) -> None:
    assert apply_report(core, report("undelivered", None, "STRANGE", UNKNOWN_NUMBER))
    assert apply_report(core, report("delivered", 4_711, "STRANGER"))
    assert outbox_row(core, sent).state == "sent"
    clock.advance(timedelta(minutes=59))
    assert forget_unknown_receipts(core) == 0
    clock.advance(timedelta(minutes=2))
    assert forget_unknown_receipts(core) == 2
    assert [receipt.entry_id for receipt in receipts(core)] == [sent]


def test_a_receipt_for_the_entry_of_another_channel_touches_nothing(core: Core) -> None:
    message = text_from("a question")
    entry_id = settle_turn(core, receive(core, replace(message, channel="web")).message_id, [Reply("an answer")])
    apply_report(core, report("undelivered", entry_id, "SID9", UNKNOWN_NUMBER))
    assert rows.outbox(core)[0].state == "queued"


def test_a_receipt_that_comes_before_the_answer_to_our_call_records_the_message_as_sent(core: Core) -> None:
    entry_id = reply_to(core)
    assert claim(core, entry_id) is not None
    apply_report(core, report("sent", entry_id))
    assert (outbox_row(core, entry_id).state, outbox_row(core, entry_id).provider_message_id) == ("sent", "SID1")
    record_sent(core, entry_id, SendResult("SID1"))
    [receipt] = receipts(core)
    assert (receipt.progress, receipt.segments) == ("sent", 1)


def test_a_time_out_after_a_receipt_does_not_make_the_message_unsent_again(core: Core) -> None:
    entry_id = reply_to(core)
    claim(core, entry_id)
    apply_report(core, report("queued", entry_id))
    timed_out = SendError("provider-timeout", retryable=True, ours=False, staff_note="", uncertain=True)
    assert record_failed(core, entry_id, timed_out, is_final=False) is Delivery.SENT
    assert outbox_row(core, entry_id).state == "sent"
    assert claim(core, entry_id) is None


def test_a_late_receipt_of_the_first_try_does_not_touch_the_second(core: Core, sent: int, clock: SettableClock) -> None:
    apply_report(core, report("undelivered", sent, "SID1", PHONE_OFF))
    clock.advance(timedelta(minutes=20))
    send(core, sent, "SID2")
    assert not apply_report(core, report("undelivered", sent, "SID1", PHONE_OFF))
    assert outbox_row(core, sent).state == "sent"
    assert outbox_row(core, sent).provider_message_id == "SID2"


# --- What follows from a failure ---------------------------------------------------------------------------------


def test_a_phone_that_is_off_is_tried_again_over_a_day_and_then_left_to_staff(
    core: Core, sent: int, clock: SettableClock, alerts: RecordingAlerts
) -> None:
    began, tries = clock.now(), 1
    apply_report(core, report("undelivered", sent, "SID1", PHONE_OFF))
    while outbox_row(core, sent).state == "queued":
        due = outbox_row(core, sent).not_before
        assert due is not None and due > clock.now()
        with pytest.raises(NotYet):
            claim(core, sent)
        clock.moment = due
        tries += 1
        send(core, sent, f"SID{tries}")
        apply_report(core, report("undelivered", sent, f"SID{tries}", PHONE_OFF))
    assert tries == 6
    assert timedelta(hours=12) < clock.now() - began <= timedelta(hours=24)
    assert (outbox_row(core, sent).state, outbox_row(core, sent).error_code) == ("failed", "30003")
    assert raise_due_alarms(core, alerts) == 1
    assert alerts.raised == [("message-not-delivered", {"entry_id": sent, "code": "30003"})]


def test_a_phone_that_comes_on_gets_the_message_once_more_and_no_further(
    core: Core, sent: int, clock: SettableClock, sender: RecordingSender
) -> None:
    apply_report(core, report("undelivered", sent, "SID1", PHONE_OFF))
    assert attempt(core, {"sms": sender}, sent, is_last_attempt=False) == Attempt(Delivery.WAITS, 900.0)
    clock.advance(timedelta(minutes=15))
    assert deliver(core, {"sms": sender}, sent, is_last_attempt=False) is Delivery.SENT
    assert sender.looked_up == [] and len(sender.taken) == 1
    apply_report(core, report("delivered", sent, "P1"))
    assert deliver(core, {"sms": sender}, sent, is_last_attempt=False) is Delivery.NOTHING_TO_DO


def test_a_phone_that_is_off_does_not_keep_the_persons_next_answer_waiting(core: Core, sent: int) -> None:
    apply_report(core, report("undelivered", sent, "SID1", PHONE_OFF))
    later = reply_to(core, "another question", "SM2")
    assert claim(core, later) is not None


def test_an_answer_that_a_later_one_has_overtaken_is_not_sent_again(
    core: Core, sent: int, clock: SettableClock
) -> None:
    apply_report(core, report("undelivered", sent, "SID1", PHONE_OFF))
    send(core, reply_to(core, "another question", "SM2"), "SID2")
    clock.advance(timedelta(minutes=16))
    assert claim(core, sent) is None
    assert (outbox_row(core, sent).state, outbox_row(core, sent).staff_note) == (
        "suppressed",
        "overtaken by a later reply",
    )


def test_stop_also_ends_what_was_to_be_sent_again(core: Core, sent: int, clock: SettableClock) -> None:
    apply_report(core, report("undelivered", sent, "SID1", PHONE_OFF))
    receive(core, text_from("STOP", "SM2"))
    clock.advance(timedelta(minutes=16))
    assert claim(core, sent) is None
    assert outbox_row(core, sent).state == "suppressed"


def test_a_safety_reply_that_did_not_arrive_makes_the_case_urgent_and_is_tried_again(core: Core) -> None:
    entry_id = receive(core, text_from("i want to kill myself")).outbox_id
    assert entry_id is not None
    send(core, entry_id)
    apply_report(core, report("undelivered", entry_id, why=PHONE_OFF))
    [case] = rows.cases(core)
    assert case.urgent and case.reply_refused_at is not None and case.alert_due_at is not None
    assert outbox_row(core, entry_id).state == "queued"


def test_an_opt_out_that_comes_with_a_receipt_is_believed(core: Core, sent: int) -> None:
    apply_report(core, report("failed", sent, why=failure("21610", opted_out=True)))
    assert rows.contact(core).opted_out_at is not None


def test_a_filtered_text_calls_staff_once_an_hour_however_many_there_are(
    core: Core, clock: SettableClock, alerts: RecordingAlerts
) -> None:
    for number in range(3):
        entry_id = reply_to(core, f"question {number}", provider_id=f"SM{number}")
        send(core, entry_id, f"SID{number}")
        apply_report(core, report("undelivered", entry_id, f"SID{number}", failure("30007", pages=True)))
    raise_due_alarms(core, alerts)
    assert [kind for kind, _ in alerts.raised].count("provider-fault") == 1
    clock.advance(timedelta(hours=1))
    entry_id = reply_to(core, provider_id="SM9")
    send(core, entry_id, "SID9")
    apply_report(core, report("undelivered", entry_id, "SID9", failure("30007", pages=True)))
    raise_due_alarms(core, alerts)
    assert [kind for kind, _ in alerts.raised].count("provider-fault") == 2


def test_an_alarm_that_could_not_be_raised_is_raised_by_the_next_sweep_and_then_never_again(
    core: Core, sent: int, alerts: RecordingAlerts
) -> None:
    class Away:
        def raise_alert(self, kind: str, **ids: str | int) -> None:
            raise AlertNotRaised("away")

    apply_report(core, report("undelivered", sent, why=UNKNOWN_NUMBER))
    assert raise_due_alarms(core, Away()) == 0
    assert raise_due_alarms(core, alerts) == 1
    assert raise_due_alarms(core, alerts) == 0


@pytest.mark.parametrize(
    ("purpose", "again", "failures", "hours_since_first", "wanted"),
    [
        (Purpose.REPLY, Again.NEVER, 1, 0, None),
        (Purpose.REPLY, Again.WITHIN_A_DAY, 1, 0, timedelta(minutes=15)),
        (Purpose.REPLY, Again.WITHIN_A_DAY, 3, 2, timedelta(hours=3)),
        (Purpose.REPLY, Again.WITHIN_A_DAY, 5, 19, None),
        (Purpose.REPLY, Again.A_FEW_TIMES, 1, 0, timedelta(minutes=2)),
        (Purpose.REPLY, Again.A_FEW_TIMES, 4, 0, None),
        (Purpose.HOLDING, Again.WITHIN_A_DAY, 1, 0, None),
        (Purpose.CONTROL, Again.WITHIN_A_DAY, 1, 0, None),
        (Purpose.SAFETY, Again.WITHIN_A_DAY, 1, 0, timedelta(minutes=15)),
        (Purpose.FOLLOW_UP, Again.WITHIN_A_DAY, 2, 1, timedelta(hours=1)),
    ],
)
def test_when_a_message_that_was_not_delivered_is_tried_again(
    purpose: Purpose, again: Again, failures: int, hours_since_first: int, wanted: timedelta | None
) -> None:
    first = NOON - timedelta(hours=hours_since_first)
    due = next_try(again, purpose, failures, first, NOON, LONDON)
    assert due == (None if wanted is None else NOON + wanted)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        # An hour later would be the evening: the next morning, on winter and on summer time.
        (datetime(2026, 11, 23, 19, 30, tzinfo=UTC), datetime(2026, 11, 24, 9, 0, tzinfo=UTC)),
        (datetime(2026, 6, 23, 18, 30, tzinfo=UTC), datetime(2026, 6, 24, 8, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 5, 0, tzinfo=UTC), datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
    ],
)
def test_what_is_unasked_is_tried_again_by_day_only(now: datetime, due: datetime) -> None:
    assert next_try(Again.WITHIN_A_DAY, Purpose.FOLLOW_UP, 2, now - timedelta(hours=1), now, LONDON) == due
    assert next_try(Again.WITHIN_A_DAY, Purpose.FOLLOW_UP, 2, due - timedelta(hours=25), now, LONDON) is None


# --- Numbers at which nobody can be reached ----------------------------------------------------------------------


def test_after_a_bad_number_nothing_unasked_is_sent_until_its_person_writes_again(
    core: Core, sent: int, clock: SettableClock
) -> None:
    apply_report(core, report("undelivered", sent, why=UNKNOWN_NUMBER))
    assert outbox_row(core, sent).state == "failed"
    with core.database.read() as session:
        assert [one.error_code for one in deliveries.unreachable_contacts(session)] == ["30005"]
    first = prompt(core)
    assert claim(core, first) is None
    assert outbox_row(core, first).staff_note == "nobody can be reached at this number"
    clock.advance(timedelta(minutes=1))
    receive(core, text_from("still here", "SM2"))
    with core.database.read() as session:
        assert deliveries.unreachable_contacts(session) == []
    assert claim(core, prompt(core)) is not None


def test_two_failures_for_good_make_a_number_unreachable_and_one_does_not(core: Core) -> None:
    first, second = reply_to(core, provider_id="SM1"), reply_to(core, provider_id="SM2")
    for number, entry_id in enumerate((first, second)):
        claim(core, entry_id)
        record_failed(core, entry_id, failure("21612"), is_final=True)
        assert len(rows.all_of(core, UnreachableContact)) == number


def test_a_fault_of_ours_says_nothing_about_the_number(core: Core) -> None:
    ours = SendError("21617", retryable=False, ours=True, staff_note="")
    for number in range(3):
        entry_id = reply_to(core, f"question {number}", provider_id=f"SM{number}")
        claim(core, entry_id)
        record_failed(core, entry_id, ours, is_final=True)
    assert rows.all_of(core, UnreachableContact) == []


# --- Order, pace and waiting -------------------------------------------------------------------------------------


def busy(seconds: float | None = None) -> SendError:
    return SendError("20429", retryable=True, ours=False, staff_note="busy", retry_after_seconds=seconds)


def test_a_provider_that_asks_us_to_wait_is_left_alone_for_so_long(core: Core, sender: RecordingSender) -> None:
    sender.refusals = [busy(17.0)]
    assert attempt(core, {"sms": sender}, reply_to(core), is_last_attempt=False) == Attempt(Delivery.AGAIN, 17.0)


def test_while_one_message_is_tried_again_the_persons_next_one_waits_behind_it(
    core: Core, sender: RecordingSender
) -> None:
    first, second = reply_to(core, provider_id="SM1"), reply_to(core, provider_id="SM2", answer="the second")
    senders = {"sms": sender}
    sender.refusals = [busy()]
    assert deliver(core, senders, first, is_last_attempt=False) is Delivery.AGAIN
    assert deliver(core, senders, second, is_last_attempt=False) is Delivery.BEHIND
    with core.database.read() as session:
        late = core.clock.now() + timedelta(minutes=1)
        assert [row[0] for row in deliveries.waiting_outbox(session, late, late, 10)] == [first]
    assert waiting_behind(core, rows.contact(core).id, first) == [second]
    assert deliver(core, senders, first, is_last_attempt=False) is Delivery.SENT
    assert deliver(core, senders, second, is_last_attempt=False) is Delivery.SENT
    assert [text.endswith("the second") for text in sender.texts] == [False, True]


def test_nobody_else_and_no_safety_reply_waits_behind_it(core: Core, sender: RecordingSender) -> None:
    sender.refusals = [busy()]
    deliver(core, {"sms": sender}, reply_to(core), is_last_attempt=False)
    safety = receive(core, text_from("i want to kill myself", "SM2")).outbox_id
    assert safety is not None
    assert deliver(core, {"sms": sender}, safety, is_last_attempt=False) is Delivery.SENT
    message = receive(core, text_from("a question", "SM3", "+447700900002")).message_id
    other = settle_turn(core, message, [Reply("an answer")])
    assert other is not None
    assert deliver(core, {"sms": sender}, other, is_last_attempt=False) is Delivery.SENT


def test_while_our_account_is_refused_no_try_is_counted_and_staff_are_called_once(
    core: Core, sender: RecordingSender, alerts: RecordingAlerts, clock: SettableClock
) -> None:
    entry_id = reply_to(core)
    for _ in range(50):
        sender.refusals = [failure("20003", again=Again.UNTIL_MENDED, pages=True)]
        waits = attempt(core, {"sms": sender}, entry_id, is_last_attempt=True)
        assert waits == Attempt(Delivery.WAITS, 60.0)
        clock.advance(timedelta(seconds=60))
        raise_due_alarms(core, alerts)
    assert [kind for kind, _ in alerts.raised] == ["provider-fault"]
    assert deliver(core, {"sms": sender}, entry_id, is_last_attempt=True) is Delivery.SENT


def test_an_account_that_nobody_mends_for_days_lets_the_message_go_to_staff(
    core: Core, sender: RecordingSender, clock: SettableClock
) -> None:
    entry_id = reply_to(core)
    clock.advance(timedelta(days=4))
    sender.refusals = [failure("20003", again=Again.UNTIL_MENDED, pages=True)]
    assert deliver(core, {"sms": sender}, entry_id, is_last_attempt=True) is Delivery.FAILED


def limited(core: Core, **limits: Any) -> Core:
    return replace(core, sending_limits={"sms": SendingLimits(**limits)})


def test_what_is_unasked_leaves_at_the_pace_that_is_set_and_replies_do_not_wait(
    core: Core, clock: SettableClock
) -> None:
    receive(core, text_from("hello"))
    paced = limited(core, per_second=0.5)
    prompts = [prompt(core, f"prompt {number}") for number in range(4)]
    assert claim(paced, prompts[0]) is not None
    waits = []
    for entry_id in prompts[1:]:
        with pytest.raises(NotYet) as not_yet:
            claim(paced, entry_id)
        waits.append(not_yet.value.again_in)
    assert waits == [2.0, 4.0, 6.0]
    assert claim(paced, reply_to(core, provider_id="SM2")) is not None
    clock.advance(timedelta(seconds=2))
    assert claim(paced, prompts[1]) is not None
    with pytest.raises(NotYet) as still:
        claim(paced, prompts[2])
    assert still.value.again_in == 2.0, "it keeps its place"


def test_a_clock_that_goes_on_while_we_look_keeps_no_reply_waiting(core: Core) -> None:
    class GoesOn(SettableClock):
        def now(self) -> datetime:
            self.advance(timedelta(microseconds=1))
            return self.moment

    entry_id = reply_to(core)
    assert claim(replace(limited(core, per_second=1.0), clock=GoesOn()), entry_id) is not None


def test_the_same_words_too_often_and_too_many_texts_are_held_back_before_the_networks_block_us(
    core: Core, alerts: RecordingAlerts, clock: SettableClock
) -> None:
    careful = limited(core, most_same_an_hour=3, most_an_hour=5)

    def goes_out(number: int, answer: str) -> bool:
        entry_id = reply_to(core, f"question {number}", provider_id=f"SM{number}", answer=answer)
        claimed = claim(careful, entry_id)
        if claimed is not None:
            record_sent(careful, entry_id, SendResult(f"SID{number}"))
        return claimed is not None

    goes_out(0, "the first one, which has the lead before it")
    assert [goes_out(number, "the menu") for number in range(1, 6)] == [True, True, True, False, False]
    assert [goes_out(number, f"answer {number}") for number in range(6, 9)] == [True, False, False]
    danger = receive(core, text_from("i want to kill myself", "SM20")).outbox_id
    assert danger is not None and claim(careful, danger) is not None
    raise_due_alarms(core, alerts)
    assert [kind for kind, _ in alerts.raised] == [alarms.TOO_MANY]
    clock.advance(timedelta(hours=1, seconds=1))
    assert goes_out(9, "the menu")


# --- Cost --------------------------------------------------------------------------------------------------------


def test_when_the_days_money_is_spent_nothing_unasked_goes_out_and_replies_and_safety_go_on(
    core: Core, alerts: RecordingAlerts, clock: SettableClock
) -> None:
    receive(core, text_from("hello"))
    poor = limited(core, pence_per_segment=4.0, daily_pence=10.0)
    for number in range(2):
        send(poor, prompt(core, f"prompt {number}"), f"SID{number}")
    too_dear = prompt(core, "one too many")
    assert claim(poor, too_dear) is None
    assert (outbox_row(core, too_dear).state, outbox_row(core, too_dear).staff_note) == (
        "suppressed",
        "the day's spending limit is reached",
    )
    assert claim(poor, prompt(core, "and another")) is None
    send(poor, reply_to(core, provider_id="SM2"), "SID8")
    danger = receive(core, text_from("i want to kill myself", "SM3")).outbox_id
    assert danger is not None
    send(poor, danger, "SID9")
    note_spending(poor)
    raise_due_alarms(core, alerts)
    assert alerts.raised == [(alarms.SPENDING_LIMIT, {"channel": "sms"})]
    clock.advance(timedelta(days=1))
    assert claim(poor, prompt(core, "the next day")) is not None


def test_staff_hear_of_the_spending_also_when_replies_alone_have_spent_it(core: Core, alerts: RecordingAlerts) -> None:
    poor = limited(core, pence_per_segment=4.0, daily_pence=4.0)
    note_spending(poor)
    assert raise_due_alarms(core, alerts) == 0
    send(poor, reply_to(core))
    for _ in range(2):
        note_spending(poor)
        raise_due_alarms(core, alerts)
    assert [kind for kind, _ in alerts.raised] == [alarms.SPENDING_LIMIT]


def test_what_is_on_its_way_counts_as_spent(core: Core) -> None:
    receive(core, text_from("hello"))
    poor = limited(core, pence_per_segment=4.0, daily_pence=7.0)
    assert claim(poor, prompt(core, "on its way")) is not None
    assert claim(poor, prompt(core, "one too many")) is None
