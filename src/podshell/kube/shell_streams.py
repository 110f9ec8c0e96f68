"""What every shell does with its stream: input, size, pause and redraw, also while there is no stream yet or none any more."""

from __future__ import annotations

from podshell.kube.execs import ExecHandle


class StreamedShell:
    """A shell that is reached by one stream, an exec's or an attach's. Without one, what is sent goes nowhere; size and pause are kept.

    Args:
        tty: whether there is a terminal, which alone has a size and can be drawn again.
        size: columns, rows.
    """

    def __init__(self, *, tty: bool, size: tuple[int, int]) -> None:
        self._tty = tty
        self._size = size
        self._paused = False
        self._input_ended = False
        self._stream: ExecHandle | None = None

    @property
    def writable(self) -> bool:
        return self._stream is not None and self._stream.stdin_writable

    def send_input(self, data: bytes) -> None:
        if self._stream is not None and not self._input_ended:
            self._stream.send_stdin(data)

    def end_input(self) -> None:
        """Close its standard input, as far as the subprotocol can (v5, and without a terminal only); again does nothing."""
        if self._stream is not None and self._stream.can_close_stdin and not self._input_ended:
            self._input_ended = True
            self._stream.close_stdin()

    def resize(self, cols: int, rows: int) -> None:
        self._size = (cols, rows)
        if self._stream is not None:
            self._stream.resize(cols, rows)

    def redraw(self) -> None:
        if self._stream is not None and self._tty:
            self._stream.redraw()

    def set_paused(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            if self._stream is not None:
                (self._stream.pause if paused else self._stream.resume)()

    def abort(self) -> None:
        """Drop the connection."""
        if self._stream is not None:
            self._stream.abort()
            self._stream = None

    @property
    def _first_size(self) -> tuple[int, int] | None:
        """What a stream is opened with."""
        return self._size if self._tty else None

    def _connect(self, stream: ExecHandle) -> None:
        self._stream = stream
        if self._paused:
            stream.pause()
