"""What reaches those on duty: alerts in the log and by e-mail, and the list of open cases. No words, no addresses."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import StringIO

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from rich.console import Console
from structlog.testing import capture_logs

from helpline.alerts import AllAlerts, CannotAlert, EmailAlerts, alerts_of
from helpline.case_list import CannotChangeCase, case_table, change_case
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.ports import AlertNotRaised
from helpline.services.cases import FURTHER_ALERT, open_cases, raise_due_alerts
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.settings import Settings
from tests.fakes import PHONE, Hunches, RecordingAlerts, SettableClock, new_message

DANGER = "i want to kill myself"
HINT = "so tired of all of it"


class Mailbox:
    """A mail server's insides: keeps what it is given, or refuses at one of the steps."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.refuses: str | None = None

    def _answer(self, step: str) -> str:
        return "550 no" if self.refuses == step else "250 OK"

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answer("sender")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self._answer("recipient")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        if self.refuses != "message":
            self.taken.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return self._answer("message")

    def only(self) -> tuple[list[str], EmailMessage]:
        [one] = self.taken
        return one


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture
def mail(mailbox: Mailbox, closed_port: int) -> Iterator[Settings]:
    """The settings for a mail server that runs in this process."""
    server = Controller(mailbox, hostname="127.0.0.1", port=closed_port)
    server.start()
    yield Settings(
        alert_email_to="duty@example.org, second@example.org",
        alert_escalation_to="manager@example.org",
        alert_email_from="helpline@example.org",
        smtp_host="127.0.0.1",
        smtp_port=closed_port,
        smtp_security="none",
    )
    server.stop()


def changed(mail: Settings, **settings: object) -> Settings:
    return mail.model_copy(update=settings)


def raise_one(mail: Settings, kind: str = "danger") -> None:
    EmailAlerts(mail).raise_alert(kind, case_id=7, danger="suicide", tier=1, urgent=0)


ON_DUTY = ["duty@example.org", "second@example.org"]


@pytest.mark.parametrize(
    ("kind", "recipients", "subject"),
    [
        ("danger", ON_DUTY, "Essex Care Line: Case 7: somebody may be in danger"),
        (
            FURTHER_ALERT,
            [*ON_DUTY, "manager@example.org"],
            "Essex Care Line: Case 7: NOBODY HAS TAKEN THIS ON YET",
        ),
        ("message-not-sent", ON_DUTY, "Essex Care Line: A message could not be sent"),
        ("an-alert-without-a-subject", ON_DUTY, "Essex Care Line: an-alert-without-a-subject"),
    ],
)
def test_those_on_duty_get_one_mail_and_more_people_only_when_nobody_took_the_case_on(
    mailbox: Mailbox, mail: Settings, kind: str, recipients: list[str], subject: str
) -> None:
    raise_one(mail, kind)
    received_by, message = mailbox.only()
    assert received_by == recipients
    assert (message["Subject"], message["To"]) == (subject, ", ".join(recipients))
    assert (message["From"], bool(message["Date"])) == ("helpline@example.org", True)
    assert message["Message-ID"].endswith("@example.org>")


def test_a_mail_names_the_case_and_how_to_take_it_on(mailbox: Mailbox, mail: Settings) -> None:
    raise_one(mail)
    body = mailbox.only()[1].get_content()
    assert body.splitlines()[:4] == ["case id: 7", "danger: suicide", "tier: 1", "urgent: 0"]
    assert "bin/helpline cases --take NUMBER --by YOUR-NAME" in body


def test_no_mail_holds_a_persons_words_or_number(core: Core, mailbox: Mailbox, mail: Settings) -> None:
    receive(core, new_message(f"{DANGER} near the station"))
    assert raise_due_alerts(core, EmailAlerts(mail)) == 1
    whole = mailbox.only()[1].as_string()
    assert "suicide" in whole
    assert not [secret for secret in (PHONE.removeprefix("+44"), "kill", "station") if secret in whole]


@pytest.mark.parametrize("step", ["sender", "recipient", "message"])
def test_a_mail_that_the_server_refuses_is_an_alert_that_was_not_raised(
    mailbox: Mailbox, mail: Settings, step: str
) -> None:
    mailbox.refuses = step
    with pytest.raises(AlertNotRaised):
        raise_one(mail)
    assert mailbox.taken == []


NOT_REACHED: list[dict[str, object]] = [
    {"smtp_port": 1},
    {"smtp_host": ""},
    {"smtp_host": "two..dots.invalid"},
    # The server here offers neither encryption nor a login, and nothing is sent without what was asked for.
    {"smtp_security": "starttls"},
    {"smtp_security": "tls"},
    {"smtp_user": "helpline"},
]


@pytest.mark.parametrize("wrong", NOT_REACHED, ids=str)
def test_a_server_that_is_away_or_not_as_it_was_set_is_an_alert_that_was_not_raised(
    mailbox: Mailbox, mail: Settings, wrong: dict[str, object]
) -> None:
    with pytest.raises(AlertNotRaised):
        raise_one(changed(mail, **wrong))
    assert mailbox.taken == []


