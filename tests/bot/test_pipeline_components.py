"""What the components do to Rasa's messages."""

from __future__ import annotations

from typing import Any

import pytest
from components.expected_answer import EXPECTED_ANSWER, ExpectedAnswer, ExpectedAnswerSecondLook
from components.intent_classifier import SentenceVectorClassifier, example_of, intents_of
from components.topic_model import Reading
from rasa.shared.nlu.training_data.message import Message

HELPED = {"expects": {"kind": "yes_no", "about": "helped"}}


def heard(text: str | None, metadata: Any) -> Message:
    message = Message({"text": text, "metadata": metadata})
    ExpectedAnswer().process([message])
    return message


def test_a_command_needs_no_classifier() -> None:
    assert heard("wot can u do", {"command": "menu"}).get("intent") == {"name": "menu", "confidence": 1.0}


def test_an_answer_is_settled_with_its_value() -> None:
    intent = heard("YES!", HELPED).get("intent")
    assert intent == {
        "name": "answer",
        "confidence": 1.0,
        "value": "yes",
        "kind": "yes_no",
        "about": "helped",
        "partly": False,
    }


def test_a_new_question_is_left_open_and_the_answer_rides_along() -> None:
    message = heard("no but how much is it", HELPED)
    assert message.get("intent") is None
    assert message.get(EXPECTED_ANSWER)["value"] == "no"
    assert EXPECTED_ANSWER in message.as_dict(only_output_properties=True)


def test_a_place_alone_is_given_but_a_number_for_a_choice_comes_first() -> None:
    place = {"place": {"whole_message": True}}
    assert heard("Clacton", place).get("intent")["name"] == "give_place"
    chosen = heard("2", {**place, "expects": {"kind": "choice", "options": ["a", "b"]}}).get("intent")
    assert (chosen["name"], chosen["value"]) == ("answer", "b")
    assert heard("Clacton", {**place, "expects": {"kind": "text"}}).get("intent")["name"] == "give_place"


@pytest.mark.parametrize("text", ["/restart", " /restart", '/talk{"a":1}', "//x"])
def test_nobody_can_give_rasa_an_order(text: str) -> None:
    assert not heard(text, None).get("text").startswith("/")


@pytest.mark.parametrize("name", ["nlu_fallback", "out_of_scope", "small_talk"])
def test_the_second_look_prefers_the_answer_to_not_understanding(name: str) -> None:
    message = heard("yes mum", HELPED)
    message.set("intent", {"name": name, "confidence": 0.05})
    ExpectedAnswerSecondLook().process([message])
    assert message.get("intent")["name"] == "answer"


def test_the_second_look_leaves_a_guide_question_alone() -> None:
    message = heard("no but how much is it", HELPED)
    message.set("intent", {"name": "guide", "confidence": 0.9})
    ExpectedAnswerSecondLook().process([message])
    assert message.get("intent")["name"] == "guide"


def test_agreement_that_only_the_classifier_heard_is_an_answer() -> None:
    message = heard("thats the ticket", HELPED)
    message.set("intent", {"name": "small_talk", "full_retrieval_intent_name": "small_talk/affirm", "confidence": 0.9})
    ExpectedAnswerSecondLook().process([message])
    assert message.get("intent")["value"] == "yes"


def test_what_the_action_server_finds_in_an_intent() -> None:
    reading = Reading([("guide/falls", 0.8), ("small_talk/thanks", 0.1), ("menu", 0.05)], 0.6, "stop-falls", 0.7)
    first, second, third = intents_of(reading)
    assert first == {
        "name": "guide",
        "confidence": 0.6,
        "full_retrieval_intent_name": "guide/falls",
        "topic": "falls",
        "answer": "stop-falls",
        "answer_confidence": 0.7,
    }
    assert (second["name"], second["topic"]) == ("small_talk", "thanks")
    assert (third["name"], "topic" in third) == ("menu", False)
    assert first["confidence"] >= second["confidence"] >= third["confidence"]


def test_the_answer_is_read_from_either_level_of_metadata() -> None:
    by_block = Message.build("mum fell", "guide/falls", intent_metadata={"answer": "after-a-fall"})
    by_line = Message.build("mum fell", "guide/falls", example_metadata={"answer": "alarms", "correction": 15})
    assert example_of(by_block) == ("mum fell", "guide/falls", "after-a-fall")
    assert example_of(by_line) == ("mum fell", "guide/falls", "alarms")


def test_a_classifier_that_fails_says_that_it_did_not_understand() -> None:
    class Broken:
        def read(self, text: str) -> Reading:
            raise MemoryError

    classifier = SentenceVectorClassifier.__new__(SentenceVectorClassifier)
    classifier.model = Broken()  # type: ignore[assignment]
    message = Message({"text": "mum fell"})
    classifier.process([message])
    assert message.get("intent") == {"name": None, "confidence": 0.0}
