"""What can be set from outside, each as an environment variable that starts with HELPLINE_.

The embedded default needs none of them: keys are generated into a private file on first use, the database is an
encrypted file, and texts go to the phone simulator. In production every secret comes from the environment and a
missing one refuses to start.
"""

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Every setting of the product, with the embedded default."""

    model_config = SettingsConfigDict(env_prefix="HELPLINE_", extra="ignore")

    environment: Literal["local", "production"] = "local"
    service_name: str = "Essex Care Line"
    data_folder: Path = REPOSITORY / "var"
    content_folder: Path = REPOSITORY / "content"
    model_file: Path | None = Field(default=None, description="The trained model, if not the data folder's own.")

    host: str = "127.0.0.1"
    port: int = 8080
    assistant_port: int = 5005
    actions_port: int = 5055
    public_url: str | None = Field(
        default=None, description="The address at which providers reach us, exactly as set in their console."
    )

    database_url: str | None = Field(
        default=None,
        description="postgresql+psycopg://... for several machines; unset: an encrypted file in the data folder.",
    )
    database_key: SecretStr | None = None
    address_key: SecretStr | None = None
    address_hash_key: SecretStr | None = None
    assistant_token: SecretStr | None = None

    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_number: str | None = None
    twilio_messaging_service_sid: str | None = None
    twilio_whatsapp_number: str | None = Field(
        default=None, description="Our sender on WhatsApp, as +44...; unset: who writes from there gets no answer."
    )
    twilio_advanced_opt_out: bool = Field(
        default=False,
        description="Whether CANCEL, END and QUIT were taken out of Twilio's opt-out words (docs/operations.md).",
    )
    twilio_api_url: str | None = Field(
        default=None, description="Where Twilio's REST API is, if not at Twilio: a test's or the simulator's."
    )

    sms_answer_countries: str = Field(
        default="44",
        pattern=r"^(\*|\+?\d{1,3}(\s*,\s*\+?\d{1,3})*)$",
        description="Country codes whose numbers are answered, with commas between, or * for every country.",
    )
    sms_pence_per_segment: float = Field(default=4.0, ge=0, description="What one part of a text costs us.")
    sms_daily_spend_pounds: float | None = Field(
        default=None, ge=0, description="When so much was spent on a day, nothing more is sent unasked. Replies go on."
    )
    sms_messages_per_second: float | None = Field(
        default=1.0,
        gt=0,
        description="How fast our number may send. What is unasked waits for its place; replies do not.",
    )

    embed_origins: str = Field(
        default="",
        description="Sites that may show the chat in a frame, with spaces between: https://www.council.gov.uk ...",
    )
    chat_posts_per_minute: int = Field(default=20, ge=1, description="Messages that one chat session may post.")
    chat_posts_per_minute_and_address: int = Field(
        default=300, ge=1, description="The same of one network address, which a library or a mobile network shares."
    )

    telegram_bot_token: SecretStr | None = None
    telegram_bot_name: str | None = Field(
        default=None, pattern=r"^@?\w{5,32}$", description="The bot's name, as people find it in Telegram."
    )
    telegram_webhook_secret: SecretStr | None = Field(
        default=None, description="What Telegram must send with every update: 32 letters or digits, made at random."
    )
    telegram_mode: Literal["webhook", "polling", "off"] = Field(
        default="webhook", description="How Telegram's updates reach us. Without a token Telegram is off."
    )
    telegram_api_url: str = Field(
        default="https://api.telegram.org", description="Where the Bot API is; another address is a test's."
    )

    staff_hours: str = Field(
        default="",
        description='When people of yours read messages: "mon-fri 09:00-17:00; sat 10:00-12:00". Unset: nobody does.',
    )
    staff_read_within_minutes: int = Field(
        default=60, ge=1, le=480, description="While they do, how soon they read a message that shows danger."
    )
    case_acknowledge_within_minutes: int = Field(
        default=10, ge=1, le=480, description="After how long a case that nobody has taken on is told again, to more."
    )
    alert_email_to: str = Field(default="", description="Who is told of danger by e-mail, with commas between.")
    alert_escalation_to: str = Field(default="", description="Who is told as well when nobody has taken a case on.")
    alert_email_from: str = ""
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")

    turn_slots: int = Field(default=8, description="Calls to the assistant in flight at once, per process.")
    assistant_timeout_seconds: float = 8.0
    flow_poll_seconds: float = 0.1
    runs_flows: bool = Field(default=True, description="Whether this process takes work from the queues.")
    now: datetime | None = Field(default=None, description="A fixed present, for replays.")

    @property
    def is_production(self) -> bool:
        """Whether secrets must come from the environment and the simulator is off."""
        return self.environment == "production"

    @property
    def uses_simulator(self) -> bool:
        """Whether texts go to the phone simulator instead of a provider."""
        return self.twilio_account_sid is None and not self.is_production

    @property
    def telegram_comes_by(self) -> Literal["webhook", "polling", "off"]:
        """How Telegram's updates reach us, or that they do not."""
        return self.telegram_mode if self.telegram_bot_token else "off"

    @property
    def own_url(self) -> str:
        """The address of this process on this machine."""
        return f"http://{self.host}:{self.port}"

    @cached_property
    def external_url(self) -> str:
        """The address that a provider signs: public_url, or our own on the embedded default."""
        return (self.public_url or self.own_url).rstrip("/")

    @property
    def assistant_url(self) -> str:
        """Where the assistant listens; loopback only."""
        return f"http://127.0.0.1:{self.assistant_port}"

    @property
    def actions_url(self) -> str:
        """Where the action server listens; loopback only."""
        return f"http://127.0.0.1:{self.actions_port}"
