"""Ages as kubectl prints them (apimachinery pkg/util/duration, HumanDuration)."""

from __future__ import annotations

from datetime import UTC, datetime


def human(seconds: float) -> str:
    """Shorten a duration: two units while it is small, one later."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 120:
        return f"{max(whole, 0)}s"
    minutes, hours = whole // 60, whole // 3600
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if hours < 24 * 8:
        return _two(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


def parse(text: str) -> datetime:
    """Read a ``metav1.Time`` or MicroTime."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def since(text: str | None, now: datetime | None = None) -> str:
    """Give the age of a timestamp; ``<unknown>`` without one."""
    if not text:
        return "<unknown>"
    return human(((now or datetime.now(UTC)) - parse(text)).total_seconds())
