"""Every command block of "Shell TSG" (S2, in shell_tsg.md), in its order: what S2 types, with S2's flags, into S2's prompts.

The cluster is a sandbox in the network of a node of the tests, `kubectl shell` is the program that ships, and the tools are the binaries of
the built image. The nodes' files, the answers of DNS, the firewall's rules and the search domain are the test's choice. What only needs
capabilities is also in test_capabilities.py, in containers that container.sh makes.

Not run: systemd. The node's `systemctl` is a stand-in (host_root.py) that demands what the real one demands first: to be among the node's
processes. `journalctl` goes the same way. tests/e2e runs the real ones where a cluster is given.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster_in_node import KUBECTL, ClusterInNode
from host_root import LISTED, NETWORK, HostRoot
from node import API_ADDRESS, NODE_ADDRESS, PEER_ADDRESS, Node
from peer import UNAUTHORIZED
from shown_commands import Shells, Typed, masked, read, type_all
from typing_at_prompts import Prompt

SEED = list(read((Path(__file__).parent / "shell_tsg.md").read_text()))
NODE_1, NODE_2 = "kubectl retina shell aks-nodepool1-15232018-vmss000001", "kubectl retina shell aks-nodepool1-15232018-vmss000002"
COREDNS = "kubectl retina shell -n kube-system pods/coredns-d459997b4-7cpzx"
RETINA_IMAGE = "example.azurecr.io/retina/retina-shell:v0.0.1"
NO_RULES = "iptables and nft need capabilities: check that the command sets --capabilities NET_RAW,NET_ADMIN"
NO_BUS = "Failed to connect to bus: No data available"


@pytest.fixture
def seeded(cluster_node: Node) -> Iterator[None]:
    """A node with rules that the test chose: one that counts answers to pings, and one that nft has no words for, as on real nodes."""
    shell = cluster_node.shell("NET_ADMIN", "NET_RAW")
    made = shell.run(
        f"iptables -A INPUT -s {PEER_ADDRESS} -d {NODE_ADDRESS} -p icmp -j ACCEPT"
        " && iptables -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j ACCEPT"
        " && nft add table inet chosen && nft add chain inet chosen seeded"
    )
    assert made.code == 0, made
    yield
    assert shell.run("nft delete table ip filter && nft delete table inet chosen").code == 0


class SeedChecks:
    """What is asserted of each line that S2 types."""

    def __init__(self, dns_answer: str, search_domain: str) -> None:
        self.dns_answer = dns_answer
        self.search_domain = search_domain

    def table(self) -> dict[str, Callable[[Prompt, Typed], None]]:
        return {
            f"ping {PEER_ADDRESS}": self.ping,
            "dig example.com +short": self.dig,
            f"nc -zv {API_ADDRESS} 443": self.knock,
            f"curl -k https://{API_ADDRESS}": self.curl,
            "iptables -nvL | head -n 2": self.iptables,
            "nft list ruleset | head -n 2": self.nft,
            "ls /host": self.list_host,
            "cat /etc/resolv.conf | tail -n 2": self.resolv_conf,
            "chroot /host systemctl status | head -n 2": self.systemctl,
        }

    def ping(self, prompt: Prompt, line: Typed) -> None:
        """S2's ends by Ctrl-C as well; after five answers, of which two are enough here."""
        seen = prompt.interrupt(line.command, "icmp_seq=2 .*?\n")
        assert seen[0] == line.shown[0]
        for n in (1, 2):
            assert re.fullmatch(rf"64 bytes from {PEER_ADDRESS}: icmp_seq={n} ttl=64 time=[\d.]+ ms", seen[n]), seen
        assert re.fullmatch(r"(\d) packets transmitted, \1 received, 0% packet loss, time \d+ms", seen[-2]), seen
        assert masked(seen[-1:]) == masked(line.shown[-1:])

    def dig(self, prompt: Prompt, line: Typed) -> None:
        assert prompt.run(line.command) == [self.dns_answer]

    def knock(self, prompt: Prompt, line: Typed) -> None:
        assert masked(prompt.run(line.command)) == masked(one for one in line.shown if one)

    def curl(self, prompt: Prompt, line: Typed) -> None:
        seen = prompt.run(line.command)
        assert seen == line.shown
        assert json.loads("".join(seen)) == UNAUTHORIZED

    def iptables(self, prompt: Prompt, line: Typed) -> None:
        front, *seen = prompt.run(line.command)
        assert front.startswith("iptables: using iptables-nft")
        assert masked(seen) == masked(line.shown)
        assert prompt.run(f"iptables -Z INPUT && ping -q -c 3 -i 0.2 {PEER_ADDRESS} >/dev/null") == []
        assert prompt.run("iptables -nvL")[2].split()[:3] == ["3", "252", "ACCEPT"]  # 3 answers of 84 bytes

    def nft(self, prompt: Prompt, line: Typed) -> None:
        # nft 1.1 writes the warning to standard error, so it stands above head's two lines
        assert prompt.run(line.command) == [*line.shown, "\tchain INPUT {"]
        assert "table inet chosen {" in prompt.run("nft list ruleset 2>/dev/null")

    def list_host(self, prompt: Prompt, line: Typed) -> None:
        assert line.shown[0].split() == [*LISTED]
        assert prompt.run(line.command) == [line.shown[0]]

    def resolv_conf(self, prompt: Prompt, line: Typed) -> None:
        assert prompt.run(line.command) == [line.shown[0], f"search {self.search_domain}"]
        assert prompt.run("sysctl net.ipv4.ping_group_range") == ["net.ipv4.ping_group_range = 0\t2147483647"]
        assert prompt.run("ip netns list") == [NETWORK]
        refused = f'setting the network namespace "{NETWORK}" failed: Operation not permitted'
        assert prompt.run(f"ip netns exec {NETWORK} true") == [refused]

    def systemctl(self, prompt: Prompt, line: Typed) -> None:
        assert prompt.run(line.command) == line.shown
        assert len(line.shown[0]) == 2 + len("aks-nodepool1-15232018-vmss000002")  # the mark is one character, here and there
        assert prompt.run("cat /proc/2/comm; printf '● %s' $(hostname) | wc -m") == ["kthreadd", str(len(line.shown[0]))]


