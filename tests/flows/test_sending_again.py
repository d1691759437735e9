"""What could not be sent, or did not arrive, goes again: in order, when it is due, and with nobody else held up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from helpline import flows
from helpline.domain.messages import Again, Reply, SendError
from helpline.domain.receipts import DeliveryReport, Progress
from helpline.services.receipts import apply_report
from helpline.services.receiving import receive
from helpline.services.turns import settle_turn
from tests.fakes import text_from
from tests.flows.conftest import World
from tests.services import rows
from tests.waiting import wait_until

_minutes: Iterator[int] = count()


def sweep(world: World) -> None:
    """The next sweep; each has a moment of its own, which is part of what it starts."""
    flows.sweep(datetime(2026, 12, 1, tzinfo=UTC) + timedelta(minutes=next(_minutes)), None)


def error(code: str, again: Again, seconds: float | None = None, pages: bool = False) -> SendError:
    return SendError(
        code,
        retryable=True,
        ours=False,
        staff_note="a note",
        again=again,
        retry_after_seconds=seconds,
        pages=pages,
    )


def test_a_person_whom_the_provider_throttles_gets_all_answers_in_order_and_others_are_not_held_up(
    world: World,
) -> None:
    person, other = world.somebody(), world.somebody()
    world.sender.refusals[person] = [error("20429", Again.BACK_OFF, seconds=2.0)]
    world.hears(person, "first")
    wait_until("refused", lambda: not world.sender.refusals[person])
    world.hears(person, "second")
    world.hears(person, "third")
    world.hears(other, "of somebody else")
    world.settled(other, within=10)
    assert world.replies(person) == []
    world.settled(person)
    assert world.replies(person) == ["about: first", "about: second", "about: third"]
    assert world.sender.looked_up == []


def test_an_account_that_is_refused_is_tried_until_it_is_mended_and_staff_are_called(world: World) -> None:
    person = world.somebody()
    world.sender.refusals[person] = [error("20003", Again.UNTIL_MENDED, seconds=1.0, pages=True)] * 2
    world.hears(person, "a question")
    world.settled(person)
    assert world.replies(person) == ["about: a question"]
    sweep(world)
    assert [kind for kind, _ in world.alerts.raised] == ["provider-fault"]


def test_what_a_phone_did_not_get_is_sent_again_by_the_sweep_when_it_is_due_and_once(world: World) -> None:
    person = world.somebody()
    world.hears(person, "a question")
    world.settled(person)
    entry_id = world.thread(person)[-1].id
    phone_off = error("30003", Again.WITHIN_A_DAY)
    apply_report(world.core, DeliveryReport("sms", f"P{entry_id}", Progress.UNDELIVERED, entry_id, phone_off))
    sweep(world)
    assert len(world.sender.to(person)) == 1
    world.clock.advance(timedelta(minutes=16))
    sweep(world)
    sweep(world)
    wait_until("sent again", lambda: len(world.sender.to(person)) == 2)
    world.settled(person)
    sweep(world)
    assert len(world.sender.to(person)) == 2


def test_an_answer_that_waits_for_an_earlier_one_is_not_started_by_the_sweep(world: World) -> None:
    person = world.somebody()
    world.sender.refusals[person] = [error("20429", Again.BACK_OFF, seconds=3.0)]
    world.hears(person, "first")
    wait_until("refused", lambda: not world.sender.refusals[person])
    message = receive(world.core, text_from("second", f"SM-{person}", person)).message_id
    settle_turn(world.core, message, [Reply("the second")])
    world.clock.advance(timedelta(minutes=1))
    sweep(world)
    world.settled(person)
    assert world.replies(person) == ["about: first", "the second"]


def test_what_never_reached_us_is_found_and_answered(world: World) -> None:
    person = world.somebody()
    world.inbox.listed = [text_from("a question that got lost", f"SM-{person}", person)]
    for minute in range(2):
        flows.find_missed(datetime(2026, 12, 2, 12, minute, tzinfo=UTC), None)
    world.settled(person)
    [answer] = world.replies(person)
    assert answer == f"{world.core.say('late-answer-lead', 'sms')} about: a question that got lost"
    assert [row.late for row in rows.all_of(world.core, rows.Inbound) if row.provider_id == f"SM-{person}"] == [True]
