"""A container's log from the API server, as a stream of bytes."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import aiohttp

from podshell.kube.rest import Client
from podshell.kube.workloads import PODS


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which part of a log; None: from the beginning. `container` may be empty when the pod has one."""

    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since_seconds: int | None = None

    def params(self) -> dict[str, str]:
        """Return the query of pods/log (kubernetes core/v1 PodLogOptions)."""
        flags = {"follow": self.follow, "previous": self.previous, "timestamps": self.timestamps}
        numbers = {"tailLines": self.tail_lines, "sinceSeconds": self.since_seconds}
        params = {"container": self.container} if self.container else {}
        params |= {name: "true" for name, on in flags.items() if on}
        return params | {name: str(number) for name, number in numbers.items() if number is not None}


def open_log(client: Client, namespace: str, pod: str, options: LogOptions) -> AbstractAsyncContextManager[aiohttp.StreamReader]:
    """Open a log; leaving the block closes it. Reading slowly slows the server.

    Entering waits until the server answers, which a kubelet does only with the first byte: for a silent container that may be never.

    Raises:
        ApiError, Unreachable: on entering, and in the middle of the stream.
    """
    return client.open_stream(PODS.path(namespace, pod, "log"), options.params())
