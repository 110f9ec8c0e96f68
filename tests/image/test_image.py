"""What is in the image, what it says of itself, and how a shell in it feels."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest
from host_root import HostRoot
from image_needs import OUTPUT, REPOSITORY
from node import Node

import bill_of_materials
from oci_archive import read_config
from root_file_system import PackageList

PACKAGES = PackageList.read(REPOSITORY / "images/tools/packages.txt")

# one command for each program that the documentation names; each ends by itself and needs no network
PROGRAMS = """
ping -V; tracepath -V; arping -V; curl --version; wget --version; dig -v; nslookup -version; drill -v; nc --version; nmap --version
ncat --version
iptables --version; ip6tables --version; iptables-legacy --version; ebtables --version; ipset --version; nft --version; ip -V; ss -V; tc -V
netstat --version; ifconfig --version; tcpdump --version; conntrack --version; ethtool --version; mtr --version; socat -V; iperf3 --version
ssh -V; strace -V; jq --version; less --version; nano --version; vi --version; file --version; bpftool version; bpftrace --version
nsenter --version; unshare --version; setpriv --version; mount --version; ps --version; top -v; sysctl --version
mpstat -V; iostat -V; sar -V
dtach --help; bash --version; tools --help; perl -v
"""


def files_of(root: Path) -> list[Path]:
    return [Path(folder) / name for folder, _, names in os.walk(root) for name in names]


def test_every_program_that_is_named_starts_without_a_capability(node: Node) -> None:
    commands = [command.strip() for command in re.split(r"[;\n]", PROGRAMS) if command.strip()]
    script = "".join(f"{command} >/dev/null 2>/tmp/said; echo $? '{command}' $(head -n 1 /tmp/said)\n" for command in commands)
    lines = node.shell().run(script).lines
    assert len(lines) == len(commands) > 40
    # 126 and 127: could not be executed, not found; a signal is above
    assert [line for line in lines if int(line.split()[0]) > 125] == []


def test_the_image_says_what_to_run_where_to_look_and_in_which_locale(archive: Path) -> None:
    config = read_config(archive)
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    inner = config["config"]
    assert isinstance(inner, dict)
    assert inner["Cmd"] == ["bash", "-l"]
    assert "LANG=C.UTF-8" in inner["Env"]
    assert [word for word in inner["Env"] if word.startswith("PATH=/usr/local/sbin:")]
    assert "User" not in inner
    assert inner["Labels"]["org.opencontainers.image.title"] == "podshell-tools"


def test_no_file_has_a_setuid_bit_or_a_capability(root: Path) -> None:
    found = []
    for path in files_of(root):
        if path.is_symlink():
            continue
        special = path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)
        if special or "security.capability" in os.listxattr(path):
            found.append(path)
    assert found == []


def test_every_package_has_its_licence_and_nothing_tells_of_the_machine_that_built_it(root: Path) -> None:
    status = (root / "var/lib/dpkg/status").read_text()
    names = [package.name for package in bill_of_materials.installed(status)]
    assert set(PACKAGES.wanted) <= set(names)
    assert not set(PACKAGES.taken_out) & set(names)
    assert [name for name in names if not (root / "usr/share/doc" / name / "copyright").exists()] == []
    for absent in (
        "etc/apt",
        "var/lib/apt/lists",
        "etc/resolv.conf",
        "etc/hostname",
        "var/log/dpkg.log",
        "usr/share/man/man1",
        "usr/bin/apt",
    ):
        assert not (root / absent).exists(), absent
    assert list((root / "usr/share/locale").glob("*/LC_MESSAGES/*")) == []


def test_the_bill_of_materials_beside_the_image_is_the_one_inside_and_lists_every_package(image: dict[str, object], root: Path) -> None:
    beside = (OUTPUT / "amd64" / str(image["sbom"])).read_text()
    assert beside == (root / "usr/share/podshell/sbom.spdx.json").read_text()
    listed = {package["name"] for package in json.loads(beside)["packages"]}
    status = (root / "var/lib/dpkg/status").read_text()
    assert listed == {"podshell-tools"} | {package.name for package in bill_of_materials.installed(status)}


def test_the_image_stays_affordable(image: dict[str, object]) -> None:
    """Two thirds of it are LLVM and Clang, which bpftrace needs."""
    assert int(str(image["compressed_bytes"])) < 170 * 2**20
    assert int(str(image["unpacked_bytes"])) < 500 * 2**20


def test_one_character_of_three_bytes_is_one_character_in_bash_less_and_vi(node: Node) -> None:
    assert node.shell().run("x='●'; echo ${#x}; printf '●' | wc -m").lines == ["1", "1"]
    with node.shell().terminal("printf '● node-1\\n    State: running\\n' | less -+F") as terminal:
        terminal.expect("● node-1".encode())
        terminal.type(b"q")
    with node.shell().terminal("printf '●\\n' > /tmp/x; vi /tmp/x") as terminal:
        terminal.expect("●".encode())


def test_a_login_shell_has_the_node_s_name_in_its_prompt(node: Node) -> None:
    with node.shell().terminal("cd /; bash -l") as terminal:
        terminal.expect(rb"root@node-of-tests \[ / \]# ")


def test_dtach_holds_a_shell_while_nobody_is_attached(node: Node) -> None:
    with node.shell().terminal("mkdir -m 700 /run/held; bash --norc") as terminal:
        terminal.type(b"stty -echo; dtach -c /run/held/s -E -r winch bash --norc\n")
        terminal.type(b"X=$((40 + 2)); ps -o ppid= -p $$ >/tmp/holder; echo set-$X; exec 2>&1; kill -HUP $PPID & cat\n")
        terminal.expect(rb"set-42\r\n")
    with node.shell().terminal("mkdir -m 700 /run/held; bash --norc") as terminal:
        terminal.type(b"stty -echo; dtach -n /run/held/s -E bash --norc; (dtach -p /run/held/s <<< 'X=$((40 + 2))'); echo pushed-$?\n")
        terminal.expect(rb"pushed-0\r\n")
        terminal.type(b"dtach -a /run/held/s -E -r none\n")
        terminal.type(b"echo still-$X\n")
        terminal.expect(rb"still-42\r\n")


@pytest.mark.parametrize("program", ["hostcat", "hostpath"])
def test_links_of_the_host_resolve_as_the_host_resolves_them(node: Node, host: HostRoot, program: str) -> None:
    shell = node.shell(host=host.path)
    assert "No such file or directory" in shell.run("cat /host/etc/resolv.conf").errors
    wanted = host.resolv_conf if program == "hostcat" else "/host/run/systemd/resolve/resolv.conf\n"
    for path in ("/etc/resolv.conf", "/host/etc/resolv.conf", "etc/resolv.conf"):
        assert shell.run(f"{program} {path}").output == wanted
    # a link that climbs out ends at the host's root, not at the container's
    assert shell.run(f"{program} /etc/escape").output == ("the-node\n" if program == "hostcat" else "/host/etc/hostname\n")
    missing = shell.run(f"{program} /etc/none")
    assert (missing.code, missing.errors) == (1, f"{program}: /etc/none: No such file or directory\n")


def test_without_a_host_mount_the_resolver_says_which_flag_is_missing(node: Node) -> None:
    refused = node.shell().run("hostcat /etc/resolv.conf")
    assert refused.code != 0
    assert "--mount-host-filesystem" in refused.errors


def states(text: str) -> dict[str, str]:
    return {group["name"]: group["state"] for group in json.loads(text)["groups"]}


def test_tools_check_tells_what_works_with_the_rights_that_there_are(node: Node, host: HostRoot) -> None:
    none = states(node.shell().run("tools --check --json").output)
    assert {name for name, state in none.items() if state == "ok"} == {"ping", "path", "dns", "http", "connect", "sockets"}
    assert set(none.values()) == {"ok", "needs"}
    net = states(node.shell("NET_ADMIN", "NET_RAW").run("tools --check --json").output)
    added = {"arping", "raw-scan", "interfaces", "capture", "firewall", "legacy-firewall", "ipset", "conntrack"}
    assert {name for name in net if net[name] != none[name]} == added
    systemd = states(node.shell("SYS_CHROOT", host=host.path, host_pid=True).run("tools --check --json").output)
    assert {name for name in systemd if systemd[name] != none[name]} == {"host-files", "chroot", "systemctl", "processes"}


def test_tools_check_says_which_capability_a_refused_group_needs(node: Node) -> None:
    lines = node.shell().run("tools --check").lines
    assert "needs  tcpdump: capability NET_RAW" in lines
    assert "ok     curl, wget" in lines
    assert lines[-1] == "iptables of the node: cannot be seen without capability NET_ADMIN; iptables here is nft then"


def test_tools_check_names_the_backend_of_the_node(fresh_node: Node) -> None:
    shell = fresh_node.shell("NET_ADMIN", "NET_RAW")
    shell.run("iptables-legacy -t mangle -N KUBE-IPTABLES-HINT")
    backend = json.loads(shell.run("tools --check --json").output)["iptables"]
    assert backend == {"node": "legacy", "reason": "kubelet's mark is there", "default": "nft"}


TRACE = ("NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_RESOURCE", "SYS_PTRACE", "BPF", "PERFMON", "MKNOD", "SYS_CHROOT")


def test_with_the_capabilities_of_the_trace_profile_everything_works(node: Node, host: HostRoot) -> None:
    text = node.shell(*TRACE, host=host.path, host_pid=True, trace=True).run("tools --check --json").output
    expected = {"netns-list": "needs", "netns-exec": "needs", "sysctl-write": "needs"}
    if not has_sys_resource():  # some machines for CI keep it from root; then a container cannot have it either, and says so
        expected["bpftrace"] = "needs"
    assert {name: state for name, state in states(text).items() if state != "ok"} == expected


def has_sys_resource() -> bool:
    bounding = re.search(r"^CapBnd:\s*(\w+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert bounding is not None
    return bool(int(bounding[1], 16) >> 24 & 1)


def test_bpftool_and_bpftrace_load_programs_into_this_kernel(node: Node) -> None:
    """Seen here: a program of the kind BEGIN, a timer, a tracepoint. Not seen: kprobes and fentry, which kernels for tests may lack."""
    shell = node.shell(*TRACE, trace=True)
    assert "seen 42" in shell.run("""bpftrace -e 'BEGIN { printf("seen %d\\n", 40 + 2); exit(); }'""").output
    # of all programs of this machine only the one that is started here
    program = """tracepoint:syscalls:sys_enter_getcwd /comm == "pwd"/ { printf("by %s\\n", comm); exit(); }"""
    traced = shell.run(f"bpftrace -e '{program}' -c /bin/pwd")
    assert "by pwd" in traced.output, traced
    assert (
        shell.run("bpftool map create /sys/fs/bpf/chosen type array key 4 value 4 entries 1 name chosen && bpftool map list").output.count(
            "chosen"
        )
        == 1
    )
