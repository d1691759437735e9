"""A case is told to staff until somebody takes it on, closed by staff alone, and followed up where that is safe."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from helpline.domain.messages import Purpose, SendError
from helpline.domain.safety import SafetyContent, SafetyScanner, Who
from helpline.domain.sms import segments
from helpline.domain.staff_hours import Staffing
from helpline.ports import AlertNotRaised
from helpline.services.arrival import Received
from helpline.services.cases import (
    FIRST_ALERT,
    FURTHER_ALERT,
    NoSuchCase,
    acknowledge,
    close,
    open_cases,
    put_due_follow_ups,
    raise_due_alerts,
)
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.sending import Delivery, claim, deliver
from helpline.storage.models import DangerCase
from tests.fakes import PHONE, Hunches, RecordingAlerts, RecordingSender, SettableClock, new_message, new_phone
from tests.services import rows

DANGER = "i want to kill myself"
VIOLENCE = "my husband hits me"
DANGER_OF_ANOTHER = "my son says he will hang himself"
HINT = "so tired of all of it"
HUNCHES: dict[str, tuple[str, Who, float]] = {
    HINT: ("suicide", "me", 0.8),
    DANGER: ("suicide", "me", 0.9),
    DANGER_OF_ANOTHER: ("suicide", "someone", 0.9),
}
A_MOMENT = timedelta(seconds=1)
WAIT = timedelta(minutes=7)


@pytest.fixture(scope="module")
def phrases(safety: SafetyContent) -> SafetyScanner:
    return SafetyScanner(safety)


@pytest.fixture(scope="module")
def wary(safety: SafetyContent) -> SafetyScanner:
    return SafetyScanner(safety, Hunches(HUNCHES))


@pytest.fixture
def core(core: Core, phrases: SafetyScanner) -> Core:
    return replace(core, scanner=phrases, staffing=Staffing(acknowledge_within=WAIT))


def hears(core: Core, text: str, *, channel: str = "sms", address: str = PHONE) -> Received:
    return receive(core, new_message(text, channel, address))


def opened(core: Core, text: str = DANGER, *, by_somebody_else: bool = False) -> int:
    case_id = hears(core, text, address=new_phone() if by_somebody_else else PHONE).case_id
    assert case_id is not None
    return case_id


def case(core: Core, case_id: int | None = None) -> DangerCase:
    [one] = [one for one in rows.cases(core) if case_id in (None, one.id)]
    return one


class UncertainAlerts(RecordingAlerts):
    """Alerts that are refused for some cases, and during which something else can happen."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[int] = set()
        self.meanwhile: Callable[[], object] = lambda: None

    def raise_alert(self, kind: str, **ids: str | int) -> None:
        self.meanwhile()
        if ids["case_id"] in self.refused:
            raise AlertNotRaised("away")
        super().raise_alert(kind, **ids)

    @property
    def told(self) -> list[tuple[str, str | int]]:
        return [(kind, ids["case_id"]) for kind, ids in self.raised]


@pytest.fixture
def alerts() -> UncertainAlerts:
    return UncertainAlerts()


def test_staff_are_told_at_once_and_again_until_somebody_takes_the_case_on(
    core: Core, clock: SettableClock, alerts: UncertainAlerts
) -> None:
    case_id = opened(core)
    assert raise_due_alerts(core, alerts) == 1
    assert alerts.raised == [("danger", {"case_id": case_id, "danger": "suicide", "tier": 1, "urgent": 0})]
    for _ in range(2):
        clock.advance(WAIT - A_MOMENT)
        assert raise_due_alerts(core, alerts) == 0
        clock.advance(A_MOMENT)
        assert raise_due_alerts(core, alerts) == 1
    assert alerts.told[1:] == [("danger-not-acknowledged", case_id)] * 2
    assert case(core).alerts_raised == 3
    acknowledge(core, case_id, "Asha")
    clock.advance(timedelta(days=30))
    assert raise_due_alerts(core, alerts) == 0
    assert (case(core).acknowledged_by, case(core).state) == ("Asha", "open")


def test_new_evidence_is_no_new_alert_while_nobody_has_taken_the_case_on(
    core: Core, clock: SettableClock, alerts: UncertainAlerts
) -> None:
    opened(core)
    raise_due_alerts(core, alerts)
    clock.advance(A_MOMENT)
    opened(core)
    assert raise_due_alerts(core, alerts) == 0
    assert (len(rows.evidence(core)), case(core).last_evidence_at) == (2, clock.now())


