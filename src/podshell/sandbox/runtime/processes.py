"""A running process and its output: pumped by the runtime, not by a connection.

The runtime holds the master of a pty and its own ends of the pipes for as long as the process lives.  A consumer (an
exec stream) or several (attach) take the output; while one of them does not take it, nothing more is read, and the
process blocks in its write.  Without any consumer output is read and thrown away (or only logged), as containerd does
after a client is gone.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Awaitable, Callable

from podshell.sandbox.runtime.descriptors import DescriptorReader, DescriptorWriter
from podshell.sandbox.runtime.launch import Launched, LauncherClient

# Takes one piece of "stdout" or "stderr"; raises ConnectionError when it will take no more.
Consumer = Callable[[str, bytes], Awaitable[None]]

# A container that floods its log is read at some 3 MiB/s, so that one pod does not take the machine.  Commands are not.
_FLOOD_CHUNK_BYTES = 16 * 1024
_FLOOD_PAUSE_SECONDS = 0.01


class Process:
    """One started process with its streams; ``done`` resolves to the exit code once its output is read as well."""

    def __init__(
        self,
        client: LauncherClient,
        launched: Launched,
        *,
        stdin: int | None,
        outputs: dict[str, int],
        tty: bool,
        record: Callable[[str, bytes], None] | None = None,
    ) -> None:
        """Take over ``launched`` and own the descriptors (for a tty: the master, as ``stdout``)."""
        loop = asyncio.get_running_loop()
        self.pid = launched.pid
        self.tty = tty
        self.exited = launched.exited
        self.done: asyncio.Future[int] = loop.create_future()
        self.stdin = DescriptorWriter(stdin, owns=not tty) if stdin is not None else None
        self._client = client
        self._outputs = outputs
        self._readers = {name: DescriptorReader(descriptor) for name, descriptor in outputs.items()}
        self._record = record
        self._consumers: list[Consumer] = []
        self._task = loop.create_task(self._run(), name=f"process {self.pid}")

    def add_consumer(self, consumer: Consumer) -> Callable[[], None]:
        """Give the output to ``consumer`` from now on; returns what ends that."""
        self._consumers.append(consumer)

        def remove() -> None:
            with contextlib.suppress(ValueError):
                self._consumers.remove(consumer)

        return remove

    def resize(self, columns: int, rows: int) -> None:
        """Set the size of the tty; the kernel tells the foreground processes if it changed."""
        if self.tty and not self.done.done():
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._outputs["stdout"], termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def kill(self, signal_number: int = signal.SIGKILL) -> None:
        """Signal the process itself, not its children."""
        self._client.kill(self.pid, signal_number)

    async def _run(self) -> None:
        pumps = [asyncio.create_task(self._pump(name), name=f"output {self.pid} {name}") for name in self._readers]
        try:
            code = await asyncio.shield(self.exited)
            if self.tty:  # background jobs may hold the tty for ever; what the process itself wrote is there
                for reader in self._readers.values():
                    reader.finish()
            await asyncio.gather(*pumps)
        except asyncio.CancelledError:
            code = 137
            raise
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._close()
            if not self.done.done():
                self.done.set_result(code)

    def _close(self) -> None:
        if self.stdin is not None:
            self.stdin.close()
        for reader in self._readers.values():
            reader.close()

    async def _pump(self, name: str) -> None:
        reader = self._readers[name]
        while data := await reader.read():
            if self._record is not None:
                self._record(name, data)
                if len(data) >= _FLOOD_CHUNK_BYTES:
                    await asyncio.sleep(_FLOOD_PAUSE_SECONDS)
            await asyncio.sleep(0)  # reading what is there never waits: let others have their turn
            for consumer in list(self._consumers):
                try:
                    await consumer(name, data)
                except ConnectionError:
                    with contextlib.suppress(ValueError):
                        self._consumers.remove(consumer)

    async def abandon(self) -> None:
        """Stop looking after a process that the end of its container kills anyway."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def open_pty(folder: str) -> tuple[int, int]:
    """Open a pty of the devpts at ``folder`` and return master and slave.

    Works from outside the container's mount namespace: the slave comes from the master (TIOCGPTPEER), so that its name
    inside is right.
    """
    master = os.open(f"{folder}/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, 0x40045431, struct.pack("i", 0))  # TIOCSPTLCK
    try:
        return master, fcntl.ioctl(master, 0x5441, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)  # TIOCGPTPEER
    except OSError:
        os.close(master)
        raise
