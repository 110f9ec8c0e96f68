"""asciicast v3 lines from a session's output (docs.asciinema.org/manual/asciicast/v3). Pure: bytes and times in, text out.

Times are intervals since the event before; rounding errors are carried over, so that they do not add up. Input is never recorded.
"""

from __future__ import annotations

import codecs

import msgspec


class CastWriter:
    """Builds the lines of one recording.

    Args:
        started_ms: when it begins, Unix milliseconds.
        title: what a player shows.
    """

    def __init__(self, *, cols: int, rows: int, started_ms: int, title: str) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._last_ms = started_ms
        self._header = {"version": 3, "term": {"cols": cols, "rows": rows}, "timestamp": started_ms // 1000, "title": title}

    def header(self) -> str:
        """Build the first line."""
        return _line(self._header)

    def output(self, data: bytes | memoryview, at_ms: int) -> str:
        """Build the line of some output; empty while a character is incomplete."""
        text = self._decoder.decode(bytes(data))
        return self._event("o", text, at_ms) if text else ""

    def resize(self, cols: int, rows: int, at_ms: int) -> str:
        return self._event("r", f"{cols}x{rows}", at_ms)

    def gap(self, start: int, end: int, at_ms: int) -> str:
        """Build a comment and a marker: players show the one and ignore the other."""
        self._decoder.reset()
        text = f"{end - start} bytes of output are missing"
        return f"# {text} (bytes {start} to {end})\n" + self._event("m", text, at_ms)

    def ended(self, exit_code: int | None, at_ms: int) -> str:
        """Build the last lines: what is left of a broken character, and the exit status when there is one."""
        rest = self._decoder.decode(b"", final=True)
        lines = self._event("o", rest, at_ms) if rest else ""
        return lines if exit_code is None else lines + self._event("x", str(exit_code), at_ms)

    def _event(self, code: str, data: str, at_ms: int) -> str:
        # whole milliseconds since the last event that was written: nothing is rounded, so nothing adds up
        interval = max(0, at_ms - self._last_ms)
        self._last_ms = max(self._last_ms, at_ms)
        return _line([interval / 1000, code, data])


def _line(value: object) -> str:
    return msgspec.json.encode(value).decode() + "\n"
