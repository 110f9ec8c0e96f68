"""What may differ between a recorded stream and a replayed one: versions, process numbers, names of ttys, rhythm."""

from __future__ import annotations

import re

_MASKS = [
    (re.compile(rb"BusyBox v[^\r\n]* built-in shell \(ash\)"), b"BUSYBOX"),
    (re.compile(rb"(?:\r/ # \x1b\[J)+"), b"REDRAWN"),  # two sizes at once may be one signal
    (re.compile(rb"\x1b\[6n"), b""),  # the cursor query of some busybox builds
    (re.compile(rb"/dev/pts/\d+"), b"/dev/pts/N"),
    (re.compile(rb"(pid=|sid=|one |xterm )\d+"), rb"\1N"),
    (re.compile(rb"(stty: standard input)(: [^\r\n]*)?"), rb"\1"),  # 1.38 prints no reason
    (re.compile(rb"\b[0-9a-f]{64}\b"), b"ID"),
]
_RHYTHMS = [  # output by the clock: that it comes counts, not how often
    (re.compile(rb"(?:(out|err) \d+\n)+"), rb"\1 N\n"),
    (re.compile(rb"(?:y\r\n)*y?\r?\n?$"), b""),
]
_NUMBERED = re.compile(rb"(?:\d+(\r?\n))+")


def mask(data: bytes, *, rhythm: bool = False, numbered: bool = False) -> bytes:
    """Replace what may differ."""
    for pattern, replacement in [*_MASKS, *(_RHYTHMS if rhythm else [])]:
        data = pattern.sub(replacement, data)
    if numbered:
        data = _NUMBERED.sub(rb"N\1", data)
    return data
