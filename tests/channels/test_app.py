"""The web application as a whole."""

from litestar.testing import TestClient
from structlog.testing import capture_logs

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway, Handled
from helpline.domain.messages import InboundMessage
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.settings import Settings
from helpline.spool import Spool
from tests.channels.conftest import PUBLIC
from tests.conftest import StartedWork
from tests.fakes import RecordingAlerts, ScriptedAssistant


class BreakingGateway(Gateway):
    """Breaks over every message, as nobody expected."""

    def handle_inbound(self, message: InboundMessage) -> Handled:
        raise RuntimeError(message.text)


def test_what_breaks_is_named_in_the_log_without_a_word_of_what_was_sent(
    settings: Settings,
    keys: Keys,
    core: Core,
    started: StartedWork,
    spool: Spool,
    alerts: RecordingAlerts,
    assistant: ScriptedAssistant,
) -> None:
    gateway = BreakingGateway(core, {}, started.as_work(), spool, alerts)
    app = create_app(ChannelContext(settings, keys, gateway), assistant, core, start=lambda: None, stop=lambda: None)
    with TestClient(app, base_url=PUBLIC, raise_server_exceptions=False) as client, capture_logs() as logs:
        client.get("/chat")
        answer = client.post("/chat/messages?about=mum", json={"id": "client-id-1", "text": "about my mum"})
    assert (answer.status_code, answer.json()["detail"]) == (500, "Internal Server Error")
    assert answer.headers["x-content-type-options"] == "nosniff"
    [noted] = [line for line in logs if line["log_level"] == "error"]
    assert (noted["event"], noted["route"], noted["error"]) == ("request failed", "/chat/messages", "RuntimeError")
    assert "mum" not in str(logs) + answer.text
