"""The pure parts of the tools image's build; what it makes is tested in tests/image."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from bill_of_materials import Package, document, installed
from oci_archive import Entry, ImageText, read_config, unpack, write_archive, write_layer
from podshell.cli.hints import HintWatcher
from root_file_system import (
    BuildRefused,
    Mirrors,
    PackageList,
    explain,
    find_keyring,
    kept,
    leave_out_hook,
    members,
    mirrors_of,
    proxy_options,
)

EPOCH_SECONDS = 1_760_000_000
TEXT = ImageText("localhost/x:1", "amd64", "2025-10-09T08:53:20Z", ("LANG=C.UTF-8",), ("bash", "-l"), {"a": "b"})


def head(name: str, kind: bytes = tarfile.REGTYPE, *, mode: int = 0o644, size: int = 0, link: str = "", mtime: int = 1) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.linkname, info.mtime = kind, mode, size, link, mtime
    info.uname, info.pax_headers = "somebody", {"SCHILY.xattr.security.capability": "x"}
    return info


def entries(mtime: int) -> list[Entry]:
    return [
        Entry(head("bin/ping", mode=0o4755, size=3, mtime=mtime), b"abc"),
        Entry(head("bin", tarfile.DIRTYPE, mode=0o755, mtime=mtime)),
        Entry(head("bin/a", tarfile.LNKTYPE, link="bin/ping", mtime=mtime)),
        Entry(head("tmp", tarfile.DIRTYPE, mode=0o1777, mtime=mtime)),
    ]


def test_a_layer_is_the_same_to_the_byte_whatever_the_order_and_times_of_its_files(tmp_path: Path) -> None:
    one = write_layer(tmp_path / "one", entries(5), EPOCH_SECONDS)
    two = write_layer(tmp_path / "two", list(reversed(entries(9))), EPOCH_SECONDS)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (one.digest, one.diff_id) == (two.digest, two.diff_id)


def test_a_layer_has_no_setuid_bit_no_file_capability_and_keeps_the_sticky_bit_of_folders(tmp_path: Path) -> None:
    write_layer(tmp_path / "layer", entries(5), EPOCH_SECONDS)
    with tarfile.open(tmp_path / "layer") as layer:
        found = {member.name: member for member in layer}
    assert list(found) == ["bin", "bin/ping", "tmp", "bin/a"]  # a hard link comes behind its file
    assert found["bin/ping"].mode == 0o755
    assert found["tmp"].mode == 0o1777
    assert all(member.pax_headers == {} and member.mtime == EPOCH_SECONDS and member.uname == "" for member in found.values())


def test_an_archive_names_each_blob_by_the_digest_of_its_bytes(tmp_path: Path) -> None:
    layer = write_layer(tmp_path / "layer", entries(5), EPOCH_SECONDS)
    digest = write_archive(tmp_path / "archive", layer, TEXT, EPOCH_SECONDS)
    with tarfile.open(tmp_path / "archive") as archive:
        blobs = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]  # all are files
    for name, data in blobs.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    manifest = json.loads(blobs[f"blobs/{digest.replace(':', '/')}"])
    assert manifest["layers"][0]["size"] == len(blobs[f"blobs/sha256/{layer.digest}"])
    config = read_config(tmp_path / "archive")
    assert config["config"] == {"Cmd": ["bash", "-l"], "Env": ["LANG=C.UTF-8"], "Labels": {"a": "b"}, "WorkingDir": "/"}
    unpacked = gzip.decompress(blobs[f"blobs/sha256/{layer.digest}"])
    assert config["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(unpacked).hexdigest()}"]}
    (for_docker,) = json.loads(blobs["manifest.json"])
    assert for_docker["Config"] in blobs
    assert for_docker["Layers"] == [f"blobs/sha256/{layer.digest}"]


def test_an_archive_with_changed_bytes_is_not_unpacked(tmp_path: Path) -> None:
    layer = write_layer(tmp_path / "layer", entries(5), EPOCH_SECONDS)
    write_archive(tmp_path / "archive", layer, TEXT, EPOCH_SECONDS)
    data = bytearray((tmp_path / "archive").read_bytes())
    at = data.index((tmp_path / "layer").read_bytes())
    data[at + 30] ^= 1
    (tmp_path / "archive").write_bytes(data)
    with pytest.raises(ValueError, match="holds other bytes"):
        unpack(tmp_path / "archive", tmp_path / "root")


def test_licences_stay_and_documents_and_traces_of_the_build_go() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name in ("usr/share/doc/x/copyright", "usr/share/doc/x/README.gz", "etc/apt/sources.list", "etc/resolv.conf", "usr/bin/x"):
            made.addfile(head(f"./{name}"))
        made.addfile(head("./usr/share/doc/y", tarfile.SYMTYPE, link="x"))
        made.addfile(head("./dev/null", tarfile.CHRTYPE))
        made.addfile(head("./usr/bin/z", tarfile.LNKTYPE, link="./usr/bin/x"))
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as source:
        found = {member.name: member.linkname for member in members(source)}
    assert found == {"usr/share/doc/x/copyright": "", "usr/bin/x": "", "usr/share/doc/y": "x", "usr/bin/z": "usr/bin/x"}


def test_the_utf_8_locale_and_the_certificates_stay() -> None:
    assert kept("usr/lib/locale/C.utf8/LC_CTYPE")
    assert kept("etc/ssl/certs/ca-certificates.crt")
    assert kept("dev")
    assert not kept("usr/share/locale/de/LC_MESSAGES/x.mo")


def test_what_is_never_unpacked_goes_before_dpkg_and_dpkg_is_told(tmp_path: Path) -> None:
    for name in ("usr/share/man/man1/mawk.1.gz", "usr/share/locale/de/x.mo", "usr/share/doc/mawk/copyright"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    settings = tmp_path / "etc/dpkg/dpkg.cfg.d/99mmdebstrap"
    settings.parent.mkdir(parents=True)
    settings.write_text("force-unsafe-io\n")
    subprocess.run(["sh", "-c", leave_out_hook(), "exec", str(tmp_path)], check=True)  # as mmdebstrap runs it
    assert settings.read_text() == "force-unsafe-io\npath-exclude=/usr/share/man/*\npath-exclude=/usr/share/locale/*\n"
    assert sorted(path.name for path in (tmp_path / "usr/share").glob("*/*")) == ["mawk"]


def test_mirrors_are_taken_from_what_apt_knows() -> None:
    targets = "http://one.test/debian-security/|Debian-Security\nhttp://one.test/debian/|Debian\nhttp://two.test/debian/|Debian\n"
    assert mirrors_of(targets) == Mirrors("http://one.test/debian/", "http://one.test/debian-security/")
    assert mirrors_of("http://three.test/ubuntu/|Ubuntu\n") is None
    assert Mirrors("http://m.test", None).sources() == ["deb http://m.test trixie main", "deb http://m.test trixie-updates main"]


def test_proxies_of_apt_are_passed_on_and_nothing_else() -> None:
    dump = 'Acquire::Retries "3";\nAcquire::http::Proxy "http://proxy.test:3128/";\nAcquire::http::Timeout "9";\n'
    assert proxy_options(dump) == ['--aptopt=Acquire::http::Proxy "http://proxy.test:3128/"']


def test_a_missing_keyring_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BuildRefused, match="apt-get install debian-archive-keyring"):
        find_keyring(str(tmp_path / "none.gpg"))


@pytest.mark.parametrize(
    ("log", "advice"),
    [
        ("W: GPG error: trixie InRelease: NO_PUBKEY 6ED0E7B82643E131", "--only-upgrade debian-archive-keyring"),
        ("E: gpgv, gpgv2 or gpgv1 required for verification", "apt-get install gpgv"),
        ("E: arm64 can neither be executed natively nor via qemu user emulation with arch-test", "qemu-user-static"),
        ("E: invalid /etc/subuid", "subordinate ids"),
        ("E: Unable to locate package x", "mmdebstrap failed"),
    ],
)
def test_a_failed_build_says_what_to_do(log: str, advice: str) -> None:
    assert log in explain(log)
    assert advice in explain(log)


def test_the_package_list_has_what_is_wanted_and_what_is_taken_out(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# words\nbash\ncurl # more\n\n-perl\n")
    assert PackageList.read(tmp_path / "list") == PackageList(("bash", "curl"), ("perl",))


STATUS = """Package: bash
Status: install ok installed
Maintainer: A B <a@b.test>
Architecture: amd64
Version: 5.2.37-2+b10
Source: bash (5.2.37-2)
Description: shell
 more

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


