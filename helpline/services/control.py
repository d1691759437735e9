"""What the control words do that need no assistant: STOP, START, HELP, PAUSE, LESS, DONE, LOSS, WEB and the like."""

from collections.abc import Callable
from dataclasses import replace

from helpline.domain.messages import Purpose
from helpline.domain.pauses import USUAL, pause_in
from helpline.domain.staff_hours import day_name
from helpline.services import cases, forgetting, joining
from helpline.services.arrival import Arrival, Received
from helpline.services.core import LOCAL_TIME
from helpline.services.danger import set_open_question
from helpline.storage import repositories

BEREAVEMENT = "bereavement"


def obey_at_any_time(arrival: Arrival, word: str | None) -> Received | None:
    """What a control word does that is obeyed even after STOP; None for any other message."""
    if word == "forget":
        return forgetting.ask_first(arrival)
    if word == "start":
        return _start(arrival)
    if word == "help" and arrival.contact.opted_out_at is None:
        return arrival.answer(arrival.say("help"), Purpose.CONTROL, "help")
    if word == "stop" and arrival.contact.opted_out_at is None:
        return _stop(arrival)
    return None


def obey(arrival: Arrival, word: str | None) -> Received | None:
    """What any other control word does here; None for words that are the assistant's, and for any other message."""
    act = _ACTS.get(word or "")
    if act is not None:
        return act(arrival)
    return _pause(arrival) if pause_in(arrival.message.text) else None


def _start(arrival: Arrival) -> Received:
    arrival.contact.opted_out_at = arrival.conversation.paused_until = None
    # Telegram has everybody begin with START; nobody is welcomed back who was never here.
    was_here = repositories.has_been_written_to(arrival.session, arrival.contact)
    text = arrival.say("start-confirmed" if was_here else "welcome")
    return arrival.answer(text, Purpose.CONTROL, "start")


def _stop(arrival: Arrival) -> Received:
    arrival.contact.opted_out_at = arrival.now
    arrival.conversation.expects = None
    case_id = cases.note_opt_out(arrival.session, arrival.core, arrival.contact.id)
    if case_id is None:
        return arrival.answer(arrival.say("stop-confirmed"), Purpose.CONTROL, "stop")
    text = arrival.say("stop-confirmed-after-danger")
    return replace(arrival.answer(text, Purpose.CONTROL, "stop"), case_id=case_id)


def _pause(arrival: Arrival) -> Received:
    conversation = arrival.conversation
    conversation.paused_until = arrival.now + (pause_in(arrival.message.text) or USUAL)
    when = day_name(conversation.paused_until.astimezone(LOCAL_TIME).date(), arrival.core.today())
    return arrival.answer(arrival.say("paused", when=when), Purpose.CONTROL, "pause")


def _resume(arrival: Arrival) -> Received:
    arrival.conversation.paused_until = None
    return arrival.answer(arrival.say("resumed"), Purpose.CONTROL, "resume")


def _less(arrival: Arrival) -> Received:
    return arrival.answer(arrival.say("less"), Purpose.CONTROL, "less")


def _done(arrival: Arrival) -> Received:
    _leave_topic(arrival)
    calm = cases.recent_case(arrival.session, arrival.core, arrival.contact.id) is not None
    return arrival.answer(arrival.say("done-after-danger" if calm else "done"), Purpose.CONTROL, "done")


def _loss(arrival: Arrival) -> Received:
    """Nothing about caring is brought up again, and MORE tells what to do first."""
    _leave_topic(arrival)
    conversation, topic = arrival.conversation, arrival.core.guide.topics.get(BEREAVEMENT)
    conversation.about, conversation.rights = None, "refused"
    if topic is not None:
        conversation.topic, conversation.answer = topic.id, topic.general
    return arrival.answer(arrival.say("loss"), Purpose.CONTROL, "loss")


def _leave_topic(arrival: Arrival) -> None:
    conversation = arrival.conversation
    set_open_question(conversation, None)
    conversation.topic = conversation.answer = conversation.last_shown = None
    conversation.search = conversation.waiting_questions = None
    conversation.more_page = conversation.misunderstood_in_a_row = 0


def _who(arrival: Arrival) -> Received:
    return arrival.answer(arrival.say("who-we-are"), Purpose.CONTROL, "who")


def _wrong_number(arrival: Arrival) -> Received:
    """Whoever has this phone is not the one who wrote before: all that was known goes, and nobody is followed up."""
    for case in repositories.open_cases_of(arrival.session, arrival.contact.id):
        case.follow_up_due_at = None
    conversation = repositories.start_afresh(arrival.session, arrival.contact, arrival.now)
    alone = replace(arrival, conversation=conversation)
    return alone.answer(alone.say("wrong-number"), Purpose.CONTROL, "wrong-number")


def _to(channel: str) -> Callable[[Arrival], Received]:
    return lambda arrival: joining.give_code(arrival, channel)


_ACTS: dict[str, Callable[[Arrival], Received | None]] = {
    "pause": _pause,
    "resume": _resume,
    "less": _less,
    "done": _done,
    "loss": _loss,
    "who": _who,
    "wrong-number": _wrong_number,
    "not-me": joining.cut_off_others,
    "web": _to("web"),
    "text": _to("sms"),
    "telegram": _to("telegram"),
}
