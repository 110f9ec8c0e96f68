"""The one list of options of `kubectl shell`, `podshell shell` and their sub-commands.

Feeds the command line, its help, the environment, the configuration file, docs/reference/shell.md and the table test. A flag
that has no row here does not exist. Pure; shell_values.py reads values, shell_command.py makes the command.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from podshell.build_settings import DEFAULT_IMAGE_REPO
from podshell.cli.shell_targets import TargetKind

Value = str | bool | float | tuple[str, ...] | None

NODE, POD = TargetKind.NODE, TargetKind.POD
BOTH = frozenset({NODE, POD})
PROFILES = ("net", "host", "systemd", "trace", "restricted")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")


class Kind(StrEnum):
    """How a value is written."""

    FLAG = "true or false"
    TEXT = "text"
    WORDS = "words with commas"
    SECONDS = "a duration"
    CHOICE = "one of a few words"


class Section(StrEnum):
    """The parts of the help, in order."""

    CONTAINER = "The tools container"
    HOST = "Node only"
    IMAGE = "The image"
    SESSION = "The session"
    GATEWAY = "Through the gateway"
    CONNECTION = "The connection (as kubectl has them)"


class Way(StrEnum):
    """How the session is opened."""

    DIRECT = "direct"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class OptionRow:
    """One option.

    `targets` and `ways` say where it has a meaning: elsewhere it is an error, never ignored.
    `refused`: it is known, and why it is not done. `old_env` and `old_flags` are S2's names, accepted beside ours.
    """

    name: str
    kind: Kind
    section: Section
    help: str
    short: str = ""
    metavar: str = ""
    default: Value = None
    env: str = ""
    old_env: str = ""
    old_flags: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    targets: frozenset[TargetKind] = BOTH
    ways: frozenset[Way] = frozenset(Way)
    refused: str = ""

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def key(self) -> str:
        return self.name.replace("-", "_")

    @property
    def environment(self) -> tuple[str, ...]:
        """Names of variables, the first that is set and not empty counts. The connection follows kubectl's: $KUBECONFIG only."""
        if self.section is Section.CONNECTION:
            return ()
        own = self.env or f"PODSHELL_SHELL_{self.key.upper()}"
        return (own, self.old_env) if self.old_env else (own,)

    @property
    def in_file(self) -> bool:
        return self.section is not Section.CONNECTION


_DIRECT = frozenset({Way.DIRECT})
_GATEWAY = frozenset({Way.GATEWAY})
_NODE = frozenset({NODE})
_POD = frozenset({POD})
_C, _H, _I, _S, _G, _K = Section

