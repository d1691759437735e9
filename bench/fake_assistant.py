"""The web application with an assistant in it that answers at once: what is left is the cost of everything else.

Started by bench.channels --assistant fake, in the place of `helpline up`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from helpline.cli import serve_app
from helpline.domain.messages import Reply

# As long as most answers of the guide are in a text.
ANSWER = (
    "Ask adult social care for a needs assessment. It is free, whatever the person owns. Essex adult social care: "
    "0345 603 7630, weekdays 8.45am to 5pm (Friday 4.30pm). Have the GP's name and a list of the medicines at hand. "
    "Text MORE for detail. Did that help? Reply Y or N."
)


class AnswersAtOnce:
    """An assistant that says the same to everybody and takes no time over it."""

    def answer(self, sender: str, text: str, metadata: Mapping[str, Any]) -> Sequence[Reply]:
        """The one answer."""
        return [Reply(ANSWER)]

    def is_ready(self) -> bool:
        """Always."""
        return True


if __name__ == "__main__":
    serve_app(AnswersAtOnce())
