"""What `podshell doctor` says of images and pull secrets without starting anything."""

from __future__ import annotations

import pytest
from answering import client

from podshell.cli.doctor_checks import read_pull_secrets
from podshell.cli.doctor_images import check_image, check_pull_secrets, image_line, registry_of, trace_line, trial_of
from podshell.cli.doctor_report import Verdict
from podshell.kube.debug_options import DebugKind, ResolvedOptions
from podshell.kube.errors import Forbidden

OK, WARNING, FAILED, UNKNOWN = Verdict
DIGEST = "sha256:" + "ab" * 32
PRESENT = [["registry.example.com/tools@" + DIGEST, "registry.example.com/tools:1"], ["docker.io/library/busybox:latest"]]


@pytest.mark.parametrize(
    ("image", "policy", "verdict", "words"),
    [
        ("registry.example.com/tools:1", "", OK, f"is on worker-1 ({DIGEST})"),
        (f"registry.example.com/tools@{DIGEST}", "", OK, f"({DIGEST})"),
        ("busybox", "", OK, "is on worker-1"),
        ("registry.example.com/tools:1", "Never", OK, "is on worker-1"),
        ("registry.example.com/tools:1", "Always", UNKNOWN, "is pulled from registry.example.com nevertheless"),
        ("registry.example.com/tools:2", "", UNKNOWN, "whether it can pull it from registry.example.com is not known"),
        ("registry.example.com/tools:2", "Never", FAILED, "is never pulled"),
        ("other/busybox:latest", "", UNKNOWN, "from docker.io is not known"),
    ],
)
def test_an_image_is_there_or_it_is_said_what_is_not_known(image: str, policy: str, verdict: Verdict, words: str) -> None:
    line = image_line("worker-1", image, PRESENT, policy, "try it")
    assert line.verdict is verdict
    assert words in line.text


async def test_the_images_are_those_that_the_node_reports() -> None:
    images = {"status": {"images": [{"names": ["tools@" + DIGEST, "tools:1"]}, {}]}}
    reporting = client({"/api/v1/nodes/worker-1": images})
    (line,) = await check_image(reporting, "worker-1", "tools:1", "", "try it")
    assert line.text == f"tools:1 is on worker-1 ({DIGEST})"


@pytest.mark.parametrize(
    ("image", "registry"),
    [("busybox", "docker.io"), ("team/tools:1", "docker.io"), ("localhost/tools", "localhost"), ("reg:5000/a/b@sha256:1", "reg:5000")],
)
def test_the_registry_is_the_first_part_of_a_reference_if_it_is_a_host(image: str, registry: str) -> None:
    assert registry_of(image) == registry


def test_the_trial_is_a_command_that_has_what_was_asked_for() -> None:
    options = ResolvedOptions(DebugKind.NODE, "tools:1", pull_secret="regcred")
    said = trial_of("worker-1", options, "debug")
    assert "kubectl shell worker-1 --image tools:1 --pull-secret regcred --debug-namespace debug -- true" in said
    assert "kubectl shell --gateway worker-1 -- true" in trial_of("worker-1", None, gateway=True)


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        ({"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "c2VjcmV0"}}, OK, "is in podshell"),
        ({"type": "Opaque"}, FAILED, "is of the type Opaque"),
        (None, FAILED, "is not in podshell"),
        (Forbidden("no secrets"), UNKNOWN, "whether it is there is not known"),
    ],
)
async def test_a_pull_secret_is_there_and_is_one(found: object, verdict: Verdict, words: str) -> None:
    objects = {} if found is None else {"/api/v1/namespaces/podshell/secrets/regcred": found}
    (line,) = await check_pull_secrets(client(objects), "podshell", ["regcred"], "of --pull-secret")
    assert line.verdict is verdict
    assert words in line.text
    assert "c2VjcmV0" not in line.text


async def test_the_pull_secrets_of_a_pod_are_its_own() -> None:
    body = {"spec": {"imagePullSecrets": [{"name": "regcred"}, {}]}}
    assert await read_pull_secrets(client({"/api/v1/namespaces/shop/pods/cart-0": body}), "shop", "cart-0") == ["regcred"]


def test_btf_cannot_be_seen_from_outside_and_the_line_says_how_to_look() -> None:
    line = trace_line("worker-1", "6.12")
    assert line.verdict is UNKNOWN
    assert "kernel 6.12" in line.text
    assert "kubectl shell worker-1 --profile trace -- ls /sys/kernel/btf/vmlinux" in line.fix
