"""A stack of a test module's own whose cluster runs in this process, so that a test can interfere with it while the page is open.

The stack lives in a loop on a thread of its own, for Playwright's calls block theirs. The agent has its own service account here, with the
rights of the chart, not an administrator's.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from playwright.sync_api import Browser, StorageState

from podshell.kube import reflector
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.resources import DEPLOYMENT, POD
from stack import Stack

Answer = TypeVar("Answer")
# How soon an agent looks again for rights that it lacked; otherwise half a minute and more.
REFUSED_SECONDS = 0.5
# Starting takes 2 s on an idle machine.
PATIENCE_SECONDS = 60.0


class Lab:
    """A running stack of one cluster."""

    def __init__(self, folder: Path, **pieces: object) -> None:
        self._patches = pytest.MonkeyPatch()
        for name in ("BACKOFF_CAP_SECONDS", "REFUSED_CAP_SECONDS"):
            self._patches.setattr(reflector, name, REFUSED_SECONDS)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab", daemon=True)
        self._thread.start()
        self.stack = self._await(_start(folder, pieces))

    def stop(self) -> None:
        self._await(self.stack.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()
        self._patches.undo()

    @property
    def url(self) -> str:
        return self.stack.direct_url

    @property
    def cluster(self) -> SandboxCluster:
        return self.stack.cluster.sandbox

    def sign_in(self, chromium: Browser) -> StorageState:
        """The cookie of a browser that has used a sign-in link."""
        assert self.stack.gateway is not None
        link: str = self._await(self.stack.gateway.make_signin_link())
        context = chromium.new_context()
        page = context.new_page()
        page.goto(link)
        page.get_by_role("heading", name="Pods").wait_for(timeout=PATIENCE_SECONDS * 1000)
        state = context.storage_state()
        context.close()
        return state

    def take_away(self, binding: str) -> None:
        """Take the rights of one of the agent's bindings (sandbox/users.py) from it."""
        self._call(lambda: self.cluster.authority.unbind(binding))

    def give_back(self, binding: str) -> None:
        """Give them back."""
        given = next(one for one in users.agent_bindings() if one.name == binding)
        self._call(lambda: self.cluster.authority.bind(given))

    def change_role(self, role: str) -> None:
        """Give the one user another role at the gateway."""
        assert self.stack.gateway is not None
        self._await(self.stack.change_role(self.stack.gateway.settings.owner, role))

    def debug_containers(self, namespace: str, pod: str) -> list[str]:
        """The debug containers of a pod, as its API server has them."""
        found = self.cluster.store.get(POD, namespace, pod)
        assert found is not None
        return [str(one["name"]) for one in found["spec"].get("ephemeralContainers", [])]

    def break_connections(self) -> None:
        """Break every connection of the agent to its API server, as a restart of that one does."""
        self._call(self.stack.cluster.api_proxy.cut)

    def image(self, namespace: str, deployment: str) -> str:
        """The image of a deployment's first container."""
        found = self.cluster.store.get(DEPLOYMENT, namespace, deployment)
        assert found is not None
        return str(found["spec"]["template"]["spec"]["containers"][0]["image"])

    def set_image(self, namespace: str, deployment: str, image: str) -> None:
        """Give it another one, at the API server and as the cluster's administrator."""
        access = self.cluster.access(users.ADMIN)
        url = f"{access.url}/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}"
        headers = {"authorization": f"Bearer {access.token}", "content-type": "application/json-patch+json"}
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
        with httpx.Client(verify=ssl.create_default_context(cadata=access.ca_pem), trust_env=False) as client:
            client.patch(url, headers=headers, json=patch).raise_for_status()

    def _call(self, act: Callable[[], object]) -> None:
        async def called() -> None:
            act()

        self._await(called())

    def _await(self, waiting: Coroutine[object, object, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(waiting, self._loop).result(PATIENCE_SECONDS)


async def _start(folder: Path, pieces: dict[str, object]) -> Stack:
    # Made here and not by the caller: its servers belong to the loop that runs while they are made.
    return await Stack(folder, **pieces).__aenter__()
