"""Requests recorded on a real cluster get the recorded answers: transcripts watch/, table/, auth/, discovery/ and the
API errors of ephemeral/, replayed over TLS after masking versions, uids, times and ages."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import api_lab
import pytest
from aiohttp import web

from podshell.sandbox import resources
from podshell.sandbox.store import Obj, ObjectStore

# What does not match, each with its reason; a case that starts to match must leave the list.
NOT_MATCHED = {
    ("watch/selector-and-request-errors", "pods?watch=maybe&timeoutSeconds=1"): "the recording keeps 926 characters",
    ("watch/selector-and-request-errors", "POST with an unknown field, fieldValidation=Strict"): (
        "no schemas here: unknown fields are stored"
    ),
    ("discovery/readyz-verbose", ""): "the sandbox has two checks, not 35",
    ("discovery/api-aggregated", ""): "the recording keeps pods and nodes only; compared in test_discovery_*",
    ("ephemeral/errors", "second container of the same name with another image (changes the first)"): (
        "the diff of Go's internal objects is left out of the sentence"
    ),
    ("ephemeral/errors", "patch on the pod itself, not the subresource"): "the same diff",
}


class Watched:
    """How one recorded watch came about: the state before, the changes during it."""

    def __init__(
        self,
        before: Callable[[ObjectStore], object] = lambda store: None,
        during: Callable[[ObjectStore], object] = lambda store: None,
    ) -> None:
        self.before = before
        self.during = during


def _after_selection(store: ObjectStore) -> None:
    api_lab.spend_to(store, 2314)
    api_lab.change_selection(store)


def _after_second_change(store: ObjectStore) -> None:
    _after_selection(store)
    api_lab.spend_to(store, 2336)
    api_lab.annotate(store, "cm-0", "2")


def _delete_cm_9(store: ObjectStore) -> None:
    api_lab.spend_to(store, 2400)
    store.delete(resources.CONFIGMAP, "lab", "cm-9")


def _after_deletion(store: ObjectStore) -> None:
    _after_second_change(store)
    _delete_cm_9(store)


def _after_third_change(store: ObjectStore) -> None:
    _after_deletion(store)
    api_lab.annotate(store, "cm-0", "3")


def _second_change(store: ObjectStore) -> None:
    api_lab.spend_to(store, 2336)
    api_lab.annotate(store, "cm-0", "2")


WATCHES = {
    "bookmarks": Watched(lambda store: api_lab.spend_to(store, 2314), api_lab.change_selection),
    "deprecated-path": Watched(_after_deletion),
    "future-version": Watched(),
    "gone-410-event": Watched(),
    "gone-410-event-bookmarks": Watched(),
    "gone-410-event-uncached": Watched(ObjectStore.compact),
    "no-version": Watched(_after_selection),
    "one-object-deleted": Watched(_after_selection, _delete_cm_9),
    "single-path": Watched(_after_second_change),
    "version-zero": Watched(_after_selection),
    "watchlist": Watched(_after_selection, _second_change),
    "watchlist-false": Watched(_after_second_change),
    "watchlist-old-version": Watched(_after_third_change),
}
LISTS = ("watch/list-paging-and-versions", "watch/gone-410-http", "watch/selector-and-request-errors")
TABLES = (
    *("deployments", "empty", "events", "jobs", "namespaces", "nodes", "one-pod", "partial-object-metadata-list"),
    *("pods", "pods-includeobject-none", "pods-includeobject-object", "services"),
)
AUTH = ("auth/impersonation", "auth/selfsubjectaccessreview", "auth/selfsubjectrulesreview")
DISCOVERY = ("version", "api", "api-aggregated", "readyz", "readyz-verbose")
EPHEMERAL = ("ephemeral/errors", "ephemeral/pod-security-raw")


def _cases(files: tuple[str, ...]) -> list[Any]:
    found = []
    for file in files:
        for index, case in enumerate(api_lab.load(file)["cases"]):
            found.append(pytest.param(file, index, id=f"{file.split('/')[1]}: {case['what']}"[:110]))
    return found


def _head(transcript: Obj) -> tuple[int, str]:
    status = int(transcript["response"][0].split(" ")[1])
    kinds = [line.partition(": ")[2] for line in transcript["response"] if line.startswith("Content-Type: ")]
    return status, kinds[0] if kinds else ""


def _compare(key: tuple[str, str], answered: object, recorded: object) -> None:
    if key in NOT_MATCHED:
        assert answered != recorded, f"{key} matches now: take it off the list"
    else:
        assert answered == recorded


async def _answer(lab: api_lab.Lab, transcript: Obj, **options: Any) -> tuple[tuple[int, str], object]:
    response = await lab.send(transcript, **options)
    async with response:
        text = await response.text()
    kind = response.headers["Content-Type"]
    body = json.loads(text) if kind.startswith("application/json") and "\n{" not in text else text
    return (response.status, kind), body


@pytest.mark.parametrize("name", WATCHES)
async def test_watch_is_answered_as_recorded(name: str) -> None:
    transcript, scenario = api_lab.load(f"watch/{name}"), WATCHES[name]
    store = api_lab.config_maps()
    scenario.before(store)
    # Bookmarks come shortly before the end of watches of 5 s and more; the others need not last.
    has_bookmark = transcript["lines"] and transcript["lines"][-1]["event"].get("type") == "BOOKMARK"
    seconds = 5 if has_bookmark and name != "watchlist-old-version" else 1

    def shorten(path: str) -> str:
        return re.sub(r"timeoutSeconds=\d+", f"timeoutSeconds={seconds}", path)

    async with api_lab.running(store) as lab:
        async with asyncio.timeout(30):
            response = await lab.send(transcript, rewrite=shorten)
            scenario.during(store)
            async with response:
                lines = [json.loads(line) for line in (await response.text()).splitlines()]
    assert (response.status, response.headers["Content-Type"]) == _head(transcript)
    recorded = [line["event"] for line in transcript["lines"]]
    assert api_lab.masked(lines) == api_lab.masked(recorded)
    if name == "bookmarks":  # the versions of the changes are the recorded ones too
        versions = [event["object"]["metadata"]["resourceVersion"] for event in lines[:-1]]
        assert versions == ["2319", "2320", "2322", "2323"]


def _state_of(file: str, case: Obj) -> ObjectStore:
    if file == "watch/selector-and-request-errors":
        return api_lab.workloads()
    store = api_lab.config_maps()
    if "2314" in case["request"][0]:
        api_lab.spend_to(store, 2314)
    if file == "watch/gone-410-http":
        _after_third_change(store)
    return store


@pytest.mark.parametrize(("file", "index"), _cases(LISTS))
async def test_list_and_refusal_is_answered_as_recorded(file: str, index: int) -> None:
    case = api_lab.load(file)["cases"][index]
    store = _state_of(file, case)
    if file == "watch/gone-410-http" and index == 0:
        api_lab.spend_to(store, 2409)
    async with api_lab.running(store) as lab:
        head, body = await _answer(lab, case)
    recorded = case["body"]
    if isinstance(recorded, dict) and isinstance(body, dict) and "items" in recorded:
        if any(isinstance(item, str) and "left out" in item for item in recorded["items"]):
            assert len(body["items"]) == 5  # the whole list although limit=2 was asked: the cache knows no pages
            body["items"] = body["items"][:2]
        elif all(isinstance(item, str) for item in recorded["items"]):
            body["items"] = [item["metadata"]["name"] for item in body["items"]]
    _compare((file, case["what"]), (head, api_lab.masked(body)), (_head(case), api_lab.masked(recorded)))


def _table_state(name: str) -> ObjectStore:
    store = api_lab.config_maps() if name in ("empty", "jobs", "namespaces") else api_lab.workloads()
    if name in ("deployments", "services"):
        api_lab.add_deployment(store)
    if name == "nodes":
        api_lab.add_node(store)
    if name == "events":
        api_lab.add_events(store)
    if name in ("pods", "pods-includeobject-none", "partial-object-metadata-list"):
        api_lab.bump_generation(store, "completed")
        for gone in ("node-debugger-worker-01-j647n", "pending"):  # eight pods were there when these were recorded
            store.delete(resources.POD, "lab", gone)
    return store


@pytest.mark.parametrize("name", TABLES)
async def test_table_is_answered_as_recorded(name: str) -> None:
    transcript = api_lab.load(f"table/{name}")
    async with api_lab.running(_table_state(name)) as lab:
        head, body = await _answer(lab, transcript)
    assert isinstance(body, dict)
    recorded = api_lab.masked(transcript["body"])
    answered = api_lab.masked(body)
    if "rows" in recorded:
        answered["rows"] = answered["rows"][: len(recorded["rows"])]
    assert (head, answered) == (_head(transcript), recorded)


async def test_table_watch_is_answered_as_recorded() -> None:
    transcript = api_lab.load("table/watch")
    async with api_lab.running(api_lab.workloads()) as lab:
        async with asyncio.timeout(30):
            response = await lab.send(transcript, rewrite=lambda path: path.replace("Seconds=2", "Seconds=1"))

            def touch(pod: Obj) -> None:
                pod["metadata"]["annotations"] = {"touched": "yes"}

            lab.store.modify(resources.POD, "lab", "two", touch)
            async with response:
                lines = [json.loads(line) for line in (await response.text()).splitlines()]
    recorded = [line["event"] for line in transcript["lines"]]
    assert api_lab.masked(lines[:1]) == api_lab.masked(recorded)
    assert lines[1]["type"] == "MODIFIED"
    assert lines[1]["object"]["columnDefinitions"] is None  # only the first event has columns
    assert lines[1]["object"]["rows"][0]["cells"][0] == "two"


def _token_of(file: str, case: Obj) -> str:
    """Say whose the masked token was: the recorder's words name the service account."""
    if not any(line.startswith("Authorization") for line in case["request"]):
        return "admin"
    words = re.findall(r"[a-z]+", case["what"].replace("SelfSubjectRulesReview ", ""))
    named = [word for word in words if word in ("none", "getonly", "both", "gate")]
    if named:
        return str(named[0])
    if case["what"] == "as a service account":
        return "both"
    return "none" if case["what"].endswith("as none") else "gate"


