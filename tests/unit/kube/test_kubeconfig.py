"""Kubeconfig files: merging, credentials, and one clear sentence for everything that can be wrong."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certificates
import pytest
import yaml

from podshell.kube.connection import Connection
from podshell.kube.credentials import TOKEN_FILE_SECONDS, TokenFile
from podshell.kube.errors import KubeconfigError
from podshell.kube.exec_plugin import ExecPlugin
from podshell.kube.incluster import in_cluster, load_in_cluster
from podshell.kube.kubeconfig import find_files, load_connection

Write = Callable[..., Path]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def config(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.9:6443", **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "lab"}}],
        **more,
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: object, name: str = "config") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return write


def load(*files: Path, **options: Any) -> Connection:
    return load_connection(files=files, environ={}, **options)


async def authorization(connection: Connection) -> str:
    return (await connection.credentials.headers()).get("Authorization", "")


async def test_a_context_gives_server_namespace_names_and_token(write: Write) -> None:
    connection = load(write(config({"token": "secret"})))
    assert connection.server == "https://192.0.2.9:6443"
    assert (connection.namespace, connection.context_name, connection.user_name, connection.cluster_name) == ("lab", "one", "u", "c")
    assert await authorization(connection) == "Bearer secret"


async def test_the_first_file_that_has_an_entry_wins(write: Write) -> None:
    first = write({"current-context": "one", "users": [{"name": "u", "user": {"token": "first"}}]}, "a")
    second = write(config({"token": "second"}, {"server": "https://second:6443"}, **{"current-context": "two"}), "b")
    connection = load(first, second)
    assert await authorization(connection) == "Bearer first"
    assert connection.server == "https://second:6443"


def test_kubeconfig_lists_files_and_those_that_are_missing_are_passed_over(write: Write, tmp_path: Path) -> None:
    there = write(config())
    environ = {"KUBECONFIG": f"{tmp_path / 'missing'}:{there}:"}
    assert find_files(environ) == [there]
    assert load_connection(environ=environ).server == "https://192.0.2.9:6443"


def test_without_kubeconfig_it_is_the_file_in_home(write: Write, tmp_path: Path) -> None:
    there = write(config(), ".kube/config")
    assert find_files({"HOME": str(tmp_path)}) == [there]
    assert find_files({"HOME": str(tmp_path / "other")}) == []


def test_another_context_than_the_current_one(write: Write) -> None:
    path = write(config(contexts=[{"name": "two", "context": {"cluster": "c", "user": "u"}}]))
    assert load(path, context="two").namespace == "default"


async def test_paths_are_relative_to_the_file_that_names_them(write: Write, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "token").write_text("from-file\n")
    (tmp_path / "deep" / "ca.pem").write_bytes(certificates.make().ca)
    path = write(config({"tokenFile": "token"}, {"certificate-authority": "ca.pem"}), "deep/config")
    assert await authorization(load(path)) == "Bearer from-file"


def test_certificates_as_data_and_as_files(write: Write, tmp_path: Path) -> None:
    made = certificates.make()
    (tmp_path / "c.pem").write_bytes(made.client.certificate)
    (tmp_path / "k.pem").write_bytes(made.client.key)
    by_data = {"client-certificate-data": b64(made.client.certificate), "client-key-data": b64(made.client.key)}
    for user in (by_data, {"client-certificate": "c.pem", "client-key": "k.pem"}):
        connection = load(write(config(user, {"certificate-authority-data": b64(made.ca)})))
        assert connection.tls is not None
        assert connection.tls.verify_mode is ssl.CERT_REQUIRED
        # Only the cluster's own authority is trusted, not the system's.
        assert len(connection.tls.get_ca_certs()) == 1


def test_insecure_checks_nothing_and_the_default_does(write: Write) -> None:
    insecure = load(write(config(cluster={"insecure-skip-tls-verify": True}))).tls
    secure = load(write(config())).tls
    assert insecure is not None
    assert secure is not None
    assert (insecure.verify_mode, insecure.check_hostname) == (ssl.CERT_NONE, False)
    assert (secure.verify_mode, secure.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert not secure.verify_flags & ssl.VERIFY_X509_STRICT


def test_server_name_proxy_and_impersonation(write: Write) -> None:
    user = {"as": "alice", "as-groups": ["dev"], "as-user-extra": {"scopes": ["a", "b"]}}
    connection = load(write(config(user, {"tls-server-name": "kube", "proxy-url": "http://proxy:3128"})))
    assert connection.tls_server_name == "kube"
    assert connection.proxy_url == "http://proxy:3128"
    assert connection.impersonate is not None
    assert connection.impersonate.headers() == [
        ("Impersonate-User", "alice"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Extra-scopes", "a"),
        ("Impersonate-Extra-scopes", "b"),
    ]


def test_the_environments_proxy_applies_except_where_no_proxy_says_so(write: Write) -> None:
    path = write(config())
    environ = {"HTTPS_PROXY": "http://proxy:3128"}
    assert load_connection(files=[path], environ=environ).proxy_url == "http://proxy:3128"
    environ["NO_PROXY"] = "192.0.2.9"
    assert load_connection(files=[path], environ=environ).proxy_url is None


def test_a_plugin_user_gives_a_plugin(write: Write) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "get-token"}
    assert isinstance(load(write(config({"exec": plugin}))).credentials, ExecPlugin)


async def test_an_oversized_config_of_other_tools_is_read(write: Write) -> None:
    connection = load(
        write(config({"token": "t", "username": "x"}, {"extensions": [{"name": "e", "extension": {"a": 1}}]}, preferences={}))
    )
    assert await authorization(connection) == "Bearer t"


WRONG = [
    (config(**{"current-context": ""}), "has no current context"),
    (config(**{"current-context": "nope"}), "has no context 'nope' (there is: 'one')"),
    (config(contexts=[{"name": "one", "context": {"cluster": "x", "user": "u"}}]), "has no cluster 'x'"),
    (config(contexts=[{"name": "one", "context": {"cluster": "c", "user": "x"}}]), "has no user 'x'"),
    (config(cluster={"server": ""}), "names no server"),
    (config(cluster={"server": "192.0.2.9:6443"}), "names no server"),
    (config(cluster={"certificate-authority-data": "%%%"}), "certificate-authority-data is not base64"),
    (config(cluster={"certificate-authority-data": b64(b"no pem")}), "holds no certificate authority"),
    (config(cluster={"certificate-authority": "missing.pem"}), "missing.pem (No such file or directory)"),
    (config({"client-certificate-data": b64(certificates.make().client.certificate)}), "without client-key"),
    (config({"client-certificate-data": b64(b"x"), "client-key-data": b64(b"y")}), "holds no client certificate and key"),
    (config({"exec": {"apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "x"}}), "update the entry"),
    (config({"exec": {"apiVersion": "client.authentication.k8s.io/v1"}}), "without a command"),
    (config({"auth-provider": {"name": "gcp"}}), "auth provider 'gcp'"),
    (config(cluster={"proxy-url": "socks5://proxy:1080"}), "is no http or https proxy"),
    (config(users=[{"name": "u", "user": {"token": 7}}]), "is not one (Expected `str`, got `int`"),
    ("current-context: [unclosed", "is not YAML at line"),
    ("just text", "is not one"),
    ("", "has no current context"),
]


@pytest.mark.parametrize(("content", "text"), WRONG)
def test_what_is_wrong_is_one_sentence_with_the_file_and_the_next_step(write: Write, content: object, text: str) -> None:
    path = write(content)
    with pytest.raises(KubeconfigError) as error:
        load(path)
    message = str(error.value)
    assert text in message
    assert "\n" not in message
    assert ": " in message
    assert str(path) in message or text.startswith("is no http") or "proxy" in message


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match=r"cannot read the kubeconfig .*missing \(No such file or directory\)"):
        load(tmp_path / "missing")
    with pytest.raises(KubeconfigError, match="Is a directory"):
        load(tmp_path)


def test_no_configuration_at_all_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="name one with --kubeconfig"):
        load_connection(environ={"HOME": str(tmp_path)})


def test_errors_never_show_secrets(write: Write) -> None:
    path = write("users:\n- name: u\n  user:\n    token: TOPSECRET\n  bad: [")
    with pytest.raises(KubeconfigError) as error:
        load(path)
    assert "TOPSECRET" not in str(error.value)


# -- files that rotate --------------------------------------------------------------------------------------------------


async def test_a_token_file_is_read_again_after_a_minute_and_after_a_401(tmp_path: Path) -> None:
    now = 0.0
    path = tmp_path / "token"
    path.write_text("one")
    source = TokenFile(path, clock=lambda: now)
    assert (await source.headers())["Authorization"] == "Bearer one"
    path.write_text("two")
    now = TOKEN_FILE_SECONDS - 1
    assert (await source.headers())["Authorization"] == "Bearer one"
    now = TOKEN_FILE_SECONDS
    assert (await source.headers())["Authorization"] == "Bearer two"
    path.write_text("three")
    source.invalidate()
    assert (await source.headers())["Authorization"] == "Bearer three"


async def test_a_token_file_that_is_gone_for_a_moment_keeps_the_old_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one")
    source = TokenFile(path)
    await source.headers()
    path.unlink()
    source.invalidate()
    assert (await source.headers())["Authorization"] == "Bearer one"
    with pytest.raises(KubeconfigError, match="token file"):
        await TokenFile(path).headers()


async def test_in_a_pod_token_ca_and_namespace_come_from_the_service_account(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(certificates.make("first").ca)
    (tmp_path / "token").write_text("pod-token")
    (tmp_path / "namespace").write_text("shells")
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    assert in_cluster(environ)
    connection = load_in_cluster(environ, tmp_path)
    assert (connection.server, connection.namespace) == ("https://[fd00::1]:443", "shells")
    assert await authorization(connection) == "Bearer pod-token"
    # The authority rotates: both are trusted while both are in use.
    (tmp_path / "ca.crt").write_bytes(certificates.make("second").ca)
    connection.credentials.invalidate()
    await connection.credentials.headers()
    assert connection.tls is not None
    assert len(connection.tls.get_ca_certs()) == 2


def test_outside_a_pod_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="run this in a pod"):
        load_in_cluster({}, tmp_path)
    with pytest.raises(KubeconfigError, match="automountServiceAccountToken"):
        load_in_cluster({"KUBERNETES_SERVICE_HOST": "a", "KUBERNETES_SERVICE_PORT": "1"}, tmp_path)
