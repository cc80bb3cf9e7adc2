"""Going on with an image where its trace ends: its sampler hears the recorded answers, and the U-Net is not called."""

from __future__ import annotations

import logging

from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.runner import Runner
from worker.engine.ticket import Trace

log = logging.getLogger(__name__)


def board(runner: Runner, job: Job, index: int) -> Flight:
    """Image `index` of a job, as far as its trace goes; one without, or whose trace does not fit, begins anew."""
    trace, steps = job.log.take(index), job.steps_done
    if trace is None:
        return runner.board(job, index)
    try:
        return _replay(runner, job, index, trace)
    except Exception:
        log.exception("a checkpoint does not fit; the image is begun anew")
        job.log.take(index)
        job.steps_done = steps
        return runner.board(job, index)


def _replay(runner: Runner, job: Job, index: int, trace: Trace) -> Flight:
    flight, device = runner.board(job, index), runner.components.device
    if trace.latent is not None:
        flight.number = trace.legs - 1  # it has just flown this one
        flight.landed = trace.latent.to(device)
        job.log.leg(index, trace.legs, trace.latent)
        job.steps_done += sum(leg.steps for leg in flight.part.legs[: trace.legs])
        if not flight.last:
            flight = runner.fly_on(flight)
    # From where the whole U-Net is asked next: features that lay deeper are not in the trace.
    for answer in trace.answers[: len(trace.answers) // (cache := flight.leg.request.feature_cache) * cache]:
        flight.advance(answer.to(device, non_blocking=True))
    return flight
