"""A Kubernetes client for the doctor's tests, whose server has what a test says."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from podshell.kube.errors import KubeError, NotFound, Unreachable
from podshell.kube.rest import ServerVersion


class Answering:
    """A client whose server has these objects; an exception in the place of one is raised, what is not there is NotFound."""

    def __init__(self, objects: dict[str, object] | None = None, version: str | KubeError = "v1.36.2") -> None:
        self.connection = type("Connection", (), {"server": "https://api.example", "namespace": "shop"})()
        self._objects = objects or {}
        self._version = version

    async def get(self, path: str, kind: type[Any]) -> Any:
        found = self._objects.get(path, NotFound(f"{path} not found"))
        if isinstance(found, KubeError):
            raise found
        return msgspec.json.decode(json.dumps(found), type=kind)

    async def create(self, path: str, body: object, kind: type[Any]) -> Any:
        raise Unreachable("https://api.example", f"{path} is not served")

    async def headers(self) -> list[tuple[str, str]]:
        return []

    async def request_raw(self, *_: object) -> Any:
        raise TimeoutError

    async def server_version(self) -> ServerVersion:
        if isinstance(self._version, KubeError):
            raise self._version
        return ServerVersion(self._version)


def client(objects: dict[str, object] | None = None, version: str | KubeError = "v1.36.2") -> Any:
    return Answering(objects, version)
