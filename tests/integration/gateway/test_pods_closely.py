"""A pod's drawer, from the page to the cluster: details, events, and logs with credit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pod_lab import PATIENCE_SECONDS, PodLab, running_pods, settled

from podshell.agent.ceiling import Ceiling
from podshell.agent.logs import WAITING_BYTES
from podshell.gateway.logs import WINDOW_BYTES
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.resources import POD
from sandbox_fixtures import MakeSandboxCluster
from terminal_client import ApiError
from troubled_content import troubled_content


@pytest.fixture
async def cluster(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster(content=troubled_content)


@pytest.fixture
async def pods(cluster: SandboxCluster, tmp_path: Path) -> AsyncIterator[PodLab]:
    async with running_pods(tmp_path, cluster, Ceiling(pod_exec=True)) as lab:
        yield lab


async def test_details_and_events_come_by_one_request_each(pods: PodLab) -> None:
    name = pods.pod_name("missing")
    details = await pods.api.call("GET", pods.path(name, "/details"))
    assert (details["name"], details["containers"][0]["image"]) == (name, "localhost/missing:1")  # type: ignore[index]  # JSON
    assert [owner["kind"] for owner in details["owners"]] == ["ReplicaSet", "Deployment"]  # type: ignore[attr-defined, index]  # JSON
    events = await pods.api.call("GET", pods.path(name, "/events"))
    assert "Scheduled" in {event["reason"] for event in events}  # type: ignore[index]  # JSON
    with pytest.raises(ApiError) as gone:
        await pods.api.call("GET", pods.path("nobody", "/details"))
    assert (gone.value.status, gone.value.error["code"]) == (404, "not_found")
    with pytest.raises(ApiError) as wrong:
        await pods.api.call("GET", pods.path("a,b", "/details"))
    assert wrong.value.error["code"] == "bad_request"


async def test_a_page_follows_a_pod_and_its_events(pods: PodLab) -> None:
    page = await pods.page()
    name = pods.pod_name("crasher")
    await page.send(subscribe="d", topic="pod", cluster="lab", namespace="shop", name=name)
    await page.send(subscribe="e", topic="events", cluster="lab", namespace="shop", name=name, kind="Pod")
    await page.until(lambda: {"d", "e"} <= page.complete and page.rows["d"])

    def ended() -> bool:
        (row,) = page.rows["d"].values()
        return row["containers"][0].get("last_termination", {}).get("exit_code") == 3

    await page.until(ended)
    await page.until(lambda: "BackOff" in {row["reason"] for row in page.rows["e"].values()})
    watched = [(row.pod, row.details) for row in await pods.audit("inventory.watch") if row.pod == name]
    assert {str(details["kind"]) for _, details in watched} == {"pod", "events"}
    await page.socket.close()


async def test_a_log_is_read_in_every_way(pods: PodLab) -> None:
    page = await pods.page()
    whole = "line 1\nline 2\nline 3\nmain ready\n"
    await page.read_log("followed", "lonely")
    await page.until(lambda: page.texts["followed"] == whole)
    await page.read_log("all", "lonely", follow=False, tail_lines=None)
    await page.read_log("tail", "lonely", follow=False, tail_lines=1)
    await page.read_log("stamped", "lonely", follow=False, tail_lines=1, timestamps=True)
    await page.until(lambda: {"all", "tail", "stamped"} <= page.ends.keys())
    assert page.ends == {"all": None, "tail": None, "stamped": None}
    assert (page.texts["all"], page.texts["tail"]) == (whole, "main ready\n")
    assert page.offsets["all"] == len(whole)
    stamp, _, line = page.texts["stamped"].partition(" ")
    assert (stamp.endswith("Z"), line) == (True, "main ready\n")
    await page.socket.close()


async def test_the_log_of_the_run_before_a_crash_is_there(pods: PodLab) -> None:
    name = pods.pod_name("crasher")

    def restarted() -> bool:
        found = pods.cluster.store.get(POD, "shop", name)
        return bool(found) and any(one["restartCount"] for one in (found or {})["status"].get("containerStatuses", []))

    await settled(restarted, "a restart")
    page = await pods.page()
    await page.read_log("before", name, previous=True, follow=False)
    await page.until(lambda: "before" in page.ends)
    assert page.ends["before"] is None
    assert page.texts["before"].endswith("fatal: no model\n")
    await page.socket.close()


async def test_why_there_is_no_log_is_said_and_audited(pods: PodLab) -> None:
    page = await pods.page()
    await page.read_log("pulling", pods.pod_name("missing"))
    await page.read_log("never", "lonely", previous=True)
    await page.read_log("which", "lonely", container="")
    await page.read_log("unknown", "lonely", container="nobody")
    await page.read_log("gone", "nobody")
    await page.read_log("nowhere", "lonely", container="a b")
    await page.until(lambda: len(page.ends) == 6)
    codes = {id: (end or {})["code"] for id, end in page.ends.items()}
    assert codes == {
        "pulling": "not_running", "never": "not_found", "which": "container_required", "unknown": "not_found", "gone": "not_found",
        "nowhere": "bad_request",
    }  # fmt: skip
    assert (page.ends["which"] or {})["details"]["containers"] == ["main", "other"]
    rows = await pods.audit("pod.logs")
    assert [row.outcome for row in rows].count("allowed") == 6
    await until_audited(pods, "refused", 6)
    await page.socket.close()


async def until_audited(pods: PodLab, outcome: str, count: int) -> None:
    """Read the audit, which tells nobody of its changes, until so many logs had that outcome."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while [row.outcome for row in await pods.audit("pod.logs")].count(outcome) != count:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_flood_stops_where_its_reader_stops_and_goes_on_with_it(pods: PodLab) -> None:
    page = await pods.page()
    await page.read_log("flood", "flooder", tail_lines=None)
    await page.until(lambda: page.offsets["flood"] == WINDOW_BYTES)
    await settled(lambda: pods.agent.logs.waiting_bytes >= WAITING_BYTES, "that the agent holds what it may")
    assert pods.agent.logs.waiting_bytes < 2 * WAITING_BYTES
    held = pods.agent.logs.waiting_bytes
    await page.read_log("other", "lonely", follow=False)
    await page.until(lambda: "other" in page.ends)  # nobody else is held up
    assert (page.offsets["flood"], pods.agent.logs.waiting_bytes) == (WINDOW_BYTES, held)
    for _ in range(8):
        await page.send(ack="flood", bytes=page.offsets["flood"])
        target = page.offsets["flood"] + WINDOW_BYTES
        await page.until(lambda target=target: page.offsets["flood"] == target)
    lines = page.texts["flood"].splitlines()[:-1]
    assert set(lines) == {"scan " * 13 + "scan"}  # not a byte is lost or doubled
    await page.send(unsubscribe="flood")
    await settled(lambda: len(pods.agent.logs) == 0, "that the agent reads no more")
    await page.socket.close()


