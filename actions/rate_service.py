"""What people think of a service that they were told of."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import signposting


class AskRating(HelplineAction):
    """Asks for a score from 1 to 5."""

    action_name = "action_rate_service"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """The question for a score, or what has to come first."""
        return signposting.ask_rating(self.core, message_id, understanding)
