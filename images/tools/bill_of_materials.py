"""What the image is made of, as an SPDX 2.3 document, read from dpkg's own status in the root file system. https://spdx.github.io/spdx-spec/v2.3/"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    architecture: str
    source: str
    maintainer: str


def installed(status: str) -> Iterator[Package]:
    """Yield the installed packages of a dpkg status file, in its order (sorted by name as dpkg writes it)."""
    for paragraph in status.split("\n\n"):
        fields: dict[str, str] = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").split()[-1:] != ["installed"]:
            continue
        yield Package(
            fields["Package"],
            fields["Version"],
            fields["Architecture"],
            fields.get("Source", fields["Package"]).split(" (")[0],
            fields.get("Maintainer", ""),
        )


def document(packages: list[Package], *, name: str, version: str, created: str) -> dict[str, object]:
    """Return the SPDX document; licences are in the image's /usr/share/doc/*/copyright, not judged here."""
    listed = "\n".join(f"{p.name} {p.version} {p.architecture}" for p in packages)
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{name}-{version}",
        # unique for these contents, as SPDX demands; nothing is served there
        "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{version}-{hashlib.sha256(listed.encode()).hexdigest()[:32]}",
        "creationInfo": {"created": created, "creators": ["Tool: podshell-images-tools-build"]},
        "packages": [
            {
                "SPDXID": "SPDXRef-image",
                "name": name,
                "versionInfo": version,
                "downloadLocation": "NOASSERTION",
                "filesAnalyzed": False,
                "primaryPackagePurpose": "CONTAINER",
            },
            *(_package(package) for package in packages),
        ],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-image"},
            *(
                {"spdxElementId": "SPDXRef-image", "relationshipType": "CONTAINS", "relatedSpdxElement": _identifier(package)}
                for package in packages
            ),
        ],
    }


def _identifier(package: Package) -> str:
    return "SPDXRef-deb-" + re.sub(r"[^A-Za-z0-9.-]", "-", f"{package.name}-{package.architecture}")


def _package(package: Package) -> dict[str, object]:
    where = f"pkg:deb/debian/{quote(package.name)}@{quote(package.version)}?arch={package.architecture}&distro=debian-13"
    return {
        "SPDXID": _identifier(package),
        "name": package.name,
        "versionInfo": package.version,
        "supplier": f"Person: {package.maintainer}" if package.maintainer else "NOASSERTION",
        "sourceInfo": f"built from the Debian source package {package.source}",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": where}],
    }
