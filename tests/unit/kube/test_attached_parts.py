"""What is said of shells that are attached to is what is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from podshell.kube.attached_shells import IDLE_SECONDS, attached_command

DOCS = Path(__file__).parents[3] / "docs"


def test_an_idle_prompt_ends_a_shell_in_a_terminal_after_ten_minutes_and_a_command_never() -> None:
    idle = len(["sh", "-c", "FIRST", "sh", "SCRIPT", "NONCE", "TTL", "PATIENCE"])
    assert attached_command("ab", (), ttl_seconds=600, tty=True)[idle] == str(IDLE_SECONDS) == "600"
    assert attached_command("ab", (), ttl_seconds=600, tty=False)[idle] == "0"
    assert attached_command("ab", ("top",), ttl_seconds=600, tty=True)[idle] == "0"


@pytest.mark.parametrize("page", ["how-to/debug-and-node-shells.md", "explanation/debug-and-node-shells.md"])
def test_the_pages_name_the_time_of_an_idle_prompt(page: str) -> None:
    assert f"{IDLE_SECONDS // 60} minutes" in (DOCS / page).read_text("utf-8")
