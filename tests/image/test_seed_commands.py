"""Every command block of "Shell TSG" (S2), in its order, by the binaries of the image that ships, with the capabilities that
its flags ask for.

Not run here: `systemctl` and `journalctl`, which need a node with systemd. What is tested of them is the path to them: the manifest
(tests/unit/kube), the hint (tests/unit/cli), and `chroot` into the host's file system with the node's processes in sight (below).
"""

from __future__ import annotations

import json
import re

from host_root import HostRoot
from node import API_ADDRESS, NODE_ADDRESS, PEER_ADDRESS, Node


def test_every_command_block_of_the_seed_does_what_it_says(seed_node: Node, host: HostRoot, dns_answer: str, search_domain: str) -> None:
    # kubectl retina shell NODE
    shell = seed_node.shell()
    ping = shell.run(f"ping -c 5 -i 0.2 {PEER_ADDRESS}")
    assert ping.lines[0] == f"PING {PEER_ADDRESS} ({PEER_ADDRESS}) 56(84) bytes of data."
    for n in range(1, 6):
        assert re.fullmatch(rf"64 bytes from {PEER_ADDRESS}: icmp_seq={n} ttl=64 time=[\d.]+ ms", ping.lines[n])
    assert "5 packets transmitted, 5 received, 0% packet loss" in ping.output

    assert shell.run("dig example.com +short").output == f"{dns_answer}\n"
    assert f"Name:\texample.com\nAddress: {dns_answer}\n" in shell.run("nslookup example.com").output
    assert f"example.com.\t60\tIN\tA\t{dns_answer}\n" in shell.run("drill example.com").output

    knock = shell.run(f"nc -zv {API_ADDRESS} 443")
    assert (knock.code, knock.output) == (0, "")
    assert re.fullmatch(
        rf"Ncat: Version [\d.]+ \( https://nmap.org/ncat \)\nNcat: Connected to {API_ADDRESS}:443.\n"
        r"Ncat: 0 bytes sent, 0 bytes received in [\d.]+ seconds.\n",
        knock.errors,
    )
    assert json.loads(shell.run(f"curl -k https://{API_ADDRESS}").output) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }

    # without --capabilities: S2's error, in the words that iptables and nft have today
    assert shell.run("iptables -nvL").errors.endswith("Permission denied (you must be root)\n")
    assert shell.run("nft list ruleset").errors.startswith("Operation not permitted (you must be root)\n")

    # --capabilities NET_ADMIN,NET_RAW
    shell = seed_node.shell("NET_ADMIN", "NET_RAW")
    assert shell.run(f"iptables -A INPUT -s {PEER_ADDRESS} -d {NODE_ADDRESS} -p icmp -j ACCEPT").code == 0
    assert shell.run(f"ping -c 3 -i 0.2 -q {PEER_ADDRESS}").code == 0
    # a node has rules that nft has no words for; these make it warn
    assert shell.run("iptables -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j ACCEPT").code == 0
    rules = shell.run("iptables -nvL").lines
    assert re.fullmatch(r"Chain INPUT \(policy ACCEPT \d+ packets, \d+ bytes\)", rules[0])
    assert rules[1] == " pkts bytes target     prot opt in     out     source               destination         "
    assert rules[2].split()[:3] == ["3", "252", "ACCEPT"]  # 3 answers of 84 bytes
    assert shell.run("iptables -nvL | head -n 2").lines == rules[:2]
    ruleset = shell.run("nft list ruleset | head -n 2")
    # nft 1.1 writes the warning to standard error, so on a terminal it stands in front of head's two lines
    assert ruleset.errors == "# Warning: table ip filter is managed by iptables-nft, do not touch!\n"
    assert ruleset.lines == ["table ip filter {", "\tchain INPUT {"]
    assert shell.run("nft add table inet chosen && nft add chain inet chosen seeded && nft list tables").lines[-1] == "table inet chosen"

    # --mount-host-filesystem
    shell = seed_node.shell(host=host.path)
    assert shell.run("ls /host").output.split() == [
        "NOTICE.txt",
        *["bin", "etc", "home", "lib", "lib64", "proc", "run", "sys", "tmp", "usr"],
    ]
    assert "Read-only file system" in shell.run("touch /host/tmp/x").errors
    assert shell.run("cat /host/etc/resolv.conf").errors == "cat: /host/etc/resolv.conf: No such file or directory\n"
    assert "Operation not permitted" in shell.run("chroot /host bash").errors

    # --mount-host-filesystem --allow-host-filesystem-write
    assert seed_node.shell(host=host.path, write=True).run("echo written > /host/tmp/x").code == 0
    assert (host.path / "tmp/x").read_text() == "written\n"

    # --mount-host-filesystem --capabilities SYS_CHROOT
    shell = seed_node.shell("SYS_CHROOT", host=host.path)
    inside = shell.run("chroot /host bash", typed="cat /etc/resolv.conf | tail -n 2\nsysctl net.ipv4.ping_group_range\nip netns list\n")
    assert inside.lines == [
        "nameserver 168.63.129.16",
        f"search {search_domain}",
        "net.ipv4.ping_group_range = 0\t2147483647",
        host.network,
    ]
    refused = shell.run(f"chroot /host ip netns exec {host.network} true").errors
    assert refused == f'setting the network namespace "{host.network}" failed: Operation not permitted\n'

    # --mount-host-filesystem --capabilities SYS_CHROOT --host-pid: what systemctl and journalctl are reached by
    shell = seed_node.shell("SYS_CHROOT", host=host.path, host_pid=True)
    assert shell.run("cat /proc/2/comm; chroot /host bash -c 'echo in the host'").lines == ["kthreadd", "in the host"]
    # and its first line begins with one character
    assert shell.run("printf '● %s' $(hostname) | wc -m").output == f"{2 + len(seed_node.name)}\n"
