"""Signing in and out, and who one is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from podshell import __version__
from podshell.gateway.answers import answer, described, read_body
from podshell.gateway.callers import AnyCaller, ChangingCaller
from podshell.gateway.models import GatewayInfo, Me, SignedIn, SigninBody, User
from podshell.gateway.services import services

router = APIRouter(tags=["sign-in"])


@router.post("/api/signin", **described("signIn", "Exchange the secret of a sign-in link", request=SigninBody, response=SignedIn))
async def sign_in(request: Request) -> Response:
    """Exchange a one-time secret for a cookie and a page token."""
    here = services(request)
    body = await read_body(request, SigninBody, here.settings.body_bytes)
    secret, caller = await here.credentials.redeem_signin(body.secret)
    response = answer(SignedIn(User(caller.name, caller.role), caller.page_token))
    response.set_cookie(
        here.cookie_name, secret, path="/", httponly=True, samesite="strict", secure=here.settings.secure_cookie, max_age=30 * 86_400
    )
    return response


@router.post("/api/signout", **described("signOut", "Sign out this browser", status=204))
async def sign_out(request: Request, caller: ChangingCaller) -> Response:
    """Forget the browser session; its cookie is worth nothing from now on."""
    here = services(request)
    await here.credentials.sign_out(caller)
    response = Response(status_code=204)
    response.delete_cookie(here.cookie_name, path="/", httponly=True, samesite="strict", secure=here.settings.secure_cookie)
    return response


@router.get("/api/me", **described("getMe", "Who is signed in, and to what", response=Me))
async def get_me(request: Request, caller: AnyCaller) -> Response:
    """Say who the caller is; a page gets its token here after a reload."""
    here = services(request)
    info = GatewayInfo(__version__, here.replica, here.cookie_name, here.started_at)
    return answer(Me(User(caller.name, caller.role), caller.page_token, info, here.settings.idle_timeout_seconds))
