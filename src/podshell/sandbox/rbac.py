"""Who may do what in a sandbox cluster: bearer-token users, roles bound to subjects, and the reasons RBAC gives.

Owns the users and bindings of one cluster (``Authority``).  The rules are those of Kubernetes RBAC: purely additive,
``*`` matches all, ``pods/*`` is not a pattern but ``*/exec`` is.  The sentences are those of transcripts/rbac/ and
transcripts/auth/.  Impersonation stands in ``impersonation.py``, the review endpoints in ``reviews.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from podshell.sandbox import statuses
from podshell.sandbox.statuses import StatusError

_SERVICE_ACCOUNT = "system:serviceaccount:"
MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
SERVICE_ACCOUNTS = "system:serviceaccounts"


@dataclass(frozen=True)
class User:
    """Who a request comes from, after authentication and impersonation."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """One RBAC rule; resource rules and non-resource rules are told apart by ``non_resource_urls``."""

    verbs: tuple[str, ...]
    api_groups: tuple[str, ...] = ("",)
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()

    def covers(self, attributes: Attributes) -> bool:
        """Say whether the rule allows this."""
        if "*" not in self.verbs and attributes.verb not in self.verbs:
            return False
        if attributes.path:
            return any(_url_matches(pattern, attributes.path) for pattern in self.non_resource_urls)
        if not {"*", attributes.group} & set(self.api_groups):
            return False
        wanted = {"*", attributes.qualified_resource}
        if attributes.subresource:
            wanted.add(f"*/{attributes.subresource}")
        if not wanted & set(self.resources):
            return False
        return not self.resource_names or attributes.name in self.resource_names


@dataclass(frozen=True)
class Attributes:
    """What is asked for: a resource, or with ``path`` a non-resource URL."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def qualified_resource(self) -> str:
        """``pods/exec``."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True)
class Binding:
    """Rules given to one subject; ``namespace`` None is a ClusterRoleBinding."""

    name: str
    subject_kind: str  # User, Group or ServiceAccount
    subject: str  # for a ServiceAccount namespace/name
    rules: tuple[Rule, ...]
    namespace: str | None = None
    role: str = ""
    role_kind: str = ""

    def matches(self, user: User) -> bool:
        """Say whether the user is the subject."""
        match self.subject_kind:
            case "Group":
                return self.subject in user.groups
            case "ServiceAccount":
                namespace, _, name = self.subject.partition("/")
                return user.name == f"{_SERVICE_ACCOUNT}{namespace}:{name}"
            case _:
                return user.name == self.subject

    def reason(self) -> str:
        """Say why something is allowed, as the RBAC authorizer does (transcripts/auth/selfsubjectaccessreview)."""
        kind = "ClusterRoleBinding" if self.namespace is None else "RoleBinding"
        role_kind = self.role_kind or ("ClusterRole" if self.namespace is None else "Role")
        name = self.name if self.namespace is None else f"{self.name}/{self.namespace}"
        subject = self.subject
        if self.subject_kind == "ServiceAccount":  # recorded: name first, then namespace
            namespace, _, account = subject.partition("/")
            subject = f"{account}/{namespace}"
        return f'RBAC: allowed by {kind} "{name}" of {role_kind} "{self.role or self.name}" to {self.subject_kind} "{subject}"'


@dataclass(frozen=True)
class Decision:
    """An answer of the authority; ``reason`` is empty for members of system:masters and for refusals."""

    allowed: bool
    reason: str = ""


def service_account_groups(name: str) -> tuple[str, ...]:
    """Give the groups that the server adds to a service account; none for other names."""
    if not name.startswith(_SERVICE_ACCOUNT):
        return ()
    namespace = name[len(_SERVICE_ACCOUNT) :].partition(":")[0]
    return (SERVICE_ACCOUNTS, f"system:serviceaccounts:{namespace}")


class Authority:
    """The users and the rights of one cluster.

    ``create_for_streams`` asks for ``create`` beside ``get`` on exec, attach and portforward (on from 1.35; off is
    how older servers behave, kubernetes.md 1.5).
    """

    def __init__(self, *, create_for_streams: bool = True) -> None:
        self.create_for_streams = create_for_streams
        self._users: dict[str, User] = {}
        self._bindings: list[Binding] = []

    def add_user(
        self,
        name: str,
        token: str,
        *,
        groups: Iterable[str] = (),
        uid: str = "",
        extra: Mapping[str, tuple[str, ...]] | None = None,
    ) -> User:
        """Let a bearer token stand for a user; groups of service accounts and system:authenticated are added."""
        every = (*groups, *service_account_groups(name), AUTHENTICATED)
        user = User(name, tuple(dict.fromkeys(every)), uid, extra or {})
        self._users[token] = user
        return user

    def remove_token(self, token: str) -> None:
        """Make a token invalid from now on."""
        self._users.pop(token, None)

    def bind(self, binding: Binding) -> None:
        """Add rights."""
        self._bindings.append(binding)

    def unbind(self, name: str, namespace: str | None = None) -> None:
        """Take back the rights of all bindings of this name, or of the one in ``namespace``."""
        self._bindings = [b for b in self._bindings if b.name != name or namespace not in (None, b.namespace)]

    def authenticate(self, authorization: str | None) -> User | None:
        """Find the user of an Authorization header; None is 401 (anonymous requests are off)."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return self._users.get(token.strip())

    def decide(self, user: User, attributes: Attributes) -> Decision:
        """Decide on one request."""
        if MASTERS in user.groups:
            return Decision(True)
        for binding in self._bindings_of(user, attributes.namespace):
            if any(rule.covers(attributes) for rule in binding.rules):
                return Decision(True, binding.reason())
        if AUTHENTICATED in user.groups and any(rule.covers(attributes) for rule in BASIC_RULES):
            return Decision(True, _basic_reason(attributes))
        return Decision(False)

    def rules_for(self, user: User, namespace: str) -> list[Rule]:
        """List every rule that holds for the user in a namespace, basic ones included."""
        rules = [*MASTER_RULES] if MASTERS in user.groups else []
        if AUTHENTICATED in user.groups:
            rules += BASIC_RULES
        if SERVICE_ACCOUNTS in user.groups:
            rules.append(ISSUER_RULE)
        for binding in self._bindings_of(user, namespace):
            rules += binding.rules
        return rules

    def may_impersonate_somebody(self, user: User) -> bool:
        """Say whether the user has any impersonate rule at all; it decides the text of a refusal."""
        return any("impersonate" in rule.verbs for b in self._bindings if b.matches(user) for rule in b.rules)

    def _bindings_of(self, user: User, namespace: str) -> list[Binding]:
        return [b for b in self._bindings if b.namespace in (None, namespace or None) and b.matches(user)]


