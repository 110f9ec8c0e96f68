"""The verbs on stored objects: get, list, watch, create, update and patch; deleting stands in ``deletion.py``.

Every write goes: decode, default, validate, admit, store.  Subresources that the API server answers itself (status,
scale, ephemeralcontainers, binding, eviction) are dispatched here too; what each may change stands in
``subresources.py``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import msgspec
from aiohttp import web

from podshell.sandbox import defaults, patches, podsecurity, statuses, subresources, tables, validation
from podshell.sandbox.admission import Admission
from podshell.sandbox.bodies import read_bytes, read_object
from podshell.sandbox.deletion import Deletion
from podshell.sandbox.listing import parse_options, take_page
from podshell.sandbox.paths import RequestInfo
from podshell.sandbox.representation import Form, json_response, negotiate, partial_object, untyped
from podshell.sandbox.resources import JOB, NAMESPACE, POD, Resource
from podshell.sandbox.store import Obj, ObjectStore, copied, random_suffix, timestamp
from podshell.sandbox.watch import Connections, stream_watch

_SERVER_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "selfLink", "generation")


class ObjectEndpoints:
    """The verbs, over one store."""

    def __init__(
        self, store: ObjectStore, connections: Connections, *, version_wait_seconds: float, server_version: tuple[int, int] = (1, 36)
    ) -> None:
        self._store = store
        self._server_version = server_version
        self._deletion = Deletion(store)
        self.admission = Admission(store)
        self._connections = connections
        self._version_wait_seconds = version_wait_seconds

    async def answer(self, request: web.Request, resource: Resource, info: RequestInfo) -> web.StreamResponse:
        """Answer a request on a resource itself.

        Raises: StatusError.
        """
        form = negotiate(request.headers.get("Accept"))
        namespace = _namespace(resource, info)
        match info.verb:
            case "get":
                return self._single(request, resource, self._existing(resource, namespace, info.name), form)
            case "list" | "watch":
                return await self._list_or_watch(request, resource, namespace, info, form)
            case "create" if not info.name:
                return await self._create(request, resource, namespace, form)
            case "update" if info.name:
                return await self._update(request, resource, namespace, info, form)
            case "patch" if info.name:
                return await self._patch(request, resource, namespace, info, form)
            case "delete":
                return await self._deletion.delete(request, resource, namespace, info.name)
            case "deletecollection":
                return await self._deletion.delete_collection(request, resource, namespace)
            case _:
                raise statuses.method_not_allowed()

    async def answer_subresource(self, request: web.Request, resource: Resource, info: RequestInfo) -> web.StreamResponse:
        """Answer a request on status, scale, ephemeralcontainers, binding or eviction.

        Raises: StatusError; 404 for what discovery names but the sandbox has not built (proxy, resize, token).
        """
        namespace = _namespace(resource, info)
        if info.subresource not in resource.subresources:
            raise statuses.unknown_resource()
        match info.subresource, info.verb:
            case "scale", _:
                old = self._existing(resource, namespace, info.name)
                return await subresources.answer_scale(request, self._store, resource, old, info.verb)
            case "binding", "create":
                self._existing(resource, namespace, info.name)
                return await subresources.answer_binding(request, self._store, namespace, info.name)
            case "eviction", "create":
                return self._deletion.delete_pod(namespace, info.name, None)
            case "status" | "ephemeralcontainers" | "finalize", "get" | "update" | "patch":
                form = negotiate(request.headers.get("Accept"))
            case "status" | "ephemeralcontainers" | "finalize" | "binding" | "eviction", _:
                raise statuses.method_not_allowed()
            case _:
                raise statuses.unknown_resource()
        if info.verb == "get":
            return self._single(request, resource, self._existing(resource, namespace, info.name), form)
        if info.verb == "update":
            return await self._update(request, resource, namespace, info, form)
        return await self._patch(request, resource, namespace, info, form)

    def _existing(self, resource: Resource, namespace: str | None, name: str) -> Obj:
        obj = self._store.get(resource, namespace, name)
        if obj is None:
            raise statuses.not_found(resource.plural, name, resource.group)
        return obj

    def _single(self, request: web.Request, resource: Resource, obj: Obj, form: Form, *, status: int = 200) -> web.Response:
        if form.kind == "table":
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            include = request.query.get("includeObject", "Metadata")
            return json_response(tables.build_table(resource, [obj], metadata, include=include), status=status)
        return json_response(partial_object(obj) if form.kind == "partial" else obj, status=status)

    async def _list_or_watch(
        self, request: web.Request, resource: Resource, namespace: str | None, info: RequestInfo, form: Form
    ) -> web.StreamResponse:
        query = dict(request.query)
        if info.watch_path and info.name:
            query["fieldSelector"] = f"metadata.name={info.name}"
        options = parse_options(resource, query, watch=info.verb == "watch")
        if info.verb == "watch":
            return await stream_watch(request, self._connections, self._store, resource, namespace, options, form)
        page = await take_page(self._store, resource, namespace, options, wait_seconds=self._version_wait_seconds)
        if form.kind == "table":
            include = request.query.get("includeObject", "Metadata")
            return json_response(tables.build_table(resource, page.items, page.metadata, include=include))
        body: Obj = {"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": page.metadata}
        if form.kind == "partial":
            body |= {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            body["items"] = [partial_object(obj) for obj in page.items]
        else:
            body["items"] = [untyped(obj) for obj in page.items]
        return json_response(body)

    async def _create(self, request: web.Request, resource: Resource, namespace: str | None, form: Form) -> web.Response:
        if resource.namespaced and namespace is None:
            raise statuses.method_not_allowed()
        obj = await read_object(request, resource.kind)
        metadata = obj.setdefault("metadata", {})
        _take_namespace(metadata, namespace)
        if namespace is not None:
            self._check_namespace(resource, namespace, metadata.get("name", ""))
        for field in _SERVER_FIELDS:
            metadata.pop(field, None)
        metadata["creationTimestamp"] = timestamp()
        if "status" in resource.subresources:
            obj.pop("status", None)
        if metadata.get("generateName") and not metadata.get("name"):
            metadata["name"] = metadata["generateName"] + random_suffix()  # before admission, which names it (transcripts/node/quota-job)
        if self._server_version < (1, 30):
            defaults.drop_newer(obj)
        defaults.fill(resource, obj)
        validation.check_create(resource, obj)
        warnings = self._admit(resource, obj)
        self.admission.admit(resource, "", obj, create=True)
        if _is_dry(request):
            metadata.setdefault("resourceVersion", "")
            return _warned(self._single(request, resource, obj, form, status=201), warnings)
        if resource is JOB:  # its selector and labels hold its uid
            metadata["uid"] = str(uuid.uuid4())
            defaults.label_job(obj)
        created = self._store.create(resource, obj)
        return _warned(self._single(request, resource, created, form, status=201), warnings)

    def _admit(self, resource: Resource, obj: Obj) -> list[str]:
        """Apply Pod Security; gives the warnings for the Warning header.

        Raises: StatusError 403.
        """
        namespace = self._store.get(NAMESPACE, None, obj["metadata"].get("namespace", ""))
        return podsecurity.admit(resource, obj, (namespace or {}).get("metadata", {}).get("labels") or {})

    def _check_namespace(self, resource: Resource, namespace: str, name: str) -> None:
        found = self._store.get(NAMESPACE, None, namespace)
        if found is None:
            raise statuses.not_found("namespaces", namespace)
        if found["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise statuses.forbidden(resource.plural, name, why, resource.group)

    async def _update(self, request: web.Request, resource: Resource, namespace: str | None, info: RequestInfo, form: Form) -> web.Response:
        obj = await read_object(request, resource.kind)
        metadata = obj.setdefault("metadata", {})
        if metadata.get("name") != info.name:
            given = metadata.get("name", "")
            raise statuses.bad_request(f"the name of the object ({given}) does not match the name on the URL ({info.name})")
        _take_namespace(metadata, namespace)
        return self._write(request, resource, namespace, info, lambda _: obj, form)

    async def _patch(self, request: web.Request, resource: Resource, namespace: str | None, info: RequestInfo, form: Form) -> web.Response:
        media = request.content_type
        if media not in patches.OFFERED:  # server-side apply among them
            raise statuses.unsupported_patch()
        try:
            patch = msgspec.json.decode(await read_bytes(request))
        except msgspec.DecodeError as error:
            raise statuses.bad_request(f"error decoding patch: {error}") from error
        return self._write(request, resource, namespace, info, lambda old: patches.apply_patch(media, old, patch), form)

    def _write(
        self,
        request: web.Request,
        resource: Resource,
        namespace: str | None,
        info: RequestInfo,
        change: Callable[[Obj], Obj],
        form: Form,
    ) -> web.Response:
        old = self._existing(resource, namespace, info.name)
        changed = copied(change(old))
        asked = changed.get("metadata", {}).get("resourceVersion")
        if asked and asked != old["metadata"]["resourceVersion"]:
            raise statuses.conflict(resource.plural, info.name, resource.group)
        new = subresources.restrict(resource, info.subresource, old, changed)
        validation.check_update(resource, info.subresource, old, new)
        warnings: list[str] = []
        if resource is not POD or info.subresource == "ephemeralcontainers":
            warnings = self._admit(resource, new)
        self.admission.admit(resource, info.subresource, new, create=False)
        if _is_dry(request):
            return self._single(request, resource, new, form)

        def replace(obj: Obj) -> None:
            obj.clear()
            obj.update(new)

        written = self._store.modify(resource, namespace, info.name, replace)
        if resource is not POD and written["metadata"].get("deletionTimestamp"):
            self._deletion.finish(resource, written)
        return _warned(self._single(request, resource, written, form), warnings)


def _namespace(resource: Resource, info: RequestInfo) -> str | None:
    """Give the namespace of the path; None lists all of them.

    Raises: StatusError 404 when scope and path do not fit.
    """
    if not resource.namespaced:
        if info.namespace and resource is not NAMESPACE:
            raise statuses.unknown_resource()
        return None
    if not info.namespace and info.verb in ("get", "update", "patch", "delete"):
        raise statuses.unknown_resource()
    return info.namespace or None


def _take_namespace(metadata: Obj, namespace: str | None) -> None:
    if namespace is None:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", namespace) != namespace:
        raise statuses.bad_request("the namespace of the provided object does not match the namespace sent on the request")


def _is_dry(request: web.Request) -> bool:
    return request.query.get("dryRun") == "All"


def _warned(response: web.Response, warnings: list[str]) -> web.Response:
    for warning in warnings:
        quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')
    return response
