"""A pod's life under watch is the one that was recorded (tests/transcripts/lifecycle): the same statuses in the same order.

Compared are phase, observed generation, conditions with reasons and messages, container states, addresses' presence and deletion marks;
not compared: times, ids, and `resources`, which the recorded kubelet filled with limits of its own.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from kubectl_lab import container, lab_content, pod
from kubectl_replay import Kubectl, masked

from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.defaults import fill
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.resources import EVENT, POD
from podshell.sandbox.store import Obj, WatchEvent
from sandbox_fixtures import MakeSandboxCluster

RECORDED = Path(__file__).parents[2] / "transcripts/lifecycle"
SECONDS = 30


@pytest.fixture
async def lab(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster("lab", content=lab_content, timings=Timings(pull_failure_seconds=0.05))


def told(text: str) -> Any:
    return json.loads(re.sub(r"containerd://[0-9a-f]{64}", "containerd://ID", re.sub(r"sha256:[0-9a-f]{64}", "sha256:ID", masked(text))))


def scene(kind: str, metadata: Obj, status: Obj) -> Obj:
    """What a watch event says, as it is compared."""
    containers = []
    for one in status.get("containerStatuses", []):
        kept = {name: value for name, value in one.items() if name not in ("volumeMounts", "resources")}
        for field in ("state", "lastState"):
            kept[field] = {
                name: {word: value for word, value in state.items() if word not in ("startedAt", "finishedAt")}
                for name, state in one[field].items()
            }
        containers.append(kept)
    conditions = [{name: value for name, value in one.items() if name != "lastTransitionTime"} for one in status.get("conditions", [])]
    made = {
        "type": kind,
        "grace": metadata.get("deletionGracePeriodSeconds"),
        "phase": status.get("phase"),
        "observed": status.get("observedGeneration"),
        "has addresses": ("hostIP" in status, "podIP" in status, "startTime" in status),
        "conditions": conditions,
        "containers": containers,
    }
    found: Obj = told(json.dumps(made))
    return found


def recorded_story(name: str) -> list[Obj]:
    story = []
    for event in json.loads((RECORDED / f"{name}.json").read_text())["events"]:
        obj = event.get("object", {})
        told_now = scene(event["type"], obj.get("metadata", event), obj.get("status", event.get("status")))
        if told_now not in story[-1:]:  # some differ in `resources` only
            story.append(told_now)
    return story


class Story:
    """Every change of one pod, told as the recorded ones are."""

    def __init__(self, cluster: SandboxCluster, name: str) -> None:
        self.scenes: list[Obj] = []
        self._cluster = cluster
        self._name = name
        cluster.store.listen(self._on_change)

    def _on_change(self, event: WatchEvent) -> None:
        if event.resource == POD and event.obj["metadata"]["name"] == self._name:
            self.scenes.append(scene(event.type, event.obj["metadata"], event.obj["status"]))

    async def reaches(self, count: int) -> list[Obj]:
        """Wait for so many changes."""
        enough = asyncio.Event()
        unsubscribe = self._cluster.store.listen(lambda _: enough.set() if len(self.scenes) >= count else None)
        async with asyncio.timeout(SECONDS):
            while len(self.scenes) < count:
                enough.clear()
                await enough.wait()
        unsubscribe()
        return self.scenes[:count]


def begin(cluster: SandboxCluster, name: str, *command: str, **fields: object) -> Story:
    story = Story(cluster, name)
    obj = pod("lab2", name, container("main", *command), **fields)
    fill(POD, obj)
    cluster.store.create(POD, obj)
    return story


async def test_from_creation_to_running(lab: SandboxCluster) -> None:
    recorded = recorded_story("create-to-running")
    assert await begin(lab, "life", "sleep", "1000").reaches(len(recorded)) == recorded


async def test_a_crash_loop_up_to_its_first_back_off(lab: SandboxCluster) -> None:
    recorded = recorded_story("crash-loop")
    upto = 1 + next(index for index, one in enumerate(recorded) if "CrashLoopBackOff" in str(one))
    assert await begin(lab, "crashing", "sh", "-c", "echo starting; exit 3").reaches(upto) == recorded_without_name(recorded[:upto])


def recorded_without_name(scenes: list[Obj]) -> list[Obj]:
    """The recorded pod was named crash; that name is taken in the lab."""
    found: list[Obj] = json.loads(json.dumps(scenes).replace("pod=crash_", "pod=crashing_"))
    return found


@pytest.mark.parametrize(("policy", "count"), [("Always", 7), ("Never", 6)])
async def test_the_first_process_ends(lab: SandboxCluster, policy: str, count: int) -> None:
    recorded = recorded_story(f"container-exits-exec-open-{policy.lower()}")
    assert len(recorded) == count
    if policy == "Never":
        # The recorder stopped at the first status of two: phase Running with the container ended, then Failed.
        recorded[-1]["phase"] = "Failed"
        recorded[-1]["conditions"][0]["status"] = "False"
    story = begin(lab, "ending", "sh", "-c", "sleep 0.3; exit 2", restartPolicy=policy)
    assert await story.reaches(count) == recorded


@pytest.mark.parametrize(
    ("recording", "command", "grace"),
    [
        ("delete-with-grace-exec-open", ("sleep", "1000"), 3),
        ("delete-handles-term", ("sh", "-c", "trap 'exit 0' TERM; sleep infinity & wait $!"), 10),
    ],
)
async def test_deletion(lab: SandboxCluster, tmp_path: Path, recording: str, command: tuple[str, ...], grace: int) -> None:
    recorded = recorded_story(recording)
    first = next(index for index, one in enumerate(recorded) if one["grace"] is not None)
    running = len(recorded_story("create-to-running"))
    story = begin(lab, "life", *command, terminationGracePeriodSeconds=grace)
    await story.reaches(running)
    await Kubectl(lab, tmp_path / "kubectl").run("kubectl delete pod life -n lab2 --wait=false")
    told_here = await story.reaches(running + len(recorded) - first)
    # Between the mark and the kubelet's first look the recorded status is the old one; both are told here too.
    assert told_here[running:] == recorded[first:]
    events = [one for one in lab.store.list(EVENT, "lab2") if one["involvedObject"]["name"] == "life"]
    assert [(one["reason"], one["message"]) for one in events if one["reason"] == "Killing"] == [("Killing", "Stopping container main")]
