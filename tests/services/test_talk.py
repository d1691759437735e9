"""What a talk remembers: several questions, close topics, whom it is about, and that a carer has rights."""

import pytest

from helpline.domain.messages import Question, Reply, Understanding
from helpline.services import answering, turns
from helpline.services.core import Core
from helpline.services.receiving import receive
from tests.fakes import new_message
from tests.services.rows import conversation

BADGE = Understanding(intent="guide/blue-badge", confidence=0.9, topic="blue-badge", answer="how-to-apply")
FALLS = Understanding(intent="guide/falls", confidence=0.9, topic="falls")


def said(core: Core, text: str, channel: str = "sms") -> int:
    message_id = receive(core, new_message(text, channel)).message_id
    assert message_id is not None
    return message_id


def answered(core: Core, text: str, understanding: Understanding, channel: str = "sms", **more: object) -> Reply:
    message_id = said(core, text, channel)
    reply = answering.answer_guide_question(core, message_id, understanding, **more)  # type: ignore[arg-type]
    turns.settle_turn(core, message_id, [reply])
    return reply


def answer_to_ours(core: Core, text: str, value: str, channel: str = "sms") -> Reply:
    message_id = said(core, text, channel)
    reply = answering.take_answer(core, message_id, Understanding(intent="answer", confidence=1.0, value=value))
    turns.settle_turn(core, message_id, [reply])
    return reply


def test_the_second_of_two_questions_is_announced_and_comes_with_next(core: Core) -> None:
    others = [Question("attendance-allowance", "how-much")]
    first = answered(core, "blue badge? and how much is attendance allowance", BADGE, others=others)
    assert "NEXT" in first.text
    message_id = said(core, "NEXT")
    second = answering.answer_next_question(core, message_id, Understanding(intent="next_question", confidence=1.0))
    assert "NEXT" not in second.text
    assert core.guide.answer("attendance-allowance", "how-much").short in second.text
    assert conversation(core).topic == "attendance-allowance"


def test_next_without_a_waiting_question_says_so(core: Core) -> None:
    message_id = said(core, "NEXT")
    reply = answering.answer_next_question(core, message_id, Understanding(intent="next_question", confidence=1.0))
    assert reply.text == core.say("next-nothing", "sms")


def test_a_new_question_drops_what_was_waiting_only_for_what_it_asks_itself(core: Core) -> None:
    answered(core, "two things", BADGE, others=[Question("pip", None)])
    answered(core, "mum fell", FALLS)
    assert conversation(core).waiting_questions is None


def test_topics_that_are_close_are_told_apart_by_one_question(core: Core) -> None:
    choices = [Question("pip", "what-it-is"), Question("attendance-allowance", "what-it-is")]
    asked = answered(core, "money for being ill", BADGE, choices=choices)
    assert core.guide.topics["pip"].title in asked.text
    assert "1" in asked.text and "2" in asked.text
    expects = conversation(core).expects
    assert expects is not None
    chosen = answer_to_ours(core, "2", expects["options"][1]["id"])
    assert core.guide.answer("attendance-allowance", "what-it-is").short in chosen.text
    assert conversation(core).topic == "attendance-allowance"


@pytest.mark.parametrize(
    "text", ["I do everything for my wife since her stroke", "looking after my mum and she keeps falling"]
)
def test_somebody_who_does_not_say_carer_is_offered_their_rights_once(core: Core, text: str) -> None:
    offered = answered(core, text, FALLS, channel="web")
    assert core.say("carers-rights-offer", "chat") in offered.text
    again = answered(core, text, FALLS, channel="web")
    assert core.say("carers-rights-offer", "chat") not in again.text


def test_who_wants_their_rights_gets_them(core: Core) -> None:
    answered(core, "i do everything for my wife", FALLS, channel="web")
    told = answer_to_ours(core, "yes", "yes", channel="web")
    general = core.guide.topics["carers-assessment"].general
    assert core.guide.answer("carers-assessment", general).long[:60] in told.text


def test_who_refuses_their_rights_is_never_asked_again(core: Core) -> None:
    answered(core, "i do everything for my wife", FALLS, channel="web")
    assert answer_to_ours(core, "no", "no", channel="web").text == core.say("carers-rights-refused", "chat")
    again = answered(core, "i look after my wife, she fell", FALLS, channel="web")
    assert core.say("carers-rights-offer", "chat") not in again.text


def test_who_asks_as_a_carer_is_not_told_that_they_are_one(core: Core) -> None:
    reply = answered(
        core, "i look after my mum, can i get an assessment",
        Understanding(intent="guide/carers-assessment", confidence=0.9, topic="carers-assessment"), channel="web",
    )  # fmt: skip
    assert core.say("carers-rights-offer", "chat") not in reply.text


def test_whom_the_talk_is_about_is_remembered(core: Core) -> None:
    answered(core, "my mum keeps falling", FALLS)
    answered(core, "what else can be done", FALLS)
    assert conversation(core).about == "mum"
    answered(core, "and my brother has a badge", BADGE)
    assert conversation(core).about == "brother"


def test_a_reply_with_everything_in_it_still_fits_three_parts(core: Core) -> None:
    for topic in core.guide.topics.values():
        for answer in topic.answers.values():
            understanding = Understanding(intent=f"guide/{topic.id}", confidence=0.9, topic=topic.id, answer=answer.id)
            reply = answered(core, "i do everything for my wife", understanding, others=[Question("pip", "what-it-is")])
            assert "NEXT" in reply.text, (topic.id, answer.id)
