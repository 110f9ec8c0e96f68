"""`kubectl shell` whose containers wait for some seconds only for somebody who watches over them; run as a program by tests."""

from __future__ import annotations

import sys
from functools import partial

from podshell.kube import lifeline, waiter

# enough for a busy machine to get from the container's start to the first watcher
PATIENCE_SECONDS = 6

if __name__ == "__main__":
    # before anything imports them by name
    waiter.waiter_command = partial(waiter.waiter_command, patience_seconds=PATIENCE_SECONDS)
    lifeline.lifeline_command = partial(lifeline.lifeline_command, patience_seconds=PATIENCE_SECONDS)
    from podshell.cli.plugin import main

    sys.exit(main())
