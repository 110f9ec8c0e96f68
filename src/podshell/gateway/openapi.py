"""The OpenAPI document: FastAPI's routes and the schemas of our msgspec structs.

`python -m podshell.gateway.openapi` prints it without starting anything; the console's types are made from it. The messages of the
terminal and live sockets stand in it as schemas, too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from podshell import __version__
from podshell.gateway import models
from podshell.gateway.answers import DESCRIBED_TYPES, REFERENCE
from podshell.gateway.routes import audit, clusters, pods, sessions, signin
from podshell.wire import calls, details, terminal
from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, RefusedBy

ROUTERS = (signin.router, clusters.router, pods.router, sessions.router, audit.router)

_SOCKET_TYPES: tuple[Any, ...] = (
    models.LiveHello,
    models.LiveSubscribe,
    models.LiveUnsubscribe,
    models.LiveReady,
    models.LivePing,
    models.LiveError,
    models.LiveLogs,
    models.LiveAck,
    models.LiveLog,
    models.LiveLogEnd,
    models.LiveBatch,
    models.Topic,
    calls.PodRow,
    calls.NodeRow,
    calls.NamespaceRow,
    calls.ServiceRow,
    calls.WorkloadRow,
    details.PodDetails,
    details.EventRow,
    terminal.TerminalHello,
    terminal.TerminalError,
    m.Attached,
    m.Notice,
    m.End,
    ErrorCode,
    RefusedBy,
)
_LIVE_ROWS = ("PodRow", "NodeRow", "NamespaceRow", "ServiceRow", "WorkloadRow", "Session", "Cluster", "PodDetails", "EventRow")


def build_document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Build the document of these routes."""
    document = get_openapi(
        title="Podshell",
        version=__version__,
        description="Interactive shells in the pods and nodes of Kubernetes clusters (spec/api.md).",
        routes=routes,
    )
    ordered = sorted(DESCRIBED_TYPES, key=repr)
    _, components = msgspec.json.schema_components([*ordered, *_SOCKET_TYPES], ref_template=REFERENCE)
    rows = [{"$ref": REFERENCE.format(name=name)} for name in _LIVE_ROWS]
    components["LiveBatch"]["properties"]["set"] = {"type": "array", "items": {"anyOf": rows}}
    holder = document.setdefault("components", {})
    holder["schemas"] = dict(sorted(components.items()))
    holder["securitySchemes"] = {
        "cookie": {"type": "apiKey", "in": "cookie", "name": "podshell_<port>"},
        "pageToken": {"type": "apiKey", "in": "header", "name": "X-Podshell-Token"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    document["security"] = [{"cookie": [], "pageToken": []}, {"bearer": []}]
    for path in document["paths"].values():
        for operation in path.values():
            # ours is "default"; a validation error of a parameter has the same body
            operation["responses"].pop("422", None)
    return document


def describe() -> dict[str, Any]:
    """Build the document without a gateway."""
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    return build_document(app.routes)


if __name__ == "__main__":
    json.dump(describe(), sys.stdout, indent=2)
    sys.stdout.write("\n")
