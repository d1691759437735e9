"""What the assistant's actions say: the guide's words for the right council, once for each message."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from helpline.domain.messages import InboundMessage, Reply, Understanding
from helpline.domain.sms import segments
from helpline.services import answering
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.turn_review import review_turn
from helpline.services.turns import settle_turn
from tests.fakes import PHONE, SettableClock, text_from
from tests.services import rows

FALLS = Understanding("guide/falls", 0.93, "falls", "stop-falls", 0.8)


Service = Callable[[Core, int, Understanding], Reply]


class Talk:
    """One person's talk, a message at a time."""

    def __init__(self, core: Core, channel: str = "sms", address: str = PHONE) -> None:
        self.core, self.channel, self.address = core, channel, address
        self.count = 0

    def hears(self, text: str) -> int:
        self.count += 1
        message = InboundMessage(self.channel, f"{self.address}-{self.count}", self.address, text)
        return receive(self.core, message).message_id

    def asks(self, what: Understanding = FALLS, text: str = "a question") -> Reply:
        return self.does(answering.answer_guide_question, what, text)

    def does(self, service: Service, what: Understanding, text: str = "a question") -> Reply:
        message_id = self.hears(text)
        reply = service(self.core, message_id, what)
        settle_turn(self.core, message_id, [reply])
        return reply

    def says(self, intent: str, value: str | None = None) -> Understanding:
        return Understanding(intent, 1.0, value=value)


@pytest.fixture
def texter(core: Core) -> Talk:
    return Talk(core)


@pytest.fixture
def chatter(core: Core) -> Talk:
    return Talk(core, "web", "a-chat-session")


def test_a_text_gets_the_short_answer_and_a_chat_the_long_one(core: Core, texter: Talk, chatter: Talk) -> None:
    answer = core.guide.topics["falls"].answers["stop-falls"]
    short, long = texter.asks(), chatter.asks()
    assert answer.short in short.text
    assert segments(short.text).count <= 3 and "\n" not in short.text
    assert answer.long.split("\n")[0] in long.text
    assert "Next step:" in long.text and "Who pays:" in long.text


@pytest.mark.parametrize(
    ("place", "right", "wrong"),
    [
        ("i live in CM1 1AA", {"0345 603 7630"}, {"01702 215008", "01375 511000"}),
        ("i live in SS1 2AB", {"01702 215008"}, {"0345 603 7630", "01375 511000"}),
        ("i live in RM17 6SL", {"01375 511000"}, {"0345 603 7630", "01702 215008"}),
        ("i live nearby", {"0345 603 7630", "01702 215008", "01375 511000"}, set()),
    ],
)
@pytest.mark.parametrize("channel", ["sms", "web"])
def test_everybody_is_given_their_own_councils_number_and_no_other(
    core: Core, channel: str, place: str, right: set[str], wrong: set[str]
) -> None:
    said = Talk(core, channel).asks(text=f"how do i stop falls, {place}").text
    assert {number for number in right | wrong if number in said} == right


def test_an_answer_that_is_not_known_any_more_gives_the_general_one_and_says_so(core: Core, texter: Talk) -> None:
    for number, answer_id in enumerate((None, "no-such-answer")):
        somebody = Talk(core, address=f"+44770090000{number}")
        reply = somebody.asks(Understanding("guide/falls", 0.9, "falls", answer_id))
        assert reply.text.startswith(core.say("general-answer-lead", "sms"))
        assert rows.conversation(core, "sms", somebody.address).answer == "stop-falls"


def test_a_question_that_goes_on_and_has_no_answer_is_told_whom_to_ask(core: Core, texter: Talk) -> None:
    texter.asks()
    reply = texter.asks(Understanding("guide/falls", 0.9, "falls", None), "can they do that")
    assert "0345 603 7630" in reply.text and core.guide.topics["falls"].answers["stop-falls"].short not in reply.text
    assert segments(reply.text).count <= 3
    assert rows.conversation(core).answer == "stop-falls"


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_a_question_about_the_price_that_has_no_answer_of_its_own_is_told_who_pays(core: Core, channel: str) -> None:
    talk = Talk(core, channel)
    talk.asks()
    reply = talk.asks(Understanding("guide/falls", 0.9, "falls", None), "is it free")
    assert core.guide.topics["falls"].answers["stop-falls"].who_pays in reply.text and "0345 603 7630" in reply.text
    assert channel == "web" or segments(reply.text).count <= 3


