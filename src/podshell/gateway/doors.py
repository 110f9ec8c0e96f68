"""Who may come in: turns the cookie or bearer token of a request or socket into a caller, or refuses it."""

from __future__ import annotations

import hmac

from starlette.requests import HTTPConnection

from podshell.gateway.answers import Refused, refused
from podshell.gateway.callers import Caller
from podshell.gateway.credentials import Credentials
from podshell.wire.errors import ErrorCode

PAGE_TOKEN_HEADER = "x-podshell-token"


class Doorman:
    """Identifies callers. Host and Origin values were checked before (origins.py); here a cookie without an Origin is refused."""

    def __init__(self, credentials: Credentials, cookie_name: str) -> None:
        self._credentials = credentials
        self._cookie_name = cookie_name

    async def identify(self, connection: HTTPConnection, *, changing: bool) -> Caller:
        """Say who calls. `changing`: the call changes something or makes a ticket, so a page must show its token, too.

        Raises:
            Refused: unauthenticated, or origin_refused.
        """
        bearer = await self._bearer(connection)
        if bearer is not None:
            return bearer
        caller = await self._browser(connection)
        if changing:
            self._require_origin(connection)
            shown = connection.headers.get(PAGE_TOKEN_HEADER, "")
            if not hmac.compare_digest(shown.encode(), caller.page_token.encode()):
                raise refused(ErrorCode.UNAUTHENTICATED, "the page did not show its token", "reload the page")
        return caller

    async def identify_socket(self, connection: HTTPConnection) -> Caller:
        """Say whose socket this is. What it may do is for its ticket to say.

        Raises:
            Refused: unauthenticated, or origin_refused.
        """
        bearer = await self._bearer(connection)
        if bearer is not None:
            return bearer
        caller = await self._browser(connection)
        self._require_origin(connection)
        return caller

    async def _bearer(self, connection: HTTPConnection) -> Caller | None:
        header = connection.headers.get("authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        caller = await self._credentials.bearer_caller(token.strip()) if scheme.lower() == "bearer" and token else None
        if caller is None:
            raise _unauthenticated()
        return caller

    async def _browser(self, connection: HTTPConnection) -> Caller:
        cookie = connection.cookies.get(self._cookie_name)
        caller = await self._credentials.browser_caller(cookie) if cookie else None
        if caller is None:
            raise _unauthenticated()
        return caller

    def _require_origin(self, connection: HTTPConnection) -> None:
        if "origin" not in connection.headers:
            raise refused(ErrorCode.ORIGIN_REFUSED, "the request does not say which page it comes from", "use a current browser")


def _unauthenticated() -> Refused:
    return refused(ErrorCode.UNAUTHENTICATED, "nobody is signed in", "open a sign-in link, or name a token file of this gateway")
