"""What people say about themselves in passing: that they look after somebody, and whom the talk is about."""

from collections.abc import Mapping
from dataclasses import dataclass

from helpline.domain.normalise import plain
from helpline.domain.seeking import age_in, says_any


@dataclass(frozen=True)
class PersonWords:
    """Somebody whom people write about: how we call them, and what they are called."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class TalkWords:
    """The words of content/talk.yml."""

    carer_signs: tuple[str, ...]
    people: Mapping[str, PersonWords]
    automatic: tuple[str, ...]
    care_words: tuple[str, ...]
    number_words: tuple[str, ...]
    price_words: tuple[str, ...]
    age_words: frozenset[str]
    age_counts: frozenset[str]

    def shows_a_carer(self, text: str) -> bool:
        """Whether somebody says in other words that they look after a person."""
        return says_any(text, self.carer_signs)

    def may_be_about_care(self, text: str) -> bool:
        """Whether a text that was not understood speaks of somebody, or of what people need help with."""
        return self.person_in(text) is not None or says_any(text, self.care_words)

    def asks_for_number(self, text: str) -> bool:
        """Whether somebody who wants something said again wants the number."""
        return says_any(text, self.number_words)

    def asks_the_price(self, text: str) -> bool:
        """Whether somebody asks what something costs, or who pays."""
        return says_any(text, self.price_words)

    def says_only_an_age(self, text: str) -> bool:
        """Whether a text says how old somebody is, and nothing else: "shes 81"."""
        words = plain(text).split()
        return age_in(text) is not None and all(word.isdecimal() or word in self.age_words for word in words)

    def is_automatic(self, text: str) -> bool:
        """Whether a phone or a mailbox wrote this while its owner was away."""
        return says_any(text, self.automatic)

    def person_in(self, text: str) -> str | None:
        """Whom a text is about: the one who is named first; None if nobody is."""
        said = f" {plain(text)} "
        found = [
            (place, -len(word), person)
            for person, entry in self.people.items()
            for word in entry.words
            if (place := said.find(f" {word} ")) >= 0
        ]
        return min(found)[2] if found else None
