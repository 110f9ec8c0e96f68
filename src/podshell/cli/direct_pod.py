"""The place of a direct shell in a pod: a debug container, one of ours that still runs or a new one.

Its name is chosen before anything is asked for. Two shells that are opened at the same moment get one container: whoever finds that the pod
has changed since looks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from functools import partial

from podshell.cli.direct_place import Place, Say, Wish, check, next_step, refusal_of
from podshell.cli.direct_run import OpenedShell
from podshell.cli.failures import FAILED, CommandFailed
from podshell.cli.first_look import FirstLook
from podshell.kube.classify import Failed
from podshell.kube.debug_containers import (
    add_container,
    joinable,
    life_until,
    may_reuse,
    pod_problem,
    read_equipped,
    read_pod_node_problem,
    reusable,
    runs_as_non_root,
    sharing_problem,
    target_user,
)
from podshell.kube.debug_options import ResolvedOptions, risks
from podshell.kube.errors import Conflict, Forbidden, KubeError
from podshell.kube.exec import ExecTarget
from podshell.kube.manifests import Manifest, debug_key, ephemeral_container
from podshell.kube.objects import Pod
from podshell.kube.pod_security import stricter
from podshell.kube.rest import Client
from podshell.kube.shell_receivers import ShellOwner
from podshell.kube.shells import CONTAINER_ENDED
from podshell.kube.waiter import PATIENCE_SECONDS

# Others changed the pod between our look and what we add: its kubelet does when containers start and end.
_TRIES = 8


class PodPlace(Place):
    """A debug container in a pod: one of ours that still runs, or a new one."""

    def __init__(self, client: Client, wish: Wish, pod: str, namespace: str, look: FirstLook[Pod]) -> None:
        super().__init__(client, wish)
        self._pod = pod
        self._namespace = namespace
        self._look = look
        self._container = ""
        self._adding_said = False
        self._add_instead: Callable[[], Coroutine[None, None, None]] | None = None  # of one that is used again

    async def make(self, say: Say) -> None:
        pod = await self._read_pod()
        options = await self._prepare(self._namespace, say)
        await self._find_or_add(pod, options, say)

    async def _find_or_add(self, pod: Pod, options: ResolvedOptions, say: Say, *, but: str = "") -> None:
        """Find a container that serves, or add one; in the end it runs. `but`: one that does not serve after all."""
        # who is not known to the server by a name of their own is nobody's second self
        user = self._known_as or f"{self._user} {self._wish.session}"
        key, until = debug_key(options, user), life_until(options, time.time())
        for _ in range(_TRIES):
            found = await read_equipped(self._client, self._namespace, self._pod)
            check(sharing_problem(found, options.target, user))
            may = not self._nonce and may_reuse(options)
            if may and (name := reusable(found, key, until, lambda one: one != but)):
                self._container = name
                say(f"Using the debug container {name} of pod {self._namespace}/{self._pod} again")
                self._add_instead = partial(self._find_or_add, pod, options, say, but=name)
                break
            if may and (name := joinable(found, key, until)) and name != but:
                self._container = name
                say(f"Using the debug container {name} of pod {self._namespace}/{self._pod}, which is starting for another shell of yours")
                await self._wait(self._namespace, self._pod, name, say)
                break
            if await self._add(pod, options, key, say, version=found.pod.metadata.resource_version):
                break
        else:
            raise CommandFailed(FAILED, f"pod {self._namespace}/{self._pod} changes too often to add a debug container to it", "try again")
        self._target = ExecTarget(self._namespace, self._pod, self._container)

    async def _open_first(self, owner: ShellOwner, size: tuple[int, int]) -> OpenedShell | Failed:
        opened = await super()._open_first(owner, size)
        if not isinstance(opened, Failed) or opened.kind not in CONTAINER_ENDED or self._add_instead is None:
            return opened
        await self._add_instead()  # its last user's waiter has ended it meanwhile
        return await super()._open_first(owner, size)

    async def _read_pod(self) -> Pod:
        try:
            pod = await self._look.result()
        except KubeError as error:
            text = f"error retrieving pod {self._pod} from namespace {self._namespace}"
            if isinstance(error, Forbidden):
                raise refusal_of(error, text) from error
            raise CommandFailed(FAILED, f"{text}: {error}", next_step(error, "name its namespace with -n")) from error
        check(pod_problem(pod, self._wish.options.target) or await read_pod_node_problem(self._client, pod))
        return pod

    async def _add(self, pod: Pod, options: ResolvedOptions, key: str, say: Say, *, version: str) -> bool:
        """Add a container and wait until it runs; False: the pod has changed since it was looked at."""
        making, non_root, user = self._making(options, key), runs_as_non_root(pod), target_user(pod, options.target)

        def build(name: str) -> Manifest:
            self._container = name
            return ephemeral_container(options, making, name=name, pod_runs_as_non_root=non_root, target_user=user)

        if not self._adding_said:
            say(f"Starting ephemeral container in pod {self._namespace}/{self._pod}")
            self._adding_said = True
        try:
            await add_container(self._client, self._namespace, self._pod, build, version=version)
        except Conflict:
            self._container = ""
            return False
        except KubeError as error:
            self._container = ""
            if (fitted := stricter(options, error)) is None:
                raise refusal_of(error, "error updating ephemeral containers") from error
            say("Pod Security refuses it so; once more with the profile restricted: not root, nothing added")
            await self._find_or_add(pod, fitted, say)
            return True
        for risk in risks(options):
            say(risk.text)
        await self._wait(self._namespace, self._pod, self._container, say)
        return True

    async def remove(self) -> None:
        """Nothing can be: the API removes no debug container; its waiter ends it. One that is attached to has none."""
        if self._attached is not None and not self._attached.ended:
            raise CommandFailed(FAILED, "the shell could not be ended", self.left_behind())

    def left_behind(self) -> str:
        if not self._container:
            return ""
        if self._attached is not None:
            return self._goes_on(self._pod, self._container, self._namespace)
        return f"the debug container {self._container} of pod {self._namespace}/{self._pod} ends by itself within {PATIENCE_SECONDS} s"
