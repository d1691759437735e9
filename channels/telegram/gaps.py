"""Updates that never came. Telegram numbers them one after the other, and keeps for a day what it cannot hand over."""

import re
import threading
from datetime import datetime, timedelta

import structlog

from channels.telegram.updates import CHANNEL
from helpline.services.core import Core
from helpline.services.missed import note_missing
from helpline.services.provider_messages import known_provider_ids, latest_provider_ids

# How long a number may be late: another process may have it, or it comes after its successor.
GRACE = timedelta(minutes=1)
# After a week of silence Telegram begins anew at a number of its choice, so a longer jump is no gap.
LONGEST_GAP = 5_000
LOOKED_AT = 50
_NUMBER = re.compile(r"(?:edit:|block:)?(\d{1,18})")

log = structlog.get_logger("telegram")


class UpdateGaps:
    """Says in the log and to staff which numbers are missing, once for each gap.

    What somebody does without saying anything (a button pressed too late, a group) is not stored, so that another
    process, or this one before a restart, may have had a number that is reported.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._expected: int | None = None
        self._missing: dict[int, datetime] = {}

    def note(self, update_id: int) -> None:
        """An update has come. Raises StorageUnavailable."""
        with self._lock:
            if self._expected is None:
                self._expected = self._after_last_stored_but(update_id) or update_id
            self._missing.pop(update_id, None)
            jump = update_id - self._expected
            if 0 < jump <= LONGEST_GAP:
                now = self._core.clock.now()
                self._missing |= dict.fromkeys(range(self._expected, update_id), now)
            if jump >= 0 or jump < -LONGEST_GAP:
                self._expected = update_id + 1
            self._report()

    def _after_last_stored_but(self, update_id: int) -> int | None:
        # The update that is being noted is stored already.
        stored = latest_provider_ids(self._core, CHANNEL, LOOKED_AT)
        numbers = [int(found[1]) for found in map(_NUMBER.fullmatch, stored) if found]
        return next((number + 1 for number in numbers if number != update_id), None)

    def _report(self) -> None:
        due_by = self._core.clock.now() - GRACE
        due = sorted(update_id for update_id, since in self._missing.items() if since <= due_by)
        if not due:
            return
        names = {f"{kind}{update_id}": update_id for update_id in due for kind in ("", "edit:", "block:")}
        known = {names[name] for name in known_provider_ids(self._core, CHANNEL, names)}
        lost = [update_id for update_id in due if update_id not in known]
        for update_id in due:
            del self._missing[update_id]
        if lost:
            log.error("updates missing", channel=CHANNEL, update_id=lost[0], count=len(lost))
            note_missing(self._core, CHANNEL, lost[0], len(lost))
