"""A sandbox cluster and `kubectl shell` in the network of a node of the tests: its hostNetwork is that node's, and not this machine's."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
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
        image = image if image is not None else {"PODSHELL_IMAGE_REPO": "tools", "PODSHELL_IMAGE_VERSION": "1"}
        path = f"{SHELL.parent}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "LANG": "C.UTF-8", "TERM": "xterm-256color", **names, **image}

    def run(self, *words: str, typed: str = "", program: Path = SHELL, environment: Mapping[str, str] | None = None) -> Result:
        """Run `kubectl shell` with pipes."""
        argv = [*self.words, str(program), *words]
        env = self.environment(environment)
        done = subprocess.run(argv, env=env, input=typed.encode(), capture_output=True, timeout=60, check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def terminal(self, *words: str) -> contextlib.AbstractContextManager[Terminal]:
        """Run `kubectl shell` in a pseudo-terminal; it is told to end at the end."""
        return self._terminal([str(SHELL), *words], self.environment())

    def typed(self, script: str, image: Mapping[str, str] | None = None) -> contextlib.AbstractContextManager[Terminal]:
        """Run lines of bash in a pseudo-terminal, as a user types them."""
        return self._terminal(["bash", "-c", script], self.environment(image))

    @contextlib.contextmanager
    def _terminal(self, argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
        pid, descriptor = pty.fork()
        if pid == 0:
            # wide: no line of these tests is wrapped
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
            os.execvpe(self.words[0], [*self.words, *argv], environment)
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
def cluster_in(node: Node, folder: Path, host: Path) -> Iterator[ClusterInNode]:
    """`host`: the root file system of the cluster's nodes."""
    words = ["nsenter", f"--net=/proc/{node.inside()}/ns/net", "--"]
    program = [sys.executable, str(HERE / "sandbox_of_image.py"), str(node.root), str(folder), str(host)]
    process = subprocess.Popen([*words, *program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"  # pytest-timeout bounds it
        yield ClusterInNode(words, folder)
    finally:
        process.communicate()
