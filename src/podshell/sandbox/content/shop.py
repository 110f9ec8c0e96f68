"""The web shop of the sandbox: four namespaces with different Pod Security labels and about fifteen workloads.

Both clusters hold the same names, so that shop/cart-0 exists twice; the cluster's name is in every container's environment (`CLUSTER`) and
in the first line of their logs, so that one can see where a shell has landed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from podshell.sandbox.content.manifests import (
    IDLE,
    container,
    daemonset,
    deployment,
    job,
    namespace,
    pod,
    port,
    service,
    service_account,
    statefulset,
    template,
)
from podshell.sandbox.content.nodes import node
from podshell.sandbox.store import Obj, timestamp

BUSYBOX = "busybox:1.36"
BASH = "bash:5.2"
DISTROLESS = "distroless:12"
TOOLS = "tools:1"
WORKER, LOST, WINDOWS = "worker-1", "worker-2", "worker-win"
CONTROL, FULL = "control-1", "worker-3"
PRICING_NEXT = "localhost/pricing:2.0"

_ACCESS_LOG = """trap 'exit 0' TERM
echo "$0 in $CLUSTER ready"
n=0
while :; do n=$((n + 1)); echo "GET /products/$((n * 7919 % 400)) 200 $((n * 31 % 90))ms"; sleep 2 & wait $!; done"""
# About 1,000 lines a second: enough to see what a flood does, and little enough for a laptop.
_FLOOD = """trap 'exit 0' TERM
n=0
while :; do
  i=0
  while [ $i -lt 200 ]; do n=$((n + 1)); i=$((i + 1)); echo "scan $n: sku-$((n * 7919 % 100000)) unchanged"; done
  sleep 0.2
