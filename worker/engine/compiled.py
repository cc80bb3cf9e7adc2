"""The U-Net compiled beside the work: the eager one serves until compiled code is there and was compared with it."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from worker.models.depths import Answered, Asked, Depths

log = logging.getLogger(__name__)

Backend = str | Callable[..., Any]  # of torch.compile: its name, or (graph, example inputs) -> function
Shapes = tuple[tuple[int, ...] | None, ...]
M = TypeVar("M", bound=nn.Module)

SIZES = 16  # that are compiled; pictures of further sizes go by the eager U-Net
RECOMPILES = 4 * SIZES  # beyond torch's own limit of 8 the rest would silently be eager
CLOSE = {torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 5e-2}  # relative distance that rounding may make


class Compiled:
    """Calls of a U-Net by compiled code, `ready` once it was found to answer as the eager one does.

    A size is compiled once, by a thread of its own and for any number of rows; each number of rows is compared before
    it serves, and so what it still makes torch compile is compiled there as well. The modules are a copy on the same
    weights: what others hang into theirs (hooks, convolutions that go round) is not compiled in.
    recompiles: how often a size was compiled again. To be called by one thread; `compiling` and `recompiles` by any.
    """

    def __init__(self, unet: Any, eager: Depths, backend: Backend = "inductor") -> None:
        self.recompiles = 0
        self._eager = eager
        self._backend: Callable[..., Any] = (
            torch._dynamo.lookup_backend(backend) if isinstance(backend, str) else backend
        )
        self._depths = Depths(_on_the_same_weights(unet))
        self._forward: Callable[..., tuple[Tensor, Tensor | None]] = torch.compile(  # type: ignore[call-overload]
            self._ask, backend=self._compile, fullgraph=True, recompile_limit=RECOMPILES, isolate_recompiles=True
        )  # torch's overloads leave out recompile_limit
        self._compared: dict[Shapes, bool] = {}  # True: serves
        self._under_way: set[Shapes] = set()
        self._sizes: set[Shapes] = set()
        self._size: Shapes = ()  # of the call that goes on, if any
        self._one = threading.Lock()  # compiles at a time

    @property
    def compiling(self) -> bool:
        """Whether something is being compiled or compared, which may take minutes."""
        return bool(self._under_way)

    def ready(self, asked: Asked) -> bool:
        """Whether compiled code answers calls of these shapes. It is begun where nobody has yet."""
        shapes = shapes_of(asked)
        if shapes not in self._compared:
            self._compared[shapes] = False
            if len({_size(each) for each in self._compared}) > SIZES:
                log.info("x of %s stays with the eager U-Net: %d sizes are compiled already", shapes[0], SIZES)
            else:
                self._under_way.add(shapes)
                threading.Thread(target=self._prepare, args=(shapes, asked), name="compile", daemon=True).start()
        return self._compared[shapes]

    def __call__(self, asked: Asked) -> Answered:
        """The answer to a call that is `ready`; by the eager U-Net while others are being compiled.

        For torch takes a call of compiled code in one thread, while another is tracing, for a part of what it traces.
        """
        if self.compiling:
            return self._eager(asked)
        try:
            return self._run(asked)
        except (torch._dynamo.exc.TorchDynamoException, torch._dynamo.exc.FailOnRecompileLimitHit) as error:
            self._compared[shapes_of(asked)] = False
            _tell(shapes_of(asked), error)
            return self._eager(asked)

    def _prepare(self, shapes: Shapes, asked: Asked) -> None:
        """Compile what such a call needs, and let it serve if it answers as the eager U-Net does."""
        try:
            with self._one, torch.inference_mode():
                eager = self._depths(asked)
                for tensor in asked:
                    if tensor is not None:
                        torch._dynamo.mark_dynamic(tensor, 0)
                apart = distance(self._run(asked), eager)
            self._compared[shapes] = apart <= CLOSE[asked.x.dtype]
            log.log(
                logging.INFO if self._compared[shapes] else logging.ERROR,
                "compiled for x of %s: %s, %.1e from the eager U-Net",
                shapes[0], "serves" if self._compared[shapes] else "left out", apart,
            )  # fmt: skip
        except Exception as error:  # whatever a compiler may say: there is another way
            _tell(shapes, error)
        finally:
            self._under_way.discard(shapes)

    def _run(self, asked: Asked) -> Answered:
        self._size = _size(shapes_of(asked))
        return Answered(*self._forward(*asked))

    def _ask(self, *asked: Any) -> tuple[Tensor, Tensor | None]:
        return tuple(self._depths(Asked(*asked)))  # type: ignore[return-value]

    def _compile(self, graph: Any, inputs: Any, **options: Any) -> Any:
        """What torch calls for each graph it wants compiled."""
        if self._size in self._sizes:
            self.recompiles += 1
        self._sizes.add(self._size)
        self._under_way.add(self._size)  # also where it was a call of the engine's that met something new
        try:
            return self._backend(graph, inputs, **options)
        finally:
            self._under_way.discard(self._size)


def shapes_of(asked: Asked) -> Shapes:
    return tuple(None if tensor is None else tuple(tensor.shape) for tensor in asked)


def distance(ours: Answered, theirs: Answered) -> float:
    """The largest relative distance of what two calls answered; nan where there is a nan."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    apart = [(a.float() - b.float()).norm() / b.float().norm().clamp(min=1e-12) for a, b in pairs]
    return float(torch.stack(apart).max())


def _size(shapes: Shapes) -> Shapes:
    """Shapes without their rows."""
    return tuple(shape and shape[1:] for shape in shapes)


def _on_the_same_weights(module: M) -> M:
    """A copy of the modules that holds the same tensors."""
    tensors = [*module.parameters(), *module.buffers()]
    return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})


def _tell(shapes: Shapes, error: Exception) -> None:
    reason = " ".join(str(error).split("\n")[:2])  # torch names the backend, then what it said
    log.warning(
        "x of %s stays with the eager U-Net: it could not be compiled (%s: %s)", shapes[0], type(error).__name__, reason
    )
    log.debug("why", exc_info=error)
