"""What a channel may ask of what it has handed in, by its provider's own ids."""

from collections.abc import Iterable
from datetime import timedelta

from helpline.domain.messages import InboundState
from helpline.services.core import Core
from helpline.storage import repositories

NEWEST_ENTRY = 2**31 - 1


def is_waiting(core: Core, channel: str, provider_id: str) -> bool:
    """Whether a message is still to be answered. Raises StorageUnavailable."""
    with core.database.read() as session:
        inbound = repositories.find_inbound(session, channel, provider_id)
        return inbound is not None and inbound.state == InboundState.RECEIVED


def recent_words(core: Core, channel: str, address: str, within: timedelta, most: int) -> list[str]:
    """The last messages of the person at an address, oldest first. Raises StorageUnavailable."""
    with core.database.read() as session:
        contact = repositories.find_contact(session, core.addresses, channel, address)
        if contact is None:
            return []
        since = core.clock.now() - within
        return repositories.recent_inbound_texts(session, contact.id, NEWEST_ENTRY, since, most)


def known_provider_ids(core: Core, channel: str, provider_ids: Iterable[str]) -> set[str]:
    """Those of a provider's ids whose messages we have. Raises StorageUnavailable."""
    with core.database.read() as session:
        return repositories.known_provider_ids(session, channel, list(provider_ids))


def latest_provider_ids(core: Core, channel: str, most: int) -> list[str]:
    """The provider's ids of the last messages of a channel, newest first. Raises StorageUnavailable."""
    with core.database.read() as session:
        return repositories.latest_provider_ids(session, channel, most)
