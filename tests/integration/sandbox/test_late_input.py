"""A client that says something after its command has ended, while it has not read all yet, loses nothing of the output, nor its Status."""

from __future__ import annotations

import asyncio
import socket
import ssl
import urllib.parse
from pathlib import Path

import pytest
from transcript_lab import Lab

from podshell.sandbox.runtime import Runtime, can_isolate

pytestmark = pytest.mark.skipif(not can_isolate(), reason="needs namespaces: root with CAP_SYS_ADMIN")
# One of them ends with some of its output in the server and not in the kernel, whatever the kernel's buffers hold.
SIZES = range(60_000, 480_000, 12_000)
LATE_SECONDS = 1.0
# v5: the end of standard input, masked by zeroes as the lab's other clients do.
END_OF_INPUT = b"\x82\x82" + bytes(4) + b"\xff\x00"


async def test_what_comes_after_the_end_takes_nothing_back(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    await runtime.start()
    lab = Lab(runtime)
    try:
        await lab.start(("default", "demo"), "main")
        came = await asyncio.gather(*(late(lab, size) for size in SIZES))
    finally:
        await lab.stop()
        await runtime.stop()
    assert [size for size, whole in zip(SIZES, came, strict=True) if not whole] == []


async def late(lab: Lab, size: int) -> bool:
    """Run a command of so much output, read nothing for a while, say something, and read; whether all came, with the Status."""
    address = urllib.parse.urlsplit(lab.server.url)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", address.port))
    context = ssl.create_default_context(cadata=lab.server.ca_pem)
    reader, writer = await asyncio.open_connection(sock=sock, ssl=context, server_hostname="127.0.0.1", limit=1024)
    query = f"container=main&stdin=true&stdout=true&command=head&command=-c&command={size}&command=/dev/zero"
    lines = [
        f"GET /api/v1/namespaces/default/pods/demo/exec?{query} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {lab.token_for('')}",
        *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        "Sec-WebSocket-Protocol: v5.channel.k8s.io",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        await asyncio.sleep(LATE_SECONDS)  # nothing tells when the command has ended but what is not to be read yet
        writer.write(END_OF_INPUT)
        async with asyncio.timeout(20):
            said = bytearray()
            while piece := await reader.read(65_536):
                said += piece
    except (ConnectionError, ssl.SSLError):
        return False
    finally:
        writer.transport.abort()
    return said.count(0) >= size and b'"status":"Success"' in said
