"""The chat on other people's pages: a launcher that one script tag loads, and the page that it opens in a frame.

Who may show the frame is said by the browser's own rule, frame-ancestors, for that one page only.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

WIDGET_PATH = "/chat/widget.js"
# Where "leave this page" leads: nothing that tells anybody anything, and that loads everywhere.
HARMLESS_PAGE = "https://www.bbc.co.uk/weather"
_ORIGIN = re.compile(r"https://[a-z0-9.-]+(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d{1,5})?")
_STYLE = Path(__file__).parent / "static" / "widget.css"


class BadOrigin(ValueError):
    """A setting that is not a list of origins."""


def read_origins(setting: str) -> frozenset[str]:
    """The origins of HELPLINE_EMBED_ORIGINS, with spaces or commas between.

    Exact ones only: a pattern such as https://*.gov.uk would let any page there dress up as ours.

    Raises:
        BadOrigin: something in it is not https://host or https://host:port. Plain http only for this machine.
    """
    origins = frozenset(setting.replace(",", " ").lower().split())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise BadOrigin(f"HELPLINE_EMBED_ORIGINS: {origin!r} is not an origin such as https://www.council.gov.uk")
    return origins


def frame_ancestors(origins: frozenset[str]) -> str:
    """The value of frame-ancestors: our own pages, and the sites that were allowed."""
    return " ".join(["'self'", *sorted(origins)])


def launcher_headers(request_headers: Mapping[str, str], origins: frozenset[str]) -> dict[str, str]:
    """Headers of the launcher script. It is public; only an allowed site may load it with an integrity check (CORS)."""
    headers = {
        "Cache-Control": "public, max-age=600",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Vary": "Origin",
    }
    origin = request_headers.get("origin", "")
    return headers | {"Access-Control-Allow-Origin": origin} if origin in origins else headers


def launcher_handlers(
    service_name: str, external_url: str, origins: frozenset[str]
) -> Sequence[ControllerRouterHandler]:
    """The launcher script."""
    style = _STYLE.read_text(encoding="utf-8")

    @get(WIDGET_PATH)
    async def widget(request: Request[Any, Any, Any]) -> Template:
        return Template(
            "widget.js",
            context={
                "service_name": service_name,
                "style": style,
                "external_url": external_url,
                "harmless_page": HARMLESS_PAGE,
            },
            media_type="text/javascript",
            headers=launcher_headers(request.headers, origins),
        )

    return [widget]
