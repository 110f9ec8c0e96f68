"""Who reads a session's output, and who may slow it (design.md "Who may slow a shell")."""

from __future__ import annotations

import pytest
from agent_fakes import EPOCH, Lab, Screen

from podshell.agent.consumers import VANISHED_SECONDS
from podshell.agent.ends import Stop
from podshell.wire.messages import Position

WINDOW = 64 * 1024
LINE = b"0123456789abcde\n"


def flood(lab: Lab, total: int) -> int:
    """Print until the agent pauses the shell, at most `total` bytes; returns how many were printed."""
    printed = 0
    while printed < total and not lab.shell.paused:
        lab.shell.print(LINE * 512)
        printed += 512 * len(LINE)
    return printed


async def test_a_visible_owner_that_does_not_acknowledge_pauses_the_shell_and_resumes_it_at_half() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen(window=WINDOW, acknowledges=False))
        printed = flood(lab, 10 * WINDOW)
        assert WINDOW <= printed <= WINDOW + 8192
        viewer.acknowledge()
        assert not lab.shell.paused
        assert viewer.screen.kinds.count("reading_paused") == 1


@pytest.mark.parametrize(("role", "visible"), [("owner", False), ("observer", True), ("recorder", True)])
async def test_nobody_else_slows_the_shell_and_a_gap_is_told_and_repainted(role: str, visible: bool) -> None:
    async with Lab(ring_bytes=128 * 1024) as lab:
        lab.clock.advance(VANISHED_SECONDS + 1)  # nobody is awaited any more
        viewer = lab.attach(Screen(window=WINDOW, acknowledges=False), role=role, visible=visible)
        total = flood(lab, 1024 * 1024)
        assert total == 1024 * 1024
        viewer.acknowledge()
        (gap,) = viewer.screen.gaps
        assert gap[0] == WINDOW
        assert viewer.screen.output[WINDOW:].startswith(LINE)  # begins at a line, not inside one
        lab.clock.advance(1)
        assert lab.shell.redraws == 1


async def test_output_before_the_first_owner_comes_waits_for_it_for_30_seconds() -> None:
    async with Lab(ring_bytes=64 * 1024) as lab:
        printed = flood(lab, 1024 * 1024)
        assert lab.shell.paused
        viewer = lab.attach(Screen())
        viewer.acknowledge()
        assert not lab.shell.paused
        assert len(viewer.screen.output) == printed + len(b"$ ")
    async with Lab() as lab:
        flood(lab, 1024 * 1024)
        lab.clock.advance(VANISHED_SECONDS + 1)
        assert not lab.shell.paused


async def test_a_hidden_owner_that_becomes_visible_brakes() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen(window=WINDOW, acknowledges=False), visible=False)
        assert flood(lab, 4 * WINDOW) == 4 * WINDOW
        lab.session.consumers.set_visible(viewer.consumer, True)
        assert lab.shell.paused
        lab.session.consumers.set_visible(viewer.consumer, False)
        assert not lab.shell.paused


async def test_a_visible_owner_that_vanishes_loses_nothing_for_30_seconds() -> None:
    async with Lab(ring_bytes=128 * 1024) as lab:
        viewer = lab.attach(Screen(window=WINDOW, acknowledges=False))
        flood(lab, WINDOW // 2)
        seen = viewer.screen.offset
        viewer.vanish()
        flood(lab, 10 * WINDOW)
        assert lab.shell.paused
        lab.clock.advance(VANISHED_SECONDS - 1)
        again = Screen(window=WINDOW)
        lab.attach(again, resume=Position(EPOCH, seen))
        assert again.attached is not None
        assert (again.attached.start, again.attached.reset, again.attached.lost) == (seen, False, False)
        assert again.offset == lab.session.log.head
        assert bytes(viewer.screen.output + again.output) == b"$ " + LINE * ((len(viewer.screen.output + again.output) - 2) // len(LINE))


async def test_after_30_seconds_a_vanished_owner_slows_nobody() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen(window=WINDOW, acknowledges=False))
        viewer.vanish()
        flood(lab, 10 * WINDOW)
        assert lab.shell.paused
        lab.clock.advance(VANISHED_SECONDS + 1)
        assert not lab.shell.paused


async def test_a_viewer_that_detached_on_purpose_slows_nobody() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen(window=WINDOW, acknowledges=False))
        flood(lab, 10 * WINDOW)
        lab.session.consumers.forget(viewer.consumer)
        assert not lab.shell.paused


async def test_a_resume_beyond_the_ring_says_that_output_is_lost_and_begins_at_a_line() -> None:
    async with Lab(ring_bytes=64 * 1024) as lab:
        lab.clock.advance(VANISHED_SECONDS + 1)
        flood(lab, 1024 * 1024)
        screen = Screen()
        lab.attach(screen, resume=Position(EPOCH, 5))
        assert screen.attached is not None
        assert (screen.attached.reset, screen.attached.lost) == (True, True)
        assert screen.output.startswith(LINE)
        lab.clock.advance(1)
        assert lab.shell.redraws == 1


async def test_another_epoch_is_a_reset() -> None:
    async with Lab() as lab:
        screen = Screen()
        lab.attach(screen, resume=Position("earlier", 12345))
        assert screen.attached is not None
        assert (screen.attached.start, screen.attached.reset, screen.attached.lost) == (0, True, False)


async def test_the_same_viewer_on_a_new_connection_takes_the_place_of_the_old() -> None:
    async with Lab() as lab:
        old = lab.attach(Screen(acknowledges=False))
        new = Screen()
        lab.attach(new)
        assert old.screen.refusal is not None
        assert len(lab.session.consumers) == 1


async def test_the_end_comes_behind_the_last_byte() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen(window=WINDOW, acknowledges=False))
        flood(lab, 10 * WINDOW)
        lab.shell.print(b"last words")
        lab.session.stop(Stop("closed"))
        await lab.end()
        assert viewer.screen.end is None
        viewer.acknowledge()
        await lab.until(lambda: viewer.screen.end)
        assert viewer.screen.output.endswith(b"last words")


async def test_all_windows_together_fit_into_the_budget() -> None:
    async with Lab(budget_bytes=96 * 1024) as lab:
        lab.attach(Screen(window=WINDOW * 8, acknowledges=False))
        printed = flood(lab, 1024 * 1024)
        assert printed <= 96 * 1024 + 8192
        assert lab.budget.used_bytes <= 96 * 1024 + 8192
