"""The helpline with Telegram, as the tests set it up and start it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient
from pydantic import SecretStr

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.settings import Settings
from tests.channels.conftest import PUBLIC
from tests.fakes import ScriptedAssistant
from tests.fakes.telegram import TOKEN

SECRET = "a-secret-of-the-tests_1"
NOWHERE = "http://127.0.0.1:1"


def settings_for(address: str = NOWHERE, mode: str = "webhook", **more: Any) -> Settings:
    return Settings(
        public_url=PUBLIC,
        database_url=None,
        telegram_api_url=address,
        telegram_bot_token=SecretStr(TOKEN),
        telegram_webhook_secret=SecretStr(SECRET),
        **({"telegram_mode": mode} | more),  # type: ignore[arg-type]
    )


@contextmanager
def client_of(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> Iterator[TestClient[Litestar]]:
    app = create_app(ChannelContext(settings, keys, gateway), assistant, core, lambda: None, lambda: None)
    with TestClient(app, base_url=PUBLIC, raise_server_exceptions=False) as client:
        yield client


async def no_pause(seconds: float) -> None:
    """No time passes."""
