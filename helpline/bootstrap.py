"""The only place where real adapters are chosen."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from bot.components.answer_reading import read_answer
from channels.assistant import RasaAssistant
from channels.base import ChannelContext, KeepsInbox
from channels.gateway import Background, Gateway, Work
from channels.missed import find_missed
from channels.registry import CHANNELS
from content.directory_schema import read_services_file
from content.safety_schema import load_safety
from content.schema import Content, load_content
from helpline import flows
from helpline.alerts import alerts_of
from helpline.clock import FixedClock, SystemClock
from helpline.danger_reader import DangerReader
from helpline.directory_feed import OrukReader, feed_client
from helpline.directory_index import DirectorySearch
from helpline.domain.directory import Feed, ImportReport
from helpline.domain.messages import YesOrNo
from helpline.domain.places import Place
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.domain.sending_limits import SendingLimits
from helpline.domain.staff_hours import StaffHours, Staffing
from helpline.keys import Keys, load_keys
from helpline.ports import Alerts, Assistant, Inbox, MessageSender
from helpline.services.core import Core
from helpline.services.directory_import import import_feed
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.addresses import AddressBook
from helpline.storage.engine import (
    Database,
    Engine,
    open_encrypted_file,
    open_encrypted_flow_file,
    open_postgresql,
)
from helpline.storage.executor_slot import ExecutorSlot, FileSlot, PostgresSlot
from helpline.storage.migrate import migrate

# Under this name services of the whole area of the county council are listed.
COUNTY_AREA = "Essex"


@dataclass(frozen=True)
class Product:
    """Everything of one process, put together."""

    settings: Settings
    keys: Keys
    core: Core
    engine: Engine
    assistant: Assistant
    senders: dict[str, MessageSender]
    alerts: Alerts
    gateway: Gateway
    background: Background
    inboxes: dict[str, Inbox] = field(default_factory=dict)

    def channel_context(self) -> ChannelContext:
        """What the channels get."""
        return ChannelContext(self.settings, self.keys, self.gateway)


def open_engine(settings: Settings, keys: Keys) -> Engine:
    """The product's own database."""
    if settings.database_url:
        return open_postgresql(settings.database_url)
    return open_encrypted_file(settings.data_folder / "helpline.db", keys.database_key)


def open_flow_engine(settings: Settings, keys: Keys) -> Engine:
    """The durable engine's database: a file of its own, or its own schema of the same PostgreSQL database."""
    if settings.database_url:
        return open_postgresql(settings.database_url)
    return open_encrypted_flow_file(settings.data_folder / "flows.db", keys.database_key)


def load_all_content(settings: Settings) -> tuple[Content, SafetyContent]:
    """All the reviewed words and phrases, checked.

    Raises:
        content.schema.ContentError, content.safety_schema.SafetyContentError: they do not pass.
    """
    return load_content(settings.content_folder), load_safety(settings.content_folder / "safety")


def build_core(settings: Settings, keys: Keys, engine: Engine) -> Core:
    """The product without its edges.

    Raises:
        content.schema.ContentError, content.safety_schema.SafetyContentError: the content does not pass its checks.
        helpline.danger_reader.AlteredDangerModel: the reader of danger is not the one that was reviewed.
    """
    content, safety = load_all_content(settings)
    database = Database(engine)
    return Core(
        database=database,
        clock=FixedClock(settings.now) if settings.now else SystemClock(),
        addresses=AddressBook(keys.address_key, keys.address_hash_key),
        guide=content.guide,
        words=content.words,
        control_words=content.control_words.without_network_words()
        if settings.twilio_advanced_opt_out
        else content.control_words,
        gazetteer=content.gazetteer,
        scanner=SafetyScanner(safety, DangerReader()),
        safety=safety,
        forms={channel.name: channel.form for channel in CHANNELS},
        service_name=settings.service_name,
        staffing=staffing_of(settings),
        read_yes_no=read_yes_no,
        taxonomy=content.taxonomy,
        directory=DirectorySearch(database),
        talk=content.talk,
        languages=content.languages,
        off_topic=content.off_topic,
        sending_limits={"sms": sms_limits(settings)},
        doors=doors_of(settings),
    )


def doors_of(settings: Settings) -> dict[str, str]:
    """Where people find each channel, without those that cannot be found."""
    doors = {channel.name: channel.door(settings) for channel in CHANNELS}
    return {name: door for name, door in doors.items() if door is not None}


def sms_limits(settings: Settings) -> SendingLimits:
    """What texts may cost and how fast they may go."""
    pounds = settings.sms_daily_spend_pounds
    return SendingLimits(
        pence_per_segment=settings.sms_pence_per_segment,
        daily_pence=None if pounds is None else pounds * 100,
        per_second=settings.sms_messages_per_second,
    )


def areas_of(content: Content) -> frozenset[str]:
    """The names of the areas that a service may cover, besides the nation's: districts, and the county council's."""
    authorities = content.guide.authorities.values()
    return frozenset({district for one in authorities for district in one.districts} | {COUNTY_AREA})


