"""The choke point: nothing reaches a cluster past it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.routing import APIRoute, APIRouter
from starlette.routing import WebSocketRoute

from podshell.gateway.answers import Refused
from podshell.gateway.audit import Audit
from podshell.gateway.authority import FRAMES, OPERATIONS, ROUTES, Authority, Operation, Place
from podshell.gateway.database import Database, unix_ms
from podshell.gateway.openapi import ROUTERS
from podshell.gateway.routes import console
from podshell.policy.grants import verify_grant
from podshell.policy.rules import Action, Subject, Target
from podshell.wire import calls
from podshell.wire.frames import FrameType
from podshell.wire.link_events import FROM_AGENT

OWNER = Subject("ada", "owner")
STRANGER = Subject("eve", "")
PLACE = Place("lab", "agent-1", "e1")
TARGET = Target("lab", "default", "web-0", "main", "s1", "ada")


@pytest.fixture
async def audit(tmp_path: Path) -> AsyncIterator[Audit]:
    database = Database(tmp_path / "x.sqlite")
    await database.open()
    yield Audit(database)
    await database.close()


def routes_of(router: APIRouter) -> set[str]:
    found = set()
    for route in router.routes:
        assert isinstance(route, APIRoute)
        found |= {f"{method} {route.path}" for method in route.methods - {"HEAD"}}
    return found


def test_every_route_and_socket_is_classified() -> None:
    from podshell.gateway import app as app_module

    here = set().union(*(routes_of(router) for router in (*ROUTERS, console.router)))
    source = Path(app_module.__file__).read_text()
    sockets = {name for name in ROUTES if name.startswith("WS ")}
    assert here == {name for name in ROUTES if not name.startswith("WS ")}
    assert source.count("WebSocketRoute(") == len(sockets)
    assert all(f'WebSocketRoute("{name[3:]}"' in source for name in sockets)


def test_the_running_application_has_exactly_the_classified_routes() -> None:
    from unittest.mock import Mock

    from podshell.gateway.app import build_app

    app = build_app(Mock(), Mock(), Mock(), Mock())
    found = set()
    for route in all_routes(app.routes):
        if isinstance(route, WebSocketRoute):
            found.add(f"WS {route.path}")
        elif isinstance(route, APIRoute):
            found |= {f"{method} {route.path}" for method in route.methods - {"HEAD"}}
        else:
            raise AssertionError(f"{route} is neither a route nor a socket")
    assert found == set(ROUTES)


def all_routes(routes: list[object]) -> list[object]:
    """Flatten routers that were included."""
    flat: list[object] = []
    for route in routes:
        inner = getattr(route, "original_router", None)
        flat.extend(all_routes(inner.routes) if inner is not None else [route])
    return flat


def test_every_frame_and_every_call_is_classified() -> None:
    assert set(FRAMES) == set(FrameType)
    methods = {value for name, value in vars(calls).items() if name.isupper() and isinstance(value, str) and "." in value}
    listed = FRAMES[FrameType.CALL]
    assert not isinstance(listed, str)
    assert {operation.name for operation in listed} == methods
    opening = {operation for frame in FRAMES.values() if not isinstance(frame, str) for operation in frame}
    assert opening == set(OPERATIONS.values())
    assert all(isinstance(FRAMES[frame], str) for frame in FROM_AGENT)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_has_decision_grant_and_ceiling(operation: Operation) -> None:
    assert isinstance(operation.action, Action)
    assert operation.grant in {"open", "plan", "close", "attach", "observe", "record", "view", "logs", "delete"}
    assert operation.ceiling.startswith(("podExec", "basic", "podDebug and what", "nodeShell and what", "none: "))


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
async def test_a_permit_means_an_audit_row_and_a_grant_for_this_place_and_these_parameters(audit: Audit, operation: Operation) -> None:
    key = Ed25519PrivateKey.generate()
    permit = await Authority(key, audit).permit(OWNER, operation, TARGET, PLACE, params=b"\x81", reason="why")
    (row,) = await audit.newest(10)
    assert (row.actor, row.action, row.outcome, row.session, row.reason) == ("ada", operation.name, "allowed", "s1", "why")
    grant = verify_grant(
        permit.grant, [key.public_key().public_bytes_raw()], operation=operation.grant, cluster="lab", instance="agent-1", epoch="e1",
        now_ms=unix_ms(), session="s1",
    )  # fmt: skip
    assert grant.options_sha256 == calls.options_digest(b"\x81")
    assert (grant.user, grant.namespace, grant.pod, grant.container) == ("ada", "default", "web-0", "main")


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
async def test_a_refusal_is_audited_and_nothing_is_signed(audit: Audit, operation: Operation) -> None:
    with pytest.raises(Refused) as refusal:
        await Authority(Ed25519PrivateKey.generate(), audit).permit(STRANGER, operation, TARGET, PLACE)
    assert refusal.value.refusal.code == "forbidden_by_policy"
    (row,) = await audit.newest(10)
    assert (row.actor, row.action, row.outcome) == ("eve", operation.name, "refused")


async def test_without_an_audit_nothing_is_permitted(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite")  # never opened: it has no tables
    (tmp_path / "x.sqlite").touch()
    with pytest.raises(Exception, match="no such table"):
        await Authority(Ed25519PrivateKey.generate(), Audit(database)).permit(OWNER, OPERATIONS["session.open exec"], TARGET, PLACE)
    await database.close()
