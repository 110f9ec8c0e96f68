"""Two users on one pod or node: containers and holders of their own, and no way for one to the other's (acceptance 9 of the issue)."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from test_stack_authority import terminal_answer

from podshell.agent.ceiling import Action, ceiling_of
from podshell.agent.settings import ToolsSettings
from podshell.sandbox.resources import JOB
from sandbox_fixtures import end_unnoticed
from stack import Stack, settled
from terminal_client import Api, ApiError, TerminalClient

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.geteuid() != 0, reason="without isolated containers everything sees everything"),
]
EVERYTHING = ceiling_of([action.value for action in Action])
SHORT = ToolsSettings(image_repository="tools", image_version="1", patience_seconds=5, sweep_seconds=0.5)
DEBUG: dict[str, object] = {"kind": "debug", "namespace": "shop", "pod": "cart-0"}
NODE: dict[str, object] = {"kind": "node", "namespace": "", "pod": "", "node": "worker-1"}
# The sandbox's containers keep their holders in the first of these that can be written to (kube/waiter.py).
HOLDERS = "ls -d /run/podshell/.podshell-h-* /run/.podshell-h-* /tmp/.podshell-h-* /dev/.podshell-h-* 2>/dev/null"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(tmp_path_factory.mktemp("users"), ceiling=EVERYTHING, tools=SHORT) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="module")
async def eve(stack: Stack) -> Api:
    """A second user. The first is ada: `stack.api`."""
    return await stack.sign_in("eve")


class Shell:
    """One user's debug or node session with a terminal."""

    def __init__(self, stack: Stack, api: Api, **where: object) -> None:
        self._stack = stack
        self._api = api
        self._where = {"cluster": stack.cluster.name, **where}
        self.terminal: TerminalClient

    async def __aenter__(self) -> Shell:
        session, ticket = await self._api.open_session(**self._where)
        self.terminal = await TerminalClient(self._api, session, ticket).__aenter__()
        await self.say("echo here:$((40+2)):", b"here:42:")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.terminal.leave()
        await self._api.call("DELETE", f"/api/sessions/{self.session}")
        await self._stack.wait_audit(self.session, "session.end")

    @property
    def session(self) -> str:
        return self.terminal.session

    async def say(self, text: str, expected: bytes) -> None:
        seen = len(self.terminal.output)
        await self.terminal.type(text.encode() + b"\r")
        await self.terminal.wait_for(lambda t: expected in t.output[seen:])

    async def made(self) -> dict[str, object]:
        """The container as the gateway knows it once the shell in it is known to be held."""
        assert self._stack.gateway is not None
        await self._stack.wait_audit(self.session, "session.made")
        shown = await self._api.call("GET", f"/api/sessions/{self.session}")
        return dict(shown["made"])  # type: ignore[call-overload]  # a MadeContainer

    async def nonce(self) -> str:
        """The secret name of the shell's processes and of its holder."""
        assert self._stack.gateway is not None
        record = await self._stack.gateway.services.journal.find(self.session)
        assert record is not None
        assert record.nonce
        return record.nonce


def names(stack: Stack) -> list[str]:
    """The Jobs that the cluster has."""
    return [job["metadata"]["name"] for job in stack.cluster.sandbox.store.list(JOB)]


@pytest.mark.parametrize("where", [DEBUG, NODE], ids=["debug", "node"])
async def test_each_user_has_a_container_and_a_holder_of_their_own(stack: Stack, eve: Api, where: dict[str, object]) -> None:
    async with Shell(stack, stack.api, **where) as mine, Shell(stack, eve, **where) as theirs:
        places = [await shell.made() for shell in (mine, theirs)]
        assert len({(place["pod"], place["container"]) for place in places}) == 2
        await theirs.say(f"{HOLDERS} | wc -l | sed 's/^ */holders:/'", b"holders:1\r")
        nonce = await mine.nonce()
        # a pattern that does not match itself in the command line of grep
        search = f"grep -aEl '[{nonce[0]}]{nonce[1:]}' /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | wc -l | sed 's/^ */seen:/'"
        await theirs.say(search, b"seen:0\r")
        await mine.say(search, b"seen:")
        assert b"seen:0\r" not in mine.terminal.output, "the search would find it where it is"