def test_new_evidence_after_somebody_took_the_case_on_is_told_from_the_start(
    core: Core, clock: SettableClock, alerts: UncertainAlerts
) -> None:
    case_id = opened(core)
    raise_due_alerts(core, alerts)
    acknowledge(core, case_id, "Asha")
    assert opened(core) == case_id
    assert case(core).acknowledged_by is None
    raise_due_alerts(core, alerts)
    clock.advance(WAIT)
    raise_due_alerts(core, alerts)
    assert alerts.told == [(FIRST_ALERT, case_id), (FIRST_ALERT, case_id), (FURTHER_ALERT, case_id)]


def test_danger_that_becomes_sure_is_told_at_once(
    core: Core, wary: SafetyScanner, clock: SettableClock, alerts: UncertainAlerts
) -> None:
    core = replace(core, scanner=wary)
    opened(core, HINT)
    raise_due_alerts(core, alerts)
    clock.advance(A_MOMENT)
    opened(core, DANGER)
    raise_due_alerts(core, alerts)
    assert [(kind, ids["tier"]) for kind, ids in alerts.raised] == [("danger", 2), ("danger", 1)]


def test_the_worst_is_told_first(core: Core, wary: SafetyScanner, alerts: UncertainAlerts) -> None:
    core = replace(core, scanner=wary)
    may_be, sure, urgent = opened(core, HINT, by_somebody_else=True), opened(core, by_somebody_else=True), opened(core)
    hears(core, "STOP")
    raise_due_alerts(core, alerts)
    assert [(ids["case_id"], ids["urgent"]) for _, ids in alerts.raised] == [(urgent, 1), (sure, 0), (may_be, 0)]


def test_an_alert_that_could_not_be_raised_stays_due(core: Core, alerts: UncertainAlerts) -> None:
    ids = {opened(core), opened(core, by_somebody_else=True)}
    alerts.refused = set(ids)
    assert raise_due_alerts(core, alerts) == 0
    assert {one.alerts_raised for one in rows.cases(core)} == {0}
    alerts.refused = set()
    assert raise_due_alerts(core, alerts) == 2
    assert set(alerts.told) == {(FIRST_ALERT, case_id) for case_id in ids}


def test_an_alert_that_can_never_be_raised_does_not_keep_others_waiting(
    core: Core, clock: SettableClock, alerts: UncertainAlerts
) -> None:
    alerts.refused = {opened(core)}
    other = opened(core, by_somebody_else=True)
    for _ in range(3):
        raise_due_alerts(core, alerts)
        clock.advance(A_MOMENT)
    assert (FIRST_ALERT, other) in alerts.told


def test_who_takes_a_case_on_while_it_is_being_told_is_not_told_again(
    core: Core, clock: SettableClock, alerts: UncertainAlerts
) -> None:
    case_id = opened(core)
    alerts.meanwhile = lambda: acknowledge(core, case_id, "Asha")
    assert raise_due_alerts(core, alerts) == 1
    clock.advance(WAIT)
    assert raise_due_alerts(core, alerts) == 0
    assert case(core).acknowledged_by == "Asha"


def test_new_evidence_that_comes_while_an_alert_is_being_raised_is_told_as_well(
    core: Core, alerts: UncertainAlerts
) -> None:
    case_id = opened(core)

    def somebody_takes_it_on_and_more_is_written() -> None:
        alerts.meanwhile = lambda: None
        acknowledge(core, case_id, "Asha")
        opened(core)

    alerts.meanwhile = somebody_takes_it_on_and_more_is_written
    assert raise_due_alerts(core, alerts) == 1
    assert raise_due_alerts(core, alerts) == 1
    assert alerts.told == [(FIRST_ALERT, case_id)] * 2


def test_two_processes_that_tell_staff_at_once_raise_one_alert(core: Core, alerts: UncertainAlerts) -> None:
    case_id, other = opened(core), RecordingAlerts()
    alerts.meanwhile = lambda: raise_due_alerts(core, other)
    assert raise_due_alerts(core, alerts) == 1
    assert (alerts.told, other.raised) == ([(FIRST_ALERT, case_id)], [])


