"""The patch formats, by the examples of their RFCs and of the Kubernetes API."""

from __future__ import annotations

import pytest

from podshell.sandbox import patches
from podshell.sandbox.statuses import StatusError
from podshell.sandbox.store import Obj


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_follows_the_rfc_7386_examples(target: Obj, patch: Obj, result: Obj) -> None:
    assert patches.apply_patch(patches.MERGE_PATCH, target, patch) == result


def test_json_patch_adds_replaces_moves_and_tests() -> None:
    target = {"a": {"b~/c": [1, 2]}, "x": "y"}
    operations: list[Obj] = [
        {"op": "test", "path": "/x", "value": "y"},
        {"op": "add", "path": "/a/b~0~1c/-", "value": 3},
        {"op": "replace", "path": "/a/b~0~1c/0", "value": 0},
        {"op": "move", "from": "/x", "path": "/z"},
        {"op": "copy", "from": "/z", "path": "/w"},
        {"op": "remove", "path": "/z"},
    ]
    assert patches.json_patch(target, operations) == {"a": {"b~/c": [0, 2, 3]}, "w": "y"}
    assert target == {"a": {"b~/c": [1, 2]}, "x": "y"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/x", "value": "other"},
        {"op": "remove", "path": "/none"},
        {"op": "add", "path": "/list/7", "value": 1},
        {"op": "frob", "path": "/x"},
        {"path": "/x"},
    ],
)
def test_a_json_patch_that_cannot_be_applied_is_422(operation: Obj) -> None:
    with pytest.raises(StatusError) as caught:
        patches.json_patch({"x": "y", "list": []}, [operation])
    assert caught.value.code == 422


def test_strategic_patch_merges_containers_by_name_and_env_within_them() -> None:
    target = {"containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]}
    patch = {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}]}]}
    merged = patches.strategic_patch(target, patch)["containers"]
    assert merged[0]["image"] == "1"
    assert {entry["name"] for entry in merged[0]["env"]} == {"X", "Y"}
    assert merged[1] == {"name": "b"}


def test_strategic_patch_obeys_its_directives() -> None:
    target = {"containers": [{"name": "a"}, {"name": "b"}], "tolerations": [{"key": "k"}], "m": {"x": 1, "y": 2}}
    patch = {
        "containers": [{"name": "a", "$patch": "delete"}, {"name": "c"}],
        "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}],
        "tolerations": [{"key": "other"}],  # no merge key in the API: replaced whole
        "m": {"$patch": "replace", "z": 3},
    }
    result = patches.strategic_patch(target, patch)
    assert result["containers"] == [{"name": "b"}, {"name": "c"}]
    assert result["tolerations"] == [{"key": "other"}]
    assert result["m"] == {"z": 3}


def test_strategic_patch_merges_service_ports_by_port() -> None:
    target = {"ports": [{"port": 80, "name": "http"}]}
    patch = {"ports": [{"port": 80, "targetPort": 8080}]}
    assert patches.strategic_patch(target, patch) == {"ports": [{"port": 80, "name": "http", "targetPort": 8080}]}
