"""The reader of danger that learnt: its files are checked, and the work for a long text has an end."""

import json
import shutil
from pathlib import Path

import pytest

from content.safety_schema import KINDS
from helpline.danger_reader import (
    LONGEST_WHOLE,
    MODEL_FOLDER,
    MOST_WINDOWS,
    WINDOW_WORDS,
    AlteredDangerModel,
    Card,
    DangerReader,
    windows,
)
from helpline.domain.safety import LIKELIER_THAN_NOT
from helpline.settings import REPOSITORY

ORDINARY = "can mum get a blue badge if she has not got a car . "


@pytest.fixture(scope="module")
def reader() -> DangerReader:
    return DangerReader()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(MODEL_FOLDER, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("name", ["reader-2.onnx", "tokenizer.json"])
def test_a_file_that_is_not_the_reviewed_one_is_refused(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(bytes(content))
    with pytest.raises(AlteredDangerModel, match=name):
        DangerReader(copy)


@pytest.mark.parametrize("name", ["reader-2.onnx", "tokenizer.json", "card.json"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(AlteredDangerModel, match=name):
        DangerReader(copy)


def test_a_card_without_what_it_must_say_is_refused(copy: Path) -> None:
    card = json.loads((copy / "card.json").read_text())
    del card["threshold"]
    (copy / "card.json").write_text(json.dumps(card))
    with pytest.raises(AlteredDangerModel, match="KeyError"):
        Card.read(copy)


def test_the_card_knows_every_kind_and_believes_a_phrase_before_it_suspects() -> None:
    card = Card.read(MODEL_FOLDER)
    assert card.kinds[0] == "none" and set(card.kinds[1:]) == set(KINDS)
    assert 0.0 <= card.second_opinion_from < card.doubt <= card.threshold <= card.threshold_in_parts < 1.0
    assert LIKELIER_THAN_NOT < card.second_opinion_to <= 1.0


def test_who_is_asked_for_a_second_opinion_changes_no_judgement(copy: Path) -> None:
    written = json.loads((copy / "card.json").read_text())
    few = DangerReader(copy)
    (copy / "card.json").write_text(json.dumps(written | {"second_opinion_from": 0.0, "second_opinion_to": 1.1}))
    every = DangerReader(copy)
    lines = (REPOSITORY / "tests" / "safety" / "development.jsonl").read_text().splitlines()
    texts = [json.loads(line)["text"].lower() for line in lines[::6]]
    opinions = [(few.read(text), every.read(text)) for text in texts]
    assert sum(one != both for one, both in opinions) > len(texts) / 3
    for one, both in opinions:
        assert (one.score >= few.threshold) == (both.score >= every.threshold)
        assert (one.score < few.doubt) == (both.score < every.doubt)
        assert (one.score >= LIKELIER_THAN_NOT) == (both.score >= LIKELIER_THAN_NOT)


def test_the_chances_of_the_kinds_make_the_score(reader: DangerReader) -> None:
    for text in ("my husband hits me", ORDINARY, "x"):
        opinion = reader.read(text)
        assert sum(opinion.kinds.values()) == pytest.approx(opinion.score, abs=1e-5)
        assert 0.0 <= opinion.score <= 1.0


def test_whose_danger_it_is_is_told(reader: DangerReader) -> None:
    assert reader.read("i want to kill myself").who == "me"
    assert reader.read("my brother says he is going to kill himself").who == "someone"


def test_the_same_text_is_read_alike_every_time(reader: DangerReader) -> None:
    first = DangerReader().read("she keeps talking about ending it")
    assert reader.read("she keeps talking about ending it") == first
    assert reader.read("she keeps talking about ending it") == first


def test_nothing_is_no_danger(reader: DangerReader) -> None:
    assert reader.read("").score == reader.read("   ").score == 0.0


@pytest.mark.parametrize("where", [0, 100, 200])
def test_danger_is_found_wherever_it_stands_in_a_very_long_text(reader: DangerReader, where: int) -> None:
    text = ORDINARY * where + "i want to kill myself . " + ORDINARY * (200 - where)
    assert reader.read(text).score >= reader.threshold
    assert reader.read(ORDINARY * 200).score < reader.threshold


def test_a_part_of_a_long_text_has_to_be_more_suspicious_than_a_text_of_its_own(copy: Path) -> None:
    written = json.loads((copy / "card.json").read_text())
    part = "i think of ending it"
    text = ORDINARY * 10 + f"{part} . " + ORDINARY * 10
    scores = []
    for needed in (written["threshold"], 0.9):
        (copy / "card.json").write_text(json.dumps(written | {"threshold_in_parts": needed}))
        reader = DangerReader(copy)
        opinion = reader.read(text)
        assert sum(opinion.kinds.values()) == pytest.approx(opinion.score, abs=1e-5)
        scores.append((reader.read(part).score, opinion.score))
    (alone, usual), (alone_again, stricter) = scores
    assert alone == alone_again
    assert usual > stricter


def test_a_short_text_is_read_whole_and_of_a_long_one_a_fixed_number_of_parts() -> None:
    assert windows(ORDINARY, {}) == [ORDINARY.strip().replace(" .", ".")]
    for count in (LONGEST_WHOLE + 1, 1_000, 20_000):
        parts = windows("word " * count, {})
        assert 1 <= len(parts) <= MOST_WINDOWS
        assert all(len(part.split()) <= WINDOW_WORDS for part in parts)


def test_the_parts_of_a_long_text_that_are_read_are_those_whose_words_speak_for_danger() -> None:
    text = ORDINARY * 50 + "and now the wolf comes . " + ORDINARY * 50
    assert "wolf" in windows(text, {"wolf": 3.0})[0]
