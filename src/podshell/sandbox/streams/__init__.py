"""exec, attach and log over HTTP and WebSocket, frame for frame as a real cluster.

``Streams(runtime, finder, faults).register(server)`` serves them; ``Faults`` makes them fail on request.
"""

from podshell.sandbox.streams.endpoints import Streams
from podshell.sandbox.streams.faults import Faults, StreamFault, Target
from podshell.sandbox.streams.handshake import Finder, FoundContainer, NodeError

__all__ = ["Faults", "Finder", "FoundContainer", "NodeError", "StreamFault", "Streams", "Target"]
