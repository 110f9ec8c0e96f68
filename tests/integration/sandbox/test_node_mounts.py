"""What a pod sees of its node is real: its files and links, what is read-only, its processes, and what each capability allows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from podshell.sandbox.runtime import Container, ContainerSpec, Runtime, StartFailed, can_isolate
from podshell.sandbox.runtime.capabilities import container_capabilities
from podshell.sandbox.runtime.specs import Mount

pytestmark = pytest.mark.skipif(not can_isolate(), reason="needs namespaces")

SCRATCH = "/var/lib/kubelet/pods/u1/volumes/kubernetes.io~empty-dir/scratch"


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    runtime = Runtime(tmp_path / "node", isolated=True)
    await runtime.start()
    yield runtime
    await runtime.stop()


async def start(runtime: Runtime, *mounts: Mount, add: tuple[str, ...] = (), drop: tuple[str, ...] = ("ALL",), **how: object) -> Container:
    how = {"node": "worker-1", "mounts": mounts, "capabilities": container_capabilities(add, drop), **how}
    spec = ContainerSpec(secrets.token_hex(32), "uid", "default", "demo", "main", "bash", ("sleep", "infinity"), **how)  # type: ignore[arg-type]
    return await runtime.start_container(spec)


async def sh(runtime: Runtime, container: Container, script: str) -> str:
    """What the script prints, both streams."""
    output = b""

    async def take(name: str, data: bytes) -> None:
        nonlocal output
        output += data

    process = await runtime.exec(container, ["sh", "-c", script], tty=False, stdin=False, consumer=take)
    async with asyncio.timeout(30):
        await process.done
    return output.decode()


async def test_the_root_of_a_node_is_a_host_of_its_own(runtime: Runtime) -> None:
    container = await start(runtime, Mount("/", "/host", read_only=True, recursive=True), add=("SYS_CHROOT",))
    assert "Podshell sandbox" in await sh(runtime, container, "cat /host/etc/os-release")
    assert await sh(runtime, container, "cat /host/etc/hostname") == "worker-1\n"
    assert "No such file" in await sh(runtime, container, "cat /host/etc/resolv.conf")  # its link leads to /run of the node
    assert "127.0.0.53" in await sh(runtime, container, "chroot /host bash -c 'cat /etc/resolv.conf'")
    assert await sh(runtime, container, "test -S /host/run/containerd/containerd.sock && echo socket") == "socket\n"


async def test_without_the_right_to_change_the_root_chroot_is_refused(runtime: Runtime) -> None:
    # transcripts/node/job-hostpath-mounts
    container = await start(runtime, Mount("/", "/host", read_only=True))
    assert "can't change root directory to '/host': Operation not permitted" in await sh(runtime, container, "chroot /host bash")


@pytest.mark.parametrize("recursive", [False, True])
async def test_read_only_reaches_what_is_mounted_below_only_when_recursive(runtime: Runtime, recursive: bool) -> None:
    # transcripts/node/job-hostpath-mounts
    container = await start(runtime, Mount("/", "/host", read_only=True, recursive=recursive), drop=())
    assert "/host/x: Read-only file system" in await sh(runtime, container, "touch /host/x")
    below = await sh(runtime, container, "touch /host/var/lib/kubelet/x && echo written")
    assert below == ("touch: /host/var/lib/kubelet/x: Read-only file system\n" if recursive else "written\n")


async def test_what_one_pod_writes_to_the_host_another_one_sees(runtime: Runtime) -> None:
    writer = await start(runtime, Mount("/", "/host"))
    reader = await start(runtime, Mount("/", "/host", read_only=True))
    elsewhere = await start(runtime, Mount("/", "/host"), node="worker-2")
    await sh(runtime, writer, "echo seen > /host/opt/note")
    assert await sh(runtime, reader, "cat /host/opt/note") == "seen\n"
    assert "No such file" in await sh(runtime, elsewhere, "cat /host/opt/note")


async def test_an_empty_dir_is_shared_writable_and_removed(runtime: Runtime) -> None:
    shared = Mount(SCRATCH, "/scratch", make_mode=0o777)
    one = await start(runtime, shared, run_as_user=1000)
    two = await start(runtime, shared, run_as_user=1001)
    await sh(runtime, one, "echo mine > /scratch/file")
    assert await sh(runtime, two, "cat /scratch/file") == "mine\n"
    host = await start(runtime, Mount("/var/lib/kubelet/pods", "/pods"))
    assert await sh(runtime, host, "ls /pods") == "u1\n"
    runtime.forget_folder("worker-1", "/var/lib/kubelet/pods/u1")
    assert await sh(runtime, host, "ls /pods") == ""


async def test_host_pid_shows_the_processes_of_the_node_and_of_nobody_else(runtime: Runtime) -> None:
    container = await start(runtime, host_pid=True)
    # the node's own processes take their names a moment after the node is up
    waiting = "until ps -o args | grep -q 'bin/[k]ubelet --config'; do sleep 0.1; done; ps -o args"
    async with asyncio.timeout(20):
        listed = await sh(runtime, container, waiting)
    assert "/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml" in listed
    assert "pytest" not in listed


async def test_entering_the_node_needs_its_capabilities(runtime: Runtime) -> None:
    enter = "nsenter -t 1 -m -u -- sh -c 'hostname; cat /etc/resolv.conf'"
    strong = await start(runtime, host_pid=True, add=("SYS_ADMIN", "SYS_PTRACE", "SYS_CHROOT"), drop=())
    assert (await sh(runtime, strong, enter)).startswith("worker-1\nnameserver")
    weak = await start(runtime, host_pid=True)
    assert "can't open '/proc/1/ns/uts': Permission denied" in await sh(runtime, weak, enter)


async def test_the_end_of_a_container_ends_what_it_left_among_the_nodes_processes(runtime: Runtime) -> None:
    leaving = ContainerSpec(
        *(secrets.token_hex(32), "uid", "default", "demo", "main", "bash", ("sh", "-c", "sleep 987 & exec sleep 988")),
        node="worker-1",
        host_pid=True,
    )
    container = await runtime.start_container(leaving)
    watcher = await start(runtime, host_pid=True)
    await sh(runtime, watcher, "until ps -o args | grep -q '[s]leep 987'; do :; done")
    container.kill()
    async with asyncio.timeout(20):
        await container.exited
    assert "sleep 98" not in await sh(runtime, watcher, "ps -o args | grep '[s]leep 98'")


async def test_dropped_capabilities_are_gone_from_the_bounding_set_of_an_exec(runtime: Runtime) -> None:
    container = await start(runtime, add=("NET_ADMIN",), no_new_privileges=True)
    status = await sh(runtime, container, "grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status")
    assert status.split() == ["CapEff:", "0000000000001000", "CapBnd:", "0000000000001000", "NoNewPrivs:", "1"]


async def test_a_user_that_is_not_root_has_none_of_the_added_capabilities(runtime: Runtime) -> None:
    container = await start(runtime, add=("NET_ADMIN",), run_as_user=1000, run_as_group=2000)
    assert "CapEff:\t0000000000000000" in await sh(runtime, container, "cat /proc/self/status")
    assert await sh(runtime, container, "id -u; id -g") == "1000\n2000\n"


async def test_a_mount_over_what_does_not_exist_in_a_read_only_mount_fails_to_start(runtime: Runtime) -> None:
    with pytest.raises(StartFailed, match=r'rootfs at "/host/nowhere": create mountpoint for /host/nowhere mount: .*read-only file system'):
        await start(runtime, Mount("/", "/host", read_only=True), Mount(SCRATCH, "/host/nowhere", make_mode=0o777))


async def test_a_mount_hides_what_is_below_it(runtime: Runtime) -> None:
    mask = Mount(SCRATCH, "/host/run/containerd", read_only=True, make_mode=0o777)
    container = await start(runtime, mask, Mount("/", "/host", read_only=True))
    assert await sh(runtime, container, "ls /host/run/containerd") == ""
    assert await sh(runtime, container, "ls /host/etc/hostname") == "/host/etc/hostname\n"


@pytest.mark.parametrize(
    ("path", "kind", "why"),
    [
        ("/etc", "Directory", None),
        ("/nowhere", "Directory", "hostPath type check failed: /nowhere is not a directory"),
        ("/nowhere", "DirectoryOrCreate", None),
        ("/run/containerd/containerd.sock", "Socket", None),
        ("/var/run/containerd", "Directory", None),  # through a link that leads to /run of the node
        ("/etc/hostname", "Socket", "hostPath type check failed: /etc/hostname is not a socket file"),
        ("/dev/null", "CharDevice", None),
    ],
)
async def test_host_paths_are_checked_on_the_node(runtime: Runtime, path: str, kind: str, why: str | None) -> None:
    assert await runtime.host_path_fault("worker-1", path, kind) == why
