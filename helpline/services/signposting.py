"""Pointing people to services: what they look for, near whom, and what is said of what was found."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import Any

from helpline.domain.control_words import match
from helpline.domain.directory import END_OF_DAY, WEEKDAYS, Schedule, Service, Wanted
from helpline.domain.messages import Reply, Understanding
from helpline.domain.seeking import age_in, says_any, terms_in, terms_of_topics
from helpline.domain.sms import pages
from helpline.services.core import LOCAL_TIME, Core
from helpline.services.danger import set_open_question
from helpline.services.turn_in_hand import Turn, has_room, in_turn, joined, must_say
from helpline.storage import directory
from helpline.storage.models import ServiceRating

SERVICES = "services"
# At most so many services in one message; a text may have room for fewer.
AT_ONCE = 3
# More than so many are never offered for one question.
MOST_OFFERED = 15
SCALE = (1, 5)
# A description from elsewhere may be of any length; to cut one takes time that grows with its square.
_LOOKED_AT = 400


def find_services(core: Core, message_id: int, understanding: Understanding, topics: Sequence[str]) -> Reply:
    """Services for what was asked, near the person who needs them.

    topics: guide topics that it may be about, best first.
    """

    def make(turn: Turn) -> Reply:
        if _asks_for_others(turn):
            return show_services(turn)
        search = _search_of(turn, turn.text, topics)
        if search is None:
            return Reply(turn.say("services-which"))
        turn.conversation.search = search
        return show_services(turn)

    return must_say(in_turn(core, message_id, understanding, make))


def _asks_for_others(turn: Turn) -> bool:
    """Whether somebody who was just shown services asks who else there is, and not for another kind of help."""
    taxonomy, conversation = turn.core.taxonomy, turn.conversation
    if conversation.last_shown != SERVICES or not conversation.search or terms_in(taxonomy, turn.text):
        return False
    return says_any(turn.text, taxonomy.others)


def _search_of(turn: Turn, text: str, topics: Sequence[str]) -> dict[str, Any] | None:
    """What a message looks for, as the conversation keeps it; None if it does not say and nothing was said before."""
    taxonomy, conversation = turn.core.taxonomy, turn.conversation
    before = tuple(conversation.search["terms"]) if conversation.search else ()
    is_command = match(text, turn.core.control_words, turn.form) == "near"
    terms = terms_in(taxonomy, text)
    if not terms and (is_command or _says_only_near(turn, text)):
        about = terms_of_topics(taxonomy, [conversation.topic]) if conversation.topic else ()
        terms = before if conversation.last_shown == SERVICES else about
    if not terms and not is_command:
        # What the assistant makes of a command alone is a guess.
        terms = terms_of_topics(taxonomy, topics)
    terms = terms or before
    if not terms:
        return None
    return {
        "terms": list(terms[:2]),
        "words": text[:200],
        "age": age_in(text),
        "open_now": says_any(text, taxonomy.open_now),
        "shown": [],
        "last": [],
    }


def asks_for_services(turn: Turn, text: str, topic: str) -> bool:
    """Whether a question about a topic asks for people or groups to turn to near somebody, and we know of kinds."""
    taxonomy = turn.core.taxonomy
    if not terms_of_topics(taxonomy, [topic]) or not says_any(text, taxonomy.seeking):
        return False
    return says_any(text, taxonomy.near) or turn.core.gazetteer.find(text) is not None


def services_for_topic(turn: Turn, text: str, topic: str) -> Reply | None:
    """Services that help with a topic, for a question that asks for them; None where we know of none."""
    search = _search_of(turn, text, [topic])
    if search is None or not turn.core.directory.find(wanted(turn, search), 1):
        return None
    turn.conversation.search = search
    return show_services(turn)


def has_services(turn: Turn, topic: str) -> bool:
    """Whether we know of anybody who helps with a topic, where the person lives or anywhere."""
    terms = terms_of_topics(turn.core.taxonomy, [topic])
    return bool(terms) and bool(turn.core.directory.find(wanted(turn, {"terms": list(terms[:2])}), 1))


def _says_only_near(turn: Turn, text: str) -> bool:
    taxonomy = turn.core.taxonomy
    return says_any(text, (*taxonomy.near, *taxonomy.others)) and len(text.split()) <= 8


def show_services(turn: Turn) -> Reply:
    """The next services of the conversation's search, with a way to hear more of each."""
    conversation, search = turn.conversation, dict(turn.conversation.search or {})
    found = turn.core.directory.find(wanted(turn, search), MOST_OFFERED)
    shown = list(search.get("shown", []))
    left = [service for service in found if service.id not in shown]
    conversation.last_shown = SERVICES
    if not left:
        return _nothing_left(turn, search, anything=bool(shown))
    need = turn.core.taxonomy.terms[search["terms"][0]].name
    lead = _lead(turn, need, open_now=bool(search.get("open_now")))
    page, text = _page(turn, lead, left)
    search |= {"shown": [*shown, *(service.id for service in page)], "last": [service.id for service in page]}
    conversation.search = search
    options = [{"id": service.id, "label": service.name} for service in page]
    set_open_question(conversation, {"kind": "choice", "about": "service", "options": options})
    return Reply(text, tuple(service.name for service in page) if turn.form == "chat" else ())


