"""Durable work: turns, sends and retries as DBOS workflows. The only module that knows DBOS.

A workflow carries ids, never words. Its id is fixed by what it is for, so that starting it twice does nothing the
second time. One person's turns are a partition of the queue: handled one at a time and in order.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from dbos import DBOS, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID, WorkflowStatus

from helpline.ports import AlertNotRaised, Alerts, Assistant, AssistantUnavailable, MessageSender
from helpline.services import alarms, cases, forgetting, receipts, sending, turns
from helpline.services.core import Core
from helpline.storage import deliveries, repositories
from helpline.storage.engine import Engine, StorageUnavailable
from helpline.storage.executor_slot import ExecutorSlot

# Pinned: DBOS takes up only the waiting workflows of its own version, so a version that changed with the code would
# strand them. Raise it only together with a plan for those that wait.
APPLICATION_VERSION = "1"

TURN_QUEUE = "turns"
SEND_QUEUE = "sends"

# Seconds before each further try. The last one repeats until the attempts run out.
TURN_BACKOFF = (3, 5, 10, 20, 30, 60)
SEND_BACKOFF = (2, 5, 15, 60, 300, 900, 3600)
TURN_ATTEMPTS_WHILE_ASSISTANT_IS_WELL = 4
TURN_ATTEMPTS = 1_500
SEND_ATTEMPTS = 30
SEND_POLL_SECONDS = 1.0
STUCK_AFTER = timedelta(seconds=20)
SWEEP_BATCH = 500
FORGET_AFTER = timedelta(days=2)
FORGET_BATCH = 2_000

log = structlog.get_logger("flows")


@dataclass(frozen=True)
class Running:
    """What the workflows work with: set by launch, cleared by stop.

    find_missed: takes in what came to a provider while our webhook could not be reached, and says how many that were.
    """

    core: Core
    assistant: Assistant
    senders: dict[str, MessageSender]
    alerts: Alerts
    drain_spool: Callable[[], int]
    slot: ExecutorSlot
    find_missed: Callable[[], int] = lambda: 0


_running: Running | None = None


def _here() -> Running:
    if _running is None:
        raise RuntimeError("flows.launch() has not been called")
    return _running


def _backoff(table: tuple[int, ...], attempt: int) -> int:
    return table[min(attempt, len(table) - 1)]


@DBOS.step(name="answer_message")
def _answer(message_id: int) -> dict[str, Any]:
    here = _here()
    waiting = message_id
    try:
        request = turns.next_turn(here.core, message_id)
        if request is None:
            return {"outcome": "nothing-left"}
        waiting = request.message_id
        replies = here.assistant.answer(request.sender, request.text, request.metadata)
        outbox_id = turns.settle_turn(here.core, waiting, replies)
    except AssistantUnavailable as error:
        log.warning("assistant unavailable", message_id=waiting, reason=str(error))
        return {"outcome": "unavailable", "message_id": waiting, "well": here.assistant.is_ready()}
    except StorageUnavailable:
        raise
    except Exception as error:
        # A message that breaks us must not leave its writer in silence, nor hold up what they write next.
        log.error("turn failed", message_id=waiting, error=type(error).__name__)
        return {"outcome": "unavailable", "message_id": waiting, "well": True}
    return {"outcome": "answered", "message_id": waiting, "outbox_id": outbox_id}


@DBOS.step(name="hold")
def _hold(message_id: int) -> int | None:
    return turns.hold(_here().core, message_id)


@DBOS.step(name="give_up")
def _give_up(message_id: int) -> int | None:
    outbox_id = turns.give_up(_here().core, message_id)
    _alert("message-handed-to-staff", message_id=message_id)
    return outbox_id


def _alert(kind: str, **ids: int) -> None:
    # What it is about is in the database, where staff find it; a mail server that is away must not stop the flow.
    try:
        _here().alerts.raise_alert(kind, **ids)
    except AlertNotRaised as error:
        log.error("alert not raised", reason=str(error), **ids)


@DBOS.workflow(name="turn")
def turn(message_id: int, contact_id: str, attempt: int) -> str:
    """Answer a person's waiting messages up to this one, oldest first; come back later if the assistant cannot."""
    while True:
        done = _answer(message_id)
        if done["outcome"] == "nothing-left":
            return "done"
        if done["outcome"] == "answered":
            _deliver(done["outbox_id"], contact_id)
            continue
        waiting = done["message_id"]
        well_but_failing = done["well"] and attempt + 1 >= TURN_ATTEMPTS_WHILE_ASSISTANT_IS_WELL
        if well_but_failing or attempt + 1 >= TURN_ATTEMPTS:
            _deliver(_give_up(waiting), contact_id)
            continue
        _deliver(_hold(waiting), contact_id)
        queue_turn(message_id, contact_id, attempt + 1, _backoff(TURN_BACKOFF, attempt))
        return "waiting"


