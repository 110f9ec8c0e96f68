"""What the server says about itself: /api, /apis (plain and aggregated), /version, health, /openapi/v3.

Pure functions of the resource list and the version.  Forms are those of transcripts/discovery/.
"""

from __future__ import annotations

import hashlib

from aiohttp import web

from podshell.sandbox import openapi, statuses
from podshell.sandbox.representation import encode, json_response
from podshell.sandbox.resources import ALL, REVIEW_GROUPS, Resource
from podshell.sandbox.reviews import REVIEWS
from podshell.sandbox.store import Obj

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_PROXY_VERBS = ("create", "delete", "get", "patch", "update")
_STATUS_VERBS = ("get", "patch", "update")
# subresource: (group, version, kind, verbs); "" as kind is the kind of the resource itself
_SUBRESOURCES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "attach": ("", "", "PodAttachOptions", ("create", "get")),
    "binding": ("", "", "Binding", ("create",)),
    "ephemeralcontainers": ("", "", "", _STATUS_VERBS),
    "eviction": ("policy", "v1", "Eviction", ("create",)),
    "exec": ("", "", "PodExecOptions", ("create", "get")),
    "finalize": ("", "", "", ("update",)),
    "log": ("", "", "", ("get",)),
    "portforward": ("", "", "PodPortForwardOptions", ("create", "get")),
    "proxy": ("", "", "", _PROXY_VERBS),
    "resize": ("", "", "", _STATUS_VERBS),
    "scale": ("autoscaling", "v1", "Scale", _STATUS_VERBS),
    "status": ("", "", "", _STATUS_VERBS),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ("create",)),
}
# Order of a real server (transcripts/discovery/apis), of the groups that are here.
_GROUP_ORDER = (
    *("apps", "authentication.k8s.io", "authorization.k8s.io", "batch", "coordination.k8s.io"),
    *("discovery.k8s.io", "resource.k8s.io"),
)


def serves_group(group: str, version: str) -> bool:
    """Say whether anything is served below /apis/group/version (or /api/version)."""
    return version == "v1" and (group == "" or group in _GROUP_ORDER)


def page_not_found() -> web.Response:
    """404 of a path nobody knows: plain text (transcripts/watch/selector-and-request-errors, GET /nope)."""
    return _text("404 page not found\n", 404)


def answer(request: web.Request, server_version: tuple[int, int]) -> web.Response:
    """Answer a path that is no resource.

    Raises: StatusError 405.
    """
    parts = [part for part in request.path.split("/") if part]
    if request.method not in ("GET", "HEAD"):
        raise statuses.method_not_allowed()
    aggregated = "as=APIGroupDiscoveryList" in request.headers.get("Accept", "")
    match parts:
        case []:
            return json_response({"paths": _paths()})
        case ["version"]:
            return json_response(version_info(server_version))
        case ["healthz" | "livez" | "readyz" as check]:
            verbose = "verbose" in request.query
            return _text(f"[+]ping ok\n[+]log ok\n{check} check passed\n" if verbose else "ok")
        case ["openapi", "v3"]:
            return json_response(openapi.index())
        case ["openapi", "v3", *rest]:
            document = openapi.document(rest)
            return page_not_found() if document is None else json_response(document)
        case ["api"]:
            return _aggregated([_group_discovery("")]) if aggregated else _api_versions(request)
        case ["apis"]:
            if aggregated:
                return _aggregated([_group_discovery(group) for group in _GROUP_ORDER])
            groups = [_group(group) for group in _GROUP_ORDER]
            return json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        case ["apis", group] if group in _GROUP_ORDER:
            return json_response({"kind": "APIGroup", "apiVersion": "v1", **_group(group)})
        case ["api", "v1"]:
            return _resource_list("")
        case ["apis", group, "v1"] if group in _GROUP_ORDER:
            return _resource_list(group)
        case _:
            return page_not_found()


