"""Two people who share a kubeconfig's entry: to the API server they are two, and so they are to `kubectl shell`."""

from __future__ import annotations

import json
import os

import pytest
from shell_process import kubectl, run

from podshell.sandbox.users import DEVELOPER, OPERATOR

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="debug containers want isolated containers")
POD = ["-n", "shop", "pods/cart-0"]


async def debug_containers(env: dict[str, str]) -> dict[str, str]:
    """Return the users of the pod's debug containers, by the containers' names."""
    pod = json.loads(await kubectl(env, "get", "pod", "-n", "shop", "cart-0", "-o", "json"))
    found = {}
    for one in pod["spec"].get("ephemeralContainers", []):
        variables = {each["name"]: each.get("value", "") for each in one.get("env", [])}
        found[one["name"]] = variables["PODSHELL_USER"]
    return found


async def test_nobody_gets_another_ones_debug_container_under_one_name_of_a_kubeconfig(cluster_env: dict[str, str]) -> None:
    for user in (DEVELOPER, OPERATOR, DEVELOPER):
        before = await debug_containers(cluster_env)
        code, _, errors = await run([*POD, "--as", user, "--", "true"], cluster_env)
        assert code == 0, errors
        new = {name: whose for name, whose in (await debug_containers(cluster_env)).items() if name not in before}
        assert set(new.values()) <= {user}
        mine = [name for name, whose in before.items() if whose == user]
        assert (f"Using the debug container {mine[-1]}" in errors) if mine else len(new) == 1


async def test_a_second_user_is_kept_out_of_a_pod_in_which_the_first_ones_container_sees_processes(cluster_env: dict[str, str]) -> None:
    pods = json.loads(await kubectl(cluster_env, "get", "pods", "-n", "shop", "-o", "json"))["items"]
    pod = next(one for one in pods if one["metadata"]["name"].startswith("storefront-"))
    words = ["-n", "shop", f"pods/{pod['metadata']['name']}", "--target", pod["spec"]["containers"][0]["name"]]
    code, _, errors = await run([*words, "--as", OPERATOR, "--", "true"], cluster_env)
    assert code == 0, errors
    code, _, errors = await run([*words, "--as", DEVELOPER, "--", "true"], cluster_env)
    assert (code, f"has a debug container of {OPERATOR} with a target" in errors) == (125, True), errors
