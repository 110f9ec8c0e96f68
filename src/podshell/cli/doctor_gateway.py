"""What `podshell doctor --gateway` looks at: the gateway, the cluster's agent, and what its ceiling and the target say to a session.

Asks only: the plan of a session makes nothing. The agent's own connection to its API server is the agent's affair, and shows in the plan.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import time
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from podshell import __version__
from podshell.cli.api import Api, OpenBody, Refused, Unreachable
from podshell.cli.doctor_checks import clock_line, level_line, version_line
from podshell.cli.doctor_images import registry_of, trace_line, trial_of
from podshell.cli.doctor_report import Line, Verdict
from podshell.cli.exits import lines_of_refusal
from podshell.cli.gateways import Gateway
from podshell.cli.shell_targets import TargetKind
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.tools import DebugPlan

_CLOCK_SECONDS = 5.0
# The ceiling's actions that debug and node shells may need, and what each is for (docs/explanation/debug-and-node-shells.md).
ACTIONS: Mapping[str, str] = {
    "podDebug": "debug containers in pods",
    "nodeShell": "shells on nodes",
    "hostMount": "the node's files",
    "hostWrite": "writing to the node's files",
    "nodePrivileged": "the node's processes, --enter, unconfined profiles, more capabilities",
}


class _User(Struct):
    name: str
    role: str


class _GatewayInfo(Struct):
    version: str


class Me(Struct):
    """Who the gateway takes us for."""

    user: _User
    gateway: _GatewayInfo


class Agent(Struct):
    """One linked agent of a cluster."""

    instance: str
    version: str
    draining: bool


class Cluster(Struct):
    """A cluster as the gateway knows it. `ceiling` is what its agent said last."""

    name: str
    state: Literal["online", "offline"]
    kubernetes_version: str
    agents: list[Agent]
    ceiling: dict[str, bool]


class DoctorApi(Api):
    """The calls that only the doctor makes."""

    async def me(self) -> Me:
        return msgspec.json.decode(await self._call("GET", "/api/me"), type=Me)

    async def known_clusters(self) -> list[Cluster]:
        return msgspec.json.decode(await self._call("GET", "/api/clusters"), type=list[Cluster])


async def check_through_gateway(gateway: Gateway, body: OpenBody | None, cluster: str) -> list[Line]:
    """Check everything that a session through this gateway needs; `body` None: for any target. Raises nothing."""
    api = DoctorApi(gateway)
    begin = time.monotonic()
    try:
        me = await api.me()
    except (Refused, Unreachable, msgspec.DecodeError) as error:
        return [_failed("gateway", error, "is podshell up, or the gateway, running? --gateway=URL names another")]
    text = f"{gateway.url} answers in {(time.monotonic() - begin) * 1000:.0f} ms; signed in as {me.user.name} ({me.user.role})"
    lines = [Line("gateway", Verdict.OK, text), *await _check_clock(gateway.url)]
    try:
        found = await _choose_cluster(api, body, cluster)
    except (Refused, Unreachable, msgspec.DecodeError) as error:
        return [*lines, _failed("cluster", error, "run doctor again; look at the gateway's log if it goes on")]
    if isinstance(found, Line):
        return [*lines, found]
    lines += cluster_lines(found, me.gateway.version)
    if body is None:
        return lines + ceiling_lines(list(ACTIONS), found.ceiling, needed=False)
    if found.state == "offline":
        return lines
    body.cluster = found.name
    return lines + await _guarded("plan", _check_plan(api, body, found.ceiling))


async def _guarded(check: str, work: Awaitable[list[Line]]) -> list[Line]:
    try:
        return await work
    except (Refused, Unreachable, msgspec.DecodeError) as error:
        return [_failed(check, error, "run doctor again; look at the cluster's agent if it goes on")]


def _failed(check: str, error: Refused | Unreachable | msgspec.DecodeError, otherwise: str) -> Line:
    if isinstance(error, Refused):
        said, *steps = lines_of_refusal(error.refusal)
        if not steps and error.refusal.code is ErrorCode.UNAUTHENTICATED:
            steps = ["name the file with your token for this gateway: --token-file"]
        return Line(check, Verdict.FAILED, said, "; ".join(steps) or otherwise)
    if isinstance(error, msgspec.DecodeError):
        return Line(check, Verdict.FAILED, f"the gateway's answer is not what was expected: {error}", "update it, or this program")
    return Line(check, Verdict.FAILED, str(error), otherwise)


async def _check_clock(url: str) -> list[Line]:
    date = ""
    with contextlib.suppress(OSError, http.client.HTTPException):  # it has answered before: no date is a line, too
        date = await asyncio.to_thread(_read_date, url)
    return [clock_line(date, datetime.now(UTC), "the gateway")]


def _read_date(url: str) -> str:
    parts = urlsplit(url)
    assert parts.hostname is not None
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    with contextlib.closing(kind(parts.hostname, parts.port, timeout=_CLOCK_SECONDS)) as connection:
        connection.request("GET", "/healthz")
        return connection.getresponse().headers.get("Date", "")


async def _choose_cluster(api: DoctorApi, body: OpenBody | None, wanted: str) -> Cluster | Line:
    """Choose as `kubectl shell --gateway` does: the one that is named, the only one, or the only one that has the pod."""
    clusters = await api.known_clusters()
    names = ", ".join(one.name for one in clusters)
    if not clusters:
        return Line("cluster", Verdict.FAILED, "the gateway knows no cluster", "enrol an agent: podshell gateway --enrol CLUSTER=FILE")
    if wanted:
        found = next((one for one in clusters if one.name == wanted), None)
        return found or Line("cluster", Verdict.FAILED, f"the gateway knows no cluster {wanted}", f"it knows {names}: --cluster")
    if len(clusters) == 1:
        return clusters[0]
    if body is None or not body.pod:
        return Line("cluster", Verdict.FAILED, f"the gateway has several clusters: {names}", "choose one with --cluster")
    online = [one for one in clusters if one.state == "online"]
    having = [one for one in online if await api.has_pod(one.name, body.namespace, body.pod)]
    if len(having) == 1:
        return having[0]
    where, pod = ", ".join(one.name for one in having or online) or "any cluster", f"{body.namespace}/{body.pod}"
    said = f"the pod {pod} is in several clusters: {where}" if having else f"no pod {pod} in {where}"
    return Line("cluster", Verdict.FAILED, said, "choose one with --cluster, and the pod's namespace with -n")


def cluster_lines(cluster: Cluster, gateway_version: str) -> list[Line]:
    """Say whether a cluster's agent is there, and which versions meet. Pure."""
    if cluster.state == "offline":
        fix = "start the agent there (podshell agent), or look at its log: it says why it is not linked"
        return [Line("cluster", Verdict.FAILED, f"no agent of {cluster.name} is linked", fix)]
    lines = [Line("cluster", Verdict.OK, f"{cluster.name} is online")]
    lines += [_agent_line(agent, [gateway_version, __version__]) for agent in cluster.agents]
    return [*lines, version_line(cluster.kubernetes_version)]


