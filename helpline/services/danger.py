"""What is done about a message that shows danger: a reply at once, a case, and at most one question."""

from dataclasses import replace
from datetime import datetime
from typing import Any, TypeGuard, cast

from helpline.domain.messages import InboundState, Purpose
from helpline.domain.safety import MAY_BE, SURE, Danger, Who, denied
from helpline.services import cases
from helpline.services.arrival import Arrival, Received
from helpline.storage import repositories
from helpline.storage.models import Conversation, DangerCase, Inbound

# After somebody has answered our question with no, only what is likelier than this is asked about again that day.
SCORE_AGAINST_A_DENIAL = 0.97
# Why a message is settled or waits again.
SAFETY = "safety"
ASKED_AGAIN = "asked-again"
YES_RULE = "answered-yes"
NUMBERS_AGAIN_RULE = "safe"


def is_to_be_answered(arrival: Arrival, danger: Danger) -> bool:
    """Whether to reply: always when it is sure, and to what may be unless the person has just said no to it."""
    if danger.tier == SURE:
        return True
    case = repositories.find_open_case(arrival.session, arrival.contact.id, danger.kind)
    if case is None or case.denied_at is None or case.denied_at < arrival.now - cases.RECENT:
        return True
    return (danger.score or 0.0) >= SCORE_AGAINST_A_DENIAL


def answer_danger(arrival: Arrival, danger: Danger) -> Received:
    """Reply, open a case or add to it, and settle the message: the assistant never sees it."""
    # Whatever we asked before is answered, or overtaken, by this.
    arrival.conversation.expects = open_question(arrival.conversation)
    known = repositories.find_open_case(arrival.session, arrival.contact.id, danger.kind)
    # Who has told us plainly is not asked whether it is so.
    is_known = known is not None and known.tier == SURE and known.last_evidence_at >= arrival.now - cases.RECENT
    said = replace(danger, tier=SURE) if is_known else danger
    outbox_id = None
    if arrival.message.answerable and not arrival.already_warned:
        text = arrival.core.safety_reply(said, arrival.form, arrival.conversation.authority)
        options = (arrival.say("option-yes"), arrival.say("option-no")) if said.tier == MAY_BE else ()
        outbox_id = arrival.put_in_outbox(text, Purpose.SAFETY, options)
    case = cases.note_danger(arrival.session, arrival.core, arrival.contact, arrival.inbound, danger, outbox_id)
    if said.tier == MAY_BE and (outbox_id is not None or arrival.already_warned):
        arrival.conversation.expects = {
            "kind": "yes_no",
            "about": "danger",
            "case": case.id,
            "message": arrival.inbound.entry_id,
            "asked_at": arrival.now.isoformat(),
            "then": arrival.conversation.expects,
        }
    settled = arrival.settle(InboundState.ANSWERED, SAFETY)
    return replace(settled, outbox_id=outbox_id, danger_kind=danger.kind, case_id=case.id)


def _is_about_danger(expects: dict[str, Any] | None) -> TypeGuard[dict[str, Any]]:
    return expects is not None and expects.get("about") == "danger"


def open_question(conversation: Conversation) -> dict[str, Any] | None:
    """The question that the assistant asked last and that is still open; ours about danger only stands before it."""
    expects = conversation.expects
    if _is_about_danger(expects):
        then: dict[str, Any] | None = expects.get("then")
        return then
    return expects


def set_open_question(conversation: Conversation, question: dict[str, Any] | None) -> None:
    """Note what the assistant has asked. A question of ours about danger that is open stays before it."""
    expects = conversation.expects
    conversation.expects = {**expects, "then": question} if _is_about_danger(expects) else question


def asks_about_danger(conversation: Conversation) -> bool:
    """Whether our question about danger is open, so that nothing else should be asked."""
    return _is_about_danger(conversation.expects)


def take_answer(arrival: Arrival) -> Received | None:
    """What follows from an answer to our question about danger; None if none is open, or the message says more.

    A question that is a day old is not open any more.
    """
    expects = arrival.conversation.expects
    if not _is_about_danger(expects):
        return None
    if datetime.fromisoformat(expects["asked_at"]) < arrival.now - cases.RECENT:
        arrival.conversation.expects = open_question(arrival.conversation)
        return None
    case = arrival.session.get(DangerCase, expects["case"])
    answer = arrival.core.read_yes_no(arrival.message.text)
    if case is None or answer is None:
        return None
    arrival.conversation.expects = open_question(arrival.conversation)
    if answer.yes:
        return answer_danger(arrival, Danger(case.kind, SURE, _who(arrival, case), YES_RULE, joined=True))
    cases.note_denial(arrival.core, case)
    if answer.says_more:
        return None
    return _thank(arrival, case, expects["message"])


def _thank(arrival: Arrival, case: DangerCase, asked_about: int) -> Received:
    """A thank you, and then an answer to what was written before: it may have been a question about something else."""
    answered = arrival.answer(denied(arrival.core.safety, arrival.form), Purpose.REPLY, "danger-denied")
    waited = arrival.session.get(Inbound, asked_about)
    if waited is not None and waited.state_reason == SAFETY:
        waited.state, waited.state_reason, waited.settled_at = InboundState.RECEIVED, ASKED_AGAIN, None
        answered = replace(answered, turn_for=waited.entry_id)
    return replace(answered, case_id=case.id)


def give_numbers_again(arrival: Arrival) -> Received:
    """The routes of the person's latest danger, or everybody's; also to somebody who has ended the texts and asks."""
    # A number may have become somebody else's, who must not learn of it.
    began_at = arrival.conversation.began_at
    open_cases = [
        case
        for case in repositories.open_cases_of(arrival.session, arrival.contact.id)
        if case.last_evidence_at >= began_at
    ]
    latest = max(open_cases, key=lambda case: case.last_evidence_at, default=None)
    if latest is None:
        text = arrival.say("safe")
    else:
        danger = Danger(latest.kind, SURE, _who(arrival, latest), NUMBERS_AGAIN_RULE, joined=False)
        text = arrival.core.safety_reply(danger, arrival.form, arrival.conversation.authority)
    return arrival.answer(text, Purpose.SAFETY, NUMBERS_AGAIN_RULE)


def _who(arrival: Arrival, case: DangerCase) -> Who:
    return cast(Who, repositories.last_evidence(arrival.session, case.id).who)
