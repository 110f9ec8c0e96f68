"""A node's root file system, small: the programs that S2's user runs after `chroot /host`, and files whose contents the test chose."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("bash", "cat", "tail", "head", "ls", "sysctl", "ip", "true")


@dataclass(frozen=True)
class HostRoot:
    path: Path
    resolv_conf: str
    """What the node's /etc/resolv.conf is, behind an absolute link."""
    network: str
    """The name of the network namespace in its /run/netns, and of the only interface there beside lo."""

    @classmethod
    def make(cls, path: Path, search_domain: str) -> HostRoot:
        """Make it; close() before its folder is removed."""
        for folder in ("bin", "etc", "proc", "sys", "run/systemd/resolve", "run/netns", "tmp", "home", "usr"):
            (path / folder).mkdir(parents=True)
        (path / "NOTICE.txt").write_text("a node of the tests\n")
        for program in PROGRAMS:
            _install(program, path)
        resolv_conf = f"# made by the test\nnameserver 168.63.129.16\nsearch {search_domain}\n"
        (path / "run/systemd/resolve/resolv.conf").write_text(resolv_conf)
        (path / "etc/resolv.conf").symlink_to("/run/systemd/resolve/resolv.conf")
        (path / "etc/escape").symlink_to("../../../../../../../../etc/hostname")
        (path / "etc/hostname").write_text("the-node\n")
        network = "blue"
        file = path / "run/netns" / network
        file.touch()
        for words in (
            ("unshare", f"--net={file}", "true"),
            ("nsenter", f"--net={file}", "ip", "link", "add", f"{network}0", "type", "veth", "peer", "name", "far"),
        ):
            subprocess.run(words, check=True)
        return cls(path, resolv_conf, network)

    def close(self) -> None:
        subprocess.run(["umount", str(self.path / "run/netns" / self.network)], check=True)


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
