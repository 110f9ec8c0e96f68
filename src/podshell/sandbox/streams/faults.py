"""Faults that a test asks for, by namespace, pod and container or for every stream.

A fault is looked up when a stream opens; ``cut`` acts on streams that are open.  Restarting the whole server is
``ApiServer.rotate()``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from podshell.sandbox.statuses import StatusError
from podshell.sandbox.streams.connection import Connection


@dataclass(frozen=True)
class Target:
    """The container of a stream; an empty word of a fault's target matches all."""

    namespace: str = ""
    pod: str = ""
    container: str = ""

    def matches(self, other: "Target") -> bool:
        """Whether ``other`` is meant by this target."""
        pairs = ((self.namespace, other.namespace), (self.pod, other.pod), (self.container, other.container))
        return all(not wanted or wanted == actual for wanted, actual in pairs)


@dataclass
class StreamFault:
    """What shall go wrong.

    ``drop_at_byte``: TCP ends without a close frame after this many bytes of output (``reset``: by RST).
    ``delay_seconds``: every output frame waits so long.  ``freeze_reads``: nothing of the client is read.
    ``refuse``: the upgrade is answered with this Status.  ``streams``: how many streams it hits, None for all.
    """

    target: Target = field(default_factory=Target)
    drop_at_byte: int | None = None
    reset: bool = False
    delay_seconds: float = 0.0
    freeze_reads: bool = False
    refuse: StatusError | None = None
    streams: int | None = None


class Faults:
    """The faults of one cluster, and its open streams."""

    def __init__(self) -> None:
        self._faults: list[StreamFault] = []
        self._open: dict[Connection, Target] = {}

    def add(self, fault: StreamFault) -> Callable[[], None]:
        """Let streams that open from now on suffer; returns what ends that."""
        self._faults.append(fault)

        def remove() -> None:
            if fault in self._faults:
                self._faults.remove(fault)

        return remove

    def clear(self) -> None:
        """Forget every fault."""
        self._faults.clear()

    def take(self, target: Target) -> StreamFault | None:
        """Find the fault of a stream that opens, and count it."""
        for fault in self._faults:
            if fault.target.matches(target):
                if fault.streams is not None:
                    fault.streams -= 1
                    if fault.streams <= 0:
                        self._faults.remove(fault)
                return fault
        return None

    def cut(self, target: Target | None = None, *, reset: bool = False) -> int:
        """End the TCP connection of open streams without a close frame; returns how many."""
        wanted = target or Target()
        hit = [connection for connection, actual in self._open.items() if wanted.matches(actual)]
        for connection in hit:
            connection.abort(reset=reset)
        return len(hit)

    def opened(self, connection: Connection, target: Target) -> None:
        """Remember an open stream."""
        self._open[connection] = target

    def closed(self, connection: Connection) -> None:
        """Forget a stream."""
        self._open.pop(connection, None)
