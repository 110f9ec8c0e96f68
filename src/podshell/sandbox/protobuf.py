"""Bodies that kubectl 1.37 sends as protobuf: decoded to plain objects by a small table of fields.

kubectl sends protobuf where it uses typed clients: the reviews of ``kubectl auth``, the pod of ``kubectl debug node/``
and a few ``kubectl create`` commands; it accepts JSON answers to all of them.  Pure.  Field numbers are those of the
generated.proto files of k8s.io/api (core/v1, authorization/v1, meta/v1).  A field that is not in the table is refused
with 415, never dropped: a pod that silently loses a field would be worse than a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from podshell.sandbox import statuses
from podshell.sandbox.store import Obj

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"  # apimachinery pkg/runtime/serializer/protobuf

# A field: (name, kind); kind is str, int, bool, a message, "map", "quantities" or one of them in a list of one.
Kind: TypeAlias = "str | Message | list[str | Message]"
Message: TypeAlias = "dict[int, tuple[str, Kind]]"

_OWNER: Message = {1: ("kind", "str"), 3: ("name", "str"), 4: ("uid", "str"), 5: ("apiVersion", "str")}
_OWNER |= {6: ("controller", "bool"), 7: ("blockOwnerDeletion", "bool")}
_META: Message = {
    1: ("name", "str"),
    2: ("generateName", "str"),
    3: ("namespace", "str"),
    4: ("selfLink", "str"),
    5: ("uid", "str"),
    6: ("resourceVersion", "str"),
    7: ("generation", "int"),
    8: ("creationTimestamp", "skip"),
    11: ("labels", "map"),
    12: ("annotations", "map"),
    13: ("ownerReferences", [_OWNER]),
    14: ("finalizers", ["str"]),
}
_CAPABILITIES: Message = {1: ("add", ["str"]), 2: ("drop", ["str"])}
_SECCOMP: Message = {1: ("type", "str"), 2: ("localhostProfile", "str")}
_SECURITY: Message = {
    1: ("capabilities", _CAPABILITIES),
    2: ("privileged", "bool"),
    4: ("runAsUser", "int"),
    5: ("runAsNonRoot", "bool"),
    6: ("readOnlyRootFilesystem", "bool"),
    7: ("allowPrivilegeEscalation", "bool"),
    8: ("runAsGroup", "int"),
    11: ("seccompProfile", _SECCOMP),
}
_MOUNT: Message = {
    1: ("name", "str"),
    2: ("readOnly", "bool"),
    3: ("mountPath", "str"),
    4: ("subPath", "str"),
    5: ("mountPropagation", "str"),
    6: ("subPathExpr", "str"),
    7: ("recursiveReadOnly", "str"),
}
_PORT: Message = {1: ("name", "str"), 2: ("hostPort", "int"), 3: ("containerPort", "int"), 4: ("protocol", "str")}
_CONTAINER: Message = {
    1: ("name", "str"),
    2: ("image", "str"),
    3: ("command", ["str"]),
    4: ("args", ["str"]),
    5: ("workingDir", "str"),
    6: ("ports", [_PORT]),
    7: ("env", [{1: ("name", "str"), 2: ("value", "str")}]),
    8: ("resources", {1: ("limits", "quantities"), 2: ("requests", "quantities")}),
    9: ("volumeMounts", [_MOUNT]),
    13: ("terminationMessagePath", "str"),
    14: ("imagePullPolicy", "str"),
    15: ("securityContext", _SECURITY),
    16: ("stdin", "bool"),
    17: ("stdinOnce", "bool"),
    18: ("tty", "bool"),
    20: ("terminationMessagePolicy", "str"),
    24: ("restartPolicy", "str"),
}
_SOURCE: Message = {1: ("hostPath", {1: ("path", "str"), 2: ("type", "str")}), 2: ("emptyDir", {})}
_TOLERATION: Message = {
    1: ("key", "str"),
    2: ("operator", "str"),
    3: ("value", "str"),
    4: ("effect", "str"),
    5: ("tolerationSeconds", "int"),
}
_POD_SPEC: Message = {
    1: ("volumes", [{1: ("name", "str"), 2: ("", _SOURCE)}]),
    2: ("containers", [_CONTAINER]),
    3: ("restartPolicy", "str"),
    4: ("terminationGracePeriodSeconds", "int"),
    5: ("activeDeadlineSeconds", "int"),
    6: ("dnsPolicy", "str"),
    7: ("nodeSelector", "map"),
    8: ("serviceAccountName", "str"),
    9: ("serviceAccount", "str"),
    10: ("nodeName", "str"),
    11: ("hostNetwork", "bool"),
    12: ("hostPID", "bool"),
    13: ("hostIPC", "bool"),
    14: ("securityContext", {2: ("runAsUser", "int"), 3: ("runAsNonRoot", "bool"), 10: ("seccompProfile", _SECCOMP)}),
    16: ("hostname", "str"),
    17: ("subdomain", "str"),
    19: ("schedulerName", "str"),
    20: ("initContainers", [_CONTAINER]),
    21: ("automountServiceAccountToken", "bool"),
    22: ("tolerations", [_TOLERATION]),
    24: ("priorityClassName", "str"),
}
_DEPLOYMENT_SPEC: Message = {
    1: ("replicas", "int"),
    2: ("selector", {1: ("matchLabels", "map")}),
    3: ("template", {1: ("metadata", _META), 2: ("spec", _POD_SPEC)}),
    4: ("strategy", {1: ("type", "str")}),
    5: ("minReadySeconds", "int"),
    6: ("revisionHistoryLimit", "int"),
    7: ("paused", "bool"),
    9: ("progressDeadlineSeconds", "int"),
}
_RESOURCE_ATTRIBUTES: Message = {
    1: ("namespace", "str"),
    2: ("verb", "str"),
    3: ("group", "str"),
    4: ("version", "str"),
    5: ("resource", "str"),
    6: ("subresource", "str"),
    7: ("name", "str"),
}
_ACCESS_SPEC: Message = {
    1: ("resourceAttributes", _RESOURCE_ATTRIBUTES),
    2: ("nonResourceAttributes", {1: ("path", "str"), 2: ("verb", "str")}),
}
_STATUS: tuple[str, Kind] = ("", "skip")
_KINDS: dict[str, Message] = {
    "SelfSubjectReview": {1: ("metadata", _META), 2: _STATUS},
    "SelfSubjectAccessReview": {1: ("metadata", _META), 2: ("spec", _ACCESS_SPEC), 3: _STATUS},
    "SelfSubjectRulesReview": {1: ("metadata", _META), 2: ("spec", {1: ("namespace", "str")}), 3: _STATUS},
    "Pod": {1: ("metadata", _META), 2: ("spec", _POD_SPEC), 3: _STATUS},
    "Namespace": {1: ("metadata", _META), 2: _STATUS, 3: _STATUS},
    "ConfigMap": {1: ("metadata", _META), 2: ("data", "map")},
    "ServiceAccount": {1: ("metadata", _META)},
    "Deployment": {1: ("metadata", _META), 2: ("spec", _DEPLOYMENT_SPEC), 3: _STATUS},
    "DeleteOptions": {
        1: ("gracePeriodSeconds", "int"),
        2: ("preconditions", {1: ("uid", "str"), 2: ("resourceVersion", "str")}),
        3: ("orphanDependents", "bool"),
        4: ("propagationPolicy", "str"),
        5: ("dryRun", ["str"]),
    },
}
# Go writes these even when they are zero, as they are no pointers; JSON leaves them out.  So it is with every string.
_ALWAYS_WRITTEN = frozenset(
    ["stdin", "stdinOnce", "tty", "readOnly", "hostNetwork", "hostPID", "hostIPC", "hostPort", "generation", "minReadySeconds", "paused"]
)
_ENVELOPE: Message = {
    1: ("type", {1: ("apiVersion", "str"), 2: ("kind", "str")}),
    2: ("raw", "bytes"),
    3: ("contentEncoding", "str"),
    4: ("contentType", "str"),
}


def decode(body: bytes) -> Obj:
    """Decode one enveloped object.

    Raises: StatusError 400 for broken bytes, 415 for a kind or a field that is not in the table.
    """
    if not body.startswith(_MAGIC):
        raise statuses.bad_request("provided data does not appear to be a protobuf message, expected prefix k8s")
    try:
        envelope = _message(body[len(_MAGIC) :], _ENVELOPE)
        named = envelope.get("type") or {}
        fields = _KINDS.get(named.get("kind", ""))
        if fields is None:
            raise _unknown(f"kind {named.get('kind', '')}")
        decoded = _message(envelope.get("raw", b""), fields)
    except (IndexError, ValueError) as error:
        raise statuses.bad_request(f"broken protobuf: {error}") from error
    return {"kind": named["kind"], "apiVersion": named.get("apiVersion", ""), **decoded}


def _unknown(what: str) -> statuses.StatusError:
    return statuses.StatusError(415, "UnsupportedMediaType", f"the sandbox does not read {what} as protobuf; send application/json", {})


def _message(data: bytes, fields: Message) -> Obj:
    result: Obj = {}
    for number, value in _fields(data):
        if number not in fields:
            raise _unknown(f"field {number} beside {', '.join(name for name, _ in fields.values()) or 'none'}")
        name, kind = fields[number]
        if kind == "skip":
            continue
        if kind == "map" or kind == "quantities":
            key, entry = _map_entry(value, is_quantity=kind == "quantities")
            result.setdefault(name, {})[key] = entry
        elif isinstance(kind, list):
            result.setdefault(name, []).append(_value(value, kind[0]))
        elif name == "" and isinstance(kind, dict):
            result |= _message(_octets(value), kind)  # an inlined message
        else:
            decoded = _value(value, kind)
            if decoded == "" or (not decoded and name in _ALWAYS_WRITTEN):
                continue
            result[name] = decoded
    return result


def _value(value: int | bytes, kind: str | Message) -> object:
    if isinstance(kind, dict):
        return _message(_octets(value), kind)
    match kind:
        case "str":
            return _octets(value).decode()
        case "bytes":
            return _octets(value)
        case "bool":
            return bool(value)
        case _:
            if not isinstance(value, int):
                raise ValueError("a number was expected")
            return value - (1 << 64) if value >= 1 << 63 else value


def _octets(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("octets were expected")
    return value


def _map_entry(value: int | bytes, *, is_quantity: bool) -> tuple[str, str]:
    entry = dict(_fields(_octets(value)))
    content = _octets(entry.get(2, b""))
    if is_quantity:  # Quantity{string}
        content = _octets(dict(_fields(content)).get(1, b""))
    return _octets(entry.get(1, b"")).decode(), content.decode()


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        match wire:
            case 0:
                plain, at = _varint(data, at)
                yield number, plain
            case 2:
                length, at = _varint(data, at)
                if at + length > len(data):
                    raise ValueError("unexpected end")
                yield number, data[at : at + length]
                at += length
            case _:
                raise ValueError(f"wire type {wire}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        octet = data[at]
        at += 1
        result |= (octet & 0x7F) << shift
        if octet < 0x80:
            return result, at
    raise ValueError("number too long")
