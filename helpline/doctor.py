"""What is set up, what is missing, and what can be reached."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from channels.webchat.embed import BadOrigin, read_origins
from content.schema import ContentError, load_content
from helpline.alerts import CannotAlert, alerts_of
from helpline.bootstrap import open_engine
from helpline.domain.staff_hours import StaffHours, StaffHoursError
from helpline.environments import SetUpFailed, bot_environment_is_made, check_model, model_is_current
from helpline.keys import MissingKeys, load_keys
from helpline.settings import Settings
from helpline.storage.engine import StorageKeyWrong, StorageUnavailable
from helpline.storage.migrate import is_current
from helpline.supervisor import parts_of


@dataclass(frozen=True)
class Finding:
    """One thing looked at. is_fault: it must be mended before the helpline can work."""

    what: str
    how_it_is: str
    is_fault: bool = False

    def __str__(self) -> str:
        return f"{'FAULT ' if self.is_fault else 'ok    '}{self.what}: {self.how_it_is}"


def examine(settings: Settings) -> list[Finding]:
    """Look at everything. Never raises, and prints no secret."""
    return [
        Finding("environment", f"{settings.environment}, data in {settings.data_folder}"),
        *_content(settings),
        *_storage(settings),
        *_assistant(settings),
        *_texts(settings),
        *_telegram(settings),
        *_chat(settings),
        *_staff(settings),
        *_processes(settings),
    ]


def _content(settings: Settings) -> Iterator[Finding]:
    try:
        content = load_content(settings.content_folder)
        yield Finding("content", f"{len(content.guide.topics)} topics, {len(content.guide.phones)} phone numbers")
    except ContentError as error:
        yield Finding("content", f"{len(error.problems)} mistakes; bin/helpline check names them", is_fault=True)


def _storage(settings: Settings) -> Iterator[Finding]:
    try:
        keys = load_keys(settings)
    except MissingKeys as error:
        yield Finding("keys", str(error), is_fault=True)
        return
    yield Finding("keys", "all there")
    kind = "PostgreSQL" if settings.database_url else "encrypted file"
    try:
        current = is_current(open_engine(settings, keys))
    except (StorageKeyWrong, StorageUnavailable) as error:
        yield Finding("database", f"{kind}, cannot be opened ({type(error).__name__})", is_fault=True)
        return
    yield Finding("database", f"{kind}, {'up to date' if current else 'not up to date; bin/helpline up mends that'}")


def _assistant(settings: Settings) -> Iterator[Finding]:
    if bot_environment_is_made():
        yield Finding("assistant's environment", "made")
    else:
        yield Finding("assistant's environment", "not made yet; bin/helpline up makes it", is_fault=True)
    try:
        check_model(settings)
    except SetUpFailed as error:
        yield Finding("language model", str(error), is_fault=True)
    else:
        state = "current" if model_is_current(settings) else "older than its sources; bin/helpline train"
        yield Finding("language model", state)


def _texts(settings: Settings) -> Iterator[Finding]:
    if settings.uses_simulator:
        yield Finding("texts", "no Twilio account is set, so they go to the phone simulator")
    elif not settings.twilio_number and not settings.twilio_messaging_service_sid:
        yield Finding("texts", "set HELPLINE_TWILIO_NUMBER or HELPLINE_TWILIO_MESSAGING_SERVICE_SID", is_fault=True)
    elif not settings.public_url:
        yield Finding("texts", "set HELPLINE_PUBLIC_URL to the address that Twilio calls", is_fault=True)
    else:
        yield Finding("texts", f"by Twilio, webhook at {settings.external_url}/channels/sms/twilio")


def _telegram(settings: Settings) -> Iterator[Finding]:
    if settings.telegram_comes_by == "off":
        yield Finding("Telegram", "off (HELPLINE_TELEGRAM_BOT_TOKEN, HELPLINE_TELEGRAM_MODE)")
    elif settings.telegram_comes_by == "polling":
        yield Finding("Telegram", "we fetch its updates; only one application may")
    elif not settings.external_url.startswith("https://"):
        yield Finding("Telegram", "set HELPLINE_PUBLIC_URL to an address with https, or fetch updates", is_fault=True)
    else:
        yield Finding("Telegram", f"by webhook at {settings.external_url}/channels/telegram")


def _chat(settings: Settings) -> Iterator[Finding]:
    try:
        origins = read_origins(settings.embed_origins)
    except BadOrigin as error:
        yield Finding("chat on other sites", str(error), is_fault=True)
        return
    yield Finding("chat on other sites", ", ".join(sorted(origins)) or "none (HELPLINE_EMBED_ORIGINS)")


def _staff(settings: Settings) -> Iterator[Finding]:
    try:
        hours = StaffHours.parse(settings.staff_hours)
        alerts_of(settings)
    except (StaffHoursError, CannotAlert) as error:
        yield Finding("staff", str(error), is_fault=True)
        return
    if hours.by_weekday:
        yield Finding("staff", f"read messages {settings.staff_hours}, and replies to danger say so")
    else:
        yield Finding("staff", "no HELPLINE_STAFF_HOURS, so replies to danger say that nobody reads them")
    told = settings.alert_email_to or "nobody by e-mail (HELPLINE_ALERT_EMAIL_TO); alerts are in the log alone"
    yield Finding("alerts", f"go to {told}")


def _processes(settings: Settings) -> Iterator[Finding]:
    try:
        parts = parts_of(settings, load_keys(settings))
    except MissingKeys:
        return
    for part in parts:
        try:
            status = httpx.get(part.ready_url, timeout=2.0).status_code
            yield Finding(part.spoken, f"running on port {part.port} (status {status})", is_fault=status != 200)
        except httpx.HTTPError:
            yield Finding(part.spoken, f"not running (port {part.port})")
