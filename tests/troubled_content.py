"""A sandbox cluster with pods in trouble: one that crashes, one whose image is missing, one that floods its log, and a healthy one."""

from __future__ import annotations

from podshell.sandbox.content.manifests import IDLE, container, deployment, namespace, pod, service_account, template
from podshell.sandbox.content.nodes import node
from podshell.sandbox.content.shop import BUSYBOX, Content

CRASH = 'echo "run of $$"; echo "fatal: no model" >&2; exit 3'
# as fast as it goes: a reader that stops must stop it
FLOOD = 'trap "exit 0" TERM; while :; do echo "scan scan scan scan scan scan scan scan scan scan scan scan scan scan"; done'


def troubled_content(cluster: str, version: str) -> Content:
    """shop/crasher, shop/missing, shop/calm (two pods, well), shop/flooder, shop/lonely (no owner; prints three lines) on one node."""
    spaces = [namespace("default"), namespace("shop"), namespace("podshell")]
    accounts = [service_account(one["metadata"]["name"], "default") for one in spaces]
    lonely = container("main", BUSYBOX, f"for n in 1 2 3; do echo line $n; done; {IDLE}")
    return Content(
        [
            node("worker-1", "192.0.2.11", version=version),
            *spaces,
            *accounts,
            service_account("podshell", "podshell-agent"),
            deployment("shop", "crasher", template("crasher", container("main", BUSYBOX, CRASH))),
            deployment("shop", "missing", template("missing", container("main", "localhost/missing:1"))),
            deployment("shop", "calm", template("calm", container("main", BUSYBOX, IDLE)), replicas=2),
            pod("shop", "flooder", template("flooder", container("main", BUSYBOX, FLOOD))),
            pod("shop", "lonely", template("lonely", lonely, container("other", BUSYBOX, IDLE))),
        ]
    )
