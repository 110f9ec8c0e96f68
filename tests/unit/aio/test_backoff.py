from podshell.aio.backoff import Backoff


def highest(low: float, high: float) -> float:
    assert low == 0.0
    return high


def test_the_bound_doubles_up_to_the_cap() -> None:
    backoff = Backoff(base_seconds=1, cap_seconds=10, uniform=highest)
    assert [backoff.next_seconds(0) for _ in range(6)] == [1, 2, 4, 8, 10, 10]


def test_a_thousand_failures_do_not_overflow() -> None:
    backoff = Backoff(base_seconds=0.25, cap_seconds=10, uniform=highest)
    assert max(backoff.next_seconds(0) for _ in range(2000)) == 10


def test_every_delay_is_jittered_from_zero_even_the_first() -> None:
    asked: list[tuple[float, float]] = []

    def lowest(low: float, high: float) -> float:
        asked.append((low, high))
        return low

    assert Backoff(base_seconds=3, uniform=lowest).next_seconds(0) == 0
    assert asked == [(0.0, 3)]


def test_a_connection_that_did_not_last_does_not_reset_the_delays() -> None:
    backoff = Backoff(base_seconds=1, cap_seconds=60, stable_seconds=30, uniform=highest)
    assert [backoff.next_seconds(0), backoff.next_seconds(0)] == [1, 2]
    backoff.connected(100)
    assert backoff.next_seconds(129.9) == 4


def test_a_stable_connection_resets_the_delays() -> None:
    backoff = Backoff(base_seconds=1, cap_seconds=60, stable_seconds=30, uniform=highest)
    backoff.next_seconds(0)
    backoff.next_seconds(0)
    backoff.connected(100)
    assert backoff.next_seconds(130) == 1
    assert backoff.next_seconds(200) == 2, "the old connection counts once only"


def test_a_peers_retry_after_comes_before_the_jitter() -> None:
    assert Backoff(base_seconds=1, uniform=highest).next_seconds(0, at_least_seconds=5) == 6