async def test_a_users_running_container_is_used_again_by_them_and_never_by_another(stack: Stack, eve: Api) -> None:
    async with Shell(stack, stack.api, **DEBUG) as first:
        container = (await first.made())["container"]
        async with Shell(stack, stack.api, **DEBUG) as second, Shell(stack, eve, **DEBUG) as theirs:
            again = await second.made()
            assert (again["container"], again["reused"]) == (container, True)
            assert (await theirs.made())["container"] != container
    async with Shell(stack, eve, **DEBUG) as later:  # it waits for ada for a while yet
        assert (await later.made())["container"] != container


async def test_a_container_that_ends_before_the_shell_begins_is_followed_by_another(stack: Stack) -> None:
    """Its waiter may end it between the look at the pod and the exec; the audit names both."""
    async with Shell(stack, stack.api, **DEBUG) as first:
        container = str((await first.made())["container"])
    await end_unnoticed(stack.cluster.sandbox, "shop", "cart-0", container)
    async with Shell(stack, stack.api, **DEBUG) as second:
        made = await second.made()
        assert made["container"] != container
        assert not made.get("reused")
        told = [row["details"] for row in await stack.audit(second.session, "session.made")]
        assert [told[0][name] for name in ("container", "reused")] == [container, True]  # type: ignore[index]  # a MadeContainer


async def test_a_second_user_gets_no_target_beside_the_first_ones(stack: Stack, eve: Api) -> None:
    targeted = {**DEBUG, "debug": {"target": "exporter"}}
    async with Shell(stack, stack.api, **targeted):
        with pytest.raises(ApiError) as refused:
            await eve.open_session(cluster=stack.cluster.name, **targeted)
        assert (refused.value.status, refused.value.error["code"]) == (409, "conflict")
        assert "ada" in str(refused.value.error["message"])
        async with Shell(stack, eve, **DEBUG):
            pass


@pytest.mark.parametrize("where", [DEBUG, NODE], ids=["debug", "node"])
async def test_a_foreign_session_is_not_shown_closed_attached_to_or_resumed(stack: Stack, eve: Api, where: dict[str, object]) -> None:
    async with Shell(stack, stack.api, **where) as mine, Shell(stack, eve, **where) as theirs:
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/tickets")):
            with pytest.raises(ApiError) as refused:
                await eve.call(method, f"/api/sessions/{mine.session}{path}", {} if method == "POST" else None)
            assert (refused.value.status, refused.value.error["code"]) == (404, "session_unknown"), (method, path)
        assert mine.session not in str(await eve.call("GET", "/api/sessions"))
        stolen = await stack.api.ticket(mine.session)
        assert await terminal_answer(stack, mine.session, stolen, eve.headers) == "ticket_refused"
        own = await eve.ticket(theirs.session)
        assert await terminal_answer(stack, mine.session, own, eve.headers) == "ticket_refused"
        guessed = await terminal_answer(stack, mine.session, secrets.token_urlsafe(32), eve.headers)
        assert guessed in ("ticket_refused", "link_lost")  # it may be from a gateway that was restarted: then another is fetched
        await mine.say("echo still:$((40+2)):", b"still:42:")
        assert (mine.terminal.attaches, mine.terminal.errors) == (1, [])


@pytest.mark.parametrize("where", [DEBUG, NODE], ids=["debug", "node"])
async def test_withdrawn_rights_end_a_shell_and_what_was_made_for_it(stack: Stack, eve: Api, where: dict[str, object]) -> None:
    async with Shell(stack, stack.api, **where) as mine, Shell(stack, eve, **where) as theirs:
        made = await theirs.made()
        await theirs.say("(trap '' HUP; exec sleep 1717) & echo st''arted", b"started")
        await stack.change_role("eve", "")
        try:
            await theirs.terminal.wait_for(lambda t: any(error.refusal.code.value == "revoked" for error in t.errors))
            row = await stack.wait_audit(theirs.session, "session.end")
            assert row["details"]["reason"] == "revoked", row  # type: ignore[index]  # a row
            assert row["details"]["unkilled"] == [], row  # type: ignore[index]  # a row
            with pytest.raises(ApiError) as refused:
                await eve.open_session(cluster=stack.cluster.name, **where)
            assert refused.value.error["code"] == "forbidden_by_policy"
            if where is NODE:
                await settled(lambda: made["name"] not in names(stack), lambda: names(stack))
            await mine.say("echo still:$((40+2)):", b"still:42:")
        finally:
            await stack.change_role("eve", "owner")
