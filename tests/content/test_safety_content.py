"""The safety folder: every phrase reads, every reply is fit to send, and a slip is named in plain words."""

import re
import shutil
from pathlib import Path

import pytest

from content.safety_schema import KINDS, LONGEST_PEOPLE_READ, SafetyContentError, load_safety
from helpline.domain.phrases import PhraseError, PhraseReader, Words
from helpline.domain.safety import Danger, SafetyScanner, Who, fold_phrase, reply
from helpline.domain.sms import segments

FOLDER = Path(__file__).resolve().parents[2] / "content" / "safety"
CONTENT = load_safety(FOLDER)
PEOPLE_READ = ("A person reads this in office hours " * 3)[:LONGEST_PEOPLE_READ]
PEOPLE: tuple[Who, ...] = ("me", "someone", "unknown")
EVERY_REPLY = [
    (kind, who, channel, place)
    for kind in (*KINDS, "unknown")
    for who in PEOPLE
    for channel in ("sms", "chat")
    for place in (None, "essex", "southend", "thurrock")
]


def _reply(kind: str, who: Who, channel: str, place: str | None) -> str:
    return reply(CONTENT, Danger(kind, 1, who, "x", False), channel, place, PEOPLE_READ)


@pytest.mark.parametrize(("kind", "who", "channel", "place"), EVERY_REPLY)
def test_every_reply_is_fit_to_send(kind: str, who: Who, channel: str, place: str | None) -> None:
    text = _reply(kind, who, channel, place)
    assert "999" in text[:100]
    assert PEOPLE_READ in text
    assert not re.search(r"[{}]", text)
    size = segments(text)
    assert size.encoding == "GSM-7"
    if channel == "sms":
        assert size.characters <= 459


@pytest.mark.parametrize(("kind", "who", "channel", "place"), EVERY_REPLY)
def test_no_reply_promises_blames_or_diagnoses(kind: str, who: Who, channel: str, place: str | None) -> None:
    text = _reply(kind, who, channel, place).lower()
    for wrong in (
        "we have told",
        "has been told",
        "we will call you",
        "someone will call",
        "commit",
        "you should have",
    ):
        assert wrong not in text
    for wrong in ("appt", "e.g.", "etc", "mon-fri", "service user"):
        assert wrong not in text


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "medical-emergency"])
@pytest.mark.parametrize("who", ["me", "someone"])
def test_every_reply_but_a_medical_one_has_a_way_by_text(kind: str, who: Who) -> None:
    phones = CONTENT.values["unknown"]
    text = _reply(kind, who, "sms", None)
    assert f"SHOUT to {phones['shout']}" in text or kind == "domestic-abuse"


def test_domestic_abuse_tells_of_silent_999_and_of_who_may_read_it() -> None:
    text = _reply("domestic-abuse", "me", "sms", None)
    assert "press 55" in text
    assert "delete" in text
    assert "read their phone" in _reply("domestic-abuse", "someone", "sms", None)


def test_a_child_is_given_childline_and_an_adult_the_nspcc() -> None:
    phones = CONTENT.values["unknown"]
    assert phones["childline"] in _reply("abuse-of-child", "me", "sms", None)
    assert phones["nspcc"] in _reply("abuse-of-child", "someone", "sms", None)


def test_severity_puts_life_first() -> None:
    order = [kind.name for kind in sorted(CONTENT.kinds, key=lambda kind: kind.severity)]
    assert order[:2] == ["medical-emergency", "suicide"]


def test_every_phrase_finds_itself() -> None:
    scanner = SafetyScanner(CONTENT)
    for kind in CONTENT.kinds:
        for rule in kind.rules:
            assert rule.phrases, rule.id
    assert scanner.scan("i want to die")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER, tmp_path / "safety")
    for name in ("phones.yml", "authorities.yml"):
        shutil.copy(FOLDER.parent / name, tmp_path / name)
    return tmp_path / "safety"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("suicide.yml", "{samaritans}", "{samaritan}", "no phone number called {samaritan}"),
        ("suicide.yml", "{samaritans}", "116 123", "write the number 116 123 as a placeholder"),
        ("suicide.yml", "{people_read}", "", "when a person reads it"),
        ("suicide.yml", "call 999", "call us", "999 must come first"),
        ("suicide.yml", "kind: suicide", "kind: sadness", 'the kind must be "suicide"'),
        ("suicide.yml", "unless: [negated,", "unless: [denied,", '"denied" is not a group'),
        ("suicide.yml", "severity: 2", "severity: high", "severity"),
        ("suicide.yml", "  - do|doing away with myself", "  - <nobody> away", "no set of words named <nobody>"),
        ("suicide.yml", "  - do|doing away with myself", "  - ..3 away", "cannot begin or end with a gap"),
        ("suicide.yml", "  - do|doing away with myself", "  - go ..99 away", "a gap is from"),
        ("suicide.yml", "rules:", "rules: [", "not readable YAML"),
        ("suicide.yml", "If your life is in danger", "\u201cIf your life is in danger", "A text message cannot carry"),
        ("suicide.yml", "If your life is in danger", "If your life is in danger " + "and so on " * 12, "999 must"),
        ("suicide.yml", "near someone you trust.", "near someone you trust. " + "and so on " * 20, "It takes 4 parts"),
        ("self-harm.yml", "id: self-harm-of-another", "id: suicide-plan", "used twice"),
    ],
)
def test_a_slip_is_named_in_plain_words(folder: Path, file: str, old: str, new: str, says: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SafetyContentError, match=re.escape(says)) as problem:
        load_safety(folder)
    assert file in str(problem.value) or "rule id" in str(problem.value)


def test_a_missing_or_stray_file_is_named(folder: Path) -> None:
    (folder / "sadness.yml").write_text("kind: sadness\n")
    with pytest.raises(SafetyContentError, match="sadness"):
        load_safety(folder)
    (folder / "sadness.yml").unlink()
    (folder / "suicide.yml").unlink()
    with pytest.raises(SafetyContentError, match=r"suicide\.yml: this file is missing"):
        load_safety(folder)


READER = PhraseReader({"family": ["mum", "dad", "step_dad"]}, fold_phrase)


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("a|b c", "b c", True),
        ("a (x) c", "a c", True),
        ("a (x) c", "a x c", True),
        ("a (x) c", "a y c", False),
        ("a ..2 c", "a x y c", True),
        ("a ..2 c", "a x y z c", False),
        ("a ..2 c", "a x . c", False),
        ("a ..2 c", "a not c", False),
        ("a c", "a . c", True),
        ("<family> hits", "step dad hits", True),
        ("<family> hits", "sister hits", False),
        ("can't go", "cannot go", True),
        ("no_more|less tea", "no more tea", True),
    ],
)
def test_the_phrase_language(phrase: str, text: str, found: bool) -> None:
    assert bool(READER.phrase(phrase).ends(Words.of(text), 0)) == found


def test_either_order() -> None:
    one, other = READER.phrases("a &2 b")
    assert one.ends(Words.of("a x b"), 0)
    assert other.ends(Words.of("b x a"), 0)


@pytest.mark.parametrize("source", ["", "(a)", "a (b", "a ..0 b", "<aunts>", "a* b", "a &2 b &2 c"])
def test_a_phrase_that_cannot_be_read(source: str) -> None:
    with pytest.raises(PhraseError):
        READER.phrases(source)


@pytest.mark.parametrize("source", ["never", "<danger>", "<danger> x <danger>"])
def test_an_exception_that_cannot_be_read(source: str) -> None:
    with pytest.raises(PhraseError):
        READER.exception(source)
