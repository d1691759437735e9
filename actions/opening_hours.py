"""When what was last named is open."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import signposting


class TellOpeningHours(HelplineAction):
    """Says when the services that were last shown are open, and whether they are now."""

    action_name = "action_opening_hours"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """Hours of the last services, or of the council's number."""
        return signposting.tell_hours(self.core, message_id, understanding)
