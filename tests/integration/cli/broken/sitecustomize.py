"""Breaks the command line where a notice is worded, to show that its terminal is restored all the same."""

import podshell.cli.viewer as viewer
from podshell.wire.messages import Facts

_word = viewer.remark_of_notice


def broken(kind: str, data: Facts) -> str | None:
    if kind == "break_me":
        raise RuntimeError("broken by a test")
    return _word(kind, data)


viewer.remark_of_notice = broken
