"""Whether each reply fits its three parts as a text when what the program fills in is as long as it gets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time, timedelta

from content import sms_rules
from content.problems import Problem
from content.schema import Content
from helpline.domain.contact_line import ROLES, contact_line, expand
from helpline.domain.directory import Service
from helpline.domain.guide import why_text
from helpline.domain.sms import to_gsm7
from helpline.domain.staff_hours import clock_time, day_name

_REPLIES = "content/replies.yml"
# Said as part of something longer that is measured whole; the menu is in lint.py.
_PARTS_OF_OTHERS = ("contact-", "why", "menu")


def part_problems(content: Content, services: Sequence[Service]) -> Iterator[Problem]:
    """The replies that can take more than three parts. services: our own. Those of out_of_scope.yml are read there."""
    for reply_id, text, where in _filled_in(content, [one for one in services if one.is_shown]):
        for what, what_to_do in sms_rules.too_many_parts(to_gsm7(text), where):
            yield Problem(_REPLIES, f"{reply_id}, sms", what, what_to_do)


def _filled_in(content: Content, services: Sequence[Service]) -> Iterator[tuple[str, str, str]]:
    """The id of each reply, its longest text, and for whom that is."""
    guide, words = content.guide, content.words
    for topic in guide.topics.values():
        for answer_id in topic.answers:
            yield "why", why_text(guide, topic.id, answer_id, words, "sms"), f"for {topic.id}, {answer_id}"
    values = longest_values(content, services)
    for authority in (None, *guide.authorities):
        for contact in (*ROLES, *guide.phones):
            line = contact_line(guide, contact, authority, words, "sms")
            yield f"contact line of {contact}", line, sms_rules.for_people_of(authority)
        for reply_id, wording in words.wordings.items():
            if reply_id in content.off_topic.replies or reply_id.startswith(_PARTS_OF_OTHERS):
                continue
            # A value that is not known here may be as long as any that is.
            known = {**dict.fromkeys(wording.values, max(values.values(), key=len)), **values}
            text = expand(wording.sms, guide, authority, words, "sms", known)
            yield reply_id, text, sms_rules.for_people_of(authority)


def longest_values(content: Content, services: Sequence[Service]) -> Mapping[str, str]:
    """The longest that each value of replies.yml can be, by its name."""
    guide, say = content.guide, content.words
    answers = [answer for topic in guide.topics.values() for answer in topic.answers.values()]
    titles = [topic.title for topic in guide.topics.values()]
    people = [person.name for person in content.talk.people.values()]
    numbers = [", ".join(phone.number for phone in service.phones) for service in services]
    hours = _longest(service.hours for service in services)
    fees = _longest(service.fees for service in services)
    url = _longest(service.url for service in services)
    eligibility = _longest(service.eligibility for service in services)
    return {
        "service_name": "x" * sms_rules.LONGEST_SERVICE_NAME,
        "need": _longest(term.name for term in content.taxonomy.terms.values()),
        "place": _longest(guide.authority_of_district()),
        "who": _longest([*people, say.on("person-who-needs-help", "sms")]),
        "question": _longest(answer.question for answer in answers),
        "first": _longest(titles),
        "second": _longest(titles),
        "number": "9",
        "name": _longest(service.name for service in services),
        "how": _longest([*numbers, *(service.text_number for service in services), url]),
        "hours": hours,
        "now": _longest(say.on(reply_id, "sms") for reply_id in ("open-now", "closed-now")),
        "offer": _longest(service.description for service in services),
        "contact": _longest(
            contact_line(guide, contact, authority, say, "sms")
            for authority in (None, *guide.authorities)
            for contact in {answer.contact for answer in answers}
        ),
        "value": _longest([*numbers, hours, fees, url, eligibility]),
        "when": _longest_time(),
        "code": "9999 9999",
        "where": url,
    }


def _longest(texts: Iterable[str | None]) -> str:
    return max((text or "" for text in texts), key=len, default="")


def _longest_time() -> str:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(366)]
    return f"{clock_time(time(11, 59))} {_longest(day_name(day, day - timedelta(days=30)) for day in days)}"
