"""The last reply again."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class RepeatLast(HelplineAction):
    """Repeats the last reply."""

    action_name = "action_repeat"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """The same words."""
        return answering.repeat_last(self.core, message_id, understanding)
