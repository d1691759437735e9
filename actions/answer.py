"""An answer to the question that we asked."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class TakeAnswer(HelplineAction):
    """Takes the answer to a pending question."""

    action_name = "action_answer"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """A thank you, or what to try next."""
        return answering.take_answer(self.core, message_id, understanding)
