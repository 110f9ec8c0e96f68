"""What the process of survivor.py does once its program is gone: delete the pods that the program had noted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from podshell.kube.errors import Forbidden, KubeError, NotFound
from podshell.kube.manifests import SESSION_LABEL
from podshell.kube.objects import Metadata
from podshell.kube.rest import Client

# A create that was sent may be on its way when its sender is killed; an API server that is away may come back.
SURE_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
LONGEST_SECONDS = 2 * PATIENCE_SECONDS
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 5.0

Pause = Callable[[float], Awaitable[None]]


def remove_noted(open_client: Callable[[], Client], session: str, noted: list[tuple[str, str]]) -> None:
    """Delete the pods of these namespaces and names, at once and beside each other."""
    asyncio.run(_remove_all(open_client, session, noted))


async def _remove_all(open_client: Callable[[], Client], session: str, noted: list[tuple[str, str]]) -> None:
    # the user may have asked for requests without a limit (--request-timeout 0); nobody waits here to end them
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_SECONDS), open_client() as client:
            await asyncio.gather(*(remove_pod(client, namespace, name, session) for namespace, name in noted))


async def remove_pod(client: Client, namespace: str, name: str, session: str, pause: Pause = asyncio.sleep) -> bool:
    """Delete a pod of this session that exists, or may soon; whether it did. What may pass is waited for, a refusal is not."""
    path = f"/api/v1/namespaces/{namespace}/pods/{name}"
    waited, step = 0.0, _FIRST_PAUSE_SECONDS
    while True:
        try:
            found = (await client.get(path, Metadata)).metadata
            if (found.labels or {}).get(SESSION_LABEL) != session:
                return False  # the name was taken
            await client.delete(path, grace_seconds=0, uid=found.uid, propagation="Background")
            return True
        except Forbidden:
            return False
        except NotFound:
            patience = SURE_SECONDS
        except KubeError:
            patience = PATIENCE_SECONDS
        if waited >= patience:
            return False
        await pause(step)
        waited, step = waited + step, min(2 * step, _LONGEST_PAUSE_SECONDS)
