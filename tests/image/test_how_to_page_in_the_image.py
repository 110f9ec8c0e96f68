"""docs/how-to/debug-and-node-shells.md: every line at a prompt of the page is typed into a shell of the image, opened as the page says.

A block of the page that opens its shell in two ways is opened by the last of them, a profile; test_seed_commands.py has the single flags.
tests/integration/cli/test_how_to_page.py runs the commands that open the shells.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_in_node import ClusterInNode
from host_root import LISTED
from image_needs import REPOSITORY
from node import Node
from shown_commands import Check, Opened, Shells, Typed, as_shown, masked, read, type_all
from typing_at_prompts import Prompt

PAGE = [block for block in read((REPOSITORY / "docs/how-to/debug-and-node-shells.md").read_text()) if block.typed]
# The kernel's types (BTF): without them bpftrace wants its headers for the fields of an event, and no image has those.
HAS_TYPES = Path("/sys/kernel/btf/vmlinux").exists()
NOT_RUN = {
    "chroot /host systemctl status | head -n 2": "wants a node with systemd (tests/e2e); here a stand-in answers (host_root.py)",
}


@pytest.fixture(scope="module")
def rules(cluster_node: Node) -> Iterator[None]:
    """What a node's firewall has: kubelet's mark, and rules of kube-proxy's kind, for which nft has no words."""
    shell = cluster_node.shell("NET_ADMIN", "NET_RAW")
    rule = "-A INPUT -m statistic --mode nth --every 2 --packet 0 -j ACCEPT"
    assert shell.run(f"iptables-nft {rule} && iptables-nft -t mangle -N KUBE-IPTABLES-HINT").code == 0
    yield
    assert shell.run("nft delete table ip filter && nft delete table ip mangle").code == 0


def one_address(prompt: Prompt, line: Typed) -> None:
    seen = prompt.run(line.command)
    assert masked(seen) == masked(line.shown) == ["N"], seen


def with_its_warning(prompt: Prompt, line: Typed) -> None:
    assert masked(prompt.run(line.command)) == masked([*line.shown[:2], "chain INPUT {"])


def the_node_s_files(prompt: Prompt, line: Typed) -> None:
    shown = line.shown[0].split()
    assert set(shown) <= set(LISTED)
    assert prompt.run(line.command)[0].split() == [*LISTED]


def the_node_s_resolver(prompt: Prompt, line: Typed) -> None:
    seen = prompt.run(line.command)
    assert seen[0] == line.shown[0]
    assert [one.split()[0] for one in seen] == [one.split()[0] for one in line.shown] == ["nameserver", "search"]


def the_target_s_first_process(prompt: Prompt, line: Typed) -> None:
    (seen,) = prompt.run(line.command)
    assert re.match(r"sh.-c.trap", seen)
    assert prompt.run("tr '\\0' '\\n' </proc/1/cmdline | head -n 1") == ["sh"]


def loaded_programs(prompt: Prompt, line: Typed) -> None:
    assert prompt.run(f"{line.command} >/tmp/listed && echo listed") == ["listed"]


def traced_calls(prompt: Prompt, line: Typed) -> None:
    # every container has sysfs, but for those of the sandbox
    have_sysfs = "cd /sys; chmod u+w .; for f in devices kernel/btf; do mkdir -p $f; mount --bind /host/sys/$f $f; done; cd /"
    assert prompt.run(have_sysfs) == []
    command = line.command if HAS_TYPES else line.command.replace("str(args.filename)", '"/proc/version"')
    prompt.run("(while sleep 0.1; do cat /proc/version >/dev/null; done) & disown")
    seen = prompt.interrupt(command, "cat /proc/version.*?\n")
    assert [one for one in masked(seen) if "Attaching N probe" in one]
    assert masked(line.shown[:1]) in ([], ["Attaching N probe..."])


CHECKS: dict[str, Check] = {
    "ping -c 2 10.224.0.4": as_shown,
    "dig example.com +short": one_address,
    "dig kubernetes.default.svc.cluster.local +short": one_address,
    "nc -zv 10.0.0.1 443": as_shown,
    "curl -k https://10.0.0.1": as_shown,
    "iptables -nvL | head -n 2": as_shown,
    "nft list ruleset | head -n 2": with_its_warning,
    "ls /host": the_node_s_files,
    "cat /etc/resolv.conf | tail -n 2": the_node_s_resolver,
    "chroot /host systemctl status | head -n 2": as_shown,
    "cat /proc/1/cmdline": the_target_s_first_process,
    "bpftool prog list": loaded_programs,
    """bpftrace -e 'tracepoint:syscalls:sys_enter_openat { printf("%s %s\\n", comm, str(args.filename)); }'""": traced_calls,
}


def test_every_line_at_a_prompt_of_the_page_is_checked_and_nothing_is_checked_that_is_not_there() -> None:
    typed = {line.command for block in PAGE for line in block.typed} - {"chroot /host bash"}  # opens the inner prompt
    assert typed == CHECKS.keys()
    assert NOT_RUN.keys() <= typed


@pytest.fixture(scope="module")
def shells(cluster: ClusterInNode, equipped_node: None, rules: None) -> Iterator[Shells]:
    with contextlib.closing(Shells(cluster, [block.last_script for block in PAGE])) as shells:
        yield shells


@pytest.mark.parametrize("block", PAGE, ids=[block.last_script.removeprefix("kubectl shell ") for block in PAGE])
def test_what_the_page_types_gives_what_the_page_shows(shells: Shells, block: Opened) -> None:
    script = block.last_script
    with shells.opened(script) as prompt:
        type_all(prompt, script, block.typed, CHECKS)
