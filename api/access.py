"""The door: who asks, and whether they may.

A key comes as `Authorization: Bearer`, as `X-API-Key`, or as the password of Basic; a browser has a session instead,
and sends its CSRF token with every write. While there are no keys, whoever is on this machine is `local` and may do
everything. docs/access.md has it for people.
"""

import base64
import binascii
import hmac
import ipaddress
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial

from redis.exceptions import OutOfMemoryError, RedisError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from api.coalesce import Coalesced
from api.limits import Limits
from api.problems import path_of, problem, unavailable
from api.wire import Wire
from contract.access import LOCAL, Credentials, Key, Keys, Scope, csrf_of, is_loopback
from contract.audit import Audit
from contract.phrases import Phrase
from contract.settings import Settings

SESSION_COOKIE, CSRF_COOKIE, CSRF_HEADER = "darkroom_session", "darkroom_csrf", "x-csrf-token"
REVIEW_SECONDS = 5.0  # so long an answer under way outlives its key, at most
LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})

# Open to everybody: the shells of the pages, the description of the API, and what load balancers ask.
_OPEN = re.compile(
    r"/|/library(/[^/]+)?|/queue|/settings|/docs|/openapi\.json|/healthz|/readyz|/sign-in|/sign-out|/static/.+"
)
_ANY_KEY = re.compile(r"/api/v1/me(/library)?")
_ADMIN = re.compile(r"/metrics|/api/v1/(dead-letters|admin)(/.*)?|/api/v1/queue/.+")
_HERE = re.compile(r"/metrics")  # what this machine may see without a key

ALL = frozenset(Scope)


def needed(method: str, path: str) -> frozenset[Scope]:
    """The scopes of which one is needed; none = the address is open. Unknown addresses need what others need."""
    if _OPEN.fullmatch(path):
        return frozenset()
    if _ADMIN.fullmatch(path):
        return frozenset({Scope.ADMIN})
    if _ANY_KEY.fullmatch(path):
        return ALL
    return frozenset({Scope.READ if method in LOOKING else Scope.GENERATE})


@dataclass(frozen=True)
class Who:
    """Who asks. session: it is a browser's."""

    owner: str
    name: str
    scopes: frozenset[Scope]
    session: bool = False

    @property
    def admin(self) -> bool:
        return Scope.ADMIN in self.scopes

    def may(self, needed: frozenset[Scope]) -> bool:
        return self.admin or bool(self.scopes & needed)


class Stay:
    """For answers that take long: whether who was let in may stay. Looked up anew once in `REVIEW_SECONDS`."""

    def __init__(self, look: Callable[[], Awaitable[bool]]) -> None:
        self._look, self._seen = look, time.monotonic()

    async def over(self) -> bool:
        """Whether the key was revoked or has expired, the session ended, or the first key was made."""
        if time.monotonic() < self._seen + REVIEW_SECONDS:
            return False
        self._seen = time.monotonic()
        return not await self._look()

    async def check(self) -> None:
        """Raises a 401 when it is over."""
        if await self.over():
            raise HTTPException(401, _NO_KEY, _CHALLENGE)


_NO_KEY = "This needs a key: send it as `Authorization: Bearer` or `X-API-Key`, or sign in at /sign-in."
_FROM_HERE = "Too many requests from this address; slow down."
_WRONG_KEYS = "Too many requests with wrong keys; slow down."
_WITH_THIS_KEY = "Too many requests with this key; slow down."
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="darkroom"'}
_LOCAL = Who(LOCAL, LOCAL, ALL)


class _Refused(Exception):
    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


