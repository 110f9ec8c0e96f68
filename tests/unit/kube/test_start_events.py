"""How the events of a start are read: those of real debug containers (tests/transcripts/ephemeral), and what may still heal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from recordings import load

from podshell.kube.objects import Event
from podshell.kube.start_events import Broken, StartEvents, Subject

IMAGE = "example.com/tools:1"


def event(reason: str, message: str, *, count: int = 1, host: str = "worker-1", kind: str = "Pod") -> Event:
    about = {"kind": kind, "namespace": "lab", "name": "cart"}
    fields = {"involvedObject": about, "reason": reason, "message": message, "count": count, "source": {"host": host}}
    return msgspec.convert({"metadata": {"name": "e"}, **fields}, Event)


def recorded(name: str) -> list[Event]:
    """The events of the debug container, each as it came first."""
    every: list[dict[str, Any]] = load(f"ephemeral/{name}").tree["core_events"]
    return [event(one["reason"], one["message"]) for one in every if "ephemeralContainers" in str(one["fieldPath"])]


def read(events: Iterable[Event], image: str = IMAGE) -> tuple[list[str], Broken | None]:
    """What was going on, and the verdict."""
    reader, told = StartEvents(image), []
    for one in events:
        match reader.note(one):
            case Broken() as broken:
                return told, broken
            case "":
                pass
            case text:
                told.append(text)
    return told, None


@pytest.mark.parametrize(
    ("name", "events", "about", "reason", "words"),
    [
        # a firewalled registry; the status says it after 12 s
        ("image-pull-failure", 2, "image localhost/nope:1", "ErrImagePull", "connect: connection refused"),
        ("never-pull", 2, "image localhost/absent:1", "ErrImageNeverPull", "is not present with pull policy of Never"),
        ("invalid-image-name", 2, "image UPPER//bad", "InvalidImageName", "invalid reference format"),
        ("run-as-nonroot", 2, "pod lab/cart", "CreateContainerConfigError", "container has runAsNonRoot and image will run as root"),
        ("bad-command", 3, "pod lab/cart", "RunContainerError", 'exec: "/no/such": stat /no/such'),
    ],
)
def test_a_recorded_debug_container_is_given_up_at_its_first_failure_with_the_word_that_its_status_says_later(
    name: str, events: int, about: str, reason: str, words: str
) -> None:
    waiting = [one["ephemeralContainerStatuses"] for one in load(f"ephemeral/{name}").tree["events"]]
    assert reason in str(waiting)
    image = next(one[0]["image"] for one in waiting if one)
    _, broken = read(recorded(name)[:events], image)
    assert broken is not None
    assert (broken.object, broken.reason) == (about, reason)
    assert words in broken.message
    assert broken.next_step


@pytest.mark.parametrize(
    "words",
    [
        *("not found", "pull access denied, repository does not exist or may require authorization", "manifest unknown"),
        *("unexpected status from HEAD request: 401 Unauthorized", "403 Forbidden"),
        *("dial tcp 192.0.2.1:443: connect: connection refused", "dial tcp: lookup nope.example: no such host"),
        *("dial tcp 192.0.2.1:443: i/o timeout", "connect: no route to host", "x509: certificate signed by unknown authority"),
        "http: server gave HTTP response to HTTPS client",
    ],
)
def test_a_pull_that_no_further_try_helps_is_final_at_once(words: str) -> None:
    _, broken = read([event("Failed", f'Failed to pull image "{IMAGE}": failed to resolve reference: {words}')])
    assert broken is not None
    assert (broken.reason, broken.object) == ("ErrImagePull", f"image {IMAGE}")
    assert broken.message.endswith(words)
    assert "--image" in broken.next_step


RESET = f'Failed to pull image "{IMAGE}": read tcp 10.0.0.1:{{}}->192.0.2.1:443: read: connection reset by peer'


def test_a_pull_that_may_heal_is_given_one_more_try_though_its_words_differ_each_time() -> None:
    first = [event("Failed", RESET.format(40001)), event("Failed", "Error: ErrImagePull")]
    told, broken = read(first)
    assert broken is None
    assert "could not be pulled yet" in told[0]
    _, broken = read([*first, event("Failed", RESET.format(40002)), event("Failed", "Error: ErrImagePull", count=2)])
    assert broken is not None
    assert (broken.reason, "40002" in broken.message) == ("ErrImagePull", True)


def test_the_same_failed_pull_twice_is_final() -> None:
    _, broken = read([event("Failed", RESET.format(40001), count=2)])
    assert broken is not None


def test_a_pull_that_is_put_off_tells_why_it_failed() -> None:
    failed = [event("Failed", RESET.format(40001)), event("Failed", "Error: ErrImagePull")]
    _, broken = read([*failed, event("BackOff", "Back-off pulling image"), event("Failed", "Error: ImagePullBackOff")])
    assert broken is not None
    assert (broken.reason, "connection reset by peer" in broken.message) == ("ImagePullBackOff", True)


def test_a_pull_is_told_with_its_image_and_its_node() -> None:
    told, broken = read([
        event("Pulling", f'Pulling image "{IMAGE}"'),
        event("Pulled", f'Successfully pulled image "{IMAGE}" in 2.1s (2.1s including waiting). Image size: 40 bytes.'),
    ])  # fmt: skip
    assert broken is None
    assert told == [f"pulling the image {IMAGE} on node worker-1", f"the image {IMAGE} is on node worker-1"]


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("FailedMount", 'MountVolume.SetUp failed for volume "mask" : secret "mine" not found'),
        ("FailedCreatePodSandBox", "Failed to create pod sandbox: plugin type=loopback failed (add)"),
        ("NetworkNotReady", "network is not ready: container runtime network not ready"),
    ],
)
def test_trouble_that_may_heal_is_told_meanwhile(reason: str, message: str) -> None:
    assert read([event(reason, message)]) == ([f"{reason}: {message}"], None)


def test_what_every_start_says_is_not_repeated() -> None:
    said = [("Scheduled", "Successfully assigned lab/cart to worker-1"), ("Created", "Container created"), ("Started", "Container started")]
    assert read(event(*one) for one in said) == ([], None)


def test_only_the_events_of_this_pod_and_container_are_asked_for() -> None:
    subject = Subject("Pod", "cart", "u1", "spec.ephemeralContainers{podshell-abcde}")
    assert subject.selector == (
        "involvedObject.kind=Pod,involvedObject.name=cart,involvedObject.uid=u1,"
        "involvedObject.fieldPath=spec.ephemeralContainers{podshell-abcde}"
    )
    assert Subject("Job", "tools").selector == "involvedObject.kind=Job,involvedObject.name=tools"
