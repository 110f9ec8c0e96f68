"""Run everything that CI runs, print how long each part took, and end with pytest's own summary: `make test`.

Arguments are parts to run (`check web python313 fuzz e2e image browser py313 integration unit`; by name only: `accessible`); none means all
but that one.
Both supported Pythons run every layer: on the older all tests; on the newer all unit tests, and Podshell's processes (gateway, agents,
sandbox) under the console's tests.
The exit code is 1 when any part failed or when all took longer than 25 minutes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from image.image_needs import missing

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LIMIT_SECONDS = 25 * 60
OTHER_PYTHON = "3.13"
OTHER_VENV = ROOT / ".venv-313"
OTHER_READY = OTHER_VENV / ".ready"
# Three on two cores: much of integration waits for processes and patience. By file: some modules start a cluster or replay transcripts
# once for all of their tests.
_SPREAD = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
# What takes longest, in this order.
_LONG_INTEGRATION = (
    *(f"stack/test_stack_{name}" for name in ("killed", "stalled", "debug_restarts", "resume", "nothing_left", "ends", "lost_rights")),
    *("kube/test_held_shells", "agent/test_lifeline_script", "sandbox/test_stream_transcripts", "kube/test_nothing_unreaped"),
    *("sandbox/test_kubectl_sessions", "cli/test_shell_unheard", "sandbox/test_kubectl", "cli/test_shell_leftovers", "launch/test_up"),
    *("agent/test_agent_leaves_nothing", "stack/test_stack_killed_objects", "launch/test_how_to", "cli/test_shell_killed"),
)
_LONG_BROWSER = tuple(
    f"test_{name}"
    for name in (
        *("dock", "accessibility", "console_resume", "pages", "states", "pod_shell_page"),
        *("logs", "drawer", "debug_shells", "console_shells", "hostile_strings", "hostile_shells", "minimise", "keyboard_only"),
    )
)

# axe on every state of dock, drawers and forms: two cores take two minutes for them, which CI does not have. Pages are looked at by
# test_accessibility.py, which is not among these.
_ACCESSIBLE = ("tests/browser/test_accessible_states.py", "tests/browser/test_accessible_forms.py")


def longest_first(folder: str, names: Sequence[str]) -> list[str]:
    """Return the test files of a folder: these, then all others. Given the folder, pytest would sort them by their names."""
    first = [f"{folder}/{name}.py" for name in names]
    found = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("test_*.py")} - set(_ACCESSIBLE)
    unknown = [name for name in first if name not in found]
    assert not unknown, f"no such test files: {unknown}"
    return [*first, *sorted(found - set(first))]


def command(*words: str | Path, cwd: Path = ROOT) -> int:
    print("$", *(str(word).replace(f"{ROOT}/", "") for word in words), flush=True)
    return subprocess.run([str(word) for word in words], cwd=cwd).returncode


def check() -> int:
    return max(
        command(BIN / "ruff", "check", "."),
        command(BIN / "ruff", "format", "--check", "."),
        command(BIN / "mypy"),
        command(BIN / "lint-imports", "--no-logo"),
    )


def web() -> int:
    npm = [sys.executable, "hatch_build.py", "npm"]
    return max(command(*npm, "run", "--silent", "check"), command(*npm, "test", "--silent"))


def find_python(version: str) -> str | None:
    """Find a Python of that minor version: on PATH, or among pyenv's."""
    candidates = [shutil.which(f"python{version}") or ""]
    candidates += sorted(
        str(p) for p in Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python")
    )
    for candidate in candidates:
        if candidate and subprocess.run([candidate, "-c", "import ssl, venv"], capture_output=True).returncode == 0:
            return candidate
    return None


