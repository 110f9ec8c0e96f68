"""A peer: terminado serves a command on a websocket, this program is its terminal: `python -m bench.terminado_peer COMMAND...`.

It stands for a web terminal in front of kubectl (as in Jupyter): pty, JSON messages, websocket. Server and client share this process,
which favours it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

import tornado.web
import websockets
from terminado import SingleTermManager, TermSocket


async def main(command: list[str]) -> None:
    manager = SingleTermManager(shell_command=command)
    app = tornado.web.Application([(r"/ws", TermSocket, {"term_manager": manager})])
    server = app.listen(0, "127.0.0.1")
    port = next(iter(server._sockets.values())).getsockname()[1]
    loop = asyncio.get_running_loop()
    async with websockets.connect(f"ws://127.0.0.1:{port}/ws", compression=None, max_size=None) as socket:
        typed: asyncio.Queue[bytes] = asyncio.Queue()
        loop.add_reader(0, lambda: typed.put_nowait(os.read(0, 65536)))

        async def type_on() -> None:
            while data := await typed.get():
                await socket.send(json.dumps(["stdin", data.decode("latin-1")]))

        typing = asyncio.create_task(type_on())
        async for message in socket:
            kind, *rest = json.loads(message)
            if kind == "stdout":
                os.write(1, rest[0].encode())
        typing.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
