"""A node's root file system, small: the programs that S2's user runs after `chroot /host`, and files whose contents the test chose.

A node of the sandbox can have it as its own (sandbox_of_image.py); a container that container.sh makes gets it at /host.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("sh", "bash", "cat", "tail", "head", "ls", "sysctl", "ip", "true", "sleep", "mount", "readlink", "hostname")
# what S2 lists below /host, in its order
LISTED = (
    *("NOTICE.txt", "bin", "boot", "dev", "etc", "home", "lib", "lib64", "libx32", "lost+found", "media", "mnt", "opt", "proc", "root"),
    *("run", "sbin", "srv", "sys", "tmp", "usr", "var"),
)
NETWORK = "blue"
"""The network namespace that nodes of the tests hold."""
_FOLDERS = (
    *("etc", "run/systemd/resolve", "run/netns", "run/containerd", "sys/kernel/debug", "sys/kernel/tracing", "sys/fs/bpf"),
    *("usr/bin", "var/lib/kubelet", *(name for name in LISTED if "." not in name and name != "sbin")),
)
_TEXTS = {
    "NOTICE.txt": "a node of the tests\n",
    "etc/hostname": "the-node\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    # what Debian has there
    "etc/bash.bashrc": "PS1='\\u@\\h:\\w\\$ '\n",
}
# Process 2 of a node is kthreadd; that is how a shell sees that the processes are the node's.
_INIT = "#!/bin/bash\n/bin/kthreadd infinity &\nwhile :; do wait; /bin/sleep 3600 & done\n"
# Stands in for systemd's: answers to those who are among the node's processes, as the real one does, and has no service to tell of.
_SYSTEMCTL = """#!/bin/bash
if ! readlink /proc/self >/dev/null; then
  echo "Failed to connect to bus: No data available" >&2
  exit 1
fi
printf '● %s\\n    State: running\\n    Units: 1 loaded\\n' "$(hostname)"
"""


@dataclass(frozen=True)
class HostRoot:
    path: Path
    resolv_conf: str
    """What the node's /etc/resolv.conf is, behind an absolute link."""

    @classmethod
    def make(cls, path: Path, search_domain: str) -> HostRoot:
        for folder in _FOLDERS:
            (path / folder).mkdir(parents=True, exist_ok=True)
        for program in PROGRAMS:
            _install(program, path)
        for name, text in (_TEXTS | {"bin/init": _INIT, "bin/systemctl": _SYSTEMCTL}).items():
            (path / name).write_text(text)
        for name in ("init", "systemctl"):
            (path / "bin" / name).chmod(0o755)
        shutil.copy(path / "bin/sleep", path / "bin/kthreadd")
        (path / "sbin").symlink_to("bin")
        resolv_conf = f"# made by the test\nnameserver 168.63.129.16\nsearch {search_domain}\n"
        (path / "run/systemd/resolve/resolv.conf").write_text(resolv_conf)
        (path / "etc/resolv.conf").symlink_to("/run/systemd/resolve/resolv.conf")
        (path / "etc/escape").symlink_to("../../../../../../../../etc/hostname")
        return cls(path, resolv_conf)

    @contextlib.contextmanager
    def holding_a_network(self, name: str) -> Iterator[None]:
        """Have a network namespace in its /run/netns, with one interface beside lo: NAME0."""
        file = self.path / "run/netns" / name
        file.touch()
        words = (
            ("unshare", f"--net={file}", "true"),
            ("nsenter", f"--net={file}", "ip", "link", "add", f"{name}0", "type", "veth", "peer", "name", "far"),
        )
        for each in words:
            subprocess.run(each, check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", str(file)], check=True)


def _install(program: str, root: Path) -> None:
    """Copy a program of this machine with the libraries that it is linked with."""
    source = shutil.which(program)
    assert source is not None, f"{program} is not on this machine"
    shutil.copy(source, root / "bin" / program)
    linked = subprocess.run(["ldd", source], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"(/\S+)", linked):
        target = root / library.lstrip("/")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)
