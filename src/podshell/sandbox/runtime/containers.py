"""The containers of one node: what is started, what runs in it, and how it ends.

``Runtime`` is the container runtime of one sandbox cluster, ``Container`` one run of one container.  Isolated, a
container is a process in namespaces of its own with a private root; where the machine allows no namespaces it is a plain
process in an own folder (``isolated`` is False): same streams, same ends, but it sees the machine, and its processes
are found by a mark in their environment instead of by their namespace.

What plain processes cannot give: another prompt and folder, no ``/`` of their own, no shared pid namespace, and no
protection of the rest: run by root they become nobody's, run by a user they may signal all that this user runs.

Nothing is left when the sandbox ends or is killed: see ``launcher.py``.  Start a Runtime on a thread that lives as long
as it does (the kernel's parent-death signal goes by thread).
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from podshell.sandbox.runtime.capabilities import ALL_CAPABILITIES
from podshell.sandbox.runtime.images import Image, ImageStore
from podshell.sandbox.runtime.launch import Launched, LauncherClient, LaunchRefused, Message
from podshell.sandbox.runtime.logs import ContainerLog
from podshell.sandbox.runtime.nodes import INIT, build_node_root, host_path_fault, resolve
from podshell.sandbox.runtime.processes import Consumer, Process, open_pty
from podshell.sandbox.runtime.specs import ContainerSpec, ExecFailed, ImageMissing, ImagePullFailed, StartFailed

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NOBODY = 65534
_MARK = "PODSHELL_SANDBOX_CONTAINER"
_START_FAILED = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "


def can_isolate() -> bool:
    """Whether this process may make mount and pid namespaces (root with CAP_SYS_ADMIN, in effect)."""
    with open("/proc/self/status", encoding="ascii") as status:
        effective = next((line.split()[1] for line in status if line.startswith("CapEff:")), "0")
    return os.geteuid() == 0 and bool(int(effective, 16) >> 21 & 1)


class Container:
    """One run of a container; ``exited`` resolves to the exit code as Kubernetes reports it (137 for SIGKILL)."""

    def __init__(self, runtime: "Runtime", spec: ContainerSpec, image: Image, folder: Path) -> None:
        self.spec = spec
        self.image = image
        self.log = ContainerLog()
        self.folder = folder
        self.started_at = 0.0
        self._runtime = runtime
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        """The first process (PID 1)."""
        if self._process is None:
            raise RuntimeError("the container was not started")
        return self._process

    @property
    def pid(self) -> int:
        """PID 1 as the machine counts."""
        return self.process.pid

    @property
    def exited(self) -> asyncio.Future[int]:
        """Resolves when the container has ended and its log is complete."""
        return self.process.done

    @property
    def running(self) -> bool:
        """Whether PID 1 is alive."""
        return self._process is not None and not self._process.exited.done()

    def begin(self, process: Process, now: float) -> None:
        """Take the started first process over."""
        self._process = process
        self.started_at = now
        process.exited.add_done_callback(lambda _: self._kill_rest())
        process.done.add_done_callback(lambda _: self.log.end())

    async def stop(self, grace_seconds: float) -> int:
        """Ask PID 1 to end (SIGTERM), kill the container after the grace; returns the exit code."""
        if self.running and grace_seconds > 0:
            self.process.kill(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    await asyncio.shield(self.process.exited)
        self.kill()
        return await asyncio.shield(self.exited)

    def kill(self) -> None:
        """End every process of the container at once."""
        self.process.kill()
        self._kill_rest()

    def _kill_rest(self) -> None:
        """End what the kernel does not end with PID 1: in a process namespace that is not the container's own, and without one."""
        if self.spec.share_pid_with is not None or self.spec.host_pid or not self._runtime.isolated:
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def processes(self) -> list[int]:
        """List the container's processes, by the machine's pids, as read from /proc."""
        if self._runtime.isolated:
            return _processes_with(lambda pid: os.readlink(f"/proc/{pid}/ns/mnt") == self.mount_namespace)
        mark = f"{_MARK}={self.spec.id}".encode()
        return _processes_with(lambda pid: mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))

    mount_namespace = ""


