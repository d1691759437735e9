"""Pointing people to services, as the talk goes, with the real words and the real directory."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.components.answer_reading import read_answer
from content.schema import Content
from helpline.bootstrap import areas_of, read_feed
from helpline.domain.directory import END_OF_DAY, Reach, Schedule, Service
from helpline.domain.messages import Reply, Understanding
from helpline.domain.sms import segments, to_gsm7
from helpline.services import answering, signposting
from helpline.services.core import Core
from helpline.services.directory_import import import_feed
from helpline.services.turn_in_hand import Turn
from helpline.settings import REPOSITORY
from helpline.storage import directory
from helpline.storage.models import ServiceRating
from tests.fakes import PHONE, SettableClock
from tests.made_services import OFFICE_HOURS, a_feed, a_service
from tests.services import rows
from tests.services.test_answering import Talk

FIND = Understanding("find_service", 0.9)


class Seeker(Talk):
    """Somebody who looks for services."""

    def seeks(self, text: str, topics: Sequence[str] = ()) -> Reply:
        def find(core: Core, message_id: int, what: Understanding) -> Reply:
            return signposting.find_services(core, message_id, what, topics)

        return self.does(find, FIND, text)

    def wants_more(self) -> Reply:
        return self.does(answering.give_more, self.says("more"), "MORE")

    def replies(self, text: str) -> Reply:
        """An answer to the open question, read as the assistant reads it."""
        read = read_answer(text, {"expects": rows.conversation(self.core, self.channel, self.address).expects})
        assert read is not None
        return self.does(answering.take_answer, self.says("answer", read.value), text)

    def says_where(self, text: str) -> Reply:
        def note(core: Core, message_id: int, what: Understanding) -> Reply:
            return answering.note_place(core, message_id, what, None)

        return self.does(note, self.says("give_place"), text)


@pytest.fixture
def full(core: Core, content: Content) -> Core:
    """A core with the shipped directory."""
    import_feed(core, read_feed(content, str(REPOSITORY / "content" / "services" / "essex.json"), core.today()))
    return core


@pytest.fixture
def texter(full: Core) -> Seeker:
    return Seeker(full)


@pytest.fixture
def chatter(full: Core) -> Seeker:
    return Seeker(full, "web", "a-chat-session")


def services(core: Core) -> dict[str, Service]:
    with core.database.read() as session:
        return {service.name: service for service in directory.shown_services(session)}


def named(core: Core, reply: Reply) -> list[str]:
    """The services that a reply lists, in order."""
    return [line.partition(". ")[2] for line in reply.text.splitlines() if re.match(r"\d\. ", line)]


def listed(core: Core, reply: Reply) -> list[Service]:
    every = services(core).values()
    return [
        max((one for one in every if line.startswith(one.name)), key=lambda one: len(one.name))
        for line in named(core, reply)
    ]


def test_a_carers_group_near_maldon_is_found_with_what_it_is_called_and_how_to_reach_it(
    full: Core, texter: Seeker
) -> None:
    reply = texter.seeks("carers group near maldon")
    assert reply.text.startswith("Help with caring for someone near Maldon:")
    found = listed(full, reply)
    assert found
    for service in found:
        assert "carers" in service.terms and set(service.areas) & {"Maldon", "Essex", "UK", "England"}
        assert any(way and way in reply.text for way in ways_of(service)[:-1])
    assert segments(to_gsm7(reply.text)).count <= 3


def test_a_chat_offers_the_names_as_buttons(full: Core, chatter: Seeker) -> None:
    reply = chatter.seeks("carers group near maldon")
    assert len(reply.options) == 3
    assert [service.name for service in listed(full, reply)] == list(reply.options)


def test_near_after_an_answer_gives_services_for_what_was_asked(full: Core, texter: Seeker) -> None:
    texter.asks(text="how do i stop mum falling, we live in maldon")
    reply = texter.seeks("NEAR", topics=["scams"])
    assert reply.text.startswith("Help with falls near Maldon:")
    assert {"falls", "equipment"} & set(listed(full, reply)[0].terms)


def test_near_after_services_gives_those_services_again_and_not_those_of_an_older_answer(
    full: Core, texter: Seeker
) -> None:
    texter.asks(text="how do i stop mum falling, we live in maldon")
    first = texter.seeks("debt advice")
    assert texter.seeks("near me").text == first.text
    assert texter.seeks("NEAR").text == first.text


@pytest.mark.parametrize("text", ["NEAR", "services", "near me"])
def test_near_before_anything_asks_what_kind_of_help(full: Core, texter: Seeker, text: str) -> None:
    guess = ["scams"] if text == "NEAR" else []
    assert texter.seeks(text, topics=guess).text == full.say("services-which", "sms")


def test_what_no_word_names_is_sought_by_the_topic_that_the_assistant_thinks_of(full: Core, texter: Seeker) -> None:
    reply = texter.seeks("is there anybody who can sit with him in harlow", topics=["unknown", "respite"])
    assert "a break from caring" in reply.text


def test_more_goes_through_them_all_without_a_repeat_and_then_says_so(full: Core, texter: Seeker) -> None:
    end = full.say("services-no-more", "sms", "essex")
    replies = [texter.seeks("carers group near maldon")]
    while replies[-1].text != end:
        replies.append(texter.wants_more())
        assert len(replies) < 20
    given = [service.id for reply in replies for service in listed(full, reply)]
    assert 4 <= len(given) == len(set(given)) <= signposting.MOST_OFFERED
    organisations = [service.organisation.name for reply in replies for service in listed(full, reply)]
    assert len(organisations) == len(set(organisations))
    assert all(segments(to_gsm7(reply.text)).count <= 3 for reply in replies)
    assert full.say("services-more", "sms") in replies[0].text
    assert full.say("services-more", "sms") not in replies[-2].text
    assert texter.wants_more().text == end


@pytest.mark.parametrize("text", ["anyone else", "is there anyone else i can ask", "not them, who else"])
def test_who_asks_for_others_gets_the_next_services_and_not_the_same_again(
    full: Core, texter: Seeker, text: str
) -> None:
    first = texter.seeks("carers group near maldon")
    others = texter.seeks(text, topics=["scams"])
    assert others.text.startswith("Help with caring for someone near Maldon:")
    assert not {one.id for one in listed(full, first)} & {one.id for one in listed(full, others)}
    assert "debt" in texter.seeks("anyone else for debt advice").text


def test_who_asks_for_others_after_an_answer_gets_services_for_it(full: Core, texter: Seeker) -> None:
    texter.asks(text="how do i stop mum falling, we live in maldon")
    assert texter.seeks("anyone else", topics=["scams"]).text.startswith("Help with falls near Maldon:")


def test_the_price_of_what_was_asked_is_told_also_after_services_for_it(full: Core, texter: Seeker) -> None:
    texter.asks(text="how do i stop mum falling, we live in maldon")
    texter.seeks("NEAR")
    reply = texter.asks(Understanding("guide/falls", 0.9, "falls", None), "how much is it")
    assert full.guide.topics["falls"].answers["stop-falls"].who_pays in reply.text


def test_who_lives_elsewhere_is_shown_only_what_is_for_everybody(full: Core, texter: Seeker) -> None:
    reply = texter.seeks("help for carers, mum lives in ipswich")
    found = listed(full, reply)
    assert found and all(set(service.areas) <= {"UK", "England"} for service in found)
    assert full.say("services-elsewhere", "sms") in reply.text
    assert "town or postcode" not in reply.text and segments(to_gsm7(reply.text)).count <= 3


def test_more_after_an_answer_is_the_long_answer_and_no_service(full: Core, texter: Seeker) -> None:
    texter.seeks("carers group near maldon")
    texter.asks()
    assert named(full, texter.wants_more()) == []


@pytest.mark.parametrize("choice", ["2", "number 2", "2."])
def test_choosing_one_tells_what_there_is_to_know_of_it(full: Core, texter: Seeker, choice: str) -> None:
    second = listed(full, texter.seeks("carers group near maldon"))[1]
    text = texter.replies(choice).text
    assert second.name in text and second.phones[0].number in text
    assert segments(to_gsm7(text)).count <= 3


def test_another_may_be_chosen_after_one_and_more_goes_on_where_it_was(full: Core, texter: Seeker) -> None:
    first = listed(full, texter.seeks("carers group near maldon"))
    assert first[0].name in texter.replies("1").text
    assert first[1].name in texter.replies("2").text
    assert not set(first) & set(listed(full, texter.wants_more()))


def test_one_that_has_closed_since_it_was_shown_is_said_to_be_gone(core: Core) -> None:
    import_feed(core, a_feed(a_service("One"), a_service("Two")))
    seeker = Seeker(core)
    seeker.seeks("carers group in maldon")
    import_feed(core, a_feed())
    assert seeker.replies("1").text == core.say("services-gone", "sms")


def test_a_place_that_is_given_afterwards_searches_again_there(full: Core, texter: Seeker) -> None:
    anywhere = texter.seeks("is there a carers group")
    assert not any(service.reach is Reach.LOCAL for service in listed(full, anywhere))
    assert "town or postcode" in anywhere.text
    there = texter.says_where("maldon")
    assert there.text.startswith("Help with caring for someone near Maldon:")
    assert listed(full, there)[0].reach is not Reach.NATIONAL
    thurrock = texter.says_where("RM17 6SL")
    assert thurrock.text.startswith("Help with caring for someone near Thurrock:")
    assert all({"Thurrock", "UK", "England"} & set(service.areas) for service in listed(full, thurrock))


def test_where_only_local_help_exists_and_no_place_is_known_it_asks_first(core: Core) -> None:
    import_feed(core, a_feed(a_service("One")))
    seeker = Seeker(core)
    asked = seeker.seeks("carers group").text
    assert "town or postcode" in asked and "One" not in asked
    assert "One" in seeker.says_where("maldon").text


def test_where_there_is_nothing_the_council_is_named_and_nothing_is_made_up(core: Core) -> None:
    seeker = Seeker(core)
    reply = seeker.seeks("carers group in maldon").text
    assert reply == core.say("services-none", "sms", "essex", need=core.taxonomy.terms["carers"].name)
    assert "0345 603 7630" in reply


def test_an_age_that_is_told_leaves_out_what_is_for_others(core: Core) -> None:
    import_feed(core, a_feed(a_service("For adults", minimum_age=18), a_service("For the young", maximum_age=17)))
    seeker = Seeker(core)
    assert named(core, seeker.seeks("carers group in maldon, i am 16"))[0].startswith("For the young")
    assert "For adults" not in seeker.seeks("carers group in maldon, i am 16").text
    assert "For adults" in seeker.seeks("carers group in maldon, i have cared for 10 years").text


EVENING = Schedule(("MO",), datetime(2026, 1, 1, 18).time(), END_OF_DAY)


@pytest.mark.parametrize(
    ("moment", "is_open", "is_closed"),
    [("2026-11-23T12:00", "Office", "Evening"), ("2026-11-23T23:59", "Evening", "Office")],
)
def test_what_is_open_now_is_told_by_the_clock_in_essex(
    core: Core, clock: SettableClock, moment: str, is_open: str, is_closed: str
) -> None:
    import_feed(
        core, a_feed(a_service("Office", schedules=(OFFICE_HOURS,)), a_service("Evening", schedules=(EVENING,)))
    )
    clock.moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    reply = Seeker(core).seeks("carers group open now in maldon").text
    assert reply.startswith("Open now near Maldon") and is_open in reply and is_closed not in reply


def test_when_nobody_is_open_it_says_so_and_more_gives_the_others(core: Core, clock: SettableClock) -> None:
    import_feed(core, a_feed(a_service("Office", schedules=(OFFICE_HOURS,))))
    clock.moment = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    seeker = Seeker(core)
    nobody = seeker.seeks("carers group open now in maldon").text
    assert "Office" not in nobody and "999" in nobody
    assert "Office" in seeker.wants_more().text


def hours(seeker: Seeker) -> str:
    return seeker.does(signposting.tell_hours, seeker.says("opening_hours"), "when are they open").text


def test_opening_hours_are_those_of_what_was_last_shown(core: Core, clock: SettableClock) -> None:
    every_day = Schedule(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), datetime(2026, 1, 1, 8, 30).time(), END_OF_DAY)
    import_feed(
        core,
        a_feed(
            a_service("Office", schedules=(OFFICE_HOURS,)),
            a_service("Evening", schedules=(EVENING,)),
            a_service("Every day", schedules=(every_day,), confidence="medium"),
        ),
    )
    seeker = Seeker(core)
    assert hours(seeker) == core.say("hours-of-front-door", "sms")
    seeker.seeks("carers group in maldon")
    told = hours(seeker).splitlines()
    assert len(told) == 3
    assert "Office, 020 7946 0101: Monday-Friday 9am-5pm (open now)" in told
    assert "Evening, 020 7946 0101: Monday 6pm-12am (closed now)" in told
    assert "Every day, 020 7946 0101: every day 8.30am-12am (open now)" in told
    seeker.replies("1")
    assert len(hours(seeker).splitlines()) == 1
    clock.moment = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert "(closed now)" in hours(seeker)


def test_hours_that_are_not_known_are_not_guessed(core: Core) -> None:
    import_feed(core, a_feed(a_service("One")))
    seeker = Seeker(core)
    seeker.seeks("carers group in maldon")
    assert hours(seeker) == f"One, 020 7946 0101: {core.say('hours-unknown', 'sms')}"


def test_after_an_answer_the_opening_hours_are_the_councils(full: Core, texter: Seeker) -> None:
    texter.seeks("carers group near maldon")
    texter.asks()
    assert hours(texter) == full.say("hours-of-front-door", "sms", "essex")


def rate(seeker: Seeker) -> Reply:
    return seeker.does(signposting.ask_rating, seeker.says("rate_service"), "RATE")


@pytest.mark.parametrize(
    ("consent", "share", "thanks"), [("yes", True, "rate-thanks-shared"), ("no", False, "rate-thanks")]
)
def test_a_rating_is_a_score_then_words_then_whether_it_may_be_passed_on(
    full: Core, texter: Seeker, consent: str, share: bool, thanks: str
) -> None:
    [chosen, *_] = listed(full, texter.seeks("carers group near maldon"))
    texter.replies("1")
    assert chosen.name in rate(texter).text
    assert texter.replies("4").text == full.say("rate-words", "sms")
    assert texter.replies("they rang back the same day").text == full.say("rate-share", "sms")
    [kept] = rows.all_of(full, ServiceRating)
    assert kept.share is None, "nothing is passed on before they have said so"
    assert texter.replies(consent).text == full.say(thanks, "sms")
    [kept] = rows.all_of(full, ServiceRating)
    assert (kept.service_id, kept.score, kept.words, kept.share) == (
        chosen.id, 4, "they rang back the same day", share,
    )  # fmt: skip
    assert rows.conversation(full).expects is None


@pytest.mark.parametrize("word", ["N", "no", "skip"])
def test_the_words_of_a_rating_may_be_left_out(full: Core, texter: Seeker, word: str) -> None:
    texter.seeks("carers group near maldon")
    texter.replies("1")
    rate(texter)
    texter.replies("1")
    texter.replies(word)
    [kept] = rows.all_of(full, ServiceRating)
    assert (kept.score, kept.words, kept.share) == (1, None, None)


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_where_several_services_were_shown_it_asks_which_is_rated(full: Core, channel: str) -> None:
    seeker = Seeker(full, channel)
    second = listed(full, seeker.seeks("carers group near maldon"))[1]
    asked = rate(seeker)
    assert second.name in (asked.text if channel == "sms" else asked.options)
    assert second.name in seeker.replies("2").text
    seeker.replies("5")
    [kept] = rows.all_of(full, ServiceRating)
    assert (kept.service_id, kept.score) == (second.id, 5)


def test_nothing_can_be_rated_before_a_service_was_told_of(full: Core, texter: Seeker) -> None:
    assert rate(texter).text == full.say("rate-nothing", "sms")
    assert rows.all_of(full, ServiceRating) == []


def test_the_same_message_again_gets_the_same_services_and_does_nothing_twice(full: Core, texter: Seeker) -> None:
    message_id = texter.hears("carers group near maldon")
    first = signposting.find_services(full, message_id, FIND, [])
    assert signposting.find_services(full, message_id, FIND, []) == first
    assert not set(listed(full, first)) & set(listed(full, texter.wants_more()))


@pytest.mark.parametrize(
    ("text", "gets_services"),
    [
        ("is there a falls group near maldon", True),
        ("is there anyone near me who can help with falls", True),
        ("how do i stop mum falling in maldon", False),
        ("is there a group", False),
    ],
)
def test_a_question_for_somebody_to_turn_to_gets_services_and_any_other_the_answer(
    full: Core, texter: Seeker, text: str, gets_services: bool
) -> None:
    assert bool(named(full, texter.asks(text=text))) is gets_services


# --- Every kind of help, in every district --------------------------------------------------------------------------


# What is said does not depend on the database, so one of the two is enough.
in_the_file_alone = pytest.mark.parametrize("database_url", [None])
InTurn = Callable[[str], Turn]


@pytest.fixture
def in_turn(full: Core) -> Iterator[InTurn]:
    """A turn of somebody on a channel, in one transaction that is never committed."""
    made: dict[str, tuple[int, str]] = {}
    for channel in ("sms", "web"):
        talk = Talk(full, channel, PHONE)
        made[channel] = (talk.hears("hello"), rows.contact(full, channel).id)
    with full.database.read() as session:

        def turn_on(channel: str) -> Turn:
            message_id, contact_id = made[channel]
            contact, conversation = rows.repositories.lock_contact(session, contact_id)
            conversation.search = conversation.last_shown = conversation.expects = conversation.topic = None
            return Turn(session, full, message_id, contact, conversation, FIND)

        yield turn_on


PLACES = [None, "Basildon", "Braintree", "Brentwood", "Castle Point", "Chelmsford", "Colchester", "Epping Forest",
    "Harlow", "Maldon", "Rochford", "Southend-on-Sea", "Tendring", "Thurrock", "Uttlesford"]  # fmt: skip
LONG_NUMBER = re.compile(r"\d(?:[ ]?\d){4,}")


def numbers_in(*texts: str) -> set[str]:
    return {found.group().replace(" ", "") for text in texts for found in LONG_NUMBER.finditer(text)}


def ways_of(service: Service) -> list[str]:
    """What may hold digits in a line about a service."""
    numbers = [phone.number for phone in service.phones]
    return [*numbers, service.text_number or "", service.url or "", service.email or "", service.name]


def test_the_places_of_this_test_are_all_there_are(content: Content) -> None:
    assert set(PLACES[1:]) == set(areas_of(content)) - {"Essex"}


@in_the_file_alone
@pytest.mark.parametrize("channel", ["sms", "web"])
@pytest.mark.parametrize("place", PLACES)
def test_every_kind_of_help_in_every_district_is_told_in_three_parts_with_numbers_of_the_directory_alone(
    full: Core, in_turn: InTurn, place: str | None, channel: str
) -> None:
    authority = next((one for one, body in full.guide.authorities.items() if place in body.districts), None)
    ours = numbers_in(*(phone.number for phone in full.guide.phones.values()))
    for code, term in full.taxonomy.terms.items():
        turn = in_turn(channel)
        turn.conversation.district, turn.conversation.authority = place, authority
        found = signposting.services_for_topic(turn, term.words[0], "")
        # Where we know of nobody, the guide's own answer is given instead.
        reply = found or Reply(turn.say("services-none", need=term.name))
        seen: set[str] = set()
        for _ in range(signposting.MOST_OFFERED + 2):
            assert channel == "web" or segments(to_gsm7(reply.text)).count <= 3, (code, reply.text)
            search = turn.conversation.search or {}
            shown = directory.services_by_id(turn.session, search["last"]) if named(full, reply) else []
            if not shown:
                break
            written = [text for service in shown for text in ways_of(service)]
            assert numbers_in(reply.text) <= ours | numbers_in(*written), (code, reply.text)
            for service in shown:
                assert service.name in reply.text and service.is_shown and service.id not in seen
                for_all = set(service.areas) >= set(PLACES[1:])
                assert for_all or set(service.areas) & {place, "UK", "England", "Essex" * (authority == "essex")}
                seen.add(service.id)
            reply = signposting.show_services(turn)
        else:
            pytest.fail(f"{code}: MORE has no end")


@in_the_file_alone
def test_each_service_is_told_of_in_three_parts_with_a_way_to_reach_it(full: Core, in_turn: InTurn) -> None:
    for service in services(full).values():
        turn = in_turn("sms")
        text = signposting.tell_of_service(turn, service.id).text
        assert segments(to_gsm7(text)).count <= 3, text
        assert (service.phones[0].number if service.phones else (service.text_number or service.url or "")) in text
        for told in (text, signposting.tell_of_service(in_turn("web"), service.id).text):
            names = ("description", "eligibility", "hours", "fees", "source_date")
            written = [getattr(service, name) or "" for name in names]
            assert numbers_in(told) <= numbers_in(*written, *ways_of(service))


@in_the_file_alone
def test_the_hours_of_any_three_services_are_told_in_three_parts(full: Core, in_turn: InTurn) -> None:
    longest = sorted(services(full).values(), key=lambda service: len(service.hours or ""), reverse=True)[:3]
    seeker = Seeker(full)
    seeker.seeks("carers group in maldon")
    with full.database.write() as session:
        _, conversation = rows.repositories.lock_contact(session, rows.contact(full).id)
        conversation.search = {**(conversation.search or {}), "last": [service.id for service in longest]}
    text = hours(seeker)
    assert segments(to_gsm7(text)).count <= 3, text


LONG = "We do a great deal for everybody who comes to us, whoever they may be. " * 40


def test_a_long_description_from_elsewhere_never_pushes_the_number_out(core: Core) -> None:
    far = "https://care.example/" + "x" * 200
    everything = a_service("Talks a lot", description=LONG, eligibility=LONG, hours=LONG, fees=LONG, url=far)
    import_feed(core, a_feed(everything, a_service("Talks in one breath", description="x" * 30_000)))
    seeker = Seeker(core)
    seeker.seeks("carers group in maldon")
    for choice in ("1", "2"):
        text = seeker.replies(choice).text
        assert "020 7946 0101" in text
        assert segments(to_gsm7(text)).count <= 3
    seeker.seeks("carers group in maldon")
    assert segments(to_gsm7(hours(seeker))).count <= 3


def test_after_the_first_answer_about_something_people_hear_of_help_nearby_once(full: Core, chatter: Seeker) -> None:
    hint = full.say("near-hint", "chat")
    about_support = Understanding("guide/carers-support", 0.9, "carers-support", None)
    topic = full.guide.topics["carers-support"]
    first, second = sorted(topic.answers)[:2]
    assert hint in chatter.asks(replace(about_support, answer=first), "where do carers meet").text
    assert hint not in chatter.asks(replace(about_support, answer=second), "and what does it cost").text


def test_where_we_know_of_nobody_nothing_is_said_of_help_nearby(core: Core) -> None:
    chatter = Seeker(core, "web", "a-chat-session")
    asked = Understanding("guide/carers-support", 0.9, "carers-support", "what-there-is")
    assert core.say("near-hint", "chat") not in chatter.asks(asked, "where do carers meet").text
