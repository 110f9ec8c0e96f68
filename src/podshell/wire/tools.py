"""What debug and node sessions ask for beyond a shell, and what was made for them (docs/explanation/debug-and-node-shells.md).

Shared by calls.py (session.open, debug.plan), the journal and the HTTP surface. Which choices fit together, and what they come to, is
decided where the container is made (kube/); here stand the shapes and their limits.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from podshell.wire.errors import Refusal, Text
from podshell.wire.messages import Name

Profile = Literal["", "net", "host", "systemd", "trace", "restricted"]
PullPolicy = Literal["", "Always", "IfNotPresent", "Never"]
System = Literal["", "linux", "windows"]
Capability = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z_]+$")]
# A registry host, a path, a tag and a digest: distribution's grammar allows 255 for the name alone.
ImageReference = Annotated[str, Meta(max_length=512, pattern=r"^[!-~]*$")]
# A manifest of ours has about 3 KiB.
Manifest = Annotated[str, Meta(max_length=64 * 1024)]
Texts = Annotated[list[Text], Meta(max_length=64)]
Key = Annotated[str, Meta(max_length=64)]
Keys = Annotated[list[Key], Meta(max_length=64)]

MAX_TTL_SECONDS = 86_400
MAX_START_SECONDS = 600


class DebugRequest(Struct, frozen=True, omit_defaults=True):
    """The options of a debug or node session. Empty texts and None mean what the cluster's agent has as its default.

    `capabilities` add to those of the profile. `target`: a container of the pod whose processes are shared (debug). `mount_host`,
    `host_write`, `host_pid`, `enter` (a shell in the host's own namespaces) and `system` belong to node sessions, as do the two
    `..._unconfined`. `ttl_seconds`: the container is ended after so long at the latest; `start_seconds`: it must run within so many.
    """

    profile: Profile = ""
    capabilities: Annotated[list[Capability], Meta(max_length=64)] = []
    image: ImageReference = ""
    pull_policy: PullPolicy = ""
    target: Name = ""
    mount_host: bool = False
    host_write: bool = False
    host_pid: bool = False
    enter: bool = False
    seccomp_unconfined: bool = False
    apparmor_unconfined: bool = False
    system: System = ""
    ttl_seconds: Annotated[int, Meta(ge=60, le=MAX_TTL_SECONDS)] | None = None
    start_seconds: Annotated[int, Meta(ge=1, le=MAX_START_SECONDS)] | None = None


class MadeContainer(Struct, frozen=True, omit_defaults=True):
    """The container that a debug or node session runs in, for the journal, the audit (features F69) and the agent that follows.

    `object`: ephemeral_container, job or pod, with `name` and `uid` of what can be deleted (empty for an ephemeral container, which
    cannot). `mounts`: the node's paths, with `:ro`, `:rw`, or `:ro-shallow` where what is mounted below can be written. `reused`: it was
    there before, from another session of the same user. `held`: its shells outlive the agent that started them.
    """

    object: Annotated[str, Meta(max_length=32)]
    namespace: Name
    pod: Name
    pod_uid: Name
    container: Name
    node: Name = ""
    name: Name = ""
    uid: Name = ""
    image: Annotated[str, Meta(max_length=512)] = ""
    image_id: Annotated[str, Meta(max_length=1024)] = ""  # with the digest, once the node has said it
    profile: Annotated[str, Meta(max_length=32)] = ""
    target: Name = ""
    capabilities: Keys = []
    mounts: Texts = []  # and behind them "sockets:..." where runtime sockets stay open (kube/runtime_sockets.py, OpenSockets)
    host_pid: bool = False
    reused: bool = False
    held: bool = False


class DebugPlan(Struct, frozen=True):
    """What opening a session would make. `actions`: what it needs of the ceiling; `risks`: one sentence for each choice that has one.

    The first `dangers` of the risks are dangers, the others notes.

    `pod_security`: the level that the namespace enforces, empty when it enforces none or that could not be read. `refusal`: why opening
    it would be refused as things are; the manifest is shown nevertheless.
    """

    kind: Annotated[str, Meta(max_length=16)]
    object: Annotated[str, Meta(max_length=32)]  # ephemeral_container | job | pod
    namespace: Name
    pod: Name
    node: Name
    image: Annotated[str, Meta(max_length=512)]
    profile: Annotated[str, Meta(max_length=32)]
    manifest: Manifest  # YAML
    risks: Texts
    actions: Keys
    pod_security: Annotated[str, Meta(max_length=32)]
    ttl_seconds: Annotated[int, Meta(ge=0, le=MAX_TTL_SECONDS)]
    refusal: Refusal | None
    dangers: Annotated[int, Meta(ge=0, le=64)] = 0
