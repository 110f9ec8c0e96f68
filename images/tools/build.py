#!/usr/bin/env python3
"""Build the tools image: `python images/tools/build.py`, or `make tools-image`.

Writes to build/tools-image/: the image as an OCI archive, its SBOM (SPDX), and report.json (digests and sizes). The same inputs give the
image of the last build at once; `--fresh` builds anew, for newer packages of Debian. Needs Debian or a derivative with mmdebstrap, and of
Python nothing but its standard library; no container engine. What it makes is what the tests of tests/image run.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import time
import tomllib
from pathlib import Path

import bill_of_materials
import oci_archive
import root_file_system
from root_file_system import BuildRefused

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
NAME = "podshell-tools"
ARCHITECTURES = ("amd64", "arm64")

# /usr/local/sbin first: the iptables front lies there. For every user: what a shell that is not root may not do, its tools say.
ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "PODSHELL_TOOLS=1")
COMMAND = ("bash", "-l")


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the tools image of Podshell as an OCI archive, without a container engine.")
    parser.add_argument("--arch", choices=ARCHITECTURES, default="amd64", help="architecture of the image (default amd64)")
    parser.add_argument(
        "--output", type=Path, default=REPOSITORY / "build" / "tools-image", help="folder for what is made (default build/tools-image)"
    )
    parser.add_argument("--reference", default=default_reference(), help="the image's name in the archive (default %(default)s)")
    parser.add_argument(
        "--mirror", default=os.environ.get("PODSHELL_DEBIAN_MIRROR"), help="Debian mirror (default: the one of this machine's apt)"
    )
    parser.add_argument("--keyring", help="keyring that verifies Debian's archive (default: the one of debian-archive-keyring)")
    parser.add_argument("--fresh", action="store_true", help="build even when nothing of the inputs has changed")
    options = parser.parse_args()
    try:
        report = build(options)
    except BuildRefused as refused:
        print(f"tools image: {refused}", file=sys.stderr)
        return 1
    for line in summary(report):
        print(line)
    return 0


def build(options: argparse.Namespace) -> dict[str, object]:
    """Build what the options ask for, or return the report of the last build when it is the same."""
    epoch_seconds = source_date()
    output: Path = options.output / options.arch
    inputs = digest_of_inputs(options.arch, options.reference, epoch_seconds)
    if not options.fresh and (report := last_report(output, inputs)) is not None:
        return report | {"reused": True}
    output.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    root = output / "root.tar"
    packages = root_file_system.PackageList.read(HERE / "packages.txt")
    mirrors = root_file_system.find_mirrors(options.mirror)
    keyring = root_file_system.find_keyring(options.keyring)
    print(
        f"tools image: making the root file system of Debian {root_file_system.SUITE} from {len(packages.wanted)} packages", file=sys.stderr
    )
    root_file_system.make_root(root, packages, architecture=options.arch, mirrors=mirrors, keyring=keyring, epoch_seconds=epoch_seconds)
    rooted = time.monotonic()
    print("tools image: packing", file=sys.stderr)
    report = pack(root, output, options, epoch_seconds)
    root.unlink()
    report |= {
        "inputs": inputs,
        "root_seconds": round(rooted - begun, 1),
        "packing_seconds": round(time.monotonic() - rooted, 1),
    }
    (output / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    return report


def pack(root: Path, output: Path, options: argparse.Namespace, epoch_seconds: int) -> dict[str, object]:
    """Make archive and SBOM of the root file system; return what is known of them."""
    created = datetime.datetime.fromtimestamp(epoch_seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with root.open("rb") as content, tarfile.open(root) as source:
        entries = {
            member.name: oci_archive.Entry(member, (content, member.offset_data) if member.isreg() else None)
            for member in root_file_system.members(source)
        }
        status = entries["var/lib/dpkg/status"].head
        content.seek(status.offset_data)
        packages = list(bill_of_materials.installed(content.read(status.size).decode()))
        bill = json.dumps(bill_of_materials.document(packages, name=NAME, version=version(), created=created), indent=1).encode() + b"\n"
        own = {"usr/share/podshell/sbom.spdx.json": bill_entry(bill)} | own_entries()
        folders = {str(parent): folder_entry(str(parent)) for name in own for parent in Path(name).parents if str(parent) != "."}
        layer = oci_archive.write_layer(output / "layer.tar.gz", (folders | entries | own).values(), epoch_seconds)
    archive = output / f"{NAME}_{version()}_{options.arch}.oci.tar"
    digest = oci_archive.write_archive(archive, layer, image_text(options, created), epoch_seconds)
    layer.path.unlink()
    sbom = archive.with_name(archive.name.replace(".oci.tar", ".spdx.json"))
    sbom.write_bytes(bill)
    return {
        "archive": archive.name,
        "archive_sha256": file_digest(archive),
        "sbom": sbom.name,
        "reference": options.reference,
        "digest": digest,
        "architecture": options.arch,
        "packages": len(packages),
        "compressed_bytes": layer.compressed_bytes,
        "unpacked_bytes": layer.unpacked_bytes,
    }


def image_text(options: argparse.Namespace, created: str) -> oci_archive.ImageText:
    labels = {
        "org.opencontainers.image.title": NAME,
        "org.opencontainers.image.description": "Tools for debug and node shells of Podshell",
        "org.opencontainers.image.version": version(),
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.licenses": "Apache-2.0 AND LicenseRef-Debian",
        "org.opencontainers.image.base.name": f"debian:{root_file_system.SUITE}",
    }
    return oci_archive.ImageText(options.reference, options.arch, created, ENVIRONMENT, COMMAND, labels)


def own_entries() -> dict[str, oci_archive.Entry]:
    entries = {}
    for name, path in root_file_system.own_files(HERE / "files"):
        head = tarfile.TarInfo(name)
        if path.is_symlink():
            head.type, head.linkname, head.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
            entries[name] = oci_archive.Entry(head)
            continue
        data = path.read_bytes()
        # by its first bytes, not by the checkout's mode: an umask must not change the image
        head.size, head.mode = len(data), 0o755 if data.startswith(b"#!") else 0o644
        entries[name] = oci_archive.Entry(head, data)
    return entries


def bill_entry(bill: bytes) -> oci_archive.Entry:
    head = tarfile.TarInfo("usr/share/podshell/sbom.spdx.json")
    head.size, head.mode = len(bill), 0o644
    return oci_archive.Entry(head, bill)


def folder_entry(name: str) -> oci_archive.Entry:
    head = tarfile.TarInfo(name)
    head.type, head.mode = tarfile.DIRTYPE, 0o755
    return oci_archive.Entry(head)


def default_reference() -> str:
    return f"localhost/{NAME}:{version()}"


def version() -> str:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def source_date() -> int:
    """Return SOURCE_DATE_EPOCH, else when the last commit to this folder was written (a rebase keeps that), else the start of 2026."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    try:
        shown = subprocess.run(
            ["git", "log", "-1", "--format=%at", "--", "."], cwd=HERE, capture_output=True, text=True, check=False
        ).stdout
    except FileNotFoundError:
        shown = ""
    return int(shown.strip() or datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp())


