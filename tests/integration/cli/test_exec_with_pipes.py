"""`podshell exec` with pipes: bytes, ends, and refusals."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
from pathlib import Path

import pytest
from cli_process import PODSHELL, run
from fake_gateway import FakeGateway

from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy


async def play(gateway: FakeGateway, output: bytes, end: m.End) -> None:
    """Print, then end."""
    await gateway.until(lambda session: session.attaches > 0)
    await gateway.print(output)
    await gateway.end(end)


async def test_the_exit_code_and_every_byte_of_output_are_passed_on(gateway: FakeGateway, env: dict[str, str]) -> None:
    output = bytes(range(256)) * 4000
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run(["pods/web-0", "--reason", "test", "--", "cat", "-v"], env))
        group.create_task(play(gateway, output, m.End("exited", 7)))
    assert running.result() == (7, output, "")
    request = gateway.session.request
    assert (request["cluster"], request["namespace"], request["pod"]) == ("east", "default", "web-0")
    assert (request["command"], request["tty"], request["reason"]) == (["cat", "-v"], False, "test")


async def test_piped_input_arrives_whole_and_then_ends(gateway: FakeGateway, env: dict[str, str]) -> None:
    data = random.Random(1).randbytes(500_000)

    async def end_with_the_input() -> None:
        await gateway.until(lambda session: session.input_ended)
        await gateway.end(m.End("exited", 0))

    async with asyncio.TaskGroup() as group:
        running = group.create_task(run(["web-0", "--", "sha256sum"], env, stdin=data))
        group.create_task(end_with_the_input())
    assert running.result()[0] == 0
    assert bytes(gateway.session.typed) == data
    assert not gateway.session.auto, "without a terminal nothing is made by one"


async def test_no_byte_is_lost_or_repeated_over_many_cuts_in_both_directions(gateway: FakeGateway, env: dict[str, str]) -> None:
    data = random.Random(2).randbytes(1_000_000)
    gateway.session.echo = True
    cuts = random.Random(3)
    gateway.cut_after_bytes = lambda: cuts.randrange(20_000, 200_000)

    async def end_when_echoed() -> None:
        await gateway.until(lambda session: session.input_ended and len(session.output) == len(data))
        await gateway.end(m.End("exited", 0))

    async with asyncio.TaskGroup() as group:
        running = group.create_task(run(["web-0", "--", "cat"], {**env, "PYTHONPATH": str(Path(__file__).parent / "quick")}, stdin=data))
        group.create_task(end_when_echoed())
    code, output, _ = running.result()
    assert gateway.session.attaches > 10
    assert (code, output == data, bytes(gateway.session.typed) == data) == (0, True, True)


async def test_a_command_that_was_started_again_is_not_taken_for_the_first(gateway: FakeGateway, env: dict[str, str]) -> None:
    async def restart_the_agent() -> None:
        await gateway.until(lambda session: session.attaches == 1)
        gateway.session.epoch = "e2"
        gateway.cut()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(run(["web-0", "--", "migrate"], env))
        group.create_task(restart_the_agent())
    code, _, errors = running.result()
    assert code == 125
    assert "the cluster's agent was restarted" in errors


async def test_a_reader_that_goes_ends_the_session(gateway: FakeGateway, env: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        str(PODSHELL), "exec", "web-0", "--", "yes", env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    await gateway.until(lambda session: session.attaches > 0)
    await gateway.print(b"y\n" * 200_000)
    await process.stdout.read(10)
    process.stdout._transport.close()  # type: ignore[attr-defined]  # what `| head` does
    async with asyncio.timeout(30):
        assert await process.wait() == 128 + signal.SIGPIPE
    assert gateway.session.closed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_session_and_is_told_in_the_exit_code(
    gateway: FakeGateway, env: dict[str, str], number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(str(PODSHELL), "exec", "web-0", "--", "sleep", "9", env=env, stdin=subprocess.PIPE)
    await gateway.until(lambda session: session.attaches > 0)
    process.send_signal(number)
    async with asyncio.timeout(30):
        assert await process.wait() == 128 + number
    assert gateway.session.closed


@pytest.mark.parametrize(
    ("refusal", "code", "said"),
    [
        (Refusal(ErrorCode.FORBIDDEN_BY_CEILING, RefusedBy.CEILING, "podExec is off", "ask for it"), 126,
         ["podExec is off (refused by the cluster's ceiling)", "ask for it"]),
        (Refusal(ErrorCode.SHELL_MISSING, RefusedBy.RUNTIME, "no shell in the image", "use a debug session"), 127, ["use a debug session"]),
        (Refusal(ErrorCode.CONTAINER_REQUIRED, RefusedBy.AGENT, "two", "", {"containers": ["app", "proxy"]}), 2, ["-c: app, proxy"]),
        (Refusal(ErrorCode.NOT_RUNNING, RefusedBy.AGENT, "the container is waiting"), 125, ["the container is waiting"]),
    ],
)  # fmt: skip
async def test_a_refusal_says_who_why_and_what_next(
    gateway: FakeGateway, env: dict[str, str], refusal: Refusal, code: int, said: list[str]
) -> None:
    gateway.refusal = refusal
    got, output, errors = await run(["web-0"], env)
    assert (got, output) == (code, b"")
    assert all(line.startswith("podshell: ") for line in errors.splitlines())
    assert all(text in errors for text in said)


async def test_a_pod_in_several_clusters_must_be_chosen(gateway: FakeGateway, env: dict[str, str]) -> None:
    gateway.clusters = {"east": "online", "west": "online", "south": "offline"}
    gateway.pods |= {("west", "default", "web-0")}
    code, _, errors = await run(["web-0"], env)
    assert code == 2
    assert "several clusters: east, west" in errors
    assert "--cluster" in errors


async def test_a_pod_in_one_of_several_clusters_is_found(gateway: FakeGateway, env: dict[str, str]) -> None:
    gateway.clusters = {"east": "online", "west": "online"}
    gateway.pods = {("west", "default", "web-0")}
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run(["web-0"], env))
        group.create_task(play(gateway, b"", m.End("exited", 0)))
    assert running.result()[0] == 0
    assert gateway.session.request["cluster"] == "west"


async def test_a_pod_nowhere_names_the_clusters_and_those_that_are_offline(gateway: FakeGateway, env: dict[str, str]) -> None:
    gateway.clusters = {"east": "online", "west": "online", "south": "offline"}
    code, _, errors = await run(["nope"], env)
    assert code == 125
    assert "no pod default/nope in east, west" in errors
    assert "offline: south" in errors


async def test_a_session_that_ended_while_nobody_was_connected_still_gives_its_exit_code(gateway: FakeGateway, env: dict[str, str]) -> None:
    async def end_while_away() -> None:
        await gateway.until(lambda session: session.attaches == 1)
        gateway.ticket_refusal = Refusal(ErrorCode.SESSION_ENDED, RefusedBy.GATEWAY, "it has ended")
        gateway.cut()
        gateway.session.ended = m.End("exited", 5)

    async with asyncio.TaskGroup() as group:
        running = group.create_task(run(["web-0", "--", "job"], env))
        group.create_task(end_while_away())
    code, _, errors = running.result()
    assert code == 5
    assert "its last output is missing" in errors


async def test_no_gateway_and_a_wrong_token_are_one_sentence_each(gateway: FakeGateway, env: dict[str, str]) -> None:
    code, _, errors = await run(["web-0"], {**env, "PODSHELL_GATEWAY": "http://127.0.0.1:1"})
    assert (code, "does not answer" in errors, "Traceback" in errors) == (125, True, False)
    token = env["PODSHELL_TOKEN_FILE"]
    with open(token, "w") as file:
        file.write("wrong")
    code, _, errors = await run(["web-0"], env)
    assert (code, "nobody is signed in" in errors) == (126, True)


async def test_wrong_usage_has_code_2(env: dict[str, str]) -> None:
    assert (await run([], env))[0] == 2
    assert (await run(["deployments/web"], env))[0] == 2
    assert (await run(["web-0", "--session", "s1"], env))[0] == 2
    assert (await run(["web-0", "--detach-keys", "nonsense"], env))[0] == 2


async def test_a_gateway_that_hangs_does_not_hold_up_an_interrupt(env: dict[str, str]) -> None:
    connected = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        process = await asyncio.create_subprocess_exec(str(PODSHELL), "exec", "web-0", env={**env, "PODSHELL_GATEWAY": url})
        await connected.wait()
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):  # a request would time out after 20 s
            assert await process.wait() == 130
