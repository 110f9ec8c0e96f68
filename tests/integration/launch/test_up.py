"""`podshell up` from the first line to Ctrl-C (issue "the first shell", Commands)."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from up_process import UpProcess, still_running

from podshell.sandbox.cluster import SandboxCluster
from stack import command_line, settled
from terminal_client import Api, ApiError, TerminalClient

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox runs on Linux only")

# The promise is 2 s; a machine that runs other tests beside may need longer.
STOP_SECONDS = 5.0


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpProcess]:
    """One that was started by somebody without any kubeconfig."""
    with UpProcess(tmp_path_factory.mktemp("up")) as process:
        yield process


def test_without_any_kubeconfig_it_starts_two_sandbox_clusters_and_says_so(up: UpProcess) -> None:
    assert up.lines[0].startswith("Podshell ")
    assert up.lines[1] == "there is no kubeconfig: starting the built-in sandbox clusters"
    assert [line.split()[:2] for line in up.lines[2:4]] == [["cluster", "demo-east:"], ["cluster", "demo-west:"]]
    assert all("sandbox (" in line and "server https://127.0.0.1:" in line for line in up.lines[2:4])
    assert "ceiling  podExec" in up.lines


def test_the_first_page_is_served_without_signing_in(up: UpProcess) -> None:
    page = httpx.get(up.url, timeout=30)
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")


def test_files_with_secrets_are_for_their_owner_only(up: UpProcess) -> None:
    token, current = up.state / "cli-token.json", up.state / "current.json"
    assert json.loads(current.read_text()) == {"gateway": up.url, "token_file": str(token)}
    bearer = json.loads(token.read_text())["token"]
    assert httpx.get(f"{up.url}/api/me", headers={"Authorization": f"Bearer {bearer}"}, timeout=30).status_code == 200
    files = [path for path in up.state.rglob("*") if path.is_file()]
    assert {path for path in files if path.stat().st_mode & 0o077} == set()
    assert not list(up.state.rglob("enrolment"))


def test_the_browser_is_led_to_the_link_by_a_file_and_no_argument_holds_the_secret(up: UpProcess) -> None:
    arguments = up.home / "opened.args"
    deadline = time.monotonic() + 30
    while not arguments.exists():
        assert time.monotonic() < deadline, "the browser was not opened"
        time.sleep(0.05)
    redirect = up.state / "browser" / "signin.html"
    assert arguments.read_text().splitlines() == ["1", str(redirect)]
    opened = up.home / "opened.html"
    assert up.link in opened.read_text()
    assert opened.stat().st_mode & 0o777 == 0o600
    assert redirect.parent.stat().st_mode & 0o777 == 0o700
    lines = [command_line(pid) for pid in [up.process.pid, *(one.pid for one in up.descendants())]]
    assert any(lines)
    assert not [line for line in lines if up.secret.encode() in line]


def test_the_link_signs_in_once(up: UpProcess) -> None:
    assert up.link.startswith(f"{up.url}/#signin=")
    first = up.sign_in()
    assert first.status_code == 200, first.text
    assert first.json()["page_token"]
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    again = up.sign_in()
    assert again.status_code == 401, again.text


async def test_ctrl_c_ends_stubborn_shells_containers_and_files(tmp_path: Path) -> None:
    with UpProcess(tmp_path, "--sandbox", "--no-browser") as up:
        bearer = json.loads((up.state / "cli-token.json").read_text())["token"]
        api = Api(up.url, bearer)
        await until_running(api, "demo-west", "shop", "cart-0")
        session, ticket = await api.open_session(cluster="demo-west", namespace="shop", pod="cart-0", container="cart")
        async with TerminalClient(api, session, ticket) as terminal:
            await terminal.type(b'trap "" HUP INT TERM; sleep 1211 & echo stub""born; while :; do sleep 1; done\n')
            await terminal.wait_output(b"stubborn\r\n")
            await settled(lambda: any(b"1211" in command_line(one.pid) for one in up.descendants()), "that the job has become its command")
            processes = up.descendants()
            seconds = up.press_ctrl_c()
        await api.close()
        assert up.process.returncode == 0
        assert seconds < STOP_SECONDS
        assert still_running(processes) == []
        assert os.listdir(up.temporary) == []
        assert not (up.home / "opened.args").exists()
        assert not (up.state / "browser" / "signin.html").exists()
        assert up.process.stderr is not None
        assert "Traceback" not in up.process.stderr.read()


def test_ctrl_c_in_the_middle_of_the_start_leaves_nothing_either(tmp_path: Path) -> None:
    with UpProcess(tmp_path, "--sandbox", "--no-browser", until="cluster  demo-east") as up:
        processes = up.descendants()
        assert processes
        assert up.press_ctrl_c() < STOP_SECONDS
        assert up.process.returncode == 0
        assert still_running(processes) == []
        assert os.listdir(up.temporary) == []


async def test_with_a_kubeconfig_it_uses_the_current_context_and_names_context_server_and_user(
    tmp_path: Path, sandbox_cluster: SandboxCluster
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    sandbox_cluster.write_kubeconfig(kubeconfig)
    with await asyncio.to_thread(UpProcess, tmp_path, KUBECONFIG=str(kubeconfig)) as up:
        said = up.lines[1]
        assert said.startswith("cluster  demo-east: context demo-east, ")
        assert f"server {sandbox_cluster.url}, user admin@demo-east, Kubernetes v1.36." in said
        api = Api(up.url, json.loads((up.state / "cli-token.json").read_text())["token"])
        await until_running(api, "demo-east", "shop", "cart-0")
        session, ticket = await api.open_session(
            cluster="demo-east", namespace="shop", pod="cart-0", container="cart", command=["id", "-u"]
        )
        async with TerminalClient(api, session, ticket) as terminal:
            assert (await terminal.wait_end()).exit_code == 0
        await api.close()
        assert await asyncio.to_thread(up.press_ctrl_c) < STOP_SECONDS
        assert up.process.returncode == 0


async def until_running(api: Api, cluster: str, namespace: str, pod: str) -> None:
    """Ask until the agent's cache shows the pod running: it has just been started."""
    deadline = time.monotonic() + 60
    status: object = None
    while status != "Running":
        assert time.monotonic() < deadline, f"{pod} is {status}"
        try:
            status = (await api.call("GET", f"/api/clusters/{cluster}/namespaces/{namespace}/pods/{pod}")).get("status")
        except ApiError as error:
            status = error
        await asyncio.sleep(0.1)
