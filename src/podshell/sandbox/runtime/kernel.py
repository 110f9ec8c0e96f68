"""The Linux calls of the launcher that the 3.11 standard library lacks, by ctypes.

Imported by ``launcher.py`` inside its own small process, which has no access to the package: only the standard library
is used here.  Numbers are those of linux/sched.h, linux/mount.h, linux/prctl.h and asm-generic/ioctls.h.
"""

import ctypes
import os
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

TIOCGPTPEER = 0x5441
TIOCSPTLCK = 0x40045431

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

LAST_CAPABILITY = 40

# The mount calls of Linux 5.12; their numbers are the same on every architecture (asm-generic/unistd.h).
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_AT_FDCWD, _AT_RECURSIVE, _AT_EMPTY_PATH = -100, 0x8000, 0x1000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, 0o2000000
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_RDONLY = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Give this process namespaces of its own (of its children, for CLONE_NEWPID)."""
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int, flags: int) -> None:
    """Enter the namespaces of a process given by pidfd, or one namespace given by its file."""
    _check(_libc.setns(descriptor, flags), "setns")


def mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    """Mount a file system, bind a folder, or change a mount."""
    options = data.encode() if data else None
    _check(_libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options), "mount")


def bind_read_only(source: str, target: str) -> None:
    """Show a folder or file at a second place, not writable."""
    mount(source, target, "", MS_BIND | MS_REC)
    mount("", target, "", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID)


def pivot_root(folder: str) -> None:
    """Make a mount point the root of this mount namespace and let go of the old root."""
    os.chdir(folder)
    _check(_libc.syscall(_PIVOT_ROOT, b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")


_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine, 155)


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this signal when the process that forked us is gone."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def drop_capabilities(kept: frozenset[int]) -> None:
    """Leave only these in the bounding set; what is effective follows at the next execve."""
    for capability in range(LAST_CAPABILITY + 1):
        if capability not in kept:
            _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # unknown to an older kernel: nothing to drop


def refuse_new_privileges() -> None:
    """Let no execve of this process or of its children gain rights (allowPrivilegeEscalation: false)."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def open_tree(path: str) -> int:
    """Copy the mounts at and below a path into a tree that can be attached elsewhere, and return its descriptor."""
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_RECURSIVE
    descriptor: int = _libc.syscall(_OPEN_TREE, _AT_FDCWD, path.encode(), flags)
    _check(min(descriptor, 0), "open_tree")
    return descriptor


def make_read_only(tree: int, *, recursive: bool) -> None:
    """Make an unattached tree read-only: its first mount, or all of them."""
    attributes = struct.pack("QQQQ", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
    _check(_libc.syscall(_MOUNT_SETATTR, tree, b"", flags, attributes, len(attributes)), "mount_setattr")


def attach_tree(tree: int, target: str) -> None:
    """Mount a tree of :func:`open_tree` at a place."""
    _check(_libc.syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH), "move_mount")
