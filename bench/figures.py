"""Numbers and where they go: percentiles, the machine, one JSON file a run, and a line for each figure (misses first)."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

MIB = 1024 * 1024
RESULTS = Path(__file__).parent / "results"


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest-rank percentile; `share` 0 to 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


@dataclass
class Figure:
    """One measured figure. `bound` None: reported without a bound. `raw` holds what it was made from."""

    name: str
    value: float
    unit: str
    bound: float | None = None
    at_least: bool = False
    raw: dict[str, object] = field(default_factory=dict)

    @property
    def missed(self) -> bool:
        if self.bound is None:
            return False
        return self.value < self.bound if self.at_least else self.value > self.bound

    def line(self) -> str:
        sign = ">=" if self.at_least else "<="
        wanted = f"(wanted {sign} {self.bound:g})" if self.bound is not None else ""
        verdict = "MISSED" if self.missed else "ok" if self.bound is not None else ""
        return f"{verdict:6} {self.name:62} {self.value:10.3f} {self.unit:6} {wanted}"


def machine() -> dict[str, object]:
    """Describe what this ran on."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent
    ).stdout.strip()
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": commit,
        "load_average_at_start": os.getloadavg()[0],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def write_results(about: dict[str, object], figures: Sequence[Figure]) -> Path:
    """Write one dated JSON file; returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}.json"
    body = {"machine": about, "figures": [{**asdict(figure), "missed": figure.missed} for figure in figures]}
    path.write_text(json.dumps(body, indent=1) + "\n")
    return path
