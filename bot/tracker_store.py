"""Keeps the last few turns of the last conversations in memory, and nothing on disk.

What was said, asked and answered lives in the gateway's database, encrypted. Rasa needs only the turn that it
is in. So no message lies in a second place, a turn costs the same on the thousandth message as on the first,
and a restart loses nothing that anybody would miss.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event
from rasa.shared.core.trackers import DialogueStateTracker


def last_turns(events: Iterable[Event], turns: int) -> list[Event]:
    """Return the events of the last turns. A turn starts where the assistant begins to listen.

    Cutting only there keeps every turn whole, which is what the rules are matched against.
    """
    kept = list(events)
    starts = [
        place
        for place, event in enumerate(kept)
        if isinstance(event, ActionExecuted) and event.action_name == ACTION_LISTEN_NAME
    ]
    # The last start is the turn that has not happened yet.
    return kept[starts[-turns - 1] :] if len(starts) > turns else kept


class BoundedMemoryTrackerStore(TrackerStore):
    """Holds at most `conversations` conversations of `turns` turns; the one not used for longest goes first."""

    def __init__(
        self,
        domain: Domain | None,
        event_broker: EventBroker | None = None,
        conversations: int = 5000,
        turns: int = 3,
        **kwargs: Any,
    ) -> None:
        """Take the bounds from endpoints.yml."""
        super().__init__(domain, event_broker)
        self._conversations = max(1, int(conversations))
        self._turns = max(1, int(turns))
        self._events: OrderedDict[str, list[Event]] = OrderedDict()

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep the last turns of this conversation."""
        await self.stream_events(tracker)
        self._events[tracker.sender_id] = last_turns(tracker.events, self._turns)
        self._events.move_to_end(tracker.sender_id)
        while len(self._events) > self._conversations:
            self._events.popitem(last=False)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Return the conversation as far as it is kept, or None."""
        events = self._events.get(sender_id)
        if events is None:
            return None
        self._events.move_to_end(sender_id)
        return DialogueStateTracker.from_events(
            sender_id, events, slots=self.domain.slots, sender_source=None, domain=self.domain
        )

    async def keys(self) -> Iterable[str]:
        """Return the ids of the conversations that are kept."""
        return list(self._events)