def test_an_alert_that_was_cut_off_is_raised_again_a_minute_later(
    core: Core, clock: SettableClock, alerts: UncertainAlerts
) -> None:
    case_id = opened(core)

    def die() -> None:
        raise KeyboardInterrupt

    alerts.meanwhile = die
    with pytest.raises(KeyboardInterrupt):
        raise_due_alerts(core, alerts)
    alerts.meanwhile = lambda: None
    clock.advance(timedelta(minutes=1) - A_MOMENT)
    assert raise_due_alerts(core, alerts) == 0
    clock.advance(A_MOMENT)
    assert raise_due_alerts(core, alerts) == 1
    assert alerts.told == [(FIRST_ALERT, case_id)]


def test_staff_close_a_case_and_what_comes_after_is_a_new_one(
    core: Core, clock: SettableClock, alerts: UncertainAlerts
) -> None:
    case_id = opened(core)
    close(core, case_id, "Asha", "is with family")
    closed = case(core)
    assert (closed.state, closed.closed_at, closed.closed_by) == ("closed", clock.now(), "Asha")
    assert (closed.closed_because, closed.alert_due_at, closed.follow_up_due_at) == ("is with family", None, None)
    assert raise_due_alerts(core, alerts) == 0
    assert open_cases(core) == []
    assert opened(core) != case_id
    assert case(core, case_id).state == "closed"


