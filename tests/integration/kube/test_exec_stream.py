"""The exec stream over loopback sockets: one test for each way in which exec goes wrong.

kubernetes.md 1.2 to 1.8 and 3, and the corrections by recording, name the traps.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from fake_api_server import SUCCESS, FakeApiServer, Recorder, ServerStream, exit_status, internal_error

from podshell.kube import exec_stream as exec_module
from podshell.kube.channels import Subprotocol
from podshell.kube.classify import FailureKind
from podshell.kube.connection import Connection, Impersonation
from podshell.kube.errors import ExecRefused, StdinOverflow, Unreachable
from podshell.kube.exec import (
    ExecStream,
    ExecTarget,
    Exited,
    Failed,
    Lost,
    LostReason,
    open_exec,
)
from podshell.kube.rest import Client

TARGET = ExecTarget("lab", "demo", "main")
MISSING_SHELL = (
    "Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: "
    'failed to start exec "ID": OCI runtime exec failed: exec failed: unable to start container process: exec: "bash": '
    "executable file not found in $PATH"
)
CRI_DOCKERD = (
    'Internal error occurred: error sending request: Post "//[::]:60007/cri/exec/x": http: server gave HTTP response to HTTPS client'
)


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer().serve() as running:
        yield running


@pytest.fixture
async def client(server: FakeApiServer) -> AsyncIterator[Client]:
    async with Client(Connection(server.url, None)) as running:
        yield running


async def start(client: Client, recorder: Recorder, *, tty: bool = True, **options: object) -> ExecStream:
    return await open_exec(client, TARGET, ["sh"], tty=tty, receiver=recorder, **options)


async def run(client: Client, *, tty: bool = True) -> tuple[Recorder, object]:
    """Run a command to its end."""
    recorder = Recorder()
    stream = await start(client, recorder, tty=tty)
    return recorder, await stream.wait_ended()


# -- opening ------------------------------------------------------------------------------------------------------------


async def test_offers_v5_and_v4_in_one_header_line(server: FakeApiServer, client: Client) -> None:
    stream = await start(client, Recorder())
    assert server.requests[0].headers.getall("Sec-WebSocket-Protocol") == ["v5.channel.k8s.io, v4.channel.k8s.io"]
    assert stream.subprotocol is Subprotocol.V5
    stream.abort()


async def test_speaks_v4_where_the_server_has_no_v5(server: FakeApiServer, client: Client) -> None:
    server.subprotocols = ["v4.channel.k8s.io"]
    stream = await start(client, Recorder(), tty=False)
    assert stream.subprotocol is Subprotocol.V4
    assert not stream.can_close_stdin
    with pytest.raises(ValueError, match="only v5"):
        stream.close_stdin()
    stream.abort()


async def test_refuses_a_server_that_names_no_subprotocol(server: FakeApiServer, client: Client) -> None:
    server.subprotocols = []
    with pytest.raises(ExecRefused) as refused:
        await start(client, Recorder())
    assert refused.value.failed.kind is FailureKind.PROTOCOL_REFUSED


async def test_asks_for_the_streams_that_a_tty_has(server: FakeApiServer, client: Client) -> None:
    for tty in (True, False):
        stream = await open_exec(client, TARGET, ["sh", "-c", "a b&c=ü"], tty=tty, receiver=Recorder())
        stream.abort()
    with_tty, without = (request.query for request in server.requests)
    assert with_tty.getall("command") == without.getall("command") == ["sh", "-c", "a b&c=ü"]
    # With a tty there is no stderr; stdin is always asked for (kata, kubernetes.md 1.4).
    assert (with_tty.get("tty"), with_tty.get("stderr"), with_tty.get("stdin")) == ("true", None, "true")
    assert (without.get("tty"), without.get("stderr"), without.get("stdin")) == (None, "true", "true")


async def test_never_offers_compression_and_says_who_it_is(server: FakeApiServer, client: Client) -> None:
    (await start(client, Recorder())).abort()
    headers = server.requests[0].headers
    assert "Sec-WebSocket-Extensions" not in headers
    assert headers["User-Agent"].startswith("podshell/")


async def test_impersonation_headers_go_with_the_upgrade(server: FakeApiServer) -> None:
    as_alice = Impersonation("alice", ("dev", "ops"), (("scopes", "a"),))
    async with Client(Connection(server.url, None), impersonate=as_alice) as client:
        (await start(client, Recorder())).abort()
    headers = server.requests[0].headers
    assert headers["Impersonate-User"] == "alice"
    assert headers.getall("Impersonate-Group") == ["dev", "ops"]
    assert headers["Impersonate-Extra-scopes"] == "a"


async def test_the_socket_is_bounded_and_watched_by_tcp(server: FakeApiServer, client: Client) -> None:
    stream = await start(client, Recorder())
    assert stream._transport is not None
    sock = stream._transport.underlying_transport.get_extra_info("socket")
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 256 * 1024
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
    stream.abort()


async def test_an_upgrade_that_was_given_up_finds_nobody(server: FakeApiServer, client: Client) -> None:
    asked, may_answer, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
    accept = server.handle

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.set()
        await may_answer.wait()
        server.answers.clear()
        return await accept(request)

    async def script(stream: ServerStream) -> None:
        await stream.receive_all()
        gone.set()

    server.answers["/api/v1/namespaces/lab/pods/demo/exec"] = answer
    server.script = script
    recorder = Recorder()
    opening = asyncio.create_task(start(client, recorder))
    async with asyncio.timeout(20):
        await asked.wait()
        opening.cancel()
        await asyncio.wait([opening])
        may_answer.set()
        await gone.wait()
    assert opening.cancelled()
    assert recorder.events == []


# -- refusals -----------------------------------------------------------------------------------------------------------


async def test_a_refusal_in_plain_text_is_classified(server: FakeApiServer, client: Client) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=500, text='container not found ("main")')

    server.answers["/api/v1/namespaces/lab/pods/demo/exec"] = answer
    with pytest.raises(ExecRefused) as refused:
        await start(client, Recorder())
    assert refused.value.failed.kind is FailureKind.CONTAINER_NOT_RUNNING
    assert refused.value.failed.message == 'container not found ("main")'


async def test_a_refusal_whose_body_comes_late_keeps_its_text(server: FakeApiServer, client: Client) -> None:
    body = b'{"status":"Failure","reason":"Forbidden","message":"pods \\"demo\\" is forbidden: ","code":403}'

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=403, headers={"Content-Type": "application/json"})
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[:10])  # a segment of its own
        await asyncio.sleep(0.05)  # so that the rest cannot be read together with the headers
        await response.write(body[10:])
        return response

    server.answers["/api/v1/namespaces/lab/pods/demo/exec"] = answer
    with pytest.raises(ExecRefused) as refused:
        await start(client, Recorder())
    assert (refused.value.failed.kind, refused.value.failed.verb) == (FailureKind.RBAC, "create")


async def test_asking_again_for_a_refusal_can_start_nothing(server: FakeApiServer, client: Client) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=403)

    server.answers["/api/v1/namespaces/lab/pods/demo/exec"] = answer
    with pytest.raises(ExecRefused):
        await start(client, Recorder())
    assert all("channel.k8s.io" not in request.headers["Sec-WebSocket-Protocol"] for request in server.requests[1:])


async def test_a_401_asks_once_more_with_new_credentials(server: FakeApiServer) -> None:
    class Credentials:
        def __init__(self) -> None:
            self.tokens = ["old", "new"]

        async def headers(self) -> dict[str, str]:
            return {"X-Token": self.tokens[0]}

        def invalidate(self) -> None:
            self.tokens = self.tokens[1:]

    class Talkative(Client):  # plain http carries no credentials: put them back for this test
        async def headers(self) -> list[tuple[str, str]]:
            return [*await super().headers(), *(await self.connection.credentials.headers()).items()]

    accept = server.handle

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers["X-Token"] == "old":
            return web.json_response({"status": "Failure", "message": "Unauthorized", "code": 401}, status=401)
        server.answers.clear()
        return await accept(request)

    server.answers["/api/v1/namespaces/lab/pods/demo/exec"] = answer
    async with Talkative(Connection(server.url, None, Credentials())) as client:
        (await start(client, Recorder())).abort()


async def test_plain_http_never_carries_credentials(server: FakeApiServer) -> None:
    from podshell.kube.credentials import StaticToken

    async with Client(Connection(server.url, None, StaticToken("secret"))) as client:
        (await start(client, Recorder())).abort()
    assert "Authorization" not in server.requests[0].headers


async def test_no_server_is_unreachable_and_named() -> None:
    async with Client(Connection("http://127.0.0.1:1", None)) as client:
        with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1: .*refused|Connect call failed"):
            await start(client, Recorder())


async def test_a_server_that_hangs_up_in_the_handshake_is_unreachable(server: FakeApiServer, client: Client) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    server.answers["/api/v1/namespaces/lab/pods/demo/exec"] = answer
    with pytest.raises(Unreachable):
        await start(client, Recorder())


# -- ends (kubernetes.md 1.4) -------------------------------------------------------------------------------------------


def act(*messages: bytes, close: int | None = 1000) -> object:
    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01", *messages)
        if close is None:
            stream.drop()
        else:
            await stream.close(close)

    return script


async def test_flushes_output_before_reporting_exit(server: FakeApiServer, client: Client) -> None:
    server.script = act(*[b"\x01" + bytes([n]) * 8000 for n in range(50)], exit_status(7))
    recorder, end = await run(client)
    assert end == Exited(7)
    assert len(recorder.stdout) == 50 * 8000
    assert recorder.events[0] == "up"
    assert recorder.events[-1] == Exited(7)


async def test_output_that_a_paused_reader_has_not_taken_comes_before_the_exit(server: FakeApiServer, client: Client) -> None:
    count = 200
    server.script = act(*[b"\x01" + bytes(8000)] * count, exit_status(3))
    recorder = Recorder()
    stream = await start(client, recorder)
    await recorder.is_up.wait()
    stream.pause()
    assert not any(isinstance(event, Exited) for event in recorder.events)
    stream.resume()
    assert await stream.wait_ended() == Exited(3)
    assert len(recorder.stdout) == count * 8000


async def test_close_1000_without_status_is_unknown_not_success(server: FakeApiServer, client: Client) -> None:
    server.script = act(b"\x01truncated")
    recorder, end = await run(client)
    assert isinstance(end, Lost)
    assert end.reason is LostReason.NO_STATUS
    assert recorder.stdout == b"truncated"


async def test_a_reset_is_a_loss_of_the_transport(server: FakeApiServer, client: Client) -> None:
    server.script = act(b"\x01x", close=None)
    _, end = await run(client)
    assert isinstance(end, Lost)
    assert end.reason is LostReason.TRANSPORT


async def test_a_status_counts_though_no_close_follows(server: FakeApiServer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_module, "_AFTER_STATUS_SECONDS", 0.01)

    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01", SUCCESS)
        await stream.receive_all()

    server.script = script
    _, end = await run(client)
    assert end == Exited(0)


async def test_a_status_that_is_lost_to_a_reset_is_not_a_success(server: FakeApiServer, client: Client) -> None:
    server.script = act(exit_status(5)[:40], close=None)
    _, end = await run(client)
    assert not isinstance(end, Exited)


async def test_a_missing_shell_on_channel_3_is_named(server: FakeApiServer, client: Client) -> None:
    server.script = act(internal_error(MISSING_SHELL))
    _, end = await run(client)
    assert isinstance(end, Failed)
    assert end.kind is FailureKind.SHELL_MISSING
    assert end.message == MISSING_SHELL


async def test_ended_is_told_exactly_once_whoever_ends(server: FakeApiServer, client: Client) -> None:
    recorder = Recorder()
    stream = await start(client, recorder)
    stream.close()
    stream.abort()
    stream.close()
    end = await stream.wait_ended()
    assert isinstance(end, Lost)
    assert end.reason is LostReason.CLOSED_HERE
    await asyncio.sleep(0)
    assert recorder.events.count(end) == 1


async def test_close_sends_a_close_frame_and_abort_none(server: FakeApiServer, client: Client) -> None:
    gone = asyncio.Event()

    async def script(stream: ServerStream) -> None:
        await stream.receive_all()
        gone.set()

    server.script = script
    for polite in (True, False):
        gone.clear()
        stream = await start(client, Recorder())
        if polite:
            stream.close()
        else:
            stream.abort()
        async with asyncio.timeout(20):
            await gone.wait()
    assert [one.closed_with for one in server.streams] == [1000, None]


async def test_a_server_that_ignores_the_close_frame_is_dropped(
    server: FakeApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_module, "_CLOSE_SECONDS", 0.01)
    forever = asyncio.Event()

    async def script(_: ServerStream) -> None:
        await forever.wait()

    server.script = script
    stream = await start(client, Recorder())
    stream.close()
    async with asyncio.timeout(20):
        end = await stream.wait_ended()
    forever.set()
    assert isinstance(end, Lost)


async def test_input_after_the_end_is_dropped(server: FakeApiServer, client: Client) -> None:
    server.script = act(SUCCESS)
    stream = await start(client, Recorder())
    await stream.wait_ended()
    stream.send_stdin(b"x")
    stream.resize(80, 24)
    stream.pause()
    stream.resume()


# -- cri-dockerd --------------------------------------------------------------------------------------------------------


async def test_a_runtime_that_refuses_v5_is_asked_again_with_v4_only(server: FakeApiServer, client: Client) -> None:
    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01")
        if stream.socket.ws_protocol == "v5.channel.k8s.io":
            await stream.send(internal_error(CRI_DOCKERD))
        else:
            typed = await stream.receive()
            await stream.send(b"\x01" + (typed or b"")[1:], exit_status(4))
        await stream.close()

    server.script = script
    recorder = Recorder()
    stream = await start(client, recorder, tty=False)
    stream.send_stdin(b"typed early")
    async with asyncio.timeout(20):
        end = await stream.wait_ended()
    assert end == Exited(4)
    assert [request.headers["Sec-WebSocket-Protocol"] for request in server.requests] == [
        "v5.channel.k8s.io, v4.channel.k8s.io",
        "v4.channel.k8s.io",
    ]
    assert recorder.stdout == b"typed early"
    assert recorder.events.count("up") == 1


async def test_a_runtime_that_refuses_v4_too_ends_with_its_text(server: FakeApiServer, client: Client) -> None:
    server.script = act(internal_error(CRI_DOCKERD))
    _, end = await run(client)
    assert isinstance(end, Failed)
    assert end.kind is FailureKind.RUNTIME_REFUSES_V5
    assert len(server.requests) == 2


async def test_a_retry_that_would_lose_input_is_not_made(server: FakeApiServer, client: Client) -> None:
    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01")
        while sum(len(message) - 1 for message in stream.messages) < 40 * 1024:
            await stream.receive()
        await stream.send(internal_error(CRI_DOCKERD))
        await stream.close()

    server.script = script
    stream = await start(client, Recorder(), tty=False)
    stream.send_stdin(bytes(40 * 1024))
    async with asyncio.timeout(20):
        end = await stream.wait_ended()
    assert isinstance(end, Failed)
    assert len(server.requests) == 1


async def test_closing_during_the_retry_ends_it(server: FakeApiServer, client: Client) -> None:
    asked_again = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        asked_again.set()
        await asyncio.Event().wait()
        return web.Response()

    async def script(stream: ServerStream) -> None:
        server.answers[stream.request.path] = hang
        await stream.send(b"\x01", internal_error(CRI_DOCKERD))
        await stream.close()

    server.script = script
    recorder = Recorder()
    stream = await start(client, recorder, tty=False)
    async with asyncio.timeout(20):
        await asked_again.wait()
        stream.close()
        end = await stream.wait_ended()
    assert isinstance(end, Lost)
    assert end.reason is LostReason.CLOSED_HERE
    assert recorder.events.count(end) == 1


# -- sizes --------------------------------------------------------------------------------------------------------------


async def sizes_after(server: FakeApiServer, client: Client, resize: object, *, tty: bool, count: int) -> list[bytes]:
    """Return `count` size messages and whatever follows up to a marker on stdin."""

    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01")
        while (message := await stream.receive()) is not None and message != b"\x00end":
            pass
        await stream.send(SUCCESS)
        await stream.close()

    server.script = script
    recorder = Recorder()
    stream = await start(client, recorder, tty=tty, size=(80, 24))
    await recorder.is_up.wait()
    resize(stream)  # type: ignore[operator]  # the test's own function
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stream.send_stdin(b"end")
    await stream.wait_ended()
    sizes = [message for message in server.streams[0].messages if message[:1] == b"\x04"]
    assert len(sizes) == count
    return sizes


async def test_the_first_size_waits_for_the_first_server_frame(server: FakeApiServer, client: Client) -> None:
    may_answer = asyncio.Event()

    async def script(stream: ServerStream) -> None:
        assert await stream.receive() == b"\x00x"  # typed before the server has said anything: no size is in front of it
        may_answer.set()
        await stream.send(b"\x01")
        assert await stream.receive() == b'\x04{"Width":80,"Height":24}\n'
        await stream.send(SUCCESS)
        await stream.close()

    server.script = script
    stream = await start(client, Recorder(), size=(80, 24))
    stream.resize(80, 24)
    await asyncio.sleep(0)  # time enough for a size that does not wait
    await asyncio.sleep(0)
    stream.send_stdin(b"x")
    async with asyncio.timeout(20):
        assert await stream.wait_ended() == Exited(0)


async def test_only_the_newest_of_many_sizes_is_sent(server: FakeApiServer, client: Client) -> None:
    def drag(stream: ExecStream) -> None:
        for cols in range(81, 200):
            stream.resize(cols, 50)

    sizes = await sizes_after(server, client, drag, tty=True, count=2)
    assert sizes[-1] == b'\x04{"Width":199,"Height":50}\n'


async def test_a_size_stays_in_front_of_what_is_typed_after_it(server: FakeApiServer, client: Client) -> None:
    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01")
        while await stream.receive() != b"\x00x":
            pass
        await stream.send(SUCCESS)
        await stream.close()

    server.script = script
    recorder = Recorder()
    stream = await start(client, recorder)
    async with asyncio.timeout(20):
        await recorder.is_up.wait()
        stream.resize(99, 33)
        stream.send_stdin(b"x")
        await stream.wait_ended()
    assert server.streams[0].messages == [b'\x04{"Width":99,"Height":33}\n', b"\x00x"]


@pytest.mark.parametrize("size", [(0, 0), (0, 24), (-1, 24), (70000, 24)])
async def test_never_sends_a_size_that_freezes_the_session(server: FakeApiServer, client: Client, size: tuple[int, int]) -> None:
    await sizes_after(server, client, lambda stream: stream.resize(*size), tty=True, count=1)


async def test_never_sends_a_second_resize_on_a_non_tty(server: FakeApiServer, client: Client) -> None:
    def twice(stream: ExecStream) -> None:
        stream.resize(90, 20)
        stream.redraw()
        stream.resize(91, 20)

    await sizes_after(server, client, twice, tty=False, count=0)


async def test_redraw_resizes_by_one_and_back(server: FakeApiServer, client: Client) -> None:
    sizes = await sizes_after(server, client, ExecStream.redraw, tty=True, count=3)
    assert sizes[1:] == [b'\x04{"Width":80,"Height":25}\n', b'\x04{"Width":80,"Height":24}\n']


# -- input --------------------------------------------------------------------------------------------------------------


async def test_a_one_mib_paste_arrives_whole_in_small_unfragmented_messages(server: FakeApiServer, client: Client) -> None:
    paste = bytes(range(256)) * 4096
    digest = hashlib.sha256()

    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01")
        left = len(paste)
        while left:
            message = await stream.receive()
            assert message is not None
            assert message[0] == 0
            assert len(message) <= 32 * 1024 + 1
            digest.update(message[1:])
            left -= len(message) - 1
        await stream.send(SUCCESS)
        await stream.close()

    server.script = script
    stream = await start(client, Recorder(), tty=False)
    stream.send_stdin(paste)
    assert not stream.stdin_writable
    with pytest.raises(StdinOverflow):
        stream.send_stdin(paste)
    async with asyncio.timeout(60):
        assert await stream.wait_ended() == Exited(0)
    assert digest.digest() == hashlib.sha256(paste).digest()


async def test_unread_stdin_keeps_later_input_waiting_and_ends_nothing(server: FakeApiServer, client: Client) -> None:
    server.subprotocols = ["v4.channel.k8s.io"]
    may_read = asyncio.Event()

    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01", b"\x01ready")
        await may_read.wait()  # as a process that reads nothing: no pongs either
        await stream.receive_all()

    server.script = script
    recorder = Recorder()
    writable = asyncio.Event()
    stream = await start(client, recorder, tty=False, on_stdin_writable=writable.set)
    await recorder.wait_for(b"ready")
    stream.send_stdin(bytes(200 * 1024))
    assert not stream.stdin_writable
    assert stream._window.in_flight_bytes <= 32 * 1024
    assert not stream._finished
    may_read.set()
    async with asyncio.timeout(20):
        await stream.drain_stdin()
        await writable.wait()
    assert stream.stdin_writable
    stream.abort()


async def test_no_pong_based_kill_while_stdin_is_undrained(server: FakeApiServer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_module, "PING_SECONDS", 0.01)
    server.autoping = False  # pings are seen, and never answered
    enough = asyncio.Event()

    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01")
        while len(stream.pings) < 20:
            message = await stream.socket.receive()
            if message.type.name == "PING":
                stream.pings.append(message.data)
        enough.set()
        await stream.send(b"\x01alive", exit_status(6))
        await stream.close()

    server.script = script
    recorder = Recorder()
    stream = await start(client, recorder, tty=False)
    stream.send_stdin(bytes(500 * 1024))
    async with asyncio.timeout(30):
        await enough.wait()
        assert await stream.wait_ended() == Exited(6)
    assert recorder.stdout == b"alive"


async def test_an_empty_stdin_message_keeps_the_servers_idle_clock_from_running_out(
    server: FakeApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_module, "PING_SECONDS", 0.01)
    monkeypatch.setattr(exec_module, "_PINGS_PER_EMPTY_STDIN", 2)

    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01")
        assert await stream.receive() == b"\x00"
        await stream.send(SUCCESS)
        await stream.close()

    server.script = script
    stream = await start(client, Recorder(), tty=False)
    async with asyncio.timeout(20):
        assert await stream.wait_ended() == Exited(0)


async def test_half_close_waits_for_the_input_before_it(server: FakeApiServer, client: Client) -> None:
    async def script(stream: ServerStream) -> None:
        await stream.send(b"\x01")
        while await stream.receive() not in (None, b"\xff\x00"):
            pass
        await stream.send(b"\x01%d" % sum(len(m) - 1 for m in stream.messages if m[:1] == b"\x00"), SUCCESS)
        await stream.close()

    server.script = script
    recorder = Recorder()
    stream = await start(client, recorder, tty=False)
    stream.send_stdin(bytes(300_000))
    stream.close_stdin()
    with pytest.raises(ValueError, match="stdin is closed"):
        stream.send_stdin(b"x")
    async with asyncio.timeout(20):
        assert await stream.wait_ended() == Exited(0)
    assert recorder.stdout == b"300000"


async def test_never_sends_a_half_close_on_a_tty(server: FakeApiServer, client: Client) -> None:
    stream = await start(client, Recorder(), tty=True)
    with pytest.raises(ValueError, match="only v5 without a tty"):
        stream.close_stdin()
    stream.abort()


# -- output -------------------------------------------------------------------------------------------------------------


async def test_a_paused_stream_makes_the_server_wait(server: FakeApiServer, client: Client) -> None:
    total = 64 * 1024 * 1024
    sent = 0
    chunk = b"\x01" + bytes(32 * 1024)

    async def script(stream: ServerStream) -> None:
        nonlocal sent
        await stream.send(b"\x01")
        while sent < total:
            await stream.send(chunk)
            sent += len(chunk) - 1
        await stream.send(SUCCESS)
        await stream.close()

    server.script = script
    paused_at = 0

    class Pauser(Recorder):
        def output(self, channel: int, data: memoryview | bytes) -> None:
            nonlocal paused_at
            received[0] += len(data)
            if received[0] >= 1024 * 1024 and not paused_at:
                paused_at = received[0]
                stream.pause()

    received = [0]
    recorder = Pauser()
    stream = await start(client, recorder)
    async with asyncio.timeout(60):
        while not paused_at:
            await asyncio.sleep(0)
        # Until the server's own writes have stalled: nothing new for many turns of the loop that both share.
        before, quiet = -1, 0
        while quiet < 2000:
            quiet = quiet + 1 if sent == before else 0
            before = sent
            await asyncio.sleep(0)
        assert received[0] - paused_at < 512 * 1024
        assert sent < total / 2
        stream.resume()
        assert await stream.wait_ended() == Exited(0)
    assert received[0] == sent == total


async def test_a_character_split_over_frames_is_not_touched(server: FakeApiServer, client: Client) -> None:
    server.script = act(b"\x01\xe2\x82", b"\x01\xac", SUCCESS)
    recorder, _ = await run(client)
    assert recorder.events[1:3] == [(1, b"\xe2\x82"), (1, b"\xac")]


async def test_no_task_runs_for_an_open_stream(server: FakeApiServer, client: Client) -> None:
    recorder = Recorder()
    stream = await start(client, recorder)
    stream.send_stdin(b"x")
    names = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}  # type: ignore[union-attr]
    assert not any("ExecStream" in name or "picows" in name.lower() for name in names)
    stream.abort()
