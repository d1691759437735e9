"""Whatever is sent to any address of ours, the answer is never that we broke.

Schemathesis reads the application's own description of its addresses and makes up requests that fit it and requests
that do not. What lies beyond any description follows: bodies of no kind, headers without end, methods and names that
nobody has. The requests carry what proves the caller wherever that is asked for, since without it everything is
refused at the door. Every one of them is the same in every run.
"""

import json
import random
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as how
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute
from pydantic import SecretStr
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from sqlalchemy import Engine, QueuePool

from channels.app import create_app
from channels.base import ChannelContext
from channels.event_stream import LARGEST_ID
from channels.gateway import Gateway
from channels.sms_twilio.paths import FALLBACK_PATH, INBOUND_PATH, STATUS_PATH
from channels.sms_twilio.receive import SIGNATURE_HEADER
from channels.telegram.receive import PATH as TELEGRAM
from channels.telegram.receive import SECRET_HEADER
from channels.webchat import receive as webchat
from channels.webchat.session import Sessions
from content.schema import Content
from helpline.bootstrap import own_feeds
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.keys import Keys
from helpline.services.directory_import import import_feed
from helpline.services.receiving import receive
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.engine import open_encrypted_file, open_postgresql
from tests.channels.conftest import AUTH_TOKEN, PUBLIC, on_loopback
from tests.conftest import ADDRESS_KEY, FILE_KEY, HASH_KEY, StartedWork, empty, make_core
from tests.fakes import RecordingAlerts, RecordingSender, ScriptedAssistant, SettableClock, new_message
from tests.fakes.twilio import signature
from tests.waiting import wait_until

EXAMPLES = 20
POSTS = "/chat/messages"
SIMULATOR = "/simulator/texts"
PROVIDER = "/simulator/twilio/2010-04-01/Accounts/{account_sid}/Messages.json"
FORM, PARTS, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "application/json"
SECRET = "a-secret-of-the-tests_1"
VISITOR = "a" * 32
NOBODY_THERE = "http://127.0.0.1:1"

# --- What the description cannot say by itself, because we read these bodies and headers with our own hands. ---------

WORDS, COUNT, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}


