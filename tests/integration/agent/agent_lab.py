"""An agent between a sandbox cluster and a gateway's end of the link, and how to look at a session's processes from outside."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from local_shells import Process, carriers, living

from link_gateway import PATIENCE_SECONDS, GatewayEnd, Viewer
from podshell.wire.calls import OpenedSession, OpenSession


def opening(**fields: object) -> OpenSession:
    values = {"session": secrets.token_hex(8), "kind": "exec", "namespace": "shop", "pod": "cart-0", "user": "ada", "container": "cart"}
    return OpenSession(**{**values, **fields})  # type: ignore[arg-type]  # fields of OpenSession


async def open_shell(link: GatewayEnd, **fields: object) -> Viewer:
    """Open a session, attach its owner, and wait for the shell."""
    wanted = opening(**fields)
    opened = await link.open(wanted)
    assert isinstance(opened, OpenedSession), opened
    viewer = link.attach(wanted.session)
    await viewer.until_attached()
    await link.until_fact("opened", wanted.session)
    return viewer


@dataclass(frozen=True)
class SessionProcesses:
    """A session's processes as this machine's /proc shows them: by the kernel's session id outside the container."""

    nonce: str
    sid: int

    def living(self) -> list[Process]:
        return living(self.sid)

    def left(self) -> list[Process]:
        """Processes that carry the nonce in another session."""
        return [process for process in carriers(self.nonce) if process.sid != self.sid and process.state not in "ZX"]


async def processes_of(link: GatewayEnd, session: str, kind: str = "opened") -> SessionProcesses:
    fact = await link.until_fact(kind, session)
    nonce = str(fact.data["nonce"])
    found: list[Process] = []

    def leader() -> bool:
        found[:] = [process for process in carriers(nonce) if process.pid == process.sid]
        return bool(found)

    await settled(leader, "the shell's leader in /proc")
    return SessionProcesses(nonce, found[0].sid)


async def settled(condition: Callable[[], bool], what: str) -> None:
    """Look at /proc, which tells nobody of its changes, until `condition` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:g} s: {what}"
        await asyncio.sleep(0.03)


def kill(process: Process, signal_number: int) -> None:
    os.kill(process.pid, signal_number)
