"""Takes the answer to the question that this person was last asked, before any classifier is believed.

The question comes with the message, as `metadata.expects`. "NO." to a question about safety must be a no
whatever a language model makes of two letters. But a reply that goes on to ask something new is left to the
classifier, and the answer travels beside it as `expected_answer`.
"""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from components.answer_reading import Answer, command_in, default_words, place_is_all, read_answer

# Where the answer travels when the intent is something else.
EXPECTED_ANSWER = "expected_answer"
METADATA = "metadata"


def settle(message: Message, name: str, **more: Any) -> None:
    """Give the message an intent that no classifier changes any more."""
    intent = {"name": name, "confidence": 1.0, **more}
    message.set(INTENT, intent, add_to_output=True)
    message.set("intent_ranking", [intent], add_to_output=True)


class _Component(GraphComponent):
    """What the two components share: they learn nothing and keep nothing."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> _Component:
        """Make the component; see the parent class."""
        return cls()


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class ExpectedAnswer(_Component):
    """Stands first in the pipeline: commands, answers to a pending question, and messages that are only a place."""

    def process(self, messages: list[Message]) -> list[Message]:
        """Settle the intent of every message that needs no classifier."""
        for message in messages:
            self._read(message)
        return messages

    def _read(self, message: Message) -> None:
        text, metadata = message.get(TEXT), message.get(METADATA)
        if isinstance(text, str) and text.lstrip().startswith("/"):
            # Rasa would take "/restart" or "/intent{...}" for an order. Nobody who texts us may give it one.
            text = text.lstrip("/ \t\r\n")
            message.set(TEXT, text, add_to_output=True)
        command = command_in(metadata)
        if command:
            settle(message, command)
            return
        answer = read_answer(text, metadata)
        if answer:
            message.set(EXPECTED_ANSWER, answer.as_dict(), add_to_output=True)
        closed = answer is not None and answer.kind != "text"
        if answer and closed and not answer.says_more:
            self._settle_answer(message, answer)
        elif place_is_all(metadata):
            settle(message, "give_place")
        elif answer and not answer.says_more:
            self._settle_answer(message, answer)

    @staticmethod
    def _settle_answer(message: Message, answer: Answer) -> None:
        settle(message, "answer", **answer.as_dict())


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class ExpectedAnswerSecondLook(_Component):
    """Stands last: when the classifier found nothing new in a reply after all, the reply is the answer."""

    _nothing_new = frozenset({DEFAULT_NLU_FALLBACK_INTENT_NAME, "out_of_scope", "small_talk"})

    def process(self, messages: list[Message]) -> list[Message]:
        """Settle the messages that hold an answer, or an agreement or refusal, and nothing else that we know."""
        for message in messages:
            self._look(message)
        return messages

    def _look(self, message: Message) -> None:
        intent = message.get(INTENT) or {}
        if intent.get("name") not in self._nothing_new:
            return
        answer = message.get(EXPECTED_ANSWER)
        if answer is None:
            answer = self._agreement(message, intent)
        if answer is not None:
            message.set(EXPECTED_ANSWER, answer, add_to_output=True)
            settle(message, "answer", **answer)

    @staticmethod
    def _agreement(message: Message, intent: dict[str, Any]) -> dict[str, Any] | None:
        """Return yes or no if a yes or no question is pending and the classifier heard one ("absolutely it did")."""
        metadata = message.get(METADATA)
        value = default_words().second_look.get(intent.get("full_retrieval_intent_name") or "")
        pending = read_answer(value, metadata) if value else None
        return pending.as_dict() if pending and pending.kind == "yes_no" else None
