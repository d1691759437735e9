"""The care guide: topics, their answers, and how an answer reads as a text and as a chat message."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from helpline.domain import sms
from helpline.domain.contact_line import Authority, Phone, Phonebook, Source, contact_line, expand
from helpline.domain.replies import Channel, ReplyWords, fill

__all__ = [
    "LONGEST_ANSWER_SMS",
    "Answer",
    "Authority",
    "Guide",
    "Phone",
    "Rendered",
    "Source",
    "Topic",
    "answer_text",
    "day_in_words",
    "menu_text",
    "why_text",
]

Form = Literal["short", "long"]

# Two parts of a joined text message.
LONGEST_ANSWER_SMS = 306


@dataclass(frozen=True)
class Answer:
    """One answer. contact: a role or a phone id. After review_by its words are not given any more."""

    id: str
    question: str
    short: str
    long: str
    who_pays: str
    next_step: str
    contact: str
    as_of: date
    review_by: date
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Topic:
    """A file of content/guide. general: the id of the answer given when no other fits better.

    menu: it is one of the most asked, which the menu names in a text; in chat the menu names every topic. goes_with:
    where to look for the answer to a question that goes on from this topic, if it has none.
    """

    id: str
    title: str
    general: str
    answers: Mapping[str, Answer]
    menu: bool = False
    goes_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guide(Phonebook):
    """All the topics by id, with the phonebook that their answers name."""

    topics: Mapping[str, Topic]

    def answer(self, topic_id: str, answer_id: str | None) -> Answer:
        """An answer, or the topic's general one when the id is None or is not there any more.

        Raises LookupError for an unknown topic.
        """
        topic = self.topics.get(topic_id)
        if topic is None:
            raise LookupError(f"the guide has no topic '{topic_id}'")
        return topic.answers.get(answer_id or topic.general, topic.answers[topic.general])


@dataclass(frozen=True)
class Rendered:
    """An answer ready to send. answer_id: the one that was given. is_general: given for want of an exact one.

    stale: the answer was past its review date, so the text sends the person to the council instead.
    """

    text: str
    answer_id: str
    stale: bool
    is_general: bool


def answer_text(
    guide: Guide,
    topic_id: str,
    answer_id: str | None,
    form: Form,
    authority: str | None,
    today: date,
    words: ReplyWords,
) -> Rendered:
    """An answer in its short form (a text message) or long form (chat, or after MORE).

    answer_id None, or one that the topic does not have any more: the general answer, and it says so. authority None:
    the numbers of every council. today past review_by: the reply "stale-answer". Raises LookupError for an unknown
    topic.
    """
    answer = guide.answer(topic_id, answer_id)
    is_general = answer_id != answer.id
    channel: Channel = "sms" if form == "short" else "chat"
    if today > answer.review_by:
        text = expand(words.on("stale-answer", channel), guide, authority, words, channel)
        return Rendered(text, answer.id, stale=True, is_general=is_general)
    lead = words.on("general-answer-lead", channel) if is_general else ""
    render = _short if form == "short" else _long
    return Rendered(render(guide, answer, authority, words, lead), answer.id, stale=False, is_general=is_general)


def _short(guide: Guide, answer: Answer, authority: str | None, words: ReplyWords, lead: str) -> str:
    contact = contact_line(guide, answer.contact, authority, words, "sms")
    body = expand(answer.short, guide, authority, words, "sms")
    text = " ".join(part for part in (lead, body, contact) if part)
    with_more = f"{text} {words.on('label-more', 'sms')}"
    return with_more if sms.segments(with_more).characters <= LONGEST_ANSWER_SMS else text


def _long(guide: Guide, answer: Answer, authority: str | None, words: ReplyWords, lead: str) -> str:
    parts = [
        lead,
        expand(answer.long, guide, authority, words, "chat"),
        f"{words.on('label-next-step', 'chat')} {expand(answer.next_step, guide, authority, words, 'chat')}",
        f"{words.on('label-who-pays', 'chat')} {expand(answer.who_pays, guide, authority, words, 'chat')}",
        contact_line(guide, answer.contact, authority, words, "chat"),
    ]
    return "\n\n".join(part for part in parts if part)


def why_text(guide: Guide, topic_id: str, answer_id: str | None, words: ReplyWords, channel: Channel) -> str:
    """Where an answer comes from: its sources with their own dates, and the day on which we last checked it.

    Raises LookupError for an unknown topic.
    """
    answer = guide.answer(topic_id, answer_id)
    sources = [
        fill(
            words.on("why-source", channel),
            {"name": source.name, "date": source.date, "url": source.url}.__getitem__,
        )
        for source in answer.sources
    ]
    values = {
        "question": answer.question,
        "sources": words.on("why-source-join", channel).join(sources),
        "checked": day_in_words(answer.as_of),
    }
    return fill(words.on("why", channel), values.__getitem__)


def menu_text(guide: Guide, words: ReplyWords, channel: Channel) -> str:
    """What can be asked about: titles by alphabet, in chat of every topic, in a text of those that are most asked."""
    listed = [topic for topic in guide.topics.values() if topic.menu or channel == "chat"]
    titles = sorted((topic.title for topic in listed), key=str.casefold)
    lines = words.on("menu-join", channel).join(titles)
    return fill(words.on("menu", channel), {"topics": lines}.__getitem__)


def day_in_words(day: date) -> str:
    """A date as people say it: "22 November 2026"."""
    return f"{day.day} {day:%B %Y}"
