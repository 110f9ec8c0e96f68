"""Label and field selectors: parsed and refused as apimachinery does it, matched against plain objects.

Pure.  Sentences are those of transcripts/watch/selector-and-request-errors and of apimachinery
pkg/labels/selector.go where nothing was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from podshell.sandbox import statuses
from podshell.sandbox.resources import EVENT, JOB, NAMESPACE, POD, REPLICASET, SECRET, Resource
from podshell.sandbox.store import Obj

Predicate = Callable[[Obj], bool]

_TOKEN = re.compile(r"\s*(==|!=|[=!,()<>]|[^\s=!,()<>]+)")
_OPERATORS = {"=", "==", "!=", "<", ">", "in", "notin"}
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_KEY_ERROR = (
    "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
_VALUE_ERROR = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_MAX_VALUE_BYTES = 63


@dataclass(frozen=True)
class _Requirement:
    key: str
    operator: str  # =, !=, in, notin, exists, !, <, >
    values: frozenset[str] = frozenset()

    def holds(self, labels: dict[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "!=" | "notin":
                return value is None or value not in self.values
            case "<" | ">":
                return value is not None and _compares(value, self.operator, min(self.values))
            case _:
                return value is not None and value in self.values


def _compares(value: str, operator: str, bound: str) -> bool:
    if not (value.lstrip("-").isdigit() and bound.lstrip("-").isdigit()):
        return False
    return int(value) < int(bound) if operator == "<" else int(value) > int(bound)


class _Parser:
    """The recursive descent of apimachinery; every error is one sentence."""

    def __init__(self, text: str) -> None:
        self._tokens = [match.group(1) for match in _TOKEN.finditer(text)]
        self._at = 0

    def parse(self) -> list[_Requirement]:
        requirements: list[_Requirement] = []
        while True:
            token = self._peek()
            if token == "":
                return requirements
            if token != "!" and not self._is_identifier(token):
                raise statuses.bad_request(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                requirements.append(self._requirement())
            except _SyntaxError as error:
                raise statuses.bad_request(f"unable to parse requirement: {error}") from error
            separator = self._take()
            if separator == "":
                return requirements
            if separator != ",":
                raise statuses.bad_request(f"found '{separator}', expected: ',' or 'end of string'")
            following = self._peek()
            if following != "!" and not self._is_identifier(following):
                raise statuses.bad_request(f"found '{following}', expected: identifier after ','")

    def _requirement(self) -> _Requirement:
        token = self._take()
        negated = token == "!"
        key = self._take() if negated else token
        if not self._is_identifier(key):
            raise _SyntaxError(f"found '{key}', expected: identifier")
        _check_key(key)
        if negated:
            return _Requirement(key, "!")
        if self._peek() in ("", ","):
            return _Requirement(key, "exists")
        operator = self._take()
        if operator not in _OPERATORS:
            raise _SyntaxError(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._set() if operator in ("in", "notin") else [self._value()]
        for index, value in enumerate(values):
            _check_value(key, index, value)
        return _Requirement(key, "=" if operator == "==" else operator, frozenset(values))

    def _value(self) -> str:
        if self._peek() in ("", ","):
            return ""
        token = self._take()
        if not self._is_identifier(token):
            raise _SyntaxError(f"found '{token}', expected: identifier")
        return token

    def _set(self) -> list[str]:
        opening = self._take()
        if opening != "(":
            raise _SyntaxError(f"found '{opening}' expected: '('")
        values: list[str] = []
        if self._peek() == ")":
            self._take()
            raise _SyntaxError("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty")
        if self._peek() != "," and not self._is_identifier(self._peek()):
            raise _SyntaxError(f"found '{self._peek()}', expected: ',', ')' or identifier")
        while True:
            values.append(self._take() if self._is_identifier(self._peek()) else "")
            token = self._take()
            if token == ")":
                return values
            if token != ",":
                raise _SyntaxError(f"found '{token}', expected: ',' or ')'")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    @staticmethod
    def _is_identifier(token: str) -> bool:
        return token != "" and token[0] not in "=!,()<>"


class _SyntaxError(Exception):
    """A requirement that cannot be read; becomes a 400."""


def _check_key(key: str) -> None:
    prefix, slash, name = key.rpartition("/")
    sound = _NAME.fullmatch(name) is not None and len(name) <= _MAX_VALUE_BYTES
    if slash and (not prefix or _PREFIX.fullmatch(prefix) is None):
        sound = False
    if not sound:
        raise _SyntaxError(f'<nil>: Invalid value: "{key}": {_KEY_ERROR}')


def _check_value(key: str, index: int, value: str) -> None:
    where = f'values[{index}][{key}]: Invalid value: "{value}"'
    if len(value.encode()) > _MAX_VALUE_BYTES:
        raise _SyntaxError(f"{where}: must be no more than 63 bytes")
    if value and _NAME.fullmatch(value) is None:
        raise _SyntaxError(f"{where}: {_VALUE_ERROR}")


def parse_labels(text: str) -> Predicate:
    """Read a label selector.

    Raises: StatusError 400.
    """
    requirements = _Parser(text).parse()

    def matches(obj: Obj) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all(requirement.holds(labels) for requirement in requirements)

    return matches


def selects(selector: Obj | None, labels: dict[str, str]) -> bool:
    """Match a ``metav1.LabelSelector`` (matchLabels, matchExpressions); None and empty match nothing and everything."""
    if selector is None:
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    names = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
    return all(
        _Requirement(term["key"], names[term["operator"]], frozenset(term.get("values") or ())).holds(labels)
        for term in selector.get("matchExpressions") or []
    )


_POD_FIELDS = (
    *("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork"),
    *("status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"),
)
_EVENT_FIELDS = (
    *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")),
    *("involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"),
)
# Selectable fields beside metadata.name and metadata.namespace (registry/*/strategy.go).
_FIELDS: dict[Resource, tuple[str, ...]] = {
    POD: _POD_FIELDS,
    EVENT: _EVENT_FIELDS,
    NAMESPACE: ("status.phase",),
    SECRET: ("type",),
    JOB: ("status.successful",),
    REPLICASET: ("status.replicas",),
}


def parse_fields(resource: Resource, text: str) -> Predicate:
    """Read a field selector: ``=``, ``==`` and ``!=`` over the fields this resource allows.

    Raises: StatusError 400.
    """
    terms: list[tuple[str, bool, str]] = []
    for term in filter(None, text.split(",")):
        for operator in ("!=", "==", "="):
            key, found, value = term.partition(operator)
            if found:
                terms.append((key, operator != "!=", value))
                break
        else:
            raise statuses.bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
    allowed = {"metadata.name", *_FIELDS.get(resource, ())}
    if resource.namespaced:
        allowed.add("metadata.namespace")
    if resource.plural == "nodes":
        allowed.add("spec.unschedulable")
    if resource.plural == "resourceslices":
        allowed |= {"spec.nodeName", "spec.driver"}
    for key, _, _ in terms:
        if key not in allowed:
            raise statuses.bad_request(f"field label not supported: {key}")

    def matches(obj: Obj) -> bool:
        return all((_field(obj, key) == value) is wanted for key, wanted, value in terms)

    return matches


def _field(obj: Obj, key: str) -> str:
    if key == "source" and isinstance(obj.get("source"), dict):
        return str(obj["source"].get("component", ""))
    if key in ("spec.hostNetwork", "spec.unschedulable"):
        return str(bool(obj.get("spec", {}).get(key.partition(".")[2]))).lower()
    found: object = obj
    for part in key.split("."):
        found = found.get(part, "") if isinstance(found, dict) else ""
    return str(found if found is not None else "")
