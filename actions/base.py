"""What every action does alike."""

import functools
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import anyio
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from helpline.domain.messages import Reply, Understanding
from helpline.services.answering import PlaceProblem
from helpline.services.core import Core


class HelplineAction(Action):  # type: ignore[misc]
    """Answers one message. A subclass has the name that the rules call it by, and the one service that it calls."""

    action_name: ClassVar[str]

    def __init__(self, core: Core) -> None:
        self.core = core

    def name(self) -> str:
        """The name by which the rules call it."""
        return self.action_name

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Speak the reply to the message that the tracker is at. Nothing is kept in the tracker."""
        message = dict(tracker.latest_message or {})
        reply = await anyio.to_thread.run_sync(
            functools.partial(self.reply, message_id_of(message), understanding_of(message), message)
        )
        if reply is None:
            self.speak_own_words(dispatcher, message)
        else:
            buttons = [{"title": option, "payload": option} for option in reply.options]
            dispatcher.utter_message(text=reply.text, buttons=buttons or None)
        return []

    @abstractmethod
    def reply(self, message_id: int, understanding: Understanding, message: Mapping[str, Any]) -> Reply | None:
        """The reply from the service; None where the words are the assistant's own."""

    def speak_own_words(self, dispatcher: CollectingDispatcher, message: Mapping[str, Any]) -> None:
        """Speak words of bot/domain. Only an action that returns no reply has any."""
        raise NotImplementedError(self.action_name)


def message_id_of(message: Mapping[str, Any]) -> int:
    """The id of the inbound message. Raises ValueError without one: nothing may be answered twice."""
    message_id = (message.get("metadata") or {}).get("message_id")
    if not isinstance(message_id, int):
        raise ValueError("the assistant was asked without a message id")
    return message_id


def understanding_of(message: Mapping[str, Any]) -> Understanding:
    """What the assistant made of the message."""
    intent = message.get("intent") or {}
    name = str(intent.get("name") or "")
    # A new question may carry an answer to ours with it: "no but how much is it".
    value = intent.get("value", (message.get("expected_answer") or {}).get("value"))
    return Understanding(
        intent=str(intent.get("full_retrieval_intent_name") or name),
        confidence=float(intent.get("confidence") or 0.0),
        topic=intent.get("topic") if name == "guide" else None,
        answer=intent.get("answer"),
        answer_confidence=intent.get("answer_confidence"),
        value=None if value is None else str(value),
    )


def place_problem_of(message: Mapping[str, Any]) -> PlaceProblem | None:
    """What is still unclear about the place that the message names; None if it names none, or a clear one."""
    place = (message.get("metadata") or {}).get("place") or {}
    if place.get("out_of_area"):
        return "out-of-area"
    return "ambiguous" if place.get("ambiguous") and place.get("authority") is None else None