def _agent_line(agent: Agent, others: Sequence[str]) -> Line:
    text = f"{agent.instance}: version {agent.version}; the gateway has {others[0]}, this program {others[1]}"
    if agent.draining:
        return Line("agent", Verdict.WARNING, f"{text}; it is about to stop", "wait until the next one is linked")
    if {agent.version, *others} != {agent.version}:
        return Line("agent", Verdict.WARNING, text, "update the older ones: only equal versions are tested with each other")
    return Line("agent", Verdict.OK, text)


def ceiling_lines(actions: Sequence[str], ceiling: Mapping[str, bool], *, needed: bool) -> list[Line]:
    """Say which actions the ceiling allows. `needed`: the session cannot do without them. Pure."""
    lines = []
    for action in actions:
        what = f"{action} ({ACTIONS[action]})" if action in ACTIONS else action
        if ceiling.get(action, False):
            lines.append(Line("ceiling", Verdict.OK, f"allows {what}"))
        else:
            text = f"does not allow {what}" + (", which is needed" if needed else "")
            lines.append(Line("ceiling", Verdict.FAILED if needed else Verdict.WARNING, text, fix_of_action(action)))
    return lines


def fix_of_action(action: str) -> str:
    """Name the options by which a cluster's owner allows an action (agent/settings.py, launch/up.py)."""
    flag = "--ceiling-" + "".join(f"-{char.lower()}" if char.isupper() else char for char in action)
    return f"the cluster's owner can allow it: {flag} of podshell agent, or --allow {action} of podshell up"


