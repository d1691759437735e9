"""The classifier in Rasa's pipeline: trains and asks the topic model, and says what it found in Rasa's terms."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import (
    FULL_RETRIEVAL_INTENT_NAME_KEY,
    INTENT,
    INTENT_RANKING_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from components.sentence_vectors import SentenceEncoder, reviewed_hashes
from components.topic_model import Example, Reading, Settings, TopicModel
from components.understanding import Question, Understood, understand

logger = logging.getLogger(__name__)

# More would only make every turn's record longer.
RANKED = 5


def example_of(message: Message) -> Example | None:
    """Return a training message as an example: text, full intent name, and the answer its metadata names."""
    text, intent = message.get(TEXT), message.get_full_intent()
    if not text or not intent:
        return None
    metadata = message.get("metadata") or {}
    answer = None
    for level in ("intent", "example"):
        given = metadata.get(level)
        if isinstance(given, dict) and given.get("answer"):
            answer = str(given["answer"])
    return Example(text, intent, answer)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SentenceVectorClassifier(GraphComponent):
    """Finds the intent, and for a guide topic the answer within it."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings, which config.yml explains."""
        own = {one.name: one.default for one in fields(Settings)}
        # With another language model the trained parts mean nothing, so Rasa must train them anew.
        return {**own, "language_model": reviewed_hashes()}

    def __init__(
        self, config: dict[str, Any], storage: ModelStorage, resource: Resource, encoder: SentenceEncoder
    ) -> None:
        """Take the settings, where to keep the model, and the encoder."""
        self._settings = Settings(**{one.name: config[one.name] for one in fields(Settings)})
        self._storage, self._resource, self._encoder = storage, resource, encoder
        self.model: TopicModel | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceVectorClassifier:
        """Make an untrained classifier. Raises AlteredFile if the weights are not the reviewed ones."""
        return cls(config, model_storage, resource, SentenceEncoder())

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SentenceVectorClassifier:
        """Return the trained classifier."""
        classifier = cls.create(config, model_storage, resource, execution_context)
        with model_storage.read_from(resource) as folder:
            classifier.model = TopicModel.load(folder, classifier._encoder)
        return classifier

    def train(self, training_data: TrainingData) -> Resource:
        """Train on every sentence that has an intent, and keep the model."""
        examples = [found for one in training_data.intent_examples if (found := example_of(one))]
        self.model = TopicModel.train(examples, self._encoder, self._settings)
        with self._storage.write_to(self._resource) as folder:
            self.model.save(folder)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave training data as it is: no later component reads our predictions on it."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Give every message that has no settled intent the one that it was read as."""
        for message in messages:
            if message.get(INTENT):
                continue
            found = self._read(message.get(TEXT) or "", *last_topics_in(message.get("metadata")))
            ranking = intents_of(found.reading) if found else [{"name": None, "confidence": 0.0}]
            if found and ranking[0]["name"] == "guide":
                ranking[0] |= {"questions": _as_dicts(found.questions), "choices": _as_dicts(found.choices)}
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages

    def _read(self, text: str, last_topic: str | None, companions: Sequence[str]) -> Understood | None:
        """Return the reading, or None if there is no model or it failed: then the fallback answers, never silence."""
        if self.model is None:
            return None
        try:
            return understand(self.model, text, last_topic, companions)
        except Exception as error:
            logger.error("A message could not be read: %s", type(error).__name__)
            return None


def last_topics_in(metadata: object) -> tuple[str | None, list[str]]:
    """Return the guide topic that was last answered, if the gateway named one, and the topics that go with it."""
    last = metadata.get("last") if isinstance(metadata, Mapping) else None
    topic = last.get("topic") if isinstance(last, Mapping) else None
    if not (isinstance(last, Mapping) and isinstance(topic, str) and topic):
        return None, []
    companions = last.get("goes_with")
    return topic, [one for one in companions if isinstance(one, str)] if isinstance(companions, list) else []


def _as_dicts(questions: Sequence[Question]) -> list[dict[str, str | None]]:
    return [{"topic": intent.partition("/")[2], "answer": answer} for intent, answer in questions]


def intents_of(reading: Reading) -> list[dict[str, Any]]:
    """Return a reading as Rasa's intents, best first.

    Rasa calls a name like "guide/falls" a retrieval intent: rules know it as "guide", and the full name is
    kept beside it. The first intent's confidence is the reading's; the others' are in proportion to it.
    """
    best = max(reading.ranking[0][1], 1e-9)
    intents = []
    for full_name, chance in reading.ranking[:RANKED]:
        group, _, topic = full_name.partition("/")
        intent: dict[str, Any] = {"name": group, "confidence": reading.confidence * chance / best}
        if topic:
            intent |= {FULL_RETRIEVAL_INTENT_NAME_KEY: full_name, "topic": topic}
        intents.append(intent)
    if intents[0]["name"] == "guide":
        intents[0] |= {"answer": reading.answer, "answer_confidence": round(reading.answer_confidence, 4)}
    return intents
