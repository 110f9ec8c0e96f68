"""Install the Debian packages that running or testing Podshell needs: `python tests/machine.py chromium busybox zsh`.

With root or password-less sudo the missing ones come by apt; without either they are named with the command that installs them.
Only `chromium` is then an error (the browser tests need it): without busybox the sandbox runs plain processes, without the smaller Chromium
for tests the whole one does their work, and the build of the tools image says itself what it misses.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

# what is asked for -> (Debian package, the programs any of which shows that it is there)
PACKAGES = {
    "chromium": ("chromium", ("chromium", "chromium-browser")),
    "headless": ("chromium-headless-shell", ("chromium-headless-shell",)),
    "busybox": ("busybox-static", ("busybox",)),
    "zsh": ("zsh", ("zsh",)),
    "tmux": ("tmux", ("tmux",)),
    "dtach": ("dtach", ("dtach",)),
    "mmdebstrap": ("mmdebstrap", ("mmdebstrap",)),
}
REQUIRED = {"chromium"}
ENVIRONMENT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in PACKAGES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known are {', '.join(PACKAGES)}", file=sys.stderr)
        return 2
    missing = [name for name in wanted if not any(shutil.which(program) for program in PACKAGES[name][1])]
    if not missing:
        return 0
    packages = [package(name) for name in missing]
    apt = apt_command()
    if apt is None:
        print(f"podshell: missing {', '.join(missing)}; as root: apt-get install {' '.join(packages)}", file=sys.stderr)
        return 1 if REQUIRED & set(missing) else 0
    print(f"podshell: installing {' '.join(packages)}", file=sys.stderr)
    if install(apt, *packages, quiet=True):
        return 0
    subprocess.run([*apt, "update", "-qq"], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    if install(apt, *packages):
        return 0
    left = [name for name, one in zip(missing, packages, strict=True) if not install(apt, one)]
    if left:
        print(f"podshell: going on without {', '.join(left)}", file=sys.stderr)
    return 1 if REQUIRED & set(left) else 0


def package(name: str) -> str:
    """Return what apt is to install; of the small Chromium the version that fits the whole one, which it would else replace."""
    wanted = PACKAGES[name][0]
    if name != "headless" or shutil.which("dpkg-query") is None:
        return wanted
    there = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "chromium"], capture_output=True, text=True)
    return f"{wanted}={there.stdout}" if there.returncode == 0 and there.stdout else wanted


def install(apt: list[str], *packages: str, quiet: bool = False) -> bool:
    command = [*apt, "install", "-y", "-qq", "--no-install-recommends", *packages]
    errors = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=errors).returncode == 0


def apt_command() -> list[str] | None:
    """Return the apt-get command that may install here, or None."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n", "apt-get"]
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
