"""Reads content/safety and checks it, so that a slip in a phrase or a reply stops the start and not a conversation."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from content import sms_rules
from helpline.domain.phrases import Phrase, PhraseError, PhraseReader
from helpline.domain.safety import (
    PEOPLE_READ,
    SERVICE_NAME,
    UNKNOWN_KIND,
    UNKNOWN_PLACE,
    Kind,
    Rule,
    SafetyContent,
    Who,
    fold_phrase,
)

KINDS = (
    "suicide",
    "self-harm",
    "medical-emergency",
    "abuse-of-adult",
    "abuse-of-child",
    "domestic-abuse",
    "carer-breaking-point",
)
LONGEST_PEOPLE_READ = 85
MOST_FOLLOW_UP_PARTS = 2
# Whoever reads the phone of somebody who is being hurt must not find a message that we sent unasked.
NEVER_FOLLOWED_UP = frozenset({"abuse-of-adult", "abuse-of-child", "domestic-abuse"})
# In a message that nobody asked for, these would tell whoever reads the phone what was written about.
_TELLS_TOO_MUCH = re.compile(
    r"\b(abus|suicid|kill|self.?harm|hurt|violen|domestic|carer|caring|crisis|danger|999|samaritans|shout)",
    re.IGNORECASE,
)
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DIGITS = re.compile(r"\d[\d ]*\d")
_FIRST_LINE = 100
_DIGITS_ALLOWED = frozenset({"999", "111", "101", "55", "19"})

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Texts = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class SafetyContentError(ValueError):
    """Something in content/safety is wrong; the message says which file and what, in plain words."""


class Strict(BaseModel):
    """Takes what its fields name, in their types, and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Variants(Strict):
    """The wordings of one reply: for the person in danger and for somebody worried, or one for anyone."""

    me: str | None = None
    someone: str | None = None
    anyone: str | None = None

    def texts(self) -> dict[str, str]:
        """The wordings that there are, by whom they are for."""
        return {who: text.strip() for who, text in self if text}


class Replies(Strict):
    """The replies for text messages and for chat."""

    sms: Variants
    chat: Variants


class RuleFile(Strict):
    """One rule of a kind's file."""

    id: Slug
    who: Literal["me", "someone", "unknown"]
    phrases: Texts
    unless: list[Slug] | None = None
    certain: bool = False


class BothChannels(Strict):
    """One wording for text messages and one for chat."""

    sms: Annotated[str, Field(min_length=1)]
    chat: Annotated[str, Field(min_length=1)]

    def texts(self) -> dict[str, str]:
        """The wordings by channel."""
        return {"sms": self.sms.strip(), "chat": self.chat.strip()}


class KindFile(Strict):
    """One kind's file."""

    kind: Slug
    severity: Annotated[int, Field(ge=1, le=99)]
    unless: list[Slug]
    rules: Annotated[list[RuleFile], Field(min_length=1)]
    replies: Replies
    questions: Replies
    follow_up: BothChannels | None = None


class WordsFile(Strict):
    """_words.yml."""

    sets: dict[Slug, Texts]
    subjects: dict[Literal["me", "someone"], Texts]
    run_together: Texts


class NotDangerFile(Strict):
    """_not_danger.yml."""

    idioms: dict[Slug, Texts]
    exceptions: dict[Slug, Texts]


class OutOfHours(Strict):
    """How the night and weekend number is said, where the place is known and where it is not."""

    known: str
    unknown: str


class GeneralFile(Strict):
    """_general.yml."""

    replies: Replies
    out_of_hours: OutOfHours
    denied: BothChannels


