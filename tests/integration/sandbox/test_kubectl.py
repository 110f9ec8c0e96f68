"""The real kubectl on the sandbox prints what it printed on a real cluster (tests/transcripts/kubectl/outputs.json).

Ages, uids, ids, addresses and generated names are masked. What is left out, and why, stands in `LEFT_OUT`.
"""

import re
from pathlib import Path

import pytest
from kubectl_lab import lab_content
from kubectl_replay import STILL_RUNNING, Kubectl, Outcome, Recorded, masked, recorded

from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.kubelet.backoffs import Timings
from sandbox_fixtures import MakeSandboxCluster

# A crashed container comes back once at once, then not before the test is over.
LAB = Timings(backoff_base_seconds=120.0, pull_failure_seconds=0.05)

LEFT_OUT = {
    "kubectl auth whoami": "the sandbox's administrator has a token, the recorded one a client certificate",
    "kubectl -s https://192.0.2.1:1 get pods": "says nothing about the server",
    "/usr/bin/kubectl": "recorded with kubectl 1.32, which is not among the requirements",
}
GROUPS = {
    "get": r"kubectl (get (?!--raw|pods$)|describe)",
    "logs": r"kubectl logs",
    "exec": r"kubectl exec",
    "rights": r"kubectl (get pods$|auth can-i)",
    "attach": r"kubectl attach",
    "debug": r"kubectl debug",
    "rollout and scale": r"kubectl (rollout|scale)",
    "copy": r"kubectl cp",
    "delete": r"kubectl delete",
    "server": r"kubectl (version|cluster-info|get --raw)",
}
# What only the recorded cluster had, or what depends on how quick a machine is: pattern, replacement, why.
_NOT_COMPARED = [
    (r"^.*node-debugger-.*\n", "", "pods of earlier recordings"),
    (r"^tar: .*\n?", "", "kubectl cp ends with tar's output: whether it still shows tar's complaint is a race in kubectl"),
    (r"^.*MissingClusterDNS.*\n", "", "the recorded cluster had no DNS, the sandbox claims to have one"),
    (r"^ +(ConfigMapName: +openshift.*|Optional: .*)\n", "", "a second source of the token volume"),
    (r"(attachme +4/4 +Running +)3 \(11m ago\)", r"\g<1>0", "earlier recordings had ended three of its containers"),
    (r"^Waiting for deployment .*\n", "", "how many of them come depends on the time a pod takes"),
    (r"^Warning: container debugger-.{5}: Back-off pulling.*\n", "", "the recorder stopped before the kubelet backed off"),
    (r"^@@ (.*\n)*", "", "a difference of Go structures that only the real server can print"),
    (r"^((?:out|err) )\d+\n(\1\d+\n)*", r"\g<1>N\n", "as many as the recorder waited for"),
]


def is_left_out(one: Recorded) -> bool:
    return any(one.command.startswith(start) for start in LEFT_OUT)


def commands_of(group: str) -> list[Recorded]:
    return [one for one in recorded() if re.match(GROUPS[group], one.command) and not is_left_out(one)]


@pytest.fixture
async def lab(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster("lab", content=lab_content, timings=LAB)


@pytest.fixture
def kubectl(lab: SandboxCluster, tmp_path: Path) -> Kubectl:
    return Kubectl(lab, tmp_path / "kubectl")


def compared(text: str) -> str:
    """The text as it is compared: without what `_NOT_COMPARED` says, and masked."""
    for pattern, replacement, _ in _NOT_COMPARED:
        text = re.sub(pattern, replacement, text, flags=re.M)
    return masked(text).rstrip()


def is_same(one: Recorded, seen: Outcome) -> bool:
    return compared(one.stdout) == compared(seen.stdout) and compared(one.stderr) == compared(seen.stderr)


def test_every_recorded_command_belongs_to_one_group() -> None:
    for one in recorded():
        groups = [name for name, pattern in GROUPS.items() if re.match(pattern, one.command)]
        assert is_left_out(one) or len(groups) == 1, (one.command, groups)


@pytest.mark.parametrize("group", GROUPS)
async def test_kubectl_prints_what_it_printed_on_a_real_cluster(group: str, kubectl: Kubectl) -> None:
    differences = []
    for one in commands_of(group):
        command = one.command.replace("/opt/node/nope", str(kubectl.folder / "nope"))
        if one.exit_code == STILL_RUNNING:
            outcome = await kubectl.run_until(command, one.account, lambda seen, one=one: is_same(one, seen))
        else:
            outcome = await kubectl.run(command, one.account)
        pairs = {"exit code": (str(one.exit_code), str(outcome.exit_code))}
        for name, before, now in (("stdout", one.stdout, outcome.stdout), ("stderr", one.stderr, outcome.stderr)):
            pairs[name] = (compared(before), compared(now))
        for name, (before, now) in pairs.items():
            if before != now:
                differences.append(f"{one}: {name}\n--- recorded\n{before}\n--- sandbox\n{now}")
    assert not differences, "\n\n".join(differences)
