"""Looking at a session's target by asking the API server, where the watch may be late."""

from __future__ import annotations

import asyncio
from enum import Enum

from podshell.agent.targets import Gone, Leaving, TargetIdentity, target_state
from podshell.kube.errors import Forbidden, KubeError, NotFound
from podshell.kube.execs import ClusterAccess

_LOOK_SECONDS = 5.0


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
