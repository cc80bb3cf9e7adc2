"""The ten invariants of the ledger, each a function from a history and what is left to what breaks it.

I1 every accepted job ends, once. I2 an end never changes. I3 one set of pictures, of the right bytes. I4 nothing of a
job cancelled before its start. I5 one id for one idempotency key. I6 no stray file, no missing one. I7 attempts within
the limit, and only the guilty are dead letters. I8 first come, first started. I9 progress never goes back within one
claim. I10 nobody was surprised: no 500, no unhandled exception in a log.
"""

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image

from tests.chaos.history import Final, History, Seen, View
from tests.chaos.paced import pixels

FAULTS = {"SEGFAULT": "worker_crashed", "HANG": "worker_crashed", "OOM": "out_of_memory", "NAN": "nan_image"}


@dataclass(frozen=True)
class Limits:
    """What a scenario allows. attempts: of an innocent job. overtaking: seconds that I8 forgives."""

    attempts: int = 5
    overtaking: float = 20.0


def guilt(submit: Seen) -> str:
    """The error that a job asked for by a word of its prompt; "" = none."""
    return next((code for word, code in FAULTS.items() if word in submit.prompt.split()), "")


def i1_every_accepted_job_ends(history: History, final: Final, limits: Limits) -> Iterator[str]:
    wished = {line.job for line in history.of("cancel") if line.status == 202}
    for job, submit in history.accepted().items():
        view = final.jobs.get(job)
        if view is None or not view.final:
            yield f"{job} is {view.state if view else 'gone'}"
        elif view.state == "failed" and view.code != guilt(submit):
            yield f"{job} failed by no fault of its own: {view.code}"
        elif view.state == "cancelled" and job not in wished:
            yield f"{job} is cancelled, and nobody wished it"


def i2_an_end_never_changes(history: History, final: Final, limits: Limits) -> Iterator[str]:
    ends: dict[str, View] = {}
    for line in history:
        if line.view is not None and line.job in ends and line.view != ends[line.job]:
            yield f"{line.job} was {ends[line.job]} and became {line.view}"
        elif line.view is not None and line.view.final:
            ends[line.job] = line.view
    for job, end in ends.items():
        if job in final.jobs and final.jobs[job] != end:
            yield f"{job} was {end} and is {final.jobs[job]} now"


def i3_one_set_of_pictures(history: History, final: Final, limits: Limits) -> Iterator[str]:
    for job, submit in history.accepted().items():
        view = final.jobs.get(job)
        if view is None or view.state != "succeeded":
            continue
        if [image[:2] for image in view.images] != [(index, "output") for index in range(submit.count)]:
            yield f"{job} shows {view.images}, not {submit.count} pictures"
        for index, _, sha in view.images:
            if sha in final.files and not _is_right(final.files[sha], sha, submit, index):
                yield f"{job}: picture {index} is not what its prompt and seed give"


def _is_right(data: bytes, sha: str, submit: Seen, index: int) -> bool:
    if hashlib.sha256(data).hexdigest() != sha:
        return False
    found = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    return np.array_equal(found, pixels(submit.prompt, submit.seed + index))


def i4_nothing_of_a_job_cancelled_before_its_start(history: History, final: Final, limits: Limits) -> Iterator[str]:
    for line in history.of("cancel"):
        if line.view and line.view.state == "cancelled" and line.view.started_at is None:
            now = final.jobs.get(line.job)
            if now is not None and (now.state != "cancelled" or now.images):
                yield f"{line.job} was cancelled before it began and is {now}"


def i5_one_id_for_one_key(history: History, final: Final, limits: Limits) -> Iterator[str]:
    ids: dict[str, set[str]] = defaultdict(set)
    for line in history.of("submit"):
        if line.key and line.status == 202:
            ids[line.key].add(line.job)
    yield from (f"key {key} made {sorted(made)}" for key, made in ids.items() if len(made) > 1)


def i6_no_stray_and_no_missing_file(history: History, final: Final, limits: Limits) -> Iterator[str]:
    yield from (f"nothing points to {name}" for name in final.files.keys() - final.referenced)
    for job, view in final.jobs.items():
        yield from (f"{job}: {sha} is missing" for *_, sha in view.images if sha not in final.files)


def i7_attempts_and_dead_letters(history: History, final: Final, limits: Limits) -> Iterator[str]:
    for job, submit in history.accepted().items():
        view = final.jobs.get(job)
        if view is not None and view.attempts > limits.attempts:
            yield f"{job} was tried {view.attempts} times"
        if job in final.dead and guilt(submit) != "worker_crashed":
            yield f"{job} is a dead letter, and innocent"


def i8_first_come_first_started(history: History, final: Final, limits: Limits) -> Iterator[str]:
    """Of one owner's jobs that ran once. `overtaking` forgives, too, that two submits under way have no order."""
    earliest: dict[str, float] = defaultdict(lambda: float("inf"))
    for line in sorted(history.accepted().values(), key=lambda line: line.t, reverse=True):
        view = final.jobs.get(line.job)
        if view is None or view.attempts != 1 or view.started_at is None:
            continue
        if (late := view.started_at - earliest[line.owner]) > limits.overtaking:
            yield f"{line.job} began {late:.1f} s after one that came later"
        earliest[line.owner] = min(earliest[line.owner], view.started_at)


def i9_progress_never_goes_back(history: History, final: Final, limits: Limits) -> Iterator[str]:
    polls: dict[tuple[str, float], list[int]] = defaultdict(list)
    for line in history.of("poll"):
        if line.view is not None and line.view.started_at is not None:
            polls[line.job, line.view.started_at].append(line.view.step)
    for (job, _), steps in polls.items():
        yield from (f"{job} went from step {one} to {other}" for one, other in pairwise(steps) if other < one)


def i10_nobody_was_surprised(history: History, final: Final, limits: Limits) -> Iterator[str]:
    for line in history:
        if line.status >= 500 and line.status != 503:
            yield f"{line.what} {line.job or line.key} was answered {line.status}"
    yield from final.complaints


INVARIANTS = (
    i1_every_accepted_job_ends,
    i2_an_end_never_changes,
    i3_one_set_of_pictures,
    i4_nothing_of_a_job_cancelled_before_its_start,
    i5_one_id_for_one_key,
    i6_no_stray_and_no_missing_file,
    i7_attempts_and_dead_letters,
    i8_first_come_first_started,
    i9_progress_never_goes_back,
    i10_nobody_was_surprised,
)


def broken(history: History, final: Final, limits: Limits) -> dict[str, Sequence[str]]:
    """Invariant → what breaks it, for those that do not hold."""
    found = {check.__name__: list(check(history, final, limits)) for check in INVARIANTS}
    return {name: wrong for name, wrong in found.items() if wrong}


def lost(history: History, final: Final) -> int:
    """Accepted jobs without an end, or with one that was not their fault."""
    return len(list(i1_every_accepted_job_ends(history, final, Limits())))


def doubled(history: History, final: Final) -> int:
    """Jobs that ended twice, or show another set of pictures than one."""
    twice = i2_an_end_never_changes(history, final, Limits()), i3_one_set_of_pictures(history, final, Limits())
    return sum(len(list(each)) for each in twice)