def wanted(turn: Turn, search: dict[str, Any]) -> Wanted:
    """A conversation's search in the terms of the directory, with the place that is known by now."""
    authority = turn.core.guide.authorities.get(turn.conversation.authority or "")
    return Wanted(
        terms=tuple(search["terms"]),
        words=str(search.get("words") or ""),
        district=turn.conversation.district,
        authority_area=authority.short_name if authority else None,
        elsewhere=turn.lives_elsewhere,
        age=search.get("age"),
        open_at=turn.core.clock.now().astimezone(LOCAL_TIME) if search.get("open_now") else None,
    )


def _lead(turn: Turn, need: str, *, open_now: bool) -> str:
    place = turn.conversation.district
    key = "services-lead" if place else "services-lead-anywhere"
    return turn.say(f"{key}-open" if open_now else key, need=need, place=place or "")


def _page(turn: Turn, lead: str, left: Sequence[Service]) -> tuple[Sequence[Service], str]:
    """As many of the services as have room, with what is said around them."""
    for count in range(min(AT_ONCE, len(left)), 0, -1):
        page = left[:count]
        lines = [lead, *(_line(turn, number, service) for number, service in enumerate(page, 1))]
        more = len(left) > count
        foot = turn.say("services-more" if more else "services-detail")
        if turn.lives_elsewhere:
            foot = turn.say("services-elsewhere")
        elif turn.conversation.district is None:
            foot = turn.say("services-ask-place", who=turn.about)
        text = joined(turn.form, ["\n".join(lines), foot]) if turn.form == "chat" else "\n".join([*lines, foot])
        if turn.form == "chat" or count == 1 or has_room(text):
            break
    return page, text


def _line(turn: Turn, number: int, service: Service) -> str:
    hours = hours_in_words(turn, service, short=True)
    key = "service-line" if hours else "service-line-no-hours"
    return turn.say(key, number=str(number), name=service.name, how=_how(turn, service), hours=hours)


def _how(turn: Turn, service: Service) -> str:
    """The shortest way to reach a service: a number, what to text, an address on the web, an e-mail address."""
    if service.phones:
        return service.phones[0].number
    return service.text_number or service.url or service.email or ""


def hours_in_words(turn: Turn, service: Service, *, short: bool) -> str:
    """When a service is open; an empty string where that is not known."""
    if short and service.schedules:
        return say_schedules(turn, service.schedules)
    return (service.hours or "") if not short or len(service.hours or "") <= 40 else ""


