"""The agent's choke point: nothing reaches a cluster without grant and ceiling (issue "the first shell", acceptance 9)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from podshell.agent.authority import CALLS, FRAMES, KINDS, ROLES, Authority
from podshell.agent.ceiling import Action, Ceiling
from podshell.agent.identity import AgentIdentity, load_identity
from podshell.policy.grants import LIFETIME_MS, Grant, sign_grant
from podshell.wire import calls
from podshell.wire.calls import DeletePod, OpenSession, ReadLogs, options_digest
from podshell.wire.errors import ErrorCode, Refusal
from podshell.wire.frames import FrameType

NOW = 1_800_000_000_000
FROM_AGENT_ONLY = {
    FrameType.HELLO,
    FrameType.DRAINING,
    FrameType.FACT,
    FrameType.ATTACHED,
    FrameType.GAP,
    FrameType.NOTICE,
    FrameType.END,
}
KEY = Ed25519PrivateKey.generate()
OPENING = OpenSession(session="s1", kind="exec", namespace="shop", pod="web-0", user="ada")
PARAMS = msgspec.msgpack.encode(OPENING)


def test_every_call_of_the_protocol_has_a_need() -> None:
    methods = {value for name, value in vars(calls).items() if name.isupper() and isinstance(value, str) and "." in value}
    assert methods == set(CALLS)


def test_every_frame_that_a_gateway_may_send_is_checked_or_explained() -> None:
    assert set(FRAMES) == set(FrameType) - FROM_AGENT_ONLY
    assert FRAMES[FrameType.CALL] is CALLS
    assert FRAMES[FrameType.ATTACH] is ROLES


def test_every_operation_is_distinct_and_acting_ones_meet_the_ceiling() -> None:
    operations = {"open", "plan", "close", "view", "attach", "observe", "record", "logs", "delete"}
    assert {need.operation for need in [*CALLS.values(), *ROLES.values()]} == operations
    assert {method for method, need in CALLS.items() if need.acts} == {calls.SESSION_OPEN, calls.POD_DELETE}
    assert all(need.acts for need in ROLES.values())
    assert set(KINDS.values()) <= set(Action)


@pytest.fixture
def identity(tmp_path: Path) -> AgentIdentity:
    return load_identity(tmp_path, "east")


@pytest.fixture
def authority(identity: AgentIdentity) -> Authority:
    public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Authority(identity, Ceiling(pod_exec=True), lambda: (public,), lambda: NOW)


def grant_for(identity: AgentIdentity, **changes: object) -> Grant:
    values: dict[str, object] = {
        "id": "0123456789abcdef",
        "operation": "open",
        "user": "ada",
        "cluster": "east",
        "instance": identity.instance,
        "epoch": identity.epoch,
        "issued_ms": NOW,
        "expires_ms": NOW + LIFETIME_MS,
        "session": "s1",
        "kind": "exec",
        "namespace": "shop",
        "pod": "web-0",
        "options_sha256": options_digest(PARAMS),
    }
    return Grant(**{**values, **changes})  # type: ignore[arg-type]  # fields of Grant


def check(authority: Authority, grant: bytes, *, params: bytes = PARAMS, offset_ms: int = 0) -> Grant | Refusal:
    return authority.check_call(calls.SESSION_OPEN, params, grant, clock_offset_ms=offset_ms)


def test_a_good_grant_counts_once(identity: AgentIdentity, authority: Authority) -> None:
    grant = sign_grant(grant_for(identity), KEY)
    assert isinstance(check(authority, grant), Grant)
    again = check(authority, grant)
    assert isinstance(again, Refusal)
    assert "used already" in again.message


@pytest.mark.parametrize(
    "changes",
    [
        {"cluster": "west"},
        {"instance": "another"},
        {"epoch": "an-earlier-life"},
        {"operation": "view"},
        {"expires_ms": NOW},
        {"issued_ms": NOW + 2 * LIFETIME_MS, "expires_ms": NOW + 3 * LIFETIME_MS},
        {"options_sha256": b"x" * 32},
        {"options_sha256": b""},
    ],
)
def test_a_grant_for_something_else_is_refused(identity: AgentIdentity, authority: Authority, changes: dict[str, object]) -> None:
    refused = check(authority, sign_grant(grant_for(identity, **changes), KEY))
    assert isinstance(refused, Refusal)
    assert refused.code is ErrorCode.GRANT_REFUSED


@pytest.mark.parametrize(
    "spoil",
    [
        lambda grant: grant[:20] + bytes([grant[20] ^ 1]) + grant[21:],
        lambda grant: grant[:-1] + bytes([grant[-1] ^ 1]),
        lambda grant: b"",
        lambda grant: grant[-64:],
    ],
)
def test_an_altered_grant_is_refused(identity: AgentIdentity, authority: Authority, spoil: Callable[[bytes], bytes]) -> None:
    refused = check(authority, spoil(sign_grant(grant_for(identity), KEY)))
    assert isinstance(refused, Refusal)
    assert refused.code is ErrorCode.GRANT_REFUSED


def test_a_grant_signed_by_a_stranger_is_refused(identity: AgentIdentity, authority: Authority) -> None:
    assert isinstance(check(authority, sign_grant(grant_for(identity), Ed25519PrivateKey.generate())), Refusal)


def test_a_wrong_clock_of_ours_is_corrected_by_the_gateways(identity: AgentIdentity, authority: Authority) -> None:
    hour = 3_600_000
    grant = sign_grant(grant_for(identity, issued_ms=NOW + hour, expires_ms=NOW + hour + LIFETIME_MS), KEY)
    assert isinstance(check(authority, grant, offset_ms=hour), Grant)


@pytest.mark.parametrize("change", [{"session": "s2"}, {"pod": "web-1"}, {"namespace": "other"}, {"user": "eve"}, {"kind": "node"}])
def test_an_opening_that_is_not_the_granted_one_is_refused(identity: AgentIdentity, authority: Authority, change: dict[str, str]) -> None:
    opening = msgspec.structs.replace(OPENING, **change)
    refused = authority.check_opening(opening, grant_for(identity))
    assert refused is not None
    assert refused.code is ErrorCode.GRANT_REFUSED


def test_the_ceiling_names_its_flag_and_the_helm_value(identity: AgentIdentity) -> None:
    closed = Authority(identity, Ceiling(), tuple, lambda: NOW)
    refused = closed.check_opening(OPENING, grant_for(identity))
    assert refused is not None
    assert (refused.code, refused.details["helm_value"]) == (ErrorCode.FORBIDDEN_BY_CEILING, "actions.podExec")


@pytest.mark.parametrize(("role", "operation"), [("owner", "attach"), ("observer", "observe"), ("recorder", "record")])
def test_each_role_needs_its_own_grant(identity: AgentIdentity, authority: Authority, role: str, operation: str) -> None:
    for index, granted in enumerate(("attach", "observe", "record")):
        grant = sign_grant(grant_for(identity, id=f"grant-{role}-{index:08d}", operation=granted, options_sha256=b""), KEY)
        checked = authority.check_attach(role, "s1", "exec", grant, clock_offset_ms=0)
        assert isinstance(checked, Grant) == (granted == operation)


def test_an_attach_to_another_session_is_refused(identity: AgentIdentity, authority: Authority) -> None:
    grant = sign_grant(grant_for(identity, operation="attach", options_sha256=b""), KEY)
    assert isinstance(authority.check_attach("owner", "s2", "exec", grant, clock_offset_ms=0), Refusal)


def test_nobody_but_its_user_comes_in_as_the_owner_of_a_session(identity: AgentIdentity, authority: Authority) -> None:
    """Also with a grant that is signed: policy says the same (policy/rules.py), and the agent does not depend on it."""
    for number, (role, operation) in enumerate({"owner": "attach", "observer": "observe", "recorder": "record"}.items()):
        theirs = grant_for(identity, id=f"grant-of-eve-{number:08d}", operation=operation, user="eve", options_sha256=b"")
        checked = authority.check_attach(role, "s1", "exec", sign_grant(theirs, KEY), clock_offset_ms=0, user="ada")
        assert isinstance(checked, Refusal) == (role == "owner")
    mine = sign_grant(grant_for(identity, id="grant-of-ada-00000001", operation="attach", user="ada", options_sha256=b""), KEY)
    assert isinstance(authority.check_attach("owner", "s1", "exec", mine, clock_offset_ms=0, user="ada"), Grant)


def test_every_action_of_the_ceiling_is_off_unless_switched_on_and_follows_from_no_other() -> None:
    assert not any(Ceiling().as_message().values())
    for field in dataclasses.fields(Ceiling):
        assert sum(Ceiling(**{field.name: True}).as_message().values()) == 1


LOG = msgspec.msgpack.encode(ReadLogs("shop", "web-0", "main"))


@pytest.mark.parametrize("ceiling", [Ceiling(pod_exec=True), Ceiling(basic=True)])
def test_a_log_needs_a_grant_for_itself_and_either_action(identity: AgentIdentity, ceiling: Ceiling) -> None:
    public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    authority = Authority(identity, ceiling, lambda: (public,), lambda: NOW)
    other = options_digest(msgspec.msgpack.encode(ReadLogs("shop", "web-0", "other")))
    for number, changes in enumerate(({"options_sha256": other}, {"options_sha256": b""}, {"operation": "view"}, {"operation": "open"})):
        grant = grant_for(
            identity, **{"id": f"grant-of-a-log-{number}", "operation": "logs", "options_sha256": options_digest(LOG), **changes}
        )
        refused = authority.check_logs(LOG, sign_grant(grant, KEY), clock_offset_ms=0)
        assert isinstance(refused, Refusal), changes
        assert refused.code is ErrorCode.GRANT_REFUSED
    good = sign_grant(grant_for(identity, operation="logs", options_sha256=options_digest(LOG)), KEY)
    assert isinstance(authority.check_logs(LOG, good, clock_offset_ms=0), Grant)
    assert isinstance(authority.check_logs(LOG, good, clock_offset_ms=0), Refusal)


def test_a_log_without_either_action_is_refused_naming_both(identity: AgentIdentity) -> None:
    public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    authority = Authority(identity, Ceiling(advanced=True, node_shell=True), lambda: (public,), lambda: NOW)
    grant = sign_grant(grant_for(identity, operation="logs", options_sha256=options_digest(LOG)), KEY)
    refused = authority.check_logs(LOG, grant, clock_offset_ms=0)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.details["helm_value"]) == (ErrorCode.FORBIDDEN_BY_CEILING, ["actions.podExec", "actions.basic"])


def test_nobody_attaches_to_a_session_as_a_reader_of_logs(identity: AgentIdentity, authority: Authority) -> None:
    grant = sign_grant(grant_for(identity, operation="logs", options_sha256=b""), KEY)
    assert isinstance(authority.check_attach("logs", "s1", "exec", grant, clock_offset_ms=0), Refusal)


def test_a_deletion_needs_basic_and_a_grant_for_that_very_pod(identity: AgentIdentity, authority: Authority) -> None:
    params = msgspec.msgpack.encode(DeletePod("shop", "web-0", "u1"))
    grant = sign_grant(grant_for(identity, operation="delete", options_sha256=options_digest(params)), KEY)
    refused = authority.check_call(calls.POD_DELETE, params, grant, clock_offset_ms=0)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.details["helm_value"]) == (ErrorCode.FORBIDDEN_BY_CEILING, "actions.basic")
    public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    allowing = Authority(identity, Ceiling(basic=True), lambda: (public,), lambda: NOW)
    other = msgspec.msgpack.encode(DeletePod("shop", "web-0", "u2"))
    assert isinstance(allowing.check_call(calls.POD_DELETE, other, grant, clock_offset_ms=0), Refusal)
    assert isinstance(allowing.check_call(calls.POD_DELETE, params, grant, clock_offset_ms=0), Grant)
