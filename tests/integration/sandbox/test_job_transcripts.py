"""The life of a Job under watch is the one that was recorded (tests/transcripts/node/job-*), down to its last event.

Compared are conditions with reasons and messages, the counts, deletion marks and finalizers of the Job, and what is said about it.
Not compared: times, `uncountedTerminatedPods` (the sandbox counts at once, without tracking finalizers on pods), and a `ready` that two
writes of the recorded controller show one after the other.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import aiohttp
import pytest
from kubectl_lab import container, worker

from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import Content, manifests
from podshell.sandbox.defaults import fill, label_job
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.resources import EVENT, JOB, POD
from podshell.sandbox.store import Obj, WatchEvent
from sandbox_fixtures import MakeSandboxCluster

RECORDED = Path(__file__).parents[2] / "transcripts/node"


def empty_content(_: str, version: str) -> Content:
    return Content([worker(version), manifests.namespace("lab"), manifests.service_account("lab", "default")])


@pytest.fixture
async def lab(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster("lab", content=empty_content, timings=Timings(forced_kill_seconds=0.05))


def scene(kind: str, metadata: Obj, status: Obj) -> Obj:
    left_out = ("startTime", "completionTime", "uncountedTerminatedPods", "ready", "conditions")
    conditions = [(one["type"], one["status"], one.get("reason"), one.get("message")) for one in status.get("conditions", [])]
    return {
        "type": kind,
        "marks": ("deletionTimestamp" in metadata, metadata.get("deletionGracePeriodSeconds"), tuple(metadata.get("finalizers") or ())),
        "conditions": conditions,
        "counts": {name: value for name, value in status.items() if name not in left_out},
    }


def without_repeats(scenes: list[Obj]) -> list[Obj]:
    return [one for index, one in enumerate(scenes) if index == 0 or one != scenes[index - 1]]


def recorded(name: str) -> tuple[list[Obj], list[tuple[str, str]]]:
    """The Job's scenes, and reasons and messages of the Events about it."""
    transcript = json.loads((RECORDED / f"{name}.json").read_text())
    scenes = [scene(one["type"], one, one.get("status", {})) for one in transcript["events"] if one["kind"] == "Job"]
    events = [one for one in transcript["events"] if one["kind"] == "Event" and str(one.get("about")).startswith("Job/")]
    return without_repeats(scenes), [(one["reason"], one["message"].rpartition("-")[0] or one["message"]) for one in events]


class Watched:
    """Every change of one Job and of its pods, until all of them are gone."""

    def __init__(self, cluster: SandboxCluster, name: str) -> None:
        self.scenes: list[Obj] = []
        self.events: list[tuple[str, str]] = []
        self.gone = asyncio.Event()
        self.running = asyncio.Event()
        self._name = name
        self._left = 0
        cluster.store.listen(self._on_change)

    def _on_change(self, event: WatchEvent) -> None:
        metadata = event.obj["metadata"]
        mine = metadata["name"] == self._name or metadata.get("generateName") == f"{self._name}-"
        if event.resource == JOB and mine:
            self.scenes.append(scene(event.type, metadata, event.obj.get("status", {})))
        if event.resource in (JOB, POD) and mine:
            self._left += {"ADDED": 1, "DELETED": -1}.get(event.type, 0)
            if "'running'" in str(event.obj.get("status")):
                self.running.set()
            if not self._left:
                self.gone.set()
        if event.resource == EVENT and event.type == "ADDED" and event.obj["involvedObject"]["name"] == self._name:
            message = event.obj["message"]
            self.events.append((event.obj["reason"], message.rpartition("-")[0] or message))


def begin(cluster: SandboxCluster, name: str, script: str, *, grace: int = 0, **spec: object) -> Watched:
    watched = Watched(cluster, name)
    pods: Obj = {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": grace}}
    pods["spec"]["containers"] = [container("shell", "sh", "-c", script)]
    made: Obj = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "lab"}}
    made["spec"] = {"backoffLimit": 0, "template": pods, **spec}
    fill(JOB, made)
    made["metadata"]["uid"] = str(uuid.uuid4())
    label_job(made)
    cluster.store.create(JOB, made)
    return watched


@pytest.mark.parametrize(
    ("name", "story", "script", "spec"),
    [
        # Grace 1 instead of 0: without tracking finalizers a pod with 0 is never seen terminating.
        ("job-deadline-ttl", "dl5", "sleep 60", {"activeDeadlineSeconds": 3, "ttlSecondsAfterFinished": 1, "grace": 1}),
        ("job-failure-ttl", "fail1", "exit 3", {"ttlSecondsAfterFinished": 1}),
        ("job-success-ttl", "ok1", "exit 0", {"ttlSecondsAfterFinished": 1}),
    ],
)
async def test_a_job_ends_and_expires_as_recorded(lab: SandboxCluster, name: str, story: str, script: str, spec: Obj) -> None:
    watched = begin(lab, story, script, **spec)
    async with asyncio.timeout(30):
        await watched.gone.wait()
    scenes, events = recorded(name)
    assert without_repeats(watched.scenes) == scenes
    assert watched.events == events


async def test_a_pod_without_grace_counts_as_failed_at_the_deadline(lab: SandboxCluster) -> None:
    watched = begin(lab, "dl0", "sleep 60", activeDeadlineSeconds=2, ttlSecondsAfterFinished=0)
    async with asyncio.timeout(30):
        await watched.gone.wait()
    assert watched.scenes[-1]["counts"] == {"failed": 1, "terminating": 0}


async def delete(cluster: SandboxCluster, name: str, query: str) -> tuple[Obj, str]:
    url = f"{cluster.url}/apis/batch/v1/namespaces/lab/jobs/{name}?{query}"
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {cluster.token()}"}
        async with session.delete(url, headers=headers, ssl=False) as answer:
            body: Obj = await answer.json()
            return body, answer.headers.get("Warning", "")


async def test_deleting_a_running_job_takes_its_pod_along(lab: SandboxCluster) -> None:
    watched = begin(lab, "del0", "sleep 60")
    async with asyncio.timeout(30):
        await watched.running.wait()
        body, warning = await delete(lab, "del0", "propagationPolicy=Background&gracePeriodSeconds=0")
        await watched.gone.wait()
    transcript = json.loads((RECORDED / "job-delete-background.json").read_text())
    answered = transcript["http"]["body"]
    assert warning == ""
    assert body | {"details": body["details"] | {"uid": ""}} == answered | {"details": answered["details"] | {"uid": ""}}
    assert without_repeats(watched.scenes) == recorded("job-delete-background")[0]


async def test_a_foreground_deletion_lets_the_job_go_after_its_pod(lab: SandboxCluster) -> None:
    watched = begin(lab, "delf", "sleep 60")
    async with asyncio.timeout(30):
        await watched.running.wait()
        body, _ = await delete(lab, "delf", "propagationPolicy=Foreground")
        await watched.gone.wait()
    assert body["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert without_repeats(watched.scenes)[-1]["marks"] == recorded("job-delete-foreground")[0][-1]["marks"]


async def test_without_a_word_the_pods_of_a_job_stay(lab: SandboxCluster) -> None:
    watched = begin(lab, "kept", "sleep 60")
    async with asyncio.timeout(30):
        await watched.running.wait()
        _, warning = await delete(lab, "kept", "")
    assert "child pods are preserved by default when jobs are deleted" in warning
    (pod,) = [one for one in lab.store.list(POD, "lab") if one["metadata"].get("generateName") == "kept-"]
    assert "ownerReferences" not in pod["metadata"]