def _processes_with(test: Callable[[int], bool]) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if test(int(name)):
                    found.append(int(name))
    return sorted(found)


class Runtime:
    """The container runtime of one cluster, with its images below ``folder``."""

    def __init__(self, folder: Path, *, isolated: bool | None = None, service_host: str = "10.96.0.1") -> None:
        """Use namespaces where possible (``isolated`` None); ``service_host`` is what KUBERNETES_SERVICE_HOST says."""
        self.isolated = can_isolate() if isolated is None else isolated
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None
        if not self.isolated and os.geteuid() == 0:
            # Its processes are not root's and must be able to reach the images.
            self._own_folder = tempfile.TemporaryDirectory(prefix="podshell-sandbox-", ignore_cleanup_errors=True)
            folder = Path(self._own_folder.name)
            folder.chmod(0o711)
        self._folder = folder
        self._images = ImageStore(self._folder / "images")
        self._client = LauncherClient(isolated=self.isolated)
        self._containers: dict[str, Container] = {}
        self._execs: set[Process] = set()
        self._machines: dict[str, Launched] = {}  # by the node's name
        self._machines_lock = asyncio.Lock()
        self._service_environment = _service_environment(service_host)

    async def start(self) -> None:
        """Start the launcher."""
        self._mount_point.mkdir(parents=True, exist_ok=True)
        self._client.start(remove_at_end=self._own_folder.name if self._own_folder is not None else None)

    async def stop(self) -> None:
        """Kill every container; returns when their processes are gone."""
        await self._client.stop()
        containers = [container.process for container in self._containers.values()]
        for process in [*containers, *self._execs]:
            await process.abandon()
        if not self.isolated:
            for container in self._containers.values():
                container.kill()
        self._containers.clear()
        self._machines.clear()
        if self._own_folder is not None:
            self._own_folder.cleanup()  # the launcher was quicker, unless it was never started

    @property
    def images(self) -> ImageStore:
        """The images of the cluster; `images.register` adds one."""
        return self._images

    def pull(self, image: str) -> Image:
        """Have an image ready.

        Raises: ImagePullFailed.
        """
        return self._images.pull(image)

    def container(self, container_id: str) -> Container | None:
        """Find a container by id; ended ones are found until :meth:`forget`."""
        return self._containers.get(container_id)

    def forget(self, container_id: str) -> None:
        """Drop an ended container and its log."""
        self._containers.pop(container_id, None)

    async def start_container(self, spec: ContainerSpec) -> Container:
        """Start a container and return once its command runs.

        Raises: ImageMissing, StartFailed (the texts of containerd and runc).
        """
        try:
            image = self._images.pull(spec.image)
        except ImagePullFailed as error:
            raise ImageMissing(error.message) from error
        container = Container(self, spec, image, self._folder / "containers" / spec.id[:12])
        machine = await self._machine(spec.node) if self.isolated and (spec.mounts or spec.host_pid) else None
        message, descriptors, ours = self._prepare_start(container, machine)
        try:
            launched = await self._client.launch(message, descriptors)
        except LaunchRefused as error:
            _close(ours.values())
            raise StartFailed(_START_FAILED + error.message) from error
        finally:
            _close(descriptors)
        if launched.pty is not None:
            ours["stdout"] = launched.pty
        stdin = ours["stdout"] if spec.tty and spec.stdin else ours.get("stdin")
        outputs = {name: descriptor for name, descriptor in ours.items() if name != "stdin"}
        process = Process(self._client, launched, stdin=stdin, outputs=outputs, tty=spec.tty, record=container.log.append)
        if self.isolated:
            with contextlib.suppress(OSError):
                container.mount_namespace = os.readlink(f"/proc/{launched.pid}/ns/mnt")
        container.begin(process, time.time())
        self._containers[spec.id] = container
        return container

    async def exec(
        self,
        container: Container,
        command: list[str],
        *,
        tty: bool,
        stdin: bool,
        env: Mapping[str, str] | None = None,
        consumer: Consumer | None = None,
    ) -> Process:
        """Run a command in a running container and give its output to ``consumer`` (None: throw it away).

        Raises: ExecFailed (the texts of containerd and runc).
        """
        exec_id = secrets.token_hex(32)
        prefix = f'failed to exec in container: failed to start exec "{exec_id}": OCI runtime exec failed: exec failed: '
        if not container.running:
            raise ExecFailed(prefix + "cannot exec in a stopped container")
        ours: dict[str, int] = {}
        descriptors: list[int] = []
        try:
            if tty:
                folder = f"/proc/{container.pid}/root/dev/pts" if self.isolated else "/dev"
                ours["stdout"], terminal = open_pty(folder)
                descriptors = [terminal]
            else:
                descriptors = _open_pipes(ours, stdin)
            message = self._describe(container, command, tty=tty, env=env or {})
            launched = await self._client.launch({**message, "op": "exec", "init": container.pid}, descriptors)
        except (LaunchRefused, OSError) as error:
            _close(ours.values())
            # it may have ended a moment ago, which its own task has not seen yet
            ended = self.isolated and not os.path.exists(f"/proc/{container.pid}/root/dev")
            raise ExecFailed(prefix + ("cannot exec in a stopped container" if ended else str(error))) from error
        except asyncio.CancelledError:
            _close(ours.values())
            raise
        finally:
            _close(descriptors)
        outputs = {name: descriptor for name, descriptor in ours.items() if name != "stdin"}
        given = ours["stdout"] if tty and stdin else ours.get("stdin")
        process = Process(self._client, launched, stdin=given, outputs=outputs, tty=tty)
        if consumer is not None:
            process.add_consumer(consumer)  # before the first turn of its pump
        self._execs.add(process)
        process.done.add_done_callback(lambda _: self._execs.discard(process))
        return process

    async def host_path_fault(self, node: str, path: str, kind: str) -> str | None:
        """Say in the kubelet's words why a path of a node is not of this type; None when it is, or when there are no namespaces."""
        if not self.isolated:
            return None
        machine = await self._machine(node)
        try:
            return host_path_fault(f"/proc/{machine.pid}/root", path, kind)
        except OSError as error:
            return f"hostPath type check failed: {error.strerror}"

    def forget_folder(self, node: str, path: str) -> None:
        """Remove a folder of a node, such as the volumes of a pod that is gone."""
        machine = self._machines.get(node)
        if machine is not None and not machine.exited.done():
            shutil.rmtree(resolve(f"/proc/{machine.pid}/root", path), ignore_errors=True)

    async def _machine(self, node: str) -> Launched:
        """Start the processes of a node when they are first needed, or again when they have ended.

        Raises: StartFailed.
        """
        async with self._machines_lock:
            known = self._machines.get(node)
            if known is not None and not known.exited.done():
                return known
            root = self._folder / "nodes" / (node or "node")
            if not root.exists():
                build_node_root(root, node, self._images.find("bash").folder)
            environment = {"PATH": _PATH, "HOSTNAME": node}
            message = {"op": "start", "is_node": True, "image": str(root), "argv": INIT, "env": environment, "cwd": "/", "tty": False}
            message |= {"user": None, "mounts": [], "hostname": node, "read_only": False, "files": {}}
            message |= {"mount_point": str(self._mount_point), "capabilities": sorted(ALL_CAPABILITIES), "no_new_privileges": False}
            null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            try:
                self._machines[node] = await self._client.launch(message, [null, null, null])
            except LaunchRefused as error:
                raise StartFailed(_START_FAILED + error.message) from error
            finally:
                os.close(null)
            return self._machines[node]

    @property
    def _mount_point(self) -> Path:
        return self._folder / "mount"

    def _prepare_start(self, container: Container, machine: Launched | None) -> tuple[Message, list[int], dict[str, int]]:
        """Build the message, what the child gets as standard streams, and our ends of these."""
        spec, image = container.spec, container.image
        command = [*(spec.command if spec.command is not None else image.command), *spec.args]
        if spec.command is None and spec.args:
            command = list(spec.args)
        message = self._describe(container, command, tty=spec.tty, env={})
        if spec.command is None and not spec.args and image.program:
            message["program"] = image.program
        message["op"] = "start"
        ours: dict[str, int] = {}
        descriptors: list[int] = []
        if not self.isolated:
            container.folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                os.chown(container.folder, _NOBODY, _NOBODY)
        if spec.tty and not self.isolated:
            ours["stdout"], terminal = open_pty("/dev")
            descriptors = [terminal]
        elif not spec.tty:
            descriptors = _open_pipes(ours, spec.stdin)
        if self.isolated:
            message |= self._describe_root(spec, image, machine)
        return message, descriptors, ours

    def _describe_root(self, spec: ContainerSpec, image: Image, machine: Launched | None) -> Message:
        hostname = spec.hostname or spec.pod
        shared = self._containers.get(spec.share_pid_with) if spec.share_pid_with else None
        pid_of = shared.pid if shared is not None and shared.running else None
        return {
            "image": str(image.folder),
            "is_node": False,
            "mount_point": str(self._mount_point),
            "hostname": hostname,
            "read_only": spec.read_only,
            "node": machine.pid if machine is not None else None,
            "mounts": [asdict(one) for one in spec.mounts],
            "share_pid_with": machine.pid if machine is not None and spec.host_pid else pid_of,
            "files": {
                "/etc/hostname": f"{hostname}\n",
                "/etc/hosts": f"127.0.0.1\tlocalhost\n127.0.0.1\t{hostname}\n",
                "/etc/resolv.conf": "nameserver 10.96.0.10\n",
            },
        }

    def _describe(self, container: Container, command: list[str], *, tty: bool, env: Mapping[str, str]) -> Message:
        """Build the part of a message that starting and exec have in common."""
        spec = container.spec
        hostname = spec.hostname or spec.pod
        environment = {"PATH": _PATH, "HOSTNAME": hostname, "HOME": "/" if spec.run_as_user else "/root"}
        environment |= {**self._service_environment, **spec.env, **env}
        if tty:
            environment.setdefault("TERM", "xterm")  # containerd sets it with a tty only (transcripts/exec/env-nontty)
        message: Message = {
            "argv": command,
            "env": environment,
            "cwd": spec.working_dir,
            "user": container.image.user if spec.run_as_user is None else spec.run_as_user,
            "group": spec.run_as_group,
            "tty": tty,
            "capabilities": sorted(spec.capabilities),
            "no_new_privileges": spec.no_new_privileges,
        }
        if not self.isolated:
            root = str(container.image.folder)
            environment["PATH"] = ":".join(f"{root}{part}" for part in ("/usr/local/bin", "/usr/bin", "/sbin", "/bin"))
            environment |= {"HOME": str(container.folder), _MARK: spec.id}
            # Never as root without a pid namespace: one "kill -1" would reach every process of the machine.
            message |= {"cwd": str(container.folder), "root": root, "user": _NOBODY if os.geteuid() == 0 else None}
        return message


def _service_environment(host: str) -> dict[str, str]:
    """The variables that the kubelet gives every container (transcripts/exec/env-nontty.v5)."""
    return {
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
        "KUBERNETES_PORT": f"tcp://{host}:443",
        "KUBERNETES_PORT_443_TCP": f"tcp://{host}:443",
        "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
        "KUBERNETES_PORT_443_TCP_PORT": "443",
        "KUBERNETES_PORT_443_TCP_ADDR": host,
    }


def _open_pipes(ours: dict[str, int], stdin: bool) -> list[int]:
    """Open the pipes of a process without tty; returns the child's three descriptors."""
    if stdin:
        theirs, ours["stdin"] = os.pipe2(os.O_CLOEXEC)
    else:
        theirs = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    descriptors = [theirs]
    for name in ("stdout", "stderr"):
        ours[name], end = os.pipe2(os.O_CLOEXEC)
        descriptors.append(end)
    return descriptors


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
