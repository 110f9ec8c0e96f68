"""What a debug or node session asks for, judged before anything is made: do the options fit together, and does the cluster allow them?

Pure. The options' meaning is kube/debug_options.py's; here the agent's own defaults fill in what was not asked, and its ceiling and its
list of images decide. Nothing that a gateway sends can go past this: design.md 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from podshell.agent.ceiling import Action, Ceiling
from podshell.agent.settings import ToolsSettings
from podshell.kube.debug_options import (
    WINDOWS_IMAGE,
    DebugKind,
    DebugOptions,
    OptionProblem,
    ResolvedOptions,
    image_allowed,
    image_reference,
    needed_actions,
    resolve,
)
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.tools import DebugRequest

# What the options are called where they come from.
_NAMES = {"os": "system"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What is meant. `refusal`: why it is not allowed here; a plan shows both."""

    options: ResolvedOptions
    start_seconds: float
    refusal: Refusal | None

    @property
    def actions(self) -> list[str]:
        return needed_actions(self.options)


class Choices:
    """Judges requests by one agent's settings."""

    def __init__(self, settings: ToolsSettings, ceiling: Ceiling) -> None:
        self._settings = settings
        self._ceiling = ceiling

    def judge(self, kind: DebugKind, asked: DebugRequest) -> Judged | Refusal:
        """Return what is meant and whether it is allowed, or what is wrong with it."""
        settings = self._settings
        image = asked.image or self.default_image(asked.system)
        if not image:
            step = "set tools.image_repository of the agent (with `podshell up`: PODSHELL_IMAGE_REPO), or name an image"
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, "this cluster's agent has no tools image", step, {"option": "image"})
        most = settings.max_ttl_seconds
        if (asked.ttl_seconds or 0) > most:
            text = f"a session of this cluster lives {most} s at most, and {asked.ttl_seconds} s were asked for"
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, text, "ask for less time", {"option": "ttl_seconds"})
        options = resolve(kind, self._asked(kind, asked, image))
        if not isinstance(options, ResolvedOptions):
            return refusal_of(options)
        start_seconds = settings.start_seconds if asked.start_seconds is None else float(asked.start_seconds)
        return Judged(options, start_seconds, self._refusal(options))

    def default_image(self, system: str = "") -> str:
        """Return what a session gets that names no image; empty when the agent has no tools image."""
        if system == "windows":
            return WINDOWS_IMAGE
        settings = self._settings
        return image_reference(settings.image_repository, settings.image_version) if settings.image_repository else ""

    def _asked(self, kind: DebugKind, asked: DebugRequest, image: str) -> DebugOptions:
        settings = self._settings
        return DebugOptions(
            image=image,
            profile=asked.profile,
            capabilities=tuple(asked.capabilities),
            mount_host=asked.mount_host,
            host_write=asked.host_write,
            host_pid=asked.host_pid,
            enter=asked.enter,
            target=asked.target,
            pull_policy=asked.pull_policy or settings.pull_policy,
            # those of a running pod cannot be changed
            pull_secret=settings.pull_secret if kind is DebugKind.NODE else "",
            seccomp_unconfined=asked.seccomp_unconfined,
            apparmor_unconfined=asked.apparmor_unconfined,
            ttl_seconds=asked.ttl_seconds or settings.max_ttl_seconds,
            os=asked.system or "linux",
        )

    def _refusal(self, options: ResolvedOptions) -> Refusal | None:
        for action in needed_actions(options):
            if (refusal := self._ceiling.refusal(Action(action))) is not None:
                return refusal
        default = self.default_image(options.os)
        if options.image == default or image_allowed(options.image, self._settings.allowed_images):
            return None
        allowed = [image for image in (default, *self._settings.allowed_images) if image]
        return Refusal(
            ErrorCode.FORBIDDEN_BY_CEILING,
            RefusedBy.CEILING,
            f"this cluster's ceiling does not allow the image {options.image}",
            "leave the image out to get the cluster's own; its owner can allow others with tools.allowed_images of the agent",
            {"option": "image", "allowed": allowed[:64]},
        )


def refusal_of(problems: list[OptionProblem]) -> Refusal:
    """Build the refusal of options that are wrong; it names each."""
    first = problems[0]
    options = list(dict.fromkeys(_NAMES.get(problem.option, problem.option) for problem in problems))
    text = "; ".join(problem.message for problem in problems)
    step = first.next_step if len(problems) == 1 else "; ".join(dict.fromkeys(problem.next_step for problem in problems))
    return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, text, step, {"option": options})
