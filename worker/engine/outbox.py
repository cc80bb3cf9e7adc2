"""What leaves the device: previews, checkpoints and pictures, each handed on when it has reached host memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.runner import Readback, Runner
from worker.engine.ticket import Preview, Trace

PREVIEW_EVERY = 0.2  # seconds, per job
MOST_PREVIEWS = 15.0  # a second, of all jobs together

HandOn = Callable[[Flight, Readback], None]


class Outbox:
    """Copies on their way to the host, in the order they were sent. checkpoint_seconds: between two of a job."""

    def __init__(self, runner: Runner, checkpoint_seconds: float) -> None:
        self._runner, self._checkpoint_seconds = runner, checkpoint_seconds
        self._sent: list[tuple[Flight, Readback, HandOn]] = []

    def send(self, flight: Flight, readback: Readback, hand_on: HandOn) -> None:
        self._sent.append((flight, readback, hand_on))

    def arrived(self, *, wait: bool) -> Iterator[tuple[Flight, Callable[[], None]]]:
        """What can be handed on now, and how; `wait`: all that was sent, however long it takes to arrive."""
        sent, self._sent = self._sent, []
        for flight, readback, hand_on in sent:
            if wait or readback.done():
                yield flight, partial(hand_on, flight, readback)
            else:
                self._sent.append((flight, readback, hand_on))

    def report(self, flights: Sequence[Flight]) -> None:
        """Progress of every job in the air, and a preview of one of its images and a checkpoint when they are due."""
        now, flying = time.monotonic(), {flight.job: flight for flight in flights}
        pause = max(PREVIEW_EVERY, len(flying) / MOST_PREVIEWS)
        for job, flight in flying.items():
            job.ticket.put(job.progress())
            if job.previews and now - job.previewed_at >= pause:
                job.previewed_at = now
                self._look_at(job, flights)
            if job.log.changed and now - job.checkpointed_at >= self._checkpoint_seconds:
                job.checkpointed_at = now
                traces = job.log.snapshot()
                tensors = (tensor for trace in traces.values() for tensor in trace.tensors)
                self.send(flight, Readback(*tensors), partial(_hand_out, traces))

    def _look_at(self, job: Job, flights: Sequence[Flight]) -> None:
        """Preview one image of a job, each in its turn."""
        flying = [flight for flight in flights if flight.job is job and flight.leg.request.previews]
        guesses = [(flight, flight.denoised) for flight in flying if flight.denoised is not None]
        if guesses:
            flight, denoised = guesses[job.previewed % len(guesses)]
            job.previewed += 1
            self.send(flight, self._runner.preview(denoised), _show)


def _show(flight: Flight, readback: Readback) -> None:
    (rgb,) = readback.wait()
    flight.job.ticket.put(Preview(flight.index, rgb.numpy()))


def _hand_out(traces: Mapping[int, Trace], flight: Flight, readback: Readback) -> None:
    flight.job.ticket.put(flight.job.log.checkpoint(traces, readback.wait()))
