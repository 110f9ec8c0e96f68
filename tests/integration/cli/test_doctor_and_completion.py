"""`kubectl shell doctor`, and completion as kubectl itself asks for it, on the sandbox."""

from __future__ import annotations

import json

import pytest
from shell_process import BIN, run


@pytest.fixture
def env(cluster_env: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in cluster_env.items() if not name.startswith("PODSHELL_")}


async def report(words: list[str], env: dict[str, str]) -> tuple[int, dict[str, list[dict[str, str]]]]:
    code, output, errors = await run(["doctor", "-o", "json", *words], env)
    assert errors == ""
    lines: dict[str, list[dict[str, str]]] = {}
    for line in json.loads(output):
        lines.setdefault(line["check"], []).append(line)
    return code, lines


def verdicts(lines: list[dict[str, str]]) -> set[str]:
    return {line["verdict"] for line in lines}


async def test_the_doctor_finds_everything_in_order_for_the_owner_of_the_cluster(env: dict[str, str]) -> None:
    code, lines = await report(["-n", "shop", "pods/cart-0", "--image", "tools:1"], env)
    assert code == 0
    assert verdicts(lines["server"]) == verdicts(lines["version"]) == verdicts(lines["clock"]) == verdicts(lines["rights"]) == {"ok"}
    assert verdicts(lines["pod"]) == verdicts(lines["node"]) == {"ok"}
    asked = {line["text"].split(" in ")[0] for line in lines["rights"]}
    assert {"get pods/exec", "create pods/exec", "patch pods/ephemeralcontainers"} <= asked


async def test_the_doctor_names_every_missing_right_with_its_fix(env: dict[str, str]) -> None:
    code, lines = await report(["-n", "shop", "pods/cart-0", "--as", "nobody", "--image", "tools:1"], env)
    assert code == 1
    failed = [line for line in lines["rights"] if line["verdict"] == "failed"]
    assert any("create pods/exec" in line["text"] and '"create" on pods/exec' in line["fix"] for line in failed)
    assert all(line["fix"] for line in failed)


async def test_the_doctor_says_what_the_target_lacks(env: dict[str, str]) -> None:
    code, lines = await report(["-n", "reports", "pods/forecast", "--image", "tools:1"], env)
    assert code == 1
    assert "not on a node yet" in lines["pod"][0]["text"]
    code, lines = await report(["no-such-node", "--image", "tools:1"], env)
    assert code == 1
    assert lines["node"][0]["text"] == "there is no node no-such-node"


async def test_the_doctor_says_that_there_is_no_image_to_run(env: dict[str, str]) -> None:
    _, lines = await report([], env)
    assert lines["image"][0]["text"] == "missing required --image-repo"
    assert "--image-repo" in lines["image"][0]["fix"]


async def test_the_doctor_ends_where_nobody_answers(env: dict[str, str]) -> None:
    code, lines = await report(["--server", "https://127.0.0.1:1", "--request-timeout", "5"], env)
    assert code == 1
    assert list(lines) == ["server"]


async def test_the_table_has_the_fix_below_the_line(env: dict[str, str]) -> None:
    code, output, _ = await run(["doctor", "--server", "https://127.0.0.1:1"], env)
    first, second = output.decode().splitlines()
    assert code == 1
    assert first.startswith("FAIL  server")
    assert second.strip().startswith("-> ")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["-n", "shop", "pods/car"], "pods/cart-0"),
        (["-n", "sh"], "shop"),
        (["-n", "shop", "pods/cart-0", "--target", ""], "cart"),
        (["--context", ""], "demo-east"),
        (["node/"], "node/worker-1"),
        (["work"], "worker-1"),
    ],
)
async def test_kubectl_completes_names_of_the_cluster(env: dict[str, str], typed: list[str], expected: str) -> None:
    code, output, _ = await run(["__complete", "shell", *typed], env, program=BIN / "kubectl")
    assert code == 0
    assert expected in [line.split("\t")[0] for line in output.decode().splitlines()]
