"""The nodes as machines: a root folder of their own, in which what pods see of "the host" is real.

A node is a container that was given a folder as its root: `/etc`, `/run` and `/usr/bin` of the host are plain files there,
`/proc`, `/dev` and `/var/lib/kubelet` are mounts of their own, as on a real node.  Host paths and emptyDirs are taken out of its
mount namespace, and a pod with hostPID shares its process namespace.  So nothing of the machine that the sandbox runs on is
reached through a host path.

Its processes stand for those of a node; the pods' containers are not among them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
from pathlib import Path

_FOLDERS = (
    *("boot", "etc/kubernetes/manifests", "etc/kubernetes/pki", "etc/systemd/system", "home", "mnt", "opt", "root", "srv", "tmp"),
    *("dev", "proc", "run/containerd", "run/lock", "run/systemd/resolve", "sys/fs/bpf", "sys/fs/cgroup", "sys/kernel/debug"),
    *(
        "sys/kernel/tracing",
        "usr/lib/systemd",
        "usr/local/bin",
        "var/lib/containerd",
        "var/lib/kubelet",
        "var/log/pods",
        "var/log/containers",
    ),
)
_OS_RELEASE = 'PRETTY_NAME="Podshell sandbox"\nNAME="Podshell sandbox"\nVERSION_ID="1"\nID=podshell-sandbox\n'
_DAEMON = "#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 3600 & wait $!; done\n"
_INIT = "#!/bin/sh\n/usr/bin/containerd &\n/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml &\nwhile :; do wait; sleep 3600 & done\n"
_LINKS = {
    "etc/resolv.conf": "/run/systemd/resolve/stub-resolv.conf",  # dangles for all who do not take the node's root as theirs
    "etc/localtime": "/usr/share/zoneinfo/UTC",
    "var/run": "/run",
}
INIT = ("/sbin/init",)


def build_node_root(root: Path, name: str, image: Path) -> None:
    """Make the root folder of a node: an image with bash, and what else lies on a node."""
    shutil.copytree(image, root, symlinks=True, dirs_exist_ok=True)
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    texts = {
        "etc/os-release": _OS_RELEASE,
        "etc/hostname": f"{name}\n",
        "etc/hosts": f"127.0.0.1\tlocalhost\n127.0.1.1\t{name}\n",
        "etc/machine-id": f"{name.encode().hex():0<32.32}\n",
        "etc/kubernetes/kubelet.conf": "# the kubelet's key would be here\n",
        "run/systemd/resolve/stub-resolv.conf": "nameserver 127.0.0.53\nsearch node.internal\n",
        "var/log/syslog": f"{name} kubelet: node is up\n",
    }
    for path, text in texts.items():
        (root / path).write_text(text)
    (root / "etc/kubernetes/kubelet.conf").chmod(0o600)
    for path, text in {"bin/containerd": _DAEMON, "bin/kubelet": _DAEMON, "bin/init": _INIT}.items():
        (root / path).unlink(missing_ok=True)  # busybox has an init of its own
        (root / path).write_text(text)
        (root / path).chmod(0o755)
    for path, target in _LINKS.items():
        with contextlib.suppress(FileExistsError):
            (root / path).symlink_to(target)
    _make_socket(root / "run/containerd", "containerd.sock")


def _make_socket(folder: Path, name: str) -> None:
    """Leave the file of a socket that nobody listens at; its address must be short, wherever the folder is."""
    descriptor = os.open(folder, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as made, contextlib.suppress(OSError):
            made.bind(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.close(descriptor)


def resolve(root: str, path: str) -> str:
    """Find what a path of the node is below ``root``, links followed as on the node.

    Raises: OSError for a loop of links.
    """
    done, todo, links = "", [part for part in path.split("/") if part], 0
    while todo:
        part = todo.pop(0)
        if part == ".":
            continue
        if part == "..":
            done = done.rpartition("/")[0]
            continue
        found = f"{root}{done}/{part}"
        if not os.path.islink(found):
            done = f"{done}/{part}"
            continue
        links += 1
        if links > 40:
            raise OSError(40, "Too many levels of symbolic links")
        target = os.readlink(found)
        if target.startswith("/"):
            done = ""
        todo = [one for one in target.split("/") if one] + todo
    return root + (done or "/")  # the root itself may be a link (/proc/PID/root)


def host_path_fault(root: str, path: str, kind: str) -> str | None:
    """Check a host path against its type and make what is to be made; the kubelet's words when it does not fit.

    Kubernetes pkg/volume/hostpath/host_path.go, checkTypeInternal.
    """
    found = resolve(root, path)
    if kind == "DirectoryOrCreate" and not os.path.lexists(found):
        os.makedirs(found, 0o755)
    if kind == "FileOrCreate" and not os.path.lexists(found):
        os.close(os.open(found, os.O_CREAT | os.O_WRONLY, 0o644))
    expected = _KINDS.get(kind)
    if not kind:
        return None
    if expected is None:
        return f"{kind} is an invalid volume type"
    test, words = expected
    try:
        fits = test(os.lstat(found).st_mode)
    except OSError:
        fits = False
    return None if fits else f"hostPath type check failed: {path} is not a {words}"


_KINDS = {
    "Directory": (stat.S_ISDIR, "directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "directory"),
    "File": (stat.S_ISREG, "file"),
    "FileOrCreate": (stat.S_ISREG, "file"),
    "Socket": (stat.S_ISSOCK, "socket file"),
    "CharDevice": (stat.S_ISCHR, "character device"),
    "BlockDevice": (stat.S_ISBLK, "block device"),
}
