"""The audit: durable, chained, append-only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from podshell.gateway import tables
from podshell.gateway.audit import Audit, AuditEntry
from podshell.gateway.database import Database
from podshell.policy.rules import Target


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(tmp_path / "x.sqlite")
    await opened.open()
    yield opened
    await opened.close()


def entry(action: str) -> AuditEntry:
    return AuditEntry(actor="ada", action=action, outcome="done", target=Target("lab"), details={"b": 1, "a": ["x"]})


async def test_rows_written_at_once_make_one_chain(database: Database) -> None:
    audit = Audit(database)
    await asyncio.gather(*(audit.append(entry(f"a{number}")) for number in range(50)))
    rows = await audit.newest(100)
    assert [row.sequence for row in rows] == list(range(50, 0, -1))
    assert {row.action for row in rows} == {f"a{number}" for number in range(50)}
    assert rows[0].previous_hash == rows[1].hash
    assert await audit.first_break() is None


async def test_a_new_process_continues_the_chain(database: Database) -> None:
    await Audit(database).append(entry("one"))
    await Audit(database).append(entry("two"))
    assert await Audit(database).first_break() is None


async def test_a_changed_row_shows(database: Database) -> None:
    audit = Audit(database)
    for number in range(5):
        await audit.append(entry(f"a{number}"))
    async with database.transaction() as connection:
        await connection.execute(text("DROP TRIGGER audit_is_not_changed"))
        await connection.execute(text("UPDATE audit SET actor = 'eve' WHERE sequence = 3"))
    assert await audit.first_break() == 3


async def test_a_removed_row_shows(database: Database) -> None:
    audit = Audit(database)
    for number in range(5):
        await audit.append(entry(f"a{number}"))
    async with database.transaction() as connection:
        await connection.execute(text("DROP TRIGGER audit_is_not_cut"))
        await connection.execute(text("DELETE FROM audit WHERE sequence = 3"))
    assert await audit.first_break() == 4


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"])
async def test_the_database_itself_refuses_to_change_the_audit(database: Database, statement: str) -> None:
    await Audit(database).append(entry("one"))
    with pytest.raises(IntegrityError, match="append-only"):
        async with database.transaction() as connection:
            await connection.execute(text(statement))


async def test_what_goes_with_a_row_is_there_exactly_when_the_row_is(database: Database) -> None:
    audit = Audit(database)
    user = insert(tables.users).values(name="eve", role="", created_ms=1)
    await audit.append(entry("one"), user)
    with pytest.raises(IntegrityError):
        await audit.append(entry("two"), user)
    async with database.reading() as connection:
        assert await connection.scalar(select(tables.users.c.name)) == "eve"
    assert [row.action for row in await audit.newest(10)] == ["one"]
    await audit.append(entry("three"))
    assert await audit.first_break() is None


async def test_the_migrations_make_the_tables_of_the_code(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    async with database.reading() as connection:
        differences = await connection.run_sync(lambda sync: compare_metadata(MigrationContext.configure(sync), tables.metadata))
    assert differences == []


async def test_a_commit_is_on_the_disk_when_it_returns(database: Database) -> None:
    async with database.reading() as connection:
        assert await connection.scalar(text("PRAGMA synchronous")) == 2, "FULL"
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
