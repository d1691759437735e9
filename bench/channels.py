"""How soon a text is safe with us, how soon its reply is on its way, and whether a text that comes again is one text.

    .venv/bin/python -m bench.channels [--assistant fake] [--seconds 60] [--many 5000] [--only latency repeats pages]

Starts a helpline of its own on the embedded default, in an empty folder, with a pretend Twilio in this process. The
real assistant has to be trained; with `--assistant fake` one in its place answers at once, so that the rest is what is
measured.

latency: after a few that are not counted, signed webhooks come at random moments, five and then fifty a second on
average, whether or not those before them have been answered. A time counts from the moment at which the webhook was
due, so what waits in this program counts too; how many left it late is said. A webhook without a 200 counts as endless,
and so does a reply when none has come to anybody for a minute. repeats: every text is brought two to five times in any
order, several at once. pages: what the widget and the chat weigh compressed, and what axe finds; the tests in
tests/browser measure that.
"""

import argparse
import asyncio
import math
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import structlog

from channels.simulator.pages import signed_webhook
from channels.webchat.embed import WIDGET_PATH
from helpline.bootstrap import open_engine
from helpline.domain.messages import Purpose
from helpline.keys import load_keys
from helpline.settings import REPOSITORY, Settings
from helpline.storage.engine import Database
from helpline.storage.models import Inbound, Outbox
from tests.channels.conftest import on_loopback
from tests.fakes.twilio import FakeTwilio, Text
from tests.running_helpline import AUTH_TOKEN, UP, RunningHelpline, assistant_is_set_up, started

QUESTION = "how do i get someone out to see what help mum needs"
PARTS = ("latency", "repeats", "pages")
RATES = (5, 50)
WARM_UP = 20
LEFT_LATE_SECONDS = 0.005
GIVES_UP_AFTER_SECONDS = 30.0
STRAGGLERS_SECONDS = 60.0
WATCHED_FOR_MORE_SECONDS = 30.0
OUR_NUMBER = "+447700900100"
SEED = 2026
WITH_PROPERTIES = ("-o", "junit_family=xunit1")


class TimingTwilio(FakeTwilio):
    """A Twilio that notes when it was given the first text to each number."""

    def __init__(self) -> None:
        super().__init__(AUTH_TOKEN)
        self.first_given: dict[str, float] = {}

    def accept(self, form: Mapping[str, str]) -> Text:
        """Take a text that we hand over."""
        self.first_given.setdefault(form.get("To", ""), time.perf_counter())
        return super().accept(form)


@dataclass
class Texting:
    """One text to us; when its webhook was due, left and got its 200 (perf_counter), and what it got instead."""

    phone: str
    sid: str
    request: httpx.Request
    due: float = 0.0
    left: float = 0.0
    answered: float = math.inf
    instead: str | None = None


class Phones:
    """Numbers that nobody has, each once."""

    def __init__(self) -> None:
        self.used = 0

    def texts(self, url: str, count: int) -> list[Texting]:
        """So many people who text once each, their webhooks signed and ready to leave."""
        first, self.used = self.used, self.used + count
        return [self._text(url, f"+4477009{number:05d}") for number in range(first, self.used)]

    @staticmethod
    def _text(url: str, phone: str) -> Texting:
        sid = "SM" + secrets.token_hex(16)
        fields = {
            "MessageSid": sid,
            "From": phone,
            "To": OUR_NUMBER,
            "Body": QUESTION,
            "NumMedia": "0",
        }
        return Texting(phone, sid, signed_webhook(AUTH_TOKEN, url, url, fields))


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=GIVES_UP_AFTER_SECONDS, limits=httpx.Limits(max_connections=None))


async def _post(client: httpx.AsyncClient, texting: Texting) -> None:
    texting.left = time.perf_counter()
    texting.instead = await _instead_of_200(client, texting.request)
    if texting.instead is None:
        texting.answered = time.perf_counter()


async def _instead_of_200(client: httpx.AsyncClient, request: httpx.Request) -> str | None:
    try:
        response = await client.send(request)
    except httpx.HTTPError as error:
        return type(error).__name__
    return None if response.status_code == 200 else str(response.status_code)


