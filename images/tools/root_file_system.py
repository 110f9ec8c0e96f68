"""The image's root file system: made by mmdebstrap from `packages.txt`, then slimmed while it is read.

mmdebstrap writes a tar archive, as root or, where subordinate ids are set up, as a user. Nothing here unpacks it: the layer is made from it
member by member (`oci_archive`). Packages are verified by the Debian archive keyring of this machine, and come from the mirror that this
machine's apt uses; no mirror is named in the repository.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"

KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)

# Left out of the image. Licences (usr/share/doc/*/copyright) stay, and C.UTF-8 is not below usr/share/locale.
_DROPPED = (
    *("dev/*", "proc/*", "sys/*", "run/*", "tmp/*", "boot/*", "var/log/*", "var/cache/*", "var/lib/apt/*", "var/lib/systemd/*"),
    *(
        "etc/apt/*",
        "etc/apt",
        "etc/hostname",
        "etc/hosts",
        "etc/resolv.conf",
        "etc/machine-id",
        "etc/motd",
        "etc/fstab",
        "etc/update-motd.d*",
    ),
    *("etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/cron.*", "etc/init.d*", "etc/rc?.d*", "etc/logrotate.d*"),
    *("var/lib/dpkg/*-old", "var/lib/dpkg/lock*", "usr/lib/systemd/*", "usr/games*", "usr/local/games*", "usr/local/man*"),
    *(f"usr/share/{name}/*" for name in ("man", "info", "locale", "lintian", "bug", "menu", "icons", "pixmaps", "applications")),
    *(f"usr/share/{name}/*" for name in ("gcc", "gdb", "metainfo", "doc-base", "fish", "zsh", "polkit-1", "apport")),
)
_NEVER_UNPACKED = ("usr/share/man", "usr/share/locale")
_DOCUMENTS = "usr/share/doc/*"


class BuildRefused(Exception):
    """The image cannot be built here; the text says why and what to do."""


@dataclass(frozen=True)
class PackageList:
    wanted: tuple[str, ...]
    taken_out: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> PackageList:
        lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
        return cls(
            tuple(line for line in lines if line and not line.startswith("-")),
            tuple(line[1:] for line in lines if line.startswith("-")),
        )


@dataclass(frozen=True)
class Mirrors:
    archive: str
    security: str | None
    """None where apt knows no mirror of the security archive."""

    def sources(self) -> list[str]:
        lines = [f"deb {self.archive} {SUITE} main", f"deb {self.archive} {SUITE}-updates main"]
        return lines if self.security is None else [*lines, f"deb {self.security} {SUITE}-security main"]


def mirrors_of(index_targets: str) -> Mirrors | None:
    """Choose the mirrors among the lines `URI|label` that apt's index targets give."""
    found: dict[str, str] = {}
    for line in index_targets.splitlines():
        uri, _, label = line.partition("|")
        found.setdefault(label, uri)
    return Mirrors(found["Debian"], found.get("Debian-Security")) if "Debian" in found else None


def find_mirrors(given: str | None) -> Mirrors:
    """Return `given`, or the mirrors of this machine's apt.

    Raises:
        BuildRefused: apt is missing or knows no Debian mirror.
    """
    if given:
        return Mirrors(given, None)
    if shutil.which("apt-get") is None:
        raise BuildRefused(
            "apt-get is not on this machine: build on Debian or a derivative (or in a container of it), or give --mirror URL"
        )
    for update_first in (False, True):
        if update_first:
            subprocess.run(["apt-get", "update", "-qq"], check=False)
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(LABEL)", "Created-By: Packages", "Origin: Debian"],
            check=False,
            capture_output=True,
            text=True,
        )
        if mirrors := mirrors_of(listed.stdout):
            return mirrors
    raise BuildRefused("apt on this machine knows no Debian mirror: run `apt-get update` as root, or give --mirror URL")


def find_keyring(given: str | None) -> Path:
    """Return the keyring that Debian's archive is verified by.

    Raises:
        BuildRefused: there is none.
    """
    for candidate in [given] if given else KEYRINGS:
        if Path(candidate).is_file():
            return Path(candidate)
    raise BuildRefused(
        f"no keyring to verify Debian {SUITE} by ({given or ' or '.join(KEYRINGS)}): "
        "as root: apt-get install debian-archive-keyring, or give --keyring FILE"
    )


