"""Headers that keep a browser from doing more with an answer than it should."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOTHING = "default-src 'none'; frame-ancestors 'none'"  # what an answer may load; pages name their own
_GUARDS = (
    (b"content-security-policy", NOTHING.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),  # no picture in another site's page
    (b"cross-origin-opener-policy", b"same-origin"),
)


def unchanged(if_none_match: str | None, tag: str) -> bool:
    """Whether a client that sent this `If-None-Match` has the answer with this ETag already."""
    known = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return tag in known or "*" in known


class SecurityHeaders:
    """Sets them where a route has not set its own, as pages do. ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(guard for guard in _GUARDS if guard[0] not in own)]
            await send(message)

        await self._app(scope, receive, guarded)
