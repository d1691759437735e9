"""What can be asked about."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class ShowMenu(HelplineAction):
    """Shows the menu."""

    action_name = "action_menu"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """The list of topics."""
        return answering.show_menu(self.core, message_id, understanding)
