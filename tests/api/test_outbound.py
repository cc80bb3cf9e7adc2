"""The way out: only public addresses, the very one that was looked at, the right certificate, and no second request."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from api.outbound import Outbound, Undeliverable, is_public
from contract.webhooks import place_of
from tests.api.receiver import NAME, Receiver, receiving

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "224.0.1.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::ffff:8.8.8.8", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1",
    "4000::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1", "2a00:1450::5",
    "64:ff9b::8.8.8.8",
]  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def post(receiver: Receiver, **given: Any) -> int:
    return receiver.outbound(**given).post(place_of(receiver.url), {"Webhook-Id": "msg_1"}, b"{}")


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public(address: str) -> None:
    assert is_public(address)


def test_what_arrives(receiver: Receiver) -> None:
    assert post(receiver) == 204
    (heard,) = receiver.heard
    assert (heard.path, heard.body, heard.headers["webhook-id"]) == ("/told?x=1", b"{}", "msg_1")
    assert heard.headers["host"] == f"{NAME}:{receiver.port}"
    assert place_of(f"https://{NAME}/").authority == NAME


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:127.0.0.1", "169.254.169.254"])
def test_a_name_that_leads_in_is_not_called(receiver: Receiver, address: str) -> None:
    outbound = Outbound(resolve=lambda host, port: ["93.184.216.34", address], tls=receiver.trusting())
    with pytest.raises(Undeliverable, match="not public") as caught:
        outbound.post(place_of(receiver.url), {}, b"{}")
    assert address not in str(caught.value)  # what a name leads to in this network is nobody's business
    assert receiver.heard == []


def test_a_name_that_leads_elsewhere_the_next_time_is_looked_up_once(receiver: Receiver) -> None:
    answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]]
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    def only_the_first(address: str) -> bool:
        return address == "127.0.0.1"

    with receiving("127.0.0.2", receiver.port) as inside:
        inside_trusted = receiver.trusting()
        inside.authority.configure_trust(inside_trusted)  # so that nothing but the address keeps us out
        outbound = Outbound(resolve=rebinding, allowed=only_the_first, tls=inside_trusted)
        assert outbound.post(place_of(receiver.url), {}, b"{}") == 204
        assert (asked, len(receiver.heard), inside.heard) == ([NAME], 1, [])
        with pytest.raises(Undeliverable, match="not public"):
            outbound.post(place_of(receiver.url), {}, b"{}")
        assert (len(receiver.heard), inside.heard) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_answers(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    assert post(receiver) == status
    assert len(receiver.heard) == 1


def test_a_certificate_of_another_name_or_authority_does_not_hold(receiver: Receiver) -> None:
    with receiving(certified="other.studio.example") as other, pytest.raises(Undeliverable, match="certificate"):
        post(other)
    with pytest.raises(Undeliverable, match="certificate"):
        post(receiver, tls=None)
    assert (receiver.heard, other.heard) == ([], [])


def test_the_next_address_is_tried_when_one_does_not_answer(receiver: Receiver) -> None:
    assert post(receiver, resolve=lambda host, port: ["127.0.0.3", "127.0.0.1"]) == 204


def test_nobody_there_and_no_such_name(receiver: Receiver) -> None:
    with pytest.raises(Undeliverable, match="ConnectionRefusedError"):
        post(receiver, resolve=lambda host, port: ["127.0.0.3"])
    with pytest.raises(Undeliverable, match="no address"):
        post(receiver, resolve=lambda host, port: [])

    def fails(host: str, port: int) -> list[str]:
        raise OSError("no DNS")

    with pytest.raises(Undeliverable, match="no address"):
        post(receiver, resolve=fails)


def drip(handler: Any) -> None:
    """An answer that never ends, a byte at a time, each well within any timeout of a single read."""
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 2000:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.05)


def flood(handler: Any) -> None:
    line = b"X-Long: " + b"x" * 60_000 + b"\r\n"  # http.client takes a hundred of these
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + 2 * line + b"\r\n")


def test_time_is_bounded_whatever_comes(receiver: Receiver) -> None:
    receiver.answers = [drip]
    begun = time.monotonic()
    with pytest.raises(Undeliverable, match=r"within 0\.5 seconds"):
        post(receiver, seconds=0.5)
    assert time.monotonic() - begun < 30  # the drip takes a hundred


def test_what_is_read_is_bounded(receiver: Receiver) -> None:
    receiver.answers = [flood]
    with pytest.raises(Undeliverable, match="no answer that could be read"):
        post(receiver)


def test_an_answer_that_is_none(receiver: Receiver) -> None:
    receiver.answers = [lambda handler: handler.wfile.write(b"hello\r\n\r\n")]
    with pytest.raises(Undeliverable, match="no answer that could be read"):
        post(receiver)
