"""A sandbox cluster whose image "tools" is a folder; run in the network of a node (cluster_in_node.py).

python sandbox_of_image.py ROOT FOLDER: writes FOLDER/kubeconfig, prints "ready", and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import small_content


async def serve(root: Path, folder: Path) -> None:
    cluster = SandboxCluster("of-the-image", folder=folder / "sandbox", content=small_content)
    cluster.runtime.images.register("tools", root, ("bash", "-l"))
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
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
