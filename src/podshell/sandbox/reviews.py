"""SelfSubjectReview, SelfSubjectAccessReview and SelfSubjectRulesReview: created, answered, never stored.

Answers and refusals are those of transcripts/auth/.
"""

from __future__ import annotations

from aiohttp import web

from podshell.sandbox import statuses
from podshell.sandbox.bodies import read_object
from podshell.sandbox.paths import RequestInfo
from podshell.sandbox.rbac import Attributes, Authority, Rule, User
from podshell.sandbox.representation import json_response
from podshell.sandbox.statuses import Cause
from podshell.sandbox.store import Obj, timestamp

_AUTHENTICATION = "authentication.k8s.io"
_AUTHORIZATION = "authorization.k8s.io"
REVIEWS = {
    (_AUTHENTICATION, "selfsubjectreviews"): "SelfSubjectReview",
    (_AUTHORIZATION, "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    (_AUTHORIZATION, "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
}


def is_review(info: RequestInfo) -> bool:
    """Say whether the path names a review."""
    return (info.group, info.resource) in REVIEWS and info.version == "v1"


async def answer(request: web.Request, authority: Authority, user: User, info: RequestInfo) -> web.Response:
    """Answer one review.

    Raises: StatusError 400, 405, 415, 422.
    """
    if info.verb != "create" or info.name or info.subresource:
        raise statuses.method_not_allowed()
    kind = REVIEWS[info.group, info.resource]
    body = await read_object(request, kind)
    review: Obj = {"kind": kind, "apiVersion": f"{info.group}/v1", "metadata": {}}
    match kind:
        case "SelfSubjectReview":
            review["metadata"] = {"creationTimestamp": timestamp()}
            review["status"] = {"userInfo": _user_info(user)}
        case "SelfSubjectAccessReview":
            review["spec"], attributes = _asked(body.get("spec") or {})
            decision = authority.decide(user, attributes)
            review["status"] = {"allowed": decision.allowed}
            if decision.reason:
                review["status"]["reason"] = decision.reason
        case _:
            namespace = (body.get("spec") or {}).get("namespace")
            if not namespace:
                raise statuses.bad_request("no namespace on request")
            review["spec"] = {}
            review["status"] = _rules(authority.rules_for(user, namespace))
    return json_response(review, status=201)


def _user_info(user: User) -> Obj:
    info: Obj = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra.items()}
    return info


def _asked(spec: Obj) -> tuple[Obj, Attributes]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        shown = f'{{"Path":"{path.get("path", "")}","Verb":"{path.get("verb", "")}"}}'
        raise _refused(
            "spec.nonResourceAttributes",
            f"Invalid value: {shown}: cannot be specified in combination with resourceAttributes",
        )
    if resource is not None:
        order = ("namespace", "verb", "group", "version", "resource", "subresource", "name")
        asked = {key: resource[key] for key in order if resource.get(key)}
        attributes = Attributes(
            asked.get("verb", ""),
            asked.get("group", ""),
            asked.get("resource", ""),
            asked.get("subresource", ""),
            asked.get("namespace", ""),
            asked.get("name", ""),
        )
        return {"resourceAttributes": asked}, attributes
    if path is not None:
        asked = {key: path[key] for key in ("path", "verb") if path.get(key)}
        return {"nonResourceAttributes": asked}, Attributes(asked.get("verb", ""), path=asked.get("path", ""))
    raise _refused(
        "spec.resourceAttributes",
        "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
    )


def _refused(field: str, message: str) -> statuses.StatusError:
    """Build the 422; the kind is missing from it in a real server too (transcripts/auth/selfsubjectaccessreview)."""
    error = statuses.invalid("", "", [Cause("FieldValueInvalid", message, field)], _AUTHORIZATION)
    assert error.details is not None  # invalid() always fills it
    del error.details["kind"]
    return error


def _rules(rules: list[Rule]) -> Obj:
    resource_rules: list[Obj] = []
    non_resource_rules: list[Obj] = []
    for rule in rules:
        if rule.non_resource_urls:
            non_resource_rules.append({"verbs": list(rule.verbs), "nonResourceURLs": list(rule.non_resource_urls)})
            continue
        shown: Obj = {"verbs": list(rule.verbs), "apiGroups": list(rule.api_groups), "resources": list(rule.resources)}
        if rule.resource_names:
            shown["resourceNames"] = list(rule.resource_names)
        resource_rules.append(shown)
    return {"resourceRules": resource_rules, "nonResourceRules": non_resource_rules, "incomplete": False}
