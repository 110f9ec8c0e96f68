"""The whole client against the sandbox: TLS, tokens, lists, watches, real shells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fake_api_server import Recorder

from podshell.kube.classify import FailureKind
from podshell.kube.errors import ExecRefused, Forbidden, NotFound, Unauthorized, Unreachable
from podshell.kube.exec import ExecTarget, Exited, Failed, Lost, LostReason, open_exec
from podshell.kube.kubeconfig import load_connection
from podshell.kube.objects import Metadata, Pod
from podshell.kube.reflector import Reflector, ReflectorState
from podshell.kube.rest import Client, PatchKind
from podshell.kube.store import Change, ChangeKind, Store
from podshell.kube.workloads import NODES, PODS
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster

CART = ExecTarget("shop", "cart-0", "cart")


@pytest.fixture
async def client(sandbox_cluster: SandboxCluster, tmp_path: Path) -> AsyncIterator[Client]:
    async with connect(sandbox_cluster, tmp_path) as running:
        yield running


def connect(cluster: SandboxCluster, folder: Path, user: str = users.ADMIN) -> Client:
    path = folder / f"config-{user.replace('/', '-').replace(':', '-')}"
    cluster.write_kubeconfig(path, user)
    return Client(load_connection(files=[path], environ={}))


async def run(client: Client, target: ExecTarget, *command: str, tty: bool = False, stdin: bytes | None = None) -> tuple[Recorder, object]:
    recorder = Recorder()
    stream = await open_exec(client, target, command, tty=tty, receiver=recorder, size=(120, 40) if tty else None)
    if stdin is not None:
        stream.send_stdin(stdin)
        stream.close_stdin()
    async with asyncio.timeout(40):
        return recorder, await stream.wait_ended()


# -- REST ---------------------------------------------------------------------------------------------------------------


async def test_lists_gets_patches_and_deletes(client: Client) -> None:
    pods = await client.list(PODS.path("shop"), Pod)
    assert "cart-0" in [pod.metadata.name for pod in pods]
    pages = [page async for page in client.list_pages(PODS.path(), Pod, limit=1)]
    assert len(pages) > 1
    assert [page.remaining for page in pages][-2:] == [True, False]
    pod = await client.get(PODS.path("shop", "cart-0"), Pod)
    assert [container.name for container in pod.spec.containers] == ["cart", "exporter"]
    assert (await client.list(NODES.path(), NODES.kind))[0].status.node_info.kubelet_version
    body = {"metadata": {"labels": {"seen": "yes"}}}
    patched = await client.patch(PODS.path("shop", "cart-0"), body, Pod, how=PatchKind.STRATEGIC)
    assert (patched.metadata.labels or {})["seen"] == "yes"
    with pytest.raises(NotFound) as missing:
        await client.delete(PODS.path("shop", "nobody"))
    assert missing.value.name == "nobody"


async def test_the_servers_version_is_known(client: Client) -> None:
    assert (await client.server_version()).git_version.startswith("v1.36")


async def test_creates_what_it_is_given(client: Client) -> None:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "create", "resource": "pods", "subresource": "exec"}},
    }
    answer = await client.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, Metadata)
    assert answer.kind == "SelfSubjectAccessReview"


async def test_a_log_is_streamed(client: Client) -> None:
    async with asyncio.timeout(20):
        log = b"".join([piece async for piece in client.log_stream("shop", "cart-0", "cart", follow=False)])
    assert isinstance(log, bytes)
    with pytest.raises(NotFound):
        async for _ in client.log_stream("shop", "nobody", "cart"):
            pass


async def test_missing_rights_are_named(sandbox_cluster: SandboxCluster, tmp_path: Path) -> None:
    sandbox_cluster.add_user("nobody", "token-of-nobody")
    async with connect(sandbox_cluster, tmp_path, "nobody") as client:
        with pytest.raises(Forbidden) as refused:
            await client.list(PODS.path("shop"), Pod)
        assert (refused.value.user, refused.value.verb, refused.value.resource) == ("nobody", "list", "pods")
        with pytest.raises(ExecRefused) as exec_refused:
            await open_exec(client, CART, ["sh"], tty=True, receiver=Recorder())
        assert exec_refused.value.failed.kind is FailureKind.RBAC


async def test_a_bad_token_is_unauthorized_for_rest_and_exec(sandbox_cluster: SandboxCluster, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(sandbox_cluster.kubeconfig().replace(sandbox_cluster.token(), "wrong"))
    async with Client(load_connection(files=[path], environ={})) as client:
        with pytest.raises(Unauthorized):
            await client.get(PODS.path("shop", "cart-0"), Pod)
        with pytest.raises(ExecRefused) as refused:
            await open_exec(client, CART, ["sh"], tty=True, receiver=Recorder())
        assert refused.value.failed.kind is FailureKind.UNAUTHENTICATED


async def test_a_server_of_another_authority_is_not_trusted(sandbox_cluster: SandboxCluster, tmp_path: Path) -> None:
    path = tmp_path / "config"
    text = sandbox_cluster.kubeconfig().splitlines()
    path.write_text("\n".join(line for line in text if "certificate-authority-data" not in line))
    async with Client(load_connection(files=[path], environ={})) as client:
        with pytest.raises(Unreachable, match="certificate"):
            await client.get(PODS.path("shop", "cart-0"), Pod)
        with pytest.raises(Unreachable, match="certificate"):
            await open_exec(client, CART, ["sh"], tty=True, receiver=Recorder())


# -- the cache ----------------------------------------------------------------------------------------------------------


async def test_a_cache_follows_the_cluster_through_a_rotation(sandbox_cluster: SandboxCluster, client: Client) -> None:
    store: Store[Pod] = Store()
    gone, marked = asyncio.Event(), asyncio.Event()

    def note(change: Change[Pod]) -> None:
        if change.kind is ChangeKind.DELETED and change.new.metadata.name == "cart-0":
            gone.set()
        if (change.new.metadata.labels or {}).get("mark") == "1":
            marked.set()

    store.listen(note)
    reflector = Reflector(client, PODS, store)
    task = asyncio.create_task(reflector.run())
    try:
        async with asyncio.timeout(40):
            await reflector.synced.wait()
            assert store.get("shop", "cart-0") is not None
            await sandbox_cluster.server.rotate()
            await client.patch(PODS.path("shop", "cart-0"), {"metadata": {"labels": {"mark": "1"}}}, Pod)
            await marked.wait()
            await client.delete(PODS.path("shop", "cart-0"), grace_seconds=0)
            await gone.wait()
        assert reflector.health.state is ReflectorState.SYNCED
    finally:
        task.cancel()
        await asyncio.wait([task])


# -- exec ---------------------------------------------------------------------------------------------------------------


async def test_output_errors_and_exit_code(client: Client) -> None:
    recorder, end = await run(client, CART, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert end == Exited(7)
    assert (bytes(recorder.stdout), bytes(recorder.stderr)) == (b"out\n", b"err\n")


async def test_half_close_lets_sort_end(client: Client) -> None:
    recorder, end = await run(client, CART, "sort", stdin=b"b\na\n")
    assert end == Exited(0)
    assert recorder.stdout == b"a\nb\n"


async def test_a_mib_goes_through_both_ways(client: Client) -> None:
    data = bytes(range(256)) * 4096
    recorder, end = await run(client, CART, "cat", stdin=data)
    assert end == Exited(0)
    assert recorder.stdout == data


async def test_a_tty_has_the_size_and_takes_another(client: Client) -> None:
    recorder = Recorder()
    stream = await open_exec(client, CART, ["sh"], tty=True, size=(120, 40), receiver=recorder)
    async with asyncio.timeout(40):
        await recorder.is_up.wait()
        for cols, rows in ((120, 40), (99, 33)):
            stream.resize(cols, rows)
            # Sizes and input take different ways through a server: the shell waits for its own.
            stream.send_stdin(b'until [ "$(stty size)" = "%d %d" ]; do sleep 0.05; done; echo "is"-%d\n' % (rows, cols, rows))
            await recorder.wait_for(b"is-%d" % rows)
        stream.send_stdin(b"exit 5\n")
        assert await stream.wait_ended() == Exited(5)


async def test_a_missing_shell_is_named(client: Client) -> None:
    _, end = await run(client, CART, "no-such-shell")
    assert isinstance(end, Failed)
    assert end.kind is FailureKind.SHELL_MISSING


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (ExecTarget("shop", "nobody", "main"), FailureKind.TARGET_GONE),
        (ExecTarget("shop", "cart-0", "nope"), FailureKind.CONTAINER_UNKNOWN),
        (ExecTarget("shop", "cart-0", ""), FailureKind.CONTAINER_REQUIRED),
    ],
)
async def test_a_refusal_before_the_upgrade_is_classified(client: Client, target: ExecTarget, kind: FailureKind) -> None:
    with pytest.raises(ExecRefused) as refused:
        await open_exec(client, target, ["sh"], tty=True, receiver=Recorder())
    assert refused.value.failed.kind is kind


async def test_a_cut_stream_is_lost_not_ended(sandbox_cluster: SandboxCluster, client: Client) -> None:
    recorder = Recorder()
    stream = await open_exec(client, CART, ["sh", "-c", "echo ready; exec sleep 1000"], tty=False, receiver=recorder)
    async with asyncio.timeout(40):
        await recorder.wait_for(b"ready")
        sandbox_cluster.faults.cut()
        end = await stream.wait_ended()
    assert isinstance(end, Lost)
    assert end.reason is LostReason.TRANSPORT


async def test_a_flood_is_held_back_and_then_delivered_whole(client: Client) -> None:
    total = 8 * 1024 * 1024
    paused, received = asyncio.Event(), [0]

    class Slow(Recorder):
        def output(self, channel: int, data: memoryview | bytes) -> None:
            received[0] += len(data)
            if not paused.is_set() and received[0] > 1024 * 1024:
                stream.pause()
                paused.set()

    recorder = Slow()
    stream = await open_exec(client, CART, ["head", "-c", str(total), "/dev/zero"], tty=False, receiver=recorder)
    async with asyncio.timeout(60):
        await paused.wait()
        held = received[0]
        for _ in range(200):
            await asyncio.sleep(0)
        assert received[0] - held < 512 * 1024
        stream.resume()
        assert await stream.wait_ended() == Exited(0)
    assert received[0] == total
