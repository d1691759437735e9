"""The chat page: who may post, what a post must be, and that each message reaches the page once."""

import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import anyio
import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway
from channels.webchat.embed import HARMLESS_PAGE, BadOrigin
from channels.webchat.limits import LIMIT_STORE, Asked, tidying
from channels.webchat.receive import LONGEST_TEXT
from channels.webchat.send import WebchatSender
from channels.webchat.session import SESSION_DAYS, Sessions
from helpline.domain.messages import Reply
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.services.threads import thread_after
from helpline.services.turns import settle_turn
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.models import Inbound
from tests.channels.breaking import held_by_another_process, without_a_database
from tests.channels.conftest import PUBLIC, on_loopback
from tests.conftest import HASH_KEY, StartedWork
from tests.fakes import RecordingAlerts, RecordingSender, ScriptedAssistant, SettableClock
from tests.services import rows

NAME = "a" * 32
# Sealed at the moment at which the tests' clock stands.
TOKEN = Sessions(HASH_KEY, SettableClock()).seal(NAME)
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


def name_of(browser: Client) -> str:
    """Whose chat the browser's cookie opens. Fails when it opens none."""
    name = Sessions(HASH_KEY, SettableClock()).open(browser.cookies["chat"])
    assert name is not None
    return name


def test_opening_the_page_gives_a_session_that_scripts_and_other_sites_cannot_use(client: Client) -> None:
    response = client.get("/chat")
    [cookie] = response.headers.get_list("set-cookie")
    attributes = {part.strip().partition("=")[0].lower() for part in cookie.split(";")}
    assert {"httponly", "secure", "samesite", "max-age"} <= attributes
    assert response.headers["cache-control"] == "no-store"
    assert name_of(client)


def test_every_browser_gets_another_session(client: Client) -> None:
    first = client.get("/chat").cookies["chat"]
    client.cookies.clear()
    assert client.get("/chat").cookies["chat"] != first


def test_a_message_is_taken_and_stored_under_its_session(page: Client, core: Core, started: StartedWork) -> None:
    response = page.post(POST, json=MESSAGE)
    assert (response.status_code, response.json()) == (202, {"id": "client-id-1"})
    [stored] = rows.all_of(core, Inbound)
    assert started.turns == [stored.entry_id]
    assert stored.channel == "web" and name_of(page) not in stored.provider_id
    [message] = thread_after(core, "web", name_of(page))
    assert message.text == MESSAGE["text"]


def test_the_same_message_posted_twice_is_one(page: Client, core: Core, started: StartedWork) -> None:
    for _ in range(2):
        assert page.post(POST, json=MESSAGE).status_code == 202
    assert len(rows.all_of(core, Inbound)) == len(started.turns) == 1


def test_two_sessions_may_use_the_same_id_and_never_see_each_other(page: Client, core: Core) -> None:
    first = name_of(page)
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
    [message] = thread_after(core, "web", name_of(page))
    assert message.text == "a  question ? now"


FORGED = Sessions("another key", SettableClock()).seal(NAME)
ALTERED = TOKEN[:40] + ("A" if TOKEN[40] != "A" else "B") + TOKEN[41:]


@pytest.mark.parametrize("cookie", [None, "", "short", "b" * 32, NAME, FORGED, ALTERED, TOKEN + "A", "b" * 5000])
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
    ended = response.headers.get_list("set-cookie")
    assert len(ended) == 4 and all("max-age=0" in cookie.lower() for cookie in ended)
    assert MESSAGE["text"] not in page.get("/chat").text


def test_leaving_without_a_script_ends_the_session_and_leads_to_a_harmless_page(page: Client, core: Core) -> None:
    page.post(POST, json=MESSAGE)
    left = name_of(page)
    response = page.get("/chat/leave", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, HARMLESS_PAGE)
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "chat" not in page.cookies
    # Nothing is taken from the thread: staff may have to act on what was said.
    assert [message.text for message in thread_after(core, "web", left)] == [MESSAGE["text"]]


def test_a_session_ends_days_after_the_last_visit_and_a_visit_renews_it(
    page: Client, core: Core, clock: SettableClock
) -> None:
    page.post(POST, json=MESSAGE)
    for _ in range(3):
        clock.advance(timedelta(days=SESSION_DAYS - 1))
        assert MESSAGE["text"] in page.get("/chat").text
    clock.advance(timedelta(days=SESSION_DAYS, minutes=1))
    assert page.post(POST, json=MESSAGE | {"id": "client-id-2"}).status_code == 403
    assert MESSAGE["text"] not in page.get("/chat").text


def frame_token(client: Client) -> str:
    """The token in the page for frames, as it would be read there by a browser that takes no cookie."""
    [token] = re.findall(r'data-token="([^"]+)"', client.get("/chat/embedded").text)
    client.cookies.delete("chat_framed")
    return str(token)


