"""What is settled when a wheel is built: `hatch_build.py` writes $PODSHELL_BUILD_IMAGE_REPO into the wheel's copy of this file."""

from __future__ import annotations

# Repository of the tools image, without a tag, such as registry.example.com/podshell/tools.
# Empty: whoever opens a debug or node shell has to name one.
DEFAULT_IMAGE_REPO = ""
