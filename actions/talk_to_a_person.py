"""Speaking to a person."""

from collections.abc import Mapping
from typing import Any

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class OfferPerson(HelplineAction):
    """Says how to speak to a person."""

    action_name = "action_talk_to_a_person"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """Whom to ring, and when they are there."""
        return answering.offer_person(self.core, message_id, understanding)
