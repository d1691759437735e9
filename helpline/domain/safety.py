"""The first thing that reads every message: is somebody in danger, of what kind, and what do we say at once?

Two readers. Phrases that people reviewed find what is said plainly; a reader that learnt from examples finds the rest.
Where they agree, or a phrase is certain by itself, danger is sure (tier 1) and gets the reply of its kind. Where only
one of them sees it, it may be (tier 2) and gets one direct question and the same routes. A phrase that the other reader
is sure is harmless ("my knees are killing me") counts for nothing, unless it is a certain one.

No database, no network: a message goes in, and a Danger or None comes out, in a time that grows only with the length of
the message. Phrases, examples and replies are reviewed content (content/safety), not code.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from helpline.domain.normalise import Speller, spoken, views
from helpline.domain.phrases import Phrase, PhraseBook, Unless, Words

Who = Literal["me", "someone", "unknown"]
Channel = Literal["sms", "chat"]

UNKNOWN_KIND: Final = "unknown"
UNKNOWN_PLACE: Final = "unknown"
LEARNT_RULE: Final = "learnt"
PEOPLE_READ: Final = "{people_read}"
SERVICE_NAME: Final = "{service_name}"
MOST_RECENT: Final = 2
LONGEST_JOINED: Final = 400
_ONLY_NUMBERS: Final = re.compile(r"[\d\s.,:/+-]*")
# "shes 81". Not a child's age, which may be what makes a danger of what was said before.
_ONLY_A_GROWN_UP_AGE: Final = re.compile(
    r"(?:i|he|she|mum|dad)\W?\s*(?:is|am|s|m)?\s*(?:1[89]|[2-9]\d|1[01]\d)(?:\s*(?:years?|yrs?))?(?:\s*old)?[\s.!]*",
    re.IGNORECASE,
)
SURE: Final = 1
MAY_BE: Final = 2
# Both readers agree only where the one that learnt holds danger to be likelier than not. So must it where two messages
# that are none by themselves are read as one: mostly they have nothing to do with each other.
LIKELIER_THAN_NOT: Final = 0.5
_SUBJECT_WITHIN: Final = 6


@dataclass(frozen=True)
class Danger:
    """What the gate found. `rule` is the id of the rule that matched, never the person's words.

    tier: SURE or MAY_BE. joined: True when the danger shows only when read together with the messages before. score:
    how likely the reader that learnt holds danger to be, from 0 to 1.
    """

    kind: str
    tier: int
    who: Who
    rule: str
    joined: bool
    score: float | None = None


@dataclass(frozen=True)
class Opinion:
    """What the reader that learnt makes of a text: how likely any danger is, whose, and how likely each kind.

    score and each of kinds are from 0 to 1, and together the kinds make the score.
    """

    score: float
    who: Who
    kinds: Mapping[str, float]

    @property
    def kind(self) -> str:
        """The likeliest kind."""
        return max(self.kinds, key=lambda kind: self.kinds[kind])


class LearntReader(Protocol):
    """Reads one normalised text (see views).

    threshold: the score from which on danger may be. doubt: the score under which a phrase is not believed.
    """

    threshold: float
    doubt: float

    @property
    def words(self) -> frozenset[str]:
        """The words that it learnt; misspellings are put right to them."""
        ...

    def read(self, text: str) -> Opinion:
        """What it makes of the text."""
        ...


@dataclass(frozen=True)
class Rule:
    """Phrases that mean the same danger. `unless` names the groups of exceptions that can make it none.

    certain: believed whatever the reader that learnt makes of it.
    """

    id: str
    who: Who
    phrases: tuple[Phrase, ...]
    unless: tuple[str, ...]
    certain: bool


@dataclass(frozen=True)
class Kind:
    """One kind of danger. When several are found the lowest severity number is answered."""

    name: str
    severity: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class SafetyContent:
    """Everything that the gate knows, read and checked by content.safety_schema.load_safety.

    subjects: the words that tell whose danger it is. replies: kind -> channel -> who ("me", "someone") -> text.
    questions: the same for danger that may be. follow_ups: kind -> channel -> text, for the kinds that get one. denied:
    channel -> text. values: place (an authority, or "unknown") -> placeholder -> what stands there. common_words: words
    that people run together with dangerous ones.
    """

    kinds: tuple[Kind, ...]
    subjects: Mapping[Who, frozenset[str]]
    idioms: tuple[Phrase, ...]
    exceptions: Mapping[str, tuple[Unless, ...]]
    common_words: frozenset[str]
    replies: Mapping[str, Mapping[str, Mapping[str, str]]]
    questions: Mapping[str, Mapping[str, Mapping[str, str]]]
    follow_ups: Mapping[str, Mapping[str, str]]
    denied: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, order=True)
class _Found:
    """In order of what is answered first: the gravest, then the first said."""

    severity: int
    start: int
    kind: str
    rule: str
    who: Who
    certain: bool


class SafetyScanner:
    """Reads messages for danger. Make one at start-up and keep it: it holds no state between messages."""

    def __init__(self, content: SafetyContent, learnt: LearntReader | None = None) -> None:
        """Files every phrase of the content for finding. Without a reader that learnt, phrases are all there is."""
        self._content = content
        self._learnt = learnt
        self._book = PhraseBook(
            (phrase, (kind, rule)) for kind in content.kinds for rule in kind.rules for phrase in rule.phrases
        )
        self._idioms = PhraseBook((phrase, None) for phrase in content.idioms)
        known = {
            word
            for kind in content.kinds
            for rule in kind.rules
            for phrase in rule.phrases
            for word in phrase.vocabulary()
        }
        self.vocabulary = frozenset(known)
        self._speller = Speller(known | (learnt.words if learnt else frozenset()), content.common_words)

    def scan(self, text: str, recent: Sequence[str] = ()) -> Danger | None:
        """The worst danger in a message, or None.

        recent: the messages of this person just before it, oldest first; the last two are read with it, to catch
        what was split over several texts. A danger that was whole in an earlier message is not reported again.
        """
        readings = views(text, self._speller)
        alone = [found for view in readings for found in self._dangers(Words.of(view), 0)]
        danger = self._judged(alone, readings[-1], joined=False)
        if danger and danger.tier == SURE:
            return danger
        before = [message for message in recent[-MOST_RECENT:] if message.strip()] if text.strip() else []
        return self._worse(danger, self._scan_across(before, text)) if before else danger

    def _judged(self, every: Sequence[_Found], reading: str, joined: bool) -> Danger | None:
        """What phrases found and what the reader that learnt makes of the same text, as one judgement."""
        if self._learnt is None:
            return self._sure(every, joined)
        opinion = self._learnt.read(_legible(reading))
        if opinion.score < self._learnt.doubt:
            every = [found for found in every if found.certain]
        if not every:
            if opinion.score < (max(self._learnt.threshold, LIKELIER_THAN_NOT) if joined else self._learnt.threshold):
                return None
            return Danger(opinion.kind, MAY_BE, opinion.who, LEARNT_RULE, joined, opinion.score)
        found = min(every)
        agreed = opinion.score >= max(self._learnt.threshold, LIKELIER_THAN_NOT)
        tier = SURE if found.certain or agreed else MAY_BE
        return Danger(_kind(found, opinion), tier, found.who, found.rule, joined, opinion.score)

    @staticmethod
    def _sure(every: Sequence[_Found], joined: bool) -> Danger | None:
        found = min(every, default=None)
        return Danger(found.kind, SURE, found.who, found.rule, joined) if found else None

    @staticmethod
    def _worse(one: Danger | None, other: Danger | None) -> Danger | None:
        """The surer of the two."""
        if one is None or other is None:
            return one or other
        return min(one, other, key=lambda danger: danger.tier)

    def _scan_across(self, before: Sequence[str], text: str) -> Danger | None:
        """Danger in this message and those before it read together, that was not whole in an earlier one."""
        across = list(self._dangers_across(" ".join(before), text))
        earlier = before[-1]
        if self._learnt is None or len(earlier) + len(text) > LONGEST_JOINED:
            return self._sure(across, joined=True)
        # A reader that learnt from words makes anything of digits and of an age. What they complete, phrases find.
        if not across and (_ONLY_NUMBERS.fullmatch(text) or _ONLY_A_GROWN_UP_AGE.fullmatch(text.strip())):
            return None
        last = views(earlier, self._speller)
        if not across and self._is_suspected(last):
            return None
        return self._judged(across, views(f"{earlier} {text}", self._speller)[-1], joined=True)

    def _is_suspected(self, readings: Sequence[str]) -> bool:
        """Whether a message by itself is danger to either reader."""
        if self._learnt and self._learnt.read(_legible(readings[-1])).score >= self._learnt.threshold:
            return True
        return any(True for reading in readings for _ in self._dangers(Words.of(reading), 0))

    def _dangers_across(self, earlier: str, text: str) -> Iterator[_Found]:
        """Dangers that begin in the earlier messages and end in this one, cut between words or inside one."""
        known = {found.rule for view in views(earlier, self._speller) for found in self._dangers(Words.of(view), 0)}
        seams = [len(Words.of(view).words) for view in views(earlier, self._speller)]
        for join, in_mid_word in ((" ", 0), ("", 1)):
            for number, view in enumerate(views(earlier + join + text, self._speller)):
                seam = seams[min(number, len(seams) - 1)]
                for found in self._dangers(Words.of(view), seam - in_mid_word):
                    if found.start < seam and found.rule not in known:
                        yield found

    def _dangers(self, text: Words, ends_after: int) -> Iterator[_Found]:
        """Every danger in the words that ends after the word at `ends_after` and is no idiom or exception."""
        text = text.without([(start, end) for _, start, end in self._idioms.find(text)])
        words = frozenset(text.words)
        possible: dict[str, list[Unless]] = {}
        for (kind, rule), start, end in self._book.find(text):
            if end <= ends_after:
                continue
            for group in rule.unless:
                if group not in possible:
                    every = self._content.exceptions.get(group, ())
                    possible[group] = [exception for exception in every if exception.may_cover(words)]
            if not any(one.covers(text, start, end) for group in rule.unless for one in possible[group]):
                who = self._who(rule, text, start, end)
                yield _Found(kind.severity, start, kind.name, rule.id, who, rule.certain)

    def _who(self, rule: Rule, text: Words, start: int, end: int) -> Who:
        """Whose danger it is: as the rule says, or else the nearest person named in or just before the phrase."""
        if rule.who != "unknown":
            return rule.who
        for word in reversed(text.words[max(0, start - _SUBJECT_WITHIN) : end]):
            for who, words in self._content.subjects.items():
                if word in words:
                    return who
        return "unknown"


# A phrase names the kind of danger, unless the other reader all but rules that kind out and is sure of another.
_RULED_OUT, _SURE_OF_ANOTHER = 0.15, 0.6


def _kind(found: _Found, opinion: Opinion) -> str:
    ruled_out = not found.certain and opinion.kinds.get(found.kind, 0.0) < _RULED_OUT
    return opinion.kind if ruled_out and opinion.kinds[opinion.kind] > _SURE_OF_ANOTHER else found.kind


def _legible(reading: str) -> str:
    """The words in our letters: the reader that learnt knows English only, and makes anything of others."""
    return " ".join(word for word in reading.split() if any(letter.isascii() for letter in word))


def safe_scan(scanner: SafetyScanner, text: str, recent: Sequence[str] = ()) -> Danger | None:
    """As scanner.scan, but never raises: when the scanner fails, the message is treated as danger of unknown kind."""
    try:
        return scanner.scan(text, recent)
    except Exception:
        return Danger(UNKNOWN_KIND, SURE, "unknown", "scanner-failed", joined=False)


def reply(content: SafetyContent, danger: Danger, channel: str, authority: str | None, people_read: str) -> str:
    """The reviewed reply to a danger, ready to send.

    channel: "sms" or "chat" (anything else is answered as chat). authority: a key of authorities.yml, or None where
    the place is not known, which gives the numbers of all three councils. people_read: one sentence that tells the
    truth about when a person will read this; it is set in last, so that nothing in it is taken for a placeholder.
    """
    written = content.questions if danger.tier == MAY_BE else content.replies
    by_channel = written.get(danger.kind) or content.replies[UNKNOWN_KIND]
    by_who = by_channel["sms" if channel == "sms" else "chat"]
    text = by_who.get(danger.who) or by_who.get("anyone") or by_who["me"]
    return _filled(content, text, authority).replace(PEOPLE_READ, people_read).strip()


def _filled(content: SafetyContent, text: str, authority: str | None = None) -> str:
    for name, value in (content.values.get(authority or "") or content.values[UNKNOWN_PLACE]).items():
        text = text.replace("{" + name + "}", value)
    return text


def follow_up(content: SafetyContent, kind: str, channel: str, service_name: str) -> str:
    """The message of the day after, ready to send. Raises KeyError for a kind that gets none."""
    text = content.follow_ups[kind]["sms" if channel == "sms" else "chat"]
    return _filled(content, text).replace(SERVICE_NAME, service_name)


def denied(content: SafetyContent, channel: str) -> str:
    """What is said when the person answers our question with no."""
    return _filled(content, content.denied["sms" if channel == "sms" else "chat"])


def fold_phrase(written: str) -> str:
    """How a word of the content is written in the texts that are scanned."""
    return " ".join(word for word in spoken(written).split() if word != ".")
