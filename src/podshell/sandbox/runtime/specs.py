"""What a container is asked to be, and how starting it or running something in it can fail.

The texts of the errors are those of containerd 2.1 with runc, because they reach users and clients unchanged.

RuntimeFault
├── ImagePullFailed   the image is unknown (or its name does not parse)
├── ImageMissing      start_container() of an image that was never pulled
├── StartFailed       the container's command cannot be started (containerd: reason StartError, exit code 128)
└── ExecFailed        a further command cannot be started in a running container
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podshell.sandbox.runtime.capabilities import DEFAULT_CAPABILITIES


class RuntimeFault(Exception):
    """Something the node agent refused; ``message`` is what containerd would write."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ImagePullFailed(RuntimeFault):
    """The image cannot be had; ``reason`` is that of the container status (ErrImagePull or InvalidImageName)."""

    def __init__(self, message: str, reason: str = "ErrImagePull") -> None:
        super().__init__(message)
        self.reason = reason


class ImageMissing(RuntimeFault):
    """The image is not on the node."""


class StartFailed(RuntimeFault):
    """The container's first process cannot be started."""


class ExecFailed(RuntimeFault):
    """A further process cannot be started in a container."""


@dataclass(frozen=True)
class Mount:
    """A folder or file of the node that a container sees at ``target``; a missing folder is made with ``make_mode``, if it has one.

    ``recursive``: what is mounted below the source is read-only as well, if the mount is.
    """

    source: str
    target: str
    read_only: bool = False
    recursive: bool = False
    make_mode: int | None = None


@dataclass(frozen=True)
class ContainerSpec:
    """One container to start. ``command`` None means the image's own; ``id`` is 64 hex digits."""

    id: str
    pod_uid: str
    namespace: str
    pod: str
    name: str
    image: str
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    tty: bool = False
    stdin: bool = False
    stdin_once: bool = False
    working_dir: str = ""
    share_pid_with: str | None = None  # id of the container whose processes this one sees (targetContainerName)
    run_as_user: int | None = None
    run_as_group: int = 0
    read_only: bool = False
    hostname: str = ""
    node: str = ""
    host_pid: bool = False  # it sees the processes of its node, not only its own
    mounts: tuple[Mount, ...] = ()
    capabilities: frozenset[int] = DEFAULT_CAPABILITIES
    no_new_privileges: bool = False
