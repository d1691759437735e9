"""Telegram's settings: a webhook needs a good secret, and without a token Telegram is off."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from helpline.keys import MissingKeys, load_keys
from helpline.settings import Settings
from tests.channels.telegram.serving import settings_for
from tests.fakes.telegram import TOKEN


@pytest.mark.parametrize("secret", [None, "", "short", "a secret with spaces in it", "é" * 20])
def test_a_webhook_without_a_good_secret_refuses_to_start_and_prints_none(secret: str | None, tmp_path: Path) -> None:
    settings = settings_for(data_folder=tmp_path).model_copy(
        update={"telegram_webhook_secret": None if secret is None else SecretStr(secret)}
    )
    with pytest.raises(MissingKeys, match="HELPLINE_TELEGRAM_WEBHOOK_SECRET") as refused:
        load_keys(settings)
    assert TOKEN not in str(refused.value) and (not secret or secret not in str(refused.value))


def test_without_a_token_telegram_is_off_and_needs_nothing(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path, telegram_bot_token=None)
    assert settings.telegram_comes_by == "off"
    load_keys(settings)
