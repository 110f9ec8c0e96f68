"""What a tool says without a capability, and that it works with it: row by row as docs/reference/tools-image.md has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import pytest
from host_root import NETWORK, HostRoot
from image_needs import REPOSITORY
from node import PEER_ADDRESS, Node, Result

_ROW = re.compile(r"^\| `([^`]+)` \| ([A-Z_, ]+) \| `([^`]+)` \|$", re.MULTILINE)
ROWS = _ROW.findall((REPOSITORY / "docs/reference/tools-image.md").read_text())


class Settings(TypedDict):
    """What a command of the table wants beside capabilities."""

    host: Path
    host_pid: bool
    trace: bool


Run = Callable[[str, tuple[str, ...]], Result]


@pytest.fixture(scope="module")
def run(node: Node, host: HostRoot) -> Run:
    """Runs a command of the table with these capabilities; what is run with the same ones shares a container."""
    done: dict[tuple[str, tuple[str, ...]], Result] = {}

    def run(command: str, capabilities: tuple[str, ...]) -> Result:
        if (command, capabilities) not in done:
            settings = settings_for(command, host)
            wanted = [row for row in ROWS if not capabilities or row[1] == ", ".join(capabilities)]
            commands = [row[0] for row in wanted if settings_for(row[0], host) == settings]
            results = node.shell(*capabilities, **settings).run_each(commands)
            done.update({(one, capabilities): result for one, result in zip(commands, results, strict=True)})
        return done[command, capabilities]

    return run


def settings_for(command: str, host: HostRoot) -> Settings:
    return {"host": host.path, "host_pid": "nsenter" in command, "trace": "bpf" in command}


def test_the_table_of_refusals_is_read() -> None:
    assert len(ROWS) > 15


@pytest.mark.parametrize(("command", "capabilities", "message"), ROWS, ids=[row[0] for row in ROWS])
def test_a_tool_is_refused_without_its_capability_and_works_with_it(run: Run, command: str, capabilities: str, message: str) -> None:
    refused = run(command, ())
    assert message in refused.output + refused.errors
    granted = run(command, tuple(capabilities.split(", ")))
    assert message not in granted.output + granted.errors
    assert granted.code == 0, granted


@pytest.mark.parametrize(("command", "capabilities"), [(row[0], row[1].split(", ")) for row in ROWS if ", " in row[1]])
def test_each_capability_of_several_is_needed(node: Node, host: HostRoot, command: str, capabilities: list[str]) -> None:
    for left_out in capabilities:
        shell = node.shell(*(name for name in capabilities if name != left_out), **settings_for(command, host))
        assert shell.run(command).code != 0, f"works without {left_out}"


def test_ping_needs_net_raw_only_where_the_node_does_not_let_groups_ping(fresh_node: Node) -> None:
    fresh_node.let_ping(1, 0)
    refused = fresh_node.shell().run(f"ping -c 1 {PEER_ADDRESS}")
    assert refused.errors.endswith("ping: socket: Operation not permitted\n")
    # -G: how long it waits for late answers, five seconds if nobody says
    assert fresh_node.shell().run(f"mtr -n -r -c 1 -G 0.5 {PEER_ADDRESS}").code != 0
    assert fresh_node.shell("NET_RAW").run(f"ping -c 1 {PEER_ADDRESS}").code == 0
    fresh_node.let_ping(0, 2147483647)
    assert fresh_node.shell().run(f"mtr -n -r -c 1 -G 0.5 {PEER_ADDRESS}").code == 0
    assert fresh_node.shell(user=65532).run(f"ping -c 1 {PEER_ADDRESS}").code == 0


def test_a_shell_has_exactly_the_capabilities_that_were_granted(node: Node) -> None:
    """Of the test's own container: what is shown above is shown with these rights and no others."""
    status = node.shell("NET_ADMIN", "NET_RAW").run("grep ^Cap /proc/self/status").output
    assert dict(line.split(":\t") for line in status.splitlines()) == {
        "CapInh": "0" * 16,
        "CapPrm": f"{1 << 12 | 1 << 13:016x}",
        "CapEff": f"{1 << 12 | 1 << 13:016x}",
        "CapBnd": f"{1 << 12 | 1 << 13:016x}",
        "CapAmb": "0" * 16,
    }


def test_network_namespaces_of_the_node_are_entered_with_sys_admin_also_without_chroot(node: Node, host: HostRoot) -> None:
    shell = node.shell("SYS_ADMIN", "SYS_CHROOT", host=host.path, write=True)
    name = NETWORK
    for command in (f"chroot /host ip netns exec {name} ip -br link", f"nsenter --net=/host/run/netns/{name} ip -br link"):
        assert f"{name}0@far" in shell.run(command).output


def test_tcpdump_sees_a_packet(node: Node) -> None:
    seen = node.shell("NET_RAW").run(f"ping -q -i 0.2 {PEER_ADDRESS} >/dev/null & tcpdump -nn -c 1 -i eth0 icmp; kill %1")
    assert re.search(rf"IP 10.224.0.5 > {PEER_ADDRESS}: ICMP echo request|IP {PEER_ADDRESS} > 10.224.0.5: ICMP echo reply", seen.output)


def test_conntrack_lists_a_connection_that_the_node_has_tracked(node: Node) -> None:
    shell = node.shell("NET_ADMIN")
    assert (
        shell.run(
            "nft 'add table inet watch; add chain inet watch c { type filter hook output priority 0; }; add rule inet watch c ct state new'"
        ).code
        == 0
    )
    assert shell.run("nc -zv 10.0.0.1 443").code == 0
    assert "src=10.224.0.5 dst=10.0.0.1" in shell.run("conntrack -L -p tcp --dport 443").output


def test_sets_of_addresses_are_matched_by_the_firewall(fresh_node: Node) -> None:
    shell = fresh_node.shell("NET_ADMIN", "NET_RAW")
    assert shell.run(f"ipset create chosen hash:ip && ipset add chosen {PEER_ADDRESS}").code == 0
    assert shell.run("iptables -A OUTPUT -m set --match-set chosen dst -j REJECT").code == 0
    assert shell.run(f"ping -c 1 -W 1 {PEER_ADDRESS}").code != 0
