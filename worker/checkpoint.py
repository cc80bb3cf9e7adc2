"""Checkpoints of a claimed job: written while it runs, and read by whoever claims it after this one was lost."""

import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import diffusers
import PIL
import torch
from redis.exceptions import RedisError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from contract.checkpoints import Checkpoints
from contract.settings import ROOT
from contract.store import Claim, JobStore, Work
from contract.verification import MadeBy
from worker.engine.ticket import Checkpoint, Trace
from worker.models.loader import Components
from worker.plan import Plan

log = logging.getLogger(__name__)


def made_by(components: Components, device: str, *, compiled: bool = False, strict: bool = True) -> MadeBy:
    """All that bytes depend on beside the request: where it is equal, so are the pictures, if strict."""
    code = hashlib.sha256()
    for file in sorted(file for folder in ("contract", "worker") for file in (ROOT / folder).rglob("*.py")):
        code.update(file.read_bytes())
    return {
        "model": components.sha256,
        "device": device,
        "dtype": str(components.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads() if components.device.type == "cpu" else 0,
        "channels_last": components.channels_last,
        "compiled": compiled,
        "strict": strict,
        "code": code.hexdigest()[:16],
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "pillow": PIL.__version__,
    }


def maker_of(parts: MadeBy) -> str:
    """16 hex digits for all of it."""
    return _digest(dict(parts))[:16]


def fingerprint(maker: str, work: Work) -> str:
    """64 hex digits that a checkpoint must begin with to be gone on with."""
    return _digest(maker, work.request, work.inputs, work.drawn)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def pack(traces: Mapping[int, Trace], fingerprint: str) -> bytes:
    """The fingerprint, then as safetensors `<image>.<legs>.latent`, (C, h, w), and `….answers`, (n, C, h, w)."""
    tensors: dict[str, Tensor] = {}
    for index, trace in traces.items():
        if trace.latent is not None:
            tensors[f"{index}.{trace.legs}.latent"] = trace.latent.contiguous()
        if trace.answers:
            tensors[f"{index}.{trace.legs}.answers"] = torch.stack(trace.answers)
    return fingerprint.encode() + save(tensors)


def unpack(data: bytes, fingerprint: str) -> dict[int, Trace]:
    """What `pack` was given; nothing where the fingerprint is another or the bytes cannot be read."""
    if not data.startswith(fingerprint.encode()):
        return {}
    try:
        tensors = load(data[len(fingerprint) :])
    except SafetensorError:
        return {}
    keys = {(int(image), int(legs)) for image, legs, _ in (name.split(".") for name in tensors)}
    return {
        image: Trace(legs, tensors.get(f"{image}.{legs}.latent"), tuple(tensors.get(f"{image}.{legs}.answers", ())))
        for image, legs in sorted(keys)
    }


@dataclass(frozen=True)
class Memory:
    """See `worker.workshop.Memory`."""

    checkpoints: Checkpoints
    claim: Claim
    fingerprint: str

    def keep(self, traces: Mapping[int, Trace]) -> None:
        try:
            self.checkpoints.keep(self.claim.job_id, self.claim.token, pack(traces, self.fingerprint))
        except OSError as error:
            log.warning("checkpoint of %s not kept: %s", self.claim.job_id, error)

    def recall(self) -> dict[int, Trace]:
        """Traces by an earlier claim of this job, where they fit."""
        with suppress(OSError):
            if data := self.checkpoints.newest(self.claim.job_id):
                return unpack(data, self.fingerprint)
        return {}

    def forget(self) -> None:
        """The job has ended."""
        self.checkpoints.clear(self.claim.job_id)


def resumed(memory: Memory, plan: Plan, maker: str, store: JobStore) -> Checkpoint:
    """How far earlier claims came: traces, and pictures that stand in the ledger already, made as they would be now."""
    done: frozenset[int] = frozenset()
    try:
        done = plan.recall(_kept(memory.claim.job_id, maker, store))
    except (RedisError, OSError) as error:
        log.warning("%s: its finished pictures cannot be read: %s", memory.claim.job_id, error)
    traces = {index: trace for index, trace in memory.recall().items() if index not in done}
    if traces or done:
        log.info("%s goes on: %d pictures are there, %d begun", memory.claim.job_id, len(done), len(traces))
    return Checkpoint(traces, done)


def _kept(job_id: str, maker: str, store: JobStore) -> dict[int, str]:
    """SHA-256 of a job's outputs that an equal maker has stored, by number; an output is the last stored of its own."""
    job = store.get(job_id)
    records = [store.image(image.id) for image in job.images if image.role == "output"] if job else []
    return {
        record.index: record.sha256
        for record in records
        if record and record.index is not None and record.metadata.get("maker") == maker
    }
