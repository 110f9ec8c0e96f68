"""The database: the engine, its pragmas, and the migrations at the start. Owned by one Gateway, open while it runs."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.pool import ConnectionPoolEntry

_MIGRATIONS = Path(__file__).parent / "migrations"


def unix_ms() -> int:
    """Return the wall clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Database:
    """The gateway's database at a path of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine: AsyncEngine = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=4, max_overflow=8)
        event.listen(self._engine.sync_engine, "connect", _set_pragmas)

    async def open(self) -> None:
        """Make the file (0600) when there is none, and bring its tables up to date.

        Raises:
            OSError: the folder cannot be written.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        async with self._engine.begin() as connection:
            await connection.run_sync(_migrate)

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Run statements that become durable together when the block ends."""
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Run statements that only read."""
        async with self._engine.connect() as connection:
            yield connection

    async def check(self) -> None:
        """Ask the database for anything at all."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _set_pragmas(connection: Any, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # WAL: readers and the writer do not wait for each other. FULL: a commit is on the disk when it returns, also with WAL
    # (sqlite.org/pragma.html#pragma_synchronous), which is what "durable before anything opens" needs.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
