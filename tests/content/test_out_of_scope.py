"""What is said to messages that are not about care fits in a text, and a slip in the files is told in plain words."""

import shutil
from pathlib import Path

import pytest
import yaml

from content.lint import text_problems
from content.out_of_scope_schema import load_languages, load_out_of_scope
from content.problems import ContentError, Problem
from content.schema import WrongFactsFile, load_content
from helpline.domain import sms
from helpline.domain.contact_line import expand
from helpline.domain.off_topic import Kind, Language
from helpline.domain.replies import ReplyWords

SHIPPED = Path(__file__).parents[2] / "content"
LOADED = load_content(SHIPPED)
LANGUAGES = LOADED.languages
OFF_TOPIC = LOADED.off_topic
# The replies of replies.yml alone, as they are when the file is read.
WORDS = ReplyWords({key: one for key, one in LOADED.words.wordings.items() if key not in OFF_TOPIC.replies})
PLACES = (None, *LOADED.guide.authorities)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "content"
    copy.mkdir()
    for name in ("languages.yml", "out_of_scope.yml"):
        shutil.copy(SHIPPED / name, copy / name)
    return copy


def _edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def _language_problems(folder: Path) -> list[Problem]:
    with pytest.raises(ContentError) as caught:
        load_languages(folder, LOADED.guide, WORDS)
    return caught.value.problems


def _out_of_scope_problems(folder: Path) -> list[Problem]:
    with pytest.raises(ContentError) as caught:
        load_out_of_scope(folder, LOADED.guide, WORDS)
    return caught.value.problems


def test_there_are_fifteen_languages_and_english_is_none_of_them() -> None:
    assert len(LANGUAGES) == len({language.name for language in LANGUAGES}) == 15
    assert "English" not in {language.name for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.id)
@pytest.mark.parametrize("authority", PLACES)
def test_a_line_in_another_language_fits_three_parts_wherever_the_person_lives(
    language: Language, authority: str | None
) -> None:
    sent = expand(language.line.sms, LOADED.guide, authority, LOADED.words, "sms")
    assert sms.segments(sent).count <= 3
    assert "999" in sent


def test_a_line_in_latin_letters_travels_as_cheap_letters_and_keeps_its_accents_in_chat() -> None:
    polish = next(language for language in LANGUAGES if language.id == "polish")
    assert sms.segments(polish.line.sms).encoding == "GSM-7"
    assert polish.line.sms.startswith("Pisze tylko po angielsku.")
    assert polish.line.chat.startswith("Piszę tylko po angielsku.")


def test_a_line_in_another_alphabet_is_not_turned_into_question_marks() -> None:
    for language in LANGUAGES:
        assert language.line.sms.count("?") == language.line.chat.count("?"), language.id


@pytest.mark.parametrize("reply_id", sorted(OFF_TOPIC.replies))
def test_what_is_said_to_stray_messages_is_plain_and_right(reply_id: str) -> None:
    wrong_facts = WrongFactsFile.model_validate(yaml.safe_load((SHIPPED / "wrong_facts.yml").read_text())).root
    wording = OFF_TOPIC.replies[reply_id]
    known = {*LOADED.guide.phones, "front-door", *wording.values}
    for text in (wording.sms, wording.chat):
        assert list(text_problems(text, known, wrong_facts)) == []


@pytest.mark.parametrize("kind", OFF_TOPIC.kinds.values(), ids=lambda kind: kind.id)
def test_every_reply_fits_three_parts_for_every_place(kind: Kind) -> None:
    words = {**LOADED.words.wordings, **OFF_TOPIC.replies}
    places = [*((None, authority) for authority in PLACES), *LOADED.guide.authority_of_district().items()]
    for district, authority in places:
        reply_id, values = OFF_TOPIC.reply_for(kind, district, authority)
        text = expand(words[reply_id].sms, LOADED.guide, authority, LOADED.words, "sms", values)
        assert "{" not in text
        assert sms.segments(text).count <= 3, (district, text)
        assert sms.segments(text).encoding == "GSM-7"


