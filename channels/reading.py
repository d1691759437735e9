"""Reading what was posted to us, whatever it is. What cannot be read is answered as a mistake of who sent it."""

import json
from typing import Any

from litestar import Request


class Unreadable(ValueError):
    """A body that is not what it says it is."""


async def read_form(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The fields of a posted form; none if it is not a form. Raises Unreadable, or litestar's own refusal of it."""
    try:
        return dict(await request.form())
    except (LookupError, UnicodeError) as error:
        # A part of it names an encoding that does not exist, or is not written in the one that it names.
        raise Unreadable("The form is in no encoding that can be read.") from error


def read_json(body: bytes) -> Any:
    """What a JSON body says. Raises Unreadable."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is not JSON.") from error
