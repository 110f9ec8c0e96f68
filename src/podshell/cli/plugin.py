"""The program that kubectl finds as `kubectl-shell` and `kubectl-podshell`."""

from __future__ import annotations

import os
import sys

from podshell.cli.shell_command import shell_command


def main() -> None:
    """Run `kubectl shell`; the name that it was called by is the one that its help shows."""
    if sys.argv[1:2] == ["__complete"]:
        from podshell.cli.program_completions import answer_if_asked

        answer_if_asked(shell_command, sys.argv[1:])
        return
    name = os.path.basename(sys.argv[0]).removesuffix(".py").replace("kubectl-", "kubectl ", 1)
    shell_command.main(prog_name=name)


if __name__ == "__main__":
    main()
