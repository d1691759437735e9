"""The model itself: repeatable, robust, kept without pickles, and its files checked before they are
loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from components import sentence_vectors
from components.sentence_vectors import AlteredFile, SentenceEncoder, is_kept_back, package_file, read_verified
from components.spelling import Spelling
from components.topic_model import Example, Settings, TopicModel

SENTENCES = {
    ("guide/falls", "stop-falls"): [
        "mum keeps falling",
        "how do i stop him going over",
        "she trips on rugs",
        "unsteady on her feet",
    ],
    ("guide/falls", "alarms"): [
        "can she have an alarm",
        "pendant alarm for mum",
        "who answers the alarm button",
        "falls alarm cost",
    ],
    ("guide/blue-badge", "how-to-apply"): [
        "how do i apply for a blue badge",
        "blue badge form",
        "get a badge for dads car",
        "where to apply for the parking badge",
    ],
    ("guide/blue-badge", "renew"): [
        "badge runs out soon",
        "renew my blue badge",
        "my badge has expired",
        "new badge when the old one ends",
    ],
    ("small_talk/thanks", None): ["thanks", "thank you so much", "cheers", "ta very much"],
    ("out_of_scope", None): [
        "who won the cricket",
        "order me a pizza",
        "what is the capital of france",
        "play some music",
    ],
}


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


@pytest.fixture(scope="module")
def model(encoder: SentenceEncoder) -> TopicModel:
    examples = [Example(text, *label) for label, texts in SENTENCES.items() for text in texts]
    return TopicModel.train(examples, encoder, Settings())


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("my mum kepe fallin over", "guide/falls"),
        ("how do i aply for a bleu badge", "guide/blue-badge"),
        ("thnak you", "small_talk/thanks"),
    ],
)
def test_misspelt_messages_are_understood(model: TopicModel, text: str, intent: str) -> None:
    assert model.read(text).ranking[0][0] == intent


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00\x00",
        "x" * 10_000,
        "word " * 5000,
        "😀😀😀",
        "شكرا جزيلا",
        "\u202eabc",
        "\ud800",
        "½²",
        "'",
        "?" * 999,
        "a\nb",
    ],
)
def test_no_message_breaks_it(model: TopicModel, text: str) -> None:
    reading = model.read(text)
    assert 0.0 <= reading.confidence <= 1.0
    assert sum(chance for _, chance in reading.ranking) == pytest.approx(1.0, abs=1e-3)


def test_an_empty_message_is_never_sure(model: TopicModel) -> None:
    assert model.read("").confidence == 0.0


def test_a_saved_model_reads_the_same(model: TopicModel, encoder: SentenceEncoder, tmp_path: Path) -> None:
    model.save(tmp_path)
    again = TopicModel.load(tmp_path, encoder)
    for text in ("mum keeps falling over", "renew the badge", "who are you", "order a curry"):
        assert again.read(text).ranking[0][0] == model.read(text).ranking[0][0]
        assert again.read(text).answer == model.read(text).answer
        assert again.read(text).confidence == pytest.approx(model.read(text).confidence, abs=0.03)


def test_a_model_is_numbers_and_text_only(model: TopicModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers.npz", "words.json"]


def test_the_same_text_has_the_same_vector_in_any_company(encoder: SentenceEncoder) -> None:
    alone = SentenceEncoder().encode("mum fell")
    assert (encoder.encode_all(["a much longer sentence about something else", "mum fell"])[1] == alone).all()


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not the model")
    with pytest.raises(AlteredFile, match="not the file that was reviewed"):
        read_verified(path, "0" * 64)


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json", "card.json"])
def test_a_missing_or_altered_file_of_the_language_model_is_refused(name: str, tmp_path: Path) -> None:
    for file in sentence_vectors.FOLDER.iterdir():
        shutil.copy(file, tmp_path)
    with (tmp_path / name).open("ab") as file:
        file.write(b" x")
    with pytest.raises(AlteredFile):
        SentenceEncoder(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(AlteredFile):
        SentenceEncoder(tmp_path)


def test_one_sentence_in_eight_is_kept_from_the_language_model_however_it_is_punctuated() -> None:
    kept = sum(is_kept_back(f"sentence number {number}") for number in range(4000))
    assert 400 < kept < 600
    assert is_kept_back("How do I get a Blue Badge?") == is_kept_back("how do i get a blue badge")


def test_a_missing_package_is_said_plainly() -> None:
    with pytest.raises(AlteredFile, match="uv sync"):
        package_file("no_such_package_here", "model.onnx")


def test_spelling_is_put_right_towards_our_own_words() -> None:
    spelling = Spelling.learn(["can i get attendance allowance for my mum who has dementia"] * 5)
    assert spelling.put_right("can i get atendance alowance 4 my mum") == "can i get attendance allowance for my mum"
    assert spelling.put_right("wot about dimensia plz") == "what about dementia please"
    assert spelling.put_right("Zqxwv 2024 شكرا £5") == "zqxwv 2024 شكرا £ 5"


def test_the_words_beside_it_decide_what_a_slip_stands_for() -> None:
    spelling = Spelling.learn(["can you help him get up", "care at home for mum"] * 20)
    assert spelling.put_right("care at hom") == "care at home"
    assert spelling.put_right("help hom get up") == "help him get up"
