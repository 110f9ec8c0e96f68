"""The three patch formats: merge patch (RFC 7386), JSON patch (RFC 6902) and strategic merge patch.

Pure: each takes an object (never changed) and a decoded patch, and gives a new object.  Strategic merge knows the
merge keys of the lists that kubectl and our own client patch; other lists are replaced whole, as the API types have it
(kubernetes staging/src/k8s.io/api/core/v1/types.go, patchMergeKey).  Server-side apply is not built.
"""

from __future__ import annotations

from collections.abc import Sequence

from podshell.sandbox import statuses
from podshell.sandbox.store import Obj, copied

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
OFFERED = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH)

_MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    # container ports merge by containerPort, service ports by port
    "ports": ("containerPort", "port"),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "taints": ("key",),
    "addresses": ("type",),
    "secrets": ("name",),
}
# Lists of plain values that are merged as sets.
_MERGED_SETS = frozenset({"finalizers"})


def apply_patch(media: str, target: Obj, patch: object) -> Obj:
    """Apply a patch of one of the ``OFFERED`` types.

    Raises: StatusError 400, 422.
    """
    wrong = "error decoding patch: json: cannot unmarshal {} into Go value of type {}"
    if media == JSON_PATCH:
        if not isinstance(patch, list):
            raise statuses.bad_request(wrong.format("object", "jsonpatch.Patch"))
        return json_patch(target, patch)
    if not isinstance(patch, dict):
        raise statuses.bad_request(wrong.format("array", "map[string]interface {}"))
    if media == STRATEGIC_PATCH:
        return strategic_patch(target, patch)
    merged = merge_patch(target, patch)
    return merged if isinstance(merged, dict) else {}


def merge_patch(target: object, patch: object) -> object:
    """Apply a merge patch."""
    if not isinstance(patch, dict):
        return patch
    result: Obj = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_patch(target: Obj, patch: Obj) -> Obj:
    """Apply a strategic merge patch with its ``$patch``, ``$setElementOrder`` and ``$deleteFromPrimitiveList`` words.

    Raises: StatusError 422 for a list element without its merge key.
    """
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    result = dict(target)
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            result[name] = [item for item in result.get(name) or [] if item not in value]
        elif key == "$retainKeys":
            result = {name: kept for name, kept in result.items() if name in value}
        elif key.startswith("$"):
            continue  # $setElementOrder is applied below, once all lists are merged
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            before = result.get(key)
            result[key] = strategic_patch(before if isinstance(before, dict) else {}, value)
        elif isinstance(value, list):
            result[key] = _merge_list(key, result.get(key), value)
        else:
            result[key] = value
    for key, order in patch.items():
        name = key.partition("/")[2]
        if key.startswith("$setElementOrder/") and isinstance(result.get(name), list):
            result[name] = _ordered(name, result[name], order)
    return result


def _merge_key(name: str, items: Sequence[object]) -> str | None:
    keys = _MERGE_KEYS.get(name)
    if keys is None:
        return None
    for key in keys:
        if any(isinstance(item, dict) and key in item for item in items):
            return key
    return keys[0]


def _merge_list(name: str, before: object, patch: list[Obj]) -> list[Obj]:
    old: list[Obj] = before if isinstance(before, list) else []
    if name in _MERGED_SETS:
        return [*old, *(item for item in patch if item not in old)]
    key = _merge_key(name, patch)
    if key is None:
        return patch
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if item.get("$patch") != "replace"]
    merged = list(old)
    # New elements stand before the old ones, in the order of the patch (transcripts/ephemeral/errors.json: index 0).
    added: list[Obj] = []
    for item in patch:
        if key not in item:
            text = f"map: map[{name}:...] does not contain declared merge key: {key}"
            raise statuses.StatusError(422, "Invalid", text, {})
        at = next((index for index, found in enumerate(merged) if found.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if at is not None:
                del merged[at]
        elif at is None:
            added.append(strategic_patch({}, item))
        else:
            merged[at] = strategic_patch(merged[at], item)
    return [*added, *merged]


def _ordered(name: str, items: list[Obj], order: list[Obj]) -> list[Obj]:
    key = _merge_key(name, order)
    if key is None:
        return items
    places = {entry.get(key): place for place, entry in enumerate(order) if isinstance(entry, dict)}
    return sorted(items, key=lambda item: places.get(item.get(key), len(places)))


def json_patch(target: Obj, operations: Sequence[Obj]) -> Obj:
    """Apply a JSON patch.

    Raises: StatusError 422 for an operation that cannot be applied.
    """
    root: Obj = copied(target)
    for operation in operations:
        try:
            _apply(root, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            path = operation.get("path", "") if isinstance(operation, dict) else ""
            text = f"the server rejected our request due to an error in our request: {path}: {error}"
            raise statuses.StatusError(422, "Invalid", text, {}) from error
    return root


def _apply(root: Obj, operation: Obj) -> None:
    path = operation["path"]
    match operation["op"]:
        case "add":
            _add(root, path, operation["value"])
        case "remove":
            _remove(root, path)
        case "replace":
            _remove(root, path)
            _add(root, path, operation["value"])
        case "move":
            _add(root, path, _remove(root, operation["from"]))
        case "copy":
            _add(root, path, copied({"value": _find(root, operation["from"])})["value"])
        case "test":
            if _find(root, path) != operation.get("value"):
                raise ValueError("testing value failed")
        case unknown:
            raise ValueError(f"unexpected kind: {unknown}")


def _steps(path: str) -> list[str]:
    if not path.startswith("/"):
        raise ValueError("invalid JSON pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]


def _walk(root: Obj, steps: Sequence[str]) -> object:
    found: object = root
    for step in steps:
        if isinstance(found, list):
            found = found[_index(step, len(found))]
        elif isinstance(found, dict):
            found = found[step]
        else:
            raise KeyError(step)
    return found


def _find(root: Obj, path: str) -> object:
    return _walk(root, _steps(path))


def _index(step: str, limit: int) -> int:
    if not step.isdigit() or int(step) >= limit:
        raise IndexError(f"invalid index {step}")
    return int(step)


def _add(root: Obj, path: str, value: object) -> None:
    *parents, last = _steps(path)
    holder = _walk(root, parents)
    if isinstance(holder, list):
        holder.insert(len(holder) if last == "-" else _index(last, len(holder) + 1), value)
    elif isinstance(holder, dict):
        holder[last] = value
    else:
        raise KeyError(last)


def _remove(root: Obj, path: str) -> object:
    *parents, last = _steps(path)
    holder = _walk(root, parents)
    removed: object
    if isinstance(holder, list):
        removed = holder.pop(_index(last, len(holder)))
    elif isinstance(holder, dict):
        removed = holder.pop(last)
    else:
        raise KeyError(last)
    return removed