CHANGES: list[Callable[[Core, int], None]] = [
    lambda core, case_id: acknowledge(core, case_id, "Asha"),
    lambda core, case_id: close(core, case_id, "Asha", "is with family"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_case_that_is_closed_or_never_was_can_be_neither_taken_on_nor_closed(
    core: Core, change: Callable[[Core, int], None]
) -> None:
    case_id = opened(core)
    close(core, case_id, "Ben", "spoke to them")
    for number in (case_id, 4_711):
        with pytest.raises(NoSuchCase):
            change(core, number)
    assert (case(core).closed_by, case(core).acknowledged_by) == ("Ben", None)


def test_open_cases_are_listed_by_what_needs_somebody_most(core: Core, wary: SafetyScanner) -> None:
    core = replace(core, scanner=wary)
    seen, may_be = opened(core, by_somebody_else=True), opened(core, HINT, by_somebody_else=True)
    older, newer = opened(core, by_somebody_else=True), opened(core, by_somebody_else=True)
    urgent, closed = opened(core), opened(core, by_somebody_else=True)
    hears(core, "STOP")
    for case_id in (seen, urgent):
        acknowledge(core, case_id, "Asha")
    close(core, closed, "Asha", "is with family")
    assert [one.id for one in open_cases(core)] == [urgent, older, newer, may_be, seen]


def test_a_case_in_the_list_says_what_happened_and_holds_no_words_and_no_address(
    core: Core, wary: SafetyScanner, clock: SettableClock, alerts: UncertainAlerts
) -> None:
    core, began = replace(core, scanner=wary), clock.now()
    case_id = opened(core, HINT)
    hears(core, "no")
    clock.advance(timedelta(hours=1))
    opened(core)
    raise_due_alerts(core, alerts)
    hears(core, "STOP")
    acknowledge(core, case_id, "Asha")
    [view] = open_cases(core)
    assert (view.id, view.kind, view.tier, view.state, view.messages) == (case_id, "suicide", 1, "open", 2)
    assert (view.opened_at, view.last_evidence_at) == (began, clock.now())
    # What was said plainly after the no takes the no back.
    assert (view.urgent, view.opted_out, view.denied, view.reply_refused) == (True, True, False, False)
    assert (view.acknowledged_by, view.alerts_raised) == ("Asha", 0)
    assert not [secret for secret in (PHONE, HINT, DANGER) if secret in repr(view)]


def refusal(code: str, **more: bool) -> SendError:
    return SendError(code, **{"retryable": False, "ours": False, "staff_note": "note", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [refusal("21610", opted_out=True), refusal("21211")])
def test_a_reply_that_the_provider_refuses_for_good_makes_the_case_urgent_and_due(
    core: Core, clock: SettableClock, sender: RecordingSender, error: SendError
) -> None:
    received = hears(core, DANGER)
    assert received.case_id is not None and received.outbox_id is not None
    acknowledge(core, received.case_id, "Asha")
    clock.advance(A_MOMENT)
    sender.refusals = [error]
    assert deliver(core, {"sms": sender}, received.outbox_id, is_last_attempt=False) is Delivery.FAILED
    refused = case(core)
    assert (refused.urgent, refused.reply_refused_at) == (True, clock.now())
    assert (refused.acknowledged_by, refused.alert_due_at) == (None, clock.now())
    assert (rows.contact(core).opted_out_at is not None) is error.opted_out
    assert [one.reply_refused for one in open_cases(core)] == [True]


def test_a_refusal_that_may_pass_or_that_is_of_another_reply_leaves_the_case_alone(
    core: Core, sender: RecordingSender
) -> None:
    received = hears(core, DANGER)
    assert received.outbox_id is not None
    sender.refusals = [refusal("20429", retryable=True), refusal("21211")]
    assert deliver(core, {"sms": sender}, received.outbox_id, is_last_attempt=False) is Delivery.AGAIN
    numbers = hears(core, "SAFE")
    assert numbers.outbox_id is not None
    assert deliver(core, {"sms": sender}, numbers.outbox_id, is_last_attempt=False) is Delivery.FAILED
    assert (case(core).urgent, case(core).reply_refused_at) == (False, None)


def moment(written: str) -> datetime:
    return datetime.fromisoformat(written).astimezone(UTC)


# The clocks change on 28 March and 31 October 2027, at one in the morning UTC.
LATE_MORNINGS = [
    ("2026-11-23T12:00+00:00", "2026-11-24T11:00+00:00"),
    ("2026-11-23T10:59+00:00", "2026-11-24T11:00+00:00"),
    ("2026-11-23T22:59+00:00", "2026-11-24T11:00+00:00"),
    ("2026-11-23T23:00+00:00", "2026-11-24T11:00+00:00"),
    ("2026-11-23T23:01+00:00", "2026-11-25T11:00+00:00"),
    ("2026-11-24T00:00+00:00", "2026-11-25T11:00+00:00"),
    ("2026-11-24T00:01+00:00", "2026-11-25T11:00+00:00"),
    ("2027-07-01T23:00+01:00", "2027-07-02T11:00+01:00"),
    ("2027-07-01T23:01+01:00", "2027-07-03T11:00+01:00"),
    ("2027-03-27T22:00+00:00", "2027-03-28T11:00+01:00"),
    ("2027-03-27T22:01+00:00", "2027-03-29T11:00+01:00"),
    ("2027-03-28T00:30+00:00", "2027-03-29T11:00+01:00"),
    ("2027-10-31T00:00+01:00", "2027-10-31T11:00+00:00"),
    ("2027-10-31T00:01+01:00", "2027-11-01T11:00+00:00"),
    ("2027-10-31T01:30+00:00", "2027-11-01T11:00+00:00"),
]


@pytest.mark.parametrize(("written", "due"), LATE_MORNINGS)
def test_a_follow_up_is_due_on_the_next_late_morning_that_is_half_a_day_away(
    core: Core, clock: SettableClock, written: str, due: str
) -> None:
    clock.moment = moment(written)
    opened(core)
    assert case(core).follow_up_due_at == moment(due)


def to_the_follow_up(core: Core, clock: SettableClock, late: timedelta = timedelta()) -> None:
    due = [one.follow_up_due_at for one in rows.cases(core) if one.follow_up_due_at]
    assert due, "no follow-up is planned"
    clock.moment = max(due) + late


@pytest.mark.parametrize("channel", ["sms", "web"])
@pytest.mark.parametrize(
    ("text", "kind"),
    [(DANGER, "suicide"), ("i keep cutting myself", "self-harm"), ("I can't go on", "carer-breaking-point")],
)
def test_the_follow_up_is_put_once_when_it_is_due_in_its_reviewed_words(
    core: Core, safety: SafetyContent, clock: SettableClock, channel: str, text: str, kind: str
) -> None:
    contact_id = hears(core, text, channel=channel).contact_id
    assert case(core).kind == kind
    to_the_follow_up(core, clock, -A_MOMENT)
    assert put_due_follow_ups(core) == []
    clock.advance(A_MOMENT)
    [(outbox_id, whose)] = put_due_follow_ups(core)
    sent = rows.outbox(core)[-1]
    assert (sent.entry_id, whose, sent.purpose, sent.in_reply_to) == (outbox_id, contact_id, Purpose.FOLLOW_UP, None)
    written = safety.follow_ups[kind]["sms" if channel == "sms" else "chat"]
    assert sent.text == written.replace("{service_name}", "Essex Care Line")
    assert segments(sent.text).count <= 2 or channel == "web"
    assert claim(core, outbox_id) is not None
    clock.advance(timedelta(days=1))
    assert put_due_follow_ups(core) == []


def test_somebody_with_two_cases_is_followed_up_once(core: Core, clock: SettableClock) -> None:
    for text in (DANGER, "i keep cutting myself"):
        hears(core, text)
    to_the_follow_up(core, clock)
    assert len(put_due_follow_ups(core)) == 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (VIOLENCE, "domestic-abuse"),
        ("My carer hits me", "abuse-of-adult"),
        ("My stepdad hits me", "abuse-of-child"),
        ("mum is not breathing", "medical-emergency"),
        (DANGER_OF_ANOTHER, "suicide"),
    ],
)
def test_no_follow_up_is_planned_where_a_text_could_do_harm_or_is_of_no_use(core: Core, text: str, kind: str) -> None:
    opened(core, text)
    assert (case(core).kind, case(core).follow_up_due_at) == (kind, None)


def test_no_follow_up_is_planned_for_danger_that_only_may_be(core: Core, wary: SafetyScanner) -> None:
    core = replace(core, scanner=wary)
    opened(core, HINT)
    assert case(core).follow_up_due_at is None
    hears(core, "yes")
    assert case(core).follow_up_due_at is not None


@pytest.mark.parametrize("said", [[VIOLENCE, DANGER], [DANGER, VIOLENCE]])
def test_nobody_is_followed_up_while_a_case_of_abuse_is_open_beside_it(
    core: Core, clock: SettableClock, said: Sequence[str]
) -> None:
    for text in said:
        opened(core, text)
    clock.moment = moment("2026-11-24T11:00+00:00")
    assert put_due_follow_ups(core) == []


def test_nobody_is_followed_up_who_told_us_of_abuse_although_that_case_was_closed(
    core: Core, clock: SettableClock
) -> None:
    close(core, opened(core, VIOLENCE), "Asha", "spoke to them")
    opened(core)
    clock.moment = moment("2026-11-24T11:00+00:00")
    assert put_due_follow_ups(core) == []


def say_no_to_our_question(core: Core, clock: SettableClock) -> None:
    clock.moment = moment("2026-11-24T23:40+00:00")
    for text in (HINT, "no"):
        hears(core, text)
    assert case(core).denied_at == clock.now()


CANCELLED: dict[str, Callable[[Core, SettableClock], object]] = {
    "ended the texts": lambda core, clock: hears(core, "STOP"),
    "case closed": lambda core, clock: close(core, case(core).id, "Asha", "is with family"),
    "was about somebody else after all": lambda core, clock: hears(core, DANGER_OF_ANOTHER),
    "said no": say_no_to_our_question,
}


@pytest.mark.parametrize("cancel", CANCELLED.values(), ids=CANCELLED)
def test_a_follow_up_that_is_planned_is_not_put_when_it_is_no_longer_wanted(
    core: Core, wary: SafetyScanner, clock: SettableClock, cancel: Callable[[Core, SettableClock], object]
) -> None:
    core, clock.moment = replace(core, scanner=wary), moment("2026-11-23T23:30+00:00")
    opened(core)
    planned = case(core).follow_up_due_at
    assert planned == moment("2026-11-25T11:00+00:00")
    cancel(core, clock)
    clock.moment = planned
    assert put_due_follow_ups(core) == []


@pytest.mark.parametrize(("late", "put"), [(timedelta(hours=3), 1), (timedelta(hours=3) + A_MOMENT, 0)])
def test_a_follow_up_that_is_hours_late_is_dropped(core: Core, clock: SettableClock, late: timedelta, put: int) -> None:
    opened(core)
    to_the_follow_up(core, clock, late)
    assert len(put_due_follow_ups(core)) == put
    assert case(core).follow_up_due_at is None
