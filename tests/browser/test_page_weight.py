"""What the pages cost a person with an old phone and little data, and what they may not contain."""

import gzip
import re
from pathlib import Path

import pytest

CHANNELS = Path(__file__).parents[2] / "channels"
STATIC = CHANNELS / "webchat" / "static"
TEMPLATES = sorted((CHANNELS / "webchat" / "templates").glob("*.html")) + sorted(
    (CHANNELS / "simulator" / "templates").glob("*.html")
)
BUDGET_BYTES = 40_000


def test_chat_page_stays_small() -> None:
    files = [path for path in STATIC.iterdir() if path.suffix in {".css", ".js"}]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) <= BUDGET_BYTES


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
    for script in CHANNELS.glob("*/static/*.js"):
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(", text), script.name
