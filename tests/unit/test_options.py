"""One list of options feeds flags, environment and file, in that order."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from podshell.options import OptionError, add_options, load, options_of


@dataclass(frozen=True)
class Limits:
    sessions: int = field(default=250, metadata={"help": "Sessions of one user."})
    bodies: int = field(default=10, metadata={"help": "Bytes of a body."})


@dataclass(frozen=True)
class Sample:
    port: int = field(default=8642, metadata={"help": "Port to listen on."})
    folder: Path = field(default=Path("state"), metadata={"help": "Where state lives."})
    allow: tuple[str, ...] = field(default=(), metadata={"help": "What is allowed."})
    record: bool = field(default=False, metadata={"help": "Record output."})
    token: str | None = field(default=None, metadata={"help": "A secret.", "secret": True})
    limits: Limits = field(default_factory=Limits, metadata={"help": "Limits."})
    internal: int = 7


def test_a_field_without_help_is_no_option() -> None:
    assert [option.name for option in options_of(Sample)] == [
        "port",
        "folder",
        "allow",
        "record",
        "token",
        "limits_sessions",
        "limits_bodies",
    ]


def test_a_flag_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    config = tmp_path / "gateway.yaml"
    config.write_text("port: 1\nrecord: true\nfolder: from-file\n")
    environ = {"PODSHELL_GATEWAY_PORT": "2", "PODSHELL_GATEWAY_FOLDER": "from-env"}
    settings = load(Sample, "gateway", {"config": str(config), "port": 3}, environ)
    assert settings == Sample(port=3, folder=Path("from-env"), record=True)


def test_words_come_with_commas_or_as_a_list(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("allow: [podExec, nodeShell]\n")
    assert load(Sample, "up", {"config": str(config)}, {}).allow == ("podExec", "nodeShell")
    assert load(Sample, "up", {"allow": "podExec, podDebug"}, {}).allow == ("podExec", "podDebug")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("port: many\n", "is not a whole number"),
        ("prot: 1\n", "unknown option prot; known are port"),
        ("- a\n", "must be a mapping"),
        ("port: [\n", "is not YAML (line 2)"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path: Path, content: str, says: str) -> None:
    config = tmp_path / "bad.yaml"
    config.write_text(content)
    with pytest.raises(OptionError) as caught:
        load(Sample, "gateway", {"config": str(config)}, {})
    assert says in str(caught.value)
    assert str(config) in str(caught.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(OptionError, match=r"cannot read the configuration file /nowhere/x\.yaml: No such file"):
        load(Sample, "gateway", {"config": "/nowhere/x.yaml"}, {})


def test_a_bad_environment_value_names_the_variable_but_no_secret() -> None:
    with pytest.raises(OptionError, match="PODSHELL_GATEWAY_RECORD: 'maybe' is not true or false"):
        load(Sample, "gateway", {}, {"PODSHELL_GATEWAY_RECORD": "maybe"})


def test_flags_reach_the_command_and_help_names_the_environment() -> None:
    seen: list[Sample] = []

    @click.command()
    def command(**flags: object) -> None:
        seen.append(load(Sample, "gateway", flags, {}))

    add_options(Sample, "gateway")(command)
    result = CliRunner().invoke(command, ["--port", "9", "--record", "--token", "s3cret"])
    assert result.exit_code == 0, result.output
    assert seen == [Sample(port=9, record=True, token="s3cret")]
    text = CliRunner().invoke(command, ["--help"]).output
    assert "PODSHELL_GATEWAY_PORT" in text
    assert "8642" in text


def test_an_option_inside_another_settings_class_has_both_names() -> None:
    settings = load(Sample, "gateway", {}, {"PODSHELL_GATEWAY_LIMITS_SESSIONS": "3"})
    assert settings == Sample(limits=Limits(sessions=3))