def load_safety(folder: Path) -> SafetyContent:
    """Read a safety folder (with phones.yml and authorities.yml beside it) into what the scanner needs.

    Raises SafetyContentError, which names the file and says in plain words what to put right.
    """
    words = read_file(folder / "_words.yml", WordsFile)
    not_danger = read_file(folder / "_not_danger.yml", NotDangerFile)
    general = read_file(folder / "_general.yml", GeneralFile)
    kinds = _kind_files(folder)
    reader = _reader(folder, words)

    exceptions = {
        group: tuple(_each(folder / "_not_danger.yml", reader.exception, written))
        for group, written in not_danger.exceptions.items()
    }
    for name, file in kinds.items():
        _check_groups(folder / f"{name}.yml", file, exceptions)
    values = _values(folder.parent, general.out_of_hours)
    replies = {name: file.replies for name, file in kinds.items()} | {UNKNOWN_KIND: general.replies}
    for name, two in replies.items():
        _check_replies(folder / f"{'_general' if name == UNKNOWN_KIND else name}.yml", "reply", two, values)
    for name, file in kinds.items():
        _check_replies(folder / f"{name}.yml", "question", file.questions, values)
        _check_questions(folder / f"{name}.yml", file.questions)
        _check_follow_up(folder / f"{name}.yml", file)
    _check_text("_general.yml: sms denied", general.denied.texts()["sms"], values)
    return SafetyContent(
        kinds=tuple(
            Kind(
                name,
                file.severity,
                tuple(
                    Rule(
                        rule.id,
                        rule.who,
                        _phrases(folder / f"{name}.yml", reader, rule.phrases),
                        tuple(file.unless if rule.unless is None else rule.unless),
                        rule.certain,
                    )
                    for rule in file.rules
                ),
            )
            for name, file in sorted(kinds.items(), key=lambda item: item[1].severity)
        ),
        subjects=_subjects(reader, words, folder),
        idioms=tuple(
            phrase
            for written in not_danger.idioms.values()
            for phrase in _phrases(folder / "_not_danger.yml", reader, written)
        ),
        exceptions=exceptions,
        common_words=frozenset(words.run_together),
        replies={name: {"sms": two.sms.texts(), "chat": two.chat.texts()} for name, two in replies.items()},
        questions={
            name: {"sms": file.questions.sms.texts(), "chat": file.questions.chat.texts()}
            for name, file in kinds.items()
        },
        follow_ups={name: file.follow_up.texts() for name, file in kinds.items() if file.follow_up},
        denied=general.denied.texts(),
        values=values,
    )


def _kind_files(folder: Path) -> dict[str, KindFile]:
    files: dict[str, KindFile] = {}
    for name in KINDS:
        file = read_file(folder / f"{name}.yml", KindFile)
        if file.kind != name:
            raise SafetyContentError(f'{name}.yml: the kind must be "{name}", the same as the name of the file')
        files[name] = file
    stray = {path.stem for path in folder.glob("[!_]*.yml")} - set(KINDS)
    if stray:
        raise SafetyContentError(f"{', '.join(sorted(stray))}: not one of the kinds of danger ({', '.join(KINDS)})")
    ids = [rule.id for file in files.values() for rule in file.rules]
    twice = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
    if twice:
        raise SafetyContentError(f"the rule id {twice[0]} is used twice")
    return files


def read_file[Model: BaseModel](path: Path, model: type[Model]) -> Model:
    """A YAML file as its model. Raises SafetyContentError."""
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SafetyContentError(f"{path.name}: this file is missing") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise SafetyContentError(f"{path.name}: this is not readable YAML: {problem}") from None
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = " > ".join(str(step) for step in first["loc"]) or "the file"
        raise SafetyContentError(f"{path.name}: {where}: {first['msg'].lower()}") from None


def _reader(folder: Path, words: WordsFile) -> PhraseReader:
    try:
        return PhraseReader(words.sets, fold_phrase)
    except PhraseError as problem:
        raise SafetyContentError(f"_words.yml: {problem}") from None


def _phrases(path: Path, reader: PhraseReader, written: list[str]) -> tuple[Phrase, ...]:
    return tuple(phrase for both in _each(path, reader.phrases, written) for phrase in both)


def _each[Read](path: Path, read: Callable[[str], Read], written: list[str]) -> Iterator[Read]:
    for source in written:
        try:
            yield read(source)
        except PhraseError as problem:
            raise SafetyContentError(f"{path.name}: {problem}") from None


def _subjects(reader: PhraseReader, words: WordsFile, folder: Path) -> dict[Who, frozenset[str]]:
    subjects: dict[Who, frozenset[str]] = {}
    for who, written in words.subjects.items():
        phrases = _phrases(folder / "_words.yml", reader, ["|".join(written)])
        subjects[who] = frozenset(word for phrase in phrases for word in phrase.vocabulary())
    return subjects


def _check_groups(path: Path, file: KindFile, exceptions: Mapping[str, object]) -> None:
    for group in [*file.unless, *(group for rule in file.rules for group in rule.unless or ())]:
        if group not in exceptions:
            raise SafetyContentError(f'{path.name}: "{group}" is not a group of exceptions in _not_danger.yml')


def _values(content: Path, out_of_hours: OutOfHours) -> dict[str, dict[str, str]]:
    """For each council, and for a place not known, what stands for every placeholder."""
    phones = {name: str(phone["number"]) for name, phone in _plain_yaml(content / "phones.yml").items()}
    authorities = _plain_yaml(content / "authorities.yml")
    values: dict[str, dict[str, str]] = {}
    for name, authority in authorities.items():
        night = phones[authority["out_of_hours"]]
        values[name] = phones | {
            "adult-safeguarding": f"{authority['short_name']} {phones[authority['adult_safeguarding']]}",
            "child-safeguarding": f"{authority['short_name']} {phones[authority['child_safeguarding']]}",
            "out-of-hours": out_of_hours.known.replace("{number}", night),
        }
    nights = out_of_hours.unknown
    for name, authority in authorities.items():
        nights = nights.replace("{" + name + "}", phones[authority["out_of_hours"]])
    values[UNKNOWN_PLACE] = phones | {
        "adult-safeguarding": ", ".join(values[name]["adult-safeguarding"] for name in authorities),
        "child-safeguarding": ", ".join(values[name]["child-safeguarding"] for name in authorities),
        "out-of-hours": nights,
    }
    return values


