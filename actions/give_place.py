"""The person said where they live."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction, place_problem_of
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class NotePlace(HelplineAction):
    """Answers again with the right council."""

    action_name = "action_give_place"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """The last answer for that place, or what is still unclear about it."""
        return answering.note_place(self.core, message_id, understanding, place_problem_of(message))