def test_the_bill_of_materials_lists_what_dpkg_has_installed() -> None:
    (package,) = installed(STATUS)
    assert package == Package("bash", "5.2.37-2+b10", "amd64", "bash", "A B <a@b.test>")
    bill = document([package], name="podshell-tools", version="1", created="2026-01-01T00:00:00Z")
    image, listed = bill["packages"]  # type: ignore[misc]  # JSON
    assert (listed["name"], listed["versionInfo"]) == ("bash", "5.2.37-2+b10")
    assert listed["externalRefs"][0]["referenceLocator"] == "pkg:deb/debian/bash@5.2.37-2%2Bb10?arch=amd64&distro=debian-13"
    assert {"spdxElementId": image["SPDXID"], "relationshipType": "CONTAINS", "relatedSpdxElement": listed["SPDXID"]} in bill[
        "relationships"
    ]  # type: ignore[operator]  # JSON


REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_reference_lists_the_packages_of_the_package_list() -> None:
    text = (REPOSITORY / "docs/reference/tools-image.md").read_text()
    table = text.partition("| for | tools | packages |")[2].partition("\n\n")[0]
    rows = [row.split("|")[3] for row in table.splitlines()[2:]]
    assert len(rows) > 8
    listed = {package.strip() for row in rows for package in row.split(",")} - {""}
    assert listed == set(PackageList.read(REPOSITORY / "images/tools/packages.txt").wanted)


def test_what_the_image_s_firewall_tools_say_without_a_capability_gets_a_hint() -> None:
    text = (REPOSITORY / "docs/reference/tools-image.md").read_text()
    said = [row.split("`")[3] for row in text.splitlines() if row.startswith(("| `ip", "| `nft", "| `ebtables")) and "must be root" in row]
    assert len(said) == 5
    for message in said:
        assert "NET_ADMIN" in HintWatcher().receive(f"{message}\n".encode())[0][1]
