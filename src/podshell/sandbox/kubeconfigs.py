"""Kubeconfig files for the sandbox: one context per cluster, with the cluster's own authority and a user's token."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from podshell.sandbox.store import Obj


@dataclass(frozen=True)
class Access:
    """How one user reaches one cluster."""

    cluster: str
    url: str
    ca_pem: str
    user: str
    token: str
    namespace: str = "default"


def kubeconfig(accesses: Iterable[Access]) -> Obj:
    """A kubeconfig with one context for each access, named after its cluster; the first one is current."""
    listed = list(accesses)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": one.cluster, "cluster": {"server": one.url, "certificate-authority-data": _encoded(one.ca_pem)}} for one in listed
        ],
        "users": [{"name": _user(one), "user": {"token": one.token}} for one in listed],
        "contexts": [
            {"name": one.cluster, "context": {"cluster": one.cluster, "user": _user(one), "namespace": one.namespace}} for one in listed
        ],
        "current-context": listed[0].cluster,
        "preferences": {},
    }


def write_kubeconfig(path: Path, accesses: Iterable[Access]) -> None:
    """Write a kubeconfig that only its owner may read.

    Raises:
        OSError: the file cannot be written.
    """
    text = yaml.safe_dump(kubeconfig(accesses), sort_keys=False)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    path.chmod(0o600)  # also when the file was there before


def _user(access: Access) -> str:
    return f"{access.user}@{access.cluster}"


def _encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()
