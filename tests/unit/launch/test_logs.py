"""Log lines."""

import logging

from podshell.launch.logs import FieldsFormatter


def line(message: str, **fields: object) -> str:
    record = logging.makeLogRecord({"name": "podshell.agent", "levelname": "WARNING", "msg": message, **fields})
    return FieldsFormatter().format(record).split(" ", 2)[2]


def test_an_event_is_followed_by_its_fields() -> None:
    said = line("a shell was lost", session="4f2a", incarnation=2, cause="the API server restarted")
    assert said == 'WARNING podshell.agent: a shell was lost session=4f2a incarnation=2 cause="the API server restarted"'


def test_an_event_without_fields_is_only_itself() -> None:
    assert line("the link is up") == "WARNING podshell.agent: the link is up"


def test_a_field_can_neither_break_the_line_nor_speak_to_a_terminal() -> None:
    assert line("x", cause="a\nb\x1b[2J\x9b") == 'WARNING podshell.agent: x cause="a\\nb\\u001b[2J\\u009b"'
    assert line("x", cause="") == 'WARNING podshell.agent: x cause=""'
