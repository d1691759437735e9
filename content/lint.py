"""Whether the words are right: short enough for a text, sourced, dated, plain, and free of what we know is wrong."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field

from content import sms_rules
from content.problems import Problem
from content.sentences import sentences
from helpline.domain import sms
from helpline.domain.contact_line import ROLES, reply_text
from helpline.domain.control_words import ControlWords
from helpline.domain.guide import LONGEST_ANSWER_SMS, Answer, Guide, Topic, answer_text, menu_text
from helpline.domain.replies import PLACEHOLDER, ReplyWords, placeholders

# The replies that the program says. One that is missing would be silence.
_SAID_BY_THE_PROGRAM = """
    first-contact-lead stop-confirmed start-confirmed help holding late-answer-lead could-not-answer
    media-only empty emoji-only link-only too-long-cut stale-answer general-answer-lead label-next-step label-who-pays
    label-more more-nothing more-end repeat-nothing why why-source why-source-join why-nothing ask-helped option-yes
    option-no helped-yes helped-no menu menu-join out-of-scope out-of-scope-again talk-to-a-person place-noted
    elsewhere-lead contact-elsewhere number-elsewhere services-elsewhere
    place-ambiguous place-out-of-area people-read people-read-by people-read-from stop-confirmed-after-danger calm safe
    contact-known contact-known-no-hours
    contact-by-area contact-by-area-hours list-and list-comma
    welcome location-only group-refused button-too-old command-menu command-help command-start command-stop
    also-asked also-asked-short carers-rights-offer carers-rights-refused closed-now hours-always hours-daily
    hours-of-front-door hours-unknown next-nothing open-now person-who-needs-help rate-nothing rate-score
    rate-share rate-thanks rate-thanks-shared rate-words service-checked service-cost service-detail
    service-hours service-how service-line service-line-no-hours service-open-line service-rate service-web
    service-who-for services-ask-place services-ask-place-first services-detail services-gone services-lead
    services-lead-anywhere services-lead-anywhere-open services-lead-open services-more services-no-more
    services-none services-none-open services-which weekdays which-topic
    answer-not-known who-pays-again age-changes-nothing
    not-understood not-understood-which number-alone place-contact place-changes-nothing place-there
    service-number-again rate-which rate-which-line
    said-before near-hint paused resumed less done done-after-danger loss who-we-are wrong-number forget-ask forget-kept
    forgotten forgotten-but-case join-code-web join-code-sms join-code-telegram join-already-here join-not-offered
    join-done join-notice-web join-notice-sms join-notice-telegram join-wrong join-too-many not-me-done
"""
REQUIRED_REPLIES = frozenset(_SAID_BY_THE_PROGRAM.split()) | {f"contact-unknown-{role}" for role in ROLES}

# How to end the texts and how to get them again must be told once, and HELP brings the reply that says so.
_MUST_NAME = {
    "first-contact-lead": frozenset({"STOP"}),
    "stop-confirmed": frozenset({"START"}),
    "stop-confirmed-after-danger": frozenset({"START"}),
    "help": frozenset({"STOP", "HELP", "INFO"}),
}

_LONG_FORM_CHARACTERS = range(250, 901)
_MOST_WORDS_A_SENTENCE = 20
_LONGEST_REVIEW = timedelta(days=366)
_SERVICE_NAME = "service_name"
_EXAMPLE_SERVICE_NAME = "x" * sms_rules.LONGEST_SERVICE_NAME

# Emergency and short numbers that never change: 999, 111, 101, 105. Longer runs of digits are phone numbers.
_PHONE_DIGITS = re.compile(r"(?<![£\d.,])\+?\d(?:[ -]?\d){4,}(?![\d.,]*\d)")
_TAX_YEAR = re.compile(r"\b20\d\d-\d\d\b")
_MARKDOWN = re.compile(r"\[[^\]]*\]\([^)]*\)|\*\*|__|^#+ |^\* |^> |`", re.MULTILINE)
_POUNDS = re.compile(r"£\d")


class WrongFact(BaseModel):
    """One entry of wrong_facts.yml: what must not be said, what is right, and words that make it right after all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str = Field(min_length=1)
    instead: str = Field(min_length=1)
    unless: str | None = None

    def found_in(self, text: str) -> str | None:
        """The words of a text that say it, or None."""
        if self.unless is not None and re.search(self.unless, text, re.IGNORECASE):
            return None
        match = re.search(self.pattern, text)
        return match.group() if match else None


@dataclass(frozen=True)
class Files:
    """How the files are called in a problem."""

    replies: str
    control_words: str
    phones: str
    topic: Callable[[str], str]

    @classmethod
    def of(cls, name_of: Callable[[str], str]) -> "Files":
        """name_of: a path inside the content folder as people know it."""
        return cls(
            name_of("replies.yml"),
            name_of("control_words.yml"),
            name_of("phones.yml"),
            lambda topic_id: name_of(f"guide/{topic_id}.md"),
        )


