"""How long a failed container or image waits for its next try: doubling from a base to a cap, as the kubelet does it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timings:
    """The delays of a kubelet, in seconds. Tests shorten them; the defaults are the kubelet's own.

    `forced_kill_seconds` is how long a container outlives a pod that was deleted with grace 0 (0.5 to 2 s on a real node,
    transcripts/lifecycle/delete-force-exec-open); `pull_failure_seconds` how long ErrImagePull shows before it is ImagePullBackOff;
    `create_retry_seconds` the time between two tries to make a container that cannot be made (transcripts/ephemeral/run-as-nonroot);
    `ephemeral_sync_seconds` the time between two looks of the kubelet at a pod that runs: what keeps a debug container from starting is an
    event at once, and in its status only then, when it is also tried again (transcripts/ephemeral/image-pull-failure, never-pull);
    `mount_retry_seconds` the time before a volume is tried again, which then doubles.
    """

    backoff_base_seconds: float = 10.0
    backoff_cap_seconds: float = 300.0
    forced_kill_seconds: float = 0.5
    pull_failure_seconds: float = 1.0
    create_retry_seconds: float = 12.0
    ephemeral_sync_seconds: float = 12.0
    mount_retry_seconds: float = 0.5


class Backoff:
    """The delays of one container. The first restart comes at once; each further one doubles the delay up to the cap."""

    def __init__(self, timings: Timings) -> None:
        self._timings = timings
        self._seconds = 0.0

    def next(self, ran_seconds: float) -> float:
        """Seconds to wait after a run that lasted `ran_seconds`; a run of twice the cap starts anew."""
        if ran_seconds > 2 * self._timings.backoff_cap_seconds:
            self._seconds = 0.0
        delay = self._seconds
        doubled = 2 * delay if delay else self._timings.backoff_base_seconds
        self._seconds = min(doubled, self._timings.backoff_cap_seconds)
        return delay


def written(seconds: float) -> str:
    """A duration as Go prints it, in whole seconds: 10s, 2m40s, 5m0s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
