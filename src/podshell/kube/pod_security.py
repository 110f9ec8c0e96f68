"""The Pod Security level of a namespace, looked at before anything is made there: the API server's own refusal names no way out."""

from __future__ import annotations

from dataclasses import replace

from podshell.kube.debug_options import OptionProblem, ResolvedOptions, fit_level
from podshell.kube.errors import Forbidden, KubeError
from podshell.kube.objects import Namespace
from podshell.kube.rest import Client
from podshell.kube.workloads import NAMESPACES

LEVEL_LABEL = "pod-security.kubernetes.io/enforce"


async def enforced_level(client: Client, namespace: str) -> str:
    """Return the enforced level; empty when there is none, or when we may not know: then the API server has the word.

    Raises:
        KubeError: NotFound and what else is not a refusal.
    """
    try:
        found = await client.get(NAMESPACES.path("", namespace), Namespace)
    except Forbidden:
        return ""
    return (found.metadata.labels or {}).get(LEVEL_LABEL, "")


async def fit_namespace(client: Client, options: ResolvedOptions, namespace: str) -> ResolvedOptions | OptionProblem:
    """Fit the options to the namespace's level, or say why they do not fit.

    Raises:
        KubeError: as `enforced_level`.
    """
    fitted = fit_level(options, await enforced_level(client, namespace))
    if isinstance(fitted, OptionProblem):
        return replace(fitted, message=fitted.message.replace("the namespace", f"the namespace {namespace}", 1))
    return fitted


def stricter(options: ResolvedOptions, error: KubeError) -> ResolvedOptions | None:
    """Return what may still be accepted where Pod Security refused these options; None: nothing, or something else refused. Pure.

    A level may be a default of the whole cluster, or of a namespace that may not be read: then only the refusal tells (kubernetes.md 4.3).
    """
    if not isinstance(error, Forbidden) or "violates PodSecurity" not in error.message:
        return None
    fitted = fit_level(options, "restricted")
    return fitted if isinstance(fitted, ResolvedOptions) and fitted != options else None
