"""What a message asks, in the light of what was said last: one question or several, or one of two that are close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Optional

from components.several_questions import (
    MOST_QUESTIONS,
    is_bare_question,
    is_short_remark,
    leans_on_last,
    names_nothing,
    parts_in,
    questions_in,
    speaks_to_us,
)
from components.topic_model import OUT_OF_SCOPE, Reading, TopicModel

GUIDE = "guide/"
# From this chance on, a short message that leans on the last answer is taken to have changed the subject after all.
CHANGES_SUBJECT = 0.75
# A bare "what can you do" asks about us, and "thanks" asks nothing, whatever was said before.
_ABOUT_US = frozenset({"menu", "small_talk"})
# From this chance on, a message is small talk, or asks about the last reply, even if it could go on from the answer.
SMALL_TALK = 0.5
ASKS_ABOUT_REPLY = 0.8
# A short question that looks stranger than this share of our own, for whatever it was read as, goes on from the last
# answer; a short remark only if it looks stranger still, and an answer of that topic fits it as well as that.
UNLIKE_ITS_OWN = 0.45
REMARK_UNLIKE_ITS_OWN = 0.2
FITS_A_REMARK = 0.75
# A short question that would be turned away goes on from the last answer if that fits as well, and it is not as surely
# foreign as this.
SURELY_FOREIGN = 0.5
# What a part of a message must reach to count as a question of its own: its chance, and how familiar it looks.
OWN_QUESTION = 0.5
FAMILIAR = 0.1
# The same for a part of a long message that is not in the form of a question.
PART_OF_LONG = 0.6
FAMILIAR_PART = 0.15
# The confidence of what is known from what was said before.
CERTAIN = 1.0
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


def understand(model: TopicModel, text: str, last_topic: str | None, companions: Sequence[str] = ()) -> Understood:
    """Read a message.

    last_topic: the guide topic that was last answered, without "guide/". companions: the topics that have the answer
    when that one has none.
    """
    whole = model.read(text)
    if last_topic and (
        _goes_on(whole, text)
        or _is_fitting_remark(model, whole, text, GUIDE + last_topic)
        or _has_its_own_answer(model, whole, text, last_topic, companions)
    ):
        return Understood(_of_these(model, text, [last_topic, *companions], whole))
    found = _several(model, questions_in(text))
    if len(found) < 2 and whole.confidence < UNLIKE_ITS_OWN:
        found = _in_passing(model, text)[:MOST_QUESTIONS] or found
    if found and (len(found) > 1 or whole.confidence < FAMILIAR):
        first = found[0]
        return Understood(first[1], tuple((topic, reading.answer) for topic, reading in found[1:]))
    return Understood(whole, choices=_close(model, text, whole))


def _goes_on(whole: Reading, text: str) -> bool:
    """Whether a message goes on from the last answer."""
    if names_nothing(text) and (leans_on_last(text) or is_bare_question(text)):
        return _is_about_last(whole, text)
    if leans_on_last(text) and not _stands_alone(whole):
        return True
    intent, chance = whole.ranking[0]
    if intent in _ASKS_ABOUT_LAST_REPLY and chance >= ASKS_ABOUT_REPLY:
        return False
    return is_bare_question(text) and whole.confidence < UNLIKE_ITS_OWN and not _changes_subject(whole)


def _changes_subject(whole: Reading) -> bool:
    intent, chance = whole.ranking[0]
    return intent.startswith(GUIDE) and chance >= CHANGES_SUBJECT and whole.confidence >= FAMILIAR


def _is_fitting_remark(model: TopicModel, whole: Reading, text: str, intent: str) -> bool:
    """Whether a short remark that is nothing of its own answers to the last topic: "shes 17 now"."""
    would_be_turned_away = whole.ranking[0][0] == OUT_OF_SCOPE and is_bare_question(text)
    if whole.confidence >= (SURELY_FOREIGN if would_be_turned_away else REMARK_UNLIKE_ITS_OWN):
        return False
    return not _changes_subject(whole) and is_short_remark(text) and _fits(model, text, intent)


def _has_its_own_answer(
    model: TopicModel, whole: Reading, text: str, last_topic: str, companions: Sequence[str]
) -> bool:
    """Whether a question that leans on the last answer, and sounds like a topic that goes with it, is answered there.

    "Who pays for the carers" is another question after a stay in hospital than it is otherwise.
    """
    sounds_like = whole.ranking[0][0].removeprefix(GUIDE)
    return sounds_like in companions and leans_on_last(text) and _fits(model, text, GUIDE + last_topic)


def _fits(model: TopicModel, text: str, intent: str) -> bool:
    answer, chance = model.answer_within(text, intent)
    return answer is not None and chance >= FITS_A_REMARK


def _is_about_last(whole: Reading, text: str) -> bool:
    """Whether a message without a subject of its own has no other purpose than to ask about the last answer."""
    intent, chance = whole.ranking[0]
    if intent in _ASKS_ABOUT_LAST_REPLY and chance >= ASKS_ABOUT_REPLY:
        return False
    kind = intent.partition("/")[0]
    if kind in _ABOUT_US and speaks_to_us(text):
        return False
    return not (kind == "small_talk" and chance >= SMALL_TALK)


def _stands_alone(reading: Reading) -> bool:
    """Whether a message says enough by itself, or asks for something that is no topic."""
    intent, chance = reading.ranking[0]
    if intent == OUT_OF_SCOPE or reading.confidence < FAMILIAR:
        return False
    return chance >= (CHANGES_SUBJECT if intent.startswith(GUIDE) else OWN_QUESTION)


def _of_these(model: TopicModel, text: str, topics: Sequence[str], whole: Reading) -> Reading:
    """The reading within the first of these topics that has an answer that fits; without one, within the first."""
    readings = [_within(model, text, GUIDE + topic, whole) for topic in topics]
    return next((reading for reading in readings if reading.answer), readings[0])


def _within(model: TopicModel, text: str, intent: str, whole: Reading) -> Reading:
    answer, chance = model.answer_within(text, intent)
    ranking = [(intent, 1.0), *((name, 0.0) for name, _ in whole.ranking if name != intent)]
    return replace(whole, ranking=ranking, confidence=CERTAIN, answer=answer, answer_confidence=chance)


def _in_passing(model: TopicModel, text: str) -> list[tuple[str, Reading]]:
    """What a long message asks in passing: each topic once, and what leans on one and has an answer there that fits."""
    found: list[tuple[str, Reading]] = []
    for topic, reading in _several(model, parts_in(text), PART_OF_LONG, FAMILIAR_PART):
        if reading.confidence == CERTAIN:
            is_worth_it = reading.answer is not None and reading.answer_confidence >= FITS_A_REMARK
        else:
            is_worth_it = all(topic != known for known, _ in found)
        if is_worth_it:
            found.append((topic, reading))
    return found


def _several(
    model: TopicModel, parts: Sequence[str], sure: float = OWN_QUESTION, familiar: float = FAMILIAR
) -> list[tuple[str, Reading]]:
    """The questions among these parts of a message, each with its topic; the same answer is not given twice."""
    found: list[tuple[str, Reading]] = []
    topic: str | None = None
    for part in parts:
        reading = model.read(part)
        intent, chance = reading.ranking[0]
        is_own = intent.startswith(GUIDE) and reading.confidence >= familiar and chance >= sure
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
