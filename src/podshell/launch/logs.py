"""How log lines look: time, level, logger, the event, then its fields (`extra`) as name=value."""

from __future__ import annotations

import json
import logging
import re

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PLAIN = re.compile(r"[^\s\"=\\\x00-\x1f\x7f-\x9f]+")


class FieldsFormatter(logging.Formatter):
    """Writes a record's fields behind its message."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Build the line; see logging.Formatter."""
        fields = [f"{name}={_shown(value)}" for name, value in vars(record).items() if name not in _OWN]
        return " ".join([super().formatMessage(record), *fields])


def log_to_stderr(level: int) -> None:
    """Have this process's log written to standard error, from `level` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(FieldsFormatter())
    logging.basicConfig(level=level, handlers=[handler])


def _shown(value: object) -> str:
    # texts of servers and containers: whatever could break the line, or speak to a terminal, is escaped
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