def say_schedules(turn: Turn, schedules: Sequence[Schedule]) -> str:
    """Opening hours in few letters: "Monday-Thursday 8.45am-5pm, Friday 8.45am-4.30pm"."""
    names = turn.say("weekdays").split()
    parts = []
    for schedule in schedules:
        if len(schedule.days) == len(WEEKDAYS) and (schedule.opens, schedule.closes) == (time(0, 0), END_OF_DAY):
            return turn.say("hours-always")
        numbers = sorted(WEEKDAYS.index(day) for day in schedule.days)
        if len(numbers) == len(WEEKDAYS):
            days = turn.say("hours-daily")
        elif len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
            days = f"{names[numbers[0]]}-{names[numbers[-1]]}"
        else:
            days = " ".join(names[number] for number in numbers)
        parts.append(f"{days} {_clock(schedule.opens)}-{_clock(schedule.closes)}")
    return ", ".join(parts)


def _clock(at: time) -> str:
    if at == END_OF_DAY:
        return "12am"
    hour = at.hour % 12 or 12
    minutes = f".{at.minute:02d}" if at.minute else ""
    return f"{hour}{minutes}{'am' if at.hour < 12 else 'pm'}"


def _nothing_left(turn: Turn, search: dict[str, Any], *, anything: bool) -> Reply:
    need = turn.core.taxonomy.terms[search["terms"][0]].name
    if anything:
        return Reply(turn.say("services-no-more"))
    if search.get("open_now"):
        turn.conversation.search = {**search, "open_now": False}
        return Reply(turn.say("services-none-open", need=need))
    if turn.lives_elsewhere:
        return Reply(turn.say("place-out-of-area"))
    if turn.conversation.district is None and _is_anywhere(turn, search):
        return Reply(turn.say("services-ask-place-first", need=need, who=turn.about))
    return Reply(turn.say("services-none", need=need))


def _is_anywhere(turn: Turn, search: dict[str, Any]) -> bool:
    """Whether the place matters: there is such a service in one of our districts at least."""
    plain = wanted(turn, search)
    return any(
        turn.core.directory.find(replace(plain, district=district, authority_area=authority.short_name), 1)
        for authority in turn.core.guide.authorities.values()
        for district in authority.districts
    )


def tell_of_service(turn: Turn, service_id: str) -> Reply:
    """What there is to know of one service that was shown."""
    found = directory.services_by_id(turn.session, [service_id])
    if not found:
        return Reply(turn.say("services-gone"))
    service = found[0]
    turn.conversation.search = {**(turn.conversation.search or {}), "last": [service.id], "told": service.id}
    numbers = ", ".join(f"{phone.number} ({phone.label})" if phone.label else phone.number for phone in service.phones)
    hours = hours_in_words(turn, service, short=turn.form == "sms") or (service.hours or "")
    parts = [
        turn.say("service-detail", name=service.name, offer=service.description),
        _labelled(turn, "service-who-for", service.eligibility),
        _labelled(turn, "service-how", ", ".join(filter(None, (numbers, service.text_number)))),
        _labelled(turn, "service-hours", hours),
        _labelled(turn, "service-cost", service.fees),
        _labelled(turn, "service-web", service.url),
        _labelled(turn, "service-checked", service.source_date) if turn.form == "chat" else "",
        turn.say("service-rate"),
    ]
    if turn.form == "chat":
        return Reply("\n".join(filter(None, parts)))
    in_brief = turn.say("service-detail", name=service.name, offer=_in_brief(service.description))
    # The way to reach it is never what is left out.
    for place, instead in ((7, ""), (1, ""), (4, ""), (0, in_brief), (5, ""), (3, "")):
        if has_room(" ".join(filter(None, parts))):
            break
        parts[place] = instead
    return Reply(" ".join(filter(None, parts)))


def _in_brief(words: str) -> str:
    """As much of somebody else's words as goes into one part of a text."""
    return next(iter(pages(words[:_LOOKED_AT], 1)), "")


def _labelled(turn: Turn, key: str, value: str | None) -> str:
    return turn.say(key, value=value.rstrip(".")) if value else ""


