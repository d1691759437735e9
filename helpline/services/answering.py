"""What the assistant's actions say: the guide's answers and the words about them.

Every function is one transaction keyed by the message that it answers: a repeat gives the reply that was made the
first time and changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from helpline.domain.guide import answer_text, menu_text, why_text
from helpline.domain.messages import Reply, Understanding
from helpline.domain.replies import Channel
from helpline.domain.sms import MOST_SEGMENTS, pages
from helpline.services.core import Core
from helpline.services.danger import asks_about_danger, open_question, set_open_question
from helpline.storage import repositories
from helpline.storage.engine import Session
from helpline.storage.models import Contact, Conversation, Feedback, ThreadEntry, TurnRecord

ANSWERS_BETWEEN_QUESTIONS = 3
MISUNDERSTANDINGS_BEFORE_MENU = 2


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

    def say(self, key: str, **values: str) -> str:
        """A reply's words for this person's channel and council."""
        return self.core.say(key, self.form, self.contact.authority, **values)


def _in_turn(
    core: Core, message_id: int, understanding: Understanding, make: Callable[[Turn], Reply | None]
) -> Reply | None:
    with core.database.write() as session:
        entry = session.get_one(ThreadEntry, message_id)
        contact, conversation = repositories.lock_contact(session, entry.contact_id)
        made = session.get(TurnRecord, message_id)
        if made is not None:
            return None if made.reply_text is None else Reply(made.reply_text, tuple(made.reply_options))
        turn = Turn(session, core, message_id, contact, conversation, understanding)
        if not understanding.out_of_scope:
            conversation.misunderstood_in_a_row = 0
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
_ABOUT_LAST_TOPIC = frozenset({"more", "why", "give_place"})


def _answer_given(conversation: Conversation, understanding: Understanding) -> tuple[str | None, str | None]:
    if understanding.topic is not None or understanding.intent in _ABOUT_LAST_TOPIC:
        return conversation.topic, conversation.answer
    return None, None


def note_small_talk(core: Core, message_id: int, understanding: Understanding) -> None:
    """Record what was understood where the assistant has the words itself."""
    _in_turn(core, message_id, understanding, lambda turn: None)


def answer_guide_question(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """The guide's answer to a question. understanding.topic must be set; no answer id gives the general one."""

    def make(turn: Turn) -> Reply:
        record_whether_helped(turn, understanding.value)
        topic = turn.core.guide.topics.get(understanding.topic or "")
        if topic is None:
            return _out_of_scope(turn)
        turn.conversation.topic = topic.id
        turn.conversation.answer = understanding.answer if understanding.answer in topic.answers else topic.general
        return _guide_answer(turn, general=understanding.answer not in topic.answers)

    return _must_say(_in_turn(core, message_id, understanding, make))


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
    return Reply(_joined(turn.form, parts), options if turn.form == "chat" else ())


def _joined(form: Channel, parts: list[str]) -> str:
    return (" " if form == "sms" else "\n\n").join(part for part in parts if part)


def give_more(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """The long form of the last answer, a text's worth at a time."""

    def make(turn: Turn) -> Reply:
        conversation = turn.conversation
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

    return _must_say(_in_turn(core, message_id, understanding, make))


def explain_source(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """Where the last answer comes from, and when it was last checked."""

    def make(turn: Turn) -> Reply:
        conversation = turn.conversation
        if conversation.topic is None or conversation.answer is None:
            return Reply(turn.say("why-nothing"))
        return Reply(why_text(turn.core.guide, conversation.topic, conversation.answer, turn.core.words, turn.form))

    return _must_say(_in_turn(core, message_id, understanding, make))


def repeat_last(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """What was last said, again."""

    def make(turn: Turn) -> Reply:
        last = repositories.last_reply_text(turn.session, turn.contact.id, turn.message_id)
        return Reply(last if last is not None else turn.say("repeat-nothing"))

    return _must_say(_in_turn(core, message_id, understanding, make))


def show_menu(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """What can be asked about."""
    return _must_say(_in_turn(core, message_id, understanding, lambda turn: Reply(_menu(turn))))


def _menu(turn: Turn) -> str:
    return menu_text(turn.core.guide, turn.core.words, turn.form)


def offer_person(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """How to speak to a person, and the truth about who reads this."""
    return _must_say(_in_turn(core, message_id, understanding, lambda turn: Reply(turn.say("talk-to-a-person"))))


def decline_out_of_scope(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """A friendly line on what this is for; the second time in a row, a menu and a person."""
    return _must_say(_in_turn(core, message_id, replace(understanding, out_of_scope=True), _out_of_scope))


def _out_of_scope(turn: Turn) -> Reply:
    turn.conversation.misunderstood_in_a_row += 1
    if turn.conversation.misunderstood_in_a_row >= MISUNDERSTANDINGS_BEFORE_MENU:
        return Reply(turn.say("out-of-scope-again"))
    return Reply(turn.say("out-of-scope"))


def take_answer(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """The person's answer to the question that we asked last. understanding.value holds it."""

    def make(turn: Turn) -> Reply:
        if not record_whether_helped(turn, understanding.value):
            return Reply(turn.say("more-nothing"))
        set_open_question(turn.conversation, None)
        return Reply(turn.say("helped-yes" if understanding.value == "yes" else "helped-no"))

    return _must_say(_in_turn(core, message_id, understanding, make))


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
        if turn.conversation.topic is not None:
            return _guide_answer(turn, is_again=True)
        return Reply(turn.say("place-noted"))

    return _must_say(_in_turn(core, message_id, understanding, make))


def _must_say(reply: Reply | None) -> Reply:
    if reply is None:
        raise LookupError("this turn was recorded without a reply of ours")
    return reply
