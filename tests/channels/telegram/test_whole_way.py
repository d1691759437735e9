"""A question by Telegram, its answer and a button travel the whole way, and a script of them is replayed."""

from pathlib import Path

from channels.telegram.send import TelegramSender
from content.schema import Content
from helpline.domain.messages import Reply
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.keys import Keys
from helpline.replay import read_scripts
from tests.channels.telegram.serving import client_of, settings_for
from tests.channels.telegram.updates import payload, press
from tests.fakes import RecordingAlerts, ScriptedAssistant, SettableClock
from tests.fakes.telegram import FakeTelegram
from tests.flows.starting import running
from tests.services import rows
from tests.waiting import wait_until


def test_a_question_its_answer_and_the_button_under_it_travel_the_whole_way(
    address: str,
    telegram: FakeTelegram,
    keys: Keys,
    content: Content,
    safety: SafetyContent,
    scanner: SafetyScanner,
    assistant: ScriptedAssistant,
    tmp_path: Path,
) -> None:
    settings = settings_for(address, "polling")
    sender = TelegramSender.from_settings(settings)
    words = (content, safety, scanner)
    assistant.respond = lambda said: [Reply(f"about: {said}", ("Yes", "No"))]
    with running(tmp_path, None, words, SettableClock(), assistant, sender, RecordingAlerts()) as (core, gateway, _):
        with client_of(settings, keys, gateway, assistant, core):
            telegram.updates = [payload("text")]
            wait_until("the answer is there", lambda: telegram.texts)
            entry_id = rows.outbox(core)[0].entry_id
            telegram.updates = [press(entry_id, 0, "Yes")]
            wait_until("the answer to the button is there", lambda: len(telegram.texts) == 2)
        wait_until("both are recorded", lambda: [row.state for row in rows.outbox(core)] == ["sent", "sent"])
    assert telegram.texts == ["about: how do i stop mum falling", "about: Yes"]


def test_scripts_for_telegram_can_be_replayed(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": 1, "text": "a question"}\n')
    assert [script.channel for script in read_scripts(tmp_path / "in.jsonl", "telegram")] == ["telegram"]
