"""kubectl's connection flags: each changes the connection, by the rules of client-go, and none is without effect."""

from __future__ import annotations

import ssl
from pathlib import Path

import certificates
import pytest
import yaml

from podshell.kube.connection import Connection
from podshell.kube.errors import FlagsContradict, KubeconfigError
from podshell.kube.kubeconfig import load_connection
from podshell.kube.overrides import Overrides

CONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "one",
    "clusters": [
        {"name": "c", "cluster": {"server": "https://192.0.2.9:6443", "tls-server-name": "kubernetes"}},
        {"name": "other", "cluster": {"server": "https://192.0.2.10:6443"}},
    ],
    "users": [
        {"name": "u", "user": {"token": "of-u", "as": "boss", "as-groups": ["bosses"], "as-user-extra": {"why": ["x"]}}},
        {"name": "v", "user": {"token": "of-v"}},
    ],
    "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "lab"}}],
}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(CONFIG))
    return path


def load(kubeconfig: Path, **flags: object) -> Connection:
    return load_connection(files=[kubeconfig], environ={}, overrides=Overrides(**flags))  # type: ignore[arg-type]  # its fields


async def token(connection: Connection) -> str:
    return (await connection.credentials.headers()).get("Authorization", "")


async def test_without_any_flag_the_kubeconfig_stands(kubeconfig: Path) -> None:
    connection = load(kubeconfig)
    assert (connection.server, connection.namespace, connection.tls_server_name) == ("https://192.0.2.9:6443", "lab", "kubernetes")
    assert await token(connection) == "Bearer of-u"
    assert connection.impersonate is not None
    assert connection.impersonate.headers() == [
        ("Impersonate-User", "boss"), ("Impersonate-Group", "bosses"), ("Impersonate-Extra-why", "x"),
    ]  # fmt: skip


async def test_cluster_user_and_namespace_are_those_of_the_flags(kubeconfig: Path) -> None:
    connection = load(kubeconfig, cluster="other", user="v", namespace="shop")
    assert (connection.server, connection.namespace, connection.impersonate) == ("https://192.0.2.10:6443", "shop", None)
    assert (connection.cluster_name, connection.user_name) == ("other", "v")
    assert await token(connection) == "Bearer of-v"


@pytest.mark.parametrize(("flag", "word"), [("cluster", "--cluster"), ("user", "--user")])
def test_a_name_that_is_not_there_names_those_that_are(kubeconfig: Path, flag: str, word: str) -> None:
    with pytest.raises(KubeconfigError, match=word):
        load(kubeconfig, **{flag: "nobody"})


def test_another_server_has_another_name(kubeconfig: Path) -> None:
    connection = load(kubeconfig, server="https://192.0.2.77/")
    assert (connection.server, connection.tls_server_name) == ("https://192.0.2.77", None)
    assert load(kubeconfig, server="192.0.2.77:6443").server == "https://192.0.2.77:6443"
    assert load(kubeconfig, tls_server_name="mine").tls_server_name == "mine"


async def test_a_token_replaces_what_the_user_proves_himself_by(kubeconfig: Path) -> None:
    assert await token(load(kubeconfig, token="given")) == "Bearer given"


async def test_a_client_certificate_replaces_a_token(kubeconfig: Path, tmp_path: Path) -> None:
    pair = certificates.make().client
    (tmp_path / "crt").write_bytes(pair.certificate)
    (tmp_path / "key").write_bytes(pair.key)
    connection = load(kubeconfig, client_certificate=str(tmp_path / "crt"), client_key=str(tmp_path / "key"))
    assert await token(connection) == ""


@pytest.mark.parametrize("flag", ["client_certificate", "client_key"])
def test_a_certificate_needs_its_key(kubeconfig: Path, flag: str) -> None:
    with pytest.raises(KubeconfigError, match="name both"):
        load(kubeconfig, **{flag: "/nowhere"})


def test_an_authority_is_read_from_its_file(kubeconfig: Path, tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="cannot read"):
        load(kubeconfig, certificate_authority=str(tmp_path / "none"))
    (tmp_path / "ca").write_text("no pem")
    with pytest.raises(KubeconfigError, match="holds no certificate authority"):
        load(kubeconfig, certificate_authority=str(tmp_path / "ca"))


def test_nothing_is_checked_only_when_asked_for(kubeconfig: Path) -> None:
    checked, unchecked = load(kubeconfig).tls, load(kubeconfig, insecure_skip_tls_verify=True).tls
    assert checked is not None
    assert unchecked is not None
    assert (checked.verify_mode, unchecked.verify_mode) == (ssl.CERT_REQUIRED, ssl.CERT_NONE)
    with pytest.raises(KubeconfigError, match="contradict"):
        load(kubeconfig, insecure_skip_tls_verify=True, certificate_authority="/ca")


def test_impersonation_is_that_of_the_flags_alone(kubeconfig: Path) -> None:
    connection = load(kubeconfig, as_user="jane", as_groups=("dev", "ops"), as_uid="u1")
    assert connection.impersonate is not None
    assert connection.impersonate.headers() == [
        ("Impersonate-User", "jane"), ("Impersonate-Group", "dev"), ("Impersonate-Group", "ops"), ("Impersonate-Uid", "u1"),
    ]  # fmt: skip


@pytest.mark.parametrize("flags", [{"as_groups": ("dev",)}, {"as_uid": "u"}])
def test_groups_need_a_user(kubeconfig: Path, flags: dict[str, object]) -> None:
    with pytest.raises(KubeconfigError, match="--as:"):
        load(kubeconfig, user="v", **flags)


async def test_a_server_and_a_token_need_no_kubeconfig() -> None:
    connection = load_connection(files=[], environ={}, overrides=Overrides(server="https://192.0.2.1", token="t"))
    assert (connection.server, connection.namespace) == ("https://192.0.2.1", "default")
    assert await token(connection) == "Bearer t"


async def test_one_file_is_not_changed_by_what_another_connection_was_given(kubeconfig: Path) -> None:
    load(kubeconfig, token="given", server="https://192.0.2.77")
    assert await token(load(kubeconfig)) == "Bearer of-u"


def test_facts_to_impersonate_may_repeat_and_their_names_are_escaped(kubeconfig: Path) -> None:
    connection = load(kubeconfig, user="v", as_user="alice", as_extra=("scopes=view", "scopes=dev", "example.com/team=a=b"))
    assert connection.impersonate is not None
    assert connection.impersonate.headers() == [
        ("Impersonate-User", "alice"),
        ("Impersonate-Extra-scopes", "view"),
        ("Impersonate-Extra-scopes", "dev"),
        ("Impersonate-Extra-example.com%2Fteam", "a=b"),
    ]
    with pytest.raises(FlagsContradict, match="KEY=VALUE"):
        load(kubeconfig, as_user="alice", as_extra=("scopes",))
    with pytest.raises(FlagsContradict, match="need --as"):
        load(kubeconfig, user="v", as_extra=("scopes=view",))


def test_a_proxy_of_the_command_line_counts_before_the_entrys(kubeconfig: Path) -> None:
    assert load(kubeconfig, proxy_url="http://192.0.2.1:3128").proxy_url == "http://192.0.2.1:3128"
    with pytest.raises(KubeconfigError, match="no http or https proxy"):
        load(kubeconfig, proxy_url="socks5://192.0.2.1")
