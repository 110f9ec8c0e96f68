"""The parts of Podshell as processes of their own, so that a test can kill and restart any of them: sandbox, gateway, one agent a cluster.

Each part prints to a file; `wait_for` looks there for what it announces.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

# Podshell may run on another Python than its tests: tests/run.py has one installed with each.
PODSHELL = Path(os.environ.get("PODSHELL_TESTED_PROGRAM") or Path(sys.executable).parent / "podshell")
CLUSTERS = ("demo-east", "demo-west")
# In one cluster pods may be deleted, in the other tools containers made: each action can be seen allowed and refused.
CEILINGS = {"demo-east": ("pod-exec", "basic"), "demo-west": ("pod-exec", "pod-debug", "node-shell", "host-mount")}
# A start is ready within 3 s on an idle machine; CI's are not idle.
START_SECONDS = 60.0


class Part:
    """One process in a session of its own. `ready`: what it prints once it can be used, where its starter is to wait for that."""

    def __init__(self, name: str, folder: Path, *arguments: str, ready: str = "") -> None:
        self.name = name
        self._ready = ready
        self.log = folder / f"{name}.log"
        self._arguments = arguments
        self._environment: Mapping[str, str] = {**os.environ, "HOME": str(folder), "KUBECONFIG": "", "PYTHONUNBUFFERED": "1"}
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [PODSHELL, *self._arguments, *more],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self._ready:
            self.wait_for(f"({self._ready})")

    def wait_for(self, pattern: str) -> str:
        """Wait until the process has printed what matches; returns its first group."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = re.search(pattern, self.log.read_text(errors="replace"))
            if found:
                return found.group(1)
            assert self._process is not None
            assert self._process.poll() is None, f"{self.name} ended:\n{self.log.read_text(errors='replace')}"
            time.sleep(0.05)
        raise AssertionError(f"{self.name} did not print {pattern!r}:\n{self.log.read_text(errors='replace')}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


@dataclass(frozen=True)
class PodState:
    """A pod at its API server. `runs`: a container of it runs, and it is not being deleted."""

    namespace: str
    name: str
    runs: bool

    @classmethod
    def of(cls, pod: dict[str, Any]) -> PodState:
        metadata, status = pod["metadata"], pod.get("status", {})
        statuses = [*status.get("containerStatuses", []), *status.get("initContainerStatuses", [])]
        running = any("running" in one.get("state", {}) for one in statuses)
        return cls(metadata["namespace"], metadata["name"], running and "deletionTimestamp" not in metadata)


class Podshell:
    """Two sandbox clusters, a gateway and two agents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig.yaml"
        self.sandbox = Part("sandbox", folder, "sandbox", "--clusters", "2", "--kubeconfig-out", str(self.kubeconfig))
        self.gateway = Part("gateway", folder, "gateway", "--state-dir", str(folder / "gateway"))
        self.agents: dict[str, Part] = {}
        self.url = ""

    def start(self) -> None:
        self.sandbox.start()
        enrol = [option for name in CLUSTERS for option in ("--enrol", f"{name}={self.folder / name}.token")]
        self.gateway.start("--port", "0", *enrol)
        self.sandbox.wait_for(r"(?s)(demo-west)")
        self._wait_for_file(self.kubeconfig)
        link = self.link()
        self.url = link.split("/#")[0]
        for name in CLUSTERS:
            self.agents[name] = agent = Part(
                f"agent-{name}",
                self.folder,
                "agent",
                *("--cluster", name, "--gateway-urls", self.url, "--kubeconfig", str(self.kubeconfig), "--context", name),
                *("--state-dir", str(self.folder / f"agent-{name}"), "--enrolment-token-file", f"{self.folder / name}.token"),
                *(f"--ceiling-{action}" for action in CEILINGS[name]),
                *("--tools-image-repository", "tools", "--tools-image-version", "1", "--tools-allowed-images", "nowhere.example/*"),
                ready="the link is up",
            )
            self._wait_for_file(self.folder / f"{name}.token")
            agent.start()

    def link(self) -> str:
        """The one-time sign-in link that the gateway printed at its last start."""
        return self.gateway.wait_for(r"(http://\S+/#signin=\S+)")

    def start_gateway(self, *options: str) -> None:
        """Start the gateway again, on its port."""
        self.gateway.start("--port", self.url.rsplit(":", 1)[1], *options)
        self.link()

    def delete_pod(self, cluster: str, namespace: str, name: str) -> None:
        """Delete a pod at the API server of a cluster, past Podshell."""
        self._ask(cluster, "DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}")

    def pods(self, cluster: str) -> list[PodState]:
        """All pods of a cluster as its API server has them, not as Podshell shows them."""
        return [PodState.of(item) for item in self._ask(cluster, "GET", "/api/v1/pods")["items"]]

    def _ask(self, cluster: str, method: str, path: str) -> dict[str, Any]:
        config = yaml.safe_load(self.kubeconfig.read_text())
        server = next(one["cluster"] for one in config["clusters"] if one["name"] == cluster)
        context = next(one["context"] for one in config["contexts"] if one["name"] == cluster)
        user = next(one["user"] for one in config["users"] if one["name"] == context["user"])
        trusted = ssl.create_default_context(cadata=base64.b64decode(server["certificate-authority-data"]).decode())
        headers = {"authorization": f"Bearer {user['token']}"}
        answer = httpx.request(method, f"{server['server']}{path}", headers=headers, verify=trusted, trust_env=False).raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    def stop(self) -> None:
        for part in (*self.agents.values(), self.gateway, self.sandbox):
            part.stop()

    def _wait_for_file(self, path: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not (path.is_file() and path.stat().st_size):
            assert time.monotonic() < deadline, f"{path.name} did not come:\n{self.gateway.log.read_text()}\n{self.sandbox.log.read_text()}"
            time.sleep(0.05)
