from __future__ import annotations

import asyncio
import itertools

from podshell.sandbox.runtime.logs import ContainerLog


def make_log(limit_bytes: int = 1000) -> ContainerLog:
    ticks = itertools.count(1_000_000_000, 1_000_000_000)
    return ContainerLog(limit_bytes, lambda: next(ticks))


async def test_a_line_is_kept_back_until_its_newline_or_the_end() -> None:
    log = make_log()
    log.append("stdout", b"one\ntw")
    assert [line.text for line in log.select()] == [b"one\n"]
    log.append("stdout", b"o\n/ # ")
    log.end()
    assert [line.text for line in log.select()] == [b"one\n", b"two\n", b"/ # "]


async def test_the_oldest_lines_go_when_the_log_is_full() -> None:
    log = make_log(limit_bytes=10)
    for number in range(5):
        log.append("stdout", b"%d23\n" % number)
    assert [line.text for line in log.select()] == [b"323\n", b"423\n"]


async def test_tail_and_since_choose_lines() -> None:
    log = make_log()
    log.append("stdout", b"1\n2\n3\n")
    assert [line.text for line in log.select(tail_lines=2)] == [b"2\n", b"3\n"]
    assert log.select(tail_lines=0) == []
    assert [line.text for line in log.select(since_ns=3_000_000_000)] == [b"3\n"]


async def test_timestamps_are_rfc3339_with_nanoseconds() -> None:
    log = ContainerLog(clock_ns=lambda: 1_700_000_000_085_938_521)
    log.append("stdout", b"x\n")
    assert log.select()[0].render(True) == b"2023-11-14T22:13:20.085938521Z x\n"


async def test_followers_get_every_line_and_end_with_the_container() -> None:
    log = make_log()
    log.append("stdout", b"old\n")
    seen: list[list[bytes]] = [[], []]

    async def follow(lines: list[bytes]) -> None:
        async for line in log.follow(log.last_number):
            lines.append(line.text)

    async with asyncio.TaskGroup() as group:
        for lines in seen:
            group.create_task(follow(lines))
        await asyncio.sleep(0)
        log.append("stderr", b"a\n")
        await asyncio.sleep(0)
        log.append("stdout", b"b\nc")
        log.end()
    assert seen == [[b"a\n", b"b\n", b"c"]] * 2
