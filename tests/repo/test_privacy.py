"""Nobody's words and nobody's number lie readable on a disk, in the data or in the logs, on a good day or a bad one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpline.settings import REPOSITORY
from tests.flows.runner import read

# A helpline in a process of its own, so that its logs are set up and caught as they are in service.
SCRIPT = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from helpline.bootstrap import build, launch_flows, stop_flows, take_slot
from helpline.domain.messages import InboundMessage
from helpline.logs import set_up_logs
from helpline.services.threads import thread_after
from helpline.settings import Settings
from tests.flows.runner import FileAssistant, FileSender

set_up_logs()
outside = Path(sys.argv[1])
words, phone = sys.argv[2], sys.argv[3]

class Assistant(FileAssistant):
    def answer(self, sender, text, metadata):
        if "poison" in text:
            (outside / "poisoned").touch()
            raise RuntimeError(f"could not read {text}")
        return super().answer(sender, text, metadata)

sender = FileSender(outside)
product = build(Settings(), assistant=Assistant(outside), senders={"sms": sender, "web": sender})
launch_flows(product, take_slot(product.settings, product.engine))
for number, text in enumerate([words, f"i want to kill myself {words}", f"a poison {words}"]):
    product.gateway.handle_inbound(InboundMessage("sms", f"SM{number}", phone, text))
deadline = time.monotonic() + 30

def has_tried_all():
    thread = thread_after(product.core, "sms", phone)
    return (outside / "poisoned").exists() and sum(entry.is_unsettled for entry in thread) <= 1

while not has_tried_all() and time.monotonic() < deadline:
    time.sleep(0.05)
product.gateway.handle_inbound(InboundMessage("sms", "SM-stop", phone, "STOP"))
product.gateway.handle_inbound(InboundMessage("sms", "SM-last", phone, f"after {words}"))
stop_flows(product)
product.engine.dispose()
"""

CANARY = "zwetschgenkuchen"
PHONE = "+447700900617"


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a helpline that one person has talked to: data/, log and outside/ (the provider's side).

    One of the messages makes the assistant fail with the person's words in its error.
    """
    folder = tmp_path_factory.mktemp("conversation")
    (folder / "outside").mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HELPLINE_")}
    with (folder / "log").open("wb") as log:
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(folder / "outside"), CANARY, PHONE],
            cwd=REPOSITORY,
            env=environment | {"HELPLINE_DATA_FOLDER": str(folder / "data")},
            stdout=log,
            stderr=log,
            check=True,
            timeout=120,
        )
    assert len(read(folder / "outside" / "taken")) >= 2, "the conversation took place"
    assert (folder / "outside" / "poisoned").exists()
    return folder


def readable_in(files: list[Path]) -> set[str]:
    return {
        f"{path.name}: {secret}"
        for path in files
        for secret in (CANARY, CANARY.upper(), PHONE, PHONE.lstrip("+"), PHONE.replace("+44", "0"))
        if secret.encode() in path.read_bytes() or secret.encode() in path.name.encode()
    }


def test_nobodys_words_or_number_are_readable_in_the_data_folder(conversation: Path) -> None:
    files = [path for path in (conversation / "data").rglob("*") if path.is_file()]
    assert {"helpline.db", "flows.db", "keys.json"} <= {path.name for path in files}
    assert readable_in(files) == set()


def test_nobodys_words_or_number_are_in_the_log(conversation: Path) -> None:
    assert b"danger" in (conversation / "log").read_bytes()
    assert readable_in([conversation / "log"]) == set()


LOGGING = """
import logging, sys
import structlog
from helpline.alerts import LoggedAlerts
from helpline.logs import set_up_logs

set_up_logs()
secret = sys.argv[1]
structlog.get_logger("flows").warning("send failed", code="21610", text=secret, address=secret, exc_info=False)
LoggedAlerts().raise_alert("danger", case_id=7, message_id=9)
logging.getLogger("httpx").info("POST %s", secret)
logging.getLogger("some.library").warning("request body %s", secret)
logging.getLogger("some.library").error("could not handle %s", secret)
try:
    raise ValueError(secret)
except ValueError:
    logging.getLogger("some.library").exception("failed")
    logging.getLogger("dbos").error("step failed", exc_info=True)
"""


def test_a_log_line_says_what_failed_and_never_what_was_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOGGING, CANARY], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    lines = done.stderr.splitlines()
    assert json.loads(lines[0]) | {"timestamp": ""} == {
        "code": "21610",
        "event": "send failed",
        "level": "warning",
        "timestamp": "",
    }
    assert json.loads(lines[1])["alert"] == "danger"
    assert "ERROR some.library" in lines
    assert CANARY not in done.stderr + done.stdout
