"""What the assistant's actions say: the guide's answers and the words about them.

Every function is one transaction keyed by the message that it answers: a repeat gives the reply that was made the
first time and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

from helpline.domain.contact_line import contact_line, expand
from helpline.domain.guide import Form, Rendered, Topic, answer_text, menu_text, why_text
from helpline.domain.messages import Question, Reply, Understanding
from helpline.domain.off_topic import OTHER
from helpline.domain.sms import MOST_SEGMENTS, pages
from helpline.services.core import Core
from helpline.services.danger import asks_about_danger, open_question, set_open_question
from helpline.services.signposting import (
    SERVICES,
    asks_for_services,
    has_services,
    numbers_again,
    services_for_topic,
    show_services,
    take_rating_answer,
    tell_of_service,
)
from helpline.services.turn_in_hand import Turn, has_room, in_turn, joined, must_say
from helpline.storage import repositories
from helpline.storage.models import Feedback

ANSWER = "answer"
# Between a topic and an answer of it, in the id of a choice.
_ANSWER_MARK = "#"
ANSWERS_BETWEEN_QUESTIONS = 3
MISUNDERSTANDINGS_BEFORE_MENU = 2
MOST_REMEMBERED = 30
# The assistant's intent for what it would only guess at.
NOT_UNDERSTOOD = "nlu_fallback"
PlaceProblem = Literal["ambiguous", "out-of-area"]


def note_small_talk(core: Core, message_id: int, understanding: Understanding) -> None:
    """Record what was understood where the assistant has the words itself."""
    in_turn(core, message_id, understanding, lambda turn: None)


def answer_guide_question(
    core: Core,
    message_id: int,
    understanding: Understanding,
    others: Sequence[Question] = (),
    choices: Sequence[Question] = (),
    problem: PlaceProblem | None = None,
) -> Reply:
    """The guide's answer to a question. understanding.topic must be set; no answer id gives the general one.

    others: further questions of the same message, which wait for NEXT. choices: what it may mean, where that is not
    clear; then the person is asked which. problem: with the place that the message names.
    """

    def make(turn: Turn) -> Reply:
        record_whether_helped(turn, understanding.value)
        topic = turn.core.guide.topics.get(understanding.topic or "")
        if topic is None:
            return _out_of_scope(turn)
        if _says_only_an_age(turn):
            return Reply(turn.say("age-changes-nothing"))
        meant = _known(turn, choices)
        if len(meant) > 1 and not asks_about_danger(turn.conversation):
            return _ask_which(turn, meant)
        turn.conversation.waiting_questions = [asdict(one) for one in _known(turn, others)] or None
        if _was_just_told(turn, topic) and understanding.answer not in topic.answers:
            return _not_known(turn)
        is_exact = _turn_to(turn, topic, understanding.answer)
        if not others and asks_for_services(turn, turn.text, topic.id):
            services = services_for_topic(turn, turn.text, topic.id)
            if services is not None:
                return services
        answer = _guide_answer(turn, general=not is_exact)
        return _with_word_of_elsewhere(turn, answer) if problem == "out-of-area" else answer

    return must_say(in_turn(core, message_id, understanding, make))


def _with_word_of_elsewhere(turn: Turn, answer: Reply) -> Reply:
    """An answer that says first, where there is room, that the place just named is outside the area."""
    if not turn.lives_elsewhere:
        return answer
    text = joined(turn.form, [turn.say("elsewhere-lead"), answer.text])
    return replace(answer, text=text) if turn.form == "chat" or has_room(text) else answer


def _was_just_told(turn: Turn, topic: Topic) -> bool:
    return turn.conversation.topic == topic.id and turn.conversation.last_shown is not None


def _not_known(turn: Turn) -> Reply:
    """Whom to ask what the guide does not answer; the general answer again would only be noise."""
    if not asks_about_danger(turn.conversation):
        set_open_question(turn.conversation, None)
    parts = [_who_pays(turn) or turn.say("answer-not-known", contact=_contact(turn))]
    parts.append(_also_asked(turn, parts))
    return Reply(joined(turn.form, parts))


def _who_pays(turn: Turn) -> str:
    """Who pays for what was last answered, with whom to ask; an empty string if that was not the question."""
    guide, conversation = turn.core.guide, turn.conversation
    if not turn.core.talk.asks_the_price(turn.text):
        return ""
    answer = guide.answer(conversation.topic or "", conversation.answer)
    said = expand(answer.who_pays, guide, conversation.authority, turn.core.words, turn.form)
    text = turn.say("who-pays-again", who_pays=said, contact=_contact(turn))
    return text if turn.form == "chat" or has_room(text) else ""


def _says_only_an_age(turn: Turn) -> bool:
    """Whether the message only tells how old somebody is, just after an answer for which that does not matter."""
    conversation, talk = turn.conversation, turn.core.talk
    if conversation.last_shown != ANSWER or conversation.topic is None or conversation.topic in talk.age_counts:
        return False
    return talk.says_only_an_age(turn.text)


def _contact(turn: Turn) -> str:
    """Whom the last answer names, with their number and hours."""
    guide, conversation = turn.core.guide, turn.conversation
    assert conversation.topic is not None
    answer = guide.answer(conversation.topic, conversation.answer)
    return contact_line(guide, answer.contact, conversation.authority, turn.core.words, turn.form)


def _turn_to(turn: Turn, topic: Topic, answer: str | None) -> bool:
    """Make a topic and an answer of it what the talk is about; False if it has to be the general answer."""
    is_exact = answer in topic.answers
    turn.conversation.topic = topic.id
    turn.conversation.answer = answer if is_exact else topic.general
    return is_exact


def _known(turn: Turn, questions: Sequence[Question]) -> list[Question]:
    return [one for one in questions if one.topic in turn.core.guide.topics]


def _waiting(turn: Turn) -> list[Question]:
    """The questions that wait for NEXT, without those whose topic has meanwhile left the guide."""
    return _known(turn, [Question(**one) for one in turn.conversation.waiting_questions or []])


def _ask_which(turn: Turn, meant: Sequence[Question], key: str = "which-topic") -> Reply:
    """One short question with two answers, for topics that are close."""
    titles = [turn.core.guide.topics[one.topic].title for one in meant[:2]]
    options = [
        {"id": f"{one.topic}{_ANSWER_MARK}{one.answer or ''}", "label": title}
        for one, title in zip(meant, titles, strict=False)
    ]
    turn.conversation.expects = {"kind": "choice", "about": "topic", "options": options}
    text = turn.say(key, first=titles[0], second=titles[1])
    return Reply(text, tuple(titles) if turn.form == "chat" else ())


def _take_choice(turn: Turn, value: str) -> Reply:
    topic_id, _, answer = value.partition(_ANSWER_MARK)
    topic = turn.core.guide.topics.get(topic_id)
    set_open_question(turn.conversation, None)
    if topic is None:
        return _out_of_scope(turn)
    return _guide_answer(turn, general=not _turn_to(turn, topic, answer))


def answer_next_question(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """The answer to the next question of those that were asked in one message."""

    def make(turn: Turn) -> Reply:
        waiting = _waiting(turn)
        if not waiting:
            return Reply(turn.say("next-nothing"))
        first, *rest = waiting
        turn.conversation.waiting_questions = [asdict(one) for one in rest] or None
        is_exact = _turn_to(turn, turn.core.guide.topics[first.topic], first.answer)
        return _guide_answer(turn, general=not is_exact)

    return must_say(in_turn(core, message_id, understanding, make))


def _guide_answer(turn: Turn, *, general: bool = False, is_again: bool = False) -> Reply:
    conversation = turn.conversation
    rendered = _rendered(turn, form="short" if turn.form == "sms" else "long", general=general)
    parts = [rendered.text]
    if not (is_again or general or rendered.stale):
        parts = _with_what_was_said(turn, rendered.text)
    conversation.more_page = 0
    conversation.last_shown = ANSWER
    options: tuple[str, ...] = ()
    if rendered.stale:
        set_open_question(conversation, None)
    elif asks_about_danger(conversation):
        pass
    elif _is_a_carer_untold(turn, parts):
        parts.append(turn.say("carers-rights-offer"))
        options = (turn.say("option-yes"), turn.say("option-no"))
        conversation.expects = {"kind": "yes_no", "about": "rights"}
        conversation.rights = "offered"
    elif conversation.answers_since_asked % ANSWERS_BETWEEN_QUESTIONS == 0 and not is_again:
        parts.append(turn.say("ask-helped"))
        options = (turn.say("option-yes"), turn.say("option-no"))
        conversation.expects = {"kind": "yes_no", "about": "helped"}
        conversation.answers_since_asked += 1
    elif not is_again:
        conversation.expects = None
        conversation.answers_since_asked += 1
    parts.append(_also_asked(turn, parts))
    return Reply(joined(turn.form, parts), options if turn.form == "chat" else ())


def _rendered(turn: Turn, form: Form, *, general: bool = False) -> Rendered:
    conversation = turn.conversation
    assert conversation.topic is not None
    return answer_text(
        turn.core.guide,
        conversation.topic,
        None if general else conversation.answer,
        form=form,
        authority=conversation.authority,
        today=turn.core.today(),
        words=turn.core.words,
    )


def _with_what_was_said(turn: Turn, text: str) -> list[str]:
    """The answer, with a word about it if it was given before, or else about help nearby, where there is room."""
    conversation = turn.conversation
    given = list(conversation.answered or [])
    answer = f"{conversation.topic}{_ANSWER_MARK}{conversation.answer}"
    topics = {one.partition(_ANSWER_MARK)[0] for one in given}
    parts = [text]
    if answer in given:
        parts = [turn.say("said-before"), text]
    elif conversation.topic not in topics and has_services(turn, conversation.topic or ""):
        parts = [text, turn.say("near-hint")]
    conversation.answered = [*(one for one in given if one != answer), answer][-MOST_REMEMBERED:]
    return parts if turn.form == "chat" or has_room(joined(turn.form, parts)) else [text]


# Topics that tell carers of their rights anyway.
_CARERS_TOPICS = frozenset(
    {"carers-assessment", "carers-support", "carers-allowance", "carers-leave-work", "young-carers", "parent-carers"}
)
_CARERS_RIGHTS = "carers-assessment"


def _is_a_carer_untold(turn: Turn, parts: Sequence[str]) -> bool:
    """Whether to tell somebody that what they do makes them a carer: once in a life, and where there is room."""
    conversation = turn.conversation
    if conversation.rights is not None or conversation.topic in _CARERS_TOPICS or conversation.waiting_questions:
        return False
    if not turn.core.talk.shows_a_carer(turn.text):
        return False
    return turn.form == "chat" or has_room(joined(turn.form, [*parts, turn.say("carers-rights-offer")]))


def _take_rights(turn: Turn, wants_them: bool) -> Reply:
    set_open_question(turn.conversation, None)
    if not wants_them:
        turn.conversation.rights = "refused"
        return Reply(turn.say("carers-rights-refused"))
    topic = turn.core.guide.topics[_CARERS_RIGHTS]
    _turn_to(turn, topic, topic.general)
    return _guide_answer(turn)


def _also_asked(turn: Turn, parts: Sequence[str]) -> str:
    """That another question waits, in as many words as there is room for."""
    waiting = _waiting(turn)
    if not waiting:
        return ""
    topic = turn.core.guide.topics[waiting[0].topic]
    question = turn.core.guide.answer(topic.id, waiting[0].answer).question
    for said in (question, f"{topic.title}."):
        line = turn.say("also-asked", question=said)
        if turn.form == "chat" or has_room(joined(turn.form, [*parts, line])):
            return line
    return turn.say("also-asked-short")


def give_more(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """The long form of the last answer, a text's worth at a time."""

    def make(turn: Turn) -> Reply:
        conversation = turn.conversation
        if conversation.last_shown == SERVICES:
            return show_services(turn)
        if conversation.topic is None:
            return Reply(turn.say("more-nothing"))
        rendered = _rendered(turn, "long")
        if turn.form == "chat":
            return Reply(turn.say("more-end") if rendered.text in _last_reply(turn) else rendered.text)
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
    """What was last said, again; only the number, if that is what they ask for."""

    def make(turn: Turn) -> Reply:
        conversation = turn.conversation
        if turn.core.talk.asks_for_number(turn.text):
            if conversation.last_shown == SERVICES and (numbers := numbers_again(turn)):
                return Reply(numbers)
            if conversation.last_shown == ANSWER and conversation.topic is not None:
                return Reply(_contact(turn))
        return Reply(_last_reply(turn) or turn.say("repeat-nothing"))

    return must_say(in_turn(core, message_id, understanding, make))