async def test_a_page_that_goes_ends_its_logs(pods: PodLab) -> None:
    page = await pods.page()
    await page.read_log("flood", "flooder")
    await page.until(lambda: page.offsets["flood"] > 0)
    await page.socket.close()
    await settled(lambda: len(pods.agent.logs) == 0, "that the agent reads no more")


async def test_an_acknowledgement_of_what_was_never_sent_ends_the_socket(pods: PodLab) -> None:
    page = await pods.page()
    await page.read_log("log", "lonely")
    await page.until(lambda: page.offsets["log"] > 0)
    await page.send(ack="log", bytes=2**40)
    await page.socket.wait_closed()
    assert page.socket.close_code == 4400


async def test_without_an_action_of_the_ceiling_no_log_is_read(cluster: SandboxCluster, tmp_path: Path) -> None:
    async with running_pods(tmp_path, cluster, Ceiling(node_shell=True)) as pods:
        page = await pods.page()
        await page.read_log("log", "lonely")
        await page.until(lambda: "log" in page.ends)
        end = page.ends["log"] or {}
        assert (end["code"], end["refused_by"]) == ("forbidden_by_ceiling", "ceiling")
        assert "--ceiling-pod-exec" in end["next_step"]
        assert page.texts["log"] == ""
        await page.socket.close()


async def test_a_missing_right_to_logs_is_named(pods: PodLab) -> None:
    pods.cluster.authority.unbind(users.AGENT_READ)
    page = await pods.page()
    await page.read_log("log", "lonely")
    await page.until(lambda: "log" in page.ends)
    end = page.ends["log"] or {}
    assert (end["code"], end["details"]["resource"]) == ("forbidden_by_kubernetes", "pods/log")
    await page.socket.close()
