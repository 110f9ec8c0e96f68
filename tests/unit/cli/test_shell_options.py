"""The one list of options: every row in every place, and the whole table of target kind x flag x where it came from."""

from __future__ import annotations

import itertools
from pathlib import Path

import click
import pytest

from podshell.cli.failures import USAGE, CommandFailed
from podshell.cli.shell_command import click_option, first_word, opposite, plain_flags, shell_command, split_command
from podshell.cli.shell_options import BY_KEY, OPTIONS, Kind, OptionRow, Section, Value, Way
from podshell.cli.shell_reference import reference_page
from podshell.cli.shell_targets import TargetKind
from podshell.cli.shell_values import Values, check_meaning, read_values

ROOT = Path(__file__).resolve().parents[3]
# One value that is not the default, as it is written, and what it means.
WRITTEN: dict[Kind, tuple[str, Value]] = {
    Kind.FLAG: ("true", True),
    Kind.TEXT: ("some-text", "some-text"),
    Kind.WORDS: ("B,A", ("B", "A")),
    Kind.SECONDS: ("1h30m", 5400.0),
}
ACCEPTED = [row for row in OPTIONS if not row.refused]


def written(row: OptionRow) -> tuple[str, Value]:
    if row.kind is not Kind.CHOICE:
        return WRITTEN[row.kind]
    choice = next(choice for choice in row.choices if choice != row.default)
    return choice, choice


def parse(words: list[str]) -> tuple[dict[str, object], tuple[str, ...], tuple[str, ...] | None]:
    with shell_command.make_context("shell", list(words)) as context:
        params = dict(context.params)
        return params, params.pop("words"), context.meta["podshell.command"]  # type: ignore[return-value]  # click's values


def values_of(*words: str, environ: dict[str, str] | None = None, config: str | None = None) -> Values:
    return read_values(parse(list(words))[0], {"XDG_CONFIG_HOME": "/nowhere", **(environ or {})}, config)


def flag_words(row: OptionRow) -> list[str]:
    if row.kind is Kind.FLAG:
        return [row.flag]
    return [f"{row.flag}={written(row)[0]}"]


def test_every_flag_of_the_command_has_a_row_and_every_row_a_flag() -> None:
    params = {param.name: param for param in shell_command.params if isinstance(param, click.Option)}
    assert set(params) - {"config"} == set(BY_KEY)
    for row in OPTIONS:
        assert row.flag in params[row.key].opts
        assert not row.short or f"-{row.short}" in params[row.key].opts
        assert row.kind is not Kind.FLAG or params[row.key].secondary_opts == [opposite(row)]


def test_flags_keys_short_forms_and_variables_are_each_used_once() -> None:
    for names in (
        [row.key for row in OPTIONS],
        [row.short for row in OPTIONS if row.short],
        [name for row in OPTIONS for name in row.environment],
    ):
        assert len(names) == len(set(names))


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: row.name)
def test_a_flag_counts_before_the_environment_that_before_the_file_that_before_the_default(row: OptionRow, tmp_path: Path) -> None:
    text, value = written(row)
    other = tmp_path / "shell.yaml"
    assert values_of().given[row.key].value == row.default
    assert not values_of().was_given(row.key)
    in_file = environ = None
    if row.in_file:
        other.write_text(f"{row.name}: {text}\n")
        in_file = str(other)
        found = values_of(config=in_file).given[row.key]
        assert (found.value, found.origin) == (value, f"{row.name} in {other}")
    for variable in reversed(row.environment):  # the older name first: ours counts before it
        environ = {**(environ or {}), variable: text}
        if in_file and row.kind is Kind.TEXT:
            other.write_text(f"{row.name}: from-the-file\n")
        found = values_of(environ=environ, config=in_file).given[row.key]
        assert (found.value, found.origin) == (value, f"${variable}")
    against = dict.fromkeys(row.environment, "false" if row.kind is Kind.FLAG else row.choices[0] if row.choices else "9s")
    found = values_of(*flag_words(row), environ=against, config=in_file).given[row.key]
    assert (found.value, found.origin) == (value, row.flag)


@pytest.mark.parametrize("row", [row for row in ACCEPTED if row.kind is Kind.FLAG], ids=lambda row: row.name)
@pytest.mark.parametrize("form", ["opposite", "go"])
def test_a_flag_can_say_no_against_the_environment(row: OptionRow, form: str) -> None:
    word = opposite(row) if form == "opposite" else f"{row.flag}=false"
    environ = dict.fromkeys(row.environment, "true")
    assert values_of(word, environ=environ).flag(row.key) is False
    assert row.section is Section.CONNECTION or values_of(environ=environ).flag(row.key) is True


