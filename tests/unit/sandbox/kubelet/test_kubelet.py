"""The kubelet's bookkeeping: delays, statuses, the life of pods on a node whose processes the test ends."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from podshell.sandbox.content import manifests
from podshell.sandbox.content.nodes import node
from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.defaults import fill
from podshell.sandbox.kubelet.backoffs import Backoff, Timings, written
from podshell.sandbox.kubelet.kubelet import Kubelet
from podshell.sandbox.kubelet.specs import container_spec, expand
from podshell.sandbox.resources import EVENT, NODE, POD
from podshell.sandbox.runtime.capabilities import ALL_CAPABILITIES, DEFAULT_CAPABILITIES
from podshell.sandbox.runtime.images import Image
from podshell.sandbox.runtime.specs import ContainerSpec, ImagePullFailed, StartFailed
from podshell.sandbox.store import Obj, ObjectStore

# Long enough that a test sees the state between; a test that wants the next try shortens it.
TIMINGS = Timings(backoff_base_seconds=60.0, pull_failure_seconds=0.0, forced_kill_seconds=0.0)


class FakeProcess:
    """A container's process that runs until the test, TERM or KILL ends it."""

    def __init__(self, spec: ContainerSpec) -> None:
        self.spec = spec
        self.started_at = time.time()
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.graces: list[float] = []
        self.hears_term = True

    def end(self, code: int) -> None:
        if not self.exited.done():
            self.exited.set_result(code)

    def kill(self) -> None:
        self.end(137)

    async def stop(self, grace_seconds: float) -> int:
        self.graces.append(grace_seconds)
        if self.hears_term:
            self.end(0)
        return await asyncio.shield(self.exited)


class FakeNode:
    def __init__(self) -> None:
        self.processes: list[FakeProcess] = []
        self.forgotten: list[str] = []
        self.cleared: list[str] = []
        self.paths = {"/"}

    def pull(self, image: str) -> Image:
        if "nope" in image:
            raise ImagePullFailed(f'failed to pull and unpack image "{image}"')
        return Image(image, Path("/"), ("sh",), user=65532 if "nonroot" in image else 0)

    def forget(self, container_id: str) -> None:
        self.forgotten.append(container_id)

    def forget_folder(self, node: str, path: str) -> None:
        self.cleared.append(path)

    async def host_path_fault(self, node: str, path: str, kind: str) -> str | None:
        return None if path in self.paths else f"hostPath type check failed: {path} is not a directory"

    async def start_container(self, spec: ContainerSpec) -> FakeProcess:
        if spec.command == ("/no/such",):
            raise StartFailed('exec: "/no/such": stat /no/such: no such file or directory')
        self.processes.append(FakeProcess(spec))
        return self.processes[-1]

    def running(self, name: str) -> FakeProcess:
        return next(one for one in reversed(self.processes) if one.spec.name == name and not one.exited.done())


class OneNode:
    """A store, a kubelet and a fake node, with waiting for what the kubelet writes."""

    def __init__(self) -> None:
        self.store = ObjectStore()
        self.node = FakeNode()
        self.kubelet = Kubelet(self.store, EventRecorder(self.store), self.node, TIMINGS)
        self.store.create(NODE, node("worker-1", "192.0.2.11", version="v1"))
        self.store.create(NODE, node("lost", "192.0.2.12", version="v1", ready=False))

    def create(self, *containers: Obj, on: str = "worker-1", **spec: object) -> None:
        pod = manifests.pod("shop", "web", manifests.template("web", *containers, **spec))
        pod["spec"]["nodeName"] = on
        fill(POD, pod)
        self.store.create(POD, pod)

    def pod(self) -> Obj | None:
        return self.store.get(POD, "shop", "web")

    async def until(self, text: str) -> Obj:
        """Wait until the status of the pod says this."""
        changed = asyncio.Event()
        unsubscribe = self.store.listen(lambda _: changed.set())
        try:
            async with asyncio.timeout(10):
                while text not in str((self.pod() or {}).get("status")):
                    changed.clear()
                    await changed.wait()
        finally:
            unsubscribe()
        found = self.pod()
        assert found is not None
        return found

    async def until_gone(self) -> None:
        gone = asyncio.Event()
        unsubscribe = self.store.listen(lambda event: gone.set() if event.type == "DELETED" and event.resource == POD else None)
        async with asyncio.timeout(10):
            await gone.wait()
        unsubscribe()

    def delete(self, grace: int) -> None:
        def mark(obj: Obj) -> None:
            obj["metadata"] |= {"deletionTimestamp": "2026-11-22T12:55:41Z", "deletionGracePeriodSeconds": grace}

        self.store.modify(POD, "shop", "web", mark)

    def reasons(self) -> list[str]:
        return [one["reason"] for one in sorted(self.store.list(EVENT), key=lambda one: int(one["metadata"]["resourceVersion"]))]


