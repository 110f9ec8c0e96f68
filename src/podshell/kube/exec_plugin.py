"""Credential plugins: programs that a kubeconfig names and that print a token or a client certificate.

`client.authentication.k8s.io/v1` and `v1beta1`. What a plugin printed is kept until its expirationTimestamp, or, without one, until
the server answers 401; one process runs at a time. Nothing that it prints on stdout is logged.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

from podshell.kube.errors import KubeconfigError
from podshell.kube.tls import present

API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
# A plugin may open a browser and wait for its user.
_PLUGIN_SECONDS = 120.0
# Renewed this long before the end, so that no request goes out with a token that ends on its way.
_EARLY_SECONDS = 10.0
_OUTPUT_LIMIT_BYTES = 1024 * 1024

InteractiveMode = Literal["Never", "IfAvailable", "Always"]


@dataclass(frozen=True, slots=True)
class PluginCall:
    """What to run. `cluster` is the value of `spec.cluster` where the kubeconfig says provideClusterInfo."""

    api_version: str
    command: str
    args: Sequence[str] = ()
    env: Mapping[str, str] | None = None
    install_hint: str = ""
    interactive_mode: InteractiveMode = "IfAvailable"
    cluster: Mapping[str, object] | None = None
    origin: str = "the kubeconfig"


class _CredentialStatus(msgspec.Struct, rename="camel"):
    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""
    expiration_timestamp: datetime | None = None


class _ExecCredential(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    status: _CredentialStatus | None = None


class ExecPlugin:
    """Credentials from a plugin. Certificates go into `tls`.

    `terminal` says whether the user can be asked on this process's terminal.
    """

    def __init__(
        self,
        call: PluginCall,
        tls: ssl.SSLContext | None,
        *,
        terminal: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._call = call
        self._tls = tls
        self._interactive = terminal and call.interactive_mode != "Never"
        self._now = now
        self._lock = asyncio.Lock()
        self._status: _CredentialStatus | None = None

    async def headers(self) -> Mapping[str, str]:
        """Return the token's header, running the plugin where nothing valid is kept.

        Raises:
            KubeconfigError: the plugin is missing, failed, or printed no credential.
        """
        async with self._lock:
            status = self._status
            if status is None or self._is_old(status):
                status = self._status = await self._run()
        return {"Authorization": f"Bearer {status.token}"} if status.token else {}

    def invalidate(self) -> None:
        """Run the plugin again at the next request."""
        self._status = None

    def _is_old(self, status: _CredentialStatus) -> bool:
        end = status.expiration_timestamp
        if end is None:
            return False
        if end.tzinfo is None:
            end = end.replace(tzinfo=UTC)
        return (end - self._now()).total_seconds() <= _EARLY_SECONDS

    async def _run(self) -> _CredentialStatus:
        call = self._call
        if call.interactive_mode == "Always" and not self._interactive:
            raise KubeconfigError(
                f"the credential plugin {call.command!r} of {call.origin} wants to ask on a terminal and there is none: "
                "run it once in a terminal, or use other credentials"
            )
        output = await self._output()
        try:
            credential = msgspec.json.decode(output, type=_ExecCredential)
        except msgspec.MsgspecError as error:
            raise self._bad("printed no ExecCredential in JSON") from error
        if credential.kind != "ExecCredential" or credential.api_version != call.api_version:
            raise self._bad(f"printed {credential.kind} {credential.api_version}, asked was for {call.api_version}")
        status = credential.status
        if status is None or not (status.token or status.client_certificate_data):
            raise self._bad("printed neither a token nor a client certificate")
        if bool(status.client_certificate_data) != bool(status.client_key_data):
            raise self._bad("printed only one of client certificate and key")
        if status.client_certificate_data and self._tls is not None:
            certificate, key = status.client_certificate_data.encode(), status.client_key_data.encode()
            present(self._tls, certificate, key, origin=f"what the credential plugin {call.command!r} printed")
        return status

    async def _output(self) -> bytes:
        call = self._call
        try:
            process = await asyncio.create_subprocess_exec(
                call.command,
                *call.args,
                env={**os.environ, **(call.env or {}), "KUBERNETES_EXEC_INFO": self._exec_info()},
                stdin=None if self._interactive else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=None if self._interactive else asyncio.subprocess.PIPE,
                limit=_OUTPUT_LIMIT_BYTES,
            )
        except OSError as error:
            hint = f" ({call.install_hint.strip()})" if call.install_hint else ""
            raise KubeconfigError(
                f"cannot run the credential plugin {call.command!r} of {call.origin}: "
                f"{error.strerror or type(error).__name__}; install it{hint}, or use other credentials"
            ) from error
        try:
            async with asyncio.timeout(_PLUGIN_SECONDS):
                output, errors = await process.communicate()
        except TimeoutError as error:
            raise self._bad(f"did not end within {_PLUGIN_SECONDS:.0f} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            said = (errors or b"").decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing"]
            raise self._bad(f"ended with code {process.returncode} and said: {said[0][:300]}")
        return output

    def _exec_info(self) -> str:
        spec: dict[str, object] = {"interactive": self._interactive}
        if self._call.cluster is not None:
            spec["cluster"] = self._call.cluster
        info = {"apiVersion": self._call.api_version, "kind": "ExecCredential", "spec": spec}
        return msgspec.json.encode(info).decode()

    def _bad(self, what: str) -> KubeconfigError:
        call = self._call
        return KubeconfigError(f"the credential plugin {call.command!r} of {call.origin} {what}: run it by hand to see why")
