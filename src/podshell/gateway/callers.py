"""Who calls: FastAPI dependencies that turn a request's cookie or bearer token into a `Caller`, or refuse it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from podshell.gateway.services import services
from podshell.policy.rules import Subject


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in user. `page_token` is empty for a bearer token; `session_hash` names the browser session, empty for a bearer token."""

    name: str
    role: str
    page_token: str = ""
    session_hash: str = ""

    @property
    def subject(self) -> Subject:
        return Subject(self.name, self.role)


async def _any_caller(request: Request) -> Caller:
    return await services(request).doorman.identify(request, changing=False)


async def _changing_caller(request: Request) -> Caller:
    return await services(request).doorman.identify(request, changing=True)


# for calls that change nothing
AnyCaller = Annotated[Caller, Depends(_any_caller)]
# for calls that change something or make a ticket: a page must show its token
ChangingCaller = Annotated[Caller, Depends(_changing_caller)]
