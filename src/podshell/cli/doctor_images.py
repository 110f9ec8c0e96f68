"""What `podshell doctor` can say of an image without starting anything: where it would come from, and whether it is there already.

Whether a node may pull an image from its registry is known to the node alone: that is said to be unknown, with the command to try it.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from podshell.cli.doctor_report import Line, Verdict
from podshell.kube.debug_options import ResolvedOptions
from podshell.kube.errors import Forbidden, NotFound
from podshell.kube.objects import KubeObject
from podshell.kube.rest import Client
from podshell.kube.workloads import NODES

# kubelet's nodeStatusMaxImages: it reports so many, the largest first.
_REPORTED_IMAGES = 50
_SECRET_TYPES = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
# What kprobes, fentry and CO-RE programs of bpftrace and bpftool read.
_BTF = "/sys/kernel/btf/vmlinux"


class _Image(KubeObject, frozen=True):
    names: tuple[str, ...] | None = None


class _ImagesStatus(KubeObject, frozen=True):
    images: tuple[_Image, ...] | None = None


class _NodeImages(KubeObject, frozen=True):
    status: _ImagesStatus = _ImagesStatus()


class _Secret(KubeObject, frozen=True):
    """A pull secret without its content."""

    type: str = ""


async def check_image(client: Client, node: str, image: str, pull_policy: str, trial: str) -> list[Line]:
    """Look whether a node reports an image. `trial`: the command that tries whether it can pull it.

    Raises:
        KubeError: the node cannot be read.
    """
    found = await client.get(NODES.path("", node), _NodeImages)
    return [image_line(node, image, [one.names or () for one in found.status.images or ()], pull_policy, trial)]


def image_line(node: str, image: str, present: Sequence[Sequence[str]], pull_policy: str, trial: str) -> Line:
    """Say whether an image is on a node, under any of its names. Pure."""
    wanted = _names_of(image)
    names = next((one for one in present if wanted & set(one)), None)
    source = f"from {registry_of(image)}"
    if names is None and pull_policy == "Never":
        fix = "choose another --pull-policy, or bring the image onto the node"
        return Line("image", Verdict.FAILED, f"{image} is not among the images that {node} reports, and is never pulled", fix)
    if names is None:
        text = f"{image} is not among the images that {node} reports ({_REPORTED_IMAGES} at most)"
        return Line("image", Verdict.UNKNOWN, f"{text}: whether it can pull it {source} is not known", trial)
    digest = next((name.rpartition("@")[2] for name in names if "@" in name), "")
    there = f"{image} is on {node}" + (f" ({digest})" if digest else "")
    if pull_policy == "Always":
        return Line("image", Verdict.UNKNOWN, f"{there}, and is pulled {source} nevertheless: whether that works is not known", trial)
    return Line("image", Verdict.OK, there)


def _names_of(image: str) -> set[str]:
    """Return the names by which a node may report a reference."""
    last = image.rpartition("/")[2]
    full = image if ":" in last or "@" in last else f"{image}:latest"
    return {full, f"docker.io/{full}", f"docker.io/library/{full}"}


def registry_of(image: str) -> str:
    """Return the host that an image is pulled from, as distribution reads a reference."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def trial_of(node: str, options: ResolvedOptions | None, namespace: str = "", *, gateway: bool = False) -> str:
    """Say how to try whether a node can pull the image. On the node, also for a pod: there nothing stays."""
    given = [f"--image {options.image}"] if options is not None and not gateway else []
    if options is not None and options.pull_secret and not gateway:
        given.append(f"--pull-secret {options.pull_secret}")
    if namespace and not gateway:
        given.append(f"--debug-namespace {namespace}")
    words = ["kubectl shell", *(["--gateway"] if gateway else []), node or "NODE", *given, "-- true"]
    return f"try it: {' '.join(words)} (it makes a pod on the node and removes it); --timeout gives a slow pull more time"


async def check_pull_secrets(client: Client, namespace: str, names: Sequence[str], whose: str) -> list[Line]:
    """Look whether the secrets are there with which an image is pulled. Only their type is kept.

    Raises:
        KubeError: other than that it is not there or may not be read.
    """
    return [await _check_pull_secret(client, namespace, name, whose) for name in names]


async def _check_pull_secret(client: Client, namespace: str, name: str, whose: str) -> Line:
    what = f"the pull secret {name} {whose}"
    try:
        secret = await client.get(f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets/{quote(name, safe='')}", _Secret)
    except NotFound:
        make = f"kubectl create secret docker-registry {name} -n {namespace}"
        return Line("pull secret", Verdict.FAILED, f"{what} is not in {namespace}", f"make it ({make}), or name another one")
    except Forbidden:
        fix = f"nothing, if the image can be pulled; else ask somebody who may: kubectl get secret {name} -n {namespace}"
        return Line("pull secret", Verdict.UNKNOWN, f"{what} may not be read in {namespace}: whether it is there is not known", fix)
    if secret.type not in _SECRET_TYPES:
        fix = f"make one of the type {_SECRET_TYPES[0]}: kubectl create secret docker-registry"
        return Line("pull secret", Verdict.FAILED, f"{what} is of the type {secret.type or '(none)'}: the node does not use it", fix)
    return Line("pull secret", Verdict.OK, f"{what} is in {namespace}; whether the registry takes it shows when the node pulls")


def trace_line(node: str, kernel: str, *, gateway: bool = False) -> Line:
    """Say of BTF, which the profile trace needs, that only a shell sees it."""
    which = f" (kernel {kernel})" if kernel else ""
    through = " --gateway" if gateway else ""
    fix = f"look: kubectl shell{through} {node} --profile trace -- ls {_BTF}; a kernel without it has no fentry, and no types for kprobes"
    return Line("trace", Verdict.UNKNOWN, f"whether {node}{which} has BTF ({_BTF}) cannot be seen without a shell on it", fix)
