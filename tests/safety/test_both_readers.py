"""The two readers of danger together, with the model that is in service."""

from bench.safety import NONE, read_examples
from helpline.domain.phrases import Phrase
from helpline.domain.safety import SURE, SafetyContent, SafetyScanner
from helpline.settings import REPOSITORY
from tests.fakes import Hunches

REGRESSION = read_examples(REPOSITORY / "tests" / "safety" / "regression.jsonl")


def said_with(phrase: Phrase) -> str:
    """A message that is no more than the phrase."""
    words = []
    for place in phrase.places:
        if not place.gap and not place.optional:
            words.append(min(place.singles) if place.singles else " ".join(min(place.runs)))
    return " ".join(words)


def test_a_certain_phrase_is_sure_danger_whatever_the_other_reader_makes_of_it(
    safety: SafetyContent, scanner: SafetyScanner
) -> None:
    phrases = [
        (kind.name, phrase) for kind in safety.kinds for rule in kind.rules if rule.certain for phrase in rule.phrases
    ]
    assert len(phrases) > 50
    wrong = []
    for kind, phrase in phrases:
        danger = scanner.scan(said_with(phrase))
        if danger is None or (danger.tier, danger.kind) != (SURE, kind):
            wrong.append((kind, phrase.source, danger))
    assert wrong == []


def test_other_languages_are_certain_because_the_reader_that_learnt_knows_english_only(safety: SafetyContent) -> None:
    for kind in safety.kinds:
        assert [rule.certain for rule in kind.rules if "other-languages" in rule.id] == [True], kind.name


def test_words_in_other_letters_are_left_to_the_phrases(safety: SafetyContent, scanner: SafetyScanner) -> None:
    bulgarian = "Здравейте, имам нужда от помощ за майка ми, не говоря английски"
    guesses = Hunches({"помощ": ("suicide", "me", 0.9), "hurts my mum": ("abuse-of-adult", "someone", 0.9)})
    assert SafetyScanner(safety, guesses).scan(bulgarian) is None
    danger = SafetyScanner(safety, guesses).scan(f"{bulgarian} he hurts my mum")
    assert danger and danger.kind == "abuse-of-adult"
    for ordinary in (bulgarian, "أحتاج مساعدة لأمي", "您好 我想为我妈妈申请帮助"):
        assert scanner.scan(ordinary) is None, ordinary
    assert scanner.scan("хочу умереть")


def test_danger_that_a_phrase_was_written_for_is_still_found(scanner: SafetyScanner) -> None:
    missed = [one.text for one in REGRESSION if one.label != NONE and scanner.scan(one.text) is None]
    assert missed == []


def test_a_certain_phrase_counts_also_beside_a_graver_one_that_is_not_believed(safety: SafetyContent) -> None:
    graver, certain = "he is not breathing", "vreau sa mor"
    plain = SafetyScanner(safety).scan(f"{graver}. {certain}")
    assert plain is not None and plain.kind == "medical-emergency"
    danger = SafetyScanner(safety, Hunches({})).scan(f"{graver}. {certain}")
    assert danger is not None and (danger.rule, danger.tier) == ("suicide-other-languages", SURE)


def test_numbers_alone_are_no_danger_however_many_came_before(scanner: SafetyScanner) -> None:
    for code in ("42268242", "8363 3815", "39777074", "42778378", "39777681"):
        assert scanner.scan(code, [code.replace(" ", ""), code]) is None
    assert scanner.scan("10.30", ["i want to kill", "myself tonight at"]) is None
    assert scanner.scan("myself at 10", ["i want to kill"]) is not None


def test_how_old_somebody_is_makes_no_danger_of_what_was_none(scanner: SafetyScanner) -> None:
    before = "hi my mum has started leaving the gas on and forgetting my name what do i do"
    assert scanner.scan(before) is None
    for age in ("shes 81", "She is 81.", "mum is 81 years old"):
        assert scanner.scan(age, [before]) is None


def test_how_old_a_child_is_may_make_it_danger(safety: SafetyContent) -> None:
    reader = Hunches({"our secret i am 9": ("abuse-of-child", "me", 0.9)})
    danger = SafetyScanner(safety, reader).scan("i am 9", ["my uncle wants me to keep our secret"])
    assert danger is not None and danger.kind == "abuse-of-child"


def test_two_harmless_messages_that_have_nothing_to_do_with_each_other_are_left_alone(scanner: SafetyScanner) -> None:
    for earlier, text in (
        (["they are sending my brother home from Basildon tomorrow and he lives up two flights"], "he cant do stairs"),
        (["how do i get a blue badge"], "he has parkinsons does he get it automatic"),
    ):
        assert scanner.scan(text, earlier) is None
