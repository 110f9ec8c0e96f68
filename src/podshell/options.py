"""One list of options for each process: its settings dataclass. Feeds flags, environment, YAML file, help and the reference page.

A settings class is a frozen dataclass whose fields have a default and `metadata={"help": ...}` (and `"secret": True` to keep a value
out of `--help` and of every message). Precedence: flag, environment (`PODSHELL_<PROCESS>_<NAME>`), file, default. Knows nothing of what the
options mean; used by launch/.
"""

from __future__ import annotations

import dataclasses
import os
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

if typing.TYPE_CHECKING:
    import click


class Settings(Protocol):
    """Any frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]  # what typing calls a dataclass; the Any is the standard library's


S = TypeVar("S", bound=Settings)
Value = str | int | float | bool | Path | tuple[str, ...] | None
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


class OptionError(Exception):
    """A value that cannot be used; the text names where it came from and what to do. Commands end with code 2."""


@dataclass(frozen=True)
class Option:
    """One option: `kind` is str, int, float, bool, Path, or tuple (of words, comma-separated).

    `metadata["default"]` of a field says in words what a default is that differs from machine to machine. `path` are the fields that
    lead to it: ("port",), or ("limits", "body_bytes") for a field of a settings class inside another.
    """

    path: tuple[str, ...]
    kind: type
    optional: bool
    default: Value
    help: str
    secret: bool
    default_in_words: str = ""  # of a default that differs from machine to machine

    @property
    def name(self) -> str:
        return "_".join(self.path)

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def env(self, process: str) -> str:
        return f"PODSHELL_{process}_{self.name}".upper().replace("-", "_")


def options_of(settings: type[Settings], parents: tuple[str, ...] = ()) -> list[Option]:
    """List the options of a settings class, in the order of its fields. Fields without help are not options."""
    hints = typing.get_type_hints(settings)
    options = []
    for spec in dataclasses.fields(settings):
        if "help" not in spec.metadata:
            continue
        path = (*parents, spec.name)
        hint = hints[spec.name]
        if dataclasses.is_dataclass(hint):
            options += options_of(typing.cast(type[Settings], hint), path)
            continue
        kind, optional = _kind(hint)
        default = spec.default if spec.default is not MISSING else (spec.default_factory() if spec.default_factory is not MISSING else None)
        words = str(spec.metadata.get("default", ""))
        options.append(Option(path, kind, optional, default, spec.metadata["help"], bool(spec.metadata.get("secret")), words))
    return options


def _kind(hint: object) -> tuple[type, bool]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [part for part in typing.get_args(hint) if part is not type(None)]
        return _kind(rest[0])[0], True
    if typing.get_origin(hint) is tuple:
        return tuple, False
    if isinstance(hint, type) and hint in (str, int, float, bool, Path):
        return hint, False
    raise TypeError(f"an option cannot be of type {hint}")


def add_options(settings: type[S], process: str) -> Callable[[click.Command], click.Command]:
    """Add one flag for each option, and `--config`, to a click command whose callback takes `**flags`."""
    import click

    def decorate(command: click.Command) -> click.Command:
        for option in options_of(settings):
            declaration = f"{option.flag}/--no-{option.flag[2:]}" if option.kind is bool else option.flag
            shown = f" [default: {_shown(option)}]" if _shown(option) else ""
            text = f"{option.help}{shown} [env: {option.env(process)}]"
            metavar = None if option.kind is bool else ("WORD,..." if option.kind is tuple else option.kind.__name__.upper())
            kind = {int: click.INT, float: click.FLOAT}.get(option.kind, click.STRING)
            command.params.append(
                click.Option(
                    [declaration], default=None, help=text, metavar=metavar, type=None if option.kind is bool else kind, show_default=False
                )
            )
        command.params.append(
            click.Option(
                ["--config"], default=None, metavar="FILE", help=f"YAML file with any of these options. [env: {_config_env(process)}]"
            )
        )
        return command

    return decorate


def _config_env(process: str) -> str:
    return f"PODSHELL_{process}_CONFIG".upper()


def _shown(option: Option) -> str:
    """How a default looks in help and reference; nothing for a secret and for no value."""
    value = option.default
    if option.secret or option.default_in_words:
        return option.default_in_words
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)


def load(settings: type[S], process: str, flags: Mapping[str, object], environ: Mapping[str, str] | None = None) -> S:
    """Build the settings of a process from flags, environment and file.

    Raises:
        OptionError: a value does not parse, the file cannot be read, or it has a key that is no option.
    """
    environ = os.environ if environ is None else environ
    config = str(flags.get("config") or environ.get(_config_env(process)) or "")
    from_file = _read_file(Path(config)) if config else {}
    options = options_of(settings)
    unknown = set(from_file) - {option.name for option in options}
    if unknown:
        raise OptionError(f"{config}: unknown option {', '.join(sorted(unknown))}; known are {', '.join(o.name for o in options)}")
    values: dict[str, object] = {}
    for option in options:
        if flags.get(option.name) is not None:
            values[option.name] = _convert(option, flags[option.name], f"the flag {option.flag}")
        elif option.env(process) in environ:
            values[option.name] = _convert(option, environ[option.env(process)], f"the environment variable {option.env(process)}")
        elif option.name in from_file:
            values[option.name] = _convert(option, from_file[option.name], f"{option.name} in {config}")
    return _build(settings, {option.path: values[option.name] for option in options if option.name in values})


def _build(settings: type[S], values: Mapping[tuple[str, ...], object]) -> S:
    hints = typing.get_type_hints(settings)
    fields: dict[str, object] = {path[0]: value for path, value in values.items() if len(path) == 1}
    for name in {path[0] for path in values if len(path) > 1}:
        inner = {path[1:]: value for path, value in values.items() if path[0] == name}
        fields[name] = _build(hints[name], inner)
    return settings(**fields)


def _read_file(path: Path) -> dict[str, object]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"cannot read the configuration file {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" (line {place.line + 1})" if place is not None else ""
        raise OptionError(f"the configuration file {path} is not YAML{where}; correct it or leave out --config") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise OptionError(f"the configuration file {path} must be a mapping of options to values")
    return {str(key).replace("-", "_"): value for key, value in content.items()}


def _convert(option: Option, value: object, where: str) -> Value:
    shown = "its value" if option.secret else repr(value)
    try:
        return _converted(option, value)
    except (ValueError, TypeError):
        expected = {int: "a whole number", float: "a number", bool: "true or false", tuple: "words with commas"}.get(option.kind, "text")
        raise OptionError(f"{where}: {shown} is not {expected}") from None


def _converted(option: Option, value: object) -> Value:
    if value is None:
        if option.optional:
            return None
        raise ValueError
    if option.kind is bool:
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text not in _TRUE | _FALSE:
            raise ValueError
        return text in _TRUE
    if option.kind is tuple:
        words = value if isinstance(value, (list, tuple)) else str(value).split(",")
        return tuple(str(word).strip() for word in words if str(word).strip())
    if isinstance(value, (bool, list, dict)):
        raise TypeError
    if option.kind is Path:
        return Path(str(value)).expanduser()
    converted: Value = option.kind(value)
    return converted


def reference_page(processes: Mapping[str, type[Settings]]) -> str:
    """Write docs/reference/options.md: one table a process."""
    lines = [
        "# Options",
        "",
        "Made by `python -m podshell.launch.reference`. A flag counts before its environment variable, that before the file of `--config`",
        "(YAML, the same names with underscores), that before the default. Flags that are true or false have a second form: `--no-...`.",
    ]
    for process, settings in processes.items():
        lines += ["", f"## podshell {process}", "", "| flag | environment | default | what |", "|---|---|---|---|"]
        for option in options_of(settings):
            default = option.default_in_words or (f"`{_shown(option)}`" if _shown(option) else "")
            lines.append(f"| `{option.flag}` | `{option.env(process)}` | {default} | {option.help} |")
        lines.append(f"| `--config` | `{_config_env(process)}` |  | YAML file with any of these options |")
    return "\n".join(lines) + "\n"
