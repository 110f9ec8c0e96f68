"""What a request for a session means: each kind's own fields, and nothing ignored."""

from __future__ import annotations

import msgspec
import pytest

from podshell.gateway.answers import Refused
from podshell.gateway.authority import Place
from podshell.gateway.models import DebugOptions, OpenSessionBody
from podshell.gateway.openings import check_body, check_plan, details_of, new_record, plan_of, target_of
from podshell.gateway.settings import GatewaySettings
from podshell.policy.rules import Choices
from podshell.wire.tools import DebugRequest, MadeContainer

PLACE = Place("lab", "agent-1", "e1")
EXEC = OpenSessionBody("lab", "shop", "cart-0", "cart")
DEBUG = OpenSessionBody("lab", "shop", "cart-0", kind="debug", debug=DebugOptions(profile="net", target="cart"))
NODE = OpenSessionBody("lab", kind="node", node="node-1", debug=DebugOptions(mount_host=True))


@pytest.mark.parametrize("body", [EXEC, DEBUG, NODE, msgspec.structs.replace(DEBUG, debug=None), msgspec.structs.replace(NODE, debug=None)])
def test_each_kind_is_taken_with_what_belongs_to_it(body: OpenSessionBody) -> None:
    check_body(body)


@pytest.mark.parametrize(
    ("body", "changes", "field"),
    [
        (EXEC, {"pod": ""}, "pod"),
        (EXEC, {"namespace": ""}, "namespace"),
        (EXEC, {"node": "node-1"}, "node"),
        (EXEC, {"debug": DebugOptions()}, "debug"),
        (DEBUG, {"pod": ""}, "pod"),
        (DEBUG, {"container": "cart"}, "container"),
        (DEBUG, {"node": "node-1"}, "node"),
        (NODE, {"node": ""}, "node"),
        (NODE, {"namespace": "shop"}, "namespace"),
        (NODE, {"pod": "cart-0"}, "pod"),
        (NODE, {"container": "cart"}, "container"),
    ],
)
def test_what_is_missing_or_has_no_meaning_is_refused_by_name(body: OpenSessionBody, changes: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_body(msgspec.structs.replace(body, **changes))
    assert refusal.value.refusal.code == "bad_request"
    assert field in refusal.value.refusal.message
    assert refusal.value.refusal.next_step


def test_a_plain_shell_has_no_plan() -> None:
    with pytest.raises(Refused):
        check_plan(EXEC)
    check_plan(NODE)


@pytest.mark.parametrize(
    "text",
    ['{"debug": {"profile": "root"}}', '{"debug": {"hostPID": true}}', '{"debug": {"capabilities": ["NET ADMIN"]}}', '{"kind": "vm"}'],
)
def test_unknown_choices_do_not_parse(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text.replace("{", '{"cluster": "lab", ', 1), type=OpenSessionBody)


def test_the_options_reach_policy_record_call_and_audit() -> None:
    asked = DebugRequest(profile="net", target="cart")
    target = target_of(DEBUG, "s1", "ada")
    assert (target.kind, target.choices, target.node) == ("debug", Choices("net", target="cart"), "")
    record = new_record("ada", DEBUG, PLACE, "s1", GatewaySettings(owner="ada"))
    assert record.opening().debug == asked
    assert record.target == target
    assert plan_of(DEBUG, "ada").debug == asked
    assert details_of(record) == {"kind": "debug", "command": [], "tty": True, "profile": "net", "target": "cart"}


def test_a_node_session_names_its_node_and_no_pod() -> None:
    record = new_record("ada", NODE, PLACE, "s1", GatewaySettings(owner="ada"))
    opening = record.opening()
    assert (opening.kind, opening.node, opening.namespace, opening.pod) == ("node", "node-1", "", "")
    assert record.target.node == "node-1"
    assert record.shown().node == "node-1"


def test_the_agent_that_follows_hears_what_was_made_and_who_holds_the_shell() -> None:
    made = MadeContainer("job", "podshell", "node-1-abc", "u1", "tools", "node-1", "node-1", "j1", held=True)
    record = new_record("ada", NODE, PLACE, "s1", GatewaySettings(owner="ada"))
    later = msgspec.structs.replace(record, incarnation=2, container="tools", pod_uid="u1", holder="h1", made=made)
    opening = later.opening()
    assert opening.container == "", "the container was made, not asked for"
    assert opening.predecessor is not None
    assert (opening.predecessor.made, opening.predecessor.holder) == (made, "h1")
