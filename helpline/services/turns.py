"""One turn: what the assistant is asked, and what is done with its answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from helpline.domain.control_words import match
from helpline.domain.messages import InboundState, Purpose, Reply
from helpline.domain.places import AmbiguousPlace, OutOfArea
from helpline.domain.text import LONGEST_FOR_ASSISTANT, for_assistant
from helpline.services import cases
from helpline.services.core import Core
from helpline.services.danger import ASKED_AGAIN, open_question
from helpline.services.outgoing import put_in_outbox
from helpline.storage import repositories
from helpline.storage.engine import Session
from helpline.storage.models import Contact, Conversation, Inbound, ThreadEntry, TurnRecord

# Control words that are commands to the assistant.
_COMMANDS = {
    "menu": "menu",
    "more": "more",
    "why": "why",
    "repeat": "repeat",
    "talk": "talk_to_a_person",
    "near": "find_service",
    "next": "next_question",
    "rate": "rate_service",
}


@dataclass(frozen=True)
class TurnRequest:
    """What the assistant is asked. sender and metadata hold ids only, never an address."""

    message_id: int
    sender: str
    text: str
    metadata: dict[str, Any]


def next_turn(core: Core, message_id: int) -> TurnRequest | None:
    """The oldest message of the same person, up to this one, that still waits; None if all are settled.

    Raises:
        StorageUnavailable: try again later.
    """
    with core.database.write() as session:
        entry = session.get(ThreadEntry, message_id)
        if entry is None:
            return None
        contact, conversation = repositories.lock_contact(session, entry.contact_id)
        inbound = repositories.oldest_unanswered(session, contact.id, message_id)
        if inbound is None:
            return None
        text = session.get_one(ThreadEntry, inbound.entry_id).text
        return TurnRequest(
            message_id=inbound.entry_id,
            sender=conversation.assistant_id,
            text=for_assistant(text),
            metadata=_metadata(core, contact, conversation, inbound, text),
        )


def _metadata(core: Core, contact: Contact, conversation: Conversation, inbound: Inbound, text: str) -> dict[str, Any]:
    found = core.gazetteer.find(text)
    place: dict[str, Any] | None = None
    if found is not None:
        place = {
            "district": getattr(found, "district", None),
            "authority": getattr(found, "authority", None),
            "ambiguous": isinstance(found, AmbiguousPlace),
            "out_of_area": isinstance(found, OutOfArea),
            "whole_message": found.whole_message,
        }
    word = match(text, core.control_words, core.form_of(contact.channel))
    return {
        "message_id": inbound.entry_id,
        "channel": contact.channel,
        "expects": open_question(conversation),
        "place": place,
        "command": _COMMANDS.get(word) if word else None,
        "last": _last(core, conversation),
    }


def _last(core: Core, conversation: Conversation) -> dict[str, Any] | None:
    """What was last answered, and the topics that may know more."""
    if not conversation.topic:
        return None
    topic = core.guide.topics.get(conversation.topic)
    companions = list(topic.goes_with) if topic else []
    return {"topic": conversation.topic, "answer": conversation.answer, "goes_with": companions}


def _lock(session: Session, message_id: int) -> tuple[ThreadEntry, Contact, Conversation, Inbound]:
    entry = session.get_one(ThreadEntry, message_id)
    contact, conversation = repositories.lock_contact(session, entry.contact_id)
    return entry, contact, conversation, session.get_one(Inbound, message_id)


def settle_turn(core: Core, message_id: int, replies: Sequence[Reply]) -> int | None:
    """Put the assistant's answer into the outbox and mark the message answered, in one commit.

    Several replies are joined into one: one turn, one reply. If a holding message went before, the answer says that
    it is the one that was promised. Gives the outbox entry's id; None if the message was settled already.

    Raises:
        StorageUnavailable: nothing was changed; try again later.
    """
    with core.database.write() as session:
        entry, contact, conversation, inbound = _lock(session, message_id)
        if inbound.state != InboundState.RECEIVED:
            return None
        now = core.clock.now()
        conversation.holding_for = None
        if contact.opted_out_at is not None:
            inbound.state, inbound.state_reason, inbound.settled_at = (
                InboundState.SUPPRESSED,
                "opted-out",
                now,
            )
            return None
        form = core.form_of(contact.channel)
        if cases.recent_case(session, core, contact.id) is not None:
            calm = _calm(session, core, message_id, contact, conversation)
            was_promised = repositories.find_outbox(session, message_id, Purpose.HOLDING) is not None
            if calm is not None and inbound.state_reason == ASKED_AGAIN and not was_promised:
                # They have had our thanks; there was no question in it that we could answer.
                inbound.state, inbound.settled_at = InboundState.ANSWERED, now
                return None
            replies = [Reply(calm)] if calm is not None else replies
        # Rasa cuts a reply at its blank lines; they are put together again here.
        text = ("\n" if form == "sms" else "\n\n").join(reply.text.strip() for reply in replies)
        joiner = " " if form == "sms" else "\n\n"
        if len(entry.text) > LONGEST_FOR_ASSISTANT:
            text = f"{core.say('too-long-cut', form)}{joiner}{text}"
        if repositories.find_outbox(session, message_id, Purpose.HOLDING) is not None:
            text = f"{core.say('late-answer-lead', form, conversation.authority)}{joiner}{text}"
        options = tuple(option for reply in replies for option in reply.options)
        outbox_id = put_in_outbox(
            session,
            core,
            contact,
            Reply(text, options),
            in_reply_to=message_id,
            purpose=Purpose.REPLY,
            now=now,
        )
        inbound.state, inbound.settled_at = InboundState.ANSWERED, now
        return outbox_id


# What is too cheerful, or of no use, to say to somebody who was in danger a few hours ago.
_TOO_CHEERFUL = ("small_talk", "out_of_scope", "nlu_fallback")


def _calm(session: Session, core: Core, message_id: int, contact: Contact, conversation: Conversation) -> str | None:
    """What is said instead of small talk and "I can't help with that" for a day after danger; None for all else."""
    record = session.get(TurnRecord, message_id)
    form = core.form_of(contact.channel)
    if record is None:
        return None
    # "Thank you" may be read as the answer to whether something helped.
    if not record.intent.startswith(_TOO_CHEERFUL) and record.reply_text != core.say("helped-yes", form):
        return None
    return core.say("calm", form, conversation.authority)


def hold(core: Core, message_id: int) -> int | None:
    """Tell a person who waits that the answer is coming; once for each spell of waiting.

    Gives the outbox entry's id; None if they were told already or need no telling.

    Raises:
        StorageUnavailable: nothing was changed; try again later.
    """
    with core.database.write() as session:
        _, contact, conversation, inbound = _lock(session, message_id)
        if inbound.state != InboundState.RECEIVED or contact.opted_out_at is not None:
            return None
        if conversation.holding_for is not None and conversation.holding_for != message_id:
            return None
        conversation.holding_for = message_id
        reply = Reply(core.say("holding", core.form_of(contact.channel), conversation.authority))
        return put_in_outbox(
            session,
            core,
            contact,
            reply,
            in_reply_to=message_id,
            purpose=Purpose.HOLDING,
            now=core.clock.now(),
        )


def give_up(core: Core, message_id: int) -> int | None:
    """Say that we cannot answer and whom to ask instead, and hand the message to staff.

    Gives the outbox entry's id; None if the message was settled already.

    Raises:
        StorageUnavailable: nothing was changed; try again later.
    """
    with core.database.write() as session:
        _, contact, conversation, inbound = _lock(session, message_id)
        if inbound.state != InboundState.RECEIVED:
            return None
        now = core.clock.now()
        inbound.state, inbound.state_reason, inbound.settled_at = (
            InboundState.HANDED_TO_STAFF,
            "assistant-failed",
            now,
        )
        conversation.holding_for = None
        if contact.opted_out_at is not None:
            return None
        reply = Reply(core.say("could-not-answer", core.form_of(contact.channel), conversation.authority))
        return put_in_outbox(session, core, contact, reply, in_reply_to=message_id, purpose=Purpose.REPLY, now=now)
