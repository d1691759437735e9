"""What stands in for everything outside: at the ports (ports.py), and as the providers themselves (providers.py)."""

from tests.fakes.ports import (
    NOON,
    PHONE,
    Hunches,
    RecordingAlerts,
    RecordingSender,
    ScriptedAssistant,
    SettableClock,
    new_message,
    new_phone,
    text_from,
)

__all__ = [
    "NOON",
    "PHONE",
    "Hunches",
    "RecordingAlerts",
    "RecordingSender",
    "ScriptedAssistant",
    "SettableClock",
    "new_message",
    "new_phone",
    "text_from",
]
