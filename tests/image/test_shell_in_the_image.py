"""`kubectl shell` opens the image that ships, on a node and in a pod of the sandbox, and its own tools answer.

What S2's commands say is in test_seed_commands.py; here are the ways to them: S2's own invocations, with its flags.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator

import pytest
from cluster_in_node import ClusterInNode, cluster_in
from node import API_ADDRESS, NODE_ADDRESS, PEER_ADDRESS, Node

NODE = ("worker-1",)
POD = ("-n", "shop", "pods/cart-0")


@pytest.fixture(scope="module")
def cluster(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterInNode]:
    with cluster_in(node, tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.mark.parametrize("target", [NODE, POD], ids=["node", "pod"])
def test_the_tools_of_the_image_answer(cluster: ClusterInNode, target: tuple[str, ...]) -> None:
    script = f"ip -json address show dev eth0; echo; curl --version | head -n 1; ping -c 1 {PEER_ADDRESS} | head -n 1"
    said = cluster.run(*target, "--", "sh", "-c", script)
    assert said.code == 0, said
    addresses, version, ping = (line for line in said.lines if line)
    assert json.loads(addresses)[0]["addr_info"][0]["local"] == NODE_ADDRESS
    assert re.match(r"curl [\d.]+ \(x86_64-pc-linux-gnu\) libcurl/", version)
    assert ping == f"PING {PEER_ADDRESS} ({PEER_ADDRESS}) 56(84) bytes of data."


def test_the_api_server_and_the_dns_server_of_the_node_are_reached(cluster: ClusterInNode, dns_answer: str) -> None:
    script = f"dig @{API_ADDRESS} example.com +short; nc -zv {API_ADDRESS} 443 2>&1; curl -s -k https://{API_ADDRESS}"
    said = cluster.run(*NODE, "--", "sh", "-c", script)
    assert said.lines[0] == dns_answer, said
    assert f"Ncat: Connected to {API_ADDRESS}:443." in said.lines
    answer = json.loads(said.output[said.output.index("{") :])
    assert (answer["message"], answer["code"]) == ("Unauthorized", 401)


@pytest.mark.parametrize("flags", [("--capabilities", "NET_ADMIN,NET_RAW"), ("--profile", "net")], ids=["capabilities", "profile"])
def test_nft_works_with_the_capabilities_and_its_refusal_is_explained_without(cluster: ClusterInNode, flags: tuple[str, ...]) -> None:
    table = f"chosen_{secrets.token_hex(4)}"
    made = cluster.run(*NODE, *flags, "--", "sh", "-c", f"nft add table inet {table} && nft list tables && nft delete table inet {table}")
    assert (made.code, f"table inet {table}" in made.lines) == (0, True), made
    refused = cluster.run(*NODE, "--", "nft", "list", "ruleset")
    assert "Operation not permitted (you must be root)" in refused.output
    assert "--capabilities NET_RAW,NET_ADMIN" in refused.errors


def test_the_nodes_files_are_at_host_and_chroot_needs_its_capability(cluster: ClusterInNode) -> None:
    mounted = cluster.run(*NODE, "--mount-host-filesystem", "--", "ls", "/host")
    assert {"etc", "proc", "run", "usr"} <= set(mounted.output.split())
    refused = cluster.run(*NODE, "--mount-host-filesystem", "--", "chroot", "/host", "true")
    assert (refused.code, "Operation not permitted" in refused.output) == (125, True)
    inside = cluster.run(
        *NODE, "--mount-host-filesystem", "--capabilities", "SYS_CHROOT", "--", "chroot", "/host", "sh", "-c", "echo $((6 * 7))"
    )
    assert (inside.code, inside.output) == (0, "42\n")


@pytest.mark.parametrize("target", [NODE, POD], ids=["node", "pod"])
def test_a_shell_of_the_image_is_held_by_its_own_dtach_and_leaves_nothing(cluster: ClusterInNode, target: tuple[str, ...]) -> None:
    with cluster.terminal(*target) as terminal:
        terminal.expect(rb"# ")
        terminal.type(
            b"ls -d /run/podshell/.podshell-h-* /run/.podshell-h-* 2>/dev/null | wc -l; ps -e -o comm= | grep -c '^dtach'; echo s''een\n"
        )
        found = terminal.expect(rb"\r(\d+)\r\n(\d+)\r\nseen\r\n")
        assert int(found[1]) >= 1
        assert int(found[2]) >= 2  # the one that holds the shell, and the one that is attached to it
        terminal.type(b"exit\n")
        terminal.expect(rb"exit\r\n")
    assert cluster.node_pods() == []


def test_the_image_is_the_one_that_s2s_variables_name_and_its_patience_the_one_of_the_flag(cluster: ClusterInNode) -> None:
    named = {"RETINA_SHELL_IMAGE_REPO": "example.azurecr.io/retina/tools", "RETINA_SHELL_IMAGE_VERSION": "v0.0.1"}
    script = "command -v hostcat; . /etc/os-release; echo $VERSION_CODENAME"
    said = cluster.run("--timeout", "10m", *NODE, "--", "sh", "-c", script, environment=named)
    assert (said.code, said.lines) == (0, ["/usr/local/bin/hostcat", "trixie"]), said
    shown = cluster.run(*NODE, "--dry-run", "-o", "json", environment=named)
    assert json.loads(shown.output)["spec"]["containers"][0]["image"] == "example.azurecr.io/retina/tools:v0.0.1"


def test_attached_to_it_is_the_same_shell(cluster: ClusterInNode) -> None:
    """Where exec is not allowed there is no holder, and the same tools."""
    there = cluster.run(*NODE, "--attach", "--profile", "net", "--", "sh", "-c", "nft --version; exit 3")
    assert (there.code, there.output.startswith("nftables v")) == (3, True), there
    assert "recorded in container logs" in there.errors
