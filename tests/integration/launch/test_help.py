"""`podshell --help` answers at once: it imports no part."""

from __future__ import annotations

import json
import subprocess
import sys

_PROGRAM = """
import json, sys
from podshell.launch.main import podshell
podshell({arguments!r}, standalone_mode=False)
print(json.dumps(sorted(sys.modules)))
"""
_HEAVY = {"aiohttp", "alembic", "asyncio", "cryptography", "fastapi", "picows", "sqlalchemy", "uvicorn", "websockets", "yaml"}


def run(*arguments: str) -> tuple[str, set[str]]:
    said = subprocess.run([sys.executable, "-c", _PROGRAM.format(arguments=arguments)], capture_output=True, text=True, check=True).stdout
    text, _, modules = said.rstrip("\n").rpartition("\n")
    return text, set(json.loads(modules))


def test_the_programs_help_imports_no_part() -> None:
    text, modules = run("--help")
    assert [word for word in ("up", "exec", "gateway", "agent", "sandbox") if f"\n  {word} " not in text] == []
    assert modules & _HEAVY == set()
    assert [name for name in modules if name.startswith("podshell.") and not name.startswith("podshell.launch")] == []


def test_the_help_of_a_part_imports_no_server_and_no_client() -> None:
    for part in ("up", "gateway", "agent"):
        text, modules = run(part, "--help")
        assert f"PODSHELL_{part.upper()}_" in text
        assert modules & {"aiohttp", "fastapi", "sqlalchemy", "uvicorn", "picows"} == set(), part
