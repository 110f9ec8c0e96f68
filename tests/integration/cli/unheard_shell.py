"""`kubectl shell` whose containers take it for lost after some seconds without a sign of life; run as a program by tests."""

from __future__ import annotations

import sys
from functools import partial

from podshell.kube import lifeline, waiter

BEAT_SECONDS, SILENCE_SECONDS, PATIENCE_SECONDS = 0.5, 3, 6

if __name__ == "__main__":
    # before anything imports them by name
    lifeline.BEAT_SECONDS = BEAT_SECONDS
    waiter.waiter_command = partial(waiter.waiter_command, patience_seconds=PATIENCE_SECONDS)
    lifeline.lifeline_command = partial(lifeline.lifeline_command, patience_seconds=PATIENCE_SECONDS, silence_seconds=SILENCE_SECONDS)
    from podshell.cli.plugin import main

    sys.exit(main())
