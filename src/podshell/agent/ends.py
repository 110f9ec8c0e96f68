"""How the end of a session is worded: one `End` from what ended it and what its lifeline reported; and the facts of shells. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from podshell.agent.refusals import refusal_from_failed
from podshell.agent.targets import TargetIdentity
from podshell.kube.classify import Failed, FailureKind
from podshell.kube.exec_ends import Exited, Lost
from podshell.kube.lifeline import LifelineReport
from podshell.kube.manifests import is_past
from podshell.kube.marker import Leader
from podshell.kube.shells import Shell
from podshell.wire.errors import ErrorCode, Refusal
from podshell.wire.messages import End, Facts

_LIMIT_NAMES = 64
# Between the clock that wrote when a pod ends and the one that ended it: seconds are cut off, and its start comes later.
_CLOCKS_DIFFER_MS = 5_000


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody ends the session. `reason`: closed, idle, revoked, target_gone, agent_stopped."""

    reason: str
    message: str = ""


Outcome = Stop | Exited | Failed | Lost | Refusal


def end_from(outcome: Outcome, report: LifelineReport | None, *, managed: bool, ended: bool, offers_debug: bool = False) -> End:
    """Build the end.

    `ended`: the server said that the shell's process has ended; `managed`: a lifeline watched over it; `offers_debug`: where an image has
    no shell, a debug container may be made.
    """
    left = report.left if report is not None else []
    unkilled = list(report.unkilled) if report is not None else []
    surely_gone = isinstance(outcome, Stop) and outcome.reason == "target_gone"
    if not surely_gone:
        if not ended and (report is None or not report.done):
            unkilled.append(
                "the shell: nobody confirmed its end; its lifeline goes on trying" if managed else "the command: nothing watches over it"
            )
        elif report is not None and not report.done and managed and not isinstance(outcome, Failed):
            unkilled.append("background processes: the lifeline did not report in time and goes on trying")
    return msgspec.structs.replace(_end(outcome, offers_debug), left=left[:_LIMIT_NAMES], unkilled=unkilled[:_LIMIT_NAMES])


def _end(outcome: Outcome, offers_debug: bool) -> End:
    match outcome:
        case Exited(code=code):
            return End("exited", code)
        case Failed():
            refusal = refusal_from_failed(outcome)
            if offers_debug and refusal.code in (ErrorCode.SHELL_MISSING, ErrorCode.SHELL_NOT_EXECUTABLE):
                refusal = msgspec.structs.replace(refusal, details={**refusal.details, "offer": "debug"})
            reason = "target_gone" if outcome.kind is FailureKind.TARGET_GONE else "failed"
            return End(reason, None, refusal.message, refusal.next_step, refusal)
        case Refusal():
            reason = "target_gone" if outcome.code is ErrorCode.TARGET_GONE else "failed"
            return End(reason, None, outcome.message, outcome.next_step, outcome)
        case Lost():
            return End("lost", None, outcome.message, "open a new shell; look at the API server if it goes on")
        case Stop():
            return End(outcome.reason, None, outcome.message[:4096])


def blame_time(end: End, expires: str, now_ms: int) -> End:
    """Say so when the container is gone because its time is over: whoever ends it by its deadline says only that it is deleted."""
    if end.reason != "target_gone" or not is_past(expires, now_ms + _CLOCKS_DIFFER_MS):
        return end
    text, step = f"its time was over at {expires}", "open another one; it may ask for more time (Longest life in the form, --ttl)"
    return msgspec.structs.replace(end, message=f"{text}: {end.message}"[:4096] if end.message else text, next_step=step)


def facts_of(end: End) -> Facts:
    """Flatten an end for its fact."""
    facts: Facts = {"reason": end.reason, "message": end.message, "left": end.left, "unkilled": end.unkilled}
    if end.exit_code is not None:
        facts["exit_code"] = end.exit_code
    if end.next_step:
        facts["next_step"] = end.next_step
    if end.refusal is not None:
        facts["refusal_code"] = end.refusal.code.value
        facts["refused_by"] = end.refusal.refused_by.value
    return facts


def facts_of_shell(target: TargetIdentity, incarnation: int, shell: Shell) -> Facts:
    """Build the fact of a shell that runs: what a successor needs to end or to resume it."""
    leader = shell.leader or Leader(0, 0)
    return {
        "namespace": target.namespace,
        "pod": target.pod,
        "pod_uid": target.pod_uid,
        "container": target.container,
        "incarnation": incarnation,
        "sid": leader.sid,
        "start_ticks": leader.start_ticks,
        "nonce": shell.nonce,
        "holder": shell.nonce if shell.held else "",
    }
