"""Which sockets each signed-in browser has open, so that they end when it signs out, here or through another replica.

A socket is identified once, when it opens, and may then be open for days. Sign-outs come over the bus, which may lose them: now and then
the open sockets are compared with the browsers that the database knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from podshell.gateway.answers import Refused
from podshell.gateway.bus import BROWSERS, BrowserSignedOut, Bus, decode_hint
from podshell.gateway.callers import Caller
from podshell.gateway.credentials import Credentials
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

SIGNED_OUT = Refusal(ErrorCode.UNAUTHENTICATED, RefusedBy.GATEWAY, "this browser was signed out", "sign in again; the shells go on")


class Visit:
    """One open socket of a browser."""

    def __init__(self) -> None:
        self._over = False
        self._end: Callable[[], None] | None = None

    def on_end(self, end: Callable[[], None]) -> None:
        """Have `end` called when the browser signs out. It must not block.

        Raises:
            Refused: unauthenticated: it has signed out already.
        """
        if self._over:
            raise Refused(SIGNED_OUT)
        self._end = end

    def end(self) -> None:
        """The browser has signed out."""
        self._over = True
        if self._end is not None:
            self._end()


class Browsers:
    """The open sockets of this replica, by browser."""

    def __init__(self, bus: Bus, credentials: Credentials) -> None:
        self._credentials = credentials
        self._visits: dict[str, set[Visit]] = {}
        bus.subscribe(BROWSERS, lambda payload: self._end(decode_hint(payload, BrowserSignedOut).browser))

    @contextmanager
    def visit(self, caller: Caller) -> Iterator[Visit]:
        """Count a socket as open. One with a bearer token belongs to no browser and is never ended."""
        visit, browser = Visit(), caller.session_hash
        if not browser:
            yield visit
            return
        self._visits.setdefault(browser, set()).add(visit)
        try:
            yield visit
        finally:
            visits = self._visits[browser]
            visits.discard(visit)
            if not visits:
                del self._visits[browser]

    async def review(self) -> None:
        """End the sockets of browsers that are not signed in any more: the bus lost the word, or 30 days are over."""
        open_now = set(self._visits)
        if not open_now:
            return
        for browser in open_now - await self._credentials.signed_in(open_now):
            self._end(browser)

    def _end(self, browser: str) -> None:
        for visit in list(self._visits.get(browser, ())):
            visit.end()
