"""The chat page: who may post, what a post must be, and that each message reaches the page once."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway
from channels.webchat.receive import LONGEST_TEXT
from channels.webchat.send import WebchatSender
from helpline.domain.messages import Reply
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.services.threads import thread_after
from helpline.services.turns import settle_turn
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.models import Inbound
from tests.channels.breaking import held_by_another_process
from tests.channels.conftest import PUBLIC, on_loopback
from tests.conftest import StartedWork
from tests.fakes import RecordingAlerts, RecordingSender, ScriptedAssistant
from tests.services import rows

TOKEN = "a" * 32
POST = "/chat/messages"
MESSAGE = {"id": "client-id-1", "text": "how do i stop mum falling"}
Client = TestClient[Litestar]


@pytest.fixture
def gateway(
    core: Core, sender: RecordingSender, started: StartedWork, spool: Spool, alerts: RecordingAlerts
) -> Gateway:
    return Gateway(core, {"sms": sender, "web": WebchatSender()}, started.as_work(), spool, alerts)


@pytest.fixture
def page(client: Client) -> Client:
    """A browser that has opened the page."""
    assert client.get("/chat").status_code == 200
    return client


def test_opening_the_page_gives_a_session_that_scripts_and_other_sites_cannot_use(client: Client) -> None:
    response = client.get("/chat")
    [cookie] = response.headers.get_list("set-cookie")
    attributes = {part.strip().partition("=")[0].lower() for part in cookie.split(";")}
    assert {"httponly", "secure", "samesite", "max-age"} <= attributes
    assert response.headers["cache-control"] == "no-store"
    assert len(client.cookies["chat"]) == 32


def test_every_browser_gets_another_session(client: Client) -> None:
    first = client.get("/chat").cookies["chat"]
    client.cookies.clear()
    assert client.get("/chat").cookies["chat"] != first


def test_a_message_is_taken_and_stored_under_its_session(page: Client, core: Core, started: StartedWork) -> None:
    response = page.post(POST, json=MESSAGE)
    assert (response.status_code, response.json()) == (202, {"id": "client-id-1"})
    [stored] = rows.all_of(core, Inbound)
    assert started.turns == [stored.entry_id]
    assert stored.channel == "web" and page.cookies["chat"] not in stored.provider_id
    [message] = thread_after(core, "web", page.cookies["chat"])
    assert message.text == MESSAGE["text"]


def test_the_same_message_posted_twice_is_one(page: Client, core: Core, started: StartedWork) -> None:
    for _ in range(2):
        assert page.post(POST, json=MESSAGE).status_code == 202
    assert len(rows.all_of(core, Inbound)) == len(started.turns) == 1


def test_two_sessions_may_use_the_same_id_and_never_see_each_other(page: Client, core: Core) -> None:
    first = page.cookies["chat"]
    page.post(POST, json=MESSAGE)
    page.cookies.clear()
    page.get("/chat")
    page.post(POST, json=MESSAGE | {"text": "another person"})
    assert len(rows.all_of(core, Inbound)) == 2
    assert [message.text for message in thread_after(core, "web", first)] == [MESSAGE["text"]]
    shown = page.get("/chat").text
    assert "another person" in shown and MESSAGE["text"] not in shown


BAD_BODIES = {
    "a list": b"[1, 2]",
    "a word": b'"hello"',
    "null": b"null",
    "no JSON": b"{",
    "nothing": b"",
    "not text": b"\xff\xfe",
    "a very deep list": b"[" * 100_000,
    "no id": json.dumps({"text": "a"}).encode(),
    "no text": json.dumps({"id": "client-id-1"}).encode(),
    "a number for id": json.dumps({"id": 12345678, "text": "a"}).encode(),
    "a short id": json.dumps({"id": "a", "text": "a"}).encode(),
    "a long id": json.dumps({"id": "a" * 49, "text": "a"}).encode(),
    "an id with a colon": json.dumps({"id": "client:id:1", "text": "a"}).encode(),
    "an id with a line end": json.dumps({"id": "client-id-1\n", "text": "a"}).encode(),
    "a number for text": json.dumps({"id": "client-id-1", "text": 5}).encode(),
    "null for text": json.dumps({"id": "client-id-1", "text": None}).encode(),
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_post_that_is_no_message_is_refused_and_leaves_nothing(page: Client, core: Core, what: str) -> None:
    response = page.post(POST, content=BAD_BODIES[what], headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]
    assert rows.all_of(core, Inbound) == []


@pytest.mark.parametrize("length", [LONGEST_TEXT + 1, 140_000, 400_000])
def test_a_message_that_is_too_long_is_refused(page: Client, core: Core, length: int) -> None:
    assert page.post(POST, json=MESSAGE | {"text": "x" * length}).status_code == 413
    assert rows.all_of(core, Inbound) == []


def test_text_that_no_database_can_hold_is_taken_all_the_same(page: Client, core: Core) -> None:
    body = '{"id": "client-id-1", "text": "a \\u0000 question \\ud83d now"}'
    assert page.post(POST, content=body, headers={"content-type": "application/json"}).status_code == 202
    [message] = thread_after(core, "web", page.cookies["chat"])
    assert message.text == "a  question ? now"


@pytest.mark.parametrize("cookie", [None, "", "short", "b" * 33, "b" * 31 + "/"])
def test_a_post_or_a_stream_without_a_session_is_refused(client: Client, core: Core, cookie: str | None) -> None:
    if cookie is not None:
        client.cookies.set("chat", cookie)
    assert client.post(POST, json=MESSAGE).status_code == 403
    assert client.get("/chat/events").status_code == 403
    assert rows.all_of(core, Inbound) == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://care.example.evil.example", ""])
def test_a_post_from_another_site_is_refused(page: Client, core: Core, origin: str) -> None:
    assert page.post(POST, json=MESSAGE, headers={"origin": origin}).status_code == 403
    assert page.post(POST, data=MESSAGE, headers={"origin": origin}).status_code == 403
    assert rows.all_of(core, Inbound) == []


def test_a_post_from_our_own_page_is_taken(page: Client) -> None:
    assert page.post(POST, json=MESSAGE, headers={"origin": PUBLIC}).status_code == 202


def test_a_plain_form_is_taken_and_leads_back_to_the_page(page: Client) -> None:
    danger = MESSAGE | {"text": "i want to kill myself"}
    response = page.post(POST, data=danger, follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"].startswith("/chat")
    shown = page.get("/chat").text
    assert "i want to kill myself" in shown and "999" in shown


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ("text/plain", b"id=client-id-1&text=hello"),
        ("application/x-www-form-urlencoded", b"\xff\xfe=\x80&&&=="),
        ("application/jsonish", b"{}"),
        ("", b"hello"),
    ],
)
def test_a_post_of_a_strange_kind_is_refused_and_not_a_crash(
    page: Client, core: Core, content_type: str, body: bytes
) -> None:
    assert page.post(POST, content=body, headers={"content-type": content_type}).status_code == 400
    assert rows.all_of(core, Inbound) == []


def test_what_people_write_is_shown_as_text_and_never_as_markup(page: Client) -> None:
    page.post(POST, json=MESSAGE | {"text": "<script>alert(1)</script><b>hello</b>"})
    shown = page.get("/chat").text
    assert "<script>alert(1)" not in shown and "<b>hello" not in shown
    assert "&lt;script&gt;" in shown


def test_leaving_takes_the_session_away(page: Client) -> None:
    page.post(POST, json=MESSAGE)
    response = page.post("/chat/leave")
    assert response.status_code == 204
    [cookie] = response.headers.get_list("set-cookie")
    assert "chat=" in cookie and "max-age=0" in cookie.lower()
    assert MESSAGE["text"] not in page.get("/chat").text


def test_while_nothing_can_be_stored_danger_is_answered_in_the_answer_to_the_post(page: Client, core: Core) -> None:
    danger = MESSAGE | {"text": "i want to kill myself"}
    with held_by_another_process(core.database.engine):
        by_script = page.post(POST, json=danger)
        by_form = page.post(POST, data=danger | {"id": "client-id-2"}, follow_redirects=False)
    assert by_script.status_code == 202 and "999" in by_script.json()["reply"]
    assert "999" in by_form.text


SECURED = ["/", "/chat", "/simulator", "/health", "/static/webchat/chat.css", "/chat/events", "/nothing-here"]


@pytest.mark.parametrize("path", SECURED)
def test_every_page_says_what_a_browser_may_do_with_it(client: Client, path: str) -> None:
    headers = client.get(path, follow_redirects=False).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "referrer-policy" in headers and "permissions-policy" in headers
    assert "server" not in headers or "litestar" not in headers["server"].lower()


def test_no_page_has_a_script_or_a_style_of_its_own_that_the_policy_would_stop(client: Client) -> None:
    for path in ("/chat", "/simulator"):
        shown = client.get(path).text
        assert "<style" not in shown and " style=" not in shown and " onclick=" not in shown
        assert "<script>" not in shown


class Stream:
    """The events that a page would get."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def next(self, kind: str) -> dict[str, object]:
        fields: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            if fields.get("event") == kind:
                return {**json.loads(fields["data"]), "number": fields.get("id")}
            fields = {}
        pytest.fail("the stream ended")


