"""What the tests of the tools image need: of the machine, and where the built image lies."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
OUTPUT = REPOSITORY / "build" / "tools-image"

PROGRAMS = {"mmdebstrap": "mmdebstrap", "nsenter": "util-linux", "unshare": "util-linux", "ip": "iproute2"}


def missing() -> list[str]:
    """Say what is missing, each with what to do; nothing if the tests can run."""
    lacking = [
        f"{program} is missing (as root: apt-get install {package})" for program, package in PROGRAMS.items() if not shutil.which(program)
    ]
    if os.geteuid() != 0:
        return [*lacking, "they make network namespaces and mounts, which needs root"]
    if not lacking and subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], capture_output=True).returncode:
        return ["this machine does not let root make network, mount and pid namespaces (in a container: run it privileged)"]
    return lacking
