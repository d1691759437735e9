"""The web application over a real core, called in this process or over loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from litestar import Litestar
from litestar.testing import TestClient

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.settings import Settings
from helpline.spool import Spool
from tests.conftest import ADDRESS_KEY, FILE_KEY, HASH_KEY
from tests.fakes import ScriptedAssistant
from tests.waiting import wait_until

PUBLIC = "https://care.example"
AUTH_TOKEN = "an-auth-token"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    return Settings(public_url=PUBLIC, twilio_account_sid=None, database_url=None, environment="local")


@pytest.fixture
def keys() -> Keys:
    return Keys(
        database_key=FILE_KEY,
        address_key=ADDRESS_KEY,
        address_hash_key=HASH_KEY,
        assistant_token="an-assistant-token",
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token=AUTH_TOKEN,
    )


@pytest.fixture
def broken_spool(tmp_path: Path) -> Spool:
    """A spool that nothing can be written to."""
    (tmp_path / "not-a-folder").write_text("")
    return Spool(tmp_path / "not-a-folder", ADDRESS_KEY)


@pytest.fixture
def app(settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core) -> Litestar:
    return create_app(ChannelContext(settings, keys, gateway), assistant, core, start=lambda: None, stop=lambda: None)


@pytest.fixture
def client(app: Litestar) -> Iterator[TestClient[Litestar]]:
    with TestClient(app, base_url=PUBLIC, raise_server_exceptions=False) as client:
        yield client


@contextmanager
def on_loopback(app: Litestar, port: int = 0) -> Iterator[str]:
    """The address of the application, served by a real server: what streams cannot be tested without one."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until("the server listens", lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=15)
