"""What every channel keeps to, whichever it is. A new channel is tested here by being registered."""

from datetime import UTC, datetime, timedelta

import pytest
from litestar import Litestar
from pydantic import SecretStr

from channels.base import Channel, ChannelContext
from channels.gateway import Gateway
from channels.registry import CHANNELS
from channels.simulator.provider import PretendTwilio, provider_handlers
from helpline.domain.messages import OutboundMessage, SendError, SendResult
from helpline.keys import Keys
from helpline.settings import REPOSITORY, Settings
from tests.channels.conftest import on_loopback
from tests.fakes import PHONE
from tests.fakes.telegram import TOKEN, FakeTelegram, telegram_handlers

EACH = pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


def with_provider_at(address: str) -> Settings:
    """Settings with the provider of every channel at one address."""
    return Settings(
        twilio_api_url=address,
        telegram_api_url=address,
        telegram_bot_token=SecretStr(TOKEN),
        telegram_mode="polling",
    )


def every_provider() -> Litestar:
    handlers = [*provider_handlers(PretendTwilio()), *telegram_handlers(FakeTelegram())]
    return Litestar(handlers, openapi_config=None)


def test_no_two_channels_have_the_same_name() -> None:
    assert len({channel.name for channel in CHANNELS}) == len(CHANNELS)


@EACH
def test_a_channels_name_fits_its_column_and_its_form_is_one_of_the_two(channel: Channel) -> None:
    assert 0 < len(channel.name) <= 16
    assert channel.form in ("sms", "chat")


@EACH
def test_a_channel_has_a_folder_with_a_way_in_and_a_way_out(channel: Channel) -> None:
    folder = REPOSITORY / type(channel).__module__.replace(".", "/")
    assert (folder / "receive.py").exists() and (folder / "send.py").exists()


@EACH
def test_a_channels_addresses_can_be_served_and_are_its_own(
    channel: Channel, settings: Settings, keys: Keys, gateway: Gateway
) -> None:
    context = ChannelContext(settings, keys, gateway)
    paths = {route.path for route in Litestar(list(channel.receivers(context)), openapi_config=None).routes}
    others = {
        route.path
        for other in CHANNELS
        if other is not channel
        for route in Litestar(list(other.receivers(context)), openapi_config=None).routes
    }
    assert paths and not paths & others


@EACH
def test_what_a_sender_hands_over_it_finds_again(channel: Channel, keys: Keys) -> None:
    message = OutboundMessage(7, PHONE, "It's free: £5 & more.")
    with on_loopback(every_provider()) as provider:
        sender = channel.sender(with_provider_at(provider), keys)
        sent = sender.send(message)
        assert isinstance(sent, SendResult) and 0 < len(sent.provider_message_id) <= 80
        assert sender.find(message, AN_HOUR_AGO) == sent


def test_a_text_that_was_never_handed_over_is_not_found(keys: Keys) -> None:
    [sms] = [channel for channel in CHANNELS if channel.name == "sms"]
    with on_loopback(Litestar(provider_handlers(PretendTwilio()), openapi_config=None)) as provider:
        sender = sms.sender(Settings(twilio_api_url=provider), keys)
        sender.send(OutboundMessage(1, PHONE, "another text"))
        assert sender.find(OutboundMessage(2, PHONE, "this text"), AN_HOUR_AGO) is None
        assert sender.find(OutboundMessage(3, "+447700900002", "another text"), AN_HOUR_AGO) is None


@EACH
def test_a_sender_whose_provider_is_away_raises_nothing_but_the_named_error(channel: Channel, keys: Keys) -> None:
    sender = channel.sender(with_provider_at("http://127.0.0.1:1"), keys)
    for call in (
        lambda: sender.send(OutboundMessage(1, PHONE, "a text")),
        lambda: sender.find(OutboundMessage(1, PHONE, "a text"), AN_HOUR_AGO),
    ):
        try:
            assert isinstance(call(), SendResult)
        except SendError as error:
            assert error.code and error.staff_note and error.retryable