def version_info(server_version: tuple[int, int]) -> Obj:
    """Build /version (transcripts/discovery/version.json)."""
    major, minor = server_version
    return {
        "major": str(major),
        "minor": str(minor),
        "emulationMajor": str(major),
        "emulationMinor": str(minor),
        "minCompatibilityMajor": str(major),
        "minCompatibilityMinor": str(minor - 1),
        "gitVersion": f"v{major}.{minor}.2",
        "gitCommit": "98b35193b2ac7a23a673325f5e9b830ecd5ba406",
        "gitTreeState": "clean",
        "buildDate": "2026-08-21T00:00:00Z",
        "goVersion": "go1.26.6",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def _text(text: str, status: int = 200) -> web.Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=text.encode(), status=status, headers=headers)


def _api_versions(request: web.Request) -> web.Response:
    cidrs = [{"clientCIDR": "0.0.0.0/0", "serverAddress": request.host}]
    return json_response({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": cidrs})


def _group(group: str) -> Obj:
    version = {"groupVersion": f"{group}/v1", "version": "v1"}
    return {"name": group, "versions": [version], "preferredVersion": version}


def _paths() -> list[str]:
    groups = sorted(_GROUP_ORDER)
    listed = [path for group in groups for path in (f"/apis/{group}", f"/apis/{group}/v1")]
    return ["/api", "/api/v1", "/apis", "/apis/", *listed, "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]


def _of_group(group: str) -> list[Resource]:
    return [resource for resource in ALL if resource.group == group]


def _aggregated(items: list[Obj]) -> web.Response:
    body: Obj = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}
    response = json_response(body, content_type=_AGGREGATED)
    response.headers["Etag"] = f'"{hashlib.sha512(encode(body)).hexdigest().upper()}"'
    response.headers["Vary"] = "Accept"
    return response


def _group_discovery(group: str) -> Obj:
    resources = [_aggregated_resource(resource) for resource in _of_group(group)]
    resources += [_aggregated_review(group, plural, kind) for (of, plural), kind in REVIEWS.items() if of == group]
    version: Obj = {"version": "v1", "resources": resources, "freshness": "Current"}
    return {"metadata": {"name": group} if group else {}, "versions": [version]}


def _aggregated_resource(resource: Resource) -> Obj:
    shown: Obj = {
        "resource": resource.plural,
        "responseKind": {"group": "", "version": "", "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        shown["shortNames"] = list(resource.short_names)
    if resource.categories:
        shown["categories"] = list(resource.categories)
    if resource.subresources:
        shown["subresources"] = [_aggregated_subresource(resource, name) for name in resource.subresources]
    return shown


def _aggregated_subresource(resource: Resource, name: str) -> Obj:
    group, version, kind, verbs = _subresource(resource, name)
    response = {"group": group, "version": version, "kind": kind}
    return {"subresource": name, "responseKind": response, "verbs": list(verbs)}


def _subresource(resource: Resource, name: str) -> tuple[str, str, str, tuple[str, ...]]:
    group, version, kind, verbs = _SUBRESOURCES[name]
    if name == "proxy":
        kind = f"{resource.kind}ProxyOptions"
    return group, version, kind or resource.kind, verbs


def _aggregated_review(group: str, plural: str, kind: str) -> Obj:
    return {
        "resource": plural,
        "responseKind": {"group": "", "version": "", "kind": kind},
        "scope": "Cluster",
        "singularResource": kind.lower(),
        "verbs": ["create"],
    }


def _resource_list(group: str) -> web.Response:
    listed: list[Obj] = []
    for resource in _of_group(group):
        shown: Obj = {
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": list(resource.verbs),
        }
        if resource.short_names:
            shown["shortNames"] = list(resource.short_names)
        if resource.categories:
            shown["categories"] = list(resource.categories)
        listed.append(shown)
        for name in resource.subresources:
            of_group, version, kind, verbs = _subresource(resource, name)
            sub: Obj = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
            if of_group:
                sub |= {"group": of_group, "version": version}
            listed.append({**sub, "kind": kind, "verbs": list(verbs)})
    if group in REVIEW_GROUPS:
        listed += [
            {"name": plural, "singularName": kind.lower(), "namespaced": False, "kind": kind, "verbs": ["create"]}
            for (of, plural), kind in REVIEWS.items()
            if of == group
        ]
    version_name = f"{group}/v1" if group else "v1"
    body: Obj = {"kind": "APIResourceList", "groupVersion": version_name, "resources": listed}
    if group:
        body = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version_name, "resources": listed}
    return json_response(body)
