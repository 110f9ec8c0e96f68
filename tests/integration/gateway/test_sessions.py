"""Opening, closing, losing and restarting sessions, and what journal and audit say of it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from fake_agent import FakeAgent
from gateway_lab import POD, Lab, TerminalClient, running_lab

from podshell.gateway.sessions import LATE_ATTACH_MS
from podshell.policy.rules import Action, Allow, Decision, Deny, Subject, Target, decide
from podshell.wire import messages as m
from podshell.wire.calls import PodRow
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from terminal_client import ApiError


async def test_a_session_is_audited_before_it_opens_and_when_it_ends(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD, container="main", command=["sh", "-l"], reason="ticket 42")
    opening = agent.openings[0]
    assert (opening.namespace, opening.pod, opening.container, opening.command) == ("default", "web-0", "main", ["sh", "-l"])
    assert (opening.user, opening.reason, opening.idle_timeout_seconds, opening.incarnation) == ("ada", "ticket 42", 300.0, 1)
    record = await lab.record_when(session, lambda r: r.state == "running")
    assert (record.sid, record.start_ticks, record.nonce, record.pod_uid) == (7, 4711, "n1", "uid-1")
    assert await lab.audit_actions(session) == [("session.open", "allowed")]
    agent.finish(session, m.End("exited", 0, "as it was told", left=["cron (pid 9)"]))
    await lab.record_when(session, lambda r: not r.live)
    assert await lab.audit_actions(session) == [("session.open", "allowed"), ("session.end", "done")]
    newest = (await lab.gateway.services.audit.newest(1))[0]
    assert (newest.actor, newest.cluster, newest.pod) == ("ada", "lab", "web-0")
    assert newest.details["left"] == ["cron (pid 9)"]
    assert newest.details["message"] == "as it was told"
    assert await lab.gateway.services.audit.first_break() is None
    await api.close()


async def test_the_grant_of_an_opening_is_for_exactly_that(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    method, grant = agent.calls[0]
    assert (method, grant.operation, grant.session, grant.user, grant.kind) == ("session.open", "open", session, "ada", "exec")
    assert (grant.cluster, grant.instance, grant.epoch) == ("lab", agent.instance, agent.epoch)
    assert (grant.namespace, grant.pod) == ("default", "web-0")
    assert grant.expires_ms - grant.issued_ms <= 30_000
    await api.close()


async def test_a_pod_with_several_containers_wants_a_choice(lab: Lab, agent: FakeAgent) -> None:
    agent.refuse_open = Refusal(
        ErrorCode.CONTAINER_REQUIRED, RefusedBy.AGENT, "the pod has several containers", "choose one", {"containers": ["app", "proxy"]}
    )
    api = lab.api()
    with pytest.raises(ApiError) as error:
        await api.open_session(**POD)
    assert error.value.status == 422
    assert error.value.error["code"] == "container_required"
    assert error.value.error["details"] == {"containers": ["app", "proxy"]}
    assert (await api.call("GET", "/api/sessions?state=all")) == []
    newest = await lab.gateway.services.audit.newest(2)
    assert [(row.action, row.outcome) for row in newest] == [("session.open", "refused"), ("session.open", "allowed")]
    assert newest[0].session == newest[1].session
    await api.close()


async def test_an_agent_that_does_not_answer_is_busy_and_what_it_opens_late_is_closed(tmp_path: Path) -> None:
    async with running_lab(tmp_path, agent_answer_seconds=0.2) as lab, await lab.agent() as agent:
        await agent.until(agent.linked.is_set)
        agent.silent = True
        api = lab.api()
        with pytest.raises(ApiError) as error:
            await api.open_session(**POD)
        assert (error.value.status, error.value.error["code"]) == (504, "agent_busy")
        session = agent.openings[0].session
        assert (await lab.record(session)).end is not None
        # it had opened it after all
        agent.tell(session, "opened", sid=9)
        await agent.until(lambda: len(agent.closings) == 1)
        assert agent.closings[0].session == session
        await api.close()


async def test_without_its_agent_a_cluster_is_offline_and_says_when_to_try_again(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    await agent.stop()
    await _until_offline(lab)
    for path, body in (("/api/sessions", POD), (f"/api/sessions/{session}/tickets", {})):
        with pytest.raises(ApiError) as error:
            await api.call("POST", path, body)
        assert (error.value.status, error.value.error["code"]) == (503, "agent_offline")
        assert isinstance(error.value.error["retry_after_ms"], int)
    assert (await api.call("GET", f"/api/sessions/{session}"))["state"] in ("opening", "running"), "the shell goes on without us"
    clusters = await api.call("GET", "/api/clusters")
    assert clusters[0]["state"] == "offline"  # type: ignore[index]  # a list
    await api.close()


async def test_a_clusters_marks_stay_where_they_are_left_out_and_go_where_they_are_empty(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    seen = []
    for marks in ({"label": "Production", "colour": "red"}, {}, {"label": "Lab"}, {"label": "", "colour": ""}):
        await api.call("POST", "/api/clusters", {"name": "lab", **marks})
        (cluster,) = await api.call("GET", "/api/clusters")
        seen.append((cluster["label"], cluster["colour"]))  # type: ignore[index]  # a list
    assert seen == [("Production", "red"), ("Production", "red"), ("Lab", "red"), ("", "")]
    await api.close()


async def _until_offline(lab: Lab) -> None:
    changed = asyncio.Event()
    end = lab.gateway.services.bus.subscribe("clusters", lambda _: changed.set())
    async with asyncio.timeout(20):
        while lab.gateway.services.links.all():
            await changed.wait()
            changed.clear()
    end()


async def test_unknown_clusters_and_sessions_are_not_found(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    for method, path, body, status, code in (
        ("POST", "/api/sessions", {**POD, "cluster": "nowhere"}, 404, "cluster_unknown"),
        ("GET", "/api/sessions/nothing", None, 404, "session_unknown"),
        ("DELETE", "/api/sessions/nothing", None, 404, "session_unknown"),
        ("POST", "/api/sessions/nothing/tickets", {}, 404, "session_unknown"),
        ("GET", "/api/clusters/nowhere/pods", None, 404, "cluster_unknown"),
        ("GET", "/api/nothing", None, 404, "not_found"),
        ("PATCH", "/api/me", None, 404, "not_found"),
    ):
        with pytest.raises(ApiError) as error:
            await api.call(method, path, body)
        assert (error.value.status, error.value.error["code"]) == (status, code), path
    await api.close()


async def test_closing_ends_the_shell_and_twice_is_once(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    async with TerminalClient(api, session, ticket) as terminal:
        await terminal.wait_for(lambda t: t.attached is not None)
        await api.call("DELETE", f"/api/sessions/{session}")
        assert (await terminal.wait_end()).reason == "closed"
    await lab.record_when(session, lambda r: not r.live)
    await api.call("DELETE", f"/api/sessions/{session}")
    assert len(agent.closings) == 1
    await api.close()


async def test_a_terminal_can_end_its_session(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    async with TerminalClient(api, session, ticket) as terminal:
        await terminal.wait_for(lambda t: t.attached is not None)
        await terminal.close_session()
        assert (await terminal.wait_end()).reason == "closed"
    await api.close()


async def test_facts_are_acknowledged_when_written_and_told_twice_count_once(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    await agent.until(lambda: not agent.unacked)
    agent.tell(session, "idle", seconds=300)
    for _ in range(2):
        agent.tell(session, "ended", reason="idle")
    await agent.until(lambda: not agent.unacked)
    assert await lab.audit_actions(session) == [("session.open", "allowed"), ("session.idle", "done"), ("session.end", "done")]
    end = (await lab.record(session)).end
    assert end is not None
    assert end.reason == "idle"
    await api.close()


async def test_an_agent_cannot_end_a_session_of_another_cluster(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    async with await lab.agent("other", instance="agent-2") as other:
        await other.until(other.linked.is_set)
        other.tell(session, "ended", reason="exited")
        other.send(m.Sync([], [session]))
        await other.until(lambda: not other.unacked)
        assert (await lab.record(session)).live
        assert not agent.closings
    await api.close()


async def test_each_shell_lands_in_its_own_cluster(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    async with await lab.agent("other", instance="agent-2") as other:
        await other.until(other.linked.is_set)
        here, _ = await api.open_session(**POD)
        there, _ = await api.open_session(**{**POD, "cluster": "other"})
        assert set(agent.shells) == {here}
        assert set(other.shells) == {there}
    await _until_gone(lab, "other")
    assert await api.ticket(here), "stopping one agent leaves the other's sessions alone"
    await api.close()


async def _until_gone(lab: Lab, cluster: str) -> None:
    changed = asyncio.Event()
    end = lab.gateway.services.bus.subscribe("clusters", lambda _: changed.set())
    async with asyncio.timeout(20):
        while lab.gateway.services.links.of_cluster(cluster):
            await changed.wait()
            changed.clear()
    end()


async def test_a_restarted_agent_gets_its_sessions_back_with_new_shells(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, ticket = await api.open_session(**POD)
    await lab.record_when(session, lambda r: r.state == "running")
    async with TerminalClient(api, session, ticket) as terminal:
        agent.write(session, b"old")
        await terminal.wait_output(b"old")
        await agent.restart()
        await agent.until(lambda: session in agent.shells)
        opening = agent.openings[-1]
        assert opening.incarnation == 2
        assert opening.predecessor is not None
        assert (opening.predecessor.sid, opening.predecessor.start_ticks, opening.predecessor.nonce) == (7, 4711, "n1")
        assert (opening.predecessor.pod_uid, opening.predecessor.container) == ("uid-1", "main")
        record = await lab.record_when(session, lambda r: r.state == "running")
        assert (record.incarnation, record.epoch) == (2, agent.epoch)
        await terminal.wait_for(lambda t: t.epoch == agent.epoch)
        agent.write(session, b"new")
        await terminal.wait_output(b"new")
    assert ("session.restart", "done") in await lab.audit_actions(session)
    await api.close()


async def test_a_restart_that_was_cut_off_half_way_is_asked_for_again(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    await lab.record_when(session, lambda r: r.state == "running")
    agent.silent = True
    await agent.restart()
    await agent.until(lambda: len(agent.openings) == 2)
    agent.silent = False
    agent.cut()
    await agent.until(lambda: session in agent.shells)
    assert [opening.incarnation for opening in agent.openings] == [1, 2, 2]
    assert agent.openings[2].predecessor == agent.openings[1].predecessor
    assert (await lab.record_when(session, lambda r: r.state == "running")).incarnation == 2
    await api.close()


async def test_another_agent_takes_over_when_one_stays_away(tmp_path: Path) -> None:
    async with running_lab(tmp_path, takeover_seconds=0.1) as lab:
        api = lab.api()
        async with await lab.agent() as first, await lab.agent(instance="agent-2") as second:
            await first.until(first.linked.is_set)
            session, _ = await api.open_session(**POD)
            away, stays = (first, second) if session in first.shells else (second, first)
            await stays.until(stays.linked.is_set)
            await away.stop()
            await stays.until(lambda: session in stays.shells)
            assert stays.openings[-1].incarnation == 2
            record = await lab.record_when(session, lambda r: r.state == "running")
            assert record.instance == stays.instance
        await api.close()


async def test_a_reconnected_agent_keeps_its_shells(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    agent.cut()
    await agent.until(lambda: agent.welcomes == 2)
    assert await api.ticket(session)
    assert len(agent.openings) == 1
    assert (await lab.record(session)).incarnation == 1
    await api.close()


async def test_a_session_missing_in_two_syncs_is_lost(lab: Lab, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podshell.gateway.facts.SETTLED_MS", -1)
    api = lab.api()
    session, _ = await api.open_session(**POD)
    kept, _ = await api.open_session(**POD)
    await agent.until(lambda: not agent.unacked)
    for _ in range(2):
        agent.send(m.Sync([], [kept]))
    record = await lab.record_when(session, lambda r: not r.live)
    assert record.end is not None
    assert record.end.reason == "lost"
    assert (await lab.record(kept)).live
    await api.close()


async def test_a_session_that_the_gateway_does_not_want_is_closed_at_sync(lab: Lab, agent: FakeAgent) -> None:
    agent.send(m.Sync([], ["stranger"]))
    await agent.until(lambda: len(agent.closings) == 1)
    assert agent.closings[0].session == "stranger"


class Policy:
    """The built-in rule until somebody is shut out."""

    def __init__(self) -> None:
        self.shut_out: set[str] = set()

    def __call__(self, subject: Subject, action: Action, target: Target) -> Decision:
        if subject.name in self.shut_out and action is not Action.CLOSE:
            return Deny("this user left the team")
        return decide(subject, action, target) if subject.name else Allow("test")


async def test_revocation_ends_a_live_shell_within_two_seconds(tmp_path: Path) -> None:
    policy = Policy()
    lab = Lab(tmp_path)
    lab.gateway._policy = policy
    await lab.start()
    try:
        async with await lab.agent() as agent:
            await agent.until(agent.linked.is_set)
            api = lab.api()
            session, ticket = await api.open_session(**POD)
            terminal = TerminalClient(api, session, ticket)
            async with terminal:
                await terminal.wait_for(lambda t: t.attached is not None)
                policy.shut_out.add("ada")
                begun = time.monotonic()
                lab.gateway.authority_changed(user="ada")
                await terminal.wait_for(lambda t: bool(t.errors))
                assert terminal.errors[0].refusal.code == "revoked"
                await agent.until(lambda: len(agent.closings) == 1)
                assert time.monotonic() - begun < 2
                assert agent.closings[0].reason == "revoked"
            for path in ("/api/sessions", f"/api/sessions/{session}/tickets"):
                with pytest.raises(ApiError) as error:
                    await api.call("POST", path, POD)
                assert error.value.status == 403
            assert ("session.end", "done") in await lab.audit_actions(session)
            assert [o.session for o in agent.openings] == [session]
            await api.close()
    finally:
        await lab.gateway.stop()


async def test_what_was_revoked_while_its_agent_was_away_does_not_come_back(tmp_path: Path) -> None:
    policy = Policy()
    lab = Lab(tmp_path)
    lab.gateway._policy = policy
    await lab.start()
    try:
        async with await lab.agent() as agent:
            await agent.until(agent.linked.is_set)
            api = lab.api()
            session, _ = await api.open_session(**POD)
            await agent.stop()
            policy.shut_out.add("ada")
            await lab.gateway.services.sessions.review("ada")
            await agent.restart()
            record = await lab.record_when(session, lambda r: not r.live)
            assert record.end is not None
            assert record.end.reason == "revoked"
            assert len(agent.openings) == 1
            await api.close()
    finally:
        await lab.gateway.stop()


async def test_what_was_closed_while_its_agent_was_away_ends_when_that_is_back(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    await agent.stop()
    await _until_offline(lab)
    with pytest.raises(ApiError) as error:
        await api.call("DELETE", f"/api/sessions/{session}")
    assert (error.value.status, error.value.error["code"]) == (503, "agent_offline")
    async with agent:  # the same life: only its link was lost
        await agent.until(lambda: len(agent.closings) == 1)
        assert agent.closings[0].session == session
        await lab.record_when(session, lambda r: not r.live)
    await api.close()


async def test_a_draining_agent_gets_no_new_sessions_and_its_successor_does(lab: Lab, agent: FakeAgent) -> None:
    api = lab.api()
    kept, _ = await api.open_session(**POD)
    agent.send(m.Draining(True))
    async with await lab.agent(instance="agent-2") as successor:
        await successor.until(successor.linked.is_set)
        new, _ = await api.open_session(**POD)
        assert new in successor.shells
        assert await api.ticket(kept), "what it has goes on"
    await _until_gone_instance(lab, "agent-2")
    with pytest.raises(ApiError) as error:
        await api.open_session(**POD)
    assert (error.value.status, error.value.error["code"]) == (503, "agent_offline")
    await api.close()


async def _until_gone_instance(lab: Lab, instance: str) -> None:
    changed = asyncio.Event()
    end = lab.gateway.services.bus.subscribe("clusters", lambda _: changed.set())
    async with asyncio.timeout(20):
        while lab.gateway.services.links.instance("lab", instance):
            await changed.wait()
            changed.clear()
    end()


async def test_many_openings_at_once_do_not_slip_under_the_limit(tmp_path: Path) -> None:
    async with running_lab(tmp_path, sessions_per_user=3) as lab, await lab.agent() as agent:
        await agent.until(agent.linked.is_set)
        api = lab.api()
        outcomes = await asyncio.gather(*(api.open_session(**POD) for _ in range(10)), return_exceptions=True)
        assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 3
        assert len(agent.openings) == 3
        await api.close()


async def test_limits_refuse_and_name_themselves(tmp_path: Path) -> None:
    async with running_lab(tmp_path, sessions_per_user=2, tickets_per_user=4) as lab, await lab.agent() as agent:
        await agent.until(agent.linked.is_set)
        api = lab.api()
        session, _ = await api.open_session(**POD)
        await api.open_session(**POD)
        with pytest.raises(ApiError) as error:
            await api.open_session(**POD)
        assert (error.value.status, error.value.error["code"]) == (429, "limit_reached")
        for _ in range(2):
            await api.ticket(session)
        with pytest.raises(ApiError) as error:
            await api.ticket(session)
        assert (error.value.status, error.value.error["code"]) == (429, "limit_reached")
        await api.close()


async def test_pods_come_from_the_agent(lab: Lab, agent: FakeAgent) -> None:
    agent.pods = [PodRow("u1", "default", "web-0", "Running", "Running", "1/1", 0, "2026-01-01T00:00:00Z")]
    api = lab.api()
    pods = await api.call("GET", "/api/clusters/lab/pods?namespace=default")
    assert [pod["name"] for pod in pods] == ["web-0"]  # type: ignore[index]  # a list of rows
    assert (await api.call("GET", "/api/clusters/lab/namespaces/default/pods/web-0"))["uid"] == "u1"
    with pytest.raises(ApiError) as error:
        await api.call("GET", "/api/clusters/lab/namespaces/default/pods/gone")
    assert (error.value.status, error.value.error["refused_by"]) == (404, "kubernetes")
    await api.close()


async def test_a_ticket_for_a_session_that_ended_long_ago_says_that_it_ended(
    lab: Lab, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = lab.api()
    session, _ = await api.open_session(**POD)
    agent.finish(session, m.End("exited", 0))
    record = await lab.record_when(session, lambda r: not r.live)
    assert record.ended_ms is not None
    later = record.ended_ms + LATE_ATTACH_MS + 1
    monkeypatch.setattr("podshell.gateway.sessions.unix_ms", lambda: later)
    with pytest.raises(ApiError) as error:
        await api.ticket(session)
    assert (error.value.status, error.value.error["code"]) == (410, "session_ended")
    await api.close()
