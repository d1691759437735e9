"""What a message asks, in the light of what was said last: one question or several, or one of two that are close."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

from components.several_questions import leans_on_last, names_nothing, questions_in
from components.topic_model import OUT_OF_SCOPE, Reading, TopicModel

GUIDE = "guide/"
# From this chance on, a short message that leans on the last answer is taken to have changed the subject after all.
CHANGES_SUBJECT = 0.75
# What a part of a message must reach to count as a question of its own: its chance, and how familiar it looks.
OWN_QUESTION = 0.5
FAMILIAR = 0.1
# Two topics are close if the second has this chance at least, and is no further than that behind the first.
CLOSE_SECOND = 0.3
CLOSE_GAP = 0.2

# What is asked about the last reply itself has its own answer.
_ASKS_ABOUT_LAST_REPLY = frozenset({"opening_hours", "more", "repeat", "talk_to_a_person", "find_service"})

Question = tuple[str, Optional[str]]


@dataclass(frozen=True)
class Understood:
    """The reading that is answered, further questions of the same message, and topics that it may mean instead."""

    reading: Reading
    questions: tuple[Question, ...] = ()
    choices: tuple[Question, ...] = ()


def understand(model: TopicModel, text: str, last_topic: str | None) -> Understood:
    """Read a message. last_topic: the guide topic that was last answered, without "guide/"."""
    whole = model.read(text)
    if last_topic and leans_on_last(text) and (_is_about_last(whole, text) or not _stands_alone(whole)):
        return Understood(_within(model, text, GUIDE + last_topic, whole))
    found = _several(model, text)
    if len(found) > 1:
        first = found[0]
        return Understood(first[1], tuple((topic, reading.answer) for topic, reading in found[1:]))
    return Understood(whole, choices=_close(model, text, whole))


def _is_about_last(whole: Reading, text: str) -> bool:
    """Whether a message that leans on the last answer has no subject of its own, and no other purpose than to ask."""
    intent = whole.ranking[0][0]
    return names_nothing(text) and intent not in _ASKS_ABOUT_LAST_REPLY


def _stands_alone(reading: Reading) -> bool:
    """Whether a message says enough by itself, or asks for something that is no topic."""
    intent, chance = reading.ranking[0]
    if intent == OUT_OF_SCOPE or reading.confidence < FAMILIAR:
        return False
    return chance >= (CHANGES_SUBJECT if intent.startswith(GUIDE) else OWN_QUESTION)


def _within(model: TopicModel, text: str, intent: str, whole: Reading) -> Reading:
    answer, chance = model.answer_within(text, intent)
    ranking = [(intent, 1.0), *((name, 0.0) for name, _ in whole.ranking if name != intent)]
    return replace(whole, ranking=ranking, confidence=1.0, answer=answer, answer_confidence=chance)


def _several(model: TopicModel, text: str) -> list[tuple[str, Reading]]:
    """The questions of a message, each with its topic; the same answer is not given twice."""
    found: list[tuple[str, Reading]] = []
    topic: str | None = None
    for part in questions_in(text):
        reading = model.read(part)
        intent, chance = reading.ranking[0]
        is_own = intent.startswith(GUIDE) and reading.confidence >= FAMILIAR and chance >= OWN_QUESTION
        leans = topic is not None and leans_on_last(part)
        if topic is not None and leans and (names_nothing(part) or not (is_own and chance >= CHANGES_SUBJECT)):
            reading = _within(model, part, topic, reading)
        elif is_own:
            topic = intent
        else:
            continue
        meant = (reading.ranking[0][0], reading.answer)
        if all((name, known.answer) != meant for name, known in found):
            found.append((reading.ranking[0][0], reading))
    return found


def _close(model: TopicModel, text: str, reading: Reading) -> tuple[Question, ...]:
    (first, chance), (second, behind) = reading.ranking[:2]
    if not first.startswith(GUIDE) or not second.startswith(GUIDE) or reading.confidence < FAMILIAR:
        return ()
    if behind < CLOSE_SECOND or chance - behind > CLOSE_GAP:
        return ()
    return ((first, reading.answer), (second, model.answer_within(text, second)[0]))