def tell_hours(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """When the services or the number that were last given are open."""

    def make(turn: Turn) -> Reply:
        search = turn.conversation.search
        if turn.conversation.last_shown == SERVICES and search and search.get("last"):
            services = directory.services_by_id(turn.session, search["last"])
            lines = [_hours_line(turn, service) for service in services]
            while turn.form == "sms" and len(lines) > 1 and not has_room("\n".join(lines)):
                lines.pop()
            if lines:
                return Reply("\n".join(lines))
        return Reply(turn.say("hours-of-front-door"))

    return must_say(in_turn(core, message_id, understanding, make))


def numbers_again(turn: Turn) -> str:
    """The ways to reach the services that were shown last; an empty string if none were."""
    told = (turn.conversation.search or {}).get("last") or []
    lines = [
        turn.say("service-number-again", name=service.name, how=_how(turn, service))
        for service in directory.services_by_id(turn.session, told)
    ]
    while turn.form == "sms" and len(lines) > 1 and not has_room("\n".join(lines)):
        lines.pop()
    return "\n".join(lines)


def _hours_line(turn: Turn, service: Service) -> str:
    hours = hours_in_words(turn, service, short=turn.form == "sms") or service.hours or turn.say("hours-unknown")
    return turn.say(
        "service-open-line",
        name=service.name,
        how=_how(turn, service),
        hours=_in_brief(hours) if turn.form == "sms" else hours,
        now=_open_now(turn, service, turn.core.clock.now().astimezone(LOCAL_TIME)),
    )


def _open_now(turn: Turn, service: Service, now: datetime) -> str:
    is_open = service.is_open(now)
    return "" if is_open is None else turn.say("open-now" if is_open else "closed-now")


def ask_rating(core: Core, message_id: int, understanding: Understanding) -> Reply:
    """Begin to take down what somebody thinks of the service that they were last told of."""

    def make(turn: Turn) -> Reply:
        search = turn.conversation.search or {}
        told = [search["told"]] if search.get("told") else search.get("last", [])
        services = directory.services_by_id(turn.session, told)
        if not services:
            return Reply(turn.say("rate-nothing"))
        return _ask_score(turn, services[0]) if len(services) == 1 else _ask_which_to_rate(turn, services)

    return must_say(in_turn(core, message_id, understanding, make))


def _ask_which_to_rate(turn: Turn, services: Sequence[Service]) -> Reply:
    options = [{"id": service.id, "label": service.name} for service in services]
    set_open_question(turn.conversation, {"kind": "choice", "about": "rating-which", "options": options})
    if turn.form == "chat":
        return Reply(turn.say("rate-which"), tuple(service.name for service in services))
    listed = [turn.say("rate-which-line", number=str(at), name=one.name) for at, one in enumerate(services, 1)]
    return Reply("\n".join([turn.say("rate-which"), *listed]))


def _ask_score(turn: Turn, service: Service) -> Reply:
    scale = {"kind": "scale", "about": "rating", "min": SCALE[0], "max": SCALE[1], "service": service.id}
    set_open_question(turn.conversation, scale)
    return Reply(turn.say("rate-score", name=service.name))


def take_rating_answer(turn: Turn, expects: dict[str, Any], value: str) -> Reply:
    """One step of a rating: which service, the score, then a line, then whether it may be passed on."""
    conversation, about = turn.conversation, expects.get("about")
    if about == "rating-which":
        services = directory.services_by_id(turn.session, [value])
        return _ask_score(turn, services[0]) if services else Reply(turn.say("services-gone"))
    if about == "rating":
        rating = ServiceRating(
            entry_id=turn.message_id, service_id=expects["service"], score=int(value), at=turn.core.clock.now()
        )
        turn.session.add(rating)
        turn.session.flush()
        set_open_question(conversation, {"kind": "text", "about": "rating-words", "rating": rating.id})
        return Reply(turn.say("rate-words"))
    rating = turn.session.get_one(ServiceRating, expects["rating"])
    if about == "rating-words":
        rating.words = None if says_any(value, ("no", "n", "skip")) and len(value.split()) <= 2 else value[:500]
        set_open_question(conversation, {"kind": "yes_no", "about": "rating-share", "rating": rating.id})
        options = (turn.say("option-yes"), turn.say("option-no")) if turn.form == "chat" else ()
        return Reply(turn.say("rate-share"), options)
    rating.share = value == "yes"
    set_open_question(conversation, None)
    return Reply(turn.say("rate-thanks-shared" if rating.share else "rate-thanks"))
