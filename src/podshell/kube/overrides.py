"""What a command line changes of a kubeconfig: kubectl's connection flags (retina-shell.md 1.1), with the rules of client-go.

Paths are the caller's, relative to where it stands. `kubeconfig.load_connection` applies them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from podshell.kube.errors import FlagsContradict
from podshell.kube.kubeconfig_entries import Cluster, User


@dataclass(frozen=True, slots=True)
class Overrides:
    """Values of flags; "" and False where none was given. `cluster` and `user` are names of entries."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""
    server: str = ""
    certificate_authority: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    token: str = ""
    client_certificate: str = ""
    client_key: str = ""
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    as_uid: str = ""
    as_extra: tuple[str, ...] = ()  # key=value; a key may come again
    proxy_url: str = ""

    def change_cluster(self, cluster: Cluster) -> None:
        """Change an entry, which must be a copy of the file's.

        Raises:
            FlagsContradict: two flags contradict each other.
        """
        if self.server:
            cluster.server = self.server if "://" in self.server else f"https://{self.server}"
            if cluster.tls_server_name and not self.tls_server_name:
                cluster.tls_server_name = ""  # it was the name of another server
        if self.certificate_authority:
            cluster.certificate_authority, cluster.certificate_authority_data = _absolute(self.certificate_authority), ""
        if self.tls_server_name:
            cluster.tls_server_name = self.tls_server_name
        if self.proxy_url:
            cluster.proxy_url = self.proxy_url
        if self.insecure_skip_tls_verify:
            if self.certificate_authority:
                raise FlagsContradict("--insecure-skip-tls-verify and --certificate-authority contradict each other: leave out one of them")
            cluster.insecure_skip_tls_verify = True
            cluster.certificate_authority = cluster.certificate_authority_data = ""

    def change_user(self, user: User) -> None:
        """Change an entry; a token or a certificate given here replaces what the entry proves itself by.

        Raises:
            FlagsContradict: a flag needs another one.
        """
        if bool(self.client_certificate) != bool(self.client_key) and not (user.client_certificate or user.client_certificate_data):
            given, missing = ("certificate", "key") if self.client_certificate else ("key", "certificate")
            raise FlagsContradict(f"--client-{given} needs --client-{missing}: name both")
        if self.token or self.client_certificate:
            user.token = user.token_file = ""
            user.exec, user.auth_provider = None, None
        if self.token:
            user.token = self.token
            user.client_certificate = user.client_certificate_data = user.client_key = user.client_key_data = ""
        if self.client_certificate:
            user.client_certificate, user.client_certificate_data = _absolute(self.client_certificate), ""
        if self.client_key:
            user.client_key, user.client_key_data = _absolute(self.client_key), ""
        if self.as_user:
            user.as_user, user.as_groups, user.as_uid, user.as_user_extra = self.as_user, None, "", None
        if self.as_groups:
            user.as_groups = list(self.as_groups)
        if self.as_uid:
            user.as_uid = self.as_uid
        if self.as_extra:
            user.as_user_extra = _extra(self.as_extra)
        if (self.as_groups or self.as_uid or self.as_extra) and not user.as_user:
            raise FlagsContradict("--as-group, --as-uid and --as-user-extra need --as: name the user to impersonate")

    @property
    def stands_alone(self) -> bool:
        """Whether a connection can be made without any kubeconfig."""
        return bool(self.server)


def _extra(pairs: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise FlagsContradict(f"--as-user-extra: {pair!r} is not KEY=VALUE")
        found.setdefault(key, []).append(value)
    return found


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())
