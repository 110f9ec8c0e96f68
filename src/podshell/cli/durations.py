"""Durations as Go writes them, and so kubectl: 90s, 1h30m, 1.5h, 300ms. Pure."""

from __future__ import annotations

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")


class BadDuration(ValueError):
    """A text that is no duration; the message says how one looks."""


def parse_duration(text: str) -> float:
    """Return the seconds of a positive duration.

    Raises:
        BadDuration: it cannot be read, or is zero or negative.
    """
    seconds, end = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != end:
            break
        seconds += float(part[1]) * _UNITS[part[2]]
        end = part.end()
    if text.startswith("-") or text in ("0", "0s") or (text and end == len(text) and seconds <= 0):
        raise BadDuration(f"{text!r} is not more than zero")
    if not text or end != len(text):
        raise BadDuration(f"{text!r} is no duration: write it as 90s, 10m or 1h30m")
    return seconds


def format_duration(seconds: float) -> str:
    """Write whole seconds as 1h30m, 10m or 90s would be read."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{left}s" if left or not whole else ""]
    return "".join(parts)
