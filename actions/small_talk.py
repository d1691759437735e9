"""Greetings, thanks, goodbyes, and questions about ourselves."""

from collections.abc import Mapping
from typing import Any

from rasa_sdk.executor import CollectingDispatcher

from actions.base import HelplineAction
from helpline.domain.messages import Reply, Understanding
from helpline.services import answering


class MakeSmallTalk(HelplineAction):
    """Records the turn and lets the assistant speak its own words."""

    action_name = "action_small_talk"

    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """No reply of the core's."""
        answering.note_small_talk(self.core, message_id, understanding)
        return None

    def speak_own_words(self, dispatcher: CollectingDispatcher, message: Mapping[str, Any]) -> None:
        """The words of bot/domain/small_talk.yml for what was said."""
        dispatcher.utter_message(response=f"utter_{message['intent']['full_retrieval_intent_name']}")
