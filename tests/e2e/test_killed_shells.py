"""Shells are killed at each phase (`killed.py`): here, that each was reached; test_what_killed_shells_leave.py looks at what is left."""

from __future__ import annotations

import pytest
from killed import PHASES, Killed

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_each_phase_was_reached_and_what_ran_was_seen(killed: Killed) -> None:
    """The counter-proof: what is listed later as ended was seen to run."""
    assert killed.sessions is not None
    if killed.sessions.done():
        killed.sessions.result()  # why they were not killed
    ways = ("node", "debug", "gateway node", "gateway debug")
    assert sorted(killed.ends) == sorted(f"{way} {phase}" for way in ways for phase in PHASES)
    assert [phase for phase in ("running", "detached") if not any(one.startswith(f"{killed.targets[phase]}/") for one in killed.ran)] == []
    assert [one for one in killed.ran if one.startswith(f"{killed.targets['agent']}/")] != []
    assert len([one for one in killed.ran if "/" not in one]) >= 3, "the pods at a prompt, left, and of the agent"
    for kind in ("node", "debug"):
        assert "ends by itself within 60 s" in killed.ends[f"{kind} detached"]
