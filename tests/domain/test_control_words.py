from pathlib import Path

import pytest
import symspellpy
from hypothesis import given
from hypothesis import strategies as st

from content.schema import load_content
from helpline.domain.control_words import match

WORDS = load_content(Path(__file__).parents[2] / "content").control_words

ENGLISH = [
    line.split()[0]
    for line in (Path(symspellpy.__file__).parent / "frequency_dictionary_en_82_765.txt")
    .read_text(encoding="utf-8-sig")
    .splitlines()
]


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("STOP", "stop"),
        (" stop. ", "stop"),
        ("Stop!!!", "stop"),
        ("STOP STOP STOP", "stop"),
        ("stop please", "stop"),
        ("stopp", "stop"),
        ("sotp", "stop"),
        ("STOPALL", "stop"),
        ("opt-out", "stop"),
        ("Please stop texting me", "stop"),
        ("pls stop sending me these texts", "stop"),
        ("stop texing me please", "stop"),
        ("don\u2019t text me again", "stop"),
        ("take me off your list", "stop"),
        ("Leave me alone", "stop"),
        ("\U0001f6d1 STOP \U0001f6d1", "stop"),
        ("CANCEL", "stop"),
        ("End", "stop"),
        ("quit", "stop"),
        ("START", "start"),
        ("unstop", "start"),
        ("help", "help"),
        ("Help me please", "help"),
        ("INFO", "help"),
        ("menu", "menu"),
        ("mneu", "menu"),
        ("List", "menu"),
        ("MORE", "more"),
        ("moer", "more"),
        ("more please", "more"),
        ("why?", "why"),
        ("Source", "why"),
        ("again", "repeat"),
        ("repeat", "repeat"),
        ("TALK", "talk"),
        ("tlak", "talk"),
        ("talk to a person", "talk"),
    ],
)
def test_a_command_is_known(typed: str, command: str) -> None:
    assert match(typed, WORDS) == command


@pytest.mark.parametrize(
    "typed",
    [
        "shop",
        "step",
        "stow",
        "sore",
        "move",
        "walk",
        "tall",
        "mend",
        "how do i stop mum falling",
        "stop him going out at night",
        "i want to stop",
        "i want it all to stop",
        "can you help me get a blue badge",
        "i need more help at home",
        "no more",
        "thanks again",
        "why thank you",
        "end of life care",
        "who do i talk to about respite",
        "it will end in tears",
        "yes",
        "no",
        "1",
        "",
        "???",
        "\U0001f600",
    ],
)
def test_a_sentence_or_another_word_is_no_command(typed: str) -> None:
    assert match(typed, WORDS) is None


def test_cancel_end_and_quit_stop_texts_but_mean_no_more_than_themselves_in_chat() -> None:
    for word in ("cancel", "end", "quit"):
        assert match(word, WORDS, "sms") == "stop"
        assert match(word, WORDS, "chat") is None
    assert match("stop", WORDS, "chat") == "stop"


def test_cancel_end_and_quit_are_no_commands_where_twilio_leaves_them_to_us() -> None:
    ours = WORDS.without_network_words()
    assert [match(word, ours) for word in ("cancel", "end", "quit", "stop")] == [None, None, None, "stop"]


def test_no_other_english_word_is_taken_for_a_command() -> None:
    words = {word for command in WORDS.commands.values() for word in command.words | command.sms_only}
    taken = {word: match(word, WORDS) for word in ENGLISH if word not in words}
    assert {word: command for word, command in taken.items() if command} == {}


@given(st.sampled_from(sorted(WORDS.commands["stop"].words)), st.sampled_from(["", ".", "!!", " :)", "\n"]))
def test_every_way_of_saying_stop_works_in_any_case(phrase: str, after: str) -> None:
    assert match(phrase + after, WORDS) == "stop"
    assert match(phrase.upper() + after, WORDS) == "stop"


@given(st.text(max_size=400))
def test_anything_can_be_typed(text: str) -> None:
    assert match(text, WORDS) in {None, *WORDS.commands}
