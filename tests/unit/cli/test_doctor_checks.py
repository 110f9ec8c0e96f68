"""What `podshell doctor` says of a server, a clock, a namespace, a node and a pod, each by itself (images: test_doctor_images.py)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest
from answering import client

from podshell.cli import doctor_checks as checks
from podshell.cli.doctor_direct import DirectDoctor
from podshell.cli.doctor_report import Line, Verdict, as_json, as_table, guarded
from podshell.cli.doctor_rights import RIGHTS_NODE, RIGHTS_POD, Answers, Right, rights_lines
from podshell.cli.shell_targets import ShellTarget, TargetKind
from podshell.cli.shell_values import Values, read_values
from podshell.kube.debug_options import DebugKind, ResolvedOptions
from podshell.kube.errors import Forbidden, KubeError, ServerError, Unreachable
from podshell.kube.objects import Node, Pod

NODE, POD = TargetKind.NODE, TargetKind.POD
OK, WARNING, FAILED, UNKNOWN = Verdict
NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)


def said(lines: list[Line]) -> list[tuple[str, Verdict]]:
    return [(line.check, line.verdict) for line in lines]


# -- the report ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [WARNING, FAILED, UNKNOWN])
def test_a_line_that_is_not_in_order_has_a_next_step(verdict: Verdict) -> None:
    with pytest.raises(AssertionError):
        Line("check", verdict, "text")


def test_the_table_shows_what_to_do_below_a_line_and_only_where_there_is_something() -> None:
    lines = [Line("a", OK, "fine", "never shown"), Line("long", FAILED, "bad", "do this")]
    assert as_table(lines).splitlines() == ["ok    a     fine", "FAIL  long  bad", "            -> do this"]
    assert json.loads(as_json(lines))[1] == {"check": "long", "verdict": "failed", "text": "bad", "fix": "do this"}


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (Forbidden("no such right"), "ask the cluster's owner"),
        (ServerError("etcd is slow", status_code=500), "run doctor again"),
        (Unreachable("https://api.example", "no answer in time"), "run doctor again"),
    ],
)
async def test_a_check_that_fails_is_a_line_and_not_the_end(error: KubeError, fix: str) -> None:
    async def failing() -> list[Line]:
        raise error

    (line,) = await guarded("node", failing())
    assert (line.check, line.verdict) == ("node", UNKNOWN)
    assert str(error) in line.text
    assert line.fix.startswith(fix)


# -- server, version, clock ---------------------------------------------------------------------------------------------


async def test_a_server_that_answers_is_named_with_its_version() -> None:
    lines = await checks.check_server(client())
    assert said(lines) == [("server", OK), ("version", OK)]
    assert lines[0].text.startswith("https://api.example answers in ")


@pytest.mark.parametrize(
    ("error", "fix"),
    [(Unreachable("https://api.example", "refused"), "check the network"), (ServerError("no", status_code=503), "sign in again")],
)
async def test_a_server_that_does_not_answer_is_the_only_line(error: KubeError, fix: str) -> None:
    (line,) = await checks.check_server(client(version=error))
    assert (line.check, line.verdict) == ("server", FAILED)
    assert line.fix.startswith(fix)


@pytest.mark.parametrize(
    ("version", "verdict", "words"),
    [
        ("v1.24.17", FAILED, "no ephemeral containers"),
        ("v1.25.0", WARNING, "older stream protocol"),
        ("v1.29.3-gke.100", WARNING, "older stream protocol"),
        ("v1.30.0", OK, "Kubernetes v1.30.0"),
        ("v1.36.2+k3s1", OK, "Kubernetes v1.36.2+k3s1"),
        ("", UNKNOWN, "none of Kubernetes"),
        ("v²", UNKNOWN, "none of Kubernetes"),
        ("proxy 9", UNKNOWN, "none of Kubernetes"),
    ],
)
def test_a_version_says_what_it_means(version: str, verdict: Verdict, words: str) -> None:
    line = checks.version_line(version)
    assert line.verdict is verdict
    assert words in line.text


@pytest.mark.parametrize(
    ("seconds", "verdict", "words"),
    [
        (0, OK, "within 1 s"),
        (-29, OK, "within 29 s"),
        (31, WARNING, "31 s ahead of"),
        (-3600, WARNING, "3600 s behind"),
    ],
)
def test_a_clock_is_compared_with_the_servers(seconds: int, verdict: Verdict, words: str) -> None:
    line = checks.clock_line(format_datetime(NOW - timedelta(seconds=seconds), usegmt=True), NOW, "the server")
    assert line.verdict is verdict
    assert words in line.text


def test_a_date_without_a_zone_is_universal_time() -> None:
    assert checks.clock_line("Thu, 26 Nov 2026 12:00:00 -0000", NOW, "the server").verdict is OK


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_server_without_a_date_leaves_the_clock_unknown(date: str) -> None:
    line = checks.clock_line(date, NOW, "the server")
    assert line.verdict is UNKNOWN
    assert "NTP" in line.fix


async def test_a_connection_that_breaks_under_the_clock_is_no_answer() -> None:
    (line,) = await guarded("clock", checks.check_clock(client()))
    assert (line.check, line.verdict) == ("clock", UNKNOWN)


# -- rights -------------------------------------------------------------------------------------------------------------


def answers(rights: tuple[Right, ...], allowed: Callable[[str, str], bool | None]) -> Answers:
    return {
        (verb, right.resource, "shop" if right.namespaced else ""): allowed(verb, right.resource)
        for right in rights
        for verb in right.verbs
    }


def lines_of(rights: tuple[Right, ...], allowed: Callable[[str, str], bool | None]) -> dict[str, Line]:
    lines = rights_lines([(right, "shop") for right in rights], answers(rights, allowed))
    return {line.text.removeprefix("no ").split(" in shop")[0] if line.check == "rights" else "way": line for line in lines}


def test_patch_or_update_makes_a_debug_container() -> None:
    resource = "pods/ephemeralcontainers"
    both = lines_of(RIGHTS_POD, lambda verb, what: True)
    assert both[f"patch {resource}"].verdict is OK
    only_update = lines_of(RIGHTS_POD, lambda verb, what: what != resource or verb == "update")
    assert only_update[f"update {resource}"].verdict is OK
    assert "in place of patch" in only_update[f"update {resource}"].text
    neither = lines_of(RIGHTS_POD, lambda verb, what: what != resource)[f"patch or update {resource}"]
    assert neither.verdict is FAILED
    assert '"patch", or "update" together with "get" on pods, on pods/ephemeralcontainers' in neither.fix
    not_said = lines_of(RIGHTS_POD, lambda verb, what: None if verb == "update" else what != resource)
    assert not_said[f"patch or update {resource}"].verdict is UNKNOWN


@pytest.mark.parametrize("rights", [RIGHTS_POD, RIGHTS_NODE], ids=["pod", "node"])
def test_every_verb_of_exec_and_attach_is_asked_for(rights: tuple[Right, ...]) -> None:
    wanted = {(verb, resource) for verb in ("get", "create") for resource in ("pods/exec", "pods/attach")}
    assert wanted <= {(right.verb, right.resource) for right in rights}


@pytest.mark.parametrize(
    ("denied", "way", "exec_verdict"),
    [
        ((), OK, OK),
        (("pods/attach",), OK, OK),
        (("pods/exec",), WARNING, WARNING),
        (("pods/exec", "pods/attach"), FAILED, FAILED),
    ],
)
def test_the_way_of_a_shell_follows_from_exec_and_attach(denied: tuple[str, ...], way: Verdict, exec_verdict: Verdict) -> None:
    lines = lines_of(RIGHTS_NODE, lambda verb, what: what not in denied)
    assert lines["way"].verdict is way
    assert lines["create pods/exec"].verdict is exec_verdict
    if "pods/attach" in denied and "pods/exec" not in denied:
        assert lines["get pods/attach"].verdict is OK


def test_what_is_only_an_advantage_is_a_warning() -> None:
    lines = rights_lines([(right, "shop") for right in RIGHTS_NODE], answers(RIGHTS_NODE, lambda verb, what: False))
    assert {line.text.split(" (")[0] for line in lines if line.verdict is WARNING} == {
        "no get nodes", "no list events in shop", "no get namespaces",
    }  # fmt: skip


# -- Pod Security -------------------------------------------------------------------------------------------------------


def pod_options(*capabilities: str, restricted: bool = False) -> ResolvedOptions:
    return ResolvedOptions(DebugKind.DEBUG, "tools:1", capabilities=capabilities, restricted=restricted)


@pytest.mark.parametrize(
    ("level", "kind", "options", "verdict", "words"),
    [
        ("", NODE, None, OK, "enforces no level"),
        ("privileged", NODE, None, OK, "enforces privileged"),
        ("baseline", NODE, None, FAILED, "hostNetwork"),
        ("restricted", NODE, None, FAILED, "hostNetwork"),
        ("", POD, pod_options("NET_ADMIN"), OK, "enforces no level"),
        ("baseline", POD, None, WARNING, "no capabilities beyond the default ones"),
        ("baseline", POD, pod_options(), OK, "allows what is asked for"),
        ("baseline", POD, pod_options("NET_RAW"), FAILED, "does not allow NET_RAW"),
        ("restricted", POD, None, WARNING, "not root"),
        ("restricted", POD, pod_options(), WARNING, "not root"),
        ("restricted", POD, pod_options(restricted=True), OK, "allows what is asked for"),
        ("restricted", POD, pod_options("NET_ADMIN"), FAILED, "does not allow NET_ADMIN"),
    ],
)
def test_a_pod_security_level_says_what_it_lets_through(
    level: str, kind: TargetKind, options: ResolvedOptions | None, verdict: Verdict, words: str
) -> None:
    line = checks.level_line("shop", level, kind, options)
    assert line.verdict is verdict
    assert words in line.text
    assert line.fix or verdict is OK


async def test_the_level_is_read_from_the_namespace() -> None:
    labelled = {"metadata": {"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}
    (line,) = await checks.check_namespace(client({"/api/v1/namespaces/shop": labelled}), "shop", NODE, None)
    assert line.verdict is FAILED
    assert "--debug-namespace" in line.fix
    (line,) = await checks.check_namespace(client(), "shop", NODE, None)
    assert (line.verdict, line.text) == (FAILED, "there is no namespace shop")
    (line,) = await checks.check_namespace(client({"/api/v1/namespaces/shop": Forbidden("no")}), "shop", NODE, None)
    assert line.verdict is UNKNOWN
    with pytest.raises(ServerError):
        await checks.check_namespace(client({"/api/v1/namespaces/shop": ServerError("x", status_code=500)}), "shop", NODE, None)


# -- nodes and pods -----------------------------------------------------------------------------------------------------


def node(*, ready: str = "True", os: str = "linux", labels: dict[str, str] | None = None, runtime: str = "containerd://2.2.0") -> Node:
    info = {"operatingSystem": os, "kubeletVersion": "v1.36.2", "containerRuntimeVersion": runtime, "kernelVersion": "6.12"}
    status = {"conditions": [{"type": "Ready", "status": ready}], "nodeInfo": info}
    return msgspec.convert({"metadata": {"name": "worker-1", "labels": labels or {}}, "status": status}, Node)


def test_a_node_in_order_is_ready_runs_linux_and_names_its_runtime() -> None:
    lines = checks.node_lines(node(), NODE)
    assert said(lines) == [("node", OK), ("system", OK), ("runtime", OK)]
    assert lines[2].text == "containerd://2.2.0, kubelet v1.36.2"


@pytest.mark.parametrize("ready", ["False", "Unknown"])
def test_a_node_that_is_not_ready_starts_nothing(ready: str) -> None:
    line = checks.node_lines(node(ready=ready), NODE)[0]
    assert (line.verdict, "kubectl describe node worker-1" in line.fix) == (FAILED, True)


@pytest.mark.parametrize(
    ("system", "kind", "wanted", "verdict", "fix"),
    [
        ("linux", NODE, "linux", OK, ""),
        ("windows", NODE, "linux", FAILED, "use --os windows (untested)"),
        ("windows", NODE, "windows", WARNING, "end such a shell by exit"),
        ("windows", POD, "linux", FAILED, "use podshell exec"),
        ("linux", NODE, "windows", FAILED, "leave out --os"),
        ("", NODE, "linux", FAILED, "the label kubernetes.io/os"),
    ],
)
def test_the_system_must_be_the_one_that_is_asked_for(system: str, kind: TargetKind, wanted: str, verdict: Verdict, fix: str) -> None:
    line = checks.system_line("worker-1", system, kind, wanted)
    assert line.verdict is verdict
    assert line.fix.startswith(fix)


def test_the_label_counts_before_what_the_kubelet_says_as_the_shell_itself_reads_it() -> None:
    lines = checks.node_lines(node(labels={"kubernetes.io/os": "windows"}), NODE)
    assert lines[1].verdict is FAILED


def test_a_node_without_a_runtime_is_unknown() -> None:
    line = checks.node_lines(node(runtime=""), NODE)[2]
    assert (line.check, line.verdict) == ("runtime", UNKNOWN)


async def test_a_node_that_is_not_there_or_may_not_be_read_is_said() -> None:
    found, lines = await checks.read_node(client(), "worker-9")
    assert (found, said(lines)) == (None, [("node", FAILED)])
    found, lines = await checks.read_node(client({"/api/v1/nodes/worker-1": Forbidden("no nodes for you")}), "worker-1")
    assert (found, said(lines)) == (None, [("node", UNKNOWN)])
    assert "no nodes for you" in lines[0].text


def pod(phase: str = "Running", **spec: object) -> Pod:
    body = {"metadata": {"name": "cart-0", "namespace": "shop"}, "spec": {"nodeName": "worker-1", **spec}, "status": {"phase": phase}}
    return msgspec.convert(body, Pod)


@pytest.mark.parametrize(
    ("found", "target", "verdict", "words"),
    [
        (pod(), "", OK, "cart-0 is Running on worker-1"),
        (pod("Pending"), "", OK, "cart-0 is Pending on worker-1"),
        (pod("Pending", nodeName=""), "", FAILED, "is not on a node yet"),
        (pod("Succeeded"), "", FAILED, "has ended (Succeeded)"),
        (pod(os={"name": "windows"}), "", FAILED, "unsupported OS"),
        (pod(containers=[{"name": "cart"}]), "carts", FAILED, "has no container carts"),
    ],
)
def test_a_pod_is_judged_as_the_shell_itself_judges_it(found: Pod, target: str, verdict: Verdict, words: str) -> None:
    (line,) = checks.pod_lines(found, target)
    assert line.verdict is verdict
    assert words in line.text
    assert line.fix or verdict is OK


async def test_a_pod_that_is_not_there_is_said() -> None:
    found, (line,) = await checks.read_pod(client(), "shop", "nope")
    assert (found, line.verdict, line.fix) == (None, FAILED, "name its namespace with -n")


# -- all of it ----------------------------------------------------------------------------------------------------------


def values_of(**flags: object) -> Values:
    return read_values(flags, {"XDG_CONFIG_HOME": "/nowhere"})


def worker(**objects: object) -> dict[str, object]:
    return {"/api/v1/nodes/worker-1": msgspec.to_builtins(node()), "/api/v1/namespaces/shop": {"metadata": {"name": "shop"}}, **objects}


async def test_a_check_that_fails_leaves_the_lines_of_all_others() -> None:
    slow = client(worker(**{"/api/v1/namespaces/shop": ServerError("etcd is slow", status_code=500)}))
    lines = await DirectDoctor(slow, values_of(image="tools:1"), ShellTarget(NODE, "worker-1")).check()
    found = {line.check: line for line in lines}
    assert list(found) == ["server", "version", "clock", "ceiling", "rights", "way", "pod security", "image", "node", "system", "runtime"]
    assert (found["pod security"].verdict, found["clock"].verdict, found["node"].verdict) == (UNKNOWN, UNKNOWN, OK)


async def test_a_node_that_may_not_be_read_leaves_image_and_btf_unknown_with_how_to_try() -> None:
    closed = client(worker(**{"/api/v1/nodes/worker-1": Forbidden("no nodes")}))
    lines = await DirectDoctor(closed, values_of(image="tools:1", profile="trace"), ShellTarget(NODE, "worker-1")).check()
    last = lines[-2:]
    assert said(last) == [("image", UNKNOWN), ("trace", UNKNOWN)]
    assert "kubectl shell worker-1 --image tools:1 -- true" in last[0].fix


async def test_the_pull_secret_that_is_named_is_looked_for_in_the_debug_namespace() -> None:
    values = values_of(image="tools:1", pull_secret="regcred", debug_namespace="podshell")
    lines = await DirectDoctor(client(worker()), values, ShellTarget(NODE, "worker-1")).check()
    (line,) = [line for line in lines if line.check == "pull secret"]
    assert line.text == "the pull secret regcred of --pull-secret is not in podshell"


async def test_a_pod_is_followed_to_its_node_and_its_pull_secrets() -> None:
    body = {"metadata": {"name": "cart-0"}, "spec": {"nodeName": "worker-1", "imagePullSecrets": [{"name": "own"}]}}
    objects = worker(**{"/api/v1/namespaces/shop/pods/cart-0": body})
    lines = await DirectDoctor(client(objects), values_of(image="tools:1"), ShellTarget(POD, "cart-0")).check()
    texts = [line.text for line in lines]
    assert "the pull secret own of the pod cart-0 is not in shop" in texts
    assert "worker-1 is Ready" in texts


async def test_windows_has_an_image_of_its_own_where_none_is_named() -> None:
    lines = await DirectDoctor(client(worker()), values_of(os="windows"), ShellTarget(NODE, "worker-1")).check()
    assert next(line for line in lines if line.check == "image").text.startswith("shells run mcr.")