def test_an_age_alone_does_not_change_the_subject_where_it_does_not_matter(core: Core, texter: Talk) -> None:
    texter.asks()
    reply = texter.asks(Understanding("guide/attendance-allowance", 0.9, "attendance-allowance", None), "shes 81")
    assert reply.text == core.say("age-changes-nothing", "sms")
    assert rows.conversation(core).topic == "falls"
    declined = texter.does(declines(), NOT_UNDERSTOOD, "he's 92 years old")
    assert declined.text == core.say("age-changes-nothing", "sms")


def test_an_age_where_it_may_matter_or_with_a_question_is_answered(core: Core, texter: Talk) -> None:
    allowance = Understanding("guide/attendance-allowance", 0.9, "attendance-allowance", "how-much")
    words = core.guide.topics["attendance-allowance"].answers["how-much"].short
    texter.asks()
    assert words in texter.asks(allowance, "shes 81 can she get attendance allowance").text
    assert words in texter.asks(allowance, "shes 81").text


def test_a_topic_that_is_not_known_any_more_is_declined_and_not_a_failure(core: Core, texter: Talk) -> None:
    reply = texter.asks(Understanding("guide/gone", 0.9, "gone", None))
    assert reply.text == core.say("out-of-scope", "sms")


def test_an_answer_past_its_review_day_is_not_given(core: Core, texter: Talk, clock: SettableClock) -> None:
    answer = core.guide.topics["falls"].answers["stop-falls"]
    clock.moment = datetime.combine(answer.review_by, datetime.min.time(), UTC) + timedelta(hours=20)
    assert answer.short in texter.asks().text
    clock.advance(timedelta(days=1))
    stale = texter.asks()
    assert stale.text == core.say("stale-answer", "sms")
    assert "0345 603 7630" in stale.text
    assert rows.conversation(core).expects is None


def test_the_review_day_ends_at_midnight_in_essex(core: Core, texter: Talk, clock: SettableClock) -> None:
    answer = core.guide.topics["falls"].answers["stop-falls"]
    assert answer.review_by.month in range(4, 10), "the test needs a day in summer time"
    clock.moment = datetime.combine(answer.review_by, datetime.min.time(), UTC) + timedelta(hours=23, minutes=30)
    assert texter.asks().text == core.say("stale-answer", "sms")


def test_more_gives_the_long_form_a_text_at_a_time_and_then_says_that_is_all(core: Core, texter: Talk) -> None:
    texter.asks()
    more = [texter.does(answering.give_more, texter.says("more"), "MORE").text for _ in range(6)]
    end = core.say("more-end", "sms")
    assert end in more
    given = more[: more.index(end)]
    assert len(given) >= 2
    assert all(segments(page).count <= 3 for page in given)
    assert all(page.endswith(core.say("label-more", "sms")) for page in given[:-1])
    last_words = core.guide.topics["falls"].answers["stop-falls"].long.split()[-4:]
    assert " ".join(last_words) in " ".join(" ".join(given).split())
    assert set(more[more.index(end) :]) == {end}


def test_more_on_chat_is_the_long_form_whole(core: Core, chatter: Talk) -> None:
    long = chatter.asks().text
    chatter.does(answering.show_menu, chatter.says("menu"))
    assert chatter.does(answering.give_more, chatter.says("more")).text in long


def test_more_on_chat_of_what_was_just_said_whole_says_that_it_was_all(core: Core, chatter: Talk) -> None:
    chatter.asks()
    assert chatter.does(answering.give_more, chatter.says("more")).text == core.say("more-end", "chat")


def test_more_starts_again_with_each_new_answer(core: Core, texter: Talk) -> None:
    texter.asks()
    first = texter.does(answering.give_more, texter.says("more")).text
    texter.does(answering.give_more, texter.says("more"))
    texter.asks()
    assert texter.does(answering.give_more, texter.says("more")).text == first


@pytest.mark.parametrize(
    ("service", "nothing"),
    [
        (answering.give_more, "more-nothing"),
        (answering.explain_source, "why-nothing"),
        (answering.repeat_last, "repeat-nothing"),
    ],
)
def test_commands_about_an_answer_before_there_is_one_say_so(
    core: Core, texter: Talk, service: Service, nothing: str
) -> None:
    assert texter.does(service, texter.says("more")).text == core.say(nothing, "sms")


def test_why_names_every_source_and_the_day_it_was_checked(core: Core, texter: Talk, chatter: Talk) -> None:
    answer = core.guide.topics["falls"].answers["stop-falls"]
    texter.asks()
    chatter.asks()
    short = texter.does(answering.explain_source, texter.says("why")).text
    long = chatter.does(answering.explain_source, chatter.says("why")).text
    for source in answer.sources:
        assert source.name in short and source.name in long and source.url in long
    assert "22 November 2026" in short and "22 November 2026" in long


