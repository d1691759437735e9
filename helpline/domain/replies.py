"""The reviewed sentences that the core speaks, looked up by id. The words themselves are content/replies.yml."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Channel = Literal["sms", "chat"]

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Wording:
    """One reply as a text message and as a chat message. values: the placeholders that code fills in."""

    sms: str
    chat: str
    values: frozenset[str] = frozenset()

    def on(self, channel: Channel) -> str:
        """The words for a channel, with their placeholders."""
        return self.sms if channel == "sms" else self.chat


@dataclass(frozen=True)
class ReplyWords:
    """Every reply of content/replies.yml by id."""

    wordings: Mapping[str, Wording]

    def on(self, reply_id: str, channel: Channel) -> str:
        """The words of a reply with their placeholders. Raises LookupError for an unknown id."""
        wording = self.wordings.get(reply_id)
        if wording is None:
            raise LookupError(f"content/replies.yml has no reply '{reply_id}'")
        return wording.on(channel)

    def has(self, reply_id: str) -> bool:
        """Whether there is a reply of this id."""
        return reply_id in self.wordings


def fill(text: str, value_of: Callable[[str], str]) -> str:
    """Replace each {name} by value_of(name), which raises LookupError for a name that it does not know."""
    return PLACEHOLDER.sub(lambda match: value_of(match.group(1)), text)


def placeholders(text: str) -> tuple[str, ...]:
    """The names between curly brackets in a text, in order."""
    return tuple(PLACEHOLDER.findall(text))
