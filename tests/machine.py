"""Install the Debian packages that running or testing Podshell needs: `python tests/machine.py chromium busybox zsh`.

With root or password-less sudo the missing ones come by apt; without either they are named with the command that installs them.
Only `chromium` is then an error (the browser tests need it): without busybox the sandbox runs plain processes, and the build of the tools
image says itself what it misses.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

# what is asked for -> (Debian package, the programs any of which shows that it is there)
PACKAGES = {
    "chromium": ("chromium", ("chromium", "chromium-browser")),
    "busybox": ("busybox-static", ("busybox",)),
    "zsh": ("zsh", ("zsh",)),
    "tmux": ("tmux", ("tmux",)),
    "dtach": ("dtach", ("dtach",)),
    "mmdebstrap": ("mmdebstrap", ("mmdebstrap",)),
}
REQUIRED = {"chromium"}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in PACKAGES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known are {', '.join(PACKAGES)}", file=sys.stderr)
        return 2
    missing = [name for name in wanted if not any(shutil.which(program) for program in PACKAGES[name][1])]
    if not missing:
        return 0
    packages = [PACKAGES[name][0] for name in missing]
    apt = apt_command()
    if apt is None:
        print(f"podshell: missing {', '.join(missing)}; as root: apt-get install {' '.join(packages)}", file=sys.stderr)
        return 1 if REQUIRED & set(missing) else 0
    print(f"podshell: installing {' '.join(packages)}", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = [*apt, "install", "-y", "-qq", "--no-install-recommends", *packages]
    if subprocess.run(install, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
        return 0
    subprocess.run([*apt, "update", "-qq"], env=environment, stdout=subprocess.DEVNULL)
    result = subprocess.run(install, env=environment, stdout=subprocess.DEVNULL)
    if result.returncode and not REQUIRED & set(missing):
        print("podshell: going on without them", file=sys.stderr)
        return 0
    return result.returncode


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
