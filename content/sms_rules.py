"""The rules for words that go out as a text message, each of them once. What is found comes with what to do about it.

Letters and parts are those of 3GPP TS 23.038 and 23.040 (helpline/domain/sms.py). The reserved words are Twilio's
default keywords for opting out, in and for help, which it answers before we see them. Short forms: the GOV.UK style
guide writes days and months in full and says what "eg" and "etc" mean instead.
"""

import re
from collections.abc import Iterator

from helpline.domain import sms

# HELPLINE_SERVICE_NAME is not known here: every text must leave room for one of so many letters.
LONGEST_SERVICE_NAME = 30

_SHORT_FORM = re.compile(
    r"\b(?:Mon|Tue|Tues|Wed|Weds|Thu|Thur|Thurs|Fri|Sat|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Oct|Nov|Dec)\b\.?(?!')"
    r"|\b(?i:appt|appts|asap|hrs|mins|wk|wks|mth|mths|yr|yrs|approx|pls|plz|thx|txt|msg|msgs|tel|etc|eg|ie|pw|pcm)\b"
    r"|\b(?i:e\.g|i\.e)\b\.?"
)
# HELP, INFO and END are also ordinary words, so they count in capitals only.
_RESERVED = re.compile(
    r"\b(?i:text|reply|send)\s+(?:(?i:us|me|back|with|the\s+word)\s+)*(?:[\"']?\w+[\"']?,?\s+or\s+)?[\"']?"
    r"((?i:yes|start|unstop|stop|stopall|unsubscribe|cancel|quit|optout|revoke)|HELP|INFO|END)\b"
)
# What somebody is told to do, at the beginning of a sentence or of a part of one. "Tell me what you need" leaves them
# free and is not counted; nor is how to stop the texts, which has to be there.
_CALL = re.compile(
    r"(?:^|[.!?:;,]\s+|\b(?:or|and|then|please)\s+)(?:text|reply|send|type|call|ring|phone|click|tap|visit|open|go\s+to)\b",
    re.IGNORECASE,
)

Found = tuple[str, str]


def odd_letters(text: str) -> Iterator[Found]:
    """Letters that a text message carries only at more than twice the price."""
    odd = sorted({letter for letter in text if sms.to_gsm7(letter) != letter})
    if odd:
        fixed = ", ".join(f"{letter!r} (write {sms.to_gsm7(letter)!r})" for letter in odd)
        yield f"A text message cannot carry {fixed}.", "Use the plain letter."


def short_forms(text: str) -> Iterator[Found]:
    """Days and months cut short, and the short forms that people use between themselves."""
    for short in _SHORT_FORM.findall(text):
        yield f"'{short}' is a short form.", "Write it in full."


def reserved_words(text: str, told: frozenset[str] = frozenset()) -> Iterator[Found]:
    """Words that people are asked to text although the networks answer them. told: those that this text must name."""
    for word in _RESERVED.findall(text):
        if word.upper() not in told:
            yield (
                f"People are asked to text {word.upper()}, which the phone network keeps for itself.",
                "Use another word, such as LIST, MORE or TALK, and Y or N for yes and no.",
            )


def for_people_of(authority: str | None) -> str:
    """For whom a text was filled in, in words. authority: its id, or None where the place is not known."""
    return f"for {authority}" if authority else "where the place is not known"


def too_many_parts(text: str, where: str = "", most: int = sms.MOST_SEGMENTS) -> Iterator[Found]:
    """A text that costs more than so many parts. text: with its longest values. where: for which people it does."""
    count = sms.segments(text).count
    if count > most:
        yield f"It takes {count} parts as a text{where and ' '}{where}.", f"Shorten it to {most}."


def unasked(text: str, service_name: str) -> Iterator[Found]:
    """What is wrong with a text that we send although nobody wrote to us. service_name: how it names us.

    That the sender is plain and that it can be ended is Twilio's messaging policy.
    """
    if not text.startswith(service_name):
        yield "People must see at once who sends it.", f"Begin it with {service_name}."
    if "STOP" not in text:
        yield "It does not say how to STOP.", "Add: STOP ends texts."
    calls = len(_CALL.findall(text))
    if calls > 1:
        yield f"It asks for {calls} things at once.", "Ask for one, and leave the others for when they write back."
