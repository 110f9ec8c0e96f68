"""TLS contexts from PEM bytes, and their renewal in place.

One context serves REST and exec of one `Connection` for its life: certificates that rotate are loaded into the same context, and
connections made from then on use them.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from podshell.kube.errors import KubeconfigError


def make_context(ca_pem: bytes | None, *, insecure: bool, origin: str) -> ssl.SSLContext:
    """Return a client context that trusts `ca_pem`, or the system's roots where it is None.

    `origin` names in errors where the PEM came from.

    Raises:
        KubeconfigError: the PEM is none.
    """
    ours = ca_pem is not None and not insecure
    # to load the system's roots takes 20 ms and more; where there is a CA, nothing else is trusted
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if ours else ssl.create_default_context()
    # Python 3.13 made this the default; the CAs of many clusters (kubeadm's among them) lack the extensions that it asks for, and Go,
    # which every other client is written in, does not ask for them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_pem is not None:
        trust(context, ca_pem, origin=origin)
    return context


def trust(context: ssl.SSLContext, ca_pem: bytes, *, origin: str) -> None:
    """Trust these authorities too.

    Raises:
        KubeconfigError: the PEM is none.
    """
    try:
        context.load_verify_locations(cadata=ca_pem.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise KubeconfigError(f"{origin} holds no certificate authority in PEM form: put the cluster's CA there") from error


def present(context: ssl.SSLContext, certificate_pem: bytes, key_pem: bytes, *, origin: str) -> None:
    """Present this client certificate from now on.

    Raises:
        KubeconfigError: the two are no certificate and key that belong together.
    """
    try:
        with _as_file(key_pem.rstrip() + b"\n" + certificate_pem) as path:
            # A password would be asked for on the terminal: an empty one makes an encrypted key an error instead.
            context.load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError) as error:
        raise KubeconfigError(f"{origin} holds no client certificate and key that belong together: renew the credentials") from error


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """Give `data` a name in the file system: the ssl module takes nothing else. In memory where the system can."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("podshell-client-certificate")
        try:
            os.write(descriptor, data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile() as file:  # mode 0600
        file.write(data)
        file.flush()
        yield file.name
