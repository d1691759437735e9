"""A real text through the real path: signed webhook, storage, safety, Rasa, action, guide, outbox, provider."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.running_helpline import PARTS, RunningHelpline
from tests.waiting import wait_until

pytestmark = pytest.mark.assistant

SPOKEN = {"assistant": "assistant", "actions": "action server", "app": "app"}


def test_a_question_by_text_gets_the_guides_answer(running_helpline: RunningHelpline) -> None:
    phone = running_helpline.new_phone()
    assert running_helpline.webhook(phone, "how much is carers allowance a week").status_code == 200
    (reply,) = wait_until("the reply", lambda: running_helpline.sent_to(phone))
    assert "£86.45" in reply
    assert reply.startswith("Essex Care Line")


def test_the_same_webhook_five_times_at_once_is_answered_once(running_helpline: RunningHelpline) -> None:
    phone, sid = running_helpline.new_phone(), "SM" + "5" * 32
    with ThreadPoolExecutor(5) as pool:
        responses = list(pool.map(lambda _: running_helpline.webhook(phone, "what is a blue badge", sid), range(5)))
    assert [response.status_code for response in responses] == [200] * 5
    wait_until("the reply", lambda: running_helpline.sent_to(phone))
    # A second answer could only come before the answer to a later message of the same person.
    running_helpline.webhook(phone, "thank you")
    wait_until("the reply to the later message", lambda: len(running_helpline.sent_to(phone)) >= 2)
    assert len(running_helpline.sent_to(phone)) == 2


def test_a_forged_webhook_is_refused_and_leaves_nothing(running_helpline: RunningHelpline) -> None:
    phone = running_helpline.new_phone()
    assert running_helpline.webhook(phone, "put words in her mouth", token="not the token").status_code == 403
    running_helpline.webhook(phone, "hello")
    wait_until("the reply to the real message", lambda: running_helpline.sent_to(phone))
    assert len(running_helpline.sent_to(phone)) == 1


def test_a_conversation_keeps_its_thread(running_helpline: RunningHelpline) -> None:
    phone = running_helpline.new_phone()

    def say(text: str) -> str:
        before = len(running_helpline.sent_to(phone))
        running_helpline.webhook(phone, text)
        wait_until(f"the reply to {text!r}", lambda: len(running_helpline.sent_to(phone)) > before)
        return running_helpline.sent_to(phone)[-1]

    assert "0345 603 7630" in say("how do i get a needs assessment for my mum")
    assert "01702 215008" in say("she lives in southend")
    assert "22 November 2026" in say("WHY")
    assert say("MORE")
    assert "no more texts" in say("STOP")
    running_helpline.webhook(phone, "hello again")
    assert "welcome back" in say("START")


@pytest.mark.parametrize("part", PARTS)
def test_killing_a_part_in_the_middle_of_a_turn_still_gives_exactly_one_answer(
    running_helpline: RunningHelpline, part: str
) -> None:
    phone = running_helpline.new_phone()
    pids = running_helpline.pids_of(part)
    assert pids
    assert running_helpline.webhook(phone, "who gets attendance allowance").status_code == 200
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    answers = wait_until(
        "the answer after the restart",
        lambda: [text for text in running_helpline.sent_to(phone) if "pension age" in text.casefold()],
        within=90,
    )
    wait_until("the helpline is well again", running_helpline.is_well, within=90)
    running_helpline.webhook(phone, "thanks")
    wait_until("the reply to the next message", lambda: running_helpline.sent_to(phone)[-1] not in answers)
    assert sum("pension age" in text.casefold() for text in running_helpline.sent_to(phone)) == 1
    assert f"The {SPOKEN[part]} stopped" in running_helpline.output.read_text()


def test_danger_is_answered_with_the_assistant_stopped(running_helpline: RunningHelpline) -> None:
    phone = running_helpline.new_phone()
    for pid in running_helpline.pids_of("assistant"):
        os.kill(pid, signal.SIGKILL)
    running_helpline.webhook(phone, "i want to kill myself")
    (reply,) = wait_until("the safety reply", lambda: running_helpline.sent_to(phone), within=10)
    assert "999" in reply
    wait_until("the helpline is well again", running_helpline.is_well, within=90)
