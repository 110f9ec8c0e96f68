"""`podshell doctor` without a gateway: which checks there are for a target, in order. What one cannot find out stops no other."""

from __future__ import annotations

from podshell.cli import doctor_checks as checks
from podshell.cli.doctor_images import check_image, check_pull_secrets, trace_line, trial_of
from podshell.cli.doctor_report import Line, Verdict, guarded
from podshell.cli.doctor_rights import RIGHTS_NODE, RIGHTS_POD, check_rights
from podshell.cli.failures import CommandFailed
from podshell.cli.shell_image import choose_image
from podshell.cli.shell_request import resolve_options
from podshell.cli.shell_targets import ShellTarget, TargetKind
from podshell.cli.shell_values import Values
from podshell.kube.debug_options import WINDOWS_IMAGE
from podshell.kube.objects import Node, Pod
from podshell.kube.rest import Client


class DirectDoctor:
    """The checks for one target, or for any: `target` None."""

    def __init__(self, client: Client, values: Values, target: ShellTarget | None) -> None:
        self._client = client
        self._values = values
        self._target = target
        self._image, self._image_lines = choose(values)
        # what is asked for makes no sense without an image: then the general things are said
        self._options = resolve_options(values, target.kind) if target is not None and self._image else None
        self._namespace = client.connection.namespace
        self._own = values.text("debug_namespace") or self._namespace

    async def check(self) -> list[Line]:
        """Run every check."""
        lines = await checks.check_server(self._client)
        if lines[0].verdict is Verdict.FAILED:
            return lines
        lines += await guarded("clock", checks.check_clock(self._client))
        lines.append(Line("ceiling", Verdict.OK, "none without --gateway: your own rights decide; doctor --gateway asks a cluster's agent"))
        lines += await guarded("rights", self._check_rights())
        for kind in TargetKind if self._target is None else (self._target.kind,):
            namespace = self._namespace if kind is TargetKind.POD else self._own
            lines += await guarded("pod security", checks.check_namespace(self._client, namespace, kind, self._options))
        if self._target is None:
            return lines + self._image_lines
        if self._target.kind is TargetKind.NODE:
            return lines + await self._check_node_target(self._target.name)
        return lines + await self._check_pod_target(self._target.name)

    async def _check_rights(self) -> list[Line]:
        wanted = self._target.kind if self._target is not None else None
        rights = [(right, self._namespace) for right in RIGHTS_POD if wanted is not TargetKind.NODE]
        rights += [(right, self._own) for right in RIGHTS_NODE if wanted is not TargetKind.POD]
        return await check_rights(self._client, list(dict.fromkeys(rights)))

    async def _check_node_target(self, name: str) -> list[Line]:
        lines = self._image_lines
        if secret := self._values.text("pull_secret"):
            lines = lines + await guarded("pull secret", check_pull_secrets(self._client, self._own, [secret], "of --pull-secret"))
        return lines + await self._check_node(name, TargetKind.NODE)

    async def _check_pod_target(self, name: str) -> list[Line]:
        found: list[Pod] = []

        async def look() -> list[Line]:
            pod, missing = await checks.read_pod(self._client, self._namespace, name)
            if pod is None:
                return missing
            found.append(pod)
            return checks.pod_lines(pod, self._values.text("target"))

        lines = await guarded("pod", look()) + self._image_lines
        if not found:
            return lines
        lines += await guarded("pull secret", self._check_pods_secrets(name))
        node = found[0].spec.node_name
        return lines + (await self._check_node(node, TargetKind.POD) if node else [])

    async def _check_pods_secrets(self, pod: str) -> list[Line]:
        names = await checks.read_pull_secrets(self._client, self._namespace, pod)
        return await check_pull_secrets(self._client, self._namespace, names, f"of the pod {pod}")

    async def _check_node(self, name: str, kind: TargetKind) -> list[Line]:
        found: list[Node] = []

        async def look() -> list[Line]:
            node, missing = await checks.read_node(self._client, name)
            if node is None:
                return missing
            found.append(node)
            return checks.node_lines(node, kind, self._values.text("os") or "linux")

        lines = await guarded("node", look())
        if found and self._image:
            lines += await guarded("image", check_image(self._client, name, self._image, self._pull_policy, self._trial(name)))
        elif self._image:
            text = f"whether {name} has {self._image}, or can pull it, is not known"
            lines.append(Line("image", Verdict.UNKNOWN, text, self._trial(name)))
        if self._values.text("profile") == "trace":
            lines.append(trace_line(name, found[0].status.node_info.kernel_version if found else ""))
        return lines

    @property
    def _pull_policy(self) -> str:
        return self._values.text("pull_policy")

    def _trial(self, node: str) -> str:
        of_node = self._target is not None and self._target.kind is TargetKind.NODE
        given = self._values.text("debug_namespace") or self._values.text("namespace")
        return trial_of(node, self._options, given if of_node else "")  # a pod's namespace may not take node pods


def choose(values: Values) -> tuple[str, list[Line]]:
    """Return the image that shells run (shell_request.py), with its line; "" where none is named."""
    named = any(values.text(key) for key in ("image", "image_repo"))
    try:
        image = WINDOWS_IMAGE if values.text("os") == "windows" and not named else choose_image(values)
    except CommandFailed as failed:
        return "", [Line("image", Verdict.FAILED, failed.lines[0], "; or ".join(failed.lines[1:]) or "name one: --image")]
    return image, [Line("image", Verdict.OK, f"shells run {image}")]
