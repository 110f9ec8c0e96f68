"""Reads the values of `kubectl shell`: flag, else environment, else configuration file, else default. Each remembers where it came from.

Pure but for reading the file. What has no meaning for the target or the way is an error here, whatever it came from; what may not be
combined is the container's affair (kube/debug_options.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from podshell.cli.durations import BadDuration, parse_duration
from podshell.cli.failures import USAGE, CommandFailed
from podshell.cli.shell_options import BY_KEY, OPTIONS, Kind, OptionRow, Value, Way
from podshell.cli.shell_targets import TargetKind

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
CONFIG_VARIABLE = "PODSHELL_SHELL_CONFIG"


@dataclass(frozen=True, slots=True)
class Given:
    """One value. `origin` names in messages where it came from; "" is the default."""

    value: Value
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of all rows, by key."""

    given: Mapping[str, Given]

    def text(self, key: str) -> str:
        value = self.given[key].value
        return value if isinstance(value, str) else ""

    def flag(self, key: str) -> bool:
        return self.given[key].value is True

    def words(self, key: str) -> tuple[str, ...]:
        value = self.given[key].value
        return value if isinstance(value, tuple) else ()

    def seconds(self, key: str) -> float:
        value = self.given[key].value
        assert isinstance(value, float), key
        return value

    def was_given(self, key: str) -> bool:
        return bool(self.given[key].origin)

    def typed(self, key: str) -> bool:
        """Whether it was given as a flag, and not by the environment or the file, which hold for many commands."""
        return self.given[key].origin.startswith("--")


def read_values(flags: Mapping[str, object], environ: Mapping[str, str], config: str | None = None) -> Values:
    """Read the value of every row.

    Raises:
        CommandFailed: a value cannot be read, the configuration file cannot be used, or an option is one that is not accepted.
    """
    in_file, file = _read_file(config, environ)
    given = {row.key: _given(row, flags, environ, in_file, file) for row in OPTIONS}
    for row in OPTIONS:
        if row.refused and given[row.key].origin:
            raise CommandFailed(USAGE, f"{given[row.key].origin} is not accepted", row.refused)
    return Values(given)


def _given(row: OptionRow, flags: Mapping[str, object], environ: Mapping[str, str], in_file: Mapping[str, object], file: str) -> Given:
    flag = flags.get(row.key)
    if flag is not None and flag != ():
        return Given(convert(row, flag, row.flag), row.flag)
    for name in row.environment:
        if environ.get(name):
            return Given(convert(row, environ[name], f"${name}"), f"${name}")
    if row.key in in_file:
        origin = f"{row.name} in {file}"
        return Given(convert(row, in_file[row.key], origin), origin)
    return Given(row.default)


def convert(row: OptionRow, value: object, origin: str) -> Value:
    """Bring a value to the row's kind.

    Raises:
        CommandFailed: it is not of that kind; the text names `origin`.
    """
    if isinstance(value, dict) or value is None:
        raise CommandFailed(USAGE, f"{origin}: {row.kind} is expected")
    try:
        return _CONVERTERS[row.kind](row, value)
    except BadDuration as error:
        raise CommandFailed(USAGE, f"{origin}: {error}") from error
    except ValueError:
        expected = f"one of {', '.join(row.choices)}" if row.choices else str(row.kind)
        shown = "its value" if row.key == "token" else repr(value)
        raise CommandFailed(USAGE, f"{origin}: {shown} is not {expected}") from None


def _convert_flag(row: OptionRow, value: object) -> Value:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError
    return text in _TRUE


def _convert_words(row: OptionRow, value: object) -> Value:
    words: list[str] = []
    for entry in value if isinstance(value, (list, tuple)) else (value,):
        words += [word.strip() for word in str(entry).split(",") if word.strip()]
    return tuple(dict.fromkeys(words))  # the first of each, in order


def _convert_text(row: OptionRow, value: object) -> Value:
    if isinstance(value, (bool, list, tuple)):
        raise ValueError
    return str(value)


def _convert_choice(row: OptionRow, value: object) -> Value:
    text = str(value)
    for choice in row.choices:
        if text.lower() == choice.lower():
            return choice
    raise ValueError


_CONVERTERS: Mapping[Kind, Callable[[OptionRow, object], Value]] = {
    Kind.FLAG: _convert_flag,
    Kind.WORDS: _convert_words,
    Kind.TEXT: _convert_text,
    Kind.CHOICE: _convert_choice,
    Kind.SECONDS: lambda row, value: parse_duration(str(value)),
}