def test_repeat_says_the_last_reply_again_word_for_word(core: Core, texter: Talk) -> None:
    texter.asks()
    told = rows.texts(core)[-1]
    assert texter.does(answering.repeat_last, texter.says("repeat")).text == told
    assert rows.texts(core)[-1] == told


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_the_number_again_is_the_number_of_the_last_answer(core: Core, channel: str) -> None:
    talk = Talk(core, channel)
    talk.asks(text="how do i stop falls, i live in CM1 1AA")
    talk.does(answering.decline_out_of_scope, talk.says("out_of_scope"))
    again = talk.does(answering.repeat_last, talk.says("repeat"), "give me the number again").text
    assert again.startswith("Essex adult social care: 0345 603 7630") and len(again) < 120


def test_the_menu_names_every_topic_in_chat_and_the_most_asked_in_a_text(
    core: Core, texter: Talk, chatter: Talk
) -> None:
    in_a_text = texter.does(answering.show_menu, texter.says("menu")).text
    in_chat = chatter.does(answering.show_menu, chatter.says("menu")).text
    for topic in core.guide.topics.values():
        assert topic.title in in_chat
        assert topic.title in in_a_text or not topic.menu
    assert "anything else about care" in in_a_text


def test_the_whole_menu_reaches_a_phone(core: Core, texter: Talk) -> None:
    menu = texter.does(answering.show_menu, texter.says("menu")).text
    assert rows.texts(core)[-1].endswith(menu[-20:])
    assert segments(menu).count <= 3


def test_a_person_is_offered_with_the_number_and_the_truth_about_who_reads_this(core: Core, texter: Talk) -> None:
    texter.hears("i live in SS1 2AB")
    reply = texter.does(answering.offer_person, texter.says("talk_to_a_person"))
    assert "01702 215008" in reply.text and "machine" in reply.text


@pytest.mark.parametrize(("value", "thanks"), [("yes", "helped-yes"), ("no", "helped-no")])
def test_whether_it_helped_is_recorded_once(core: Core, texter: Talk, value: str, thanks: str) -> None:
    asked = texter.asks()
    assert asked.text.endswith(core.say("ask-helped", "sms"))
    reply = texter.does(answering.take_answer, texter.says("answer", value), value)
    assert reply.text == core.say(thanks, "sms")
    [kept] = rows.feedback(core)
    assert (kept.topic, kept.answer, kept.helped) == ("falls", "stop-falls", value == "yes")
    assert rows.conversation(core).expects is None
    again = texter.does(answering.take_answer, texter.says("answer", value), value)
    assert again.text == core.say("more-nothing", "sms")
    assert len(rows.feedback(core)) == 1


def test_a_new_question_may_carry_the_answer_to_ours(core: Core, texter: Talk) -> None:
    texter.asks()
    texter.asks(Understanding("guide/respite", 0.9, "respite", "who-pays", value="no"))
    [kept] = rows.feedback(core)
    assert (kept.topic, kept.helped) == ("falls", False)
    assert rows.conversation(core).topic == "respite"


def test_a_chat_shows_the_two_answers_as_buttons(chatter: Talk, core: Core) -> None:
    assert chatter.asks().options == (core.say("option-yes", "chat"), core.say("option-no", "chat"))


def test_people_are_asked_whether_it_helped_only_every_third_answer(core: Core, texter: Talk) -> None:
    question = core.say("ask-helped", "sms")
    assert [question in texter.asks().text for _ in range(7)] == [True, False, False, True, False, False, True]


def test_what_is_not_ours_is_declined_and_the_second_time_a_person_is_offered(core: Core, texter: Talk) -> None:
    outside = texter.says("out_of_scope")
    assert texter.does(answering.decline_out_of_scope, outside).text == core.say("out-of-scope", "sms")
    again = texter.does(answering.decline_out_of_scope, outside).text
    assert again == core.say("out-of-scope-again", "sms")
    assert "0345 603 7630" in again
    texter.asks()
    assert texter.does(answering.decline_out_of_scope, outside).text == core.say("out-of-scope", "sms")


