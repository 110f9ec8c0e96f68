"""Table answers, as kubectl get asks for them: columns and one row of cells per object.

Pure.  Columns of the recorded resources stand word for word in ``table_columns.json`` (transcripts/table/); the others
follow pkg/printers/internalversion/printers.go with shorter descriptions.  Cells stand in ``table_rows.py``.
"""

from __future__ import annotations

from functools import cache
from importlib import resources as package_files

import msgspec

from podshell.sandbox.pod_rows import row_conditions
from podshell.sandbox.representation import partial_object
from podshell.sandbox.resources import POD, Resource
from podshell.sandbox.store import Obj
from podshell.sandbox.table_rows import cells_of

_META_V1 = "meta.k8s.io/v1"
_TEMPLATE = ("Containers*", "Images*", "Selector*")
# "*" marks what only -o wide shows, "#" a number.
_COLUMNS: dict[str, tuple[str, ...]] = {
    "replicasets": ("Name", "Desired#", "Current#", "Ready#", "Age", *_TEMPLATE),
    "statefulsets": ("Name", "Ready", "Age", "Containers*", "Images*"),
    "daemonsets": (
        *("Name", "Desired#", "Current#", "Ready#", "Up-to-date#", "Available#", "Node Selector", "Age"),
        *_TEMPLATE,
    ),
    "cronjobs": (
        *("Name", "Schedule", "Timezone", "Suspend", "Active#", "Last Schedule", "Age"),
        *_TEMPLATE,
    ),
    "serviceaccounts": ("Name", "Secrets#", "Age"),
    "configmaps": ("Name", "Data#", "Age"),
    "secrets": ("Name", "Type", "Data#", "Age"),
    "endpoints": ("Name", "Endpoints", "Age"),
    "endpointslices": ("Name", "AddressType", "Ports", "Endpoints", "Age"),
    "leases": ("Name", "Holder", "Age"),
}
_FALLBACK = ("Name", "Age")


@cache
def _recorded() -> dict[str, list[Obj]]:
    text = package_files.files("podshell.sandbox").joinpath("table_columns.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, list[Obj]])


@cache
def _columns(plural: str) -> list[Obj]:
    recorded = _recorded()
    if plural in recorded:
        return recorded[plural]
    known = {column["name"]: column for columns in recorded.values() for column in columns}
    columns: list[Obj] = []
    for word in _COLUMNS.get(plural, _FALLBACK):
        name = word.rstrip("*#")
        column: Obj = {"name": name, "type": "integer" if word.endswith("#") else "string"}
        column["format"] = "name" if name == "Name" else ""
        description = known[name]["description"] if name in ("Name", "Age") else f"{name} of this object."
        columns.append({**column, "description": description, "priority": 1 if word.endswith("*") else 0})
    return columns


def build_table(resource: Resource, objects: list[Obj], metadata: Obj, *, include: str, columns: bool = True) -> Obj:
    """Build a Table; ``include`` is includeObject (None, Metadata or Object); later watch events have no ``columns``."""
    table: Obj = {"kind": "Table", "apiVersion": _META_V1, "metadata": metadata}
    # Without omitempty in the API type: later events of a watch carry null (transcripts/table/watch).
    table["columnDefinitions"] = _columns(resource.plural) if columns else None
    table["rows"] = [_row(resource, obj, include) for obj in objects]
    return table


def _row(resource: Resource, obj: Obj, include: str) -> Obj:
    row: Obj = {"cells": cells_of(resource, obj)}
    conditions = row_conditions(obj) if resource is POD else []
    if conditions:
        row["conditions"] = conditions
    match include:
        case "None":
            row["object"] = None
        case "Object":
            row["object"] = obj
        case _:
            row["object"] = partial_object(obj)
    return row
