"""The Impersonate-* headers: who a caller asks to be, and whether it may.

Sentences and their order are those of transcripts/auth/impersonation.  Kubernetes 1.36 asks for the constrained
verbs first; a caller without any impersonate rule is refused with that text, one with some is refused with the older
one (as recorded; the rule between the two is inferred from these recordings).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from multidict import CIMultiDictProxy

from podshell.sandbox import statuses
from podshell.sandbox.paths import RequestInfo
from podshell.sandbox.rbac import AUTHENTICATED, Attributes, Authority, User, refusal, service_account_groups

_EXTRA = "impersonate-extra-"
_ANONYMOUS = "system:anonymous"


def impersonate(authority: Authority, caller: User, headers: CIMultiDictProxy[str], info: RequestInfo) -> User:
    """Give the user to go on as: the caller, or whom it impersonates.

    Raises: StatusError 400 without a user name, 403 without the right.
    """
    name = headers.get("Impersonate-User", "")
    groups = tuple(headers.getall("Impersonate-Group", ()))
    uid = headers.get("Impersonate-Uid", "")
    extra = _extra(headers)
    if not name:
        if groups or uid or extra:
            raise statuses.bad_request(f"requested {_go_user(uid, groups, extra)} without impersonating a user name")
        return caller
    _check(authority, caller, info, _wanted(name, groups, uid, extra))
    if name == _ANONYMOUS:
        every: Iterable[str] = groups or ("system:unauthenticated",)
    else:
        every = (*(groups or service_account_groups(name)), AUTHENTICATED)
    return User(name, tuple(dict.fromkeys(every)), uid, extra)


def _extra(headers: CIMultiDictProxy[str]) -> dict[str, tuple[str, ...]]:
    extra: dict[str, tuple[str, ...]] = {}
    for header, value in headers.items():
        if header.lower().startswith(_EXTRA):
            key = unquote(header[len(_EXTRA) :].lower())
            extra[key] = (*extra.get(key, ()), value)
    return extra


def _wanted(name: str, groups: Iterable[str], uid: str, extra: dict[str, tuple[str, ...]]) -> Iterator[Attributes]:
    if name.startswith("system:serviceaccount:") and name.count(":") == 3:
        _, _, namespace, account = name.split(":")
        yield Attributes("impersonate", "", "serviceaccounts", "", namespace, account)
    else:
        yield Attributes("impersonate", "", "users", name=name)
    for group in groups:
        yield Attributes("impersonate", "", "groups", name=group)
    for key, values in extra.items():
        for value in values:
            yield Attributes("impersonate", "authentication.k8s.io", "userextras", key, name=value)
    if uid:
        yield Attributes("impersonate", "authentication.k8s.io", "uids", name=uid)


def _check(authority: Authority, caller: User, info: RequestInfo, wanted: Iterable[Attributes]) -> None:
    for attributes in wanted:
        if authority.decide(caller, attributes).allowed:
            continue
        if authority.may_impersonate_somebody(caller):
            raise refusal(caller, attributes)
        asked = info.attributes
        verb = f"impersonate-on:user-info:{asked.verb}"
        raise refusal(
            caller,
            Attributes(verb, asked.group, asked.resource, asked.subresource, asked.namespace, asked.name, asked.path),
        )


def _go_user(uid: str, groups: Iterable[str], extra: dict[str, tuple[str, ...]]) -> str:
    """Print a user as Go's %#v does; it is part of the recorded sentence."""
    listed = ", ".join(f'"{group}"' for group in groups)
    go_groups = f"[]string{{{listed}}}" if listed else "[]string(nil)"
    pairs = ", ".join(f'"{key}":[]string{{{", ".join(f"{chr(34)}{value}{chr(34)}" for value in values)}}}' for key, values in extra.items())
    go_extra = f"map[string][]string{{{pairs}}}" if extra else "map[string][]string(nil)"
    return f'&user.DefaultInfo{{Name:"", UID:"{uid}", Groups:{go_groups}, Extra:{go_extra}}}'