def check_meaning(values: Values, target: TargetKind, way: Way) -> None:
    """Refuse what has no meaning for this kind of target or this way.

    Raises:
        CommandFailed: one line for each such option, with what to do instead.
    """
    wrong: list[str] = []
    for row in OPTIONS:
        given = values.given[row.key]
        if not given.origin or given.value is False:
            continue
        if target not in row.targets:
            wrong.append(f"{given.origin} has no meaning for a {target}: {_ADVICE_TARGET.get(row.key, _DEFAULT_ADVICE[target])}")
        elif way not in row.ways:
            wrong.append(f"{given.origin} has no meaning {_WAYS[way]}: {_ADVICE_WAY.get(row.key, _DEFAULT_WAY_ADVICE[way])}")
    wrong += [
        f"{values.given[key].origin} has no meaning {where}: {advice}"
        for key, is_vain, where, advice in _VAIN
        if values.typed(key) and is_vain(values, target, way)
    ]
    if wrong:
        raise CommandFailed(USAGE, *wrong)


# Flags that have a meaning by themselves, and none beside, or without, something else.
_VAIN: tuple[tuple[str, Callable[[Values, TargetKind, Way], bool], str, str], ...] = (
    (
        "output",
        lambda values, target, way: not values.flag("dry_run"),
        "without --dry-run",
        "it is the format of what --dry-run prints; leave it out, or add --dry-run",
    ),
    (
        "namespace",
        lambda values, target, way: way is Way.DIRECT and target is TargetKind.NODE and values.typed("debug_namespace"),
        "beside --debug-namespace",
        "both say where the node pod is made; leave out one of them",
    ),
    (
        "namespace",
        lambda values, target, way: way is Way.GATEWAY and target is TargetKind.NODE,
        "for a node with --gateway",
        "node pods are made in the agent's debug namespace; leave it out",
    ),
)

_WAYS = {Way.DIRECT: "without --gateway", Way.GATEWAY: "with --gateway"}
_DEFAULT_ADVICE = {
    TargetKind.POD: "a container in a pod cannot have it; open the shell on the pod's node instead (kubectl shell NODE)",
    TargetKind.NODE: "it belongs to a pod: name one with pods/POD",
}
_ADVICE_TARGET = {
    "mount_host_filesystem": "the API cannot mount volumes of the host into a running pod; open the shell on the pod's node",
    "allow_host_filesystem_write": "there is no host file system in a pod; open the shell on the pod's node",
    "host_pid": "a debug container shares the pod's namespaces; use --target to see a container's processes",
    "enter": "it enters a node; open the shell on the pod's node",
    "seccomp_unconfined": "only a node pod may choose its seccomp profile; open the shell on the pod's node",
    "apparmor_unconfined": "only a node pod may choose its AppArmor profile; open the shell on the pod's node",
    "os": "the operating system is the pod's own; leave it out",
    "debug_namespace": "the container is made in the pod itself; name the pod's namespace with -n",
    "pull_secret": "a debug container is pulled with the secrets of its pod; add it there",
    "keep_on_failure": "an ephemeral container stays in its pod anyhow; leave it out",
    "target": "a node has no containers to choose from; use --host-pid to see its processes",
}
_DEFAULT_WAY_ADVICE = {
    Way.DIRECT: "it is the gateway's; leave it out, or add --gateway",
    Way.GATEWAY: "the cluster's agent decides it; leave it out",
}
_CONNECTION_ADVICE = "the agent has its own connection to the cluster; choose the cluster with --cluster"
_ADVICE_WAY = {
    **{row.key: _CONNECTION_ADVICE for row in OPTIONS if Way.GATEWAY not in row.ways and not row.in_file},
    "token_file": "it holds a gateway's token; leave it out, or add --gateway",
    "debug_namespace": "node pods are made in the agent's debug namespace; leave it out",
    "keep_on_failure": "the agent cleans up after itself; leave it out",
}


def _read_file(config: str | None, environ: Mapping[str, str]) -> tuple[Mapping[str, object], str]:
    named = config or environ.get(CONFIG_VARIABLE, "")
    path = Path(named).expanduser() if named else default_file(environ)
    if not named and not path.exists():
        return {}, ""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandFailed(USAGE, f"cannot read the configuration file {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise CommandFailed(USAGE, f"the configuration file {path} is not YAML{where}", "correct it") from error
    if content is None:
        return {}, str(path)
    if not isinstance(content, dict):
        raise CommandFailed(USAGE, f"the configuration file {path} must be a mapping of options to values")
    entries = {str(key).replace("-", "_"): value for key, value in content.items()}
    unknown = sorted(key for key in entries if key not in BY_KEY or not BY_KEY[key].in_file)
    if unknown:
        known = ", ".join(row.name for row in OPTIONS if row.in_file)
        raise CommandFailed(USAGE, f"{path}: unknown option {', '.join(unknown)}", f"known are {known}")
    return entries, str(path)


def default_file(environ: Mapping[str, str]) -> Path:
    """Where the configuration file is when none is named."""
    folder = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or "~", ".config")
    return Path(folder).expanduser() / "podshell" / "shell.yaml"
