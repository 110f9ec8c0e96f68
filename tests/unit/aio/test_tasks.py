import asyncio
import logging

import pytest

from podshell.aio.tasks import TaskFault, TaskSet


async def forever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ValueError("broken")


async def nothing() -> None:
    return None


async def settle() -> None:
    """Let done callbacks of finished tasks run."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_finite_task_that_returns_is_no_fault() -> None:
    faults: list[TaskFault] = []
    tasks = TaskSet("owner", faults.append)
    await tasks.start("once", nothing())
    await settle()
    assert faults == []
    assert len(tasks) == 0


async def test_a_task_that_raises_is_reported_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    faults: list[TaskFault] = []
    tasks = TaskSet("link 7", faults.append)
    with caplog.at_level(logging.ERROR):
        tasks.start("reader", fail())
        await settle()
    assert [(f.owner, f.name, str(f.error)) for f in faults] == [("link 7", "reader", "broken")]
    assert "link 7: reader" in caplog.text


async def test_a_fault_without_a_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        TaskSet("lonely").start("writer", fail())
        await settle()
    assert "lonely: writer: a task failed" in caplog.text
    assert "ValueError: broken" in caplog.text


async def test_an_endless_task_that_returns_is_a_fault() -> None:
    faults: list[TaskFault] = []
    TaskSet("owner", faults.append).start("loop", nothing(), endless=True)
    await settle()
    assert faults == [TaskFault("owner", "loop", None)]


async def test_cancelling_a_task_by_its_handle_is_no_fault() -> None:
    faults: list[TaskFault] = []
    task = TaskSet("owner", faults.append).start("loop", forever(), endless=True)
    await settle()
    task.cancel()
    await settle()
    assert task.cancelled()
    assert faults == []


async def test_a_cancellation_that_nobody_asked_for_is_a_fault() -> None:
    faults: list[TaskFault] = []
    leaked: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait_for_leak() -> None:
        await leaked

    TaskSet("owner", faults.append).start("waiter", wait_for_leak())
    await settle()
    leaked.cancel()
    await settle()
    assert [f.name for f in faults] == ["waiter"]
    assert isinstance(faults[0].error, asyncio.CancelledError)


async def test_close_cancels_and_waits_until_cleaning_up_is_done() -> None:
    faults: list[TaskFault] = []
    cleaned: list[str] = []

    async def clean_slowly() -> None:
        try:
            await forever()
        finally:
            await settle()
            cleaned.append("done")

    tasks = TaskSet("owner", faults.append)
    tasks.start("slow", clean_slowly(), endless=True)
    await settle()
    await tasks.close()
    assert cleaned == ["done"]
    assert faults == []
    assert len(tasks) == 0


async def test_an_error_while_being_cancelled_is_not_swallowed() -> None:
    faults: list[TaskFault] = []

    async def break_in_cleanup() -> None:
        try:
            await forever()
        finally:
            raise OSError("disk")

    tasks = TaskSet("owner", faults.append)
    tasks.start("file", break_in_cleanup(), endless=True)
    await settle()
    await tasks.close()
    await settle()
    assert [str(f.error) for f in faults] == ["disk"]


async def test_a_task_may_close_its_own_set() -> None:
    other_ended = asyncio.Event()

    async def other() -> None:
        try:
            await forever()
        finally:
            other_ended.set()

    tasks = TaskSet("owner")
    tasks.start("other", other(), endless=True)
    await settle()
    closer = tasks.start("closer", tasks.close())
    async with asyncio.timeout(10):
        await closer
    assert other_ended.is_set()


async def test_nothing_starts_in_a_closed_set() -> None:
    tasks = TaskSet("owner")
    await tasks.close()
    with pytest.raises(RuntimeError, match="cannot start late"):
        tasks.start("late", nothing())


async def test_leaving_the_context_closes_the_set() -> None:
    async with TaskSet("owner") as tasks:
        task = tasks.start("loop", forever(), endless=True)
        await settle()
    assert task.cancelled()
    assert tasks.closed