@dataclass
class _Book:
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Findings:
    """What was found. errors stop the content from being used; warnings do not."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check(
    guide: Guide,
    words: ReplyWords,
    control_words: ControlWords,
    wrong_facts: Sequence[WrongFact],
    files: Files,
    already_wrong: Sequence[Problem] = (),
) -> Findings:
    """Everything that is wrong with the wording. already_wrong: problems of shape, which come first."""
    book = _Book(errors=list(already_wrong))
    book.errors += _missing_replies(words, files)
    book.errors += _phone_problems(guide, files)
    book.errors += _control_word_problems(control_words, files)
    if not REQUIRED_REPLIES - words.wordings.keys():
        book.errors += _reply_problems(guide, words, wrong_facts, files)
        for topic in guide.topics.values():
            for answer in topic.answers.values():
                book.errors += _answer_problems(guide, topic, answer, words, wrong_facts, files)
                book.warnings += _answer_warnings(topic, answer, files)
        book.warnings += _menu_warnings(guide, words, files)
    return Findings(tuple(book.errors), tuple(book.warnings))


def text_problems(text: str, known: Iterable[str], wrong_facts: Sequence[WrongFact]) -> Iterator[sms_rules.Found]:
    """What is wrong with a piece of text, and what to do. known: the placeholders that it may use."""
    allowed = set(known)
    for name in placeholders(text):
        if name not in allowed:
            yield f"I do not know {{{name}}}.", "Use the id of a phone in phones.yml, or {front-door}."
    for digits in _PHONE_DIGITS.findall(_TAX_YEAR.sub("", PLACEHOLDER.sub("", text))):
        yield (
            f"The number {digits} is written out.",
            "Write {its-id-in-phones.yml}, so that it is changed in one place.",
        )
    yield from sms_rules.odd_letters(text)
    yield from sms_rules.short_forms(text)
    if _MARKDOWN.search(text):
        yield (
            "There is Markdown in the text.",
            "Use plain words; only '- ' at the start of a line makes a list.",
        )
    for fact in wrong_facts:
        wrong = fact.found_in(text)
        if wrong is not None:
            yield f"'{wrong}' is known to be wrong or old.", fact.instead


def sentence_length(text: str) -> float:
    """The average number of words in a sentence."""
    counts = [len(sentence.split()) for sentence in sentences(text)]
    return sum(counts) / len(counts) if counts else 0.0


def _missing_replies(words: ReplyWords, files: Files) -> Iterator[Problem]:
    for reply_id in sorted(REQUIRED_REPLIES - words.wordings.keys()):
        yield Problem(files.replies, reply_id, "This reply is missing.", "Add it: the program says it.")


def _phone_problems(guide: Guide, files: Files) -> Iterator[Problem]:
    areas = {*guide.authorities, "all"}
    for phone in guide.phones.values():
        if phone.area not in areas:
            known = ", ".join(sorted(areas))
            yield Problem(
                files.phones,
                f"{phone.id}, area",
                f"There is no area '{phone.area}'.",
                f"Use one of: {known}.",
            )
        for text in (phone.name, phone.hours or "", phone.hours_short or ""):
            for what, what_to_do in text_problems(text, (), ()):
                yield Problem(files.phones, phone.id, what, what_to_do)


def _control_word_problems(control_words: ControlWords, files: Files) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for command_id, command in control_words.commands.items():
        for word in sorted(command.words | command.sms_only):
            if word != re.sub(r"[^a-z0-9 ]", "", word):
                yield Problem(
                    files.control_words,
                    f"{command_id}, {word}",
                    "Only small letters and spaces can match.",
                    "Write it in small letters, without apostrophes or punctuation.",
                )
            if word in owner:
                yield Problem(
                    files.control_words,
                    f"{command_id}, {word}",
                    f"'{owner[word]}' has this word as well.",
                    "Take it out of one of them.",
                )
            if word in control_words.never:
                yield Problem(
                    files.control_words,
                    f"never, {word}",
                    "This is a command as well.",
                    "Take it out of one of them.",
                )
            owner[word] = command_id
        for word in sorted(command.mended - command.words):
            yield Problem(
                files.control_words,
                f"{command_id}, mended",
                f"'{word}' is not one of its words.",
                "Add it to words.",
            )


def _reply_problems(
    guide: Guide, words: ReplyWords, wrong_facts: Sequence[WrongFact], files: Files
) -> Iterator[Problem]:
    phones = {*guide.phones, *ROLES}
    known = phones | {f"{contact}-line" for contact in phones} | {_SERVICE_NAME}
    for reply_id, wording in words.wordings.items():
        broken = False
        for form, text in (("sms", wording.sms), ("chat", wording.chat)):
            for what, what_to_do in text_problems(text, known | wording.values, wrong_facts):
                broken = True
                yield Problem(files.replies, f"{reply_id}, {form}", what, what_to_do)
        for what, what_to_do in sms_rules.reserved_words(wording.sms, _MUST_NAME.get(reply_id, frozenset())):
            yield Problem(files.replies, f"{reply_id}, sms", what, what_to_do)
        if broken or wording.values:
            continue
        for authority in (None, *guide.authorities):
            text = reply_text(guide, words, reply_id, "sms", authority, **{_SERVICE_NAME: _EXAMPLE_SERVICE_NAME})
            yield from _too_long(text, files.replies, f"{reply_id}, sms", authority)


def _answer_problems(
    guide: Guide,
    topic: Topic,
    answer: Answer,
    words: ReplyWords,
    wrong_facts: Sequence[WrongFact],
    files: Files,
) -> Iterator[Problem]:
    file = files.topic(topic.id)
    before = 0
    for where, text in _texts(answer).items():
        for what, what_to_do in text_problems(text, {*guide.phones, *ROLES}, wrong_facts):
            before += 1
            yield Problem(file, f"{answer.id}, {where}", what, what_to_do)
        for what, what_to_do in sms_rules.reserved_words(text):
            yield Problem(file, f"{answer.id}, {where}", what, what_to_do)
    yield from _date_problems(file, answer)
    if not guide.knows(answer.contact):
        yield Problem(
            file,
            f"{answer.id}, contact",
            f"There is no phone '{answer.contact}'.",
            f"Use the id of a phone in phones.yml, or one of: {', '.join(ROLES)}.",
        )
    elif not before:
        for authority in (None, *guide.authorities):
            rendered = answer_text(guide, topic.id, answer.id, "short", authority, answer.as_of, words)
            yield from _too_long(rendered.text, file, f"{answer.id}, Short", authority)


def _date_problems(file: str, answer: Answer) -> Iterator[Problem]:
    where = f"{answer.id}, review_by"
    if answer.review_by <= answer.as_of:
        yield Problem(file, where, "This is not after as_of.", "Put the day by which it must be checked again.")
    if answer.review_by - answer.as_of > _LONGEST_REVIEW:
        yield Problem(file, where, "This is more than a year after as_of.", "Put a day within a year.")
    money = any(_POUNDS.search(text) for text in _texts(answer).values())
    new_rates = _next_fifth_of_april(answer.as_of)
    if money and answer.review_by > new_rates:
        yield Problem(
            file,
            where,
            "The answer has amounts of money, and most change each April.",
            f"Put {new_rates.isoformat()} or a day before it.",
        )


def _next_fifth_of_april(day: date) -> date:
    this_year = date(day.year, 4, 5)
    return this_year if day < this_year else date(day.year + 1, 4, 5)


def _answer_warnings(topic: Topic, answer: Answer, files: Files) -> Iterator[Problem]:
    file = files.topic(topic.id)
    for where, text in _texts(answer).items():
        average = sentence_length(text)
        if average > _MOST_WORDS_A_SENTENCE:
            yield Problem(
                file,
                f"{answer.id}, {where}",
                f"The sentences are long: {average:.0f} words on average.",
                f"Cut them to {_MOST_WORDS_A_SENTENCE} words or fewer.",
            )
    if len(answer.long) not in _LONG_FORM_CHARACTERS:
        yield Problem(
            file,
            f"{answer.id}, Long",
            f"The long form has {len(answer.long)} characters.",
            f"Bring it to between {_LONG_FORM_CHARACTERS.start} and {_LONG_FORM_CHARACTERS.stop - 1}.",
        )


def _menu_warnings(guide: Guide, words: ReplyWords, files: Files) -> Iterator[Problem]:
    parts = sms.segments(sms.to_gsm7(menu_text(guide, words, "sms"))).count
    if parts > sms.MOST_SEGMENTS:
        yield Problem(
            files.replies,
            "menu",
            f"The menu takes {parts} parts as a text.",
            f"Shorten titles or take 'menu: true' out of a topic: {sms.MOST_SEGMENTS} parts are sent, the rest is cut.",
        )


def _texts(answer: Answer) -> Mapping[str, str]:
    return {
        "question": answer.question,
        "Short": answer.short,
        "Long": answer.long,
        "who_pays": answer.who_pays,
        "next_step": answer.next_step,
    }


def _too_long(text: str, file: str, where: str, authority: str | None) -> Iterator[Problem]:
    size = sms.segments(text).characters
    if size > LONGEST_ANSWER_SMS:
        yield Problem(
            file,
            where,
            f"With its contact line the text has {size} characters {sms_rules.for_people_of(authority)}.",
            f"Take out {size - LONGEST_ANSWER_SMS} or more: it must fit in {LONGEST_ANSWER_SMS}.",
        )
