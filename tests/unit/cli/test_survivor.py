"""What outlives `kubectl shell`: which pods it reads from its pipe, and how patiently it removes them."""

from __future__ import annotations

import os
from typing import Any, cast

import pytest

from podshell.cli.last_removal import PATIENCE_SECONDS, SURE_SECONDS, remove_pod
from podshell.cli.survivor import Survivor, read_noted
from podshell.kube.errors import Forbidden, KubeError, NotFound, Unreachable
from podshell.kube.manifests import SESSION_LABEL
from podshell.kube.objects import Metadata, ObjectMeta
from podshell.kube.rest import Client

POD = Metadata(ObjectMeta(name="one", uid="u-1", labels={SESSION_LABEL: "mine"}))
MISSING = NotFound("no such pod", status_code=404)
REFUSED = Forbidden("no", status_code=403)


class ApiServer:
    """Answers one thing after the other, the last one for ever; remembers what was deleted and how long nobody asked."""

    def __init__(self, *answers: Metadata | KubeError) -> None:
        self._answers = list(answers)
        self.deleted: list[dict[str, Any]] = []
        self.waited = 0.0

    async def get(self, path: str, kind: type[Metadata]) -> Metadata:
        assert (path, kind) == ("/api/v1/namespaces/space/pods/one", Metadata)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, KubeError):
            raise answer
        return answer

    async def delete(self, path: str, **options: Any) -> None:
        self.deleted.append({"path": path, **options})

    async def pause(self, seconds: float) -> None:
        self.waited += seconds

    async def remove(self) -> bool:
        return await remove_pod(cast(Client, self), "space", "one", "mine", self.pause)


async def test_a_pod_is_removed_by_its_uid() -> None:
    server = ApiServer(POD)
    assert await server.remove()
    assert server.deleted == [
        {"path": "/api/v1/namespaces/space/pods/one", "grace_seconds": 0, "uid": "u-1", "propagation": "Background"},
    ]
    assert server.waited == 0


async def test_a_pod_whose_create_is_on_its_way_is_waited_for() -> None:
    server = ApiServer(MISSING, MISSING, POD)
    assert await server.remove()
    assert len(server.deleted) == 1


async def test_a_server_that_is_away_is_waited_for() -> None:
    server = ApiServer(*[Unreachable("api", "gone")] * 12, POD)
    assert await server.remove()
    assert SURE_SECONDS < server.waited < PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        pytest.param(MISSING, SURE_SECONDS, 2 * SURE_SECONDS, id="it never came"),
        pytest.param(Unreachable("api", "gone"), PATIENCE_SECONDS, PATIENCE_SECONDS + SURE_SECONDS, id="the server stays away"),
        pytest.param(REFUSED, 0, 0, id="pods may not be read"),
        pytest.param(Metadata(ObjectMeta(name="one", uid="u-2", labels={SESSION_LABEL: "theirs"})), 0, 0, id="the name is another's"),
        pytest.param(Metadata(ObjectMeta(name="one", uid="u-2")), 0, 0, id="not ours at all"),
    ],
)
async def test_it_gives_up(answer: Metadata | KubeError, least: float, most: float) -> None:
    server = ApiServer(answer)
    assert not await server.remove()
    assert server.deleted == []
    assert least <= server.waited <= most


def test_what_was_noted_and_not_forgotten_is_read_from_the_pipe() -> None:
    reading, writing = os.pipe()
    ours = Survivor(0, writing)
    ours.note("space", "one")
    ours.note("space", "two")
    ours.note("other", "three")
    ours.forget("space", "one")
    ours.close()
    assert read_noted(reading) == [("space", "two"), ("other", "three")]
    os.close(reading)


def test_a_survivor_that_was_killed_is_no_reason_to_fail() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ours = Survivor(0, writing)
    ours.note("space", "one")
    ours.close()
    ours.forget("space", "one")
