"""A turn in hand: one transaction, keyed by the message that it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from helpline.domain.contact_line import ELSEWHERE
from helpline.domain.messages import Reply, Understanding
from helpline.domain.replies import Channel
from helpline.domain.sms import MOST_SEGMENTS, segments, to_gsm7
from helpline.services.core import Core
from helpline.storage import repositories
from helpline.storage.engine import Session
from helpline.storage.models import Contact, Conversation, ThreadEntry, TurnRecord


@dataclass(frozen=True)
class Turn:
    """A turn in hand: the person, where they are in the talk, and how their channel is worded."""

    session: Session
    core: Core
    message_id: int
    contact: Contact
    conversation: Conversation
    understanding: Understanding

    @property
    def form(self) -> Channel:
        """How this person's channel is worded."""
        return self.core.form_of(self.contact.channel)

    @property
    def text(self) -> str:
        """What the person wrote."""
        return self.session.get_one(ThreadEntry, self.message_id).text

    @property
    def about(self) -> str:
        """Whom the talk is about, as it goes into a sentence: "your mum"."""
        person = self.core.talk.people.get(self.conversation.about or "")
        return person.name if person else self.say("person-who-needs-help")

    @property
    def lives_elsewhere(self) -> bool:
        """Whether the person who needs help lives outside the area."""
        return self.conversation.authority == ELSEWHERE

    def say(self, key: str, **values: str) -> str:
        """A reply's words for this person's channel and council."""
        return self.core.say(key, self.form, self.conversation.authority, **values)


def in_turn(
    core: Core, message_id: int, understanding: Understanding, make: Callable[[Turn], Reply | None]
) -> Reply | None:
    """Make a reply in one transaction, write down what was understood, and give the same reply to every repeat."""
    with core.database.write() as session:
        entry = session.get_one(ThreadEntry, message_id)
        contact, conversation = repositories.lock_contact(session, entry.contact_id)
        made = session.get(TurnRecord, message_id)
        if made is not None:
            return None if made.reply_text is None else Reply(made.reply_text, tuple(made.reply_options))
        turn = Turn(session, core, message_id, contact, conversation, understanding)
        if not understanding.out_of_scope:
            conversation.misunderstood_in_a_row = 0
        conversation.about = core.talk.person_in(entry.text) or conversation.about
        reply = make(turn)
        given = _answer_given(conversation, understanding)
        session.add(
            TurnRecord(
                entry_id=message_id,
                intent=understanding.intent,
                confidence=understanding.confidence,
                topic=given[0],
                answer=given[1],
                answer_confidence=understanding.answer_confidence,
                out_of_scope=understanding.out_of_scope,
                reply_text=reply.text if reply else None,
                reply_options=list(reply.options) if reply else [],
                at=core.clock.now(),
            )
        )
        return reply


# Intents whose reply is about the topic that the talk is on.
_ABOUT_LAST_TOPIC = frozenset({"more", "why", "give_place", "next_question"})


def _answer_given(conversation: Conversation, understanding: Understanding) -> tuple[str | None, str | None]:
    if understanding.topic is not None or understanding.intent in _ABOUT_LAST_TOPIC:
        return conversation.topic, conversation.answer
    return None, None


def must_say(reply: Reply | None) -> Reply:
    """The reply of a turn that has words of ours. Raises LookupError if it was recorded without."""
    if reply is None:
        raise LookupError("this turn was recorded without a reply of ours")
    return reply


def has_room(text: str) -> bool:
    """Whether a text goes into one message without being cut."""
    return segments(to_gsm7(text)).count <= MOST_SEGMENTS


def joined(form: Channel, parts: Sequence[str]) -> str:
    """Parts of one reply, as this channel sets them out."""
    return (" " if form == "sms" else "\n\n").join(part for part in parts if part)