@DBOS.step(name="send_message")
def _send(entry_id: int, attempt: int) -> dict[str, Any]:
    here = _here()
    done = sending.attempt(here.core, here.senders, entry_id, is_last_attempt=attempt + 1 >= SEND_ATTEMPTS)
    if done.delivery is sending.Delivery.FAILED:
        _alert("message-not-sent", entry_id=entry_id)
    return {"outcome": done.delivery.value, "again_in": done.again_in}


@DBOS.step(name="waiting_behind")
def _waiting_behind(contact_id: str, entry_id: int) -> list[int]:
    return sending.waiting_behind(_here().core, contact_id, entry_id)


@DBOS.workflow(name="send")
def send(entry_id: int, contact_id: str, attempt: int, waits: int = 0) -> str:
    """Hand one outbox message to its provider; come back later if the provider cannot take it.

    waits: how often it came back without a try being counted.
    """
    return _deliver(entry_id, contact_id, attempt, waits)


def _deliver(entry_id: int | None, contact_id: str, attempt: int = 0, waits: int = 0) -> str:
    # A turn sends its own reply, so that one person's replies leave in the order of their messages.
    if entry_id is None:
        return sending.Delivery.NOTHING_TO_DO.value
    done = _send(entry_id, attempt)
    # A step that an older release finished gave the outcome alone.
    outcome, again_in = (done, None) if isinstance(done, str) else (done["outcome"], done["again_in"])
    if outcome == sending.Delivery.AGAIN:
        # Never sooner than the provider asked, and never sooner than we would.
        delay = max(_backoff(SEND_BACKOFF, attempt), math.ceil(again_in or 0))
        _send_later(entry_id, contact_id, attempt + 1, waits, delay)
    elif outcome == sending.Delivery.WAITS:
        _send_later(entry_id, contact_id, attempt, waits + 1, max(1, math.ceil(again_in or 0)))
    elif outcome != sending.Delivery.BEHIND and attempt + waits > 0:
        # Others of this person may have had to wait for it. Should this be lost, the sweep finds them.
        for waiting in _waiting_behind(contact_id, entry_id):
            _send_later(waiting, contact_id, 0, 0, 0, f"after-{entry_id}")
    return str(outcome)


def _send_later(
    entry_id: int, contact_id: str, attempt: int, waits: int, delay_seconds: int, origin: str | None = None
) -> None:
    # The chain of one start has an id of its own, so that a second start of the same message is not taken for it.
    here = (DBOS.workflow_id or "").split(":")
    origin = origin or (here[2] if here[0] == "send" and len(here) > 3 else "first")
    with (
        SetWorkflowID(f"send:{entry_id}:{origin}:{attempt}:{waits}"),
        SetEnqueueOptions(queue_partition_key=contact_id, delay_seconds=delay_seconds or None),
    ):
        DBOS.enqueue_workflow(SEND_QUEUE, send, entry_id, contact_id, attempt, waits)


@DBOS.step(name="find_stuck")
def _find_stuck() -> dict[str, list[list[Any]]]:
    here = _here()
    here.drain_spool()
    now = here.core.clock.now()
    with here.core.database.read() as session:
        inbound = repositories.waiting_inbound(session, now - STUCK_AFTER, SWEEP_BATCH)
        outbox = deliveries.waiting_outbox(session, now - STUCK_AFTER, now, SWEEP_BATCH)
    on_their_way = {":".join(flow.workflow_id.split(":")[:2]) for flow in _unfinished()}
    return {
        "turns": [list(row) for row in inbound if f"turn:{row[0]}" not in on_their_way],
        "sends": [list(row) for row in outbox if f"send:{row[0]}" not in on_their_way],
    }


@DBOS.step(name="tell_staff")
def _tell_staff() -> int:
    here = _here()
    told = cases.raise_due_alerts(here.core, here.alerts)
    sending.note_spending(here.core)
    return told + alarms.raise_due_alarms(here.core, here.alerts)


@DBOS.step(name="forget_unknown_receipts")
def _forget_unknown_receipts() -> int:
    return receipts.forget_unknown_receipts(_here().core)


@DBOS.step(name="drop_addresses")
def _drop_addresses() -> int:
    return forgetting.drop_addresses(_here().core)


@DBOS.step(name="put_follow_ups")
def _put_follow_ups() -> list[list[Any]]:
    return [list(row) for row in cases.put_due_follow_ups(_here().core)]


def _unfinished() -> list[WorkflowStatus]:
    return DBOS.list_workflows(
        status=["PENDING", "ENQUEUED", "DELAYED"], name=["turn", "send"], load_input=False, load_output=False
    )