@pytest.mark.parametrize(
    ("row", "target", "way"),
    [pytest.param(*case, id="-".join((case[0].name, *case[1:]))) for case in itertools.product(ACCEPTED, TargetKind, Way)],
)
@pytest.mark.parametrize("source", ["flag", "environment", "file"])
def test_an_option_means_something_or_is_an_error_with_its_own_words(
    row: OptionRow, target: TargetKind, way: Way, source: str, tmp_path: Path
) -> None:
    if source != "flag" and not row.in_file:
        return
    text = written(row)[0]
    if source == "flag":
        values, origin = values_of(*flag_words(row)), row.flag
    elif source == "environment":
        values, origin = values_of(environ={row.environment[0]: text}), f"${row.environment[0]}"
    else:
        file = tmp_path / "shell.yaml"
        file.write_text(f"{row.name}: {text}\n")
        values, origin = values_of(config=str(file)), f"{row.name} in {file}"
    if target in row.targets and way in row.ways:
        if (row.name, source) == ("output", "flag"):
            values = values_of(*flag_words(row), "--dry-run")
        if (row.name, target, way) != ("namespace", TargetKind.NODE, Way.GATEWAY):  # below, with the other pairs
            check_meaning(values, target, way)
        return
    with pytest.raises(CommandFailed) as failed:
        check_meaning(values, target, way)
    assert failed.value.code == USAGE
    (line,) = failed.value.lines
    assert line.startswith(f"{origin} has no meaning ")
    assert ": " in line


def test_no_two_misuses_have_the_same_words() -> None:
    said: dict[str, str] = {}
    for row, target, way in itertools.product(ACCEPTED, TargetKind, Way):
        if target in row.targets and way in row.ways:
            continue
        with pytest.raises(CommandFailed) as failed:
            check_meaning(values_of(*flag_words(row)), target, way)
        (line,) = failed.value.lines
        assert said.setdefault(line, row.name) == row.name


def test_several_misuses_are_said_at_once() -> None:
    with pytest.raises(CommandFailed) as failed:
        check_meaning(values_of("-m", "--host-pid", "-c", "NET_RAW"), TargetKind.POD, Way.DIRECT)
    assert [line.split()[0] for line in failed.value.lines] == ["--mount-host-filesystem", "--host-pid"]


@pytest.mark.parametrize("row", [row for row in OPTIONS if row.refused], ids=lambda row: row.name)
def test_what_is_not_accepted_says_why(row: OptionRow) -> None:
    with pytest.raises(CommandFailed) as failed:
        values_of(*flag_words(row))
    assert failed.value.lines == [f"{row.flag} is not accepted", row.refused]


def test_words_come_with_commas_or_repeated_each_once_and_in_order() -> None:
    assert values_of("-c", "NET_RAW,SYS_CHROOT", "-c", "NET_ADMIN,NET_RAW").words("capabilities") == ("NET_RAW", "SYS_CHROOT", "NET_ADMIN")


@pytest.mark.parametrize("text", ["0", "0s", "-5s", "-1h", "0h0m"])
@pytest.mark.parametrize("flag", ["--timeout", "--ttl"])
def test_a_time_of_nothing_is_refused(flag: str, text: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        values_of(f"{flag}={text}")
    assert failed.value.lines == [f"{flag}: {text!r} is not more than zero"]


@pytest.mark.parametrize("text", ["", "5", "five", "1h 30m", "30s!", "1d"])
def test_what_is_no_duration_says_how_one_looks(text: str) -> None:
    with pytest.raises(CommandFailed, match="write it as 90s, 10m or 1h30m"):
        values_of(f"--timeout={text}")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("1.5h", 5400), ("250ms", 0.25), ("2m0.5s", 120.5)])
def test_durations_are_read_as_go_reads_them(text: str, seconds: float) -> None:
    assert values_of("--timeout", text).seconds("timeout") == seconds


def test_retinas_names_are_understood_and_ours_count_before_them() -> None:
    environ = {"RETINA_SHELL_IMAGE_REPO": "r.example/old", "RETINA_SHELL_IMAGE_VERSION": "v0.0.1"}
    assert values_of(environ=environ).text("image_repo") == "r.example/old"
    assert values_of(environ={**environ, "PODSHELL_IMAGE_REPO": "r.example/new"}).text("image_repo") == "r.example/new"
    assert values_of("--retina-shell-image-repo", "r.example/flag", environ=environ).text("image_repo") == "r.example/flag"
    assert values_of("--retina-shell-image-version=v9", environ=environ).text("image_version") == "v9"