async def _at_random_moments(texts: Sequence[Texting], per_second: float) -> None:
    """An open loop: what is slow to be answered does not hold up what comes next."""
    chance = random.Random(SEED)
    async with _client() as client, asyncio.TaskGroup() as posts:
        due = time.perf_counter() + 0.1
        for texting in texts:
            texting.due = due
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            posts.create_task(_post(client, texting))
            due += chance.expovariate(per_second)


def _wait_for(twilio: TimingTwilio, phones: set[str], within: float) -> None:
    """Until everybody has a reply, or none has come for so long."""
    missing, deadline = len(phones), time.perf_counter() + within
    while missing and time.perf_counter() < deadline:
        time.sleep(0.2)
        still = sum(phone not in twilio.first_given for phone in phones)
        if still < missing:
            missing, deadline = still, time.perf_counter() + within


def _percentiles(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    figures = (ordered[math.ceil(len(ordered) * share) - 1] * 1000 for share in (0.5, 0.95, 0.99, 1.0))
    return " | ".join(f"{figure:.1f}" for figure in figures)


def measure_latency(helpline: RunningHelpline, twilio: TimingTwilio, phones: Phones, seconds: float) -> None:
    """Print the times to the 200 and to the reply at each rate."""
    asyncio.run(_at_random_moments(phones.texts(helpline.url, WARM_UP), RATES[0]))
    print("\n| webhooks a second | what | count | median, ms | p95 | p99 | longest | never | left late |")
    print("|---|---|---|---|---|---|---|---|---|")
    for per_second in RATES:
        texts = phones.texts(helpline.url, math.ceil(per_second * seconds))
        asyncio.run(_at_random_moments(texts, per_second))
        _wait_for(twilio, {texting.phone for texting in texts}, STRAGGLERS_SECONDS)
        late = sum(texting.left - texting.due > LEFT_LATE_SECONDS for texting in texts)
        to_200 = [texting.answered - texting.due for texting in texts]
        to_reply = [twilio.first_given.get(texting.phone, math.inf) - texting.due for texting in texts]
        for what, times in (("webhook to its 200", to_200), ("webhook to the reply at Twilio", to_reply)):
            never = sum(map(math.isinf, times))
            print(f"| {per_second} | {what} | {len(times)} | {_percentiles(times)} | {never} | {late} |", flush=True)
        for instead, count in Counter(texting.instead for texting in texts if texting.instead).items():
            print(f"| {per_second} | in the place of a 200: {instead} | {count} | | | | | | |", flush=True)


async def _several_at_once(brought: Sequence[Texting], at_once: int) -> Counter[str]:
    """Bring them all, and count what came in the place of a 200."""
    waiting, instead = iter(brought), Counter[str]()

    async def bring(client: httpx.AsyncClient) -> None:
        for texting in waiting:
            # A request is sent once; a repeat is another with the same words.
            request = texting.request
            again = httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
            why = await _instead_of_200(client, again)
            if why is not None:
                instead[why] += 1

    async with _client() as client, asyncio.TaskGroup() as posts:
        for _ in range(at_once):
            posts.create_task(bring(client))
    return instead


@dataclass(frozen=True)
class Repeated:
    """What was brought, and what came in the place of a 200."""

    texts: Sequence[Texting]
    webhooks: int
    instead: Mapping[str, int]


def bring_again(helpline: RunningHelpline, twilio: TimingTwilio, phones: Phones, many: int, at_once: int) -> Repeated:
    """Bring every text two to five times, wait for the replies, and then for what must not come."""
    chance = random.Random(SEED)
    texts = phones.texts(helpline.url, many)
    brought = [texting for texting in texts for _ in range(chance.randint(2, 5))]
    chance.shuffle(brought)
    instead = asyncio.run(_several_at_once(brought, at_once))
    _wait_for(twilio, {texting.phone for texting in texts}, STRAGGLERS_SECONDS)
    time.sleep(WATCHED_FOR_MORE_SECONDS)
    return Repeated(texts, len(brought), instead)


def count_repeats(data_folder: Path, twilio: TimingTwilio, repeated: Repeated) -> bool:
    """Print what is in the database and at Twilio, and say whether it is as it must be."""
    settings = Settings(data_folder=data_folder)
    engine = open_engine(settings, load_keys(settings))
    sids, phones = {one.sid for one in repeated.texts}, {one.phone for one in repeated.texts}
    with Database(engine).read() as session:
        stored = [one.entry_id for one in session.query(Inbound).all() if one.provider_id in sids]
        replies = session.query(Outbox).filter_by(purpose=Purpose.REPLY).all()
    engine.dispose()
    turns = Counter(reply.in_reply_to for reply in replies if reply.in_reply_to in set(stored))
    handed_over = Counter((text.to, text.body) for text in twilio.sent if text.to in phones)
    answered = {phone for phone, _ in handed_over}
    doubles = {
        "messages": len(stored) - len(sids),
        "turns": sum(turns.values()) - len(turns),
        "replies": sum(handed_over.values()) - len(handed_over),
    }
    print(
        f"\n{repeated.webhooks} webhooks of {len(sids)} texts, {sum(repeated.instead.values())} not answered with 200"
        f"{''.join(f' ({count} times {why})' for why, count in repeated.instead.items())}: "
        f"{len(stored)} messages, {len(turns)} turns, {len(answered)} people with a reply; "
        f"{sum(doubles.values())} doubles ({', '.join(f'{count} {what}' for what, count in doubles.items())})"
    )
    return len(stored) == len(turns) == len(answered) == len(sids) and not any(doubles.values())


def measure_pages(helpline: RunningHelpline, folder: Path) -> None:
    """Print what the widget and the chat weigh, and what axe finds."""
    answer = httpx.get(helpline.url + WIDGET_PATH, headers={"accept-encoding": "gzip"})
    print(f"\nthe widget: {answer.num_bytes_downloaded} bytes compressed")
    report = folder / "pages.xml"
    tests = ("tests/browser/test_page_weight.py", "tests/browser/test_accessibility.py")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *tests,
            "-k",
            "axe_finds or stays_small",
            f"--junitxml={report}",
            *WITH_PROPERTIES,
        ],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
    )
    cases = list(xml.parse(report).iter("testcase"))
    not_run = {skipped.get("message", "") for case in cases for skipped in case.iter("skipped")}
    if not_run:
        print(f"the chat page and axe were not measured: {'; '.join(sorted(not_run))}")
    noted = [(one.get("name"), int(one.get("value", "0"))) for case in cases for one in case.iter("property")]
    for name, figure in noted:
        if name == "chat_page_bytes_compressed":
            print(f"the chat page with all its files: {figure} bytes compressed")
    found = [figure for name, figure in noted if name == "axe_findings"]
    if found:
        print(f"axe: {sum(found)} findings in {len(found)} states of the pages")
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    if failed or not cases:
        print(f"{failed} of {len(cases)} tests failed; run them by themselves to see why: {' '.join(tests)}")