def proxy_options(apt_config: str) -> list[str]:
    """Return the proxies in what `apt-config dump` prints as options of mmdebstrap, which does not read this machine's settings."""
    lines = [line for line in apt_config.splitlines() if line.lower().startswith("acquire::http")]
    return [f"--aptopt={line.rstrip(';')}" for line in lines if "::proxy " in line.lower()]


def make_root(archive: Path, packages: PackageList, *, architecture: str, mirrors: Mirrors, keyring: Path, epoch_seconds: int) -> None:
    """Write the root file system to `archive`, an uncompressed tar file. Takes about a minute, most of it downloading and unpacking.

    Raises:
        BuildRefused: mmdebstrap is missing or failed.
    """
    if shutil.which("mmdebstrap") is None:
        raise BuildRefused("mmdebstrap is missing; as root: apt-get install mmdebstrap")
    apt_config = (
        subprocess.run(["apt-config", "dump"], check=False, capture_output=True, text=True).stdout if shutil.which("apt-config") else ""
    )
    command = [
        *("mmdebstrap", "--variant=essential", f"--mode={'root' if os.geteuid() == 0 else 'unshare'}", f"--architectures={architecture}"),
        *(f"--keyring={keyring}", f"--include={','.join(packages.wanted)}", *proxy_options(apt_config)),
        *('--aptopt=APT::Install-Recommends "false"', "--dpkgopt=force-unsafe-io"),
        f"--extract-hook={leave_out_hook()}",
        f'--customize-hook=chroot "$1" dpkg --purge --force-depends {" ".join(packages.taken_out)}',
        *(SUITE, str(archive), *mirrors.sources()),
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch_seconds)}
    done = subprocess.run(
        command, env=environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    archive.with_suffix(".log").write_text(done.stderr)
    if done.returncode:
        raise BuildRefused(explain(done.stderr))


def leave_out_hook() -> str:
    """Return a hook that has dpkg unpack no manuals and translations: what is never there costs no time; kept() drops what scripts make.

    Told by --dpkgopt, mmdebstrap would filter the essential packages itself, which it unpacks without dpkg: by a program that takes longer
    than the rest of that step. So what came with those goes here.
    """
    excluded = "".join(f"path-exclude=/{folder}/*\\n" for folder in _NEVER_UNPACKED)
    remove = " ".join(f'"$1"/{folder}/*' for folder in _NEVER_UNPACKED)
    return f"rm -rf {remove}; printf '{excluded}' >>\"$1\"/etc/dpkg/dpkg.cfg.d/99mmdebstrap"


def explain(log: str) -> str:
    """Say what mmdebstrap's log means and what to do."""
    tail = "\n".join(log.splitlines()[-12:])
    if "gpgv" in log:
        return f"{tail}\napt could not verify Debian's archive: as root: apt-get install gpgv"
    if "NO_PUBKEY" in log or "is not signed" in log:
        upgrade = "apt-get install --only-upgrade debian-archive-keyring"
        return f"{tail}\nthe keyring does not hold Debian {SUITE}'s key: as root: {upgrade} (2023.3 or newer)"
    if "subuid" in log or "newuidmap" in log:
        return (
            f"{tail}\nwithout root, mmdebstrap needs subordinate ids (/etc/subuid, /etc/subgid and the package uidmap); or run this as root"
        )
    if "arch-test" in log or "cannot be executed" in log:
        return f"{tail}\nbuilding for another architecture needs its emulator: as root: apt-get install qemu-user-static binfmt-support"
    return f"{tail}\nmmdebstrap failed"


def kept(name: str) -> bool:
    """Say whether the file `name` (no leading "./") belongs to the image."""
    return not any(fnmatch.fnmatchcase(name, pattern) for pattern in _DROPPED)


def members(source: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield what of `source` belongs to the image, with its name as the image has it."""
    for member in source:
        name = member.name.removeprefix("./").removeprefix("/")
        if name in ("", ".") or not kept(name) or not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
            continue
        if fnmatch.fnmatchcase(name, _DOCUMENTS) and member.isreg() and not name.endswith("/copyright"):
            continue  # folders and links stay: a package's licence may be another package's, by a link
        member.name = name
        if member.islnk():
            member.linkname = member.linkname.removeprefix("./").removeprefix("/")
        yield member


def own_files(folder: Path) -> Iterable[tuple[str, Path]]:
    """Return our files as (name in the image, file)."""
    return [(path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file()]
