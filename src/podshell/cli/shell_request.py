"""What a direct shell is to be, from the values of the command line: resolved options, or every problem at once. Pure."""

from __future__ import annotations

from podshell.cli.failures import USAGE, CommandFailed
from podshell.cli.shell_image import choose_image
from podshell.cli.shell_targets import TargetKind
from podshell.cli.shell_values import Values
from podshell.kube.debug_options import WINDOWS_IMAGE, DebugKind, DebugOptions, OptionProblem, ResolvedOptions, resolve

# The fields of DebugOptions by the key of the row that they come from, where the names differ.
_FLAGS = {
    "mount_host": "--mount-host-filesystem",
    "host_write": "--allow-host-filesystem-write",
    "ttl_seconds": "--ttl",
}


def resolve_options(values: Values, target: TargetKind) -> ResolvedOptions:
    """Return what is meant.

    Raises:
        CommandFailed: no image is named, or something is wrong or does not fit together.
    """
    windows = values.text("os") == "windows"
    named = any(values.text(key) for key in ("image", "image_repo"))
    asked = DebugOptions(
        image=WINDOWS_IMAGE if windows and not named else choose_image(values),
        profile=values.text("profile"),
        capabilities=values.words("capabilities"),
        mount_host=values.flag("mount_host_filesystem"),
        host_write=values.flag("allow_host_filesystem_write"),
        host_pid=values.flag("host_pid"),
        enter=values.flag("enter"),
        target=values.text("target"),
        pull_policy=values.text("pull_policy"),
        pull_secret=values.text("pull_secret"),
        seccomp_unconfined=values.flag("seccomp_unconfined"),
        apparmor_unconfined=values.flag("apparmor_unconfined"),
        ttl_seconds=round(values.seconds("ttl")),
        os=values.text("os"),
    )
    resolved = resolve(DebugKind.NODE if target is TargetKind.NODE else DebugKind.DEBUG, asked)
    if isinstance(resolved, ResolvedOptions):
        return resolved
    raise CommandFailed(USAGE, *(line_of(problem) for problem in resolved))


def line_of(problem: OptionProblem) -> str:
    """Say a problem as the command line names things."""
    flag = _FLAGS.get(problem.option, "--" + problem.option.replace("_", "-"))
    return f"{flag}: {problem.message}; {problem.next_step}"
