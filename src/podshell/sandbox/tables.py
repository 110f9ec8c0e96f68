"""Table answers."""

from __future__ import annotations

from podshell.sandbox.resources import Resource
from podshell.sandbox.store import Obj


def build_table(resource: Resource, objects: list[Obj], metadata: Obj, *, include: str, columns: bool = True) -> Obj:
    """Build a Table."""
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": [], "rows": []}
