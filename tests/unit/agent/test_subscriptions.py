"""What a subscription says beside its rows: complete once, and why nothing new comes for as long as nothing does."""

from __future__ import annotations

import msgspec
from agent_fakes import VirtualClock

from podshell.agent.subscriptions import COALESCE_SECONDS, Cache, Subscription
from podshell.kube.objects import Namespace, ObjectMeta
from podshell.kube.store import HasMetadata
from podshell.wire.calls import InventoryBatch, NamespaceRow
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

FORBIDDEN = Refusal(ErrorCode.FORBIDDEN_BY_KUBERNETES, RefusedBy.KUBERNETES, "namespaces is forbidden")
AWAY = Refusal(ErrorCode.API_SERVER_UNREACHABLE, RefusedBy.AGENT, "the API server does not answer")


class Followed:
    """A subscription to one cache, and every batch that it has sent."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.refusal: Refusal | None = None
        self.synced = False
        self.batches: list[InventoryBatch] = []
        cache = Cache("namespaces", lambda: iter(()), lambda _: lambda: None, lambda: self.synced, lambda: self.refusal)
        self.subscription = Subscription([cache], _row, "", self, self.clock, lambda _: None)
        self.clock.advance(0)

    def unsent_bytes(self) -> int:
        return 0

    def send_batch(self, batch: InventoryBatch) -> None:
        self.batches.append(batch)

    def become(self, refusal: Refusal | None, *, synced: bool = False) -> InventoryBatch | None:
        """Let the list be refused, or read again; returns the one batch that this makes."""
        self.refusal, self.synced = refusal, self.synced or synced
        before = len(self.batches)
        self.subscription.note_health("namespaces")
        self.clock.advance(0)
        assert len(self.batches) - before <= 1
        return self.batches[-1] if len(self.batches) > before else None

    def change(self) -> InventoryBatch:
        self.subscription.note(Namespace(metadata=ObjectMeta("shop", uid="u1")))
        self.clock.advance(COALESCE_SECONDS)
        return self.batches[-1]


def _row(item: HasMetadata) -> NamespaceRow:
    return NamespaceRow(item.metadata.uid, item.metadata.name, "Active", "2026-01-01T00:00:00Z")


def test_every_batch_says_whether_something_is_refused_now() -> None:
    followed = Followed()
    listed = followed.become(None, synced=True)
    assert listed is not None
    assert (listed.complete, listed.refusal) == (True, None)
    refused = followed.become(FORBIDDEN)
    assert refused is not None
    assert (refused.complete, refused.refusal) == (False, FORBIDDEN)
    assert followed.become(FORBIDDEN) is None, "the same is not said twice"
    changed = followed.change()
    assert changed.refusal == FORBIDDEN, "a change of something else does not take it back"
    assert len(msgspec.msgpack.decode(changed.set)) == 1


def test_another_refusal_takes_the_place_of_the_first_and_the_end_of_it_is_told() -> None:
    followed = Followed()
    followed.become(None, synced=True)
    followed.become(AWAY)
    refused = followed.become(FORBIDDEN)
    assert refused is not None
    assert refused.refusal == FORBIDDEN
    over = followed.become(None)
    assert over is not None
    assert over.refusal is None


def test_a_list_that_is_refused_from_the_start_is_complete() -> None:
    followed = Followed()
    refused = followed.become(FORBIDDEN)
    assert refused is not None
    assert (refused.complete, refused.refusal) == (True, FORBIDDEN)
