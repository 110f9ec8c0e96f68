"""The connection of a process that runs in a pod: service account token, CA and namespace, which all rotate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from podshell.kube.connection import Connection
from podshell.kube.credentials import TokenFile
from podshell.kube.errors import KubeconfigError
from podshell.kube.tls import make_context, trust

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def in_cluster(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether this process runs in a pod with a service account."""
    return bool(environ.get("KUBERNETES_SERVICE_HOST")) and bool(environ.get("KUBERNETES_SERVICE_PORT"))


def load_in_cluster(environ: Mapping[str, str] = os.environ, directory: Path = SERVICE_ACCOUNT) -> Connection:
    """Return the connection of the pod's service account.

    The token is read again every 60 s and after a 401; a new CA is trusted as soon as it is in the file.

    Raises:
        KubeconfigError: not in a pod, or the files are missing.
    """
    if not in_cluster(environ):
        raise KubeconfigError("KUBERNETES_SERVICE_HOST and _PORT are not set: run this in a pod, or give a kubeconfig")
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
    authority = directory / "ca.crt"
    pem = _read(authority)
    context = make_context(pem, insecure=False, origin=str(authority))
    trusted = {pem}

    def follow_authority() -> None:
        try:
            newest = authority.read_bytes()
            if newest not in trusted:
                trust(context, newest, origin=str(authority))
                trusted.add(newest)
        except (OSError, KubeconfigError):
            pass  # half-written or gone for a moment: the old one is still trusted, and the next look is in a minute

    namespace = directory / "namespace"
    return Connection(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        tls=context,
        credentials=TokenFile(directory / "token", on_read=follow_authority),
        namespace=_read(namespace).decode("utf-8", "replace").strip() if namespace.exists() else "default",
        context_name="in-cluster",
        user_name="service account",
        cluster_name="in-cluster",
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise KubeconfigError(f"cannot read {path} ({cause}): set automountServiceAccountToken on the pod, or give a kubeconfig") from error