@pytest.fixture
async def one_node() -> AsyncIterator[OneNode]:
    made = OneNode()
    await made.kubelet.start()
    yield made
    await made.kubelet.stop()


def main(name: str = "main", **fields: object) -> Obj:
    return manifests.container(name, "busybox:1", "sleep 1") | fields


def conditions(pod: Obj) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one.get("reason", "")) for one in pod["status"]["conditions"]}


class TestDelays:
    def test_the_first_restart_comes_at_once_and_then_the_delay_doubles_to_the_cap(self) -> None:
        backoff = Backoff(Timings())
        assert [backoff.next(1.0) for _ in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]

    def test_a_long_run_starts_anew(self) -> None:
        backoff = Backoff(Timings())
        delays = [backoff.next(1.0), backoff.next(1.0), backoff.next(601.0), backoff.next(1.0)]
        assert delays == [0, 10, 0, 10]

    def test_delays_are_written_as_go_writes_them(self) -> None:
        assert [written(one) for one in (10, 80, 160, 300)] == ["10s", "1m20s", "2m40s", "5m0s"]


class TestStatus:
    async def test_a_pod_runs_with_the_recorded_fields(self, one_node: OneNode) -> None:
        # transcripts/lifecycle/create-to-running
        one_node.create(main())
        pod = await one_node.until("'running'")
        status = pod["status"]
        assert status["phase"] == "Running"
        assert set(conditions(pod).values()) == {("True", "")}
        assert list(conditions(pod)) == ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        assert status["hostIPs"] == [{"ip": "192.0.2.11"}]
        assert status["podIP"].startswith("10.244.")
        (container,) = status["containerStatuses"]
        assert container["containerID"] == "containerd://" + one_node.node.processes[0].spec.id
        assert container["imageID"].startswith("sha256:")
        assert (container["ready"], container["started"], container["restartCount"]) == (True, True, 0)
        assert one_node.reasons() == ["Pulled", "Created", "Started"]

    async def test_a_crash_restarts_at_once_and_then_backs_off(self, one_node: OneNode) -> None:
        # transcripts/lifecycle/crash-loop, transcripts/events/crash-loop.v1
        one_node.create(main())
        await one_node.until("'running'")
        one_node.node.running("main").end(3)
        await one_node.until("'restartCount': 1")
        one_node.node.running("main").end(3)
        pod = await one_node.until("CrashLoopBackOff")
        (container,) = pod["status"]["containerStatuses"]
        uid = pod["metadata"]["uid"]
        assert container["state"]["waiting"]["message"] == f"back-off 1m0s restarting failed container=main pod=web_shop({uid})"
        assert container["lastState"]["terminated"]["exitCode"] == 3
        assert pod["status"]["phase"] == "Running"
        assert conditions(pod)["Ready"] == ("False", "ContainersNotReady")
        (event,) = [one for one in one_node.store.list(EVENT) if one["reason"] == "BackOff"]
        assert event["message"] == f"Back-off restarting failed container main in pod web_shop({uid})"

    @pytest.mark.parametrize(("code", "phase", "reason"), [(0, "Succeeded", "PodCompleted"), (2, "Failed", "PodFailed")])
    async def test_without_restarts_the_exit_code_decides(self, one_node: OneNode, code: int, phase: str, reason: str) -> None:
        one_node.create(main(), restartPolicy="Never")
        await one_node.until("'running'")
        one_node.node.running("main").end(code)
        pod = await one_node.until("'terminated'")
        assert pod["status"]["phase"] == phase
        assert conditions(pod)["Ready"] == ("False", reason)

    async def test_a_missing_image_backs_off(self, one_node: OneNode) -> None:
        # transcripts/events/image-pull-failure.v1
        one_node.create(main(image="localhost/nope:1"))
        pod = await one_node.until("ImagePullBackOff")
        assert pod["status"]["phase"] == "Pending"
        assert one_node.reasons() == ["Pulling", "Failed", "Failed", "BackOff", "Failed"]

    async def test_a_command_that_does_not_exist_is_a_start_error(self, one_node: OneNode) -> None:
        # transcripts/ephemeral/bad-command
        one_node.create(main(command=["/no/such"]))
        pod = await one_node.until("StartError")
        terminated = pod["status"]["containerStatuses"][0]["lastState"]["terminated"]
        assert (terminated["exitCode"], terminated["startedAt"]) == (128, "1970-01-01T00:00:00Z")

    async def test_init_containers_run_one_after_the_other_before_the_rest(self, one_node: OneNode) -> None:
        first, mesh = main("first"), main("mesh", restartPolicy="Always")
        one_node.create(main(), initContainers=[first, mesh])
        pod = await one_node.until("'running'")
        assert [one.spec.name for one in one_node.node.processes] == ["first"]
        assert conditions(pod)["Initialized"] == ("False", "ContainersNotInitialized")
        assert pod["status"]["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
        one_node.node.running("first").end(0)
        pod = await one_node.until("'phase': 'Running'")
        assert [one.spec.name for one in one_node.node.processes] == ["first", "mesh", "main"]
        assert conditions(pod)["Ready"] == ("True", "")

    async def test_an_ephemeral_container_is_started_once_beside_the_others(self, one_node: OneNode) -> None:
        one_node.create(main())
        await one_node.until("'running'")
        debugger = main("dbg", targetContainerName="main")
        one_node.store.modify(POD, "shop", "web", lambda one: one["spec"].update(ephemeralContainers=[debugger]))
        await one_node.until("'ephemeralContainerStatuses'")
        await one_node.until("'dbg', 'state': {'running'")
        process = one_node.node.running("dbg")
        assert process.spec.share_pid_with == one_node.node.running("main").spec.id
        process.end(4)
        pod = await one_node.until("'exitCode': 4")
        (status,) = pod["status"]["ephemeralContainerStatuses"]
        assert (status["ready"], status["restartCount"], status["state"]["terminated"]["reason"]) == (False, 0, "Error")
        assert pod["status"]["phase"] == "Running"
        assert "started" not in status


class TestDeletion:
    async def test_the_pod_goes_when_its_processes_have_ended(self, one_node: OneNode) -> None:
        one_node.create(main())
        await one_node.until("'running'")
        process = one_node.node.running("main")
        process.hears_term = False
        one_node.delete(30)
        pod = await one_node.until("'running'")
        assert pod["status"]["phase"] == "Running"
        gone = asyncio.create_task(one_node.until_gone())
        await asyncio.sleep(0)
        process.kill()
        await gone
        assert process.graces == [30]
        assert one_node.pod() is None
        assert one_node.reasons()[-1] == "Killing"

    async def test_a_finalizer_holds_the_object_but_not_the_processes(self, one_node: OneNode) -> None:
        one_node.create(main())
        await one_node.until("'running'")
        one_node.store.modify(POD, "shop", "web", lambda one: one["metadata"].update(finalizers=["example.com/hold"]))
        one_node.delete(30)
        pod = await one_node.until("'terminated'")
        assert pod["status"]["phase"] == "Succeeded"
        gone = asyncio.create_task(one_node.until_gone())
        await asyncio.sleep(0)
        one_node.store.modify(POD, "shop", "web", lambda one: one["metadata"].pop("finalizers"))
        await gone

    async def test_a_forced_deletion_kills_a_little_later(self, one_node: OneNode) -> None:
        one_node.create(main())
        await one_node.until("'running'")
        process = one_node.node.running("main")
        process.hears_term = False
        one_node.store.delete(POD, "shop", "web")
        async with asyncio.timeout(10):
            assert await process.exited == 137

    async def test_a_pod_on_a_lost_node_stays_as_it_is(self, one_node: OneNode) -> None:
        one_node.create(main(), on="lost")
        one_node.delete(30)
        await asyncio.sleep(0)
        assert one_node.node.processes == []
        pod = one_node.pod()
        assert pod is not None
        assert pod["status"]["phase"] == "Pending"

    async def test_a_node_that_comes_back_takes_its_pods_over(self, one_node: OneNode) -> None:
        one_node.create(main(), on="lost")
        back = node("lost", "192.0.2.12", version="v1")
        one_node.store.modify(NODE, None, "lost", lambda one: one.update(status=back["status"]))
        await one_node.until("'phase': 'Running'")

    async def test_its_own_deadline_ends_the_processes_and_keeps_the_object(self, one_node: OneNode) -> None:
        # transcripts/node/bare-pod-deadline
        one_node.create(main(), activeDeadlineSeconds=0.01)
        pod = await one_node.until("'phase': 'Failed'")
        assert pod["status"]["reason"] == "DeadlineExceeded"
        assert pod["status"]["message"] == "Pod was active on the node longer than the specified deadline"
        assert "DeadlineExceeded" in one_node.reasons()
        async with asyncio.timeout(10):
            await one_node.node.processes[0].exited  # on a slow machine the deadline is up before the container runs
        gone = asyncio.create_task(one_node.until_gone())
        await asyncio.sleep(0)
        one_node.delete(30)
        await gone
        assert one_node.node.forgotten == [one_node.node.processes[0].spec.id]


class TestNodePods:
    async def test_a_root_image_under_run_as_non_root_waits_for_ever(self, one_node: OneNode) -> None:
        # transcripts/ephemeral/run-as-nonroot
        one_node.create(main(securityContext={"runAsNonRoot": True}))
        pod = await one_node.until("CreateContainerConfigError")
        about = f'(pod: "web_shop({pod["metadata"]["uid"]})", container: main)'
        waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
        assert waiting["message"] == f"container has runAsNonRoot and image will run as root {about}"
        assert pod["status"]["phase"] == "Pending"
        (failed,) = [one for one in one_node.store.list(EVENT) if one["reason"] == "Failed"]
        assert failed["message"] == f"Error: {waiting['message']}"
        assert one_node.node.processes == []

    @pytest.mark.parametrize("fields", [{"image": "nonroot:1"}, {"securityContext": {"runAsUser": 1000}}])
    async def test_another_user_than_root_passes_run_as_non_root(self, one_node: OneNode, fields: Obj) -> None:
        one_node.create(main(**fields), securityContext={"runAsNonRoot": True})
        await one_node.until("'running'")

    async def test_a_user_root_that_is_asked_for_breaks_run_as_non_root(self, one_node: OneNode) -> None:
        one_node.create(main(securityContext={"runAsNonRoot": True, "runAsUser": 0}))
        pod = await one_node.until("CreateContainerConfigError")
        assert "container's runAsUser breaks non-root policy (pod: " in str(
            pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
        )

    async def test_a_missing_host_path_keeps_the_pod_from_starting(self, one_node: OneNode) -> None:
        volume = {"name": "keys", "hostPath": {"path": "/etc/keys", "type": "Directory"}}
        one_node.create(main(volumeMounts=[{"name": "keys", "mountPath": "/keys"}]), volumes=[volume])
        async with asyncio.timeout(10):
            while "FailedMount" not in one_node.reasons():
                await asyncio.sleep(0.01)  # an event, which `until` does not see
        (event,) = [one for one in one_node.store.list(EVENT) if one["reason"] == "FailedMount"]
        why = "hostPath type check failed: /etc/keys is not a directory"
        assert (event["type"], event["message"]) == ("Warning", f'MountVolume.SetUp failed for volume "keys" : {why}')
        pod = one_node.pod()
        assert pod is not None
        assert pod["status"]["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
        assert conditions(pod)["PodReadyToStartContainers"] == ("False", "")
        assert "podIP" not in pod["status"]
        one_node.node.paths.add("/etc/keys")
        await one_node.until("'running'")

    async def test_a_host_path_that_should_follow_a_private_root_is_a_create_error(self, one_node: OneNode) -> None:
        # transcripts/node/hosttocontainer-private-root
        mount = {"name": "host", "mountPath": "/host", "readOnly": True, "mountPropagation": "HostToContainer"}
        one_node.create(main(volumeMounts=[mount]), volumes=[{"name": "host", "hostPath": {"path": "/"}}])
        pod = await one_node.until("CreateContainerError")
        message = pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
        assert re.fullmatch(
            r'failed to generate container "[0-9a-f]{64}" spec: failed to generate spec: '
            r'path "/" is mounted on "/" but it is not a shared or slave mount',
            message,
        )

    async def test_a_host_network_pod_has_the_nodes_address_and_name(self, one_node: OneNode) -> None:
        one_node.create(main(), hostNetwork=True)
        pod = await one_node.until("'running'")
        assert (pod["status"]["podIP"], pod["status"]["hostIP"]) == ("192.0.2.11", "192.0.2.11")
        assert one_node.node.processes[0].spec.hostname == "worker-1"

    async def test_the_folders_of_a_pod_go_with_it(self, one_node: OneNode) -> None:
        one_node.create(main(volumeMounts=[{"name": "x", "mountPath": "/x"}]), volumes=[{"name": "x", "emptyDir": {}}])
        pod = await one_node.until("'running'")
        folder = f"/var/lib/kubelet/pods/{pod['metadata']['uid']}"
        (mount,) = one_node.node.processes[0].spec.mounts
        assert mount.source == f"{folder}/volumes/kubernetes.io~empty-dir/x"
        gone = asyncio.create_task(one_node.until_gone())
        await asyncio.sleep(0)
        one_node.delete(30)
        await gone
        assert one_node.node.cleared == [folder]


class TestSpecs:
    @pytest.mark.parametrize(
        ("context", "kept"),
        [
            ({"capabilities": {"drop": ["ALL"]}}, frozenset()),
            ({"capabilities": {"drop": ["ALL"], "add": ["SYS_CHROOT", "NET_ADMIN"]}}, frozenset({18, 12})),
            ({"capabilities": {"drop": ["NET_RAW"]}}, DEFAULT_CAPABILITIES - {13}),
            ({"capabilities": {"add": ["NO_SUCH"]}}, DEFAULT_CAPABILITIES),
            ({"privileged": True}, ALL_CAPABILITIES),
        ],
    )
    def test_capabilities_are_what_is_left_and_what_is_added(self, context: Obj, kept: frozenset[int]) -> None:
        pod = manifests.pod("shop", "web", manifests.template("web"))
        pod["metadata"]["uid"] = "u"
        assert container_spec(pod, main(securityContext=context), pod_ip="10.0.0.1").capabilities == kept

    def test_references_to_variables_are_expanded(self) -> None:
        assert expand("$(A)-$(B)-$$(A)-$(", {"A": "1"}) == "1-$(B)-$(A)-$("

    def test_the_pods_own_fields_are_given_to_the_environment(self) -> None:
        pod = manifests.pod("shop", "web", manifests.template("web"))
        pod["metadata"]["uid"] = "u"
        variable = {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}
        made = container_spec(pod, main(env=[variable], args=["$(WHERE)"]), pod_ip="10.0.0.1")
        assert (made.env["WHERE"], made.args, made.hostname) == ("shop", ("shop",), "web")
