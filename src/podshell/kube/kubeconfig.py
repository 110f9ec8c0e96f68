"""Kubeconfig files: which apply, what they say together, and the `Connection` that follows.

Read once, at start; what rotates (token files, plugins) is followed by the credentials themselves. The rules of merging and of relative
paths are those of kubectl: the first file that has an entry wins, paths are relative to the file that names them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from podshell.kube.connection import Connection
from podshell.kube.errors import KubeconfigError
from podshell.kube.kubeconfig_entries import Cluster, User, make_connection
from podshell.kube.overrides import Overrides

T = TypeVar("T")


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: Cluster | None = None


class Context(msgspec.Struct, rename="kebab"):
    """Which cluster, as whom, and where."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedUser(msgspec.Struct):
    name: str
    user: User | None = None


class _NamedContext(msgspec.Struct):
    name: str
    context: Context | None = None


class _File(msgspec.Struct, rename="kebab"):
    current_context: str | None = None
    clusters: list[_NamedCluster] | None = None
    contexts: list[_NamedContext] | None = None
    users: list[_NamedUser] | None = None


@dataclass(slots=True)
class Kubeconfig:
    """All files merged. Each entry keeps the file that it came from."""

    files: tuple[Path, ...] = ()
    current_context: str = ""
    clusters: dict[str, tuple[Cluster, Path]] = field(default_factory=dict)
    contexts: dict[str, tuple[Context, Path]] = field(default_factory=dict)
    users: dict[str, tuple[User, Path]] = field(default_factory=dict)

    @property
    def names(self) -> str:
        """The files, for messages."""
        return ", ".join(str(file) for file in self.files)


def find_files(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> list[Path]:
    """Return the kubeconfig files that exist: those of $KUBECONFIG, or ~/.kube/config. Empty: there is no configuration."""
    listed = environ.get("KUBECONFIG", "")
    if listed:
        paths = [Path(entry).expanduser() for entry in listed.split(os.pathsep) if entry]
    else:
        paths = [(home or Path(environ.get("HOME") or Path.home())) / ".kube" / "config"]
    return [path for path in paths if path.exists()]


def load_connection(
    *,
    files: Sequence[Path] | None = None,
    context: str = "",
    environ: Mapping[str, str] = os.environ,
    terminal: bool = False,
    overrides: Overrides | None = None,
) -> Connection:
    """Return the connection of a context, the current one by default.

    `files` replace $KUBECONFIG and must exist. `terminal` says whether a credential plugin may ask the user. `overrides` are the flags of a
    command line; those that name a server need no kubeconfig.

    Raises:
        KubeconfigError: one sentence naming the file, what is wrong, and what to do next.
    """
    over = overrides or Overrides()
    config = merge_files(list(files) if files is not None else find_files(environ))
    if not config.files and not over.stands_alone:
        raise KubeconfigError(
            f"there is no kubeconfig ({environ.get('KUBECONFIG') or '~/.kube/config'}): name one with --kubeconfig or $KUBECONFIG"
        )
    name = context or config.current_context
    if not name and not over.stands_alone and not over.cluster:
        raise KubeconfigError(
            f"{config.names} has no current context: set one with `kubectl config use-context`, or name one with --context"
        )
    chosen, origin = _find(config.contexts, "context", name, config.names, "name one with --context") if name else (Context(), Path())
    cluster, cluster_file = _cluster(config, over, chosen, name, origin)
    user, user_file = _user(config, over, chosen, name, origin)
    over.change_cluster(cluster)
    over.change_user(user)
    connection = make_connection(cluster, cluster_file, user, user_file, environ=environ, terminal=terminal)
    return replace(
        connection,
        namespace=over.namespace or chosen.namespace or "default",
        context_name=name,
        cluster_name=over.cluster or chosen.cluster,
        user_name=over.user or chosen.user,
    )


def _cluster(config: Kubeconfig, over: Overrides, chosen: Context, context: str, origin: Path) -> tuple[Cluster, Path]:
    if over.cluster:
        found, file = _find(config.clusters, "cluster", over.cluster, config.names, "name one with --cluster")
    elif chosen.cluster or not over.stands_alone:
        found, file = _find(config.clusters, "cluster", chosen.cluster, str(origin), f"correct the context {context!r}")
    else:
        found, file = Cluster(), Path()
    return copy(found), file


def _user(config: Kubeconfig, over: Overrides, chosen: Context, context: str, origin: Path) -> tuple[User, Path]:
    if over.user:
        found, file = _find(config.users, "user", over.user, config.names, "name one with --user")
    elif chosen.user:
        found, file = _find(config.users, "user", chosen.user, str(origin), f"correct the context {context!r}")
    else:
        found, file = User(), origin
    return copy(found), file


def merge_files(paths: Sequence[Path]) -> Kubeconfig:
    """Read and merge files, the first that has an entry wins.

    Raises:
        KubeconfigError: one cannot be read or is no kubeconfig.
    """
    config = Kubeconfig(files=tuple(paths))
    for path in paths:
        file = _read(path)
        config.current_context = config.current_context or file.current_context or ""
        for cluster in file.clusters or ():
            config.clusters.setdefault(cluster.name, (cluster.cluster or Cluster(), path))
        for context in file.contexts or ():
            config.contexts.setdefault(context.name, (context.context or Context(), path))
        for user in file.users or ():
            config.users.setdefault(user.name, (user.user or User(), path))
    return config


def _read(path: Path) -> _File:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise KubeconfigError(
            f"cannot read the kubeconfig {path} ({cause}): make it readable, or name another one with --kubeconfig"
        ) from error
    except UnicodeDecodeError as error:
        raise KubeconfigError(f"the kubeconfig {path} is not text: name another one with --kubeconfig") from error
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise KubeconfigError(f"the kubeconfig {path} is not YAML{where} ({problem}): correct it") from error
    try:
        # An empty file is an empty configuration, for kubectl too.
        return msgspec.convert(tree if tree is not None else {}, type=_File)
    except msgspec.ValidationError as error:
        raise KubeconfigError(f"the kubeconfig {path} is not one ({error}): correct it") from error


def _find(entries: Mapping[str, tuple[T, Path]], what: str, name: str, origin: str, next_step: str) -> tuple[T, Path]:
    found = entries.get(name)
    if found is None:
        known = ", ".join(repr(entry) for entry in list(entries)[:10]) or "none"
        raise KubeconfigError(f"{origin} has no {what} {name!r} (there is: {known}): {next_step}")
    return found
