"""Everything that can be set on an agent, with its help text; read once, passed down."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from podshell.agent.ceiling import Ceiling


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The agent of one cluster."""

    gateway_urls: tuple[str, ...] = field(
        default=(), metadata={"help": "Gateways to dial, one link to each: https://host, or http://host:port on a trusted network."}
    )
    cluster: str = field(default="", metadata={"help": "The name under which the gateway knows this cluster."})
    state_dir: Path = field(
        default=Path("podshell-agent"),
        metadata={"help": "Folder for the agent's key and the gateway's pinned keys; for its eyes only."},
    )
    instance: str = field(default="", metadata={"help": "Name of this agent instance; made from its key when empty."})
    enrolment_token_file: Path | None = field(
        default=None, metadata={"help": "File with the one-time enrolment token; needed at the first connection only."}
    )
    gateway_ca_file: Path | None = field(
        default=None, metadata={"help": "Certificates (PEM) that the gateway's certificate must come from, instead of the system's."}
    )
    kubeconfig: Path | None = field(default=None, metadata={"help": "Kubeconfig file; without one, $KUBECONFIG and ~/.kube/config."})
    context: str = field(default="", metadata={"help": "Context of the kubeconfig; the current one when empty."})
    in_cluster: bool = field(default=False, metadata={"help": "Use the pod's service account instead of a kubeconfig."})
    ceiling: Ceiling = field(default_factory=Ceiling, metadata={"help": "What this cluster allows at most."})
    session_limit: int = field(default=500, metadata={"help": "Live sessions that this agent accepts at most."})
    # 2 MiB: about 25 screens of 200 x 80 with colours, or 10,000 lines of plain text.
    ring_bytes: int = field(default=2 * 1024 * 1024, metadata={"help": "Output kept for each session, in bytes."})
    output_budget_bytes: int = field(default=64 * 1024 * 1024, metadata={"help": "Output kept for all sessions together, in bytes."})
    orphan_seconds: float = field(
        default=0.0, metadata={"help": "End all sessions when no gateway was linked for so long; 0: their idle time alone decides."}
    )
    reconnect_base_seconds: float = field(default=1.0, metadata={"help": "Upper bound of the first delay before dialling a gateway again."})
    reconnect_cap_seconds: float = field(default=30.0, metadata={"help": "Longest delay before dialling a gateway again."})
    restart_base_seconds: float = field(default=0.5, metadata={"help": "Upper bound of the first delay before a lost shell is replaced."})
    health_port: int = field(default=0, metadata={"help": "Port for GET /healthz and /readyz on all addresses; 0: none."})
