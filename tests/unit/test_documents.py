"""What the documents promise is so: links lead somewhere, commands parse, and the reference is what the code says."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from podshell.cli.doctor_rights import RIGHTS_NODE, RIGHTS_POD, Right
from podshell.cli.shell_command import SUBCOMMANDS, subcommand
from podshell.launch.main import podshell
from podshell.launch.reference import processes
from podshell.options import reference_page

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_CODE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git work tree")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def documents() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".md"]


def anchors(path: Path) -> set[str]:
    """The names that a browser can jump to, as GitHub makes them of headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in _HEADING.findall(path.read_text())}


def test_relative_links_lead_to_files_and_headings_that_exist() -> None:
    broken = []
    for document in documents():
        text = _CODE.sub("", document.read_text())
        for link in _LINK.findall(text):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (document.parent / name).resolve() if name else document
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{document.relative_to(ROOT)}: {link}")
    assert broken == []


def test_the_reference_of_options_is_what_the_code_says() -> None:
    expected = reference_page(processes())
    assert (ROOT / "docs/reference/options.md").read_text() == expected, "make it anew: python -m podshell.launch.reference"


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_the_reference_of_the_shell_has_every_flag_of_its_sub_commands(name: str) -> None:
    """That the page is what the code says is test_shell_options.py's; here, that nothing is left out of it."""
    _, page = (ROOT / "docs/reference/shell.md").read_text().split(f"### kubectl shell {name}", 1)
    own = page.split("\n### ")[0]
    whole = re.findall(r"^- (.+): all$", own, re.MULTILINE)
    rows = (ROOT / "docs/reference/shell.md").read_text().split("## Sub-commands")[0].split("\n## ")
    taken = own + "".join(section for section in rows if section.split("\n")[0] in whole)
    flags = {flag for param in subcommand(name).params if isinstance(param, click.Option) for flag in param.opts if flag.startswith("--")}
    assert {flag for flag in flags if not re.search(rf"`[^`]*{flag}\b", taken)} == set()


def test_the_rights_that_the_how_to_lists_are_those_that_the_doctor_asks_for() -> None:
    page = (ROOT / "docs/how-to/use-your-cluster.md").read_text()
    rows = [
        tuple(cell.strip() for cell in row.strip("|\n").split("|"))
        for row in re.findall(r"^\| (?:get|watch|create|patch|delete|list) .*$", page, re.MULTILINE)
    ]
    listed = {(verb, resource, why): (pods, nodes) for verb, resource, why, pods, nodes in rows}
    assert len(listed) == len(rows)

    def cell(right: Right | None) -> str:
        if right is None:
            return ""
        return "not needed" if right.optional else "instead" if right.resource == "pods/attach" else "yes"

    expected = {}
    for right in dict.fromkeys((*RIGHTS_POD, *RIGHTS_NODE)):
        resource = right.resource if right.namespaced else f"{right.resource} (cluster-wide)"
        places = tuple(cell(right if right in rights else None) for rights in (RIGHTS_POD, RIGHTS_NODE))
        expected[" or ".join(right.verbs), resource, right.why] = places
    assert listed == expected


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every `podshell ...` and `make up ARGS=...` of a code block, as (where, words)."""
    for document in documents():
        for kind, block in _BLOCK.findall(document.read_text()):
            if kind == "text":
                continue  # what programs print
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:2] == ["make", "up"]:
                    given = [word.removeprefix("ARGS=") for word in words[2:] if word.startswith("ARGS=")]
                    words = ["podshell", "up", *shlex.split(" ".join(given))]
                if words[:2] in (["kubectl", "shell"], ["kubectl", "podshell"]):
                    words = ["podshell", "shell", *words[2:]]
                if words and words[0] in ("podshell", ".venv/bin/podshell") and all(word.isascii() for word in words):  # not the diagrams
                    yield str(document.relative_to(ROOT)), words[1:]


def test_commands_of_the_documents_have_the_flags_that_the_program_has() -> None:
    found = list(commands())
    assert {words[0] for _, words in found} == {"up", "exec", "shell", "doctor", "gateway", "agent", "sandbox"}
    wrong = []
    for where, words in found:
        with click.Context(podshell) as parent:
            command = podshell.get_command(parent, words[0])
            try:
                assert command is not None
                command.make_context(words[0], list(words[1:]), parent=parent)
            except click.exceptions.Exit:
                continue  # --help
            except (AssertionError, click.ClickException) as error:
                wrong.append(f"{where}: podshell {' '.join(words)}: {getattr(error, 'message', 'no such command')}")
    assert wrong == []


def test_the_paths_that_the_architecture_names_exist() -> None:
    """The tables name packages and modules below src/podshell, or below the repository's root."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) > 15
    missing = []
    for row in rows:
        for name in re.findall(r"`([\w./*-]+)`", row):
            if not ("/" in name or name.endswith(".py")):
                continue
            places = [place for base in (ROOT / "src/podshell", ROOT) for place in base.glob(name.rstrip("/"))]
            if not places and name != "settings.py":  # one in each process
                missing.append(name)
    assert missing == []


# Put together at run time, so that this file does not hold what it looks for.
_HOSTS = (("py", "pi.org"), ("python", "hosted"), ("registry.np", "mjs"), ("np", "mjs.org"), ("deb.deb", "ian"), ("proxy.gol", "ang"))
_REGISTRIES = re.compile("|".join(re.escape("".join(pieces)) for pieces in _HOSTS))
# Where this checkout and its user live.
_MACHINE = re.compile(
    "|".join(re.escape(f"{place}/") for place in {ROOT, Path.home() / ".cache", Path.home() / ".local"} if place != Path("/"))
)
_TEXT_LIMIT_BYTES = 2_000_000


def test_no_tracked_file_names_a_package_registry_or_a_place_of_one_machine() -> None:
    found = []
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" in data[:8192] or len(data) > _TEXT_LIMIT_BYTES:
            continue
        text = data.decode("utf-8", "replace")
        for pattern in (_REGISTRIES, _MACHINE):
            if match := pattern.search(text):
                found.append(f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}")
    assert found == []