def _unordered(review: Any) -> Any:
    """The order of rules comes from a Go map in the real server."""
    status = review.get("status") if isinstance(review, dict) else None
    if isinstance(status, dict):
        for kind in ("resourceRules", "nonResourceRules"):
            if kind in status:
                status[kind] = sorted(status[kind], key=json.dumps)
    return review


@pytest.mark.parametrize(("file", "index"), _cases(AUTH))
async def test_review_and_impersonation_is_answered_as_recorded(file: str, index: int) -> None:
    case = api_lab.load(file)["cases"][index]
    store = api_lab.config_maps()
    api_lab.make(store, resources.NAMESPACE, "lab2")
    names = ("crash", "exits-always", "exits-never", "oom1", "oom2", "probe", "two", "web-65bdb496b6-s9sr5")
    for name in names:
        spec = {"containers": [{"name": "main", "image": "busybox"}]}
        api_lab.make(store, resources.POD, name, metadata={"namespace": "lab2"}, spec=spec)
    async with api_lab.running(store, api_lab.service_accounts()) as lab:
        head, body = await _answer(lab, case, token=_token_of(file, case))
    recorded = case["body"]
    if recorded.get("items") == ["..."]:
        assert isinstance(body, dict)
        assert len(body["items"]) == 1
        body["items"] = ["..."]
    answered = (head, _unordered(api_lab.masked(body)))
    _compare((file, case["what"]), answered, (_head(case), _unordered(api_lab.masked(recorded))))