def test_an_insult_is_met_with_kindness_and_the_way_to_a_person() -> None:
    text = OFF_TOPIC.replies["off-topic-insult"].sms
    assert text.startswith("That sounds frustrating")
    assert "TALK" in text


def test_doors_are_web_addresses_and_never_numbers() -> None:
    doors = [OFF_TOPIC.councils.unknown, *OFF_TOPIC.councils.by_authority.values()]
    doors += OFF_TOPIC.councils.by_district.values()
    assert len(doors) == 16
    for door in doors:
        assert door.url.startswith("https://www.")
        assert not any(character.isdigit() for character in f"{door.url}{door.council}")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{front-door} i powiedzieć", "i powiedzieć", "the number to ring"),
        ("{front-door} i powiedzieć", "0345 603 7630 i powiedzieć {front-door}", "Its digits are"),
        ("'Polish, please'", "'Proszę'", "does not give the words to say"),
        ("W\n    niebezpieczeństwie: 999.", "W niebezpieczeństwie.", "Its digits are none"),
        ("    nie się", "    the nie się", "'the' is an English word too"),
        ("    w z i", "    nie w z i", "'nie' is under words too"),
        ("Tel: {front-door}", "{front-door}", "wrong order"),
        ("আমি শুধু ইংরেজি লিখি।", "আমি শুধু ইংরেজি লিখি। " * 8, "parts as a text"),
        ("script: [GURMUKHI]", "script: [TAMIL]", "not how own_name is written"),
        ("  own_name: polski\n", "", "This is missing."),
        ("  own_name: polski\n", "  own_name: polski\n  colour: red\n", "I do not know this word."),
    ],
)
def test_a_slip_in_the_languages_is_told_in_plain_words(folder: Path, old: str, new: str, said: str) -> None:
    _edit(folder, "languages.yml", old, new)
    problems = [str(problem) for problem in _language_problems(folder)]
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith("content/languages.yml") for problem in problems)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("or text TALK for how", "or text HELP for how", "the phone network keeps for itself"),
        ("That sounds frustrating, and", "That sounds frustrating \u2013 and", "A text message cannot carry"),
        ("I am a machine and I do", "It is 0345 603 7630 and I do", "is written out"),
        ("I am a machine and I do", "{nobody-here} and I do", "I do not know {nobody-here}"),
        ("I am a machine and I do", "I am a machine. " * 40 + "I do", "It takes"),
        ("reply: off-topic-insult", "reply: off-topic-rude", "There is no reply 'off-topic-rude'"),
        ("council: county\n    matter: libraries", "council: county", "not clear what is said"),
        ("council: county\n    matter: libraries", "council: parish\n    matter: libraries", "This is not right"),
        ("      - shut up|it|your", "      - (shut", "bracket that is not closed"),
        ("      - <a-bin>\n", "      - <a-bucket>\n", "there is no set of words named <a-bucket>"),
        ("        Harlow: {", "        Harlo: {", "only in one of this file and authorities.yml"),
        ("https://www.harlow.gov.uk", "https://harlow-council.example", "This is not right"),
        ("review_by: 2027-11-26", "review_by: 2031-11-26", "not within a year"),
        ("  other:\n    reply: out-of-scope\n", "", "There is no kind 'other'"),
        ("  off-topic-advert:\n    sms", "  stop-confirmed:\n    sms", "replies.yml has a reply of this name"),
    ],
)
def test_a_slip_in_the_stray_messages_is_told_in_plain_words(folder: Path, old: str, new: str, said: str) -> None:
    _edit(folder, "out_of_scope.yml", old, new)
    problems = [str(problem) for problem in _out_of_scope_problems(folder)]
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith("content/out_of_scope.yml") for problem in problems)


def test_a_file_that_is_missing_is_named(folder: Path) -> None:
    (folder / "languages.yml").unlink()
    (folder / "out_of_scope.yml").unlink()
    assert "This file is missing" in str(_language_problems(folder)[0])
    assert "This file is missing" in str(_out_of_scope_problems(folder)[0])