def read_feed(content: Content, source: str, today: date) -> Feed:
    """A file of services, or a feed of Open Referral UK 3.0 if the source is an address on the web.

    Raises content.directory_schema.CannotReadServices.
    """
    if not source.startswith(("http://", "https://")):
        return read_services_file(Path(source), content.taxonomy, areas_of(content))

    def district_of(postcode: str) -> str | None:
        place = content.gazetteer.find(postcode)
        return place.district if isinstance(place, Place) else None

    with feed_client() as client:
        return OrukReader(content.taxonomy, areas_of(content), district_of, today, client).read(source)


def own_feeds(settings: Settings, content: Content) -> Sequence[tuple[str, Feed]]:
    """The content's own files of services, with their names.

    Raises content.directory_schema.CannotReadServices.
    """
    files = sorted((settings.content_folder / "services").glob("*.json"))
    return [
        (f"content/services/{file.name}", read_services_file(file, content.taxonomy, areas_of(content)))
        for file in files
    ]


def import_own_services(core: Core, settings: Settings) -> Sequence[ImportReport]:
    """Bring the directory to what the content's own files of services say.

    Raises content.directory_schema.CannotReadServices.
    """
    content, _ = load_all_content(settings)
    return [import_feed(core, feed, withdraw_most=True) for _, feed in own_feeds(settings, content)]


def staffing_of(settings: Settings) -> Staffing:
    """What the people behind the helpline have promised. Raises helpline.domain.staff_hours.StaffHoursError."""
    return Staffing(
        StaffHours.parse(settings.staff_hours),
        timedelta(minutes=settings.staff_read_within_minutes),
        timedelta(minutes=settings.case_acknowledge_within_minutes),
    )


def read_yes_no(text: str) -> YesOrNo | None:
    """What a reply to a yes-or-no question says, read as the assistant reads it."""
    answer = read_answer(text, {"expects": {"kind": "yes_no", "about": "danger"}})
    # "Not really" is no NO where it is about danger.
    if answer is None or (answer.partly and answer.value == "no"):
        return None
    return YesOrNo(answer.value == "yes", answer.says_more)


def build(
    settings: Settings,
    *,
    assistant: Assistant | None = None,
    senders: dict[str, MessageSender] | None = None,
    work: Work | None = None,
) -> Product:
    """Everything of one process, on a database brought to its newest shape.

    assistant, senders and work stand in for the real ones: a replay captures what is sent.

    Raises:
        helpline.keys.MissingKeys, content.schema.ContentError, helpline.storage.engine.StorageKeyWrong.
    """
    keys = load_keys(settings)
    engine = open_engine(settings, keys)
    migrate(engine)
    core = build_core(settings, keys, engine)
    if senders:
        # Nothing is paid for and nobody is disturbed; and where time stands still, as in a replay, no hour ever ends.
        core = replace(core, sending_limits={})
    alerts = alerts_of(settings)
    background = Background()
    chosen_senders = senders or {channel.name: channel.sender(settings, keys) for channel in CHANNELS}
    gateway = Gateway(
        core,
        chosen_senders,
        work or Work(flows.queue_turn, flows.send_at_once),
        Spool(settings.data_folder / "spool", keys.address_key),
        alerts,
        background.start,
    )
    chosen_assistant = assistant or RasaAssistant(
        settings.assistant_url,
        keys.assistant_token,
        settings.actions_url,
        slots=settings.turn_slots,
        timeout_seconds=settings.assistant_timeout_seconds,
    )
    # With stand-ins for the providers, nothing real may come in either.
    inboxes = (
        {}
        if senders
        else {channel.name: channel.inbox(settings, keys) for channel in CHANNELS if isinstance(channel, KeepsInbox)}
    )
    return Product(settings, keys, core, engine, chosen_assistant, chosen_senders, alerts, gateway, background, inboxes)


def take_slot(settings: Settings, engine: Engine) -> ExecutorSlot:
    """This process's place among those that do durable work. Raises helpline.storage.executor_slot.SlotTaken."""
    return PostgresSlot(engine) if settings.database_url else FileSlot(settings.data_folder)


def launch_flows(product: Product, slot: ExecutorSlot) -> None:
    """Start the durable engine in this process."""
    flows.launch(
        flows.Running(
            core=product.core,
            assistant=product.assistant,
            senders=product.senders,
            alerts=product.alerts,
            drain_spool=product.gateway.drain_spool,
            slot=slot,
            find_missed=lambda: find_missed(product.gateway, product.inboxes),
        ),
        open_flow_engine(product.settings, product.keys),
        takes_work=product.settings.runs_flows,
        poll_seconds=product.settings.flow_poll_seconds,
        turn_slots=product.settings.turn_slots,
    )


def stop_flows(product: Product) -> None:
    """Stop taking work, then the durable engine; what is unfinished is taken up by the next start."""
    product.background.stop()
    flows.stop()
