"""Looking at a session's target by asking the API server, where the watch may be late."""

from __future__ import annotations

import asyncio
from enum import Enum

from podshell.agent.ends import Outcome, Stop
from podshell.agent.targets import Gone, Leaving, TargetIdentity, target_state
from podshell.aio.backoff import Backoff
from podshell.aio.clock import Clock
from podshell.kube.errors import Forbidden, KubeError, NotFound
from podshell.kube.exec_ends import Exited, Lost
from podshell.kube.execs import ClusterAccess

_LOOK_SECONDS = 5.0
# A rotated API server is away for up to a minute: 10 tries with a cap of 10 s are 25 to 60 s.
RESTART_TRIES = 10
# What a container's end does to those inside: KILL, or TERM first.
_KILLED_CODES = (137, 143)


class Unknown(Enum):
    """The API server did not say."""

    UNKNOWN = "unknown"


async def read_target(cluster: ClusterAccess, target: TargetIdentity) -> Gone | Leaving | Unknown | None:
    """Return what happened to the target, None when it is as it was. Cancelling is safe."""
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            pod = await cluster.read_pod(target.namespace, target.pod)
    except NotFound:
        return target_state(target, None)
    except Forbidden:
        return None  # it may still be allowed to exec
    except (KubeError, TimeoutError):
        return Unknown.UNKNOWN
    return target_state(target, pod)


async def judge_exit(cluster: ClusterAccess, target: TargetIdentity, outcome: Outcome) -> Outcome:
    """A shell that was killed may have gone with its container: then that is the reason."""
    if isinstance(outcome, Exited) and outcome.code in _KILLED_CODES:
        gone = await read_target(cluster, target)
        if isinstance(gone, Gone | Leaving):
            return Stop("target_gone", gone.text)
    return outcome


async def wait_for_target(cluster: ClusterAccess, target: TargetIdentity, lost: Lost, backoff: Backoff, clock: Clock) -> Outcome | None:
    """Wait with backoff until a new shell can be tried; returns the end instead when there is no use. Cancelling is safe."""
    while backoff.tries < RESTART_TRIES:
        await asyncio.sleep(backoff.next_seconds(clock.time()))
        state = await read_target(cluster, target)
        if isinstance(state, Gone):
            return Stop("target_gone", state.text)
        if state is not Unknown.UNKNOWN:
            return None
    return lost
