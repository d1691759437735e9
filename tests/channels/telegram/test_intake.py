"""What people do in Telegram is heard, a group is left, and what breaks us holds up nothing."""

from typing import Any

from structlog.testing import capture_logs

from channels.base import ChannelContext
from channels.gateway import Gateway, Outcome
from channels.telegram.bot_api import make_bot
from channels.telegram.receive import TRIES_FOR_ONE_UPDATE, Intake
from helpline.domain.messages import InboundMessage
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.models import Inbound
from tests.channels.breaking import held_by_another_process
from tests.channels.telegram.serving import no_pause
from tests.channels.telegram.updates import CHAT, edit, payload, press, reply_to, take, text
from tests.conftest import StartedWork
from tests.fakes import RecordingAlerts, RecordingSender
from tests.fakes.telegram import FakeTelegram
from tests.services import rows


def test_who_begins_is_told_what_this_is_and_not_welcomed_back(intake: Intake, core: Core) -> None:
    take(intake, payload("start"))
    assert rows.texts(core) == [core.say("welcome", "chat")]
    assert "999" in rows.texts(core)[0]
    take(intake, payload("start", update_id=810000099))
    assert rows.texts(core)[-1] == core.say("start-confirmed", "chat")


def test_stop_and_start_are_obeyed_as_commands(intake: Intake, core: Core) -> None:
    take(intake, payload("stop_with_name"))
    assert rows.contact(core, "telegram", CHAT).opted_out_at is not None
    take(intake, payload("start", update_id=810000098))
    assert rows.contact(core, "telegram", CHAT).opted_out_at is None


def test_whoever_blocks_us_has_opted_out_and_coming_back_is_theirs_to_say(intake: Intake, core: Core) -> None:
    take(intake, payload("text"), payload("blocked"))
    assert rows.contact(core, "telegram", CHAT).opted_out_at is not None
    said = len(rows.texts(core))
    take(intake, payload("unblocked"))
    assert rows.contact(core, "telegram", CHAT).opted_out_at is not None and len(rows.texts(core)) == said


def test_a_place_on_a_map_is_asked_for_in_words(intake: Intake, core: Core) -> None:
    take(intake, payload("location"))
    assert rows.texts(core) == [core.say("location-only", "chat")]


def test_a_place_that_has_an_address_is_noted(intake: Intake, core: Core) -> None:
    take(intake, payload("venue"))
    assert rows.conversation(core, "telegram", CHAT).district == "Chelmsford"


def test_an_album_without_words_is_answered_once(intake: Intake, core: Core) -> None:
    take(intake, *(payload("album_second_photo", update_id=810000100 + number) for number in range(4)))
    assert rows.texts(core) == [core.say("media-only", "chat")]


def test_a_group_is_told_once_and_left_and_nobody_in_it_is_kept(
    intake: Intake, core: Core, telegram: FakeTelegram
) -> None:
    take(intake, payload("added_to_group"), payload("text_in_group"), payload("removed_from_group"))
    assert telegram.texts == [core.say("group-refused", "chat")]
    assert {fields["chat_id"] for fields in telegram.calls("leaveChat")} == {"-1005550002"}
    assert rows.all_of(core, Inbound) == []


def test_a_group_that_we_may_not_write_to_is_left_all_the_same(intake: Intake, telegram: FakeTelegram) -> None:
    telegram.refuse("sendMessage", 400, "Bad Request: not enough rights")
    assert take(intake, payload("added_to_group")) == [Outcome.STORED]
    assert len(telegram.calls("leaveChat")) == 1


def test_somebody_who_waits_sees_that_we_are_typing_and_nobody_else_does(
    settings: Settings, keys: Keys, gateway: Gateway, core: Core, telegram: FakeTelegram
) -> None:
    answered_after = 2

    async def pause(seconds: float) -> None:
        if len(telegram.calls("sendChatAction")) == answered_after:
            reply_to(core, rows.all_of(core, Inbound)[0].entry_id)

    slow = Intake(ChannelContext(settings, keys, gateway), make_bot(settings), pause)
    take(slow, payload("text"))
    actions = telegram.calls("sendChatAction")
    assert [(fields["chat_id"], fields["action"]) for fields in actions] == [(CHAT, "typing")] * answered_after
    take(slow, payload("start"))
    assert len(telegram.calls("sendChatAction")) == answered_after


class FailingGateway(Gateway):
    """A gateway with a mistake in it that one message brings out."""

    def handle_inbound(self, message: InboundMessage) -> Any:
        if "poison" in message.text:
            raise RuntimeError(message.text)
        return super().handle_inbound(message)


def test_an_update_that_breaks_us_is_tried_again_and_then_holds_up_nothing(
    settings: Settings,
    keys: Keys,
    core: Core,
    sender: RecordingSender,
    started: StartedWork,
    spool: Spool,
    alerts: RecordingAlerts,
) -> None:
    gateway = FailingGateway(core, {"telegram": sender}, started.as_work(), spool, alerts)
    intake = Intake(ChannelContext(settings, keys, gateway), make_bot(settings), no_pause)
    with capture_logs() as logs:
        outcomes = take(intake, *[text("poison")] * TRIES_FOR_ONE_UPDATE, text("a question", 810000002))
    assert outcomes == [Outcome.REFUSED] * (TRIES_FOR_ONE_UPDATE - 1) + [Outcome.STORED] * 2
    assert len(rows.all_of(core, Inbound)) == 1
    assert "poison" not in str(logs)


def test_a_message_and_a_button_while_the_database_is_held_go_to_the_spool(
    intake: Intake, core: Core, gateway: Gateway, asked: int
) -> None:
    with held_by_another_process(core.database.engine):
        assert take(intake, text("a question", 810000070), press(asked, 0, "Yes")) == [Outcome.SPOOLED] * 2
        assert take(intake, edit("another question")) == [Outcome.SPOOLED]
    assert gateway.drain_spool() == 3