def _last_reply(turn: Turn) -> str:
    """What was last said to the person; an empty string if nothing was."""
    before = repositories.last_reply_text(turn.session, turn.contact, turn.conversation.began_at, turn.message_id)
    return before or ""


def show_menu(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """What can be asked about."""
    return must_say(in_turn(core, message_id, understanding, lambda turn: Reply(_menu(turn))))


def _menu(turn: Turn) -> str:
    return menu_text(turn.core.guide, turn.core.words, turn.form)


def offer_person(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """How to speak to a person, and the truth about who reads this."""
    return must_say(in_turn(core, message_id, understanding, lambda turn: Reply(turn.say("talk-to-a-person"))))


def decline_out_of_scope(
    core: Core,
    message_id: int,
    understanding: Understanding,
    problem: PlaceProblem | None = None,
    nearest: Sequence[str] = (),
) -> Reply:
    """A friendly line on what this is for; the second time in a row, a menu and a person.

    What seems to be about care was not understood rather than out of scope, and is asked about. nearest: the guide
    topics that it may be about, best first.
    """

    def make(turn: Turn) -> Reply:
        return _out_of_scope(turn, problem, nearest)

    return must_say(in_turn(core, message_id, replace(understanding, out_of_scope=True), make))


def _out_of_scope(turn: Turn, problem: PlaceProblem | None = None, nearest: Sequence[str] = ()) -> Reply:
    core, talk = turn.core, turn.conversation
    kind = core.off_topic.kind_of(turn.text)
    if kind.id != OTHER:
        reply_id, values = core.off_topic.reply_for(kind, talk.district, talk.authority)
        return Reply(turn.say(reply_id, **values))
    if _says_only_an_age(turn):
        return Reply(turn.say("age-changes-nothing"))
    if turn.text.strip().isdecimal():
        return Reply(turn.say("number-alone"))
    may_be_about_care = core.talk.may_be_about_care(turn.text)
    if problem == "out-of-area" and may_be_about_care:
        return Reply(turn.say("place-out-of-area"))
    talk.misunderstood_in_a_row += 1
    if talk.misunderstood_in_a_row >= MISUNDERSTANDINGS_BEFORE_MENU:
        return Reply(turn.say("out-of-scope-again"))
    if may_be_about_care or turn.understanding.intent == NOT_UNDERSTOOD:
        meant = [Question(topic, None) for topic in nearest if topic in core.guide.topics]
        if may_be_about_care and len(meant) > 1 and not asks_about_danger(talk):
            return _ask_which(turn, meant, "not-understood-which")
        return Reply(turn.say("not-understood"))
    return Reply(turn.say("out-of-scope"))


def take_answer(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """The person's answer to the question that we asked last. understanding.value holds it."""

    def make(turn: Turn) -> Reply:
        expects = open_question(turn.conversation) or {}
        about = str(expects.get("about"))
        if about == "rights":
            return _take_rights(turn, understanding.value == "yes")
        if about == "topic" and understanding.value is not None:
            return _take_choice(turn, understanding.value)
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
            return _answer_for_place(turn)
        return Reply(turn.say("place-noted"))

    return must_say(in_turn(core, message_id, understanding, make))


def _answer_for_place(turn: Turn) -> Reply:
    """The last answer for the place that is known now; if it was just given, only what the place changes in it."""
    before, form = _last_reply(turn), turn.form
    rendered = _rendered(turn, "short" if form == "sms" else "long")
    if rendered.stale:
        return _guide_answer(turn, is_again=True)
    if rendered.text in before:
        return Reply(turn.say("place-changes-nothing", place=_place(turn)))
    contact = _contact(turn)
    what_place_may_change = [part for part in rendered.text.replace(contact, "\n").split("\n") if part.strip()]
    if contact in rendered.text and all(_is_in(part, before, turn) for part in what_place_may_change):
        return Reply(turn.say("place-contact", place=_place(turn), contact=contact))
    return _guide_answer(turn, is_again=True)


def _place(turn: Turn) -> str:
    """What the place that is known now is called."""
    conversation = turn.conversation
    authority = turn.core.guide.authorities.get(conversation.authority or "")
    return conversation.district or (authority.short_name if authority else turn.say("place-there"))


def _is_in(part: str, before: str, turn: Turn) -> bool:
    """Whether a line of an answer was said before, or only tells of MORE."""
    return part.strip() in before or part.strip() == turn.say("label-more")
