"""The built-in rule."""

from __future__ import annotations

import pytest

from podshell.policy.chain import GENESIS, chain_hash, first_break
from podshell.policy.rules import OPENING_ACTIONS, PERMISSIONS, Action, Allow, Choices, Deny, Subject, Target, decide


@pytest.mark.parametrize("action", Action)
def test_an_owner_may_do_everything_with_what_is_theirs(action: Action) -> None:
    assert isinstance(decide(Subject("ada", "owner"), action, Target("lab", session_user="ada")), Allow)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(
    "subject", [Subject("eve", ""), Subject("eve", "viewer"), Subject("eve", "Owner"), Subject("", "owner"), Subject("")]
)
def test_everybody_else_may_do_nothing(subject: Subject, action: Action) -> None:
    decision = decide(subject, action, Target("lab"))
    assert isinstance(decision, Deny)
    assert decision.reason


def test_nobody_types_in_the_shell_of_somebody_else() -> None:
    target = Target("lab", session="s1", session_user="ada")
    assert isinstance(decide(Subject("grace", "owner"), Action.ATTACH, target), Deny)
    assert isinstance(decide(Subject("grace", "owner"), Action.OBSERVE, target), Allow)


def test_a_chain_holds_until_a_row_is_changed_moved_or_missing() -> None:
    rows: list[dict[str, object]] = []
    previous = GENESIS
    for sequence in range(1, 6):
        content: dict[str, object] = {"sequence": sequence, "actor": f"user {sequence}"}
        row_hash = chain_hash(previous, content)
        rows.append({**content, "previous_hash": previous, "hash": row_hash})
        previous = row_hash
    assert first_break(rows) is None
    assert first_break([*rows[:2], {**rows[2], "actor": "eve"}, *rows[3:]]) == 3
    assert first_break([*rows[:2], *rows[3:]]) == 4
    assert first_break([rows[1], rows[0], *rows[2:]]) == 2
    assert first_break(rows[1:]) == 2
    assert first_break(rows[1:], previous_hash=str(rows[0]["hash"])) is None


@pytest.mark.parametrize("action", list(Action))
def test_a_denial_names_the_missing_permission(action: Action) -> None:
    denied = decide(Subject("eve", "guest"), action, Target("east", "shop", "cart-0"))
    assert denied == Deny(f"you are missing permissions to perform the following action: {PERMISSIONS[action]}")


def test_a_shell_needs_exec_pod() -> None:
    assert PERMISSIONS[Action.OPEN] == PERMISSIONS[Action.ATTACH] == "exec:pod"


def test_each_kind_of_session_needs_its_own_permission_also_to_type_in_it() -> None:
    needed = {"exec": "exec:pod", "debug": "debug:pod", "node": "exec:node"}
    for kind, permission in needed.items():
        target = Target("east", "shop", "cart-0", kind=kind)
        for action in (OPENING_ACTIONS[kind], Action.ATTACH):
            assert decide(Subject("eve", "guest"), action, target) == Deny(
                f"you are missing permissions to perform the following action: {permission}"
            )


def test_a_debug_container_that_sees_another_needs_exec_pod_too() -> None:
    target = Target("east", "shop", "cart-0", kind="debug", choices=Choices(target="cart"))
    denied = decide(Subject("eve", "guest"), Action.DEBUG, target)
    assert denied == Deny("you are missing permissions to perform the following action: debug:pod and exec:pod")
    assert isinstance(decide(Subject("ada", "owner"), Action.DEBUG, target), Allow)
