"""How the api and the ledger bear load: `make load`. Real processes, paced workers (tests/chaos), open-loop clients.

Each part prints its row: what was measured, what it should be, whether it is. `--write` puts the table into
docs/reliability.md. Take the figures on a machine that does nothing else: client and server share its cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil

from contract.ids import new_job_id
from contract.requests import Txt2Img
from contract.settings import ROOT
from contract.steering import Steering
from tests.chaos.stack import Stack, eventually

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- load: begin -->\n", "<!-- load: end -->\n"
BODY = {"kind": "txt2img", "prompt": "load", "width": 64, "height": 64, "seed": 1, "steps": 2, "previews": False}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    found: str
    hold: str
    holds: bool

    def __str__(self) -> str:
        return f"| {self.what} | {self.found} | {self.hold} | {'yes' if self.holds else '**no**'} |"


def share(values: Sequence[float], part: float) -> float:
    """The value below which that part of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


class Connection:
    """HTTP/1.1 by hand, one request at a time: a thousand clients must cost less than the server they measure."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body; a connection that the server has closed in between is opened again."""
        for fresh in (False, True):
            if self._streams is None or fresh:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            try:
                writer.write(
                    f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                return int(head[9:12]), await reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                if fresh:
                    raise
        raise AssertionError

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


@dataclass
class Tally:
    """Seconds of each answer, and how many were not what they should be."""

    seconds: list[float]
    errors: int = 0

    async def time(self, connection: Connection, expected: int, method: str, path: str, body: bytes = b"") -> bytes:
        begun = time.perf_counter()
        try:
            status, answer = await connection.ask(method, path, body)
        except (OSError, asyncio.IncompleteReadError):
            status, answer = 0, b""
        self.seconds.append(time.perf_counter() - begun)
        self.errors += status != expected
        return answer

    def told(self) -> str:
        return f"p50 {share(self.seconds, 0.5) * 1e3:.1f} ms, p95 {share(self.seconds, 0.95) * 1e3:.1f} ms, " + (
            f"{len(self.seconds)} requests, {self.errors} errors"
        )


async def poll(port: int, clients: int, jobs: Sequence[str], seconds: float, interval: float = 2.0) -> Tally:
    """So many clients look at a job each, every `interval` seconds, beginning at random."""
    tally = Tally([])

    async def client(number: int) -> None:
        connection = Connection(port)
        await asyncio.sleep(random.uniform(0, interval))
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            due = time.monotonic() + interval
            await tally.time(connection, 200, "GET", f"/api/v1/jobs/{jobs[number % len(jobs)]}")
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        connection.close()

    await asyncio.gather(*map(client, range(clients)))
    return tally


async def submit(port: int, clients: int, rate: float, seconds: float) -> tuple[Tally, list[str]]:
    """`rate` submits a second in all, whether the server keeps up or not."""
    tally, jobs = Tally([]), list[str]()

    async def client(number: int) -> None:
        connection, body = Connection(port), json.dumps(BODY).encode()
        await asyncio.sleep(number / rate)
        for turn in range(int(seconds * rate / clients)):
            due = begun + number / rate + turn * clients / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            answer = await tally.time(connection, 202, "POST", "/api/v1/jobs", body)
            if b'"id"' in answer:
                jobs.append(json.loads(answer)["id"])
        connection.close()

    begun = time.monotonic()
    await asyncio.gather(*map(client, range(clients)))
    return tally, jobs


async def dawdle(port: int, clients: int, over: asyncio.Event) -> None:
    """Clients that send a byte a second and never come to the end."""

    async def client() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in b"POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: " + b"x" * 1000:
            if over.is_set():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(1)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))


def polling(seconds: float) -> Iterator[Row]:
    """A thousand pollers, alone and beside slow clients."""
    with Stack(workers=1, proxied=False) as stack:
        port = stack.ports[0]
        _, jobs = asyncio.run(submit(port, 1, 20, 5))
        alone = asyncio.run(poll(port, 1000, jobs, seconds))
        yield Row("1,000 pollers, every 2 s each", alone.told(), "p95 < 100 ms, no error",
                  share(alone.seconds, 0.95) < 0.1 and not alone.errors)  # fmt: skip
        few = asyncio.run(poll(port, 100, jobs, seconds))

        async def beside() -> Tally:
            over = asyncio.Event()
            slow = asyncio.create_task(dawdle(port, 200, over))
            found = await poll(port, 100, jobs, seconds)
            over.set()
            await slow
            return found

        slowed = asyncio.run(beside())
        before, after = (1000 * share(each.seconds, 0.95) for each in (few, slowed))
        yield Row("100 pollers beside 200 clients of 1 byte/s",
                  f"p95 {after:.1f} ms, alone {before:.1f}, {slowed.errors} errors",
                  "p95 < 2 x alone", after < 2 * before and not slowed.errors)  # fmt: skip


def submitting(seconds: float) -> Iterator[Row]:
    """Fifty clients submit, and the worker is idle enough to take each job at once."""
    with Stack(workers=2, step=0.002, concurrency=16, proxied=False) as stack:
        asyncio.run(submit(stack.ports[0], 50, 50, 3))  # threads and connections are made when they are first needed
        tally, ids = asyncio.run(submit(stack.ports[0], 50, 50, seconds))
        eventually(lambda: stack.store.counts() == (0, 0))
        p50, p95 = share(tally.seconds, 0.5), share(tally.seconds, 0.95)
        yield Row("POST → 202, 50 clients, 50 a second", tally.told(), "p50 < 3 ms, p95 < 15 ms, no error",
                  p50 < 0.003 and p95 < 0.015 and not tally.errors)  # fmt: skip
        jobs = stack.store.get_many(ids)
        waits = [(job.started_at - job.created_at).total_seconds() for job in jobs if job.started_at]
        p50, p95 = share(waits, 0.5), share(waits, 0.95)
        yield Row("accepted → claimed", f"p50 {p50 * 1e3:.1f} ms, p95 {p95 * 1e3:.1f} ms",
                  "p50 < 5 ms, p95 < 15 ms", p50 < 0.005 and p95 < 0.015)  # fmt: skip


