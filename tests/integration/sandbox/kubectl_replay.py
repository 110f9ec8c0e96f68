"""Runs the recorded kubectl commands against a sandbox cluster, and masks what differs from run to run."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.rbac import Rule

RECORDED = Path(__file__).parents[2] / "transcripts/kubectl/outputs.json"
STILL_RUNNING = "still running"

_MASKS = [
    (r"\d+ \(\w+ ago\)", "N (AGO)"),  # restarts
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UID"),  # first: one in twenty has a part that looks like an age
    (r"\b\d+[dhms](?:\d+[hms])?\b(?! *\))", "AGE"),
    (r"AGE \(x\d+ over AGE\)", "AGE"),
    (r"\b[0-9a-f]{64}\b", "ID"),
    (r"\b10\.(?:0\.123|244\.\d+)\.\d+\b", "POD_IP"),
    (r"\b(?:192\.0\.2\.\d+|127\.0\.0\.1):\d{4,5}\b", "ADDRESS"),
    (r"\bweb-[a-z0-9]{9,10}-[a-z0-9]{5}\b", "web-HASH-NAME"),
    (r"\bdebugger-[a-z0-9]{5}\b", "debugger-NAME"),
    (r"kube-api-access-[a-z0-9]{5}", "kube-api-access-NAME"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", "TIME"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z \w{3} \w{3} +\d+ [\d:]+ UTC \d{4}", "LOGGED"),
    (r" {2,}", "  "),  # column widths follow the masked words
]


@dataclass(frozen=True)
class Recorded:
    """One recorded command. `account` is the service account it ran as, "" for the administrator."""

    command: str
    exit_code: int | str
    stdout: str
    stderr: str
    account: str

    def __str__(self) -> str:
        return self.command + (f" as {self.account}" if self.account else "")


@dataclass(frozen=True)
class Outcome:
    exit_code: int | str
    stdout: str
    stderr: str


def recorded() -> Iterator[Recorded]:
    for line in json.loads(RECORDED.read_text())["lines"]:
        note = line.get("note", "")
        account = note.removeprefix("as service account ") if note.startswith("as service account ") else ""
        code = STILL_RUNNING if isinstance(line["rc"], str) else line["rc"]
        yield Recorded(line["cmd"], code, line["stdout"], line["stderr"], account)


def masked(text: str) -> str:
    for pattern, word in _MASKS:
        text = re.sub(pattern, word, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


class Kubectl:
    """The real kubectl with a home and a kubeconfig of its own for each account."""

    def __init__(self, cluster: SandboxCluster, folder: Path) -> None:
        program = Path(sys.executable).parent / "kubectl"
        found = str(program) if program.exists() else shutil.which("kubectl")
        assert found, "kubectl is missing: it comes with the development requirements"
        self.program = found
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "bin").mkdir(exist_ok=True)
        if not (folder / "bin/kubectl").exists():
            (folder / "bin/kubectl").symlink_to(found)
        cluster.write_kubeconfig(folder / "admin")
        streams = {"none": (), "getonly": ("get",), "createonly": ("create",)}
        for account, verbs in streams.items():
            name = f"system:serviceaccount:lab:{account}"
            rules = [Rule(verbs, ("",), ("pods/exec",))] if verbs else []
            cluster.add_user(name, f"token-of-{account}", rules, namespace="lab")
            text = cluster.kubeconfig(name).replace("namespace: default", "namespace: lab")
            (folder / account).write_text(text)

    def environment(self, account: str = "admin") -> dict[str, str]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), "KUBECONFIG": str(self.folder / account), "TERM": "xterm"}

    async def run(self, command: str, account: str = "") -> Outcome:
        """Run a command line in a shell until it ends."""
        process = await self._start(command, account)
        async with asyncio.timeout(60):
            stdout, stderr = await process.communicate()
        assert process.returncode is not None
        return Outcome(process.returncode, stdout.decode(), stderr.decode())

    async def run_until(self, command: str, account: str, is_enough: Callable[[Outcome], bool]) -> Outcome:
        """Run a command that does not end by itself until it has printed enough; at most 30 s. Then it is ended, as the recorder did."""
        process = await self._start(command, account)
        texts = {"stdout": b"", "stderr": b""}
        enough = asyncio.Event()

        def outcome() -> Outcome:
            return Outcome(STILL_RUNNING, texts["stdout"].decode(), texts["stderr"].decode())

        async def read(name: str, stream: asyncio.StreamReader) -> None:
            while data := await stream.read(4096):
                texts[name] += data
                if is_enough(outcome()):
                    enough.set()

        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read("stdout", process.stdout))
            tasks.create_task(read("stderr", process.stderr))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(30):
                    await enough.wait()
            seen, ended = outcome(), process.returncode
            if ended is None:
                process.terminate()
            await process.wait()
        return seen if ended is None else Outcome(ended, seen.stdout, seen.stderr)

    async def _start(self, command: str, account: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_shell(
            f"exec {command}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment(account or "admin"),
            cwd=self.folder,
        )
