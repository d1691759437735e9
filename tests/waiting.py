"""Waiting for something to become true, with an end to it."""

import time
from collections.abc import Callable

import pytest

WITHIN_SECONDS = 60.0


def wait_until[T](what: str, look: Callable[[], T], within: float = WITHIN_SECONDS) -> T:
    """The first true thing that look gives. Fails when it gives none in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail(f"not within {within:.0f} seconds: {what}")
