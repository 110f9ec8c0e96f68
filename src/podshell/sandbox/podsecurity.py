"""Pod Security admission: the baseline and restricted levels, as far as shells and debug pods meet them.

Pure.  Checks, their order and their sentences are those of transcripts/ephemeral/pod-security-raw (upstream:
k8s.io/pod-security-admission/policy).  Left out: AppArmor, SELinux, sysctls, procMount, Windows host processes and host
probes, which nothing here sets.
"""

from __future__ import annotations

from collections.abc import Callable

from podshell.sandbox import statuses
from podshell.sandbox.resources import POD, Resource
from podshell.sandbox.store import Obj

_LABEL = "pod-security.kubernetes.io/"
_BASELINE_CAPABILITIES = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
_RESTRICTED_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
_OPEN_VOLUMES = frozenset(
    ["configMap", "downwardAPI", "emptyDir", "projected", "secret", "csi", "persistentVolumeClaim", "ephemeral", "image"]
)
_SECCOMP = ("RuntimeDefault", "Localhost")


def admit(resource: Resource, obj: Obj, labels: dict[str, str]) -> list[str]:
    """Check a pod, or the pod template of a workload, against the labels of its namespace.

    Gives the sentences for the Warning header.  Raises: StatusError 403 for a pod that violates ``enforce``.
    """
    spec = obj.get("spec") or {}
    if resource is not POD:
        spec = (spec.get("template") or {}).get("spec") or {}
    if not spec.get("containers"):
        return []
    if resource is POD:
        violated = _violations(labels, "enforce", spec)
        if violated:
            raise statuses.forbidden("pods", obj["metadata"].get("name", ""), f"violates PodSecurity {violated}")
    warned = _violations(labels, "warn", spec)
    return [f"would violate PodSecurity {warned}"] if warned else []


def _violations(labels: dict[str, str], mode: str, spec: Obj) -> str:
    level = labels.get(_LABEL + mode, "privileged")
    checks = {"baseline": _BASELINE, "restricted": _RESTRICTED}.get(level, ())
    found = [sentence for check in checks if (sentence := check(spec))]
    if not found:
        return ""
    version = labels.get(f"{_LABEL}{mode}-version", "latest")
    return f'"{level}:{version}": {", ".join(found)}'


def _containers(spec: Obj) -> list[Obj]:
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in spec.get(kind) or []]


def _context(container: Obj) -> Obj:
    found: Obj = container.get("securityContext") or {}
    return found


