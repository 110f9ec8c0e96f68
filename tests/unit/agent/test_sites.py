"""What is wrong with a place is known before anything is made there: for the plan of a session and for its opening alike."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec
import pytest

from podshell.agent.made import making_refusal
from podshell.agent.sites import Place, Site, read_site
from podshell.kube.debug_options import DebugKind, DebugOptions, ResolvedOptions, resolve
from podshell.kube.errors import Forbidden, KubeError, NotFound
from podshell.kube.rest import Client
from podshell.wire.errors import ErrorCode, RefusedBy

T = TypeVar("T")
Objects = dict[str, object]
POD, NODE = Place(DebugKind.DEBUG, "shop", "cart-0"), Place(DebugKind.NODE, "podshell", node="worker-1")
MAKE_IT = "kubectl create namespace podshell && kubectl label namespace podshell pod-security.kubernetes.io/enforce=privileged"


class Reads:
    """An API server that answers reads of what it was given: objects, or the errors in their place."""

    def __init__(self, **objects: object) -> None:
        named = {"pod": "/api/v1/namespaces/shop/pods/cart-0", "node": "/api/v1/nodes/worker-1"}
        named |= {"shop": "/api/v1/namespaces/shop", "podshell": "/api/v1/namespaces/podshell"}
        self._objects = {named[name]: one for name, one in objects.items()}

    async def get(self, path: str, kind: type[T]) -> T:
        match self._objects.get(path, NotFound(f"{path} not found")):
            case KubeError() as error:
                raise error
            case found:
                return msgspec.json.decode(msgspec.json.encode(found), type=kind)


def node(system: str = "linux", ready: str = "True") -> Objects:
    labels = {"kubernetes.io/os": system} if system else {}
    return {"metadata": {"name": "worker-1", "labels": labels}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def pod(system: str = "", debug: Objects | None = None) -> Objects:
    spec: Objects = {"nodeName": "worker-1", "containers": [{"name": "cart"}], **({"os": {"name": system}} if system else {})}
    status: Objects = {"phase": "Running"}
    if debug is not None:
        spec["ephemeralContainers"] = [debug]
        status["ephemeralContainerStatuses"] = [{"name": debug["name"], "state": {"running": {}}}]
    return {"metadata": {"name": "cart-0", "namespace": "shop", "uid": "u1"}, "spec": spec, "status": status}


def namespace(level: str = "") -> Objects:
    return {"metadata": {"name": "podshell", "labels": {"pod-security.kubernetes.io/enforce": level} if level else {}}}


async def site(place: Place, user: str = "ada", *, reads: Reads, **fields: object) -> Site:
    options = resolve(place.kind, DebugOptions(**{"image": "tools:1", **fields}))  # type: ignore[arg-type]  # fields by name
    assert isinstance(options, ResolvedOptions), options
    found = await read_site(cast("Client", reads), place, options, user)
    assert isinstance(found, Site), found
    return found


async def reason_of_pod(pod: Objects, node: object) -> object:
    found = await site(POD, reads=Reads(pod=pod, node=node, shop=namespace()))
    return found.refusal.details["reason"] if found.refusal is not None else ""


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (node(), ""),
        (node("windows"), "UnsupportedOS"),
        (node(""), "UnsupportedOS"),
        (node(ready="Unknown"), "NodeNotReady"),
        (Forbidden("no"), ""),
        (NotFound("no"), ""),
    ],
)
async def test_a_pod_without_an_os_of_its_own_is_judged_by_its_node(read: object, reason: str) -> None:
    """What is added to a pod stays there for good: it must not be a Linux container on Windows."""
    assert await reason_of_pod(pod(), read) == reason


async def test_the_next_step_on_windows_fits_a_browser_and_a_command_line() -> None:
    of_pod = (await site(POD, reads=Reads(pod=pod(), node=node("windows"), shop=namespace()))).refusal
    of_node = (await site(NODE, reads=Reads(node=node("windows"), podshell=namespace()))).refusal
    assert of_pod is not None
    assert "runs windows" in of_pod.message
    assert of_pod.next_step == "open a shell in one of its own containers (podshell exec)"
    assert of_node is not None
    assert of_node.next_step == "choose the system Windows (--os windows), which is untested"


async def test_a_debug_namespace_that_is_not_there_is_named_with_what_makes_it() -> None:
    refusal = (await site(NODE, reads=Reads(node=node()))).refusal
    assert refusal is not None
    assert (refusal.code, refusal.refused_by) == (ErrorCode.NOT_FOUND, RefusedBy.KUBERNETES)
    assert "the namespace podshell" in refusal.message
    assert MAKE_IT in refusal.next_step
    assert (await site(NODE, reads=Reads(node=node(), podshell=namespace("privileged")))).refusal is None
    assert (await site(NODE, reads=Reads(node=node(), podshell=Forbidden("no")))).refusal is None


def test_an_agent_that_may_read_no_namespaces_says_the_same_when_the_pod_is_made() -> None:
    missing = making_refusal(NotFound('namespaces "podshell" not found', name="podshell"), "the node pod", "podshell")
    assert MAKE_IT in missing.next_step
    other = making_refusal(NotFound('pods "p" not found', name="p"), "the node pod", "podshell")
    assert MAKE_IT not in other.next_step


async def test_another_users_shared_processes_are_a_refusal_from_the_first_look() -> None:
    theirs: dict[str, Any] = {"name": "podshell-abcde", "targetContainerName": "cart", "env": [{"name": "PODSHELL_USER", "value": "bob"}]}
    reads = Reads(pod=pod(debug=theirs), node=node(), shop=namespace())
    refusal = (await site(POD, "ada", reads=reads, target="cart")).refusal
    assert refusal is not None
    assert (refusal.code, refusal.details["reason"]) == (ErrorCode.CONFLICT, "TargetShared")
    assert "bob" in refusal.message
    assert (await site(POD, "bob", reads=reads, target="cart")).refusal is None
    assert (await site(POD, "ada", reads=reads)).refusal is None