@DBOS.workflow(name="sweep")
def sweep(scheduled: datetime, context: Any) -> None:
    """Take up what a crash left between two commits: stored but not queued, queued but not sent, spooled.

    Also takes up what is due to be sent again because a phone did not get it, tells staff of alarms and (again) of
    cases that nobody has seen, asks people the day after how they are, gives the unfinished work of executors that died
    to the queues again, and forgets finished work and those who asked for it.
    """
    mark = scheduled.strftime("%Y%m%d%H%M%S")
    _resume_dead_executors()
    found = _find_stuck()
    for message_id, contact_id in found["turns"]:
        with (
            SetWorkflowID(f"turn:{message_id}:sweep:{mark}"),
            SetEnqueueOptions(queue_partition_key=contact_id),
        ):
            DBOS.enqueue_workflow(TURN_QUEUE, turn, message_id, contact_id, 0)
    for entry_id, contact_id in found["sends"]:
        with (
            SetWorkflowID(f"send:{entry_id}:sweep-{mark}:0:0"),
            SetEnqueueOptions(queue_partition_key=contact_id),
        ):
            DBOS.enqueue_workflow(SEND_QUEUE, send, entry_id, contact_id, 0)
    # Last, so that nothing that fails here keeps a message waiting.
    for entry_id, contact_id in _put_follow_ups():
        send_at_once(entry_id, contact_id)
    _tell_staff()
    _forget_unknown_receipts()
    _drop_addresses()
    _forget_finished()


@DBOS.step(name="find_missed")
def _find_missed() -> int:
    return _here().find_missed()


@DBOS.workflow(name="find_missed")
def find_missed(scheduled: datetime, context: Any) -> None:
    """Take in the messages that reached a provider and not us: its list is compared with ours."""
    _find_missed()


@DBOS.step(name="resume_dead_executors")
def _resume_dead_executors() -> int:
    """PostgreSQL only; on one file we are alone."""
    here = _here()
    resumed = 0
    for flow in _unfinished():
        if flow.status == "PENDING" and flow.executor_id and here.slot.is_dead(flow.executor_id):
            DBOS.resume_workflow(flow.workflow_id)
            resumed += 1
    return resumed


@DBOS.step(name="forget_finished")
def _forget_finished() -> int:
    """Finished workflows are kept long enough that a repeat is still known, then forgotten; our tables remember."""
    before = _here().core.clock.now() - FORGET_AFTER
    flows = DBOS.list_workflows(
        status=["SUCCESS", "ERROR", "CANCELLED"],
        completed_before=before.isoformat(),
        limit=FORGET_BATCH,
        load_input=False,
        load_output=False,
    )
    DBOS.delete_workflows([flow.workflow_id for flow in flows])
    return len(flows)


def queue_turn(message_id: int, contact_id: str, attempt: int = 0, delay_seconds: int | None = None) -> None:
    """Put a message's turn on the queue; a repeat does nothing."""
    with (
        SetWorkflowID(f"turn:{message_id}:{attempt}"),
        SetEnqueueOptions(queue_partition_key=contact_id, delay_seconds=delay_seconds),
    ):
        DBOS.enqueue_workflow(TURN_QUEUE, turn, message_id, contact_id, attempt)


def send_at_once(entry_id: int, contact_id: str) -> None:
    """Send a message now, ahead of every queue and durably; a repeat does nothing."""
    with SetWorkflowID(f"send:{entry_id}:0"):
        DBOS.start_workflow(send, entry_id, contact_id, 0)


def launch(running: Running, engine: Engine, *, takes_work: bool, poll_seconds: float, turn_slots: int) -> None:
    """Start the engine in this process.

    engine holds DBOS's own tables, apart from ours. takes_work: whether this process takes work from the queues, or
    only puts it there.
    """
    global _running
    _running = running
    logging.getLogger("dbos").setLevel(logging.ERROR)
    DBOS(
        config={
            "name": "helpline",
            "system_database_url": str(engine.url),
            "system_database_engine": engine,
            "application_version": APPLICATION_VERSION,
            "executor_id": running.slot.executor_id,
            "serializer": DBOSPortableJSONSerializer(),
            "enable_otlp": False,
            "log_level": "ERROR",
            "scheduler_polling_interval_sec": 5.0,
            "use_listen_notify": False,
        }
    )
    if not takes_work:
        DBOS.listen_queues([])
    DBOS.launch()
    DBOS.register_queue(
        TURN_QUEUE,
        worker_concurrency=2 * turn_slots,
        partition_concurrency=1,
        polling_interval_sec=poll_seconds,
    )
    DBOS.register_queue(SEND_QUEUE, worker_concurrency=16, partition_concurrency=1, polling_interval_sec=poll_seconds)
    if takes_work:
        DBOS.apply_schedules(
            [
                {"schedule_name": "sweep", "workflow_fn": sweep, "schedule": "*/15 * * * * *", "context": None},
                {
                    "schedule_name": "find_missed",
                    "workflow_fn": find_missed,
                    "schedule": "0 */2 * * * *",
                    "context": None,
                },
            ]
        )


def stop() -> None:
    """Stop the engine; what is unfinished is taken up by the next start."""
    global _running
    DBOS.destroy(workflow_completion_timeout_sec=0)
    _running = None
