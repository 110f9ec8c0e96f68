"""Prints docs/reference/options.md: `python -m podshell.launch.reference`."""

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
    """Write the page to standard output."""
    sys.stdout.write(reference_page(processes()))


if __name__ == "__main__":
    main()
