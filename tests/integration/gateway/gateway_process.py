"""A gateway as a process of its own, to be killed: `python gateway_process.py STATE_DIR PORT`. Prints one JSON line when it serves."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from podshell.gateway.app import Gateway
from podshell.gateway.settings import GatewaySettings


async def main(state_dir: Path, port: int) -> None:
    gateway = Gateway(GatewaySettings(port=port, state_dir=state_dir, owner="ada"))
    await gateway.start()
    token_file = state_dir / "cli.json"
    if not token_file.exists():
        await gateway.write_cli_token(token_file)
    ready = {"url": gateway.url, "signin": await gateway.make_signin_link(), "enrolment": await gateway.make_enrolment("lab")}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