def fields(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


TEXT = fields("MessageSid", "From", "Body", MessageSid=WORDS, From=WORDS, To=WORDS, Body=WORDS, NumMedia=WORDS,
    MediaContentType0=WORDS, ErrorCode=WORDS)  # fmt: skip
RECEIPT = fields("MessageSid", "MessageStatus", MessageSid=WORDS, ErrorCode=WORDS, MessageStatus={
    "enum": ["queued", "sending", "sent", "delivered", "undelivered", "failed", "read", "something-new"]})  # fmt: skip
SOMEBODY = fields("id", "is_bot", "first_name", id=COUNT, is_bot=FLAG, first_name=WORDS)
PLACE = fields("id", "type", id=COUNT, type={"enum": ["private", "group", "supergroup", "channel"]})
ENTITY = fields(
    "type", "offset", "length", type={"enum": ["bot_command", "url", "mention"]}, offset=COUNT, length=COUNT
)
SAID = fields("message_id", "date", "chat", message_id=COUNT, date=COUNT, chat=PLACE, text=WORDS, caption=WORDS,
    entities={"type": "array", "items": ENTITY}, media_group_id=WORDS, edit_date=COUNT, **{"from": SOMEBODY},
    )  # fmt: skip
PRESSED = fields("id", "from", "chat_instance", id=WORDS, chat_instance=WORDS, data=WORDS, message=SAID,
    **{"from": SOMEBODY})  # fmt: skip
MEMBER = fields("status", "user", status={"enum": ["member", "kicked", "left"]}, user=SOMEBODY, until_date=COUNT)
CHANGED = fields("chat", "from", "date", "old_chat_member", "new_chat_member", chat=PLACE, date=COUNT,
    old_chat_member=MEMBER, new_chat_member=MEMBER, **{"from": SOMEBODY})  # fmt: skip
UPDATE = fields("update_id", update_id=COUNT, message=SAID, edited_message=SAID, callback_query=PRESSED,
    my_chat_member=CHANGED)  # fmt: skip
POST = fields("id", "text", id={"type": "string", "pattern": "^[A-Za-z0-9-]{8,48}$"}, text=WORDS)
TYPED = fields(phone=WORDS, text=WORDS, media=WORDS, times=COUNT, forge=FLAG)
HANDED_OVER = fields("To", "Body", To=WORDS, Body=WORDS, From=WORDS, MessagingServiceSid=WORDS)

BODIES: Mapping[str, Mapping[str, Any]] = {
    INBOUND_PATH: {FORM: TEXT},
    FALLBACK_PATH: {FORM: TEXT},
    STATUS_PATH: {FORM: RECEIPT},
    TELEGRAM: {JSON: UPDATE},
    POSTS: {JSON: POST, FORM: POST, PARTS: POST},
    SIMULATOR: {JSON: TYPED},
    PROVIDER: {FORM: HANDED_OVER, PARTS: HANDED_OVER},
}
MORE = {
    ("post", STATUS_PATH): ("query", "entry"),
    ("post", POSTS): ("header", "Origin"),
    ("get", "/chat/events"): ("header", "Last-Event-ID"),
    ("get", "/chat/widget.js"): ("header", "Origin"),
}


def described(app: Litestar) -> dict[str, Any]:
    """The description of every address that takes something in or gives something out."""
    schema: dict[str, Any] = app.openapi_schema.to_schema()
    for path, bodies in BODIES.items():
        content = {kind: {"schema": body} for kind, body in bodies.items()}
        schema["paths"][path]["post"]["requestBody"] = {"required": True, "content": content}
    for (method, path), (place, name) in MORE.items():
        more = {"in": place, "name": name, "schema": WORDS}
        schema["paths"][path][method].setdefault("parameters", []).append(more)
    return schema


# --- The application, and how it is asked ----------------------------------------------------------------------------


@dataclass
class Door:
    """The real application on a real server over a real database."""

    app: Litestar
    url: str
    session: requests.Session
    chat_token: str

    def ask(self, method: str, path: str, **how: Any) -> int:
        """The status of an answer. path is taken as it is."""
        return self.send(requests.Request(method, self.url + path, **how).prepare())

    def send(self, request: requests.PreparedRequest) -> int:
        self.prove(request)
        with self.session.send(request, stream=True, timeout=30, allow_redirects=False) as answer:
            if "event-stream" not in answer.headers.get("content-type", ""):
                assert answer.content is not None
            return answer.status_code

    def prove(self, request: requests.PreparedRequest) -> None:
        """Add what says that Twilio, Telegram or a visitor of the chat sends this."""
        split = urlsplit(str(request.url))
        if split.path.startswith(INBOUND_PATH):
            public = PUBLIC + split.path + (f"?{split.query}" if split.query else "")
            request.headers[SIGNATURE_HEADER] = signature(AUTH_TOKEN, public, pairs(request.body))
        elif split.path == TELEGRAM:
            request.headers[SECRET_HEADER] = SECRET
        elif split.path.startswith("/chat"):
            request.headers["Authorization"] = f"Bearer {self.chat_token}"

    def raw(self, request: bytes) -> bytes:
        """What comes back for these bytes, up to the end of the connection."""
        split = urlsplit(self.url)
        with socket.create_connection((str(split.hostname), split.port or 0), timeout=30) as line:
            got = b""
            try:
                line.sendall(request)
                while part := line.recv(65_536):
                    got += part
            except ConnectionError:
                # Refused before it was all sent.
                pass
            return got


def pairs(body: Any) -> list[tuple[str, str]]:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        return parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    except ValueError:
        return []


@pytest.fixture(scope="module", params=["embedded", "postgresql"])
def door(
    request: pytest.FixtureRequest,
    migrated_file: Any,
    content: Content,
    safety: SafetyContent,
    scanner: SafetyScanner,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Door]:
    folder, clock = tmp_path_factory.mktemp("door"), SettableClock()
    with ExitStack() as opened:
        if request.param == "embedded":
            shutil.copy(migrated_file, folder / "helpline.db")
            engine = open_encrypted_file(folder / "helpline.db", FILE_KEY)
        else:
            url = request.getfixturevalue("migrated_postgresql")
            empty(url)
            engine = open_postgresql(url)
        opened.callback(engine.dispose)
        # A stream that was broken off may still be reading.
        opened.callback(wait_until, "nobody asks the database", lambda: not connections_out(engine))
        settings = Settings(
            public_url=PUBLIC,
            twilio_account_sid=None,
            database_url=None,
            environment="local",
            # Where the simulator finds the webhook.
            port=1,
            telegram_bot_token=SecretStr("1:a"),
            telegram_webhook_secret=SecretStr(SECRET),
            telegram_api_url=NOBODY_THERE,
            chat_posts_per_minute=1_000_000,
            chat_posts_per_minute_and_address=1_000_000,
        )
        keys = Keys(FILE_KEY, ADDRESS_KEY, HASH_KEY, "an-assistant-token", "AC" + "0" * 32, AUTH_TOKEN)
        core = make_core(engine, clock, content, safety, scanner)
        for _, feed in own_feeds(settings, content):
            import_feed(core, feed)
        # Somebody whose thread can be asked for.
        receive(core, new_message("hello", "web", VISITOR))
        senders = dict.fromkeys(("sms", "telegram", "web"), RecordingSender())
        gateway = Gateway(
            core, senders, StartedWork().as_work(), Spool(folder / "spool", ADDRESS_KEY), RecordingAlerts()
        )
        # A form is answered when its reply is there, and nobody replies here.
        opened.enter_context(pytest.MonkeyPatch.context()).setattr(webchat, "FORM_WAITS_SECONDS", 0.0)
        app = create_app(
            ChannelContext(settings, keys, gateway),
            ScriptedAssistant(),
            core,
            lambda: None,
            lambda: None,
            openapi=OpenAPIConfig("The helpline", "1"),
        )
        address = opened.enter_context(on_loopback(app))
        yield Door(app, address, opened.enter_context(requests.Session()), Sessions(HASH_KEY, clock).seal(VISITOR))


def connections_out(engine: Engine) -> int:
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


def routes(door: Door) -> dict[str, set[str]]:
    """The methods of every address of ours, with something in the place of what varies."""
    return {
        route.path_format.format(**{name: "a" for name in route.path_parameters}): set(route.methods)
        for route in door.app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/schema")
    }


Operation = APIOperation[Any, Any, Any, Any]
# What does not fit is refused before any database is asked.
ON_ONE_DATABASE = pytest.mark.parametrize("door", ["embedded"], indirect=True)

# --- Made up from the description -----------------------------------------------------------------------------------


def test_the_description_has_every_address_but_those_of_files(door: Door) -> None:
    paths = described(door.app)["paths"]
    ours = {
        (route.path_format, method)
        for route in door.app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith(("/schema", "/static/"))
        for method in route.methods - {"OPTIONS"}
    }
    assert ours - {("/", "GET")} == {(path, method.upper()) for path, methods in paths.items() for method in methods}
    assert len(ours) > 25


def test_no_request_that_fits_the_description_breaks_anything(door: Door, subtests: pytest.Subtests) -> None:
    for operation in operations(door):
        with subtests.test(operation=operation.label):
            ask_again_and_again(door, operation, GenerationMode.POSITIVE)


@ON_ONE_DATABASE
def test_no_request_that_does_not_fit_the_description_breaks_anything(door: Door, subtests: pytest.Subtests) -> None:
    for operation in operations(door):
        # Wrong ones in a path are among the strange names below; they are very slow to make up here.
        if operation.query or operation.body:
            with subtests.test(operation=operation.label):
                ask_again_and_again(door, operation, GenerationMode.NEGATIVE)


def operations(door: Door) -> Iterator[Operation]:
    schema = schemathesis.openapi.from_dict(described(door.app))
    for path, methods in schema.raw_schema["paths"].items():
        yield from (schema[path][method] for method in methods)


def ask_again_and_again(door: Door, operation: Operation, mode: GenerationMode) -> None:
    @how(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        request = requests.Request(**case.as_transport_kwargs(base_url=door.url)).prepare()
        assert door.send(request) < 500

    ask()


# --- What no description can have -----------------------------------------------------------------------------------

KINDS = (
    "",
    ";",
    "/",
    "text/plain",
    "application/msgpack",
    JSON,
    f"{JSON}; charset=nonsense",
    FORM,
    f"{FORM}; charset=utf-16",
    PARTS,
    f"{PARTS}; boundary=",
    f"{PARTS}; boundary=x",
    f"{PARTS}; boundary={'x' * 3000}",
    "a" * 3000,
)


def part(head: str) -> bytes:
    return f"--x\r\n{head}\r\n\r\nhello\r\n--x--\r\n".encode()


NAMED = 'Content-Disposition: form-data; name="text"'
JUNK = (
    b"",
    b"\xff\xfe\x00",
    b"{",
    b"[]",
    b"null",
    b"1e999",
    b"[" * 100_000,
    b'{"id": "\\ud800", "text": "\\ud800\\u0000", "update_id": 1, "times": 1e300}',
    b'{"times": "9"}',
    b"%",
    b"=",
    b"text=%ff&text=%00&id=%ed%a0%80",
    b"a=1&" * 1500,
    b"--x\r\n",
    b"--x--",
    part("") + b"and more",
    part(NAMED),
    part(NAMED + "; filename=a"),
    part(NAMED + "; filename*=utf-9''%ff"),
    part(NAMED + "\r\nContent-Type: text/plain; charset=nonsense"),
    part(NAMED + "\r\nContent-Type: text/plain; charset=utf-16"),
    *(random.Random(size).randbytes(size) for size in (7, 70, 7_000, 200_000)),
)


@ON_ONE_DATABASE
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[:40] or "none")
def test_a_body_of_any_kind_is_taken_or_refused(door: Door, kind: str) -> None:
    for path, methods in routes(door).items():
        for body in JUNK if "POST" in methods else ():
            assert door.ask("POST", path, data=body, headers={"Content-Type": kind}) < 500, (path, body[:60])


@ON_ONE_DATABASE
def test_a_body_that_is_too_long_is_refused(door: Door) -> None:
    for path, methods in routes(door).items():
        if "POST" in methods and path in {one.format(account_sid="a") for one in BODIES}:
            assert door.ask("POST", path, data=b"a" * 1_000_000) in (400, 413), path


@ON_ONE_DATABASE
def test_a_method_that_an_address_does_not_have_is_refused(door: Door) -> None:
    for path, methods in routes(door).items():
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "BREW"} - methods:
            assert door.ask(method, path) in (400, 405), (method, path)


