"""Feeding conversations through the real path with sending captured: how a release is checked."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from channels.registry import CHANNELS
from helpline.bootstrap import Product, build, import_own_services, launch_flows, stop_flows, take_slot
from helpline.domain.messages import InboundMessage, OutboundMessage, SendResult
from helpline.domain.sms import segments
from helpline.environments import model_path
from helpline.services.threads import ThreadMessage, thread_after
from helpline.services.turn_review import TurnReview, review_turn
from helpline.settings import REPOSITORY, Settings
from helpline.supervisor import SUPERVISED_BY

AT_ONCE = 6
TURN_WITHIN_SECONDS = 60.0
READY_WITHIN_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.005
# Nobody has a check-in yet, so this moves no clock: a due prompt is delivered by the flows that plan it.
BEFORE_ACTIONS = frozenset({"advance_clock:next_checkin"})


class BadReplay(Exception):
    """The file cannot be replayed; the message names the line."""


@dataclass(frozen=True)
class Said:
    """One message of a script. media: a MIME type or kind; the text then only stands for it."""

    text: str
    media: str | None


@dataclass(frozen=True)
class Script:
    """One conversation to replay, by a fresh person."""

    id: Any
    channel: str
    turns: tuple[Said, ...]


class _CapturingSender:
    """Takes every message and calls nobody."""

    def send(self, message: OutboundMessage) -> SendResult:
        return SendResult(f"captured-{message.entry_id}")

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        return SendResult(f"captured-{message.entry_id}")


def read_scripts(source: Path, channel: str) -> list[Script]:
    """The scripts of a file, one JSON object a line. Raises BadReplay."""
    known = {registered.name for registered in CHANNELS}
    scripts = []
    for number, line in enumerate(source.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            script = _script(json.loads(line), channel)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadReplay(f"{source}, line {number}: not a message or a script ({error}).") from None
        if script.channel not in known:
            raise BadReplay(
                f"{source}, line {number}: the channel {script.channel} is not switched on; "
                f"there are {', '.join(sorted(known))}."
            )
        scripts.append(script)
    return scripts


def _script(line: Mapping[str, Any], channel: str) -> Script:
    if "turns" not in line:
        return Script(line["id"], line.get("channel", channel), (Said(str(line["text"]), None),))
    turns = []
    for turn in line["turns"]:
        if turn.get("before") is not None and turn["before"] not in BEFORE_ACTIONS:
            raise ValueError(f"nothing is known of before: {turn['before']}")
        turns.append(Said(str(turn.get("user") or ""), turn.get("media")))
    return Script(line["id"], line.get("channel", channel), tuple(turns))


def replay_file(settings: Settings, source: Path, out: Path, channel: str, now: datetime | None) -> int:
    """Replay a file of scripts into another, in the same order; how many there were. Raises BadReplay."""
    scripts = read_scripts(source, channel)
    with tempfile.TemporaryDirectory(prefix="helpline-replay-") as folder:
        moment = (now or datetime.now(UTC)).astimezone(UTC)
        candidate = settings.model_copy(
            update={
                "data_folder": Path(folder),
                "model_file": model_path(settings),
                "assistant_port": _free_port(),
                "actions_port": _free_port(),
                "database_url": None,
                "now": moment,
                "flow_poll_seconds": 0.01,
            }
        )
        senders = {registered.name: _CapturingSender() for registered in CHANNELS}
        product = build(candidate, senders=dict(senders))
        import_own_services(product.core, candidate)
        with _parts_running(candidate, product):
            launch_flows(product, take_slot(candidate, product.engine))
            try:
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    results = list(pool.map(lambda item: _replay(product, *item), enumerate(scripts)))
            finally:
                stop_flows(product)
    with out.open("w") as file:
        for result in results:
            file.write(json.dumps(result, ensure_ascii=False) + "\n")
    return len(results)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _parts_running(settings: Settings, product: Product) -> Iterator[None]:
    environment = {
        **os.environ,
        SUPERVISED_BY: str(os.getpid()),
        "HELPLINE_DATA_FOLDER": str(settings.data_folder),
        "HELPLINE_MODEL_FILE": str(settings.model_file),
        "HELPLINE_ASSISTANT_PORT": str(settings.assistant_port),
        "HELPLINE_ACTIONS_PORT": str(settings.actions_port),
        "HELPLINE_NOW": settings.now.isoformat() if settings.now else "",
    }
    environment.pop("HELPLINE_DATABASE_URL", None)
    parts = [
        subprocess.Popen(
            [sys.executable, "-m", "helpline", name],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in ("actions", "assistant")
    ]
    try:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not (product.assistant.is_ready() and _answers(f"{settings.actions_url}/health")):
            if time.monotonic() > deadline or any(part.poll() is not None for part in parts):
                raise BadReplay("The assistant or the action server did not start; bin/helpline doctor tells more.")
            time.sleep(0.2)
        yield
    finally:
        for part in parts:
            part.terminate()
        for part in parts:
            part.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0).status_code == 200
    except httpx.HTTPError:
        return False


def _replay(product: Product, index: int, script: Script) -> dict[str, Any]:
    # Ofcom's numbers for drama, and beyond them plain counting: each line is a fresh person.
    address = f"+4477009{index:06d}" if script.channel == "sms" else f"replay-{index:08d}"
    return {
        "id": script.id,
        "turns": [
            _replay_turn(product, script.channel, address, f"{index}-{turn}", said)
            for turn, said in enumerate(script.turns)
        ],
    }


def _replay_turn(product: Product, channel: str, address: str, provider_id: str, said: Said) -> dict[str, Any]:
    before = thread_after(product.core, channel, address, most=10_000)
    last = before[-1].id if before else 0
    message = InboundMessage(
        channel,
        f"replay-{provider_id}",
        address,
        "" if said.media else said.text,
        (said.media,) if said.media else (),
    )
    started = time.perf_counter()
    product.gateway.handle_inbound(message)
    thread = _wait(product, channel, address, last)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    replies = [entry.text for entry in thread if not entry.from_person]
    own = next(entry for entry in thread if entry.from_person)
    return {
        "user": said.text,
        "replies": replies,
        **_understood(review_turn(product.core, own.id)),
        "segments": sum(segments(text).count for text in replies),
        "ms": milliseconds,
    }


def _wait(product: Product, channel: str, address: str, after: int) -> list[ThreadMessage]:
    deadline = time.monotonic() + TURN_WITHIN_SECONDS
    pause = threading.Event()
    while time.monotonic() < deadline:
        thread = thread_after(product.core, channel, address, after)
        if thread and not any(entry.is_unsettled for entry in thread):
            return thread
        pause.wait(LOOK_EVERY_SECONDS)
    raise BadReplay("A message was not answered within a minute; bin/helpline doctor tells more.")


def _understood(review: TurnReview) -> dict[str, Any]:
    return {
        "topic": review.topic,
        "answer": review.answer,
        "danger": review.danger,
        "intent": review.intent,
        "confidence": review.confidence,
        "place": review.district,
        "out_of_scope": review.out_of_scope,
        "opted_out": review.opted_out,
    }
