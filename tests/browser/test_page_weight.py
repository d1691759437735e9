"""What the pages cost a person with an old phone and little data, and what they may not contain."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Chat

CHANNELS = Path(__file__).parents[2] / "channels"
STATIC = CHANNELS / "webchat" / "static"
TEMPLATES = sorted((CHANNELS / "webchat" / "templates").glob("*.html")) + sorted(
    (CHANNELS / "simulator" / "templates").glob("*.html")
)
BUDGET_BYTES = 40_000
Recorder = Callable[[str, object], None]


LAUNCHER_BUDGET_BYTES = 5_000


def test_everything_of_the_chat_page_stays_small(page: Page, chat: Chat, record_property: Recorder) -> None:
    """What really goes over the line for a first visit, compressed: the page, its styles, its scripts, its icon."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{chat.url}/chat")
    expect(page.get_by_label("Your message")).to_be_visible()
    files = [url for url in asked if "/chat/events" not in url]
    assert len(files) >= 10 and all(url.startswith(chat.url) for url in files)
    sizes = {url.removeprefix(chat.url): len(gzip.compress(page.request.get(url).body(), 6)) for url in files}
    record_property("chat_page_bytes_compressed", sum(sizes.values()))
    print(f"the chat page: {sum(sizes.values())} bytes compressed, in {len(sizes)} files")
    assert sum(sizes.values()) <= BUDGET_BYTES, sizes


def test_the_launcher_on_a_council_page_stays_small(page: Page, chat: Chat, record_property: Recorder) -> None:
    answer = page.request.get(f"{chat.url}/chat/widget.js", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    size = len(gzip.compress(answer.body(), 6))
    record_property("launcher_bytes_compressed", size)
    print(f"the launcher: {size} bytes compressed")
    assert size <= LAUNCHER_BUDGET_BYTES


def test_style_sheets_load_nothing_and_use_no_crown_font() -> None:
    for sheet in CHANNELS.glob("*/static/*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert "url(" not in text and "GDS Transport" not in text, sheet.name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_nothing_inline(template: Path) -> None:
    """The content policy allows no inline script, style or handler: they would silently not work."""
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text)


def test_scripts_never_build_markup_from_text() -> None:
    for script in [*CHANNELS.glob("*/static/*.js"), CHANNELS / "webchat" / "templates" / "widget.js"]:
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(", text), script.name
