"""What a channel is: how its messages are worded, how they come in, and how they go out."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from litestar.types import ControllerRouterHandler

from channels.gateway import Gateway
from helpline.domain.replies import Channel as Form
from helpline.keys import Keys
from helpline.ports import Inbox, MessageSender
from helpline.settings import Settings

# A handler with this option serves a page that may be shown in a frame by the sites that it names (frame-ancestors).
FRAMED_BY = "framed_by"


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

    def door(self, settings: Settings) -> str | None:
        """Where people find this channel, as they are told; None if they cannot, or it is switched off."""
        ...


@runtime_checkable
class RunsBeside(Protocol):
    """A channel that has something to do for as long as the web application runs."""

    def running(self, context: ChannelContext) -> AbstractAsyncContextManager[None]:
        """Entered when the application has started, left before it stops. Must not wait for a provider."""
        ...


@runtime_checkable
class KeepsInbox(Protocol):
    """A channel whose provider keeps a list of what people sent, in which we find what we missed."""

    def inbox(self, settings: Settings, keys: Keys) -> Inbox:
        """Reads that list."""
        ...
