"""The OpenAPI document is complete: the console's types are generated from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from podshell.gateway.openapi import describe
from podshell.wire.errors import ErrorCode

METHODS = ("get", "post", "delete", "put", "patch")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield f"{method} {path}", operation


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_answer_and_error_has_a_type() -> None:
    names = set()
    for name, operation in operations(describe()):
        names.add(operation["operationId"])
        responses = operation["responses"]
        error = responses["default"]["content"]["application/json"]["schema"]
        assert error == {"$ref": "#/components/schemas/ErrorBody"}, name
        (status,) = set(responses) - {"default"}
        if status != "204":
            assert responses[status]["content"]["application/json"]["schema"], name
    assert len(names) == sum(1 for _ in operations(describe()))


def test_every_reference_leads_somewhere() -> None:
    document = describe()
    schemas = document["components"]["schemas"]
    missing = {reference for reference in references(document) if reference.rsplit("/", 1)[1] not in schemas}
    assert not missing


def test_rows_sessions_ends_and_socket_messages_are_typed() -> None:
    schemas = describe()["components"]["schemas"]
    for name in (
        "PodRow",
        "ContainerRow",
        "Session",
        "End",
        "Refusal",
        "Attached",
        "Notice",
        "TerminalError",
        "LiveBatch",
        "LiveSubscribe",
    ):
        assert schemas[name]["type"] == "object", name
        assert schemas[name].get("properties"), name
    assert set(schemas["ErrorCode"]["enum"]) == {code.value for code in ErrorCode}
    assert {"$ref": "#/components/schemas/PodRow"} in schemas["LiveBatch"]["properties"]["set"]["items"]["anyOf"]
    assert set(schemas["Session"]["required"]) == set(schemas["Session"]["properties"])
