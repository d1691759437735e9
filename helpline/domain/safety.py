"""The first thing that reads every message: is somebody in danger, of what kind, and what do we say at once?

No model, no database, no network: a message goes in, and a Danger or None comes out, in a time that grows only with
the length of the message. The phrases and the replies are reviewed content (content/safety), not code.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from helpline.domain.normalise import Speller, spoken, views
from helpline.domain.phrases import Phrase, PhraseBook, Unless, Words

Who = Literal["me", "someone", "unknown"]
Channel = Literal["sms", "chat"]

UNKNOWN_KIND: Final = "unknown"
UNKNOWN_PLACE: Final = "unknown"
PEOPLE_READ: Final = "{people_read}"
MOST_RECENT: Final = 2
PHRASE_TIER: Final = 1
_SUBJECT_WITHIN: Final = 6


@dataclass(frozen=True)
class Danger:
    """What the gate found. `rule` is the id of the rule that matched, never the person's words.

    tier: 1 for a phrase. joined: True when the danger shows only when read together with the messages before.
    """

    kind: str
    tier: int
    who: Who
    rule: str
    joined: bool


@dataclass(frozen=True)
class Rule:
    """Phrases that mean the same danger. `unless` names the groups of exceptions that can make it none."""

    id: str
    who: Who
    phrases: tuple[Phrase, ...]
    unless: tuple[str, ...]


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
    values: place (an authority, or "unknown") -> placeholder -> what stands there. common_words: words that people
    run together with dangerous ones.
    """

    kinds: tuple[Kind, ...]
    subjects: Mapping[Who, frozenset[str]]
    idioms: tuple[Phrase, ...]
    exceptions: Mapping[str, tuple[Unless, ...]]
    common_words: frozenset[str]
    replies: Mapping[str, Mapping[str, Mapping[str, str]]]
    values: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, order=True)
class _Found:
    """In order of what is answered first: the gravest, then the first said."""

    severity: int
    start: int
    kind: str
    rule: str
    who: Who


class SafetyScanner:
    """Reads messages for danger. Make one at start-up and keep it: it holds no state between messages."""

    def __init__(self, content: SafetyContent) -> None:
        """Files every phrase of the content for finding."""
        self._content = content
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
        self._speller = Speller(known, content.common_words)

    def scan(self, text: str, recent: Sequence[str] = ()) -> Danger | None:
        """The worst danger in a message, or None.

        recent: the messages of this person just before it, oldest first; the last two are read with it, to catch
        what was split over several texts. A danger that was whole in an earlier message is not reported again.
        """
        alone = self._worst(found for view in views(text, self._speller) for found in self._dangers(Words.of(view), 0))
        if alone:
            return self._danger(alone, joined=False)
        before = [message for message in recent[-MOST_RECENT:] if message.strip()]
        if not before or not text.strip():
            return None
        across = self._worst(self._dangers_across(" ".join(before), text))
        return self._danger(across, joined=True) if across else None

    @staticmethod
    def _danger(found: _Found, joined: bool) -> Danger:
        return Danger(found.kind, PHRASE_TIER, found.who, found.rule, joined)

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
        for (kind, rule), start, end in self._book.find(text):
            if end <= ends_after:
                continue
            excused = (
                exception.covers(text, start, end)
                for group in rule.unless
                for exception in self._content.exceptions.get(group, ())
            )
            if not any(excused):
                yield _Found(kind.severity, start, kind.name, rule.id, self._who(rule, text, start, end))

    def _who(self, rule: Rule, text: Words, start: int, end: int) -> Who:
        """Whose danger it is: as the rule says, or else the nearest person named in or just before the phrase."""
        if rule.who != "unknown":
            return rule.who
        for word in reversed(text.words[max(0, start - _SUBJECT_WITHIN) : end]):
            for who, words in self._content.subjects.items():
                if word in words:
                    return who
        return "unknown"

    @staticmethod
    def _worst(found: Iterable[_Found]) -> _Found | None:
        return min(found, default=None)


def safe_scan(scanner: SafetyScanner, text: str, recent: Sequence[str] = ()) -> Danger | None:
    """As scanner.scan, but never raises: when the scanner fails, the message is treated as danger of unknown kind."""
    try:
        return scanner.scan(text, recent)
    except Exception:
        return Danger(UNKNOWN_KIND, PHRASE_TIER, "unknown", "scanner-failed", joined=False)


def reply(content: SafetyContent, danger: Danger, channel: str, authority: str | None, people_read: str) -> str:
    """The reviewed reply to a danger, ready to send.

    channel: "sms" or "chat" (anything else is answered as chat). authority: a key of authorities.yml, or None where
    the place is not known, which gives the numbers of all three councils. people_read: one sentence that tells the
    truth about when a person will read this; it is set in last, so that nothing in it is taken for a placeholder.
    """
    by_channel = content.replies.get(danger.kind) or content.replies[UNKNOWN_KIND]
    by_who = by_channel["sms" if channel == "sms" else "chat"]
    text = by_who.get(danger.who) or by_who.get("anyone") or by_who["me"]
    for name, value in (content.values.get(authority or "") or content.values[UNKNOWN_PLACE]).items():
        text = text.replace("{" + name + "}", value)
    return text.replace(PEOPLE_READ, people_read).strip()


def fold_phrase(written: str) -> str:
    """How a word of the content is written in the texts that are scanned."""
    return " ".join(word for word in spoken(written).split() if word != ".")
