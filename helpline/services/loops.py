"""Messages that no person waits for an answer to: sent twice by a phone, over and over by a machine, or by an absence.

Read after danger and after control words, so that neither is ever taken for one.
"""

from datetime import timedelta

from helpline.domain.messages import InboundState
from helpline.services.alarms import LOOP, day_of, note_alarm
from helpline.services.arrival import Arrival, Received
from helpline.storage import repositories

# Twice the same within this is one message that a phone or a thumb sent twice.
SENT_TWICE_WITHIN = timedelta(seconds=4)
MOST_TIMES, WITHIN = 3, timedelta(minutes=10)
TELL_STAFF_AT = 20
A_DAY = timedelta(days=1)


def is_a_machine_again(arrival: Arrival) -> bool:
    """Whether these are a machine's words that it sent within the last day already.

    "I am away. In an emergency call 999" may look like danger, and is answered as that once.
    """
    if not arrival.core.talk.is_automatic(arrival.message.text):
        return False
    before = repositories.said_before(
        arrival.session, arrival.contact.id, arrival.message.text, arrival.inbound.entry_id, arrival.now - A_DAY
    )
    return bool(before)


def settle_loop(arrival: Arrival) -> Received | None:
    """Leave such a message unanswered; None for any other."""
    text = arrival.message.text
    if arrival.core.talk.is_automatic(text):
        return arrival.settle(InboundState.SUPPRESSED, "automatic-reply")
    before = repositories.said_before(
        arrival.session, arrival.contact.id, text, arrival.inbound.entry_id, arrival.now - WITHIN
    )
    # "1" and "yes" are said often, to different questions.
    if not before or _is_bare_answer(arrival):
        return None
    # Where time stands still, as in a replay, nothing is sent twice in a moment.
    if arrival.form == "sms" and arrival.now - SENT_TWICE_WITHIN < before[-1] < arrival.now:
        return arrival.settle(InboundState.SUPPRESSED, "sent-twice")
    if len(before) < MOST_TIMES:
        return None
    if len(before) == TELL_STAFF_AT:
        period = f"{arrival.contact.id} {day_of(arrival.now)}"
        note_alarm(arrival.session, arrival.core, LOOP, period, message_id=arrival.inbound.entry_id)
    return arrival.settle(InboundState.SUPPRESSED, "said-again-and-again")


def _is_bare_answer(arrival: Arrival) -> bool:
    text = arrival.message.text.strip()
    return text.isdecimal() or arrival.core.read_yes_no(text) is not None
