"""An OCI image archive of one layer, made without a container engine and the same to the byte for the same contents.

Members are sorted by name, carry one time, numeric owners, no extended attributes, and no setuid or setgid bit. So there are no file
capabilities: where the bounding set lacks one, the kernel refuses to *execute* such a file (capabilities(7)), and Debian's arping and mtr
could not even say what they miss. A shell of Podshell is root with chosen capabilities and needs neither.

The archive also has the `manifest.json` of `docker save`, so that every version of `docker load` takes it. https://github.com/opencontainers/image-spec
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gzip_blocks import GzipBlocks

# of zlib: 9 costs three times the time for 1 % of the size
_COMPRESSION_LEVEL = 6
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file of the layer; `content` only for regular files."""

    head: tarfile.TarInfo
    content: bytes | tuple[IO[bytes], int] | None = None
    """The bytes, or the file that holds them and where they begin."""


@dataclass(frozen=True)
class Layer:
    path: Path
    digest: str
    """sha256 of the compressed bytes, in hex: the blob's name."""
    diff_id: str
    """sha256 of the tar stream."""
    compressed_bytes: int
    unpacked_bytes: int


class _Digesting(io.RawIOBase):
    """Passes bytes on and digests them."""

    def __init__(self, below: IO[bytes] | GzipBlocks) -> None:
        self._below = below
        self.sha256 = hashlib.sha256()
        self.written_bytes = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.written_bytes

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # bytes is all that tarfile and gzip write
        self.sha256.update(data)
        self.written_bytes += len(data)
        self._below.write(data)
        return len(data)


def reproducible(member: tarfile.TarInfo, epoch_seconds: int) -> tarfile.TarInfo:
    """Return `member` without what differs from build to build or must not be in the image."""
    plain = copy.copy(member)
    plain.mtime = epoch_seconds
    plain.uname = plain.gname = ""
    plain.pax_headers = {}
    if not plain.isdir():
        plain.mode &= 0o777
    return plain


def write_layer(path: Path, entries: Iterable[Entry], epoch_seconds: int) -> Layer:
    """Write the layer; hard links come behind what they point to, whatever the order of names."""
    ordered = sorted(entries, key=lambda entry: (entry.head.islnk(), entry.head.name))
    unpacked_bytes = 0
    with path.open("wb") as file:
        compressed = _Digesting(file)
        with contextlib.closing(GzipBlocks(compressed, _COMPRESSION_LEVEL)) as packed:
            plain = _Digesting(packed)
            with tarfile.TarFile(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT, copybufsize=_CHUNK_BYTES) as layer:
                for entry in ordered:
                    head = reproducible(entry.head, epoch_seconds)
                    unpacked_bytes += head.size if head.isreg() else 0
                    layer.addfile(head, _opened(entry))
    return Layer(path, compressed.sha256.hexdigest(), plain.sha256.hexdigest(), compressed.written_bytes, unpacked_bytes)


def _opened(entry: Entry) -> IO[bytes] | None:
    if not entry.head.isreg() or entry.content is None:
        return None
    if isinstance(entry.content, bytes):
        return io.BytesIO(entry.content)
    file, offset = entry.content
    file.seek(offset)
    return file


@dataclass(frozen=True)
class ImageText:
    """What the image says of itself."""

    reference: str
    architecture: str
    created: str
    """RFC 3339."""
    environment: tuple[str, ...]
    command: tuple[str, ...]
    labels: dict[str, str]


def write_archive(path: Path, layer: Layer, text: ImageText, epoch_seconds: int) -> str:
    """Write the archive and return the digest of the manifest, `sha256:…`: what `IMAGE@…` names after a push that keeps the bytes."""
    config = _json(
        {
            "created": text.created,
            "architecture": text.architecture,
            "os": "linux",
            "config": {"Env": list(text.environment), "Cmd": list(text.command), "WorkingDir": "/", "Labels": text.labels},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}"]},
            "history": [{"created": text.created, "created_by": "images/tools/build.py"}],
        }
    )
    config_digest = hashlib.sha256(config).hexdigest()
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config_digest, len(config)),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer.digest, layer.compressed_bytes)],
            "annotations": text.labels,
        }
    )
    manifest_digest = hashlib.sha256(manifest).hexdigest()
    index = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest_digest, len(manifest)) | {
        "platform": {"architecture": text.architecture, "os": "linux"},
        # the first is what containerd imports as the name, the second what OCI calls a reference
        "annotations": {"io.containerd.image.name": text.reference, "org.opencontainers.image.ref.name": text.reference.rpartition(":")[2]},
    }
    docker = [{"Config": f"blobs/sha256/{config_digest}", "RepoTags": [text.reference], "Layers": [f"blobs/sha256/{layer.digest}"]}]
    small = {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [index]}),
        "manifest.json": _json(docker),
        f"blobs/sha256/{config_digest}": config,
        f"blobs/sha256/{manifest_digest}": manifest,
    }
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(small.items()):
            archive.addfile(_head(name, len(data), epoch_seconds), io.BytesIO(data))
        with layer.path.open("rb") as blob:
            archive.addfile(_head(f"blobs/sha256/{layer.digest}", layer.compressed_bytes, epoch_seconds), blob)
    return f"sha256:{manifest_digest}"


def unpack(path: Path, folder: Path) -> None:
    """Unpack the archive's layer into `folder`, as root with its owners; follow the digests as a container engine does."""
    with tarfile.open(path) as archive:

        def blob(digest: str) -> bytes:
            data = _member(archive, f"blobs/{digest.replace(':', '/')}").read()
            if hashlib.sha256(data).hexdigest() != digest.partition(":")[2]:
                raise ValueError(f"{path}: {digest} holds other bytes than its name says")
            return data

        index = json.load(_member(archive, "index.json"))
        manifest = json.loads(blob(index["manifests"][0]["digest"]))
        (layer,) = manifest["layers"]
        with tarfile.open(fileobj=io.BytesIO(blob(layer["digest"])), mode="r:gz") as packed:
            packed.extractall(folder, numeric_owner=True, filter="fully_trusted")


def read_config(path: Path) -> dict[str, object]:
    """Return the image's configuration."""
    with tarfile.open(path) as archive:
        index = json.load(_member(archive, "index.json"))
        manifest = json.load(_member(archive, f"blobs/{index['manifests'][0]['digest'].replace(':', '/')}"))
        config: dict[str, object] = json.load(_member(archive, f"blobs/{manifest['config']['digest'].replace(':', '/')}"))
    return config


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is not a file")
    return file


def _head(name: str, size_bytes: int, epoch_seconds: int) -> tarfile.TarInfo:
    head = tarfile.TarInfo(name)
    head.size, head.mtime, head.mode = size_bytes, epoch_seconds, 0o644
    return head


def _descriptor(media_type: str, digest: str, size_bytes: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size_bytes}


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode()
