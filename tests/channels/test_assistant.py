"""Asking Rasa: every way in which it fails is taken as a failure, and nothing meant for somebody else is passed on."""

import json
import threading
from collections.abc import Callable

import httpx
import pytest

from channels.assistant import FAILURES_BEFORE_PAUSE, PAUSE_SECONDS, RasaAssistant
from helpline.domain.messages import Reply
from helpline.ports import AssistantUnavailable

Answer = Callable[[httpx.Request], httpx.Response]


def say(*texts: str, to: str = "person.0", **more: object) -> httpx.Response:
    return httpx.Response(200, json=[{"recipient_id": to, "text": text, **more} for text in texts])


class FakeRasa(httpx.BaseTransport):
    """Rasa's REST channel, answering as the test has it answer."""

    def __init__(self, *answers: Answer | httpx.Response) -> None:
        self.answers = list(answers)
        self.heard: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(request) if callable(answer) else answer


class Seconds:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def assistant(
    rasa: httpx.BaseTransport, monotonic: Callable[[], float] = lambda: 1_000.0, slots: int = 8
) -> RasaAssistant:
    return RasaAssistant(
        "http://rasa.test", "token", "http://actions.test", transport=rasa, monotonic=monotonic, slots=slots
    )


def time_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow", request=request)


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def hang_up(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("half a body", request=request)


BAD = {
    "silence": httpx.Response(200, json=[]),
    "null": httpx.Response(200, content=b"null"),
    "an object": httpx.Response(200, json={"recipient_id": "person.0", "text": "hello"}),
    "a page": httpx.Response(200, html="<html>Welcome</html>"),
    "half an answer": httpx.Response(200, content=b'[{"recipient_id": "person.0", "te'),
    "not text": httpx.Response(200, content=b"\xff\xfe\x00"),
    "another person": say("their secret", to="person.1"),
    "no person": httpx.Response(200, json=[{"text": "hello"}]),
    "a mixture": httpx.Response(
        200, json=[{"recipient_id": "person.0", "text": "a"}, {"recipient_id": "person.1", "text": "b"}]
    ),
    "no words": say(""),
    "only letters that nobody sees": say("\u200b"),
    "only spaces": say("  \n"),
    "a number for words": httpx.Response(200, json=[{"recipient_id": "person.0", "text": 5}]),
    "only a picture": httpx.Response(200, json=[{"recipient_id": "person.0", "image": "http://a.test"}]),
    "a list of lists": httpx.Response(200, json=[["person.0", "hello"]]),
    "a million letters": say("x" * 1_000_000),
    "a fault": httpx.Response(500, text="Internal error"),
    "a fault that looks well": httpx.Response(500, json=[{"recipient_id": "person.0", "text": "hello"}]),
    "unauthorised": httpx.Response(401),
    "elsewhere": httpx.Response(302, headers={"location": "http://other.test"}),
    "too slow": time_out,
    "refused": refuse,
    "hung up": hang_up,
}


@pytest.mark.parametrize("what", BAD)
def test_no_failure_of_rasas_is_taken_for_an_answer(what: str) -> None:
    with pytest.raises(AssistantUnavailable):
        assistant(FakeRasa(BAD[what])).answer("person.0", "hello", {})


@pytest.mark.parametrize("what", BAD)
def test_one_failure_is_forgiven_by_asking_once_again(what: str) -> None:
    rasa = FakeRasa(BAD[what], say("hello"))
    assert assistant(rasa).answer("person.0", "hello", {}) == [Reply("hello")]
    assert len(rasa.heard) == 2


def test_an_answer_nested_a_hundred_thousand_deep_is_a_failure_like_any_other() -> None:
    with pytest.raises(AssistantUnavailable):
        assistant(FakeRasa(httpx.Response(200, content=b"[" * 100_000))).answer("person.0", "hello", {})


def test_a_failure_names_no_words_of_the_person_or_the_answer() -> None:
    for what in ("another person", "a page", "a fault"):
        with pytest.raises(AssistantUnavailable) as failed:
            assistant(FakeRasa(BAD[what])).answer("person.0", "my secret", {})
        assert "secret" not in str(failed.value)


def test_rasa_is_asked_as_its_rest_channel_wants_it() -> None:
    rasa = FakeRasa(say("hello"))
    assistant(rasa).answer("person.0", "what now", {"message_id": 7})
    [request] = rasa.heard
    assert (request.method, request.url.path) == ("POST", "/webhooks/rest/webhook")
    assert json.loads(request.content) == {
        "sender": "person.0",
        "message": "what now",
        "metadata": {"message_id": 7},
    }


def test_several_answers_and_their_buttons_are_passed_on_in_order() -> None:
    buttons = [{"title": "Yes", "payload": "yes"}, {"payload": "no title"}, "not a button"]
    rasa = FakeRasa(
        httpx.Response(
            200,
            json=[
                {"recipient_id": "person.0", "text": "one", "buttons": buttons},
                {"recipient_id": "person.0", "text": "two", "buttons": None},
            ],
        )
    )
    assert assistant(rasa).answer("person.0", "hello", {}) == [Reply("one", ("Yes",)), Reply("two")]


def test_nobody_without_a_name_is_ever_asked_for() -> None:
    rasa = FakeRasa(say("hello"))
    with pytest.raises(ValueError, match="sender"):
        assistant(rasa).answer("", "hello", {})
    assert rasa.heard == []


def test_after_several_failures_it_is_left_alone_for_a_while_and_then_asked_again() -> None:
    rasa, seconds = FakeRasa(httpx.Response(500)), Seconds()
    asked = assistant(rasa, seconds)
    for _ in range(FAILURES_BEFORE_PAUSE):
        with pytest.raises(AssistantUnavailable):
            asked.answer("person.0", "hello", {})
    calls = len(rasa.heard)
    with pytest.raises(AssistantUnavailable, match="paused"):
        asked.answer("person.0", "hello", {})
    assert len(rasa.heard) == calls

    seconds.now += PAUSE_SECONDS + 0.1
    rasa.answers = [say("back")]
    assert asked.answer("person.0", "hello", {}) == [Reply("back")]
    rasa.answers = [httpx.Response(500)]
    for _ in range(FAILURES_BEFORE_PAUSE - 1):
        with pytest.raises(AssistantUnavailable):
            asked.answer("person.0", "hello", {})
    rasa.answers = [say("still asked")]
    assert asked.answer("person.0", "hello", {}) == [Reply("still asked")]


def test_never_more_calls_are_in_flight_than_there_are_slots() -> None:
    lock, gate = threading.Lock(), threading.Barrier(2)
    counts = {"now": 0, "most": 0}

    def count(request: httpx.Request) -> httpx.Response:
        with lock:
            counts["now"] += 1
            counts["most"] = max(counts["most"], counts["now"])
        gate.wait(timeout=10)
        with lock:
            counts["now"] -= 1
        return say("hello")

    asked = assistant(FakeRasa(count), slots=2)
    threads = [threading.Thread(target=asked.answer, args=("person.0", "hello", {})) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert counts == {"now": 0, "most": 2}


@pytest.mark.parametrize(
    ("rasa_says", "actions_say", "ready"), [(200, 200, True), (409, 200, False), (200, 503, False), (401, 200, False)]
)
def test_it_is_ready_when_a_model_is_loaded_and_its_actions_answer(
    rasa_says: int, actions_say: int, ready: bool
) -> None:
    rasa = FakeRasa(
        lambda request: httpx.Response(rasa_says if request.url.host == "rasa.test" else actions_say, json={})
    )
    assert assistant(rasa).is_ready() is ready
    assert rasa.heard[0].url.params["token"] == "token"


def test_it_is_not_ready_when_it_does_not_answer_nor_while_it_is_left_alone() -> None:
    assert assistant(FakeRasa(refuse)).is_ready() is False
    rasa = FakeRasa(httpx.Response(500))
    asked = assistant(rasa)
    for _ in range(FAILURES_BEFORE_PAUSE):
        with pytest.raises(AssistantUnavailable):
            asked.answer("person.0", "hello", {})
    rasa.answers = [httpx.Response(200, json={})]
    assert asked.is_ready() is False
