"""The first process of a tools container: `waiter.sh` says how it works, docs/adr/0007 why.

Pure but for loading the script.
"""

from __future__ import annotations

from podshell.kube.scripts import load_script

# How long the container stays without anybody who watches over a shell in it (design.md 4).
PATIENCE_SECONDS = 60
# It counts its own naps, and is late by what lies between them: some 30 s in 4 h.
GRACE_SECONDS = 60
# Where registrations and holders may lie, the first that can be written to: a node pod's own volume, then the image's folders, then /dev,
# which is the container's own and writable for root also where a cluster's rules make the root read-only. Never /dev/shm: the containers
# of a pod share it.
FOLDERS = ("/run/podshell", "/run", "/tmp", "/var/tmp", "/dev")
SCRIPT = load_script("waiter.sh")
# What the waiter ends with when the image has no folder that it can write to (EX_CANTCREAT of sysexits.h).
NO_FOLDER_CODE = 73


def waiter_command(
    ttl_seconds: int,
    patience_seconds: int = PATIENCE_SECONDS,
    folders: tuple[str, ...] = FOLDERS,
    *,
    grace_seconds: int = GRACE_SECONDS,
) -> list[str]:
    """Build the container's command. It ends by itself after `ttl_seconds`, or when nobody was there for `patience_seconds`.

    `grace_seconds` after `ttl_seconds` it is killed, if it is stopped then.
    """
    grace = [str(grace_seconds)] if grace_seconds != GRACE_SECONDS else []
    return ["sh", "-c", SCRIPT, "podshell-waiter", str(ttl_seconds), str(patience_seconds), " ".join(folders), *grace]