def in_plain_shells(prompt: Prompt, dns_answer: str) -> None:
    """S2's other two resolvers, and its error: in the words that iptables and nft have today, and with what Podshell says to it."""
    answers = prompt.run(f"ping -c 5 -i 0.2 {PEER_ADDRESS}")
    assert [one.split("icmp_seq=")[1].split()[0] for one in answers[1:6]] == ["1", "2", "3", "4", "5"]
    assert answers[8].startswith("5 packets transmitted, 5 received, 0% packet loss")
    assert f"Address: {dns_answer}" in prompt.run("nslookup example.com")
    assert f"example.com.\t60\tIN\tA\t{dns_answer}" in prompt.run("drill example.com")

    assert prompt.run("nft list ruleset")[0] == "Operation not permitted (you must be root)"
    assert "Permission denied (you must be root)" in "\n".join(prompt.run("iptables -nvL"))
    assert NO_RULES in "\n".join(prompt.all_lines)


def read_only(prompt: Prompt) -> None:
    assert prompt.run("touch /host/tmp/x") == ["touch: cannot touch '/host/tmp/x': Read-only file system"]
    assert prompt.run("touch /host/sys/x")[0].endswith("Read-only file system")  # also what is mounted below
    assert prompt.run("cat /host/etc/resolv.conf")[0] == "cat: /host/etc/resolv.conf: No such file or directory"
    refused = "chroot: cannot change root directory to '/host': Operation not permitted"
    assert prompt.run("chroot /host bash; echo $?") == [refused, "125"]


def test_every_command_block_of_the_seed_does_what_it_says(
    cluster: ClusterInNode, seeded: None, equipped_node: None, dns_answer: str, search_domain: str
) -> None:
    checks = SeedChecks(dns_answer, search_domain).table()
    beside: dict[str, Callable[[Prompt], None]] = {
        NODE_1: lambda prompt: in_plain_shells(prompt, dns_answer),
        f"{NODE_2} --mount-host-filesystem": read_only,
    }
    done = []
    steps = [(script, block.typed) for block in SEED for script in block.scripts]
    with contextlib.closing(Shells(cluster, [script for script, _ in steps])) as shells:
        for script, typed in steps:
            with shells.opened(script) as prompt:
                type_all(prompt, script, typed, checks)
                if script in beside:
                    beside[script](prompt)
                if "RETINA_SHELL" in script:
                    listed = cluster.run("get", "pods", "-A", "-o", "jsonpath={.items[*].spec.containers[*].image}", program=KUBECTL)
                    assert RETINA_IMAGE in listed.output.split()
            done.append(script.splitlines()[-1].partition(" #")[0])
    assert done == [
        *(NODE_1, COREDNS, f"{NODE_2} --capabilities NET_ADMIN,NET_RAW", f"{NODE_2} --mount-host-filesystem"),
        f"{NODE_2} --mount-host-filesystem --capabilities SYS_CHROOT",
        f"{NODE_2} --mount-host-filesystem --capabilities SYS_CHROOT --host-pid",
        *("kubectl retina shell --timeout 10m node001", "kubectl retina shell node0001"),
    ]
    assert cluster.node_pods() == []


def test_the_nodes_files_are_written_with_the_flag_and_its_bus_is_reached_with_its_processes_only(
    cluster: ClusterInNode, equipped_node: None, node_files: HostRoot
) -> None:
    """What S2 says beside its blocks."""
    script = f"{NODE_2} --mount-host-filesystem --allow-host-filesystem-write --capabilities SYS_CHROOT"
    with contextlib.closing(Shells(cluster, [script])) as shells, shells.opened(script) as prompt:
        assert prompt.run("echo written > /host/tmp/x") == []
        assert (node_files.path / "tmp/x").read_text() == "written\n"
        assert prompt.run("chroot /host systemctl status")[0] == NO_BUS
        assert "check that the command has --host-pid set" in "\n".join(prompt.all_lines)


def test_network_namespaces_of_the_node_are_entered_with_sys_admin(cluster: ClusterInNode, equipped_node: None) -> None:
    """So that what S2 says of `ip netns exec` is not true any more; the host mount is read-only."""
    flags = ("--mount-host-filesystem", "--capabilities", "SYS_CHROOT,SYS_ADMIN")
    there = cluster.run(NODE_2.split()[-1], *flags, "--", "chroot", "/host", "ip", "netns", "exec", NETWORK, "ip", "-br", "link")
    assert (there.code, [line.split()[0] for line in there.lines]) == (0, ["lo"]), there
