"""Turns and sends as durable work: one reply for each message, in order, whatever fails meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from channels import gateway
from channels.gateway import Handled, Outcome
from helpline import flows
from helpline.domain.messages import SendError
from helpline.services.receiving import receive
from helpline.storage.engine import StorageUnavailable
from tests.fakes import text_from
from tests.flows.conftest import World
from tests.services import rows
from tests.waiting import wait_until


def busy(code: str = "20429", **more: bool) -> SendError:
    return SendError(code, **{"retryable": True, "ours": False, "staff_note": "busy", **more})  # type: ignore[arg-type]


def test_a_text_gets_exactly_one_reply(world: World) -> None:
    person = world.somebody()
    world.hears(person, "how do i stop mum falling")
    world.settled(person)
    assert world.replies(person) == ["about: how do i stop mum falling"]
    assert world.assistant.heard == ["how do i stop mum falling"]


def test_a_text_delivered_five_times_at_once_gets_one_reply(world: World) -> None:
    person = world.somebody()
    message = text_from("who pays for care", f"SM-{person}", person)
    with ThreadPoolExecutor(5) as pool:
        assert set(pool.map(world.gateway.handle_inbound, [message] * 5)) == {Handled(Outcome.STORED)}
    world.settled(person)
    assert world.replies(person) == ["about: who pays for care"]
    assert world.gateway.handle_inbound(message).outcome is Outcome.STORED
    assert len(world.assistant.heard) == 1


def test_one_persons_messages_are_answered_in_order_while_others_are_answered_at_the_same_time(world: World) -> None:
    people = [world.somebody() for _ in range(3)]
    world.assistant.gate.clear()
    for number in range(3):
        for person in people:
            world.hears(person, f"question {number} of {person[-4:]}")
    wait_until("three people's turns under way at once", lambda: world.assistant.at_once == 3)
    world.assistant.gate.set()
    world.settled(*people)
    for person in people:
        assert world.replies(person) == [f"about: question {number} of {person[-4:]}" for number in range(3)]
    assert world.assistant.most_at_once == 3


def test_while_the_assistant_is_down_a_person_is_told_once_and_answered_when_it_is_back(world: World) -> None:
    person = world.somebody()
    world.assistant.well = False
    world.hears(person, "first question")
    wait_until("told to wait", lambda: world.replies(person))
    world.hears(person, "second question")
    wait_until("tried several times", lambda: len(world.assistant.heard) >= 5)
    holding = world.core.say("holding", "sms")
    assert world.replies(person) == [holding]
    world.assistant.well = True
    world.settled(person)
    assert world.replies(person) == [
        holding,
        f"{world.core.say('late-answer-lead', 'sms')} about: first question",
        "about: second question",
    ]
    assert world.alerts.raised == []


def test_a_message_the_assistant_cannot_answer_goes_to_staff_and_the_next_is_answered(world: World) -> None:
    person = world.somebody()
    world.assistant.poison = "poison"
    world.hears(person, "a poison question")
    world.hears(person, "a good question")
    world.settled(person)
    replies = world.replies(person)
    assert replies.count(world.core.say("could-not-answer", "sms")) == 1
    assert replies[-1] == "about: a good question"
    states = [entry.state for entry in world.thread(person) if entry.from_person]
    assert states == ["handed-to-staff", "answered"]
    assert [kind for kind, _ in world.alerts.raised] == ["message-handed-to-staff"]


def test_a_failure_of_a_kind_nobody_expected_does_not_leave_a_person_in_silence(world: World) -> None:
    person = world.somebody()
    world.assistant.poison, world.assistant.wrong = "poison", RuntimeError("unexpected")
    world.hears(person, "a poison question")
    wait_until("tried", lambda: world.assistant.heard)
    try:
        for minute in range(5):
            world.clock.advance(timedelta(minutes=1))
            flows.sweep(datetime(2026, 11, 23, 12, minute, tzinfo=UTC), None)
            tries = len(world.assistant.heard)
            wait_until(
                "told, or tried again",
                lambda tries=tries: world.replies(person) or len(world.assistant.heard) > tries,
            )
        assert world.replies(person), "six tries and not a word to the person"
    finally:
        world.assistant.wrong = world.assistant.poison = None
        world.clock.advance(timedelta(minutes=1))
        flows.sweep(datetime(2026, 11, 23, 13, 0, tzinfo=UTC), None)
        world.settled(person)


def test_danger_is_answered_while_the_assistant_is_down(world: World) -> None:
    person = world.somebody()
    world.assistant.well = False
    world.hears(person, "i want to kill myself")
    world.settled(person, within=5)
    [reply] = world.sender.to(person)
    assert "999" in reply
    assert world.assistant.heard == []
    [(kind, _)] = wait_until("staff are told", lambda: world.alerts.raised)
    assert kind == "danger"


def test_danger_is_answered_while_an_earlier_question_of_the_same_person_is_still_being_worked_on(world: World) -> None:
    person = world.somebody()
    world.assistant.gate.clear()
    world.hears(person, "a slow question")
    wait_until("under way", lambda: world.assistant.at_once)
    world.hears(person, "mum is not breathing")
    wait_until("the safety reply", lambda: any("999" in text for text in world.sender.to(person)), within=5)
    world.assistant.gate.set()
    world.settled(person)
    assert world.replies(person)[-1] == "about: a slow question"


def test_a_provider_that_is_busy_is_tried_again_and_the_text_goes_once(world: World) -> None:
    person = world.somebody()
    world.sender.refusals[person] = [busy(), busy()]
    world.hears(person, "a question")
    world.settled(person)
    assert world.replies(person) == ["about: a question"]
    assert world.sender.looked_up == []


def test_a_provider_that_took_the_text_and_then_failed_is_asked_before_it_is_sent_again(world: World) -> None:
    person = world.somebody()
    world.sender.refusals[person] = [busy("provider-timeout", uncertain=True)]
    world.sender.takes_before_refusing = True
    world.hears(person, "a question")
    world.settled(person)
    assert world.replies(person) == ["about: a question"]
    assert len(world.sender.looked_up) == 1


def test_a_provider_that_failed_without_taking_the_text_gets_it_again(world: World) -> None:
    person = world.somebody()
    world.sender.refusals[person] = [busy("provider-timeout", uncertain=True)]
    world.hears(person, "a question")
    world.settled(person)
    assert world.replies(person) == ["about: a question"]


def test_a_refusal_for_good_is_alerted_and_not_tried_again(world: World) -> None:
    person = world.somebody()
    world.sender.refusals[person] = [busy("21211", retryable=False)]
    world.hears(person, "a question")
    world.settled(person)
    assert world.sender.to(person) == []
    assert world.thread(person)[-1].state == "failed"
    assert [kind for kind, _ in world.alerts.raised] == ["message-not-sent"]


def test_a_safety_reply_refused_because_of_an_opt_out_is_alerted(world: World) -> None:
    person = world.somebody()
    world.sender.refusals[person] = [busy("21610", retryable=False, opted_out=True)]
    world.hears(person, "i want to kill myself")
    world.settled(person)
    [(kind, told)] = wait_until("staff are told", lambda: world.alerts.raised)
    assert (kind, told["urgent"]) == ("danger", 1)
    assert rows.contact(world.core, address=person).opted_out_at is not None


def test_what_was_stored_but_never_queued_is_found_by_the_sweep(world: World) -> None:
    people = [world.somebody(), world.somebody()]
    receive(world.core, text_from("a question", f"SM-{people[0]}", people[0]))
    receive(world.core, text_from("i want to kill myself", f"SM-{people[1]}", people[1]))
    world.clock.advance(timedelta(seconds=30))
    for second in (0, 15):
        flows.sweep(datetime(2026, 11, 23, 14, 0, second, tzinfo=UTC), None)
    world.settled(*people)
    assert world.replies(people[0]) == ["about: a question"]
    assert len(world.sender.to(people[1])) == 1


def test_what_was_spooled_is_answered_as_soon_as_the_sweep_takes_it_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise StorageUnavailable("locked")

    person = world.somebody()
    with monkeypatch.context() as broken:
        broken.setattr(gateway, "receive", unavailable)
        message = text_from("a question meanwhile", f"SM-{person}", person)
        assert world.gateway.handle_inbound(message).outcome is Outcome.SPOOLED
    # The clock stands still: no later sweep would think that it has waited for long.
    flows.sweep(datetime(2026, 11, 23, 14, 30, tzinfo=UTC), None)
    world.settled(person)
    assert world.replies(person) == ["about: a question meanwhile"]


def test_the_sweep_leaves_alone_what_is_on_its_way(world: World) -> None:
    person = world.somebody()
    world.assistant.gate.clear()
    world.hears(person, "a slow question")
    wait_until("under way", lambda: world.assistant.at_once)
    world.clock.advance(timedelta(minutes=5))
    flows.sweep(datetime(2026, 11, 23, 15, 0, tzinfo=UTC), None)
    world.assistant.gate.set()
    world.settled(person)
    assert world.assistant.heard == ["a slow question"]
    assert len(world.replies(person)) == 1
