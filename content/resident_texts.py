"""Every reviewed text that a resident may read, with the place where a writer finds it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from content.schema import Content
from helpline.domain.directory import Feed
from helpline.domain.safety import UNKNOWN_KIND, SafetyContent

SHORT, LONG, REPLIES, SMALL_TALK, DANGER, SERVICES, OFF_TOPIC = (
    "guide, short",
    "guide, long",
    "replies",
    "small talk",
    "danger",
    "services",
    "off topic",
)


@dataclass(frozen=True)
class ResidentText:
    """A text with its placeholders. kind: one of the above. file and where: as a problem names them."""

    kind: str
    file: str
    where: str
    text: str


def resident_texts(
    content: Content, safety: SafetyContent, feeds: Iterable[tuple[str, Feed]]
) -> Iterator[ResidentText]:
    """All of them. feeds: our own files of services, with their names."""
    yield from _guide_texts(content)
    yield from _reply_texts(content)
    yield from _danger_texts(safety)
    for file, feed in feeds:
        for service in feed.services:
            if service.is_shown:
                yield ResidentText(SERVICES, file, f"{service.source_id}, offer", service.description)


def _guide_texts(content: Content) -> Iterator[ResidentText]:
    for topic in content.guide.topics.values():
        file = f"content/guide/{topic.id}.md"
        for answer in topic.answers.values():
            yield ResidentText(SHORT, file, f"{answer.id}, Short", answer.short)
            # They are sent together.
            whole = "\n".join((answer.long, answer.next_step, answer.who_pays))
            yield ResidentText(LONG, file, f"{answer.id}, Long with next_step and who_pays", whole)


def _reply_texts(content: Content) -> Iterator[ResidentText]:
    for reply_id, wording in content.words.wordings.items():
        is_off_topic = reply_id in content.off_topic.replies
        kind, file = (OFF_TOPIC, "out_of_scope.yml") if is_off_topic else (REPLIES, "replies.yml")
        yield ResidentText(kind, f"content/{file}", f"{reply_id}, sms", wording.sms)
        if wording.chat != wording.sms:
            yield ResidentText(kind, f"content/{file}", f"{reply_id}, chat", wording.chat)


def _danger_texts(safety: SafetyContent) -> Iterator[ResidentText]:
    for what, said in (("reply", safety.replies), ("question", safety.questions)):
        for kind, by_channel in said.items():
            for channel, by_person in by_channel.items():
                for who, text in by_person.items():
                    yield _danger_text(kind, f"{channel} {what} for {who}", text)
    follow_ups: Mapping[str, Mapping[str, str]] = safety.follow_ups
    for kind, texts in follow_ups.items():
        for channel, text in texts.items():
            yield _danger_text(kind, f"{channel} follow_up", text)
    for channel, text in safety.denied.items():
        yield _danger_text(UNKNOWN_KIND, f"{channel} denied", text)


def _danger_text(kind: str, where: str, text: str) -> ResidentText:
    name = "_general" if kind == UNKNOWN_KIND else kind
    return ResidentText(DANGER, f"content/safety/{name}.yml", where, text)
