"""The cluster on which tests/transcripts/kubectl was recorded, made again in the sandbox: one node, namespaces lab, lab2 and default."""

from podshell.sandbox.content import Content, manifests
from podshell.sandbox.content.nodes import node
from podshell.sandbox.store import Obj

IMAGE = "localhost/busybox:1.38"
_ENDS_AT_TERM = "trap 'exit 0' TERM; sleep infinity & wait $!"
_COUNTS = "n=1180; while :; do echo out $n; echo err $n >&2; n=$((n + 1)); sleep 1; done"


def container(name: str, *command: str, **fields: object) -> Obj:
    return {"name": name, "image": IMAGE, "command": list(command) or ["sleep", "infinity"], **fields}


def pod(space: str, name: str, *containers: Obj, **fields: object) -> Obj:
    """A bare pod without labels. A short grace: `sleep` as PID 1 does not hear TERM."""
    spec = {"containers": list(containers), "terminationGracePeriodSeconds": 1, **fields}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": space}, "spec": spec}


def two(space: str) -> Obj:
    return pod(space, "two", container("main"), container("side"))


def attachme() -> Obj:
    return pod(
        "lab",
        "attachme",
        container("tty", "sh", tty=True, stdin=True),
        container("plain", "sh", "-c", _COUNTS),
        container("catc", "cat", stdin=True),
        container("once", "cat", stdin=True, stdinOnce=True),
    )


def web(space: str) -> Obj:
    pods = manifests.template("web", container("web", "sh", "-c", _ENDS_AT_TERM))
    pods["spec"]["terminationGracePeriodSeconds"] = 1
    return manifests.deployment(space, "web", pods)


def worker(version: str) -> Obj:
    made = node("worker-01", "192.0.2.1", version=version)
    made["status"]["nodeInfo"] |= {
        "osImage": "Debian GNU/Linux 12 (bookworm)",
        "kernelVersion": "6.12.48-generic",
        "containerRuntimeVersion": "containerd://2.1.9+unknown",
    }
    return made


def lab_content(_: str, version: str) -> Content:
    crashing = ("sh", "-c", "echo starting; exit 3")
    date = container("side", "sh", "-c", "date; while :; do date; sleep 5; done")
    demo = pod("default", "demo", container("main"), date)
    demo["metadata"]["labels"] = {"app": "demo"}
    bad = container("main") | {"image": "localhost/nope:1"}
    waiting = [container("dbg-p") | {"imagePullPolicy": "IfNotPresent"}]
    service = manifests.service("lab2", "web", 80, "10.96.11.111")
    objects = [
        worker(version),
        *(manifests.namespace(name) for name in ("default", "lab", "lab2", "lab-none")),
        *(manifests.service_account(name, "default") for name in ("default", "lab", "lab2")),
        demo,
        two("lab"),
        two("lab2"),
        attachme(),
        pod("lab", "badimage", bad),
        pod("lab", "completed", container("main", "true"), restartPolicy="Never"),
        pod("lab", "pending", container("main"), nodeSelector={"disk": "none"}, ephemeralContainers=waiting),
        web("lab"),
        web("lab2"),
        service,
        pod("lab2", "crash", container("main", *crashing)),
        pod("lab2", "exits-always", container("main", "sh", "-c", "exit 2")),
        pod("lab2", "exits-never", container("main", "sh", "-c", "exit 2"), restartPolicy="Never"),
        pod("lab2", "oom1", container("main", *crashing)),
        pod("lab2", "oom2", container("main")),
        pod("lab2", "probe", container("main", *crashing)),
    ]
    return Content(objects)
