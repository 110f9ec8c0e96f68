"""A session goes on in the container that it had, and in no other, whatever the gateway names as that."""

from __future__ import annotations

import msgspec
import pytest

from podshell.agent.kept import MarkedPod, foreign_container, foreign_place
from podshell.agent.sites import Place, Site
from podshell.kube.debug_options import DebugKind, DebugOptions, ResolvedOptions, resolve
from podshell.kube.manifests import Making, NodeFacts, ephemeral_container, node_pod
from podshell.wire.calls import OpenSession
from podshell.wire.tools import DebugRequest, MadeContainer

DEBUG_OPENING = OpenSession("s1", "debug", "shop", "cart-0", "ada", debug=DebugRequest())
NODE_OPENING = OpenSession("s1", "node", "", "", "ada", node="worker-1", debug=DebugRequest())
DEBUG_MADE = MadeContainer("ephemeral_container", "shop", "cart-0", "u1", "podshell-abcde")
NODE_MADE = MadeContainer("job", "podshell", "podshell-worker-1-abcde-fghij", "u2", "shell", name="podshell-worker-1-abcde")


def options(kind: DebugKind, **fields: object) -> ResolvedOptions:
    found = resolve(kind, DebugOptions(**{"image": "tools:1", **fields}))  # type: ignore[arg-type]  # fields by name
    assert isinstance(found, ResolvedOptions), found
    return found


def debug_site(**fields: object) -> Site:
    return Site(Place(DebugKind.DEBUG, "shop", "cart-0"), options(DebugKind.DEBUG, **fields), "")


def node_site(**fields: object) -> Site:
    return Site(Place(DebugKind.NODE, "podshell", node="worker-1"), options(DebugKind.NODE, **fields), "")


def debug_pod(user: str = "ada", **fields: object) -> MarkedPod:
    """cart-0 with a container as we make it."""
    made = ephemeral_container(options(DebugKind.DEBUG, **fields), Making("s1", user, ("sh",), 0.0), name="podshell-abcde")
    return msgspec.convert({"spec": {"containers": [{"name": "cart"}], "ephemeralContainers": [made]}}, MarkedPod)


def pod_of_node(user: str = "ada", session: str = "s1", job: str = NODE_MADE.name, node: str = "worker-1", **fields: object) -> MarkedPod:
    """A node pod as we make it, with what its Job adds."""
    made = node_pod(options(DebugKind.NODE, **fields), Making(session, user, ("sh",), 0.0), NodeFacts(node), name="p", namespace="podshell")
    metadata = made["metadata"]
    assert isinstance(metadata, dict)
    assert isinstance(metadata["labels"], dict)
    metadata["labels"]["job-name"] = job
    return msgspec.convert(made, MarkedPod)


def test_the_containers_that_we_make_are_known_again_by_their_sessions() -> None:
    assert foreign_place(debug_site(), DEBUG_MADE) is foreign_place(node_site(), NODE_MADE) is None
    assert foreign_container(DEBUG_OPENING, debug_site(), DEBUG_MADE, debug_pod()) is None
    assert foreign_container(NODE_OPENING, node_site(), NODE_MADE, pod_of_node()) is None


def test_another_pod_or_namespace_is_never_looked_at() -> None:
    assert foreign_place(debug_site(), msgspec.structs.replace(DEBUG_MADE, pod="storefront"))
    assert foreign_place(debug_site(), msgspec.structs.replace(DEBUG_MADE, namespace="payments"))
    assert foreign_place(node_site(), msgspec.structs.replace(NODE_MADE, namespace="shop"))


@pytest.mark.parametrize(
    ("container", "pod", "why"),
    [
        ("cart", debug_pod(), "no debug container"),
        ("podshell-other", debug_pod(), "no debug container"),
        ("podshell-abcde", debug_pod("eve"), "eve"),
        ("podshell-abcde", debug_pod(target="cart"), "target"),
        ("podshell-abcde", debug_pod(capabilities=("SYS_ADMIN",)), "nodePrivileged"),
    ],
)
def test_a_debug_container_of_another_user_target_or_rank_is_foreign(container: str, pod: MarkedPod, why: str) -> None:
    made = msgspec.structs.replace(DEBUG_MADE, container=container)
    assert why in (foreign_container(DEBUG_OPENING, debug_site(), made, pod) or "")


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        (pod_of_node("eve"), "eve"),
        (pod_of_node(session="s2"), "another session"),
        (pod_of_node(job="podshell-other"), "another session"),
        (pod_of_node(node="worker-2"), "worker-2"),
        (pod_of_node(mount_host=True), "hostMount"),
        (pod_of_node(enter=True), "nodePrivileged"),
        (msgspec.convert({"spec": {"nodeName": "worker-1", "containers": [{"name": "shell"}]}}, MarkedPod), "no node pod of ours"),
    ],
)
def test_a_node_pod_of_another_user_session_node_or_rank_is_foreign(pod: MarkedPod, why: str) -> None:
    assert why in (foreign_container(NODE_OPENING, node_site(), NODE_MADE, pod) or "")


def test_an_image_that_was_asked_for_must_be_the_one_and_the_agents_own_may_have_changed() -> None:
    newer = node_site(image="tools:2")
    assert foreign_container(NODE_OPENING, newer, NODE_MADE, pod_of_node()) is None
    asked = msgspec.structs.replace(NODE_OPENING, debug=DebugRequest(image="tools:2"))
    assert "tools:1" in (foreign_container(asked, newer, NODE_MADE, pod_of_node()) or "")


def test_a_container_without_our_word_on_its_rights_is_foreign() -> None:
    bare = msgspec.convert({"spec": {"ephemeralContainers": [
        {"name": "podshell-abcde", "env": [{"name": "PODSHELL_USER", "value": "ada"}]},
    ]}}, MarkedPod)  # fmt: skip
    assert foreign_container(DEBUG_OPENING, debug_site(), DEBUG_MADE, bare)
