"""Everything that can be set on an agent, with its help text; read once, passed down."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from podshell import __version__
from podshell.agent.ceiling import Ceiling


@dataclass(frozen=True, slots=True)
class ToolsSettings:
    """Debug and node sessions: their image, and what they may use (docs/explanation/debug-and-node-shells.md)."""

    image_repository: str = field(default="", metadata={"help": "Repository of the tools image; without one a session must name an image."})
    image_version: str = field(default=__version__, metadata={"help": "Tag of the tools image, or its digest (sha256:...)."})
    allowed_images: tuple[str, ...] = field(
        default=(), metadata={"help": "Further images that sessions may name, as shell patterns; the tools image is always allowed."}
    )
    debug_namespace: str = field(
        default="podshell", metadata={"help": "Namespace of the pods of node sessions; it must allow privileged pods (Pod Security)."}
    )
    pull_secret: str = field(default="", metadata={"help": "Pull secret in that namespace for the image of node sessions."})
    pull_policy: str = field(default="", metadata={"help": "When images are pulled: Always, IfNotPresent or Never."})
    max_ttl_seconds: int = field(
        default=4 * 3600, metadata={"help": "Longest life of a container that was made for a session, in seconds."}
    )
    start_seconds: float = field(
        default=30.0, metadata={"help": "Seconds in which such a container must run, unless a session says other."}
    )
    sweep_seconds: float = field(default=60.0, metadata={"help": "Seconds between looks for node pods that nobody needs any more."})
    patience_seconds: int = field(
        default=60, metadata={"help": "Seconds after which such a container ends when nobody watches over a shell in it any more."}
    )


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
    tools: ToolsSettings = field(default_factory=ToolsSettings, metadata={"help": "Debug and node sessions."})
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
