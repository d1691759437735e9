"""More of the last answer."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class GiveMore(HelplineAction):
    """Gives the long form of the last answer."""

    action_name = "action_more"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """The next part of the long form."""
        return answering.give_more(self.core, message_id, understanding)
