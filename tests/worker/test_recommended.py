"""What a model's folder recommends reaches whoever asks which models there are."""

import json
from pathlib import Path

from contract.requests import Hires
from contract.settings import Settings
from tests.worker.engine.tiny import tiny
from worker.model_workshop import describe


def test_what_suits_a_model_is_told(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data=tmp_path, model=tmp_path)
    plain = describe(tiny(), settings)
    assert (plain.guidance, plain.hires) == (7.5, Hires())
    said = {"guidance": 3.0, "hires": {"upscaler": "lanczos", "strength": 0.25}}
    (tmp_path / "recommended.json").write_text(json.dumps(said))
    suited = describe(tiny(), settings)
    assert suited.guidance == 3.0
    assert suited.hires == Hires(factor=2.0, upscaler="lanczos", strength=0.25)


def test_the_bundled_model_says_what_suits_it() -> None:
    settings = Settings(_env_file=None)
    suited = describe(tiny(), settings)
    assert (suited.hires.upscaler, suited.hires.strength) == ("lanczos", 0.3)