def _plain_yaml(path: Path) -> dict[str, Any]:
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SafetyContentError(f"{path.name}: this file is missing") from None
    if not isinstance(read, dict):
        raise SafetyContentError(f"{path.name}: this file should be a list of names, each with its details")
    return read


def _check_questions(path: Path, questions: Replies) -> None:
    # On a text message YES is a word that the networks take for themselves.
    for channel, variants, answers in (("sms", questions.sms, "Y or N"), ("chat", questions.chat, "YES or NO")):
        for who, text in variants.texts().items():
            if "?" not in text or answers not in " ".join(text.split()):
                raise SafetyContentError(
                    f"{path.name}: {channel} question for {who}: it must ask, and say that the answer is {answers}"
                )


def _check_follow_up(path: Path, file: KindFile) -> None:
    if file.follow_up is None:
        return
    if file.kind in NEVER_FOLLOWED_UP:
        raise SafetyContentError(f"{path.name}: take the follow_up out. Somebody else may read the phone.")
    for channel, text in file.follow_up.texts().items():
        where = f"{path.name}: {channel} follow_up"
        told = _TELLS_TOO_MUCH.search(text)
        if told:
            raise SafetyContentError(f'{where}: whoever reads the phone must learn nothing from it, so not "{told[0]}"')
        if "SAFE" not in text:
            raise SafetyContentError(f"{where}: it must say that SAFE gives the numbers")
        if channel == "sms":
            filled = text.replace(SERVICE_NAME, "x" * sms_rules.LONGEST_SERVICE_NAME)
            _refuse(where, _wrong_words(text))
            _refuse(where, sms_rules.unasked(text, SERVICE_NAME))
            _refuse(where, sms_rules.too_many_parts(filled, most=MOST_FOLLOW_UP_PARTS))


def _check_replies(path: Path, what: str, replies: Replies, values: Mapping[str, Mapping[str, str]]) -> None:
    for channel, variants in (("sms", replies.sms), ("chat", replies.chat)):
        texts = variants.texts()
        if "anyone" not in texts and not {"me", "someone"} <= texts.keys():
            raise SafetyContentError(f"{path.name}: {channel}: write a {what} for me and for someone, or for anyone")
        for who, text in texts.items():
            where = f"{path.name}: {channel} {what} for {who}"
            if "999" not in text[:_FIRST_LINE]:
                raise SafetyContentError(f"{where}: 999 must come first, in the first {_FIRST_LINE} letters")
            if PEOPLE_READ not in text:
                raise SafetyContentError(f"{where}: it must say when a person reads it, with {PEOPLE_READ}")
            for name in PLACEHOLDER.findall(text):
                if "{" + name + "}" != PEOPLE_READ and any(name not in known for known in values.values()):
                    raise SafetyContentError(f"{where}: there is no phone number called {{{name}}} in phones.yml")
            for digits in _DIGITS.findall(PLACEHOLDER.sub("", text)):
                if digits.strip() not in _DIGITS_ALLOWED:
                    raise SafetyContentError(f"{where}: write the number {digits} as a placeholder of phones.yml")
            if channel == "sms":
                _check_text(where, text, values)


def _refuse(where: str, found: Iterable[sms_rules.Found]) -> None:
    for what, what_to_do in found:
        raise SafetyContentError(f"{where}: {what} {what_to_do}")


def _wrong_words(text: str) -> Iterator[sms_rules.Found]:
    yield from sms_rules.odd_letters(text)
    yield from sms_rules.short_forms(text)
    yield from sms_rules.reserved_words(text)


def _check_text(where: str, text: str, values: Mapping[str, Mapping[str, str]]) -> None:
    """A text must fit three parts in every place, with the longest sentence about when people read it."""
    _refuse(where, _wrong_words(text))
    for place, known in values.items():
        filled = text.replace(PEOPLE_READ, "x" * LONGEST_PEOPLE_READ)
        for name, value in known.items():
            filled = filled.replace("{" + name + "}", value)
        authority = None if place == UNKNOWN_PLACE else place
        _refuse(where, sms_rules.too_many_parts(filled, sms_rules.for_people_of(authority)))
