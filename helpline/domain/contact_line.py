"""Which number to ring: the phones, whose they are, and the line that ends an answer.

Essex, Southend and Thurrock do adult social care each for themselves. When we know where a person lives they get the
one number; when we do not, they get all of them with the name of the area beside each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from helpline.domain.replies import Channel, ReplyWords, fill

Role = Literal["front-door", "out-of-hours", "adult-safeguarding", "child-safeguarding"]
ROLES: tuple[Role, ...] = ("front-door", "out-of-hours", "adult-safeguarding", "child-safeguarding")
_LINE = "-line"
# Stands where an authority's id stands, for people who live outside the area of all of them.
ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Source:
    """Where a fact comes from. date: what the source says of its own age, in words."""

    name: str
    url: str
    date: str


@dataclass(frozen=True)
class Phone:
    """One number that a reply may show. hours are read aloud; hours_short is the same for a text message."""

    id: str
    name: str
    number: str
    hours: str | None
    hours_short: str | None
    area: str
    sources: tuple[Source, ...]
    confidence: str

    def hours_on(self, channel: Channel) -> str | None:
        """The opening hours as this channel says them, or None when none could be confirmed."""
        return (self.hours_short or self.hours) if channel == "sms" else self.hours


@dataclass(frozen=True)
class Authority:
    """A council that does adult social care, its districts, and the ids of its phones by role."""

    id: str
    name: str
    short_name: str
    districts: tuple[str, ...]
    phone_ids: Mapping[Role, str]


@dataclass(frozen=True)
class Phonebook:
    """Every phone by id and every authority by id."""

    phones: Mapping[str, Phone]
    authorities: Mapping[str, Authority]

    def knows(self, contact: str) -> bool:
        """Whether a contact is a role that every authority has, or the id of a phone."""
        return contact in ROLES or contact in self.phones

    def authority_of_district(self) -> dict[str, str]:
        """Authority id by district name."""
        return {district: a.id for a in self.authorities.values() for district in a.districts}

    def phone(self, contact: str, authority: str | None) -> Phone | None:
        """The one phone that a contact means for people of an authority, or None when that depends on the place.

        Raises LookupError for an unknown contact. An authority that no longer exists counts as not known.
        """
        if contact in self.phones:
            return self.phones[contact]
        if contact not in ROLES:
            raise LookupError(f"no phone or role '{contact}'")
        known = self.authorities.get(authority or "")
        return self.phones[known.phone_ids[contact]] if known else None

    def phones_by_area(self, role: Role) -> dict[Phone, tuple[str, ...]]:
        """The phones of a role with the short names of the authorities that share each."""
        areas: dict[str, tuple[str, ...]] = {}
        for authority in self.authorities.values():
            phone_id = authority.phone_ids[role]
            areas[phone_id] = (*areas.get(phone_id, ()), authority.short_name)
        return {self.phones[phone_id]: names for phone_id, names in areas.items()}


def contact_line(phonebook: Phonebook, contact: str, authority: str | None, words: ReplyWords, channel: Channel) -> str:
    """The sentence that says whom to ring and when, as "Name: number, hours".

    contact is a role ("front-door") or a phone id. authority: an id, ELSEWHERE, or None where the place is not known.
    Raises LookupError when the contact is neither.
    """
    phone = phonebook.phone(contact, authority)
    if phone is None and authority == ELSEWHERE:
        return words.on("contact-elsewhere", channel)
    if phone is None:
        numbers = _numbers_by_area(phonebook, contact, words, channel, with_hours=True)
        return fill(words.on(f"contact-unknown-{contact}", channel), {"numbers": numbers}.__getitem__)
    hours = phone.hours_on(channel)
    template = "contact-known" if hours else "contact-known-no-hours"
    if words.has(f"contact-{phone.id}"):
        template = f"contact-{phone.id}"
    values = {"name": phone.name, "number": phone.number, "hours": hours or ""}
    return fill(words.on(template, channel), values.__getitem__)


def expand(
    text: str,
    phonebook: Phonebook,
    authority: str | None,
    words: ReplyWords,
    channel: Channel,
    values: Mapping[str, str] | None = None,
) -> str:
    """Fill the placeholders of a text.

    {phone-id} and {role} become the bare number, {role-line} or {phone-id-line} the whole contact line, and any other
    name its value. Raises LookupError for a name that is none of these.
    """

    def value_of(name: str) -> str:
        if values and name in values:
            return values[name]
        if phonebook.knows(name):
            phone = phonebook.phone(name, authority)
            if phone:
                return phone.number
            if authority == ELSEWHERE:
                return words.on("number-elsewhere", channel)
            return _numbers_by_area(phonebook, name, words, channel, with_hours=False)
        return contact_line(phonebook, name.removesuffix(_LINE), authority, words, channel)

    return fill(text, value_of)


def reply_text(
    phonebook: Phonebook,
    words: ReplyWords,
    reply_id: str,
    channel: Channel,
    authority: str | None = None,
    **values: str,
) -> str:
    """A reply of content/replies.yml ready to send. Raises LookupError for an unknown id or placeholder."""
    return expand(words.on(reply_id, channel), phonebook, authority, words, channel, values)


def _numbers_by_area(
    phonebook: Phonebook, contact: str, words: ReplyWords, channel: Channel, *, with_hours: bool
) -> str:
    role = next(role for role in ROLES if role == contact)
    parts = []
    for phone, areas in phonebook.phones_by_area(role).items():
        hours = phone.hours_on(channel) if with_hours else None
        template = "contact-by-area-hours" if hours and channel == "chat" else "contact-by-area"
        joined = words.on("list-and", channel).join(areas)
        values = {"areas": joined, "number": phone.number, "hours": hours or ""}
        parts.append(fill(words.on(template, channel), values.__getitem__))
    return words.on("list-comma", channel).join(parts)
