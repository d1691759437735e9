"""A pretend Telegram on loopback, and the helpline that hears from it."""

from collections.abc import Iterator

import pytest
from litestar import Litestar

from channels.base import ChannelContext
from channels.gateway import Gateway
from channels.telegram.bot_api import make_bot
from channels.telegram.receive import Intake
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.settings import Settings
from helpline.storage.models import Inbound
from tests.channels.conftest import on_loopback
from tests.channels.telegram.serving import no_pause, settings_for
from tests.channels.telegram.updates import LOOP, payload, reply_to, take
from tests.fakes.telegram import FakeTelegram, telegram_handlers
from tests.services import rows


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FakeTelegram, str]]:
    telegram = FakeTelegram()
    with on_loopback(Litestar(telegram_handlers(telegram), openapi_config=None)) as address:
        yield telegram, address


@pytest.fixture
def telegram(served: tuple[FakeTelegram, str]) -> FakeTelegram:
    telegram, _ = served
    telegram.forget()
    return telegram


@pytest.fixture
def address(served: tuple[FakeTelegram, str], telegram: FakeTelegram) -> str:
    return served[1]


@pytest.fixture(scope="module", autouse=True)
def loop() -> Iterator[None]:
    yield
    LOOP.close()


@pytest.fixture
def settings(address: str) -> Settings:
    return settings_for(address)


@pytest.fixture
def intake(settings: Settings, keys: Keys, gateway: Gateway) -> Intake:
    return Intake(ChannelContext(settings, keys, gateway), make_bot(settings), no_pause)


@pytest.fixture
def asked(intake: Intake, core: Core) -> int:
    """The entry id of a question with the buttons Yes and No."""
    take(intake, payload("text"))
    return reply_to(core, rows.all_of(core, Inbound)[0].entry_id, "Yes", "No")
