"""Which rights of its user direct mode needs, and which of them are there.

They are asked for with SelfSubjectAccessReview, which every signed-in user may create.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podshell.cli.doctor_report import Line, Verdict
from podshell.kube.access_reviews import is_allowed
from podshell.kube.rest import Client


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a resource; `why` names what it is for. Cluster-wide where `namespaced` is false.

    `or_verb` does in its place, where `verb` is missing. `optional`: without it something is missing, not everything.
    """

    verb: str
    resource: str
    why: str
    namespaced: bool = True
    optional: bool = False
    or_verb: str = ""

    @property
    def verbs(self) -> tuple[str, ...]:
        return (self.verb, self.or_verb) if self.or_verb else (self.verb,)


_EXEC = "the shell"
_ATTACH = "the shell, where exec is not allowed"
_STREAMS = ("pods/exec", "pods/attach")
_SHELL = (
    Right("get", "pods/exec", _EXEC),
    Right("create", "pods/exec", _EXEC),
    Right("get", "pods/attach", _ATTACH),
    Right("create", "pods/attach", _ATTACH),
    Right("list", "events", "the reasons of a failed start", optional=True),
    Right("get", "namespaces", "Pod Security", namespaced=False, optional=True),
)
_NODE = Right("get", "nodes", "the node: its system, and whether it is Ready", namespaced=False, optional=True)
RIGHTS_POD = (
    _NODE,
    Right("get", "pods", "the target"),
    Right("watch", "pods", "the start of the container"),
    Right("patch", "pods/ephemeralcontainers", "a debug container", or_verb="update"),
    *_SHELL,
)
RIGHTS_NODE = (
    _NODE,
    Right("create", "pods", "the node pod"),
    Right("get", "pods", "the target"),
    Right("watch", "pods", "the start of the container"),
    Right("delete", "pods", "the end of the node pod"),
    *_SHELL,
)

# Whether each verb on each resource in each namespace ("" is cluster-wide) is allowed; None: the server does not say.
Answers = Mapping[tuple[str, str, str], bool | None]


async def check_rights(client: Client, rights: Sequence[tuple[Right, str]]) -> list[Line]:
    """Ask whether each right is there, in its namespace, all at once."""
    asked = list(dict.fromkeys((verb, right.resource, _where(right, namespace)) for right, namespace in rights for verb in right.verbs))
    answers = await asyncio.gather(*(is_allowed(client, verb, resource, namespace) for verb, resource, namespace in asked))
    return rights_lines(rights, dict(zip(asked, answers, strict=True)))


def rights_lines(rights: Sequence[tuple[Right, str]], answers: Answers) -> list[Line]:
    """Say which rights are there, and for each namespace which way its shells will go. Pure."""
    denied = {(right.resource, namespace) for right, namespace in rights if _answer(right, namespace, answers) is False}
    lines = [_right_line(right, namespace, answers, denied) for right, namespace in rights]
    return lines + [_way_line(namespace, denied) for namespace in dict.fromkeys(namespace for _, namespace in rights)]


def _where(right: Right, namespace: str) -> str:
    return namespace if right.namespaced else ""


def _answer(right: Right, namespace: str, answers: Answers) -> bool | None:
    """One of its verbs is enough; what the server does not say of one may still be allowed."""
    found = [answers[verb, right.resource, _where(right, namespace)] for verb in right.verbs]
    return True if True in found else None if None in found else False


def _right_line(right: Right, namespace: str, answers: Answers, denied: set[tuple[str, str]]) -> Line:
    where = f" in {namespace}" if right.namespaced else ""
    answer = _answer(right, namespace, answers)
    if answer:
        used = next(verb for verb in right.verbs if answers[verb, right.resource, _where(right, namespace)])
        instead = "" if used == right.verb else f", in place of {right.verb}"
        return Line("rights", Verdict.OK, f"{used} {right.resource}{where} ({right.why}{instead})")
    text = f"{' or '.join(right.verbs)} {right.resource}{where} ({right.why})"
    if answer is None:
        return Line("rights", Verdict.UNKNOWN, text, "ask the cluster's owner; the server does not answer access reviews")
    verbs = f'"{right.verb}"' + (f', or "{right.or_verb}" together with "get" on pods,' if right.or_verb else "")
    fix = f"ask the cluster's owner for the verb {verbs} on {right.resource}"
    return Line("rights", _verdict_of_missing(right, namespace, denied), f"no {text}", fix)


def _verdict_of_missing(right: Right, namespace: str, denied: set[tuple[str, str]]) -> Verdict:
    if right.optional:
        return Verdict.WARNING
    if right.resource not in _STREAMS:
        return Verdict.FAILED
    other = next(one for one in _STREAMS if one != right.resource)
    if (other, namespace) in denied:
        return Verdict.FAILED
    return Verdict.OK if right.resource == "pods/attach" else Verdict.WARNING  # attach is for where exec is not allowed


def _way_line(namespace: str, denied: set[tuple[str, str]]) -> Line:
    """Say which way `kubectl shell` will go (access_reviews.stream_way)."""
    if ("pods/exec", namespace) not in denied:
        return Line("way", Verdict.OK, f"shells in {namespace} are run by exec: nothing of them gets into the container's log")
    fix = 'ask the cluster\'s owner for the verbs "get" and "create" on pods/exec'
    if ("pods/attach", namespace) in denied:
        return Line("way", Verdict.FAILED, f"neither exec nor attach is allowed in {namespace}", fix)
    text = f"shells in {namespace} are attached to: all input and output is kept in the container's log, and nothing watches over them"
    return Line("way", Verdict.WARNING, text, fix)
