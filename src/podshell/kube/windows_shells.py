"""Shells of Windows containers, where there is no `sh`: which is chosen, how one is asked to end, and what waits in a node pod of ours.

Pure. By the texts of kubernetes.md 2.3; seen by no Windows node yet. Nothing watches over such a shell: the lifeline is a script of
POSIX shell.
"""

from __future__ import annotations

import re

from podshell.kube.classify import Failed, FailureKind, classify

# The first that is there: PowerShell 7, Windows PowerShell, and what every Windows has.
WINDOWS_SHELLS = (("pwsh.exe", "-NoLogo"), ("powershell.exe", "-NoLogo"), ("cmd.exe",))
# There is no sign that a shell has begun: one that has said nothing, and not ended, for so long is there.
CHOOSING_SECONDS = 5.0
# End of input is no key there.
END_KEYS = b"\x03\x03exit\r"
# How a runtime on Windows says that a program is missing; a runtime on Linux says neither.
_WINDOWS_WORDS = re.compile(r"The system cannot find the file specified|\bhcs(?:shim)?::|CreateProcess|CreateComputeSystem")

# The waiting process: it ends when its input does, which is our attach with `stdinOnce`, or when its time is over.
_WAITER = """\
$clock = [Diagnostics.Stopwatch]::StartNew()
$stdin = [Console]::OpenStandardInput()
$bytes = New-Object byte[] 256
$read = $stdin.ReadAsync($bytes, 0, 256)
while ($clock.Elapsed.TotalSeconds -lt {ttl}) {{
  if ($read.Wait(1000)) {{
    if ($read.Result -eq 0) {{ exit 0 }}
    $read = $stdin.ReadAsync($bytes, 0, 256)
  }}
}}
exit 0
"""


def says_windows(failed: Failed) -> bool:
    """Whether a program is missing in the words of a runtime on Windows."""
    return failed.kind is FailureKind.SHELL_MISSING and _WINDOWS_WORDS.search(failed.message) is not None


def waiting_command(ttl_seconds: int) -> list[str]:
    """Build the first process of a node pod on Windows."""
    script = _WAITER.format(ttl=ttl_seconds)
    return ["powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", script]


class Choosing:
    """Holds the first output of a shell that may turn out to be missing: some runtimes say so on its standard output."""

    def __init__(self) -> None:
        self.done = False
        self._held = b""

    def receive(self, data: bytes | memoryview) -> bytes:
        """Return what may pass on: nothing while it may still be the text of a missing program."""
        self._held += bytes(data)
        text = self._held.decode("utf-8", "replace")
        if classify(text).kind is FailureKind.SHELL_MISSING or not text.strip():
            return b""
        return self.give_up()

    def give_up(self) -> bytes:
        """Stop waiting and return what was held."""
        self.done = True
        held, self._held = self._held, b""
        return held
