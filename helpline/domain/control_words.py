"""The words that are commands and not questions: STOP, START, HELP, MENU, MORE, PAUSE, DONE and others.

A command is the whole message and never part of a sentence: "stop" ends all texts, "how do I stop a fall" does not.
Which words those are is content/control_words.yml.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rapidfuzz.distance import OSA

from helpline.domain.replies import Channel

_NOT_LETTERS = re.compile(r"[^a-z0-9]+")
_APOSTROPHES = re.compile("['\u2018\u2019`]")
_SHORTEST_TO_MEND = 4
_SHORTEST_PHRASE_TO_MEND = 12


@dataclass(frozen=True)
class Command:
    """One command. words: single words and phrases in lower case. sms_only: words that are it on SMS alone.

    mended: those of its words that are still meant when one letter is wrong.
    """

    words: frozenset[str]
    sms_only: frozenset[str]
    mended: frozenset[str]


@dataclass(frozen=True)
class ControlWords:
    """The commands by id, the polite words that may go with one, and the real words that are no slip of one."""

    commands: Mapping[str, Command]
    polite: frozenset[str]
    never: frozenset[str]

    def without_network_words(self) -> "ControlWords":
        """The same without the words that are commands only because a phone network takes them for such."""
        commands = {name: replace(command, sms_only=frozenset()) for name, command in self.commands.items()}
        return replace(self, commands=commands)


def match(text: str, words: ControlWords, channel: Channel = "sms") -> str | None:
    """The id of the command that the whole of a text is, or None.

    Any case, any punctuation and emoji around it; "please", "thanks" and repeating the word change nothing. One wrong
    letter is put right in words that allow it, unless the result is a word of its own ("shop" is not STOP).
    """
    typed = _bare(text)
    spoken = [word for word in typed.split() if word not in words.polite]
    once = spoken[0] if len(set(spoken)) == 1 else " ".join(spoken)
    for said in dict.fromkeys((typed, " ".join(spoken), once)):
        if not said:
            continue
        exact = _exactly(said, words, channel)
        if exact is not None:
            return exact
    return _nearly(once, words)


def _bare(text: str) -> str:
    return _NOT_LETTERS.sub(" ", _APOSTROPHES.sub("", text.casefold())).strip()


def _exactly(said: str, words: ControlWords, channel: Channel) -> str | None:
    for command_id, command in words.commands.items():
        if said in command.words or (channel == "sms" and said in command.sms_only):
            return command_id
    return None


def _nearly(said: str, words: ControlWords) -> str | None:
    if said in words.never or len(said) < _SHORTEST_TO_MEND:
        return None
    meant = set()
    for command_id, command in words.commands.items():
        for word in command.mended:
            if " " in said and len(word) < _SHORTEST_PHRASE_TO_MEND:
                continue
            if abs(len(word) - len(said)) <= 1 and OSA.distance(said, word, score_cutoff=1) <= 1:
                meant.add(command_id)
    return meant.pop() if len(meant) == 1 else None