def cost(requests: int) -> Iterator[Row]:
    """What a request takes of the api's core, one after the other so that none is answered along with another."""
    with Stack(workers=1, proxied=False) as stack:
        process = psutil.Process(stack.keeper.children["api-0"].group)
        body = json.dumps(BODY).encode()

        async def spent(expected: int, method: str, path: str, body: bytes = b"") -> float:
            """Milliseconds each, user and system, after some that warm up; the rest of the process included."""
            connection, tally = Connection(stack.ports[0]), Tally([])
            for count in (requests // 10, requests):
                before, began = process.cpu_times(), len(tally.seconds)
                for _ in range(count):
                    await tally.time(connection, expected, method, path, body)
                after = process.cpu_times()
            assert not tally.errors
            connection.close()
            used = after.user + after.system - before.user - before.system
            return float(used / (len(tally.seconds) - began) * 1e3)

        Steering(stack.store).hold()
        _, (job_id,) = asyncio.run(submit(stack.ports[0], 1, 1, 1))
        for what, most, ask in (
            ("GET of a waiting job", 1.0, (200, "GET", f"/api/v1/jobs/{job_id}")),
            ("POST of a job", 3.5, (202, "POST", "/api/v1/jobs", body)),
        ):
            found = asyncio.run(spent(*ask))
            yield Row(f"{what}, of the api's core", f"{found:.2f} ms", f"< {most} ms", found < most)


@contextmanager
def queued(stack: Stack, jobs: Sequence[tuple[str, int]], steps: int) -> Iterator[dict[str, list[str]]]:
    """Jobs of several owners, put into the ledger as the api does, in this order: ids by owner."""
    ids: dict[str, list[str]] = {}
    request = Txt2Img.model_validate({**BODY, "steps": steps, "model": "mini"})
    for owner, count in jobs:
        for _ in range(count):
            job_id = new_job_id()
            stack.store.submit(job_id, request, owner=owner, steps=steps, inputs={}, max_queue=10**6)
            ids.setdefault(owner, []).append(job_id)
    yield ids


def span(stack: Stack, ids: Sequence[str]) -> float:
    """Seconds from the first arrival to the last end, by Redis' clock."""
    jobs = eventually(
        lambda: stack.store.get_many(ids), lambda found: all(job.finished_at for job in found), seconds=600
    )
    ends = [job.finished_at for job in jobs if job.finished_at]
    return (max(ends) - min(job.created_at for job in jobs)).total_seconds()


def scaling(jobs: int) -> Iterator[Row]:
    """The same jobs by one, two and four workers."""
    rates = {}
    for workers in (1, 2, 4):
        settings: dict[str, Any] = {"workers": workers, "step": 0.05, "concurrency": 4, "proxied": False}
        with Stack(**settings) as stack, queued(stack, [("a", jobs)], 20) as ids:
            rates[workers] = jobs / span(stack, ids["a"])
    two, four = rates[2] / rates[1], rates[4] / rates[1]
    found = f"{rates[1]:.1f}, {rates[2]:.1f}, {rates[4]:.1f} jobs/s: {two:.2f} x, {four:.2f} x"
    yield Row("1, 2, 4 paced workers", found, "2: ≥ 1.9 x, 4: ≥ 3.6 x", two >= 1.9 and four >= 3.6)


def fairness() -> Iterator[Row]:
    """Ten jobs of one owner, alone and behind a thousand of another."""
    with Stack(workers=1, step=0.01, concurrency=8, proxied=False) as stack:
        with queued(stack, [("b", 10)], 20) as ids:
            alone = span(stack, ids["b"])
        with queued(stack, [("a", 1000), ("b", 10)], 20) as ids:
            behind = span(stack, ids["b"])
    yield Row("ten jobs behind a thousand of another owner", f"{behind / alone:.2f} x the time alone", "≤ 2 x",
              behind <= 2 * alone)  # fmt: skip


def memory() -> Iterator[Row]:
    """What ten thousand waiting jobs take."""
    with Stack(workers=0, proxied=False) as stack, queued(stack, [("a", 10_000)], 20):
        used = int(stack.store.redis.info("memory")["used_memory"]) / 2**20
    yield Row("Redis with 10,000 jobs queued", f"{used:.0f} MiB", "< 256 MiB", used < 256)


def write(rows: Sequence[Row]) -> None:
    """Replace the table in docs/reliability.md."""
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    when = f"{datetime.now(UTC):%Y-%m-%d}, commit {said.stdout.strip()}."
    head = f"{when}\n\n| what | found | aim | holds |\n|---|---|---|---|\n"
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + head + "".join(f"{row}\n" for row in rows) + END + rest.partition(END)[2], "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--only", help="one part: cost, polling, submitting, scaling, fairness or memory")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    given = parser.parse_args()
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "cost": lambda: cost(2000),
        "polling": lambda: polling(given.seconds),
        "submitting": lambda: submitting(given.seconds),
        "scaling": lambda: scaling(200),
        "fairness": fairness,
        "memory": memory,
    }
    rows = []
    for name, part in parts.items():
        if given.only in (None, name):
            for row in part():
                print(row, flush=True)
                rows.append(row)
    if given.write:
        write(rows)


if __name__ == "__main__":
    main()
