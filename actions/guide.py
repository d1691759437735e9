"""Questions that the care guide answers."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction, place_problem_of
from helpline.domain.messages import Question, Reply, Understanding
from helpline.services import answering


class AnswerGuideQuestion(HelplineAction):
    """Answers from the guide."""

    action_name = "action_guide"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """The answer to the question that was asked."""
        intent = message.get("intent") or {}
        return answering.answer_guide_question(
            self.core,
            message_id,
            understanding,
            _questions(intent.get("questions")),
            _questions(intent.get("choices")),
            place_problem_of(message),
        )


def _questions(given: object) -> list[Question]:
    """What the assistant found as pairs of topic and answer; odd entries are left out."""
    listed = given if isinstance(given, list) else []
    return [
        Question(str(one["topic"]), None if one.get("answer") is None else str(one["answer"]))
        for one in listed
        if isinstance(one, Mapping) and one.get("topic")
    ]
