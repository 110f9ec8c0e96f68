"""The users that every sandbox cluster has: an administrator, and the service account of Podshell's agent."""

from __future__ import annotations

from podshell.sandbox.rbac import Binding, Rule

ADMIN = "admin"
AGENT = "system:serviceaccount:podshell:podshell-agent"
# The names of the agent's bindings, so that a test can take one of them away: `authority.unbind(AGENT_EXEC)`.
AGENT_READ = "podshell-agent-read"
AGENT_EXEC = "podshell-agent-exec"
AGENT_DEBUG = "podshell-agent-debug"
AGENT_BASIC = "podshell-agent-basic"

_READ = ("get", "list", "watch")


def agent_bindings() -> list[Binding]:
    """What the agent may do: see workloads, open streams into pods, add ephemeral containers, delete pods."""
    read = (
        Rule(_READ, ("",), ("pods", "nodes", "namespaces", "services", "events", "serviceaccounts")),
        Rule(_READ, ("apps",), ("deployments", "replicasets", "statefulsets", "daemonsets")),
        Rule(_READ, ("batch",), ("jobs",)),
        Rule(_READ, ("discovery.k8s.io",), ("endpointslices",)),
        Rule(_READ, ("events.k8s.io",), ("events",)),
        Rule(("get",), ("",), ("pods/log",)),
    )
    streams = (Rule(("get", "create"), ("",), ("pods/exec", "pods/attach")),)
    debug = (Rule(("get", "update", "patch"), ("",), ("pods/ephemeralcontainers",)),)
    basic = (Rule(("delete",), ("",), ("pods",)),)
    rules = {AGENT_READ: read, AGENT_EXEC: streams, AGENT_DEBUG: debug, AGENT_BASIC: basic}
    return [Binding(name, "ServiceAccount", "podshell/podshell-agent", given) for name, given in rules.items()]
