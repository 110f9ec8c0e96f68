"""What `podshell doctor --gateway` makes of the gateway's answers. tests/integration/cli asks a real one."""

from __future__ import annotations

from typing import Any

import click
import msgspec
import pytest

from podshell import __version__
from podshell.agent.ceiling import Action, ceiling_of
from podshell.agent.settings import AgentSettings
from podshell.cli import doctor_gateway
from podshell.cli.api import OpenBody, Refused, Unreachable
from podshell.cli.doctor_command import check_rows, doctor_command
from podshell.cli.doctor_gateway import (
    ACTIONS,
    Agent,
    Cluster,
    Me,
    ceiling_lines,
    check_through_gateway,
    cluster_lines,
    fix_of_action,
    plan_lines,
)
from podshell.cli.doctor_report import Line, Verdict
from podshell.cli.failures import CommandFailed
from podshell.cli.gateways import Gateway
from podshell.cli.shell_options import Way
from podshell.cli.shell_targets import ShellTarget, TargetKind
from podshell.cli.shell_values import read_values
from podshell.options import options_of
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.tools import DebugPlan

OK, WARNING, FAILED, UNKNOWN = Verdict
EVERYTHING = dict.fromkeys(ACTIONS, True)
PLAN = DebugPlan(
    kind="node", object="job", namespace="podshell", pod="", node="worker-1", image="registry.example.com/tools:1", profile="host",
    manifest="", risks=[], actions=["nodeShell", "hostMount"], pod_security="privileged", ttl_seconds=14400, refusal=None,
)  # fmt: skip


def plan(**changes: object) -> DebugPlan:
    return msgspec.structs.replace(PLAN, **changes)


