"""The idle clock of a session, in virtual time (issue "the first shell", acceptance 6)."""

from __future__ import annotations

import pytest
from agent_fakes import Lab, Screen

from podshell.agent.idle import IdleClock, IdleStep


async def test_299_seconds_alive_301_closed() -> None:
    async with Lab() as lab:
        lab.clock.advance(299)
        await lab.until(lambda: True)
        assert lab.session.state == "running"
        lab.clock.advance(2)
        end = await lab.end()
        assert (end.reason, end.unkilled) == ("idle", [])
        assert lab.cluster.lifelines[0].stdin.endswith(b"end\n")


async def test_output_resizes_and_what_a_terminal_sends_by_itself_are_no_activity() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen())
        for _ in range(10):
            lab.clock.advance(29)
            lab.shell.print(b"tick\r\n\x1b[6n")
            viewer.type(b"\x1b[1;1R", auto=True)
            lab.session.resize(100, 40)
            lab.session.consumers.set_visible(viewer.consumer, True)
            viewer.acknowledge()
        lab.clock.advance(11)
        assert (await lab.end()).reason == "idle"
        await lab.until(lambda: viewer.screen.end)


@pytest.mark.parametrize("act", ["type", "stay"])
async def test_typing_and_stay_extend_and_clear_the_warning(act: str) -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen())
        lab.clock.advance(241)
        warning = next(m for m in viewer.screen.messages if getattr(m, "kind", "") == "idle_warning")
        assert warning.data["seconds"] == 60  # type: ignore[union-attr]  # a Notice
        if act == "type":
            viewer.type(b"x")
        else:
            lab.session.note_activity()
        assert "idle_cleared" in viewer.screen.kinds
        lab.clock.advance(299)
        assert lab.session.state == "running"
        assert viewer.screen.kinds.count("idle_warning") == 2
        lab.clock.advance(2)
        assert (await lab.end()).reason == "idle"


async def test_who_attaches_during_the_warning_is_warned() -> None:
    async with Lab() as lab:
        lab.clock.advance(270)
        screen = Screen()
        lab.attach(screen)
        assert "idle_warning" in screen.kinds


async def test_output_counts_where_the_policy_says_so() -> None:
    async with Lab(output_is_activity=True) as lab:
        for _ in range(5):
            lab.clock.advance(200)
            lab.shell.print(b"tick")
        assert lab.session.state == "running"


async def test_no_timeout_never_ends() -> None:
    async with Lab(idle_timeout_seconds=0) as lab:
        lab.clock.advance(1e6)
        assert lab.session.state == "running"


def test_a_short_timeout_warns_at_its_half() -> None:
    idle = IdleClock(20, now=0)
    assert idle.check(9.9) is None
    assert idle.check(10) is IdleStep.WARN
    assert idle.check(19.9) is None
    assert idle.check(20) is IdleStep.CLOSE
