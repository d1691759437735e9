"""Questions that the care guide answers."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class AnswerGuideQuestion(HelplineAction):
    """Answers from the guide."""

    action_name = "action_guide"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """The answer to the question that was asked."""
        return answering.answer_guide_question(self.core, message_id, understanding)
