"""The words that we ship: each answer in each place, and each reply, as people will get them."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from content.lint import REQUIRED_REPLIES
from content.schema import load_content
from helpline.domain.contact_line import reply_text
from helpline.domain.guide import answer_text, menu_text, why_text
from helpline.domain.replies import Channel
from helpline.domain.sms import MOST_SEGMENTS, pages, segments, to_gsm7

ROOT = Path(__file__).parents[2]
CONTENT = load_content(ROOT / "content")
GUIDE, WORDS = CONTENT.guide, CONTENT.words
TODAY = date(2026, 11, 22)
PLACES = [None, *GUIDE.authorities]
ANSWERS = [(topic.id, answer_id) for topic in GUIDE.topics.values() for answer_id in topic.answers]
SERVICE = "Essex Care Line"


def test_every_topic_and_answer_has_its_phrasings_and_no_phrasing_is_without_an_answer() -> None:
    taught = {}
    for path in (ROOT / "nlu" / "guide").glob("*.yml"):
        blocks = yaml.safe_load(path.read_text())["nlu"]
        assert {block["intent"] for block in blocks} == {f"guide/{path.stem}"}, path.name
        taught[path.stem] = {block["metadata"]["answer"] for block in blocks}
    assert taught == {topic.id: set(topic.answers) for topic in GUIDE.topics.values()}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("topic", "answer"), ANSWERS)
def test_an_answer_fits_in_two_parts_and_its_long_form_can_be_sent(topic: str, answer: str, place: str | None) -> None:
    short = answer_text(GUIDE, topic, answer, "short", place, TODAY, WORDS).text
    assert segments(short).encoding == "GSM-7"
    assert segments(short).count <= 2
    long = answer_text(GUIDE, topic, answer, "long", place, TODAY, WORDS).text
    assert "{" not in short + long
    assert to_gsm7(long) == long
    assert len(pages(long, footer=WORDS.on("label-more", "sms"))) <= 4


@pytest.mark.parametrize("topic", GUIDE.topics)
def test_the_first_reply_of_all_fits_with_everything_that_goes_with_it(topic: str) -> None:
    general = answer_text(GUIDE, topic, None, "short", None, TODAY, WORDS).text
    lead = reply_text(GUIDE, WORDS, "first-contact-lead", "sms", service_name=SERVICE)
    asked = reply_text(GUIDE, WORDS, "ask-helped", "sms")
    assert segments(f"{lead} {general} {asked}").count <= MOST_SEGMENTS


@pytest.mark.parametrize(("topic", "answer"), ANSWERS)
def test_the_sources_of_an_answer_fit_in_a_text(topic: str, answer: str) -> None:
    assert segments(to_gsm7(why_text(GUIDE, topic, answer, WORDS, "sms"))).count <= MOST_SEGMENTS


def test_the_menu_of_a_text_fits_and_names_a_dozen_topics_at_least() -> None:
    assert sum(topic.menu for topic in GUIDE.topics.values()) >= 12
    assert segments(to_gsm7(menu_text(GUIDE, WORDS, "sms"))).count <= MOST_SEGMENTS


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("channel", ["sms", "chat"])
@pytest.mark.parametrize("reply_id", sorted(REQUIRED_REPLIES))
def test_a_reply_can_be_said_everywhere(reply_id: str, channel: Channel, place: str | None) -> None:
    values = dict.fromkeys(WORDS.wordings[reply_id].values, "x")
    text = reply_text(GUIDE, WORDS, reply_id, channel, place, service_name=SERVICE, **values)
    assert text
    assert "{" not in text
    if channel == "sms":
        assert segments(text).encoding == "GSM-7"
        assert segments(text).count <= 2


@pytest.mark.parametrize("reply_id", ["first-contact-lead", "stop-confirmed", "start-confirmed", "help"])
def test_a_text_that_may_be_the_first_says_who_it_is_from(reply_id: str) -> None:
    assert reply_text(GUIDE, WORDS, reply_id, "sms", service_name=SERVICE).startswith(SERVICE)


def test_stop_start_and_help_say_where_to_turn_in_danger() -> None:
    for reply_id in ("stop-confirmed", "help", "holding", "talk-to-a-person", "media-only"):
        text = reply_text(GUIDE, WORDS, reply_id, "chat", "essex", service_name=SERVICE)
        assert "999" in text, reply_id
