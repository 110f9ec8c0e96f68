"""The users that every sandbox cluster has: an administrator, the service account of Podshell's agent, and people with fewer rights."""

from __future__ import annotations

from podshell.sandbox.rbac import Binding, Rule

ADMIN = "admin"
AGENT = "system:serviceaccount:podshell:podshell-agent"
AGENT_NAMESPACE = "podshell"
# The names of the agent's bindings, one for each thing that can be granted, so that a test can take one of them away:
# `authority.unbind(AGENT_EXEC)`.
AGENT_READ = "podshell-agent-read"
AGENT_EXEC = "podshell-agent-exec"
AGENT_ATTACH = "podshell-agent-attach"
AGENT_DEBUG = "podshell-agent-debug"
AGENT_NODES = "podshell-agent-nodes"
AGENT_BASIC = "podshell-agent-basic"
# People, beside the administrator.
DEVELOPER = "dana@example.com"  # may debug pods in the namespace shop
OPERATOR = "olga@example.com"  # may do all that shells on nodes need, everywhere
ATTACHER = "otto@example.com"  # as the operator, but may attach only, and not exec: the rights that `kubectl retina shell` asks for
VIEWER = "vera@example.com"  # may only look

_READ = ("get", "list", "watch")


def agent_bindings() -> list[Binding]:
    """What the agent may do: see workloads, open streams into pods, add ephemeral containers, run Jobs of its own, delete pods."""
    read = (
        *_looking(),
        Rule(("get",), ("",), ("pods/log",)),
    )
    streams = (Rule(("get", "create"), ("",), ("pods/exec",)),)
    attach = (Rule(("get", "create"), ("",), ("pods/attach",)),)
    debug = (Rule(("get", "update", "patch"), ("",), ("pods/ephemeralcontainers",)),)
    nodes = (
        Rule(("create", "delete", *_READ), ("batch",), ("jobs",)),
        Rule(("delete",), ("",), ("pods",)),
    )
    basic = (Rule(("delete",), ("",), ("pods",)),)
    rules = {AGENT_READ: read, AGENT_EXEC: streams, AGENT_ATTACH: attach, AGENT_DEBUG: debug, AGENT_BASIC: basic}
    made = [Binding(name, "ServiceAccount", "podshell/podshell-agent", given) for name, given in rules.items()]
    return [*made, Binding(AGENT_NODES, "ServiceAccount", "podshell/podshell-agent", nodes, AGENT_NAMESPACE)]


def people_bindings() -> list[Binding]:
    """What the people may do."""
    streams = Rule(("get", "create"), ("",), ("pods/exec", "pods/attach"))
    attach = Rule(("get", "create"), ("",), ("pods/attach",))
    log = Rule(("get",), ("",), ("pods/log",))
    debug = Rule(("get", "update", "patch"), ("",), ("pods/ephemeralcontainers",))
    pods = Rule((*_READ, "create", "delete"), ("",), ("pods",))
    jobs = Rule((*_READ, "create", "delete"), ("batch",), ("jobs",))
    looking = _looking()
    return [
        Binding(DEVELOPER, "User", DEVELOPER, (*looking, streams, log, debug), "shop"),
        Binding(OPERATOR, "User", OPERATOR, (*looking, streams, log, debug, pods, jobs)),
        Binding(ATTACHER, "User", ATTACHER, (*looking, attach, log, debug, pods)),
        Binding(VIEWER, "User", VIEWER, looking),
    ]


def _looking() -> tuple[Rule, ...]:
    return (
        Rule(_READ, ("",), ("pods", "nodes", "namespaces", "services", "events", "serviceaccounts")),
        Rule(_READ, ("apps",), ("deployments", "replicasets", "statefulsets", "daemonsets")),
        Rule(_READ, ("batch",), ("jobs",)),
        Rule(_READ, ("discovery.k8s.io",), ("endpointslices",)),
        Rule(_READ, ("events.k8s.io",), ("events",)),
    )