def python313() -> int:
    """Make the environment of the other supported Python; where that Python is missing, say so."""
    if sys.version_info[:2] == tuple(map(int, OTHER_PYTHON.split("."))):
        return 0
    python = find_python(OTHER_PYTHON)
    if python is None:
        print(f"Python {OTHER_PYTHON} is not on this machine: its run is left out")
        return 0
    lock = ROOT / "requirements" / "dev.txt"
    if OTHER_READY.exists() and OTHER_READY.stat().st_mtime >= lock.stat().st_mtime:
        return 0
    pip: list[str | Path] = [OTHER_VENV / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-compile"]
    failed = (
        command(python, "-m", "venv", OTHER_VENV)
        or command(*pip, "--require-hashes", "-r", lock)
        or command(*pip, "--no-deps", "--no-build-isolation", "-e", ".")
    )
    if not failed:
        OTHER_READY.touch()
    return failed


def on_other_python(*paths: str) -> Callable[[], int]:
    """Tests on the other supported Python, in an environment of its own."""

    def run() -> int:
        failed = python313()
        if failed or not OTHER_READY.exists():
            return failed
        return command(OTHER_VENV / "bin" / "python", "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *paths)

    return run


def pytest(*paths: str) -> Callable[[], int]:
    return lambda: command(BIN / "python", "-m", "pytest", "-q", *paths)


def browser(*paths: str) -> int:
    """The console in Chromium; Podshell itself runs on the other supported Python where there is one."""
    if OTHER_READY.exists():
        os.environ["PODSHELL_TESTED_PROGRAM"] = str(OTHER_VENV / "bin" / "podshell")
        print(f"Podshell's processes run on Python {OTHER_PYTHON}")
    try:
        return command(BIN / "python", "-m", "pytest", "-q", *_SPREAD, *(paths or longest_first("tests/browser", _LONG_BROWSER)))
    finally:
        os.environ.pop("PODSHELL_TESTED_PROGRAM", None)


def image() -> int:
    """Build the tools image and run its own binaries. CI fails where that is impossible; elsewhere what is missing is said."""
    lacking = missing()
    if lacking:
        print("the tools image is not built and not tested: " + "; ".join(lacking))
        return 1 if os.environ.get("CI") else 0
    return command(sys.executable, "images/tools/build.py") or pytest("-n", "2", "--dist", "loadfile", "tests/image")()


PARTS: dict[str, Callable[[], int]] = {
    "check": check,
    "web": web,
    "python313": python313,
    "fuzz": pytest("tests/fuzz"),
    "e2e": pytest("tests/e2e"),
    "image": image,
    "browser": browser,
    "py313": on_other_python("tests/unit"),
    "integration": pytest(*_SPREAD, *longest_first("tests/integration", _LONG_INTEGRATION)),
    "unit": pytest("-n", "2", "tests/unit"),
}
BY_NAME: dict[str, Callable[[], int]] = {"accessible": lambda: python313() or browser(*_ACCESSIBLE)}
# Those that want nothing but processors run beside one that often waits for patience to end, each row one after the other; a browser wants
# all processors itself.
GUESTS = {"e2e": (("check", "web"), ("python313",), ("image",)), "integration": (("py313",),)}


def main(chosen: list[str]) -> int:
    parts = PARTS | BY_NAME
    unknown = [name for name in chosen if name not in parts]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(parts)}", file=sys.stderr)
        return 2
    # whoever started us may ignore some (nohup, a shell's background); what is tested must not inherit that
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    began = float(os.environ.get("PODSHELL_CI_BEGAN") or time.time())  # before the set-up
    lines: list[str] = []
    failed: list[str] = []
    names = chosen or list(PARTS)
    guests = {host: [found for row in rows if (found := [n for n in row if n in names])] for host, rows in GUESTS.items() if host in names}
    for name in [name for name in names if not any(name in row for rows in guests.values() for row in rows)]:
        print(f"\n== {name}", flush=True)
        begin = time.monotonic()
        if name == names[-1]:
            # the runner's own summary must be the last lines
            print_times(lines, failed, time.time() - began)
        code = beside(guests[name], parts[name]) if guests.get(name) else parts[name]()
        lines.append(f"{name:10} {time.monotonic() - begin:7.1f} s  {'ok' if code == 0 else f'FAILED ({code})'}")
        if code:
            failed.append(name)
    total = time.time() - began
    if failed or total > LIMIT_SECONDS:
        print(f"failed: {', '.join(failed) or 'time'}; {lines[-1]}; {total:.0f} s in all, the limit is {LIMIT_SECONDS} s", file=sys.stderr)
        return 1
    return 0


def beside(rows: list[list[str]], part: Callable[[], int]) -> int:
    """Run a part, and rows of others with lower priority next to it; print what those said once all are done."""
    with contextlib.ExitStack() as files:
        running = []
        for row in rows:
            said = files.enter_context(tempfile.TemporaryFile("w+"))
            words = [sys.executable, __file__, *row]
            running.append(
                (row, said, subprocess.Popen(words, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, preexec_fn=lambda: os.nice(10)))
            )
        codes = []
        try:
            codes.append(part())
        finally:
            for row, said, process in running:
                codes.append(process.wait())
                said.seek(0)
                print(f"\n== beside it: {', '.join(row)}\n{said.read()}", flush=True)
    return max(codes)


def print_times(lines: list[str], failed: list[str], seconds: float) -> None:
    print("\n".join(["-- so far", *lines, f"{'in all':10} {seconds:7.1f} s"]))
    if failed:
        print(f"failed so far: {', '.join(failed)}")
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
