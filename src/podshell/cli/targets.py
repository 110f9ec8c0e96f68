"""Which session to show: an existing one, or a new one on a pod that is looked for in every cluster when none is named."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from podshell.cli.api import Api, OpenBody, Refused
from podshell.cli.failures import FAILED, USAGE, CommandFailed

T = TypeVar("T")


def pod_name(target: str) -> str:
    """Read "POD", "pod/POD" or "pods/POD".

    Raises:
        CommandFailed: it is another kind, or empty.
    """
    kind, slash, name = target.rpartition("/")
    if slash and kind not in ("pod", "pods", "po"):
        raise CommandFailed(USAGE, f"{target!r} is not a pod", "name a pod: pods/NAME")
    if not name:
        raise CommandFailed(USAGE, "the name of a pod is missing")
    return name


async def ask_on_pod(api: Api, body: OpenBody, ask: Callable[[OpenBody], Awaitable[T]]) -> T:
    """Ask for a session or its plan; with an empty `body.cluster`, on the one cluster that has the pod.

    Raises:
        CommandFailed: no cluster has it, or several have.
        Refused, Unreachable: see api.Api.
    """
    body.cluster = body.cluster or await _find_cluster(api, body.namespace, body.pod)
    return await ask(body)


async def _find_cluster(api: Api, namespace: str, pod: str) -> str:
    clusters = await api.clusters()
    online = [row.name for row in clusters if row.state == "online"]
    if not clusters:
        raise CommandFailed(FAILED, "the gateway knows no cluster", "enrol an agent first")
    if len(clusters) == 1:
        return clusters[0].name  # offline or not: the gateway's own answer says it best
    answers = await asyncio.gather(*(api.has_pod(name, namespace, pod) for name in online), return_exceptions=True)
    found: list[str] = []
    refusals: list[Refused] = []
    for name, answer in zip(online, answers, strict=True):
        if isinstance(answer, Refused):
            refusals.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
        elif answer:
            found.append(name)
    if len(found) > 1:
        raise CommandFailed(USAGE, f"the pod {namespace}/{pod} is in several clusters: {', '.join(found)}", "choose one with --cluster")
    if found:
        return found[0]
    if refusals:
        raise refusals[0]
    offline = [row.name for row in clusters if row.state == "offline"]
    hint = f"not asked, because they are offline: {', '.join(offline)}" if offline else "name its namespace with -n"
    raise CommandFailed(FAILED, f"no pod {namespace}/{pod} in {', '.join(online) or 'any cluster'}", hint)
