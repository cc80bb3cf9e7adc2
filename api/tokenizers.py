"""The tokenizers of the models that workers have published."""

from contract.chunks import PromptTokenizer
from contract.errors import Unavailable
from contract.jobs import ModelInfo
from contract.store import JobStore


class Tokenizers:
    """Reads each tokenizer once."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._known: dict[str, PromptTokenizer] = {}

    def of(self, model: ModelInfo) -> PromptTokenizer:
        """The tokenizer of a model. Raises Unavailable where its worker has not published it yet."""
        if model.hash not in self._known:
            dumped = self._store.tokenizer(model)
            if dumped is None:
                raise Unavailable("The model's tokenizer is not known yet")
            self._known[model.hash] = PromptTokenizer.read(dumped)
        return self._known[model.hash]
