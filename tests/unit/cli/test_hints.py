"""Hints: what the outputs of spec/vectors/hints.json give, which the console's twin (web/src/terminal/hints.ts) runs as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

import pytest

from podshell.cli.hints import RULES, HintWatcher

ROOT_ERROR = b"iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Operation not permitted (you must be root)\n"
BUS_ERROR = b"Failed to connect to bus: No data available\r\n"
NEW_BUS_ERROR = b"Failed to connect to system scope bus via local transport: Host is down\r\n"
LINK_ERROR = b"cat: /host/etc/resolv.conf: No such file or directory\r\n"
PING_ERROR = b"ping: socktype: SOCK_RAW\r\nping: socket: Operation not permitted\r\n"


class Row(TypedDict):
    """One output in `reads`: what is given after each of them, and at the session's end."""

    name: str
    reads: list[str]
    hints: list[list[str]]
    end: list[str]


VECTORS = json.loads((Path(__file__).resolve().parents[3] / "spec" / "vectors" / "hints.json").read_text())
OUTPUTS: list[Row] = VECTORS["outputs"]
NAMES = {rule.advice: rule.name for rule in RULES}


def names(said: list[tuple[int, str]]) -> list[str]:
    return [NAMES[advice] for _, advice in said]


def test_names_and_patterns_are_those_of_the_vectors() -> None:
    assert {rule.name: rule.pattern.pattern.decode() for rule in RULES} == VECTORS["patterns"]


@pytest.mark.parametrize("row", OUTPUTS, ids=lambda row: row["name"])
def test_an_output_of_the_vectors_gives_its_hints(row: Row) -> None:
    watcher = HintWatcher()
    assert [names(watcher.receive(read.encode("latin-1"))) for read in row["reads"]] == row["hints"]
    assert [NAMES[advice] for advice in watcher.finish()] == row["end"]


@pytest.mark.parametrize("row", OUTPUTS, ids=lambda row: row["name"])
def test_an_output_of_the_vectors_gives_the_same_wherever_it_is_cut(row: Row) -> None:
    output = "".join(row["reads"]).encode("latin-1")
    expected = sorted(name for hints in [*row["hints"], row["end"]] for name in hints)
    for cut in range(0, len(output) + 1, 1 + len(output) // 300):
        watcher = HintWatcher()
        said = names(watcher.receive(output[:cut]) + watcher.receive(output[cut:])) + [NAMES[advice] for advice in watcher.finish()]
        assert sorted(said) == expected, cut


@pytest.mark.parametrize(
    ("output", "word"),
    [
        (ROOT_ERROR, "NET_RAW,NET_ADMIN"),
        (BUS_ERROR, "--host-pid"),
        (NEW_BUS_ERROR, "--host-pid"),
        (LINK_ERROR, "chroot /host"),
        (PING_ERROR, "--capabilities NET_RAW"),
    ],
)
def test_each_error_gives_its_advice_once_after_its_line_wherever_it_is_cut(output: bytes, word: str) -> None:
    for cut in range(len(output) + 1):
        watcher = HintWatcher()
        first, second = watcher.receive(output[:cut]), watcher.receive(output[cut:] + b"# ")
        (offset, advice) = (first + second)[0]
        assert len(first + second) == 1
        assert word in advice
        assert offset == (len(output) if first else len(output) - cut)
        assert watcher.receive(output) == watcher.finish() == []


def test_one_byte_at_a_time_is_enough() -> None:
    watcher = HintWatcher()
    said = [hint for byte in ROOT_ERROR + BUS_ERROR + LINK_ERROR + PING_ERROR for hint in watcher.receive(bytes([byte]))]
    assert len(said) == 4


@pytest.mark.parametrize("output", [b"Operation not permitted\n", b"cat: /etc/x: No such file or directory\n", b"ls /host/etc\n"])
def test_other_errors_give_none(output: bytes) -> None:
    assert HintWatcher().receive(output) == []


def test_a_full_screen_program_is_not_disturbed() -> None:
    watcher = HintWatcher()
    assert watcher.receive(b"\x1b[?1049h" + BUS_ERROR) == []
    assert len(watcher.receive(b"\x1b[?1049l$ \r\n")) == 1


def test_what_could_not_be_said_is_said_at_the_end() -> None:
    watcher = HintWatcher()
    assert watcher.receive(BUS_ERROR.rstrip()) == []
    assert len(watcher.finish()) == 1
    assert watcher.finish() == []