STRANGE_HEADERS: Mapping[str, Mapping[str, str | bytes]] = {
    "giant": {"X-Anything": "a" * 60_000},
    "very many": {f"X-{number}": "a" for number in range(2_000)},
    "an origin that is no address": {"Origin": "http://["},
    "an origin of nobody": {"Origin": "null"},
    "an origin that is no ASCII": {"Origin": b"\xff"},
    "no host": {"Host": ""},
    "a giant cookie": {"Cookie": "chat=" + "a" * 60_000},
    "a cookie that is no ASCII": {"Cookie": b"chat=\xff; chat_framed=\xff"},
    "a cookie of nothing": {"Cookie": ";;;==="},
    "a position that is no number": {"Last-Event-ID": "\u0663".encode()},
    "a position beyond any": {"Last-Event-ID": "9" * 18},
    "a wish for no kind that there is": {"Accept": "q=;;", "Accept-Encoding": "q=z;", "Accept-Language": "*;"},
    "a part of a file": {"Range": "bytes=5-1,zz", "If-Modified-Since": "zz", "If-None-Match": "zz"},
    "a length that is none": {"Content-Length": "-5"},
}


@ON_ONE_DATABASE
@pytest.mark.parametrize("strange", STRANGE_HEADERS)
def test_strange_headers_are_taken_or_refused(door: Door, strange: str) -> None:
    for path, methods in routes(door).items():
        for method in methods:
            assert door.ask(method, path, headers=dict(STRANGE_HEADERS[strange])) < 500, (method, path)


