"""Refusals and failures, as clusters word them."""

from __future__ import annotations

import pytest
from recordings import load, names

from podshell.kube.channels import ChannelCodec, Failure, Subprotocol
from podshell.kube.classify import _NEXT_STEP, Failed, FailureKind, classify, classify_exit
from podshell.kube.status import error_from_response

K = FailureKind


def classify_refusal(name: str) -> Failed:
    recording = load(name)
    error = error_from_response(recording.status_code, recording.body)
    return classify(error.message, status_code=error.status_code)


def classify_channel_3(name: str) -> Failed:
    reader = ChannelCodec(Subprotocol.V5, tty=False)
    failures = [e for m in load(name).from_server for e in reader.receive(m) if isinstance(e, Failure)]
    return classify(failures[0].message, status_code=failures[0].status_code)


REFUSED = {
    "refused/container-waiting.v4": K.CONTAINER_NOT_RUNNING,
    "refused/container-waiting.v5": K.CONTAINER_NOT_RUNNING,
    "refused/pod-completed.v5": K.CONTAINER_NOT_RUNNING,
    "ephemeral/exec-after-exit.v5": K.CONTAINER_NOT_RUNNING,
    "refused/pod-not-found.v5": K.TARGET_GONE,
    "refused/namespace-not-found.v4": K.TARGET_GONE,
    "refused/no-container.v5": K.CONTAINER_REQUIRED,
    "refused/wrong-container.v5": K.CONTAINER_UNKNOWN,
    "refused/pod-pending.v5": K.POD_NOT_SCHEDULED,
    "refused/no-streams.v5": K.INVALID_REQUEST,
    "refused/bad-subprotocol": K.PROTOCOL_REFUSED,
    "refused/plain-get": K.PROTOCOL_REFUSED,
    "refused/post-websocket-v5": K.PROTOCOL_REFUSED,
    "rbac/exec-bad-token.v5": K.UNAUTHENTICATED,
    "rbac/exec-none.v4": K.RBAC,
    "rbac/exec-getonly.v5": K.RBAC,
    "rbac/exec-other-namespace.v5": K.RBAC,
}


@pytest.mark.parametrize("name", REFUSED)
def test_classifies_a_recorded_refusal(name: str) -> None:
    assert classify_refusal(name).kind is REFUSED[name]


@pytest.mark.parametrize("name", [name for name in names("refused", "") + names("rbac", "") if not load(name).upgraded])
def test_every_recorded_refusal_keeps_its_text_and_says_what_to_do(name: str) -> None:
    recording = load(name)
    failed = classify_refusal(name)
    assert failed.message
    assert failed.next_step.endswith((".", "missing."))
    assert failed.status_code == recording.status_code


@pytest.mark.parametrize("name", names("rbac", "getonly.v4", "getonly.v5"))
def test_a_missing_create_is_named_though_the_server_gives_no_reason(name: str) -> None:
    failed = classify_refusal(name)
    assert (failed.kind, failed.verb, failed.resource) == (K.RBAC, "create", "pods/exec")


def test_a_missing_get_names_verb_resource_and_namespace() -> None:
    failed = classify_refusal("rbac/exec-createonly.v5")
    assert (failed.kind, failed.verb, failed.resource, failed.namespace) == (K.RBAC, "get", "pods/exec", "lab")
    assert '"get" and "create" on pods/exec' in failed.next_step


STARTS = {
    "exec/missing-shell.v4": K.SHELL_MISSING,
    "exec/missing-shell.v5": K.SHELL_MISSING,
    "exec/missing-shell-tty.v5": K.SHELL_MISSING,
    "exec/missing-absolute-path.v4": K.SHELL_MISSING,
    "exec/missing-relative-path.v5": K.SHELL_MISSING,
    "exec/empty-command-word.v5": K.SHELL_MISSING,
    "exec/not-executable.v4": K.SHELL_NOT_EXECUTABLE,
    "exec/not-executable.v5": K.SHELL_NOT_EXECUTABLE,
    "exec/directory.v5": K.SHELL_NOT_EXECUTABLE,
    "refused/no-command.v5": K.INVALID_REQUEST,
}


@pytest.mark.parametrize("name", STARTS)
def test_classifies_a_recorded_start_failure(name: str) -> None:
    assert classify_channel_3(name).kind is STARTS[name]


