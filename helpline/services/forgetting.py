"""FORGET ME: what a person told us is deleted on every channel that they joined, and then their address.

What showed danger stays: whoever keeps them safe needs it (UK GDPR, article 17(3)). So does the provider's id of each
message, without which one that comes again would be a new one.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from helpline.domain.messages import Purpose
from helpline.services.arrival import Arrival, Received
from helpline.services.core import Core
from helpline.services.danger import open_question, set_open_question
from helpline.storage import erasing, repositories

FORGET = "forget"
FORGOTTEN = "forgotten"
# Our confirmation may have to be sent again.
ADDRESS_GOES_AFTER = timedelta(days=1)
ASKED_FOR = timedelta(hours=1)
BATCH = 100

log = structlog.get_logger("forgetting")


def ask_first(arrival: Arrival) -> Received:
    """FORGET ME: said once we ask whether it is meant; said again within the hour, it is done."""
    if _was_asked(arrival):
        return _forget(arrival)
    question = {"kind": "yes_no", "about": FORGET, "asked_at": arrival.now.isoformat()}
    set_open_question(arrival.conversation, question)
    options = (arrival.say("option-yes"), arrival.say("option-no"))
    return arrival.answer(arrival.say("forget-ask"), Purpose.CONTROL, FORGET, options)


def take_answer(arrival: Arrival) -> Received | None:
    """What follows from the answer to our question whether to forget; None if none is open, or it is no answer."""
    question = open_question(arrival.conversation) or {}
    if question.get("about") != FORGET:
        return None
    in_time = _was_asked(arrival)
    # Asked once: what comes later, or says something else, is an ordinary message.
    set_open_question(arrival.conversation, None)
    answer = arrival.core.read_yes_no(arrival.message.text)
    if not in_time or answer is None or answer.says_more:
        return None
    if answer.yes:
        return _forget(arrival)
    return arrival.answer(arrival.say("forget-kept"), Purpose.CONTROL, "forget-kept")


def _was_asked(arrival: Arrival) -> bool:
    question = open_question(arrival.conversation) or {}
    if question.get("about") != FORGET:
        return False
    return datetime.fromisoformat(question["asked_at"]) >= arrival.now - ASKED_FOR


def _forget(arrival: Arrival) -> Received:
    session, now = arrival.session, arrival.now
    contacts = repositories.contacts_in(session, arrival.contact.conversation_id)
    has_case = bool(repositories.open_cases_of(session, arrival.contact.id))
    for contact in contacts:
        # Their yes stays for a day: it says nothing, and a page would show it as a message without words.
        erasing.erase_words(session, contact.id, but=arrival.inbound.entry_id)
        contact.forget_at = now + ADDRESS_GOES_AFTER
    for case in repositories.open_cases_of(session, arrival.contact.id):
        case.follow_up_due_at = None
    for contact in contacts:
        conversation = repositories.start_afresh(session, contact, now)
        if contact.id == arrival.contact.id:
            arrival = replace(arrival, conversation=conversation)
    log.info("person forgotten", contact_id=arrival.contact.id)
    reply_id = "forgotten-but-case" if has_case else "forgotten"
    return arrival.answer(arrival.say(reply_id), Purpose.CONTROL, FORGOTTEN)


def drop_addresses(core: Core) -> int:
    """Delete the addresses of those who asked to be forgotten, except while somebody may have to help them.

    Who ended our texts keeps the hash by which we know them, so that they get none.

    Raises:
        StorageUnavailable: try again later.
    """
    with core.database.write() as session:
        contacts = erasing.contacts_to_forget(session, core.clock.now(), BATCH)
        for contact in contacts:
            # What they wrote since goes as well.
            erasing.erase_words(session, contact.id)
            erasing.erase_address(session, contact)
        return len(contacts)
