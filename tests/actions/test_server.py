"""The action server, called as Rasa calls it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from litestar import Litestar
from litestar.testing import TestClient

from actions.server import create_actions_app, find_actions
from helpline.domain.messages import InboundMessage
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.settings import REPOSITORY
from tests.fakes import PHONE
from tests.services import rows

SECRET = "my mum Doreen is so confused"


def rasa_calls(action: str, message_id: object, intent: dict[str, Any], **message: Any) -> dict[str, Any]:
    """The call as Rasa 3.6 builds it: the action, the whole tracker and the domain."""
    latest = {
        "intent": {"confidence": 0.9, **intent},
        "entities": [],
        "text": SECRET,
        "message_id": "a-name-of-rasas-own",
        "metadata": {} if message_id is None else {"message_id": message_id, **message.pop("metadata", {})},
        "text_tokens": [[0, 2]],
        "intent_ranking": [],
        **message,
    }
    return {
        "next_action": action,
        "sender_id": "opaque.0",
        "tracker": {
            "sender_id": "opaque.0",
            "slots": {"session_started_metadata": None},
            "latest_message": latest,
            "latest_event_time": 1764000000.0,
            "followup_action": None,
            "paused": False,
            "events": [
                {"event": "action", "timestamp": 1.0, "name": "action_session_start"},
                {"event": "user", "timestamp": 2.0, "text": SECRET, "parse_data": latest, "input_channel": "rest"},
            ],
            "latest_input_channel": "rest",
            "active_loop": {},
            "latest_action": {"action_name": "action_listen"},
            "latest_action_name": "action_listen",
        },
        "domain": {"config": {"store_entities_as_slots": True}, "intents": [], "actions": [action], "responses": {}},
        "version": "3.6.21",
    }


@pytest.fixture
def client(core: Core) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_actions_app(core)) as client:
        yield client


def message(core: Core, channel: str = "sms", number: int = 1) -> int:
    return receive(core, InboundMessage(channel, f"M{number}", PHONE, SECRET)).message_id


FALLS = {"name": "guide", "topic": "falls", "answer": "stop-falls", "full_retrieval_intent_name": "guide/falls"}


def test_the_guides_answer_is_spoken_and_nothing_is_kept_in_the_tracker(
    client: TestClient[Litestar], core: Core
) -> None:
    response = client.post("/webhook", json=rasa_calls("action_guide", message(core), FALLS))
    assert response.status_code == 200
    answered = response.json()
    assert set(answered) == {"events", "responses"}
    assert answered["events"] == []
    [said] = answered["responses"]
    assert core.guide.topics["falls"].answers["stop-falls"].short in said["text"]
    assert not said.get("buttons")
    [record] = rows.turn_records(core)
    assert (record.intent, record.confidence, record.topic, record.answer) == (
        "guide/falls",
        0.9,
        "falls",
        "stop-falls",
    )


def test_on_chat_the_options_come_as_buttons(client: TestClient[Litestar], core: Core) -> None:
    call = rasa_calls("action_guide", message(core, "web"), FALLS)
    [said] = client.post("/webhook", json=call).json()["responses"]
    assert said["buttons"] == [{"title": "Yes", "payload": "Yes"}, {"title": "No", "payload": "No"}]


EACH = [
    ("action_menu", {"name": "menu"}, "menu"),
    ("action_talk_to_a_person", {"name": "talk_to_a_person"}, "talk-to-a-person"),
    ("action_out_of_scope", {"name": "nlu_fallback"}, "not-understood"),
    ("action_more", {"name": "more"}, "more-nothing"),
    ("action_why", {"name": "why"}, "why-nothing"),
    ("action_repeat", {"name": "repeat"}, "repeat-nothing"),
    ("action_answer", {"name": "answer", "value": "yes"}, "more-nothing"),
    ("action_give_place", {"name": "give_place"}, "place-noted"),
]


@pytest.mark.parametrize(("action", "intent", "reply_id"), EACH)
def test_each_action_speaks_its_reply_and_the_same_again_when_rasa_asks_twice(
    client: TestClient[Litestar], core: Core, action: str, intent: dict[str, Any], reply_id: str
) -> None:
    call = rasa_calls(action, message(core), intent)
    first, second = (client.post("/webhook", json=call).json()["responses"] for _ in range(2))
    assert first == second
    values = {"topics": "@"} if reply_id == "menu" else {}
    assert first[0]["text"].startswith(core.say(reply_id, "sms", **values).partition("@")[0])
    assert len(rows.turn_records(core)) == 1


def test_small_talk_leaves_the_words_to_the_assistant(client: TestClient[Litestar], core: Core) -> None:
    intent = {"name": "small_talk", "full_retrieval_intent_name": "small_talk/thanks"}
    [said] = client.post("/webhook", json=rasa_calls("action_small_talk", message(core), intent)).json()["responses"]
    assert said["template" if "template" in said else "response"] == "utter_small_talk/thanks"
    assert not said.get("text")


@pytest.mark.parametrize(
    ("place", "reply_id"),
    [
        ({"out_of_area": True}, "place-out-of-area"),
        ({"ambiguous": True, "authority": None}, "place-ambiguous"),
        ({"ambiguous": True, "authority": "essex"}, "place-noted"),
        ({"district": "Thurrock", "authority": "thurrock"}, "place-noted"),
    ],
)
def test_a_place_is_answered_by_what_it_settles(
    client: TestClient[Litestar], core: Core, place: dict[str, Any], reply_id: str
) -> None:
    call = rasa_calls("action_give_place", message(core), {"name": "give_place"}, metadata={"place": place})
    [said] = client.post("/webhook", json=call).json()["responses"]
    assert said["text"] == core.say(reply_id, "sms")


def test_a_question_may_carry_the_answer_to_ours(client: TestClient[Litestar], core: Core) -> None:
    client.post("/webhook", json=rasa_calls("action_guide", message(core), FALLS))
    call = rasa_calls("action_guide", message(core, number=2), FALLS, expected_answer={"value": "no"})
    client.post("/webhook", json=call)
    assert [(kept.topic, kept.helped) for kept in rows.feedback(core)] == [("falls", False)]


FAILURES = {
    "no message id": rasa_calls("action_guide", None, FALLS),
    "a word for message id": rasa_calls("action_guide", "1", FALLS),
    "a message that is not there": rasa_calls("action_guide", 4_711, FALLS),
    "an unknown action": rasa_calls("action_of_no_file", 1, FALLS),
    "no tracker": {"next_action": "action_guide"},
    "a confidence that is no number": rasa_calls("action_guide", 1, FALLS | {"confidence": SECRET}),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_is_told_to_rasa_and_the_log_without_a_word_of_the_person(
    client: TestClient[Litestar], core: Core, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with structlog.testing.capture_logs() as logged:
        response = client.post("/webhook", json=FAILURES[what])
    assert response.status_code == 500
    written = response.text + json.dumps(logged) + "".join(capsys.readouterr())
    assert not any(word in written for word in ("Doreen", "confused"))
    assert rows.turn_records(core) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"[" * 50_000, b"\xff"])
def test_a_call_that_is_no_call_is_an_error_and_not_an_answer(client: TestClient[Litestar], body: bytes) -> None:
    response = client.post("/webhook", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 500)


def test_it_says_that_it_is_well(client: TestClient[Litestar]) -> None:
    assert client.get("/health").json() == {"status": "ok"}


def test_the_rules_call_exactly_the_actions_that_there_are(core: Core) -> None:
    rules = yaml.safe_load((REPOSITORY / "stories" / "rules.yml").read_text())["rules"]
    called = {step["action"] for rule in rules for step in rule["steps"] if "action" in step}
    assert called == {action.name() for action in find_actions(core)}


def test_there_is_one_file_for_each_action(core: Core) -> None:
    files = {path.stem for path in Path(REPOSITORY / "actions").glob("*.py")} - {"__init__", "base", "server"}
    assert {type(action).__module__ for action in find_actions(core)} == {f"actions.{stem}" for stem in files}
    assert len(find_actions(core)) == len(files)