def test_what_follows_two_dashes_is_the_command() -> None:
    assert parse(["node1", "-m", "--", "ls", "-l", "--", "x"])[1:] == (("node1",), ("ls", "-l", "--", "x"))
    assert parse(["node1"])[2] is None
    assert split_command(["--"]) == ([], ())


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        (["--gateway"], ["--gateway=current"]),
        (["--gateway", "node1"], ["--gateway=current", "node1"]),
        (["--gateway", "https://x"], ["--gateway", "https://x"]),
        (["--gateway=https://x"], ["--gateway=https://x"]),
        (["--host-pid=true", "-m=false"], ["--host-pid", "--no-mount-host-filesystem"]),
        (["--dry-run=client"], ["--dry-run"]),
        (["-n=shop", "-c=NET_RAW", "-s=https://x"], ["-nshop", "-cNET_RAW", "-shttps://x"]),
        (["-mc=NET_RAW", "-mwn", "shop"], ["-mcNET_RAW", "-mwn", "shop"]),
        (["-n", "=odd", "-n==odd"], ["-n", "=odd", "-n=odd"]),
    ],
)
def test_flags_may_be_written_as_go_writes_them(words: list[str], plain: list[str]) -> None:
    assert plain_flags(words) == plain


@pytest.mark.parametrize("row", [row for row in OPTIONS if row.short and row.kind is not Kind.FLAG], ids=lambda row: row.name)
@pytest.mark.parametrize("form", ["-{short}={text}", "-{short}{text}", "-{short} {text}", "-m{short}={text}"])
def test_a_short_flag_has_its_value_as_kubectl_takes_it(row: OptionRow, form: str) -> None:
    text, value = written(row)
    assert values_of(*form.format(short=row.short, text=text).split()).given[row.key].value == value


@pytest.mark.parametrize(
    ("words", "at"),
    [
        (["gc"], 0),
        (["--context", "prod", "gc", "--delete"], 2),
        (["-n", "gc", "doctor"], 2),
        (["-n=gc", "--gateway", "completion"], 2),
        (["--gateway", "https://x", "node1"], 2),
        (["--config", "gc", "-m", "node1"], 3),
        (["-m", "--", "gc"], None),
        ([], None),
    ],
)
def test_the_first_word_is_no_flag_and_no_flags_value(words: list[str], at: int | None) -> None:
    assert first_word(words) == at


@pytest.mark.parametrize(
    ("words", "target", "said"),
    [
        (["-o", "json"], TargetKind.NODE, "--output has no meaning without --dry-run"),
        (["-n", "a", "--debug-namespace", "b"], TargetKind.NODE, "--namespace has no meaning beside --debug-namespace"),
        (["-n", "a", "--gateway"], TargetKind.NODE, "--namespace has no meaning for a node with --gateway"),
    ],
)
def test_flags_that_do_nothing_beside_each_other_are_an_error(words: list[str], target: TargetKind, said: str) -> None:
    values = values_of(*words)
    with pytest.raises(CommandFailed, match=said) as failed:
        check_meaning(values, target, Way.GATEWAY if values.text("gateway") else Way.DIRECT)
    assert failed.value.code == USAGE


def test_what_the_file_or_the_environment_says_for_many_commands_is_no_error_for_one(tmp_path: Path) -> None:
    file = tmp_path / "shell.yaml"
    file.write_text("output: json\ndebug-namespace: tools\n")
    check_meaning(values_of("-n", "shop", config=str(file)), TargetKind.NODE, Way.DIRECT)


@pytest.mark.parametrize("word", ["--host-pid=maybe", "--dry-run=server"])
def test_a_flag_with_another_value_is_an_error(word: str) -> None:
    with pytest.raises(click.UsageError):
        plain_flags([word])


def test_the_configuration_file_may_not_name_what_is_no_option(tmp_path: Path) -> None:
    file = tmp_path / "shell.yaml"
    file.write_text("capabilites: NET_RAW\n")
    with pytest.raises(CommandFailed, match="unknown option capabilites"):
        values_of(config=str(file))
    file.write_text("token: secret\n")
    with pytest.raises(CommandFailed, match="unknown option token"):
        values_of(config=str(file))


def test_the_default_configuration_file_is_read_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "podshell").mkdir()
    (tmp_path / "podshell" / "shell.yaml").write_text("image-repo: r.example/tools\n")
    assert read_values({}, {"XDG_CONFIG_HOME": str(tmp_path)}).text("image_repo") == "r.example/tools"


def test_a_token_is_in_no_message() -> None:
    row = BY_KEY["token"]
    with pytest.raises(CommandFailed) as failed:
        read_values({"token": ["secret"]}, {"XDG_CONFIG_HOME": "/nowhere"})
    assert "secret" not in str(failed.value)
    assert row.flag in str(failed.value)


def test_the_reference_page_is_what_the_list_says() -> None:
    page = (ROOT / "docs/reference/shell.md").read_text()
    assert page == reference_page(), "make it anew: python -m podshell.launch.reference shell > docs/reference/shell.md"


def test_click_makes_an_option_of_every_row() -> None:
    assert {click_option(row).name for row in OPTIONS} == set(BY_KEY)
