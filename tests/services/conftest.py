"""A person who writes, a message at a time."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from helpline.services.arrival import Received
from helpline.services.core import Core
from helpline.services.receiving import receive
from tests.fakes import PHONE, SettableClock, new_message

Hears = Callable[..., Received]


@pytest.fixture
def hears(core: Core, clock: SettableClock) -> Hears:
    """Takes in a message that comes some time after the last one."""

    def hear(
        text: str, channel: str = "sms", address: str = PHONE, after: timedelta = timedelta(seconds=10)
    ) -> Received:
        clock.advance(after)
        return receive(core, new_message(text, channel, address))

    return hear
