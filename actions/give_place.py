"""The person said where they live."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class NotePlace(HelplineAction):
    """Answers again with the right council."""

    action_name = "action_give_place"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """The last answer for that place, or what is still unclear about it."""
        place = (message.get("metadata") or {}).get("place") or {}
        problem: answering.PlaceProblem | None = None
        if place.get("out_of_area"):
            problem = "out-of-area"
        elif place.get("ambiguous") and place.get("authority") is None:
            problem = "ambiguous"
        return answering.note_place(self.core, message_id, understanding, problem)
