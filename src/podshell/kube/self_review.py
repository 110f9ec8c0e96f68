"""Who the API server takes us for: SelfSubjectReview, which every signed-in user may create (1.28 and newer).

The name of a kubeconfig's entry says nothing of that: all who were given the same file have the same one, and a token or an impersonation
on the command line is somebody else under it.
"""

from __future__ import annotations

from podshell.kube.errors import KubeError
from podshell.kube.objects import KubeObject
from podshell.kube.rest import Client

_PATH = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class _UserInfo(KubeObject, frozen=True):
    username: str = ""


class _Status(KubeObject, frozen=True):
    user_info: _UserInfo = _UserInfo()


class _Review(KubeObject, frozen=True, omit_defaults=False):
    kind: str = "SelfSubjectReview"
    api_version: str = "authentication.k8s.io/v1"


class _Reviewed(KubeObject, frozen=True):
    status: _Status = _Status()


async def own_name(client: Client) -> str:
    """Return the name under which the API server knows us; empty where it does not say."""
    try:
        return (await client.create(_PATH, _Review(), _Reviewed)).status.user_info.username
    except KubeError:
        return ""  # an older server: whoever asks must take nobody for the same
