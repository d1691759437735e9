"""The next of several questions that were asked in one message."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class AnswerNextQuestion(HelplineAction):
    """Answers what was asked together with something else, and had to wait."""

    action_name = "action_next_question"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """The answer to the next question that waits."""
        return answering.answer_next_question(self.core, message_id, understanding)
