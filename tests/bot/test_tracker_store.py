"""Conversations are kept in memory, few turns of few people."""

from __future__ import annotations

import asyncio

from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from tracker_store import BoundedMemoryTrackerStore, last_turns


def turns(count: int) -> list:
    events = [ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen")]
    for number in range(count):
        events += [
            UserUttered(f"question {number}", {"name": "guide"}),
            ActionExecuted("action_guide"),
            ActionExecuted("action_listen"),
        ]
    return events


def store(**bounds: int) -> BoundedMemoryTrackerStore:
    return BoundedMemoryTrackerStore(Domain.empty(), **bounds)


def keep(where: BoundedMemoryTrackerStore, sender: str, count: int) -> None:
    asyncio.run(where.save(DialogueStateTracker.from_events(sender, turns(count))))


def test_a_long_conversation_is_cut_at_the_start_of_a_turn() -> None:
    kept = last_turns(turns(50), 3)
    assert [event.text for event in kept if isinstance(event, UserUttered)] == [
        "question 47",
        "question 48",
        "question 49",
    ]
    assert isinstance(kept[0], ActionExecuted)
    assert kept[0].action_name == "action_listen"


def test_a_turn_costs_the_same_after_a_thousand() -> None:
    where = store(turns=3)
    keep(where, "a", 1000)
    found = asyncio.run(where.retrieve("a"))
    assert found is not None
    assert len(found.events) == 1 + 3 * 3


def test_the_conversation_not_used_for_longest_goes_first() -> None:
    where = store(conversations=2)
    keep(where, "a", 1)
    keep(where, "b", 1)
    asyncio.run(where.retrieve("a"))
    keep(where, "c", 1)
    assert sorted(asyncio.run(where.keys())) == ["a", "c"]
    assert asyncio.run(where.retrieve("b")) is None


def test_what_comes_back_is_a_copy() -> None:
    where = store()
    keep(where, "a", 1)
    found = asyncio.run(where.retrieve("a"))
    found.update(ActionExecuted("action_menu"))
    assert len(asyncio.run(where.retrieve("a")).events) == len(found.events) - 1
