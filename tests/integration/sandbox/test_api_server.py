"""The API server as a server: connections, rotation, the rules of streams, the life of objects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import aiohttp
import api_lab
import pytest
from aiohttp import web

from podshell.sandbox import resources, watch
from podshell.sandbox.statuses import not_found
from podshell.sandbox.store import Obj, WatchEvent


def request(line: str, body: object = None, *headers: str) -> Obj:
    """Build what Lab.send takes."""
    transcript: Obj = {"request": [f"{line} HTTP/1.1", *headers]}
    if body is not None:
        transcript["request_body"] = json.dumps(body)
        if not any(header.startswith("Content-Type") for header in headers):
            transcript["request"].append("Content-Type: application/json")
    return transcript


async def ask(lab: api_lab.Lab, line: str, body: object = None, *headers: str, token: str = "admin") -> tuple[int, Obj]:
    response = await lab.send(request(line, body, *headers), token=token)
    async with response:
        answer: Obj = await response.json()
    return response.status, answer


async def test_rotation_cuts_watches_and_serves_again_on_the_same_port() -> None:
    async with api_lab.running(api_lab.config_maps()) as lab, asyncio.timeout(30):
        url = lab.server.url
        stream = await lab.send(request("GET /api/v1/configmaps?watch=1&resourceVersion=0"))
        assert (await stream.content.readline()).startswith(b'{"type":"ADDED"')
        await lab.server.rotate()
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await stream.read()
        assert lab.server.url == url
        status, _ = await ask(lab, "GET /api/v1/namespaces/lab/configmaps/cm-0")
        assert status == 200


async def test_a_watch_whose_client_left_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async with api_lab.running(api_lab.config_maps()) as lab, asyncio.timeout(30):
        forgotten = asyncio.Event()
        listen = lab.store.listen

        def listen_and_tell(callback: Callable[[WatchEvent], None]) -> Callable[[], None]:
            unsubscribe = listen(callback)

            def tell() -> None:
                unsubscribe()
                forgotten.set()

            return tell

        monkeypatch.setattr(lab.store, "listen", listen_and_tell)
        stream = await lab.send(request("GET /api/v1/configmaps?watch=1"))
        await stream.content.readline()
        assert not forgotten.is_set()
        stream.close()
        await forgotten.wait()


@pytest.mark.parametrize(
    ("token", "create_for_streams", "status", "message"),
    [
        ("both", True, 200, None),
        ("getonly", True, 403, 'pods "two" is forbidden: '),
        ("getonly", False, 200, None),
        (
            "none",
            False,
            403,
            'pods "two" is forbidden: User "system:serviceaccount:lab:none" cannot get resource "pods/exec" '
            'in API group "" in the namespace "lab"',
        ),
    ],
)
@pytest.mark.parametrize("subresource", ["exec", "attach"])
async def test_streams_need_create_beside_get_from_1_35_on(
    token: str, create_for_streams: bool, status: int, message: str | None, subresource: str
) -> None:
    authority = api_lab.service_accounts()
    authority.create_for_streams = create_for_streams

    async def open_stream(_: web.Request, namespace: str, name: str) -> web.StreamResponse:
        return web.json_response({"message": None})

    async with api_lab.running(api_lab.config_maps(), authority) as lab:
        lab.server.add_subresource(resources.POD, subresource, open_stream)
        answered, body = await ask(lab, f"GET /api/v1/namespaces/lab/pods/two/{subresource}", token=token)
    assert answered == status
    assert body["message"] == (message and message.replace("pods/exec", f"pods/{subresource}"))


async def test_a_handler_of_a_subresource_may_refuse() -> None:
    async def refuse(_: web.Request, namespace: str, name: str) -> web.StreamResponse:
        raise not_found("pods", name)

    async with api_lab.running(api_lab.config_maps()) as lab:
        lab.server.add_subresource(resources.POD, "log", refuse)
        assert (await ask(lab, "GET /api/v1/namespaces/lab/pods/two/log"))[1]["message"] == 'pods "two" not found'
        assert (await ask(lab, "POST /api/v1/namespaces/lab/pods/two/log", {}))[0] == 405


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /api/v1/namespaces/lab/pods/two/portforward", 404),
        ("GET /api/v1/namespaces/lab/pods/two/proxy", 404),
        ("POST /api/v1/namespaces/lab/serviceaccounts/default/token", 404),
        ("GET /apis/apps/v1/namespaces/lab/controllerrevisions", 404),
        ("POST /api/v1/pods", 405),
        ("PUT /api/v1/namespaces/lab/pods", 405),
        ("DELETE /api/v1/namespaces", 405),
        ("POST /version", 405),
    ],
)
async def test_what_is_not_built_is_refused_by_name(line: str, status: int) -> None:
    async with api_lab.running(api_lab.config_maps()) as lab:
        answered, body = await ask(lab, line, None if line.startswith("GET") else {})
    assert (answered, body["kind"], body["code"]) == (status, "Status", status)


async def test_server_side_apply_is_415() -> None:
    async with api_lab.running(api_lab.config_maps()) as lab:
        line = "PATCH /api/v1/namespaces/lab/configmaps/cm-0?fieldManager=x"
        status, body = await ask(lab, line, {}, "Content-Type: application/apply-patch+yaml")
    assert (status, body["reason"]) == (415, "UnsupportedMediaType")


async def test_a_request_without_a_valid_token_is_401() -> None:
    async with api_lab.running(api_lab.config_maps()) as lab:
        status, body = await ask(lab, "GET /api", token="stale")
    assert (status, body["message"]) == (401, "Unauthorized")


def bound_pod(store: api_lab.ObjectStore, node: str | None = "worker-01") -> None:
    spec: Obj = {"containers": [{"name": "main", "image": "busybox"}]} | ({"nodeName": node} if node else {})
    api_lab.make(store, resources.POD, "two", spec=spec)


async def test_deleting_a_pod_with_grace_marks_it_and_leaves_the_rest_to_the_kubelet() -> None:
    store = api_lab.config_maps()
    bound_pod(store)
    async with api_lab.running(store) as lab:
        status, body = await ask(lab, "DELETE /api/v1/namespaces/lab/pods/two?gracePeriodSeconds=7")
        again = await ask(lab, "DELETE /api/v1/namespaces/lab/pods/two?gracePeriodSeconds=9")
        assert (status, body["metadata"]["deletionGracePeriodSeconds"]) == (200, 7)
        assert again[1]["metadata"] == body["metadata"]
        assert store.get(resources.POD, "lab", "two") == body
        gone = await ask(lab, "DELETE /api/v1/namespaces/lab/pods/two?gracePeriodSeconds=0")
    assert gone[1]["metadata"]["deletionGracePeriodSeconds"] == 0
    assert store.get(resources.POD, "lab", "two") is None


async def test_a_pod_without_a_node_goes_at_once() -> None:
    store = api_lab.config_maps()
    bound_pod(store, node=None)
    async with api_lab.running(store) as lab:
        await ask(lab, "DELETE /api/v1/namespaces/lab/pods/two")
    assert store.get(resources.POD, "lab", "two") is None


async def test_scale_changes_replicas_and_nothing_else() -> None:
    store = api_lab.config_maps()
    api_lab.add_deployment(store)
    before = store.list(resources.DEPLOYMENT)[0]
    async with api_lab.running(store) as lab:
        line = "PATCH /apis/apps/v1/namespaces/lab/deployments/web/scale"
        status, body = await ask(lab, line, {"spec": {"replicas": 5}}, "Content-Type: application/merge-patch+json")
    after = store.list(resources.DEPLOYMENT)[0]
    assert (status, body["kind"], body["spec"], body["status"]["selector"]) == (200, "Scale", {"replicas": 5}, "app=web")
    assert after["spec"] == {**before["spec"], "replicas": 5}


async def test_the_status_path_changes_the_status_only_and_the_main_path_never() -> None:
    store = api_lab.config_maps()
    bound_pod(store)
    merge = "Content-Type: application/merge-patch+json"
    change = {"metadata": {"labels": {"a": "b"}}, "status": {"phase": "Running"}}
    async with api_lab.running(store) as lab:
        _, body = await ask(lab, "PATCH /api/v1/namespaces/lab/pods/two", change, merge)
        assert (body["metadata"]["labels"], body["status"]["phase"]) == ({"a": "b"}, "Pending")
        change["metadata"] = {"labels": {"a": "c"}}
        _, body = await ask(lab, "PATCH /api/v1/namespaces/lab/pods/two/status", change, merge)
        assert (body["metadata"]["labels"], body["status"]["phase"]) == ({"a": "b"}, "Running")


async def test_a_terminating_namespace_goes_with_its_last_object() -> None:
    store = api_lab.config_maps()
    bound_pod(store)
    async with api_lab.running(store) as lab:
        _, body = await ask(lab, "DELETE /api/v1/namespaces/lab")
        assert body["status"]["phase"] == "Terminating"
        assert store.list(resources.CONFIGMAP, "lab") == []
        status, refused = await ask(lab, "POST /api/v1/namespaces/lab/configmaps", {"metadata": {"name": "x"}})
        assert (status, "because it is being terminated" in refused["message"]) == (403, True)
        store.delete(resources.POD, "lab", "two")  # as the kubelet does after the kill
        assert store.get(resources.NAMESPACE, None, "lab") is None


async def test_an_expired_page_names_a_token_to_go_on_with() -> None:
    store = api_lab.config_maps()
    async with api_lab.running(store) as lab:
        path = "GET /api/v1/namespaces/lab/configmaps?limit=2"
        _, page = await ask(lab, path)
        store.delete(resources.CONFIGMAP, "lab", "cm-3")
        _, second = await ask(lab, f"{path}&continue={page['metadata']['continue']}")
        assert [item["metadata"]["name"] for item in second["items"]] == ["cm-2", "cm-3"]  # as of the first page
        store.compact()
        status, gone = await ask(lab, f"{path}&continue={page['metadata']['continue']}")
        assert (status, gone["reason"]) == (410, "Expired")
        _, rest = await ask(lab, f"{path}&continue={gone['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in rest["items"]] == ["cm-2", "cm-4"]


@pytest.mark.parametrize("body", [[], {"metadata": []}, {"metadata": {"name": "x"}, "spec": {"containers": [1]}}])
async def test_a_body_of_another_shape_is_400(body: object) -> None:
    async with api_lab.running(api_lab.config_maps()) as lab:
        status, answer = await ask(lab, "POST /api/v1/namespaces/lab/pods", body)
    assert (status, answer["reason"]) == (400, "BadRequest")


async def test_a_client_that_does_not_read_does_not_grow_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_QUEUE_LENGTH", 3)
    async with api_lab.running(api_lab.config_maps()) as lab, asyncio.timeout(30):
        stream = await lab.send(request("GET /api/v1/configmaps?watch=1&resourceVersion=2222&timeoutSeconds=20"))
        for number in range(4):  # without a turn of the loop in between: nothing can be written
            api_lab.annotate(lab.store, "cm-0", str(number))
        assert await stream.read() == b""  # ended, with nothing of the queue
