"""The real kubectl in a terminal, and what it watches: exec, attach and debug with a tty, watches, rollouts, copies."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pexpect
import pytest
import yaml
from kubectl_lab import IMAGE, lab_content
from kubectl_replay import Kubectl, Outcome

from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import full_content
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.resources import POD, REPLICASET
from sandbox_fixtures import MakeSandboxCluster

# On a loaded machine kubectl alone may take seconds to start.
SECONDS = 30
LAB = Timings(backoff_base_seconds=120.0, pull_failure_seconds=0.05)


@pytest.fixture
async def lab(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster("lab", content=lab_content, timings=LAB)


@pytest.fixture
def kubectl(lab: SandboxCluster, tmp_path: Path) -> Kubectl:
    return Kubectl(lab, tmp_path / "kubectl")


async def in_terminal(kubectl: Kubectl, arguments: list[str], talk: Callable[[pexpect.spawn], None]) -> int:
    """Run kubectl in an 80x24 terminal and talk to it from another thread, as the cluster runs on this one. Returns the exit code."""

    def run() -> int:
        child = pexpect.spawn(kubectl.program, arguments, env=kubectl.environment(), dimensions=(24, 80), timeout=SECONDS, encoding="utf-8")
        try:
            talk(child)
            child.expect(pexpect.EOF)
        finally:
            child.close()
        return child.exitstatus if child.exitstatus is not None else -child.signalstatus

    return await asyncio.to_thread(run)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Ask again until it is so: for what nobody tells."""
    async with asyncio.timeout(SECONDS):
        while not await check():
            await asyncio.sleep(0.05)


async def test_exec_in_a_terminal_has_its_size_follows_it_and_returns_the_exit_code(kubectl: Kubectl) -> None:
    # tests/transcripts/kubectl/exec-tty-exit7
    def talk(child: pexpect.spawn) -> None:
        child.expect("/ # ")
        child.send("stty size\r")
        child.expect("24 80\r\n")
        child.setwinsize(40, 120)
        child.send("while [ \"$(stty size)\" != '40 120' ]; do sleep 0.05; done; echo resized\r")
        child.expect("\nresized\r\n")
        child.send("exit 7\r")
        child.expect("command terminated with exit code 7\r\n")

    assert await in_terminal(kubectl, ["exec", "-it", "-n", "lab2", "two", "-c", "main", "--", "sh"], talk) == 7


async def test_attach_in_a_terminal_talks_to_the_first_process(kubectl: Kubectl) -> None:
    # tests/transcripts/kubectl/attach-tty
    def talk(child: pexpect.spawn) -> None:
        child.expect("try pressing enter.\r\n")
        child.send("stty size\r")
        child.expect("24 80\r\n")
        child.send("exit 7\r")
        child.expect("Session ended, resume using 'kubectl attach attachme -c tty -n lab -i -t' command")

    assert await in_terminal(kubectl, ["attach", "-it", "-n", "lab", "attachme", "-c", "tty"], talk) == 0


async def test_debug_in_a_terminal_attaches_to_a_new_ephemeral_container(kubectl: Kubectl, lab: SandboxCluster) -> None:
    # tests/transcripts/kubectl/debug-tty
    def talk(child: pexpect.spawn) -> None:
        child.expect(r"Defaulting debug container name to (debugger-\w{5}).\r\n")
        child.expect("/ # ")
        child.send("stty size\r")
        child.expect("24 80\r\n")
        child.send("exit 7\r")
        child.expect("Session ended, the ephemeral container will not be restarted")

    arguments = f"debug -it -n lab2 two --image={IMAGE} --image-pull-policy=IfNotPresent -- sh".split()
    assert await in_terminal(kubectl, arguments, talk) == 0

    async def has_ended() -> bool:
        pod = lab.store.get(POD, "lab2", "two")
        assert pod is not None
        (status,) = pod["status"]["ephemeralContainerStatuses"]
        return bool(status["state"].get("terminated", {}).get("exitCode") == 7)

    await until(has_ended)


async def test_logs_follow_until_the_reader_goes(kubectl: Kubectl) -> None:
    def talk(child: pexpect.spawn) -> None:
        child.expect(r"out (\d+)\r\n")
        first = int(child.match[1])
        child.expect(f"out {first + 1}\r\n")
        child.sendintr()

    code = await in_terminal(kubectl, ["logs", "-f", "--tail=1", "-n", "lab", "attachme", "-c", "plain"], talk)
    assert code in (1, -2, 130)


async def test_a_watch_shows_a_pod_come_and_go(kubectl: Kubectl, lab: SandboxCluster) -> None:
    def talk(child: pexpect.spawn) -> None:
        child.expect("two .* Running")
        asyncio.run_coroutine_threadsafe(kubectl.run("kubectl delete pod two -n lab2 --wait=false"), loop).result(SECONDS)
        child.expect("two .* Terminating")
        asyncio.run_coroutine_threadsafe(is_gone(), loop).result(SECONDS)
        child.sendintr()

    async def is_gone() -> None:
        async def check() -> bool:
            return lab.store.get(POD, "lab2", "two") is None

        await until(check)

    loop = asyncio.get_running_loop()
    await in_terminal(kubectl, ["get", "pods", "-n", "lab2", "-w"], talk)


