"""What a text message may not say, and that each rule tells a writer what to do instead."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from content import sms_rules
from content.longest_values import longest_values, part_problems
from content.safety_schema import SafetyContentError, load_safety
from content.schema import Content, ContentError, load_content
from helpline.bootstrap import own_feeds
from helpline.domain.directory import Service
from helpline.domain.replies import ReplyWords, Wording
from helpline.settings import REPOSITORY, Settings

SHIPPED = REPOSITORY / "content"
NAME = "{service_name}"


@pytest.fixture(scope="session")
def services(content: Content) -> list[Service]:
    return [service for _, feed in own_feeds(Settings(), content) for service in feed.services]


@pytest.mark.parametrize(
    "text",
    [
        "Open on Mon and Sunday.",
        "From Feb.",
        "from Mar. on",
        "Your appt is near.",
        "Pls ring.",
        "ring asap",
        "A rail, etc.",
        "a rail, e.g. by the bath",
        "that is, i.e. now",
        "Two hrs.",
        "£5 pw",
        "Tel 111",
    ],
)
def test_a_short_form_is_named(text: str) -> None:
    [(what, what_to_do)] = sms_rules.short_forms(text)
    assert "is a short form" in what and what_to_do == "Write it in full."


@pytest.mark.parametrize(
    "text", ["On Monday in March.", "He sat in the sun, may be.", "An egg, a market, the hotel.", "Tell us."]
)
def test_a_whole_word_is_no_short_form(text: str) -> None:
    assert list(sms_rules.short_forms(text)) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Text CANCEL to end.", "CANCEL"),
        ("reply yes if that is all right", "YES"),
        ("Reply YES or NO.", "YES"),
        ("Reply NO or YES.", "YES"),
        ('Send us "QUIT" now.', "QUIT"),
        ("Reply with Unsubscribe.", "UNSUBSCRIBE"),
        ("Text back END.", "END"),
        ("Text HELP now.", "HELP"),
        ("text INFO", "INFO"),
        ("Text the word STOP.", "STOP"),
        ("Text START.", "START"),
    ],
)
def test_a_word_that_the_networks_keep_is_never_asked_for(text: str, word: str) -> None:
    [(what, what_to_do)] = sms_rules.reserved_words(text)
    assert f"text {word}," in what and "LIST" in what_to_do
    assert list(sms_rules.reserved_words(text, frozenset({word}))) == []


@pytest.mark.parametrize(
    "text",
    ["Reply Y or N.", "Text SAFE or LIST.", "STOP ends texts.", "They will send help.", "Text SHOUT to {shout}.",
     "To start, text LIST.", "Send information to the end of the road."],
)  # fmt: skip
def test_other_words_may_be_asked_for(text: str) -> None:
    assert list(sms_rules.reserved_words(text)) == []


def test_a_text_that_nobody_asked_for_says_whom_it_is_from_how_to_stop_and_one_thing_to_do() -> None:
    good = f"{NAME}: hello. Text SAFE for people, or tell me what you need. No need to reply. STOP ends texts."
    assert list(sms_rules.unasked(good, NAME)) == []
    for wrong, said in (
        (good.replace(f"{NAME}: h", "H"), f"Begin it with {NAME}."),
        (good.replace(" STOP ends texts.", ""), "Add: STOP ends texts."),
        (good.replace("tell me", "call us or tell me"), "Ask for one"),
        (good.replace("No need to reply.", "Then open the page."), "Ask for one"),
    ):
        [(_, what_to_do)] = sms_rules.unasked(wrong, NAME)
        assert what_to_do.startswith(said)


def test_too_many_parts_are_counted_and_placed() -> None:
    assert list(sms_rules.too_many_parts("x" * 459)) == []
    assert list(sms_rules.too_many_parts("x" * 460, "for essex")) == [
        ("It takes 4 parts as a text for essex.", "Shorten it to 3.")
    ]


def test_every_reply_fits_its_parts_with_the_longest_values(content: Content, services: list[Service]) -> None:
    assert [str(problem) for problem in part_problems(content, services)] == []
    values = longest_values(content, services)
    assert all(values.values())
    assert max(map(len, values.values())) < 250


def test_a_reply_that_is_too_long_only_with_its_longest_value_is_named(
    content: Content, services: list[Service]
) -> None:
    wording = Wording("{name} " + "x" * 430, "y", frozenset({"name"}))
    unknown = Wording("{something-new} " + "x" * 300, "y", frozenset({"something-new"}))
    words = ReplyWords({**content.words.wordings, "rate-score": wording, "new-one": unknown})
    found = list(part_problems(replace(content, words=words), services))
    assert {problem.where for problem in found} == {"rate-score, sms", "new-one, sms"}
    assert all("It takes 4 parts" in problem.what and "Shorten it to 3" in problem.what_to_do for problem in found)


@pytest.mark.parametrize(
    ("reply_id", "allowed", "refused"),
    [
        ("help", "text INFO", "text CANCEL"),
        ("stop-confirmed", "Text START", "Text UNSTOP"),
        ("first-contact-lead", "Text STOP", "Text START"),
        ("welcome", "text LIST", "text HELP"),
    ],
)
def test_a_reply_names_only_the_reserved_words_that_it_must(
    tmp_path: Path, reply_id: str, allowed: str, refused: str
) -> None:
    folder = tmp_path / "content"
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    file = folder / "replies.yml"
    text = file.read_text()
    for words in (allowed, refused):
        head = f'\n{reply_id}:\n  sms: "'
        assert head in text
        file.write_text(text.replace(head, f"{head}{words}. "))
        try:
            load_content(folder)
        except ContentError as error:
            said = str(error)
        else:
            said = ""
        assert (f"{reply_id}, sms: People are asked to" in said) == (words == refused), said


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("suicide.yml", "Under\n      19: Childline", "On Mon\n      19: Childline", "'Mon' is a short form"),
        ("suicide.yml", "your life? Reply Y or N", "your life? Reply Y or N. Text HELP now, reply Y or N", "text HELP"),
        ("suicide.yml", "{service_name}: hello.", "Hello.", "Begin it with {service_name}."),
        ("suicide.yml", "No need to reply. STOP", "Call your GP. STOP", "It asks for 2 things at once"),
        ("suicide.yml", "{service_name}: hello.", "{service_name}: " + "hello " * 20, "Shorten it to 2"),
        ("_general.yml", "Thank you for telling me.", "Thank you pls.", "'pls' is a short form"),
        ("_general.yml", "Thank you for telling me.", "Thank you " * 40, "Shorten it to 3"),
    ],
)
def test_a_slip_in_a_text_about_danger_stops_the_start(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    shutil.copytree(SHIPPED / "safety", tmp_path / "safety")
    for name in ("phones.yml", "authorities.yml"):
        shutil.copy(SHIPPED / name, tmp_path / name)
    path = tmp_path / "safety" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(SafetyContentError) as problem:
        load_safety(tmp_path / "safety")
    assert file in str(problem.value) and said in str(problem.value)
