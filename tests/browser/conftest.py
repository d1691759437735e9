"""A browser for the tests of the public pages, and the chat behind them.

Most use `chat`: the real application over a real database, with a scripted assistant in Rasa's place, so that a test
says what is answered and when. Some use `live_url`, the whole product as `helpline up` runs it.
"""

import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Background, Gateway, Work
from channels.webchat.send import WebchatSender
from content.safety_schema import SafetyContent
from content.schema import Content
from helpline.clock import SystemClock
from helpline.domain.safety import SafetyScanner
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.services.sending import deliver
from helpline.services.turns import next_turn, settle_turn
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.engine import open_encrypted_file
from tests.channels.conftest import on_loopback
from tests.conftest import ADDRESS_KEY, FILE_KEY, HASH_KEY, make_core
from tests.fakes import RecordingAlerts, ScriptedAssistant
from tests.running_helpline import free_port

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A real turn may wait for a model that has just been loaded.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium. Without one the tests are skipped, except where CI is set: there its absence is a failure."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        path = next(filter(None, map(shutil.which, NAMES)), own)
        if not Path(path).exists():
            if os.environ.get("CI"):
                pytest.fail("no Chromium was found, and CI must run the browser tests")
            pytest.skip("no Chromium was found")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh person: no cookie, a desktop screen, and no animation to wait for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test when a script breaks or the content policy stops something."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield page
    assert faults == []


@dataclass
class Chat:
    """The running chat. council: a page of another site that has our script tag, and may show us in a frame."""

    url: str
    council: str
    assistant: ScriptedAssistant


@pytest.fixture(scope="package")
def running_chat(
    migrated_file: Path,
    content: Content,
    safety: SafetyContent,
    scanner: SafetyScanner,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Chat]:
    folder = tmp_path_factory.mktemp("chat")
    shutil.copy(migrated_file, folder / "helpline.db")
    engine = open_encrypted_file(folder / "helpline.db", FILE_KEY)
    core = make_core(engine, SystemClock(), content, safety, scanner)
    assistant, background, sender = ScriptedAssistant(), Background(), WebchatSender()
    gateway = Gateway(
        core,
        {"web": sender},
        Work(queue_turn=turns_of(core, assistant, sender), send_at_once=lambda entry_id, contact_id: None),
        Spool(folder / "spool", ADDRESS_KEY),
        RecordingAlerts(),
        background.start,
    )
    keys = Keys(FILE_KEY, ADDRESS_KEY, HASH_KEY, "an-assistant-token", "AC" + "0" * 32, "an-auth-token")
    # localhost and 127.0.0.1 are two sites to a browser.
    council = f"http://localhost:{free_port()}"
    settings = Settings(
        public_url=None,
        twilio_account_sid=None,
        database_url=None,
        environment="local",
        embed_origins=council,
        chat_posts_per_minute_and_address=100_000,
    )
    app = create_app(ChannelContext(settings, keys, gateway), assistant, core, lambda: None, background.stop)
    with on_loopback(app) as url, council_site(council, url):
        yield Chat(url, council, assistant)
    engine.dispose()


@pytest.fixture
def chat(running_chat: Chat) -> Chat:
    """The running chat, whose assistant answers again as it does before anybody changes that."""
    running_chat.assistant.recover()
    return running_chat


def turns_of(core: Core, assistant: ScriptedAssistant, sender: WebchatSender) -> Callable[[int, str], None]:
    """The turn without the durable engine: asks, settles, sends."""

    def run(message_id: int, contact_id: str) -> None:
        request = next_turn(core, message_id)
        if request is None:
            return
        replies = assistant.answer(request.sender, request.text, request.metadata)
        outbox_id = settle_turn(core, request.message_id, replies)
        if outbox_id is not None:
            deliver(core, {"web": sender}, outbox_id, is_last_attempt=True)

    return run


COUNCIL_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Adult social care - A council</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script src="{helpline}/chat/widget.js" async></script></head>
<body><main><h1>Adult social care</h1><p>Words of the council. <a href="/other">Another page</a></p></main></body>
</html>
"""


@contextmanager
def council_site(address: str, helpline: str) -> Iterator[None]:
    """A site with a strict content policy of its own: it allows our script and our frame, and no inline style."""

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = COUNCIL_PAGE.format(helpline=helpline).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.send_header(
                "Content-Security-Policy", f"default-src 'self'; script-src {helpline}; frame-src {helpline}"
            )
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(address.rpartition(":")[2])), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