class NoAlerts:
    """Alerts that reach nobody."""

    def raise_alert(self, kind: str, **ids: str | int) -> None:
        raise AlertNotRaised("away")


def test_an_alert_is_raised_everywhere_before_it_is_said_that_one_way_failed() -> None:
    first, last = RecordingAlerts(), RecordingAlerts()
    with pytest.raises(AlertNotRaised):
        AllAlerts([first, NoAlerts(), last]).raise_alert("danger", case_id=7)
    assert first.raised == last.raised == [("danger", {"case_id": 7})]


@pytest.mark.parametrize("to", ["duty@example.org", ""])
def test_an_alert_is_always_logged_and_mailed_where_an_address_is_set(
    mailbox: Mailbox, mail: Settings, to: str
) -> None:
    with capture_logs() as logged:
        alerts_of(changed(mail, alert_email_to=to, alert_escalation_to="")).raise_alert("danger", case_id=7)
    assert logged == [{"event": "alert", "alert": "danger", "case_id": 7, "log_level": "critical"}]
    assert [recipients for recipients, _ in mailbox.taken] == ([[to]] if to else [])


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ({"alert_email_to": ""}, "HELPLINE_ALERT_EMAIL_TO"),
        ({"smtp_host": ""}, "HELPLINE_SMTP_HOST"),
        ({"alert_email_from": ""}, "HELPLINE_ALERT_EMAIL_FROM"),
    ],
)
def test_alerts_that_could_reach_nobody_are_refused_at_the_start(
    mail: Settings, missing: dict[str, str], named: str
) -> None:
    with pytest.raises(CannotAlert, match=named):
        alerts_of(changed(mail, **missing))


WRONG_CHANGES = [
    ({"take": 1, "close_number": 1}, "Take a case on or close one, not both at once."),
    ({"take": 1, "by": " "}, "Say who you are: --by NAME"),
    ({"close_number": 1, "by": ""}, "Say who you are: --by NAME"),
    ({"close_number": 1, "because": " "}, "Say why the case is closed: --because WORDS (no names)"),
    ({"take": 4_711}, "There is no open case 4711."),
    ({"close_number": 4_711}, "There is no open case 4711."),
]


@pytest.mark.parametrize(("asked", "answer"), WRONG_CHANGES)
def test_a_case_that_cannot_be_changed_is_said_in_one_sentence_and_stays_as_it_is(
    core: Core, asked: dict[str, object], answer: str
) -> None:
    receive(core, new_message(DANGER))
    before = open_cases(core)
    with pytest.raises(CannotChangeCase) as raised:
        change_case(core, **{"take": None, "close_number": None, "by": "Asha", "because": "spoke to them"} | asked)  # type: ignore[arg-type]
    assert str(raised.value) == answer
    assert open_cases(core) == before


def test_a_case_is_taken_on_and_closed_by_its_number(core: Core) -> None:
    case_id = receive(core, new_message(DANGER)).case_id
    change_case(core, take=None, close_number=None, by="", because="")
    assert [case.acknowledged_by for case in open_cases(core)] == [None]
    change_case(core, take=case_id, close_number=None, by=" Asha ", because="")
    assert [case.acknowledged_by for case in open_cases(core)] == ["Asha"]
    change_case(core, take=None, close_number=case_id, by="Asha", because="is with family")
    assert open_cases(core) == []


def listed(core: Core) -> list[list[str]]:
    columns = [list(column.cells) for column in case_table(core).columns]
    return [[str(cell) for cell in row] for row in zip(*columns, strict=True)]


def test_the_list_shows_each_case_in_local_time_with_who_has_it_and_what_went_wrong(
    core: Core, safety: SafetyContent, clock: SettableClock
) -> None:
    core = replace(core, scanner=SafetyScanner(safety, Hunches({HINT: ("suicide", "me", 0.8)})))
    clock.moment = clock.moment.replace(month=7)
    assert listed(core) == []
    first = receive(core, new_message(HINT)).case_id
    for text in ("no", "STOP"):
        receive(core, new_message(text))
    raise_due_alerts(core, RecordingAlerts())
    clock.moment = clock.moment.replace(hour=23)
    second = receive(core, new_message(HINT, address="+447700900002")).case_id
    change_case(core, take=second, close_number=None, by="Asha", because="")
    notes = "ended the texts afterwards, said no to our question"
    assert listed(core) == [
        [str(first), "suicide", "may be", "23 Jul 13:00", "23 Jul 13:00", "1", "nobody (1 alerts)", notes],
        [str(second), "suicide", "may be", "24 Jul 00:00", "24 Jul 00:00", "1", "Asha", ""],
    ]


@pytest.mark.parametrize("name", ["Asha", "[red]", "[/]", "Asha [night team]"])
def test_any_name_can_be_shown_in_the_list(core: Core, name: str) -> None:
    case_id = receive(core, new_message(DANGER)).case_id
    change_case(core, take=case_id, close_number=None, by=name, because="")
    shown = StringIO()
    Console(file=shown, width=200).print(case_table(core))
    assert name in shown.getvalue()