# kubernetes.md 1.2, 1.6, 2.3 and 4.3: texts of other runtimes and versions, which no transcript has.
TEXTS = [
    ('pods "x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1', K.QUOTA),
    ('pods "x" is forbidden: failed quota: few: must specify limits.cpu', K.QUOTA),
    ('OCI runtime exec failed: exec: "bash": executable file not found in $PATH: unknown', K.SHELL_MISSING),
    ("executable file `bash` not found in $PATH: No such file or directory", K.SHELL_MISSING),
    ("the file /bin/bash was not found", K.SHELL_MISSING),
    ("The system cannot find the file specified.", K.SHELL_MISSING),
    ('exec: "/x": permission denied: unknown', K.SHELL_NOT_EXECUTABLE),
    ("container is in CONTAINER_EXITED state", K.CONTAINER_NOT_RUNNING),
    ("pod does not exist", K.TARGET_GONE),
    ("error dialing backend: dial tcp 10.0.0.1:10250: connect: connection refused", K.NODE_UNREACHABLE),
    ("No agent available", K.NODE_UNREACHABLE),
    (
        'error sending request: Post "//[::]:60007/cri/exec/x": http: server gave HTTP response to HTTPS client',
        K.RUNTIME_REFUSES_V5,
    ),
    ('pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false', K.PSA),
    ('admission webhook "validate.example" denied the request: no', K.ADMISSION),
    ("something that nobody has seen before", K.SERVER),
]


@pytest.mark.parametrize(("text", "kind"), TEXTS)
def test_classifies_what_other_runtimes_say(text: str, kind: FailureKind) -> None:
    failed = classify(text, status_code=500)
    assert failed.kind is kind
    assert failed.message == text


# Texts of the API server's own admission (kubernetes plugin/pkg/admission, apiserver pkg/admission/plugin), each a 403.
FORBIDDEN = [
    ("maximum cpu usage per Container is 500m, but limit is 1", K.ADMISSION),
    ("unable to create new content in namespace lab because it is being terminated", K.ADMISSION),
    ('error looking up service account lab/default: serviceaccount "default" not found', K.ADMISSION),
    ("image policy webhook backend denied one or more images: not signed", K.ADMISSION),
    ('Post "https://policy.example.com/images": dial tcp 192.0.2.7:443: connect: connection refused', K.ADMISSION),
    ("cannot exec into or attach to a privileged container", K.ADMISSION),
    ("PodSecurityPolicy: unable to admit pod: []", K.ADMISSION),
    ('violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)', K.PSA),
    ("insufficient quota to match these scopes: [{PriorityClass In [system-node-critical]}]", K.QUOTA),
    ("status unknown for quota: few, resources: pods", K.QUOTA),
    ('User "ada" cannot create resource "pods" in API group "" in the namespace "lab"', K.RBAC),
    ('User "ada" cannot get path "/metrics"', K.RBAC),
    ("", K.RBAC),
]


@pytest.mark.parametrize(("reason", "kind"), FORBIDDEN)
def test_only_a_missing_right_is_answered_with_a_right_to_ask_for(reason: str, kind: FailureKind) -> None:
    text = f'pods "x" is forbidden: {reason}'
    failed = classify(text, status_code=403)
    assert (failed.kind, failed.message) == (kind, text)
    assert ("missing" in failed.next_step or "verb" in failed.next_step) == (kind is K.RBAC)
    if kind is K.ADMISSION:
        assert "read its text" in failed.next_step


def test_a_dead_node_is_worth_another_try_and_a_missing_shell_is_not() -> None:
    assert classify("error dialing backend: i/o timeout").retryable
    assert not classify("executable file not found in $PATH").retryable


def test_every_kind_has_a_next_step() -> None:
    for kind in FailureKind:
        assert _NEXT_STEP[kind].endswith(".")


@pytest.mark.parametrize(
    ("code", "output", "kind"),
    [
        (255, 'exec failed: unable to start container process: exec: "bash": executable file not found in $PATH', K.SHELL_MISSING),
        (1, "executable file `bash` not found in $PATH: No such file or directory", K.SHELL_MISSING),
        (127, "", K.SHELL_MISSING),
        (126, "", K.SHELL_NOT_EXECUTABLE),
    ],
)
def test_an_exit_code_right_after_the_start_may_hide_a_missing_shell(code: int, output: str, kind: FailureKind) -> None:
    failed = classify_exit(code, output, seconds_after_start=0.2, started=False)
    assert failed is not None
    assert failed.kind is kind


@pytest.mark.parametrize(
    ("code", "seconds", "started"),
    [(127, 5.0, False), (127, 0.1, True), (1, 0.1, False), (0, 0.1, False), (7, 0.1, False)],
)
def test_an_honest_exit_code_stays_one(code: int, seconds: float, started: bool) -> None:
    assert classify_exit(code, "bye", seconds_after_start=seconds, started=started) is None
