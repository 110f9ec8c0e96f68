"""The request line of every exec that we make: common proxies take 8 KiB (nginx, large_client_header_buffers)."""

from __future__ import annotations

import pytest

from podshell.kube.exec_dial import ExecTarget, exec_path
from podshell.kube.holder import hold_command, resume_command
from podshell.kube.lifeline import lifeline_command
from podshell.kube.marker import SHELL_PATHS, wrapper_command
from podshell.kube.windows_shells import WINDOWS_SHELLS

LIMIT_BYTES = 7 * 1024
# What a proxy in front of the API server may have before the path (Rancher's).
PREFIX = "/k8s/clusters/c-m-0123456789"
# The longest that Kubernetes takes: a label for namespace and container, a DNS subdomain for a pod.
TARGET = ExecTarget("n" * 63, ("p" * 62 + ".") * 3 + "p" * 63, "c" * 63)
NONCE = "0123456789abcdef" * 2
SHELL = max(SHELL_PATHS, key=len)
SIZE = (1000, 1000)

COMMANDS = {
    "shell": wrapper_command(SHELL, NONCE, [], size=SIZE),
    "shell-under-a-holder": hold_command(SHELL, NONCE, [], size=SIZE),
    "shell-that-was-held": resume_command(SHELL, NONCE, size=SIZE),
    "lifeline": lifeline_command(SHELL, NONCE),
    "lifeline-of-a-tools-container": lifeline_command(SHELL, NONCE, "h"),
    **{f"windows-{command[0]}": list(command) for command in WINDOWS_SHELLS},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_request_line_of_an_exec_fits_into_7_kib(name: str) -> None:
    path = exec_path(TARGET, COMMANDS[name], tty=True, stdin=True)
    assert len(f"GET {PREFIX}{path} HTTP/1.1") <= LIMIT_BYTES