async def test_every_kind_can_be_listed_in_every_form(make_sandbox_cluster: MakeSandboxCluster, tmp_path: Path) -> None:
    kubectl = Kubectl(await make_sandbox_cluster(content=full_content, timings=LAB), tmp_path / "kubectl")
    kinds = "pods nodes namespaces services endpointslices deployments replicasets statefulsets daemonsets jobs events serviceaccounts"
    for kind in kinds.split():
        outcomes = [await kubectl.run(f"kubectl get {kind} -A {form}") for form in ("", "-o wide", "-o yaml", "-o name")]
        assert [one.exit_code for one in outcomes] == [0] * 4, outcomes
        plain, wide, text, names = (one.stdout for one in outcomes)
        count = len(names.splitlines())
        assert count > 0, kind
        assert len(plain.splitlines()) == len(wide.splitlines()) == count + 1
        assert len(yaml.safe_load(text)["items"]) == count


async def test_files_are_copied_both_ways(kubectl: Kubectl) -> None:
    (kubectl.folder / "given").write_bytes(bytes(range(256)) * 64)
    there = await kubectl.run("kubectl cp -n lab2 given two:/tmp/there -c main")
    back = await kubectl.run("kubectl cp -n lab2 two:/tmp/there back -c main")
    assert (there.exit_code, back.exit_code) == (0, 0), (there, back)
    assert (kubectl.folder / "back").read_bytes() == (kubectl.folder / "given").read_bytes()


async def test_rollout_status_waits_for_the_new_pods(kubectl: Kubectl, lab: SandboxCluster) -> None:
    init = {"name": "slow", "image": IMAGE, "command": ["sleep", "1"]}
    slow = json.dumps({"spec": {"template": {"spec": {"initContainers": [init]}}}})
    patched = await kubectl.run(f"kubectl patch deployment web -n lab2 -p '{slow}'")
    assert patched.exit_code == 0, patched
    status = await kubectl.run("kubectl rollout status -n lab2 deploy/web --timeout=30s")
    lines = status.stdout.splitlines()
    assert status.exit_code == 0
    # tests/transcripts/kubectl: rollout status
    assert lines[0] == 'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...'
    assert lines[-1] == 'deployment "web" successfully rolled out'
    history = await kubectl.run("kubectl rollout history -n lab2 deploy/web")
    assert re.findall(r"^\d+", history.stdout, re.M) == ["1", "2"]
    undone = await kubectl.run("kubectl rollout undo -n lab2 deploy/web")
    assert undone.stdout == "deployment.apps/web rolled back\n"
    assert len([one for one in lab.store.list(REPLICASET, "lab2") if one["metadata"]["name"].startswith("web-")]) == 2


async def test_a_bad_image_times_the_rollout_out(kubectl: Kubectl) -> None:
    changed = await kubectl.run("kubectl set image -n lab2 deploy/web web=localhost/nope:2")
    assert changed.stdout == "deployment.apps/web image updated\n"
    status = await kubectl.run("kubectl rollout status -n lab2 deploy/web --timeout=1s")
    assert (status.exit_code, status.stderr) == (1, "error: timed out waiting for the condition\n")


async def test_delete_waits_until_the_pod_is_gone(kubectl: Kubectl, lab: SandboxCluster) -> None:
    outcome = await kubectl.run("kubectl delete pod two -n lab2")
    assert outcome.exit_code == 0
    assert lab.store.get(POD, "lab2", "two") is None


async def test_a_manifest_is_applied_and_runs(kubectl: Kubectl, lab: SandboxCluster) -> None:
    created = await kubectl.run(f"kubectl run once --image={IMAGE} --restart=Never -n lab2 -- sh -c 'echo done here'")
    assert (created.exit_code, created.stdout) == (0, "pod/once created\n"), created
    waited = await kubectl.run("kubectl wait pod/once -n lab2 --for=jsonpath={.status.phase}=Succeeded --timeout=30s")
    assert waited.exit_code == 0, waited
    assert (await kubectl.run("kubectl logs once -n lab2")).stdout == "done here\n"


async def test_pods_out_of_reach_say_why(make_sandbox_cluster: MakeSandboxCluster, tmp_path: Path) -> None:
    cluster = await make_sandbox_cluster(content=full_content, timings=LAB, scale_pods=20)
    kubectl = Kubectl(cluster, tmp_path / "kubectl")
    lost = await kubectl.run("kubectl exec -n platform metrics-0 -- true")
    text = "error dialing backend: dial tcp 192.0.2.12:10250: connect: no route to host"
    assert (lost.exit_code, lost.stderr) == (1, f"error: unable to upgrade connection: {text}\n")
    load = await kubectl.run("kubectl exec -n load-3 service-0-00003 -- true")
    assert load.exit_code == 1
    assert "pod service-0-00003 is there for load only: the sandbox runs no process for it" in load.stderr
    removed = await kubectl.run("kubectl delete pod service-0-00003 -n load-3")
    assert removed.exit_code == 0


async def test_a_default_container_is_chosen_by_kubectl_from_the_annotation(
    make_sandbox_cluster: MakeSandboxCluster, tmp_path: Path
) -> None:
    kubectl = Kubectl(await make_sandbox_cluster(), tmp_path / "kubectl")
    outcome = await kubectl.run("kubectl exec -n shop cart-0 -- bash -c 'echo $CLUSTER'")
    assert outcome == Outcome(0, "demo-east\n", "")
