"""The workshop of a real model: `Engine` around loaded networks, inputs shaped for it, checkpoints on disk."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from contract.blobs import Blobs
from contract.checkpoints import Checkpoints
from contract.jobs import MemoryUse, ModelInfo
from contract.kinds import JobRequest
from contract.requests import Txt2Img
from contract.settings import Settings
from contract.store import Claim, JobStore, Work
from worker.checkpoint import Memory, fingerprint, made_by, maker_of, resumed
from worker.engine.engine import Engine
from worker.engine.pulse import Pulse
from worker.engine.recorded import CudaGraphs
from worker.engine.unet import Acceleration
from worker.kinds import plan
from worker.memory import memory_of_process
from worker.models.loader import Components, default_device, load
from worker.prepare import prepare
from worker.workshop import Run

log = logging.getLogger(__name__)


class ModelWorkshop:
    """See `worker.workshop.Workshop`."""

    def __init__(self, settings: Settings, store: JobStore, blobs: Blobs, components: Components) -> None:
        self.model = describe(components, settings)
        self.device = _device_name(components.device)
        self._device = components.device
        acceleration = accelerated(settings, components.device)
        compiled = acceleration.backend is not None
        self.made_by = made_by(components, self.device, compiled=compiled, strict=settings.strict)
        self.maker = maker_of(self.made_by)
        self.engine = Engine(
            components,
            max_rows=settings.max_rows,
            measured=True,
            strict=settings.strict,
            checkpoint_seconds=settings.checkpoint_seconds,
            checkpoint_bytes=settings.checkpoint_bytes,
            acceleration=acceleration,
        )
        self._store, self._blobs = store, blobs
        self._tokenizer = components.tokenizer
        self._checkpoints = Checkpoints(settings.checkpoints)

    @property
    def counters(self) -> Mapping[str, float]:
        return asdict(self.engine.stats)

    @property
    def memory(self) -> MemoryUse | None:
        if self._device.type != "cuda":
            return memory_of_process()
        total = torch.cuda.get_device_properties(self._device).total_memory
        return MemoryUse(used=torch.cuda.memory_reserved(self._device), total=total)

    @property
    def pulse(self) -> Pulse:
        return self.engine.pulse

    def tokenizer(self) -> str:
        return self._tokenizer.dump()

    def start(self) -> None:
        """One small picture through every network, so that the first real one does not wait for kernels."""
        self.engine.start()
        request = Txt2Img(
            prompt="", width=self.model.native_width, height=self.model.native_height, seed=0, steps=2, previews=False
        )
        for event in self.engine.submit(prepare(request, {}, [("", "")], self._blobs).request):
            log.debug("warm-up: %s", event)

    def stop(self, seconds: float) -> None:
        self.engine.stop(seconds)

    def begin(self, claim: Claim, request: JobRequest, work: Work) -> Run:
        planned = plan(request, work, self._blobs)
        memory = Memory(self._checkpoints, claim, fingerprint(self.maker, work))
        resume = resumed(memory, planned, self.maker, self._store)
        return Run(self.engine.submit(*planned.requests, owner=work.owner, resume=resume), planned, memory)


def open_workshop(settings: Settings, store: JobStore, blobs: Blobs) -> ModelWorkshop:
    """Load the model that the settings name onto the device that they name."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    components = load(settings.model, *placement(settings), channels_last=settings.channels_last != "off")
    return ModelWorkshop(settings, store, blobs, components)


def placement(settings: Settings) -> tuple[torch.device, torch.dtype]:
    """Where the model runs, and in which number format."""
    device, dtype = default_device()
    if settings.device != "auto":
        device = torch.device(settings.device)
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    return device, dtype if settings.dtype == "auto" else getattr(torch, settings.dtype)


def accelerated(settings: Settings, device: torch.device) -> Acceleration:
    """What the settings choose for this device. Raises ValueError for CUDA graphs without CUDA."""
    cuda = device.type == "cuda"
    if settings.cuda_graphs == "on" and not cuda:
        raise ValueError("cuda_graphs=on needs a CUDA device")
    compiled = settings.compile == "on" or (settings.compile == "auto" and cuda and not settings.strict)
    recorded = cuda and settings.cuda_graphs != "off"
    return Acceleration("inductor" if compiled else None, CudaGraphs(device) if recorded else None)


def describe(components: Components, settings: Settings) -> ModelInfo:
    """What the api tells about this model."""
    return ModelInfo(
        name=settings.model.name,
        label=settings.model.name.replace("-", " ").replace("_", " ").capitalize(),
        description=f"{settings.model.name}, {components.native_size} x {components.native_size} pixels",
        hash=components.sha256,
        native_width=components.native_size,
        native_height=components.native_size,
        prediction=components.prediction,
        text_layers=components.text_encoder.config.num_hidden_layers,
        **_recommended(settings.model),
    )


def _recommended(model: Path) -> dict[str, Any]:
    """What a model's folder says of the settings that suit it: `recommended.json`, where there is one."""
    file = model / "recommended.json"
    said = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return {name: said[name] for name in ("guidance", "hires") if name in said}


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
