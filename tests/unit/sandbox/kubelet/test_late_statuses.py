"""What a kubelet says of a debug container that does not start, and when: events at once, the status only at its next look at the pod.

The oracle is tests/transcripts/ephemeral; its 12 s between two looks are a tenth of a second here.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_kubelet import FakeNode, OneNode, main

from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.kubelet.kubelet import Kubelet
from podshell.sandbox.resources import EVENT, POD
from podshell.sandbox.runtime.images import Image
from podshell.sandbox.runtime.specs import ImagePullFailed
from podshell.sandbox.store import Obj, WatchEvent

RECORDINGS = Path(__file__).parents[3] / "transcripts" / "ephemeral"
SYNC_SECONDS = 0.12
# The back-off of 10 s, in the same measure; what this is not about is long enough to be seen if it is used.
SCALED = Timings(backoff_base_seconds=0.1, pull_failure_seconds=60.0, create_retry_seconds=60.0, ephemeral_sync_seconds=SYNC_SECONDS)
CASES: dict[str, dict[str, object]] = {
    "image-pull-failure": {},
    "never-pull": {"imagePullPolicy": "Never"},
    "invalid-image-name": {},
    "run-as-nonroot": {"securityContext": {"runAsNonRoot": True}},
}


class Recording:
    """What was recorded: the debug container, its statuses in order, and its events in the order in which each was first seen."""

    def __init__(self, name: str) -> None:
        tree = json.loads((RECORDINGS / f"{name}.json").read_text())
        seen = [one["ephemeralContainerStatuses"][0] for one in tree["events"] if one["ephemeralContainerStatuses"]]
        self.fields = CASES[name]
        self.name, self.image = seen[0]["name"], seen[0]["image"]
        self.waiting = [one["state"]["waiting"] for one in seen]
        path = f"spec.ephemeralContainers{{{self.name}}}"
        self.events = [(one["reason"], one["message"]) for one in tree["core_events"] if one["fieldPath"] == path]


class Registry(FakeNode):
    """A node whose pulls fail with the recorded words."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._failing = recording

    def pull(self, image: str) -> Image:
        reason, message = self._failing.waiting[1]["reason"], self._failing.waiting[1]["message"]
        if image != self._failing.image or reason == "CreateContainerConfigError":
            return super().pull(image)
        raise ImagePullFailed(message, reason="InvalidImageName") if reason == "InvalidImageName" else ImagePullFailed(message)


class Story:
    """Statuses and events of the debug container, as they came."""

    def __init__(self) -> None:
        self.waiting: list[Obj] = []
        self.events: list[tuple[str, str]] = []
        self.events_before_failure: list[tuple[str, str]] = []
        self.seconds = 0.0
        self.changed = asyncio.Event()
        self._begin = asyncio.get_running_loop().time()

    def note(self, event: WatchEvent) -> None:
        if event.resource == EVENT and "ephemeralContainers" in str(event.obj["involvedObject"]):
            if (told := (event.obj["reason"], event.obj["message"])) not in self.events:
                self.events.append(told)
        elif event.resource == POD:
            for status in event.obj["status"].get("ephemeralContainerStatuses", []):
                if status["state"].get("waiting") not in (None, *self.waiting[-1:]):
                    self.waiting.append(status["state"]["waiting"])
                    if len(self.waiting) == 2:  # the first says ContainerCreating
                        self.events_before_failure = list(self.events)
                        self.seconds = asyncio.get_running_loop().time() - self._begin
        self.changed.set()


@pytest.fixture(params=CASES)
async def recording(request: pytest.FixtureRequest) -> Recording:
    return Recording(request.param)


@pytest.fixture
async def lab(recording: Recording) -> AsyncIterator[OneNode]:
    made = OneNode()
    made.kubelet = Kubelet(made.store, EventRecorder(made.store), Registry(recording), SCALED)
    await made.kubelet.start()
    yield made
    await made.kubelet.stop()


async def test_a_debug_container_that_does_not_start_is_told_as_recorded(lab: OneNode, recording: Recording) -> None:
    lab.create(main())
    pod = await lab.until("'running'")
    story = Story()
    lab.store.listen(story.note)
    debugger = main(recording.name, image=recording.image, **recording.fields)
    lab.store.modify(POD, "shop", "web", lambda one: one["spec"].update(ephemeralContainers=[debugger]))
    async with asyncio.timeout(10):
        while len(story.waiting) < len(recording.waiting):
            story.changed.clear()
            await story.changed.wait()
    about = f'(pod: "web_shop({pod["metadata"]["uid"]})", container: {recording.name})'

    def here(text: str) -> str:
        return text.partition(" (pod: ")[0] + f" {about}" if " (pod: " in text else text

    assert story.waiting == [{name: here(text) for name, text in one.items()} for one in recording.waiting]
    expected = [(reason, here(message)) for reason, message in recording.events]
    assert story.events == expected
    # what is known at once is an event long before it is a status
    assert story.events_before_failure == [one for one in expected if one[0] != "BackOff" and "BackOff" not in one[1]]
    assert story.seconds >= SYNC_SECONDS
