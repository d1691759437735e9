"""Where an answer comes from."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class ExplainSource(HelplineAction):
    """Names the sources of the last answer."""

    action_name = "action_why"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """Sources and dates."""
        return answering.explain_source(self.core, message_id, understanding)
