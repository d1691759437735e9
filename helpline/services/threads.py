"""Reading a person's own thread back to them, on the channel that they hold in their hand."""

from dataclasses import dataclass
from datetime import datetime

from helpline.domain.messages import InboundState, OutboxState
from helpline.services.core import Core
from helpline.storage import repositories


@dataclass(frozen=True)
class ThreadMessage:
    """One message of a thread, as its page shows it. provider_id is set on the person's own messages."""

    id: int
    from_person: bool
    text: str
    options: tuple[str, ...]
    at: datetime
    provider_id: str | None
    waits: bool
    segments: int
    encoding: str
    state: str

    @property
    def is_unsettled(self) -> bool:
        """Whether its state can still change."""
        return self.state in (InboundState.RECEIVED, OutboxState.QUEUED, OutboxState.SENDING)


def thread_after(core: Core, channel: str, address: str, after: int = 0, most: int = 200) -> list[ThreadMessage]:
    """The messages of the person at this address after an entry id, oldest first.

    Raises:
        StorageUnavailable: try again later.
    """
    with core.database.read() as session:
        contact = repositories.find_contact(session, core.addresses, channel, address)
        if contact is None:
            return []
        return [
            ThreadMessage(
                id=entry.id,
                from_person=inbound is not None,
                text=entry.text,
                options=tuple(outbox.options) if outbox else (),
                at=entry.at,
                provider_id=inbound.provider_id if inbound else None,
                waits=inbound is not None and inbound.state == InboundState.RECEIVED,
                segments=outbox.segments if outbox else 0,
                encoding=outbox.encoding if outbox else "",
                state=outbox.state if outbox else inbound.state if inbound else "",
            )
            for entry, inbound, outbox in repositories.thread_after(session, contact, after, most)
        ]
