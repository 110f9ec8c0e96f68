"""A node for tools shells: two network namespaces on one wire, the far one with servers, and a root of its own.

`Node.shell(...)` gives a `Shell`, in which commands run as in a container of the tools image with exactly the capabilities named. Needs
root.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
NODE_ADDRESS = "10.224.0.5"
PEER_ADDRESS = "10.224.0.4"
API_ADDRESS = "10.0.0.1"
# of the cluster's DNS server, as the sandbox's containers have it in /etc/resolv.conf
DNS_ADDRESS = "10.96.0.10"


def run(*words: str, typed: str = "") -> str:
    done = subprocess.run(words, input=typed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Result:
    code: int
    output: str
    errors: str

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines()


@dataclass
class Node:
    """Owns the processes that hold its namespaces; close() ends them."""

    root: Path
    """The unpacked tools image."""
    folder: Path
    name: str
    resolv_conf: str
    holder: subprocess.Popen[bytes] = field(init=False)
    peer: subprocess.Popen[bytes] = field(init=False)
    servers: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        # process 2 of a node is kthreadd; that is how a shell sees that the processes are the node's
        kthreadd = self.folder / "kthreadd"
        shutil.copy(shutil.which("sleep") or "/bin/sleep", kthreadd)
        self.holder = _holding(
            ["--net", "--pid", "--mount", "--uts", "--fork", "--kill-child"], f"{kthreadd} infinity & echo; exec sleep infinity"
        )
        self.peer = _holding(["--net"], "echo; exec sleep infinity")
        node, peer = self.inside(), str(self.peer.pid)
        run("ip", "link", "add", "eth0", "netns", node, "type", "veth", "peer", "name", "eth0", "netns", peer)
        for pid, addresses, routes in (
            (peer, (f"{PEER_ADDRESS}/16", f"{API_ADDRESS}/32", f"{DNS_ADDRESS}/32"), ()),
            (node, (f"{NODE_ADDRESS}/16",), (f"default via {PEER_ADDRESS}",)),
        ):
            lines = ["link set lo up", "link set eth0 up", *(f"address add {one} dev eth0" for one in addresses)]
            lines += [f"route add {one}" for one in routes]
            run("nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-", typed="\n".join(lines))

    def inside(self) -> str:
        """The first process of the node's pid namespace, as this machine numbers it: the child of unshare."""
        return Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()[0]

    def serve(self, certificate: Path, names: Mapping[str, str]) -> None:
        """Start the servers of the far side; `names`: what its DNS server knows."""
        words = ["nsenter", f"--net=/proc/{self.peer.pid}/ns/net", sys.executable, str(HERE / "peer.py")]
        self.servers = subprocess.Popen(
            [*words, API_ADDRESS, DNS_ADDRESS, str(certificate), *(f"{name}={answer}" for name, answer in names.items())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.servers.stdout is not None
        assert self.servers.stdout.readline() == "ready\n"

    def let_ping(self, first: int, last: int) -> None:
        """Let these groups ping without NET_RAW, as systemd sets it on nodes and containerd in pods (0 to 2147483647)."""
        setting = f"echo {first} {last} > /proc/sys/net/ipv4/ping_group_range"
        run("nsenter", f"--net=/proc/{self.inside()}/ns/net", "sh", "-c", setting)

    def close(self) -> None:
        for process in (self.servers, self.holder, self.peer):
            if process is not None:
                process.kill()
                process.wait()

    def shell(
        self, *capabilities: str, host: Path | None = None, write: bool = False, host_pid: bool = False, trace: bool = False, user: int = 0
    ) -> Shell:
        """Return a shell with these capabilities (as Kubernetes names them) and nothing else that is not said."""
        inside = self.inside()
        namespaces = [f"--net=/proc/{inside}/ns/net", f"--pid=/proc/{inside}/ns/pid"]
        own = ["--mount", "--uts", "--propagation", "private", "--fork", "--kill-child", *([] if host_pid else ["--pid"])]
        chosen = "".join(f",+{name.lower()}" for name in capabilities)
        words = ["nsenter", *namespaces, "unshare", *own, "bash", str(HERE / "container.sh"), str(self.root)]
        places = [chosen, str(user), str(host or ""), "rw" if write else "ro", "trace" if trace else ""]
        return Shell(words, places, {"RESOLV_CONF": self.resolv_conf, "NODE_NAME": self.name})


@dataclass(frozen=True)
class Shell:
    words: Sequence[str]
    places: Sequence[str]
    settings: dict[str, str]

    def argv(self, work: str, command: str) -> list[str]:
        return [*self.words, work, *self.places, "bash", "-lc", command]

    def environment(self) -> dict[str, str]:
        # what the image sets is tested on its own; nothing of this machine's environment may get in
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/root", "TERM": "xterm-256color", **self.settings}

    def run(self, command: str, *, typed: str = "", timeout_seconds: float = 30) -> Result:
        """Run one line of bash in a container of its own; `typed` comes on its standard input."""
        with tempfile.TemporaryDirectory() as work:
            process = subprocess.Popen(
                self.argv(work, command),
                env=self.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            try:
                output, errors = process.communicate(typed.encode(), timeout=timeout_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, errors = process.communicate()
                raise AssertionError(f"{command}: not done after {timeout_seconds} s: {output!r} {errors!r}") from None
        return Result(process.returncode, output.decode(), errors.decode())

    def run_each(self, commands: Iterable[str]) -> list[Result]:
        """Run several lines of bash in one container, each by itself with nothing on its standard input."""
        script = "".join(
            f"({command}\n) >/tmp/output 2>/tmp/errors </dev/null; printf '%s\\0' $?\n"
            "cat /tmp/output; printf '\\0'; cat /tmp/errors; printf '\\0'\n"
            for command in commands
        )
        fields = self.run(script).output.split("\0")
        return [Result(int(code), output, errors) for code, output, errors in zip(fields[0::3], fields[1::3], fields[2::3], strict=False)]

    @contextlib.contextmanager
    def terminal(self, command: str) -> Iterator[Terminal]:
        """Run a command in a real pseudo-terminal of 80 x 24."""
        with tempfile.TemporaryDirectory() as work:
            pid, descriptor = pty.fork()
            if pid == 0:
                argv = self.argv(work, f"stty cols 80 rows 24; {command}")
                os.execvpe(argv[0], argv, self.environment())
            try:
                yield Terminal(descriptor)
            finally:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                os.close(descriptor)


@dataclass
class Terminal:
    descriptor: int
    seen: bytes = b""

    def type(self, data: bytes) -> None:
        os.write(self.descriptor, data)

    def expect(self, pattern: bytes, *, seconds: float = 20) -> re.Match[bytes]:
        """Read until `pattern` has come; what is behind it stays for the next."""
        deadline = time.monotonic() + seconds
        while (found := re.search(pattern, self.seen)) is None:
            ready, _, _ = select.select([self.descriptor], [], [], max(0.0, deadline - time.monotonic()))
            try:
                data = os.read(self.descriptor, 65536) if ready else b""
            except OSError:  # the far side is closed: EIO on Linux
                data = b""
            assert data, f"{pattern!r} did not come; seen: {self.seen!r}"
            self.seen += data
        self.seen = self.seen[found.end() :]
        return found


def _holding(namespaces: list[str], script: str) -> subprocess.Popen[bytes]:
    """Start a process that holds new namespaces; return when it does."""
    process = subprocess.Popen(["unshare", *namespaces, "sh", "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n"
    return process
