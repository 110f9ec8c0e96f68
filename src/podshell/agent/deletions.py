"""Deleting a pod on behalf of somebody whose grant and ceiling were checked (authority.py)."""

from __future__ import annotations

import asyncio

from podshell.agent.object_watches import check_name
from podshell.agent.refusals import refusal_from_error
from podshell.kube.errors import Conflict, KubeError
from podshell.kube.rest import Client
from podshell.kube.workloads import PODS
from podshell.wire.calls import DeletedPod, DeletePod
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

# Admission webhooks may take this long; longer and the caller asks the list what has become of the pod.
DELETE_SECONDS = 10.0


class Deletions:
    """Deletes pods."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def delete(self, wanted: DeletePod) -> DeletedPod | Refusal:
        """Ask the API server to delete one pod; it goes on its own from there."""
        if (refusal := check_name(wanted.pod, wanted.namespace, namespaced=True)) is not None:
            return refusal
        path = PODS.path(wanted.namespace, wanted.pod)
        try:
            async with asyncio.timeout(DELETE_SECONDS):
                await self._client.delete(path, grace_seconds=wanted.grace_seconds, uid=wanted.uid)
        except TimeoutError:
            text = f"the API server did not answer within {DELETE_SECONDS:.0f} s; the pod may be deleted or not"
            return Refusal(ErrorCode.AGENT_BUSY, RefusedBy.AGENT, text, "look at the list of pods")
        except Conflict as error:
            step = "the pod of that name is another one now: look at the list of pods"
            return Refusal(ErrorCode.CONFLICT, RefusedBy.KUBERNETES, error.message, step)
        except KubeError as error:
            return refusal_from_error(error, subject=f"the pod {wanted.namespace}/{wanted.pod}")
        return DeletedPod(wanted.namespace, wanted.pod)
