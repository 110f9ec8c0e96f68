"""The built image and a node to run it on, one of each for all tests."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_in_node import ClusterInNode, cluster_in
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from host_root import NETWORK, HostRoot
from image_needs import OUTPUT, missing
from node import API_ADDRESS, Node

import build
import oci_archive


@pytest.fixture(scope="session")
def image() -> dict[str, object]:
    """The report of the built image. Building takes longer than a test may: tests/run.py does it before."""
    if lacking := missing():
        pytest.fail("the tests of the tools image cannot run here: " + "; ".join(lacking))
    report = build.last_report(OUTPUT / "amd64", build.digest_of_inputs("amd64", build.default_reference(), build.source_date()))
    if report is None:
        pytest.fail("the tools image is not built, or not from what is in images/tools now: make tools-image")
    return report


@pytest.fixture(scope="session")
def archive(image: dict[str, object]) -> Path:
    return OUTPUT / "amd64" / str(image["archive"])


@pytest.fixture(scope="session")
def root(image: dict[str, object], archive: Path) -> Path:
    """The image's root, unpacked from the archive that ships; once for each image, also where several processes run tests."""
    folder = OUTPUT / "unpacked" / str(image["digest"]).partition(":")[2][:16]
    with (OUTPUT / "unpacked.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(folder.parent, ignore_errors=True)
            partial = folder.with_name("partial")
            partial.mkdir(parents=True)
            oci_archive.unpack(archive, partial)
            partial.rename(folder)
    return folder


@pytest.fixture(scope="session")
def dns_answer() -> str:
    """The address that example.com has in this run: of TEST-NET-2 (RFC 5737)."""
    return f"198.51.100.{1 + secrets.randbelow(254)}"


@pytest.fixture(scope="session")
def search_domain() -> str:
    return f"{secrets.token_hex(8)}.cx.internal.test"


@contextlib.contextmanager
def serving(root: Path, folder: Path, dns_answer: str, search_domain: str) -> Iterator[Node]:
    certificate = folder / "api.pem"
    certificate.write_bytes(self_signed())
    node = Node(root, folder, "node-of-tests", f"nameserver {API_ADDRESS}\nsearch {search_domain}\n")
    with contextlib.closing(node):
        node.serve(certificate, {"example.com": dns_answer, "kubernetes.default.svc.cluster.local": API_ADDRESS})
        node.let_ping(0, 2147483647)
        yield node


@pytest.fixture(scope="session")
def node(root: Path, tmp_path_factory: pytest.TempPathFactory, dns_answer: str, search_domain: str) -> Iterator[Node]:
    """A node with its servers, for tests that leave no trace on it that another one would see."""
    with serving(root, tmp_path_factory.mktemp("node"), dns_answer, search_domain) as node:
        yield node


@pytest.fixture
def fresh_node(root: Path, tmp_path: Path) -> Iterator[Node]:
    """A node of the test's own, without servers: for what a test changes in the network."""
    with contextlib.closing(Node(root, tmp_path, "fresh-node", "nameserver 127.0.0.1\n")) as node:
        yield node


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory, search_domain: str) -> Iterator[HostRoot]:
    """A node's files for containers that container.sh makes, with a network namespace that the node holds."""
    host = HostRoot.make(tmp_path_factory.mktemp("host"), search_domain)
    with host.holding_a_network(NETWORK):
        yield host


@pytest.fixture(scope="session")
def node_files(tmp_path_factory: pytest.TempPathFactory, search_domain: str) -> HostRoot:
    """The files of the cluster's nodes."""
    return HostRoot.make(tmp_path_factory.mktemp("node-files"), search_domain)


@pytest.fixture(scope="session")
def cluster_node(root: Path, tmp_path_factory: pytest.TempPathFactory, dns_answer: str, search_domain: str) -> Iterator[Node]:
    """A node with its servers whose network is the cluster's; who makes rules on it takes them away."""
    with serving(root, tmp_path_factory.mktemp("cluster-node"), dns_answer, search_domain) as node:
        yield node


@pytest.fixture(scope="session")
def cluster(cluster_node: Node, node_files: HostRoot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterInNode]:
    """A cluster whose nodes and pods have the network of `cluster_node`."""
    with cluster_in(cluster_node, tmp_path_factory.mktemp("cluster"), node_files.path) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def equipped_node(cluster: ClusterInNode) -> None:
    """Gives a node of the cluster what the sandbox leaves out, by a shell that enters it: sysfs and what is in it, a network namespace."""
    mounts = "mount -t sysfs -o ro sysfs /sys; mount -t tracefs tracefs /sys/kernel/tracing; mount -t bpf bpf /sys/fs/bpf"
    made = cluster.run("aks-nodepool1-15232018-vmss000002", "--enter", "--", "bash", "-ec", f"{mounts}; ip netns add {NETWORK}")
    assert made.code == 0, made


def self_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kube-apiserver")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(serialization.Encoding.PEM)
