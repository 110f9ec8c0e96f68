"""REST over loopback: what a server, a proxy and TLS do to a request."""

from __future__ import annotations

import asyncio
import base64
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from fake_api_server import SUCCESS, FakeApiServer, Recorder, ServerStream

from podshell.kube.connection import Connection
from podshell.kube.errors import BadAnswer, ServerError, TooManyRequests, Unreachable
from podshell.kube.exec import ExecTarget, Exited, open_exec
from podshell.kube.kubeconfig import load_connection
from podshell.kube.objects import Pod
from podshell.kube.rest import Client, PatchKind
from podshell.kube.workloads import PODS

sys.path.append(str(Path(__file__).parents[2] / "unit" / "kube"))
import certificates  # shared with the unit tests, which are another folder of pytest's

TARGET = ExecTarget("lab", "demo", "main")
POD = {"metadata": {"name": "a", "namespace": "lab"}}


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer().serve() as running:
        yield running


@pytest.fixture
async def client(server: FakeApiServer) -> AsyncIterator[Client]:
    async with Client(Connection(server.url, None)) as running:
        yield running


async def test_a_busy_server_is_asked_again_when_it_names_a_time(server: FakeApiServer, client: Client) -> None:
    answers = [web.Response(status=429, headers={"Retry-After": "0"}), web.json_response(POD)]

    async def answer(_: web.Request) -> web.Response:
        return answers.pop(0)

    server.answers["/api/v1/namespaces/lab/pods/a"] = answer
    assert (await client.get(PODS.path("lab", "a"), Pod)).metadata.name == "a"


@pytest.mark.parametrize(("code", "kind"), [(429, TooManyRequests), (500, ServerError)])
async def test_a_failure_without_a_time_is_told_at_once(server: FakeApiServer, client: Client, code: int, kind: type[Exception]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=code, text="etcd is away")

    server.answers["/api/v1/pods"] = answer
    with pytest.raises(kind, match="etcd is away"):
        await client.list(PODS.path(), Pod)
    assert len(server.requests) == 1


async def test_a_change_is_never_sent_twice(server: FakeApiServer, client: Client) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "0"})

    server.answers["/api/v1/namespaces/lab/pods"] = answer
    with pytest.raises(TooManyRequests):
        await client.create(PODS.path("lab"), POD, Pod)
    assert len(server.requests) == 1


async def test_a_page_of_a_proxy_is_no_answer(server: FakeApiServer, client: Client) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<html>please sign in</html>")

    server.answers["/api/v1/pods"] = answer
    with pytest.raises(BadAnswer):
        await client.list(PODS.path(), Pod)


@pytest.mark.parametrize("how", list(PatchKind))
async def test_a_patch_names_its_kind(server: FakeApiServer, client: Client, how: PatchKind) -> None:
    seen: list[tuple[str, object]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.content_type, await request.json()))
        return web.json_response(POD)

    server.answers["/api/v1/namespaces/lab/pods/a"] = answer
    await client.patch(PODS.path("lab", "a"), {"x": 1}, Pod, how=how)
    assert seen == [(how.value, {"x": 1})]


async def test_a_delete_names_grace_and_uid(server: FakeApiServer, client: Client) -> None:
    seen: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(await request.json())
        return web.json_response({})

    server.answers["/api/v1/namespaces/lab/pods/a"] = answer
    await client.delete(PODS.path("lab", "a"), grace_seconds=0, uid="u", propagation="Background")
    assert seen[0] == {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "gracePeriodSeconds": 0,
        "preconditions": {"uid": "u"},
        "propagationPolicy": "Background",
    }


async def test_the_101st_request_does_not_wait_for_the_others(server: FakeApiServer, client: Client) -> None:
    arrived, go_on = [0], asyncio.Event()
    all_here = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        arrived[0] += 1
        if arrived[0] == 101:
            all_here.set()
        await go_on.wait()
        return web.json_response({"metadata": {}, "items": []})

    server.answers["/api/v1/pods"] = answer
    requests = [asyncio.create_task(client.list(PODS.path(), Pod)) for _ in range(101)]
    async with asyncio.timeout(30):
        await all_here.wait()
        go_on.set()
        await asyncio.gather(*requests)


async def test_a_log_that_breaks_off_is_unreachable(server: FakeApiServer, client: Client) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"line\n")
        assert request.transport is not None
        request.transport.close()
        return response

    server.answers["/api/v1/namespaces/lab/pods/a/log"] = answer
    pieces = client.log_stream("lab", "a", "main")
    got = await anext(pieces)
    with pytest.raises(Unreachable):
        await anext(pieces)
    assert got == b"line\n"


# -- TLS ----------------------------------------------------------------------------------------------------------------


def kubeconfig(folder: Path, server: str, made: certificates.Authority, cluster: dict[str, object], user: dict[str, object]) -> Path:
    path = folder / "config"
    tree = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [
            {"name": "x", "cluster": {"server": server, "certificate-authority-data": base64.b64encode(made.ca).decode(), **cluster}}
        ],
        "users": [{"name": "x", "user": user}],
    }
    path.write_text(yaml.safe_dump(tree))
    return path


