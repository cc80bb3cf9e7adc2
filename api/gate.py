"""Who may ask at all: by the name it is asked under, and by the page that asks.

A browser carries out what any page tells it to, with everything its user may do. So a name that is none of ours is
answered 421 (a page whose name was bound to our address, "DNS rebinding"), and what another site's page asks 403.
Programs send none of the headers this looks at but Host.
"""

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import problem
from contract.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
EVERYWHERE = ("0.0.0.0", "::", "")  # addresses that are bound, and nobody's name

_SAFE = ("GET", "HEAD")
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded", "text/plain")  # what a form can send anywhere
_OWN_HEADERS = ("x-requested-with", "authorization", "x-api-key")  # what a form cannot


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The names it answers to, in small letters: the loopback ones, the bound address, and those of the settings."""
    bound = settings.host.strip("[]")
    named = [name.strip().lower() for name in settings.hosts.split(",")]
    own = [] if bound in EVERYWHERE else [f"[{bound}]" if ":" in bound else bound]
    return frozenset(name for name in (*LOOPBACK, *own, *named) if name)


class Gate:
    """Lets in what comes from a program or from our own pages. ASGI middleware."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(scope)):
            status, told = refusal
            await problem(scope, status, told)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Why a request stays out: status and words."""
        headers = Headers(scope=scope)
        host = ",".join(headers.getlist("host")).lower()  # two are no name
        if _name(host) not in self._hosts:
            return 421, "Darkroom does not go by this name; whoever runs it can add the name to DARKROOM_HOSTS."
        if not scope["path"].isprintable():  # a route's pattern passes over a line break at the end, the door's do not
            return 404, "There is nothing at this address: none has such characters in it; /docs lists what there is."
        for origin in headers.getlist("origin"):
            if not _is_own(origin, host, scope["scheme"]):
                return 403, "A page of another site may not ask this; open Darkroom's own page, or use a program."
        if scope["method"] in _SAFE:
            return None
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return 403, "A page of another site may not change anything here; open Darkroom's own page."
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type in _FORMS and not any(name in headers for name in ("origin", "sec-fetch-site", *_OWN_HEADERS)):
            return 403, "A form needs the header X-Requested-With, of any value, to show that no other page sent it."
        return None


def _name(host: str) -> str:
    """A Host header without its port; "" when it is none. An IPv6 address keeps its brackets."""
    name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not colon:
        return host
    return name if port.isascii() and port.isdigit() else ""


def _is_own(origin: str, host: str, scheme: str) -> bool:
    """Whether an Origin is that of the page under this Host. Behind a proxy that ends TLS, https is ours too."""
    schemes = ("https",) if scheme == "https" else ("http", "https")
    return origin.lower() in [f"{ours}://{host}" for ours in schemes]
