"""The audit: append-only, hash-chained rows in the database (policy/chain.py). A row is durable when `append` returns.

Rows that wait at the same moment are committed together, so a burst of openings costs one disk flush and not one each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Executable, insert, select

from podshell.gateway import tables
from podshell.gateway.database import Database, unix_ms
from podshell.gateway.models import AuditRow
from podshell.policy.chain import GENESIS, chain_hash, first_break
from podshell.policy.rules import Target

Outcome = Literal["allowed", "refused", "done", "failed"]
Details = Mapping[str, str | int | float | bool | list[str] | None]


class AuditEntry(Struct, frozen=True, kw_only=True):
    """What happened; time, sequence and hashes are added when it is written."""

    actor: str
    action: str
    outcome: Outcome
    target: Target
    reason: str = ""
    details: Details = {}


class _Waiting:
    def __init__(self, entry: AuditEntry, statements: tuple[Executable, ...]) -> None:
        self.entry = entry
        self.statements = statements
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Audit:
    """Writes and reads the audit of one gateway."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Waiting] = []
        self._writing = asyncio.Lock()

    async def append(self, entry: AuditEntry, *statements: Executable) -> None:
        """Write one row, together with other changes that must be there exactly when it is; return when all are durable.

        A cancelled call may or may not have written.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it could not be written. Nothing that depends on it may happen.
        """
        waiting = _Waiting(entry, statements)
        self._waiting.append(waiting)
        async with self._writing:
            if not waiting.done.done():
                batch, self._waiting = self._waiting, []
                # shielded: the batch holds the rows of others, too
                await asyncio.shield(self._write(batch))
        await waiting.done

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            async with self._database.transaction() as connection:
                newest = select(tables.audit.c.sequence, tables.audit.c.hash).order_by(tables.audit.c.sequence.desc()).limit(1)
                last = (await connection.execute(newest)).first()
                sequence, previous = (last.sequence, last.hash) if last is not None else (0, GENESIS)
                for waiting in batch:
                    sequence += 1
                    content = _content(waiting.entry, sequence)
                    row_hash = chain_hash(previous, content)
                    await connection.execute(insert(tables.audit).values(**content, previous_hash=previous, hash=row_hash))
                    for statement in waiting.statements:
                        await connection.execute(statement)
                    previous = row_hash
        except BaseException as error:
            for waiting in batch:
                if not waiting.done.done():
                    waiting.done.set_exception(error)
                    waiting.done.exception()  # whoever waits raises it; a cancelled one must not make noise
            if not isinstance(error, Exception):
                raise
            return
        for waiting in batch:
            if not waiting.done.done():
                waiting.done.set_result(None)

    async def newest(self, limit: int) -> list[AuditRow]:
        """Read the newest rows, newest first."""
        query = select(tables.audit).order_by(tables.audit.c.sequence.desc()).limit(limit)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_row(_named(row)) for row in rows]

    async def first_break(self) -> int | None:
        """Check the whole chain; return the sequence of the first row that was changed, or None."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(tables.audit).order_by(tables.audit.c.sequence))).mappings().all()
        return first_break([_named(row) for row in rows])


def _content(entry: AuditEntry, sequence: int) -> dict[str, str | int]:
    target = entry.target
    details = {**entry.details, "node": target.node} if target.node else entry.details
    return {
        "sequence": sequence,
        "at_ms": unix_ms(),
        "actor": entry.actor,
        "action": entry.action,
        "outcome": entry.outcome,
        "cluster": target.cluster,
        "namespace": target.namespace,
        "pod": target.pod,
        "container": target.container,
        "session": target.session,
        "reason": entry.reason,
        "details": msgspec.json.encode(details, order="sorted").decode(),
    }


def _named(row: Mapping[Any, Any]) -> dict[str, object]:
    # SQLAlchemy's keys are str of a kind that msgspec does not take
    return {str(name): value for name, value in row.items()}


def _row(row: Mapping[str, object]) -> AuditRow:
    at_ms = row["at_ms"]
    assert isinstance(at_ms, int)
    shown = {**row, "at": datetime.fromtimestamp(at_ms / 1000, UTC), "details": msgspec.json.decode(str(row["details"]))}
    return msgspec.convert(shown, AuditRow)
