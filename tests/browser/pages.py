"""What the browser tests share: faked event streams and the accessibility check."""

import json
from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import FrameLocator, Page, Route, expect

from channels.webchat.embed import HARMLESS_PAGE

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AT = "2026-11-24T14:05:00+00:00"


def event(kind: str, data: dict[str, Any]) -> str:
    """One Server-Sent Event, with its id when the data has one."""
    number = f"id: {data['id']}\n" if "id" in data else ""
    return f"{number}event: {kind}\ndata: {json.dumps(data)}\n\n"


def message(number: int, text: str, sender: str = "helpline", **more: Any) -> dict[str, Any]:
    """The data of a `message` event."""
    return {"id": number, "sender": sender, "text": text, "options": [], "at": AT, **more}


def fake_stream(page: Page, body: list[str]) -> None:
    """Serves `body`, joined, as the chat's event stream, at each connection. The caller may add to it."""

    def serve(route: Route) -> None:
        route.fulfill(content_type="text/event-stream", body="retry: 300\n\n" + "".join(body))

    page.route("**/chat/events*", serve)


def accept_posts(page: Page) -> list[dict[str, str]]:
    """Answers every posted message with 202 in the server's place. Gives the list of the posts."""
    posts: list[dict[str, str]] = []

    def accept(route: Route) -> None:
        posted: Any = route.request.post_data_json
        posts.append(posted)
        route.fulfill(status=202, json={"id": posted["id"]})

    page.route("**/chat/messages", accept)
    return posts


def axe_findings(page: Page) -> list[tuple[str, str, str]]:
    """What axe finds, whatever its weight, against WCAG 2.2 A and AA and good practice: the rule, its weight, where."""
    violations = Axe().run(page, options={"runOnly": WCAG}).response["violations"]
    return [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in violations]


def assert_accessible(page: Page) -> None:
    """Fails on any finding of axe."""
    found = axe_findings(page)
    assert found == [], found


def assert_fits(page: Page) -> None:
    """Fails when the page must be scrolled sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def own(page: Page, text: str) -> None:
    """Waits until the chat shows `text` as the person's own message, exactly once."""
    expect(page.locator(".app-message--you [data-part=text]").filter(has_text=text)).to_have_count(1)


def write(page: Page | FrameLocator, text: str) -> None:
    """Writes and sends a message with the keyboard."""
    box = page.get_by_label("Your message")
    box.fill(text)
    box.press("Enter")


def kept(page: Page) -> dict[str, Any]:
    """What the chat keeps in the storage of the tab. Empty when nothing is there."""
    held: dict[str, Any] = page.evaluate("JSON.parse(sessionStorage.getItem('chat') ?? '{}')")
    return held


def watch_leaving(page: Page) -> list[str]:
    """Serves a weather page in the place of the real one. Gives the methods of the calls that end the session."""
    left: list[str] = []

    def note(route: Route) -> None:
        left.append(route.request.method)
        route.continue_()

    page.route("**/chat/leave", note)
    page.route(HARMLESS_PAGE, lambda route: route.fulfill(content_type="text/html", body="<h1>Weather</h1>"))
    return left
