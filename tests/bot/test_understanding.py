"""Several questions in one message, questions that lean on the last one, and topics that are close."""

from __future__ import annotations

import pytest
from components.several_questions import leans_on_last, questions_in
from components.topic_model import Reading
from components.understanding import understand


class Readings:
    """Stands in for a trained model: what each text is read as."""

    def __init__(self, **readings: tuple[str, float, str | None]) -> None:
        self._readings = readings
        self.within: list[tuple[str, str]] = []

    def read(self, text: str) -> Reading:
        for words, (intent, chance, answer) in self._readings.items():
            if words.replace("_", " ") in text:
                rest = [("guide/sleep", (1 - chance) * 0.6), ("guide/energy", (1 - chance) * 0.4)]
                return Reading([(intent, chance), *rest], 0.8, answer, 0.9)
        return Reading([("out_of_scope", 0.5), ("guide/sleep", 0.3)], 0.01)

    def answer_within(self, text: str, intent: str) -> tuple[str | None, float]:
        self.within.append((text, intent))
        return ("how-much" if "free" in text or "much" in text else None), 0.9


MODEL = {
    "blue badge": ("guide/blue-badge", 0.9, "how-to-apply"),
    "attendance": ("guide/attendance-allowance", 0.9, "what-it-is"),
    "fall": ("guide/falls", 0.9, "after-a-fall"),
}


def readings() -> Readings:
    return Readings(**{words.replace(" ", "_"): reading for words, reading in MODEL.items()})


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("how do I get a blue badge? and what is attendance allowance", 2),
        ("How do I get a blue badge, and also can mum have attendance allowance?", 2),
        ("what is pip\nhow do i claim it\nhow long does it take", 3),
        ("mum fell last week. how do i stop her falling", 0),
        ("how do i get a blue badge", 0),
        ("can mum and dad have a blue badge", 0),
        ("my husband has dementia and cant sleep and i am worn out", 0),
        ("", 0),
        ("???", 0),
    ],
)
def test_questions_are_told_apart(text: str, count: int) -> None:
    assert len(questions_in(text)) == count


def test_what_comes_before_the_questions_stays_with_the_first() -> None:
    first, second = questions_in("Mum is 82 and lives alone. Can she get a blue badge? What does it cost?")
    assert first.startswith("Mum is 82")
    assert second == "What does it cost?"


def test_no_more_than_four_questions_are_told_apart_and_none_is_lost() -> None:
    text = "\n".join(f"what is number {number} about" for number in range(9))
    found = questions_in(text)
    assert len(found) == 4
    assert "number 8" in found[-1]


@pytest.mark.parametrize(
    "text",
    [
        "is it free",
        "do they open weekends",
        "and for my dad?",
        "what about if she has savings",
        "how long does it take",
    ],
)
def test_a_short_message_that_leans_on_the_last_answer_is_known(text: str) -> None:
    assert leans_on_last(text)


@pytest.mark.parametrize(
    "text",
    [
        "blue badge",
        "how do i claim attendance allowance for my wife who has had a stroke and it is urgent now",
        "",
        "hello",
    ],
)
def test_a_message_that_says_what_it_is_about_leans_on_nothing(text: str) -> None:
    assert not leans_on_last(text)


def test_each_of_two_questions_gets_its_topic() -> None:
    understood = understand(readings(), "how do i get a blue badge? and what is attendance allowance", None)
    assert understood.reading.ranking[0][0] == "guide/blue-badge"
    assert understood.questions == (("guide/attendance-allowance", "what-it-is"),)


def test_a_second_question_that_leans_on_the_first_stays_with_its_topic() -> None:
    understood = understand(readings(), "how do i get a blue badge? how much is it", None)
    assert understood.questions == (("guide/blue-badge", "how-much"),)


def test_the_same_answer_is_not_given_twice() -> None:
    understood = understand(readings(), "how do i get a blue badge? where can i get a blue badge", None)
    assert understood.questions == ()


def test_a_follow_up_keeps_its_topic() -> None:
    model = readings()
    understood = understand(model, "is it free", "blue-badge")
    assert understood.reading.ranking[0] == ("guide/blue-badge", 1.0)
    assert understood.reading.answer == "how-much"


def test_a_follow_up_that_names_another_topic_changes_the_subject() -> None:
    understood = understand(readings(), "and what is attendance allowance", "blue-badge")
    assert understood.reading.ranking[0][0] == "guide/attendance-allowance"


def test_the_same_words_without_an_answer_before_them_are_not_guessed_at() -> None:
    assert understand(readings(), "is it free", None).reading.ranking[0][0] == "out_of_scope"


@pytest.mark.parametrize(
    "text",
    ["how much", "how long", "appeal?", "who do i tell", "what do i do", "how long have i got", "can they do that"],
)
def test_a_bare_question_is_about_the_last_answer(text: str) -> None:
    assert understand(readings(), text, "falls").reading.ranking[0][0] == "guide/falls"


