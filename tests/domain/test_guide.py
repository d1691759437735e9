from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from content.schema import load_content
from helpline.domain.contact_line import contact_line, expand, reply_text
from helpline.domain.guide import (
    LONGEST_ANSWER_SMS,
    Answer,
    Guide,
    Source,
    Topic,
    answer_text,
    day_in_words,
    menu_text,
    why_text,
)
from helpline.domain.sms import segments

CONTENT = load_content(Path(__file__).parents[2] / "content")
WORDS = CONTENT.words
CHECKED = date(2026, 11, 22)
ANSWER = Answer(
    id="rails",
    question="Can we get a rail?",
    short="Ask for a rail.",
    long="Ask for a rail.\n\nRing {front-door}.",
    who_pays="The council pays.",
    next_step="Ring and ask.",
    contact="front-door",
    as_of=CHECKED,
    review_by=date(2027, 4, 5),
    sources=(Source("GOV.UK", "https://www.gov.uk", "2026"), Source("NHS", "https://www.nhs.uk", "undated")),
)
GUIDE = Guide(
    phones=CONTENT.guide.phones,
    authorities=CONTENT.guide.authorities,
    topics={
        "equipment": Topic(
            "equipment", "Equipment", "rails", {"rails": ANSWER, "lifts": replace(ANSWER, id="lifts", short="A lift.")}
        ),
        "breaks": Topic("breaks", "A break", "rails", {"rails": ANSWER}),
    },
)


def test_the_short_form_has_the_number_of_the_council_and_offers_more() -> None:
    rendered = answer_text(GUIDE, "equipment", "lifts", "short", "essex", CHECKED, WORDS)
    assert rendered.text == (
        "A lift. Essex adult social care: 0345 603 7630, weekdays 8.45am to 5pm (Friday 4.30pm). Text MORE for detail."
    )
    assert (rendered.answer_id, rendered.stale, rendered.is_general) == ("lifts", False, False)


def test_where_the_place_is_not_known_every_council_is_named() -> None:
    text = answer_text(GUIDE, "equipment", "rails", "short", None, CHECKED, WORDS).text
    assert "Adult social care: Essex 0345 603 7630, Southend 01702 215008, Thurrock 01375 511000, weekdays." in text


def test_a_council_that_does_not_exist_any_more_is_a_place_not_known() -> None:
    assert (
        answer_text(GUIDE, "equipment", "rails", "short", "mid-essex", CHECKED, WORDS).text
        == answer_text(GUIDE, "equipment", "rails", "short", None, CHECKED, WORDS).text
    )


def test_the_long_form_says_the_next_step_who_pays_and_the_full_hours() -> None:
    text = answer_text(GUIDE, "equipment", "rails", "long", "thurrock", CHECKED, WORDS).text
    assert text == (
        "Ask for a rail.\n\nRing 01375 511000.\n\nNext step: Ring and ask.\n\nWho pays: The council pays.\n\n"
        "Thurrock adult social care: 01375 511000, Monday to Friday 9am to 5pm."
    )


@pytest.mark.parametrize("answer_id", [None, "an-answer-that-was-taken-out"])
def test_without_an_exact_answer_the_general_one_is_given_and_it_says_so(answer_id: str | None) -> None:
    rendered = answer_text(GUIDE, "equipment", answer_id, "short", "essex", CHECKED, WORDS)
    assert rendered.text.startswith(WORDS.on("general-answer-lead", "sms") + " Ask for a rail.")
    assert (rendered.answer_id, rendered.is_general) == ("rails", True)


def test_an_unknown_topic_is_an_error() -> None:
    with pytest.raises(LookupError, match="no-such-topic"):
        answer_text(GUIDE, "no-such-topic", None, "short", None, CHECKED, WORDS)


def test_an_answer_holds_to_the_end_of_its_review_day_and_not_a_day_longer() -> None:
    on_the_day = answer_text(GUIDE, "equipment", "rails", "short", "southend", ANSWER.review_by, WORDS)
    assert not on_the_day.stale
    for form in ("short", "long"):
        after = answer_text(GUIDE, "equipment", "rails", form, "southend", ANSWER.review_by + timedelta(days=1), WORDS)
        assert after.stale
        assert "Ask for a rail" not in after.text
        assert "Southend adult social care: 01702 215008" in after.text


def test_more_is_offered_only_when_it_fits() -> None:
    full = replace(ANSWER, short="a" * 220)
    guide = replace(GUIDE, topics={"equipment": Topic("equipment", "E", "rails", {"rails": full})})
    text = answer_text(guide, "equipment", "rails", "short", "essex", CHECKED, WORDS).text
    assert "MORE" not in text
    assert segments(text).characters <= LONGEST_ANSWER_SMS


def test_why_names_the_sources_and_the_day_of_the_check() -> None:
    text = why_text(GUIDE, "equipment", None, WORDS, "sms")
    assert "GOV.UK, 2026; NHS, undated" in text
    assert "22 November 2026" in text
    assert "https://www.nhs.uk" in why_text(GUIDE, "equipment", "rails", WORDS, "chat")


def test_the_menu_lists_every_topic_in_chat_and_the_most_asked_in_a_text() -> None:
    more = {topic.id: replace(topic, menu=True) for topic in GUIDE.topics.values()}
    more["scams"] = Topic("scams", "Scams", "rails", {"rails": ANSWER})
    guide = replace(GUIDE, topics=more)
    assert "A break; Equipment." in menu_text(guide, WORDS, "sms")
    assert "A break\nEquipment\nScams" in menu_text(guide, WORDS, "chat")


def test_councils_that_share_a_number_are_named_together() -> None:
    assert (
        expand("{out-of-hours}", GUIDE, None, WORDS, "sms") == "Essex and Southend 0345 606 1212, Thurrock 01375 372468"
    )
    assert expand("{out-of-hours}", GUIDE, "southend", WORDS, "sms") == "0345 606 1212"


def test_a_phone_without_hours_says_none_and_shout_is_a_number_to_text() -> None:
    assert contact_line(GUIDE, "nspcc", None, WORDS, "sms") == "NSPCC Helpline: 0808 800 5000."
    assert contact_line(GUIDE, "shout", None, WORDS, "sms") == "Text SHOUT to 85258, day and night, every day."


def test_unknown_names_are_errors() -> None:
    with pytest.raises(LookupError):
        expand("{no-such-phone}", GUIDE, None, WORDS, "sms")
    with pytest.raises(LookupError):
        contact_line(GUIDE, "no-such-phone", None, WORDS, "sms")
    with pytest.raises(LookupError, match="no-such-reply"):
        reply_text(GUIDE, WORDS, "no-such-reply", "sms")


def test_a_date_is_said_as_people_say_it() -> None:
    assert day_in_words(date(2026, 4, 6)) == "6 April 2026"
