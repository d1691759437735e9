"""Putting a helpline together without its edges, in this process or in one that will be killed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from channels.gateway import Background, Gateway, Work
from channels.missed import find_missed
from content.schema import Content
from helpline import flows
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.ports import Alerts, Assistant, Clock, Inbox, MessageSender
from helpline.services.core import Core
from helpline.spool import Spool
from helpline.storage.engine import open_encrypted_file, open_encrypted_flow_file, open_postgresql
from helpline.storage.executor_slot import FileSlot, PostgresSlot
from helpline.storage.migrate import migrate
from tests.conftest import ADDRESS_KEY, FILE_KEY, make_core


@contextmanager
def running(
    folder: Path,
    database_url: str | None,
    words: tuple[Content, SafetyContent, SafetyScanner],
    clock: Clock,
    assistant: Assistant,
    sender: MessageSender,
    alerts: Alerts,
    inboxes: Mapping[str, Inbox] | None = None,
) -> Iterator[tuple[Core, Gateway, str]]:
    """The durable engine and the gateway on a folder, or on PostgreSQL: core, gateway and the executor's name."""
    if database_url:
        engine, flow_engine = open_postgresql(database_url), open_postgresql(database_url)
    else:
        engine = open_encrypted_file(folder / "helpline.db", FILE_KEY)
        flow_engine = open_encrypted_flow_file(folder / "flows.db", FILE_KEY)
    migrate(engine)
    core = make_core(engine, clock, *words)
    senders = {"sms": sender, "telegram": sender, "web": sender}
    background = Background()
    work = Work(flows.queue_turn, flows.send_at_once)
    gateway = Gateway(core, senders, work, Spool(folder / "spool", ADDRESS_KEY), alerts, background.start)
    slot = PostgresSlot(engine) if database_url else FileSlot(folder)
    flows.launch(
        flows.Running(
            core,
            assistant,
            senders,
            alerts,
            gateway.drain_spool,
            slot,
            lambda: find_missed(gateway, inboxes or {}),
        ),
        flow_engine,
        takes_work=True,
        poll_seconds=0.05,
        turn_slots=8,
    )
    try:
        yield core, gateway, slot.executor_id
    finally:
        background.stop()
        flows.stop()
        slot.release()
        engine.dispose()
        flow_engine.dispose()