def listen(url: str, **headers: str) -> AbstractContextManager[httpx.Response]:
    return httpx.stream("GET", f"{url}/chat/events", headers={"cookie": f"chat={TOKEN}", **headers}, timeout=10)


def chats(url: str, text: str, number: int) -> None:
    posted = httpx.post(
        f"{url}{POST}", json={"id": f"client-id-{number}", "text": text}, headers={"cookie": f"chat={TOKEN}"}
    )
    assert posted.status_code == 202


def test_the_stream_gives_each_message_once_and_goes_on_where_a_page_left_off(
    app: Litestar, core: Core, started: StartedWork
) -> None:
    with on_loopback(app) as url:
        chats(url, "one", 1)
        with listen(url) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-store"
            stream = Stream(response.iter_lines())
            mine = stream.next("message")
            assert (mine["sender"], mine["text"], mine["client_id"]) == ("you", "one", "client-id-1")
            assert stream.next("typing")["on"] is True
            settle_turn(core, started.turns[0], [Reply("about one", ("Yes", "No"))])
            answer = stream.next("message")
            assert (answer["sender"], answer["text"], answer["options"]) == ("helpline", "about one", ["Yes", "No"])
            chats(url, "two", 2)
            assert stream.next("message")["text"] == "two"
        with listen(url, **{"last-event-id": str(answer["number"])}) as response:
            assert Stream(response.iter_lines()).next("message")["text"] == "two"
        with listen(url, **{"last-event-id": "0"}) as response:
            stream = Stream(response.iter_lines())
            assert [stream.next("message")["text"] for _ in range(3)] == ["one", "about one", "two"]


