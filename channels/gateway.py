"""A message's way in: stored first, answered at once where somebody may be in danger, queued otherwise."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import structlog

from helpline.domain.messages import InboundMessage, OutboundMessage, SendError
from helpline.domain.text import storable
from helpline.ports import AlertNotRaised, Alerts, MessageSender
from helpline.services.arrival import Received
from helpline.services.cases import raise_due_alerts
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.sending import Delivery, deliver
from helpline.spool import Spool, SpoolUnavailable
from helpline.storage.engine import StorageUnavailable

log = structlog.get_logger("gateway")


class Outcome(StrEnum):
    """What the provider may be told. STORED and SPOOLED: it is safe with us. REFUSED: send it again."""

    STORED = "stored"
    SPOOLED = "spooled"
    REFUSED = "refused"


@dataclass(frozen=True)
class Handled:
    """What became of a message.

    unsent_warning: a safety reply that could neither be stored nor handed to a provider; a channel that can must show
    it in its answer to the message itself.
    """

    outcome: Outcome
    unsent_warning: str | None = None


@dataclass(frozen=True)
class Work:
    """How a stored message's work is started: both take an entry id and a contact id. Bound in bootstrap.py."""

    queue_turn: Callable[[int, str], None]
    send_at_once: Callable[[int, str], None]


class Background:
    """Threads for what need not be done before the provider hears that its message is safe with us.

    Replies to danger have threads of their own, so that no queue of ours is ever before them. What a crash leaves
    undone here is found by the sweep.
    """

    def __init__(self) -> None:
        self._urgent = ThreadPoolExecutor(8, "urgent")
        self._usual = ThreadPoolExecutor(2, "usual")

    def start(self, work: Callable[[], None], urgent: bool) -> None:
        """Do it soon; urgent work is not kept waiting by the rest."""
        # Refused while stopping: the message is stored, so the sweep of the next start finds it.
        with suppress(RuntimeError):
            (self._urgent if urgent else self._usual).submit(work)

    def stop(self) -> None:
        """Finish what was begun; the sweep of the next start finds the rest."""
        for pool in (self._urgent, self._usual):
            pool.shutdown(wait=True, cancel_futures=True)


def at_once(work: Callable[[], None], urgent: bool) -> None:
    """In the caller's own thread."""
    work()


class Gateway:
    """The one door through which every channel's messages come."""

    def __init__(
        self,
        core: Core,
        senders: Mapping[str, MessageSender],
        work: Work,
        spool: Spool,
        alerts: Alerts,
        start: Callable[[Callable[[], None], bool], None] = at_once,
    ) -> None:
        self.core = core
        self._senders = senders
        self._work = work
        self._spool = spool
        self._alerts = alerts
        self._start = start

    def handle_inbound(self, message: InboundMessage) -> Handled:
        """Take a message in.

        The steps, in order:

        1. store it, once for ever for (channel, provider id);
        2. read it for danger, before any model and without needing one;
        3. obey control words, and answer what has no words in it (all three in one transaction);
        4. start the work, in the background: a reply that is ready goes at once, the assistant's turn on the queue.

        When the database cannot be written the message goes to the spool and a safety reply goes out without it.
        """
        try:
            received = receive(self.core, message)
        except StorageUnavailable as error:
            log.error("storage unavailable", channel=message.channel, reason=str(error))
            return self._handle_without_storage(message)
        self._start(lambda: self._start_work(received), received.danger_kind is not None)
        return Handled(Outcome.STORED)

    def _start_work(self, received: Received) -> None:
        if not received.new:
            return
        if received.danger_kind is not None:
            self._answer_danger(received)
            return
        try:
            if received.outbox_id is not None:
                self._work.send_at_once(received.outbox_id, received.contact_id)
            if received.turn_for is not None:
                self._work.queue_turn(received.turn_for, received.contact_id)
            for outbox_id, contact_id in received.notices:
                self._work.send_at_once(outbox_id, contact_id)
        except Exception as error:
            # The message is stored, so the sweep will find it; failing here would make the provider repeat it.
            log.error("work not started", message_id=received.message_id, error=type(error).__name__)
            if received.outbox_id is not None:
                self._send_without_engine(received.outbox_id)
        if received.case_id is not None:
            self._tell_staff()

    def _answer_danger(self, received: Received) -> None:
        """The reply goes straight to the provider; the durable engine is asked only where that did not do it."""
        if received.outbox_id is not None and self._send_without_engine(received.outbox_id) is not Delivery.SENT:
            try:
                self._work.send_at_once(received.outbox_id, received.contact_id)
            except Exception as error:
                # The row is still there, so the sweep sends it.
                log.error("work not started", message_id=received.message_id, error=type(error).__name__)
        # Not on the urgent threads: a mail server that hangs must not keep the next person in danger waiting.
        self._start(self._tell_staff, False)

    def _tell_staff(self) -> None:
        try:
            raise_due_alerts(self.core, self._alerts)
        except Exception as error:
            # The alert stays due, and the sweep raises it.
            log.error("alert not raised", error=type(error).__name__)

    def _send_without_engine(self, outbox_id: int) -> Delivery | None:
        try:
            return deliver(self.core, self._senders, outbox_id, is_last_attempt=False)
        except Exception as error:
            log.error("reply not sent", entry_id=outbox_id, error=type(error).__name__)
            return None

    def _handle_without_storage(self, message: InboundMessage) -> Handled:
        warning = self._find_warning(message)
        warned = warning is not None and self._warn_without_storage(message, warning)
        unsent = None if warned else warning
        try:
            self._spool.put(message, warned=warned)
        except SpoolUnavailable as error:
            log.error("spool unavailable", channel=message.channel, reason=str(error))
            return Handled(Outcome.REFUSED, unsent)
        return Handled(Outcome.SPOOLED, unsent)

    def _find_warning(self, message: InboundMessage) -> str | None:
        danger = self.core.find_danger(storable(message.text), (), self.core.form_of(message.channel))
        if danger is None or not message.answerable or self._spool.has(message.channel, message.provider_id):
            return None
        try:
            self._alerts.raise_alert("danger-while-storage-unavailable", channel=message.channel)
        except AlertNotRaised as error:
            log.error("alert not raised", channel=message.channel, reason=str(error))
        return self.core.safety_reply(danger, self.core.form_of(message.channel), None)

    def _warn_without_storage(self, message: InboundMessage, warning: str) -> bool:
        try:
            self._senders[message.channel].send(OutboundMessage(None, message.address, warning))
        except SendError as error:
            log.error("safety reply not sent", channel=message.channel, code=error.code)
            return False
        return True

    def drain_spool(self) -> int:
        """Take in what was spooled while the database could not be written; how many messages that was."""
        drained = 0
        for spooled in self._spool.waiting():
            try:
                received = receive(self.core, spooled.message, already_warned=spooled.warned)
            except StorageUnavailable:
                break
            except Exception as error:
                # It stays in the spool; the others must not wait for it.
                log.error("spooled message not taken in", channel=spooled.message.channel, error=type(error).__name__)
                continue
            # In the background as well: the sweep calls us from within a step, where nothing can be queued.
            self._start(partial(self._start_work, received), received.danger_kind is not None)
            self._spool.remove(spooled)
            drained += 1
        return drained
