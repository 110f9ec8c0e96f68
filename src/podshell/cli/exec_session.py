"""Joins a viewer to the local terminal: one session through the gateway, shown until it ends or is left."""

from __future__ import annotations

import asyncio

from podshell.cli.api import Api, Refused, SessionRow, Unreachable
from podshell.cli.exits import code_of_end, code_of_refusal, lines_of_end, lines_of_refusal
from podshell.cli.failures import FAILED
from podshell.cli.gateways import Gateway
from podshell.cli.local_terminal import Choices, LocalTerminal
from podshell.cli.typed_input import WAITING_BYTES
from podshell.cli.viewer import Broken, Detached, Ended, Ending, Failed, GaveUp, Screen, Viewer

# How long after a signal the session's end is waited for: the teardown ladder takes 1.2 s for those who ignore HUP.
GOODBYE_SECONDS = 3.0


class ExecSession:
    """One run of `podshell exec`, or `kubectl shell --gateway`, with a session that exists."""

    def __init__(
        self,
        api: Api,
        gateway: Gateway,
        session: SessionRow,
        choices: Choices,
        *,
        ticket: str | None = None,
        joining: bool = False,
    ) -> None:
        self._api = api
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._terminal = LocalTerminal(choices, tty=session.tty)
        self._remarks = self._terminal.remarks
        self._done = asyncio.Event()
        screen = Screen(
            self._terminal.write, self._remarks.say, self._terminal.attach, lambda: self._terminal.size, self._terminal.note_room
        )
        url = gateway.url.replace("http", "ws", 1) + "/ws/terminal"
        self._viewer = Viewer(api, url, gateway.token, session, screen, ticket=ticket, joining=joining)
        self._terminal.connect(self)

    async def run(self) -> int:
        """Show the session until it ends or is left; returns the exit code. The terminal is as before afterwards."""
        viewing = asyncio.ensure_future(self._viewer.run())
        with self._terminal as terminal:
            try:
                viewing.add_done_callback(lambda _: self._done.set())
                await self._done.wait()
                code = self._tell(viewing.result()) if viewing.done() else terminal.stop_code
            finally:
                viewing.cancel()
                await asyncio.wait({viewing}, timeout=1.5)
        return terminal.stop_code if terminal.was_stopped else code

    # What the local terminal calls.

    @property
    def connected(self) -> bool:
        return self._viewer.connected

    @property
    def input_is_full(self) -> bool:
        return self._viewer.typed.waiting_bytes >= WAITING_BYTES

    def type(self, data: bytes, *, auto: bool) -> None:
        self._viewer.type(data, auto=auto)

    def end_input(self) -> None:
        self._viewer.end_input()

    def resize(self) -> None:
        self._viewer.resize()

    def detach(self) -> None:
        self._viewer.detach()

    def end_session(self) -> None:
        self._loop.call_later(GOODBYE_SECONDS, self.give_up)
        if self._viewer.connected:
            self._viewer.close_session()
        else:
            self._closing = asyncio.ensure_future(self._close_by_api())

    def give_up(self) -> None:
        self._done.set()

    async def _close_by_api(self) -> None:
        try:
            await self._api.close_session(self._session.id)
        except (Refused, Unreachable) as error:
            self._remarks.say(f"the session could not be ended: {error}; it ends by itself when its idle time is up")
        self.give_up()

    # The end.

    def _tell(self, ending: Ending) -> int:
        self._terminal.leave_raw_mode()
        match ending:
            case Ended(end=end):
                we_closed_it = end.reason == "closed" and self._terminal.was_stopped
                for line in [] if we_closed_it else lines_of_end(end):
                    self._remarks.say(line)
                return code_of_end(end)
            case Detached():
                self._remarks.say(f"left; the shell goes on. Come back: podshell exec --session {self._session.id}")
                return 0
            case Failed(refusal=refusal):
                for line in lines_of_refusal(refusal):
                    self._remarks.say(line)
                return code_of_refusal(refusal)
            case GaveUp(text=text):
                self._remarks.say(f"no connection to the session any more: {text}")
                self._remarks.say(f"it may go on; look for it: podshell exec --session {self._session.id}")
                return FAILED
            case Broken(text=text):
                self._remarks.say(f"{text}; its input and output are not whole")
                return FAILED
