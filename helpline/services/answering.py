"""What the assistant's actions say: the guide's answers and the words about them.

Every function is one transaction keyed by the message that it answers: a repeat gives the reply that was made the
first time and changes nothing.
"""

from dataclasses import replace
from typing import Any, Literal

from helpline.domain.guide import answer_text, menu_text, why_text
from helpline.domain.messages import Reply, Understanding
from helpline.domain.sms import MOST_SEGMENTS, pages
from helpline.services.core import Core
from helpline.services.danger import asks_about_danger, open_question, set_open_question
from helpline.services.signposting import (
    SERVICES,
    asks_for_services,
    services_for_topic,
    show_services,
    take_rating_answer,
    tell_of_service,
)
from helpline.services.turn_in_hand import Turn, in_turn, joined, must_say
from helpline.storage import repositories
from helpline.storage.models import Feedback, ThreadEntry

ANSWER = "answer"
ANSWERS_BETWEEN_QUESTIONS = 3
MISUNDERSTANDINGS_BEFORE_MENU = 2


def note_small_talk(core: Core, message_id: int, understanding: Understanding) -> None:
    """Record what was understood where the assistant has the words itself."""
    in_turn(core, message_id, understanding, lambda turn: None)


def answer_guide_question(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """The guide's answer to a question. understanding.topic must be set; no answer id gives the general one."""

    def make(turn: Turn) -> Reply:
        record_whether_helped(turn, understanding.value)
        topic = turn.core.guide.topics.get(understanding.topic or "")
        if topic is None:
            return _out_of_scope(turn)
        turn.conversation.topic = topic.id
        turn.conversation.answer = understanding.answer if understanding.answer in topic.answers else topic.general
        text = turn.session.get_one(ThreadEntry, message_id).text
        if asks_for_services(turn, text, topic.id):
            return services_for_topic(turn, text, topic.id)
        return _guide_answer(turn, general=understanding.answer not in topic.answers)

    return must_say(in_turn(core, message_id, understanding, make))


def answer_next_question(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """The answer to the next question of those that were asked in one message."""

    def make(turn: Turn) -> Reply:
        waiting = list(turn.conversation.waiting_questions or [])
        if not waiting:
            return Reply(turn.say("next-nothing"))
        first, *rest = waiting
        turn.conversation.waiting_questions = rest or None
        turn.conversation.topic, turn.conversation.answer = first["topic"], first["answer"]
        return _guide_answer(turn)

    return must_say(in_turn(core, message_id, understanding, make))


def _guide_answer(turn: Turn, *, general: bool = False, is_again: bool = False) -> Reply:
    conversation = turn.conversation
    assert conversation.topic is not None
    rendered = answer_text(
        turn.core.guide,
        conversation.topic,
        None if general else conversation.answer,
        form="short" if turn.form == "sms" else "long",
        authority=turn.contact.authority,
        today=turn.core.today(),
        words=turn.core.words,
    )
    parts = [rendered.text]
    conversation.more_page = 0
    conversation.last_shown = ANSWER
    options: tuple[str, ...] = ()
    if rendered.stale:
        set_open_question(conversation, None)
    elif asks_about_danger(conversation):
        pass
    elif conversation.answers_since_asked % ANSWERS_BETWEEN_QUESTIONS == 0 and not is_again:
        parts.append(turn.say("ask-helped"))
        options = (turn.say("option-yes"), turn.say("option-no"))
        conversation.expects = {"kind": "yes_no", "about": "helped"}
        conversation.answers_since_asked += 1
    elif not is_again:
        conversation.expects = None
        conversation.answers_since_asked += 1
    return Reply(joined(turn.form, parts), options if turn.form == "chat" else ())


def give_more(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """The long form of the last answer, a text's worth at a time."""

    def make(turn: Turn) -> Reply:
        conversation = turn.conversation
        if conversation.last_shown == SERVICES:
            return show_services(turn)
        if conversation.topic is None:
            return Reply(turn.say("more-nothing"))
        rendered = answer_text(
            turn.core.guide,
            conversation.topic,
            conversation.answer,
            form="long",
            authority=turn.contact.authority,
            today=turn.core.today(),
            words=turn.core.words,
        )
        if turn.form == "chat":
            return Reply(rendered.text)
        parts = pages(rendered.text, most_segments=MOST_SEGMENTS, footer=turn.say("label-more"))
        page = conversation.more_page
        if page >= len(parts):
            return Reply(turn.say("more-end"))
        conversation.more_page = page + 1
        return Reply(parts[page])

    return must_say(in_turn(core, message_id, understanding, make))


def explain_source(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """Where the last answer comes from, and when it was last checked."""

    def make(turn: Turn) -> Reply:
        conversation = turn.conversation
        if conversation.topic is None or conversation.answer is None:
            return Reply(turn.say("why-nothing"))
        return Reply(why_text(turn.core.guide, conversation.topic, conversation.answer, turn.core.words, turn.form))

    return must_say(in_turn(core, message_id, understanding, make))


def repeat_last(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """What was last said, again."""

    def make(turn: Turn) -> Reply:
        last = repositories.last_reply_text(turn.session, turn.contact.id, turn.message_id)
        return Reply(last if last is not None else turn.say("repeat-nothing"))

    return must_say(in_turn(core, message_id, understanding, make))


def show_menu(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """What can be asked about."""
    return must_say(in_turn(core, message_id, understanding, lambda turn: Reply(_menu(turn))))


def _menu(turn: Turn) -> str:
    return menu_text(turn.core.guide, turn.core.words, turn.form)


def offer_person(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """How to speak to a person, and the truth about who reads this."""
    return must_say(in_turn(core, message_id, understanding, lambda turn: Reply(turn.say("talk-to-a-person"))))


def decline_out_of_scope(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """A friendly line on what this is for; the second time in a row, a menu and a person."""
    return must_say(in_turn(core, message_id, replace(understanding, out_of_scope=True), _out_of_scope))


def _out_of_scope(turn: Turn) -> Reply:
    turn.conversation.misunderstood_in_a_row += 1
    if turn.conversation.misunderstood_in_a_row >= MISUNDERSTANDINGS_BEFORE_MENU:
        return Reply(turn.say("out-of-scope-again"))
    return Reply(turn.say("out-of-scope"))


def take_answer(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """The person's answer to the question that we asked last. understanding.value holds it."""

    def make(turn: Turn) -> Reply:
        expects = open_question(turn.conversation) or {}
        about = str(expects.get("about"))
        if about == "service" and understanding.value is not None:
            return tell_of_service(turn, understanding.value)
        if about.startswith("rating") and understanding.value is not None:
            return take_rating_answer(turn, expects, understanding.value)
        if not record_whether_helped(turn, understanding.value):
            return Reply(turn.say("more-nothing"))
        set_open_question(turn.conversation, None)
        return Reply(turn.say("helped-yes" if understanding.value == "yes" else "helped-no"))

    return must_say(in_turn(core, message_id, understanding, make))


def record_whether_helped(turn: Turn, value: str | None) -> bool:
    """Keep the answer to "did that answer it?"; False if that is not what was asked."""
    conversation = turn.conversation
    expects: dict[str, Any] = open_question(conversation) or {}
    if expects.get("about") != "helped" or value not in ("yes", "no") or not conversation.topic:
        return False
    turn.session.add(
        Feedback(
            entry_id=turn.message_id,
            topic=conversation.topic,
            answer=conversation.answer or "",
            helped=value == "yes",
            at=turn.core.clock.now(),
        )
    )
    return True


PlaceProblem = Literal["ambiguous", "out-of-area"]


def note_place(core: Core, message_id: int, understanding: Understanding, problem: PlaceProblem | None) -> Reply:
    """The person said where they live: the last answer again with the right council, or a thank you."""

    def make(turn: Turn) -> Reply:
        if problem == "out-of-area":
            return Reply(turn.say("place-out-of-area"))
        if problem == "ambiguous":
            return Reply(turn.say("place-ambiguous"))
        if turn.conversation.last_shown == SERVICES:
            turn.conversation.search = {**(turn.conversation.search or {}), "shown": [], "last": []}
            return show_services(turn)
        if turn.conversation.topic is not None:
            return _guide_answer(turn, is_again=True)
        return Reply(turn.say("place-noted"))

    return must_say(in_turn(core, message_id, understanding, make))
