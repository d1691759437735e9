"""People, groups and services to turn to."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import signposting

# A topic that is less likely than this share of what was heard says nothing of what is looked for.
LEAST_SHARE = 0.3


class FindService(HelplineAction):
    """Names services for what was asked, near the person who needs them."""

    action_name = "action_find_service"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """Up to three services, or the question that is needed to find them."""
        ranking = [one for one in message.get("intent_ranking") or [] if isinstance(one, dict)]
        least = LEAST_SHARE * max((float(one.get("confidence") or 0) for one in ranking), default=0.0)
        topics = [str(one["topic"]) for one in ranking if one.get("topic") and float(one["confidence"]) >= least]
        return signposting.find_services(self.core, message_id, understanding, topics)
