"""How a pretend provider calls us: by a test client of ours in the same process, or over HTTP in the background."""

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

AT_ONCE = 8
# Twilio's own patience with a webhook, at twilio.com/docs/usage/webhooks/webhooks-connection-overrides. Telegram says
# nothing of its own.
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 15.0


class WebhookFailed(Exception):
    """The receiver could not be connected to."""


class WebhookTimedOut(WebhookFailed):
    """The receiver was connected to and did not answer."""


# Posts a body and gives the status. Raises WebhookFailed.
Post = Callable[[str, bytes, Mapping[str, str]], int]


def post_by(client: Any) -> Post:
    """Posts by a test client of ours, whose address is the public one."""

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        return int(client.post(url, content=body, headers=dict(headers)).status_code)

    return post


def cannot_connect(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Nobody answers at our address."""
    raise WebhookFailed(urlsplit(url).netloc)


def post_over_http(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """A post to a server that runs."""
    try:
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        return httpx.post(url, content=body, headers=dict(headers), timeout=timeout).status_code
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise WebhookFailed(url) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise WebhookTimedOut(url) from error


def is_well(status: int) -> bool:
    """Whether a provider leaves it at that."""
    return 200 <= status < 300


class Background:
    """Calls that nobody waits for. They end with the process."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        for _ in range(at_once):
            threading.Thread(target=self._work, daemon=True).start()

    def do(self, job: Callable[[], object]) -> None:
        """Have it done as soon as a thread is free."""
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._jobs.get()()
