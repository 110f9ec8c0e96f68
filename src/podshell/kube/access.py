"""A cluster as shells use it (execs.py), by the real client."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from podshell.kube.exec import open_exec
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.exec_ends import ExecReceiver
from podshell.kube.execs import ExecHandle
from podshell.kube.objects import Pod
from podshell.kube.rest import Client
from podshell.kube.workloads import PODS


class KubernetesAccess:
    """`ClusterAccess` by the real client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def open_exec(
        self,
        target: ExecTarget,
        command: Sequence[str],
        *,
        tty: bool,
        size: tuple[int, int] | None,
        receiver: ExecReceiver,
        on_stdin_writable: Callable[[], None] | None = None,
    ) -> ExecHandle:
        return await open_exec(self._client, target, command, tty=tty, size=size, receiver=receiver, on_stdin_writable=on_stdin_writable)

    async def read_pod(self, namespace: str, name: str) -> Pod:
        return await self._client.get(PODS.path(namespace, name), Pod)