def note(core: Core, message_id: int, what: Understanding) -> Reply:
    return answering.note_place(core, message_id, what, None)


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_saying_where_one_lives_just_after_an_answer_brings_only_the_right_number(core: Core, channel: str) -> None:
    talk = Talk(core, channel)
    told = talk.asks().text
    reply = talk.does(note, talk.says("give_place"), "SS1 2AB").text
    assert "Southend" in reply and "01702 215008" in reply and "0345 603 7630" not in reply
    assert len(reply) < len(told) / 2


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_saying_where_one_lives_later_brings_the_last_answer_with_the_right_number(core: Core, channel: str) -> None:
    talk = Talk(core, channel)
    talk.asks()
    talk.does(answering.show_menu, talk.says("menu"))
    reply = talk.does(note, talk.says("give_place"), "SS1 2AB").text
    answer = core.guide.topics["falls"].answers["stop-falls"]
    assert "01702 215008" in reply and "0345 603 7630" not in reply
    assert answer.short in reply or answer.long.split("\n")[0] in reply


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_a_place_that_changes_more_than_the_number_brings_the_whole_answer(core: Core, channel: str) -> None:
    """Where the words name the council, they are said again."""
    talk = Talk(core, channel)
    named = next(
        (topic.id, answer.id)
        for topic in core.guide.topics.values()
        for answer in topic.answers.values()
        if "{front-door" in answer.short and "{front-door" in answer.long
    )
    talk.asks(Understanding(f"guide/{named[0]}", 0.9, *named))
    reply = talk.does(note, talk.says("give_place"), "SS1 2AB").text
    assert "01702 215008" in reply and "0345 603 7630" not in reply
    assert not reply.startswith("Thank you.")


def test_a_place_that_changes_nothing_in_the_answer_does_not_bring_it_again(core: Core, texter: Talk) -> None:
    texter.asks(Understanding("guide/scams", 0.9, "scams", "report-it"))
    reply = texter.does(note, texter.says("give_place"), "maldon").text
    assert reply == core.say("place-changes-nothing", "sms", place="Maldon")


def test_saying_where_one_lives_before_any_question_is_thanked_for(core: Core, texter: Talk) -> None:
    assert texter.does(note, texter.says("give_place"), "SS1 2AB").text == core.say("place-noted", "sms")


@pytest.mark.parametrize(("problem", "said"), [("ambiguous", "place-ambiguous"), ("out-of-area", "place-out-of-area")])
def test_a_place_that_does_not_settle_the_council_is_said_so(
    core: Core, texter: Talk, problem: answering.PlaceProblem, said: str
) -> None:
    def note_problem(core: Core, message_id: int, what: Understanding) -> Reply:
        return answering.note_place(core, message_id, what, problem)

    assert texter.does(note_problem, texter.says("give_place")).text == core.say(said, "sms")


NOT_UNDERSTOOD = Understanding("nlu_fallback", 0.05)


def declines(problem: answering.PlaceProblem | None = None, nearest: Sequence[str] = ()) -> Service:
    def decline(core: Core, message_id: int, what: Understanding) -> Reply:
        return answering.decline_out_of_scope(core, message_id, what, problem, nearest)

    return decline


def test_what_seems_to_be_about_care_is_asked_about_and_the_choice_is_answered(core: Core, texter: Talk) -> None:
    nearest = ("home-care", "lifting-safely", "respite")
    asked = texter.does(declines(nearest=nearest), NOT_UNDERSTOOD, "neighbour he is 90 who can wash him")
    titles = [core.guide.topics[topic].title for topic in nearest[:2]]
    assert all(title in asked.text for title in titles) and segments(asked.text).count <= 2
    options = (rows.conversation(core).expects or {})["options"]
    answered = texter.does(answering.take_answer, texter.says("answer", options[0]["id"]), "1")
    assert core.guide.topics["home-care"].answers["what-it-is"].short in answered.text


@pytest.mark.parametrize(
    ("text", "what", "said"),
    [
        ("the thing with the whatsit", NOT_UNDERSTOOD, "not-understood"),
        ("my wifes commode is broke", NOT_UNDERSTOOD, "not-understood"),
        ("who won the football", Understanding("out_of_scope", 0.9), "out-of-scope"),
        ("7", Understanding("out_of_scope", 0.9), "number-alone"),
    ],
)
def test_what_is_not_understood_is_never_told_that_it_is_not_about_care(
    core: Core, texter: Talk, text: str, what: Understanding, said: str
) -> None:
    assert texter.does(declines(), what, text).text == core.say(said, "sms")


def test_care_outside_essex_is_sent_to_the_council_there(core: Core, texter: Talk) -> None:
    reply = texter.does(declines("out-of-area"), NOT_UNDERSTOOD, "my nan lives in Ipswich and needs help at home")
    assert reply.text == core.say("place-out-of-area", "sms")


