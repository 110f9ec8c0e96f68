"""A sandbox cluster and `kubectl shell` in the network of a node of the tests: its hostNetwork is that node's, and not this machine's."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from node import Node, Result, Terminal

HERE = Path(__file__).parent
SHELL = Path(sys.executable).parent / "kubectl-shell"
KUBECTL = Path(sys.executable).parent / "kubectl"


@dataclass(frozen=True)
class ClusterInNode:
    """`words` stand before every program: they enter the node's network."""

    words: Sequence[str]
    folder: Path

    def environment(self, image: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return what a user of this cluster has set; `image`: with which variables the image is named."""
        names = {"KUBECONFIG": str(self.folder / "kubeconfig"), "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        image = image or {"PODSHELL_IMAGE_REPO": "tools", "PODSHELL_IMAGE_VERSION": "1"}
        path = f"{SHELL.parent}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "LANG": "C.UTF-8", "TERM": "xterm-256color", **names, **image}

    def run(self, *words: str, typed: str = "", program: Path = SHELL, environment: Mapping[str, str] | None = None) -> Result:
        """Run `kubectl shell` with pipes."""
        argv = [*self.words, str(program), *words]
        env = self.environment(environment)
        done = subprocess.run(argv, env=env, input=typed.encode(), capture_output=True, timeout=60, check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    @contextlib.contextmanager
    def terminal(self, *words: str) -> Iterator[Terminal]:
        """Run `kubectl shell` in a pseudo-terminal; it is told to end at the end."""
        pid, descriptor = pty.fork()
        if pid == 0:
            os.execvpe(self.words[0], [*self.words, str(SHELL), *words], self.environment())
        try:
            yield Terminal(descriptor)
        finally:
            os.kill(pid, signal.SIGTERM)
            with contextlib.suppress(OSError):  # the far side is closed
                while os.read(descriptor, 65536):
                    pass
            os.waitpid(pid, 0)
            os.close(descriptor)

    def node_pods(self) -> list[str]:
        """The pods of ours, as kubectl lists them."""
        listed = self.run("get", "pods", "-A", "-l", "app.kubernetes.io/managed-by=podshell", "-o", "name", program=KUBECTL)
        assert listed.code == 0, listed
        return listed.lines


@contextlib.contextmanager
def cluster_in(node: Node, folder: Path) -> Iterator[ClusterInNode]:
    words = ["nsenter", f"--net=/proc/{node.inside()}/ns/net", "--"]
    program = [sys.executable, str(HERE / "sandbox_of_image.py"), str(node.root), str(folder)]
    process = subprocess.Popen([*words, *program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"  # pytest-timeout bounds it
        yield ClusterInNode(words, folder)
    finally:
        process.communicate()
