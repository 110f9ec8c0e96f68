"""The golden manifests against the schemas of Kubernetes' own OpenAPI documents, strictly: an unknown field is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

# In requirements/dev.txt, so CI has it; an environment made before that has not.
kubernetes_validate = pytest.importorskip("kubernetes_validate")

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.yaml"))
# The oldest that Podshell's WebSocket exec works with, and the newest that the schemas know.
VERSIONS = ("1.30", "1.37")
# Fields of the golden manifests that a server before 1.30 does not know, and drops.
_NEWER_FIELDS = ("recursiveReadOnly", "appArmorProfile")


def manifest(path: Path) -> dict[str, Any]:
    """Return an object of its own; ephemeral containers are put into a pod."""
    made: dict[str, Any] = yaml.safe_load(path.read_text())
    if "kind" in made:
        return made
    spec = {"containers": [{"name": "web", "image": "example.com/web:1"}], "ephemeralContainers": [made]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_manifests_have_only_fields_that_kubernetes_knows(path: Path, version: str) -> None:
    kubernetes_validate.validate(manifest(path), version, strict=True)


def test_for_an_older_server_apparmor_is_asked_for_as_it_understands() -> None:
    (path,) = (path for path in GOLDEN if path.stem == "node-old-apparmor")
    kubernetes_validate.validate(manifest(path), "1.29", strict=True)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_an_older_server_misses_nothing_but_two_fields(path: Path) -> None:
    """It drops them; a recursive read-only mount is then a plain one (docs/explanation/debug-and-node-shells.md)."""
    kubernetes_validate.validate(without(manifest(path), _NEWER_FIELDS), "1.29", strict=True)


def without(value: Any, names: tuple[str, ...]) -> Any:
    """Return a copy that lacks the fields of these names at any depth."""
    if isinstance(value, dict):
        return {key: without(one, names) for key, one in value.items() if key not in names}
    return [without(one, names) for one in value] if isinstance(value, list) else value


def test_a_misspelt_field_would_be_seen() -> None:
    made = manifest(next(path for path in GOLDEN if path.stem == "node-plain"))
    made["spec"]["hostNetwrk"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(made, "1.37", strict=True)