OPTIONS: tuple[OptionRow, ...] = (
    OptionRow(
        "profile", Kind.CHOICE, _C, "What it is for: brings the capabilities, mounts and namespaces that this needs.", choices=PROFILES
    ),
    OptionRow(
        "capabilities",
        Kind.WORDS,
        _C,
        "Linux capabilities to add, with commas or repeated, such as NET_ADMIN,NET_RAW. All others are dropped.",
        short="c",
        metavar="CAP,...",
        default=(),
    ),
    OptionRow(
        "target",
        Kind.TEXT,
        _C,
        "Container of the pod whose processes are seen and can be signalled.",
        metavar="CONTAINER",
        targets=_POD,
    ),
    OptionRow(
        "attach",
        Kind.FLAG,
        _C,
        "Attach to the shell as the container's own process, as is done where exec is not allowed. The log keeps all of it.",
        default=False,
        ways=_DIRECT,
    ),
    OptionRow(
        "mount-host-filesystem",
        Kind.FLAG,
        _H,
        "Mount the node's file system at /host, read-only. Equal to root on the node.",
        short="m",
        default=False,
        targets=_NODE,
    ),
    OptionRow(
        "allow-host-filesystem-write",
        Kind.FLAG,
        _H,
        "Mount it writable; implies --mount-host-filesystem.",
        short="w",
        default=False,
        targets=_NODE,
    ),
    OptionRow("host-pid", Kind.FLAG, _H, "Share the node's process ids.", default=False, targets=_NODE),
    OptionRow("seccomp-unconfined", Kind.FLAG, _H, "Run without a seccomp profile (bpftrace needs it).", default=False, targets=_NODE),
    OptionRow("apparmor-unconfined", Kind.FLAG, _H, "Run without an AppArmor profile (bpftrace needs it).", default=False, targets=_NODE),
    OptionRow(
        "enter", Kind.FLAG, _H, "Enter the node itself (nsenter into its first process): a root shell there.", default=False, targets=_NODE
    ),
    OptionRow(
        "os",
        Kind.CHOICE,
        _H,
        "Operating system that is expected; windows makes a HostProcess pod (untested).",
        choices=("linux", "windows"),
        default="linux",
        targets=_NODE,
    ),
    OptionRow(
        "debug-namespace",
        Kind.TEXT,
        _H,
        "Namespace of the node pod; default: --namespace, or that of the context.",
        metavar="NAMESPACE",
        targets=_NODE,
        ways=_DIRECT,
    ),
    OptionRow(
        "image",
        Kind.TEXT,
        _I,
        "Image to run, complete, also with a digest; instead of --image-repo and --image-version.",
        metavar="REF[@DIGEST]",
    ),
    OptionRow(
        "image-repo",
        Kind.TEXT,
        _I,
        "Repository of the tools image.",
        metavar="REPO",
        default=DEFAULT_IMAGE_REPO,
        env="PODSHELL_IMAGE_REPO",
        old_env="RETINA_SHELL_IMAGE_REPO",
        old_flags=("--retina-shell-image-repo",),
    ),
    OptionRow(
        "image-version",
        Kind.TEXT,
        _I,
        "Tag of the tools image; default: this program's version.",
        metavar="TAG",
        env="PODSHELL_IMAGE_VERSION",
        old_env="RETINA_SHELL_IMAGE_VERSION",
        old_flags=("--retina-shell-image-version",),
    ),
    OptionRow("pull-policy", Kind.CHOICE, _I, "When the node pulls the image.", choices=PULL_POLICIES),
    OptionRow(
        "pull-secret",
        Kind.TEXT,
        _I,
        "Secret with which a node pod's image is pulled; a debug container uses those of its pod.",
        metavar="NAME",
        targets=_NODE,
        ways=_DIRECT,
    ),
    OptionRow("timeout", Kind.SECONDS, _S, "How long the container may take to start.", metavar="DURATION", default=30.0),
    OptionRow("ttl", Kind.SECONDS, _S, "How long the container may live at most.", metavar="DURATION", default=14400.0),
    OptionRow(
        "keep-on-failure",
        Kind.FLAG,
        _S,
        "Leave a pod that did not start, to be looked at; it ends by itself.",
        default=False,
        targets=_NODE,
        ways=_DIRECT,
    ),
    OptionRow(
        "dry-run",
        Kind.FLAG,
        _S,
        "Only print what would be created. No server is asked; with --gateway the cluster's agent says it, and what would refuse it.",
        default=False,
    ),
    OptionRow("output", Kind.CHOICE, _S, "Format of --dry-run.", short="o", choices=("yaml", "json"), default="yaml"),
    OptionRow(
        "detach-keys",
        Kind.TEXT,
        _S,
        'Keys that leave the terminal, such as ctrl-p,ctrl-q; "" for none.',
        metavar="KEYS",
        default="ctrl-p,ctrl-q",
    ),
    OptionRow("no-hints", Kind.FLAG, _S, "Give no advice when a known error appears in the output.", default=False),
    OptionRow(
        "reason",
        Kind.TEXT,
        _S,
        "Why; kept in the gateway's audit.",
        metavar="TEXT",
        default="",
        ways=_GATEWAY,
    ),
    OptionRow(
        "gateway",
        Kind.TEXT,
        _G,
        "Open it through the gateway: --gateway for the one that is known on this machine, --gateway=URL for another.",
        metavar="[URL]",
        ways=_GATEWAY,
    ),
    OptionRow(
        "token-file",
        Kind.TEXT,
        _G,
        "Bearer token for the gateway; default: $PODSHELL_TOKEN_FILE.",
        metavar="FILE",
        env="PODSHELL_TOKEN_FILE",
        ways=_GATEWAY,
    ),
    OptionRow("namespace", Kind.TEXT, _K, "Namespace of the pod, or for the node pod.", short="n", metavar="NAMESPACE"),
    OptionRow("kubeconfig", Kind.TEXT, _K, "Kubeconfig file.", metavar="FILE", ways=_DIRECT),
    OptionRow("context", Kind.TEXT, _K, "Context of the kubeconfig.", metavar="NAME", ways=_DIRECT),
    OptionRow("cluster", Kind.TEXT, _K, "Cluster of the kubeconfig; with --gateway: the gateway's name of the cluster.", metavar="NAME"),
    OptionRow("user", Kind.TEXT, _K, "User of the kubeconfig.", metavar="NAME", ways=_DIRECT),
    OptionRow("server", Kind.TEXT, _K, "Address of the API server.", short="s", metavar="URL", ways=_DIRECT),
    OptionRow("token", Kind.TEXT, _K, "Bearer token for the API server.", metavar="TOKEN", ways=_DIRECT),
    OptionRow("as", Kind.TEXT, _K, "User to impersonate.", metavar="USER", ways=_DIRECT),
    OptionRow("as-group", Kind.WORDS, _K, "Groups to impersonate, repeated.", metavar="GROUP", default=(), ways=_DIRECT),
    OptionRow("as-uid", Kind.TEXT, _K, "UID to impersonate.", metavar="UID", ways=_DIRECT),
    OptionRow("as-user-extra", Kind.WORDS, _K, "Extra facts to impersonate, repeated.", metavar="KEY=VALUE", default=(), ways=_DIRECT),
    OptionRow("certificate-authority", Kind.TEXT, _K, "CA certificate of the API server.", metavar="FILE", ways=_DIRECT),
    OptionRow("client-certificate", Kind.TEXT, _K, "Client certificate.", metavar="FILE", ways=_DIRECT),
    OptionRow("client-key", Kind.TEXT, _K, "Key of the client certificate.", metavar="FILE", ways=_DIRECT),
    OptionRow("insecure-skip-tls-verify", Kind.FLAG, _K, "Do not check the API server's certificate.", default=False, ways=_DIRECT),
    OptionRow("tls-server-name", Kind.TEXT, _K, "Name in the API server's certificate.", metavar="NAME", ways=_DIRECT),
    OptionRow("proxy-url", Kind.TEXT, _K, "Proxy before the API server; http or https.", metavar="URL", ways=_DIRECT),
    OptionRow(
        "request-timeout",
        Kind.TEXT,
        _K,
        "How long one request may take, such as 10s; a bare number is seconds, 0 is without limit.",
        metavar="DURATION",
        ways=_DIRECT,
    ),
    OptionRow("disable-compression", Kind.FLAG, _K, "Ask for answers that are not compressed.", default=False, ways=_DIRECT),
    OptionRow("cache-dir", Kind.TEXT, _K, "Taken as kubectl takes it; nothing is cached here.", metavar="FOLDER", ways=_DIRECT),
    OptionRow(
        "match-server-version",
        Kind.FLAG,
        _K,
        "Not accepted: this program has no Kubernetes version.",
        default=False,
        ways=_DIRECT,
        refused="this program's version is not Kubernetes' and can match none: leave it out; podshell doctor says what the server has",
    ),
    *(
        OptionRow(
            name,
            Kind.TEXT,
            _K,
            "Not accepted: Kubernetes has no basic authentication.",
            ways=_DIRECT,
            refused="no API server since Kubernetes 1.19 knows basic authentication: use --token, a certificate or a credential plugin",
        )
        for name in ("username", "password")
    ),
)
BY_KEY = {row.key: row for row in OPTIONS}
CONNECTION = tuple(row for row in OPTIONS if row.section is Section.CONNECTION)
