"""Signs of life: what a shell's lifeline is told while nothing else is, and what becomes of a session whose container did not hear them."""

from __future__ import annotations

from agent_fakes import Lab

from podshell.kube.exec_ends import Exited
from podshell.kube.lifeline import BEAT_LINE, BEAT_SECONDS, SILENCE_SECONDS


async def test_a_lifeline_hears_of_us_from_its_beginning_until_it_is_told_to_end() -> None:
    async with Lab() as lab:
        (lifeline,) = lab.cluster.lifelines
        begun = bytes(lifeline.stdin)
        assert begun.startswith(BEAT_LINE)
        lab.clock.advance(4 * BEAT_SECONDS)
        assert bytes(lifeline.stdin) == begun + 4 * BEAT_LINE
        lab.shell.end(Exited(0))
        await lab.end()
        told = bytes(lifeline.stdin)
        assert told.endswith(b"end\n")
        lab.clock.advance(4 * BEAT_SECONDS)
        assert bytes(lifeline.stdin) == told


def test_several_signs_of_life_may_be_lost() -> None:
    assert SILENCE_SECONDS >= 5 * BEAT_SECONDS


async def test_a_shell_that_ended_because_nobody_was_heard_was_lost_and_did_not_exit() -> None:
    """Whoever was stopped for a while (SIGSTOP, a laptop that slept) reads of both at once, in any order."""
    async with Lab() as lab:
        lab.shell.end(Exited(129))
        lab.cluster.lifelines[0].print(b"t\nk 41 sh\nd\n")
        await lab.until(lambda: len(lab.cluster.shells) == 2 and lab.session.state == "running")
        assert "heard nothing from here" in str(lab.told[1][1]["cause"])
        assert lab.session.incarnation == 2


async def test_a_lifeline_that_has_not_heard_of_us_is_the_shells_loss_while_that_still_lives() -> None:
    async with Lab() as lab:
        lab.cluster.lifelines[0].print(b"t\n")
        await lab.until(lambda: len(lab.cluster.shells) == 2 and lab.session.state == "running")
        assert lab.cluster.shells[0].aborted


async def test_each_new_shell_has_signs_of_life_of_its_own() -> None:
    async with Lab() as lab:
        lab.cluster.lifelines[0].print(b"t\nd\n")
        await lab.until(lambda: len(lab.cluster.lifelines) >= 2 and lab.session.state == "running" and lab.session.incarnation == 2)
        old, new = lab.cluster.lifelines[0], lab.cluster.lifelines[-1]
        before = bytes(old.stdin), bytes(new.stdin)
        lab.clock.advance(BEAT_SECONDS)
        assert (bytes(old.stdin), bytes(new.stdin)) == (before[0], before[1] + BEAT_LINE)
