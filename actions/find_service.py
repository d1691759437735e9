"""People, groups and services to turn to."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import signposting


class FindService(HelplineAction):
    """Names services for what was asked, near the person who needs them."""

    action_name = "action_find_service"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """Up to three services, or the question that is needed to find them."""
        ranking = message.get("intent_ranking") or []
        topics = [str(one["topic"]) for one in ranking if isinstance(one, dict) and one.get("topic")]
        return signposting.find_services(self.core, message_id, understanding, topics)
