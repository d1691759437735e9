"""Asking the assistant: Rasa's REST channel, with everything that it gets wrong taken as a failure.

Rasa answers 200 with an empty list when it has failed in any way, so an empty answer is never believed; an answer
for somebody else is never passed on. Measured failure modes: docs/decisions/0005-rasa-is-quarantined.md.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from helpline.domain.messages import Reply
from helpline.domain.text import has_words
from helpline.ports import AssistantUnavailable

FAILURES_BEFORE_PAUSE = 5
PAUSE_SECONDS = 5.0
LONGEST_ANSWER = 200_000


class RasaAssistant:
    """The assistant over HTTP, on loopback.

    slots: calls in flight at once; more than eight make Rasa slower, not faster. After several failures in a row it
    is left alone for a few seconds, so that the people who wait are told at once.
    """

    def __init__(
        self,
        url: str,
        token: str,
        actions_url: str,
        *,
        slots: int = 8,
        timeout_seconds: float = 8.0,
        monotonic: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._client = httpx.Client(
            base_url=url, timeout=httpx.Timeout(timeout_seconds, connect=2.0), transport=transport
        )
        self._token = token
        self._actions_url = actions_url
        self._slots = threading.BoundedSemaphore(slots)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._paused_until = 0.0

    def answer(self, sender: str, text: str, metadata: Mapping[str, Any]) -> Sequence[Reply]:
        """The replies to one message.

        Raises:
            ValueError: no sender; Rasa would put everybody without one into the same conversation.
            AssistantUnavailable: no usable answer, after one try again.
        """
        if not sender:
            raise ValueError("the assistant must never be asked without a sender")
        if self._is_paused():
            raise AssistantUnavailable("paused after failures")
        try:
            try:
                replies = self._ask(sender, text, metadata)
            except AssistantUnavailable:
                replies = self._ask(sender, text, metadata)
        except AssistantUnavailable:
            self._count_failure()
            raise
        self._failures = 0
        return replies

    def _ask(self, sender: str, text: str, metadata: Mapping[str, Any]) -> Sequence[Reply]:
        with self._slots:
            try:
                response = self._client.post(
                    "/webhooks/rest/webhook",
                    json={"sender": sender, "message": text, "metadata": dict(metadata)},
                )
            except httpx.HTTPError as error:
                raise AssistantUnavailable(type(error).__name__) from error
        if response.status_code != 200:
            raise AssistantUnavailable(f"status {response.status_code}")
        if len(response.content) > LONGEST_ANSWER:
            raise AssistantUnavailable("too long an answer")
        return _replies(response, sender)

    def _is_paused(self) -> bool:
        with self._lock:
            return self._monotonic() < self._paused_until

    def _count_failure(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES_BEFORE_PAUSE:
                self._paused_until = self._monotonic() + PAUSE_SECONDS

    def is_ready(self) -> bool:
        """Whether the assistant is up with a model loaded, and its action server too, and it is not left alone."""
        if self._is_paused():
            return False
        try:
            assistant = self._client.get("/status", params={"token": self._token}, timeout=2.0)
            actions = self._client.get(f"{self._actions_url}/health", timeout=2.0)
        except httpx.HTTPError:
            return False
        return assistant.status_code == 200 and actions.status_code == 200


def _replies(response: httpx.Response, sender: str) -> Sequence[Reply]:
    try:
        answers = response.json()
    except (ValueError, RecursionError) as error:
        raise AssistantUnavailable("not JSON") from error
    if not isinstance(answers, list) or not answers:
        raise AssistantUnavailable("silence")
    replies = []
    for answer in answers:
        if not isinstance(answer, dict) or answer.get("recipient_id") != sender:
            raise AssistantUnavailable("an answer for somebody else")
        text = answer.get("text")
        if not isinstance(text, str) or not has_words(text):
            raise AssistantUnavailable("an answer without words")
        buttons = answer.get("buttons") or []
        options = tuple(str(button["title"]) for button in buttons if isinstance(button, dict) and "title" in button)
        replies.append(Reply(text, options))
    return replies