done"""
_CRASH = 'echo "connecting to the model store"; sleep 1; echo "fatal: no model for region $CLUSTER" >&2; exit 3'
_STUBBORN = "trap '' TERM HUP INT; echo 'export 41% done, not to be interrupted'; while :; do sleep 5; done"


@dataclass(frozen=True)
class Content:
    """Objects to create before a cluster starts. `terminating` names pods (namespace, name) to delete once they run.

    `rollouts` are Deployments (namespace, name) that get a new image once they are available, which then cannot be pulled.
    """

    objects: list[Obj]
    terminating: list[tuple[str, str]] = field(default_factory=list)
    rollouts: list[tuple[str, str, str]] = field(default_factory=list)


def _nodes(version: str) -> list[Obj]:
    return [
        node(WORKER, "192.0.2.11", version=version),
        node(LOST, "192.0.2.12", version=version, ready=False, zone="b"),
        node(WINDOWS, "192.0.2.13", version=version, windows=True, zone="c"),
    ]


def _more_nodes(version: str) -> list[Obj]:
    return [
        node(CONTROL, "192.0.2.10", version=version, role="control-plane"),
        node(FULL, "192.0.2.14", version=version, zone="b", disk_pressure=True),
    ]


def _namespaces() -> list[Obj]:
    system = [namespace(name) for name in ("default", "kube-node-lease", "kube-public")]
    system.append(namespace("kube-system", "privileged"))
    shop = [namespace("shop", "baseline"), namespace("payments", "restricted"), namespace("reports")]
    spaces = [*system, *shop, namespace("platform", "privileged"), namespace("podshell", "privileged")]
    accounts = [service_account(one["metadata"]["name"], "default") for one in spaces]
    return [*spaces, *accounts, service_account("podshell", "podshell-agent")]


def _cart(cluster: str) -> Obj:
    """The pod that exists in both clusters under the same name."""
    hello = f'echo "cart of {cluster}, pod $(hostname)"; {IDLE}'
    cart, exporter = container("cart", BASH, hello, shell="bash"), container("exporter", BUSYBOX, IDLE)
    annotations = {"kubectl.kubernetes.io/default-container": "cart"}
    return statefulset("shop", "cart", template("cart", port(cart, 8080), exporter, annotations=annotations))


def _shop(cluster: str) -> list[Obj]:
    storefront = template("storefront", port(container("web", BUSYBOX, _ACCESS_LOG), 8080))
    search = template(
        "search",
        port(container("api", BASH, IDLE, shell="bash"), 9200),
        container("indexer", BUSYBOX, IDLE),
        container("cache", BUSYBOX, IDLE),
        container("exporter", DISTROLESS),
    )
    migrate = container("migrate", BUSYBOX, 'echo "schema is at version 42"')
    mesh = container("mesh", BUSYBOX, IDLE) | {"restartPolicy": "Always"}
    checkout = template("checkout", port(container("api", BUSYBOX, IDLE), 8080), initContainers=[migrate, mesh])
    return [
        deployment("shop", "storefront", storefront, replicas=2),
        _cart(cluster),
        deployment("shop", "search", search),
        deployment("shop", "checkout", checkout),
        service("shop", "storefront", 8080, "10.96.12.10"),
        service("shop", "cart", 8080, "10.96.12.11"),
        service("shop", "search", 9200, "10.96.12.12"),
        service("shop", "checkout", 8080, "10.96.12.13"),
    ]


def _payments() -> list[Obj]:
    gateway = template("gateway", port(container("gateway", DISTROLESS, restricted=True), 8443, "https"))
    ledger = template("ledger", container("ledger", BUSYBOX, IDLE, restricted=True))
    fraud = template("fraud-check", container("scorer", BUSYBOX, _CRASH, restricted=True))
    return [
        deployment("payments", "gateway", gateway),
        deployment("payments", "ledger", ledger),
        deployment("payments", "fraud-check", fraud),
    ]


def _reports() -> list[Obj]:
    nightly = template("nightly-report", container("report", BUSYBOX, 'echo "412 orders, 9 returns"'))
    recommender = template("recommender", container("recommender", "localhost/recommender:2.4"))
    forecast = template("forecast", container("forecast", BUSYBOX, IDLE), nodeSelector={"accelerator": "gpu"})
    export = template("export", container("export", BUSYBOX, _STUBBORN), terminationGracePeriodSeconds=86_400)
    return [
        job("reports", "nightly-report", nightly),
        deployment("reports", "recommender", recommender),
        pod("reports", "forecast", forecast),
        pod("reports", "export", export),
    ]


def _platform() -> list[Obj]:
    agent = template("node-agent", container("agent", TOOLS, IDLE), nodeSelector={"kubernetes.io/os": "linux"})
    flood = template("price-scanner", container("scanner", BUSYBOX, _FLOOD))
    return [
        daemonset("platform", "node-agent", agent),
        deployment("platform", "price-scanner", flood),
        _stranded(),
    ]


def _stranded() -> Obj:
    """A pod on the node that went away: Running by its status, not ready, out of reach (transcripts/lifecycle/node-not-ready)."""
    made = pod("platform", "metrics-0", template("metrics", container("metrics", BUSYBOX, IDLE)))
    made["spec"]["nodeName"] = LOST
    moment = timestamp()
    values = {"Initialized": "True", "Ready": "False", "ContainersReady": "True", "PodScheduled": "True"}
    state = {"state": {"running": {"startedAt": moment}}, "lastState": {}, "ready": True, "restartCount": 0}
    made["status"] = {
        "phase": "Running",
        "conditions": [
            {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": moment} for kind, value in values.items()
        ],
        "hostIP": "192.0.2.12",
        "podIP": "10.244.1.7",
        "podIPs": [{"ip": "10.244.1.7"}],
        "startTime": moment,
        "containerStatuses": [
            state | {"name": "metrics", "image": BUSYBOX, "imageID": "", "containerID": "containerd://" + "5" * 64, "started": True}
        ],
        "qosClass": "BestEffort",
    }
    return made


def _in_trouble() -> list[Obj]:
    """What a page of services shows in red and amber: a rollout that is stuck, and services without a healthy pod."""
    pricing = template("pricing", port(container("pricing", BUSYBOX, IDLE), 8080))
    return [
        deployment("shop", "pricing", pricing, replicas=2),
        service("shop", "pricing", 8080, "10.96.12.14"),
        service("payments", "gateway", 8443, "10.96.12.20"),
        service("payments", "fraud-check", 8080, "10.96.12.21"),
        service("reports", "recommender", 8080, "10.96.12.30"),
        _event(FULL, "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage"),
        _event(LOST, "NodeNotReady", "Node worker-2 status is now: NodeNotReady"),
    ]


def _event(name: str, reason: str, message: str) -> Obj:
    """A warning about a node."""
    moment = timestamp()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{reason.lower()}", "namespace": "default"},
        "involvedObject": {"kind": "Node", "name": name, "uid": name, "apiVersion": "v1"},
        **{"reason": reason, "message": message, "type": "Warning", "count": 1},
        **{"firstTimestamp": moment, "lastTimestamp": moment, "eventTime": None},
        **{"source": {"component": "kubelet", "host": name}, "reportingComponent": "kubelet", "reportingInstance": name},
    }


def full_content(cluster: str, version: str) -> Content:
    """The whole shop. `version` is the kubelet's, as v1.36.2."""
    workloads = [*_shop(cluster), *_payments(), *_reports(), *_platform(), *_in_trouble()]
    objects = [*_nodes(version), *_more_nodes(version), *_namespaces(), *workloads]
    made = [_with_cluster(one, cluster) for one in objects]
    return Content(made, terminating=[("reports", "export")], rollouts=[("shop", "pricing", PRICING_NEXT)])


def small_content(cluster: str, version: str) -> Content:
    """A few pods for tests that must start quickly: shop/cart-0, shop/storefront, payments/gateway and one that is pending."""
    kept = {("shop", "cart"), ("shop", "storefront"), ("payments", "gateway"), ("reports", "forecast")}
    workloads = [*_shop(cluster), *_payments(), *_reports()]
    chosen = [one for one in workloads if (one["metadata"]["namespace"], one["metadata"]["name"]) in kept]
    for one in chosen:
        if one["metadata"]["name"] == "storefront" and one["kind"] == "Deployment":
            one["spec"]["replicas"] = 1
    return Content([_with_cluster(one, cluster) for one in [*_nodes(version), *_namespaces(), *chosen]])


def _with_cluster(obj: Obj, cluster: str) -> Obj:
    """Put the cluster's name into the environment of every container."""
    spec = obj.get("spec", {})
    spec = spec.get("template", obj).get("spec", {})
    for one in [*spec.get("initContainers", []), *spec.get("containers", [])]:
        one.setdefault("env", []).append({"name": "CLUSTER", "value": cluster})
    return obj
