"""A sandbox cluster with a folder as its tools image; run in the network of a node (cluster_in_node.py).

python sandbox_of_image.py ROOT FOLDER HOST: writes FOLDER/kubeconfig, prints "ready", and ends with its standard input. Its nodes and pods
are called as those of S2 and of the how-to page; the file system of every node is HOST.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import Content
from podshell.sandbox.content.manifests import IDLE, container, namespace, pod, service_account, template
from podshell.sandbox.content.nodes import node
from podshell.sandbox.kubelet import lives

IMAGES = ("tools", "retina-shell")  # the second is how S2 calls it
NODES = ("aks-nodepool1-15232018-vmss000001", "aks-nodepool1-15232018-vmss000002", "node001", "node0001", "worker-1")
PODS = (("kube-system", "coredns-d459997b4-7cpzx", "coredns"), ("shop", "cart-0", "cart"))


def content(cluster: str, version: str) -> Content:
    spaces = ("default", "kube-system", "shop")
    return Content(
        [
            *(node(name, f"192.0.2.{11 + number}", version=version) for number, name in enumerate(NODES)),
            *(namespace(space) for space in spaces),
            *(service_account(space, "default") for space in spaces),
            *(pod(space, name, template(app, container(app, "busybox:1.36", IDLE), nodeName=NODES[0])) for space, name, app in PODS),
        ]
    )


async def serve(root: Path, folder: Path, host: Path) -> None:
    nodes = folder / "sandbox" / "nodes"
    nodes.mkdir(parents=True)
    for name in NODES:
        (nodes / name).symlink_to(host)
    # The sandbox's nodes have a private /. These stand for nodes that systemd has started, where / is shared, so that -w works.
    lives.propagation_fault = lambda *_: ""
    cluster = SandboxCluster("of-the-image", folder=folder / "sandbox", content=content)
    for name in IMAGES:
        cluster.runtime.images.register(name, root, ("bash", "-l"))
    await cluster.start()
    try:
        await cluster.settle()
        cluster.write_kubeconfig(folder / "kubeconfig")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await cluster.stop()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
