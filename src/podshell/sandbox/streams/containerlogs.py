"""``pods/{name}/log``: the log of a container as plain text, whole or followed.

Texts of the refusals: transcripts/kubectl/outputs.txt.  A follower that does not read stops getting lines; the ring of
the log is the only buffer.
"""

import time
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from multidict import MultiMapping

from podshell.sandbox import statuses
from podshell.sandbox.runtime import ContainerLog, LogLine
from podshell.sandbox.streams.handshake import FoundContainer, read_flag


@dataclass(frozen=True)
class LogOptions:
    """The parameters of the log endpoint."""

    container: str | None
    follow: bool
    previous: bool
    timestamps: bool
    tail_lines: int | None
    since_ns: int | None
    limit_bytes: int | None


def read_log_options(query: MultiMapping[str]) -> LogOptions:
    """Read the query.

    Raises: StatusError for a number or time that is none.
    """
    since_ns = None
    seconds = _read_number(query, "sinceSeconds")
    if seconds is not None:
        since_ns = time.time_ns() - seconds * 1_000_000_000
    elif "sinceTime" in query:
        try:
            since_ns = int(datetime.fromisoformat(query["sinceTime"]).timestamp() * 1_000_000_000)
        except ValueError as error:
            raise statuses.bad_request(f'parsing time "{query["sinceTime"]}"') from error
    return LogOptions(
        container=query.get("container") or None,
        follow=read_flag(query, "follow"),
        previous=read_flag(query, "previous"),
        timestamps=read_flag(query, "timestamps"),
        tail_lines=_read_number(query, "tailLines"),
        since_ns=since_ns,
        limit_bytes=_read_number(query, "limitBytes"),
    )


def _read_number(query: MultiMapping[str], name: str) -> int | None:
    if name not in query:
        return None
    try:
        number = int(query[name])
    except ValueError as error:
        raise statuses.bad_request(f'strconv.ParseInt: parsing "{query[name]}": invalid syntax') from error
    if number < 0:
        raise statuses.bad_request(f"{name}: must be greater than or equal to 0")
    return number


def choose_log(found: FoundContainer, pod: str, *, previous: bool) -> ContainerLog:
    """Pick the log that is asked for.

    Raises: StatusError when there is none.
    """
    if previous:
        if found.previous_log is None:
            raise statuses.bad_request(f'previous terminated container "{found.name}" in pod "{pod}" not found')
        return found.previous_log
    log = found.log if found.log is not None else found.container.log if found.container is not None else None
    if log is None:
        raise statuses.bad_request(f'container "{found.name}" in pod "{pod}" is waiting to start: {found.waiting}')
    return log


async def send_log(request: web.Request, log: ContainerLog, options: LogOptions) -> web.StreamResponse:
    """Write the log to the client until its end, the limit, or the client's going."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    left = options.limit_bytes
    newest = log.last_number

    async def write(line: LogLine) -> bool:
        nonlocal left
        data = line.render(options.timestamps)
        if left is not None:
            data = data[:left]
            left -= len(data)
        if data:
            await response.write(data)
        return left is None or left > 0

    try:
        for line in log.select(tail_lines=options.tail_lines, since_ns=options.since_ns):
            if not await write(line):
                return response
        if options.follow:
            async for line in log.follow(newest):
                if not await write(line):
                    break
    except ConnectionError:
        pass
    return response
