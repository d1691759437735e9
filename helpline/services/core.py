"""What every use case works with: the database, the clock, the reviewed words and the safety scanner."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from helpline.domain.contact_line import reply_text
from helpline.domain.control_words import ControlWords, match
from helpline.domain.directory import Taxonomy
from helpline.domain.guide import Guide
from helpline.domain.messages import YesOrNo
from helpline.domain.off_topic import Language, OffTopic
from helpline.domain.places import Gazetteer
from helpline.domain.replies import Channel, ReplyWords
from helpline.domain.safety import SURE, Danger, SafetyContent, SafetyScanner, follow_up, safe_scan
from helpline.domain.safety import reply as reply_to_danger
from helpline.domain.sending_limits import SendingLimits
from helpline.domain.staff_hours import Staffing, clock_time, day_name
from helpline.domain.talk import TalkWords
from helpline.ports import Clock, FindServices
from helpline.storage.addresses import AddressBook
from helpline.storage.engine import Database

LOCAL_TIME = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Core:
    """The product without its edges.

    forms: how each channel is worded. doors: where each channel is found, as people are told ("+44 1245 ...", a web
    address), without those that cannot be. read_yes_no: what a reply to a yes-or-no question of ours says, or None
    where it says neither.
    """

    database: Database
    clock: Clock
    addresses: AddressBook
    guide: Guide
    words: ReplyWords
    control_words: ControlWords
    gazetteer: Gazetteer
    scanner: SafetyScanner
    safety: SafetyContent
    forms: Mapping[str, Channel]
    service_name: str
    staffing: Staffing
    read_yes_no: Callable[[str], YesOrNo | None]
    taxonomy: Taxonomy
    directory: FindServices
    talk: TalkWords
    languages: tuple[Language, ...]
    off_topic: OffTopic
    sending_limits: Mapping[str, SendingLimits] = field(default_factory=dict)
    doors: Mapping[str, str] = field(default_factory=dict)

    def form_of(self, channel: str) -> Channel:
        """How a channel is worded. Raises KeyError for a channel that is not registered."""
        return self.forms[channel]

    def today(self) -> date:
        """Today's date in Essex."""
        return self.clock.now().astimezone(LOCAL_TIME).date()

    def say(self, reply_id: str, form: Channel, authority: str | None = None, **values: str) -> str:
        """A reply's words, with the numbers of the person's council. Raises LookupError for an unknown id."""
        return reply_text(self.guide, self.words, reply_id, form, authority, service_name=self.service_name, **values)

    def find_danger(self, text: str, recent: Sequence[str], form: Channel) -> Danger | None:
        """What danger a message tells of, read alone and with the person's last messages. Never raises."""
        danger = safe_scan(self.scanner, text, recent)
        if danger is not None and danger.tier != SURE and match(text, self.control_words, form) is not None:
            # "Leave me alone" may be a hint. As a whole message it is what we told people to send.
            return None
        return danger

    def safety_reply(self, danger: Danger, form: Channel, authority: str | None) -> str:
        """The reviewed reply to a danger, with the truth about when a person will read this."""
        return reply_to_danger(self.safety, danger, form, authority, self.people_read(form))

    def people_read(self, form: Channel) -> str:
        """The sentence that says when a person will read what was just written, and never promises more."""
        now = self.clock.now().astimezone(LOCAL_TIME)
        by = self.staffing.hours.read_by(now, self.staffing.read_within)
        if by is not None:
            return self.say("people-read-by", form, when=clock_time(by))
        opens = self.staffing.hours.next_opening(now)
        if opens is None:
            return self.say("people-read", form)
        when = f"{clock_time(opens)} {day_name(opens.date(), now.date())}"
        return self.say("people-read-from", form, when=when)

    def follow_up_text(self, kind: str, form: Channel) -> str:
        """How we ask, the day after, how somebody is. Raises KeyError for a kind that gets no such message."""
        return follow_up(self.safety, kind, form, self.service_name)
