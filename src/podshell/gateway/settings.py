"""The gateway's settings: one frozen dataclass, read once and passed down.

Flags, environment variables, the YAML file and the reference page are made from its fields; `metadata["help"]` is their text.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from pathlib import Path


def _option(help_text: str) -> dict[str, str]:
    return {"help": help_text}


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in containers
        return "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """Settings of one gateway process."""

    host: str = field(default="127.0.0.1", metadata=_option("address to listen on"))
    port: int = field(default=8642, metadata=_option("port to listen on; 0 takes a free one"))
    state_dir: Path = field(default=Path("podshell-state"), metadata=_option("folder of the database, the grant key and the recordings"))
    allowed_origins: tuple[str, ...] = field(
        default=(), metadata=_option("origins (scheme://host:port) whose pages may use this gateway; empty: its own address only")
    )
    allowed_hosts: tuple[str, ...] = field(
        default=(), metadata=_option("further values of the Host header that are answered, such as a service name that agents dial")
    )
    secure_cookie: bool = field(default=False, metadata=_option("mark the cookie Secure: set it when browsers come by https"))
    owner: str = field(
        default_factory=_user_name, metadata=_option("name of the one user, who may do everything") | {"default": "your user name"}
    )
    idle_timeout_seconds: float = field(default=300.0, metadata=_option("end a session after so many seconds without typing; 0: never"))
    output_is_activity: bool = field(default=False, metadata=_option("let output of a program count as activity"))
    record: bool = field(default=False, metadata=_option("record the output of every session to the state folder"))
    ping_seconds: float = field(default=10.0, metadata=_option("seconds between pings on a link; three without a word end it"))
    takeover_seconds: float = field(
        default=20.0, metadata=_option("seconds without its agent after which another agent of the cluster restarts a session")
    )
    agent_answer_seconds: float = field(default=2.0, metadata=_option("seconds an agent has to accept or refuse a session"))
    # What one gateway carries at most. Everything over it is refused with `limit_reached`, never queued without end.
    sessions_per_user: int = field(default=250, metadata=_option("live sessions of one user at most"))
    sessions_per_cluster: int = field(default=500, metadata=_option("live sessions in one cluster at most"))
    tickets_per_user: int = field(default=500, metadata=_option("unused tickets of one user at most"))
    pending_sockets: int = field(default=256, metadata=_option("sockets that have not said who they are yet, at most"))
    # the largest body that means something is a session with a long command: 256 x 4 KiB
    body_bytes: int = field(default=1_200_000, metadata=_option("bytes of one request body at most"))
    live_subscriptions: int = field(default=64, metadata=_option("subscriptions of one live socket at most"))

    @property
    def database_path(self) -> Path:
        return self.state_dir / "gateway.sqlite"

    @property
    def grant_key_path(self) -> Path:
        return self.state_dir / "grant.key"

    @property
    def recordings_dir(self) -> Path:
        return self.state_dir / "recordings"
