"""The options of a debug or node session stand in three places, for their layers' sake (wire, kube, command line): held together here."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import msgspec
import pytest
from msgspec import inspect

from podshell.cli.api import DebugBody
from podshell.gateway.models import DebugOptions as HttpBody
from podshell.kube.debug_options import PROFILES, TTL_LIMIT_SECONDS, DebugOptions
from podshell.wire.tools import MAX_TTL_SECONDS, DebugRequest, Profile, PullPolicy, System

# What the options are called in kube/, where that differs.
RENAMED = {"system": "os"}
# Which field one side has and the other has not, and why.
NOT_IN_KUBE = {"start_seconds": "how long the start is waited for is no part of what is made"}
NOT_ASKED = {"pull_secret": "the agent's own, from its settings"}


def types_of(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The kinds of a struct's fields, without limits: those are the wire's."""
    names = {inspect.LiteralType: "StrType"}
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)

    def kind(one: Any) -> str:
        if isinstance(one, inspect.UnionType):
            return "|".join(sorted(kind(part) for part in one.types))
        if isinstance(one, inspect.ListType):
            return f"list[{kind(one.item_type)}]"
        return names.get(type(one), type(one).__name__)

    return {field.name: kind(field.type) for field in info.fields}


def defaults_of(struct: type[msgspec.Struct]) -> dict[str, object]:
    return msgspec.structs.asdict(struct())


def test_the_command_line_and_the_http_body_have_exactly_the_wires_fields_kinds_and_defaults() -> None:
    for other in (DebugBody, HttpBody):
        assert types_of(other) == types_of(DebugRequest)
        assert defaults_of(other) == defaults_of(DebugRequest)
    assert HttpBody.__struct_config__.forbid_unknown_fields, "a misspelt option would be left out without a word"


def test_the_options_of_a_manifest_are_the_wires_but_for_what_is_named_here() -> None:
    asked = {RENAMED.get(name, name) for name in DebugRequest.__struct_fields__} - NOT_IN_KUBE.keys()
    assert {field.name for field in dataclasses.fields(DebugOptions)} - NOT_ASKED.keys() == asked


@pytest.mark.parametrize(
    "field", [field for field in dataclasses.fields(DebugOptions) if field.name not in NOT_ASKED], ids=lambda f: f.name
)
def test_a_field_means_nothing_on_both_sides_when_it_is_left_out(field: dataclasses.Field[Any]) -> None:
    names = {kube: wire for wire, kube in RENAMED.items()}
    asked = getattr(DebugRequest(), names.get(field.name, field.name))
    filled_in = {"os": "linux", "ttl_seconds": 4 * 3600}  # by the agent, from its settings
    if field.name in filled_in:
        assert not asked
        asked = filled_in[field.name]
    assert (tuple(asked) if isinstance(asked, list) else asked) == field.default


def test_choices_and_limits_are_the_same_on_both_sides() -> None:
    assert set(get_args(Profile)) == {"", *PROFILES}
    assert set(get_args(PullPolicy)) == {"", "Always", "IfNotPresent", "Never"}
    assert set(get_args(System)) == {"", "linux", "windows"}
    assert MAX_TTL_SECONDS == TTL_LIMIT_SECONDS