def refusal(user: User, attributes: Attributes) -> StatusError:
    """Build the 403 of a refused request, word for word (transcripts/rbac/exec-none.v5, transcripts/auth/)."""
    if attributes.path:
        text = f'User "{user.name}" cannot {attributes.verb} path "{attributes.path}"'
        return StatusError(403, "Forbidden", f"forbidden: {text}", {})
    where = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
    why = (
        f'User "{user.name}" cannot {attributes.verb} resource "{attributes.qualified_resource}" in API group "{attributes.group}" {where}'
    )
    return statuses.forbidden(attributes.resource, attributes.name, why, attributes.group)


def _url_matches(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def _basic_reason(attributes: Attributes) -> str:
    role = "system:discovery" if attributes.path else "system:basic-user"
    return f'RBAC: allowed by ClusterRoleBinding "{role}" of ClusterRole "{role}" to Group "{AUTHENTICATED}"'


MASTER_RULES = (Rule(("*",), ("*",), ("*",)), Rule(("*",), (), non_resource_urls=("*",)))
# What every authenticated user has (transcripts/auth/selfsubjectrulesreview, case "none").
BASIC_RULES = (
    Rule(("create",), ("authorization.k8s.io",), ("selfsubjectaccessreviews", "selfsubjectrulesreviews")),
    Rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),
    Rule(
        ("get",),
        (),
        non_resource_urls=(
            *("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez"),
            *("/openapi", "/openapi/*", "/readyz", "/version", "/version/"),
        ),
    ),
    Rule(("get",), (), non_resource_urls=("/healthz", "/livez", "/readyz", "/version", "/version/")),
    Rule(("get",), (), non_resource_urls=("/.well-known", "/.well-known/*")),
)
# What service accounts have beside (the same transcript); the paths themselves are not served.
ISSUER_RULE = Rule(
    ("get",),
    (),
    non_resource_urls=(
        *("/.well-known/openid-configuration", "/.well-known/openid-configuration/"),
        *("/openid/v1/jwks", "/openid/v1/jwks/"),
    ),
)