async def _check_plan(api: DoctorApi, body: OpenBody, ceiling: Mapping[str, bool]) -> list[Line]:
    return plan_lines(await api.plan(body), ceiling)


def plan_lines(plan: DebugPlan, ceiling: Mapping[str, bool]) -> list[Line]:
    """Say what a session would need, and what refuses it. Pure.

    A plan names one refusal, the first; what the ceiling and the Pod Security level mean is said of all.
    """
    kind = TargetKind.NODE if plan.kind == "node" else TargetKind.POD
    lines = ceiling_lines(plan.actions, ceiling, needed=True)
    lines.append(_image_line(plan))
    if not _refuses(plan, "image"):
        lines.append(_pull_line(plan))
    lines.append(_level_line(plan, kind))
    if plan.profile == "trace":
        lines.append(trace_line(plan.node, "", gateway=True))
    lines.append(_target_line(plan, [action for action in plan.actions if not ceiling.get(action, False)]))
    return lines


def _refuses(plan: DebugPlan, what: str) -> bool:
    refusal = plan.refusal
    if refusal is None:
        return False
    if what == "level":
        return refusal.refused_by is RefusedBy.POD_SECURITY
    return refusal.code is ErrorCode.FORBIDDEN_BY_CEILING and refusal.details.get("option") == "image"


def _image_line(plan: DebugPlan) -> Line:
    if plan.refusal is None or not _refuses(plan, "image"):
        return Line("image", Verdict.OK, f"shells run {plan.image}")
    allowed = plan.refusal.details.get("allowed")
    names = f"allowed are {', '.join(allowed)}; " if isinstance(allowed, list) and allowed else ""
    fix = f"{names}leave out --image, or ask the cluster's owner: --tools-allowed-images of podshell agent, --allowed-images of podshell up"
    return Line("image", Verdict.FAILED, plan.refusal.message, fix)


def _pull_line(plan: DebugPlan) -> Line:
    text = f"whether {plan.node or 'the node'} has the image, or can pull it from {registry_of(plan.image)}, is not known"
    return Line("image", Verdict.UNKNOWN, text, trial_of(plan.node, None, gateway=True))


def _level_line(plan: DebugPlan, kind: TargetKind) -> Line:
    if plan.refusal is not None and _refuses(plan, "level"):
        return Line("pod security", Verdict.FAILED, plan.refusal.message, plan.refusal.next_step or "name another namespace")
    line = level_line(plan.namespace, plan.pod_security, kind, None)
    if kind is TargetKind.NODE and line.verdict is Verdict.FAILED:
        fix = "the cluster's owner can name another namespace: --tools-debug-namespace of podshell agent"
        return Line(line.check, line.verdict, line.text, fix)
    if plan.pod_security or line.verdict is not Verdict.OK:
        return line
    return Line("pod security", Verdict.OK, f"{plan.namespace} enforces no level, or the agent may not read it")


def _target_line(plan: DebugPlan, denied: Sequence[str]) -> Line:
    what = f"node {plan.node}" if plan.kind == "node" else f"pod {plan.namespace}/{plan.pod}"
    refusal = plan.refusal
    if refusal is None:
        made = {"job": "a Job", "ephemeral_container": "a debug container"}.get(plan.object, plan.object)
        return Line("target", Verdict.OK, f"a session on {what} would be opened: {made} in {plan.namespace}")
    if _is_said(refusal, plan, denied):
        return Line("target", Verdict.FAILED, f"a session on {what} would be refused", "see the lines above")
    said, *steps = lines_of_refusal(refusal)
    return Line("target", Verdict.FAILED, said, "; ".join(steps) or f"look at the {what}")


def _is_said(refusal: Refusal, plan: DebugPlan, denied: Sequence[str]) -> bool:
    """Whether another line names this refusal already."""
    return _refuses(plan, "image") or _refuses(plan, "level") or refusal.details.get("action") in denied
