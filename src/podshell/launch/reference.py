"""Prints docs/reference/options.md, or shell.md: `python -m podshell.launch.reference [shell]`."""

from __future__ import annotations

import sys

from podshell.options import Settings, reference_page


def processes() -> dict[str, type[Settings]]:
    """List the processes and their settings classes."""
    from podshell.agent.settings import AgentSettings
    from podshell.gateway.settings import GatewaySettings
    from podshell.launch.up import UpSettings
    from podshell.sandbox.main import SandboxSettings

    return {"up": UpSettings, "gateway": GatewaySettings, "agent": AgentSettings, "sandbox": SandboxSettings}


def main() -> None:
    """Write a page to standard output."""
    if sys.argv[1:] == ["shell"]:
        from podshell.cli.shell_reference import reference_page as shell_page

        sys.stdout.write(shell_page())
    else:
        sys.stdout.write(reference_page(processes()))


if __name__ == "__main__":
    main()