@contextmanager
def _pretend_twilio() -> Iterator[tuple[TimingTwilio, str]]:
    twilio = TimingTwilio()
    with on_loopback(twilio.app()) as address:
        yield twilio, address


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--assistant", choices=("real", "fake"), default="real")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long webhooks come at each rate")
    parser.add_argument("--many", type=int, default=5000, help="how many texts are brought again and again")
    parser.add_argument("--at-once", type=int, default=8, help="how many of their webhooks are on the way at once")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    given = parser.parse_args()
    if given.assistant == "real" and not assistant_is_set_up():
        sys.exit(
            "bench.channels: the assistant is not set up, or not trained on what is there now. "
            "Run bin/helpline up once, or measure all the rest with --assistant fake."
        )
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    command = UP if given.assistant == "real" else ("bench.fake_assistant",)
    what = "the real assistant" if given.assistant == "real" else "a fake assistant that answers at once"
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"With {what}, on {os.cpu_count()} processors; load before: {load}.", flush=True)
    phones, repeated, fine = Phones(), None, True
    with tempfile.TemporaryDirectory(prefix="helpline-bench-") as name, _pretend_twilio() as (twilio, address):
        with started(Path(name), address, command) as helpline:
            if "latency" in given.only:
                measure_latency(helpline, twilio, phones, given.seconds)
            if "repeats" in given.only:
                repeated = bring_again(helpline, twilio, phones, given.many, given.at_once)
            if "pages" in given.only:
                measure_pages(helpline, Path(name))
        if repeated is not None:
            fine = count_repeats(helpline.data_folder, twilio, repeated)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