def digest_of_inputs(architecture: str, reference: str, epoch_seconds: int) -> str:
    """Digest everything that the image is made from, but Debian's archive."""
    digest = hashlib.sha256(json.dumps([architecture, reference, version(), epoch_seconds]).encode())
    for path in sorted(HERE.rglob("*")):
        if "__pycache__" in path.parts or path.suffix == ".md" or not (path.is_file() or path.is_symlink()):
            continue
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        digest.update(f"\0{path.relative_to(HERE)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def last_report(output: Path, inputs: str) -> dict[str, object] | None:
    """Return the report of the last build if it had these inputs and its archive is whole."""
    try:
        report: dict[str, object] = json.loads((output / "report.json").read_text())
        whole = report["inputs"] == inputs and file_digest(output / str(report["archive"])) == report["archive_sha256"]
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return report if whole else None


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def summary(report: dict[str, object]) -> list[str]:
    def mib(key: str) -> str:
        return f"{int(str(report[key])) / 2**20:.0f} MiB"

    spent = "as built before" if report.get("reused") else f"root {report['root_seconds']} s, packing {report['packing_seconds']} s"
    return [
        f"{report['archive']}: {report['packages']} packages, {mib('compressed_bytes')} compressed, "
        f"{mib('unpacked_bytes')} unpacked ({spent})",
        f"{report['reference']}@{report['digest']}",
    ]


if __name__ == "__main__":
    sys.exit(main())
