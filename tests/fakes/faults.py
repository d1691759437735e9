"""How a pretend provider fails, the same for all of them: calls that are refused or hang, and news that comes wrong."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
from litestar import Request, Response
from litestar.background_tasks import BackgroundTask

# What a fault befalls if it does not say: the call that hands a message over.
SENDING = "sending"
# Nobody here waits for longer, so that a client without patience of its own does not stop a test for ever.
LONGEST_HANG_SECONDS = 60.0

# With these the message is taken, whatever the caller hears of it.
_TAKEN_ALL_THE_SAME = {"hang-after", "drop-after", "break-off", "nonsense"}
CALL_KINDS = _TAKEN_ALL_THE_SAME | {
    "answer",
    "refuse",
    "throttle",
    "hang-before",
    "drop-before",
    "take-twice",
    "answer-twice",
}
NEWS_KINDS = {"answer", "late", "doubled", "reversed", "withheld", "undelivered"}
# What we are told: of a message that came for us, and how far one of ours has got.
WEBHOOK, RECEIPTS = "webhook", "receipts"

AnyRequest = Request[Any, Any, Any]
# Calls us, as often as the provider's rules have it, and gives the status of each call.
News = Callable[[], list[int]]


@dataclass(frozen=True)
class Fault:
    """How the next call of one kind fails, or how the next news is brought to us.

    on: which call, by the name that the provider gives it, or which news.

    Calls. answer: none, so that a later one can be made to fail. refuse: an answer with status, code and description.
    throttle: as the provider asks for patience. hang-before, hang-after: no answer until the caller has gone, and the
    message is taken or is not. drop-before, drop-after: the same with a connection that is closed. break-off: it is
    closed in the middle of the answer. nonsense: a 200 that is no JSON. take-twice: the message goes out twice.
    answer-twice: the answer is sent twice over one connection. With takes_it the message is kept all the same, as with
    a 500 that comes too late.

    News. late: kept back until let go. doubled, reversed. withheld: it never comes. undelivered: the bad news, with
    code.
    """

    kind: str
    status: int = 500
    code: int | None = None
    retry_after: str | None = None
    takes_it: bool = False
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    on: str = SENDING

    def __post_init__(self) -> None:
        if self.kind not in (NEWS_KINDS if self.on in (WEBHOOK, RECEIPTS) else CALL_KINDS):
            raise ValueError(f"{self.kind} does not befall {self.on}")


class Faults:
    """The faults on order, each met once and in order."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Fault]] = {}
        self._kept_back: list[News] = []
        self._lock = threading.Lock()

    def append(self, fault: Fault) -> None:
        """Order one."""
        with self._lock:
            self._waiting.setdefault(fault.on, deque()).append(fault)

    def extend(self, faults: Iterable[Fault]) -> None:
        """Order several."""
        for fault in faults:
            self.append(fault)

    def clear(self) -> None:
        """From now on all goes well."""
        with self._lock:
            self._waiting.clear()

    def next(self, on: str = SENDING) -> Fault | None:
        """The fault that this call or news meets, if any."""
        with self._lock:
            waiting = self._waiting.get(on)
            return waiting.popleft() if waiting else None

    def bring(self, fault: Fault | None, news: Sequence[News]) -> list[int]:
        """Bring us news, in the order and as often as the fault has it. Gives the statuses of all the calls."""
        match fault.kind if fault else "answer":
            case "answer" | "undelivered":
                brought = list(news)
            case "doubled":
                brought = [one for one in news for _ in range(2)]
            case "reversed":
                brought = list(reversed(news))
            case "withheld":
                brought = []
            case "late":
                brought = []
                self._kept_back.extend(news)
            case kind:
                raise ValueError(f"{kind} does not befall news")
        return [status for one in brought for status in one()]

    def let_go(self) -> list[int]:
        """Bring us what is late."""
        news, self._kept_back = self._kept_back, []
        return self.bring(None, news)


async def answer_with(
    fault: Fault | None,
    request: AnyRequest,
    take: Callable[[], Response[Any]],
    refuse: Callable[[Fault], Response[Any]],
) -> Response[Any]:
    """The answer to a call. take: what the provider does with it; refuse: how it says no, also by asking to wait."""
    if fault is None or fault.kind == "answer":
        return take()
    if fault.takes_it or fault.kind in _TAKEN_ALL_THE_SAME:
        take()
    match fault.kind:
        case "hang-before" | "hang-after":
            with anyio.move_on_after(LONGEST_HANG_SECONDS):
                await caller_gone(request)
            return Response("", status_code=504)
        case "drop-before" | "drop-after":
            _transport_of(request).abort()
            return Response("", status_code=504)
        case "break-off":
            return Response(b"{", status_code=201, headers={"content-length": "5000"})
        case "nonsense":
            return Response("<html>", status_code=200, media_type="text/html")
        case "take-twice":
            take()
            return take()
        case "answer-twice":
            return _sent_twice(take(), request)
        case "refuse" | "throttle":
            return refuse(fault)
    raise ValueError(f"{fault.kind} does not befall a call")


async def caller_gone(request: AnyRequest) -> None:
    """Return when the caller has closed the connection. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _transport_of(request: AnyRequest) -> Any:
    # ASGI has no way to close a connection without an answer, and none to say more than one; uvicorn's is behind this.
    return request.receive.__self__.transport  # type: ignore[attr-defined]


def _sent_twice(response: Response[Any], request: AnyRequest) -> Response[Any]:
    transport, body = _transport_of(request), response.render(response.content, "application/json")
    again = b"HTTP/1.1 %d Again\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (
        response.status_code or 200,
        len(body),
    )

    async def say_again() -> None:
        transport.write(again + body)

    return Response(response.content, status_code=response.status_code, background=BackgroundTask(say_again))
