"""The journal: what the gateway knows of every session, and what a successor of its agent must know to end what that left.

The database is the only copy. Each change is published as a hint on the bus.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Delete, Insert, Update, delete, func, insert, select, update

from podshell.gateway import tables
from podshell.gateway.bus import SESSIONS, Bus, SessionChanged, encode_hint
from podshell.gateway.database import Database
from podshell.gateway.models import Session, SessionKind, SessionState
from podshell.policy.rules import Choices, Target
from podshell.wire.calls import OpenSession, Predecessor
from podshell.wire.messages import End
from podshell.wire.tools import DebugRequest, MadeContainer

# What a list of ended sessions shows at most.
LIST_LIMIT = 200

_table = tables.sessions

T = TypeVar("T")


class SessionRecord(Struct, frozen=True, kw_only=True):
    """One session as the database has it (tables.py). Times in Unix milliseconds."""

    id: str
    kind: SessionKind
    state: SessionState
    cluster: str
    namespace: str
    pod: str
    container: str
    command: list[str]
    tty: bool
    stdin: bool
    cols: int
    rows: int
    user: str
    reason: str
    idle_timeout_seconds: float
    output_is_activity: bool
    record: bool
    created_ms: int
    instance: str
    epoch: str
    started_ms: int | None = None
    ended_ms: int | None = None
    end: End | None = None
    revoked: str | None = None
    incarnation: int = 1
    pod_uid: str = ""
    node: str = ""
    sid: int = 0
    start_ticks: int = 0
    nonce: str = ""
    holder: str = ""
    debug: DebugRequest | None = None
    made: MadeContainer | None = None

    @property
    def live(self) -> bool:
        return self.state != "ended"

    @property
    def target(self) -> Target:
        node = self.node if self.kind == "node" else ""
        return Target(self.cluster, self.namespace, self.pod, self.container, self.id, self.user, self.kind, node, choices_of(self.debug))

    def shown(self) -> Session:
        """Build what the API shows."""
        return Session(
            self.id, self.kind, self.state, self.cluster, self.namespace, self.pod, self.container, self.command, self.tty, self.user,
            self.reason, _time(self.created_ms), _time_or_none(self.started_ms), _time_or_none(self.ended_ms), self.end, self.epoch,
            self.incarnation, self.idle_timeout_seconds, self.record, self.node, self.debug, self.made,
        )  # fmt: skip

    def opening(self) -> OpenSession:
        """Build the parameters of session.open; a later incarnation names the shell that it follows."""
        predecessor = None
        if self.incarnation > 1:
            predecessor = Predecessor(
                self.pod_uid, self.container, self.sid, self.start_ticks, self.nonce, self.holder, self.made
            )  # fmt: skip
        # what a debug or node session runs in is made for it: its container is none that was asked for
        container = self.container if self.kind == "exec" else ""
        return OpenSession(
            session=self.id, kind=self.kind, namespace=self.namespace, pod=self.pod, user=self.user, container=container,
            command=self.command, tty=self.tty, stdin=self.stdin, cols=self.cols, rows=self.rows,
            idle_timeout_seconds=self.idle_timeout_seconds, output_is_activity=self.output_is_activity, record=self.record,
            reason=self.reason, incarnation=self.incarnation, predecessor=predecessor,
            node=self.node if self.kind == "node" else "", debug=self.debug,
        )  # fmt: skip


def choices_of(asked: DebugRequest | None) -> Choices | None:
    """Build what policy looks at of a session's options."""
    if asked is None:
        return None
    return Choices(
        asked.profile, tuple(asked.capabilities), asked.image, asked.target, asked.mount_host, asked.host_write, asked.host_pid,
        asked.enter, asked.seccomp_unconfined or asked.apparmor_unconfined, asked.ttl_seconds,
    )  # fmt: skip


class Journal:
    """Reads and writes session records."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def find(self, session: str) -> SessionRecord | None:
        """Read one session."""
        found = await self._select(_table.c.id == session, limit=1)
        return found[0] if found else None

    async def live(self, cluster: str = "") -> list[SessionRecord]:
        """Read the sessions that have not ended, of one cluster or of all."""
        return await self._select(_table.c.state != "ended", *([_table.c.cluster == cluster] if cluster else []))

    async def of_user(self, user: str, *, live_only: bool) -> list[SessionRecord]:
        """Read the sessions of a user, newest first; all live ones, and else the newest 200."""
        return await self._select(_table.c.user == user, *([_table.c.state != "ended"] if live_only else []), limit=LIST_LIMIT)

    async def count_live(self, user: str, cluster: str, but: Collection[str] = ()) -> tuple[int, int]:
        """Count the live sessions of a user, and those in a cluster, without some that are counted elsewhere."""
        live = (_table.c.state != "ended") & _table.c.id.not_in(list(but))
        async with self._database.reading() as connection:
            by_user = await connection.scalar(select(func.count()).where(live, _table.c.user == user))
            by_cluster = await connection.scalar(select(func.count()).where(live, _table.c.cluster == cluster))
        return by_user or 0, by_cluster or 0

    async def update(self, record: SessionRecord, **changes: Any) -> SessionRecord:
        """Write columns of a live session and return what it is then. One that has ended is not changed."""
        async with self._database.transaction() as connection:
            await connection.execute(updating(record.id, **changes))
        self.publish(record)
        return await self.find(record.id) or record

    async def remove(self, record: SessionRecord) -> None:
        """Remove a session that was refused before it began; the audit has it."""
        async with self._database.transaction() as connection:
            await connection.execute(removing(record.id))
        self.publish(record)

    def publish(self, record: SessionRecord) -> None:
        """Tell the bus that a session changed."""
        self._bus.publish(SESSIONS, encode_hint(SessionChanged(record.id, record.user)))

    async def _select(self, *conditions: Any, limit: int | None = None) -> list[SessionRecord]:
        query = select(_table).where(*conditions).order_by(_table.c.created_ms.desc(), _table.c.id).limit(limit)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_record(row) for row in rows]


def inserting(record: SessionRecord) -> Insert:
    """Build the statement that writes a new session."""
    columns = msgspec.structs.asdict(record) | {
        "command": as_json(record.command),
        "end": None,
        "debug": None if record.debug is None else as_json(record.debug),
        "made": None if record.made is None else as_json(record.made),
    }
    return insert(_table).values(columns)


def updating(session: str, **changes: Any) -> Update:
    """Build the statement that changes columns of a live session."""
    return update(_table).where(_table.c.id == session, _table.c.state != "ended").values(**changes)


def ending(session: str, end: End, now_ms: int) -> Update:
    """Build the statement that ends a live session."""
    return updating(session, state="ended", ended_ms=now_ms, end=as_json(end))


def as_json(value: object) -> str:
    """Encode what a column holds as JSON."""
    return msgspec.json.encode(value).decode()


def removing(session: str) -> Delete:
    """Build the statement that removes a session."""
    return delete(_table).where(_table.c.id == session)


def _record(row: Mapping[Any, Any]) -> SessionRecord:
    decoded = {str(name): value for name, value in row.items()} | {
        "command": msgspec.json.decode(row["command"]),
        "end": _decoded(row["end"], End),
        "debug": _decoded(row["debug"], DebugRequest),
        "made": _decoded(row["made"], MadeContainer),
    }
    return msgspec.convert(decoded, SessionRecord)


def _decoded(text: str | None, expected: type[T]) -> T | None:
    return None if text is None else msgspec.json.decode(text, type=expected)


def _time(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def _time_or_none(unix_ms: int | None) -> datetime | None:
    return None if unix_ms is None else _time(unix_ms)
