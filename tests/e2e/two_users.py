"""Two people who may debug pods in one namespace, and no more: on a real cluster two service accounts, each with a kubeconfig."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cluster_pods import NAMESPACE
from second_client import SecondClient

USERS = ("ada", "bob")
# What a debug shell needs; the rest of what it asks for may be refused (the namespace, access reviews of others).
RULES: list[dict[str, list[str]]] = [
    {"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]},
    {"apiGroups": [""], "resources": ["pods/ephemeralcontainers"], "verbs": ["get", "patch"]},
]


@asynccontextmanager
async def make_users(client: SecondClient, folder: Path) -> AsyncIterator[dict[str, Path]]:
    """Make them on a real cluster, and remove them again; where that is not permitted the test is skipped."""
    objects = [one for name in USERS for one in _objects(name)]
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    try:
        code, _, errors = await client.try_run("apply", "-f", "-", stdin=manifest)
        if code != 0:
            pytest.skip(f"no users may be made: {errors.strip()}")
        yield {name: await _write_kubeconfig(client, folder, name) for name in USERS}
    finally:
        await client.try_run("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=manifest)


def _objects(user: str) -> list[dict[str, object]]:
    name = f"podshell-e2e-{user}"
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"app": "podshell-e2e"}}
    group = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": RULES},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
        },
    ]


async def _write_kubeconfig(client: SecondClient, folder: Path, user: str) -> Path:
    config = json.loads(await client.run("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    token = (await client.run("create", "token", f"podshell-e2e-{user}", "-n", NAMESPACE)).strip()
    config["users"] = [{"name": user, "user": {"token": token}}]
    config["contexts"][0]["context"]["user"] = user
    path = folder / f"{user}.kubeconfig"
    path.touch(0o600)
    path.write_text(json.dumps(config))
    return path
