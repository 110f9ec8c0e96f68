"""Which node pods are left over: those of ended sessions and of sessions that nobody has, and never another agent's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from agent_fakes import VirtualClock

from podshell.agent.leftovers import INSTANCE_LABEL, JobMeta, JobStatus, Leftovers, MadeJob
from podshell.agent.settings import ToolsSettings
from podshell.kube.manifests import EXPIRES, SESSION_LABEL


class Lab:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.live: set[str] = set()
        client = cast("Any", None)  # judging reads nothing
        self.leftovers = Leftovers(client, ToolsSettings(patience_seconds=60), self.clock, "agent-1", lambda: self.live)

    def job(self, session: str = "s1", *, instance: str = "agent-1", lives_seconds: float = 3600, **status: Any) -> MadeJob:
        expires = datetime.fromtimestamp(self.clock.now + lives_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        labels = {SESSION_LABEL: session, INSTANCE_LABEL: instance}
        return MadeJob(JobMeta("node-1-x", "podshell", f"uid-{session}", labels, {EXPIRES: expires}), JobStatus(**status))

    def judged(self, *jobs: MadeJob) -> list[str]:
        return [one.why for one in self.leftovers.judge(list(jobs))]


def test_a_job_of_a_live_session_stays() -> None:
    lab = Lab()
    lab.live = {"s1"}
    job = lab.job()
    for _ in range(3):
        assert lab.judged(job) == []
        lab.clock.advance(100)


def test_a_job_without_a_session_goes_when_nobody_came_for_it_in_time() -> None:
    lab = Lab()
    job = lab.job()
    assert lab.judged(job) == []
    lab.clock.advance(59)
    assert lab.judged(job) == []
    lab.clock.advance(1)
    assert lab.judged(job) == ["it has no session"]


def test_a_session_that_comes_back_starts_the_time_anew() -> None:
    lab = Lab()
    job = lab.job()
    assert lab.judged(job) == []
    lab.clock.advance(59)
    lab.live = {"s1"}
    assert lab.judged(job) == []
    lab.live = set()
    lab.clock.advance(10)
    assert lab.judged(job) == []


def test_another_agents_job_is_not_ours_to_judge_until_it_is_over() -> None:
    lab = Lab()
    job = lab.job(instance="agent-2")
    assert lab.judged(job) == []
    lab.clock.advance(1000)
    assert lab.judged(job) == []
    assert lab.judged(lab.job(instance="agent-2", completion_time="2026-01-01T00:00:00Z")) == ["its shell has ended"]
    assert lab.judged(lab.job(instance="agent-2", lives_seconds=-1)) == ["its time is over"]


def test_finished_and_failed_jobs_go_at_once() -> None:
    lab = Lab()
    assert lab.judged(lab.job(failed=1), lab.job("s2", completion_time="2026-01-01T00:00:00Z")) == ["its shell has ended"] * 2
