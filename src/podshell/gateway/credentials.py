"""Who somebody is: sign-in links, browser sessions, command line tokens and users. Secrets are 256 random bits, stored as SHA-256."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Collection
from pathlib import Path

import msgspec
from sqlalchemy import delete, insert, select

from podshell.gateway import tables
from podshell.gateway.answers import refused
from podshell.gateway.audit import Audit, AuditEntry, Outcome
from podshell.gateway.bus import BROWSERS, BrowserSignedOut, Bus, encode_hint
from podshell.gateway.callers import Caller
from podshell.gateway.database import Database, unix_ms
from podshell.policy.rules import OWNER_ROLE, Subject, Target
from podshell.wire.errors import ErrorCode

SIGNIN_LIFETIME_MS = 5 * 60_000
BROWSER_LIFETIME_MS = 30 * 86_400_000
SIGN_IN, SIGN_OUT = "browser.signin", "browser.signout"
# Of the hash of a cookie, in the audit: enough to tell browsers apart.
BROWSER_ID_DIGITS = 12


class Credentials:
    """Makes and checks secrets. State is in the database, so that a browser stays signed in when the gateway restarts."""

    def __init__(self, database: Database, audit: Audit, bus: Bus) -> None:
        self._database = database
        self._audit = audit
        self._bus = bus

    async def ensure_owner(self, name: str) -> None:
        """Make the one user of a gateway without sign-on, as owner."""
        async with self._database.transaction() as connection:
            known = await connection.scalar(select(tables.users.c.name).where(tables.users.c.name == name))
            if known is None:
                await connection.execute(insert(tables.users).values(name=name, role=OWNER_ROLE, created_ms=unix_ms()))

    async def subject(self, name: str) -> Subject:
        """Return a user with the role that they have now; no role when there is no such user."""
        async with self._database.reading() as connection:
            role = await connection.scalar(select(tables.users.c.role).where(tables.users.c.name == name))
        return Subject(name, role or "")

    async def make_signin_secret(self, user: str) -> str:
        """Make the secret of a sign-in link: for one use within 5 minutes."""
        secret = secrets.token_urlsafe(32)
        now = unix_ms()
        async with self._database.transaction() as connection:
            await connection.execute(delete(tables.signin_links).where(tables.signin_links.c.expires_ms <= now))
            row = {"hash": _digest(secret), "user": user, "expires_ms": now + SIGNIN_LIFETIME_MS}
            await connection.execute(insert(tables.signin_links).values(row))
        return secret

    async def redeem_signin(self, secret: str) -> tuple[str, Caller]:
        """Exchange a sign-in secret for a browser session: its cookie value, and who it is. The audit has it.

        Raises:
            Refused: unauthenticated: unknown, used or expired.
        """
        links, now = tables.signin_links, unix_ms()
        cookie = secrets.token_urlsafe(32)
        async with self._database.transaction() as connection:
            # one statement takes it out: of two at the same time, one wins
            taken = await connection.execute(
                delete(links).where(links.c.hash == _digest(secret)).returning(links.c.user, links.c.expires_ms)
            )
            link = taken.first()
        if link is None or link.expires_ms <= now:
            if link is not None:  # a secret that never was is nobody's: whoever guesses must not fill the audit
                await self._audit.append(_entry(link.user, SIGN_IN, "refused", why="the sign-in link has expired"))
            raise refused(
                ErrorCode.UNAUTHENTICATED, "this sign-in link was used before or is older than 5 minutes", "get a new one from the terminal"
            )
        row = {"hash": _digest(cookie), "user": link.user, "created_ms": now, "expires_ms": now + BROWSER_LIFETIME_MS}
        entry = _entry(link.user, SIGN_IN, "done", browser=_digest(cookie)[:BROWSER_ID_DIGITS])
        await self._audit.append(entry, insert(tables.browser_sessions).values(row))
        caller = await self.browser_caller(cookie)
        assert caller is not None
        return cookie, caller

    async def browser_caller(self, cookie: str) -> Caller | None:
        """Return whose browser a cookie value is from."""
        browsers, users, hashed = tables.browser_sessions, tables.users, _digest(cookie)
        query = (
            select(users.c.name, users.c.role)
            .join(browsers, browsers.c.user == users.c.name)
            .where(browsers.c.hash == hashed, browsers.c.expires_ms > unix_ms())
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else Caller(row.name, row.role, page_token(cookie), hashed)

    async def sign_out(self, caller: Caller) -> None:
        """Forget a browser session; its open sockets end. Nothing happens to a command line, which has none."""
        if not caller.session_hash:
            return
        entry = _entry(caller.name, SIGN_OUT, "done", browser=caller.session_hash[:BROWSER_ID_DIGITS])
        await self._audit.append(entry, delete(tables.browser_sessions).where(tables.browser_sessions.c.hash == caller.session_hash))
        self._bus.publish(BROWSERS, encode_hint(BrowserSignedOut(caller.session_hash)))

    async def signed_in(self, browsers: Collection[str]) -> set[str]:
        """Return those of the browsers (SHA-256 of their cookies) that are signed in now."""
        table = tables.browser_sessions
        query = select(table.c.hash).where(table.c.hash.in_(browsers), table.c.expires_ms > unix_ms())
        async with self._database.reading() as connection:
            return set((await connection.scalars(query)).all())

    async def write_cli_token(self, path: Path, user: str, gateway_url: str) -> None:
        """Write a new bearer token and the gateway's address to a 0600 file as JSON `{"gateway", "token"}`, in one step.

        The token that the file held before is worth nothing from then on.

        Raises:
            OSError: the file cannot be written.
        """
        secret = secrets.token_urlsafe(32)
        tokens, label = tables.cli_tokens, str(path)
        async with self._database.transaction() as connection:
            await connection.execute(delete(tokens).where(tokens.c.user == user, tokens.c.label == label))
            await connection.execute(insert(tokens).values(hash=_digest(secret), user=user, label=label, created_ms=unix_ms()))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode({"gateway": gateway_url, "token": secret}))
        os.replace(draft, path)

    async def bearer_caller(self, token: str) -> Caller | None:
        """Return whose command line a bearer token is from."""
        tokens, users = tables.cli_tokens, tables.users
        query = select(users.c.name, users.c.role).join(tokens, tokens.c.user == users.c.name).where(tokens.c.hash == _digest(token))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else Caller(row.name, row.role)


def page_token(cookie: str) -> str:
    """Derive the token that a page holds from its browser's cookie value: a page of another site can send the cookie but not know this."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"podshell-page-token\0" + cookie.encode()).digest()).decode().rstrip("=")


def _entry(user: str, action: str, outcome: Outcome, **details: str) -> AuditEntry:
    return AuditEntry(actor=user, action=action, outcome=outcome, target=Target(), details=details)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
