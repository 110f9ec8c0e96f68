"""The start of a shell: the wrapper that chooses it, and the marker by which it tells who it is (kubernetes.md 2.2).

Pure. One exec, no sub-shell: the wrapper prints `\\036psh:NONCE:PID:STARTTICKS\\036` and becomes the shell, so PID is the process id, the
process group and the session id that the lifeline kills by, and STARTTICKS (field 22 of /proc/PID/stat) tells it from a later process
with the same id. The marker is the only thing that is ever
taken out of a terminal's bytes, but for the last words of a holder (holder.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# What may come before the marker: messages of a shell's start. More than this, or later than this, means that none comes.
MARKER_LIMIT_BYTES = 8 * 1024
MARKER_SECONDS = 10.0

# Where an image keeps its shell when PATH does not say (distroless debug images have only /busybox).
SHELL_PATHS = ("sh", "/bin/sh", "/busybox/sh", "/bin/bash")

# dash, bash, busybox ash: checked by tests/integration/agent/test_wrapper.py. A short `set` list means that /proc is not readable.
# Arguments: nonce, columns, rows (0: no tty), the holder's folder (holder.sh; empty: none), the command. A held shell is a child:
# somebody must be left to write its exit code. What the shell leaves in its session is ended then, as the lifeline does at the end of
# others (lifeline.sh, ladder): it would keep the terminal open, and dtach waits for the end of that and not of the shell.
WRAPPER = r"""n=$1 c=$2 r=$3 h=$4 t=0; shift 4
f() { [ $# -ge 20 ] && shift 19 && t=$1; }
{ read -r l </proc/$$/stat; } 2>/dev/null && f ${l##*) }
if [ "$c" != 0 ]; then stty rows "$r" cols "$c" 2>/dev/null; TERM=xterm-256color; COLORTERM=truecolor; export TERM COLORTERM; fi
[ -n "${LC_ALL:-}${LANG:-}" ] || { LANG=C.UTF-8; export LANG; }
PODSHELL_SESSION=$n; export PODSHELL_SESSION
[ -z "$h" ] || echo "$$ $t" >"$h/leader"
printf '\036psh:%s:%s:%s%s\036' "$n" "$$" "$t" "${h:+:h}"
unset -f f; unset n c r t l
if [ $# -eq 0 ]; then
for s in bash zsh ash sh; do command -v "$s" >/dev/null 2>&1 && { set -- "$s"; break; }; done
unset s
[ $# -gt 0 ] || set -- "$0"
fi
[ -n "$h" ] || { unset h; exec "$@"; }
trap : HUP INT QUIT
"$@"
s=$?
echo "$s" >"$h/code"
g() { [ "$4" = $$ ] && [ "$1" != Z ]; }
k() {
for p in /proc/[0-9]*; do
{ read -r l <"$p/stat"; } 2>/dev/null && p=${p#/proc/} && [ "$p" != $$ ] && g ${l##*) } && kill -$1 "$p" 2>/dev/null && x=1
done
}
k HUP; k CONT
for i in 1 2 3 4 5 6 7 8 9 10; do x=; k 0; [ -n "$x" ] || break; sleep 0.1 2>/dev/null || sleep 1; done
k KILL
exit "$s"
"""


def wrapper_command(shell: str, nonce: str, command: Sequence[str], *, size: tuple[int, int] | None) -> list[str]:
    """Build the exec's command: `command`, or the best shell there is, behind the wrapper. `size` (columns, rows) only for a tty."""
    cols, rows = size or (0, 0)
    return [shell, "-c", WRAPPER, shell, nonce, str(cols), str(rows), "", *command]


@dataclass(frozen=True, slots=True)
class Leader:
    """The first process of a session inside its container. `start_ticks` 0: its /proc could not be read."""

    sid: int
    start_ticks: int


class MarkerFilter:
    """Takes the marker out of the beginning of a stream; all other bytes pass."""

    def __init__(self, nonce: str) -> None:
        self.leader: Leader | None = None
        self.done = False
        self.held = False  # the shell hangs on a holder (holder.py)
        self.gone = False  # a held shell was asked for, and there is none
        self._waiting = bytearray()
        self._pattern = re.compile(rb"\x1epsh:" + re.escape(nonce.encode()) + rb":([0-9]{1,10}):([0-9]{1,20})(?::([gh]))?\x1e")

    @property
    def waiting(self) -> bytes:
        """What came before a marker that has not come yet."""
        return bytes(self._waiting)

    def receive(self, data: bytes | memoryview) -> bytes | memoryview:
        """Return what may pass on: nothing before the marker is seen or given up."""
        if self.done:
            return data
        self._waiting += data
        found = self._pattern.search(self._waiting)
        if found is None:
            return self.give_up() if len(self._waiting) > MARKER_LIMIT_BYTES else b""
        self.gone, self.held = found[3] == b"g", found[3] == b"h"
        self.leader = None if self.gone else Leader(int(found[1]), int(found[2]))
        passed = bytes(self._waiting[: found.start()] + self._waiting[found.end() :])
        self.done = True
        self._waiting.clear()
        return passed

    def give_up(self) -> bytes:
        """Stop waiting and return what was held."""
        self.done = True
        held = bytes(self._waiting)
        self._waiting.clear()
        return held