def _quoted(words: list[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _named(kind: str, names: list[str]) -> str:
    return f"{kind}{'s' if len(names) > 1 else ''} {_quoted(names)}"


def _offenders(spec: Obj, offends: Callable[[Obj], bool]) -> list[str]:
    return [container["name"] for container in _containers(spec) if offends(container)]


def _added(spec: Obj, allowed: frozenset[str]) -> str:
    names: list[str] = []
    added: set[str] = set()
    for container in _containers(spec):
        extra = set((_context(container).get("capabilities") or {}).get("add") or []) - allowed
        if extra:
            names.append(container["name"])
            added |= extra
    if not names:
        return ""
    return f"{_named('container', names)} must not include {_quoted(sorted(added))} in securityContext.capabilities.add"


def _baseline_capabilities(spec: Obj) -> str:
    added = _added(spec, _BASELINE_CAPABILITIES)
    return f"non-default capabilities ({added})" if added else ""


def _host_namespaces(spec: Obj) -> str:
    shared = [f"{field}=true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    return f"host namespaces ({', '.join(shared)})" if shared else ""


def _host_paths(spec: Obj) -> str:
    names = [volume["name"] for volume in spec.get("volumes") or [] if "hostPath" in volume]
    return f"hostPath volumes ({_named('volume', names)})" if names else ""


def _host_ports(spec: Obj) -> str:
    names: list[str] = []
    ports: set[int] = set()
    for container in _containers(spec):
        # hostNetwork makes every container port a host port, but the default is filled in silently.
        used = {port["hostPort"] for port in container.get("ports") or [] if port.get("hostPort")}
        if used:
            names.append(container["name"])
            ports |= used
    if not names:
        return ""
    shown = ", ".join(str(port) for port in sorted(ports))
    uses = "use" if len(names) > 1 else "uses"
    return f"hostPort ({_named('container', names)} {uses} hostPort{'s' if len(ports) > 1 else ''} {shown})"


def _privileged(spec: Obj) -> str:
    names = _offenders(spec, lambda container: bool(_context(container).get("privileged")))
    return f"privileged ({_named('container', names)} must not set securityContext.privileged=true)" if names else ""


def _escalation(spec: Obj) -> str:
    names = _offenders(spec, lambda container: _context(container).get("allowPrivilegeEscalation") is not False)
    must = "must set securityContext.allowPrivilegeEscalation=false"
    return f"allowPrivilegeEscalation != false ({_named('container', names)} {must})" if names else ""


def _restricted_capabilities(spec: Obj) -> str:
    keeps = _offenders(spec, lambda container: "ALL" not in ((_context(container).get("capabilities") or {}).get("drop") or []))
    parts = [f'{_named("container", keeps)} must set securityContext.capabilities.drop=["ALL"]'] if keeps else []
    added = _added(spec, _RESTRICTED_CAPABILITIES)
    parts += [added] if added else []
    return f"unrestricted capabilities ({'; '.join(parts)})" if parts else ""


def _volume_types(spec: Obj) -> str:
    names: list[str] = []
    types: set[str] = set()
    for volume in spec.get("volumes") or []:
        kinds = set(volume) - {"name"} - _OPEN_VOLUMES
        if kinds:
            names.append(volume["name"])
            types |= kinds
    if not names:
        return ""
    uses = "use" if len(names) > 1 else "uses"
    word = "types" if len(types) > 1 else "type"
    return f"restricted volume types ({_named('volume', names)} {uses} restricted volume {word} {_quoted(sorted(types))})"


def _non_root(spec: Obj) -> str:
    pod = _context(spec).get("runAsNonRoot")
    must = "securityContext.runAsNonRoot=true)"
    explicit = _offenders(spec, lambda container: _context(container).get("runAsNonRoot") is False)
    if pod is False:
        return f"runAsNonRoot != true (pod must not set {must.replace('true', 'false')}"
    if explicit:
        return f"runAsNonRoot != true ({_named('container', explicit)} must not set {must.replace('true', 'false')}"
    if pod:
        return ""
    unset = _offenders(spec, lambda container: _context(container).get("runAsNonRoot") is None)
    return f"runAsNonRoot != true (pod or {_named('container', unset)} must set {must}" if unset else ""


def _root_user(spec: Obj) -> str:
    parts = ["pod"] if _context(spec).get("runAsUser") == 0 else []
    names = _offenders(spec, lambda container: _context(container).get("runAsUser") == 0)
    parts += [_named("container", names)] if names else []
    return f"runAsUser=0 ({' and '.join(parts)} must not set runAsUser=0)" if parts else ""


def _seccomp(spec: Obj) -> str:
    def kind(holder: Obj) -> str | None:
        found: str | None = (_context(holder).get("seccompProfile") or {}).get("type")
        return found

    wrong = _offenders(spec, lambda container: kind(container) not in (None, *_SECCOMP))
    if wrong:
        return f'seccompProfile ({_named("container", wrong)} must not set securityContext.seccompProfile.type to "Unconfined")'
    if kind(spec) in _SECCOMP:
        return ""
    unset = _offenders(spec, lambda container: kind(container) is None)
    must = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return f"seccompProfile (pod or {_named('container', unset)} {must})" if unset else ""


# In the order of a real server: by the name of the check, the baseline ones that restricted does not replace first.
_BASELINE = (_baseline_capabilities, _host_namespaces, _host_paths, _host_ports, _privileged)
_RESTRICTED = (
    *(_host_namespaces, _host_ports, _privileged, _escalation, _restricted_capabilities, _volume_types),
    *(_non_root, _root_user, _seccomp),
)
