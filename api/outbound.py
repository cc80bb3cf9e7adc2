"""The one way out: a POST to a public https address, which a client has named.

Somebody's name may lead anywhere, here too, and elsewhere the next time it is looked up. So it is looked up once, all
that it leads to must be public, and the very address that was looked at is called, under the name that the certificate
must have. Redirects are answers like others. Time, and what is read of the answer, are bounded.
"""

import http.client
import ipaddress
import math
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

from contract.webhooks import Place

SECONDS = 15.0  # for one POST, after the name was looked up
_ROOM = 64 * 1024  # bytes of an answer, of which only the status is read
_MOST_ADDRESSES = 3  # that are tried

_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is given out
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Public to ipaddress of Python 3.11, and nobody's: IANA's later entries; the last is a large cloud's own host.
_RESERVED = [ipaddress.ip_network(net) for net in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "168.63.129.16/32")]

Resolver = Callable[[str, int], list[str]]


class Undeliverable(Exception):
    """No answer came, or none may be asked for. The text is for a client, and tells nothing of this network."""


def is_public(address: str) -> bool:
    """Whether anybody's machine has this address, and not this one's or its network's."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip not in _UNICAST or ip.sixtofour or ip.teredo:  # mapped and compatible ones, and tunnels, lead to IPv4
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not any(ip in net for net in _RESERVED)


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Bounded(ssl.SSLSocket):
    """Reads until `ends`, and `room` bytes; either beyond is an OSError."""

    ends = math.inf
    room = _ROOM

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(_left(self.ends))
        count = super().recv_into(buffer, nbytes, flags)
        self.room -= count
        if self.room < 0:
            raise OSError("the answer is too long")
        return count


class Outbound:
    """Sends. resolve, allowed and tls are other ones in tests."""

    def __init__(
        self,
        *,
        resolve: Resolver = resolve,
        allowed: Callable[[str], bool] = is_public,
        tls: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._resolve, self._allowed, self._seconds = resolve, allowed, seconds
        self._tls = tls or ssl.create_default_context()
        self._tls.sslsocket_class = _Bounded

    def post(self, place: Place, headers: Mapping[str, str], body: bytes) -> int:
        """The status that is answered. Raises Undeliverable."""
        try:
            addresses = self._resolve(place.host, place.port)
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            raise Undeliverable("the name leads to no address")
        if not all(map(self._allowed, addresses)):
            raise Undeliverable("the name leads to an address that is not public")
        ends = time.monotonic() + self._seconds
        try:
            with self._connect(place, addresses, ends) as plain:
                plain.settimeout(_left(ends))
                with self._tls.wrap_socket(plain, server_hostname=place.host) as connection:
                    assert isinstance(connection, _Bounded)
                    connection.ends = ends
                    return _ask(connection, place, headers, body)
        except ssl.SSLCertVerificationError as error:
            raise Undeliverable(f"the certificate does not hold: {error.verify_message}") from error
        except TimeoutError:
            raise Undeliverable(f"no answer within {self._seconds:g} seconds") from None
        except (OSError, http.client.HTTPException) as error:
            raise Undeliverable(f"no answer that could be read: {type(error).__name__}") from error

    def _connect(self, place: Place, addresses: list[str], ends: float) -> socket.socket:
        """To the first of these addresses that takes it. Raises OSError."""
        *others, last = addresses[:_MOST_ADDRESSES]
        for address in others:
            try:
                return socket.create_connection((address, place.port), _left(ends) / 2)
            except OSError:
                continue
        return socket.create_connection((last, place.port), _left(ends))


def _ask(connection: ssl.SSLSocket, place: Place, headers: Mapping[str, str], body: bytes) -> int:
    """POST on an open connection. http.client follows no redirect, and knows no proxy."""
    client = http.client.HTTPConnection(place.host, place.port)
    client.sock = connection
    client.request("POST", place.target, body, {"Host": place.authority, "Connection": "close", **headers})
    return client.getresponse().status


def _left(ends: float) -> float:
    """Seconds until then. Raises TimeoutError."""
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
