"""The cluster and user entries of a kubeconfig, and the connection that two of them make."""

from __future__ import annotations

import base64
import binascii
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from podshell.aio.proxies import environment_proxy
from podshell.kube.connection import Connection, Credentials, Impersonation, NoCredentials
from podshell.kube.credentials import StaticToken, TokenFile
from podshell.kube.errors import KubeconfigError
from podshell.kube.exec_plugin import API_VERSIONS, ExecPlugin, InteractiveMode, PluginCall
from podshell.kube.tls import make_context, present


class Cluster(msgspec.Struct, rename="kebab"):
    """A cluster entry."""

    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    extensions: list[dict[str, object]] | None = None


class EnvironmentEntry(msgspec.Struct):
    """One variable of a plugin."""

    name: str
    value: str = ""


class Plugin(msgspec.Struct, rename="camel"):
    """`exec` of a user entry."""

    api_version: str = ""
    command: str = ""
    args: list[str] | None = None
    env: list[EnvironmentEntry] | None = None
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: InteractiveMode = "IfAvailable"


class User(msgspec.Struct, rename="kebab"):
    """A user entry."""

    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    exec: Plugin | None = None
    auth_provider: dict[str, object] | None = None
    as_user: str = msgspec.field(default="", name="as")
    as_groups: list[str] | None = None
    as_uid: str = ""
    as_user_extra: dict[str, list[str]] | None = None


def make_connection(
    cluster: Cluster,
    cluster_file: Path,
    user: User,
    user_file: Path,
    *,
    environ: Mapping[str, str],
    terminal: bool,
) -> Connection:
    """Return the connection of a cluster as a user, without the names of the context.

    Raises:
        KubeconfigError: an entry is incomplete, or a file or a piece of data in it cannot be used.
    """
    server = cluster.server.rstrip("/")
    scheme = urlsplit(server).scheme
    if scheme not in ("http", "https") or not urlsplit(server).hostname:
        raise KubeconfigError(f"{cluster_file} names no server for the cluster ({cluster.server!r}): write its https:// address")
    tls = None
    if scheme == "https":
        authority = _pem(cluster.certificate_authority_data, cluster.certificate_authority, "certificate-authority", cluster_file)
        origin = _origin(cluster.certificate_authority, "certificate-authority", cluster_file)
        tls = make_context(authority, insecure=cluster.insecure_skip_tls_verify, origin=origin)
        _present_certificate(tls, user, user_file)
    return Connection(
        server=server,
        tls=tls,
        credentials=_credentials(cluster, cluster_file, user, user_file, tls, terminal),
        tls_server_name=cluster.tls_server_name or None,
        proxy_url=_proxy(cluster, cluster_file, environ),
        impersonate=_impersonation(user),
    )


def _present_certificate(tls: ssl.SSLContext, user: User, file: Path) -> None:
    certificate = _pem(user.client_certificate_data, user.client_certificate, "client-certificate", file)
    key = _pem(user.client_key_data, user.client_key, "client-key", file)
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        missing = "client-certificate" if certificate is None else "client-key"
        raise KubeconfigError(f"{file} has a user without {missing}: add it, or use other credentials")
    present(tls, certificate, key, origin=_origin(user.client_certificate, "client-certificate", file))


def _credentials(
    cluster: Cluster, cluster_file: Path, user: User, user_file: Path, tls: ssl.SSLContext | None, terminal: bool
) -> Credentials:
    if user.token_file:
        return TokenFile(_beside(user_file, user.token_file))
    if user.token:
        return StaticToken(user.token)
    if user.exec is not None:
        call = _plugin_call(user.exec, user_file, cluster, cluster_file)
        return ExecPlugin(call, tls, terminal=terminal)
    if user.auth_provider is not None:
        name = user.auth_provider.get("name", "")
        raise KubeconfigError(
            f"{user_file} uses the auth provider {name!r}, which Kubernetes 1.26 removed: use that provider's exec plugin"
        )
    return NoCredentials()


def _plugin_call(plugin: Plugin, file: Path, cluster: Cluster, cluster_file: Path) -> PluginCall:
    if plugin.api_version not in API_VERSIONS:
        raise KubeconfigError(f"{file} asks for the plugin interface {plugin.api_version!r}: update the entry to {API_VERSIONS[0]}")
    if not plugin.command:
        raise KubeconfigError(f"{file} has a credential plugin without a command: add it")
    # A bare name is looked up in PATH, anything with a slash is relative to the file.
    command = str(_beside(file, plugin.command)) if "/" in plugin.command else plugin.command
    return PluginCall(
        api_version=plugin.api_version,
        command=command,
        args=tuple(plugin.args or ()),
        env={entry.name: entry.value for entry in plugin.env or ()},
        install_hint=plugin.install_hint,
        interactive_mode=plugin.interactive_mode,
        cluster=_cluster_info(cluster, cluster_file) if plugin.provide_cluster_info else None,
        origin=str(file),
    )


def _cluster_info(cluster: Cluster, file: Path) -> dict[str, object]:
    """Return `spec.cluster` of KUBERNETES_EXEC_INFO; `config` is the extension that is meant for plugins."""
    info: dict[str, object] = {"server": cluster.server}
    authority = _pem(cluster.certificate_authority_data, cluster.certificate_authority, "certificate-authority", file)
    if authority is not None:
        info["certificate-authority-data"] = base64.b64encode(authority).decode()
    if cluster.insecure_skip_tls_verify:
        info["insecure-skip-tls-verify"] = True
    if cluster.tls_server_name:
        info["tls-server-name"] = cluster.tls_server_name
    if cluster.proxy_url:
        info["proxy-url"] = cluster.proxy_url
    for extension in cluster.extensions or ():
        if extension.get("name") == "client.authentication.k8s.io/exec":
            info["config"] = extension.get("extension")
    return info


def _impersonation(user: User) -> Impersonation | None:
    if not user.as_user:
        return None
    extra = tuple((name, value) for name, values in (user.as_user_extra or {}).items() for value in values)
    return Impersonation(user.as_user, tuple(user.as_groups or ()), extra, user.as_uid)


def _proxy(cluster: Cluster, file: Path, environ: Mapping[str, str]) -> str | None:
    """Return the proxy: that of the entry, else of HTTPS_PROXY and NO_PROXY as kubectl does."""
    url = cluster.proxy_url or environment_proxy(cluster.server, environ)
    if not url:
        return None
    if urlsplit(url).scheme not in ("http", "https"):
        raise KubeconfigError(f"the proxy {urlsplit(url).hostname!r} for {file} is no http or https proxy: use one of these")
    return url


def _pem(data: str, path: str, what: str, file: Path) -> bytes | None:
    """Return what the entry holds (data wins over a path), or None for neither."""
    if data:
        try:
            return base64.b64decode("".join(data.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise KubeconfigError(f"{file}: {what}-data is not base64: copy it again from where it came") from error
    if not path:
        return None
    full = _beside(file, path)
    try:
        return full.read_bytes()
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise KubeconfigError(f"cannot read {full} ({cause}), the {what} of {file}: make it readable or correct the path") from error


def _origin(path: str, what: str, file: Path) -> str:
    return str(_beside(file, path)) if path else f"{file}: {what}-data"


def _beside(file: Path, path: str) -> Path:
    return file.parent / path
