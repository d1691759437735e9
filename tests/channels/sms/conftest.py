"""A Twilio of our own, and where its API is."""

from collections.abc import Iterator

import pytest

from tests.channels.conftest import AUTH_TOKEN, on_loopback
from tests.fakes import SettableClock
from tests.fakes.twilio import FakeTwilio


@pytest.fixture
def twilio(clock: SettableClock) -> FakeTwilio:
    return FakeTwilio(AUTH_TOKEN, now=clock.now)


@pytest.fixture
def api(twilio: FakeTwilio) -> Iterator[str]:
    """Where that Twilio's API is."""
    with on_loopback(twilio.app()) as address:
        yield address
