"""What a channel is: how its messages are worded, how they come in, and how they go out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from litestar.types import ControllerRouterHandler

from channels.gateway import Gateway
from helpline.domain.replies import Channel as Form
from helpline.keys import Keys
from helpline.ports import MessageSender
from helpline.settings import Settings


@dataclass(frozen=True)
class ChannelContext:
    """What a channel gets to work with. keys are in the clear: only a channel's own secrets are used."""

    settings: Settings
    keys: Keys
    gateway: Gateway


class Channel(Protocol):
    """One way of reaching us. Its folder holds receive.py (in), send.py (out), fixtures/ and a README."""

    name: str
    form: Form

    def receivers(self, context: ChannelContext) -> Sequence[ControllerRouterHandler]:
        """The web addresses at which this channel's messages come in, each checking who calls."""
        ...

    def sender(self, settings: Settings, keys: Keys) -> MessageSender:
        """Hands messages out."""
        ...