NAMES = (
    "%00",
    "%0a",
    "%ff",
    "%c3%28",
    "%ed%a0%80",
    "%F0%9F%98%80" * 80,
    "a" * 300,
    "a" * 20_000,
    "a/" * 3_000,
    "..%2f..%2f..%2fapp.py",
    "%2e%2e/%2e%2e/app.py",
    "%5c..%5c",
)


def test_a_strange_name_is_the_name_of_nothing(door: Door) -> None:
    varying = {route.path for route in door.app.routes if isinstance(route, HTTPRoute) and route.path_parameters}
    for path in {path.partition("{")[0] for path in varying} | {"/"}:
        for name in NAMES:
            assert door.ask("GET", path + name) in (400, 404), (path, name[:40])
            assert door.ask("GET", f"{path}a?{name}={name}&after={name}&page={name}") < 500, (path, name[:40])


def test_a_place_in_a_thread_that_no_database_knows_is_refused(door: Door) -> None:
    for path in ("/chat/events?", "/simulator/events?phone=1&"):
        assert door.ask("GET", f"{path}after={LARGEST_ID}") == 200
        for beyond in (LARGEST_ID + 1, -1, "9" * 5_000, "x"):
            assert door.ask("GET", f"{path}after={beyond}") == 400, beyond


CHAT = {"id": 1, "type": "private"}
MESSAGE = {"message_id": 1, "date": 1, "chat": CHAT, "text": "/x"}
PRESS = {"id": "1", "from": {"id": 1, "is_bot": False, "first_name": "x"}, "chat_instance": "1", "message": MESSAGE}
ODD_UPDATES: tuple[Any, ...] = (
    None,
    1,
    [],
    {},
    *({"update_id": odd, "message": MESSAGE} for odd in (None, "x", [1], {}, -1, 1.5, 10**40)),
    *({"update_id": 1, "message": odd} for odd in (5, [], {})),
    *({"update_id": 1, "message": MESSAGE | {"date": odd}} for odd in (10**11, 10**30, -(10**12), "x")),
    *({"update_id": 1, "message": MESSAGE | {"text": odd}} for odd in (5, ["x"], {"x": 1}, "\ud800\0")),
    *({"update_id": 1, "message": MESSAGE | {"chat": CHAT | {"id": odd}}} for odd in ({}, "x", 10**400)),
    *({"update_id": 1, "message": MESSAGE | {"chat": {"id": odd, "type": "group"}}} for odd in ([], 10**30)),
    {"update_id": 1, "message": MESSAGE | {"chat": {"id": 1, "type": []}}},
    {"update_id": 1, "message": {**MESSAGE, "text": "", "media_group_id": "9" * 500, "photo": []}},
    *(
        {"update_id": 1, "message": MESSAGE | {"entities": [{"type": "bot_command", "offset": 0, "length": odd}]}}
        for odd in ("x", 10**9, -1)
    ),
    *({"update_id": 1, "callback_query": PRESS | {"data": odd}} for odd in (5, [], "a:b:c", "1:0:9:" + "9" * 60)),
    {"update_id": 1, "callback_query": PRESS | {"id": [], "message": {}}},
)


