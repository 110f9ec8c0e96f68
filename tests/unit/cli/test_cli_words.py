"""Exit codes, what is said, and where the gateway and its token come from."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from podshell.cli.exits import code_of_end, code_of_refusal, lines_of_end, lines_of_refusal
from podshell.cli.failures import CommandFailed
from podshell.cli.gateways import Gateway, find_gateway
from podshell.cli.plain_text import visible, visible_json
from podshell.cli.remarks import Remarks, remark_of_notice
from podshell.cli.targets import pod_name
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.messages import End


def refusal(code: ErrorCode, by: RefusedBy = RefusedBy.GATEWAY) -> Refusal:
    return Refusal(code, by, "no", "do this")


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        (ErrorCode.FORBIDDEN_BY_CEILING, 126),
        (ErrorCode.FORBIDDEN_BY_KUBERNETES, 126),
        (ErrorCode.UNAUTHENTICATED, 126),
        (ErrorCode.SHELL_MISSING, 127),
        (ErrorCode.CONTAINER_REQUIRED, 2),
        (ErrorCode.BAD_REQUEST, 2),
        (ErrorCode.NOT_FOUND, 125),
        (ErrorCode.AGENT_OFFLINE, 125),
        (ErrorCode.INTERNAL, 125),
    ],
)
def test_each_refusal_has_an_exit_code_of_its_own_kind(code: ErrorCode, exit_code: int) -> None:
    assert code_of_refusal(refusal(code)) == exit_code


@pytest.mark.parametrize(("end", "code"), [
    (End("exited", 0), 0), (End("exited", 7), 7), (End("exited", 137), 137), (End("idle"), 125), (End("closed"), 125),
    (End("revoked"), 126),
    (End("failed", refusal=refusal(ErrorCode.SHELL_MISSING)), 127), (End("target_gone"), 125),
])  # fmt: skip
def test_the_remote_exit_code_is_passed_on_and_other_ends_are_told_apart(end: End, code: int) -> None:
    assert code_of_end(end) == code


def test_a_refusal_names_who_refused_why_and_what_to_do() -> None:
    assert lines_of_refusal(refusal(ErrorCode.FORBIDDEN_BY_KUBERNETES, RefusedBy.POD_SECURITY)) == [
        "no (refused by Pod Security)",
        "do this",
    ]


def test_a_missing_choice_lists_the_containers() -> None:
    several = Refusal(ErrorCode.CONTAINER_REQUIRED, RefusedBy.AGENT, "it has several", "", {"containers": ["app", "proxy"]})
    assert lines_of_refusal(several)[-1] == "choose a container with -c: app, proxy"


def test_a_process_that_exits_is_not_commented_but_what_it_leaves_is() -> None:
    assert lines_of_end(End("exited", 3)) == []
    assert lines_of_end(End("exited", 0, left=["42 (sleep)"])) == [
        "still running in the container, because they left the session: 42 (sleep)"
    ]
    assert lines_of_end(End("idle")) == ["the session ended because nobody typed"]


@pytest.mark.parametrize(("target", "name"), [("pods/web-0", "web-0"), ("pod/web-0", "web-0"), ("web-0", "web-0")])
def test_pods_may_be_named_as_kubectl_names_them(target: str, name: str) -> None:
    assert pod_name(target) == name


@pytest.mark.parametrize("target", ["deployments/web", "pods/", "a/b/c"])
def test_other_kinds_are_refused_with_code_2(target: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        pod_name(target)
    assert failed.value.code == 2


# Gateways.


def write(path: Path, content: object, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def write_current(state: Path, gateway: str = "http://127.0.0.1:8642") -> None:
    token = write(state / "podshell" / "cli-token.json", {"gateway": gateway, "token": "secret"})
    write(state / "podshell" / "current.json", {"gateway": gateway, "token_file": str(token)})


def test_what_podshell_up_wrote_is_found(tmp_path: Path) -> None:
    write_current(tmp_path)
    assert find_gateway(None, None, {"XDG_STATE_HOME": str(tmp_path)}) == Gateway("http://127.0.0.1:8642", "secret")


def test_the_state_folder_is_below_home_by_default(tmp_path: Path) -> None:
    write_current(tmp_path / ".local" / "state")
    assert find_gateway(None, None, {"HOME": str(tmp_path)}).token == "secret"


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    write_current(tmp_path)
    one, two = write(tmp_path / "one", "first\n"), write(tmp_path / "two", "second")
    environ = {"XDG_STATE_HOME": str(tmp_path), "PODSHELL_GATEWAY": "https://env.example", "PODSHELL_TOKEN_FILE": str(one)}
    assert find_gateway(None, None, environ) == Gateway("https://env.example", "first")
    assert find_gateway("https://flag.example", two, environ) == Gateway("https://flag.example", "second")


def test_a_token_never_goes_to_another_gateway(tmp_path: Path) -> None:
    write_current(tmp_path)
    with pytest.raises(CommandFailed, match=r"is for http://127\.0\.0\.1:8642"):
        find_gateway("https://evil.example", None, {"XDG_STATE_HOME": str(tmp_path)})


@pytest.mark.parametrize("url", ["http://podshell.example.com", "ftp://x", "example.com", "https://user@example.com", "https://x/path"])
def test_an_address_that_is_none_or_would_show_the_token_is_refused(tmp_path: Path, url: str) -> None:
    token = write(tmp_path / "token", "secret")
    with pytest.raises(CommandFailed) as failed:
        find_gateway(url, token, {})
    assert failed.value.code == 2


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    token = write(tmp_path / "token", "secret", 0o644)
    with pytest.raises(CommandFailed, match="chmod 600"):
        find_gateway("https://x.example", token, {})


def test_without_any_gateway_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as failed:
        find_gateway(None, None, {"XDG_STATE_HOME": str(tmp_path)})
    assert failed.value.code == 125
    assert "podshell up" in failed.value.lines[-1]


@pytest.mark.parametrize("content", ["", "two words", "{", '{"token": 1}', "é"])
def test_a_file_without_a_token_is_one_sentence(tmp_path: Path, content: str) -> None:
    with pytest.raises(CommandFailed, match="holds no token"):
        find_gateway("https://x.example", write(tmp_path / "token", content), {})


def test_the_token_is_not_in_the_repr() -> None:
    assert "secret" not in repr(Gateway("https://x", "secret"))


# Texts from elsewhere.


def test_control_characters_and_turned_letters_are_seen_and_nothing_else_changes() -> None:
    assert visible("a\x1b]0;x\x07b\x9bc\x7f") == "a\\x1b]0;x\\x07b\\x9bc\\x7f"
    assert visible("\u202egpj.exe\u2066") == "\\u202egpj.exe\\u2066"
    assert visible("one\r\ntwo\tthree\u2028four") == "one  two three four"
    assert visible("ä 漢字 👩‍👩‍👧") == "ä 漢字 👩‍👩‍👧"
    assert visible("half \ud800") == "half \\ud800"
    text = "\x1b\x9b\u202e\u2028\n"
    shown = visible_json(json.dumps({"a": text}, ensure_ascii=False))
    assert shown.isprintable()
    assert json.loads(shown) == {"a": text}


# Remarks.


@pytest.mark.parametrize(("raw", "expected"), [(False, b"podshell: hel\\x1blo\n"), (True, b"\r\npodshell: hel\\x1blo\r\n")])
def test_a_remark_is_one_line_also_in_raw_mode(raw: bool, expected: bytes) -> None:
    read, written = os.pipe()
    try:
        Remarks(written, lambda: raw).say("hel\x1blo")
        assert os.read(read, 100) == expected
    finally:
        os.close(read)
        os.close(written)


def test_notices_that_matter_are_said_and_others_not() -> None:
    assert "60 s" in (remark_of_notice("idle_warning", {"seconds": 60}) or "")
    for kind in ("target", "mounts", "unmanaged", "unheld"):
        assert remark_of_notice(kind, {"text": "/host: read-only"}) == "/host: read-only"
    assert remark_of_notice("viewers", {"owners": 1}) is None
    assert remark_of_notice("of a later version", {}) is None
