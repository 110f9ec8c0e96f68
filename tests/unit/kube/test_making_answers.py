"""How a create or a patch was answered decides what may be there: nothing is left, and nothing is given up that can be done otherwise."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from podshell.kube.debug_containers import add_container, target_user
from podshell.kube.errors import ApiError, BadAnswer, Conflict, Forbidden, NotFound, Unreachable
from podshell.kube.manifests import TargetUser
from podshell.kube.node_pods import NodePod
from podshell.kube.objects import Container, ObjectMeta, Pod, PodSpec, SecurityContext
from podshell.kube.rest import Client
from podshell.kube.status import error_from_response
from podshell.kube.workloads import PODS


class Server:
    """Creates fail as told, and what they may have made is there until it is deleted."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.deleted: list[str] = []

    async def create(self, path: str, body: object, kind: type) -> object:
        raise self._error

    async def delete(self, path: str, **options: object) -> None:
        self.deleted.append(path)


@pytest.mark.parametrize(
    ("error", "certain"),
    [
        *((error_from_response(status, b""), True) for status in (400, 401, 403, 404, 405, 413, 422)),
        *((error_from_response(status, b""), False) for status in (408, 429, 500, 502, 503, 504)),
        (Unreachable("https://api", "no answer in time"), False),
        (BadAnswer("a page of a proxy"), False),
    ],
    ids=lambda value: str(getattr(value, "status_code", value)),
)
async def test_only_a_refusal_is_taken_for_nothing_made(error: Exception, certain: bool) -> None:
    server = Server(error)
    made = NodePod(cast("Client", server), PODS, "podshell", "worker-1")
    with pytest.raises(type(error)):
        await made.create(lambda name: {"metadata": {"name": name}})
    assert made.may_exist is not certain
    assert made.answered is certain
    await made.remove()
    assert bool(server.deleted) is not certain
    assert not made.may_exist


RAW: dict[str, Any] = {
    "metadata": {"name": "cart-0", "resourceVersion": "7", "annotations": {"of/others": "stays"}},
    "spec": {"containers": [{"name": "cart", "readinessProbe": {"exec": {}}}], "ephemeralContainers": [{"name": "old", "image": "a"}]},
}


def refusal(verb: str) -> Forbidden:
    return Forbidden("no", verb=verb, resource="pods/ephemeralcontainers")


class GuardedPod:
    """A pod whose debug containers are added as the caller's rights allow; `conflicts` PUTs come too late."""

    def __init__(self, *verbs: str, conflicts: int = 0, patch_error: ApiError | None = None) -> None:
        self._verbs = verbs
        self._patch_error = patch_error
        self._conflicts = conflicts
        self.patched: list[Any] = []
        self.put: list[Any] = []

    async def get(self, path: str, kind: type) -> msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(RAW))

    async def patch(self, path: str, body: object, kind: type, *, how: object) -> object:
        if self._patch_error is not None:
            raise self._patch_error
        if "patch" not in self._verbs:
            raise refusal("patch")
        self.patched.append(body)
        return None

    async def replace(self, path: str, body: object, kind: type) -> object:
        if "update" not in self._verbs:
            raise refusal("update")
        assert path.endswith("/pods/cart-0/ephemeralcontainers")
        if self._conflicts:
            self._conflicts -= 1
            raise Conflict("changed", status_code=409)
        self.put.append(body)
        return None


async def add_to(pod: GuardedPod) -> str:
    return await add_container(cast("Client", pod), "shop", "cart-0", lambda name: {"name": name, "image": "tools:1"})


async def test_whoever_may_patch_patches() -> None:
    pod = GuardedPod("patch", "update")
    name = await add_to(pod)
    assert (pod.patched, pod.put) == ([{"spec": {"ephemeralContainers": [{"name": name, "image": "tools:1"}]}}], [])


async def test_whoever_may_only_update_puts_the_whole_pod_back_with_all_its_fields() -> None:
    pod = GuardedPod("update", conflicts=2)
    name = await add_to(pod)
    spec = {**RAW["spec"], "ephemeralContainers": [{"name": "old", "image": "a"}, {"name": name, "image": "tools:1"}]}
    assert pod.put == [{**RAW, "spec": spec}]


async def test_a_pod_that_others_keep_changing_is_a_conflict_at_last() -> None:
    with pytest.raises(Conflict):
        await add_to(GuardedPod("update", conflicts=100))


async def test_whoever_may_neither_is_told_of_the_verb_that_is_asked_for() -> None:
    with pytest.raises(Forbidden) as refused:
        await add_to(GuardedPod())
    assert refused.value.verb == "patch"


@pytest.mark.parametrize("error", [Forbidden("violates PodSecurity"), NotFound("gone")])
async def test_what_is_refused_for_another_reason_is_not_tried_in_another_way(error: ApiError) -> None:
    pod = GuardedPod("update", patch_error=error)
    with pytest.raises(type(error)):
        await add_to(pod)
    assert not pod.put


@pytest.mark.parametrize(
    ("own", "of_pod", "expected"),
    [
        (None, None, TargetUser()),
        (SecurityContext(run_as_user=1000, run_as_group=2000), SecurityContext(run_as_user=1), TargetUser(1000, 2000)),
        (SecurityContext(run_as_user=1000), SecurityContext(run_as_group=3000), TargetUser(1000, 3000)),
        (None, SecurityContext(run_as_user=1000), TargetUser(1000)),
        (SecurityContext(run_as_user=0), SecurityContext(run_as_user=1000), TargetUser(0)),
    ],
)
def test_a_targets_user_is_the_containers_own_or_the_pods(
    own: SecurityContext | None, of_pod: SecurityContext | None, expected: TargetUser
) -> None:
    containers = (Container("other", security_context=SecurityContext(run_as_user=5)), Container("web", security_context=own))
    assert target_user(Pod(ObjectMeta(), PodSpec(containers=containers, security_context=of_pod)), "web") == expected
