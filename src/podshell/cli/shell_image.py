"""Which image a debug or node shell runs. Pure."""

from __future__ import annotations

import re

from podshell import __version__
from podshell.cli.failures import USAGE, CommandFailed
from podshell.cli.shell_values import Values

# A reference as the distribution specification has it, loosely: the node's runtime is the judge.
_REFERENCE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._:/-]*(?:@[a-z0-9]+:[0-9a-f]{32,})?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")

HOW_TO_GET_ONE = (
    "build the tools image (images/tools), push it to a registry that the nodes can reach,"
    " and name that with --image-repo or PODSHELL_IMAGE_REPO",
    "any image with sh and sleep will do, too: --image docker.io/library/busybox:stable",
)


def choose_image(values: Values) -> str:
    """Return the reference: --image, or --image-repo and --image-version.

    Raises:
        CommandFailed: none is named, two ways are mixed, or a part is no part of a reference.
    """
    image = values.text("image")
    if image:
        for key in ("image_repo", "image_version"):
            given = values.given[key]
            # what stands in the environment for every day gives way to --image; what was typed beside it is a contradiction
            if given.origin.startswith("--") and values.given["image"].origin.startswith("--"):
                raise CommandFailed(USAGE, f"--image is complete: it cannot be combined with {given.origin}", "leave one of them out")
        if not _REFERENCE.fullmatch(image):
            raise CommandFailed(USAGE, f"{values.given['image'].origin}: {image!r} is no image reference")
        return image
    repo, version = values.text("image_repo"), values.text("image_version") or __version__
    if not repo:
        raise CommandFailed(USAGE, "missing required --image-repo", *HOW_TO_GET_ONE)
    if not _REFERENCE.fullmatch(repo) or "@" in repo:
        raise CommandFailed(USAGE, f"{values.given['image_repo'].origin}: {repo!r} is no repository", "a digest goes with --image")
    if not _TAG.fullmatch(version):
        raise CommandFailed(USAGE, f"{values.given['image_version'].origin}: {version!r} is no tag", "a digest goes with --image")
    return f"{repo}:{version}"