def asks_from_elsewhere(core: Core, message_id: int, what: Understanding) -> Reply:
    return answering.answer_guide_question(core, message_id, what, problem="out-of-area")


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_a_question_from_outside_is_answered_with_the_council_there_and_none_of_ours(core: Core, channel: str) -> None:
    talk = Talk(core, channel)
    reply = talk.does(asks_from_elsewhere, FALLS, "my mum lives in ipswich and keeps falling")
    assert core.say("elsewhere-lead", core.form_of(channel)) in reply.text
    assert core.say("contact-elsewhere", core.form_of(channel)) in reply.text
    later = talk.does(answering.repeat_last, talk.says("repeat"), "what was the number")
    assert later.text == core.say("contact-elsewhere", core.form_of(channel))
    for said in (reply.text, later.text):
        assert not any(number in said for number in ("0345 603 7630", "01702 215008", "01375 511000"))
    assert "0345 603 7630" in talk.does(note, talk.says("give_place"), "no, she is in Harlow").text


def test_a_place_outside_that_is_named_in_passing_takes_no_place_away_that_is_known(core: Core, texter: Talk) -> None:
    texter.does(note, texter.says("give_place"), "Harlow")
    assert (
        "0345 603 7630"
        in texter.does(asks_from_elsewhere, FALLS, "she is in romford for the day, how do i stop falls").text
    )
    assert rows.conversation(core).district == "Harlow"


def everything(core: Core) -> list[object]:
    conversation = rows.conversation(core)
    return [
        *(getattr(conversation, column.name) for column in conversation.__table__.columns),
        len(rows.turn_records(core)),
        len(rows.feedback(core)),
        len(rows.outbox(core)),
    ]


@pytest.mark.parametrize(
    ("service", "what"),
    [
        (answering.answer_guide_question, Understanding("guide/respite", 0.9, "respite", None, value="yes")),
        (answering.give_more, Understanding("more", 1.0)),
        (answering.explain_source, Understanding("why", 1.0)),
        (answering.repeat_last, Understanding("repeat", 1.0)),
        (answering.show_menu, Understanding("menu", 1.0)),
        (answering.offer_person, Understanding("talk_to_a_person", 1.0)),
        (answering.decline_out_of_scope, Understanding("out_of_scope", 1.0)),
        (answering.take_answer, Understanding("answer", 1.0, value="yes")),
    ],
)
def test_doing_the_same_message_twice_says_the_same_and_changes_nothing(
    core: Core, texter: Talk, service: Service, what: Understanding
) -> None:
    texter.asks()
    message_id = texter.hears("something")
    first = service(core, message_id, what)
    after_first = everything(core)
    assert service(core, message_id, what) == first
    assert service(core, message_id, Understanding("menu", 0.2)) == first
    assert everything(core) == after_first


def test_small_talk_is_recorded_and_speaks_no_words_of_ours(core: Core, texter: Talk) -> None:
    message_id = texter.hears("hello")
    for _ in range(2):
        answering.note_small_talk(core, message_id, Understanding("small_talk/greeting", 0.99))
    [record] = rows.turn_records(core)
    assert (record.intent, record.reply_text, record.topic) == ("small_talk/greeting", None, None)


def test_the_review_of_a_turn_shows_what_was_understood(core: Core, texter: Talk) -> None:
    message_id = texter.hears("how do i stop falls in SS1 2AB")
    answering.answer_guide_question(core, message_id, FALLS)
    review = review_turn(core, message_id)
    assert (review.intent, review.confidence, review.topic, review.answer) == (
        "guide/falls",
        0.93,
        "falls",
        "stop-falls",
    )
    assert (review.district, review.danger, review.out_of_scope, review.opted_out) == (
        "Southend-on-Sea",
        None,
        False,
        False,
    )
    danger = receive(core, text_from("i want to kill myself", "D1")).message_id
    assert review_turn(core, danger).danger == "suicide"
    assert review_turn(core, danger).intent == "safety"


def test_an_answer_that_was_given_before_says_so_and_another_in_between_changes_nothing(
    core: Core, texter: Talk, chatter: Talk
) -> None:
    other = Understanding("guide/blue-badge", 0.9, "blue-badge", core.guide.topics["blue-badge"].general)
    for talk in (texter, chatter):
        said_before = core.say("said-before", core.form_of(talk.channel))
        assert said_before not in talk.asks().text
        assert said_before not in talk.asks(other).text
        assert talk.asks().text.startswith(said_before)
