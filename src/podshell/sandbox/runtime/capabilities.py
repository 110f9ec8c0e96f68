"""Linux capabilities by name, and which of them a container's root may use. Pure.

A container's capabilities are its bounding set: what its root has after each execve. Another user has none of them in effect, as with
containerd, which sets no ambient ones.
"""

from __future__ import annotations

from collections.abc import Iterable

# In the order of linux/capability.h: the number of a capability is its place.
_NAMES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE"),
    *("NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT"),
    *("SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE"),
    *("AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ"),
    *("PERFMON", "BPF", "CHECKPOINT_RESTORE"),
)
_NUMBERS = {name: number for number, name in enumerate(_NAMES)}

ALL_CAPABILITIES = frozenset(_NUMBERS.values())
# What containerd leaves an unprivileged container (containerd pkg/oci/spec.go, defaultUnixCaps).
DEFAULT_CAPABILITIES = frozenset(
    _NUMBERS[name]
    for name in (
        *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE", "NET_RAW"),
        *("SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP"),
    )
)


def container_capabilities(add: Iterable[str], drop: Iterable[str], *, privileged: bool = False) -> frozenset[int]:
    """Apply a securityContext: first what is dropped, then what is added (containerd pkg/cri, WithCapabilities).

    Unknown names are ignored, as runc does.
    """
    if privileged:
        return ALL_CAPABILITIES
    added, dropped = {one.upper() for one in add}, {one.upper() for one in drop}
    kept = ALL_CAPABILITIES if "ALL" in added else DEFAULT_CAPABILITIES
    if "ALL" in dropped:
        kept = frozenset()
    kept = kept - {_NUMBERS[one] for one in dropped & _NUMBERS.keys()}
    return kept | {_NUMBERS[one] for one in added & _NUMBERS.keys()}