@pytest.mark.parametrize("name", ["allowed", "refused-rights", "refused-user"])
async def test_impersonated_upgrade_is_decided_as_recorded(name: str) -> None:
    transcript = api_lab.load(f"auth/exec-impersonated-{name}.v5")
    store = api_lab.config_maps()

    async def open_stream(request: web.Request, namespace: str, pod: str) -> web.StreamResponse:
        return web.Response(status=299, text=f"{namespace}/{pod}")  # stands for the 101 of the streams

    async with api_lab.running(store, api_lab.service_accounts()) as lab:
        lab.server.add_subresource(resources.POD, "exec", open_stream)
        response = await lab.send(_without_upgrade(transcript), token="gate")
        async with response:
            text = await response.text()
    if name == "allowed":
        assert (response.status, text) == (299, "lab2/two")
    else:
        assert response.status == _head(transcript)[0]
        recorded = transcript["body"]
        assert json.loads(text) == (json.loads(recorded) if isinstance(recorded, str) else recorded)


def _without_upgrade(transcript: Obj) -> Obj:
    kept = [line for line in transcript["request"] if not line.startswith(("Upgrade", "Sec-WebSocket"))]
    return {**transcript, "request": kept}


@pytest.mark.parametrize("name", DISCOVERY)
async def test_discovery_is_answered_as_recorded(name: str) -> None:
    transcript = api_lab.load(f"discovery/{name}")
    async with api_lab.running(api_lab.config_maps()) as lab:
        head, body = await _answer(lab, transcript)
        address = lab.server.url.removeprefix("https://")
    if name == "api":
        assert isinstance(body, dict)
        assert body["serverAddressByClientCIDRs"][0]["serverAddress"] == address
        body["serverAddressByClientCIDRs"][0]["serverAddress"] = "192.0.2.9:16443"
    _compare((f"discovery/{name}", ""), (head, body), (_head(transcript), transcript["body"]))


