"""Signing in with a key, and out: what turns a key into a browser's session."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.access import SESSION_COOKIE, address_of, cookies_for
from api.deps import ServicesDep
from api.problems import problem
from contract.access import SESSION_SECONDS
from web.languages import VARY
from web.pages import CSP, look_of, sign_in_page

router = APIRouter(include_in_schema=False)

_WRONG = "That is no key of this Darkroom. Keys begin with darkroom_; whoever runs it can make you one."
_SLOWER = "Too many wrong keys; wait a little."


@router.get("/sign-in")
async def show(request: Request) -> HTMLResponse:
    """Show the page."""
    return _page(request, "", 200)


@router.post("/sign-in")
async def sign_in(request: Request, services: ServicesDep, key: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Begin a session. A form gets a page, a script (`Accept: application/json`) a problem or 204."""
    token = await run_in_threadpool(services.keys.sign_in, key.strip())
    script = "application/json" in request.headers.get("accept", "")
    if token is None:
        wait = await services.limits.hit("failure", address_of(request), services.settings.rate_failures)
        status, told = (429, _SLOWER) if wait else (401, _WRONG)
        headers = {"Retry-After": str(wait)} if wait else {}
        if script:
            return problem(request.scope, status, told, headers=headers)
        return _page(request, told, status, headers)
    answer: Response = Response(status_code=204) if script else RedirectResponse("/", 303)
    cookies_for(answer, token, secure=request.scope["scheme"] == "https", seconds=SESSION_SECONDS)
    return answer


@router.post("/sign-out", status_code=204)
def sign_out(request: Request, services: ServicesDep) -> Response:
    """End the session. SameSite=Strict keeps other sites from doing it."""
    if token := request.cookies.get(SESSION_COOKIE):
        services.keys.sign_out(token)
    answer = Response(status_code=204)
    cookies_for(answer, None, secure=request.scope["scheme"] == "https", seconds=0)
    return answer


def _page(request: Request, told: str, status: int, headers: dict[str, str] | None = None) -> HTMLResponse:
    # With `no-referrer` a browser would send the form with `Origin: null`, which api/gate.py takes for another site's.
    policy = {
        "Content-Security-Policy": CSP,
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Vary": VARY,
    }
    return HTMLResponse(sign_in_page(told, look_of(request)), status, {**policy, **(headers or {})})
