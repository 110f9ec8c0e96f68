"""The root folder that a container sees, built inside its own mount namespace.

Runs in the launcher's child (standard library only, see ``launcher.py``).  The root is a small tmpfs that vanishes with
the container; what the image holds is shown in it: folders that programs write to are copied, all others are bound read
only from the image's folder.  ``/proc`` is that of the container's pid namespace, ``/dev`` has a devpts of its own.
"""

import contextlib
import os
import socket
import stat
from typing import Any

import kernel  # type: ignore[import-not-found, unused-ignore]  # the sibling file, found by launcher.py

_WRITABLE = frozenset({"etc", "home", "root", "run", "tmp", "var"})
_MOUNTED = frozenset({"dev", "proc", "sys"})
_SIZE = "size=64m,mode=755"  # a container's own files; enough for kubectl cp of test files
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
_LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}


Request = dict[str, Any]  # one message as JSON; written by podshell.sandbox.runtime.launch
Tree = tuple[dict[str, Any], int]  # one mount of a message, and the copied mounts that it shows


def open_mounts(mounts: list[dict[str, Any]], node: int) -> list[Tree]:
    """Copy what the mounts of a message show out of the mount namespace of the node (a pidfd of its first process).

    The paths resolve as on the node.  This process is back where it was afterwards.
    """
    ours, root = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC), os.open("/", os.O_PATH | os.O_CLOEXEC)
    kernel.setns(node, kernel.CLONE_NEWNS)
    try:
        return [(one, _open_tree(one)) for one in mounts]
    finally:
        kernel.setns(ours, kernel.CLONE_NEWNS)
        os.fchdir(root)  # entering a mount namespace changes the root folder, which may have been another one
        os.chroot(".")
        os.close(ours)
        os.close(root)


def _open_tree(one: dict[str, Any]) -> int:
    if one["make_mode"] is not None and not os.path.lexists(one["source"]):
        os.makedirs(one["source"])
        os.chmod(one["source"], one["make_mode"])
    tree: int = kernel.open_tree(one["source"])
    if one["read_only"]:
        kernel.make_read_only(tree, recursive=one["recursive"])
    return tree


def enter(request: Request, trees: list[Tree]) -> None:
    """Build the root that ``request`` describes at its mount point and make it this process's root."""
    root = request["mount_point"]
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    if request["is_node"]:
        kernel.mount(request["image"], root, "", kernel.MS_BIND)
        kernel.mount("", root, "", kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_NOSUID | kernel.MS_NODEV)
        kernel.mount("tmpfs", f"{root}/var/lib/kubelet", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, _SIZE)
    else:
        kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, _SIZE)
        _show_image(request["image"], root)
    _mount_devices(f"{root}/dev")
    _mount_proc(f"{root}/proc", f"{root}/dev/null")
    for name, text in request["files"].items():
        with open(root + name, "w", encoding="utf-8") as file:
            file.write(text)
    os.makedirs(root + (request["cwd"] or "/"), exist_ok=True)
    kernel.pivot_root(root)
    for one, tree in sorted(trees, key=lambda pair: pair[0]["target"].count("/")):  # what lies deeper comes later
        _attach(one, tree)
    socket.sethostname(request["hostname"])
    if request["read_only"]:
        kernel.mount("", "/", "", kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID)


def _attach(one: dict[str, Any], tree: int) -> None:
    """Mount a tree at its place, making the place. The root is the container's by now: no link leads out of it."""
    target = one["target"]
    try:
        if stat.S_ISDIR(os.fstat(tree).st_mode):
            os.makedirs(target, exist_ok=True)
        elif not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        kernel.attach_tree(tree, target)
    except OSError as error:
        # runc libcontainer/rootfs_linux.go, mountToRootfs and createMountpoint
        why = f'create mountpoint for {target} mount: make mountpoint "{target}": {(error.strerror or "").lower()}'
        raise OSError(error.errno, f'error mounting "{one["source"]}" to rootfs at "{target}": {why}') from error
    os.close(tree)


def _show_image(image: str, root: str) -> None:
    for entry in os.scandir(image):
        target = f"{root}/{entry.name}"
        if entry.name in _MOUNTED:
            continue  # what is mounted there covers what the image has
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), target)
        elif entry.name in _WRITABLE:
            _copy(entry.path, target)
        else:
            os.mkdir(target, 0o755)
            kernel.bind_read_only(entry.path, target)
    for name, mode in (("proc", 0o555), ("sys", 0o555), ("dev", 0o755), ("etc", 0o755), ("tmp", 0o1777)):
        if not os.path.exists(f"{root}/{name}"):
            os.mkdir(f"{root}/{name}")
        os.chmod(f"{root}/{name}", mode)


def _copy(source: str, target: str) -> None:
    os.mkdir(target, 0o755)
    for entry in os.scandir(source):
        if entry.is_dir(follow_symlinks=False):
            _copy(entry.path, f"{target}/{entry.name}")
        elif entry.is_symlink():
            os.symlink(os.readlink(entry.path), f"{target}/{entry.name}")
        else:
            with open(entry.path, "rb") as original, open(f"{target}/{entry.name}", "wb") as copy:
                copy.write(original.read())
            os.chmod(f"{target}/{entry.name}", entry.stat().st_mode & 0o777)


def _mount_devices(dev: str) -> None:
    kernel.mount("tmpfs", dev, "tmpfs", kernel.MS_NOSUID, "size=1m,mode=755")
    for name, (major, minor) in _DEVICES.items():
        try:
            os.mknod(f"{dev}/{name}", 0o20666, os.makedev(major, minor))
            os.chmod(f"{dev}/{name}", 0o666)
        except PermissionError:  # no right to make devices: show the machine's
            with open(f"{dev}/{name}", "wb"):
                pass
            kernel.mount(f"/dev/{name}", f"{dev}/{name}", "", kernel.MS_BIND)
    for name, destination in _LINKS.items():
        os.symlink(destination, f"{dev}/{name}")
    os.mkdir(f"{dev}/shm", 0o1777)
    os.mkdir(f"{dev}/pts", 0o755)
    flags = kernel.MS_NOSUID | kernel.MS_NOEXEC
    kernel.mount("devpts", f"{dev}/pts", "devpts", flags, "newinstance,ptmxmode=0666,mode=0620,gid=5")


def _mount_proc(proc: str, null: str) -> None:
    kernel.mount("proc", proc, "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    with contextlib.suppress(OSError):
        kernel.bind_read_only(f"{proc}/sys", f"{proc}/sys")
        for name in ("sysrq-trigger", "kcore"):
            kernel.mount(null, f"{proc}/{name}", "", kernel.MS_BIND)