async def test_discovery_of_pods_and_nodes_is_the_recorded_one() -> None:
    transcript = api_lab.load("discovery/api-aggregated")
    async with api_lab.running(api_lab.config_maps()) as lab:
        head, body = await _answer(lab, transcript)
    assert isinstance(body, dict)
    version = body["items"][0]["versions"][0]
    version["resources"] = [found for found in version["resources"] if found["resource"] in ("nodes", "pods")]
    assert (head, body) == (_head(transcript), transcript["body"])


def _ephemeral_state(file: str, case: Obj) -> ObjectStore:
    store = api_lab.config_maps()
    containers = [{"name": "main", "image": "localhost/busybox:1.38", "command": ["sleep", "infinity"]}]
    first = {
        "name": "dbg-1",
        "image": "localhost/busybox:1.38",
        "command": ["sh"],
        "resources": {},
        "targetContainerName": "main",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "stdin": True,
        "tty": True,
    }
    for name in ("ec1", "pending", "completed"):
        spec: Obj = {"containers": [dict(found) for found in containers]}
        spec |= {"ephemeralContainers": [first]} if name == "ec1" else {}
        api_lab.make(store, resources.POD, name, spec=spec)
    for level in ("baseline", "restricted"):
        warn = "restricted" if case["what"].startswith("warn:") else level
        labels = {"pod-security.kubernetes.io/enforce": level, "pod-security.kubernetes.io/warn": warn}
        api_lab.make(store, resources.NAMESPACE, f"lab-{level}", metadata={"labels": labels})
        context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        pod_context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        sound: Obj = {"securityContext": pod_context, "containers": [{**containers[0], "securityContext": context}]}
        api_lab.make(store, resources.POD, "p", metadata={"namespace": f"lab-{level}"}, spec=sound)
    return store


def _summary(body: Any) -> Any:
    """Refusals are compared whole, accepted objects by what was asked for."""
    if not isinstance(body, dict) or body["kind"] == "Status":
        return api_lab.masked(body)
    found = (body.get("spec") or {}).get("ephemeralContainers") or []
    return body["kind"], body["metadata"].get("labels") is None, [entry["name"] for entry in found]


def _warnings(lines: list[str]) -> list[str]:
    return [line.partition(": ")[2] for line in lines if line.startswith("Warning: ")]


@pytest.mark.parametrize(("file", "index"), _cases(EPHEMERAL))
async def test_ephemeral_container_request_is_answered_as_recorded(file: str, index: int) -> None:
    case = api_lab.load(file)["cases"][index]
    async with api_lab.running(_ephemeral_state(file, case)) as lab:
        response = await lab.send(case)
        async with response:
            body = await response.json()
    answered = (response.status, response.headers.getall("Warning", []), _summary(body))
    recorded_body = case.get("body")
    recorded = (_head(case)[0], _warnings(case["response"]), _summary(recorded_body))
    if recorded_body is None:
        answered, recorded = (*answered[:2], None), (*recorded[:2], None)
    _compare((file, case["what"]), answered, recorded)


def test_at_most_one_transcript_in_five_does_not_match() -> None:
    every = len(WATCHES) + len(TABLES) + 1 + len(DISCOVERY) + 3
    every += len(_cases(LISTS)) + len(_cases(AUTH)) + len(_cases(EPHEMERAL))
    assert len(NOT_MATCHED) * 5 <= every
