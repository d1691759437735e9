"""Chat on a web page: events down, posts up, and plain forms where there is no JavaScript."""

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

from channels.base import ChannelContext
from channels.webchat.receive import webchat_receivers
from channels.webchat.send import WebchatSender
from helpline.domain.replies import Channel as Form
from helpline.keys import Keys
from helpline.settings import Settings


class Webchat:
    """The page, its posts and its stream of events."""

    name = "web"
    form: Form = "chat"

    def receivers(self, context: ChannelContext) -> Sequence[ControllerRouterHandler]:
        """The page and what it calls."""
        return webchat_receivers(context)

    def sender(self, settings: Settings, keys: Keys) -> WebchatSender:
        """The page fetches its messages itself."""
        return WebchatSender()

    def door(self, settings: Settings) -> str | None:
        """The address of the full page."""
        return f"{settings.external_url}/chat"
