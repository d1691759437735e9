"""The keys that protect people's words and addresses.

On the embedded default they are made on first use and kept in a private file. In production they come from the
environment alone, so that no copy of the disk holds both the data and its key.
"""

import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from helpline.settings import Settings

# What Telegram takes as a secret, and long enough not to be guessed.
_TELEGRAM_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")


class MissingKeys(Exception):
    """A key that production needs is not in the environment, or the private key file cannot be used."""


@dataclass(frozen=True)
class Keys:
    """The secrets of one installation, all as text."""

    database_key: str
    address_key: str
    address_hash_key: str
    assistant_token: str
    twilio_account_sid: str
    twilio_auth_token: str


def _generate() -> Keys:
    return Keys(
        database_key=secrets.token_hex(32),
        address_key=Fernet.generate_key().decode(),
        address_hash_key=secrets.token_hex(32),
        assistant_token=secrets.token_urlsafe(32),
        twilio_account_sid="AC" + secrets.token_hex(16),
        twilio_auth_token=secrets.token_hex(16),
    )


def _from_environment(settings: Settings) -> dict[str, str]:
    given: dict[str, str] = {}
    for name in Keys.__dataclass_fields__:
        value = getattr(settings, name)
        text = value if isinstance(value, str | None) else value.get_secret_value()
        if text:
            given[name] = text
    return given


def _read_or_make(path: Path) -> dict[str, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            raise MissingKeys(f"{path} can be read by others. Run: chmod 600 {path}") from None
        try:
            stored = json.loads(path.read_text())
        except ValueError:
            raise MissingKeys(
                f"{path} is damaged. Restore it from a backup: without it the data cannot be read."
            ) from None
        if not isinstance(stored, dict):
            raise MissingKeys(
                f"{path} is damaged. Restore it from a backup: without it the data cannot be read."
            ) from None
        return {str(name): str(value) for name, value in stored.items()}
    made = asdict(_generate())
    with os.fdopen(descriptor, "w") as file:
        json.dump(made, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return made


def _check_telegram(settings: Settings) -> None:
    # Its secrets come from the environment alone, also on the embedded default: nobody but Telegram can make them.
    if settings.telegram_comes_by != "webhook":
        return
    secret = settings.telegram_webhook_secret
    if not secret or not _TELEGRAM_SECRET.fullmatch(secret.get_secret_value()):
        raise MissingKeys(
            "Telegram by webhook needs HELPLINE_TELEGRAM_WEBHOOK_SECRET in the environment: 16 to 256 letters, digits, "
            "_ or -. Without a public address, set HELPLINE_TELEGRAM_MODE=polling."
        )


def load_keys(settings: Settings) -> Keys:
    """The keys of this installation.

    Environment first; on the embedded default what is missing comes from the private file, made on first use.

    Raises:
        MissingKeys: production without a key, or Telegram without its secret, naming each setting and no value; or a
            damaged or readable file.
    """
    _check_telegram(settings)
    given = _from_environment(settings)
    needed = list(Keys.__dataclass_fields__)
    missing = [name for name in needed if name not in given]
    if not missing:
        return Keys(**given)
    if settings.is_production:
        names = ", ".join("HELPLINE_" + name.upper() for name in missing)
        raise MissingKeys(f"Production needs these in the environment: {names}")
    stored = _read_or_make(settings.data_folder / "keys.json")
    absent = [name for name in missing if name not in stored]
    if absent:
        raise MissingKeys(f"The key file lacks: {', '.join(absent)}. Restore it from a backup.")
    return Keys(**{**{name: stored[name] for name in needed if name in stored}, **given})
