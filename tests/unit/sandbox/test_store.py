"""What the object store promises to the API server, the controllers and the kubelet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshell.sandbox.resources import CONFIGMAP, DEPLOYMENT, NAMESPACE, POD
from podshell.sandbox.statuses import StatusError
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent


def new(name: str, namespace: str = "lab", **fields: object) -> Obj:
    return {"metadata": {"name": name, "namespace": namespace}, **fields}


def test_create_fills_what_a_server_fills() -> None:
    store = ObjectStore(first_version=7)
    created = store.create(POD, {"metadata": {"generateName": "web-", "namespace": "lab"}})
    metadata = created["metadata"]
    assert metadata["name"].startswith("web-")
    assert len(metadata["name"]) == len("web-") + 5
    assert (metadata["resourceVersion"], metadata["generation"]) == ("8", 1)
    assert metadata["uid"]
    assert (created["kind"], created["apiVersion"]) == ("Pod", "v1")


def test_a_taken_name_is_409() -> None:
    store = ObjectStore()
    store.create(POD, new("two"))
    with pytest.raises(StatusError, match='pods "two" already exists') as caught:
        store.create(POD, new("two"))
    assert caught.value.code == 409


def test_the_writer_keeps_its_own_copy() -> None:
    store = ObjectStore()
    given_object = new("two", spec={"containers": []})
    store.create(POD, given_object)
    given_object["spec"]["containers"].append("x")
    stored = store.get(POD, "lab", "two")
    assert stored is not None
    assert stored["spec"] == {"containers": []}


def test_a_change_that_changes_nothing_is_no_new_version() -> None:
    store = ObjectStore()
    store.create(POD, new("two"))
    events: list[WatchEvent] = []
    store.listen(events.append)
    version = store.version
    store.modify(POD, "lab", "two", lambda pod: None)
    assert (store.version, events) == (version, [])


def test_generation_counts_changes_of_the_spec_only() -> None:
    store = ObjectStore()
    store.create(DEPLOYMENT, new("web", spec={"replicas": 1}))
    store.modify(DEPLOYMENT, "lab", "web", lambda obj: obj.update(status={"replicas": 1}))
    assert store.list(DEPLOYMENT)[0]["metadata"]["generation"] == 1
    store.modify(DEPLOYMENT, "lab", "web", lambda obj: obj["spec"].update(replicas=2))
    assert store.list(DEPLOYMENT)[0]["metadata"]["generation"] == 2


def test_an_old_version_cannot_replace() -> None:
    store = ObjectStore()
    first = store.create(CONFIGMAP, new("a"))
    store.modify(CONFIGMAP, "lab", "a", lambda obj: obj.update(data={"k": "1"}))
    with pytest.raises(StatusError, match="the object has been modified") as caught:
        store.replace(CONFIGMAP, first)
    assert caught.value.code == 409


def test_listeners_hear_every_change_with_the_object_before_it() -> None:
    store = ObjectStore()
    events: list[WatchEvent] = []
    unsubscribe = store.listen(events.append)
    store.create(CONFIGMAP, new("a"))
    store.modify(CONFIGMAP, "lab", "a", lambda obj: obj.update(data={"k": "1"}))
    store.delete(CONFIGMAP, "lab", "a")
    unsubscribe()
    store.create(CONFIGMAP, new("b"))
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert events[0].old is None
    assert events[2].old is not None
    assert events[2].old["data"] == {"k": "1"}
    versions = [int(event.obj["metadata"]["resourceVersion"]) for event in events]
    assert versions == [event.version for event in events] == [1, 2, 3]


def test_history_is_bounded_and_says_when_it_does_not_reach() -> None:
    store = ObjectStore(history_length=3)
    for number in range(5):
        store.create(CONFIGMAP, new(f"cm-{number}"))
    assert store.changes_since(CONFIGMAP, 1) is None
    kept = store.changes_since(CONFIGMAP, 2)
    assert kept is not None
    assert [event.version for event in kept] == [3, 4, 5]
    store.compact()
    assert store.changes_since(CONFIGMAP, 4) is None
    assert store.changes_since(CONFIGMAP, 5) == []


def test_cluster_wide_objects_have_no_namespace_in_their_key() -> None:
    store = ObjectStore()
    store.create(NAMESPACE, {"metadata": {"name": "lab"}})
    assert store.get(NAMESPACE, None, "lab") is not None
    assert store.list(NAMESPACE)[0]["metadata"]["labels"] == {"kubernetes.io/metadata.name": "lab"}


names = st.text("abc-0", min_size=1, max_size=3)


@given(st.lists(st.tuples(st.booleans(), names, names), max_size=40))
def test_lists_are_sorted_and_agree_with_get(steps: list[tuple[bool, str, str]]) -> None:
    store = ObjectStore()
    expected: set[tuple[str, str]] = set()
    for adds, namespace, name in steps:
        if adds and (namespace, name) not in expected:
            store.create(CONFIGMAP, new(name, namespace))
            expected.add((namespace, name))
        elif not adds and (namespace, name) in expected:
            store.delete(CONFIGMAP, namespace, name)
            expected.discard((namespace, name))

    def keys(objects: list[Obj]) -> list[tuple[str, str]]:
        return [(obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in objects]

    assert keys(store.list(CONFIGMAP)) == sorted(expected)
    for namespace in {key[0] for key in expected}:
        assert keys(store.list(CONFIGMAP, namespace)) == sorted(key for key in expected if key[0] == namespace)
