"""What we cannot help with, or did not understand."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction, place_problem_of
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class DeclineOutOfScope(HelplineAction):
    """Declines kindly."""

    action_name = "action_out_of_scope"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """What this is for, or which topic was meant; the second time, a menu and a person."""
        nearest = [str(one["topic"]) for one in message.get("intent_ranking") or [] if one.get("topic")]
        return answering.decline_out_of_scope(
            self.core, message_id, understanding, place_problem_of(message), list(dict.fromkeys(nearest))
        )