class Door:
    """Lets in who may come in, and notes who it is in `request.state.who`. ASGI middleware."""

    def __init__(self, app: ASGIApp, wire: Wire, keys: Keys, limits: Limits, settings: Settings, audit: Audit) -> None:
        self._app, self._wire, self._keys, self._limits = app, wire, keys, limits
        self._settings, self._audit = settings, audit
        self._touched: dict[str, float] = {}  # key id → when that was last noted
        self._known = Coalesced(self._look_up)

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        assert scope["type"] == "http"  # nothing here speaks WebSocket
        request = Request(scope)
        wants = needed(request.method, scope["path"])
        if wants:
            try:
                who = await self._let_in(request, wants)
            except _Refused as refused:
                answer = problem(scope, refused.status, refused.detail, headers=refused.headers)
                await answer(scope, receive, send)
                return
            except RedisError as error:
                await unavailable(request, error)(scope, receive, send)
                return
            scope.setdefault("state", {}).update(who=who, stay=Stay(partial(self._would_let_in, request, who)))
            if wants == {Scope.ADMIN} and request.method not in LOOKING:
                await run_in_threadpool(self._audit.note, who.name, f"{request.method} {path_of(scope)}")
        await self._app(scope, receive, send)

    async def _let_in(self, request: Request, wants: frozenset[Scope]) -> Who:
        """Raises _Refused."""
        address = address_of(request)
        here = is_loopback(address)
        if here and _HERE.fullmatch(request.scope["path"]):  # `request.url` begins with what the Host header says
            return _LOCAL
        shown = credentials(request)
        closed, key = await self._known(shown)
        if not closed and (here or self._settings.insecure):
            return _LOCAL
        _wait(await self._limits.hit("address", address, self._settings.rate_per_address), _FROM_HERE)
        if key is None:
            if shown.texts or shown.token:
                _wait(await self._limits.hit("failure", address, self._settings.rate_failures), _WRONG_KEYS)
            raise _Refused(401, _NO_KEY, _CHALLENGE)
        await self._note(key)
        rate = self._settings.rate_per_key if key.quota.rate is None else key.quota.rate
        _wait(await self._limits.hit("key", key.id, rate), _WITH_THIS_KEY)
        if not shown.texts and shown.token and request.method not in LOOKING:
            _check_csrf(request, shown.token)
        who = Who(key.id, key.name, key.scopes, session=not shown.texts)
        if not who.may(wants):
            asked = " or ".join(sorted(wants))
            raise _Refused(
                403, Phrase("This key may not do that: it needs the scope {asked}; ask who made it.", asked=asked)
            )
        return who

    async def _look_up(self, asked: Sequence[Credentials]) -> list[tuple[bool, Key | None]]:
        """Whether there are keys, and whose was sent."""
        closed, found = await self._wire.run("door", *(part for shown in asked for part in shown.sought()))
        return [(bool(closed), shown.holder(*what)) for shown, what in zip(asked, found, strict=True)]

    async def _would_let_in(self, request: Request, who: Who) -> bool:
        """Whether this request, which was let in, is still that of the same owner."""
        closed, key = await self._known(credentials(request))
        return (key.id if key else None if closed else LOCAL) == who.owner

    async def _note(self, key: Key) -> None:
        """Note, once a minute, that a key is in use."""
        if time.monotonic() > self._touched.get(key.id, -60.0) + 60:
            self._touched[key.id] = time.monotonic()
            with suppress(OutOfMemoryError):  # a full Redis keeps nobody from looking
                await run_in_threadpool(self._keys.touch, key.id)


def credentials(request: Request) -> Credentials:
    """What a request shows."""
    return Credentials(frozenset(_texts(request)), request.cookies.get(SESSION_COOKIE))


def _texts(request: Request) -> Iterator[str]:
    """Every key a request carries, right or wrong. An empty header is as none."""
    for header in request.headers.getlist("authorization"):
        scheme, _, rest = header.strip().partition(" ")
        if scheme.lower() == "basic":
            yield _password(rest)
        elif scheme:
            yield rest.strip() if scheme.lower() == "bearer" else header
    yield from filter(None, (header.strip() for header in request.headers.getlist("x-api-key")))


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "surrogateescape").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _check_csrf(request: Request, token: str) -> None:
    sent = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), csrf_of(token).encode()):
        raise _Refused(
            403,
            Phrase(
                "With a session every write needs the header X-CSRF-Token: what the cookie {cookie} holds.",
                cookie=CSRF_COOKIE,
            ),
        )


def _wait(seconds: int, told: str) -> None:
    if seconds:
        raise _Refused(429, told, {"Retry-After": str(seconds)})


def address_of(request: Request) -> str:
    """Where a request comes from; of an IPv6 address the network that one household has."""
    return _household(request.client.host if request.client else "")


@lru_cache(maxsize=4096)
def _household(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:100]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        if not address.is_loopback:
            return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def cookies_for(response: Response, token: str | None, *, secure: bool, seconds: int) -> None:
    """Give a browser its session, or with no token take it away. The page may read the CSRF token, nobody the other."""
    for name, value, hidden in ((SESSION_COOKIE, token, True), (CSRF_COOKIE, token and csrf_of(token), False)):
        response.set_cookie(
            name, value or "", max_age=seconds if value else 0, httponly=hidden, samesite="strict", secure=secure
        )
