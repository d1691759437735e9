"""Telling the people who run the service: in the log, and by e-mail. Ids and kinds, never words or addresses."""

import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

import structlog

from helpline.ports import AlertNotRaised, Alerts
from helpline.services import alarms
from helpline.services.cases import FURTHER_ALERT
from helpline.settings import Settings

SMTP_TIMEOUT_SECONDS = 10.0

log = structlog.get_logger("alerts")

_SUBJECTS = {
    "danger": "Case {case_id}: somebody may be in danger",
    FURTHER_ALERT: "Case {case_id}: NOBODY HAS TAKEN THIS ON YET",
    "message-not-sent": "A message could not be sent",
    "message-handed-to-staff": "A message could not be answered",
    "danger-while-storage-unavailable": "Danger while the database could not be written",
    alarms.PROVIDER_FAULT: "The provider refuses or filters our messages (code {code})",
    alarms.SPENDING_LIMIT: "The day's spending limit is reached; nothing more is sent unasked today",
    alarms.NOT_DELIVERED: "A message was not delivered (code {code})",
    alarms.FOUND_LATE: "Messages had not reached us and were found at the provider",
    alarms.MISSING: "Messages to the bot never reached us; nobody can read them",
    alarms.TOO_MANY: "Somebody gets too many messages; the rest is held back",
    alarms.NOT_ANSWERED: "Somebody wrote whom we do not answer",
    alarms.WRONG_CODES: "Many wrong codes are being tried; none is taken for an hour",
    alarms.LOOP: "Somebody sends the same words over and over; they are not answered any more",
}
_BODY = """{details}

See it, and say that you are dealing with it:

    bin/helpline cases
    bin/helpline cases --take NUMBER --by YOUR-NAME
    bin/helpline cases --read NUMBER --by YOUR-NAME --because WHY

This message was sent by a machine. It holds no names and no words of the person who wrote.
"""


class LoggedAlerts:
    """Alerts as log lines at the highest level."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("alerts")

    def raise_alert(self, kind: str, **ids: str | int) -> None:
        """Raise one alert."""
        self._log.critical("alert", alert=kind, **ids)


class EmailAlerts:
    """Alerts by e-mail to those on duty; what nobody took on goes to more people."""

    def __init__(self, settings: Settings, tls: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        """Takes where the mail goes from the settings (HELPLINE_ALERT_..., HELPLINE_SMTP_...)."""
        self._settings = settings
        self._tls = tls
        self._to = _addresses(settings.alert_email_to)
        self._escalation = _addresses(settings.alert_escalation_to)

    def raise_alert(self, kind: str, **ids: str | int) -> None:
        """Send one message. Raises AlertNotRaised."""
        try:
            self._send(self._written(kind, ids))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # ValueError: an address or a host of the settings that is none.
            raise AlertNotRaised(type(error).__name__) from error

    def _written(self, kind: str, ids: Mapping[str, str | int]) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = f"{self._settings.service_name}: {_SUBJECTS.get(kind, kind).format_map(ids)}"
        message["From"] = self._settings.alert_email_from
        message["To"] = ", ".join([*self._to, *(self._escalation if kind == FURTHER_ALERT else ())])
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._settings.alert_email_from.rpartition("@")[2] or None)
        details = "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in sorted(ids.items()))
        message.set_content(_BODY.format(details=details))
        return message

    def _send(self, message: EmailMessage) -> None:
        settings = self._settings
        if settings.smtp_security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=SMTP_TIMEOUT_SECONDS, context=self._tls()
            )
        else:
            connection = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SMTP_TIMEOUT_SECONDS)
        with connection:
            if settings.smtp_security == "starttls":
                connection.starttls(context=self._tls())
            if settings.smtp_user:
                connection.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            refused = connection.send_message(message)
            if refused:
                # Others got it, so it was raised; that one address is wrong is for whoever reads the log.
                log.error("alert refused for an address", count=len(refused))


class AllAlerts:
    """Every adapter in turn."""

    def __init__(self, adapters: Sequence[Alerts]) -> None:
        self._adapters = adapters

    def raise_alert(self, kind: str, **ids: str | int) -> None:
        """Raise the alert everywhere. Raises AlertNotRaised if one of them could not, after the others did."""
        failed: AlertNotRaised | None = None
        for adapter in self._adapters:
            try:
                adapter.raise_alert(kind, **ids)
            except AlertNotRaised as error:
                failed = error
        if failed is not None:
            raise failed


def _addresses(written: str) -> tuple[str, ...]:
    return tuple(address.strip() for address in written.split(",") if address.strip())


class CannotAlert(Exception):
    """The settings name somebody to tell and no way to do it; the message says what to set."""


def alerts_of(settings: Settings) -> Alerts:
    """The log, and e-mail where one is set. Raises CannotAlert."""
    adapters: list[Alerts] = [LoggedAlerts()]
    if settings.alert_escalation_to and not settings.alert_email_to:
        raise CannotAlert("HELPLINE_ALERT_ESCALATION_TO is set, so set HELPLINE_ALERT_EMAIL_TO too: who is told first.")
    if settings.alert_email_to:
        if not settings.smtp_host or not settings.alert_email_from:
            raise CannotAlert(
                "HELPLINE_ALERT_EMAIL_TO is set, so set HELPLINE_SMTP_HOST and HELPLINE_ALERT_EMAIL_FROM."
            )
        adapters.append(EmailAlerts(settings))
    return AllAlerts(adapters)