def test_a_stream_shows_nobody_elses_messages(app: Litestar, core: Core) -> None:
    with on_loopback(app) as url:
        chats(url, "mine", 1)
        other = {"cookie": f"chat={'b' * 32}"}
        httpx.post(f"{url}{POST}", json={"id": "client-id-1", "text": "theirs"}, headers=other)
        with httpx.stream("GET", f"{url}/chat/events", headers=other, timeout=10) as response:
            assert Stream(response.iter_lines()).next("message")["text"] == "theirs"


@pytest.mark.parametrize("seen", [b"rubbish", b"-1", b"\xb2", b"9" * 40, b""])
def test_a_strange_place_to_go_on_from_is_no_crash(app: Litestar, core: Core, seen: bytes) -> None:
    with (
        on_loopback(app) as url,
        httpx.stream(
            "GET",
            f"{url}/chat/events",
            headers=[(b"cookie", f"chat={TOKEN}".encode()), (b"last-event-id", seen)],
            timeout=10,
        ) as response,
    ):
        assert response.status_code == 200
        lines = response.iter_lines()
        assert next(lines).startswith((":", "retry"))
        chats(url, "one", 1)
        if not seen.isdigit():
            assert Stream(lines).next("message")["text"] == "one"


@pytest.mark.parametrize(("storage", "ready", "status"), [(True, True, 200), (True, False, 200), (False, True, 503)])
def test_the_health_page_is_red_when_storage_is_unwell_and_not_when_only_the_assistant_is(
    settings: Settings,
    keys: Keys,
    gateway: Gateway,
    assistant: ScriptedAssistant,
    storage: bool,
    ready: bool,
    status: int,
) -> None:
    assistant.ready = ready
    context = ChannelContext(settings, keys, gateway)
    app = create_app(context, assistant, lambda: storage, start=lambda: None, stop=lambda: None)
    with TestClient(app, base_url=PUBLIC) as client:
        response = client.get("/health")
    assert (response.status_code, response.json()) == (status, {"storage": storage, "assistant": ready})


def test_in_production_there_is_no_simulator(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant
) -> None:
    production = settings.model_copy(update={"environment": "production"})
    app = create_app(
        ChannelContext(production, keys, gateway), assistant, lambda: True, start=lambda: None, stop=lambda: None
    )
    with TestClient(app, base_url=PUBLIC) as client:
        assert client.get("/simulator").status_code == 404
        assert client.post("/simulator/texts", json={}).status_code == 404
        assert client.get("/static/simulator/simulator.css").status_code == 404