def by_check(lines: list[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.check, []).append(line)
    return found


def test_every_action_has_the_option_that_the_agent_has_for_it() -> None:
    flags = {f"--{option.name.replace('_', '-')}" for option in options_of(AgentSettings)}
    for action in Action:
        fix = fix_of_action(action.value)
        assert next(word for word in fix.split() if word.startswith("--ceiling-")) in flags
        assert f"--allow {action.value}" in fix
    assert set(ACTIONS) <= {action.value for action in Action}


def test_a_plan_that_is_not_refused_says_what_is_allowed_and_what_is_not_known() -> None:
    lines = by_check(plan_lines(PLAN, EVERYTHING))
    assert [line.verdict for line in lines["ceiling"]] == [OK, OK]
    assert [line.verdict for line in lines["image"]] == [OK, UNKNOWN]
    assert "from registry.example.com" in lines["image"][1].text
    assert "kubectl shell --gateway worker-1 -- true" in lines["image"][1].fix
    assert lines["pod security"][0].verdict is OK
    assert lines["target"][0].text == "a session on node worker-1 would be opened: a Job in podshell"


def test_an_action_that_the_ceiling_lacks_is_said_once_with_its_options() -> None:
    refusal = ceiling_of(["nodeShell"]).refusal(Action.HOST_MOUNT)
    lines = plan_lines(plan(refusal=refusal), {"nodeShell": True})
    failed = [line for line in lines if line.verdict is FAILED]
    assert [line.check for line in failed] == ["ceiling", "target"]
    assert "does not allow hostMount (the node's files), which is needed" in failed[0].text
    assert "--ceiling-host-mount of podshell agent, or --allow hostMount of podshell up" in failed[0].fix
    assert failed[1].fix == "see the lines above"


def test_an_image_that_is_not_allowed_names_those_that_are() -> None:
    details: dict[str, str | list[str]] = {"option": "image", "allowed": ["tools:1", "debug/*"]}
    refusal = Refusal(ErrorCode.FORBIDDEN_BY_CEILING, RefusedBy.CEILING, "not this image", "leave it out", details)
    lines = by_check(plan_lines(plan(refusal=refusal), EVERYTHING))
    (image,) = lines["image"]
    assert (image.verdict, image.text) == (FAILED, "not this image")
    assert image.fix.startswith("allowed are tools:1, debug/*; ")
    assert "--tools-allowed-images of podshell agent" in image.fix


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_debug_namespace_that_takes_no_node_pods_is_the_owners_affair(level: str) -> None:
    refusal = Refusal(ErrorCode.FORBIDDEN_BY_ADMISSION, RefusedBy.POD_SECURITY, "it needs the node's network", "use another namespace")
    (refused,) = by_check(plan_lines(plan(pod_security=level, refusal=refusal), EVERYTHING))["pod security"]
    assert (refused.verdict, refused.text) == (FAILED, "it needs the node's network")
    # also where the ceiling refuses first, and the plan names only that
    (hidden,) = by_check(plan_lines(plan(pod_security=level, refusal=ceiling_of([]).refusal(Action.NODE_SHELL)), {}))["pod security"]
    assert hidden.verdict is FAILED
    assert "--tools-debug-namespace of podshell agent" in hidden.fix


def test_a_level_that_is_not_known_is_not_said_to_be_none() -> None:
    (line,) = by_check(plan_lines(plan(pod_security=""), EVERYTHING))["pod security"]
    assert (line.verdict, line.text) == (OK, "podshell enforces no level, or the agent may not read it")


def test_any_other_refusal_is_the_targets() -> None:
    refusal = Refusal(ErrorCode.NOT_RUNNING, RefusedBy.NODE, "worker-1 is not Ready", "choose another node")
    (line,) = by_check(plan_lines(plan(refusal=refusal), EVERYTHING))["target"]
    assert (line.verdict, line.fix) == (FAILED, "choose another node")
    assert "worker-1 is not Ready" in line.text


def test_the_profile_trace_says_that_btf_is_not_known() -> None:
    (line,) = by_check(plan_lines(plan(profile="trace"), EVERYTHING))["trace"]
    assert "kubectl shell --gateway worker-1 --profile trace" in line.fix


def test_without_a_target_what_the_ceiling_lacks_is_a_warning() -> None:
    lines = ceiling_lines(list(ACTIONS), {"podDebug": True}, needed=False)
    assert [line.verdict for line in lines] == [OK, WARNING, WARNING, WARNING, WARNING]


def cluster(**changes: object) -> Cluster:
    agent = Agent("agent-1", __version__, draining=False)
    return msgspec.structs.replace(Cluster("east", "online", "v1.36.2", [agent], EVERYTHING), **changes)


@pytest.mark.parametrize(
    ("found", "gateway_version", "verdicts"),
    [
        (cluster(), __version__, [OK, OK, OK]),
        (cluster(state="offline"), __version__, [FAILED]),
        (cluster(), "0.0.9", [OK, WARNING, OK]),
        (cluster(agents=[Agent("a", __version__, draining=True)]), __version__, [OK, WARNING, OK]),
        (cluster(kubernetes_version="v1.24.0"), __version__, [OK, OK, FAILED]),
        (cluster(kubernetes_version=""), __version__, [OK, OK, UNKNOWN]),
    ],
)
def test_a_cluster_says_whether_its_agent_is_there_and_which_versions_meet(
    found: Cluster, gateway_version: str, verdicts: list[Verdict]
) -> None:
    assert [line.verdict for line in cluster_lines(found, gateway_version)] == verdicts


# -- a gateway that answers as it should, or not --------------------------------------------------------------------------

ME = msgspec.convert({"user": {"name": "ada", "role": "owner"}, "gateway": {"version": __version__}}, Me)


class FakeApi:
    """The doctor's calls; an exception in the place of an answer is raised."""

    me_answer: Any = ME
    clusters: Any = (cluster(),)
    pods: Any = ()
    plan_answer: Any = PLAN

    def __init__(self, gateway: Gateway) -> None:
        pass

    async def me(self) -> Me:
        return self._answer(self.me_answer)  # type: ignore[no-any-return]  # as a test set it

    async def known_clusters(self) -> list[Cluster]:
        return list(self._answer(self.clusters))

    async def has_pod(self, cluster: str, namespace: str, pod: str) -> bool:
        return (cluster, namespace, pod) in self.pods

    async def plan(self, body: OpenBody) -> DebugPlan:
        return self._answer(self.plan_answer)  # type: ignore[no-any-return]  # as a test set it

    def _answer(self, answer: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer


async def report(monkeypatch: pytest.MonkeyPatch, body: OpenBody | None, wanted: str = "", **answers: object) -> list[Line]:
    monkeypatch.setattr(doctor_gateway, "DoctorApi", type("Api", (FakeApi,), answers))
    return await check_through_gateway(Gateway("http://127.0.0.1:1", "t"), body, wanted)  # nothing listens there: no date


def node_body() -> OpenBody:
    return OpenBody("", kind="node", node="worker-1")


NOT_SIGNED_IN = Refused(Refusal(ErrorCode.UNAUTHENTICATED, RefusedBy.GATEWAY, "not signed in", ""), None)


@pytest.mark.parametrize(
    ("answer", "fix"),
    [(Unreachable("no answer"), "is podshell up"), (NOT_SIGNED_IN, "--token-file"), (msgspec.DecodeError("no JSON"), "update it")],
    ids=["unreachable", "not signed in", "no gateway"],
)
async def test_a_gateway_that_does_not_know_us_is_the_only_line(monkeypatch: pytest.MonkeyPatch, answer: Exception, fix: str) -> None:
    (line,) = await report(monkeypatch, None, me_answer=answer)
    assert (line.check, line.verdict) == ("gateway", FAILED)
    assert fix in line.fix


async def test_a_gateway_in_order_is_followed_to_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = await report(monkeypatch, node_body())
    assert lines[0].text.endswith("signed in as ada (owner)")
    assert list(by_check(lines)) == ["gateway", "clock", "cluster", "agent", "version", "ceiling", "image", "pod security", "target"]


async def test_a_plan_that_is_refused_or_does_not_come_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Refused(Refusal(ErrorCode.NOT_FOUND, RefusedBy.KUBERNETES, "there is no node worker-1", "kubectl get nodes"), None)
    assert (await report(monkeypatch, node_body(), plan_answer=gone))[-1].fix == "kubectl get nodes"
    last = (await report(monkeypatch, node_body(), plan_answer=Unreachable("it hangs")))[-1]
    assert (last.check, last.verdict, last.text) == ("plan", FAILED, "it hangs")


TWO = (cluster(name="east"), cluster(name="west"))
POD = OpenBody("", "shop", "cart-0", kind="debug")


@pytest.mark.parametrize(
    ("clusters", "wanted", "body", "pods", "said"),
    [
        ((), "", None, (), "the gateway knows no cluster"),
        (TWO, "north", None, (), "the gateway knows no cluster north"),
        (TWO, "", None, (), "the gateway has several clusters: east, west"),
        (TWO, "", POD, (), "no pod shop/cart-0 in east, west"),
        (TWO, "", POD, (("east", "shop", "cart-0"), ("west", "shop", "cart-0")), "the pod shop/cart-0 is in several clusters: east, west"),
        (TWO, "", POD, (("west", "shop", "cart-0"),), "west is online"),
        (TWO, "west", None, (), "west is online"),
        ((cluster(state="offline"),), "", POD, (), "no agent of east is linked"),
    ],
)
async def test_the_cluster_is_chosen_as_the_shell_chooses_it(
    monkeypatch: pytest.MonkeyPatch, clusters: object, wanted: str, body: OpenBody | None, pods: object, said: str
) -> None:
    body = msgspec.structs.replace(body) if body is not None else None
    lines = await report(monkeypatch, body, wanted, clusters=clusters, pods=pods)
    assert by_check(lines)["cluster"][0].text == said


# -- options --------------------------------------------------------------------------------------------------------------


def check(flags: dict[str, object], target: ShellTarget | None, way: Way) -> None:
    check_rows(read_values(flags, {"XDG_CONFIG_HOME": "/nowhere"}), target, way)


@pytest.mark.parametrize(
    ("flags", "target", "way", "said"),
    [
        ({"kubeconfig": "x"}, None, Way.GATEWAY, "--kubeconfig has no meaning with --gateway"),
        ({"token_file": "x"}, None, Way.DIRECT, "--token-file has no meaning without --gateway"),
        ({"host_pid": True}, ShellTarget(TargetKind.POD, "cart-0"), Way.DIRECT, "--host-pid has no meaning for a pod"),
    ],
)
def test_an_option_without_meaning_is_an_error(flags: dict[str, object], target: ShellTarget | None, way: Way, said: str) -> None:
    with pytest.raises(CommandFailed, match=said):
        check(flags, target, way)


def test_without_a_target_options_of_either_kind_are_taken() -> None:
    check({"host_pid": True}, None, Way.DIRECT)
    check({"target": "cart"}, None, Way.DIRECT)


def test_the_gateways_flags_are_written_as_the_shell_has_them() -> None:
    with doctor_command.make_context("doctor", ["--gateway", "--cluster", "east", "pods/cart-0"]) as context:
        assert (context.params["gateway"], context.params["words"]) == ("current", ("pods/cart-0",))
    with doctor_command.make_context("doctor", ["--gateway", "https://podshell.example.com"]) as context:
        assert context.params["gateway"] == "https://podshell.example.com"
    assert all(param.help for param in doctor_command.params if isinstance(param, click.Option))
