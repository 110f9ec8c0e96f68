"""The gateway's tables (SQLAlchemy Core). Migrations in migrations/versions make them; a test compares the two.

Times are Unix milliseconds, so that SQLite and PostgreSQL agree. Secrets are stored as SHA-256 of 256 random bits, never as such.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("name", String(253), primary_key=True),
    Column("role", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

signin_links = Table(
    "signin_links",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user", String(253), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user", String(253), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

cli_tokens = Table(
    "cli_tokens",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user", String(253), nullable=False),
    Column("label", String(253), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

clusters = Table(
    "clusters",
    metadata,
    Column("name", String(253), primary_key=True),
    Column("label", String(64), nullable=False),
    Column("colour", String(32), nullable=False),
    Column("kubernetes_version", String(253), nullable=False),
    Column("ceiling", Text, nullable=False),  # JSON object of flags
    Column("created_ms", BigInteger, nullable=False),
)

agent_keys = Table(
    "agent_keys",
    metadata,
    Column("public_key", String(64), primary_key=True),  # hex
    Column("cluster", String(253), nullable=False, index=True),
    Column("enrolled_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("cluster", String(253), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

# Sessions, and with them the agents' journal: what a successor must know to end what an agent left (design.md 4).
sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("cluster", String(253), nullable=False),
    Column("namespace", String(253), nullable=False),
    Column("pod", String(253), nullable=False),
    Column("container", String(253), nullable=False),
    Column("command", Text, nullable=False),  # JSON list
    Column("tty", Boolean, nullable=False),
    Column("stdin", Boolean, nullable=False),
    Column("cols", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("user", String(253), nullable=False),
    Column("reason", Text, nullable=False),
    Column("idle_timeout_seconds", Float, nullable=False),
    Column("output_is_activity", Boolean, nullable=False),
    Column("record", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("end", Text),  # JSON of wire End
    Column("revoked", Text),  # why it must end, until its agent has ended it
    Column("instance", String(64), nullable=False),
    Column("epoch", String(64), nullable=False),
    Column("incarnation", Integer, nullable=False),
    Column("pod_uid", String(253), nullable=False),
    Column("node", String(253), nullable=False),
    Column("sid", BigInteger, nullable=False),
    Column("start_ticks", BigInteger, nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("holder", String(128), nullable=False, server_default=""),  # of a shell that outlives its agent
    Column("debug", Text),  # JSON of wire DebugRequest
    Column("made", Text),  # JSON of wire MadeContainer
    Index("sessions_by_state", "state", "cluster"),
    Index("sessions_by_user", "user", "created_ms"),
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String(253), nullable=False),
    Column("action", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("cluster", String(253), nullable=False),
    Column("namespace", String(253), nullable=False),
    Column("pod", String(253), nullable=False),
    Column("container", String(253), nullable=False),
    Column("session", String(64), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),  # JSON object
    Column("previous_hash", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
)
