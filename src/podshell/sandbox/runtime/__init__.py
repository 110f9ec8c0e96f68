"""The node's container runtime: real local processes, isolated as far as the machine allows.

``Runtime`` starts containers and runs commands in them; errors carry the texts of containerd and runc.
"""

from podshell.sandbox.runtime.containers import Container, Runtime, can_isolate
from podshell.sandbox.runtime.logs import ContainerLog, LogLine
from podshell.sandbox.runtime.processes import Process
from podshell.sandbox.runtime.specs import (
    ContainerSpec,
    ExecFailed,
    ImageMissing,
    ImagePullFailed,
    RuntimeFault,
    StartFailed,
)

__all__ = [
    "Container",
    "ContainerLog",
    "ContainerSpec",
    "ExecFailed",
    "ImageMissing",
    "ImagePullFailed",
    "LogLine",
    "Process",
    "Runtime",
    "RuntimeFault",
    "StartFailed",
    "can_isolate",
]
