"""The one door: stored, or spooled, or refused, and a person in danger answered in every case."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from channels.gateway import Background, Gateway, Outcome, Work
from channels.webchat.send import WebchatSender
from helpline.domain.messages import InboundMessage, SendError
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.spool import Spool
from helpline.storage.models import Inbound
from tests.channels.breaking import held_by_another_process, read_only
from tests.conftest import ADDRESS_KEY, StartedWork
from tests.fakes import PHONE, Hunches, RecordingAlerts, RecordingSender, text_from
from tests.services import rows
from tests.waiting import WITHIN_SECONDS

DANGER = "i want to kill myself"
QUESTION = "how do i stop mum falling"
HINT = "so tired of all of it"
BREAKAGES = pytest.mark.parametrize("broken", [read_only, held_by_another_process])
Breakage = Callable[[Engine], AbstractContextManager[None]]


def test_a_question_is_queued_and_danger_is_answered_at_once_without_the_queue(
    gateway: Gateway, started: StartedWork, sender: RecordingSender, alerts: RecordingAlerts
) -> None:
    assert gateway.handle_inbound(text_from(QUESTION, "SM1")).outcome is Outcome.STORED
    assert (len(started.turns), sender.texts) == (1, [])
    assert gateway.handle_inbound(text_from(DANGER, "SM2")).outcome is Outcome.STORED
    assert (len(started.turns), len(started.sends)) == (1, 0)
    assert ["999" in text for text in sender.texts] == [True]
    assert [kind for kind, _ in alerts.raised] == ["danger"]


def test_a_repeat_is_taken_and_starts_nothing(
    gateway: Gateway, sender: RecordingSender, alerts: RecordingAlerts
) -> None:
    for _ in range(3):
        assert gateway.handle_inbound(text_from(DANGER)).outcome is Outcome.STORED
    assert len(sender.texts) == 1
    assert len(alerts.raised) == 1


def test_the_provider_is_told_before_the_work_is_started(
    core: Core, sender: RecordingSender, started: StartedWork, spool: Spool, alerts: RecordingAlerts
) -> None:
    later: list[tuple[Callable[[], None], bool]] = []
    gateway = Gateway(
        core, {"sms": sender}, started.as_work(), spool, alerts, lambda work, urgent: later.append((work, urgent))
    )
    assert gateway.handle_inbound(text_from(QUESTION, "SM1")).outcome is Outcome.STORED
    assert gateway.handle_inbound(text_from(DANGER, "SM2")).outcome is Outcome.STORED
    assert (started.turns, sender.texts, alerts.raised) == ([], [], [])
    for work, _ in later:
        work()
    assert (len(started.turns), len(sender.texts)) == (1, 1)
    # The last is telling staff, which must not hold up the next reply to danger.
    assert [urgent for _, urgent in later] == [False, True, False]


def test_urgent_work_does_not_wait_for_the_rest_and_work_refused_while_stopping_is_left_to_the_sweep() -> None:
    background, hold, done = Background(), threading.Event(), threading.Event()

    def occupy() -> None:
        hold.wait(WITHIN_SECONDS)

    for _ in range(8):
        background.start(occupy, False)
    background.start(done.set, True)
    assert done.wait(WITHIN_SECONDS)
    hold.set()
    background.stop()
    refused: list[int] = []
    background.start(lambda: refused.append(1), True)
    assert refused == []


def test_work_that_cannot_be_started_does_not_make_the_provider_send_again(
    core: Core, sender: RecordingSender, spool: Spool, alerts: RecordingAlerts
) -> None:
    def refuse(entry_id: int, contact_id: str) -> None:
        raise RuntimeError("the queue is away")

    gateway = Gateway(core, {"sms": sender}, Work(refuse, refuse), spool, alerts)
    assert gateway.handle_inbound(text_from(QUESTION)).outcome is Outcome.STORED
    assert len(rows.all_of(core, Inbound)) == 1


@BREAKAGES
def test_when_the_database_cannot_be_written_a_message_is_spooled_and_taken_in_once_later(
    broken: Breakage, gateway: Gateway, engine: Engine, core: Core, started: StartedWork, sender: RecordingSender
) -> None:
    with broken(engine):
        for _ in range(2):
            assert gateway.handle_inbound(text_from(QUESTION)).outcome is Outcome.SPOOLED
        assert gateway.drain_spool() == 0
    assert (started.turns, sender.texts) == ([], [])
    assert gateway.drain_spool() == 1
    assert gateway.drain_spool() == 0
    assert len(started.turns) == 1
    [stored] = rows.all_of(core, Inbound)
    assert rows.stored_text(core, stored.entry_id) == QUESTION


@BREAKAGES
def test_when_the_database_cannot_be_written_danger_is_answered_all_the_same_and_only_once(
    broken: Breakage, gateway: Gateway, engine: Engine, core: Core, started: StartedWork, sender: RecordingSender
) -> None:
    with broken(engine):
        for _ in range(2):
            assert gateway.handle_inbound(text_from(DANGER)).outcome is Outcome.SPOOLED
        [warned] = sender.taken
        assert "999" in warned.text and warned.address == PHONE
    assert gateway.drain_spool() == 1
    assert started.sends == []
    assert len(sender.taken) == 1
    [case], [evidence] = rows.cases(core), rows.evidence(core)
    assert (case.kind, case.state, evidence.reply_entry_id) == ("suicide", "open", None)
    assert rows.outbox(core) == []


def test_the_yes_to_a_question_that_went_out_without_the_database_is_understood(
    gateway: Gateway, engine: Engine, core: Core, safety: SafetyContent
) -> None:
    gateway.core = replace(core, scanner=SafetyScanner(safety, Hunches({HINT: ("suicide", "me", 0.8)})))
    with held_by_another_process(engine):
        gateway.handle_inbound(text_from(HINT, "SM1"))
        gateway.handle_inbound(text_from("yes", "SM2"))
    assert gateway.drain_spool() == 2
    assert [one.rule for one in rows.evidence(core)][-1] == "answered-yes"
    assert [case.tier for case in rows.cases(core)] == [1]


def test_a_safety_reply_that_could_not_go_out_is_sent_when_the_spool_is_drained(
    gateway: Gateway, engine: Engine, started: StartedWork, sender: RecordingSender
) -> None:
    sender.refusals = [SendError("500", retryable=True, ours=False, staff_note="")] * 2
    with held_by_another_process(engine):
        assert gateway.handle_inbound(text_from(DANGER)).outcome is Outcome.SPOOLED
    assert sender.taken == []
    assert gateway.drain_spool() == 1
    assert len(started.sends) == 1, "refused once more, it is left to the durable engine"


def test_a_message_that_the_provider_brings_again_after_the_outage_is_answered_once(
    gateway: Gateway, engine: Engine, core: Core, started: StartedWork
) -> None:
    with held_by_another_process(engine):
        gateway.handle_inbound(text_from(QUESTION))
    assert gateway.handle_inbound(text_from(QUESTION)).outcome is Outcome.STORED
    assert gateway.drain_spool() == 1
    assert len(started.turns) == 1
    assert len(rows.all_of(core, Inbound)) == 1


def test_nothing_in_the_spool_can_be_read_without_the_key(gateway: Gateway, engine: Engine, tmp_path: Path) -> None:
    with held_by_another_process(engine):
        gateway.handle_inbound(text_from(f"{QUESTION} \ud800 and more"))
    [spooled] = (tmp_path / "spool").iterdir()
    content = spooled.read_bytes() + spooled.name.encode()
    for secret in (QUESTION, PHONE, PHONE.lstrip("+"), "SM1"):
        assert secret.encode() not in content
    [waiting] = Spool(tmp_path / "spool", ADDRESS_KEY).waiting()
    assert waiting.message.text.startswith(QUESTION)


def test_the_spool_gives_messages_back_in_the_order_in_which_they_came(
    gateway: Gateway, engine: Engine, core: Core
) -> None:
    with held_by_another_process(engine):
        for number in range(5):
            gateway.handle_inbound(text_from(f"question {number}", f"SM{number}"))
    gateway.drain_spool()
    stored = sorted(rows.all_of(core, Inbound), key=lambda one: one.entry_id)
    assert [one.provider_id for one in stored] == [f"SM{number}" for number in range(5)]


def test_a_file_in_the_spool_that_cannot_be_read_is_left_and_holds_up_no_other(
    gateway: Gateway, engine: Engine, tmp_path: Path
) -> None:
    with held_by_another_process(engine):
        gateway.handle_inbound(text_from(QUESTION))
    (tmp_path / "spool" / "damaged.message").write_bytes(b"not ours")
    assert gateway.drain_spool() == 1
    assert [path.name for path in (tmp_path / "spool").iterdir()] == ["damaged.message"]


@pytest.fixture
def unwritable_spool(tmp_path: Path) -> Spool:
    (tmp_path / "not-a-folder").write_text("")
    return Spool(tmp_path / "not-a-folder", ADDRESS_KEY)


def test_when_neither_can_be_written_the_provider_is_told_to_send_again_and_danger_is_still_answered(
    engine: Engine,
    core: Core,
    sender: RecordingSender,
    started: StartedWork,
    unwritable_spool: Spool,
    alerts: RecordingAlerts,
) -> None:
    gateway = Gateway(core, {"sms": sender}, started.as_work(), unwritable_spool, alerts)
    with held_by_another_process(engine):
        assert gateway.handle_inbound(text_from(QUESTION)).outcome is Outcome.REFUSED
        assert gateway.handle_inbound(text_from(DANGER, "SM2")).outcome is Outcome.REFUSED
    assert len(sender.taken) == 1
    assert "999" in sender.texts[0]
    assert gateway.handle_inbound(text_from(QUESTION)).outcome is Outcome.STORED


def test_danger_on_the_web_is_not_thought_answered_while_nothing_can_be_shown_on_the_page(
    engine: Engine, core: Core, started: StartedWork, spool: Spool, alerts: RecordingAlerts
) -> None:
    """A chat reply reaches its page only by the database, so after an outage it must still come."""
    gateway = Gateway(core, {"web": WebchatSender()}, started.as_work(), spool, alerts)
    with held_by_another_process(engine):
        gateway.handle_inbound(InboundMessage("web", "scope:id", "session", DANGER))
    gateway.drain_spool()
    assert any("999" in reply for reply in rows.texts(core))


def test_an_outage_between_two_repeats_leaves_one_row(gateway: Gateway, engine: Engine, core: Core) -> None:
    receive(core, text_from(QUESTION))
    with held_by_another_process(engine):
        assert gateway.handle_inbound(text_from(QUESTION)).outcome is Outcome.SPOOLED
    gateway.drain_spool()
    assert len(rows.all_of(core, Inbound)) == 1


def test_stop_while_the_database_is_away_gets_no_question_however_suspicious_it_looks(
    core: Core, engine: Engine, safety: SafetyContent, sender: RecordingSender, spool: Spool, alerts: RecordingAlerts
) -> None:
    suspicious = replace(core, scanner=SafetyScanner(safety, Hunches({"": ("suicide", "me", 0.99)})))
    gateway = Gateway(suspicious, {"sms": sender}, StartedWork().as_work(), spool, alerts)
    with held_by_another_process(engine):
        assert gateway.handle_inbound(text_from("just leave me alone")).outcome is Outcome.SPOOLED
    assert sender.texts == []
