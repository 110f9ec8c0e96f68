"""What `kubectl shell gc` says of an object: what it does, and whether a shell may still be in it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from podshell.cli.leftovers import Leftover, State, _Object

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"phase": "Pending"}, State.STARTING),
        ({"phase": "Running"}, State.RUNNING),
        ({"phase": "Succeeded"}, State.FINISHED),
        ({"phase": "Failed"}, State.FINISHED),
        ({"active": 1}, State.RUNNING),
        ({}, State.STARTING),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, State.FINISHED),
        ({"conditions": [{"type": "Failed", "status": "True"}]}, State.FINISHED),
        ({"active": 1, "conditions": [{"type": "Failed", "status": "False"}]}, State.RUNNING),
    ],
)
def test_a_pod_or_a_job_starts_runs_or_has_finished(status: dict[str, object], state: State) -> None:
    found = msgspec.json.decode(msgspec.json.encode({"metadata": {"name": "one"}, "status": status}), type=_Object)
    assert found.status.state is state


@pytest.mark.parametrize(
    ("state", "expires", "over"),
    [
        (State.RUNNING, "2026-07-01T12:00:01Z", False),
        (State.RUNNING, "2026-07-01T11:59:59Z", True),
        (State.RUNNING, "", False),
        (State.STARTING, "no time", False),
        (State.FINISHED, "2026-07-01T16:00:00Z", True),
    ],
)
def test_it_is_over_when_it_has_finished_or_its_time_is_past(state: State, expires: str, over: bool) -> None:
    assert Leftover("Pod", "default", "one", "uid", "worker-1", "dana", state, "", expires).is_over(NOW) is over
