"""One person on several channels: a code from one of them joins another to the same conversation.

Only the code does. A number or a name that somebody types proves nothing, and what was said on one channel is never
shown on another.
"""

from dataclasses import replace

from helpline.domain.join_codes import GOOD_FOR, as_shown, code_in, new_code
from helpline.domain.messages import Purpose
from helpline.services.alarms import WRONG_CODES, hour_of, note_alarm
from helpline.services.arrival import Arrival, Received
from helpline.storage import joins, repositories
from helpline.storage.models import Contact

MOST_WRONG_BY_ONE = 5
MOST_WRONG_BY_ALL = 100
JOINED = "joined"
NOT_ME = "not-me"


def give_code(arrival: Arrival, channel: str) -> Received:
    """A code for going on in another channel, and where to send it. A new one takes the place of the last."""
    if channel == arrival.contact.channel:
        return arrival.answer(arrival.say("join-already-here"), Purpose.CONTROL, "join-already-here")
    where = arrival.core.doors.get(channel)
    if where is None:
        return arrival.answer(arrival.say("join-not-offered"), Purpose.CONTROL, "join-not-offered")
    code = new_code()
    joins.keep_code(
        arrival.session, arrival.contact.id, _hash(arrival, code), channel, arrival.now + GOOD_FOR, arrival.now
    )
    text = arrival.say(f"join-code-{channel}", code=as_shown(code), where=where)
    return arrival.answer(text, Purpose.CONTROL, f"join-code-{channel}")


def take_code(arrival: Arrival) -> Received | None:
    """What follows from a message that is a code and nothing else; None for any other message."""
    code = code_in(arrival.message.text)
    if code is None:
        return None
    if _has_tried_too_often(arrival):
        return arrival.answer(arrival.say("join-too-many"), Purpose.CONTROL, "join-too-many")
    giver = joins.take_code(arrival.session, _hash(arrival, code), arrival.contact.channel, arrival.now)
    if giver is None:
        joins.note_wrong(arrival.session, arrival.contact.id, arrival.now)
        return arrival.answer(arrival.say("join-wrong"), Purpose.CONTROL, "join-wrong")
    if giver.conversation_id == arrival.contact.conversation_id:
        return arrival.answer(arrival.say("join-already-here"), Purpose.CONTROL, "join-already-here")
    return _join(arrival, giver)


def cut_off_others(arrival: Arrival) -> Received | None:
    """NOT ME: every channel that was joined to this conversation loses it and begins anew; None if none was.

    Whoever says it: a stranger who has joined must not be able to take the conversation from its owner.
    """
    contacts = repositories.contacts_in(arrival.session, arrival.contact.conversation_id)
    joined = [one for one in contacts if one.joined_at is not None]
    if not joined:
        return None
    for one in joined:
        repositories.start_afresh(arrival.session, one, arrival.now)
    return arrival.answer(arrival.say("not-me-done"), Purpose.CONTROL, NOT_ME)


def _hash(arrival: Arrival, code: str) -> str:
    return arrival.core.addresses.find_by("join-code", code)


def _has_tried_too_often(arrival: Arrival) -> bool:
    by_one, by_all = joins.wrong_lately(arrival.session, arrival.contact.id, arrival.now)
    if by_all >= MOST_WRONG_BY_ALL:
        note_alarm(arrival.session, arrival.core, WRONG_CODES, hour_of(arrival.now), count=by_all)
    return by_one >= MOST_WRONG_BY_ONE or by_all >= MOST_WRONG_BY_ALL


def _join(arrival: Arrival, giver: Contact) -> Received:
    """The giver's conversation goes on here. What was known here of the place is kept where it was not known there."""
    left, conversation = arrival.conversation, repositories.conversation_of(arrival.session, giver)
    if conversation.authority is None:
        conversation.district, conversation.authority = left.district, left.authority
    arrival.contact.conversation_id, arrival.contact.joined_at = conversation.id, arrival.now
    arrival.session.flush()
    repositories.drop_if_empty(arrival.session, left)
    joined = replace(arrival, conversation=conversation)
    notice = joined.tell(giver, f"join-notice-{arrival.contact.channel}")
    answered = joined.answer(joined.say("join-done"), Purpose.CONTROL, JOINED)
    return replace(answered, notices=((notice, giver.id),))
