"""A message comes in: stored first, read for danger before anything else, and what needs no model is answered."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from helpline.domain.contact_line import ELSEWHERE, expand
from helpline.domain.control_words import match
from helpline.domain.messages import InboundMessage, InboundState, Purpose
from helpline.domain.off_topic import Language, language_of
from helpline.domain.places import AmbiguousPlace, OutOfArea, Place
from helpline.domain.safety import SURE
from helpline.domain.sending_limits import NUMBER_MAY_BE_ANOTHERS_AFTER
from helpline.domain.sms import to_gsm7
from helpline.domain.text import has_words, is_only_links, storable
from helpline.services import cases, control, forgetting, joining, loops
from helpline.services.alarms import NOT_ANSWERED, day_of, note_alarm
from helpline.services.arrival import Arrival, Received
from helpline.services.core import Core
from helpline.services.danger import answer_danger, give_numbers_again, is_to_be_answered, take_answer
from helpline.storage import repositories
from helpline.storage.engine import Session, StorageConflict
from helpline.storage.models import Contact, Conversation, TurnRecord

JOINED_MESSAGES = 3
JOINED_WITHIN = timedelta(hours=1)

# Why a message was settled: it is in a language that the assistant does not read, so staff look at it.
OTHER_LANGUAGE = "other-language"
# Why a message is not answered though a person may have written it; a sender that is a name is an advertisement.
_STAFF_LOOK_AT = frozenset({"sender-abroad", "sender-on-whatsapp"})


def receive(core: Core, message: InboundMessage, *, already_warned: bool = False) -> Received:
    """Store a message and do what must not wait for the assistant, all in one transaction.

    already_warned: the safety reply went out while the database could not be written, so it is not sent again.

    Raises:
        StorageUnavailable: nothing was stored.
    """
    message = replace(message, text=storable(message.text))
    # The readers of danger remember what they read, so that no writer has to wait while they do.
    core.find_danger(message.text, (), core.form_of(message.channel))
    try:
        return _receive_once(core, message, already_warned)
    except StorageConflict:
        # Another process stored this message, or a first one of this person, between our look and our insert. What it
        # stored is there now, so the second look finds it.
        return _receive_once(core, message, already_warned)


def _receive_once(core: Core, message: InboundMessage, already_warned: bool) -> Received:
    with core.database.write(urgent=True) as session:
        arrival = _store(session, core, message, already_warned)
        return arrival if isinstance(arrival, Received) else _deal_with(arrival)


def _store(session: Session, core: Core, message: InboundMessage, already_warned: bool) -> Arrival | Received:
    now = core.clock.now()
    contact, conversation = repositories.find_or_add_contact(
        session, core.addresses, message.channel, message.address, now
    )
    stored = repositories.find_inbound(session, message.channel, message.provider_id)
    if stored is not None:
        return Received(stored.entry_id, contact.id, new=False)
    if core.form_of(message.channel) == "sms" and _has_been_silent(session, contact, now):
        # The number may be somebody else's by now, who must not be told anything of what was said before.
        conversation = repositories.start_afresh(session, contact, now)
    if contact.forget_at is not None:
        contact.forget_at = now + forgetting.ADDRESS_GOES_AFTER
    inbound = repositories.add_inbound(session, contact, message, now)
    return Arrival(session, core, contact, conversation, inbound, message, already_warned, now)


def _has_been_silent(session: Session, contact: Contact, now: datetime) -> bool:
    last = repositories.last_heard_from(session, contact.id)
    return last is not None and now - last > NUMBER_MAY_BE_ANOTHERS_AFTER


def _deal_with(arrival: Arrival) -> Received:
    core, message, contact = arrival.core, arrival.message, arrival.contact
    _note_place(core, arrival.conversation, message.text)
    recent = repositories.recent_inbound_texts(
        arrival.session, contact.id, arrival.inbound.entry_id, arrival.now - JOINED_WITHIN, JOINED_MESSAGES
    )
    danger = core.find_danger(message.text, recent, arrival.form)
    word = match(message.text, core.control_words, arrival.form)
    if (danger is None or danger.tier != SURE) and word != "stop":
        answered = take_answer(arrival)
        if answered is not None:
            return answered
    if danger is not None:
        if is_to_be_answered(arrival, danger) and not loops.is_a_machine_again(arrival):
            return answer_danger(arrival, danger)
        # They have just said no, or a machine says it. It goes on as any message, and staff see it in the case.
        cases.note_danger(arrival.session, core, contact, arrival.inbound, danger, None)
    if not message.answerable:
        return _leave_unanswered(arrival)

    if word == "safe":
        return give_numbers_again(arrival)
    done = control.obey_at_any_time(arrival, word) or forgetting.take_answer(arrival)
    if done is not None:
        return done
    if contact.opted_out_at is not None:
        return arrival.settle(InboundState.SUPPRESSED, "opted-out")
    done = control.obey(arrival, word)
    if done is None and word is None:
        done = joining.take_code(arrival) or loops.settle_loop(arrival)
    if done is not None:
        return done

    unreadable = _unreadable(message)
    if unreadable is not None:
        return arrival.answer(arrival.say(unreadable), Purpose.REPLY, unreadable)
    language = language_of(core.languages, message.text)
    if language is not None:
        return _answer_in(language, arrival)
    return replace(arrival.received(), turn_for=arrival.inbound.entry_id)


def _answer_in(language: Language, arrival: Arrival) -> Received:
    """One line in the person's own language on how to get an interpreter, and a mark for staff."""
    core = arrival.core
    text = expand(language.line.on(arrival.form), core.guide, arrival.conversation.authority, core.words, arrival.form)
    letters_are_lost = "?" in to_gsm7(text) and "?" not in text
    arrival.session.add(
        TurnRecord(
            entry_id=arrival.inbound.entry_id,
            intent=f"{OTHER_LANGUAGE}/{language.id}",
            confidence=1.0,
            out_of_scope=True,
            reply_text=text,
            reply_options=[],
            at=arrival.now,
        )
    )
    outbox_id = arrival.put_in_outbox(text, Purpose.REPLY, in_its_letters=letters_are_lost)
    return replace(arrival.settle(InboundState.ANSWERED, OTHER_LANGUAGE), outbox_id=outbox_id)


def _leave_unanswered(arrival: Arrival) -> Received:
    message = arrival.message
    if message.why_unanswerable in _STAFF_LOOK_AT:
        period = f"{arrival.contact.id} {day_of(arrival.now)}"
        note_alarm(arrival.session, arrival.core, NOT_ANSWERED, period, message_id=arrival.inbound.entry_id)
    return arrival.settle(InboundState.SUPPRESSED, message.why_unanswerable)


def _unreadable(
    message: InboundMessage,
) -> Literal["location-only", "media-only", "empty", "emoji-only", "link-only"] | None:
    if not message.text.strip():
        if message.media == ("location",):
            return "location-only"
        return "media-only" if message.media else "empty"
    if not has_words(message.text):
        return "emoji-only"
    if is_only_links(message.text):
        return "link-only"
    return None


def _note_place(core: Core, conversation: Conversation, text: str) -> None:
    place = core.gazetteer.find(text)
    if isinstance(place, Place):
        conversation.district, conversation.authority = place.district, place.authority
    elif isinstance(place, AmbiguousPlace) and place.authority is not None:
        conversation.district, conversation.authority = None, place.authority
    elif isinstance(place, OutOfArea) and (place.whole_message or conversation.authority is None):
        # Said in passing it may be where somebody else lives, so it takes no place away that is known.
        conversation.district, conversation.authority = None, ELSEWHERE
