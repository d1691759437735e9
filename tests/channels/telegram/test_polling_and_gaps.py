"""Updates that are fetched from Telegram: confirmed only when stored, and missed when they never came."""

from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs
from telegram.error import NetworkError

from channels.base import ChannelContext
from channels.gateway import Gateway
from channels.telegram.bot_api import make_bot
from channels.telegram.gaps import GRACE, LONGEST_GAP, UpdateGaps
from channels.telegram.receive import Intake, StoringQueue
from helpline.domain.messages import InboundMessage
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.models import Inbound, StaffAlarm
from tests.channels.breaking import held_by_another_process
from tests.channels.telegram.serving import client_of, no_pause, settings_for
from tests.channels.telegram.updates import CHAT, payload, read, text
from tests.conftest import ADDRESS_KEY, StartedWork
from tests.fakes import RecordingAlerts, RecordingSender, ScriptedAssistant, SettableClock
from tests.fakes.telegram import FakeTelegram
from tests.services import rows
from tests.waiting import wait_until


def test_updates_that_are_fetched_are_confirmed_only_when_they_are_stored(
    address: str,
    keys: Keys,
    gateway: Gateway,
    assistant: ScriptedAssistant,
    core: Core,
    telegram: FakeTelegram,
) -> None:
    telegram.updates = [payload("text"), text("and dad", 810000002)]
    with client_of(settings_for(address, "polling"), keys, gateway, assistant, core):
        wait_until("both are confirmed", lambda: not telegram.updates)
        assert len(rows.all_of(core, Inbound)) == 2
    confirmed = [int(fields["offset"]) for fields in telegram.calls("getUpdates") if fields.get("offset", "0") != "0"]
    assert set(confirmed) == {810000003}
    assert telegram.calls("deleteWebhook") and not telegram.calls("setWebhook")


def test_the_library_is_not_told_that_an_update_is_there_which_is_not_stored(
    settings: Settings, keys: Keys, core: Core, sender: RecordingSender, started: StartedWork, tmp_path: Path
) -> None:
    (tmp_path / "not-a-folder").write_text("")
    spool = Spool(tmp_path / "not-a-folder", ADDRESS_KEY)
    gateway = Gateway(core, {"telegram": sender}, started.as_work(), spool, RecordingAlerts())

    async def put() -> None:
        queue = StoringQueue(Intake(ChannelContext(settings, keys, gateway), make_bot(settings), no_pause))
        with held_by_another_process(core.database.engine), pytest.raises(NetworkError):
            await queue.put(read(payload("text")))
        await queue.put(read(payload("text")))
        assert queue.empty()

    anyio.run(put)
    assert len(rows.all_of(core, Inbound)) == 1


def test_polling_goes_on_after_telegram_had_a_fault(
    address: str,
    keys: Keys,
    gateway: Gateway,
    assistant: ScriptedAssistant,
    core: Core,
    telegram: FakeTelegram,
) -> None:
    telegram.refuse("getUpdates", 502, "Bad Gateway")
    telegram.updates = [payload("text")]
    with client_of(settings_for(address, "polling"), keys, gateway, assistant, core):
        wait_until("it is stored", lambda: rows.all_of(core, Inbound))


def test_numbers_that_never_came_are_reported_once_and_only_those(core: Core, clock: SettableClock) -> None:
    gaps = UpdateGaps(core)
    with capture_logs() as logs:
        for update_id in (100, 101, 105, 103):
            gaps.note(update_id)
        assert logs == []
        receive(core, InboundMessage("telegram", "edit:104", CHAT, "by another process"))
        clock.advance(GRACE)
        gaps.note(106)
        gaps.note(107)
    assert [(line["event"], line["update_id"], line["count"]) for line in logs] == [("updates missing", 102, 1)]
    assert [(alarm.kind, alarm.ids["update_id"]) for alarm in rows.all_of(core, StaffAlarm)] == [
        ("updates-missing", 102)
    ]


def test_a_gap_that_a_stop_has_left_is_found_after_the_start(core: Core, clock: SettableClock) -> None:
    for provider_id in ("album:1", "50", "button:7:0"):
        receive(core, InboundMessage("telegram", provider_id, CHAT, "before the stop"))
    receive(core, InboundMessage("telegram", "60", CHAT, "after it"))
    gaps = UpdateGaps(core)
    with capture_logs() as logs:
        gaps.note(60)
        clock.advance(GRACE)
        gaps.note(61)
    assert [(line["update_id"], line["count"]) for line in logs] == [(51, 9)]


@pytest.mark.parametrize("anew", [100 + 2 * LONGEST_GAP, 100_000_000_000])
def test_numbers_that_begin_anew_after_a_silent_week_are_no_gap(core: Core, clock: SettableClock, anew: int) -> None:
    gaps = UpdateGaps(core)
    with capture_logs() as logs:
        for update_id in (anew, 100, 101, anew):
            gaps.note(update_id)
            clock.advance(GRACE)
    assert logs == []