@pytest.mark.parametrize("text", ["who won the football", "ok", "thanks", "hello", "bins", ""])
def test_what_asks_nothing_about_the_last_answer_is_left_alone(text: str) -> None:
    model = Readings(football=("out_of_scope", 0.9, None))
    assert understand(model, text, "falls").reading.ranking[0][0] == "out_of_scope"


def test_a_short_question_that_looks_like_nothing_we_know_is_about_the_last_answer() -> None:
    assert understand(readings(), "what paper must i bring", "falls").reading.ranking[0][0] == "guide/falls"


@pytest.mark.parametrize(
    ("text", "intent"), [("much too heavy for me", "guide/falls"), ("far too heavy for me", "out_of_scope")]
)
def test_a_short_remark_is_about_the_last_answer_only_where_one_fits_it(text: str, intent: str) -> None:
    class Sure(Readings):
        def answer_within(self, text: str, intent: str) -> tuple[str | None, float]:
            return super().answer_within(text, intent)[0], 0.97

    assert understand(Sure(), text, "falls").reading.ranking[0][0] == intent


class Fitting(Readings):
    """One that has an answer for everything within any topic."""

    def answer_within(self, text: str, intent: str) -> tuple[str | None, float]:
        return "an-answer", 0.97


@pytest.mark.parametrize(("familiar", "intent"), [(0.4, "guide/young-carers"), (0.9, "out_of_scope")])
def test_a_short_question_that_fits_the_last_answer_is_turned_away_only_if_it_is_surely_foreign(
    familiar: float, intent: str
) -> None:
    class Strange(Fitting):
        def read(self, text: str) -> Reading:
            return Reading([("out_of_scope", 0.99), ("guide/pip", 0.01)], familiar)

    assert understand(Strange(), "do i have to tell school", "young-carers").reading.ranking[0][0] == intent


@pytest.mark.parametrize(
    ("companions", "intent"), [(["home-care"], "guide/hospital-discharge"), ([], "guide/home-care")]
)
def test_a_question_that_sounds_like_a_topic_that_goes_with_the_last_is_answered_by_the_last(
    companions: list[str], intent: str
) -> None:
    model = Fitting(who_pays=("guide/home-care", 0.99, "who-pays"))
    reading = understand(model, "who pays for the carers", "hospital-discharge", companions).reading
    assert reading.ranking[0][0] == intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [("what can you do", "menu"), ("who are you", "small_talk/are_you_human"), ("how much more", "more")],
)
def test_a_question_about_us_or_our_last_reply_stays_one(text: str, intent: str) -> None:
    model = Readings(**{text.replace(" ", "_"): (intent, 0.9, None)})
    assert understand(model, text, "falls").reading.ranking[0][0] == intent


def test_what_the_last_topic_cannot_answer_is_looked_for_in_the_topics_that_go_with_it() -> None:
    class One(Readings):
        def answer_within(self, text: str, intent: str) -> tuple[str | None, float]:
            return ("how-long", 0.9) if intent == "guide/carers-assessment" else (None, 0.1)

    reading = understand(One(), "how long does it take", "carers-support", ["respite", "carers-assessment"]).reading
    assert (reading.ranking[0][0], reading.answer) == ("guide/carers-assessment", "how-long")
    nothing = understand(One(), "how long does it take", "carers-support", ["respite"]).reading
    assert (nothing.ranking[0][0], nothing.answer) == ("guide/carers-support", None)


RAMBLING = (
    "Hello dear, sorry to trouble you, I am not one for phones and my grandson set this up for me last Easter. "
    "The cat is well. I think a blue badge would help my husband now, and somebody told me of an attendance thing. "
    "It has rained here since Tuesday and the garden is under water and the blue badge man says so as well"
)


class Lost(Readings):
    """One that makes nothing of a long message as a whole."""

    def read(self, text: str) -> Reading:
        return super().read(text if len(text.split()) < 30 else "much and nothing")


def test_questions_among_much_else_in_a_long_message_are_each_answered() -> None:
    model = Lost(**{words.replace(" ", "_"): reading for words, reading in MODEL.items()})
    understood = understand(model, RAMBLING, None)
    assert understood.reading.ranking[0][0] == "guide/blue-badge"
    assert understood.questions == (("guide/attendance-allowance", "what-it-is"),)


def test_a_long_message_with_nothing_that_we_know_is_not_guessed_at() -> None:
    text = RAMBLING.replace("blue badge", "brass band").replace("attendance", "orchestra")
    understood = understand(readings(), text, None)
    assert (understood.reading.ranking[0][0], understood.questions) == ("out_of_scope", ())


def test_topics_that_are_close_are_both_offered() -> None:
    class Close(Readings):
        def read(self, text: str) -> Reading:
            return Reading([("guide/pip", 0.42), ("guide/attendance-allowance", 0.40)], 0.5, "what-it-is", 0.9)

    understood = understand(Close(), "money for being ill", None)
    assert [topic for topic, _ in understood.choices] == ["guide/pip", "guide/attendance-allowance"]
