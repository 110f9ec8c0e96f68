"""kill -9 of gateway and agent: the objects that they leave go by themselves. Deadline and ttl of Jobs pass in virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from test_stack_killed import EVERYTHING, NODE, PULL_SECONDS, SHORT, every_phase, observing, pytestmark

from podshell.agent.settings import ToolsSettings
from podshell.sandbox.controllers import jobs, owners
from podshell.sandbox.kubelet.faults import PodFault
from stack import MakeStack

__all__ = ["pytestmark"]
NEVER = "127.0.0.1:1/podshell/never:1"
# How long an image that never comes may keep its Job: the deadline of the session.
TTL_SECONDS = 600


async def test_jobs_and_pods_of_every_phase_are_removed_after_gateway_and_agent_are_killed(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = await make_stack(gateway_process=True, agent_process=True, ceiling=EVERYTHING, tools=SHORT)
    async with observing(stack.cluster.sandbox) as observer, every_phase(stack, observer):
        await asyncio.gather(stack.kill_gateway(), stack.cluster.kill_agent())
        await observer.until("living")
        assert await observer.objects(), "that they are removed shows nothing where there are none"
        monkeypatch.setattr(jobs, "now", lambda: owners.now() + timedelta(seconds=61))  # their ttlSecondsAfterFinished
        await observer.touch_jobs()
        await observer.until("objects")


async def test_a_job_whose_image_never_comes_is_removed_at_its_deadline_when_its_agent_is_killed(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = ToolsSettings(image_repository="tools", image_version="1", patience_seconds=3, allowed_images=(NEVER,))
    stack = await make_stack(gateway_process=True, agent_process=True, ceiling=EVERYTHING, tools=tools)
    stack.cluster.sandbox.node_faults.add(PodFault(pod="podshell-", pull_seconds=PULL_SECONDS))  # the agent is killed before it gives up
    async with observing(stack.cluster.sandbox) as observer:
        await stack.open_session(**NODE, debug={"image": NEVER, "ttl_seconds": TTL_SECONDS})
        await observer.until("living", empty=False)
        await asyncio.gather(stack.kill_gateway(), stack.cluster.kill_agent())
        monkeypatch.setattr(jobs, "now", lambda: owners.now() + timedelta(seconds=TTL_SECONDS - 60))
        await observer.touch_jobs()
        assert len(await observer.objects()) == 2, "the Job and its pod wait for the image"
        monkeypatch.setattr(jobs, "now", lambda: owners.now() + timedelta(seconds=TTL_SECONDS + 1))
        await observer.touch_jobs()
        await observer.until("living")
        monkeypatch.setattr(jobs, "now", lambda: owners.now() + timedelta(seconds=TTL_SECONDS + 100))
        await observer.touch_jobs()
        await observer.until("objects")
