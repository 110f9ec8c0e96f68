"""`kubectl shell` with the image that ships: what neither S2's blocks have nor those of the how-to page.

Those have the tools' answers on nodes and in pods, the capabilities, the host's files and S2's variables: test_seed_commands.py,
test_how_to_page_in_the_image.py.
"""

from __future__ import annotations

import json
import secrets

import pytest
from cluster_in_node import ClusterInNode
from node import NODE_ADDRESS

NODE = ("worker-1",)
POD = ("-n", "shop", "pods/cart-0")


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
        terminal.type(b". /etc/os-release; echo $VERSION_CODENAME-$(command -v hostcat)\n")
        terminal.expect(rb"\rtrixie-/usr/local/bin/hostcat\r\n")
        terminal.type(b"exit\n")
        terminal.expect(rb"exit\r\n")
    assert cluster.node_pods() == []


def test_a_command_without_a_terminal_has_the_nodes_network_and_its_exit_code(cluster: ClusterInNode) -> None:
    table = f"chosen_{secrets.token_hex(4)}"
    script = f"ip -json address show dev eth0; nft add table inet {table} && nft list tables && nft delete table inet {table}; exit 3"
    made = cluster.run(*NODE, "--profile", "net", "--", "sh", "-c", script)
    assert (made.code, f"table inet {table}" in made.lines) == (3, True), made
    assert json.loads(made.lines[0])[0]["addr_info"][0]["local"] == NODE_ADDRESS


def test_attached_to_it_is_the_same_shell_and_a_refusal_is_explained_beside_its_output(cluster: ClusterInNode) -> None:
    """Where exec is not allowed there is no holder, and the same tools."""
    script = "nft --version; nft list ruleset 2>&1; exit 3"
    there = cluster.run(*NODE, "--attach", "--", "sh", "-c", script)
    assert (there.code, there.output.startswith("nftables v")) == (3, True), there
    assert "recorded in container logs" in there.errors
    assert "Operation not permitted (you must be root)" in there.output
    assert "--capabilities NET_RAW,NET_ADMIN" in there.errors
