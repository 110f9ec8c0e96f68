"""Tickets: what lets one socket in, once, within 30 s, for one user and one session (spec/terminal.md 2).

They live in memory. A ticket of an earlier life of this gateway is not a forgery, so it is answered with an error that clients retry.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from podshell.gateway.answers import refused
from podshell.wire.errors import ErrorCode

LIFETIME_MS = 30_000


@dataclass(frozen=True, slots=True)
class Ticket:
    """`text` is what the client shows; `purpose` is terminal or live."""

    text: str
    user: str
    purpose: str
    session: str
    expires_ms: int

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires_ms / 1000, UTC)


class TicketBox:
    """The tickets that are out. Not shared: each is redeemed where it was issued.

    Args:
        now_ms: the wall clock in Unix milliseconds.
        per_user: how many unused tickets a user may have.
    """

    def __init__(self, now_ms: Callable[[], int], *, per_user: int) -> None:
        self._now_ms = now_ms
        self._per_user = per_user
        self._life = secrets.token_hex(4)
        self._tickets: dict[str, Ticket] = {}

    def check_room(self, user: str) -> None:
        """Refuse when a user has too many unused tickets.

        Raises:
            Refused: limit_reached.
        """
        now = self._now_ms()
        # in the order of their expiry, as all live equally long
        for text, ticket in list(self._tickets.items()):
            if ticket.expires_ms > now:
                break
            del self._tickets[text]
        if sum(ticket.user == user for ticket in self._tickets.values()) >= self._per_user:
            raise refused(ErrorCode.LIMIT_REACHED, f"{self._per_user} tickets are unused", "wait half a minute", retry_after_ms=LIFETIME_MS)

    def issue(self, user: str, purpose: str, session: str) -> Ticket:
        """Make a ticket.

        Raises:
            Refused: limit_reached.
        """
        self.check_room(user)
        text = f"{self._life}.{secrets.token_urlsafe(32)}"
        ticket = Ticket(text, user, purpose, session, self._now_ms() + LIFETIME_MS)
        self._tickets[text] = ticket
        return ticket

    def redeem(self, text: str, *, user: str, purpose: str, session: str) -> Ticket:
        """Take a ticket in; whatever the outcome, it is used up.

        Raises:
            Refused: it is unknown, used, expired, or for somebody or something else.
        """
        ticket = self._tickets.pop(text, None)
        if ticket is None:
            if not text.startswith(self._life + "."):
                raise refused(
                    ErrorCode.LINK_LOST, "the gateway was restarted after this ticket was made", "get a new one", retry_after_ms=0
                )
            raise refused(ErrorCode.TICKET_REFUSED, "the ticket is unknown or was used before", "get a new one")
        if self._now_ms() >= ticket.expires_ms:
            raise refused(ErrorCode.TICKET_REFUSED, "the ticket has expired", "get a new one")
        if (ticket.user, ticket.purpose, ticket.session) != (user, purpose, session):
            raise refused(ErrorCode.TICKET_REFUSED, "the ticket is for another user or session", "get one for this session")
        return ticket