def server_context(folder: Path, made: certificates.Authority) -> ssl.SSLContext:
    (folder / "server.pem").write_bytes(made.server.key + made.server.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


async def answer_pod(_: web.Request) -> web.Response:
    return web.json_response(POD)


async def exit_at_once(stream: ServerStream) -> None:
    await stream.send(b"\x01", SUCCESS)
    await stream.close()


async def check_both(client: Client) -> None:
    """One REST request and one exec."""
    assert (await client.get(PODS.path("lab", "a"), Pod)).metadata.name == "a"
    stream = await open_exec(client, TARGET, ["true"], tty=False, receiver=Recorder())
    async with asyncio.timeout(20):
        assert await stream.wait_ended() == Exited(0)


async def test_a_client_certificate_is_presented_by_rest_and_exec(tmp_path: Path) -> None:
    made = certificates.make()
    context = server_context(tmp_path, made)
    context.load_verify_locations(cadata=made.ca.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    user: dict[str, object] = {
        "client-certificate-data": base64.b64encode(made.client.certificate).decode(),
        "client-key-data": base64.b64encode(made.client.key).decode(),
    }
    fake = FakeApiServer()
    fake.script, fake.answers["/api/v1/namespaces/lab/pods/a"] = exit_at_once, answer_pod
    async with fake.serve(context) as server:
        path = kubeconfig(tmp_path, server.url, made, {}, user)
        async with Client(load_connection(files=[path], environ={})) as client:
            await check_both(client)


async def test_tls_server_name_is_what_the_certificate_is_checked_against(tmp_path: Path) -> None:
    made = certificates.make("named", "kubernetes.example")
    fake = FakeApiServer()
    fake.script, fake.answers["/api/v1/namespaces/lab/pods/a"] = exit_at_once, answer_pod
    async with fake.serve(server_context(tmp_path, made)) as server:
        named = kubeconfig(tmp_path, server.url, made, {"tls-server-name": "kubernetes.example"}, {})
        async with Client(load_connection(files=[named], environ={})) as client:
            await check_both(client)
        plain = kubeconfig(tmp_path, server.url, made, {}, {})
        async with Client(load_connection(files=[plain], environ={})) as client:
            with pytest.raises(Unreachable, match="certificate"):
                await client.get(PODS.path("lab", "a"), Pod)
            with pytest.raises(Unreachable, match="certificate"):
                await open_exec(client, TARGET, ["true"], tty=False, receiver=Recorder())


async def test_no_log_level_shows_the_token(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """picows logs requests with all their headers below DEBUG."""
    fake = FakeApiServer()
    fake.script, fake.answers["/api/v1/namespaces/lab/pods/a"] = exit_at_once, answer_pod
    for name in ("", "picows", "aiohttp", "asyncio", "podshell", "podshell.kube"):
        caplog.set_level(1, name or None)
    made = certificates.make()
    async with fake.serve(server_context(tmp_path, made)) as server:
        path = kubeconfig(tmp_path, server.url, made, {}, {"token": "s3cr3t-bearer"})
        async with Client(load_connection(files=[path], environ={})) as client:
            await check_both(client)
        assert {request.headers["Authorization"] for request in server.requests} == {"Bearer s3cr3t-bearer"}
    assert "s3cr3t-bearer" not in caplog.text


async def test_rest_and_exec_go_through_the_proxy(tmp_path: Path) -> None:
    made = certificates.make()
    asked: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0])
        host, port = head.split(b" ")[1].decode().rsplit(":", 1)
        upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            except ConnectionError:
                pass
            finally:
                sink.close()

        await asyncio.gather(copy(reader, upstream_writer), copy(upstream_reader, writer))

    fake = FakeApiServer()
    fake.script, fake.answers["/api/v1/namespaces/lab/pods/a"] = exit_at_once, answer_pod
    async with fake.serve(server_context(tmp_path, made)) as server:
        proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
        port = proxy.sockets[0].getsockname()[1]
        path = kubeconfig(tmp_path, server.url, made, {"proxy-url": f"http://127.0.0.1:{port}"}, {})
        async with Client(load_connection(files=[path], environ={})) as client:
            await check_both(client)
        proxy.close()
        async with Client(load_connection(files=[path], environ={})) as client:
            with pytest.raises(Unreachable):  # now that the proxy is gone
                await open_exec(client, TARGET, ["true"], tty=False, receiver=Recorder())
    assert len(asked) == 2
    assert all(line.startswith(b"CONNECT 127.0.0.1:") for line in asked)


async def test_a_proxy_that_says_no_is_unreachable(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    path = kubeconfig(tmp_path, "https://127.0.0.1:1", certificates.make(), {"proxy-url": f"http://127.0.0.1:{port}"}, {})
    async with Client(load_connection(files=[path], environ={})) as client:
        with pytest.raises(Unreachable, match="407"):
            await client.get(PODS.path("lab", "a"), Pod)
        with pytest.raises(Unreachable, match="407"):
            await open_exec(client, TARGET, ["true"], tty=False, receiver=Recorder())
    proxy.close()