def test_a_frame_that_is_loaded_again_gets_its_session_back_from_a_partitioned_cookie(client: Client) -> None:
    response = client.get("/chat/embedded")
    [cookie] = response.headers.get_list("set-cookie")
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=none", "partitioned", "path=/chat"} == attributes
    sessions = Sessions(HASH_KEY, SettableClock())
    first = sessions.open(client.cookies["chat_framed"])
    assert first is not None
    [token] = re.findall(r'data-token="([^"]+)"', client.get("/chat/embedded").text)
    assert sessions.open(token) == first


def test_the_cookie_of_frames_alone_opens_and_posts_nothing(client: Client, core: Core) -> None:
    client.get("/chat/embedded")
    assert client.post(POST, json=MESSAGE).status_code == 403
    assert client.get("/chat/events").status_code == 403
    assert client.get("/chat/copy").status_code == 403
    assert rows.all_of(core, Inbound) == []


def test_a_page_in_a_frame_holds_its_own_token_and_needs_no_cookie(client: Client, core: Core) -> None:
    token = frame_token(client)
    assert not client.cookies
    headers = {"authorization": f"Bearer {token}"}
    assert client.post(POST, json=MESSAGE, headers=headers).status_code == 202
    name = Sessions(HASH_KEY, SettableClock()).open(token)
    assert name is not None
    assert [message.text for message in thread_after(core, "web", name)] == [MESSAGE["text"]]
    assert frame_token(client) != token


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer nonsense", "Bearer " + FORGED, "Basic " + TOKEN])
def test_a_made_up_token_is_refused(client: Client, core: Core, authorization: str) -> None:
    assert client.post(POST, json=MESSAGE, headers={"authorization": authorization}).status_code == 403
    assert client.get("/chat/events", headers={"authorization": authorization}).status_code == 403
    assert rows.all_of(core, Inbound) == []


def test_a_token_decides_whose_chat_it_is_even_where_there_is_a_cookie(page: Client, core: Core) -> None:
    page.post(POST, json=MESSAGE, headers={"authorization": f"Bearer {frame_token(page)}"})
    assert thread_after(core, "web", name_of(page)) == []
    assert page.post(POST, json=MESSAGE, headers={"authorization": "Bearer x"}).status_code == 403


def app_with(settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, **more: object) -> Client:
    """A browser before an application with other settings."""
    context = ChannelContext(settings.model_copy(update=more), keys, gateway)
    app = create_app(context, assistant, gateway.core, start=lambda: None, stop=lambda: None)
    return TestClient(app, base_url=PUBLIC)


COUNCIL = "https://www.council.example"


def test_only_the_sites_that_were_named_may_show_the_chat_in_a_frame_and_only_that_page(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant
) -> None:
    with app_with(settings, keys, gateway, assistant, embed_origins=f"{COUNCIL}, https://b.example:8443") as client:
        policy = client.get("/chat/embedded").headers["content-security-policy"]
        assert policy.endswith(f"frame-ancestors 'self' https://b.example:8443 {COUNCIL}")
        for path in ("/chat", "/chat/leave", "/simulator", "/nothing-here"):
            policy = client.get(path, follow_redirects=False).headers["content-security-policy"]
            assert policy.endswith("frame-ancestors 'none'"), path


def test_without_the_setting_no_other_site_may_show_the_chat(client: Client) -> None:
    assert client.get("/chat/embedded").headers["content-security-policy"].endswith("frame-ancestors 'self'")


@pytest.mark.parametrize(
    "wrong", ["council.gov.uk", "http://council.gov.uk", "https://*.gov.uk", "https://a.uk/page", "*", "https://a.uk;"]
)
def test_a_setting_that_names_no_exact_site_is_refused_at_the_start(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, wrong: str
) -> None:
    with pytest.raises(BadOrigin, match="HELPLINE_EMBED_ORIGINS"):
        app_with(settings, keys, gateway, assistant, embed_origins=wrong)


def test_the_launcher_is_public_and_shared_with_named_sites_only(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant
) -> None:
    with app_with(settings, keys, gateway, assistant, embed_origins=COUNCIL) as client:
        named = client.get("/chat/widget.js", headers={"origin": COUNCIL})
        other = client.get("/chat/widget.js", headers={"origin": "https://evil.example"})
    assert named.headers["content-type"].startswith("text/javascript")
    assert named.headers["access-control-allow-origin"] == COUNCIL
    assert other.status_code == 200 and "access-control-allow-origin" not in other.headers
    assert "set-cookie" not in named.headers


def test_a_service_name_cannot_break_out_of_the_launcher(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant
) -> None:
    name = 'A "care" line\n</script>'
    with app_with(settings, keys, gateway, assistant, service_name=name) as client:
        script = client.get("/chat/widget.js").text
    assert r'title: "A \"care\" line\n\u003c/script\u003e chat"' in script