def test_an_update_that_is_not_as_telegram_describes_them_holds_up_no_other(door: Door) -> None:
    for number, odd in enumerate(ODD_UPDATES):
        assert door.ask("POST", TELEGRAM, data=json.dumps(odd)) == 200, odd
        following = {"update_id": 7_000_000 + number, "message": MESSAGE | {"text": "a question"}}
        assert door.ask("POST", TELEGRAM, data=json.dumps(following)) == 200, odd


RAW = {
    "no HTTP at all": b"\x00\xff garbage\r\n\r\n",
    "a path that is no ASCII": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "an address that is none": b"GET http://[/chat HTTP/1.1\r\nHost: x\r\n\r\n",
    "no address": b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "another machine": b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a host that is no name": b"GET /api/oruk/3.0 HTTP/1.1\r\nHost: a b\xff[\r\nConnection: close\r\n\r\n",
    "a length that is no number": b"POST /channels/telegram HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
    "a length beyond any": b"POST /channels/telegram HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Content-Length: 99999999999999\r\n\r\n{}",
    "pieces of no length": b"POST /channels/telegram HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "a socket where there is none": b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
}


@ON_ONE_DATABASE
def test_a_host_that_is_no_name_breaks_nothing(door: Door) -> None:
    for path, methods in routes(door).items():
        if "GET" in methods and not path.endswith("/events"):
            answer = door.raw(f"GET {path} HTTP/1.1\r\nHost: [::\r\nConnection: close\r\n\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 ") and not answer.startswith(b"HTTP/1.1 5"), path


@ON_ONE_DATABASE
@pytest.mark.parametrize("request_line", RAW)
def test_what_is_no_request_is_refused(door: Door, request_line: str) -> None:
    assert door.raw(RAW[request_line]).startswith(b"HTTP/1.1 4")
