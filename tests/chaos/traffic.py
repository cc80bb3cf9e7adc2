"""Clients: they submit, cancel, poll, and try again elsewhere when an api is away. The history keeps all they see."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.chaos.history import History, Seen, View
from tests.chaos.stack import Stack

REPEAT = 20  # one submit in so many is sent twice
TRIES = 600  # of one submit; with their pauses more than a minute


@dataclass(frozen=True)
class Mix:
    """Shares of the jobs; the rest is short. poison: word of the prompt → how many jobs carry it."""

    long: float = 0.05
    cancelled: float = 0.03
    invalid: float = 0.02
    long_steps: int = 40
    poison: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class Order:
    """One job to be: what is asked for, and what becomes of it."""

    number: int
    body: dict[str, Any]
    cancel: bool = False


def orders(jobs: int, mix: Mix, rng: random.Random) -> list[Order]:
    """So many jobs; the poisoned ones are spread evenly among them."""
    made = []
    for number in range(jobs):
        draw = rng.random()
        body = {
            "kind": "txt2img", "prompt": f"job {number}", "width": 64, "height": 64, "seed": rng.randrange(2**31),
            "steps": rng.randint(2, 4), "count": rng.choice((1, 1, 1, 2)), "previews": False,
        }  # fmt: skip
        if draw < mix.long:
            body["steps"] = mix.long_steps
        elif draw < mix.long + mix.invalid:
            body["steps"] = -1
        made.append(Order(number, body, cancel=mix.long + mix.invalid < draw < mix.long + mix.invalid + mix.cancelled))
    words = [word for word, count in mix.poison for _ in range(count)]
    for place, word in enumerate(words):
        at = (place + 1) * jobs // (len(words) + 1)
        made[at] = Order(at, {**made[at].body, "steps": 3, "prompt": f"job {at} {word}"})
    return made


class Traffic:
    """`submitters` threads work through the orders with at most `window` jobs open; `pollers` look at the open ones."""

    def __init__(
        self, stack: Stack, history: History, wanted: Sequence[Order], *, window: int = 100, submitters: int = 3,
        pollers: int = 1,
    ) -> None:  # fmt: skip
        self._urls = [f"http://127.0.0.1:{port}" for port in stack.ports]
        self._history, self._orders = history, iter(wanted)
        self._window = threading.Semaphore(window)
        self._lock = threading.Lock()
        self._open: dict[str, None] = {}  # in order of arrival
        self._submitting = submitters
        self._local = threading.local()
        self._clients: list[httpx2.Client] = []
        self.failed: list[str] = []  # requests that no api answered as it should
        self.refused = 0  # answers 503 and 429
        self._threads = [threading.Thread(target=self._submit_all, daemon=True) for _ in range(submitters)]
        self._threads += [
            threading.Thread(target=self._poll_all, args=(n, pollers), daemon=True) for n in range(pollers)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether everything ended within so many seconds."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        for client in self._clients:
            client.close()

    @property
    def open(self) -> int:
        return len(self._open)

    # --- one request ------------------------------------------------------------------------------

    def ask(self, method: str, path: str, **more: Any) -> "httpx2.Response | None":
        """Ask each api once, beginning with the one that answered last; None when none did."""
        at = getattr(self._local, "at", 0)
        for turn in range(len(self._urls)):
            url = self._urls[(at + turn) % len(self._urls)]
            try:
                answer = self._client(url).request(method, url + path, **more)
            except httpx2.TransportError:
                continue
            self._local.at = (at + turn) % len(self._urls)
            return answer
        return None

    def _client(self, url: str) -> httpx2.Client:
        clients: dict[str, httpx2.Client] = self._local.__dict__.setdefault("clients", {})
        if url not in clients:
            clients[url] = httpx2.Client(timeout=40)
            self._clients.append(clients[url])
        return clients[url]

    def _note(self, answer: "httpx2.Response | None", what: str) -> None:
        if answer is None:
            self.failed.append(f"{what}: no api answered")
        elif answer.status_code in (429, 503):
            self.refused += 1
            if "Retry-After" not in answer.headers:
                self.failed.append(f"{what}: {answer.status_code} without Retry-After")
        elif answer.status_code >= 500:
            self.failed.append(f"{what}: {answer.status_code}")

    # --- what clients do --------------------------------------------------------------------------

    def _submit_all(self) -> None:
        try:
            while True:
                self._window.acquire()
                with self._lock:
                    order = next(self._orders, None)
                if order is None:
                    return
                if not self._submit(order):
                    self._window.release()
        finally:
            with self._lock:
                self._submitting -= 1

    def _submit(self, order: Order) -> bool:
        """Whether there is a job now."""
        for _ in range(TRIES):
            status, job = self._post(order)
            if status == 202:
                if order.number % REPEAT == 0:
                    self._post(order)  # a client that missed the answer; the key must give the same job
                if order.cancel:
                    self._cancel(job)
                with self._lock:
                    self._open[job] = None
                return True
            if status not in (0, 429, 503):
                return False
            time.sleep(0.1)
        self.failed.append(f"POST: job {order.number} was never accepted")
        return False

    def _post(self, order: Order) -> tuple[int, str]:
        """Status, 0 without an answer, and the job's id."""
        sent, key, body = time.monotonic(), f"key-{order.number}", order.body
        answer = self.ask("POST", "/api/v1/jobs", json=body, headers={"Idempotency-Key": key})
        self._note(answer, "POST")
        status = answer.status_code if answer is not None else 0
        job = answer.json()["id"] if answer is not None and status == 202 else ""
        self._history.add(
            Seen("submit", time.monotonic(), sent, status, job, key, prompt=body["prompt"], seed=body["seed"],
                 count=body["count"])
        )  # fmt: skip
        return status, job

    def _cancel(self, job: str) -> None:
        sent, answer = time.monotonic(), self.ask("POST", f"/api/v1/jobs/{job}/cancel")
        if answer is not None:
            view = View.of(answer.json()) if answer.status_code == 202 else None
            self._history.add(Seen("cancel", time.monotonic(), sent, answer.status_code, job, view=view))

    def _poll_all(self, number: int, pollers: int) -> None:
        """Look at the oldest open jobs, over and over; each job has one poller, so its answers are in order."""
        while True:
            with self._lock:
                mine = [job for job in self._open if hash(job) % pollers == number][:30]
                if not self._submitting and not self._open:
                    return
            for job in mine:
                if self._poll(job):
                    with self._lock:
                        del self._open[job]
                    self._window.release()
            time.sleep(0.05)

    def _poll(self, job: str) -> bool:
        """Whether it has ended."""
        sent, answer = time.monotonic(), self.ask("GET", f"/api/v1/jobs/{job}")
        self._note(answer, "GET")
        if answer is None or answer.status_code != 200:
            status = answer.status_code if answer is not None else 0
            self._history.add(Seen("poll", time.monotonic(), sent, status, job))
            return False
        view = View.of(answer.json())
        self._history.add(Seen("poll", time.monotonic(), sent, 200, job, view=view))
        return view.final