def test_who_posts_too_fast_is_told_when_to_try_again_and_nobody_else_is_held_up(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> None:
    with app_with(settings, keys, gateway, assistant, chat_posts_per_minute=3) as client:
        client.get("/chat")
        posted = [client.post(POST, json=MESSAGE | {"id": f"client-id-{number}"}) for number in range(4)]
        assert [response.status_code for response in posted] == [202, 202, 202, 429]
        assert 1 <= int(posted[-1].headers["retry-after"]) <= 60
        assert posted[-1].headers["cache-control"] == "no-store"
        by_form = client.post(POST, data=MESSAGE, headers={"accept": "text/html"})
        assert by_form.status_code == 429 and 'href="tel:999"' in by_form.text
        client.cookies.clear()
        client.get("/chat")
        assert client.post(POST, json=MESSAGE).status_code == 202
    assert len(rows.all_of(core, Inbound)) == 4


def test_new_sessions_do_not_get_round_the_limit_of_an_address(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant
) -> None:
    statuses = []
    with app_with(settings, keys, gateway, assistant, chat_posts_per_minute_and_address=4) as client:
        for _ in range(5):
            client.cookies.clear()
            client.get("/chat")
            statuses.append(client.post(POST, json=MESSAGE).status_code)
    assert statuses == [202] * 4 + [429]


def test_hidden_means_not_in_the_page_until_it_is_shown_again(page: Client) -> None:
    page.post(POST, json=MESSAGE)
    assert page.post("/chat/hide").status_code == 200
    hidden = page.get("/chat").text
    assert MESSAGE["text"] not in hidden and "<title>Hidden</title>" in hidden
    page.post("/chat/show")
    assert MESSAGE["text"] in page.get("/chat").text


@pytest.mark.parametrize("word", ["HIDE", "hide", " Hide. "])
def test_hide_sent_by_a_plain_form_hides_and_is_not_kept(page: Client, core: Core, word: str) -> None:
    response = page.post(POST, data=MESSAGE | {"text": word})
    assert "<title>Hidden</title>" in response.text
    assert rows.all_of(core, Inbound) == []


def test_a_sentence_with_hide_in_it_is_a_message(page: Client, core: Core) -> None:
    page.post(POST, data=MESSAGE | {"text": "i hide from him"})
    assert [stored.channel for stored in rows.all_of(core, Inbound)] == ["web"]


def test_a_copy_is_plain_text_of_the_whole_thread_and_only_for_its_person(page: Client) -> None:
    page.post(POST, json=MESSAGE | {"text": "what about <b>mum</b> & me"})
    page.post(POST, json={"id": "client-id-2", "text": "i want to kill myself"})
    copy = page.get("/chat/copy")
    assert copy.headers["content-type"].startswith("text/plain")
    assert 'attachment; filename="chat.txt"' in copy.headers["content-disposition"]
    assert "You, 23/11/2026 12:00\nwhat about <b>mum</b> & me\n" in copy.text
    assert "Automated helper, " in copy.text and "999" in copy.text
    page.cookies.clear()
    assert page.get("/chat/copy").status_code == 403


def test_the_store_of_the_limits_lets_go_of_what_has_expired(app: Litestar) -> None:
    tidy = tidying(every=2)
    store = app.stores.get(LIMIT_STORE)

    async def run() -> tuple[bool, bool]:
        request = cast("Asked", SimpleRequest(app))
        await store.set("old", b"x", expires_in=-1)
        await tidy(request)
        kept = await store.exists("old")
        await tidy(request)
        return kept, await store.exists("old")

    assert anyio.run(run) == (True, False)


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


@dataclass
class SimpleRequest:
    """As much of a request as tidying needs."""

    app: Litestar


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
        other = {"cookie": f"chat={Sessions(HASH_KEY, SettableClock()).seal('b' * 32)}"}
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
    core: Core,
    storage: bool,
    ready: bool,
    status: int,
) -> None:
    assistant.ready = ready
    context = ChannelContext(settings, keys, gateway)
    read = core if storage else without_a_database(core)
    app = create_app(context, assistant, read, start=lambda: None, stop=lambda: None)
    with TestClient(app, base_url=PUBLIC) as client:
        response = client.get("/health")
    assert (response.status_code, response.json()) == (status, {"storage": storage, "assistant": ready})


def test_in_production_there_is_no_simulator(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> None:
    production = settings.model_copy(update={"environment": "production"})
    app = create_app(ChannelContext(production, keys, gateway), assistant, core, start=lambda: None, stop=lambda: None)
    with TestClient(app, base_url=PUBLIC) as client:
        assert client.get("/simulator").status_code == 404
        assert client.post("/simulator/texts", json={}).status_code == 404
        assert client.get("/static/simulator/simulator.css").status_code == 404
