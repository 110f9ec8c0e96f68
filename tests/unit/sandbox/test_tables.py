"""Status words and ages of table rows, by the rules of the server's printers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from podshell.sandbox import durations
from podshell.sandbox.pod_rows import status_cells
from podshell.sandbox.resources import ALL
from podshell.sandbox.store import Obj
from podshell.sandbox.tables import build_table

NOW = datetime(2026, 11, 22, 13, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (259, "4m19s"),
        (600, "10m"),
        (10_799, "179m"),
        (3 * 3600, "3h"),
        (7 * 3600 + 60, "7h1m"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (49 * 3600, "2d1h"),
        (8 * 86400, "8d"),
        (800 * 86400, "2y70d"),
        (4000 * 86400, "10y"),
    ],
)
def test_ages_are_shortened_as_kubectl_users_know_them(seconds: int, shown: str) -> None:
    assert durations.human(seconds) == shown


def pod(statuses: list[Obj], *, phase: str = "Running", init: list[Obj] | None = None, **fields: Obj) -> Obj:
    spec: Obj = {"containers": [{"name": status["name"]} for status in statuses]}
    status: Obj = {"phase": phase, "containerStatuses": statuses}
    if init is not None:
        spec["initContainers"] = [{"name": entry["name"], **entry.pop("spec", {})} for entry in init]
        status["initContainerStatuses"] = init
    return {"metadata": fields.get("metadata", {}), "spec": spec, "status": status}


def container(name: str = "main", **fields: object) -> Obj:
    return {"name": name, "ready": False, "restartCount": 0, "state": {}, **fields}


RUNNING = {"ready": True, "state": {"running": {}}}


def test_a_crashing_pod_shows_when_it_last_restarted() -> None:
    last = {"terminated": {"exitCode": 1, "finishedAt": "2026-11-22T12:58:53Z"}}
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    crashing = pod([container(restartCount=5, state=state, lastState=last)])
    assert status_cells(crashing, NOW) == ("0/1", "CrashLoopBackOff", "5 (67s ago)")


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ({"terminated": {"exitCode": 3}}, "ExitCode:3"),
        ({"terminated": {"exitCode": 137, "signal": 9}}, "Signal:9"),
        ({"terminated": {"exitCode": 1, "reason": "Error"}}, "Error"),
        ({"waiting": {"reason": "ImagePullBackOff"}}, "ImagePullBackOff"),
        ({"waiting": {}}, "Running"),
    ],
)
def test_the_state_of_the_container_gives_the_word(state: Obj, word: str) -> None:
    assert status_cells(pod([container(state=state)]), NOW)[1] == word


def test_init_containers_are_counted_until_they_are_done() -> None:
    init = [container("one", state={"terminated": {"exitCode": 0}}), container("two", state={"running": {}})]
    assert status_cells(pod([container()], phase="Pending", init=init), NOW) == ("0/1", "Init:1/2", "0")
    init = [container("one", state={"waiting": {"reason": "ImagePullBackOff"}})]
    assert status_cells(pod([container()], phase="Pending", init=init), NOW)[1] == "Init:ImagePullBackOff"


def test_a_sidecar_counts_as_a_container() -> None:
    sidecar = container("proxy", started=True, spec={"restartPolicy": "Always"}, **RUNNING)
    assert status_cells(pod([container(**RUNNING)], init=[sidecar]), NOW)[0] == "2/2"


def test_a_deleted_pod_is_terminating_unless_it_has_ended() -> None:
    deleted: Obj = {"deletionTimestamp": "2026-11-22T12:59:00Z"}
    assert status_cells(pod([container(**RUNNING)], metadata=deleted), NOW)[1] == "Terminating"
    ended = container(state={"terminated": {"reason": "Completed", "exitCode": 0}})
    assert status_cells(pod([ended], phase="Succeeded", metadata=deleted), NOW)[1] == "Completed"


def test_one_of_two_containers_that_ended_leaves_the_pod_not_ready() -> None:
    ended = container("a", state={"terminated": {"reason": "Completed", "exitCode": 0}})
    both = pod([ended, container("b", **RUNNING)])
    assert status_cells(both, NOW)[:2] == ("1/2", "NotReady")
    both["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    assert status_cells(both, NOW)[1] == "Running"


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.plural)
def test_every_row_has_a_cell_for_every_column(resource: object) -> None:
    bare: Obj = {"metadata": {"name": "x"}}
    table = build_table(resource, [bare], {}, include="None")  # type: ignore[arg-type]  # parametrize erases the type
    if resource.plural not in ("limitranges", "resourcequotas"):  # type: ignore[attr-defined]  # the same
        assert len(table["rows"][0]["cells"]) == len(table["columnDefinitions"])
