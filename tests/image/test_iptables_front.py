"""`iptables` uses the backend that the node uses, says which, and warns where both hold rules."""

from __future__ import annotations

import pytest
from node import Node, Shell

NFT, LEGACY = "iptables: using iptables-nft", "iptables: using iptables-legacy"
LEGACY_RULE = "iptables-legacy -A FORWARD -s 192.0.2.9 -j DROP"
NFT_RULE = "iptables-nft -A FORWARD -s 192.0.2.8 -j DROP"


@pytest.fixture
def shell(fresh_node: Node) -> Shell:
    return fresh_node.shell("NET_ADMIN", "NET_RAW")


@pytest.mark.parametrize(
    ("on_the_node", "said", "warned"),
    [
        ("true", NFT, False),
        ("iptables-nft -t mangle -N KUBE-IPTABLES-HINT", NFT, False),
        ("iptables-nft -t mangle -N KUBE-KUBELET-CANARY", NFT, False),
        ("ip6tables-nft -t mangle -N KUBE-IPTABLES-HINT", NFT, False),
        ("iptables-legacy -t mangle -N KUBE-IPTABLES-HINT", LEGACY, False),
        ("ip6tables-legacy -t mangle -N KUBE-KUBELET-CANARY", LEGACY, False),
        (LEGACY_RULE, LEGACY, False),
        (NFT_RULE, NFT, False),
        (f"iptables-nft -t mangle -N KUBE-IPTABLES-HINT; {LEGACY_RULE}", NFT, True),
        (f"iptables-legacy -t mangle -N KUBE-IPTABLES-HINT; {NFT_RULE}", LEGACY, True),
        (f"{LEGACY_RULE}; {NFT_RULE}", NFT, True),
    ],
)
def test_the_node_s_backend_is_chosen(shell: Shell, on_the_node: str, said: str, warned: bool) -> None:
    made, listed = shell.run_each([on_the_node, "PODSHELL_VERBOSE=1 iptables -S FORWARD"])
    assert made.code == 0
    assert listed.errors.startswith(said)
    assert ("warning" in listed.errors) is warned
    rule = LEGACY_RULE if said == LEGACY else NFT_RULE
    if rule in on_the_node:
        assert rule.partition(" ")[2] in listed.output.replace("/32", "")


def test_looking_creates_no_table_of_the_legacy_side(shell: Shell) -> None:
    assert shell.run("iptables -S >/dev/null && cat /proc/net/ip_tables_names /proc/net/ip6_tables_names").output == ""


def test_all_names_of_the_front_go_to_the_same_backend(shell: Shell) -> None:
    assert shell.run(f"iptables-legacy -t mangle -N KUBE-IPTABLES-HINT; {LEGACY_RULE}").code == 0
    assert shell.run("iptables-save > /tmp/saved && iptables-legacy -F && iptables-restore < /tmp/saved").code == 0
    assert "-A FORWARD -s 192.0.2.9/32 -j DROP" in shell.run("iptables-legacy -S; ip6tables -S; ip6tables-save").lines
    assert shell.run("nft list ruleset").output == ""


def test_it_says_so_once_in_a_terminal_and_never_elsewhere(shell: Shell) -> None:
    assert shell.run("iptables -S FORWARD").errors == ""
    with shell.terminal("bash --norc") as terminal:
        terminal.type(b"PS1=''; stty -echo; iptables -S INPUT; iptables -S INPUT; echo all-$((40 + 2))\n")
        seen = terminal.expect(rb"(?s)stty -echo.*?\n(.*)all-42\r\n")[1]
    assert seen.count(b"using iptables-nft") == 1
    assert seen.count(b"-P INPUT ACCEPT") == 2


def test_one_may_choose_the_backend(shell: Shell) -> None:
    assert "iptables v1" in shell.run("PODSHELL_IPTABLES=legacy iptables --version").output
    assert "(legacy)" in shell.run("PODSHELL_IPTABLES=legacy iptables --version").output
    refused = shell.run("PODSHELL_IPTABLES=nftables iptables -S")
    assert (refused.code, refused.errors) == (2, 'iptables: PODSHELL_IPTABLES is "nftables"; nft and legacy are possible\n')


def test_the_exit_code_is_the_one_of_iptables(shell: Shell) -> None:
    assert shell.run("iptables -C INPUT -s 192.0.2.1 -j DROP").code == shell.run("iptables-nft -C INPUT -s 192.0.2.1 -j DROP").code != 0
