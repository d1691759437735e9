"""How old a reader must be: the measure by hand, what is said of a hard text, and that ours are easy enough."""

import shutil
from pathlib import Path

import pytest

from content.problems import ContentError
from content.reading_age import KnownNames, load_names, reading_age, reading_age_problems
from content.resident_texts import REPLIES, ResidentText, resident_texts
from content.schema import Content
from content.sentences import sentences
from helpline.bootstrap import own_feeds
from helpline.checks import check_small_talk, small_talk_texts
from helpline.domain.safety import SafetyContent
from helpline.settings import REPOSITORY, Settings

NAMES = KnownNames(["Attendance Allowance", "carer's assessment", "reablement"])
SMALL_TALK = REPOSITORY / "bot" / "domain" / "small_talk.yml"


def test_the_measure_is_the_one_worked_out_by_hand() -> None:
    # 10 words, 2 sentences, 10 syllables; then 8 words, 1 sentence, 16 syllables.
    assert reading_age("The cat sat on the mat. The dog ran off.", NAMES) == round(0.39 * 5 + 11.8 * 1 - 15.59 + 5, 1)
    assert reading_age("Twenty people only needed a little money today.", NAMES) == round(
        0.39 * 8 + 11.8 * 15 / 8 - 15.59 + 5, 1
    )


@pytest.mark.parametrize(
    ("easy", "as_easy"),
    [
        ("You can ask them for Attendance Allowance now.", "You can ask them for the thing now."),
        ("Attendance Allowance can help you a lot now.", "The thing can help you a lot now."),
        ("They can get attendance allowances for you now.", "They can get the thing for you now."),
        ("It is near the old town of Southend now.", "It is near the old town of Rome now."),
        ("If you can, ring the line on {carers-first} now.", "If you can, ring the line on 111 now."),
        ("It costs them 1,234.50 pounds to do it now.", "It costs them five pounds to do it now."),
        ("Look at https://www.gov.uk/apply-blue-badge for all of it now.", "Look at this for all of it now."),
    ],
)
def test_what_a_writer_cannot_choose_counts_as_easy(easy: str, as_easy: str) -> None:
    age = reading_age(easy, NAMES)
    assert age is not None and age == reading_age(as_easy, NAMES)


def test_a_long_word_that_is_no_name_counts_in_full_and_so_does_a_name_where_none_is_easy() -> None:
    assert reading_age("Ask for the appropriate documentation to be sent now.", NAMES) > 11  # type: ignore[operator]
    text = "You can ask them for Attendance Allowance now."
    assert reading_age(text, None) > reading_age(text, NAMES)  # type: ignore[operator]


def test_a_label_says_too_little_to_be_measured() -> None:
    assert reading_age("Accommodation responsibilities:", NAMES) is None
    assert reading_age("", NAMES) is None


def test_where_a_sentence_ends() -> None:
    text = "Ring 8.45am to 5pm. It is free (for now.) Then:\n\n- one thing\n- two\n\nSee www.gov.uk/x."
    assert sentences(text) == [
        "Ring 8.45am to 5pm.",
        "It is free (for now.)",
        "Then:",
        "- one thing",
        "- two",
        "See www.gov.uk/x.",
    ]


def test_the_hardest_sentence_is_named_with_its_hard_words_and_what_to_do() -> None:
    hard = (
        "Ring them today. The multidisciplinary community rehabilitation team facilitates independent living"
        " subsequent to hospitalisation of the individual. They are kind."
    )
    [problem] = reading_age_problems([ResidentText(REPLIES, "content/replies.yml", "x, sms", hard)], NAMES)
    assert str(problem).startswith("content/replies.yml, x, sms: Its reading age is ")
    assert '"The multidisciplinary community rehabilitation team' in problem.what
    assert "Ring them" not in problem.what
    assert problem.what_to_do.startswith("Make two sentences of it. Say in plainer words: multidisciplinary, ")


def test_a_long_sentence_of_short_words_is_to_be_cut_and_a_short_one_of_long_words_is_to_be_made_plainer() -> None:
    long = " ".join(["go and ask the man next door to you"] * 6) + "."
    plain = "Considerable accommodation adaptations necessitate professional assessment before they begin."
    cures = [
        problem.what_to_do
        for text in (long, plain)
        for problem in reading_age_problems([ResidentText(REPLIES, "f", "w", text)], NAMES)
    ]
    assert cures[0] == "Make two sentences of it."
    assert cures[1].startswith("Say in plainer words: Considerable, accommodation, ")


def test_everything_that_a_resident_may_read_is_easy_enough(content: Content, safety: SafetyContent) -> None:
    settings = Settings()
    names = load_names(settings.content_folder)
    texts = [*resident_texts(content, safety, own_feeds(settings, content)), *small_talk_texts(SMALL_TALK)]
    assert len({(text.file, text.where) for text in texts}) == len(texts) > 1000
    assert [str(problem) for problem in reading_age_problems(texts, names)] == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("names:\n", "nmaes:\n", "missing"),
        ("  - Blue Badge\n", "  - Blue  Badge\n", "not right"),
        ("terms:\n", "terms: [\n", "YAML"),
    ],
)
def test_a_slip_in_the_list_of_names_is_told_in_plain_words(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = Path(shutil.copy(REPOSITORY / "content" / "known_names.yml", tmp_path))
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ContentError, match=said) as problem:
        load_names(tmp_path)
    assert "known_names.yml" in str(problem.value)


def test_small_talk_suits_a_text_and_a_slip_in_it_is_named(tmp_path: Path) -> None:
    assert check_small_talk(small_talk_texts(SMALL_TALK)) == []
    file = tmp_path / "small_talk.yml"
    file.write_text(SMALL_TALK.read_text().replace("send LIST", "send INFO on Mon \u2013 " + "and more " * 10, 1))
    found = check_small_talk(small_talk_texts(file))
    assert {problem.where for problem in found} == {"utter_small_talk/greeting"}
    for said in ("text INFO", "'Mon' is a short form", "cannot carry", "It takes"):
        assert any(said in problem.what for problem in found), said
