"""The least OpenAPI v3 that kubectl 1.37 wants before it creates or applies: an index, and per group one document that says
PATCH takes ``fieldValidation``.  Pure.  There are no schemas; kubectl then patches built-in types by its own Go types.
"""

from __future__ import annotations

import hashlib

from podshell.sandbox.representation import encode
from podshell.sandbox.resources import ALL, Resource
from podshell.sandbox.store import Obj


def index() -> Obj:
    """Build GET /openapi/v3 (transcripts/discovery/openapi-v3)."""
    versions = sorted({(resource.group, resource.version) for resource in ALL})
    paths = {}
    for group, version in versions:
        path = f"apis/{group}/{version}" if group else f"api/{version}"
        digest = hashlib.sha512(encode(_build(group, version))).hexdigest().upper()
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": paths}


def document(parts: list[str]) -> Obj | None:
    """Build GET /openapi/v3/api/v1 or /openapi/v3/apis/GROUP/VERSION; None for others."""
    match parts:
        case ["api", version]:
            group = ""
        case ["apis", group, version]:
            pass
        case _:
            return None
    document = _build(group, version)
    return document if document["paths"] else None


def _build(group: str, version: str) -> Obj:
    served = [resource for resource in ALL if (resource.group, resource.version) == (group, version)]
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": {_path(resource): {"patch": _patch(resource)} for resource in served},
        "components": {"schemas": {}},
    }


def _path(resource: Resource) -> str:
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    return f"{root}{scope}/{resource.plural}/{{name}}"


def _patch(resource: Resource) -> Obj:
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for name in names]
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    responses = {"200": {"description": "OK"}}
    return {"parameters": parameters, "responses": responses, "x-kubernetes-group-version-kind": kind}
