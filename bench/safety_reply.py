"""How soon the reply to danger reaches the provider, with the assistant dead, on a good day and on a bad one.

    .venv/bin/python -m bench.safety_reply [--seconds 20]

The whole of one process on an encrypted file in a temporary folder, with a stand-in for the provider that takes every
text at once. One message in twenty is danger; the time is from the moment at which the message is handed in to the
moment at which the provider is called with the reply. Three rounds: two messages a second; twenty a second; and twenty
a second while the database refuses every change.
"""

import argparse
import logging
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import structlog

from helpline.bootstrap import Product, build, launch_flows, stop_flows, take_slot
from helpline.domain.messages import InboundMessage, OutboundMessage, SendResult
from helpline.settings import Settings
from tests.channels.breaking import read_only

DANGER = "i cant do this any more, i want to kill myself"
QUESTION = "how do i get someone out to see what help mum needs"
ONE_IN = 20
PEOPLE = 200
STRAGGLERS_SECONDS = 10.0


class TimingSender:
    """A provider that takes everything and writes down when the reply to danger came."""

    def __init__(self) -> None:
        self.called_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def send(self, message: OutboundMessage) -> SendResult:
        """Take a message."""
        if "Samaritans" in message.text:
            with self._lock:
                self.called_at.setdefault(message.address, time.perf_counter())
        return SendResult(f"P{message.entry_id}")

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """Nothing is ever looked up here."""
        return None


def one_round(product: Product, sender: TimingSender, name: str, per_second: float, seconds: float) -> None:
    """Hand messages in at an even rate, and print how long the replies to danger took."""
    count = int(per_second * seconds)
    handed_in: dict[str, float] = {}

    def hand_in(number: int) -> None:
        is_danger = number % ONE_IN == 0
        # Each danger is another person, so that each reply can be told apart.
        address = f"+4477{abs(hash(name)) % 90 + 10}{number if is_danger else number % PEOPLE:06d}"
        if is_danger:
            handed_in[address] = time.perf_counter()
        product.gateway.handle_inbound(
            InboundMessage("sms", f"{name}-{number}", address, DANGER if is_danger else QUESTION)
        )

    started = time.perf_counter()
    with ThreadPoolExecutor(32) as pool:
        for number in range(count):
            time.sleep(max(0.0, started + number / per_second - time.perf_counter()))
            pool.submit(hand_in, number)
    deadline = time.perf_counter() + STRAGGLERS_SECONDS
    while any(address not in sender.called_at for address in handed_in) and time.perf_counter() < deadline:
        time.sleep(0.05)
    took = sorted(
        (sender.called_at[address] - at) * 1000 for address, at in handed_in.items() if address in sender.called_at
    )
    missing = len(handed_in) - len(took)
    print(
        f"{name:34} {len(took):4} replies, {missing} missing: median {statistics.median(took):7.1f} ms, "
        f"99 % {took[min(len(took) - 1, int(len(took) * 0.99))]:7.1f} ms, longest {took[-1]:7.1f} ms"
    )


def main() -> None:
    """Run the three rounds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    logging.disable()
    with tempfile.TemporaryDirectory(prefix="helpline-bench-") as folder:
        # Nothing listens on these ports: the assistant and the action server are dead.
        settings = Settings(data_folder=Path(folder), assistant_port=1, actions_port=1)
        sender = TimingSender()
        product = build(settings, senders={"sms": sender, "web": sender})
        launch_flows(product, take_slot(settings, product.engine))
        try:
            one_round(product, sender, "normal load", 2.0, given.seconds)
            one_round(product, sender, "ten times", 20.0, given.seconds)
            with read_only(product.engine):
                one_round(product, sender, "ten times, no writing", 20.0, given.seconds)
        finally:
            stop_flows(product)


if __name__ == "__main__":
    main()
